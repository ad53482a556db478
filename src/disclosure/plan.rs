//! From raw tables and declared relations to one system of cells, and back to printed marks by name.

use std::collections::{BTreeMap, BTreeSet};

use super::DisclosureFault;
use super::component::series_is_final;
use super::ledger::{StoredTable, name};
use super::print::DERIVED;
use super::rules::sensitive;
use super::system::{Cell, Kind, Printed, Rel, System};
use crate::domain::day::Day;
use crate::domain::query::{Dimension, IndicatorId, TableQuery};
use crate::domain::table::{Mark, Row, Table};
use crate::indicator::definition::Visibility;
use crate::indicator::raw::{Count, RawTable, RawValue};
use crate::indicator::relations::{CellRef, Relation, relations};
use crate::indicator::release::Release;
use crate::policy::rules::DisclosureRules;

/// A table of the system: whether it leaves, and what was printed of it earlier.
pub(super) struct Part<'a> {
    pub(super) query: TableQuery,
    pub(super) horizon: Day,
    pub(super) kind: Kind,
    pub(super) earlier: Option<&'a StoredTable>,
}

/// A system with the names of its cells.
pub(super) struct Plan {
    pub(super) system: System,
    pub(super) index: BTreeMap<CellRef, usize>,
    /// The cells of editions that formal revisions replaced, oldest first.
    pub(super) past: Vec<BTreeMap<CellRef, usize>>,
}

/// One cell of a table's frame: what the convenant declares, filled or not.
pub(super) struct Place {
    pub(super) cell: CellRef,
    pub(super) released: bool,
    /// Counted by another release as well, whose audit guards it.
    pub(super) elsewhere: bool,
    pub(super) possible: bool,
    /// Not final within the table's horizon: printed as not delivered, unknown to the system.
    pub(super) open: bool,
}

/// Every cell of a table in the order of printing: series, key, measure.
pub(super) fn frame(table: &TableQuery, horizon: Day, release: &Release) -> Vec<Place> {
    let mut places = Vec::new();
    for series in release.series(table.indicator) {
        let open = !series_is_final(table, &series.name, horizon);
        let measures = release.measures(table, &series.name);
        for key in release.keys(&table.by) {
            let possible = release.possible(table, &series.name, &key);
            for (measure, visibility) in &measures {
                let series = series.name.clone();
                let cell = CellRef { table: table.clone(), series, measure: measure.clone(), key: key.clone() };
                let [released, elsewhere] = [Visibility::Released, Visibility::Elsewhere].map(|of| of == *visibility);
                places.push(Place { cell, released, elsewhere: elsewhere && possible, possible, open });
            }
        }
    }
    places
}

