//! The whole road of one organisation: files, columns, raw tables, components, release, stored answers, and an attack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use ketenpoort::crypto::{MacKey, digest};
use ketenpoort::disclosure::DisclosureFault;
use ketenpoort::disclosure::certificate::MOST_BYTES;
use ketenpoort::disclosure::component::{Component, Job, components};
use ketenpoort::disclosure::ledger::{Ledger, StoredTable};
use ketenpoort::disclosure::release::{AuditSummary, Made, Records, Terms, answer, release_due};
use ketenpoort::domain::day::{Day, WorkCalendar};
use ketenpoort::domain::period::{Period, PeriodKind};
use ketenpoort::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use ketenpoort::domain::table::{Mark, Table};
use ketenpoort::indicator::columns::Columns;
use ketenpoort::indicator::compute::{Settings, compute_release};
use ketenpoort::indicator::raw::{RawTable, RawValue};
use ketenpoort::indicator::release::Release;
use ketenpoort::policy::rules::{DisclosureRules, Domains};

use crate::attacker::tables::{Board, Name};
use crate::region::{Region, fixture, json};

/// A region large enough to print something: the example regions of `tests/data` are nearly all `x`.
pub static EXAMPLE: LazyLock<(tempfile::TempDir, Region)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    let made = ketenpoort::synthetic::Region::generate(2_500, 5);
    made.write(dir.path()).expect("written");
    let region = Region::open(dir.path());
    (dir, region)
});

/// One organisation of an example region, ready to release.
pub struct Node {
    pub columns: Columns,
    pub release: Release,
    calendar: WorkCalendar,
    key: MacKey,
    rules: DisclosureRules,
    pub ledger: Ledger,
    pub witnesses: Vec<Vec<u8>>,
}

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

impl Node {
    pub fn open(region: &Region, key: &str) -> Self {
        let doc = json(&region.dir.join("organisations.json"));
        let org = region.organisations.iter().find(|o| o.key == key).expect("an organisation");
        let orgs = doc["organisations"].as_array().expect("organisations");
        let codes: Vec<String> = orgs.iter().filter_map(|o| o["gemeente"].as_str().map(str::to_owned)).collect();
        let window = |field: &str| day(doc[field].as_str().expect("a day"));
        let (horizon, data_from) = (window("gegevens_tot"), window("gegevens_van"));
        let settings = Settings { horizon, data_from, within: 365, organisation: org.oin };
        let domains = Domains::of_region(&codes);
        Self {
            columns: Columns::build(region.deliver(&org.levert, &org.files).1),
            release: Release {
                settings,
                owners: org.levert.clone(),
                delivers: org.levert.clone(),
                domains,
                bin_cuts: Vec::new(),
                linked: false,
            },
            calendar: WorkCalendar::new(),
            key: MacKey::from_slice(b"ties of this node"),
            rules: DisclosureRules::default(),
            ledger: Ledger::default(),
            witnesses: Vec::new(),
        }
    }

    /// Quarter totals, and the year by each dimension, of every indicator.
    pub fn components(&self, years: std::ops::RangeInclusive<i16>) -> Vec<Component> {
        let mut declared = Vec::new();
        for &indicator in IndicatorId::ALL.iter().filter(|i| !i.only_linked()) {
            for year in years.clone() {
                let quarters = (1..=4).map(|q| (Period::quarter(year, q), vec![]));
                let breakdowns = [Dimension::Gemeente, Dimension::Leeftijd, Dimension::Maatregel];
                let breakdowns = breakdowns.map(|d| (Period::year_of(year), vec![d]));
                let plan = quarters.chain([(Period::year_of(year), vec![])]).chain(breakdowns);
                declared.extend(plan.map(|(period, by)| TableQuery { indicator, period, by }));
            }
        }
        components(&declared, &self.ledger, &self.release)
    }

    /// The exact counts of one table.
    pub fn raw(&self, job: &Job, hash: ketenpoort::crypto::Digest) -> RawTable {
        let mut release = self.release.clone();
        release.settings.horizon = job.horizon;
        compute_release(&self.columns, &release, &self.calendar, &job.table, hash)
    }

    fn try_release(&self, component: &Component, until: Day) -> Result<Made, DisclosureFault> {
        self.within(component, until, MOST_BYTES)
    }

