//! The indicators of every organisation of the example regions against the oracle, integer for integer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use ketenpoort::crypto::digest;
use ketenpoort::domain::day::{Day, WorkCalendar};
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, TableQuery};
use ketenpoort::indicator::columns::Columns;
use ketenpoort::indicator::compute::{Settings, compute};
use ketenpoort::indicator::quality::quality_table;
use ketenpoort::indicator::raw::{RawTable, RawValue};
use proptest::prelude::*;
use serde_json::Value;

use crate::region::{Organisation, Region, fixture, json};

/// One group of measures: series (with `#uitgesloten` for the excluded events) and dimension values.
type Group = (String, Vec<String>);
/// Measures by group.
pub type Figures = BTreeMap<Group, BTreeMap<String, Option<i64>>>;

/// The oracle's figures of one indicator, period and breakdown, in the names of our tables.
pub fn expected(indicator: &Value, by: &[Dimension], org: &Organisation) -> Figures {
    let mut figures = Figures::new();
    for (series, groups) in indicator.as_object().into_iter().flatten() {
        if by.is_empty() {
            for (part, suffix) in [("totaal", ""), ("uitgesloten", "#uitgesloten")] {
                if groups[part].is_object() {
                    figures.insert((format!("{series}{suffix}"), Vec::new()), measures(&groups[part], part));
                }
            }
            continue;
        }
        let spec = by.iter().map(|d| d.as_str()).collect::<Vec<_>>().join(",");
        for (key, group) in groups["by"][spec.as_str()].as_object().into_iter().flatten() {
            let key = key.split('|').map(|v| if v == org.key { org.oin.to_string() } else { v.to_owned() }).collect();
            figures.insert((series.clone(), key), measures(group, "by"));
        }
    }
    figures
}

fn measures(group: &Value, part: &str) -> BTreeMap<String, Option<i64>> {
    let mut out = BTreeMap::new();
    for (name, value) in group.as_object().expect("group") {
        if let Some(bins) = value.as_object() {
            out.extend(bins.iter().map(|(bin, n)| (format!("bin:{bin}"), n.as_i64())));
            continue;
        }
        let is_bin = name.starts_with(|c: char| c.is_ascii_digit());
        let prefix = if part == "uitgesloten" {
            "uitgesloten:"
        } else if is_bin {
            "bin:"
        } else {
            ""
        };
        out.insert(format!("{prefix}{name}"), value.as_i64());
    }
    out
}

fn computed(columns: &Columns, settings: &Settings, calendar: &WorkCalendar, query: &TableQuery) -> Figures {
    figures(&compute(columns, settings, calendar, query, digest(b"test")))
}

fn figures(table: &RawTable) -> Figures {
    let mut figures = Figures::new();
    for cell in table.cells() {
        let suffix = if cell.measure.starts_with("uitgesloten:") { "#uitgesloten" } else { "" };
        let value = match cell.value {
            RawValue::Count(count) => {
                assert!(count.families <= count.n && count.largest <= count.n, "{}", cell.series);
                assert_eq!(count.n == 0, count.families == 0 || count.largest == 0, "{}", cell.series);
                Some(i64::from(count.n))
            }
            RawValue::OwnOnly(value) => value,
        };
        let group = figures.entry((format!("{}{suffix}", cell.series), cell.key.clone())).or_default();
        assert!(group.insert(cell.measure.clone(), value).is_none(), "measure twice: {}", cell.measure);
    }
    figures
}

/// Compares in both directions; the oracle leaves out groups in which every number is zero or null.
pub fn assert_equal(expected: &Figures, computed: &Figures, what: &str) -> usize {
    let mut compared = 0;
    for (group, measures) in expected {
        assert_eq!(computed.get(group), Some(measures), "{what}: {group:?}");
        compared += measures.len();
    }
    for (group, measures) in computed.iter().filter(|(group, _)| !expected.contains_key(*group)) {
        assert!(
            measures.values().all(|v| matches!(v, None | Some(0))),
            "{what}: {group:?} is not in the oracle's answer"
        );
    }
    compared
}

/// Compares every figure of the oracle's document on one organisation; returns how many.
fn check_organisation(region: &Region, org: &Organisation, doc: &Value) -> usize {
    let calendar = WorkCalendar::new();
    let day = |name: &str| Day::parse(doc[name].as_str().expect(name)).expect("a day");
    let (mut register, events) = region.deliver(&org.levert, &org.files);
    let columns = Columns::build(events);
    let settings =
        Settings { horizon: day("horizon"), data_from: day("data_from"), within: 365, organisation: org.oin };
    let mut compared = 0;
    for (period, indicators) in doc["periods"].as_object().expect("periods") {
        for by in breakdowns(doc, period) {
            for &indicator in IndicatorId::ALL.iter().filter(|&&i| i != IndicatorId::Ind24 && !i.only_linked()) {
                let what = format!("{} {period} {indicator} {by:?}", org.key);
                let expected = expected(&indicators[indicator.as_str()], &by, org);
                let period = Period::parse(period).expect("period");
                let query = TableQuery { indicator, period, by: by.clone() };
                compared += assert_equal(&expected, &computed(&columns, &settings, &calendar, &query), &what);
            }
        }
    }
    let query = TableQuery { indicator: IndicatorId::Ind24, period: Period::year_of(2024), by: Vec::new() };
    let quality = figures(&quality_table(&register.quality(), &query, digest(b"test")));
    compared + assert_equal(&expected_quality(&doc["IND-24"]), &quality, &format!("{} IND-24", org.key))
}

