//! Receipts as published: the vectors of `tests/data/translog/receipt-v1.json`.

use std::fs;

use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::receipt::{Kind, Receipt, SignedReceipt};
use ketenpoort::translog::verify::{Trust, verify};
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

/// Our log of `count` transfers that went well, and the partner's receipts that it names; `edit` changes an entry before it
/// is logged.
fn log_with_receipts(count: u64, edit: impl Fn(u64, &mut Entry)) -> (Vec<Vec<u8>>, Vec<SignedReceipt>) {
    let (mut entries, mut receipts) = (Vec::new(), Vec::new());
    for n in 0..count {
        let (sender_oin, receiver_oin) = (Some(partner()), Some(oin()));
        let asked = Entry {
            sender_oin,
            receiver_oin,
            salt: salt(n + 1),
            query_hash: Some(digest(b"question")),
            ..Entry::new(transfer(n), Direction::Incoming, Phase::Intent, START_MS + n)
        };
        let asked = asked.encode().expect("valid entry");
        let (_, answered, _) = said().remove(0);
        let answered = Entry {
            transfer_id: transfer(n),
            sender_oin,
            receiver_oin,
            counter: Some(n + 1),
            peer_entry_hash: Some(leaf_hash(&asked)),
            query_hash: Some(digest(b"question")),
            ..answered
        };
        let hash = leaf_hash(&answered.encode().expect("valid entry"));
        let mut receipt = Receipt::of(&answered, hash, partner(), &checkpoint(partner(), &key(2))).expect("a receipt");
        receipt.counterparty = oin();
        let signed = receipt.sign(&key(2)).expect("signed");
        let mut received = Entry {
            direction: Direction::Incoming,
            phase: Phase::Received,
            decision: None,
            peer_entry_hash: Some(hash),
            peer_receipt_hash: Some(signed.hash()),
            ..answered
        };
        edit(n, &mut received);
        entries.extend([asked, received.encode().expect("valid entry")]);
        receipts.push(signed);
    }
    (entries, receipts)
}

/// What the verifier that trusts the partner's key finds in an export of these, signed by the log's own key.
fn found(entries: &[Vec<u8>], receipts: &[Vec<u8>]) -> ketenpoort::translog::verify::Report {
    let mut files = Export::new();
    let mut exporter = Exporter::new(|path: &str, bytes: &[u8]| {
        files.insert(path.to_owned(), bytes.to_vec());
        Ok::<(), Infallible>(())
    });
    entries.iter().for_each(|bytes| exporter.entry(bytes).expect("valid entry"));
    exporter.with_receipts();
    receipts.iter().for_each(|bytes| exporter.receipt(bytes).expect("written"));
    let size = entries.len() as u64;
    let checkpoint = Checkpoint { origin: origin(oin()), size, root: root_of(entries) }.sign(&key(1));
    exporter.finish(&checkpoint, &key(1), START_MS).expect("export");
    let parties = vec![(partner(), key(2).verifying_key())];
    let trust = Trust { key: key(1).verifying_key(), oin: Some(oin()), earlier: None, quorum: None, parties };
    verify(&files, Some(&trust))
}

#[test]
fn receipts_in_an_export_belong_to_its_entries_and_their_signers() {
    let bytes = |signed: &[SignedReceipt]| signed.iter().map(|r| r.bytes().to_vec()).collect::<Vec<_>>();
    for count in [0, 3, 256, 300] {
        let (entries, receipts) = log_with_receipts(count, |_, _| ());
        let report = found(&entries, &bytes(&receipts));
        assert!(report.is_intact(), "{report}");
        assert_eq!(report.receipts.map(|r| (r.count, r.missing)), Some((count, 0)));
    }
    let (entries, receipts) = log_with_receipts(4, |_, _| ());
    let whole = bytes(&receipts);
    let changed = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed = whole.clone();
        change(&mut changed);
        found(&entries, &changed)
    };
    assert!(!changed(&|list| list.swap(1, 2)).is_intact());
    assert!(!changed(&|list| drop(list.remove(3))).is_intact());
    assert!(!changed(&|list| list.push(whole[0].clone())).is_intact());
    assert!(!changed(&|list| list[2][200] ^= 1).is_intact());
    // The holder of the log's key rewrites an entry and signs anew: the partner's receipt says what it was.
    type Edit = fn(&mut Entry);
    let edits: [Edit; 5] = [
        |e| e.payload_commitment = Some(digest(b"other")),
        |e| e.field_names = vec!["IND-13".to_owned()],
        |e| e.aggregate = Some(Aggregate { cells: 1, suppressed: 0, min_n: 10 }),
        |e| e.query_hash = Some(digest(b"other")),
        |e| e.peer_entry_hash = Some(digest(b"other")),
    ];
    for (number, edit) in edits.iter().enumerate() {
        let (entries, receipts) = log_with_receipts(4, |n, entry| {
            if n == 2 {
                edit(entry)
            }
        });
        let report = found(&entries, &bytes(&receipts));
        let named = report.findings.iter().any(|finding| finding.entry == Some(5));
        assert!(named && !report.is_intact(), "edit {number}: {report}");
    }
    // A receipt that the log's own administrator made up.
    let (mut entries, mut receipts) = log_with_receipts(2, |_, _| ());
    let forged = receipts[1].receipt().clone().sign(&key(1)).expect("signed");
    let mut entry = Entry::decode(&entries[3]).expect("an entry");
    entry.peer_receipt_hash = Some(forged.hash());
    entries[3] = entry.encode().expect("valid entry");
    receipts[1] = forged;
    let report = found(&entries, &bytes(&receipts));
    assert!(report.findings.iter().any(|f| f.text.contains("niet ondertekend door")), "{report}");
}
