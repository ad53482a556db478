//! Every way to change an export is found, and the report says where.

use ketenpoort::translog::export::{CHECKPOINT, FileRecord, MANIFEST, MANIFEST_NOTE, Manifest, manifest_text};
use ketenpoort::translog::note::Note;
use ketenpoort::translog::tiles::{put_in_bundle, split_bundle};
use ketenpoort::translog::verify::{Report, Signer, Trust, verify};

use super::*;

const COUNT: u64 = 600;

fn trust() -> Trust {
    Trust { key: key(1).verifying_key(), oin: Some(oin()), earlier: None, quorum: None, parties: Vec::new() }
}

fn check(export: &Export) -> Report {
    verify(export, Some(&trust()))
}

fn good() -> Export {
    export_of(&encoded(COUNT), &key(1)).0
}

fn names(report: &Report, file: &str) -> bool {
    report.findings.iter().any(|finding| finding.file == file)
}

fn names_entry(report: &Report, file: &str, entry: u64) -> bool {
    report.findings.iter().any(|finding| finding.file == file && finding.entry == Some(entry))
}

/// First entry number of the bundle with this path.
fn first_of(path: &str) -> Option<u64> {
    let number = path.strip_prefix("tile/entries/")?.split('.').next()?;
    Some(number.parse::<u64>().expect("bundle number") * 256)
}

#[test]
fn an_untouched_export_is_intact_with_and_without_an_anchor() {
    let export = good();
    let report = check(&export);
    assert!(report.is_intact(), "{report}");
    assert_eq!((report.signer, report.size, report.phases["INTENT"]), (Signer::Trusted, COUNT, COUNT / 2));
    assert_eq!(report.times_ms, Some((START_MS, START_MS + COUNT - 1)));
    let report = verify(&export, None);
    assert!(report.is_intact() && report.signer == Signer::NotChecked);
    assert!(report.conclusion().contains(report.key_fingerprint.as_deref().expect("fingerprint")));
    assert!(check(&export_of(&[], &key(1)).0).is_intact(), "an empty log verifies too");
}

#[test]
fn a_flip_in_any_file_is_found_in_that_file_and_that_entry() {
    let export = export_of(&encoded(300), &key(1)).0;
    let mut flips = 0;
    for (path, bytes) in &export {
        let entries = first_of(path).map(|first| {
            let split = split_bundle(bytes).expect("a bundle");
            let ends: Vec<usize> = split
                .iter()
                .scan(0, |at, e| {
                    *at += e.len() + 2;
                    Some(*at)
                })
                .collect();
            (first, ends)
        });
        for at in (0..bytes.len()).step_by(if bytes.len() < 1000 { 7 } else { 131 }) {
            let mut changed = export.clone();
            changed.get_mut(path).expect("file")[at] ^= 1 << (at % 8);
            let report = check(&changed);
            assert!(names(&report, path), "{path} byte {at}: {report}");
            if let Some((first, ends)) = &entries {
                let entry = first + ends.iter().take_while(|end| **end <= at).count() as u64;
                assert!(names_entry(&report, path, entry), "{path} byte {at}, entry {entry}: {report}");
            }
            flips += 1;
        }
    }
    assert!(flips > 600, "{flips} flips");
}

#[test]
fn a_file_that_is_missing_added_cut_or_longer_is_found() {
    let export = good();
    for (path, bytes) in &export {
        let mut changed = export.clone();
        changed.remove(path);
        assert!(names(&check(&changed), path), "{path} removed");
        for content in [&bytes[..bytes.len() - 1], &[], &[bytes.as_slice(), b"\n"].concat()] {
            let mut changed = export.clone();
            changed.insert(path.clone(), content.to_vec());
            assert!(names(&check(&changed), path), "{path} with {} bytes", content.len());
        }
    }
    for path in ["README", "tile/0/003", "tile/entries/002", "attachments/other", "tile/7/000.p/1"] {
        let mut changed = export.clone();
        changed.insert(path.to_owned(), b"x".to_vec());
        assert!(names(&check(&changed), path), "{path} added");
    }
}

