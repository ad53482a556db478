//! What the gate makes of linked counts: the release and its proof, beside what others tell of the same children.

use ketenpoort::crypto::{MacKey, digest};
use ketenpoort::disclosure::certificate::{self, MOST_BYTES, Print, Witness, as_defined, printed_as};
use ketenpoort::disclosure::component::components;
use ketenpoort::disclosure::ledger::Ledger;
use ketenpoort::disclosure::linked::{horizon_of, release_linked};
use ketenpoort::disclosure::release::Terms;
use ketenpoort::disclosure::sums::Taking;
use ketenpoort::domain::codes::{EventType, Maatregel, Reden};
use ketenpoort::domain::day::{Day, PartialDate};
use ketenpoort::domain::event::{Event, Gemeente};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, TableQuery};
use ketenpoort::domain::table::{Scope, Table};
use ketenpoort::policy::rules::DisclosureRules;

use crate::linked::{OINS, linked_release, raws};
use crate::relations;

/// A first event of a child at one node, and for some of them a second one at the next node some time later.
struct Course {
    children: u32,
    first: (EventType, Option<Maatregel>),
    second: (EventType, Option<Maatregel>),
    /// Of every five children so many have both.
    of_five: u32,
}

impl Course {
    fn reports_and_requests(children: u32, of_five: u32) -> Self {
        Self { children, first: (EventType::VtMelding, None), second: (EventType::RvdkVtoOntvangen, None), of_five }
    }

    fn events(&self) -> Vec<Vec<Event>> {
        let seed = |n: u32| relations::event(((10, 0, 0), (0, 0, 0), (0, u128::from(n), 0), (n, None)));
        let of = |n: u32, (event_type, maatregel): (EventType, Option<Maatregel>), day: i32| Event {
            event_type,
            subject: Some(ketenpoort::crypto::Tag::from_bytes(digest(&n.to_be_bytes()).0)),
            datum: PartialDate::exact(Day(relations::FIRST + day)),
            gemeente: Gemeente([153, 164, 344][usize::try_from(n % 3).expect("small")]),
            gezin: 0,
            maatregel,
            reden: (maatregel == Some(Maatregel::Vots) && n.is_multiple_of(3)).then_some(Reden::R07),
            uitkomst: None,
            ..seed(n)
        };
        let mut nodes = vec![Vec::new(); 3];
        for n in 0..self.children {
            let day = i32::try_from(n % 360).expect("small");
            nodes[0].push(of(n, self.first, day));
            if n % 5 < self.of_five {
                nodes[1].push(of(n, self.second, day + i32::try_from(n % 27).expect("small")));
            }
        }
        nodes
    }
}

/// What the gate releases of one indicator in 2023: the tables, the witness that proves them, and whether a second time brings more.
struct LinkedRelease {
    tables: Vec<Table>,
    witness: Witness,
    again: usize,
}

fn released(indicator: IndicatorId, nodes: &[Vec<Event>], by: &[Vec<Dimension>]) -> LinkedRelease {
    let until = Day(relations::FIRST + 1_100);
    let release = linked_release(until.0);
    let year = |by: &[Dimension]| TableQuery { indicator, period: Period::year_of(2023), by: by.to_vec() };
    let quarters = (1..=4).map(|q| TableQuery { period: Period::quarter(2023, q), ..year(&[]) });
    let declared: Vec<TableQuery> = quarters.chain(by.iter().map(|by| year(by))).collect();
    let mut ledger = Ledger::default();
    let [component] = &components(&declared, &ledger, &release)[..] else { panic!("one component") };
    let terms = Terms {
        release: &release,
        rules: &DisclosureRules::default(),
        convenant: digest(b"convenant"),
        tie_key: &MacKey::from_slice(b"ties of the gate"),
        until,
        today: Day(until.0 + 42),
        salt: [7; 32],
        most_bytes: MOST_BYTES,
    };
    let organisations = OINS.map(|oin| Oin::parse(oin).expect("an OIN"));
    let taking = Taking { expected: &organisations, contributors: &organisations[..2] };
    let counted = |ledger: &Ledger| {
        let plan = component.question(ledger, until);
        raws(nodes, &release, &plan, &|question| horizon_of(question, until))
    };
    let made = release_linked(component, &ledger, &counted(&ledger), &terms, taking).expect("a release");
    let witness = Witness::from_bytes(&made.witness).expect("readable");
    certificate::check(&witness).expect("a proof");
    as_defined(&witness, &release).expect("the relations are those of the definitions");
    let tables: Vec<Table> = made.tables.iter().map(|stored| stored.table().expect("readable")).collect();
    for table in &tables {
        printed_as(&witness, table).expect("printed as proven");
        let coverage = (table.scope, table.coverage.delivered, &table.coverage.missing);
        assert_eq!(coverage, (Scope::Regio, 2, &vec![organisations[2]]));
    }
    assert_eq!(tables.len(), declared.len());
    made.tables.into_iter().for_each(|stored| ledger.add(stored));
    let again = release_linked(component, &ledger, &counted(&ledger), &terms, taking).expect("nothing due");
    LinkedRelease { tables, witness, again: again.tables.len() }
}

