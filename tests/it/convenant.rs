//! The example convenant in `deploy/` is sound, current, and can be signed and put in force by its parties.
//!
//! `KETENPOORT_VERNIEUW=1 cargo test --test it convenant::` writes the example again after a change of the layout.

use std::fs;
use std::path::{Path, PathBuf};

use ketenpoort::crypto::{KeyTree, Secret32, digest};
use ketenpoort::domain::codes::{OrgType, Owner};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::query::{IndicatorId, Query};
use ketenpoort::policy::bundle::{ConvenantBundle, in_force};
use ketenpoort::policy::card::{CARD_VERSION, NodeCard, SignedCard};
use ketenpoort::policy::check::check;
use ketenpoort::policy::convenant::{Convenant, GemeenteTerm, Role, Route};
use ketenpoort::policy::draft::DraftTerms;
use ketenpoort::policy::permit::{decide, declared_plan};
use ketenpoort::policy::rules::Area;
use serde_json::Value;

const HEAD: &str = "\
# Voorbeeld van een convenant: een verzonnen regio met de gemeenten van Twente.
# De kaarten zijn van voorbeeldsleutels die iedereen kan narekenen; gebruik ze nooit.
# Een eigen convenant begint met: ketenpoort convenant new --card FILE.. (zie de README).
";

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn day(text: &str) -> Day {
    Day::parse(text).expect("date in the test")
}

/// Keys that everybody can compute: for examples only.
pub fn keys(oin: &Oin) -> KeyTree {
    KeyTree::new(Secret32::new(digest(format!("voorbeeld {oin}").as_bytes()).0))
}

fn card(key: &str, oin: &str, name: &str, kind: (OrgType, Vec<Owner>, Option<String>)) -> SignedCard {
    let oin = Oin::parse(oin).expect("OIN of the region");
    let keys = keys(&oin);
    let card = NodeCard {
        version: CARD_VERSION,
        oin,
        name: name.to_owned(),
        org_type: kind.0,
        levert: kind.1,
        gemeente: kind.2,
        endpoint: format!("{key}.example:8443"),
        signing: keys.signing_key().verifying_key(),
        checkpoint: keys.checkpoint_key().verifying_key(),
        witness: Some(keys.witness_key().verifying_key()),
        agreement: keys.agreement_key(1).public(),
        tls_pin: digest(format!("voorbeeld-tls {oin}").as_bytes()),
        next_tls_pin: None,
        issued: day("2026-01-01"),
    };
    card.sign(&keys.signing_key()).expect("sound card")
}

/// The convenant of a made-up region, as deploy has it.
pub fn example() -> Convenant {
    let text = fs::read_to_string(file("tests/data/clean/organisations.json")).expect("region of the tests");
    let region: Value = serde_json::from_str(&text).expect("JSON");
    let list = |name: &str| region[name].as_array().expect("list").clone();
    let string = |v: &Value| v.as_str().map(str::to_owned);
    let mut cards: Vec<SignedCard> = list("organisations")
        .iter()
        .map(|o| {
            let field = |name: &str| string(&o[name]).expect("text");
            let levert = o["levert"].as_array().expect("list").iter();
            let levert = levert.map(|l| Owner::parse(l.as_str().expect("text")).expect("owner")).collect();
            let kind = (OrgType::parse(&field("org_type")).expect("kind"), levert, string(&o["gemeente"]));
            card(&field("key"), &field("oin"), &field("name"), kind)
        })
        .collect();
    for (key, oin, name, kind) in [
        ("ketenmonitor", "00000099000999000001", "Ketenmonitor", OrgType::Monitor),
        ("poortwachter", "00000099000999000002", "Poortwachter", OrgType::Gate),
    ] {
        cards.push(card(key, oin, name, (kind, vec![], None)));
    }
    let towns = list("gemeenten");
    let terms = DraftTerms {
        sums: Vec::new(),
        id: "voorbeeld-twente".to_owned(),
        title: "Voorbeeldconvenant ketenmonitor jeugdbescherming Twente".to_owned(),
        region: towns.iter().filter(|g| g["regio"] == true).filter_map(|g| string(&g["code"])).collect(),
        gemeenten: towns
            .iter()
            .map(|g| GemeenteTerm {
                code: string(&g["code"]).expect("code"),
                name: string(&g["naam"]),
                van: day(g["van"].as_str().expect("date")),
                tot: g["tot"].as_str().map(day),
            })
            .collect(),
        validity: (day("2026-01-01"), day("2030-12-31")),
    };
    let cities = ["0141", "0153", "0164"].map(str::to_owned);
    Convenant::draft(terms, cards).with_areas(vec![Area { name: "steden".to_owned(), gemeenten: cities.into() }])
}

#[test]
fn the_example_in_deploy_is_sound_and_current() {
    let path = file("deploy/convenant-voorbeeld.toml");
    if std::env::var_os("KETENPOORT_VERNIEUW").is_some() {
        fs::write(&path, format!("{HEAD}\n{}", example().to_toml().expect("TOML"))).expect("example written");
    }
    let text = fs::read_to_string(path).expect("the example exists");
    let read = Convenant::from_toml(&text).expect("the example reads");
    assert_eq!(check(&read), vec![]);
    assert!(read == example(), "renew the example as the head of this file says");
    assert_eq!(read.with_role(Role::Delivering).count(), 21);
    assert_eq!(read.domains.gemeente.len(), 15, "fourteen municipalities and the others");
    assert_eq!(read.domains.gebied.len(), 2, "the three cities and the others");
}

#[test]
fn the_parties_of_the_example_put_it_in_force_and_the_monitor_may_ask_its_whole_plan() {
    let draft = example();
    let maker = draft.with_role(Role::Delivering).next().expect("delivering party").oin;
    let convenant = draft.with_chain(&maker, &keys(&maker).signing_key());
    let today = day("2026-02-01");
    let parties: Vec<Oin> = convenant.parties.iter().map(|p| *p.oin()).collect();
    let mut bundle = ConvenantBundle::propose(convenant, &maker, &keys(&maker).signing_key(), today).expect("proposed");
    for oin in parties.iter().filter(|oin| **oin != maker) {
        // Each party reads the file that the one before it wrote.
        bundle = ConvenantBundle::parse(&bundle.to_text()).expect("reads");
        bundle.accept(oin, &keys(oin).signing_key(), today).expect("accepts");
    }
    let held = in_force(&[bundle], today).expect("in force").remove(0);
    let convenant = held.convenant();
    let chain = convenant.chain.as_ref().expect("chain");
    for card in convenant.with_role(Role::Delivering) {
        let maker = convenant.party(&chain.made_by).expect("maker").card.card().signing;
        let base = chain.open(&convenant.id, (&card.oin, &keys(&card.oin).agreement_key(1)), &maker);
        assert_eq!(base.expect("every delivering party opens its base").check(), chain.check);
    }
    let plan: Vec<_> = IndicatorId::ALL
        .iter()
        .flat_map(|i| (2021..=2024).flat_map(|y| declared_plan(convenant, (*i, Route::Node), y)))
        .collect();
    // Eight tables a year of each indicator, and five by area.
    assert_eq!(plan.len(), 11 * 4 * 13);
    let monitor = convenant.monitor().expect("monitor").oin;
    decide(&held, &monitor, &held.hash(), &Query::new(plan), today).expect("the whole plan is allowed");
}
