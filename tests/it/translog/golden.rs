//! Files that were written once and must verify for ever. `KETENPOORT_RENEW_GOLDEN=1` writes them anew: only before a release
//! of the format, never after.

use std::fs;
use std::path::{Path, PathBuf};

use ketenpoort::storage::log::ExportDirectory;
use ketenpoort::translog::verify::{Trust, verify};
use serde_json::json;

use super::*;

const COUNT: u64 = 260;
const ROOT: &str = "sha256:564fd597f932b3f3df04384d21057f4290de0c9ab715cd7fda5610786ca590a8";

pub(super) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/translog")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn vectors() -> String {
    let minimal = Entry { salt: salt(0), ..Entry::new(transfer(0), Direction::Outgoing, Phase::Intent, START_MS) };
    let deny = Entry {
        salt: salt(2),
        decision: Some(Decision::Deny),
        reason_codes: vec!["KP-EEN".to_owned()],
        ..Entry::new(transfer(2), Direction::Incoming, Phase::Deny, START_MS)
    };
    let connection = Entry {
        salt: salt(3),
        end_ms: Some(START_MS + 60_000),
        refused_connections: Some(42),
        ..Entry::new(transfer(3), Direction::Incoming, Phase::Connection, START_MS)
    };
    let entries = [("minimal", minimal), ("full", full_entry()), ("deny", deny), ("connection", connection)];
    let list: Vec<_> = entries
        .iter()
        .map(|(name, entry)| {
            let bytes = entry.encode().expect("valid entry");
            json!({"name": name, "bytes": hex(&bytes), "salt": hex(&entry.salt), "fields": entry,
                   "leaf_hash": leaf_hash(&bytes).to_hex()})
        })
        .collect();
    serde_json::to_string_pretty(&list).expect("JSON") + "\n"
}

pub(super) fn renew() -> bool {
    std::env::var_os("KETENPOORT_RENEW_GOLDEN").is_some()
}

#[test]
fn entry_vectors_are_the_published_ones() {
    let path = data().join("entry-v1.json");
    if renew() {
        fs::write(&path, vectors()).expect("written");
    }
    let published = fs::read_to_string(&path).expect("vectors");
    assert_eq!(published, vectors());
    let list: Vec<serde_json::Value> = serde_json::from_str(&published).expect("JSON");
    for vector in &list {
        let text = vector["bytes"].as_str().expect("hex");
        let bytes: Vec<u8> =
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex")).collect();
        let entry = Entry::decode(&bytes).expect("a vector decodes");
        assert_eq!(json!(entry), vector["fields"], "{}", vector["name"]);
        assert_eq!(leaf_hash(&bytes).to_hex(), vector["leaf_hash"]);
    }
}

#[test]
fn the_golden_export_verifies_for_ever_and_is_made_again_byte_for_byte() {
    let dir = data().join("export");
    let made = export_of(&encoded(COUNT), &key(1)).0;
    if renew() {
        let _ = fs::remove_dir_all(&dir);
        for (path, bytes) in &made {
            fs::create_dir_all(dir.join(path).parent().expect("directory")).expect("made");
            fs::write(dir.join(path), bytes).expect("written");
        }
    }
    let trust =
        Trust { key: key(1).verifying_key(), oin: Some(oin()), earlier: None, quorum: None, parties: Vec::new() };
    let report = verify(&ExportDirectory::new(&dir), Some(&trust));
    assert!(report.is_intact(), "{report}");
    assert_eq!((report.size, report.root.as_deref()), (COUNT, Some(ROOT)));
    for (path, bytes) in &made {
        assert!(fs::read(dir.join(path)).is_ok_and(|found| found == *bytes), "{path} differs from the golden file");
    }
}
