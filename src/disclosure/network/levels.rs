//! Levels between a part and its total, as areas are between municipalities and the region: the sum over all parts, and the rest of
//! one of them, follow from the sums of the levels.

use std::collections::BTreeSet;

use crate::disclosure::system::{Rel, System};

/// The parts of each sum that has this total.
fn sums_of<'a>(system: &'a System, incidence: &'a [Vec<usize>], of: usize) -> impl Iterator<Item = &'a [usize]> {
    incidence[of].iter().filter_map(move |&rel| match &system.relations[rel] {
        Rel::Sum { total, parts } if *total == of => Some(parts.as_slice()),
        _ => None,
    })
}

/// Whether a relation is a sum that follows from others: its total is the sum of fewer parts, and each of those is one of its own
/// parts or a sum of some.
pub(super) fn sum(system: &System, incidence: &[Vec<usize>], relation: usize) -> bool {
    let Rel::Sum { total, parts } = &system.relations[relation] else { return false };
    let wanted: BTreeSet<usize> = parts.iter().copied().collect();
    let split = |level: &usize| -> Option<Vec<usize>> {
        if wanted.contains(level) {
            return Some(vec![*level]);
        }
        sums_of(system, incidence, *level)
            .find(|below| below.iter().all(|part| wanted.contains(part)))
            .map(<[usize]>::to_vec)
    };
    sums_of(system, incidence, *total).filter(|levels| levels.len() < parts.len()).any(|levels| {
        let below: Option<Vec<Vec<usize>>> = levels.iter().map(split).collect();
        below.is_some_and(|below| {
            let all: Vec<usize> = below.concat();
            all.len() == parts.len() && all.into_iter().collect::<BTreeSet<_>>() == wanted
        })
    })
}

/// Whether a rest is that of a part of a part: what it lacks lies in two sums.
pub(super) fn rest(system: &System, incidence: &[Vec<usize>], rest: usize) -> bool {
    let Some(Rel::Nested { inner, outer, .. }) = incidence[rest].first().map(|&rel| &system.relations[rel]) else {
        return false;
    };
    let holds = |level: &usize| sums_of(system, incidence, *level).any(|below| below.contains(inner));
    sums_of(system, incidence, *outer).any(|levels| levels.iter().any(holds))
}