pub fn expected_quality(doc: &Value) -> Figures {
    let numbers = |v: &Value| -> BTreeMap<String, Option<i64>> {
        let all = v.as_object().expect("IND-24").iter();
        all.filter(|(_, n)| n.is_number()).map(|(name, n)| (name.clone(), n.as_i64())).collect()
    };
    let mut figures = Figures::from([(("UITKOMST".to_owned(), Vec::new()), numbers(doc))]);
    let rules = numbers(&doc["regel"]);
    if !rules.is_empty() {
        figures.insert(("REGEL".to_owned(), Vec::new()), rules);
    }
    figures
}

/// The breakdowns that occur in this period of the document, and the total.
pub fn breakdowns(doc: &Value, period: &str) -> Vec<Vec<Dimension>> {
    let mut found = vec![Vec::new()];
    let series = doc["periods"][period].as_object().into_iter().flatten().flat_map(|(_, i)| i.as_object()).flatten();
    for (spec, _) in series.filter_map(|(_, s)| s["by"].as_object()).flatten() {
        let by: Vec<_> = spec.split(',').map(|d| Dimension::parse(d).expect("dimension")).collect();
        if !found.contains(&by) {
            found.push(by);
        }
    }
    found
}

#[test]
fn every_organisation_counts_what_the_oracle_counts() {
    for name in ["dirty", "corrected", "clean"] {
        let region = fixture(name);
        let compare = |org: &Organisation| {
            check_organisation(&region, org, &json(&region.dir.join(format!("expected/{}.json", org.key))))
        };
        let compared: usize = region.organisations.iter().map(compare).sum();
        assert!(compared > 10_000, "{name}: {compared} numbers compared");
    }
}

/// A region of a fresh seed, with the oracle's answers of the sweep beside it.
pub struct Swept {
    /// Seed and scale, for who reads the output.
    pub name: String,
    /// The region; the answers are in `sweep` of its folder.
    pub region: Region,
}

/// The regions of a sweep, made once for all tests that look at them; none, and it says so, without `KETENPOORT_ORACLE`.
pub fn swept() -> &'static [Swept] {
    static MADE: LazyLock<Vec<Swept>> = LazyLock::new(make_swept);
    &MADE
}

fn make_swept() -> Vec<Swept> {
    let Some(oracle) = std::env::var_os("KETENPOORT_ORACLE").map(PathBuf::from) else {
        println!("overgeslagen: KETENPOORT_ORACLE (map met generate.py en oracle.py) is niet gezet");
        return Vec::new();
    };
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let scale = setting("KETENPOORT_SCALE", "0.1");
    let make = |seed: &str| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep-{seed}"));
        let _ = std::fs::remove_dir_all(&folder);
        python(&oracle.join("generate.py"), &["--seed", seed, "--scale", &scale, "--out"], &folder);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sweep.py");
        python(&script, &[oracle.to_str().expect("a path")], &folder);
        Swept { name: format!("seed {seed}, scale {scale}"), region: Region::open(&folder) }
    };
    setting("KETENPOORT_SEEDS", "21,22").split(',').map(make).collect()
}

/// A wider sweep against the reference generator and oracle, every pair of dimensions and several horizons:
/// `KETENPOORT_ORACLE=FOLDER [KETENPOORT_SEEDS=21,22] [KETENPOORT_SCALE=0.1] cargo test --test it indicator::sweep`
#[test]
fn sweep_of_generated_regions_counts_what_the_oracle_counts() {
    for Swept { name, region } in swept() {
        let mut compared = 0;
        for org in &region.organisations {
            let docs = json(&region.dir.join(format!("sweep/{}.json", org.key)));
            for doc in docs.as_array().expect("documents") {
                compared += check_organisation(region, org, doc);
            }
        }
        println!("{name}: {compared} numbers compared");
    }
}

fn python(script: &Path, arguments: &[&str], folder: &Path) {
    let status = Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(script)
        .args(arguments)
        .arg(folder)
        .stdout(std::process::Stdio::null())
        .status()
        .expect("python3");
    assert!(status.success(), "{}", script.display());
}

