//! Every relation that the definitions declare holds on random events: imprecise dates, no subject, empty case numbers.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use ketenpoort::crypto::{Tag, digest};
use ketenpoort::domain::codes::{EventType, Maatregel, Owner, Reden, Uitkomst};
use ketenpoort::domain::day::{Day, PartialDate, Precision, WorkCalendar};
use ketenpoort::domain::event::{Event, Gemeente};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, TableQuery};
use ketenpoort::indicator::columns::Columns;
use ketenpoort::indicator::compute::{Settings, compute, compute_release};
use ketenpoort::indicator::definition::{Unit, Visibility, definition};
use ketenpoort::indicator::raw::{RawTable, RawValue};
use ketenpoort::indicator::relations::{CellRef, Relation, closed, relations};
use ketenpoort::indicator::release::Release;
use ketenpoort::policy::rules::{Area, BinCut, DayKind, Domains};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

pub const FIRST: i32 = 19_358; // 2023-01-01
pub const DAYS: i32 = 731; // up to and including 2024-12-31

pub static CALENDAR: LazyLock<WorkCalendar> = LazyLock::new(WorkCalendar::new);

fn maatregel(event_type: EventType, pick: usize) -> Option<Maatregel> {
    let text = event_type.as_str();
    match event_type {
        EventType::GiPjbStart | EventType::GiPjbEinde => Some(Maatregel::Pjb),
        EventType::GiMaatregelStart
        | EventType::GiMaatregelEinde
        | EventType::GiOvergedragen
        | EventType::GiOvergenomen => Some(Maatregel::JB[pick % 5]),
        _ if text.starts_with("GI_") => Maatregel::ALL.get(pick % 7).copied(),
        EventType::RechtUitspraak => Maatregel::JB.get(pick % 6).copied(),
        _ => None,
    }
}

fn date(precision: usize, day: i32) -> PartialDate {
    let exact = Day(FIRST + day);
    let (year, month, _) = exact.ymd();
    let first = |month| Day::from_ymd(year, month, 1).expect("first of the month");
    match precision {
        0..=13 => PartialDate::exact(exact),
        14..=15 => PartialDate::from_parts(Precision::M, first(month)),
        16..=18 => PartialDate::from_parts(Precision::Y, first(1)),
        _ => PartialDate::from_parts(Precision::U, Day(0)),
    }
}

/// Everything about an event that a figure can depend on, as plain numbers.
pub type Seed = ((usize, usize, i32), (usize, usize, usize), (u16, u128, u128), (u32, Option<i32>));

pub fn event((when, codes, place, who): Seed) -> Event {
    let (kind, precision, day) = when;
    let event_type = EventType::ALL[kind % EventType::ALL.len()];
    let maatregel = maatregel(event_type, codes.0);
    let ends = matches!(event_type, EventType::GiMaatregelEinde | EventType::GiPjbEinde);
    let reden = maatregel.filter(|_| ends).and_then(|m| m.reasons().get(codes.1).copied());
    Event {
        event_id: format!("{:08x}", who.0).into(),
        subject: (place.1 % 7 != 6).then(|| Tag::from_bytes(digest(&[u8::try_from(place.1 % 7).expect("small")]).0)),
        event_type,
        datum: date(precision, day),
        registered: Day(FIRST + day),
        gemeente: Gemeente([153, 164, 344][usize::from(place.0 % 3)]),
        maatregel,
        reden: reden.filter(|r: &Reden| *r != Reden::R06),
        kader: None,
        uitkomst: event_type.outcomes().get(codes.2).copied().or_else(|| event_type.outcomes().first().copied()),
        melder: None,
        partij: None,
        zaak: place.2 % 3,
        gezin: place.2 / 3 % 4,
        geslacht: None,
        scheiding: None,
        born: who.1.map(|day| Day(FIRST - day)),
    }
}

/// Kind and codes of an event.
fn what() -> impl Strategy<Value = (usize, (usize, usize, usize))> {
    let stages = proptest::sample::select(vec![10, 11, 16, 18, 21, 27, 28, 29]);
    let kind = prop_oneof![2 => 0..36_usize, 4 => 22..26_usize, 4 => stages, 1 => Just(TAKE_OVER)];
    (kind, (prop_oneof![0..42_usize, 0..2_usize], 0..9_usize, 0..6_usize))
}

const TAKE_OVER: usize = 31;

