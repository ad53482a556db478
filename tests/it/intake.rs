//! Intake against the oracle's answers on the example regions, and what holds for any file.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use ketenpoort::crypto::{MacKey, digest};
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::day::Day;
use ketenpoort::domain::event::Gemeente;
use ketenpoort::domain::gemeente::{GemeenteList, GemeenteSpan};
use ketenpoort::domain::register::{DeliveryHead, Register, RowRef};
use ketenpoort::domain::row::{Column, RowKind, RowRecord};
use ketenpoort::intake::{FileRefusal, IntakeReport, IntakeSettings, ReadError, ReportBuilder, read_file};
use proptest::prelude::*;
use serde_json::Value;

struct Org {
    key: String,
    levert: Vec<Owner>,
    files: Vec<(String, Vec<u8>)>,
}

struct Region {
    dir: PathBuf,
    gemeenten: GemeenteList,
    orgs: Vec<Org>,
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

impl Region {
    fn open(dir: PathBuf) -> Self {
        let doc = json(&dir.join("organisations.json"));
        let day = |v: &Value| v.as_str().map(|t| Day::parse(t).expect("a day"));
        let spans = doc["gemeenten"].as_array().expect("gemeenten").iter().map(|g| GemeenteSpan {
            code: Gemeente::parse(text(&g["code"])).expect("a code"),
            from: day(&g["van"]),
            to: day(&g["tot"]),
        });
        let gemeenten = GemeenteList::new(spans.collect());
        let orgs = doc["organisations"].as_array().expect("organisations").iter().map(|org| {
            let key = text(&org["key"]).to_owned();
            let levert = org["levert"].as_array().expect("levert");
            let levert = levert.iter().map(|o| Owner::parse(text(o)).expect("an owner")).collect();
            let files = Self::files(&dir, &key);
            Org { key, levert, files }
        });
        let orgs = orgs.collect();
        Self { dir, gemeenten, orgs }
    }

    fn named(name: &str) -> Self {
        Self::open(data().join(name))
    }

    fn files(dir: &Path, key: &str) -> Vec<(String, Vec<u8>)> {
        let mut numbered = Vec::new();
        for entry in fs::read_dir(dir).expect("the region's folder") {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            let rest = name.strip_prefix(&format!("events-{key}")).and_then(|r| r.strip_suffix("csv"));
            let number = match rest {
                Some(".") => 1,
                Some(middle) => match middle.trim_matches('.').parse::<u32>() {
                    Ok(n) => n,
                    Err(_) => continue,
                },
                None => continue,
            };
            let bytes = fs::read(dir.join(&name)).expect("a file");
            numbered.push((number, name, bytes));
        }
        numbered.sort();
        numbered.into_iter().map(|(_, name, bytes)| (name, bytes)).collect()
    }

    fn org(&self, key: &str) -> &Org {
        self.orgs.iter().find(|org| org.key == key).expect("an organisation of the region")
    }

