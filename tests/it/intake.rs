//! Intake against the oracle's answers on the example regions, and what holds for any file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ketenpoort::crypto::{MacKey, digest};
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::day::{Day, Precision};
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::domain::register::{DeliveryHead, Register, RowRef};
use ketenpoort::domain::row::{Column, RowKind, RowRecord};
use ketenpoort::intake::{FileRefusal, IntakeReport, IntakeSettings, ReadError, ReportBuilder, read_file};
use proptest::prelude::*;
use serde_json::Value;

use crate::region::{Organisation, Region, fixture, json};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn settings_of<'a>(region: &'a Region, org: &'a Organisation) -> IntakeSettings<'a> {
    settings(&org.levert, &region.gemeenten)
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

fn deliver_all(region: &Region, org: &Organisation, known_at: Option<Day>) -> Register {
    let mut register = Register::new(known_at);
    let settings = settings_of(region, org);
    for (name, bytes) in org.names.iter().zip(&org.files) {
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

fn line_of(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a number")).expect("a line number")
}

fn check_region(region: &Region) {
    let mut expected: BTreeMap<String, BTreeMap<(String, u32), String>> = BTreeMap::new();
    let file = fs::read_to_string(region.dir.join("expected-rows.jsonl")).expect("expected-rows.jsonl");
    for line in file.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let at = (text(&row["file"]).to_owned(), line_of(&row["line"]));
        expected.entry(text(&row["org"]).to_owned()).or_default().insert(at, text(&row["outcome"]).to_owned());
    }
    let figures = json(&region.dir.join("expected.json"));
    for org in &region.organisations {
        let mut register = deliver_all(region, org, None);
        assert_eq!(notable(&mut register), expected.remove(&org.key).unwrap_or_default(), "{}", org.key);
        let quality = serde_json::to_value(register.quality()).expect("JSON");
        assert_eq!(quality, figures["IND-24"][&org.key], "IND-24 of {}", org.key);
    }
    assert!(expected.is_empty(), "organisations without files: {:?}", expected.keys());
}

#[test]
fn every_row_of_the_example_regions_has_the_oracles_outcome() {
    for name in ["dirty", "corrected", "clean", "rules"] {
        check_region(&fixture(name));
    }
}

#[test]
fn a_reference_day_leaves_rows_out_as_the_oracle_does() {
    for name in ["dirty", "corrected"] {
        let region = fixture(name);
        let expected = json(&region.dir.join("expected-peildatum.json"));
        for (day, by_org) in expected.as_object().expect("days") {
            for org in &region.organisations {
                let mut register = deliver_all(&region, org, Day::parse(day).ok());
                let quality = serde_json::to_value(register.quality()).expect("JSON");
                assert_eq!(quality, by_org[&org.key], "IND-24 of {} on {day}", org.key);
            }
        }
    }
}

/// For development: KETENPOORT_REGIONS=folder:folder, each made by the generator and `expect.py`.
#[test]
fn every_row_of_other_regions_has_the_oracles_outcome() {
    for dir in std::env::var("KETENPOORT_REGIONS").unwrap_or_default().split(':').filter(|d| !d.is_empty()) {
        check_region(&Region::open(Path::new(&dir)));
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

/// The header and the rows of a file, each with its line end; only for files without line ends inside fields.
fn taken_apart(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let header = lines.remove(0);
    (header, lines)
}

/// Outcomes of all rows of all deliveries, without their lines.
fn outcomes(register: &mut Register) -> Vec<String> {
    register.outcomes().map(|(.., outcome)| outcome.to_string()).collect()
}

/// The `event_id`s of the stored events, in order, taken from a second pass over the files.
fn stored(region: &Region, org: &Organisation, files: &[&[u8]], register: &mut Register) -> Vec<String> {
    let settings = settings_of(region, org);
    let records: Vec<Vec<RowRecord>> = files.iter().map(|f| rows(*f, &settings).unwrap_or_default()).collect();
    let at = |r: RowRef| &records[r.delivery as usize][r.row as usize];
    register.stored_refs().into_iter().map(|r| at(r).event_id().to_owned()).collect()
}

#[test]
fn a_file_cut_in_two_at_any_row_has_the_same_outcomes() {
    let region = fixture("dirty");
    for key in ["vtt", "gi-alfa", "gem-0153"] {
        let org = region.organisation(key);
        let whole = &org.files[0];
        let expected = outcomes(&mut deliver_all(&region, org, None));
        let (header, lines) = taken_apart(whole);
        for at in (0..=lines.len()).step_by(37) {
            let mut register = Register::new(None);
            for part in [&lines[..at], &lines[at..]] {
                let bytes = [header.clone(), part.concat()].concat();
                deliver(&mut register, "part", &bytes, &settings_of(&region, org));
            }
            assert_eq!(outcomes(&mut register), expected, "{key} cut after row {at}");
        }
    }
}

#[test]
fn the_same_file_again_changes_nothing() {
    let region = fixture("clean");
    for org in &region.organisations {
        let mut register = deliver_all(&region, org, None);
        let before = register.stored_refs();
        let (name, bytes) = (&org.names[0], &org.files[0]);
        let report = deliver(&mut register, name, bytes, &settings_of(&region, org));
        assert_eq!(register.stored_refs(), before, "{}", org.key);
        assert_eq!(report.outcomes.keys().copied().filter(|class| *class != "ongewijzigd").count(), 0, "{}", org.key);
    }
    // With faults and deletions in it a second time gives no other events than the first time, but for the order.
    let region = fixture("dirty");
    for org in &region.organisations {
        let bytes = org.files[0].as_slice();
        let mut register = deliver_all(&region, org, None);
        let mut once = stored(&region, org, &[bytes], &mut register);
        deliver(&mut register, "again", bytes, &settings_of(&region, org));
        let mut twice = stored(&region, org, &[bytes, bytes], &mut register);
        once.sort();
        twice.sort();
        assert_eq!(once, twice, "{}", org.key);
    }
}

#[test]
fn replacement_files_leave_the_events_of_the_final_files_alone() {
    // The final files are without faults: an event whose only row in them is in quarantine would stay (input contract 3).
    let (first, last) = (fixture("dirty"), fixture("clean"));
    let whole = (Day::parse("1990-01-01").unwrap(), Day::parse("2090-12-31").unwrap());
    for org in &last.organisations {
        let settings = settings_of(&last, org);
        let old = &first.organisation(&org.key).files[0];
        let (final_name, final_bytes) = (&org.names[0], &org.files[0]);
        let mut alone = Register::new(None);
        deliver(&mut alone, final_name, final_bytes, &settings);
        let mut expected = stored(&last, org, &[final_bytes], &mut alone);

        let mut register = Register::new(None);
        deliver(&mut register, "old", old, &settings);
        let live_before = register.live_events();
        let head = DeliveryHead { replaces: Some(whole), ..head("new") };
        // A refused file replaces nothing.
        let broken = [final_bytes.as_slice(), b"x"].concat();
        let report = deliver_as(&mut register, head.clone(), &broken, &settings);
        assert_eq!(report.refusal.map(|r| r.code.as_str()), Some("aantal_velden"));
        assert_eq!(register.live_events(), live_before);
        let report = deliver_as(&mut register, head, final_bytes, &settings);
        assert!(report.removed <= live_before);
        let mut found = stored(&last, org, &[old, &[], final_bytes], &mut register);
        // An event whose date is unknown lies wholly in no period, so it stays and is reported.
        let undated: BTreeSet<String> = rows(old.as_slice(), &settings)
            .expect("a good file")
            .iter()
            .filter(|row| match &row.kind {
                RowKind::Accepted(accepted) => accepted.event.datum.precision == Precision::U,
                _ => false,
            })
            .map(|row| row.event_id().to_owned())
            .collect();
        found.retain(|id| !undated.contains(id) || expected.contains(id));
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}", org.key);
        assert!(report.overlapping as usize <= undated.len(), "{}", org.key);
    }
}

const HEADER: &str = "event_id;status;bsn;gemeente;type;datum;geregistreerd_op\n";

fn refusal(bytes: &[u8]) -> FileRefusal {
    let region = fixture("clean");
    rows(bytes, &settings_of(&region, region.organisation("gi-alfa"))).err().expect("a refusal")
}

#[test]
fn whole_file_refusals_name_line_and_place_and_store_nothing() {
    let good = "a;1;111222333;0153;GI_PLAN;20240301;2024-03-01T10:00:00Z\n";
    let cases: &[(&str, Vec<u8>, u32, Option<u32>)] = &[
        ("niet_utf8", [HEADER.as_bytes(), good.as_bytes(), b"ab\xff"].concat(), 3, Some(3)),
        ("niet_utf8", [HEADER.as_bytes(), b"\"open\n", b"\xe2\x82"].concat(), 3, Some(1)),
        ("niet_utf8", b"\xff\xfee\0".to_vec(), 1, Some(1)),
        ("kop_fout", Vec::new(), 1, None),
        ("kop_fout", b"event_id;status\n".to_vec(), 1, None),
        ("kop_fout", HEADER.replace("bsn", "type").into_bytes(), 1, None),
        ("kolom_onbekend", HEADER.replace("bsn", "naam").into_bytes(), 1, None),
        ("aantal_velden", [HEADER, good, "a;1\n"].concat().into_bytes(), 3, Some(1)),
        ("aantal_velden", [HEADER, "\n", good].concat().into_bytes(), 2, Some(1)),
        ("csv_fout", [HEADER, good, "\"a\"b;1"].concat().into_bytes(), 3, Some(4)),
        ("csv_fout", [HEADER, good, "\"a;1\n\n"].concat().into_bytes(), 4, Some(1)),
    ];
    for (code, bytes, line, column) in cases {
        let shown = String::from_utf8_lossy(bytes);
        let found = refusal(bytes);
        assert_eq!((found.code.as_str(), found.line, found.column), (*code, *line, *column), "{shown}");

        let region = fixture("clean");
        let org = region.organisation("gi-alfa");
        let mut register = deliver_all(&region, org, None);
        let before = register.stored_refs();
        let report = deliver(&mut register, "bad", bytes, &settings_of(&region, org));
        assert_eq!(register.stored_refs(), before, "{shown}");
        assert_eq!(register.quality().geweigerde_bestanden, 1);
        assert_eq!((report.rows, report.problems_total), (0, 0));
    }
}

#[test]
fn a_large_field_is_bounded_in_characters_as_the_oracle_bounds_it() {
    let region = fixture("clean");
    let settings = settings_of(&region, region.organisation("gi-alfa"));
    let file = |n: usize| format!("{HEADER}\"{}\";9;;;;;\n", "é".repeat(n));
    assert_eq!(rows(file(131_072).as_bytes(), &settings).expect("within the bound").len(), 1);
    assert_eq!(refusal(file(131_073).as_bytes()).code.as_str(), "csv_fout");
    // A file without end and without line end stops at the bound and does not fill the memory.
    let endless = HEADER.as_bytes().chain(std::io::repeat(b'x')).take(20_000_000);
    assert_eq!(rows(endless, &settings).err().map(|r| r.code.as_str()), Some("csv_fout"));
}

#[test]
fn no_report_shows_a_number_or_a_field() {
    let region = fixture("clean");
    let settings = settings_of(&region, region.organisation("gi-alfa"));
    let (bsn, short) = ("111222333", "12345672"); // 012345672 passes the elfproef
    let mut file = HEADER.to_owned();
    for (n, id) in [bsn, &format!("id-{bsn}-x"), short, "gewoon"].into_iter().enumerate() {
        for row in [
            format!("{id};1;{bsn};0153;{bsn};20240301;2024-03-01T10:00:00Z"),
            format!("{id};{bsn};{bsn};0153;GI_PLAN;20240301;2024-03-01T10:00:00Z"),
            format!("{id};1;1112223334;0153;GI_PLAN;20240301;2024-03-01T10:00:00Z"),
            format!("{id};3;{n};;;;"),
        ] {
            file.push_str(&row);
            file.push('\n');
        }
    }
    let mut register = Register::new(None);
    let report = deliver(&mut register, "events.csv", file.as_bytes(), &settings);
    assert_eq!(report.problems.len(), 16);
    assert_eq!(report.problems.iter().filter(|p| p.event_id == "***").count(), 12);
    assert_eq!(report.problems.iter().filter(|p| p.event_id == "gewoon").count(), 4);
    // A file whose header is a row of data, and one that breaks off.
    let headless = deliver(&mut register, "b.csv", format!("{bsn};Jansen;20100304\n").as_bytes(), &settings);
    let broken = deliver(&mut register, "c.csv", format!("{HEADER}{bsn};\"{bsn}").as_bytes(), &settings);
    for report in [report, headless, broken] {
        let shown = format!("{report}{report:?}{}", serde_json::to_string(&report).expect("JSON"));
        for secret in [bsn, short, "1112223334", "20100304"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

#[test]
fn a_row_in_quarantine_is_kept_without_its_bsn() {
    let region = fixture("clean");
    let settings = settings_of(&region, region.organisation("gi-alfa"));
    let file = format!("{HEADER}a;1;111222333;0153;GI_FOUT;20240301;2024-03-01T10:00:00Z\n");
    let found = rows(file.as_bytes(), &settings).expect("a good file");
    let RowKind::Quarantined { fields, column, .. } = &found[0].kind else { panic!("an unknown type") };
    assert_eq!((*column, fields.field(Column::Type), fields.field(Column::Bsn)), (Column::Type, "GI_FOUT", ""));
    let bytes = found[0].encode();
    assert!(!bytes.windows(9).any(|w| w == b"111222333"));
}

#[test]
fn every_accepted_row_with_a_subject_carries_pseudonym_and_tokens() {
    let region = fixture("clean");
    let settings = settings_of(&region, region.organisation("gi-alfa"));
    let row = |id: &str, bsn: &str| format!("{id};1;{bsn};0153;GI_PLAN;20240301;2024-03-01T10:00:00Z\n");
    let file = [HEADER.to_owned(), row("a", "012345672"), row("b", "12345672"), row("c", "")].concat();
    let found = rows(file.as_bytes(), &settings).expect("a good file");
    let accepted: Vec<_> = found
        .iter()
        .map(|row| match &row.kind {
            RowKind::Accepted(accepted) => accepted,
            _ => panic!("every row is accepted"),
        })
        .collect();
    let s = MacKey::from_slice(b"local").tag(&[b"local\x00012345672"]);
    let t0 = MacKey::from_slice(b"base").tag(&[b"subject\x00012345672"]);
    for row in &accepted[..2] {
        assert!(row.event.subject == Some(s) && row.tokens == [([7; 16], t0)]);
    }
    assert!(accepted[0].content_fp == accepted[1].content_fp && accepted[0].dup_fp == accepted[1].dup_fp);
    assert!(accepted[2].event.subject.is_none() && accepted[2].tokens.is_empty() && accepted[2].dup_fp.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), step in 1_usize..50) {
        let none = GemeenteList::default();
        let settings = settings(Owner::ALL, &none);
        prop_assert_eq!(rows(&bytes[..], &settings).is_ok(), rows(Trickle(&bytes, step), &settings).is_ok());
    }

    #[test]
    fn a_damaged_file_is_read_or_refused_and_never_shows_a_number(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), step in 1_usize..5000,
    ) {
        static REGION: LazyLock<Region> = LazyLock::new(|| fixture("dirty"));
        let org = REGION.organisation("gi-gamma");
        let mut bytes = org.files[0].clone();
        for (at, to) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *to;
        }
        let settings = settings_of(&REGION, org);
        let mut register = Register::new(None);
        let report = deliver(&mut register, "x.csv", &bytes, &settings);
        prop_assert!(!report.to_string().contains("992749803"), "a number of this file");
        let whole = rows(&bytes[..], &settings);
        let pieces = rows(Trickle(&bytes, step), &settings);
        prop_assert!(whole == pieces, "the same rows or the same refusal, however the bytes come");
    }
}