impl Plan {
    /// Builds the system of the parts; `raws` holds a raw table for each of them.
    pub(super) fn build(
        parts: &[Part<'_>],
        (release, rules): (&Release, &DisclosureRules),
        raws: &[RawTable],
    ) -> Result<Self, DisclosureFault> {
        let deep = parts.iter().any(|part| part.query.by.len() > 2);
        let system = System { deep, ..System::default() };
        let mut plan = Self { system, index: BTreeMap::new(), past: Vec::new() };
        for part in parts {
            let raw = raws.iter().find(|raw| *raw.query() == part.query);
            let raw =
                raw.ok_or_else(|| DisclosureFault::Definition(format!("{} is niet berekend", name(&part.query))))?;
            plan.add_table(part, (release, rules), raw)?;
        }
        let tables: Vec<TableQuery> = parts.iter().map(|part| part.query.clone()).collect();
        for relation in relations(&tables, release) {
            plan.add_relation(&relation);
        }
        Ok(plan)
    }

    fn add_table(
        &mut self,
        part: &Part<'_>,
        (release, rules): (&Release, &DisclosureRules),
        raw: &RawTable,
    ) -> Result<(), DisclosureFault> {
        let counts = counts_of(raw);
        let earlier = part.earlier.map(|stored| earlier_marks(stored, release)).transpose()?;
        for place in frame(&part.query, part.horizon, release) {
            if place.open {
                continue;
            }
            let at = at(&place.cell);
            let truth = counts.get(&at).copied().unwrap_or_default();
            let fixed = match (&earlier, part.earlier) {
                _ if place.elsewhere && sensitive(truth, rules) => Some(Printed::Elsewhere),
                _ if place.elsewhere => Some(Printed::Known(truth.n)),
                (Some(marks), Some(stored)) if place.released => {
                    Some(marks.get(&at).copied().ok_or_else(|| other_terms(stored))?)
                }
                _ => None,
            };
            let kind = if place.released { part.kind } else { Kind::Hidden };
            let weight = weight(&place.cell);
            self.system.cells.push(Cell { truth, kind, impossible: !place.possible, fixed, weight });
            self.index.insert(place.cell, self.system.cells.len() - 1);
        }
        Ok(())
    }

    /// Adds a relation when the system has all its cells; an unknown cell only makes the relation say less.
    fn add_relation(&mut self, relation: &Relation) {
        let known: Option<Vec<usize>> = relation.cells().iter().map(|cell| self.index.get(cell).copied()).collect();
        let Some((&first, others)) = known.as_deref().and_then(<[usize]>::split_first) else { return };
        let (total, parts) = (first, others.to_vec());
        let rel = match relation {
            Relation::Sum { .. } => Rel::Sum { total, parts },
            Relation::Cover { .. } => Rel::Cover { total, parts },
            Relation::AtMost { .. } => Rel::AtMost { total, parts },
            Relation::Nested { .. } | Relation::Known { .. } => {
                let Some(&inner) = others.first() else { return };
                let outer = first;
                let truth = rest(self.system.cells[outer].truth, self.system.cells[inner].truth);
                let known = matches!(relation, Relation::Known { .. }).then_some(Printed::Known(truth.n));
                let hidden = Cell::hidden(truth.n);
                self.system.cells.push(if known.is_some() {
                    Cell { fixed: known, ..hidden }
                } else {
                    Cell { truth, ..hidden }
                });
                Rel::Nested { inner, outer, rest: self.system.cells.len() - 1 }
            }
        };
        self.system.relations.push(rel);
    }

    /// What is printed of a named cell; suppressed when the system does not have it.
    pub(super) fn printed(&self, cell: &CellRef, printed: &[Printed]) -> Printed {
        self.index.get(cell).and_then(|&i| printed.get(i).copied()).unwrap_or(Printed::Suppressed)
    }

    /// The names of all cells, by number, each with its edition: 0 what is released now, then the replaced ones, oldest
    /// first. None for the rest of two cells.
    pub(super) fn names(&self) -> Vec<Option<(usize, &CellRef)>> {
        let mut names = vec![None; self.system.cells.len()];
        for (edition, index) in std::iter::once(&self.index).chain(&self.past).enumerate() {
            index.iter().for_each(|(cell, &i)| names[i] = Some((edition, cell)));
        }
        names
    }

    /// In which table a cell stands, for the operator: not which it is.
    pub(super) fn table_of(&self, index: usize) -> String {
        let mut all = std::iter::once(&self.index).chain(&self.past).flatten();
        let named = all.find(|(_, i)| **i == index).map(|(cell, _)| cell);
        named.map_or_else(|| "een rest van twee cellen".to_owned(), |cell| name(&cell.table))
    }
}

/// What is in the larger count only. Its families are not counted, but there are at least as many as these and none is larger: so a
/// rest is never taken for safer than it is. A pair the wrong way round is caught by the check of the exact figures.
fn rest(outer: Count, inner: Count) -> Count {
    let n = outer.n.saturating_sub(inner.n);
    // A regional count that may not be printed comes without its families: then they can be as many as its units.
    let families = if inner.families == 0 { inner.n } else { inner.families };
    let least = outer.families.saturating_sub(families).max(n.div_ceil(outer.largest.max(1)));
    Count { n, families: least.min(n), largest: outer.largest.min(n) }
}

pub(super) fn other_terms(stored: &StoredTable) -> DisclosureFault {
    let (name, day, terms) = (name(stored.query()), stored.released(), stored.terms());
    DisclosureFault::Closed(format!("{name}, vrijgegeven op {day} onder convenant {terms}, heeft een andere indeling"))
}

pub(super) type At = (String, String, Vec<String>);

fn counts_of(raw: &RawTable) -> BTreeMap<At, Count> {
    let count = |value| match value {
        RawValue::Count(count) => Some(count),
        RawValue::OwnOnly(_) => None,
    };
    let cells = raw.cells().iter();
    cells.filter_map(|c| Some(((c.series.clone(), c.measure.clone(), c.key.clone()), count(c.value)?))).collect()
}

/// What an earlier release printed, by cell.
fn earlier_marks(stored: &StoredTable, release: &Release) -> Result<BTreeMap<At, Printed>, DisclosureFault> {
    let table: Table = stored.table()?;
    let frame = frame(stored.query(), stored.horizon(), release);
    let declared: BTreeSet<At> = frame.into_iter().filter(|p| p.released).map(|p| at(&p.cell)).collect();
    let mut marks = BTreeMap::new();
    for row in table.rows.iter().filter(|row| !DERIVED.contains(&row.measure.as_str())) {
        let cell = (row.series.clone(), row.measure.clone(), key_of(row, &table.by));
        if !declared.contains(&cell) {
            // Other bins or another domain: the present terms have no such cell.
            return Err(other_terms(stored));
        }
        let printed = match (row.value, row.mark) {
            (Some(v), None) => u32::try_from(v).map(Printed::Value).map_err(|_| other_terms(stored))?,
            (None, Some(Mark::Suppressed)) => Printed::Suppressed,
            (None, Some(Mark::Impossible)) => Printed::Impossible,
            _ => continue,
        };
        marks.insert(cell, printed);
    }
    Ok(marks)
}

pub(super) fn at(cell: &CellRef) -> At {
    (cell.series.clone(), cell.measure.clone(), cell.key.clone())
}

/// The dimension values of a row in the order of `by`.
fn key_of(row: &Row, by: &[Dimension]) -> Vec<String> {
    by.iter().map(|d| row.key.get(d).cloned().unwrap_or_default()).collect()
}

/// How much a reader loses with a cell: totals and years weigh most, bins and reasons least.
fn weight(cell: &CellRef) -> u32 {
    let breakdown = match cell.table.by.len() {
        0 => 100,
        1 => 8,
        _ => 2,
    };
    let period = if cell.table.period.quarters().len() > 1 { 3 } else { 1 };
    let measure = if cell.measure.starts_with("bin:") { 1 } else { 4 };
    let detail = cell.table.indicator == IndicatorId::Ind02 && cell.series.contains('|');
    breakdown * period * measure * if detail { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_never_taken_for_safer_than_it_is() {
        let of = |outer: (u32, u32, u32), inner: (u32, u32, u32)| {
            let count = |(n, families, largest)| Count { n, families, largest };
            let rest = rest(count(outer), count(inner));
            ((rest.n, rest.families, rest.largest), sensitive(rest, &DisclosureRules::default()))
        };
        assert_eq!(of((40, 40, 1), (25, 25, 1)), ((15, 15, 1), false), "nobody is of another's family");
        assert_eq!(of((40, 30, 4), (25, 25, 1)), ((15, 5, 4), false));
        assert_eq!(of((40, 21, 10), (30, 20, 2)), ((10, 1, 10), true), "it may be one family");
        assert_eq!(of((40, 20, 5), (30, 20, 2)), ((10, 2, 5), true), "of two families at least, so maybe of two");
        assert_eq!(of((40, 30, 2), (30, 0, 30)), ((10, 5, 2), false), "the families of a part are not known");
        assert_eq!(of((40, 0, 3), (0, 0, 0)), ((40, 14, 3), false));
        assert_eq!(of((5, 5, 1), (5, 5, 1)), ((0, 0, 0), true));
    }

    /// Units of families, some of which are in the part: the rest has at least so many families, none larger.
    #[test]
    fn the_families_of_a_rest_are_bounded_by_those_of_the_pair() {
        for seed in 0..4_000_u32 {
            let mixed =
                |i: u32| (seed.wrapping_mul(2_654_435_761) ^ i.wrapping_mul(40_503)).wrapping_mul(2_246_822_519) >> 16;
            let units: Vec<(u32, bool)> = (0..1 + seed % 30).map(|i| (mixed(i) % 7, mixed(i + 99) % 3 > 0)).collect();
            let count = |of: &dyn Fn(&(u32, bool)) -> bool| {
                let mut sizes = BTreeMap::new();
                units.iter().filter(|unit| of(unit)).for_each(|(family, _)| *sizes.entry(*family).or_insert(0) += 1);
                let families = u32::try_from(sizes.len()).expect("small");
                Count { n: sizes.values().sum(), families, largest: sizes.values().copied().max().unwrap_or(0) }
            };
            let (bound, exact) = (rest(count(&|_| true), count(&|unit| unit.1)), count(&|unit| !unit.1));
            assert_eq!(bound.n, exact.n);
            assert!(bound.families <= exact.families && bound.largest >= exact.largest, "{seed}");
        }
    }
}
