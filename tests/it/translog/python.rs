//! The Python verifier, written from the format page alone, agrees with ours on good and on tampered exports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ketenpoort::translog::export::{CHECKPOINT, MANIFEST, MANIFEST_NOTE};
use ketenpoort::translog::verify::{Trust, verify};

use super::*;

fn write(dir: &Path, export: &Export) {
    for (path, bytes) in export {
        fs::create_dir_all(dir.join(path).parent().expect("directory")).expect("made");
        fs::write(dir.join(path), bytes).expect("written");
    }
}

/// Good exports of several sizes, and of one of them a flip in every file at several places, and other changes.
fn cases() -> Vec<(String, Export)> {
    let mut cases: Vec<(String, Export)> =
        [0, 1, 2, 255, 256, 257, 513].map(|n| (format!("good-{n}"), export_of(&encoded(n), &key(1)).0)).to_vec();
    for (name, back_ms) in [("good-clock-minute", 60_000), ("good-clock-hour", 3_600_000)] {
        let back = [0, back_ms, back_ms - 1].into_iter().zip([0, 2, 4]);
        let entries = back.map(|(back, n)| Entry { start_ms: START_MS + n - back, ..entry(n) });
        let entries: Vec<_> = entries.map(|entry| entry.encode().expect("valid entry")).collect();
        cases.push((name.to_owned(), export_of(&entries, &key(1)).0));
    }
    cases.push(("other-key".to_owned(), export_of(&encoded(3), &key(2)).0));
    cases.push(("no-intent".to_owned(), export_of(&[entry(1).encode().expect("valid entry")], &key(1)).0));
    let good = export_of(&encoded(300), &key(1)).0;
    let paths: Vec<String> = good.keys().cloned().collect();
    for (n, path) in paths.iter().enumerate() {
        for (k, share) in [0, 37, 71, 99].iter().enumerate() {
            let mut changed = good.clone();
            let bytes = changed.get_mut(path).expect("file");
            let at = bytes.len().saturating_sub(1) * share / 99;
            bytes[at] ^= 1 << (k * 2 % 8);
            cases.push((format!("flip-{n}-{k}"), changed));
        }
        let mut missing = good.clone();
        missing.remove(path);
        cases.push((format!("missing-{n}"), missing));
    }
    let mut added = good.clone();
    added.insert("tile/9".to_owned(), vec![1]);
    cases.push(("added".to_owned(), added));
    let mut longer = export_of(&encoded(301), &key(2)).0;
    for file in [CHECKPOINT, MANIFEST, MANIFEST_NOTE] {
        longer.insert(file.to_owned(), good[file].clone());
    }
    cases.push(("longer".to_owned(), longer));
    cases.extend(super::cosigned::cases());
    cases.extend(super::receipts::cases());
    cases
}

#[test]
fn the_python_verifier_agrees() {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/verify_export.py");
    if !Command::new("python3").arg("--version").output().is_ok_and(|run| run.status.success()) {
        println!("python3 is not there: the second verifier was not run");
        return;
    }
    let place = tempfile::tempdir().expect("directory");
    let cases = cases();
    for (name, export) in &cases {
        write(&place.path().join(name), export);
    }
    let trusted = key(1).verifying_key();
    let run = Command::new("python3")
        .arg(script)
        .args(["--key", &Digest(trusted.0).to_hex()])
        .args(["--party", &format!("{}={}", partner(), Digest(key(2).verifying_key().0).to_hex())])
        .args(cases.iter().map(|(name, _)| place.path().join(name)))
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&run.stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), cases.len(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    let parties = vec![(partner(), key(2).verifying_key())];
    let (mut good, mut steps) = (0, 0);
    for ((name, export), line) in cases.iter().zip(lines) {
        let trust = Trust { key: trusted, oin: None, earlier: None, quorum: None, parties: parties.clone() };
        let report = verify(export, Some(&trust));
        assert_eq!(line.starts_with("OK "), report.is_intact(), "{name}: {line}\n{report}");
        assert_eq!(name.starts_with("good"), report.is_intact(), "{name}");
        let clock = report.clock_back;
        let said = format!(", clock back {} times, at most {} ms", clock.count, clock.largest_ms);
        assert_eq!(line.ends_with(&said), report.is_intact() && clock.count > 0, "{name}: {line}");
        steps += clock.count;
        good += usize::from(report.is_intact());
    }
    assert_eq!((good, steps), (11, 1));
    assert_eq!(run.status.code(), Some(1), "some exports were bad");
}
