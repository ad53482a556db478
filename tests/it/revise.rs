//! A formal revision from the outside: two names, a running node, and a monitor whose report says that its figures are revised.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use ketenpoort::monitor::report::Report;

use crate::three::Three;

/// The report on the stock of a year, and its page.
fn pulled(three: &Three) -> (Report, String) {
    let out = three.path("rapport");
    three.node(
        &["monitor", "pull", "--period", "2022", "--indicator", "IND-03", "--by", "leeftijd", "--out", &out],
        "m",
    );
    let read = |name: &str| std::fs::read_to_string(Path::new(&out).join(name)).expect("a report");
    (Report::from_json(&read("report.json")).expect("a report"), read("report.html"))
}

/// Orders a revision of the year 2022 with these two names; exit code and what was said.
fn revised(three: &Three, names: &str) -> (Option<i32>, String) {
    let node = three.path("a");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    command.args(["release", "--node", &node, "--revise", "2022", "--indicator", "IND-03"]);
    command.args(["--reason", "nalevering", "--approved-by-fd", "0"]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("started");
    child.stdin.take().expect("piped").write_all(names.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn a_revised_year_reaches_the_report_with_its_edition() {
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    three.serve(&["a", "m"]);
    let (before, page) = pulled(&three);
    assert!(!before.tables.is_empty() && before.tables.iter().all(|table| table.revision.is_none()));
    assert!(!page.contains("herzien op"));
    let (code, said) = revised(&three, "A. Jansen\na. jansen\n");
    assert_eq!(code, Some(2), "one person is not two: {said}");
    assert_eq!(pulled(&three).0.tables, before.tables);
    let (code, said) = revised(&three, "A. Jansen\nB. de Vries\n");
    assert_eq!(code, Some(0), "{said}");
    let (after, page) = pulled(&three);
    assert!(after.tables.iter().all(|table| table.revision.is_some_and(|revision| revision.edition == 2)));
    assert!(page.contains("(uitgave 2)"), "the page says that its figures are revised");
    let checked = three.node(&["disclosure", "check"], "a");
    assert!(checked.contains("in orde") && !checked.contains("FOUT"), "old and new tables are proven: {checked}");
    let audit = three.node(&["log", "audit", "--json"], "a");
    assert!(audit.contains("release revise") && audit.contains("B. de Vries"), "both names are in the audit log");
}
