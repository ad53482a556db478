//! What the gate believes of a grouping: each handle once, and every void group exactly as it was made. The monitor does not know which
//! tags are void, so one that invents groups or leaves some out touches them.

use super::monitor::Grouping;

/// What a handle stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Handle {
    /// A bundle of a node.
    Bundle(usize),
    /// A void group.
    Void(usize),
}

/// Why a grouping is not believed.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Doubt {
    /// No grouping of these tags: the monitor's doing.
    Lie,
    /// These bundles do not open, it says: their nodes' doing or its own.
    Unopened(Vec<usize>),
}

/// The groups of bundles, single ones too.
pub(super) fn believed(grouping: &Grouping, handles: &[Handle]) -> Result<Vec<Vec<usize>>, Doubt> {
    let meant = |at: &u32| handles.get(*at as usize).copied().ok_or(Doubt::Lie);
    if !grouping.unopened.is_empty() {
        let unopened = grouping.unopened.iter().map(|at| match meant(at)? {
            Handle::Bundle(bundle) => Ok(bundle),
            // We sealed it ourselves.
            Handle::Void(_) => Err(Doubt::Lie),
        });
        return Err(Doubt::Unopened(unopened.collect::<Result<_, _>>()?));
    }
    let mut seen = vec![false; handles.len()];
    if grouping.groups.iter().any(|group| group.len() < 2) {
        return Err(Doubt::Lie);
    }
    for at in grouping.groups.iter().flatten() {
        let seen = seen.get_mut(*at as usize).ok_or(Doubt::Lie)?;
        if std::mem::replace(seen, true) {
            return Err(Doubt::Lie);
        }
    }
    let voids = void_sizes(handles);
    let together = grouping.groups.iter().map(|group| group.iter().map(meant).collect::<Result<Vec<_>, _>>());
    let alone = (0..handles.len()).filter(|at| !seen[*at]).map(|at| Ok(vec![handles[at]]));
    let mut bundles = Vec::new();
    for group in together.chain(alone) {
        let group = group?;
        match group.first() {
            Some(Handle::Void(void)) => {
                let whole = group.iter().all(|handle| *handle == Handle::Void(*void));
                if !whole || voids.get(*void) != Some(&group.len()) {
                    return Err(Doubt::Lie);
                }
            }
            Some(Handle::Bundle(_)) => bundles.push(only_bundles(&group).ok_or(Doubt::Lie)?),
            None => return Err(Doubt::Lie),
        }
    }
    Ok(bundles)
}

fn void_sizes(handles: &[Handle]) -> Vec<usize> {
    let mut sizes = Vec::new();
    for handle in handles {
        if let Handle::Void(void) = *handle {
            sizes.resize(sizes.len().max(void + 1), 0);
            sizes[void] += 1;
        }
    }
    sizes
}

fn only_bundles(group: &[Handle]) -> Option<Vec<usize>> {
    let bundle = |handle: &Handle| match handle {
        Handle::Bundle(at) => Some(*at),
        Handle::Void(_) => None,
    };
    group.iter().map(bundle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(groups: &[&[u32]], unopened: &[u32]) -> Grouping {
        Grouping { groups: groups.iter().map(|g| g.to_vec()).collect(), unopened: unopened.to_vec() }
    }

    #[test]
    fn void_groups_come_back_as_they_were_made_or_the_monitor_lies() {
        let (bundle, void) = (Handle::Bundle, Handle::Void);
        let handles = [bundle(0), void(0), bundle(1), void(1), void(1), bundle(2)];
        let good = believed(&of(&[&[4, 3], &[0, 5]], &[]), &handles);
        assert_eq!(good, Ok(vec![vec![0, 2], vec![1]]));
        for (lie, what) in [
            (of(&[&[0, 5]], &[]), "a void group left out"),
            (of(&[&[0, 5], &[3, 4], &[1, 2]], &[]), "a void tag with a child"),
            (of(&[&[0, 5], &[3, 4, 1]], &[]), "two void groups together"),
            (of(&[&[0, 5], &[3, 4], &[0, 2]], &[]), "a handle twice"),
            (of(&[&[0, 5], &[3, 4, 4]], &[]), "a handle twice in a group"),
            (of(&[&[0, 6], &[3, 4]], &[]), "a handle that does not exist"),
            (of(&[&[3, 4], &[]], &[]), "an empty group"),
            (of(&[&[3, 4], &[0]], &[]), "a group of one"),
            (of(&[&[3, 4]], &[1]), "a void tag that would not open"),
            (of(&[&[3, 4]], &[9]), "a handle that does not exist and would not open"),
        ] {
            assert_eq!(believed(&lie, &handles), Err(Doubt::Lie), "{what}");
        }
        assert_eq!(believed(&of(&[&[3, 4]], &[5, 0]), &handles), Err(Doubt::Unopened(vec![2, 0])));
    }
}
