//! The questions of blinded linkage against the oracle's regional answers: the rows of all nodes, grouped by child with days moved at
//! random, counted by the gate's programs. Rows and tables are plain public types; no door is opened for the test.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use ketenpoort::crypto::{MacKey, digest};
use ketenpoort::disclosure::component::final_on;
use ketenpoort::disclosure::linked::horizon_of;
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::day::{Day, WorkCalendar};
use ketenpoort::domain::event::Event;
use ketenpoort::domain::linked::{Cohort, Group, LinkedRow, Question, Role};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::{Period, PeriodKind};
use ketenpoort::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use ketenpoort::indicator::columns::Columns;
use ketenpoort::indicator::compute::Settings;
use ketenpoort::indicator::linked::count::{Counter, Counting};
use ketenpoort::indicator::linked::questions;
use ketenpoort::indicator::linked::tell::{Telling, tell};
use ketenpoort::indicator::raw::{RawTable, RawValue};
use ketenpoort::indicator::relations::{CellRef, closed, relations};
use ketenpoort::indicator::release::Release;
use ketenpoort::policy::rules::Domains;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;

use crate::indicator::{Figures, Swept, assert_equal, breakdowns, expected, swept};
use crate::region::{Region, fixture, json};
use crate::relations::{self, Plan, Seed};

/// The indicators that linkage counts.
const LINKED: [IndicatorId; 10] = [
    IndicatorId::Ind01,
    IndicatorId::Ind02,
    IndicatorId::Ind03,
    IndicatorId::Ind05,
    IndicatorId::Ind09,
    IndicatorId::Ind10,
    IndicatorId::Ind11,
    IndicatorId::Ind12,
    IndicatorId::Ind13,
    IndicatorId::Ind14,
];

/// Three nodes of a small chain.
pub const OINS: [&str; 3] = ["00000099000880002329", "00000099000880002466", "00000099000880002603"];

/// A node of the region: its columns, and the child of each stored event as a number that all nodes share.
pub struct Node {
    pub oin: Oin,
    pub columns: Columns,
    pub children: Vec<u64>,
}

/// The region's nodes in the order of the run document.
pub struct Chain {
    pub nodes: Vec<Node>,
    pub domains: Domains,
    pub calendar: WorkCalendar,
}

/// Which periods of the oracle's answer are compared, and what counts their tables.
pub type Compared<'a> = (&'a dyn Fn(&str) -> bool, &'a dyn Fn(&Query, Settings) -> Vec<RawTable>);

impl Chain {
    pub fn of(region: &Region) -> Self {
        let mut organisations: Vec<_> = region.organisations.iter().collect();
        organisations.sort_by_key(|org| &org.key);
        let node = |org: &&crate::region::Organisation| {
            let (_, events) = region.deliver(&org.levert, &org.files);
            let child = |tag: Option<&ketenpoort::crypto::Tag>| tag.map_or(0, |t| first_eight(&t.expose()[..]));
            let children = events.iter().map(|e| child(e.subject.as_ref())).collect();
            Node { oin: org.oin, columns: Columns::build(events), children }
        };
        let codes: Vec<String> = region.gemeenten.spans().iter().map(|s| format!("{:04}", s.code.0)).collect();
        Self {
            nodes: organisations.iter().map(node).collect(),
            domains: Domains::of_region(&codes),
            calendar: WorkCalendar::new(),
        }
    }

    /// What a node tells of a question.
    fn told(&self, (number, node): (u16, &Node), question: &Question, (settings, frozen): (Settings, bool)) -> Cohort {
        let settings = Settings { organisation: node.oin, ..settings };
        let release = Release {
            settings,
            owners: Vec::new(),
            delivers: Vec::new(),
            domains: self.domains.clone(),
            bin_cuts: Vec::new(),
            linked: true,
        };
        let key = MacKey::from_slice(format!("node {number}").as_bytes());
        let telling = Telling { release: &release, organisation: number, key: &key, frozen };
        tell(&node.columns, &self.calendar, &telling, question)
    }

