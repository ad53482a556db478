//! The generated region against the rates of the reference generator (mean of six regions of 6,000 children).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::domain::codes::EventType;

/// Events per child.
const EVENTS: [(&str, f64); 36] = [
    ("GEM_TOEWIJZING", 0.3534),
    ("GEM_VTO", 0.1004),
    ("GI_EERSTE_CONTACT", 0.3597),
    ("GI_HULPVRAAG", 0.2073),
    ("GI_INSTROOMLIJST", 0.1246),
    ("GI_KENNISGEVING", 0.3185),
    ("GI_MAATREGEL_EINDE", 0.2549),
    ("GI_MAATREGEL_START", 0.3185),
    ("GI_OVERGEDRAGEN", 0.0244),
    ("GI_OVERGENOMEN", 0.0244),
    ("GI_PJB_EINDE", 0.0474),
    ("GI_PJB_START", 0.0497),
    ("GI_PLAN", 0.3508),
    ("GI_TOEWIJZING_WERKER", 0.6006),
    ("JBT_AANMELDING", 0.2403),
    ("JBT_BESLUIT", 0.3195),
    ("JBT_TAFEL", 0.3196),
    ("JH_AANMELDING", 0.6369),
    ("JH_EINDE", 0.5813),
    ("JH_START", 0.5892),
    ("LT_AANMELDING", 0.7056),
    ("LT_EINDE", 0.6805),
    ("LT_OVERDRACHT", 0.0737),
    ("LT_START", 0.6691),
    ("RECHT_UITSPRAAK", 0.3256),
    ("RVDK_INTAKE", 0.2115),
    ("RVDK_ONDERZOEK_EINDE", 0.1821),
    ("RVDK_ONDERZOEK_START", 0.1840),
    ("RVDK_VTO_ONTVANGEN", 0.2339),
    ("VT_ADVIES", 0.1181),
    ("VT_MELDING", 0.7902),
    ("VT_ONDERZOEK_EINDE", 0.1348),
    ("VT_ONDERZOEK_START", 0.1353),
    ("VT_OVERDRACHT", 0.3809),
    ("VT_TRIAGE", 0.7902),
    ("VT_VTO", 0.0588),
];

/// Faults per child, by class and (where a class has several) outcome.
const FAULTS: [(&str, &str, f64); 21] = [
    ("D01", "", 0.06680),
    ("D02", "", 0.05592),
    ("D03", "", 0.09186),
    ("D06", "", 0.01336),
    ("D07", "", 0.00603),
    ("D08", "", 0.00133),
    ("D09", "", 0.00306),
    ("D10", "", 0.05636),
    ("D11", "", 0.02500),
    ("D12", "dubbel", 0.05511),
    ("D12", "ongewijzigd", 0.05722),
    ("D13", "", 0.05636),
    ("D15", "", 0.01122),
    ("D18", "", 0.00425),
    ("D20", "quarantaine", 0.04144),
    ("D22", "", 0.01819),
    ("D25", "", 0.02539),
    ("T01", "", 0.00622),
    ("T02", "", 0.00561),
    ("X01", "", 0.08716),
    ("X02", "", 0.02461),
];

