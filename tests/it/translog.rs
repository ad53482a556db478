//! The transfer log through its public doors: formats against foreign oracles, exports against every kind of tampering, and
//! the log on disk against crashes, a full disk and a changed past.

mod cosigned;
mod disk;
mod golden;
mod live;
mod oracle;
mod python;
mod receipts;
mod tamper;

use std::collections::BTreeMap;
use std::convert::Infallible;

use ketenpoort::crypto::{Digest, Secret32, SigningKey, digest};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::oin::Oin;
use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::entry::{
    Aggregate, Confidentiality, Decision, Direction, Entry, Outcome, Phase, Status, TlsParameters, TransferId,
};
use ketenpoort::translog::export::{Exporter, Manifest};
use ketenpoort::translog::merkle::{CompactTree, leaf_hash};

/// An export in memory.
type Export = BTreeMap<String, Vec<u8>>;

const START_MS: u64 = 1_750_000_000_000;

fn oin() -> Oin {
    Oin::parse("00000099000000001000").expect("test OIN")
}

fn partner() -> Oin {
    Oin::parse("00000099000000002000").expect("test OIN")
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret32::new([seed; 32]))
}

/// A salt that is the same in every run, unlike that of a real entry.
fn salt(number: u64) -> [u8; 16] {
    let mut salt = [0xa5; 16];
    salt[8..].copy_from_slice(&number.to_be_bytes());
    salt
}

fn transfer(number: u64) -> TransferId {
    let mut random = [0x11; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    TransferId::new(START_MS + number, random)
}

/// Entry `number` of a log in which every second entry ends the transfer of the one before.
fn entry(number: u64) -> Entry {
    let ends = number % 2 == 1;
    let phase = if ends { Phase::Outcome } else { Phase::Intent };
    Entry {
        salt: salt(number),
        outcome: ends.then_some(Outcome::Confirmed),
        sender_oin: Some(partner()),
        receiver_oin: Some(oin()),
        service: "aggregate".to_owned(),
        purpose: "P1".to_owned(),
        decision: Some(Decision::Allow),
        row_count: Some(number),
        ..Entry::new(transfer(number / 2), Direction::Incoming, phase, START_MS + number)
    }
}

/// An entry that uses every field.
fn full_entry() -> Entry {
    let hash = |text: &str| Some(digest(text.as_bytes()));
    Entry {
        salt: salt(1),
        transfer_id: transfer(1),
        trace_id: Some([0x22; 16]),
        span_id: Some([0x33; 8]),
        parent_span_id: Some([0x44; 8]),
        direction: Direction::Outgoing,
        phase: Phase::Outcome,
        outcome: Some(Outcome::Unknown),
        sender_oin: Some(oin()),
        receiver_oin: Some(partner()),
        delegator_oins: vec![oin(), partner()],
        convenant_id: "voorbeeld-1".to_owned(),
        convenant_hash: hash("convenant"),
        grant_hash: "$1$4$grant".to_owned(),
        service: "exchange/SCN-07".to_owned(),
        action: "Gegevens opvragen bij het lokale team".to_owned(),
        activity_own: "https://register.example/activiteit/1@2".to_owned(),
        activity_peer: "https://register.example/activiteit/9@1".to_owned(),
        ground_article: "Jeugdwet 7.3.11(4)".to_owned(),
        ground_avg6: "6(1)e".to_owned(),
        ground_avg9_10: "9(2)g".to_owned(),
        purpose: "P5".to_owned(),
        rules_version: "2025-01".to_owned(),
        decision: Some(Decision::Allow),
        reason_codes: vec!["KP-EEN".to_owned(), "KP-TWEE".to_owned()],
        data_categories: vec!["hulp".to_owned()],
        field_names: vec!["identity".to_owned(), "plan_goals".to_owned()],
        subject_domain: "civiel".to_owned(),
        subject_key_version: Some(3),
        subject_label: vec![0x55; 4],
        subject_sealed: vec![0x66; 12],
        aggregate: Some(Aggregate { cells: 1000, suppressed: 12, min_n: 10 }),
        row_count: Some(1),
        payload_commitment: hash("payload"),
        query_hash: hash("query"),
        peer_entry_hash: hash("peer entry"),
        peer_receipt_hash: hash("peer receipt"),
        start_ms: START_MS,
        end_ms: Some(START_MS + 250),
        status: Some(Status::Error),
        retention_until: Day::from_ymd(2045, 6, 15),
        confidentiality: Some(Confidentiality::Confidential),
        peer_certificate: hash("certificate"),
        peer_spki: hash("spki"),
        tls: Some(TlsParameters { version: 0x0304, suite: 0x1302, group: 0x001d }),
        counter: Some(7),
        refers_to: Some(transfer(0)),
        refused_connections: None,
    }
}

fn encoded(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|n| entry(n).encode().expect("valid entry")).collect()
}

fn root_of(entries: &[Vec<u8>]) -> Digest {
    let mut tree = CompactTree::new();
    entries.iter().for_each(|bytes| tree.append(leaf_hash(bytes)));
    tree.root()
}

/// The export that the holder of `key` makes of these entries.
fn export_of(entries: &[Vec<u8>], key: &SigningKey) -> (Export, Manifest) {
    export_with(entries, key, None)
}

/// As [`export_of`], with this file `cosigned`.
fn export_with(entries: &[Vec<u8>], key: &SigningKey, cosigned: Option<&str>) -> (Export, Manifest) {
    export_at(entries, key, cosigned, START_MS + 1_000_000)
}

fn export_at(entries: &[Vec<u8>], key: &SigningKey, cosigned: Option<&str>, now_ms: u64) -> (Export, Manifest) {
    let mut files = Export::new();
    let mut exporter = Exporter::new(|path: &str, bytes: &[u8]| {
        files.insert(path.to_owned(), bytes.to_vec());
        Ok::<(), Infallible>(())
    });
    for bytes in entries {
        exporter.entry(bytes).expect("valid entry");
    }
    exporter.attach("convenant-1.toml", b"id = \"voorbeeld-1\"\n").expect("written");
    if let Some(cosigned) = cosigned {
        exporter.cosigned(cosigned).expect("written");
    }
    let checkpoint = Checkpoint { origin: origin(oin()), size: entries.len() as u64, root: root_of(entries) };
    let manifest = exporter.finish(&checkpoint.sign(key), key, now_ms).expect("export");
    (files, manifest)
}
