//! Audit components: what declared relations connect within a calendar year, and when each of its tables may come out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, StoredTable};
use crate::domain::day::Day;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use crate::indicator::relations::{closed, relations};
use crate::indicator::release::Release;

/// Days for which the events after a start are followed, at most, until every figure of the table is final.
const TIMELY_DAYS: i32 = 91;
const YEAR_DAYS: i32 = 365;
const TWO_YEARS_DAYS: i32 = 730;
const LINK_DAYS: i32 = 30;
/// The one series that is followed for two years; it does not keep the others of its table waiting.
const TWO_YEAR_SERIES: &str = "MAATREGEL_24M";

/// A table to compute, with the last day of the events that count for it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The table.
    pub table: TableQuery,
    /// Its horizon: `Settings::horizon` when it is computed.
    pub horizon: Day,
}

/// Tables of one calendar year that relations connect; audited together, whatever part of them is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Component {
    /// The calendar year.
    pub year: i16,
    /// Every table that the convenant declares in it, sorted.
    pub tables: Vec<TableQuery>,
    /// Tables that it does not declare and that were released under another convenant or version: constants of every
    /// audit, since what has left stays known.
    pub earlier: Vec<TableQuery>,
}

/// The components of the declared tables (of any number of years), each sorted, in the order of their first table. What the
/// ledger holds of those years and is not declared is taken along.
///
/// Tables without anything to release (IND-24, or no series of this organisation) are left out.
#[must_use]
pub fn components(declared: &[TableQuery], ledger: &Ledger, release: &Release) -> Vec<Component> {
    let mut found = Vec::new();
    let releasable =
        |t: &&TableQuery| t.indicator != IndicatorId::Ind24 && release.series(t.indicator).next().is_some();
    let tables: BTreeSet<TableQuery> = declared.iter().filter(releasable).cloned().collect();
    let known: Vec<TableQuery> =
        ledger.tables().map(|stored| stored.query()).filter(|query| !tables.contains(query)).cloned().collect();
    let years: BTreeSet<i16> = tables.iter().map(|t| t.period.year()).collect();
    for year in years {
        let of_year =
            |list: &mut dyn Iterator<Item = &TableQuery>| list.filter(|t| t.period.year() == year).cloned().collect();
        let (new, old): (Vec<TableQuery>, Vec<TableQuery>) = (of_year(&mut tables.iter()), of_year(&mut known.iter()));
        let all: Vec<TableQuery> = new.iter().chain(&old).cloned().collect();
        for indicators in connected(&all, release) {
            let within = |list: &[TableQuery]| -> Vec<TableQuery> {
                list.iter().filter(|t| indicators.contains(&t.indicator)).cloned().collect()
            };
            let component = Component { year, tables: within(&new), earlier: within(&old) };
            if !component.tables.is_empty() {
                found.push(component);
            }
        }
    }
    found
}

/// The indicators of the tables, grouped by what relations connect. Tables of one indicator are always together.
fn connected(tables: &[TableQuery], release: &Release) -> Vec<BTreeSet<IndicatorId>> {
    let mut groups: Vec<BTreeSet<IndicatorId>> = Vec::new();
    let mut join = |together: BTreeSet<IndicatorId>| {
        let (touched, mut apart): (Vec<_>, Vec<_>) = groups.drain(..).partition(|g| !g.is_disjoint(&together));
        apart.push(touched.into_iter().flatten().chain(together).collect());
        groups = apart;
    };
    tables.iter().for_each(|table| join(BTreeSet::from([table.indicator])));
    // Whether indicators are related shows in the totals already, declared or not; breakdowns only add cells.
    let total = |t: &TableQuery| TableQuery { by: Vec::new(), ..t.clone() };
    let totals: Vec<TableQuery> = tables.iter().map(total).collect::<BTreeSet<_>>().into_iter().collect();
    for relation in relations(&totals, release) {
        join(relation.cells().iter().map(|cell| cell.table.indicator).collect());
    }
    groups.sort();
    groups
}

impl Component {
    /// The declared tables that may be released now and are not yet, each with its horizon.
    ///
    /// `until` is the last settled day ([`settled_until`](super::ledger::settled_until)).
    #[must_use]
    pub fn due(&self, ledger: &Ledger, until: Day) -> Vec<Job> {
        let anew = cfg!(feature = "defect-no-ledger");
        let new = self.tables.iter().filter(|table| anew || ledger.find(table).is_none());
        let ready = new.filter(|table| final_on(table) <= until);
        ready.map(|table| Job { table: table.clone(), horizon: horizon(table, until) }).collect()
    }

    /// Every table that a release of what is due has to know: due, released earlier, and the coarser ones behind them.
    #[must_use]
    pub fn needed(&self, ledger: &Ledger, until: Day) -> Vec<Job> {
        let earlier = self.stored(ledger);
        let earlier = earlier.map(|stored| Job { table: stored.query().clone(), horizon: stored.horizon() });
        with_coarser(earlier.chain(self.due(ledger, until)))
    }

