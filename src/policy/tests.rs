//! What cards, convenants, bundles and permits promise.

use proptest::prelude::*;

use super::bundle::*;
use super::card::*;
use super::chain::*;
use super::check::check;
use super::convenant::*;
use super::diff::diff;
use super::fixture::*;
use super::permit::*;
use super::rules::*;
use crate::crypto::{ChainBase, digest};
use crate::domain::codes::OrgType;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use crate::domain::reason::ReasonCode;

// === cards ===

#[test]
fn a_card_survives_its_file_and_every_change_is_seen() {
    let signed = card(TOWN);
    let text = signed.to_text();
    assert_eq!(SignedCard::parse(&text), Ok(signed.clone()));
    for (from, to) in [
        ("Partij 3", "Partij 4"),
        ("127.0.0.1:9003", "127.0.0.1:9004"),
        ("2026-01-01", "2026-01-02"),
        ("00000099000000000003", "00000099000000000004"),
        ("\"GEM\"", "\"JBT\""),
    ] {
        assert!(text.contains(from));
        let changed = SignedCard::parse(&text.replacen(from, to, 1));
        assert!(changed.is_err(), "{from} to {to}");
    }
    assert!(matches!(SignedCard::parse(&text.replace("\"card\"", "\"kaart\"")), Err(InvalidCard::Unreadable(_))));
}