/// Seeds of random events: most of them starts, ends and stages, half of them around the ends of quarters, and half of
/// them followed by another event of the same child and case within weeks, so that windows and edges are hit.
pub fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let edge =
        (proptest::sample::select(vec![89, 180, 272, 364, 455, 546, 638, 730]), 0..3).prop_map(|(d, n)| d + n - 1);
    let day = prop_oneof![0..DAYS, edge];
    let who = ((0..3_u16, 0..7_u128, 0..12_u128), (any::<u32>(), proptest::option::of(0..8_500_i32)));
    let next = proptest::option::of((what(), 0..20_usize, 0..45_i32));
    let chain =
        (what(), 0..20_usize, day, who, next).prop_map(|((kind, codes), precision, day, (place, who), next)| {
            let first = ((kind, precision, day), codes, place, who);
            let next = next.map(|((kind, codes), precision, lag)| {
                ((kind, precision, (day + lag).min(DAYS)), codes, place, (who.0.wrapping_mul(31), who.1))
            });
            std::iter::once(first).chain(next).collect::<Vec<Seed>>()
        });
    proptest::collection::vec(chain, 1..100).prop_map(|chains| chains.concat())
}

pub fn events(seeds: Vec<Seed>) -> Vec<Event> {
    let events: BTreeMap<Box<str>, Event> = seeds.into_iter().map(event).map(|e| (e.event_id.clone(), e)).collect();
    events.into_values().collect()
}

fn columns(seeds: Vec<Seed>) -> Columns {
    Columns::build(events(seeds))
}

pub fn release(horizon: i32) -> Release {
    let oin = Oin::parse("00000099000880002329").expect("oin");
    let settings = Settings { horizon: Day(horizon), data_from: Day(FIRST), within: 365, organisation: oin };
    let bin_cuts = vec![BinCut { indicator: IndicatorId::Ind08P, days: DayKind::Calendar, edges: vec![10, 20, 70] }];
    let area = Area { name: "stad".to_owned(), gemeenten: vec!["0153".to_owned()] };
    let domains = Domains::of_region(&["0153".to_owned(), "0164".to_owned()]).with_areas(vec![area], "overige");
    Release { settings, owners: Owner::ALL.to_vec(), delivers: Owner::ALL.to_vec(), domains, bin_cuts, linked: false }
}

pub fn tables() -> Vec<TableQuery> {
    use Dimension::{Gebied, Gemeente, Leeftijd, Maatregel, Organisatie};
    let totals = ["2023", "2023-H1", "2023-Q1", "2023-Q2", "2023-Q3", "2023-Q4", "2023-12", "2024", "2024-H1"];
    let totals = totals.into_iter().chain(["2024-H2", "2024-Q3", "2024-10", "2024-11", "2024-12", "2024-Q4"]);
    let mut plan: Vec<(&str, Vec<Dimension>)> = totals.map(|p| (p, Vec::new())).collect();
    for by in [vec![Gemeente], vec![Gebied], vec![Leeftijd], vec![Maatregel], vec![Organisatie]] {
        plan.extend(["2023", "2023-H1", "2023-Q3", "2023-Q4", "2024"].map(|p| (p, by.clone())));
    }
    plan.extend(
        [vec![Leeftijd, Maatregel], vec![Maatregel, Leeftijd], vec![Gemeente, Leeftijd]].map(|by| ("2024", by)),
    );
    plan.push(("2024", vec![Leeftijd, Gebied]));
    plan.push(("2024-Q4", vec![Maatregel, Gemeente]));
    plan.push(("2024", vec![Gemeente, Maatregel, Leeftijd]));
    let tables = plan.into_iter().flat_map(|(period, by)| {
        let period = Period::parse(period).expect("period");
        IndicatorId::ALL.iter().map(move |&indicator| TableQuery { indicator, period, by: by.clone() })
    });
    tables.filter(|t| t.indicator != IndicatorId::Ind24 && !t.indicator.only_linked()).collect()
}

fn value_of(value: RawValue) -> Option<u32> {
    if let RawValue::Count(count) = value { Some(count.n) } else { None }
}

pub struct Plan {
    pub release: Release,
    pub tables: Vec<TableQuery>,
    pub relations: Vec<Relation>,
}

fn plan(horizon: i32) -> Plan {
    let release = release(horizon);
    let tables = tables();
    Plan { relations: relations(&tables, &release), tables: closed(&tables), release }
}

/// A horizon in the middle of the data, at its end, and far behind it.
static PLANS: LazyLock<[Plan; 3]> = LazyLock::new(|| [FIRST + 500, FIRST + DAYS, FIRST + 2_000].map(plan));

fn released(plan: &Plan, columns: &Columns) -> Vec<RawTable> {
    let make = |table| compute_release(columns, &plan.release, &CALENDAR, table, digest(b"test"));
    plan.tables.iter().map(make).collect()
}