fn rows(region: &Region) -> Vec<(String, BTreeMap<String, String>)> {
    let mut rows = Vec::new();
    for file in &region.files {
        let text = file.text.trim_start_matches('\u{feff}');
        let header = text.lines().next().expect("header");
        let separator = if header.matches(';').count() >= header.matches(',').count() { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
        let names = reader.headers().expect("header").clone();
        for record in reader.records() {
            let record = record.expect("row");
            assert_eq!(record.len(), names.len(), "{}", file.name);
            let row = names.iter().zip(record.iter()).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            rows.push((file.name.clone(), row));
        }
    }
    rows
}

fn within_a_quarter(what: &str, got: f64, wanted: f64) {
    assert!((0.75..=1.25).contains(&(got / wanted)), "{what}: {got:.4} a child, the reference has {wanted:.4}");
}

#[test]
fn the_same_seed_gives_the_same_files_and_another_seed_others() {
    let (a, b, c) = (Region::generate(300, 5), Region::generate(300, 5), Region::generate(300, 6));
    let text = |region: &Region| region.files.iter().map(|f| f.text.clone()).collect::<Vec<_>>();
    assert!(text(&a) == text(&b), "one seed");
    assert!(text(&a) != text(&c), "two seeds");
    assert_eq!(a.faults, b.faults);
}

#[test]
fn event_types_occur_as_often_as_in_the_reference() {
    let region = Region::generate(8_000, 11);
    let children = region.children as f64;
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for (_, row) in rows(&region) {
        *counts.entry(row["type"].clone()).or_default() += 1.0;
    }
    for (name, wanted) in EVENTS {
        within_a_quarter(name, counts.get(name).copied().unwrap_or_default() / children, wanted);
    }
    for kind in EventType::ALL {
        assert!(counts.contains_key(kind.as_str()), "{kind} does not occur");
    }
}

#[test]
fn faults_occur_as_often_as_in_the_reference() {
    // Several regions together, because some faults happen eight times in a region.
    let (mut children, mut counts) = (0.0, BTreeMap::new());
    for seed in 0..2 {
        let region = Region::generate(12_000, seed);
        children += region.children as f64;
        for PlacedFault { fault, .. } in region.faults {
            *counts.entry((fault.class, fault.outcome)).or_insert(0.0) += 1.0;
        }
    }
    for (class, outcome, wanted) in FAULTS {
        let chosen = counts.iter().filter(|((c, o), _)| *c == class && o.starts_with(outcome));
        within_a_quarter(class, chosen.map(|(_, n)| n).sum::<f64>() / children, wanted);
    }
}

#[test]
fn every_number_is_a_test_number_and_two_in_a_hundred_begin_with_a_zero() {
    let region = Region::generate(4_000, 2);
    let mut numbers: Vec<String> =
        rows(&region).into_iter().map(|(_, mut r)| r.remove("bsn").unwrap_or_default()).collect();
    numbers.sort();
    numbers.dedup();
    let valid = |bsn: &&String| {
        let digits: Vec<i32> = bsn.bytes().map(|b| i32::from(b) - i32::from(b'0')).collect();
        digits.len() == 9
            && digits.iter().all(|d| (0..=9).contains(d))
            && (digits[..8].iter().zip((2..=9).rev()).map(|(d, w)| d * w).sum::<i32>() - digits[8]) % 11 == 0
    };
    let real: Vec<&String> = numbers.iter().filter(valid).filter(|b| *b != "000000000" && *b != "999999999").collect();
    assert!(real.len() > 3_500, "{}", real.len());
    // A wrong digit can still pass the elfproef by chance only in the last digits, so the prefix always holds.
    assert!(real.iter().all(|b| b.starts_with("99") || b.starts_with("0999")));
    let with_zero = real.iter().filter(|b| b.starts_with('0')).count() as f64 / real.len() as f64;
    assert!((0.01..0.03).contains(&with_zero), "{with_zero}");
}

#[test]
fn organisations_document_has_what_a_reader_needs() {
    let dir = tempfile::tempdir().expect("folder");
    Region::generate(200, 1).write(dir.path()).expect("written");
    let text = std::fs::read_to_string(dir.path().join("organisations.json")).expect("organisations.json");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&document["gegevens_van"], &document["gegevens_tot"]), (&"2021-01-01".into(), &"2025-12-31".into()));
    let organisations = document["organisations"].as_array().expect("list");
    assert_eq!(organisations.len(), 21);
    for organisation in organisations {
        let key = organisation["key"].as_str().expect("key");
        assert!(dir.path().join(format!("events-{key}.csv")).is_file(), "{key}");
        assert!(organisation["oin"].as_str().is_some_and(|oin| oin.len() == 20 && oin.starts_with("00000099")));
    }
    let tables: Vec<_> =
        organisations.iter().filter(|o| o["levert"].as_array().is_some_and(|l| l.contains(&"JBT".into()))).collect();
    assert_eq!(tables.len(), 1);
    assert!(dir.path().join("events-vtt.2.csv").is_file());
}

/// The oracle gives each row the outcome that its fault prescribes; runs when `KETENPOORT_ORACLE` names its folder.
#[test]
fn the_oracle_reads_a_generated_region() {
    let Some(oracle) = std::env::var_os("KETENPOORT_ORACLE").map(|folder| PathBuf::from(folder).join("oracle.py"))
    else {
        return;
    };
    let dir = tempfile::tempdir().expect("folder");
    let region = Region::generate(1_500, 4);
    region.write(dir.path()).expect("written");
    let outcomes = dir.path().join("rows.jsonl");
    let run = Command::new("python3")
        .arg(oracle)
        .args(["--in".as_ref(), dir.path().as_os_str()])
        .args(["--from", "files", "--period", "2024", "--json", "--rows"])
        .arg(&outcomes)
        .output()
        .expect("python3");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let document: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert!(document["periods"]["2024"]["IND-01"]["OTS"]["totaal"]["n_kinderen"].as_u64().is_some_and(|n| n > 10));
    let text = std::fs::read_to_string(outcomes).expect("rows");
    let mut by_place = BTreeMap::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let place = (row["file"].as_str().expect("file").to_owned(), row["line"].as_u64().expect("line"));
        by_place.insert(place, row["outcome"].as_str().expect("outcome").to_owned());
    }
    let (mut right, mut all) = (0, 0);
    for PlacedFault { place, fault, .. } in &region.faults {
        let Some((file, line)) = place else { continue };
        let got = &by_place[&(file.clone(), *line as u64)];
        all += 1;
        right += usize::from(got == fault.outcome);
    }
    // Faults can meet by chance: a near duplicate of a late duplicate, a wrong digit that still passes the elfproef.
    assert!(right * 100 >= all * 98, "{right} of {all} faults end as prescribed");
}