    /// What the gate gets for a question: the rows of all nodes by child, in no order, with a shift of its own for each child.
    fn groups(
        &self,
        question: &Question,
        (settings, frozen): (Settings, bool),
    ) -> (Vec<Group>, Vec<ketenpoort::domain::linked::LeftOut>) {
        let mut groups: BTreeMap<u64, Vec<LinkedRow>> = BTreeMap::new();
        let mut left_out = Vec::new();
        for (number, node) in (0..).zip(&self.nodes) {
            let cohort = self.told((number, node), question, (settings, frozen));
            left_out.push(cohort.left_out);
            for told in cohort.children {
                let child = node.children[told.event as usize];
                let random = first_eight(&digest(format!("{child} {question}").as_bytes()).0);
                let rows = told.rows.into_iter().map(|row| row.shifted(u32::try_from(random >> 32).expect("32 bits")));
                // A row travels as bytes.
                let travelled = rows.map(|row| LinkedRow::from_bytes(&row.to_bytes()).expect("a row"));
                groups.entry(random).or_default().extend(travelled);
            }
        }
        for (random, rows) in &mut groups {
            rows.sort_by_key(|row| digest(&[&row.to_bytes()[..], &random.to_be_bytes()].concat()));
            rows.insert(rows.len() / 2, LinkedRow::void(7));
        }
        groups.insert(u64::MAX, vec![LinkedRow::void(1), LinkedRow::void(2)]);
        (groups.into_values().map(Group).collect(), left_out)
    }

    /// The exact tables of totals that the gate makes a release of when everything up to `until` is settled.
    pub fn exact(&self, release: &Release, plan: &Query, until: Day) -> Vec<RawTable> {
        let organisations: Vec<Oin> = self.nodes.iter().map(|node| node.oin).collect();
        let (domains, within) = (&self.domains, release.settings.within);
        let counting = Counting { organisations: &organisations, domains, within, release: Some(release) };
        let mut counter = Counter::new(counting, plan);
        for question in questions(plan.tables(), Owner::ALL) {
            let settings = Settings { horizon: horizon_of(&question, until), ..release.settings };
            let (groups, left_out) = self.groups(&question, (settings, true));
            counter.add(&question, &groups, &left_out);
        }
        counter.finish()
    }

    fn count(&self, plan: &Query, settings: Settings) -> Vec<RawTable> {
        let organisations: Vec<Oin> = self.nodes.iter().map(|node| node.oin).collect();
        let counting =
            Counting { organisations: &organisations, domains: &self.domains, within: settings.within, release: None };
        let mut counter = Counter::new(counting, plan);
        for question in questions(plan.tables(), Owner::ALL) {
            let (groups, left_out) = self.groups(&question, (settings, false));
            counter.add(&question, &groups, &left_out);
        }
        counter.finish()
    }
}

fn first_eight(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(*bytes.first_chunk().expect("eight bytes"))
}

/// The linked part of the oracle's regional answer to one table.
fn linked_part(region: &Region, doc: &Value, table: &TableQuery) -> Figures {
    let indicator = table.indicator;
    let source = &doc["periods"][table.period.to_string()][indicator.as_str()];
    // Every organisation by its number, as our tables name it.
    let first = region.organisations.first().expect("an organisation");
    let oins: HashMap<String, String> =
        region.organisations.iter().map(|org| (org.key.clone(), org.oin.to_string())).collect();
    let mut figures = Figures::new();
    for ((series, key), mut measures) in expected(source, &table.by, first) {
        let key: Vec<String> = key.iter().map(|v| oins.get(v).unwrap_or(v).clone()).collect();
        match indicator {
            IndicatorId::Ind01 | IndicatorId::Ind02 => measures.retain(|name, _| name == "n_kinderen"),
            IndicatorId::Ind03 if !series.starts_with("KETEN|") => continue,
            _ => {}
        }
        if measures.values().any(|v| !matches!(v, None | Some(0))) {
            figures.insert((series, key), measures);
        }
    }
    figures
}

