//! Releases under one convenant after another: what left under the first stays known, so the second is audited with it.

use ketenpoort::crypto::{Tag, digest};
use ketenpoort::disclosure::component::{Component, components};
use ketenpoort::domain::codes::{EventType, Maatregel, Reden};
use ketenpoort::domain::day::{Day, PartialDate};
use ketenpoort::domain::event::{Event, Gemeente};
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, TableQuery};
use ketenpoort::domain::table::Table;
use ketenpoort::indicator::columns::Columns;

use crate::region::fixture;
use crate::release::Node;

fn event(child: u8, event_type: EventType, day: &str, maatregel: Maatregel) -> Event {
    let end = event_type == EventType::GiMaatregelEinde;
    let day = Day::parse(day).expect("a day");
    Event {
        event_id: format!("{child:02}{}{}", event_type.as_str(), maatregel.as_str()).into(),
        subject: Some(Tag::from_bytes(digest(&[child]).0)),
        event_type,
        datum: PartialDate::exact(day),
        registered: day,
        gemeente: Gemeente(153),
        maatregel: Some(maatregel),
        reden: end.then_some(Reden::R04),
        kader: None,
        uitkomst: event_type.outcomes().first().copied(),
        melder: None,
        partij: None,
        zaak: u128::from(child) + 1,
        gezin: u128::from(child) + 1,
        geslacht: None,
        scheiding: None,
        born: None,
    }
}

/// Thirty children of whom a VOTS ends in 2023; an OTS follows for 25.
fn events() -> Vec<Event> {
    let of = |child: u8| {
        let vots = [
            event(child, EventType::GiMaatregelStart, "2023-02-01", Maatregel::Vots),
            event(child, EventType::GiMaatregelEinde, "2023-04-20", Maatregel::Vots),
        ];
        let ots = event(child, EventType::GiMaatregelStart, "2023-04-25", Maatregel::Ots);
        vots.into_iter().chain((child < 25).then_some(ots))
    };
    (0..30).flat_map(of).collect()
}

fn year_of(node: &Node, indicators: &[IndicatorId]) -> Vec<Component> {
    let table = |&indicator: &IndicatorId| TableQuery { indicator, period: Period::year_of(2023), by: Vec::new() };
    let declared: Vec<TableQuery> = indicators.iter().map(table).collect();
    components(&declared, &node.ledger, &node.release)
}

/// Releases the year 2023 of these indicators.
fn release(node: &mut Node, indicators: &[IndicatorId]) {
    let until = node.release.settings.horizon;
    for component in year_of(node, indicators) {
        node.release(&component, until);
    }
}

fn value(node: &Node, id: IndicatorId, measure: &str) -> Option<i64> {
    let table = TableQuery { indicator: id, period: Period::year_of(2023), by: Vec::new() };
    let table: Table = node.ledger.find(&table).expect("released").table().expect("a table");
    let row =
        |r: &&ketenpoort::domain::table::Row| r.measure == measure && (r.series == "VOTS" || id == IndicatorId::Ind11);
    table.rows.iter().find(row).unwrap_or_else(|| panic!("{measure} in {:?}", table.rows)).value
}

fn node() -> Node {
    let mut node = Node::open(&fixture("clean"), "gi-alfa");
    node.columns = Columns::build(events());
    node
}

#[test]
fn what_left_under_an_earlier_convenant_is_a_constant_of_the_next_audit() {
    // Alone, either figure may be printed.
    let mut alone = node();
    release(&mut alone, &[IndicatorId::Ind11]);
    assert_eq!(value(&alone, IndicatorId::Ind11, "teller_gekoppeld"), Some(25));

    let mut node = node();
    release(&mut node, &[IndicatorId::Ind02]);
    let ended = value(&node, IndicatorId::Ind02, "n_kinderen");
    assert_eq!(ended, Some(30));

    // The next convenant grants another indicator only. Thirty ended, so 25 followed would leave 5 who were not followed.
    let parts = year_of(&node, &[IndicatorId::Ind11]);
    assert!(parts.iter().any(|part| part.earlier.iter().any(|t| t.indicator == IndicatorId::Ind02)), "{parts:?}");
    release(&mut node, &[IndicatorId::Ind11]);
    assert_eq!(value(&node, IndicatorId::Ind11, "teller_gekoppeld"), None);
    assert_eq!(value(&node, IndicatorId::Ind02, "n_kinderen"), ended, "a released figure stays");
}
