//! Receipts as published: the vectors of `tests/data/translog/receipt-v1.json`.

use std::fs;

use ketenpoort::storage::log::ExportDirectory;
use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::export::{CHECKPOINT, MANIFEST, MANIFEST_NOTE, WITHOUT_RECEIPTS};
use ketenpoort::translog::receipt::{Kind, Receipt, SignedReceipt};
use ketenpoort::translog::verify::{Report, Trust, verify};
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

/// Entries of which one side answered: it was confirmed, of another nothing arrived, and one was denied to us.
fn other_ends(from: u64) -> (Vec<Vec<u8>>, Vec<SignedReceipt>) {
    let (mut entries, mut receipts) = (Vec::new(), Vec::new());
    let between = |entry: Entry| Entry { sender_oin: Some(oin()), receiver_oin: Some(partner()), ..entry };
    for (n, arrived) in [(from, true), (from + 1, false)] {
        let (_, answered, _) = said().remove(0);
        let ours = between(Entry { transfer_id: transfer(n), salt: salt(900 + n), counter: Some(n), ..answered });
        let bytes = ours.encode().expect("valid entry");
        let answer = Receipt::of(&ours, leaf_hash(&bytes), oin(), "").expect("a receipt");
        let theirs = Receipt {
            kind: if arrived { Kind::Received } else { Kind::NotReceived },
            signer: partner(),
            counterparty: oin(),
            counter: arrived.then_some(500 + n),
            decision: None,
            entry: Some(digest(&n.to_be_bytes())),
            peer_entry: answer.entry.filter(|_| arrived),
            checkpoint: checkpoint(partner(), &key(2)),
            ..answer
        };
        let nothing = Receipt { commitment: None, field_names: vec![], aggregate: None, ..theirs.clone() };
        let signed = if arrived { theirs } else { nothing }.sign(&key(2)).expect("signed");
        let ended = between(Entry {
            salt: salt(950 + n),
            outcome: Some(if arrived { Outcome::Confirmed } else { Outcome::Unknown }),
            peer_entry_hash: signed.receipt().entry,
            peer_receipt_hash: Some(signed.hash()),
            ..Entry::new(transfer(n), Direction::Outgoing, Phase::Outcome, START_MS + n)
        });
        entries.extend([bytes, ended.encode().expect("valid entry")]);
        receipts.push(signed);
    }
    (entries, receipts)
}

/// A log with every kind of receipt.
fn mixed() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut entries, mut receipts) = log_with_receipts(3, |_, _| ());
    let others = other_ends(10);
    entries.extend(others.0);
    receipts.extend(others.1);
    (entries, receipts.iter().map(|signed| signed.bytes().to_vec()).collect())
}

fn trust() -> Trust {
    let parties = vec![(partner(), key(2).verifying_key())];
    Trust { key: key(1).verifying_key(), oin: Some(oin()), earlier: None, quorum: None, parties }
}

/// What the verifier that trusts the partner's key finds in an export of these, signed by the log's own key.
fn found(entries: &[Vec<u8>], receipts: &[Vec<u8>]) -> Report {
    verify(&export_of_these(entries, Some(receipts)), Some(&trust()))
}

/// The export of these entries and receipts, or one that was made without.
fn export_of_these(entries: &[Vec<u8>], receipts: Option<&[Vec<u8>]>) -> Export {
    let mut files = Export::new();
    let mut exporter = Exporter::new(|path: &str, bytes: &[u8]| {
        files.insert(path.to_owned(), bytes.to_vec());
        Ok::<(), Infallible>(())
    });
    entries.iter().for_each(|bytes| exporter.entry(bytes).expect("valid entry"));
    if let Some(receipts) = receipts {
        exporter.with_receipts();
        receipts.iter().for_each(|bytes| exporter.receipt(bytes).expect("written"));
    }
    let size = entries.len() as u64;
    let checkpoint = Checkpoint { origin: origin(oin()), size, root: root_of(entries) }.sign(&key(1));
    exporter.finish(&checkpoint, &key(1), START_MS).expect("export");
    files
}

/// The same files under a manifest that the holder of the log's key makes anew.
fn with_manifest(mut files: Export) -> Export {
    use ketenpoort::translog::export::{FileRecord, Manifest, manifest_text};
    use ketenpoort::translog::note::Note;
    let mut manifest = Manifest::decode(&files[MANIFEST]).expect("a manifest");
    let listed = files.iter().filter(|(path, _)| ![MANIFEST, MANIFEST_NOTE].contains(&path.as_str()));
    manifest.files = listed.map(|(path, bytes)| FileRecord::of(path, bytes)).collect();
    let bytes = manifest.encode();
    let note = Note::sign(manifest_text(&manifest.origin, &bytes), &manifest.origin, &key(1)).encode();
    files.insert(MANIFEST.to_owned(), bytes);
    files.insert(MANIFEST_NOTE.to_owned(), note.into_bytes());
    files
}

