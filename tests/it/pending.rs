//! Releasing on command, and what an answer says of the tables that it cannot hold yet.

use ketenpoort::domain::period::Period;
use ketenpoort::domain::table::Table;
use ketenpoort::monitor::report::Report;

use crate::demo::ketenpoort;
use crate::three::{Three, event_file};

#[test]
fn a_node_releases_on_command_and_an_answer_names_what_is_still_to_come() {
    let mut three = Three::new();
    three.certify();
    let other_version = |draft: String| {
        let (before, after) = draft.split_once("indicator = \"IND-10\"").expect("IND-10 is granted");
        let after = after.replacen("version = \"1.0\"", "version = \"9.9\"", 1);
        format!("{before}indicator = \"IND-10\"{after}")
    };
    three.propose("proef", "2020-01-01", other_version);
    for key in ["b", "m", "a", "b"] {
        three.accept("proef", key);
    }
    three.node(&["intake", &event_file("gi-"), "--gegevens", "2024-01-01..2025-12-31"], "a");
    let b = three.path("b");
    let refused = ketenpoort(&["release", "--node", &b]);
    assert_eq!(refused.status.code(), Some(1), "a node without data has nothing to release");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("venster"));

    let first = three.node(&["release"], "a");
    assert!(first.contains("2024 IND-01") && first.contains("tabellen vastgesteld"), "{first}");
    three.serve(&["a", "m"]);
    assert!(three.node(&["release"], "a").contains("niets nieuws"), "a running node has nothing to add");

    let out = three.path("rapport");
    let words = ["monitor", "pull", "--period", "2024", "--period", "2025", "--out", &out];
    let shown = three.node(&words, "m");
    assert!(shown.contains("Dekking: 1 van 2"), "{shown}");
    for told in ["IND-13 over 2025 (GI Een)", "IND-10 over 2024, 2025 (GI Een)", "KP-DEFINITIE-VERSIE"] {
        assert!(shown.contains(told), "{told} is missing: {shown}");
    }
    let report = std::fs::read_to_string(format!("{out}/report.json")).expect("report.json");
    let report = Report::from_json(&report).expect("a report");
    let delivered = |id: &str, year: i16| {
        let of = |t: &&Table| t.indicator == id && t.period == Some(Period::year_of(year)) && t.by.is_empty();
        report.tables.iter().find(of).expect("a table").coverage.delivered
    };
    assert_eq!((delivered("IND-02", 2024), delivered("IND-13", 2024), delivered("IND-02", 2025)), (1, 1, 1));
    assert_eq!((delivered("IND-10", 2024), delivered("IND-13", 2025)), (0, 0));

    // The answer in the log, by legal ground, by field and page by page, as CSV.
    let to_monitor = ["log", "list", "--csv", "--partner", "00000099000000000003"];
    let list = |words: &[&str]| three.node(&[&to_monitor, words].concat(), "a");
    let whole = list(&[]);
    let lines: Vec<&str> = whole.lines().collect();
    assert!(lines[0].starts_with("number,start,end,phase,decision") && lines.len() == 3, "{whole}");
    let intent = list(&["--field", "IND-02", "--ground", "jeugdwet"]);
    assert!(intent.lines().count() == 2 && intent.contains("INTENT") && intent.contains("IND-01 IND-02"), "{intent}");
    assert_eq!(list(&["--field", "IND-10"]).lines().count(), 1, "{whole}");
    let last = lines[1].split(',').next().expect("a number");
    assert_eq!(list(&["--before", last]), [lines[0], lines[2], ""].join("\r\n"));
}

#[test]
fn a_command_waits_for_a_node_that_is_starting() {
    let mut three = Three::new();
    three.certify();
    three.deliver();
    for _ in 0..3 {
        three.spawn("a", three.serving("a"));
        three.node(&["log", "list"], "a");
        three.await_ready("a");
        three.stop("a");
    }
}

#[test]
fn a_withdrawal_stops_a_release_that_is_under_way() {
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    three.serve(&["a"]);
    let node = three.path("a");
    let releasing = std::process::Command::new(env!("CARGO_BIN_EXE_ketenpoort"))
        .args(["release", "--node", &node])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    three.node(&["convenant", "withdraw", &three.path("proef.json")], "a");
    let stopped = releasing.wait_with_output().expect("ended");
    let told = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert_eq!(stopped.status.code(), Some(1), "{told}");
    assert!(told.contains("ingetrokken"), "{told}");
}
