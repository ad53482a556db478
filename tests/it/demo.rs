//! The main job from outside: the demo as a process, then what it left behind, read as a stranger would.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ketenpoort::config::Config;
use ketenpoort::crypto::{KeyTree, SealUse, Secret32, digest};
use ketenpoort::domain::table::Mark;
use ketenpoort::monitor::report::Report;
use ketenpoort::storage::state::{StateError, StateStore};

/// Runs the program under test.
pub fn ketenpoort(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ketenpoort")).args(words).output().expect("the program starts")
}

/// Runs it and expects success; its standard output.
pub fn done(words: &[&str]) -> String {
    let output = ketenpoort(words);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words:?} failed with {}\n{out}\n{err}", output.status);
    out.into_owned()
}

fn path(p: &Path) -> &str {
    p.to_str().expect("path in UTF-8")
}

#[test]
fn the_demo_ends_in_a_protected_report_and_leaks_no_bsn() {
    let home = tempfile::tempdir().expect("temporary directory");
    let (region, input) = (home.path().join("region"), home.path().join("input"));
    done(&["generate", "--out", path(&input), "--children", "400", "--seed", "7"]);
    narrow_window(&input);
    let out = ketenpoort(&["demo", "--dir", path(&region), "--input", path(&input), "--once"]);
    let shown = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{shown}");

    let report = std::fs::read_to_string(region.join("monitor/report.json")).expect("report.json");
    let report = Report::from_json(&report).expect("a report");
    check_report(&report);
    check_logs(&region);
    check_leaks(&region, &input, &shown);
}

/// One year with its tail instead of four, so that the test takes a minute.
fn narrow_window(input: &Path) {
    let file = input.join("organisations.json");
    let mut document: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("organisations.json")).expect("JSON");
    document["gegevens_van"] = "2023-01-01".into();
    document["gegevens_tot"] = "2024-12-31".into();
    std::fs::write(&file, document.to_string()).expect("written");
}

fn check_report(report: &Report) {
    assert!(report.example, "invented figures are marked as an example");
    let indicators: BTreeSet<&str> = report.tables.iter().map(|t| t.indicator.as_str()).collect();
    assert!(indicators.len() >= 11, "every granted indicator is there: {indicators:?}");
    let mut printed = 0;
    for table in &report.tables {
        assert!(table.protected && table.certificate.is_none());
        assert!(table.coverage.missing.is_empty(), "{}: {:?}", table.indicator, table.coverage);
        for row in &table.rows {
            assert_ne!(row.measure, "n_kinderen", "children summed over nodes are n_som_organisaties");
            let share = row.measure.starts_with("pct") || ["mediaan", "p80"].contains(&row.measure.as_str());
            match row.value {
                Some(value) if !share => {
                    printed += 1;
                    assert!(value >= 10 && value % 5 == 0, "{} {row:?}", table.indicator);
                    assert!(row.low.is_some_and(|low| low <= value), "{row:?}");
                }
                Some(_) => {}
                None => assert!(row.mark.is_some() || share || row.low.is_some(), "{row:?}"),
            }
        }
    }
    assert!(printed > 20, "the report is not a page of x: {printed} printed counts");
    let total = report.tables.iter().find(|t| t.indicator == "IND-01" && t.by.is_empty());
    let total = total.expect("a total of IND-01");
    assert!(total.rows.iter().any(|r| r.mark != Some(Mark::Suppressed)), "totals survive");
}

/// Every node's log verifies on its export alone, and says what left.
fn check_logs(region: &Path) {
    for node in ["gi-alfa", "vtt", "ketenmonitor"] {
        let dir = region.join("nodes").join(node);
        let export = region.join(format!("export-{node}"));
        done(&["log", "export", "--node", path(&dir), "--out", path(&export)]);
        let trust = dir.join("card.json");
        let verified = done(&["log", "verify", "--export", path(&export), "--trust", path(&trust), "--json"]);
        assert!(verified.contains("\"signer\": \"vertrouwd\""), "{verified}");
        let list = done(&["log", "list", "--node", path(&dir), "--limit", "1000", "--json"]);
        let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
        let phases: BTreeSet<&str> =
            list.as_array().expect("a list").iter().filter_map(|e| e["phase"].as_str()).collect();
        let wanted = if node == "ketenmonitor" { "RECEIVED" } else { "OUTCOME" };
        assert!(phases.contains("INTENT") && phases.contains(wanted), "{node}: {phases:?}");
    }
}

/// No BSN of the input, in any encoding, in any file of any node, decrypted with the node's own keys too, or in any output.
fn check_leaks(region: &Path, input: &Path, shown: &str) {
    let bsns = bsns_of(input);
    assert!(bsns.len() > 100, "the input has children");
    let needles = Needles::of(&bsns);
    let mut places: Vec<(String, Vec<u8>)> = vec![("output of the demo".to_owned(), shown.as_bytes().to_vec())];
    for part in ["nodes", "monitor", "pki"] {
        collect(&region.join(part), &mut places);
    }
    for node in std::fs::read_dir(region.join("nodes")).expect("nodes") {
        let dir = node.expect("entry").path();
        places.push((format!("opened journal of {}", dir.display()), opened_state(&dir)));
    }
    let total: usize = places.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(total > 1_000_000, "there is something to search: {total} bytes");
    for (name, bytes) in &places {
        if let Some(kind) = needles.find(bytes) {
            panic!("{name} holds a BSN as {kind}");
        }
    }
}