    /// What is due of a component, with a witness of at most so many bytes.
    pub fn within(&self, component: &Component, until: Day, most_bytes: usize) -> Result<Made, DisclosureFault> {
        let hash = component.question(&self.ledger, until).hash();
        let raws: Vec<RawTable> = component.needed(&self.ledger, until).iter().map(|job| self.raw(job, hash)).collect();
        let terms = Terms {
            release: &self.release,
            rules: &self.rules,
            convenant: digest(b"convenant"),
            tie_key: &self.key,
            until,
            today: Day(until.0 + 42),
            salt: [7; 32],
            most_bytes,
        };
        release_due(component, &self.ledger, Records { raws: &raws, past: &[] }, &terms)
    }

    /// Releases what is due of a component and keeps it.
    pub fn release(&mut self, component: &Component, until: Day) -> AuditSummary {
        let made = self.try_release(component, until).expect("released");
        made.tables.into_iter().for_each(|table| self.ledger.add(table));
        self.witnesses.extend(Some(made.witness).filter(|witness| !witness.is_empty()));
        made.summary
    }

    /// The exact counts behind everything in the ledger.
    pub fn truth(&self) -> BTreeMap<Name, i64> {
        let mut truth = BTreeMap::new();
        for stored in self.ledger.tables() {
            let job = Job { table: stored.query().clone(), horizon: stored.horizon() };
            for row in stored.table().expect("a table").rows {
                truth.insert(name(stored.query(), &row), 0);
            }
            for cell in self.raw(&job, digest(b"truth")).cells() {
                if let RawValue::Count(count) = cell.value {
                    let by = job.table.by.iter().map(|d| d.to_string()).collect();
                    let (indicator, period) = (job.table.indicator.to_string(), job.table.period.to_string());
                    let (series, measure, key) = (cell.series.clone(), cell.measure.clone(), cell.key.clone());
                    truth.insert(Name { indicator, period, by, series, measure, key }, i64::from(count.n));
                }
            }
        }
        truth
    }

    pub fn printed(&self) -> Vec<serde_json::Value> {
        self.ledger.tables().map(|t| serde_json::from_str(t.text()).expect("JSON")).collect()
    }
}

fn name(query: &TableQuery, row: &ketenpoort::domain::table::Row) -> Name {
    let by: Vec<String> = query.by.iter().map(ToString::to_string).collect();
    let key = query.by.iter().map(|d| row.key[d].clone()).collect();
    let (indicator, period) = (query.indicator.to_string(), query.period.to_string());
    Name { indicator, period, by, series: row.series.clone(), measure: row.measure.clone(), key }
}

/// Every printed count is a rounded exact count of at least 10.
pub fn prints_only_what_may(node: &Node) {
    let truth = node.truth();
    for stored in node.ledger.tables() {
        for row in stored.table().expect("a table").rows {
            let derived = ["mediaan", "p80", "pct_binnen_norm"].contains(&row.measure.as_str());
            let n = truth[&name(stored.query(), &row)];
            match (row.value, row.mark) {
                _ if derived => {}
                (Some(v), None) => assert!(n >= 10 && v % 5 == 0 && (v - n).abs() <= 2, "{row:?} {n}"),
                (None, Some(Mark::Impossible)) => assert_eq!(n, 0, "{row:?}"),
                (None, Some(Mark::Suppressed | Mark::Missing)) => {}
                _ => panic!("{row:?}"),
            }
        }
    }
}

#[test]
fn a_year_of_an_organisation_is_released_and_the_attacker_finds_nothing() {
    let small = fixture("dirty");
    for (region, key, programs) in [(&EXAMPLE.1, "vtt", 40), (&EXAMPLE.1, "gi-alfa", 6), (&small, "gi-alfa", 6)] {
        let mut node = Node::open(region, key);
        let until = node.release.settings.horizon;
        for component in node.components(2023..=2023) {
            node.release(&component, until);
            assert!(node.try_release(&component, until).expect("nothing to do").tables.is_empty());
        }
        prints_only_what_may(&node);
        let (mut board, truth) = (Board::read(&node.printed()), node.truth());
        board.hear_who_is_left_out(&truth);
        let found = board.attack(&truth, programs);
        #[cfg(not(feature = "defect-primary-only"))]
        assert!(found.is_empty(), "{key}: {found:#?}");
        #[cfg(feature = "defect-primary-only")]
        assert!(
            std::ptr::eq(region, &small) || !found.is_empty(),
            "{key}: the attacker must win against a broken build"
        );
        let numbers = board.at.values().filter(|&&i| matches!(board.puzzle.seen[i], crate::attacker::Seen::Number(_)));
        println!("{key}: {} of {} numbers printed", numbers.count(), board.at.len());
    }
}