    /// Every released table of the component, declared now or not, as a formal revision counts it anew.
    #[must_use]
    pub fn released(&self, ledger: &Ledger, until: Day) -> Vec<Job> {
        let of = |stored: &StoredTable| {
            let table = stored.query().clone();
            let final_now =
                if table.indicator == IndicatorId::Ind13 { horizon(&table, until) } else { stored.horizon() };
            Job { horizon: stored.horizon().max(final_now), table }
        };
        self.stored(ledger).map(of).collect()
    }

    fn stored<'a>(&'a self, ledger: &'a Ledger) -> impl Iterator<Item = &'a StoredTable> {
        self.tables.iter().chain(&self.earlier).filter_map(|table| ledger.find(table))
    }

    /// The edition of its records that the component stands at, from 1.
    #[must_use]
    pub fn edition(&self, ledger: &Ledger) -> u32 {
        self.stored(ledger).map(StoredTable::edition).max().unwrap_or(1)
    }

    /// What left of an edition: what formal revisions replaced stays known.
    pub(super) fn of_edition<'a>(&'a self, ledger: &'a Ledger, edition: u32) -> Vec<&'a StoredTable> {
        let replaced = |table| ledger.replaced(table).iter().chain(ledger.find(table));
        let all = self.tables.iter().chain(&self.earlier).flat_map(replaced);
        all.filter(|stored| stored.edition() == edition).collect()
    }

    /// The tables to compute again of an edition that was replaced: what left of it, and the coarser ones behind that.
    #[must_use]
    pub fn past(&self, ledger: &Ledger, edition: u32) -> Vec<Job> {
        with_coarser(
            self.of_edition(ledger, edition)
                .into_iter()
                .map(|s| Job { table: s.query().clone(), horizon: s.horizon() }),
        )
    }

    /// The question that [`Component::needed`] stands for; raw tables are computed under its hash.
    #[must_use]
    pub fn question(&self, ledger: &Ledger, until: Day) -> Query {
        Query::new(self.needed(ledger, until).into_iter().map(|job| job.table).collect())
    }
}

/// The tables with the coarser ones behind them, each once, sorted.
#[must_use]
pub fn with_coarser(jobs: impl Iterator<Item = Job>) -> Vec<Job> {
    let coarser = |job: Job| {
        let tables = closed(std::slice::from_ref(&job.table)).into_iter();
        tables.map(move |table| Job { table, horizon: job.horizon })
    };
    jobs.flat_map(coarser).collect::<BTreeSet<Job>>().into_iter().collect()
}

/// The first day on which nothing that the table counts can change any more.
#[must_use]
pub fn final_on(table: &TableQuery) -> Day {
    let (_, end) = table.period.bounds();
    // Timeliness and the duration of a PJB look at open cases, which differ with the horizon: the tables of a year
    // come out together, after the last of them is final, so that year and quarters stay related.
    let (_, year_end) = Period::year_of(table.period.year()).bounds();
    let (from, days) = match table.indicator {
        IndicatorId::Ind07 | IndicatorId::Ind08 | IndicatorId::Ind08P => (year_end, TIMELY_DAYS),
        IndicatorId::Ind10 => (year_end, YEAR_DAYS),
        IndicatorId::Ind11 => (end, LINK_DAYS),
        IndicatorId::Ind05 | IndicatorId::Ind09 | IndicatorId::Ind13 | IndicatorId::Ind14 => (end, YEAR_DAYS),
        _ => (end, 0),
    };
    quarter_end(from, days)
}

/// Whether a series of a table is final within its horizon: all but the two-year one always are. Until then it prints as not
/// delivered.
pub(super) fn series_is_final(table: &TableQuery, series: &str, horizon: Day) -> bool {
    let two_years = table.indicator == IndicatorId::Ind13 && series == TWO_YEAR_SERIES;
    !two_years || quarter_end(table.period.bounds().1, TWO_YEARS_DAYS) <= horizon
}

/// Fixed by the table, not by the day on which it is asked; only the two-year series makes a difference.
pub(super) fn horizon(table: &TableQuery, until: Day) -> Day {
    let two_years = quarter_end(table.period.bounds().1, TWO_YEARS_DAYS);
    if table.indicator == IndicatorId::Ind13 && two_years <= until { two_years } else { final_on(table) }
}

fn quarter_end(from: Day, days: i32) -> Day {
    Period::quarter_of(Day(from.0.saturating_add(days))).bounds().1
}

/// Tables of three dimensions.
pub(super) const FINEST: u8 = 8;

/// How fine a table is, for the ladder: what is left out first has the highest number. Areas stay when municipalities must go.
pub(super) fn fineness(table: &TableQuery) -> u8 {
    let quarter = table.period.quarters().len() == 1;
    match table.by.as_slice() {
        [] => u8::from(quarter),
        [Dimension::Gemeente] => 4 + u8::from(quarter),
        [Dimension::Gebied] => 3,
        [_] => 2,
        [_, Dimension::Gebied] => 6,
        [_, _] => 7,
        _ => FINEST,
    }
}