fn counted(table: &RawTable) -> Figures {
    let mut figures = Figures::new();
    for cell in table.cells() {
        let left_out = cell.measure.starts_with("uitgesloten:");
        let suffix = if left_out { "#uitgesloten" } else { "" };
        let value = match cell.value {
            RawValue::Count(count) => {
                assert!(count.families <= count.n && count.largest <= count.n, "{}", cell.series);
                assert!(left_out || (count.n == 0) == (count.families == 0), "{}", cell.series);
                Some(i64::from(count.n))
            }
            RawValue::OwnOnly(value) => value,
        };
        let group = figures.entry((format!("{}{suffix}", cell.series), cell.key.clone())).or_default();
        assert!(group.insert(cell.measure.clone(), value).is_none(), "measure twice: {}", cell.measure);
    }
    figures
}

/// Compares every linked figure of these periods of the oracle's document; returns how many, by indicator.
pub fn check(
    region: &Region,
    chain: &Chain,
    doc: &Value,
    (periods, count): Compared<'_>,
) -> BTreeMap<IndicatorId, usize> {
    let day = |name: &str| Day::parse(doc[name].as_str().expect(name)).expect("a day");
    let settings = Settings {
        horizon: day("horizon"),
        data_from: day("data_from"),
        within: u32::try_from(doc["within_days"].as_u64().expect("days")).expect("small"),
        organisation: chain.nodes[0].oin,
    };
    let mut tables = Vec::new();
    for period in doc["periods"].as_object().expect("periods").keys().filter(|period| periods(period)) {
        for by in breakdowns(doc, period) {
            let period = Period::parse(period).expect("period");
            tables.extend(LINKED.map(|indicator| TableQuery { indicator, period, by: by.clone() }));
        }
    }
    let plan = Query::new(tables);
    let made: HashMap<TableQuery, Figures> =
        count(&plan, settings).iter().map(|table| (table.query().clone(), counted(table))).collect();
    let mut compared: BTreeMap<IndicatorId, usize> = BTreeMap::new();
    for table in plan.tables() {
        let n = assert_equal(&linked_part(region, doc, table), &made[table], &format!("{table:?}"));
        *compared.entry(table.indicator).or_default() += n;
    }
    compared
}

fn check_all(region: &Region, doc: &Value) -> BTreeMap<IndicatorId, usize> {
    let chain = Chain::of(region);
    check(region, &chain, doc, (&|_| true, &|plan, settings| chain.count(plan, settings)))
}

#[test]
fn the_gate_counts_what_the_oracle_counts_on_raw_numbers() {
    let mut compared: BTreeMap<IndicatorId, usize> = BTreeMap::new();
    for name in ["dirty", "corrected", "clean"] {
        let region = fixture(name);
        let here = check_all(&region, &json(&region.dir.join("expected.json")));
        here.into_iter().for_each(|(indicator, n)| *compared.entry(indicator).or_default() += n);
    }
    for indicator in LINKED {
        let n = compared.get(&indicator).copied().unwrap_or(0);
        assert!(n > 50, "{indicator}: {n} numbers compared");
    }
    println!("{compared:?}");
}

/// A wider sweep against the reference generator and oracle; see `indicator::sweep`.
#[test]
fn sweep_of_generated_regions_counts_what_the_oracle_counts() {
    for Swept { name, region } in swept() {
        for doc in json(&region.dir.join("sweep/region.json")).as_array().expect("documents") {
            println!("{name}: {:?}", check_all(region, doc));
        }
    }
}

fn table(indicator: IndicatorId, by: &[Dimension]) -> TableQuery {
    TableQuery { indicator, period: Period::year_of(2024), by: by.to_vec() }
}

