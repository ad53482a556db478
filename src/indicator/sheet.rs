//! From units to raw cells: grouping by dimensions, counting units and their families, nearest-rank quantiles.

use std::collections::BTreeMap;

use super::anchors::Anchors;
use super::columns::Row;
use super::definition::{Unit as UnitKind, Visibility, definition};
use super::raw::{Count, RawCell, RawValue};
use super::release::{Release, bin_measure};
use crate::domain::period::PeriodKind;
use crate::domain::query::TableQuery;
use crate::policy::rules::{BinCut, DayKind, definition_edges};

/// The measures of the events that an indicator leaves out.
const LEFT_OUT: [&str; 2] = ["uitgesloten:n_zonder_subject", "uitgesloten:n_onnauwkeurig"];

/// A counted unit: the event that gives it its dimensions, the trajectory whose measure replaces the event's own, and
/// what the program found out about it.
#[derive(Clone, Copy)]
pub(super) struct Unit<P> {
    pub anchor: Row,
    pub trajectory: Option<u32>,
    pub found: P,
}

impl<P> Unit<P> {
    pub fn new(anchor: Row, found: P) -> Self {
        Self { anchor, trajectory: None, found }
    }
}

/// The cells of a table while they are made.
pub(super) struct Sheet<'a> {
    anchors: &'a dyn Anchors,
    query: &'a TableQuery,
    release: Option<&'a Release>,
    cells: Vec<RawCell>,
}

/// Dimension values of a unit as small numbers, in the order of `by`.
type Key = [u16; 4];

impl<'a> Sheet<'a> {
    /// A sheet of everything that the definition counts, or of what a release needs.
    pub fn new(anchors: &'a dyn Anchors, query: &'a TableQuery, release: Option<&'a Release>) -> Self {
        Self { anchors, query, release, cells: Vec::new() }
    }

    /// Bins of a number of days: those of the definitions, or the convenant's cut of them.
    pub fn bins(&self, days: DayKind) -> BinCut {
        let indicator = self.query.indicator;
        let own = || BinCut { indicator, days, edges: definition_edges(indicator).to_vec() };
        self.release.map_or_else(own, |release| release.bin_cut(indicator, days))
    }

    /// Whether children known to the year only are to be counted, for the relation between the year and its parts.
    pub fn counts_year_only(&self) -> bool {
        self.is_release() && self.query.period.kind() == PeriodKind::Year
    }

    /// Whether the cells are made for a release.
    pub fn is_release(&self) -> bool {
        self.release.is_some()
    }

    /// Whether this is a table of totals, which lists every series and the excluded events.
    pub fn is_total(&self) -> bool {
        self.query.by.is_empty()
    }

    /// Adds the cells of a series: one for the total, or one for each combination of dimension values that occurs.
    pub fn series<P>(&mut self, series: &str, units: Vec<Unit<P>>, fold: impl Fn(&[Unit<P>], &mut Measures)) {
        if self.is_total() {
            return self.cell(series, &[], &units, &fold);
        }
        let mut groups: BTreeMap<Key, Vec<Unit<P>>> = BTreeMap::new();
        for unit in units {
            groups.entry(self.key(&unit)).or_default().push(unit);
        }
        for (key, units) in groups {
            let key: Vec<String> =
                self.query.by.iter().zip(key).map(|(&d, value)| self.anchors.text(d, value)).collect();
            self.cell(series, &key, &units, &fold);
        }
    }

    fn cell<P>(&mut self, series: &str, key: &[String], units: &[Unit<P>], fold: &impl Fn(&[Unit<P>], &mut Measures)) {
        let indicator = self.query.indicator;
        if self.release.is_some_and(|release| !release.has_series(indicator, series)) {
            return;
        }
        let mut measures = Measures { anchors: self.anchors, unit: definition(indicator).unit, values: Vec::new() };
        fold(units, &mut measures);
        let wanted = |(measure, value, _): &(String, RawValue, Vec<u128>)| {
            let of = |release: &Release| release.visibility(indicator, series, measure) != Visibility::Own;
            self.release.is_none_or(|release| matches!(value, RawValue::Count(_)) && of(release))
        };
        let values = measures.values.into_iter().filter(wanted);
        self.cells.extend(values.map(|(measure, value, units)| RawCell {
            series: series.to_owned(),
            measure,
            key: key.to_vec(),
            value,
            units,
        }));
    }

    /// Adds, to a table of totals, the anchor events that the indicator leaves out (`uitgesloten`): those without subject, and
    /// those of a child without an exact date.
    pub fn excluded(&mut self, series: &str, events: [&[Row]; 2]) {
        if self.is_total() {
            self.cell(series, &[], &[], &|_: &[Unit<()>], out: &mut Measures| {
                for (measure, rows) in LEFT_OUT.iter().zip(events) {
                    let units: Vec<_> = rows.iter().map(|&row| Unit::new(row, ())).collect();
                    out.count(measure, &units, |_| true);
                }
            });
        }
    }