pub fn values(tables: &[RawTable]) -> HashMap<CellRef, i64> {
    let cells = tables.iter().flat_map(|t| t.cells().iter().map(move |cell| (t.query(), cell)));
    cells
        .map(|(table, cell)| {
            let (series, measure, key) = (cell.series.clone(), cell.measure.clone(), cell.key.clone());
            let n = value_of(cell.value).expect("a release holds counts only");
            (CellRef { table: table.clone(), series, measure, key }, i64::from(n))
        })
        .collect()
}

/// The relations that fail, and the number of those of a count that is not 0, by indicator.
pub fn judge(plan: &Plan, values: &HashMap<CellRef, i64>) -> (Vec<Relation>, BTreeMap<IndicatorId, usize>) {
    let value = |cell: &CellRef| values.get(cell).copied().unwrap_or(0);
    let mut used = BTreeMap::new();
    let mut broken = Vec::new();
    // A relation whose cells are all 0 holds; only those with a count are worth a look.
    for relation in plan.relations.iter().filter(|r| r.cells().iter().any(|cell| value(cell) > 0)) {
        *used.entry(relation.cells()[0].table.indicator).or_insert(0) += 1;
        if !relation.holds(value) {
            broken.push(relation.clone());
        }
    }
    (broken, used)
}

/// The last day of the quarter in which everything that the table counts is known, if it does not look at open cases.
fn settled(table: &TableQuery) -> Option<Day> {
    let follow_up = match table.indicator {
        IndicatorId::Ind01 | IndicatorId::Ind02 | IndicatorId::Ind03 | IndicatorId::Ind06 | IndicatorId::Ind17 => 0,
        IndicatorId::Ind11 => 30,
        IndicatorId::Ind13 => 730,
        _ => return None,
    };
    Some(Day(table.period.bounds().1.0 + follow_up).end_of_quarter())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_declared_relation_holds_on_random_events(seeds in seeds(), which in 0..3_usize) {
        let plan = &PLANS[which];
        let values = values(&released(plan, &columns(seeds)));
        let (broken, _) = judge(plan, &values);
        prop_assert!(broken.is_empty(), "{} broken, such as {:#?}", broken.len(), broken.first());
    }

    #[test]
    fn a_settled_table_does_not_change_with_the_horizon_or_what_is_frozen_later(seeds in seeds()) {
        let events = events(seeds);
        let all = Columns::build(events.clone());
        let mut frozen: BTreeMap<Day, Columns> = BTreeMap::new();
        for (table, settled) in PLANS[0].tables.iter().filter_map(|t| Some((t, settled(t)?))) {
            let frozen = frozen.entry(settled).or_insert_with(|| {
                Columns::build(events.iter().filter(|event| event.datum.hi <= settled).cloned())
            });
            let at = |columns: &Columns, horizon: i32| {
                let release = release(horizon);
                let mut cells = values(&[compute_release(columns, &release, &CALENDAR, table, digest(b"test"))]);
                cells.retain(|_, n| *n > 0);
                cells
            };
            let then = at(frozen, settled.0);
            prop_assert_eq!(&then, &at(&all, settled.0), "{:?}", table);
            prop_assert_eq!(&then, &at(&all, FIRST + 3_000), "{:?}", table);
        }
    }

    #[test]
    fn a_release_holds_the_figures_of_the_own_view(seeds in seeds(), years in any::<bool>()) {
        let plan = &PLANS[1];
        // Take-overs, the measure of a trajectory and dates known to the year only are seen as they were at the end of
        // the quarter; see `compute_release`. The last matter only where a date closes something or comes first.
        let known_to_the_year = |seed: &Seed| (16..=18).contains(&seed.0.1);
        let seeds = seeds.into_iter().filter(|seed| seed.0.0 != TAKE_OVER && (years || !known_to_the_year(seed)));
        let columns = columns(seeds.collect());
        for (query, table) in plan.tables.iter().zip(released(plan, &columns)) {
            let own = compute(&columns, &plan.release.settings, &CALENDAR, query, digest(b"test"));
            let own: HashMap<_, _> = own.cells().iter().map(|c| ((&c.series, &c.measure, &c.key), c.value)).collect();
            let trajectories = definition(query.indicator).unit == Unit::Trajectory;
            let by_trajectory = query.by.contains(&Dimension::Maatregel) && trajectories;
            let by_quarter = years && (trajectories || query.indicator == IndicatorId::Ind03);
            for cell in table.cells() {
                // The own view knows no areas.
                let other = cell.measure.starts_with("bin:")
                    || cell.key.iter().any(|v| v == "overig")
                    || query.by.contains(&Dimension::Gebied);
                if !other && !by_trajectory && !by_quarter && !["alleen_jaar", "n_begonnen"].contains(&&*cell.measure) {
                    let same = own.get(&(&cell.series, &cell.measure, &cell.key)).copied().and_then(value_of);
                    prop_assert_eq!(same, value_of(cell.value), "{:?} {} {}", query, &cell.series, &cell.measure);
                }
                let declared = plan.release.measures(query, &cell.series).iter().any(|(m, _)| *m == cell.measure);
                prop_assert!(declared, "{:?} {} {}", query, &cell.series, &cell.measure);
                let impossible = !plan.release.possible(query, &cell.series, &cell.key);
                prop_assert!(!impossible || value_of(cell.value) == Some(0), "{:?} {}", query, &cell.series);
                prop_assert!(query.by.is_empty() || plan.release.keys(&query.by).contains(&cell.key));
            }
        }
    }
}

