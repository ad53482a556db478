//! The file `cosigned` of an export: golden for ever, every byte of it checked, and the quorum counted under trusted keys.

use std::fs;
use std::process::Command;

use ketenpoort::policy::witness::Quorum;
use ketenpoort::storage::log::ExportDirectory;
use ketenpoort::translog::cosignature::{cosign, witness_name};
use ketenpoort::translog::note::Note;
use ketenpoort::translog::verify::{Trust, verify};

use super::golden::data;
use super::*;

/// The golden export: so many entries, of which so many are cosigned.
const ENTRIES: u64 = 5;
const SEEN: u64 = 3;
/// Seconds since 1970.
const TIME: u64 = 1_750_000_000;

fn witness(n: u8) -> Oin {
    Oin::parse(&format!("00000099000000001{n:03}")).expect("OIN")
}

/// Witnesses 2 to 5, with the keys of their numbers; three of them are needed.
fn quorum() -> Quorum {
    let witnesses = (2..=5).map(|n| (witness(n), key(n).verifying_key())).collect();
    Quorum { convenant: "voorbeeld".to_owned(), witnesses, needed: 3 }
}

/// The checkpoint of the first `size` of these entries, signed by the log and cosigned by these.
fn note(entries: &[Vec<u8>], size: u64, by: &[u8]) -> Note {
    let seen = &entries[..usize::try_from(size).expect("small")];
    let mut note = Checkpoint { origin: origin(oin()), size, root: root_of(seen) }.sign(&key(1));
    for n in by {
        note.signatures.push(cosign(&note.text, &witness_name(witness(*n)), &key(*n), TIME + u64::from(*n)));
    }
    note
}

fn golden() -> Export {
    let entries = encoded(ENTRIES);
    export_with(&entries, &key(1), Some(&note(&entries, SEEN, &[2, 3, 4]).encode())).0
}

/// Exports with a file `cosigned` for both verifiers, without keys of witnesses: only the first is good.
pub(super) fn cases() -> Vec<(String, Export)> {
    let entries = encoded(ENTRIES);
    let with = |cosigned: String| export_with(&entries, &key(1), Some(&cosigned)).0;
    let good = note(&entries, SEEN, &[2, 3, 4]);
    let other_root = note(&encoded(9)[4..], SEEN, &[2, 3, 4]);
    let unsigned = Note { signatures: good.signatures[1..].to_vec(), ..good.clone() };
    vec![
        ("good-cosigned".to_owned(), with(good.encode())),
        ("cosigned-other-root".to_owned(), with(other_root.encode())),
        ("cosigned-longer".to_owned(), with(note(&encoded(9), 9, &[2, 3, 4]).encode())),
        ("cosigned-unsigned".to_owned(), with(unsigned.encode())),
        ("cosigned-no-note".to_owned(), with(good.text.clone())),
        ("cosigned-empty".to_owned(), with(String::new())),
    ]
}

fn trust() -> Trust {
    Trust { key: key(1).verifying_key(), oin: Some(oin()), earlier: None, quorum: Some(quorum()), parties: Vec::new() }
}

#[test]
fn the_golden_cosigned_export_verifies_for_ever_and_is_made_again_byte_for_byte() {
    let dir = data().join("export-cosigned");
    if std::env::var_os("KETENPOORT_RENEW_GOLDEN_COSIGNED").is_some() {
        let _ = fs::remove_dir_all(&dir);
        for (path, bytes) in &golden() {
            fs::create_dir_all(dir.join(path).parent().expect("directory")).expect("made");
            fs::write(dir.join(path), bytes).expect("written");
        }
    }
    let report = verify(&ExportDirectory::new(&dir), Some(&trust()));
    assert!(report.is_intact(), "{report}");
    let cosigned = report.cosigned.as_ref().expect("cosigned");
    assert_eq!((cosigned.size, cosigned.checked), (SEEN, true));
    let times: Vec<_> = cosigned.witnesses.iter().map(|w| (w.oin.clone(), w.time_s)).collect();
    assert_eq!(times, [2, 3, 4].map(|n| (witness(n).to_string(), Some(TIME + u64::from(n)))));
    assert!(report.to_string().contains("De laatste 2 regels zijn nog niet medeondertekend"), "{report}");
    for (path, bytes) in &golden() {
        assert!(fs::read(dir.join(path)).is_ok_and(|found| found == *bytes), "{path} differs from the golden file");
    }
}