/// A component of one indicator, as if its relations with others were not known.
fn apart(component: &Component) -> Vec<Component> {
    let indicators: BTreeSet<IndicatorId> = component.tables.iter().map(|t| t.indicator).collect();
    let of = |indicator| Component {
        tables: component.tables.iter().filter(|t| t.indicator == indicator).cloned().collect(),
        ..component.clone()
    };
    indicators.into_iter().map(of).collect()
}

/// Small counts of IND-07 and IND-08 that a reader finds who knows how many trajectories each of them leaves out.
fn found_of_one_population(node: &mut Node, components: &[Component]) -> usize {
    let until = node.release.settings.horizon;
    let timely =
        |c: &&Component| c.tables.iter().any(|t| [IndicatorId::Ind07, IndicatorId::Ind08].contains(&t.indicator));
    components.iter().filter(timely).for_each(|component| drop(node.release(component, until)));
    let (mut board, truth) = (Board::read(&node.printed()), node.truth());
    board.hear_who_is_left_out(&truth);
    board.attack(&truth, 0).len()
}

#[cfg(not(feature = "defect-primary-only"))]
#[test]
fn two_indicators_of_one_population_give_each_other_away_unless_they_are_audited_together() {
    let open = || Node::open(&EXAMPLE.1, "gi-alfa");
    let parts = open().components(2022..=2023);
    assert_eq!(found_of_one_population(&mut open(), &parts), 0, "together");
    let apart: Vec<Component> = parts.iter().flat_map(apart).collect();
    assert!(found_of_one_population(&mut open(), &apart) > 0, "apart");
}

