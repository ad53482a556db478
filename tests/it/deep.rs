//! A release with tables of three dimensions: children, who may count in several cells.
#![cfg(not(feature = "defect-primary-only"))]

use ketenpoort::disclosure::certificate::{CellName, Print, Witness, as_defined, check};
use ketenpoort::disclosure::component::components;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, TableQuery};
use ketenpoort::indicator::definition::Visibility;

use crate::areas::{CITIES, node};
use crate::attacker::tables::Board;
use crate::release::prints_only_what_may;

#[test]
fn three_dimensions_of_children_who_may_count_in_several_cells_are_mended_and_hold() {
    use Dimension::{Gebied, Leeftijd, Maatregel};
    let mut node = node("gi-alfa", CITIES);
    let pairs = [[Maatregel, Leeftijd], [Maatregel, Gebied], [Leeftijd, Gebied]].map(Vec::from);
    let by = [vec![], vec![Gebied], vec![Maatregel, Leeftijd, Gebied]].into_iter().chain(pairs);
    let table = |by| TableQuery { indicator: IndicatorId::Ind01, period: Period::year_of(2023), by };
    let declared: Vec<TableQuery> = by.map(table).collect();
    let component = components(&declared, &node.ledger, &node.release).remove(0);
    let summary = node.release(&component, node.release.settings.horizon);
    assert!(summary.left_out.is_empty(), "{:?}", summary.left_out);
    let witness = Witness::from_bytes(node.witnesses.last().expect("a witness")).expect("reads");
    check(&witness).expect("a proof");
    as_defined(&witness, &node.release).expect("every relation");
    let deep = |name: &&CellName| name.shown && witness.tables[name.table].query.by.len() == 3;
    let cells = witness.cells.iter().filter(|cell| cell.name.as_ref().filter(deep).is_some());
    let printed = cells.clone().filter(|cell| matches!(cell.print, Print::Value(_))).count();
    println!("{printed} of {} cells of three dimensions printed", cells.count());
    assert!(printed > 0);
    prints_only_what_may(&node);
    let found = Board::read(&node.printed()).attack(&node.truth(), 0);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn more_cells_than_may_be_searched_go_down_the_ladder_at_once() {
    use Dimension::{Gemeente, Leeftijd, Maatregel};
    let mut node = node("gi-alfa", CITIES);
    // More municipalities than the region has, all of them in the area of the others.
    let more = (0..25).map(|n| format!("99{n:02}"));
    node.release.domains.gemeente.extend(more.clone());
    node.release.domains.gebied.last_mut().expect("an area").gemeenten.extend(more);
    let deepest = TableQuery {
        indicator: IndicatorId::Ind01,
        period: Period::year_of(2023),
        by: vec![Maatregel, Leeftijd, Gemeente],
    };
    let released = |(_, visibility): &(String, Visibility)| *visibility == Visibility::Released;
    let measures = node.release.measures(&deepest, "JB").into_iter().filter(released).count();
    assert!(node.release.keys(&deepest.by).len() * measures > 1_600);
    let component = components(std::slice::from_ref(&deepest), &node.ledger, &node.release).remove(0);
    let summary = node.release(&component, node.release.settings.horizon);
    assert_eq!(summary.left_out, [deepest]);
    let witness = Witness::from_bytes(node.witnesses.last().expect("a witness")).expect("reads");
    let mut named = witness.cells.iter().filter_map(|cell| cell.name.as_ref());
    assert!(named.all(|name| witness.tables[name.table].query.by.len() < 3), "no cell of it is in a system");
}
