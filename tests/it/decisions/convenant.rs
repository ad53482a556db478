//! A convenant grants exchange types: it narrows the national lists and never widens them, and a permit follows all of it.

use std::collections::BTreeSet;

use ketenpoort::crypto::digest;
use ketenpoort::domain::codes::OrgType;
use ketenpoort::domain::day::Day;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::policy::bundle::{ConvenantBundle, ConvenantInForce, in_force};
use ketenpoort::policy::case::permit::{CasePermit, CaseQuestion, CaseRefusal, decide_case};
use ketenpoort::policy::case::{Rules, Situation};
use ketenpoort::policy::check::check;
use ketenpoort::policy::convenant::{Convenant, Role};

use super::{situation, table};
use crate::convenant::{example, keys};

fn today() -> Day {
    Day::parse("2026-06-01").expect("a day")
}

fn granting(names: &[&str]) -> Convenant {
    let draft = example();
    let maker = draft.with_role(Role::Delivering).next().expect("delivering party").oin;
    let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    draft.with_chain(&maker, &keys(&maker).signing_key()).with_cases(Rules::national(), &names)
}

fn held(convenant: Convenant) -> ConvenantInForce {
    let parties: Vec<Oin> = convenant.parties.iter().map(|p| *p.oin()).collect();
    let maker = parties[0];
    let mut bundle = ConvenantBundle::propose(convenant, &maker, &keys(&maker).signing_key(), today()).expect("sound");
    for oin in parties.iter().filter(|oin| **oin != maker) {
        bundle.accept(oin, &keys(oin).signing_key(), today()).expect("accepts");
    }
    in_force(&[bundle], today()).expect("in force").remove(0)
}

fn party(convenant: &Convenant, kind: OrgType) -> Oin {
    convenant
        .parties
        .iter()
        .map(|party| party.card.card())
        .find(|card| card.org_type == kind)
        .expect("such a party")
        .oin
}

/// A warm hand-over to the institution that executes the measure, today.
fn handover(convenant: &Convenant) -> Situation {
    let rows = table();
    let mut asked = situation(rows.iter().find(|row| row["rule"] == "G-OTS").expect("an allow"));
    asked.date = Some(today());
    asked.sender.oin = party(convenant, OrgType::Gem);
    asked.receiver.oin = party(convenant, OrgType::Gi);
    let measure = asked.measure.as_mut().expect("a measure");
    (measure.executor, measure.to) = (Some(asked.receiver.oin), None);
    asked
}

fn ask(held: &ConvenantInForce, asked: &Situation) -> Result<CasePermit, CaseRefusal> {
    let question = CaseQuestion { situation: asked, request: digest(b"request"), convenant: held.hash() };
    decide_case(held, Rules::national(), &question, today())
}

#[test]
fn terms_narrow_the_national_lists_and_never_widen_them() {
    let sound = granting(&["SCN-07", "SCN-08", "SCN-09"]);
    assert_eq!(check(&sound), vec![]);
    let purposes: Vec<String> = sound.purposes.iter().map(|term| format!("{:?}", term.purpose)).collect();
    assert_eq!(purposes, ["P1", "P5", "P6"]);
    assert_eq!(Convenant::from_toml(&sound.to_toml().expect("TOML")).expect("reads"), sound);
    let mut narrow = sound.clone();
    let grant = &mut narrow.cases.as_mut().expect("terms").exchanges[0];
    grant.maximum.retain(|field| field != "safety_agreements");
    grant.minimum.push("plan_goals".to_owned());
    assert_eq!(check(&narrow), vec![]);
    let changes: [(&str, &dyn Fn(&mut Convenant)); 7] = [
        ("vernauwen", &|c| c.cases.as_mut().expect("terms").exchanges[0].maximum.push("concern_category".to_owned())),
        ("vernauwen", &|c| c.cases.as_mut().expect("terms").exchanges[0].minimum.retain(|field| field != "identity")),
        ("nooit naar buiten", &|c| {
            c.cases.as_mut().expect("terms").exchanges[0].maximum.push("source_identity".to_owned())
        }),
        ("niet in de regels", &|c| c.cases.as_mut().expect("terms").exchanges[0].exchange = "SCN-01".to_owned()),
        ("oplopend", &|c| c.cases.as_mut().expect("terms").exchanges.reverse()),
        ("horen niet bij elkaar", &|c| c.cases.as_mut().expect("terms").rules_hash = digest(b"other rules")),
        ("grondslag", &|c| c.purposes.retain(|term| format!("{:?}", term.purpose) != "P5")),
    ];
    for (said, change) in changes {
        let mut changed = sound.clone();
        change(&mut changed);
        let faults: Vec<String> = check(&changed).iter().map(ToString::to_string).collect();
        assert!(faults.iter().any(|fault| fault.contains(said)), "{said}: {faults:?}");
    }
}