/// The values of the bsn column of every input file.
pub fn bsns_of(input: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(input).expect("input") {
        let file = entry.expect("entry").path();
        if file.extension().is_none_or(|e| e != "csv") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("CSV text");
        let text = text.trim_start_matches('\u{feff}');
        let header = text.lines().next().expect("header");
        let separator = if header.matches(';').count() >= header.matches(',').count() { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
        let column = reader.headers().expect("header").iter().position(|h| h == "bsn").expect("bsn column");
        for record in reader.records().flatten() {
            let bsn = record.get(column).unwrap_or_default();
            let digits = format!("{bsn:0>9}");
            let number = digits.bytes().all(|b| b.is_ascii_digit());
            if number
                && digits.len() == 9
                && digits.starts_with(['9', '0'])
                && digits != "000000000"
                && digits != "999999999"
            {
                found.insert(digits);
            }
        }
    }
    found
}

/// Everything that the node's own keys can open of its state journal.
fn opened_state(dir: &Path) -> Vec<u8> {
    let config = Config::load(dir).expect("configuration");
    let root: [u8; 32] = std::fs::read(&config.root_key).expect("root").try_into().expect("32 bytes");
    let keys = KeyTree::new(Secret32::new(root));
    let (state, _) = StateStore::open(&config.data.join("state"), keys.seal_key(SealUse::State)).expect("journal");
    let mut all = Vec::new();
    state
        .replay::<StateError>(|_, _, body| {
            all.extend_from_slice(&body);
            Ok(())
        })
        .expect("every record opens");
    all
}

fn collect(dir: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).expect("directory") {
        let file: PathBuf = entry.expect("entry").path();
        if file.is_dir() {
            collect(&file, places);
        } else if file.is_file() {
            places.push((file.display().to_string(), std::fs::read(&file).expect("file")));
        }
    }
}

/// Forms in which a BSN could lie somewhere, looked up by their first bytes.
pub struct Needles(std::collections::HashMap<[u8; 7], Vec<(Vec<u8>, &'static str)>>);

impl Needles {
    /// Every form of every BSN: 9 digits, 8 digits, integers of 8 bytes, base64, and plain or empty-key hashes.
    pub fn of(bsns: &BTreeSet<String>) -> Self {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
        let mut needles = Self(std::collections::HashMap::new());
        for bsn in bsns {
            let number: u64 = bsn.parse().expect("digits");
            needles.add(bsn.as_bytes(), "9 digits");
            if bsn.starts_with('0') {
                needles.add(&bsn.as_bytes()[1..], "8 digits");
            }
            needles.add(&number.to_be_bytes(), "big-endian integer");
            needles.add(&number.to_le_bytes(), "little-endian integer");
            for shift in 0..3 {
                let padded = [vec![b'x'; shift], bsn.as_bytes().to_vec()].concat();
                let text = engine.encode(padded);
                // The first and last character mix in neighbouring bytes.
                let from = [0, 2, 3][shift];
                needles.add(&text.as_bytes()[from..text.len() - 1], "base64");
            }
            let plain = digest(bsn.as_bytes());
            let empty = ketenpoort::crypto::MacKey::from_slice(&[]).tag(&[bsn.as_bytes()]);
            for hash in [plain.0, *empty.expose()] {
                needles.add(&hash, "plain or empty-key hash");
                needles.add(ketenpoort::crypto::hex(&hash).as_bytes(), "plain or empty-key hash in hexadecimal");
            }
        }
        needles
    }

    fn add(&mut self, form: &[u8], kind: &'static str) {
        let head: [u8; 7] = form[..7].try_into().expect("at least 7 bytes");
        self.0.entry(head).or_default().push((form.to_vec(), kind));
    }

    /// The kind of the first form that occurs in `bytes`.
    pub fn find(&self, bytes: &[u8]) -> Option<&'static str> {
        bytes.windows(7).enumerate().find_map(|(at, window)| {
            let head: &[u8; 7] = window.try_into().expect("7 bytes");
            let candidates = self.0.get(head)?;
            candidates.iter().find(|(form, _)| bytes[at..].starts_with(form)).map(|(_, kind)| *kind)
        })
    }
}

#[test]
fn the_search_finds_a_planted_bsn_in_every_form() {
    use base64::Engine as _;
    let bsns = BTreeSet::from(["991953484".to_owned(), "099900014".to_owned()]);
    let needles = Needles::of(&bsns);
    let engine = base64::engine::general_purpose::STANDARD;
    let planted: Vec<Vec<u8>> = vec![
        b"..991953484..".to_vec(),
        b"..99900014..".to_vec(),
        [b"..".to_vec(), 991_953_484_u64.to_be_bytes().to_vec()].concat(),
        [b"..".to_vec(), 991_953_484_u64.to_le_bytes().to_vec()].concat(),
        engine.encode(b"991953484").into_bytes(),
        engine.encode(b"..991953484..").into_bytes(),
        engine.encode(b".991953484...").into_bytes(),
        digest(b"991953484").0.to_vec(),
        digest(b"991953484").to_hex().into_bytes(),
        ketenpoort::crypto::MacKey::from_slice(&[]).tag(&[b"991953484"]).expose().to_vec(),
    ];
    for (n, bytes) in planted.iter().enumerate() {
        assert!(needles.find(bytes).is_some(), "form {n} is not found");
    }
    assert_eq!(needles.find(b"991953485 and 99195348 are others"), None);
}
