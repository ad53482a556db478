//! Who witnesses whose log: the same choice for everybody, never oneself, and quorums that meet.

use proptest::prelude::*;

use crate::policy::convenant::{Convenant, Party};
use crate::policy::fixture::*;
use crate::policy::witness::{Quorum, WitnessTerms};

/// A convenant with these parties, not otherwise sound.
fn with(parties: &[u8]) -> Convenant {
    let mut convenant = draft();
    convenant.parties = parties.iter().map(|n| Party { roles: vec![], card: card(*n) }).collect();
    convenant
}

#[test]
fn few_parties_all_witness_and_all_of_too_few_are_needed() {
    for (parties, witnesses, needed) in [(1, 0, 0), (2, 1, 1), (3, 2, 2), (4, 3, 3), (5, 4, 3), (9, 4, 3)] {
        let all: Vec<u8> = (1..=parties).collect();
        let quorum = Quorum::of(&with(&all), oin(1));
        assert_eq!((quorum.witnesses.len(), quorum.needed), (witnesses, needed), "{parties} parties");
    }
}

#[test]
fn a_party_without_a_witness_key_is_no_witness() {
    let mut old = plain_card(2);
    old.witness = None;
    let mut convenant = with(&[1, 2, 3]);
    convenant.parties[1].card = old.sign(&keys(2).signing_key()).expect("sound");
    let quorum = Quorum::of(&convenant, oin(1));
    assert_eq!(quorum.witnesses, [(oin(3), keys(3).witness_key().verifying_key())]);
}

#[test]
fn terms_are_in_the_document_only_when_they_are_given_and_must_let_quorums_meet() {
    assert!(!String::from_utf8(draft().canonical()).expect("text").contains("\"quorum\""));
    for (witnesses, quorum, sound) in
        [(4, 3, true), (1, 1, true), (3, 2, true), (4, 2, false), (3, 4, false), (17, 16, false), (0, 0, false)]
    {
        let mut convenant = draft();
        convenant.witness = Some(WitnessTerms { witnesses, quorum });
        let again = Convenant::from_toml(&convenant.to_toml().expect("TOML")).expect("readable");
        assert_eq!(again, convenant);
        let faults = crate::policy::check::check(&convenant);
        assert_eq!(faults.iter().all(|fault| fault.place != "witness"), sound, "{witnesses} {quorum}: {faults:?}");
    }
    assert_eq!(WitnessTerms::default().bears(), 1);
}

/// The vector of docs/formats/witness.md: the witnesses of the log ..1000 among the parties ..1002 to ..1007.
#[test]
fn the_choice_is_the_published_one() {
    let number = |n: u16| crate::domain::oin::Oin::parse(&format!("0000009900000000{n:04}")).expect("OIN");
    let chosen = |n: u32| {
        let mut convenant = draft();
        convenant.witness = Some(WitnessTerms { witnesses: n, quorum: n });
        let of = |oin: u16| {
            let mut card = plain_card(INSTITUTION);
            card.oin = number(oin);
            Party { roles: vec![], card: card.sign(&keys(INSTITUTION).signing_key()).expect("sound") }
        };
        convenant.parties = (1002..=1007).map(of).collect();
        let mut found: Vec<_> = Quorum::of(&convenant, number(1000)).witnesses.iter().map(|(oin, _)| *oin).collect();
        found.sort_unstable();
        found
    };
    for (n, expected) in [(1, vec![1002]), (2, vec![1002, 1007]), (3, vec![1002, 1003, 1007])] {
        assert_eq!(chosen(n), expected.into_iter().map(number).collect::<Vec<_>>());
    }
    assert_eq!(chosen(5), [1002, 1003, 1004, 1005, 1007].map(number));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_choice_is_the_same_for_all_and_changes_little(others in prop::collection::btree_set(2_u8..60, 4..30)) {
        let all: Vec<u8> = std::iter::once(1).chain(others.iter().copied()).collect();
        let mut reversed = all.clone();
        reversed.reverse();
        let chosen = Quorum::of(&with(&all), oin(1));
        prop_assert_eq!(&chosen, &Quorum::of(&with(&reversed), oin(1)));
        prop_assert!(chosen.witnesses.iter().all(|(witness, _)| *witness != oin(1)));
        // A party that leaves and was no witness changes nothing; a witness that leaves makes room for one other.
        let gone = *others.iter().next().expect("one");
        let rest: Vec<u8> = all.iter().copied().filter(|n| *n != gone).collect();
        let then = Quorum::of(&with(&rest), oin(1));
        let kept = chosen.witnesses.iter().filter(|(witness, _)| *witness != oin(gone)).count();
        let still = chosen.witnesses.iter().filter(|w| then.witnesses.contains(w)).count();
        prop_assert_eq!(still, kept);
    }
}

#[test]
fn two_quorums_share_an_honest_witness() {
    for (n, k) in (1_u32..6).flat_map(|n| (1..=n).map(move |k| (n, k))) {
        let terms = WitnessTerms { witnesses: n, quorum: k };
        let sets = || 0..1_u32 << n;
        let quorums: Vec<u32> = sets().filter(|set| set.count_ones() == k).collect();
        let liars: Vec<u32> = sets().filter(|set| set.count_ones() <= terms.bears()).collect();
        let pairs = || quorums.iter().flat_map(|one| quorums.iter().map(move |two| one & two));
        let meet = pairs().all(|both| liars.iter().all(|liars| both & !liars != 0));
        assert_eq!(meet, terms.is_sound(), "{n} {k}");
        let more: Vec<u32> = sets().filter(|set| set.count_ones() == terms.bears() + 1).collect();
        let too_many = pairs().any(|both| more.iter().any(|liars| both & !liars == 0));
        assert!(!terms.is_sound() || too_many, "{n} {k}: one more than it bears would not be borne");
    }
}
