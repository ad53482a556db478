//! The checker: whole-number tables that agree with everything published. No solver and no floating point here.

use std::collections::BTreeMap;

use crate::policy::rules::DisclosureRules;

use super::system::{Printed, System, bounds};

/// A possible table, written as its differences from the exact one.
pub type Deviation = BTreeMap<usize, i64>;

/// The value of a cell in a possible table.
pub(super) fn value(system: &System, table: &Deviation, cell: usize) -> i64 {
    system.truth(cell) + table.get(&cell).copied().unwrap_or(0)
}

/// Whether a reader of the printed figures cannot rule the table out: no negative counts, every printed value as it
/// would be printed, every relation satisfied.
pub(super) fn possible(system: &System, printed: &[Printed], rules: &DisclosureRules, table: &Deviation) -> bool {
    let mut values: Vec<i64> = (0..system.cells.len()).map(|cell| system.truth(cell)).collect();
    for (&cell, &moved) in table {
        match values.get_mut(cell) {
            Some(value) => *value += moved,
            None => return false,
        }
    }
    let fits = |(cell, &v): (usize, &i64)| {
        let (low, high) = bounds(printed.get(cell).copied(), rules);
        v >= low && high.is_none_or(|high| v <= high)
    };
    values.iter().enumerate().all(fits) && system.relations.iter().all(|rel| rel.holds(|c| values[c]))
}

/// Whether values `low` and `high`, both possible, leave a sensitive cell of exact size `q` open enough.
pub(super) fn wide_enough(q: i64, low: i64, high: i64, rules: &DisclosureRules) -> bool {
    let threshold = i64::from(rules.threshold);
    low <= (q - 1).max(0) && high >= threshold && high - low >= threshold
}