#[test]
fn a_question_tells_no_finer_cell_than_a_table_needs_and_no_question_is_asked_twice() {
    use Dimension::{Gemeente, Leeftijd, Maatregel};
    let plan = [
        table(IndicatorId::Ind11, &[]),
        table(IndicatorId::Ind11, &[Gemeente]),
        table(IndicatorId::Ind11, &[Leeftijd, Maatregel]),
        table(IndicatorId::Ind11, &[Maatregel]),
    ];
    let names: Vec<String> = questions(&plan, Owner::ALL).iter().map(ToString::to_string).collect();
    assert_eq!(names, ["IND-11/ALLE/2024/gemeente", "IND-11/ALLE/2024/maatregel,leeftijd"]);
    let series = |indicator| questions(&[table(indicator, &[])], Owner::ALL).len();
    assert_eq!(series(IndicatorId::Ind13), 2, "both windows of an end are one question");
    let of_vt = questions(&[table(IndicatorId::Ind13, &[]), table(IndicatorId::Ind05, &[])], &[Owner::Vt]);
    let of_vt: Vec<&str> = of_vt.iter().map(|question| question.series.as_str()).collect();
    assert_eq!(of_vt, ["VT->RVDK", "VT_HERMELDING_12M"], "of what nobody delivers nothing is asked");
    assert_eq!(series(IndicatorId::Ind10), 1, "every duration is told with the anchor");
    assert_eq!(series(IndicatorId::Ind03), 5, "the chain's own series only");
    assert_eq!(series(IndicatorId::Ind06), 0, "a lead time is within one organisation");
}

/// How many questions of a run over three years one child is in: what the void groups have to hide at once when somebody compares two
/// regions that differ in everything of nine children (docs/threat-model.md).
#[test]
fn a_child_is_in_no_more_questions_of_a_run_than_the_threat_model_says() {
    let chain = Chain::of(&fixture("clean"));
    let of_year = |year: i16| (1..=4).map(move |q| Period::quarter(year, q)).chain([Period::year_of(year)]);
    let linked = [5, 9, 10, 11, 12, 13, 14].map(|n| IndicatorId::parse(&format!("IND-{n:02}")).expect("an indicator"));
    let of =
        |indicator| (2022..=2024).flat_map(of_year).map(move |period| TableQuery { indicator, period, by: Vec::new() });
    let tables: Vec<TableQuery> = linked.into_iter().flat_map(of).collect();
    let asked = questions(&tables, Owner::ALL);
    let settings = Settings {
        horizon: Day::parse("2025-12-31").expect("a day"),
        data_from: Day(0),
        within: 365,
        organisation: chain.nodes[0].oin,
    };
    let mut questions_of: BTreeMap<u64, usize> = BTreeMap::new();
    for question in &asked {
        let mut children: Vec<u64> = (0..)
            .zip(&chain.nodes)
            .flat_map(|(number, node)| {
                let cohort = chain.told((number, node), question, (settings, true));
                cohort.children.iter().map(|told| node.children[told.event as usize]).collect::<Vec<_>>()
            })
            .collect();
        children.sort_unstable();
        children.dedup();
        children.into_iter().for_each(|child| *questions_of.entry(child).or_default() += 1);
    }
    let mut counts: Vec<usize> = questions_of.into_values().collect();
    counts.sort_unstable();
    let at = |part: usize| counts[(counts.len() - 1) * part / 100];
    assert_eq!(asked.len(), 150);
    assert!(at(50) <= 16 && at(90) <= 28 && at(100) <= 69, "docs/threat-model.md names these");
}