#[test]
fn a_permit_needs_convenant_parties_roles_and_rules() {
    let held = held(granting(&["SCN-07"]));
    let asked = handover(held.convenant());
    let permit = ask(&held, &asked).expect("allowed");
    assert_eq!((permit.exchange(), permit.purpose(), permit.decision().rule()), ("SCN-07", "P5", "G-OTS"));
    assert_eq!((permit.fields(), permit.receiver()), (asked.fields.as_slice(), &asked.receiver.oin));
    assert!(!permit.is_override() && permit.request() == digest(b"request"));
    let gate = party(held.convenant(), OrgType::Gate);
    let refused: [(ReasonCode, &dyn Fn(&mut Situation)); 9] = [
        (ReasonCode::CaseGround, &|s| s.measure = None),
        (ReasonCode::CaseGround, &|s| s.measure.as_mut().expect("a measure").executor = Some(s.sender.oin)),
        (ReasonCode::CaseFields, &|s| s.fields.push("source_identity".to_owned())),
        (ReasonCode::CaseExchange, &|s| (s.exchange, s.purpose) = (Some("SCN-08".to_owned()), Some("P6".to_owned()))),
        (ReasonCode::CasePurpose, &|s| s.purpose = Some("afrekening".to_owned())),
        (ReasonCode::CaseExchange, &|s| s.sender.role = Some("VT".to_owned())),
        (ReasonCode::CaseExchange, &|s| s.receiver.oin = gate),
        (ReasonCode::OinNotInConvenant, &|s| s.sender.oin = Oin::parse("00000099000000999000").expect("OIN")),
        (ReasonCode::MessageMalformed, &|s| s.date = Some(Day(today().0 - 1))),
    ];
    for (reason, change) in refused {
        let mut changed = asked.clone();
        change(&mut changed);
        let refusal = ask(&held, &changed).expect_err("refused");
        assert_eq!(refusal.reason, reason);
        // What hangs on the child is told with one code; what the request shows by itself, with its own.
        let told = if reason == ReasonCode::CaseGround { ReasonCode::CaseRefused } else { reason };
        assert_eq!(refusal.told(), told);
    }
    let question = CaseQuestion { situation: &asked, request: digest(b"request"), convenant: digest(b"another") };
    let other = decide_case(&held, Rules::national(), &question, today()).expect_err("another version");
    assert_eq!(other.reason, ReasonCode::OtherConvenant);
    let rules = Rules::from_toml(&format!("{}\n# read once more\n", Rules::national_text())).expect("sound");
    let question = CaseQuestion { convenant: held.hash(), ..question };
    assert_eq!(decide_case(&held, &rules, &question, today()).expect_err("other rules").reason, ReasonCode::CaseRules);
}

#[test]
fn a_convenant_that_narrows_refuses_what_the_rules_allow_and_without_terms_nothing_goes() {
    let mut convenant = granting(&["SCN-07"]);
    let grant = &mut convenant.cases.as_mut().expect("terms").exchanges[0];
    grant.maximum.retain(|field| field != "safety_agreements");
    let narrow = held(convenant);
    let mut asked = handover(narrow.convenant());
    assert_eq!(ask(&narrow, &asked).expect_err("beyond").reason, ReasonCode::CaseFields);
    asked.fields.retain(|field| field != "safety_agreements");
    assert_eq!(ask(&narrow, &asked).expect("within").fields().len(), 4);
    // A field that the convenant does not allow is refused with the same code whether there is a measure or not.
    asked.measure = None;
    asked.fields.push("safety_agreements".to_owned());
    assert_eq!(ask(&narrow, &asked).expect_err("beyond").told(), ReasonCode::CaseFields);
    let none = held(granting(&["SCN-07"]));
    let mut without = none.convenant().clone();
    without.cases = None;
    let asked = handover(&without);
    assert_eq!(ask(&held(without), &asked).expect_err("no terms").reason, ReasonCode::CaseExchange);
}