/// What the year says of a measure; the outer none when it is not in the table.
fn of_year(tables: &[Table], series: &str, measure: &str) -> Option<Option<i64>> {
    let total = tables.iter().find(|t| t.by.is_empty() && t.period == Some(Period::year_of(2023))).expect("the year");
    total.rows.iter().find(|r| r.series == series && r.measure == measure).map(|row| row.value)
}

#[test]
fn what_the_gate_counts_is_released_with_a_certificate_and_not_twice() {
    let nodes = Course::reports_and_requests(600, 3).events();
    let made = released(IndicatorId::Ind05, &nodes, &[vec![], vec![Dimension::Gemeente]]);
    assert_eq!(of_year(&made.tables, "VT->RVDK", "teller"), Some(Some(360)), "three in five of 600 reports");
    assert_eq!(of_year(&made.tables, "VT->RVDK", "noemer"), None, "who begins is counted by IND-01 already");
    assert_eq!(made.again, 0, "a released table is not released again");
}

/// Who begins a step is counted by other releases. Whatever those say, even the exact number, who came on and who did not stay open:
/// the proof holds that number constant, and prints nothing where the two would differ by less than the threshold.
#[test]
fn a_reader_who_knows_who_began_learns_no_small_group_of_who_came_on() {
    let printed = |course: &Course, indicator, series, measure| {
        let made = released(indicator, &course.events(), &[vec![]]);
        let base = made.witness.cells.iter().filter(|cell| cell.name.as_ref().is_some_and(|n| n.measure == "noemer"));
        let held = base.filter(|cell| cell.print == Print::Known && cell.n == course.children).count();
        assert!(held > 0, "{series}: who began is held constant");
        of_year(&made.tables, series, measure).expect("in the table")
    };
    let reports = |children, of_five| {
        printed(&Course::reports_and_requests(children, of_five), IndicatorId::Ind05, "VT->RVDK", "teller")
    };
    assert_eq!(reports(200, 4), Some(160), "40 did not come on");
    assert_eq!(reports(45, 4), None, "9 did not come on, and 45 is known");
    assert_eq!(reports(45, 5), None, "nor may it be said that all of them came on");
    assert_eq!(reports(36, 2), Some(15), "15 of 36");
    let ends = |children, of_five| {
        let vots = (EventType::GiMaatregelEinde, Some(Maatregel::Vots));
        let second = (EventType::GiMaatregelStart, Some(Maatregel::Ots));
        let course = Course { children, first: vots, second, of_five };
        printed(&course, IndicatorId::Ind11, "ALLE", "teller_gekoppeld")
    };
    assert_eq!(ends(200, 3), Some(120));
    assert_eq!(ends(45, 4), None);
}

#[test]
fn a_witness_cannot_call_a_cell_known_or_guarded_that_is_not() {
    let made = released(IndicatorId::Ind05, &Course::reports_and_requests(36, 2).events(), &[vec![]]);
    let until = Day(relations::FIRST + 1_100);
    let release = linked_release(until.0);
    let named = |print| made.witness.cells.iter().position(|cell| cell.name.is_some() && cell.print == print);
    let other = |cell: usize, print| {
        let mut other = made.witness.clone();
        other.cells[cell].print = print;
        other
    };
    let [known, elsewhere] = [Print::Known, Print::Elsewhere].map(|print| named(print).expect("such a cell"));
    assert!(certificate::check(&other(known, Print::Elsewhere)).is_err(), "large enough to be printed elsewhere");
    assert!(certificate::check(&other(elsewhere, Print::Known)).is_err(), "too small to be printed anywhere");
    assert!(
        as_defined(&other(known, Print::Suppressed), &release).is_err(),
        "the definition says who is counted elsewhere"
    );
    let hidden = (0..made.witness.cells.len())
        .find(|&i| made.witness.cells[i].name.as_ref().is_some_and(|name| name.measure.starts_with("bin:")))
        .expect("a bin");
    for print in [Print::Known, Print::Elsewhere] {
        let claimed = other(hidden, print);
        assert!(certificate::check(&claimed).is_err() || as_defined(&claimed, &release).is_err(), "{print:?}");
    }
}
