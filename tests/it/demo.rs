//! The main job from outside: the demo as a process, then what it left behind, read as a stranger would.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use ketenpoort::domain::table::{Mark, Scope, Table};
use ketenpoort::monitor::report::Report;

use crate::leak;
pub use crate::made::run as done;

/// Runs the program under test.
pub fn ketenpoort(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ketenpoort")).args(words).output().expect("the program starts")
}

/// A path as an argument.
pub fn path(p: &Path) -> &str {
    p.to_str().expect("path in UTF-8")
}

/// What one run of the demo left behind; the tests of this program share it.
pub struct Demo {
    /// Everything that the demo made: nodes, report, certificates.
    pub region: PathBuf,
    /// The files that it read.
    pub input: PathBuf,
    /// Its standard output and standard error.
    pub shown: Vec<u8>,
    /// The endpoints that a later test listens at, kept from others until then.
    pub endpoints: Vec<TcpListener>,
}

static DEMO: LazyLock<Mutex<Demo>> = LazyLock::new(|| Mutex::new(Demo::run()));

/// The demo, run once; one test at a time uses its nodes.
pub fn demo() -> MutexGuard<'static, Demo> {
    DEMO.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Demo {
    fn run() -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
        let _ = std::fs::remove_dir_all(&home);
        let (region, input) = (home.join("region"), home.join("input"));
        done(&["generate", "--out", path(&input), "--children", "400", "--seed", "7"]);
        narrow_window(&input);
        leak::mark_a_child(&input);
        let words = ["demo", "--dir", path(&region), "--input", path(&input), "--once"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
        let out = command.args(words).env("KETENPOORT_PLANT", leak::PLANTED).output().expect("the program starts");
        let shown = [out.stdout, out.stderr].concat();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&shown));
        let endpoints = leak::endpoints(&region);
        Self { region, input, shown, endpoints }
    }

    /// The printed report.
    pub fn report(&self) -> String {
        std::fs::read_to_string(self.region.join("monitor/report.json")).expect("report.json")
    }

    /// The directory of a node.
    pub fn node(&self, key: &str) -> PathBuf {
        self.region.join("nodes").join(key)
    }
}

#[test]
fn the_demo_ends_in_a_protected_report_and_logs_that_verify() {
    let demo = demo();
    check_report(&Report::from_json(&demo.report()).expect("a report"));
    check_logs(&demo.region);
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
    assert!(indicators.len() >= 15, "every granted indicator is there: {indicators:?}");
    let of_gate = |table: &Table| matches!(table.scope, Scope::Som | Scope::Regio);
    let mut printed = 0;
    for table in &report.tables {
        // What the gate counted has its certificate; node releases that were added up have each their own.
        assert!(table.protected && table.certificate.is_some() == of_gate(table));
        assert!(table.coverage.missing.is_empty(), "{}: {:?}", table.indicator, table.coverage);
        for row in &table.rows {
            assert_ne!(row.measure, "n_kinderen", "children summed over nodes are n_som_organisaties");
            let share = row.measure.starts_with("pct") || ["mediaan", "p80"].contains(&row.measure.as_str());
            match row.value {
                Some(value) if !share => {
                    printed += 1;
                    assert!(value >= 10 && value % 5 == 0, "{} {row:?}", table.indicator);
                    let bounded = row.low.is_some_and(|low| low <= value);
                    assert!(bounded || of_gate(table), "{row:?}");
                }
                Some(_) => {}
                None => assert!(row.mark.is_some() || share || row.low.is_some(), "{row:?}"),
            }
        }
    }
    let numbers = |scope: Scope| -> usize {
        let tables = report.tables.iter().filter(|table| table.scope == scope);
        tables.map(|table| table.rows.iter().filter(|row| row.value.is_some()).count()).sum()
    };
    assert!(numbers(Scope::Som) > 2, "regional sums of the local teams are in the report");
    let linked = report.tables.iter().filter(|table| table.scope == Scope::Regio);
    let linked: BTreeSet<&str> = linked.map(|table| table.indicator.as_str()).collect();
    assert_eq!(
        linked.into_iter().collect::<Vec<_>>(),
        ["IND-05", "IND-09", "IND-10", "IND-11", "IND-12", "IND-13", "IND-14"]
    );
    assert!(numbers(Scope::Regio) > 2, "linked figures are in the report");
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