    /// As [`Sheet::excluded`], of events of which nothing is known but their number: without a family, so that no rule takes
    /// such a count for large enough.
    pub fn excluded_counts(&mut self, series: &str, counts: [u32; 2]) {
        if self.is_total() {
            self.cell(series, &[], &[], &|_: &[Unit<()>], out: &mut Measures| {
                for (measure, n) in LEFT_OUT.iter().zip(counts) {
                    out.values.push((
                        (*measure).to_owned(),
                        RawValue::Count(Count { n, families: 0, largest: 0 }),
                        Vec::new(),
                    ));
                }
            });
        }
    }

    /// The finished cells.
    pub fn into_cells(self) -> Vec<RawCell> {
        self.cells
    }

    fn key<P>(&self, unit: &Unit<P>) -> Key {
        let mut key = Key::default();
        for (slot, &dimension) in key.iter_mut().zip(&self.query.by) {
            *slot = self.anchors.value(dimension, unit.anchor, unit.trajectory);
        }
        key
    }
}

/// The measures of one cell.
pub(super) struct Measures<'a> {
    anchors: &'a dyn Anchors,
    unit: UnitKind,
    /// Name, value, and the names of the units when they are compared.
    values: Vec<(String, RawValue, Vec<u128>)>,
}

impl Measures<'_> {
    /// Counts the units for which `holds`, with the families behind them.
    pub fn count<P>(&mut self, measure: &str, units: &[Unit<P>], holds: impl Fn(&Unit<P>) -> bool) {
        let families = units.iter().filter(|u| holds(u)).map(|u| self.anchors.family(u.anchor)).collect();
        let names = self.names(units.iter().filter(|u| holds(u)).map(|u| u.anchor), self.unit);
        self.values.push((measure.to_owned(), RawValue::Count(count_families(families)), names));
    }

    /// The sorted names of what these events count for; empty unless the columns were built to be compared.
    fn names(&self, events: impl Iterator<Item = Row>, unit: UnitKind) -> Vec<u128> {
        let mut names: Vec<u128> = events.filter_map(|row| self.anchors.name(row, unit)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Counts the distinct children among the units.
    pub fn children<P>(&mut self, measure: &str, units: &[Unit<P>]) {
        let anchors = self.anchors;
        let mut children: Vec<_> =
            units.iter().filter_map(|u| Some((anchors.child(u.anchor)?, anchors.family(u.anchor)))).collect();
        children.sort_unstable();
        children.dedup_by_key(|(child, _)| *child);
        let families = children.into_iter().map(|(_, family)| family).collect();
        let known = units.iter().map(|u| u.anchor).filter(|&row| anchors.child(row).is_some());
        let names = self.names(known, UnitKind::Child);
        self.values.push((measure.to_owned(), RawValue::Count(count_families(families)), names));
    }

    /// Counts the units with a number of days, one count a bin.
    pub fn bins<P>(&mut self, bins: &BinCut, units: &[Unit<P>], days: impl Fn(&Unit<P>) -> Option<i32>) {
        for (place, bin) in bins.bins().into_iter().enumerate() {
            let here = |d: i32| u32::try_from(d).is_ok_and(|d| bins.bin_of(d) == place);
            self.count(&bin_measure(&bin), units, |u| days(u).is_some_and(here));
        }
    }

    /// Median and P80 of the units with a number of days, for own use.
    pub fn quantiles<P>(&mut self, units: &[Unit<P>], days: impl Fn(&Unit<P>) -> Option<i32>) {
        let mut sorted: Vec<i32> = units.iter().filter_map(days).collect();
        sorted.sort_unstable();
        self.own("mediaan", nearest_rank(&sorted, 50));
        self.own("p80", nearest_rank(&sorted, 80));
    }

    /// A number for own use, never released.
    pub fn own(&mut self, measure: &str, value: Option<i64>) {
        self.values.push((measure.to_owned(), RawValue::OwnOnly(value), Vec::new()));
    }
}

/// Value number ⌈percent/100 · n⌉ of the sorted values; none when there are none.
fn nearest_rank(sorted: &[i32], percent: usize) -> Option<i64> {
    let place = (sorted.len() * percent).div_ceil(100);
    place.checked_sub(1).and_then(|i| sorted.get(i)).map(|&v| i64::from(v))
}

fn count_families(mut families: Vec<u64>) -> Count {
    families.sort_unstable();
    let runs = families.chunk_by(|a, b| a == b).map(<[u64]>::len);
    let (distinct, largest) = runs.fold((0, 0), |(n, largest), run| (n + 1, largest.max(run)));
    let [n, families, largest] = [families.len(), distinct, largest].map(super::columns::index);
    Count { n, families, largest }
}
