//! What a node card promises.

use crate::crypto::digest;
use crate::policy::card::*;
use crate::policy::fixture::*;

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
    let changes: [(Change, &str); 12] = [
        (|c| c.version = 2, "versie"),
        (|c| c.name = "\n".to_owned(), "naam"),
        (|c| c.levert.clear(), "levert"),
        (|c| c.levert.push(c.levert[0]), "dubbel"),
        (|c| c.gemeente = None, "gemeente"),
        (|c| c.gemeente = Some("12".to_owned()), "vier cijfers"),
        (|c| c.endpoint = "host".to_owned(), "endpoint"),
        (|c| c.endpoint = "host:0".to_owned(), "endpoint"),
        (|c| c.checkpoint = c.signing, "verschillend"),
        (|c| c.witness = Some(c.signing), "verschillend"),
        (|c| c.witness = Some(c.checkpoint), "verschillend"),
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

#[test]
fn a_card_from_before_there_were_witnesses_still_verifies() {
    let mut card = plain_card(TOWN);
    card.witness = None;
    let signed = card.sign(&keys(TOWN).signing_key()).expect("sound");
    assert!(!signed.to_text().contains("witness"), "its canonical bytes are those of then");
    assert_eq!(SignedCard::parse(&signed.to_text()), Ok(signed));
}