/// Rows of a question at one node of the clean region, by the key of the run.
fn told(question: &Question, node: &str, key: &str) -> BTreeSet<(Role, u32, u64)> {
    let region = fixture("clean");
    let org = region.organisation(node);
    let horizon = Day::parse("2025-12-31").expect("a day");
    let settings = Settings { horizon, data_from: Day(0), within: 365, organisation: org.oin };
    let release = Release {
        settings,
        owners: Vec::new(),
        delivers: Vec::new(),
        domains: Domains::of_region(&[]),
        bin_cuts: Vec::new(),
        linked: true,
    };
    let columns = Columns::build(region.deliver(&org.levert, &org.files).1);
    let key = MacKey::from_slice(key.as_bytes());
    let telling = Telling { release: &release, organisation: 0, key: &key, frozen: false };
    let cohort = tell(&columns, &WorkCalendar::new(), &telling, question);
    cohort.children.iter().flat_map(|child| &child.rows).map(|row| (row.role, row.day, row.family)).collect()
}

#[test]
fn a_day_that_the_program_does_not_need_is_noise_and_families_share_nothing_between_questions_or_runs() {
    let question = |indicator, series: &str| Question {
        indicator,
        series: series.to_owned(),
        period: Period::year_of(2024),
        by: Vec::new(),
    };
    let days = |rows: &BTreeSet<(Role, u32, u64)>, of: Role| -> BTreeSet<u32> {
        rows.iter().filter(|(role, ..)| *role == of).map(|(_, day, _)| *day).collect()
    };
    let plausible = |day: &u32| (7_300..30_000).contains(day);
    let families = |rows: &BTreeSet<(Role, u32, u64)>| -> BTreeSet<u64> {
        rows.iter().filter(|(role, ..)| *role == Role::Anchor).map(|(.., family)| *family).collect()
    };
    let children = question(IndicatorId::Ind01, "VT_MELDING");
    let (one, other) = (told(&children, "vtt", "one"), told(&children, "vtt", "other"));
    assert!(one.len() > 5, "{one:?}");
    assert_eq!(one.len(), other.len());
    assert!(days(&one, Role::Anchor).is_disjoint(&days(&other, Role::Anchor)));
    assert!(days(&one, Role::Anchor).iter().filter(|day| plausible(day)).count() < 2);
    assert!(families(&one).is_disjoint(&families(&other)));
    let flow = told(&question(IndicatorId::Ind05, "VT->RVDK"), "vtt", "one");
    assert!(families(&flow).len() > 5 && families(&flow).is_disjoint(&families(&one)));

    let known = told(&question(IndicatorId::Ind12, "ALLE"), "gi-alfa", "one");
    let bars = days(&known, Role::Bar);
    assert!(bars.len() > 5 && !bars.iter().any(plausible), "{bars:?}");
    assert!(days(&known, Role::Anchor).iter().all(plausible));
}

