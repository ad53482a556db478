//! Areas of municipalities in a whole release: printed, proven, attacked, and kept by the ladder when municipalities must go.

use std::collections::BTreeSet;

use ketenpoort::crypto::{SealKey, Secret32};
use ketenpoort::disclosure::DisclosureFault;
use ketenpoort::disclosure::certificate::{MOST_BYTES, Witness, as_defined, check};
use ketenpoort::disclosure::component::{Component, components};
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, TableQuery};
use ketenpoort::domain::table::Mark;
use ketenpoort::policy::rules::Area;
use ketenpoort::storage::state::{StateError, StateKind, StateStore};

use crate::attacker::tables::Board;
use crate::release::{EXAMPLE, Node, prints_only_what_may};

/// A node of the example region under a convenant with two areas: the municipalities of these codes, and the others.
pub fn node(key: &str, cities: &[&str]) -> Node {
    let mut node = Node::open(&EXAMPLE.1, key);
    let area = Area { name: "steden".to_owned(), gemeenten: cities.iter().map(|&code| code.to_owned()).collect() };
    node.release.domains = node.release.domains.clone().with_areas(vec![area], "overige");
    node
}

pub const CITIES: &[&str] = &["0141", "0153", "0164"];

/// 2023 of these indicators: in total and by area, quarters too, and the year by municipality and by measure.
fn parts(node: &Node, indicators: &[IndicatorId]) -> Vec<Component> {
    let (gemeente, gebied) = (vec![Dimension::Gemeente], vec![Dimension::Gebied]);
    let quarter = |q| [vec![], gebied.clone()].map(|by| (Period::quarter(2023, q), by));
    let year = [vec![], gemeente, vec![Dimension::Maatregel], gebied.clone()].map(|by| (Period::year_of(2023), by));
    let plan: Vec<(Period, Vec<Dimension>)> = (1..=4).flat_map(quarter).chain(year).collect();
    let table =
        |&indicator: &IndicatorId| plan.iter().cloned().map(move |(period, by)| TableQuery { indicator, period, by });
    let declared: Vec<TableQuery> = indicators.iter().flat_map(table).collect();
    components(&declared, &node.ledger, &node.release)
}

#[cfg(not(feature = "defect-primary-only"))]
#[test]
fn figures_of_areas_are_proven_and_the_attacker_finds_nothing() {
    use IndicatorId::{Ind01, Ind03, Ind06};
    // A GI takes half a minute of processor time: `KETENPOORT_NODE=gi-alfa`.
    let asked = std::env::var("KETENPOORT_NODE").unwrap_or("vtt".into());
    let nodes = [("vtt", [Ind01, Ind06].as_slice()), ("gi-alfa", &[Ind03, Ind06])];
    for (key, indicators) in nodes.into_iter().filter(|(key, _)| asked.split(',').any(|one| one == *key)) {
        let mut node = node(key, CITIES);
        let until = node.release.settings.horizon;
        for component in parts(&node, indicators) {
            node.release(&component, until);
        }
        prints_only_what_may(&node);
        for bytes in &node.witnesses {
            let witness = Witness::from_bytes(bytes).expect("a witness");
            check(&witness).expect("a proof");
            as_defined(&witness, &node.release).expect("every relation, those of areas too");
        }
        let printed = |by: Dimension| {
            let tables = node.ledger.tables().filter(|t| t.query().by == [by]).map(|t| t.table().expect("a table"));
            tables.flat_map(|t| t.rows).filter(|row| row.value.is_some()).count()
        };
        println!("{key}: {} by area, {} by municipality", printed(Dimension::Gebied), printed(Dimension::Gemeente));
        assert!(printed(Dimension::Gebied) > 0, "{key}");
        let found = Board::read(&node.printed()).attack(&node.truth(), 20);
        assert!(found.is_empty(), "{key}: {found:#?}");
    }
}

#[test]
fn the_ladder_keeps_areas_when_municipalities_must_go() {
    let node = node("vtt", CITIES);
    let until = node.release.settings.horizon;
    let component = parts(&node, &[IndicatorId::Ind06]).remove(0);
    let kept = |left_out: &[TableQuery], by: &[Dimension]| {
        component.tables.iter().any(|t| t.by == by && !left_out.contains(t))
    };
    let (mut most, mut steps) = (MOST_BYTES, Vec::new());
    // Each step must be smaller than the one before.
    let last = loop {
        match node.within(&component, until, most) {
            Ok(made) => {
                check(&Witness::from_bytes(&made.witness).expect("a witness")).expect("a proof");
                let empty = made.tables.iter().filter(|t| made.summary.left_out.contains(t.query()));
                let marks: BTreeSet<bool> = empty
                    .flat_map(|t| t.table().expect("a table").rows)
                    .map(|row| row.value.is_none() && matches!(row.mark, Some(Mark::Suppressed | Mark::Impossible)))
                    .collect();
                assert!(!marks.contains(&false), "nothing is printed of what is left out");
                most = made.witness.len() - 1;
                steps.push(made.summary.left_out);
            }
            Err(fault) => break fault,
        }
    };
    assert!(matches!(last, DisclosureFault::TooLarge(_)), "{last}");
    assert!(steps[0].is_empty() && steps.len() >= 3, "{steps:?}");
    assert!(steps.windows(2).all(|pair| pair[0].iter().all(|table| pair[1].contains(table))), "less at each step");
    let area_only = |left: &&Vec<TableQuery>| !kept(left, &[Dimension::Gemeente]) && kept(left, &[Dimension::Gebied]);
    assert!(steps.iter().any(|left| area_only(&left)), "{steps:?}");
    assert!(steps.iter().any(|left| !kept(left, &[Dimension::Gebied]) && kept(left, &[])), "{steps:?}");
}

#[test]
fn another_area_of_the_same_name_closes_what_was_released() {
    let mut first = node("vtt", CITIES);
    let until = first.release.settings.horizon;
    let component = parts(&first, &[IndicatorId::Ind06]).remove(0);
    let quarters = Period::quarter(2023, 2).bounds().1;
    first.release(&component, quarters);
    let mut other = node("vtt", &["0141", "0153"]);
    other.ledger = first.ledger.clone();
    assert!(matches!(other.within(&component, until, MOST_BYTES), Err(DisclosureFault::Closed(_))));
    assert!(first.within(&component, until, MOST_BYTES).is_ok());
}

#[test]
fn the_largest_witness_fits_the_state_journal() {
    let dir = tempfile::tempdir().expect("a folder");
    let key = || SealKey::new(Secret32::new([3; 32]));
    let largest = vec![7; MOST_BYTES];
    let store = StateStore::create(dir.path(), key()).expect("a journal");
    store.append_batch(vec![(StateKind::Witness, largest.clone())]).expect("stored");
    drop(store);
    let (store, _) = StateStore::open(dir.path(), key()).expect("a journal");
    let mut found = Vec::new();
    let mut take = |body: Vec<u8>| -> Result<(), StateError> {
        found.push(body);
        Ok(())
    };
    store.replay_only(StateKind::Witness, &mut take).expect("read");
    assert!(found == [largest]);
    assert!(store.append_batch(vec![(StateKind::Witness, vec![7; 16 << 20])]).is_err(), "larger than a record");
}