    fn settings<'a>(&'a self, org: &'a Org) -> IntakeSettings<'a> {
        settings(&org.levert, &self.gemeenten)
    }
}

fn settings<'a>(levert: &'a [Owner], gemeenten: &'a GemeenteList) -> IntakeSettings<'a> {
    IntakeSettings {
        levert,
        gemeenten,
        local: MacKey::from_slice(b"local"),
        fingerprints: MacKey::from_slice(b"fingerprints"),
        bases: vec![([7; 16], MacKey::from_slice(b"base"))],
    }
}

fn head(file: &str) -> DeliveryHead {
    DeliveryHead { file: file.to_owned(), sha256: digest(b"file"), at: 0, replaces: None, window: None }
}

/// Every row of a file, or its refusal; a reader that fails is a fault of the test.
fn rows(reader: impl Read, settings: &IntakeSettings<'_>) -> Result<Vec<RowRecord>, FileRefusal> {
    let mut rows = Vec::new();
    let mut sink = |row: RowRecord| -> Result<(), std::convert::Infallible> {
        rows.push(row);
        Ok(())
    };
    match read_file(reader, settings, &mut |_| (), &mut sink) {
        Ok(read) => {
            assert_eq!(read.rows as usize, rows.len());
            Ok(rows)
        }
        Err(ReadError::Refused(refusal)) => Err(refusal),
        Err(other) => panic!("{other}"),
    }
}

/// What the service does with a file: stage, then keep or drop. Returns the report.
fn deliver(register: &mut Register, file: &str, bytes: &[u8], settings: &IntakeSettings<'_>) -> IntakeReport {
    deliver_as(register, head(file), bytes, settings)
}

fn deliver_as(register: &mut Register, head: DeliveryHead, bytes: &[u8], with: &IntakeSettings<'_>) -> IntakeReport {
    let mut report = ReportBuilder::new(&head.file);
    let number = register.begin(head.clone());
    let mut sink = |row: RowRecord| -> Result<(), std::convert::Infallible> {
        let stored = RowRecord::decode(&row.encode()).expect("own bytes");
        report.note(&row, register.apply(&stored));
        Ok(())
    };
    match read_file(bytes, with, &mut |_| (), &mut sink) {
        Ok(_) => {
            let effects = register.end();
            report.finish(register.delivery_outcomes(number).into_iter().filter_map(|(_, outcome)| outcome), &effects)
        }
        Err(ReadError::Refused(refusal)) => {
            register.refuse(head);
            report.refuse(refusal)
        }
        Err(other) => panic!("{other}"),
    }
}

fn deliver_all(region: &Region, org: &Org, known_at: Option<Day>) -> Register {
    let mut register = Register::new(known_at);
    let settings = region.settings(org);
    for (name, bytes) in &org.files {
        deliver(&mut register, name, bytes, &settings);
    }
    register
}

/// (file, line) to outcome, for every row that is not simply `opgeslagen`.
fn notable(register: &mut Register) -> BTreeMap<(String, u32), String> {
    let files: Vec<String> =
        (0..register.deliveries()).map(|d| register.delivery(d).expect("a delivery").0.file.clone()).collect();
    let rows = register.outcomes().map(|(d, line, outcome)| ((files[d as usize].clone(), line), outcome.to_string()));
    rows.filter(|(_, outcome)| outcome != "opgeslagen").collect()
}

fn check_region(region: &Region) {
    let mut expected: BTreeMap<String, BTreeMap<(String, u32), String>> = BTreeMap::new();
    let file = fs::read_to_string(region.dir.join("expected-rows.jsonl")).expect("expected-rows.jsonl");
    for line in file.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let at = (text(&row["file"]).to_owned(), u32::try_from(row["line"].as_u64().expect("line")).unwrap());
        expected.entry(text(&row["org"]).to_owned()).or_default().insert(at, text(&row["outcome"]).to_owned());
    }
    let figures = json(&region.dir.join("expected.json"));
    for org in &region.orgs {
        let mut register = deliver_all(region, org, None);
        assert_eq!(notable(&mut register), expected.remove(&org.key).unwrap_or_default(), "{}", org.key);
        let quality = serde_json::to_value(register.quality()).expect("JSON");
        assert_eq!(quality, figures["IND-24"][&org.key], "IND-24 of {}", org.key);
    }
    assert!(expected.is_empty(), "organisations without files: {:?}", expected.keys());
}

#[test]
fn every_row_of_the_example_regions_has_the_oracles_outcome() {
    for name in ["dirty", "corrected", "clean"] {
        check_region(&Region::named(name));
    }
}

/// For development: KETENPOORT_REGIONS=folder:folder, each made by the generator and `expect.py`.
#[test]
fn every_row_of_other_regions_has_the_oracles_outcome() {
    for dir in std::env::var("KETENPOORT_REGIONS").unwrap_or_default().split(':').filter(|d| !d.is_empty()) {
        check_region(&Region::open(PathBuf::from(dir)));
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal")).collect()
}

/// A reader that gives a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.1.min(self.0.len()).min(out.len());
        out[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

#[test]
fn files_are_read_as_the_oracle_reads_them() {
    const COLUMNS: [Column; 6] =
        [Column::EventId, Column::Status, Column::Gemeente, Column::Type, Column::Datum, Column::GeregistreerdOp];
    let path = std::env::var_os("KETENPOORT_CSV_CASES").map_or_else(|| data().join("csv-cases.json"), PathBuf::from);
    let none = GemeenteList::default();
    let settings = settings(&[], &none);
    for case in json(&path).as_array().expect("a list") {
        let bytes = unhex(text(&case["hex"]));
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        for step in [1, 3, usize::MAX] {
            match rows(Trickle(&bytes, step), &settings) {
                Err(refusal) => {
                    let found = format!("{} line {}", refusal.code.as_str(), refusal.line);
                    assert_eq!(Some(found.as_str()), case["refused"].as_str(), "{shown:?}");
                }
                Ok(found) => {
                    assert_eq!(case["refused"].as_str(), None, "{shown:?}");
                    let expected = case["rows"].as_array().expect("rows");
                    assert_eq!(found.len(), expected.len(), "{shown:?}");
                    for (row, expected) in found.iter().zip(expected) {
                        assert_eq!(u64::from(row.line), expected[0].as_u64().expect("line"), "{shown:?}");
                        let expected: Vec<&str> = expected[1].as_array().expect("fields").iter().map(text).collect();
                        match &row.kind {
                            RowKind::Quarantined { fields, .. } => {
                                assert_eq!(COLUMNS.map(|c| fields.field(c)).to_vec(), expected, "{shown:?}");
                            }
                            _ => assert_eq!(row.event_id(), expected[0], "{shown:?}"),
                        }
                    }
                }
            }
        }
    }
}
