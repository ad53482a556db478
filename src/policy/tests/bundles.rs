//! What signatures under a convenant promise, and when it is in force.

use proptest::prelude::*;

use crate::domain::reason::ReasonCode;
use crate::policy::bundle::*;
use crate::policy::check::check;
use crate::policy::convenant::*;
use crate::policy::fixture::*;
use crate::policy::rules::Domains;

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
        c.bin_cuts = c.bin_cuts.iter().filter(|cut| c.grant(cut.indicator, Route::Node).is_some()).cloned().collect();
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
