//! What freezes when, and that an event is frozen once.

use super::*;
use crate::domain::period::Period;
use crate::domain::query::TableQuery;
use crate::service::memory::FreezeRecord;
use crate::storage::state::StateKind;

/// Ends of that many children, each with an event and a child of its own, numbered from `first`.
fn ends(count: u32, first: u32, datum: &str) -> Vec<String> {
    (first..first + count).map(|number| end_of_measure(number, number, datum)).collect()
}

fn released(node: &TestNode, period: Period) -> Option<i64> {
    node.core.release_all(&|_, _| ()).expect("releases");
    let query = TableQuery { indicator: IndicatorId::Ind02, period, by: Vec::new() };
    let table = node.core.memory().ledger.find(&query)?.table().expect("a table");
    let row = table.rows.iter().find(|row| row.series == "OTS" && row.measure == "n_kinderen");
    row.expect("a row").value
}

#[test]
fn a_date_known_to_the_year_freezes_with_its_last_quarter() {
    let node = TestNode::new("2026-04-02");
    node.deliver(&ends(20, 0, "20260210"), window("2026-01-01", "2026-03-31"));
    node.set("2026-05-01");
    assert_eq!(released(&node, Period::quarter(2026, 1)), Some(20));
    node.set("2027-01-05");
    node.deliver(&ends(25, 100, "20260000"), window("2026-01-01", "2026-12-31"));
    node.set("2027-03-01");
    assert_eq!(released(&node, Period::year_of(2026)), Some(45));
    assert_eq!(released(&node, Period::quarter(2026, 1)), Some(20));
    assert_eq!(node.core.memory().frozen.rows.len(), 45);
}

#[test]
fn a_year_that_runs_past_the_history_is_no_history() {
    let node = TestNode::new("2026-08-01");
    let rows = [end_of_measure(1, 1, "20260000"), end_of_measure(2, 2, "20260200"), end_of_measure(3, 3, "20250000")];
    node.deliver(&rows, window("2026-04-01", "2026-12-31"));
    node.core.freeze_settled().expect("freezes");
    assert_eq!(node.core.memory().frozen.history, Some(day("2026-04-01")));
    assert_eq!(node.core.memory().frozen.rows.len(), 2);
    node.set("2027-02-01");
    node.core.freeze_settled().expect("freezes");
    assert_eq!(node.core.memory().frozen.rows.len(), 3);
}

#[test]
fn an_event_that_is_moved_or_delivered_anew_is_frozen_once_and_counted_for_the_operator() {
    let node = TestNode::new("2026-04-02");
    let report = node.deliver(&ends(12, 0, "20260210"), window("2026-01-01", "2026-06-30"));
    assert_eq!(report.frozen, 0);
    node.set("2026-05-01");
    node.core.freeze_settled().expect("freezes");
    // Three move to the next quarter, one is taken away and comes again in it, one is new and touches nothing frozen.
    let mut rows: Vec<String> = ends(4, 0, "20260510");
    rows.insert(3, "e3;3;;;;;2026-12-31T12:00:00+01:00;;;\n".to_owned());
    rows.push(end_of_measure(50, 50, "20260511"));
    let trial = node.deliver(&rows, IntakeOptions { dry_run: true, ..IntakeOptions::default() });
    assert!(trial.to_string().contains("4 wijzigingen in bevroren kwartalen zouden niet"), "{trial}");
    let report = node.deliver(&rows, IntakeOptions::default());
    assert_eq!(report.frozen, 4, "{report}");
    assert!(report.to_string().contains("4 wijzigingen in bevroren kwartalen komen niet"), "{report}");
    assert_eq!(node.deliver(&rows[..1], IntakeOptions::default()).frozen, 0, "the same again changes nothing");
    node.set("2026-08-01");
    node.core.freeze_settled().expect("freezes");
    let frozen = Arc::clone(&node.core.memory().frozen);
    assert_eq!((frozen.quarters.len(), frozen.rows.len(), frozen.events.len()), (2, 13, 13));
    assert_eq!(frozen.columns.len(), 13);
}

#[test]
fn a_second_freeze_of_a_quarter_changes_nothing() {
    let node = TestNode::new("2026-04-02");
    node.deliver(&ends(3, 0, "20260210"), window("2026-01-01", "2026-03-31"));
    node.set("2026-05-01");
    node.core.freeze_settled().expect("freezes");
    node.deliver(&ends(3, 100, "20260211"), IntakeOptions::default());
    let quarters = [Period::quarter(2026, 1)].into();
    let record = FreezeRecord { quarters, history: Some(day("2026-01-01")) };
    node.core.state.append(StateKind::Freeze, serde_json::to_vec(&record).expect("JSON")).expect("appended");
    let (_copy, again) = node.reopened();
    assert_eq!(again.memory().columns.len(), 6);
    assert_eq!(again.memory().frozen.rows, node.core.memory().frozen.rows);
    assert_eq!(again.memory().frozen.rows.len(), 3);
}
