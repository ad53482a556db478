//! The organisation's own figures from the command line against the oracle, integer for integer.

use std::path::Path;

use ketenpoort::domain::query::{Dimension, IndicatorId};
use serde_json::Value;

use crate::demo::done;
use crate::indicator::{Figures, assert_equal, breakdowns, expected, expected_quality};
use crate::region::{Organisation, Region, fixture, json};

/// A table as `indicator --json` prints it.
fn printed(table: &Value) -> Figures {
    let mut figures = Figures::new();
    for row in table["rows"].as_array().expect("rows") {
        let measure = row["measure"].as_str().expect("measure").to_owned();
        let suffix = if measure.starts_with("uitgesloten:") { "#uitgesloten" } else { "" };
        let by: Vec<&str> = table["by"].as_array().expect("by").iter().filter_map(Value::as_str).collect();
        let key = by.iter().map(|d| row["key"][*d].as_str().expect("a key").to_owned()).collect();
        let group = figures.entry((format!("{}{suffix}", row["series"].as_str().expect("series")), key)).or_default();
        assert!(group.insert(measure, row["value"].as_i64()).is_none(), "a measure twice: {row}");
    }
    figures
}

/// A node of its own for one organisation of a region, with all its files taken in.
fn node_of(region: &Region, org: &Organisation, home: &Path) -> String {
    let doc = json(&region.dir.join("organisations.json"));
    let about = doc["organisations"].as_array().expect("organisations");
    let about = about.iter().find(|o| o["key"] == org.key.as_str()).expect("the organisation");
    let gemeenten = home.join("gemeenten.json");
    std::fs::write(&gemeenten, doc["gemeenten"].to_string()).expect("written");
    let (node, oin) = (home.join("node").to_str().expect("UTF-8").to_owned(), org.oin.to_string());
    let levert: Vec<&str> = about["levert"].as_array().expect("levert").iter().filter_map(Value::as_str).collect();
    let (levert, name) = (levert.join(","), about["name"].as_str().expect("name"));
    let mut words =
        vec!["init", "--console", "geen", "--node", &node, "--oin", &oin, "--name", name, "--levert", &levert];
    words.extend(["--type", about["org_type"].as_str().expect("type"), "--endpoint", "127.0.0.1:9"]);
    words.extend(["--gemeenten", gemeenten.to_str().expect("UTF-8")]);
    done(&words);
    let window =
        format!("{}..{}", doc["gegevens_van"].as_str().expect("van"), doc["gegevens_tot"].as_str().expect("tot"));
    let files: Vec<String> = org.names.iter().map(|n| region.dir.join(n).to_str().expect("UTF-8").to_owned()).collect();
    let mut words = vec!["intake", "--node", &node, "--gegevens", &window];
    words.extend(files.iter().map(String::as_str));
    // Exit code 1 says that a file was refused; the region has refused files.
    let taken = crate::demo::ketenpoort(&words);
    assert!(taken.status.code().is_some_and(|code| code <= 1), "{}", String::from_utf8_lossy(&taken.stderr));
    node
}

#[test]
fn the_command_prints_what_the_oracle_counts() {
    for (name, key) in [("corrected", "gi-alfa"), ("dirty", "vtt")] {
        let (region, home) = (fixture(name), tempfile::tempdir().expect("a folder"));
        let org = region.organisation(key);
        let node = node_of(&region, org, home.path());
        let doc = json(&region.dir.join(format!("expected/{key}.json")));
        let say = |words: &[&str]| -> Value {
            let shown = done(&[&["indicator", "--node", &node, "--json"], words].concat());
            serde_json::from_str(&shown).expect("JSON")
        };
        let mut compared = 0;
        for &indicator in IndicatorId::ALL.iter().filter(|i| **i != IndicatorId::Ind24 && !i.only_linked()) {
            for (period, by) in [("2024", None), ("2023-Q2", None), ("2024", Some(1)), ("2024", Some(2))] {
                let spec: Vec<Dimension> = match by {
                    None => Vec::new(),
                    Some(count) => {
                        breakdowns(&doc, period).into_iter().find(|b| b.len() == count).expect("a breakdown")
                    }
                };
                let names = spec.iter().map(|d| d.as_str()).collect::<Vec<_>>().join(",");
                let mut words = vec!["--id", indicator.as_str(), "--period", period];
                if by.is_some() {
                    words.extend(["--by", &names]);
                }
                let table = say(&words);
                assert_eq!((&table["scope"], &table["protected"]), (&"organisatie".into(), &false.into()));
                let expected = expected(&doc["periods"][period][indicator.as_str()], &spec, org);
                compared += assert_equal(&expected, &printed(&table), &format!("{key} {period} {indicator} {names}"));
            }
        }
        let quality = say(&["--id", "IND-24"]);
        assert_eq!(quality["period"], Value::Null);
        compared += assert_equal(&expected_quality(&doc["IND-24"]), &printed(&quality), key);
        assert!(compared > 500, "{key}: {compared} numbers compared");
        let logged = done(&["log", "list", "--node", &node, "--json"]);
        assert!(logged.contains("IND-13"), "every look is logged");
    }
}
