//! Relations between released counts that the definitions imply for every input; disclosure control reckons with them.
//!
//! A relation stands here only when it holds whatever the events are: imprecise dates, rows without subject, doubles.
//! `tests/it/relations.rs` evaluates every relation on random events.

use std::collections::BTreeSet;

use super::definition::{Timing, Unit, Visibility, definition};
use super::periods;
use super::release::{BEGUN, Release, YEAR_ONLY, base, bin_measure, days_of};
use crate::domain::period::{Period, PeriodKind};
use crate::domain::query::{IndicatorId, TableQuery};

pub use super::relation::{CellRef, Relation};

/// Version of the cells and relations that audits reckon with; a witness says under which it was made.
///
/// 1: IND-07 and IND-08 apart. 2: as one population, with all trajectories that begin on a known day (`n_begonnen`).
pub const VERSION: u32 = 2;

/// The first version of which a cell is.
#[must_use]
pub fn since(cell: &CellRef) -> u32 {
    if cell.measure == BEGUN { 2 } else { 1 }
}

/// The tables and, of every breakdown, the tables with fewer dimensions: their counts follow from the breakdown or bound
/// it, printed or not, so the audit has to know them.
#[must_use]
pub fn closed(tables: &[TableQuery]) -> Vec<TableQuery> {
    let mut all: BTreeSet<TableQuery> = tables.iter().cloned().collect();
    let mut open: Vec<TableQuery> = tables.to_vec();
    while let Some(table) = open.pop() {
        for place in 0..table.by.len() {
            let mut coarser = table.clone();
            coarser.by.remove(place);
            if all.insert(coarser.clone()) {
                open.push(coarser);
            }
        }
    }
    all.into_iter().collect()
}

/// Every relation between the counts of a plan, over the tables of [`closed`].
///
/// The cells named are those of [`Release::series`], [`Release::measures`] (hidden ones too) and [`Release::keys`] for
/// which [`Release::possible`] says that they can be other than 0.
#[must_use]
pub fn relations(tables: &[TableQuery], release: &Release) -> Vec<Relation> {
    let tables: BTreeSet<TableQuery> = closed(tables).into_iter().collect();
    let mut book = Book { release, relations: Vec::new() };
    for table in &tables {
        book.breakdowns(table);
        book.areas(table, &tables);
        for key in release.keys(&table.by) {
            book.within(table, &key);
            book.between_series(table, &key);
            book.base(table, &tables, &key);
            book.begun(table, &tables, &key);
        }
        book.over_time(table, &tables);
        book.same_breakdown(table, &tables);
    }
    book.relations
}

mod areas;
mod linked;

/// The relations found so far.
struct Book<'a> {
    release: &'a Release,
    relations: Vec<Relation>,
}