#[test]
fn two_files_that_change_places_are_found() {
    let export = good();
    for (a, b) in [("tile/0/000", "tile/0/001"), ("tile/entries/000", "tile/entries/001"), (MANIFEST_NOTE, CHECKPOINT)]
    {
        let mut changed = export.clone();
        changed.insert(a.to_owned(), export[b].clone());
        changed.insert(b.to_owned(), export[a].clone());
        let report = check(&changed);
        assert!(names(&report, a) && names(&report, b), "{report}");
    }
}

/// Rewrites the entries of bundle 1.
fn rewrite(export: &Export, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Export {
    let mut changed = export.clone();
    let mut entries: Vec<Vec<u8>> =
        split_bundle(&export["tile/entries/001"]).expect("a bundle").into_iter().map(<[u8]>::to_vec).collect();
    change(&mut entries);
    let mut bundle = Vec::new();
    entries.iter().for_each(|entry| put_in_bundle(&mut bundle, entry));
    changed.insert("tile/entries/001".to_owned(), bundle);
    changed
}

#[test]
fn an_entry_that_is_dropped_swapped_inserted_or_edited_is_found_by_number() {
    let export = good();
    let file = "tile/entries/001";
    let edited = Entry { row_count: Some(1), ..entry(256 + 44) }.encode().expect("valid entry");
    let cases = [
        ("dropped", 256 + 17, rewrite(&export, |entries| drop(entries.remove(17)))),
        ("swapped", 256 + 30, rewrite(&export, |entries| entries.swap(30, 31))),
        ("inserted", 256 + 99, rewrite(&export, |entries| entries.insert(99, edited.clone()))),
        ("doubled", 256 + 6, rewrite(&export, |entries| entries.insert(6, entries[5].clone()))),
        ("edited", 256 + 44, rewrite(&export, |entries| entries[44] = edited.clone())),
        ("cut off", 256 + 255, rewrite(&export, |entries| drop(entries.pop()))),
    ];
    for (what, number, changed) in cases {
        let report = check(&changed);
        assert!(names_entry(&report, file, number), "{what}: {report}");
        assert!(report.to_string().starts_with("NIET ongeschonden"), "{report}");
    }
}

/// What someone without the key can do at best: change entries, make every file and the manifest anew, keep what is signed.
fn forge(entries: &[Vec<u8>], original: &Export) -> Export {
    let (mut forged, mut manifest) = export_of(entries, &key(9));
    forged.insert(CHECKPOINT.to_owned(), original[CHECKPOINT].clone());
    let old = Manifest::decode(&original[MANIFEST]).expect("manifest");
    (manifest.key, manifest.key_fingerprint) = (old.key, old.key_fingerprint);
    for record in &mut manifest.files {
        *record = FileRecord::of(&record.path, &forged[&record.path]);
    }
    forged.insert(MANIFEST.to_owned(), manifest.encode());
    let mut note = Note::decode(&original[MANIFEST_NOTE]).expect("note");
    note.text = manifest_text(&manifest.origin, &manifest.encode());
    forged.insert(MANIFEST_NOTE.to_owned(), note.encode().into_bytes());
    forged
}

#[test]
fn a_forger_without_the_key_is_found_even_when_every_file_fits() {
    let original = good();
    let mut entries = encoded(COUNT);
    entries[300] = Entry { row_count: Some(0), ..entry(300) }.encode().expect("valid entry");
    for changed in [entries, encoded(COUNT - 1), encoded(COUNT + 1)] {
        let report = check(&forge(&changed, &original));
        assert!(names(&report, CHECKPOINT) && names(&report, MANIFEST_NOTE), "{report}");
        assert!(!verify(&forge(&changed, &original), None).is_intact());
    }
}

#[test]
fn another_key_is_refused_with_an_anchor_and_visible_without() {
    let signed_by_other = export_of(&encoded(10), &key(9)).0;
    let report = check(&signed_by_other);
    assert!(names(&report, CHECKPOINT) && names(&report, MANIFEST), "{report}");
    let report = verify(&signed_by_other, None);
    assert!(report.is_intact() && report.signer == Signer::NotChecked, "{report}");
    let of_other = Trust { oin: Some(partner()), ..trust() };
    assert!(names(&verify(&good(), Some(&of_other)), CHECKPOINT));
}

#[test]
fn a_rewritten_past_is_found_with_a_saved_checkpoint_though_the_key_is_right() {
    let saved = Checkpoint { origin: origin(oin()), size: 50, root: root_of(&encoded(50)) };
    let with = |earlier: &Checkpoint| Trust { earlier: Some(earlier.clone()), ..trust() };
    assert!(verify(&good(), Some(&with(&saved))).is_intact());

    let mut entries = encoded(COUNT);
    entries[20] = Entry { row_count: Some(0), ..entry(20) }.encode().expect("valid entry");
    let rewritten = export_of(&entries, &key(1)).0;
    assert!(check(&rewritten).is_intact(), "the administrator holds the key");
    assert!(names(&verify(&rewritten, Some(&with(&saved))), CHECKPOINT));

    let shorter = export_of(&encoded(40), &key(1)).0;
    assert!(names(&verify(&shorter, Some(&with(&saved))), CHECKPOINT), "a log that was put back");
}

#[test]
fn an_outcome_without_intent_is_a_fault_and_an_open_intent_a_remark() {
    let alone = vec![entry(1).encode().expect("valid entry")];
    let report = check(&export_of(&alone, &key(1)).0);
    assert!(names_entry(&report, "tile/entries/000.p/1", 0), "{report}");

    let mut entries = encoded(3);
    let back = Entry { start_ms: START_MS - 5, ..entry(4) };
    entries.push(back.encode().expect("valid entry"));
    let report = check(&export_of(&entries, &key(1)).0);
    assert!(report.is_intact(), "{report}");
    assert_eq!(report.open_transfers.iter().map(|open| open.entry).collect::<Vec<_>>(), [2, 3]);
    assert!(report.clock_back.count == 0 && !report.to_string().contains("klok"), "disorder of a moment: {report}");

    let back = Entry { start_ms: START_MS - 3_600_000, ..entry(6) };
    entries.extend([entry(5), back, entry(7)].map(|entry| entry.encode().expect("valid entry")));
    let report = check(&export_of(&entries, &key(1)).0);
    assert!(report.is_intact(), "{report}");
    assert_eq!((report.clock_back.count, report.clock_back.largest_ms), (1, 3_600_005));
    assert!(report.to_string().contains("één keer meer dan een minuut terug, hoogstens 60 minuten"), "{report}");
}

#[test]
fn garbage_instead_of_files_gives_findings_and_never_a_panic() {
    let export = good();
    let huge = Checkpoint { origin: origin(oin()), size: u64::MAX, root: root_of(&[]) };
    let contents = [Vec::new(), b"\0\xff\n\n".to_vec(), huge.sign(&key(1)).encode().into_bytes(), vec![b'['; 5000]];
    for path in export.keys() {
        for content in &contents {
            let mut changed = export.clone();
            changed.insert(path.clone(), content.clone());
            assert!(names(&check(&changed), path), "{path}");
        }
    }
    assert!(!check(&Export::new()).is_intact());
}

#[test]
fn attachments_have_plain_names() {
    let mut exporter = Exporter::new(|_: &str, _: &[u8]| Ok::<(), Infallible>(()));
    for name in ["../card", "a/b", "", ".hidden", "naam met spatie"] {
        assert!(exporter.attach(name, b"x").is_err(), "{name}");
    }
    assert!(exporter.attach("card-1.json", b"x").is_ok());
}
