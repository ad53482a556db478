//! Several editions of one component in one system. What was printed before a formal revision stays known, so the old
//! counts are constants beside the new ones, and each pair of them is tied: old + added = new + removed. How many were
//! added and removed is nobody's business when they are few: both are hidden cells that the audit protects.

use std::collections::{BTreeMap, BTreeSet};

use super::DisclosureFault;
use super::plan::{At, Plan, at};
use super::system::{Cell, Rel, System};
use crate::domain::query::TableQuery;
use crate::indicator::raw::RawTable;
use crate::indicator::relations::CellRef;

/// An edition: its plan, and the exact tables behind it, computed over columns that were built to be compared.
pub(super) struct Edition<'a> {
    pub(super) plan: Plan,
    pub(super) raws: &'a [RawTable],
}

/// The cells that tie two counts of one cell.
struct Tie {
    added: usize,
    removed: usize,
}

/// One plan over all editions; `last` is what is released now, the others come oldest first. `margin` is the threshold
/// of the convenant.
pub(super) fn join(past: Vec<Edition<'_>>, last: Edition<'_>, margin: i64) -> Result<Plan, DisclosureFault> {
    if past.is_empty() {
        return Ok(last.plan);
    }
    let (mut plans, raws): (Vec<Plan>, Vec<&[RawTable]>) =
        past.into_iter().chain([last]).map(|edition| (edition.plan, edition.raws)).unzip();
    let deep = plans.iter().any(|plan| plan.system.deep);
    let mut joined = System { deep, ..System::default() };
    let relations = laid(&mut joined, &mut plans);
    let mut hint = BTreeMap::new();
    for (n, pair) in plans.windows(2).enumerate() {
        let ties = tie(&mut joined, (&pair[0], raws[n]), (&pair[1], raws[n + 1]))?;
        for (added, removed, both) in ties.values().map(|(tie, both)| (tie.added, tie.removed, *both)) {
            hint.extend([added, removed, both].map(|cell| (cell, margin)));
        }
        let ties: BTreeMap<usize, Tie> = ties.into_iter().map(|(cell, (tie, _))| (cell, tie)).collect();
        relations[n + 1].iter().for_each(|rel| changes(&mut joined, rel, &ties));
    }
    // As many more on both sides everywhere: nobody who sees the counts alone can rule that out.
    joined.hints.push(hint);
    let mut indices: Vec<BTreeMap<CellRef, usize>> = plans.into_iter().map(|plan| plan.index).collect();
    let index = indices.pop().unwrap_or_default();
    Ok(Plan { system: joined, index, past: indices })
}

/// Lays the systems beside each other, cells with names first, and renumbers the plans; the relations of each.
fn laid(joined: &mut System, plans: &mut [Plan]) -> Vec<Vec<Rel>> {
    let mut places: Vec<Vec<usize>> = plans.iter().map(|plan| vec![0; plan.system.cells.len()]).collect();
    for named in [true, false] {
        for (plan, places) in plans.iter().zip(&mut places) {
            let names: BTreeSet<usize> = plan.index.values().copied().collect();
            for (i, cell) in plan.system.cells.iter().enumerate().filter(|(i, _)| names.contains(i) == named) {
                places[i] = joined.cells.len();
                joined.cells.push(cell.clone());
            }
        }
    }
    let mut all = Vec::with_capacity(plans.len());
    for (plan, places) in plans.iter_mut().zip(&places) {
        plan.index.values_mut().for_each(|i| *i = places[*i]);
        let relations: Vec<Rel> = plan.system.relations.iter().map(|rel| renumbered(rel, |c| places[c])).collect();
        joined.relations.extend(relations.iter().cloned());
        all.push(relations);
    }
    all
}

fn renumbered(rel: &Rel, to: impl Fn(usize) -> usize) -> Rel {
    let all = |parts: &[usize]| parts.iter().map(|&part| to(part)).collect();
    match rel {
        Rel::Sum { total, parts } => Rel::Sum { total: to(*total), parts: all(parts) },
        Rel::Cover { total, parts } => Rel::Cover { total: to(*total), parts: all(parts) },
        Rel::AtMost { total, parts } => Rel::AtMost { total: to(*total), parts: all(parts) },
        Rel::Nested { inner, outer, rest } => Rel::Nested { inner: to(*inner), outer: to(*outer), rest: to(*rest) },
    }
}

/// Ties every cell that both editions have; by the newer cell, with the cell of everybody who is in either.
fn tie(
    joined: &mut System,
    (old, old_raws): (&Plan, &[RawTable]),
    (new, new_raws): (&Plan, &[RawTable]),
) -> Result<BTreeMap<usize, (Tie, usize)>, DisclosureFault> {
    let (before, now) = (units(old_raws), units(new_raws));
    let mut ties = BTreeMap::new();
    for (cell, &newer) in &new.index {
        let Some(&older) = old.index.get(cell) else { continue };
        if joined.cells[older].impossible || joined.cells[newer].impossible {
            continue;
        }
        let of = |units: &BTreeMap<(&TableQuery, At), BTreeSet<u128>>| {
            units.get(&(&cell.table, at(cell))).cloned().unwrap_or_default()
        };
        let (was, is) = (of(&before), of(&now));
        let counted = |set: &BTreeSet<u128>, cell: usize| u32::try_from(set.len()) == Ok(joined.cells[cell].truth.n);
        if !counted(&was, older) || !counted(&is, newer) {
            return Err(DisclosureFault::Definition("de eenheden van een cel zijn niet te vergelijken".into()));
        }
        let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let sizes = [was.union(&is).count(), is.difference(&was).count(), was.difference(&is).count()];
        let [both, added, removed] = sizes.map(|n| {
            joined.cells.push(Cell::hidden(size(n)));
            joined.cells.len() - 1
        });
        joined.relations.push(Rel::Sum { total: both, parts: vec![older, added] });
        joined.relations.push(Rel::Sum { total: both, parts: vec![newer, removed] });
        ties.insert(newer, (Tie { added, removed }, both));
    }
    Ok(ties)
}

/// The units of every cell, by table and place.
fn units(raws: &[RawTable]) -> BTreeMap<(&TableQuery, At), BTreeSet<u128>> {
    let mut units = BTreeMap::new();
    for raw in raws {
        for cell in raw.cells() {
            let at = (cell.series.clone(), cell.measure.clone(), cell.key.clone());
            units.insert((raw.query(), at), cell.units.iter().copied().collect());
        }
    }
    units
}

/// Whoever is new in a total is new in one of its parts, and whoever is gone from it is gone from one of them.
fn changes(joined: &mut System, rel: &Rel, ties: &BTreeMap<usize, Tie>) {
    let (Rel::Sum { total, parts } | Rel::Cover { total, parts }) = rel else { return };
    let all: Option<Vec<&Tie>> = std::iter::once(total).chain(parts).map(|cell| ties.get(cell)).collect();
    let Some((total, parts)) = all.as_deref().and_then(<[&Tie]>::split_first) else { return };
    for of in [|tie: &Tie| tie.added, |tie: &Tie| tie.removed] {
        let (total, parts): (usize, Vec<usize>) = (of(total), parts.iter().map(|tie| of(tie)).collect());
        let same = parts.len() == 1;
        joined.relations.push(if same { Rel::Sum { total, parts } } else { Rel::AtMost { total, parts } });
    }
}
