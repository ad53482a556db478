//! What a convenant document and its check promise, and the chain base in it.

use crate::crypto::{ChainBase, digest};
use crate::domain::codes::Owner;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::query::{Dimension, IndicatorId};
use crate::policy::bundle::{ConvenantBundle, InvalidBundle};
use crate::policy::chain::*;
use crate::policy::check::check;
use crate::policy::convenant::*;
use crate::policy::diff::diff;
use crate::policy::fixture::*;
use crate::policy::permit::declared_plan;
use crate::policy::rules::*;

#[test]
fn a_draft_is_sound_and_survives_toml_and_canonical_bytes() {
    let convenant = draft();
    assert_eq!(check(&convenant), vec![]);
    let toml = convenant.to_toml().expect("TOML");
    assert_eq!(Convenant::from_toml(&toml).as_ref(), Ok(&convenant));
    assert_eq!(Convenant::from_canonical(&convenant.canonical()).as_ref(), Ok(&convenant));
    let stranger = toml.replacen("title =", "onbekend = 1\ntitle =", 1);
    assert!(Convenant::from_toml(&stranger).expect_err("unknown field").0.contains("onbekend"));
}

#[test]
fn the_draft_grants_what_the_design_says() {
    let convenant = draft();
    let ids: Vec<_> = convenant.indicators.iter().map(|g| g.indicator.as_str()).collect();
    let expected =
        ["IND-01", "IND-02", "IND-03", "IND-06", "IND-07", "IND-08", "IND-08P", "IND-10", "IND-11", "IND-13", "IND-17"];
    assert_eq!(ids, expected);
    let plan = declared_plan(&convenant, (IndicatorId::Ind01, Route::Node), 2024);
    assert_eq!(plan.len(), 4 + 4);
    let year: Vec<_> = plan.iter().filter(|t| t.period == Period::year_of(2024)).map(|t| t.by.clone()).collect();
    assert_eq!(year, [vec![], vec![Dimension::Gemeente], vec![Dimension::Maatregel], vec![Dimension::Leeftijd]]);
    assert!(plan.iter().all(|t| t.period == Period::year_of(2024) || t.by.is_empty()));
    assert_eq!(declared_plan(&convenant, (IndicatorId::Ind24, Route::Node), 2024), vec![]);
    assert_eq!(convenant.settlement_days, 42);
}