#[test]
fn a_fingerprint_is_short_enough_to_read_out_and_differs_per_card() {
    let text = card(TOWN).fingerprint();
    assert_eq!(text.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
    assert_eq!(text, card(TOWN).fingerprint());
    let mut other = plain_card(TOWN);
    other.tls_pin = digest(b"another TLS key");
    assert_ne!(text, other.sign(&keys(TOWN).signing_key()).expect("sound").fingerprint());
}

#[test]
fn a_card_that_contradicts_itself_is_not_signed() {
    type Change = fn(&mut NodeCard);
    let changes: [(Change, &str); 10] = [
        (|c| c.version = 2, "versie"),
        (|c| c.name = "\n".to_owned(), "naam"),
        (|c| c.levert.clear(), "levert"),
        (|c| c.levert.push(c.levert[0]), "dubbel"),
        (|c| c.gemeente = None, "gemeente"),
        (|c| c.gemeente = Some("12".to_owned()), "vier cijfers"),
        (|c| c.endpoint = "host".to_owned(), "endpoint"),
        (|c| c.endpoint = "host:0".to_owned(), "endpoint"),
        (|c| c.checkpoint = c.signing, "dezelfde"),
        (|c| c.next_tls_pin = Some(c.tls_pin), "TLS"),
    ];
    for (change, word) in changes {
        let mut card = plain_card(TOWN);
        change(&mut card);
        match card.sign(&keys(TOWN).signing_key()) {
            Err(InvalidCard::Faults(text)) => assert!(text.contains(word), "{word}: {text}"),
            other => panic!("{word}: {other:?}"),
        }
    }
    assert_eq!(plain_card(TOWN).sign(&keys(GATE).signing_key()), Err(InvalidCard::Signature), "somebody else's key");
}

#[test]
fn a_pin_counts_from_its_announcement() {
    let mut card = plain_card(TOWN);
    assert!(card.accepts_pin(&digest(&[TOWN])) && !card.accepts_pin(&digest(b"next")));
    card.next_tls_pin = Some(digest(b"next"));
    assert!(card.accepts_pin(&digest(b"next")));
}

// === documents ===

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
    let plan = declared_plan(&convenant, IndicatorId::Ind01, 2024);
    assert_eq!(plan.len(), 4 + 4);
    let year: Vec<_> = plan.iter().filter(|t| t.period == Period::year_of(2024)).map(|t| t.by.clone()).collect();
    assert_eq!(year, [vec![], vec![Dimension::Gemeente], vec![Dimension::Maatregel], vec![Dimension::Leeftijd]]);
    assert!(plan.iter().all(|t| t.period == Period::year_of(2024) || t.by.is_empty()));
    assert_eq!(declared_plan(&convenant, IndicatorId::Ind24, 2024), vec![]);
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
        (|c| c.indicators[0].route = Route::Sum, "indicators.IND-01.route"),
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
        (|c| c.indicators[0].tables[1].by.push(Dimension::ALL[..3].to_vec()), "indicators.IND-01.year.by"),
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

// === the chain base ===

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

// === bundles ===

#[test]
fn a_convenant_is_in_force_when_all_have_signed_and_its_day_has_come() {
    let today = day("2026-06-01");
    let date = day("2026-01-05");
    let mut bundle =
        ConvenantBundle::propose(draft(), &oin(MONITOR), &keys(MONITOR).signing_key(), date).expect("proposed");
    for n in [TOWN, INSTITUTION] {
        assert!(matches!(bundle.state(today), State::Proposed { .. }));
        bundle.accept(&oin(n), &keys(n).signing_key(), date).expect("accepts");
    }
    assert_eq!(bundle.state(today), State::Proposed { missing: vec![oin(GATE)] });
    assert_eq!(in_force(std::slice::from_ref(&bundle), today).err(), Some(ReasonCode::ConvenantIncomplete));
    bundle.accept(&oin(GATE), &keys(GATE).signing_key(), date).expect("accepts");
    assert_eq!(bundle.state(today), State::InForce);
    for (when, state) in [
        ("2025-12-31", State::NotYetValid),
        ("2026-01-01", State::InForce),
        ("2030-12-31", State::InForce),
        ("2031-01-01", State::Expired),
    ] {
        assert_eq!(bundle.state(day(when)), state, "{when}");
        let found = in_force(std::slice::from_ref(&bundle), day(when));
        match state {
            State::InForce => assert_eq!(found.expect("in force")[0].hash(), bundle.hash()),
            _ => assert_eq!(found.err(), Some(ReasonCode::ConvenantNotValid)),
        }
    }
    assert_eq!(ConvenantBundle::parse(&bundle.to_text()), Ok(bundle));
    assert_eq!(in_force(&[], today).err(), Some(ReasonCode::NoConvenant));
}

#[test]
fn nobody_signs_for_another_or_twice() {
    let date = day("2026-01-05");
    let key = |n: u8| keys(n).signing_key();
    let mut bundle = ConvenantBundle::propose(draft(), &oin(TOWN), &key(TOWN), date).expect("proposed");
    assert_eq!(bundle.accept(&oin(GATE), &key(TOWN), date), Err(InvalidBundle::OtherKey(oin(GATE))));
    assert_eq!(bundle.accept(&oin(9), &key(9), date), Err(InvalidBundle::NoParty(oin(9))));
    assert_eq!(bundle.accept(&oin(TOWN), &key(TOWN), date), Err(InvalidBundle::Twice(oin(TOWN))));
    let text = signed(draft()).to_text();
    let moved = text.replacen("2026-01-05", "2026-01-06", 1);
    assert!(matches!(ConvenantBundle::parse(&moved), Err(InvalidBundle::Signature(_))), "the date is signed");
    let turned = text.replacen("\"accept\"", "\"withdraw\"", 1);
    assert!(matches!(ConvenantBundle::parse(&turned), Err(InvalidBundle::Signature(_))), "the action is signed");
    let lent = text.replacen(oin(GATE).as_str(), oin(TOWN).as_str(), 1);
    assert!(ConvenantBundle::parse(&lent).is_err(), "a signature is its party's own");
}

#[test]
fn one_withdrawal_stops_the_convenant_for_good() {
    let today = day("2026-06-01");
    let mut bundle = signed(draft());
    bundle.withdraw(&oin(INSTITUTION), &keys(INSTITUTION).signing_key(), today).expect("withdraws");
    assert_eq!(bundle.state(today), State::Withdrawn { by: vec![oin(INSTITUTION)] });
    let again = bundle.accept(&oin(INSTITUTION), &keys(INSTITUTION).signing_key(), today);
    assert_eq!(again, Err(InvalidBundle::Withdrawn(oin(INSTITUTION))));
    let reread = ConvenantBundle::parse(&bundle.to_text()).expect("reads");
    assert_eq!(in_force(&[reread], today).err(), Some(ReasonCode::ConvenantWithdrawn));
    let mut known = signed(draft_like(&bundle));
    known.merge(&bundle).expect("same document");
    assert_eq!(known.state(today), State::Withdrawn { by: vec![oin(INSTITUTION)] }, "a withdrawal travels by merging");
    assert_eq!(known.signatures().len(), 5);
}

fn draft_like(bundle: &ConvenantBundle) -> Convenant {
    bundle.convenant().clone()
}

#[test]
fn copies_signed_side_by_side_merge_and_other_documents_do_not() {
    let date = day("2026-01-05");
    let key = |n: u8| keys(n).signing_key();
    let mut a = ConvenantBundle::propose(draft(), &oin(TOWN), &key(TOWN), date).expect("proposed");
    let mut b = a.clone();
    a.accept(&oin(GATE), &key(GATE), date).expect("accepts");
    b.accept(&oin(MONITOR), &key(MONITOR), date).expect("accepts");
    a.merge(&b).expect("same document");
    assert_eq!(a.missing(), [oin(INSTITUTION)]);
    let mut other = draft();
    other.version = 2;
    let other = signed(other);
    assert_eq!(a.merge(&other), Err(InvalidBundle::OtherDocument(a.hash(), other.hash())));
}

#[test]
fn a_newer_version_supersedes_once_its_day_has_come() {
    let old = signed(draft());
    let mut next = old.convenant().clone();
    next.version = 2;
    next.valid_from = day("2027-01-01");
    let mut next = signed(next);
    let both = |next: &ConvenantBundle| [old.clone(), next.clone()];
    let before = in_force(&both(&next), day("2026-12-31")).expect("old one");
    assert_eq!(before.iter().map(ConvenantInForce::hash).collect::<Vec<_>>(), [old.hash()]);
    let after = in_force(&both(&next), day("2027-01-01")).expect("new one");
    assert_eq!(after.iter().map(ConvenantInForce::hash).collect::<Vec<_>>(), [next.hash()]);
    next.withdraw(&oin(GATE), &keys(GATE).signing_key(), day("2027-02-01")).expect("withdraws");
    assert_eq!(old.state_among(&both(&next), day("2027-02-01")), State::Superseded, "the old one does not come back");
    assert_eq!(in_force(&both(&next), day("2027-02-01")).err(), Some(ReasonCode::ConvenantWithdrawn));
    let mut twin = old.convenant().clone();
    twin.title = "Andere tekst".to_owned();
    let twins = [old.clone(), signed(twin)];
    assert_eq!(in_force(&twins, day("2026-06-01")).err(), Some(ReasonCode::NoConvenant), "one version, one document");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_changed_byte_of_a_bundle_goes_unseen(at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let bundle = signed(draft());
        let mut bytes = bundle.to_text().into_bytes();
        let index = at.index(bytes.len());
        bytes[index] ^= flip;
        // White space outside of strings carries nothing; everything else must be refused.
        if let Ok(text) = String::from_utf8(bytes) && let Ok(read) = ConvenantBundle::parse(&text) {
            prop_assert_eq!(read, bundle);
            prop_assert!(text.as_bytes()[index].is_ascii_whitespace());
        }
    }

    #[test]
    fn no_changed_byte_of_a_canonical_document_keeps_its_hash_or_signatures(
        at in any::<prop::sample::Index>(), flip in 1_u8..=255,
    ) {
        let convenant = draft();
        let mut bytes = convenant.canonical();
        let index = at.index(bytes.len());
        bytes[index] ^= flip;
        if let Ok(read) = Convenant::from_canonical(&bytes) {
            prop_assert_ne!(read.hash(), convenant.hash());
            prop_assert_eq!(read.canonical(), bytes);
        }
    }

    #[test]
    fn sound_documents_survive_every_form(
        title in "[a-zA-Zé€\"\\\\' ]{1,40}[a-z]", version in 1_u32..9, settlement in 0_u32..=366, threshold in 10_u32..50,
        towns in prop::collection::btree_set(1_u16..9999, 1..20), keep in prop::collection::vec(any::<bool>(), 11),
    ) {
        let mut c = draft();
        (c.title, c.version, c.settlement_days, c.disclosure.threshold) = (title, version, settlement, threshold);
        let codes: Vec<String> = towns.iter().map(|n| format!("{n:04}")).collect();
        c.domains = Domains::of_region(&codes);
        c.gemeenten = codes.into_iter()
            .map(|code| GemeenteTerm { code, name: Some("Naam".to_owned()), van: day("2000-01-01"), tot: None })
            .collect();
        let mut keep = keep.iter();
        c.indicators.retain(|_| *keep.next().expect("eleven"));
        c.bin_cuts = c.bin_cuts.iter().filter(|cut| c.grant(cut.indicator).is_some()).cloned().collect();
        prop_assert_eq!(check(&c), vec![]);
        let toml = Convenant::from_toml(&c.to_toml().expect("TOML"));
        prop_assert_eq!(toml.as_ref(), Ok(&c));
        let json = Convenant::from_canonical(&c.canonical());
        prop_assert_eq!(json.as_ref(), Ok(&c));
        prop_assert_eq!(json.expect("reads").hash(), c.hash());
        let bundle = signed(c);
        prop_assert_eq!(ConvenantBundle::parse(&bundle.to_text()), Ok(bundle));
    }
}

// === permits ===

fn table(indicator: IndicatorId, period: &str, by: &[Dimension]) -> TableQuery {
    TableQuery { indicator, period: Period::parse(period).expect("period"), by: by.to_vec() }
}

fn one(indicator: IndicatorId, period: &str, by: &[Dimension]) -> Query {
    Query::new(vec![table(indicator, period, by)])
}

#[test]
fn the_monitor_gets_what_the_plan_declares_and_the_permit_tells_its_terms() {
    let held = held();
    let plan = declared_plan(held.convenant(), IndicatorId::Ind06, 2025);
    let query = Query::new(plan.clone());
    let permit = decide(&held, &oin(MONITOR), &held.hash(), &query, day("2026-06-01")).expect("allowed");
    assert_eq!(permit.query_hash(), query.hash());
    assert_eq!(permit.convenant_hash(), held.hash());
    assert_eq!(permit.plan(IndicatorId::Ind06, 2025), plan);
    assert_eq!(permit.requester(), &oin(MONITOR));
    assert_eq!((permit.rules().threshold, permit.settlement_days()), (10, 42));
    assert_eq!(permit.bin_cut(IndicatorId::Ind06, DayKind::Working).expect("cut").edges, [5, 10, 42]);
    assert_eq!(permit.domains().values(Dimension::Gemeente), ["0001", "0002", "overig"]);
    assert_eq!(permit.convenant_version(), ("voorbeeld", 1));
    assert_eq!(permit.definition_version(IndicatorId::Ind06), Some("1"));
    assert!(permit.legal_basis().contains("Jeugdwet"));
}

#[test]
fn everything_that_is_not_granted_is_refused_with_its_own_code() {
    use IndicatorId::{Ind01, Ind24};
    let mut terms = draft();
    terms.indicators[1].route = Route::Sum;
    terms.indicators[2].tables.remove(0);
    let held = ConvenantInForce::unchecked(terms);
    let today = day("2026-06-01");
    let good = one(Ind01, "2025-Q1", &[]);
    let asks = |who: u8, query: &Query, on: &str| decide(&held, &oin(who), &held.hash(), query, day(on)).err();
    assert_eq!(asks(MONITOR, &good, "2026-06-01"), None);
    assert_eq!(decide(&held, &oin(MONITOR), &digest(b"other"), &good, today).err(), Some(ReasonCode::OtherConvenant));
    assert_eq!(asks(MONITOR, &good, "2031-01-01"), Some(ReasonCode::ConvenantNotValid));
    assert_eq!(asks(9, &good, "2026-06-01"), Some(ReasonCode::OinNotInConvenant));
    for n in [GATE, TOWN, INSTITUTION] {
        assert_eq!(asks(n, &good, "2026-06-01"), Some(ReasonCode::RoleNotAllowed));
    }
    let (town, age, measure) = (Dimension::Gemeente, Dimension::Leeftijd, Dimension::Maatregel);
    for (query, reason) in [
        (Query::new(vec![]), ReasonCode::MessageMalformed),
        (one(Ind01, "2025", &[town, measure, age]), ReasonCode::TooManyDimensions),
        (one(Ind01, "2025", &[town, town]), ReasonCode::TooManyDimensions),
        (one(Ind24, "2025", &[]), ReasonCode::IndicatorNotAllowed),
        (one(IndicatorId::Ind02, "2025", &[]), ReasonCode::RouteNotNode),
        (one(IndicatorId::Ind03, "2025-Q1", &[]), ReasonCode::PeriodNotAllowed),
        (one(Ind01, "2025-03", &[]), ReasonCode::PeriodNotAllowed),
        (one(Ind01, "2025-H1", &[]), ReasonCode::PeriodNotAllowed),
        (one(Ind01, "2025-Q1", &[town]), ReasonCode::DimensionNotAllowed),
        (one(Ind01, "2025", &[Dimension::Organisatie]), ReasonCode::DimensionNotAllowed),
        (one(Ind01, "2025", &[town, age]), ReasonCode::DimensionNotAllowed),
        (one(Ind01, "2026-Q2", &[]), ReasonCode::NotSettled),
        (one(Ind01, "2026", &[]), ReasonCode::NotSettled),
    ] {
        assert_eq!(asks(MONITOR, &query, "2026-06-01"), Some(reason), "{query:?}");
        let hidden = Query::new([query.tables(), good.tables()].concat());
        if !query.tables().is_empty() {
            assert_eq!(asks(MONITOR, &hidden, "2026-06-01"), Some(reason), "one bad table refuses the question");
        }
    }
}

#[test]
fn a_quarter_settles_its_days_after_its_end() {
    let quarter = |text: &str| settles_on(Period::parse(text).expect("period"), 42);
    assert_eq!(quarter("2026-Q1"), day("2026-05-12"));
    assert_eq!(quarter("2026-01"), day("2026-05-12"), "a month waits for its quarter");
    assert_eq!(quarter("2025"), day("2026-02-11"));
    let held = held();
    let query = one(IndicatorId::Ind01, "2026-Q1", &[]);
    let on = |text: &str| decide(&held, &oin(MONITOR), &held.hash(), &query, day(text)).err();
    assert_eq!(on("2026-05-11"), Some(ReasonCode::NotSettled));
    assert_eq!(on("2026-05-12"), None);
}

#[test]
fn a_permit_of_the_fixture_is_for_its_question() {
    let query = one(IndicatorId::Ind13, "2024", &[Dimension::Maatregel]);
    assert_eq!(permit(&query).query(), &query);
}

#[test]
fn own_use_remembers_how_the_owner_came_in() {
    for access in [LocalAccess::Socket, LocalAccess::DirectoryLock] {
        assert_eq!(own_use_for(LocalOwner::checked(access)).access(), access);
    }
}

#[test]
fn roles_follow_from_the_kind_of_organisation() {
    let convenant = draft();
    assert_eq!(convenant.monitor().expect("monitor").org_type, OrgType::Monitor);
    assert_eq!(convenant.gate().expect("gate").org_type, OrgType::Gate);
    assert_eq!(convenant.with_role(Role::Delivering).map(|c| c.oin).collect::<Vec<_>>(), [oin(TOWN), oin(INSTITUTION)]);
    assert!(convenant.party(&oin(9)).is_none());
}
