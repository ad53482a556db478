//! Receipts as published: the vectors of `tests/data/translog/receipt-v1.json`.

use std::fs;

use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::receipt::{Kind, Receipt, SignedReceipt};
use serde_json::json;

use super::golden::{data, renew};
use super::*;

/// The checkpoint that a receipt carries.
fn checkpoint(of: Oin, key: &SigningKey) -> String {
    Checkpoint { origin: origin(of), size: 260, root: digest(b"root") }.sign(key).encode()
}

/// The entries of both sides of a transfer, of a refusal and of a question that brought nothing.
fn said() -> Vec<(&'static str, Entry, Oin)> {
    let asked = Entry {
        sender_oin: Some(oin()),
        receiver_oin: Some(partner()),
        salt: salt(10),
        counter: Some(3),
        decision: Some(Decision::Allow),
        peer_entry_hash: Some(digest(b"the question's entry")),
        query_hash: Some(digest(b"question")),
        payload_commitment: Some(digest(b"payload")),
        field_names: vec!["IND-01".to_owned(), "IND-02".to_owned()],
        aggregate: Some(Aggregate { cells: 120, suppressed: 7, min_n: 10 }),
        ..Entry::new(transfer(7), Direction::Outgoing, Phase::Intent, START_MS)
    };
    let denied = Entry {
        phase: Phase::Deny,
        decision: Some(Decision::Deny),
        reason_codes: vec!["KP-ROL-NIET-TOEGESTAAN".to_owned()],
        payload_commitment: None,
        field_names: Vec::new(),
        aggregate: None,
        ..asked.clone()
    };
    let received = Entry {
        direction: Direction::Incoming,
        phase: Phase::Received,
        decision: None,
        counter: Some(1),
        row_count: Some(120),
        ..asked.clone()
    };
    let open = Entry { phase: Phase::Intent, counter: None, ..received.clone() };
    vec![
        ("answer", asked, oin()),
        ("denied", denied, oin()),
        ("received", received, partner()),
        ("not-received", open, partner()),
    ]
}

fn made() -> Vec<(&'static str, SignedReceipt)> {
    let key_of = |ours: Oin| key(if ours == oin() { 1 } else { 2 });
    let sign = |(name, mut entry, ours): (&'static str, Entry, Oin)| {
        if entry.direction == Direction::Incoming {
            (entry.sender_oin, entry.receiver_oin) = (Some(oin()), Some(partner()));
        }
        let hash = leaf_hash(&entry.encode().expect("valid entry"));
        let receipt = Receipt::of(&entry, hash, ours, &checkpoint(ours, &key_of(ours))).expect("a receipt");
        (name, receipt.sign(&key_of(ours)).expect("signed"))
    };
    let mut all: Vec<_> = said().into_iter().map(sign).collect();
    let nothing = Receipt::nothing(oin(), partner(), transfer(8), (START_MS, &checkpoint(oin(), &key(1))));
    all.push(("nothing", nothing.sign(&key(1)).expect("signed")));
    all
}

#[test]
fn receipt_vectors_are_the_published_ones() {
    let path = data().join("receipt-v1.json");
    let list: Vec<_> = made()
        .iter()
        .map(|(name, signed)| {
            let text = std::str::from_utf8(signed.bytes()).expect("text");
            json!({ "name": name, "note": text, "hash": signed.hash().to_hex() })
        })
        .collect();
    let text = serde_json::to_string_pretty(&list).expect("JSON") + "\n";
    if renew() {
        fs::write(&path, &text).expect("written");
    }
    let published = fs::read_to_string(&path).expect("vectors");
    assert_eq!(published, text);
    let vectors: Vec<serde_json::Value> = serde_json::from_str(&published).expect("JSON");
    let kinds = [Kind::Answer, Kind::Answer, Kind::Received, Kind::NotReceived, Kind::NotReceived];
    for (vector, kind) in vectors.iter().zip(kinds) {
        let signed = SignedReceipt::decode(vector["note"].as_str().expect("text").as_bytes()).expect("decodes");
        let receipt = signed.receipt();
        let signer = key(if receipt.signer == oin() { 1 } else { 2 });
        assert!(receipt.kind == kind && signed.verify(&signer.verifying_key()).is_ok(), "{}", vector["name"]);
        assert!(signed.verify(&key(3).verifying_key()).is_err());
    }
}
