//! A small region for the tests of this room and later ones: two delivering parties, a monitor and a gate.

use super::bundle::{ConvenantBundle, ConvenantInForce, in_force};
use super::card::{CARD_VERSION, NodeCard, SignedCard};
use super::convenant::{Convenant, GemeenteTerm};
use super::draft::DraftTerms;
use super::permit::{Permit, decide};
use crate::crypto::{KeyTree, Secret32, digest};
use crate::domain::codes::{OrgType, Owner};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::query::Query;

/// The monitor, the gate, a municipality and an institution, in this order.
pub(crate) const MONITOR: u8 = 1;
pub(crate) const GATE: u8 = 2;
pub(crate) const TOWN: u8 = 3;
pub(crate) const INSTITUTION: u8 = 4;
/// Everybody.
pub(crate) const ALL: [u8; 4] = [MONITOR, GATE, TOWN, INSTITUTION];

pub(crate) fn day(text: &str) -> Day {
    Day::parse(text).expect("date in the test")
}

pub(crate) fn oin(n: u8) -> Oin {
    Oin::parse(&format!("00000099000000000{n:03}")).expect("OIN in the test")
}

pub(crate) fn keys(n: u8) -> KeyTree {
    KeyTree::new(Secret32::new([n; 32]))
}

pub(crate) fn plain_card(n: u8) -> NodeCard {
    let (org_type, levert, gemeente) = match n {
        MONITOR => (OrgType::Monitor, vec![], None),
        GATE => (OrgType::Gate, vec![], None),
        TOWN => (OrgType::Gem, vec![Owner::Lt, Owner::Gem], Some("0001".to_owned())),
        _ => (OrgType::Gi, vec![Owner::Gi], None),
    };
    NodeCard {
        version: CARD_VERSION,
        oin: oin(n),
        name: format!("Partij {n}"),
        org_type,
        levert,
        gemeente,
        endpoint: format!("127.0.0.1:90{n:02}"),
        signing: keys(n).signing_key().verifying_key(),
        checkpoint: keys(n).checkpoint_key().verifying_key(),
        witness: Some(keys(n).witness_key().verifying_key()),
        agreement: keys(n).agreement_key(1).public(),
        tls_pin: digest(&[n]),
        next_tls_pin: None,
        issued: day("2026-01-01"),
    }
}

pub(crate) fn card(n: u8) -> SignedCard {
    plain_card(n).sign(&keys(n).signing_key()).expect("sound card")
}

/// A draft of the small region, valid 2026 to 2030, with a chain base made by the municipality.
pub(crate) fn draft() -> Convenant {
    let term = |code: &str| GemeenteTerm { code: code.to_owned(), name: None, van: day("1990-01-01"), tot: None };
    let terms = DraftTerms {
        id: "voorbeeld".to_owned(),
        title: "Voorbeeld".to_owned(),
        region: vec!["0001".to_owned(), "0002".to_owned()],
        gemeenten: vec![term("0001"), term("0002"), term("0003")],
        validity: (day("2026-01-01"), day("2030-12-31")),
        sums: Vec::new(),
    };
    Convenant::draft(terms, ALL.map(card).into()).with_chain(&oin(TOWN), &keys(TOWN).signing_key())
}

/// A bundle of the document, signed by all.
pub(crate) fn signed(convenant: Convenant) -> ConvenantBundle {
    let date = day("2026-01-05");
    let mut bundle = ConvenantBundle::propose(convenant, &oin(TOWN), &keys(TOWN).signing_key(), date).expect("sound");
    for n in [MONITOR, GATE, INSTITUTION] {
        bundle.accept(&oin(n), &keys(n).signing_key(), date).expect("signs");
    }
    bundle
}

/// The small region's convenant in force.
pub(crate) fn held() -> ConvenantInForce {
    in_force(&[signed(draft())], day("2026-06-01")).expect("in force").remove(0)
}

/// The monitor's permit for a question, on 1 June 2026.
pub(crate) fn permit(query: &Query) -> Permit {
    let held = held();
    decide(&held, &oin(MONITOR), &held.hash(), query, day("2026-06-01")).expect("allowed")
}
