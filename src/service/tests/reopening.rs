//! A node that is opened again is the node that it was: what it works on in memory is what its journal says.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// A file, or only a look at it.
    Deliver { rows: Vec<String>, replaces: Option<(Day, Day)>, window: Option<(Day, Day)>, dry_run: bool },
    /// A file that is refused after some rows, or at its header.
    Refuse { rows: Vec<String>, header: bool },
    /// So many days pass.
    Wait(i32),
    /// What has settled freezes.
    Freeze,
    /// What is due is released.
    Release,
}

/// A day of October 2025 to December 2026.
fn any_day() -> impl Strategy<Value = Day> {
    (0..457).prop_map(|n| Day(day("2025-10-01").0 + n))
}

fn any_span() -> impl Strategy<Value = (Day, Day)> {
    (any_day(), any_day()).prop_map(|(a, b)| (a.min(b), a.max(b)))
}

/// Few events and children, so that versions, deletions and doubles meet often.
fn any_row() -> impl Strategy<Value = String> {
    let datum = (any_day(), 0..10).prop_map(|(on, precision)| {
        let (year, month, day) = on.ymd();
        match precision {
            0 => format!("{year:04}0000"),
            1 => format!("{year:04}{month:02}00"),
            2 => "00000000".to_owned(),
            _ => format!("{year:04}{month:02}{day:02}"),
        }
    });
    (0..40_u32, 0..12_u32, datum, 0..12).prop_map(|(event, child, datum, kind)| match kind {
        0 | 1 => format!("e{event};3;;;;;2026-12-31T12:00:00+01:00;;;\n"),
        2 => end_of_measure(event, child, "geen"),
        _ => end_of_measure(event, child, &datum),
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let rows = || proptest::collection::vec(any_row(), 1..25);
    let replaces = proptest::option::weighted(0.4, any_span());
    let whole = Just((day("2025-10-01"), day("2026-12-31")));
    let window = proptest::option::weighted(0.7, prop_oneof![any_span(), whole]);
    let deliver = (rows(), replaces, window, proptest::bool::weighted(0.2));
    prop_oneof![
        6 => deliver.prop_map(|(rows, replaces, window, dry_run)| Step::Deliver { rows, replaces, window, dry_run }),
        1 => (rows(), any::<bool>()).prop_map(|(rows, header)| Step::Refuse { rows, header }),
        4 => (1..120).prop_map(Step::Wait),
        2 => Just(Step::Freeze),
        1 => Just(Step::Release),
    ]
}

fn take(node: &TestNode, step: &Step) {
    match step {
        Step::Deliver { rows, replaces, window, dry_run } => {
            let options = IntakeOptions { dry_run: *dry_run, replaces: *replaces, window: *window };
            assert_eq!(node.deliver(rows, options).refusal, None);
        }
        Step::Refuse { rows, header } => {
            let mut file = if *header { "geen;kop\n".to_owned() } else { HEADER.to_owned() } + &rows.concat();
            file.push_str("te;weinig\n");
            assert!(node.deliver_bytes(file.as_bytes(), IntakeOptions::default()).refusal.is_some());
        }
        Step::Wait(days) => drop(node.clock.0.fetch_add(*days, Ordering::SeqCst)),
        Step::Freeze => node.core.freeze_settled().expect("freezes"),
        // Without settled data there is nothing to release from.
        Step::Release => drop(node.core.release_all(&|_, _| ())),
    }
}

/// The node against one that opens a copy of its directory. Whether its live and frozen events differ.
fn compare(node: &TestNode, steps: &[Step]) -> bool {
    let (_copy, again) = node.reopened();
    let (mut ours, mut theirs) = (node.core.writing(), again.writing());
    assert!(ours.stored().eq(theirs.stored()), "register after {steps:#?}");
    let closing = [ours.closing_in_quarantine(), theirs.closing_in_quarantine()];
    assert_eq!(closing[0], closing[1], "{steps:#?}");
    assert_eq!((ours.deliveries(), ours.last_delivery()), (theirs.deliveries(), theirs.last_delivery()), "{steps:#?}");
    let (ours, theirs) = (node.core.memory(), again.memory());
    assert_eq!((&ours.quality, ours.window), (&theirs.quality, theirs.window), "{steps:#?}");
    assert!(ours.columns == theirs.columns, "columns after {steps:#?}");
    let (kept, read) = (&ours.frozen, &theirs.frozen);
    assert_eq!((&kept.quarters, kept.history), (&read.quarters, read.history), "{steps:#?}");
    assert_eq!((&kept.rows, &kept.events), (&read.rows, &read.events), "{steps:#?}");
    assert!(kept.columns == read.columns, "frozen columns after {steps:#?}");
    assert!(ours.ledger.tables().eq(theirs.ledger.tables()), "ledger after {steps:#?}");
    assert!(ours.convenants.keys().eq(theirs.convenants.keys()), "{steps:#?}");
    let events: std::collections::BTreeSet<u128> = kept.events.iter().copied().collect();
    assert_eq!((events.len(), kept.columns.len()), (kept.rows.len(), kept.rows.len()), "an event is frozen once");
    !kept.columns.is_empty() && kept.columns != ours.columns
}

#[test]
fn a_node_that_is_opened_again_is_what_it_was() {
    let mut runner = TestRunner::deterministic();
    let (mut apart, mut freezes, mut tables) = (0, 0, 0);
    for _ in 0..12 {
        let steps = proptest::collection::vec(any_step(), 6..16).new_tree(&mut runner).expect("steps").current();
        let node = TestNode::new("2026-01-10");
        for (done, step) in (1..).zip(&steps) {
            take(&node, step);
            if done % 4 == 0 || done == steps.len() {
                apart += u32::from(compare(&node, &steps[..done]));
            }
        }
        freezes += node.core.memory().frozen.quarters.len();
        tables += node.core.memory().ledger.tables().count();
    }
    assert!(apart > 8 && freezes > 12 && tables > 4, "{apart} {freezes} {tables}: these steps show nothing");
}