/// Exports for both verifiers, which know the partner's key: only the first is good.
pub(super) fn cases() -> Vec<(String, Export)> {
    let (entries, receipts) = mixed();
    let good = export_of_these(&entries, Some(&receipts));
    let without = export_of_these(&entries, None);
    let mut cases = vec![("good-receipts".to_owned(), good.clone()), ("receipts-without".to_owned(), without.clone())];
    let mut case = |name: &str, files: Export| cases.push((format!("receipts-{name}"), with_manifest(files)));
    let changed = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed = receipts.clone();
        change(&mut changed);
        export_of_these(&entries, Some(&changed))
    };
    case("swapped", changed(&|list| list.swap(0, 1)));
    case("last-missing", changed(&|list| drop(list.pop())));
    case("one-too-many", changed(&|list| list.push(list[0].clone())));
    for n in 0..receipts.len() {
        case(&format!("flip-{n}"), changed(&|list| list[n][150] ^= 1));
    }
    let files = |change: &dyn Fn(&mut Export), of: &Export| {
        let mut files = of.clone();
        change(&mut files);
        files
    };
    case("left-out", files(&|files| files.retain(|path, _| !path.starts_with("receipts/")), &good));
    case("both", files(&|files| drop(files.insert(WITHOUT_RECEIPTS.to_owned(), vec![])), &good));
    case("not-empty", files(&|files| drop(files.insert(WITHOUT_RECEIPTS.to_owned(), vec![1])), &without));
    case(
        "without-none",
        files(&|files| drop(files.insert(WITHOUT_RECEIPTS.to_owned(), vec![])), &export_of(&encoded(4), &key(1)).0),
    );
    case("strange", files(&|files| drop(files.insert("receipts/x".to_owned(), vec![])), &good));
    // Signed by the log's own administrator, and the entry names that.
    let (mut entries, mut signed) = log_with_receipts(2, |_, _| ());
    signed[1] = signed[1].receipt().clone().sign(&key(1)).expect("signed");
    let mut entry = Entry::decode(&entries[3]).expect("an entry");
    entry.peer_receipt_hash = Some(signed[1].hash());
    entries[3] = entry.encode().expect("valid entry");
    let bytes: Vec<_> = signed.iter().map(|signed| signed.bytes().to_vec()).collect();
    case("forged", export_of_these(&entries, Some(&bytes)));
    let edits: [fn(&mut Entry); 3] = [
        |e| e.payload_commitment = Some(digest(b"other")),
        |e| e.field_names = vec!["IND-13".to_owned()],
        |e| e.peer_entry_hash = Some(digest(b"other")),
    ];
    for (n, edit) in edits.iter().enumerate() {
        let (entries, signed) = log_with_receipts(2, |_, entry| edit(entry));
        let bytes: Vec<_> = signed.iter().map(|signed| signed.bytes().to_vec()).collect();
        case(&format!("edit-{n}"), export_of_these(&entries, Some(&bytes)));
    }
    cases
}

#[test]
fn the_golden_export_with_receipts_verifies_for_ever() {
    let dir = data().join("export-receipts");
    let (entries, receipts) = mixed();
    let made = export_of_these(&entries, Some(&receipts));
    if renew() {
        let _ = fs::remove_dir_all(&dir);
        for (path, bytes) in &made {
            fs::create_dir_all(dir.join(path).parent().expect("directory")).expect("made");
            fs::write(dir.join(path), bytes).expect("written");
        }
    }
    let report = verify(&ExportDirectory::new(&dir), Some(&trust()));
    assert!(report.is_intact(), "{report}");
    assert_eq!(report.receipts.map(|r| (r.count, r.missing, r.left_out)), Some((5, 0, false)));
    assert!(fs::read(dir.join(CHECKPOINT)).is_ok_and(|found| found == made[CHECKPOINT]), "the same log");
    for (path, bytes) in &made {
        assert!(fs::read(dir.join(path)).is_ok_and(|found| found == *bytes), "{path} differs from the golden file");
    }
}

#[test]
fn an_export_says_itself_that_it_is_without_receipts() {
    let (entries, _) = mixed();
    let without = export_of_these(&entries, None);
    let card = Trust { parties: Vec::new(), ..trust() };
    let report = verify(&without, Some(&card));
    assert!(
        report.is_intact() && report.to_string().contains("zonder ontvangstbewijzen gemaakt; 5 regels"),
        "{report}"
    );
    // Who trusts the keys of the parties asks for their receipts.
    let report = verify(&without, Some(&trust()));
    assert!(!report.is_intact() && report.to_string().contains("zonder de 5 ontvangstbewijzen"), "{report}");
    let mut silent = without;
    silent.remove(WITHOUT_RECEIPTS);
    let report = verify(&with_manifest(silent), Some(&card));
    assert!(!report.is_intact() && report.to_string().contains("5 regels noemen een ontvangstbewijs"), "{report}");
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