#[test]
fn relations_of_every_indicator_are_put_to_the_test() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut used: BTreeMap<IndicatorId, usize> = BTreeMap::new();
    let mut levels: BTreeMap<IndicatorId, usize> = BTreeMap::new();
    let by = |cell: &CellRef, dimension| cell.table.by.contains(&dimension);
    for _ in 0..12 {
        let seeds = seeds().new_tree(&mut runner).expect("seeds").current();
        let values = values(&released(&PLANS[2], &columns(seeds)));
        let (_, here) = judge(&PLANS[2], &values);
        for cells in PLANS[2].relations.iter().map(Relation::cells) {
            let counts = cells.iter().any(|cell| values.get(*cell).is_some_and(|n| *n > 0));
            if counts && by(cells[0], Dimension::Gebied) && by(cells[1], Dimension::Gemeente) {
                *levels.entry(cells[0].table.indicator).or_insert(0) += 1;
            }
        }
        for (indicator, n) in here {
            *used.entry(indicator).or_insert(0) += n;
        }
    }
    for &indicator in IndicatorId::ALL.iter().filter(|&&i| i != IndicatorId::Ind24 && !i.only_linked()) {
        let n = used.get(&indicator).copied().unwrap_or(0);
        assert!(n >= 20, "{indicator}: {n} relations of a count that is not 0");
    }
    assert!(levels.len() >= 8 && levels.values().sum::<usize>() >= 30, "between areas and municipalities: {levels:?}");
}

#[test]
fn no_stronger_relation_would_hold() {
    // Children in two municipalities or quarters count twice: a sum in the place of a cover breaks.
    let figures = |datum: &[PartialDate]| {
        let mut made = Vec::new();
        for (i, &datum) in datum.iter().enumerate() {
            let mut e = event(((10, 0, 0), (0, 0, 0), (0, 0, 0), (u32::try_from(i).expect("small"), None)));
            (e.datum, e.gemeente) = (datum, Gemeente([164, 344][i % 2]));
            e.uitkomst = None::<Uitkomst>;
            made.push(e);
        }
        values(&released(&PLANS[2], &Columns::build(made)))
    };
    let cell = |period: &str, by: &[Dimension], measure: &str, key: &[&str]| CellRef {
        table: TableQuery {
            indicator: IndicatorId::Ind01,
            period: Period::parse(period).expect("period"),
            by: by.to_vec(),
        },
        series: "VT_MELDING".to_owned(),
        measure: measure.to_owned(),
        key: key.iter().map(|&k| k.to_owned()).collect(),
    };
    let exact = |month| PartialDate::exact(Day::from_ymd(2023, month, 9).expect("day"));
    let twice = figures(&[exact(2), exact(8)]);
    assert_eq!(twice[&cell("2023", &[], "n_kinderen", &[])], 1);
    assert_eq!(twice[&cell("2023-Q1", &[], "n_kinderen", &[])], 1);
    assert_eq!(twice[&cell("2023-Q3", &[], "n_kinderen", &[])], 1);
    assert_eq!(twice[&cell("2023", &[Dimension::Gemeente], "n_kinderen", &["0164"])], 1);
    assert_eq!(twice[&cell("2023", &[Dimension::Gemeente], "n_kinderen", &["overig"])], 1);
    // Both lie in one area, which counts the child once.
    assert_eq!(twice[&cell("2023", &[Dimension::Gebied], "n_kinderen", &["overige:0164+overig"])], 1);
    // A date known to the year only lies in no quarter: without `alleen_jaar` the cover breaks.
    let year = figures(&[PartialDate::from_parts(Precision::Y, Day(FIRST))]);
    assert_eq!(year[&cell("2023", &[], "n_kinderen", &[])], 1);
    assert_eq!(year[&cell("2023", &[], "alleen_jaar", &[])], 1);
    assert_eq!(year.get(&cell("2023-Q1", &[], "n_kinderen", &[])).copied().unwrap_or(0), 0);
    assert!(
        PLANS[2].release.measures(&tables()[0], "VT_MELDING").contains(&("alleen_jaar".to_owned(), Visibility::Hidden))
    );
}