impl Book<'_> {
    fn cell(&self, table: &TableQuery, series: &str, measure: &str, key: &[String]) -> Option<CellRef> {
        let counted = self.release.visibility(table.indicator, series, measure) != Visibility::Own;
        let series_known = counted && self.release.has_series(table.indicator, series);
        let known = series_known && self.release.possible(table, series, key);
        let [series, measure] = [series, measure].map(str::to_owned);
        known.then(|| CellRef { table: table.clone(), series, measure, key: key.to_vec() })
    }

    /// Counted once in exactly one part.
    fn sum(&mut self, total: Option<CellRef>, parts: Vec<Option<CellRef>>) {
        let (Some(total), parts) = (total, present(parts)) else { return };
        if parts.len() > 2 {
            self.rests(&total, &parts);
        }
        if !parts.is_empty() {
            self.relations.push(Relation::Sum { total, parts });
        }
    }

    /// Counted at least once in a part, and once in the total.
    fn cover(&mut self, total: Option<CellRef>, parts: Vec<Option<CellRef>>) {
        let (Some(total), parts) = (total, present(parts)) else { return };
        match parts.len() {
            0 => {}
            1 => self.relations.push(Relation::Sum { total, parts }),
            _ => {
                self.rests(&total, &parts);
                self.relations.push(Relation::Cover { total, parts });
            }
        }
    }

    fn nested(&mut self, inner: Option<CellRef>, outer: Option<CellRef>) {
        if let (Some(inner), Some(outer)) = (inner, outer) {
            self.relations.push(Relation::Nested { inner, outer });
        }
    }

    /// Each printed part leaves a rest of the total that is a population of its own.
    fn rests(&mut self, total: &CellRef, parts: &[CellRef]) {
        let printed = |cell: &CellRef| {
            self.release.visibility(cell.table.indicator, &cell.series, &cell.measure) == Visibility::Released
        };
        if printed(total) {
            let nested = parts.iter().filter(|part| printed(part));
            let nested = nested.map(|part| Relation::Nested { inner: part.clone(), outer: total.clone() });
            self.relations.extend(nested);
        }
    }

    /// Adds the relation that the unit of the indicator gives between a count and its parts.
    fn parts(&mut self, single: bool, total: Option<CellRef>, parts: Vec<Option<CellRef>>) {
        if single { self.sum(total, parts) } else { self.cover(total, parts) }
    }

    /// Cells of a breakdown and the table with one dimension less.
    fn breakdowns(&mut self, table: &TableQuery) {
        for place in 0..table.by.len() {
            let mut parent = table.clone();
            let dimension = parent.by.remove(place);
            for series in self.release.series(table.indicator) {
                for (measure, _) in self.release.measures(table, &series.name) {
                    for key in self.release.keys(&parent.by) {
                        let child = |value: String| {
                            let mut key = key.clone();
                            key.insert(place, value);
                            self.cell(table, &series.name, &measure, &key)
                        };
                        let parts = self.release.values(dimension).into_iter().map(child).collect();
                        let total = self.cell(&parent, &series.name, &measure, &key);
                        self.parts(in_one_cell(table.indicator, &series.name), total, parts);
                    }
                }
            }
        }
    }

    /// Measures of one series and cell.
    fn within(&mut self, table: &TableQuery, key: &[String]) {
        let indicator = table.indicator;
        if self.release.linked {
            return self.within_linked(table, key);
        }
        let (total, part, open) = match indicator {
            IndicatorId::Ind06 => ("n", "binnen_norm", None),
            IndicatorId::Ind07 | IndicatorId::Ind08 | IndicatorId::Ind08P => {
                ("noemer", "teller", Some("n_open_te_laat"))
            }
            IndicatorId::Ind17 => ("n", "", None),
            _ => return,
        };
        for series in self.release.series(indicator) {
            let Some(days) = days_of(indicator, &series.name) else { continue };
            let cut = self.release.bin_cut(indicator, days);
            let bins: Vec<String> = cut.bins().iter().map(|bin| bin_measure(bin)).collect();
            let cells = |book: &Self, measures: &[String]| -> Vec<Option<CellRef>> {
                measures.iter().map(|m| book.cell(table, &series.name, m, key)).collect()
            };
            let mut all = cells(self, &bins);
            all.extend(open.map(|open| self.cell(table, &series.name, open, key)));
            let outer = self.cell(table, &series.name, total, key);
            self.sum(outer.clone(), all);
            if let Some(norm) = series.norm.map(|norm| norm.value).filter(|_| !part.is_empty()) {
                let inner = self.cell(table, &series.name, part, key);
                if let Some(place) = cut.edges.iter().position(|&edge| edge == norm) {
                    let upto = cells(self, &bins[..=place]);
                    self.sum(inner.clone(), upto);
                }
                self.nested(inner, outer);
            }
        }
    }

    /// Series of one table and cell.
    fn between_series(&mut self, table: &TableQuery, key: &[String]) {
        let indicator = table.indicator;
        let names = |prefix: &str, names: &[&str]| names.iter().map(|n| format!("{prefix}{n}")).collect::<Vec<_>>();
        let (prefix, measures): (_, &[&str]) = match indicator {
            IndicatorId::Ind01 | IndicatorId::Ind02 if table.period.kind() == PeriodKind::Year => {
                ("", &["n_kinderen", YEAR_ONLY])
            }
            IndicatorId::Ind01 | IndicatorId::Ind02 => ("", &["n_kinderen"]),
            IndicatorId::Ind03 if self.release.linked => ("KETEN|", &["n_kinderen"]),
            IndicatorId::Ind03 => ("LOKAAL|", &["n_som_organisaties"]),
            IndicatorId::Ind10 => {
                let parts = names("", &["DUUR_0-183", "DUUR_184-365", "DUUR_366+", "DUUR_OPEN"]);
                for (measure, _) in self.release.measures(table, "ALLE") {
                    let parts = parts.iter().map(|s| self.cell(table, s, &measure, key)).collect();
                    self.sum(self.cell(table, "ALLE", &measure, key), parts);
                }
                return;
            }
            IndicatorId::Ind13 if table.period.bounds().1.0 + 730 <= self.release.settings.horizon.0 => {
                let [short, long] = ["MAATREGEL_12M", "MAATREGEL_24M"].map(|s| self.cell(table, s, "teller", key));
                return self.nested(short, long);
            }
            _ => return,
        };
        for measure in measures {
            let cells = |series: Vec<String>| series.iter().map(|s| self.cell(table, s, measure, key)).collect();
            let parts: Vec<_> = cells(names(prefix, &["OTS", "VOTS", "VOOGDIJ"]));
            let total = self.cell(table, &format!("{prefix}JB"), measure, key);
            let mut covers = vec![(total, parts)];
            for outer in ["OTS", "VOTS", "VOOGDIJ", "PJB"].iter().filter(|_| indicator == IndicatorId::Ind02) {
                let inner = definition(indicator).series.iter().map(|s| s.name.clone());
                let inner = inner.filter(|s| s.split_once('|').is_some_and(|(measure, _)| measure == *outer));
                covers.push((self.cell(table, outer, measure, key), cells(inner.collect())));
            }
            for (total, parts) in covers {
                self.cover(total, parts);
            }
        }
    }

    /// IND-07 and IND-08 begin with the same trajectories; each leaves out those without a usable duration. How many those are
    /// is no secret worth keeping: a reader is taken to know it.
    fn begun(&mut self, table: &TableQuery, tables: &BTreeSet<TableQuery>, key: &[String]) {
        let contact = TableQuery { indicator: IndicatorId::Ind08, ..table.clone() };
        if table.indicator != IndicatorId::Ind07 || !tables.contains(&contact) {
            return;
        }
        for series in self.release.series(table.indicator) {
            for of in [table, &contact] {
                let inner = self.cell(of, &series.name, "noemer", key);
                if let (Some(inner), Some(outer)) = (inner, self.cell(table, &series.name, BEGUN, key)) {
                    self.relations.push(Relation::Known { inner, outer });
                }
            }
        }
    }

    /// Follow-up counts and the children with the event that they start from.
    fn base(&mut self, table: &TableQuery, tables: &BTreeSet<TableQuery>, key: &[String]) {
        for series in self.release.series(table.indicator) {
            let Some((indicator, outer)) = base(table.indicator, &series.name) else { continue };
            let other = TableQuery { indicator, ..table.clone() };
            // At a node the parts of IND-10 by duration are tied to the whole of it alone.
            let part = series.name.starts_with("DUUR_") && !self.release.linked;
            if part || !tables.contains(&other) {
                continue;
            }
            for measure in ["teller", "teller_gekoppeld", "teller_reden07"] {
                if definition(table.indicator).measure(measure).is_some() {
                    let inner = self.cell(table, &series.name, measure, key);
                    self.nested(inner, self.cell(&other, outer, "n_kinderen", key));
                }
            }
        }
    }

    /// A period and the shorter periods in it; on the last day, periods that end together.
    fn over_time(&mut self, table: &TableQuery, tables: &BTreeSet<TableQuery>) {
        let others = tables.iter().filter(|t| t.indicator == table.indicator && t.by == table.by).map(|t| t.period);
        let others: BTreeSet<Period> = others.filter(|&p| p != table.period).collect();
        let definition = definition(table.indicator);
        let (inside, complete) = match definition.timing {
            Timing::Delivery => return,
            Timing::LastDay => {
                let same = others.iter().find(|p| p.bounds().1 == table.period.bounds().1 && **p < table.period);
                (same.copied().into_iter().collect(), true)
            }
            Timing::Flow => periods::inside(table.period, &others),
        };
        for key in self.release.keys(&table.by) {
            for series in self.release.series(table.indicator) {
                for (measure, _) in self.release.measures(table, &series.name) {
                    if measure == YEAR_ONLY || inside.is_empty() {
                        continue;
                    }
                    let part = |&period: &Period| {
                        let table = TableQuery { period, ..table.clone() };
                        self.cell(&table, &series.name, &measure, &key)
                    };
                    let parts: Vec<_> = inside.iter().map(part).collect();
                    let total = self.cell(table, &series.name, &measure, &key);
                    let extra = (definition.unit == Unit::Child && definition.timing == Timing::Flow)
                        .then(|| self.year_only(table, &series.name, &key));
                    // Who counts in the year at all: whatever the first anchor is, everyone who has one in a quarter has one.
                    let begins = matches!(&*measure, "noemer" | "n_overdrachten") && table.by.is_empty();
                    let unit =
                        if begins && definition.unit == Unit::FirstEvent { Unit::Child } else { definition.unit };
                    self.period_parts(unit, complete, total, (parts, extra.flatten()));
                }
            }
        }
    }

    fn year_only(&self, table: &TableQuery, series: &str, key: &[String]) -> Option<CellRef> {
        let year = table.period.kind() == PeriodKind::Year;
        year.then(|| self.cell(table, series, YEAR_ONLY, key)).flatten()
    }

    fn period_parts(
        &mut self,
        unit: Unit,
        complete: bool,
        total: Option<CellRef>,
        (mut parts, extra): (Vec<Option<CellRef>>, Option<CellRef>),
    ) {
        match (unit, complete) {
            (Unit::Child, true) => {
                parts.extend(extra.map(Some));
                self.cover(total, parts);
            }
            (Unit::Trajectory | Unit::FirstEver, true) => self.sum(total, parts),
            (Unit::Child | Unit::Trajectory | Unit::FirstEver, false) => {
                if let Some(total) = total {
                    self.rests(&total, &present(parts));
                }
            }
            (Unit::FirstEvent, true) => {
                if let Some(total) = total {
                    self.relations.push(Relation::AtMost { total, parts: present(parts) });
                }
            }
            (Unit::FirstEvent, false) | (Unit::Row, _) => {}
        }
    }

    /// The same breakdown asked in another order of dimensions.
    fn same_breakdown(&mut self, table: &TableQuery, tables: &BTreeSet<TableQuery>) {
        let mut turned = table.clone();
        turned.by.reverse();
        if turned <= *table || !tables.contains(&turned) {
            return;
        }
        for series in self.release.series(table.indicator) {
            for (measure, _) in self.release.measures(table, &series.name) {
                for key in self.release.keys(&table.by) {
                    let reversed: Vec<String> = key.iter().rev().cloned().collect();
                    let same = self.cell(&turned, &series.name, &measure, &reversed);
                    self.sum(self.cell(table, &series.name, &measure, &key), vec![same]);
                }
            }
        }
    }
}

fn present(parts: Vec<Option<CellRef>>) -> Vec<CellRef> {
    parts.into_iter().flatten().collect()
}

/// Whether a unit counts in one cell of a breakdown only. In the stock a child has one anchor for each measure.
fn in_one_cell(indicator: IndicatorId, series: &str) -> bool {
    match definition(indicator).unit {
        Unit::Trajectory | Unit::FirstEvent | Unit::FirstEver => true,
        Unit::Child => matches!(series.split_once('|'), Some(("LOKAAL" | "KETEN", "OTS" | "VOTS" | "PJB"))),
        Unit::Row => false,
    }
}