/// All exact cells of 2024 and its quarters, families included, of the events in these files.
fn cells(region: &Region, org: &Organisation, files: &[Vec<u8>]) -> Vec<String> {
    let calendar = WorkCalendar::new();
    let columns = Columns::build(region.deliver(&org.levert, files).1);
    let horizon = Day::parse("2025-06-30").expect("a day");
    let settings = Settings { horizon, data_from: Day(0), within: 365, organisation: org.oin };
    let mut out = Vec::new();
    for period in ["2023", "2024", "2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"] {
        for by in [vec![], vec![Dimension::Gemeente], vec![Dimension::Leeftijd, Dimension::Maatregel]] {
            for &indicator in IndicatorId::ALL {
                let query = TableQuery { indicator, period: Period::parse(period).expect("period"), by: by.clone() };
                let table = compute(&columns, &settings, &calendar, &query, digest(b"test"));
                out.extend(table.cells().iter().map(|cell| {
                    let value = match cell.value {
                        RawValue::Count(c) => format!("{} {} {}", c.n, c.families, c.largest),
                        RawValue::OwnOnly(value) => format!("{value:?}"),
                    };
                    format!("{period} {indicator} {} {} {:?} {value}", cell.series, cell.measure, cell.key)
                }));
            }
        }
    }
    out
}

/// Header and rows of a file, each with its line end; no field of the example regions spans lines.
fn lines(file: &[u8]) -> Vec<Vec<u8>> {
    file.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn a_file_split_in_two_or_delivered_again_has_the_same_figures() {
    for (name, key) in [("dirty", "gi-alfa"), ("dirty", "vtt"), ("corrected", "rvdk"), ("clean", "gem-0153")] {
        let region = fixture(name);
        let org = region.organisation(key);
        let whole = cells(&region, org, &org.files);
        assert!(whole.iter().any(|cell| cell.starts_with("2024 ") && !cell.ends_with(" 0 0 0")), "{key} counts");
        let split = org.files.iter().flat_map(|file| {
            let rows = lines(file);
            let middle = 1 + (rows.len() - 1) / 3;
            let second = [&rows[..1], &rows[middle..]].concat().concat();
            [rows[..middle].concat(), second]
        });
        assert_eq!(whole, cells(&region, org, &split.collect::<Vec<_>>()), "{name} {key} split");
        let again: Vec<Vec<u8>> = org.files.iter().flat_map(|file| [file.clone(), file.clone()]).collect();
        assert_eq!(whole, cells(&region, org, &again), "{name} {key} again");
    }
}

/// The file with every BSN replaced by the next one of the same file, so one to one; the rest as it was.
fn renamed(file: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(file.to_vec()).expect("UTF-8");
    let is_digit = |c: char| c.is_ascii_digit();
    let words: Vec<&str> = text.split_inclusive(|c: char| !is_digit(c)).collect();
    let bsn = |word: &str| -> Option<String> {
        let digits: String = word.chars().take_while(|&c| is_digit(c)).collect();
        let digits = if digits.len() == 8 { format!("0{digits}") } else { digits };
        let weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
        let sum: i32 = digits.bytes().zip(weights).map(|(d, w)| i32::from(d - b'0') * w).sum();
        (digits.len() == 9 && digits.starts_with("99") && sum % 11 == 0).then_some(digits)
    };
    let mut known: Vec<String> = words.iter().filter_map(|w| bsn(w)).collect();
    known.sort();
    known.dedup();
    let next = |number: String| {
        let place = known.binary_search(&number).expect("a known number");
        known[(place + 1) % known.len()].clone()
    };
    let replace = |word: &&str| match bsn(word) {
        Some(number) => next(number) + word.trim_start_matches(is_digit),
        None => (*word).to_owned(),
    };
    words.iter().map(replace).collect::<String>().into_bytes()
}

#[test]
fn other_bsns_one_to_one_have_the_same_figures() {
    for (name, key) in [("clean", "gi-alfa"), ("clean", "vtt"), ("dirty", "gi-beta"), ("dirty", "rvdk")] {
        let region = fixture(name);
        let org = region.organisation(key);
        let files: Vec<Vec<u8>> = org.files.iter().map(|file| renamed(file)).collect();
        assert_ne!(files, org.files);
        assert_eq!(cells(&region, org, &org.files), cells(&region, org, &files), "{name} {key}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Without corrections in the file the order of its rows tells nothing.
    #[test]
    fn rows_in_another_order_have_the_same_figures(seed in any::<u64>(), which in 0..3_usize) {
        let region = fixture("clean");
        let org = region.organisation(["gi-alfa", "vtt", "jha-linde"][which]);
        let mut rows = lines(&org.files[0]);
        let header = rows.remove(0);
        rows.sort_by_cached_key(|row| digest(&[row.as_slice(), &seed.to_le_bytes()].concat()));
        rows.insert(0, header);
        prop_assert_eq!(cells(&region, org, &org.files), cells(&region, org, &[rows.concat()]));
    }
}
