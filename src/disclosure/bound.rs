//! A lower bound of what any safe pattern must suppress beside the cells that are too small themselves.
//!
//! A relation that by itself pins a sensitive cell needs at least one of its printed cells suppressed. That is a problem
//! of hitting sets; its dual (prices on relations that together stay under the loss of each cell) bounds it from below.

use super::system::{Kind, Printed, Rel, System, bounds};
use super::witness::wide_enough;
use crate::policy::rules::DisclosureRules;

/// Stands for "no bound".
const FAR: i64 = 1 << 40;

/// What it loses to suppress a cell that is not too small itself: its weight, and more when it is large.
#[must_use]
pub fn loss(system: &System, cell: usize) -> u64 {
    let cell = &system.cells[cell];
    u64::from(cell.weight.max(1)) * (40 + u64::from(cell.truth.n))
}

/// The least loss of any safe pattern that suppresses what `alone` suppresses: what each cell would print if it stood alone.
#[must_use]
pub fn least_loss(system: &System, rules: &DisclosureRules, alone: &[Printed]) -> u64 {
    let limits: Vec<(i64, i64)> = alone
        .iter()
        .map(|printed| {
            let (low, high) = bounds(Some(*printed), rules);
            (low, high.unwrap_or(FAR))
        })
        .collect();
    let openable = |cell: &usize| {
        let at = &system.cells[*cell];
        at.kind == Kind::Publishable && at.fixed.is_none() && matches!(alone[*cell], Printed::Value(_))
    };
    let pins = |rel: &&Rel| {
        let small = |cell: &usize| system.cells[*cell].needs_protection(rules);
        rel.cells().iter().filter(|cell| small(cell)).any(|&cell| {
            let (low, high) = within(rel, cell, &limits);
            !wide_enough(system.truth(cell), low, high, rules)
        })
    };
    let mut needy: Vec<Vec<usize>> = system.relations.iter().filter(pins).map(Rel::cells).collect();
    needy.iter_mut().for_each(|cells| cells.retain(&openable));
    needy.sort_by_key(Vec::len);
    let mut left: Vec<u64> = (0..system.cells.len()).map(|cell| loss(system, cell)).collect();
    let mut least = 0;
    for cells in needy {
        let price = cells.iter().map(|&cell| left[cell]).min().unwrap_or(0);
        cells.iter().for_each(|&cell| left[cell] -= price);
        least += price;
    }
    least
}

/// Between what values one relation leaves a cell, when every other cell lies within its limits.
fn within(rel: &Rel, cell: usize, limits: &[(i64, i64)]) -> (i64, i64) {
    let (total, parts) = match rel {
        Rel::Sum { total, parts } | Rel::Cover { total, parts } | Rel::AtMost { total, parts } => {
            (*total, parts.clone())
        }
        Rel::Nested { inner, outer, rest } => (*outer, vec![*inner, *rest]),
    };
    let others = || parts.iter().filter(|&&part| part != cell).map(|&part| limits[part]);
    let (low, high): (i64, i64) = (others().map(|(low, _)| low).sum(), others().map(|(_, high)| high).sum());
    let (low, high) = match (rel, cell == total) {
        (Rel::Sum { .. } | Rel::Nested { .. }, true) => (low, high),
        (Rel::Sum { .. } | Rel::Nested { .. }, false) => (limits[total].0 - high, limits[total].1 - low),
        (Rel::Cover { .. }, true) => (others().map(|(low, _)| low).max().unwrap_or(0), high),
        (Rel::Cover { .. }, false) => (limits[total].0 - high, limits[total].1),
        (Rel::AtMost { .. }, true) => (0, high),
        (Rel::AtMost { .. }, false) => (limits[total].0 - high, FAR),
    };
    (low.max(limits[cell].0), high.min(limits[cell].1))
}