#[test]
fn the_python_verifier_counts_the_same_quorum() {
    if !Command::new("python3").arg("--version").output().is_ok_and(|run| run.status.success()) {
        println!("python3 is not there: the second verifier was not run");
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify_export.py");
    let run = |needed: &str, witnesses: &[u8]| {
        let mut command = Command::new("python3");
        command.args([script, "--key", &Digest(key(1).verifying_key().0).to_hex(), "--needed", needed]);
        for n in witnesses {
            command.args(["--witness", &format!("{}={}", witness(*n), Digest(key(*n).verifying_key().0).to_hex())]);
        }
        command.arg(data().join("export-cosigned")).status().expect("python3 runs").success()
    };
    assert!(run("3", &[2, 3, 4, 5]) && run("2", &[4, 2]));
    assert!(!run("3", &[2, 3, 5]) && !run("4", &[2, 3, 4, 5]));
}

#[test]
fn a_quorum_counts_only_what_holds() {
    let entries = encoded(ENTRIES);
    let found = |note: &Note| {
        let export = export_with(&entries, &key(1), Some(&note.encode())).0;
        let report = verify(&export, Some(&trust()));
        (report.is_intact(), report.cosigned.map_or(0, |cosigned| cosigned.witnesses.len()))
    };
    assert_eq!(found(&note(&entries, SEEN, &[2, 3, 5])), (true, 3));
    assert_eq!(found(&note(&entries, SEEN, &[2, 3])), (false, 2));
    assert_eq!(found(&note(&entries, SEEN, &[2, 2, 2, 2])), (false, 1), "one witness many times");
    assert_eq!(found(&note(&entries, SEEN, &[2, 3, 6])), (false, 2), "no witness of this log");
    let mut borrowed = note(&entries, SEEN, &[2, 3]);
    let other = note(&entries, SEEN - 1, &[4]);
    borrowed.signatures.push(other.signatures[1].clone());
    assert_eq!(found(&borrowed), (false, 2), "a cosignature of another checkpoint");
    let mut forged = note(&entries, SEEN, &[2, 3]);
    forged.signatures.push(cosign(&forged.text, &witness_name(witness(4)), &key(9), TIME));
    assert_eq!(found(&forged), (false, 2), "another key under the name of a witness");
}

/// The convenant demands witnesses: an export without them, or with entries that waited too long, does not verify under it.
#[test]
fn with_a_convenant_a_missing_or_old_cosigned_is_a_fault() {
    let entries = encoded(ENTRIES);
    let intact = |entries: &[Vec<u8>], cosigned: Option<&str>, now_ms: u64, trust: &Trust| {
        verify(&export_at(entries, &key(1), cosigned, now_ms).0, Some(trust)).is_intact()
    };
    let (soon, card) = (START_MS + 1000, Trust { quorum: None, ..trust() });
    assert!(!intact(&entries, None, soon, &trust()), "convenant, export without cosigned");
    assert!(intact(&entries, None, soon, &card) && intact(&[], None, soon, &trust()));
    // Entry 3 is the first that is not cosigned; it began at START_MS + 3.
    let (seen, all) = (note(&entries, SEEN, &[2, 3, 4]).encode(), note(&entries, ENTRIES, &[2, 3, 4]).encode());
    let day = START_MS + SEEN + 24 * 3_600_000;
    assert!(intact(&entries, Some(&seen), day, &trust()) && !intact(&entries, Some(&seen), day + 1, &trust()));
    assert!(intact(&entries, Some(&seen), day + 1, &card) && intact(&entries, Some(&all), 2 * day, &trust()));
}

#[test]
fn without_keys_of_witnesses_the_report_says_that_nothing_was_counted() {
    for (name, export) in cases() {
        let trust = Trust { quorum: None, ..trust() };
        let report = verify(&export, Some(&trust));
        assert_eq!(report.is_intact(), name == "good-cosigned", "{name}: {report}");
        assert!(!report.cosigned.as_ref().is_some_and(|cosigned| cosigned.checked));
        assert!(
            name != "good-cosigned" || report.to_string().contains("niet nagegaan: geef met --trust het convenant")
        );
    }
}
