//! Witnesses stay comparable with the definitions under which they were made.
#![cfg(not(feature = "defect-primary-only"))]

use std::collections::BTreeMap;
use std::path::PathBuf;

use ketenpoort::disclosure::certificate::{Print, Witness, as_defined, check, version_of};
use ketenpoort::disclosure::component::components;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, TableQuery};
use ketenpoort::indicator::relations::VERSION;

use crate::release::{EXAMPLE, Node};

fn file(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/disclosure/definitions-{version}.txt"))
}

/// IND-07 and IND-08 of 2023 of a GI, in total by quarter and year.
fn made() -> Witness {
    let mut node = Node::open(&EXAMPLE.1, "gi-alfa");
    let periods: Vec<Period> = (1..=4).map(|q| Period::quarter(2023, q)).chain([Period::year_of(2023)]).collect();
    let table = |indicator| periods.iter().map(move |&period| TableQuery { indicator, period, by: Vec::new() });
    let declared: Vec<TableQuery> = [IndicatorId::Ind07, IndicatorId::Ind08].into_iter().flat_map(table).collect();
    let component = components(&declared, &node.ledger, &node.release).remove(0);
    node.release(&component, node.release.settings.horizon);
    Witness::from_bytes(&node.witnesses[0]).expect("a witness")
}

/// The same release as version 1 of the definitions proved it: without the trajectories that begin and what is left out of them.
fn before_one_population(of: &Witness) -> Witness {
    let goes = |i: usize| {
        let cell = &of.cells[i];
        cell.print == Print::Known || cell.name.as_ref().is_some_and(|name| name.measure == "n_begonnen")
    };
    let gone_with = |rel: &ketenpoort::disclosure::certificate::RelationEntry| {
        goes(rel.total) || rel.parts.iter().any(|&p| goes(p))
    };
    let mut w = of.clone();
    w.definitions = 1;
    w.relations.retain(|rel| !gone_with(rel));
    // A rest of a relation that is gone goes too.
    let used: std::collections::BTreeSet<usize> =
        w.relations.iter().flat_map(|rel| rel.parts.iter().copied().chain([rel.total])).collect();
    let stays: Vec<usize> =
        (0..of.cells.len()).filter(|&i| !goes(i) && (of.cells[i].name.is_some() || used.contains(&i))).collect();
    let number: BTreeMap<usize, usize> = stays.iter().enumerate().map(|(new, &old)| (old, new)).collect();
    w.cells = stays.iter().map(|&i| of.cells[i].clone()).collect();
    for rel in &mut w.relations {
        rel.total = number[&rel.total];
        rel.parts.iter_mut().for_each(|part| *part = number[part]);
    }
    for world in &mut w.worlds {
        *world = world.iter().filter_map(|(cell, by)| Some((*number.get(cell)?, *by))).collect();
    }
    w.proofs.retain(|proof| number.contains_key(&proof.cell));
    w.proofs.iter_mut().for_each(|proof| proof.cell = number[&proof.cell]);
    w
}

/// After a change of the relations a new version is written beside the old ones, which stay as they are:
/// `KETENPOORT_VERNIEUW=1 cargo test --test it definitions`.
#[test]
fn a_witness_of_every_version_of_the_definitions_is_compared_with_its_own() {
    if std::env::var_os("KETENPOORT_VERNIEUW").is_some() {
        let now = made();
        for (version, witness) in [(1, before_one_population(&now)), (VERSION, now)] {
            std::fs::write(file(version), witness.to_bytes()).expect("written");
        }
    }
    let release = Node::open(&EXAMPLE.1, "gi-alfa").release;
    for version in 1..=VERSION {
        let bytes = std::fs::read(file(version)).expect("kept since that version");
        let witness = Witness::from_bytes(&bytes).expect("a witness");
        check(&witness).expect("a proof");
        assert_eq!((witness.definitions, version_of(&witness)), (version, version));
        as_defined(&witness, &release).expect("as defined then");
        let mut fewer = witness.clone();
        fewer.relations.remove(0);
        let flaw = as_defined(&fewer, &release).expect_err("a relation is missing");
        assert!(flaw.to_string().contains(&format!("versie {version}")), "{flaw}");
        for other in (1..=VERSION + 1).filter(|other| *other != version) {
            // What says nothing is taken to be of the version that its cells are of.
            let says = Witness { definitions: other, ..witness.clone() };
            assert_eq!(
                as_defined(&says, &release).is_ok(),
                other == 1 && version_of(&says) == version,
                "{version} as {other}"
            );
        }
    }
}