#[test]
fn only_one_spelling_is_canonical() {
    let bytes = draft().canonical();
    let text = String::from_utf8(bytes).expect("JSON");
    for (from, to) in [
        (",\"version\":1", ", \"version\":1"),
        ("\"version\":1", "\"version\":1.0"),
        ("\"title\":\"Voorbeeld\"", "\"title\":\"\\u0056oorbeeld\""),
        ("\"van\":\"1990-01-01\"}", "\"van\":\"1990-01-01\",\"tot\":null}"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(Convenant::from_canonical(text.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
    }
}

type Change = fn(&mut Convenant);

/// The three tables of two dimensions that cross.
fn crossing() -> [Vec<Dimension>; 3] {
    use Dimension::{Gemeente, Leeftijd, Maatregel};
    [vec![Gemeente, Maatregel], vec![Gemeente, Leeftijd], vec![Maatregel, Leeftijd]]
}

/// Their joint table.
fn joint() -> Vec<Dimension> {
    vec![Dimension::Gemeente, Dimension::Maatregel, Dimension::Leeftijd]
}

#[test]
fn crossing_tables_may_be_granted_with_their_joint_table_or_two_of_them_without() {
    let mut two = draft();
    two.indicators[0].tables[1].by.extend(crossing().into_iter().take(2));
    let mut whole = draft();
    whole.indicators[0].tables[1].by.extend(crossing());
    whole.indicators[0].tables[1].by.push(joint());
    let mut over = draft();
    let [first, second, third] = crossing();
    over.indicators[0].tables[0].by.extend([first, joint()]);
    over.indicators[0].tables[1].by.extend([second, third]);
    for (convenant, what) in [(two, "two"), (whole, "joint"), (over, "joint of quarters")] {
        assert_eq!(check(&convenant), Vec::new(), "{what}");
    }
}

fn areas(of: &[(&str, &[&str])]) -> Vec<Area> {
    let area = |(name, codes): &(&str, &[&str])| Area {
        name: (*name).to_owned(),
        gemeenten: codes.iter().map(|&code| code.to_owned()).collect(),
    };
    of.iter().map(area).collect()
}

#[test]
fn areas_lie_between_municipality_and_region_and_cover_it() {
    use Dimension::{Gebied, Gemeente, Leeftijd, Maatregel};
    let with = || draft().with_areas(areas(&[("stad", &["0001"])]));
    assert_eq!(check(&with()), Vec::new());
    assert_eq!(*with().domains.values(Gebied), ["stad:0001", "overige-gemeenten:0002+overig"]);
    assert!(with().indicators.iter().all(|g| g.tables.iter().all(|t| t.by.contains(&vec![Gebied]))));
    let one = with();
    assert!(Convenant::from_canonical(&one.canonical()).expect("reads back") == one);
    assert!(Convenant::from_toml(&one.to_toml().expect("TOML")).expect("reads back") == one);
    assert!(
        !String::from_utf8(draft().canonical()).expect("JSON").contains("gebied"),
        "a convenant without areas keeps its hash"
    );
    let places = |convenant: &Convenant| -> Vec<String> { check(convenant).into_iter().map(|f| f.place).collect() };
    for wrong in [
        areas(&[("alles", &["0001", "0002", "overig"])]),
        areas(&[("stad", &["0001"]), ("land", &["0002"])]),
        areas(&[("stad", &["0001"]), ("land", &["0001", "0002", "overig"])]),
        areas(&[("stad", &["0001"]), ("stad", &["0002", "overig"])]),
        areas(&[("Een Stad", &["0001"]), ("land", &["0002", "overig"])]),
        areas(&[("stad", &["0001"]), ("land", &["overig", "0002"])]),
        areas(&[("stad", &["0001"]), ("land", &["0002", "overig"]), ("leeg", &[])]),
        Vec::new(),
    ] {
        let mut convenant = with();
        convenant.domains.gebied = wrong;
        assert_eq!(places(&convenant), ["domains.gebied"], "{:?}", convenant.domains.gebied);
    }
    let mut both = with();
    both.indicators[0].tables[1].by.push(vec![Gemeente, Gebied]);
    assert_eq!(places(&both), ["indicators.IND-01.year.by"]);
    // Crossing tables pin the joint table, of areas or of municipalities.
    for (pair, joint, sound) in [
        (vec![Leeftijd, Gebied], vec![Maatregel, Leeftijd, Gebied], true),
        (vec![Gemeente, Leeftijd], vec![Maatregel, Leeftijd, Gebied], true),
        (vec![Gemeente, Leeftijd], vec![Gemeente, Maatregel, Leeftijd], true),
        (vec![Gemeente, Leeftijd], vec![], false),
    ] {
        let mut crossed = with();
        let by = &mut crossed.indicators[0].tables[1].by;
        by.extend([vec![Maatregel, Leeftijd], vec![Maatregel, Gebied], pair]);
        by.extend(Some(joint).filter(|joint| !joint.is_empty()));
        assert_eq!(places(&crossed).is_empty(), sound);
        crossed.indicators[0].tables[1].by.push(vec![Gemeente, Maatregel]);
        let fine = crossed.indicators[0].tables[1].by.contains(&vec![Gemeente, Maatregel, Leeftijd]);
        let towns = crossed.indicators[0].tables[1].by.contains(&vec![Gemeente, Leeftijd]);
        assert_eq!(
            places(&crossed).is_empty(),
            sound && (fine || !towns),
            "both by municipality need it by municipality"
        );
    }
}

#[test]
fn check_names_each_fault_and_its_place() {
    let changes: Vec<(Change, &str)> = vec![
        (|c| c.id = "Twee Woorden".to_owned(), "id"),
        (|c| c.version = 0, "version"),
        (|c| c.title.clear(), "title"),
        (|c| c.valid_to = day("2025-01-01"), "valid_to"),
        (|c| c.settlement_days = 400, "settlement_days"),
        (|c| c.retention.log_years = 0, "retention.log_years"),
        (|c| c.disclosure.threshold = 9, "disclosure.threshold"),
        (|c| c.disclosure.rounding = 3, "disclosure.rounding"),
        (|c| c.disclosure.rounding = 10, "disclosure.rounding"),
        (|c| c.disclosure.min_families = 2, "disclosure.min_families"),
        (|c| c.disclosure.dominance_percent = 81, "disclosure.dominance_percent"),
        (|c| c.disclosure.share_noemer = 29, "disclosure.share_noemer"),
        (|c| c.domains.leeftijd.truncate(3), "domains.leeftijd"),
        (|c| c.domains.maatregel.reverse(), "domains.maatregel"),
        (|c| c.domains.gemeente.clear(), "domains.gemeente"),
        (|c| c.domains.gemeente.reverse(), "domains.gemeente"),
        (|c| c.domains.gemeente.insert(0, "9999".to_owned()), "domains.gemeente"),
        (|c| c.purposes.clear(), "purposes"),
        (|c| c.purposes[0].legal_basis.clear(), "purposes.P1.legal_basis"),
        (|c| c.indicators[0].indicator = IndicatorId::Ind24, "indicators.IND-24"),
        (|c| c.indicators[0].route = Route::Sum, "indicators.IND-01.owners"),
        (|c| c.indicators[0].owners = vec![Owner::Lt], "indicators.IND-01.owners"),
        (
            |c| (c.indicators[0].route, c.indicators[0].owners) = (Route::Sum, vec![Owner::Lt]),
            "indicators.IND-01.owners",
        ),
        (
            |c| {
                (c.indicators[0].route, c.indicators[0].owners) = (Route::Sum, vec![Owner::Gi]);
                c.indicators[0].tables[1].by.push(joint());
            },
            "indicators.IND-01.tables",
        ),
        (|c| c.indicators[0].route = Route::Link, "indicators.IND-01.route"),
        (|c| c.indicators[0].version.clear(), "indicators.IND-01.version"),
        (|c| c.indicators[0].tables.clear(), "indicators.IND-01.tables"),
        (|c| c.indicators[0].tables[1].period = PeriodKind::Quarter, "indicators.IND-01.tables"),
        (|c| c.indicators[0].tables[0].period = PeriodKind::Month, "indicators.IND-01.month"),
        (|c| c.indicators[0].tables[0].by.clear(), "indicators.IND-01.quarter.by"),
        (|c| c.indicators[0].tables[1].by.push(vec![Dimension::Organisatie]), "indicators.IND-01.year.by"),
        (
            |c| c.indicators[0].tables[1].by.push(vec![Dimension::Leeftijd, Dimension::Gemeente]),
            "indicators.IND-01.year.by",
        ),
        (|c| c.indicators[0].tables[1].by.push(Dimension::ALL.to_vec()), "indicators.IND-01.year.by"),
        (|c| c.indicators[0].tables[1].by.extend(crossing()), "indicators.IND-01.tables"),
        (
            |c| {
                let [first, second, third] = crossing();
                c.indicators[0].tables[0].by.push(first);
                c.indicators[0].tables[1].by.extend([second, third]);
            },
            "indicators.IND-01.tables",
        ),
        (
            |c| {
                c.indicators[0].tables[0].by.push(joint());
                c.indicators[0].tables[1].by.extend(crossing());
            },
            "indicators.IND-01.tables",
        ),
        (|c| c.indicators.push(c.indicators[0].clone()), "indicators"),
        (|c| c.bin_cuts.clear(), "bin_cuts"),
        (|c| c.bin_cuts[0].edges = vec![6, 10], "bin_cuts.IND-06"),
        (|c| c.bin_cuts[0].edges = vec![10, 42], "bin_cuts.IND-06"),
        (|c| c.bin_cuts.push(default_cut(IndicatorId::Ind01, DayKind::Working)), "bin_cuts.IND-01"),
        (|c| c.gemeenten[0].code = "x".to_owned(), "gemeenten.x"),
        (|c| c.gemeenten[0].tot = Some(day("1980-01-01")), "gemeenten.0001"),
        (|c| c.gemeenten.push(c.gemeenten[0].clone()), "gemeenten.0001"),
        (|c| c.parties[0].roles = vec![Role::Delivering], "parties.00000099000000000001"),
        (|c| c.parties[2].roles = vec![Role::Delivering, Role::Gate], "parties.00000099000000000003"),
        (|c| c.parties[2].roles.clear(), "parties.00000099000000000003"),
        (|c| drop(c.parties.remove(0)), "parties"),
        (|c| c.parties.push(c.parties[2].clone()), "parties"),
        (|c| c.parties.truncate(2), "parties"),
        (|c| drop(c.parties.remove(2)), "chain.made_by"),
        (|c| c.id = "ander".to_owned(), "chain.sealed"),
        (|c| drop(c.chain.as_mut().expect("chain").sealed.pop()), "chain.sealed"),
    ];
    for (change, place) in changes {
        let mut convenant = draft();
        change(&mut convenant);
        let faults = check(&convenant);
        assert!(faults.iter().any(|f| f.place == place && !f.text.is_empty()), "{place}: {faults:?}");
        let refused = ConvenantBundle::propose(convenant, &oin(INSTITUTION), &keys(4).signing_key(), day("2026-01-01"));
        assert_eq!(refused, Err(InvalidBundle::Faults(faults)), "{place}");
    }
}

#[test]
fn check_reports_all_faults_at_once() {
    let mut convenant = draft();
    convenant.version = 0;
    convenant.disclosure.threshold = 1;
    convenant.indicators[3].route = Route::Link;
    let places: Vec<_> = check(&convenant).into_iter().map(|f| f.place).collect();
    assert_eq!(places, ["version", "disclosure.threshold", "disclosure.rounding", "indicators.IND-06.route"]);
}

#[test]
fn a_changed_or_borrowed_card_is_a_fault() {
    let mut convenant = draft();
    let text = convenant.to_toml().expect("TOML").replacen("127.0.0.1:9003", "127.0.0.1:9999", 1);
    convenant = Convenant::from_toml(&text).expect("readable");
    assert!(check(&convenant).iter().any(|f| f.place.ends_with("003") && f.text.contains("handtekening")));
    let mut shared = plain_card(INSTITUTION);
    shared.tls_pin = digest(&[TOWN]);
    let mut convenant = draft();
    convenant.parties[3].card = shared.sign(&keys(INSTITUTION).signing_key()).expect("sound");
    assert!(check(&convenant).iter().any(|f| f.text.contains("TLS-sleutel")));
    let mut real = plain_card(INSTITUTION);
    real.oin = crate::domain::oin::Oin::parse("00000001000000000004").expect("OIN");
    let mut convenant = draft();
    convenant.chain = None;
    convenant.parties[3].card = real.sign(&keys(INSTITUTION).signing_key()).expect("sound");
    assert!(check(&convenant).iter().any(|f| f.text.contains("test-OIN")));
}

#[test]
fn differences_are_named_by_place() {
    let old = draft();
    assert_eq!(diff(&old, &old), Vec::<String>::new());
    let mut new = old.clone();
    new.version = 2;
    new.gemeenten.remove(2);
    new.indicators[1].tables[1].by.pop();
    new.parties.swap(0, 1);
    let lines = diff(&old, &new);
    assert!(lines.contains(&"version: was 1, wordt 2".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|l| l.starts_with("gemeenten.0003.1990-01-01: vervalt")), "{lines:?}");
    assert!(lines.iter().any(|l| l.starts_with("indicators.IND-02.tables.year.by: was")), "{lines:?}");
    assert!(lines.contains(&"parties: alleen de volgorde is anders".to_owned()), "{lines:?}");
    assert_eq!(lines.len(), 4, "{lines:?}");
}

#[test]
fn delivering_parties_open_the_same_base_and_nobody_else() {
    let convenant = draft();
    let chain = convenant.chain.as_ref().expect("chain");
    let maker = keys(TOWN).signing_key().verifying_key();
    let open = |n: u8| chain.open("voorbeeld", (&oin(n), &keys(n).agreement_key(1)), &maker);
    assert_eq!(open(TOWN).expect("opens").check(), chain.check);
    assert_eq!(open(INSTITUTION).expect("opens").expose(), open(TOWN).expect("opens").expose());
    assert_eq!(open(MONITOR).err(), Some(InvalidChain::NotForUs));
    assert_eq!(open(GATE).err(), Some(InvalidChain::NotForUs));
    let wrong = (&oin(TOWN), &keys(GATE).agreement_key(1));
    assert_eq!(chain.open("voorbeeld", wrong, &maker).err(), Some(InvalidChain::Seal));
    let own = (&oin(TOWN), &keys(TOWN).agreement_key(1));
    assert_eq!(chain.open("ander", own, &maker).err(), Some(InvalidChain::Signature));
    let mut other = chain.clone();
    other.check = ChainBase::random().check();
    assert_eq!(other.open("voorbeeld", own, &maker).err(), Some(InvalidChain::Signature));
}

#[test]
fn a_convenant_that_gives_the_monitor_or_gate_a_chain_key_is_refused() {
    for n in [MONITOR, GATE] {
        let mut convenant = draft();
        let maker = (&oin(TOWN), &keys(TOWN).signing_key());
        let cards = [plain_card(TOWN), plain_card(INSTITUTION), plain_card(n)];
        let chain = ChainKeys::make("voorbeeld", maker, &ChainBase::random(), &cards.each_ref());
        convenant.chain = Some(chain);
        let faults = check(&convenant);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].text.contains("nooit een ketensleutel"));
        let refused = ConvenantBundle::propose(convenant, &oin(TOWN), maker.1, day("2026-01-01"));
        assert_eq!(refused, Err(InvalidBundle::Faults(faults)));
    }
}

#[test]
fn a_maker_who_signs_another_base_than_it_seals_is_found_out() {
    let maker = (&oin(TOWN), &keys(TOWN).signing_key());
    let (base, other) = (ChainBase::random(), ChainBase::random());
    let honest = ChainKeys::make("voorbeeld", maker, &base, &[&plain_card(TOWN)]);
    let lying = ChainKeys::make("voorbeeld", maker, &other, &[&plain_card(TOWN)]);
    let own = (&oin(TOWN), &keys(TOWN).agreement_key(1));
    let mixed = ChainKeys { sealed: lying.sealed, ..honest };
    assert!(mixed.open("voorbeeld", own, &maker.1.verifying_key()).is_err());
    assert!(!mixed.signed_by("voorbeeld", &maker.1.verifying_key()));
}