fn any_row() -> impl Strategy<Value = LinkedRow> {
    (any::<[u8; LinkedRow::BYTES]>(), 0..4_u8, 0..8_u8, 0..4_u8, prop_oneof![Just(0_u32), 0..800_u32, any::<u32>()])
        .prop_map(|(mut bytes, role, measure, organisation, day)| {
            (bytes[0], bytes[1], bytes[4], bytes[5]) = (role, measure, 0, organisation);
            bytes[8..12].copy_from_slice(&day.to_be_bytes());
            LinkedRow::from_bytes(&bytes).expect("a known role")
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A hostile node can send any bytes: no content stops the gate, counts more children than there are groups, or depends on
    /// the shift or the order of rows.
    #[test]
    fn any_rows_are_counted_the_same_whatever_shift_and_order(
        groups in prop::collection::vec(prop::collection::vec(any_row(), 0..6), 0..12), by in any::<u32>(),
    ) {
        let by_all = [Dimension::Gemeente, Dimension::Maatregel, Dimension::Leeftijd, Dimension::Organisatie];
        let tables = LINKED.iter().flat_map(|&i| [table(i, &[]), table(i, &by_all[..3]), table(i, &by_all[3..])]);
        let plan = Query::new(tables.collect());
        let organisations = OINS.map(|oin| Oin::parse(oin).expect("an OIN"));
        let domains = Domains::of_region(&["0153".to_owned()]);
        let counting = Counting { organisations: &organisations, domains: &domains, within: u32::MAX, release: None };
        let small = |row: &LinkedRow| row.day < 800 && row.last.wrapping_sub(row.day) < 400;
        let groups: Vec<Group> = groups.into_iter().map(Group).collect();
        let honest: Vec<Group> =
            groups.iter().map(|Group(rows)| Group(rows.iter().filter(|r| small(r)).copied().collect())).collect();
        let count = |groups: &[Group]| -> Vec<Figures> {
            let mut counter = Counter::new(counting, &plan);
            questions(plan.tables(), Owner::ALL).iter().for_each(|question| counter.add(question, groups, &[]));
            counter.finish().iter().map(counted).collect()
        };
        for figures in count(&groups) {
            for ((series, _), measures) in figures {
                for name in ["n_kinderen", "noemer"] {
                    let n = measures.get(name).copied().flatten().unwrap_or(0);
                    prop_assert!(usize::try_from(n).expect("a count") <= groups.len(), "{} {}", series, name);
                }
            }
        }
        let moved = honest.iter().map(|Group(rows)| Group(rows.iter().rev().map(|row| row.shifted(by)).collect()));
        prop_assert_eq!(count(&honest), count(&moved.collect::<Vec<_>>()));
    }
}

/// Random events at three nodes, and which node has which: the last digit of the event's id decides.
fn spread_out(seeds: Vec<Seed>) -> Vec<Vec<Event>> {
    let mut nodes = vec![Vec::new(); 3];
    for event in relations::events(seeds) {
        let number = usize::from(event.event_id.as_bytes().last().copied().unwrap_or(0)) % 3;
        nodes[number].push(event);
    }
    nodes
}

/// The counts that a release of these tables is made of, over the events of all nodes.
fn counts(nodes: &[Vec<Event>], release: &Release, tables: &[TableQuery]) -> HashMap<CellRef, i64> {
    relations::values(&raws(nodes, release, &Query::new(tables.to_vec()), &|_| release.settings.horizon))
}

/// The exact tables of a run, each question with its own horizon.
pub fn raws(
    nodes: &[Vec<Event>],
    release: &Release,
    plan: &Query,
    horizon: &dyn Fn(&Question) -> Day,
) -> Vec<RawTable> {
    let organisations = OINS.map(|oin| Oin::parse(oin).expect("an OIN"));
    let columns: Vec<Columns> = nodes.iter().map(|events| Columns::build(events.clone())).collect();
    let counting = Counting {
        organisations: &organisations,
        domains: &release.domains,
        within: release.settings.within,
        release: Some(release),
    };
    let mut counter = Counter::new(counting, plan);
    for question in questions(plan.tables(), Owner::ALL) {
        let settings = Settings { horizon: horizon(&question), ..release.settings };
        let release = Release { settings, ..release.clone() };
        let mut groups: BTreeMap<Vec<u8>, Group> = BTreeMap::new();
        for (number, (events, columns)) in (0..).zip(nodes.iter().zip(&columns)) {
            let key = MacKey::from_slice(b"a run");
            let telling = Telling { release: &release, organisation: number, key: &key, frozen: true };
            for told in tell(columns, &relations::CALENDAR, &telling, &question).children {
                let child = events[told.event as usize].subject.as_ref().expect("a child");
                groups.entry(child.expose().to_vec()).or_insert_with(|| Group(Vec::new())).0.extend(told.rows);
            }
        }
        counter.add(&question, &groups.into_values().collect::<Vec<_>>(), &[]);
    }
    counter.finish()
}

/// A release by linkage with data from long before the first event, so that IND-12 looks back far enough.
pub fn linked_release(horizon: i32) -> Release {
    let release = relations::release(horizon);
    let settings = Settings { data_from: Day(relations::FIRST - 1_000), ..release.settings };
    Release { linked: true, settings, ..release }
}

fn linked_plan(horizon: i32) -> Plan {
    let release = linked_release(horizon);
    let linked = |t: TableQuery| LINKED.map(|indicator| TableQuery { indicator, ..t.clone() });
    let tables = relations::tables().into_iter().filter(|t| t.indicator == IndicatorId::Ind01).flat_map(linked);
    // An organisation is no cell of a released table, and the gate knows more of them than one.
    let of_region = |t: &TableQuery| !t.by.contains(&Dimension::Organisatie) && t.by.len() < 3;
    let tables: Vec<TableQuery> = tables.filter(|t| of_region(t) && t.period.kind() != PeriodKind::Month).collect();
    Plan { relations: relations(&tables, &release), tables: closed(&tables), release }
}

static PLANS: LazyLock<[Plan; 3]> = LazyLock::new(|| {
    [relations::FIRST + 500, relations::FIRST + relations::DAYS, relations::FIRST + 2_000].map(linked_plan)
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn every_declared_relation_of_linked_counts_holds_on_random_events(seeds in relations::seeds(), which in 0..3_usize) {
        let plan = &PLANS[which];
        let values = counts(&spread_out(seeds), &plan.release, &plan.tables);
        let (broken, _) = relations::judge(plan, &values);
        prop_assert!(broken.is_empty(), "{} broken, such as {:#?}", broken.len(), broken.first());
        for cell in values.keys() {
            let declared = plan.release.measures(&cell.table, &cell.series).iter().any(|(m, _)| *m == cell.measure);
            prop_assert!(declared, "{:?}", cell);
            let impossible = !plan.release.possible(&cell.table, &cell.series, &cell.key);
            prop_assert!(!impossible || values[cell] == 0, "{:?}", cell);
            prop_assert!(cell.key.is_empty() || plan.release.keys(&cell.table.by).contains(&cell.key), "{:?}", cell);
        }
    }

    #[test]
    fn a_final_linked_table_does_not_change_with_the_horizon_or_what_is_frozen_later(seeds in relations::seeds()) {
        let nodes = spread_out(seeds);
        let totals = PLANS[0].tables.iter().filter(|t| t.by.is_empty() && t.indicator != IndicatorId::Ind10);
        for table in totals.filter(|t| t.period.kind() == PeriodKind::Quarter) {
            let last = final_on(table);
            let until = |day: Day| -> Vec<Vec<Event>> {
                let known = |events: &Vec<Event>| events.iter().filter(|e| e.datum.hi <= day).cloned().collect();
                nodes.iter().map(known).collect()
            };
            let at = |nodes: &[Vec<Event>], horizon: Day| {
                let release = linked_release(horizon.0);
                let mut cells = counts(nodes, &release, std::slice::from_ref(table));
                cells.retain(|cell, n| *n > 0 && cell.series != "MAATREGEL_24M");
                cells
            };
            let then = at(&until(last), last);
            prop_assert_eq!(&then, &at(&nodes, Day(last.0 + 400)), "{:?}", table);
        }
    }
}

#[test]
fn relations_of_every_linked_indicator_are_put_to_the_test() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut used: BTreeMap<IndicatorId, usize> = BTreeMap::new();
    for _ in 0..8 {
        let seeds = relations::seeds().new_tree(&mut runner).expect("seeds").current();
        let values = counts(&spread_out(seeds), &PLANS[2].release, &PLANS[2].tables);
        let (_, here) = relations::judge(&PLANS[2], &values);
        here.into_iter().for_each(|(indicator, n)| *used.entry(indicator).or_default() += n);
    }
    for indicator in LINKED {
        let n = used.get(&indicator).copied().unwrap_or(0);
        assert!(n >= 10, "{indicator}: {n} relations of a count that is not 0");
    }
}
