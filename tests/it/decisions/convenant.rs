//! A convenant grants exchange types: it narrows the national lists and never widens them, and without its terms nothing goes.

use std::collections::BTreeSet;

use ketenpoort::crypto::digest;
use ketenpoort::domain::codes::OrgType;
use ketenpoort::domain::day::Day;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::policy::case::terms::granted;
use ketenpoort::policy::case::{Rules, Situation, decide};
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
    (measure.executor, measure.to) = (Some(asked.receiver.oin), Some(Day(today().0 + 200)));
    asked
}

/// Something that is done to a sound convenant.
type Change<'a> = &'a dyn Fn(&mut Convenant);

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
    let changes: [(&str, Change); 7] = [
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
fn a_convenant_that_narrows_refuses_what_the_rules_allow_and_without_terms_nothing_goes() {
    let mut convenant = granting(&["SCN-07"]);
    let grant = &mut convenant.cases.as_mut().expect("terms").exchanges[0];
    grant.maximum.retain(|field| field != "safety_agreements");
    let mut asked = handover(&convenant);
    assert!(decide(Rules::national(), &asked).allowed());
    let ask = |convenant: &Convenant, asked: &Situation| granted(convenant, Rules::national(), asked);
    assert_eq!(ask(&convenant, &asked), Err(ReasonCode::CaseFields), "more than the convenant allows");
    asked.fields.retain(|field| field != "safety_agreements");
    assert_eq!(ask(&convenant, &asked), Ok(()));
    asked.fields.retain(|field| field != "identity");
    assert_eq!(ask(&convenant, &asked), Err(ReasonCode::CaseFields), "less than it asks");
    asked.exchange = Some("SCN-08".to_owned());
    assert_eq!(ask(&convenant, &asked), Err(ReasonCode::CaseExchange), "another type");
    let rules = Rules::from_toml(&format!("{}\n# read once more\n", Rules::national_text())).expect("sound");
    assert_eq!(granted(&convenant, &rules, &handover(&convenant)), Err(ReasonCode::CaseRules));
    convenant.cases = None;
    assert_eq!(ask(&convenant, &handover(&convenant)), Err(ReasonCode::CaseExchange), "no terms at all");
}