#[test]
fn quarters_come_out_during_the_year_and_stay_as_they_are() {
    let mut node = Node::open(&EXAMPLE.1, "vtt");
    let mut first: BTreeMap<TableQuery, StoredTable> = BTreeMap::new();
    for until in ["2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31", "2024-12-31"] {
        for component in node.components(2023..=2023) {
            node.release(&component, day(until));
        }
        for (query, stored) in &first {
            assert_eq!(node.ledger.find(query), Some(stored), "a released table changed");
        }
        first = node.ledger.tables().map(|t| (t.query().clone(), t.clone())).collect();
        assert!(first.keys().all(|t| t.period.bounds().1 <= day(until)), "nothing touches an unsettled quarter");
    }
    prints_only_what_may(&node);
    #[cfg(not(feature = "defect-primary-only"))]
    {
        let found = Board::read(&node.printed()).attack(&node.truth(), 30);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn a_question_gets_the_stored_bytes_and_nothing_undeclared() {
    let mut node = Node::open(&EXAMPLE.1, "vtt");
    let parts = node.components(2023..=2023);
    for component in &parts {
        node.release(component, day("2023-06-30"));
    }
    let total = |indicator, period: &str| TableQuery {
        indicator,
        period: Period::parse(period).expect("a period"),
        by: vec![],
    };
    let inflow = total(IndicatorId::Ind01, "2023-Q1");
    let question = Query::new(vec![inflow.clone(), total(IndicatorId::Ind06, "2023-Q2")]);
    let released = answer(&question, &parts, &node.ledger).expect("an answer");
    assert_eq!(released.query_hash(), question.hash());
    let stored = node.ledger.find(&inflow).expect("stored");
    let table = |t: &Table| serde_json::to_string(t).expect("JSON");
    assert_eq!(table(&released.tables()[0]), stored.text());
    let reread = StoredTable::from_bytes(&stored.to_bytes()).expect("own bytes");
    assert_eq!(&reread, stored);
    let by = vec![Dimension::Gemeente, Dimension::Leeftijd];
    let crossed = TableQuery { by, ..inflow.clone() };
    let absent = [total(IndicatorId::Ind01, "2023-Q3"), total(IndicatorId::Ind01, "2023-H1"), crossed];
    let question = Query::new(absent.iter().cloned().chain([inflow]).collect());
    let released = answer(&question, &parts, &node.ledger).expect("an answer");
    assert_eq!(table(&released.tables()[0]), stored.text());
    assert_eq!((released.tables().len(), released.pending()), (1, Query::new(absent.to_vec()).tables()));
}

#[test]
fn changed_records_or_changed_terms_stop_a_later_release() {
    let mut node = Node::open(&EXAMPLE.1, "vtt");
    let parts = node.components(2023..=2023);
    for component in &parts {
        node.release(component, day("2023-09-30"));
    }
    let late = day("2024-12-31");
    let stage = parts.iter().find(|c| c.tables[0].indicator == IndicatorId::Ind06).expect("a component");
    node.release.bin_cuts = vec![ketenpoort::policy::rules::BinCut {
        indicator: IndicatorId::Ind06,
        days: ketenpoort::policy::rules::DayKind::Calendar,
        edges: vec![10, 70, 91],
    }];
    assert!(matches!(node.try_release(stage, late), Err(DisclosureFault::Closed(_))), "other bins");
    node.release.bin_cuts.clear();
    let region = &EXAMPLE.1;
    let vtt = region.organisations.iter().find(|o| o.key == "vtt").expect("an organisation");
    let fewer = region.deliver(&vtt.levert, &vtt.files).1.into_iter().step_by(2);
    node.columns = Columns::build(fewer);
    let inflow = parts.iter().find(|c| c.tables[0].indicator == IndicatorId::Ind01).expect("a component");
    assert!(matches!(node.try_release(inflow, late), Err(DisclosureFault::Earlier(_))), "every other record is gone");
}

#[test]
fn components_are_what_relations_connect() {
    let node = Node::open(&EXAMPLE.1, "gi-alfa");
    let parts = node.components(2023..=2024);
    let sets: Vec<(i16, String)> = parts
        .iter()
        .map(|c| {
            let mut names: Vec<String> = c.tables.iter().map(|t| t.indicator.to_string()).collect();
            names.dedup();
            (c.year, names.join(" "))
        })
        .collect();
    let of = |year: i16| {
        ["IND-01 IND-10", "IND-02 IND-11 IND-13", "IND-03", "IND-06", "IND-07 IND-08", "IND-08P", "IND-17"]
            .map(|s| (year, s.to_owned()))
    };
    assert_eq!(sets, [of(2023), of(2024)].concat());
    assert!(parts.iter().flat_map(|c| &c.tables).all(|t| t.period.kind() != PeriodKind::Half));
}

/// For development: `KETENPOORT_REGION=folder` and, in `KETENPOORT_NODE`, keys of organisations.
#[test]
fn a_region_of_real_size_is_released_in_time() {
    let Some(dir) = std::env::var_os("KETENPOORT_REGION").map(PathBuf::from) else { return };
    let region = Region::open(&dir);
    for key in std::env::var("KETENPOORT_NODE").unwrap_or("gi-alfa".into()).split(',') {
        let mut node = Node::open(&region, key);
        let until = node.release.settings.horizon;
        for component in node.components(2021..=2024) {
            let started = std::time::Instant::now();
            let summary = node.release(&component, until);
            println!(
                "{key} {} {}: {:.1?} {summary:?}",
                component.year,
                component.tables[0].indicator,
                started.elapsed()
            );
        }
        prints_only_what_may(&node);
        for stored in node.ledger.tables() {
            let rows = stored.table().expect("a table").rows;
            let possible = rows.iter().filter(|r| r.mark != Some(Mark::Impossible)).count();
            let printed = rows.iter().filter(|r| r.value.is_some()).count();
            println!(
                "{key} {} {} {:?}: {printed} of {possible}",
                stored.query().indicator,
                stored.query().period,
                stored.query().by
            );
        }
        let programs = std::env::var("KETENPOORT_PROGRAMS").ok().and_then(|p| p.parse().ok()).unwrap_or(0);
        let found = Board::read(&node.printed()).attack(&node.truth(), programs);
        assert!(found.is_empty(), "{key}: {found:#?}");
    }
}
