//! The export of the transfer log against a receiver that does everything wrong that a receiver can do.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::service::ldv::{ExportError, LdvExport, LineReceiver, Step, Undelivered};
use crate::translog::entry::{Direction, Entry, Outcome, Phase, TransferId};
use crate::translog::standards::ldv::Line;

/// What the receiver does with the next delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Good,
    Down,
    /// Takes everything and breaks off before it says so.
    Mute,
    /// Takes everything but the lines it never takes, and says how many.
    Picky,
    /// The same, and does not say how many.
    PickyUncounted,
    RefusesAll,
    /// Takes no more than seven lines at a time.
    Narrow,
}

/// A receiver with a memory.
struct Receiver {
    moods: Mutex<Vec<Mood>>,
    taken: Mutex<BTreeSet<[u8; 8]>>,
    never: BTreeSet<[u8; 8]>,
}

impl LineReceiver for Receiver {
    fn deliver(&self, lines: &[Line]) -> Result<(), Undelivered> {
        let mood = self.moods.lock().unwrap().pop().unwrap_or(Mood::Picky);
        let refused = |lines| Err(Undelivered::Refused { lines, reason: "nee".to_owned() });
        let down = || Err(Undelivered::Unavailable { reason: "weg".to_owned(), again: None });
        let picked: Vec<&Line> = lines.iter().filter(|line| !self.never.contains(&line.span_id)).collect();
        let take = |lines: &[&Line]| self.taken.lock().unwrap().extend(lines.iter().map(|line| line.span_id));
        let bad = (lines.len() - picked.len()) as u64;
        match mood {
            Mood::Down => down(),
            Mood::Narrow if lines.len() > 7 => Err(Undelivered::TooLarge("te groot".to_owned())),
            Mood::RefusesAll => refused(Some(lines.len() as u64)),
            Mood::Mute => {
                take(&picked);
                down()
            }
            Mood::Good | Mood::Picky | Mood::PickyUncounted | Mood::Narrow => {
                take(&picked);
                match (bad, mood) {
                    (0, _) => Ok(()),
                    (_, Mood::PickyUncounted) => refused(None),
                    (bad, _) => refused(Some(bad)),
                }
            }
        }
    }
}

/// An open node and the spans that its log must give.
fn node_with(entries: &[Entry]) -> (tempfile::TempDir, Core) {
    let dir = tempfile::tempdir().expect("a folder");
    Core::create(dir.path(), oin(INSTITUTION), &keys(INSTITUTION)).expect("journals");
    let core = open(dir.path(), &Arc::new(SetClock(AtomicI32::new(20_000)))).expect("a node");
    for entry in entries {
        core.transfer_log().append(entry).map(drop).expect("appended");
    }
    (dir, core)
}

/// Transfer `n`: announced, or its end.
fn step_of(n: u16, phase: Phase) -> Entry {
    let [high, low] = n.to_be_bytes();
    let id = TransferId::new(1_000 + u64::from(n), [high, low, 1, 1, 1, 1, 1, 1, 1, 1]);
    let mut entry = Entry::new(id, Direction::Outgoing, phase, 1_000 + u64::from(n));
    entry.trace_id = Some([7; 16]);
    entry.span_id = Some([high, low, 1, 1, 1, 1, 1, 1]);
    entry.outcome = (phase == Phase::Outcome).then_some(Outcome::Sent);
    entry
}

fn span_of(n: u16) -> [u8; 8] {
    step_of(n, Phase::Intent).span_id.expect("a span")
}

/// A log of `many` transfers, each announced some entries before it ends.
fn log_of(many: u16) -> Vec<Entry> {
    let mut entries = Vec::new();
    for n in 0..many + 3 {
        if n < many {
            entries.push(step_of(n, Phase::Intent));
        }
        if n >= 3 {
            entries.push(step_of(n - 3, Phase::Outcome));
        }
    }
    entries
}

/// Every line of an entry below the mark is taken or aside.
fn nothing_passed_over(core: &Core, data: &Path, receiver: &Receiver, many: u16) {
    let status = core.export_status(data).expect("a mark");
    let done = core.transfer_log().len() - status.behind;
    let aside: BTreeSet<u64> = status.aside.iter().map(|(entry, _)| *entry).collect();
    let taken = receiver.taken.lock().unwrap();
    for (number, entry) in (0..).zip(log_of(many)).filter(|(_, entry)| entry.phase == Phase::Outcome) {
        if number < done {
            let span = entry.span_id.expect("a span");
            assert!(taken.contains(&span) || aside.contains(&number), "entry {number} is below the mark and nowhere");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever the receiver does and whenever the process stops: nothing is passed over, and with a good receiver at last
    /// everything is there once, but for the lines that it never takes, which are named.
    #[test]
    fn nothing_is_lost_whatever_the_receiver_does(
        many in 1_u16..60,
        never in prop::collection::btree_set(0_u16..60, 0..4),
        moods in prop::collection::vec(
            prop::sample::select(vec![Mood::Good, Mood::Down, Mood::Mute, Mood::Picky, Mood::PickyUncounted, Mood::RefusesAll]),
            0..40,
        ),
        stops in prop::collection::vec(any::<bool>(), 0..60),
    ) {
        let (dir, core) = node_with(&log_of(many));
        let never: BTreeSet<u16> = never.into_iter().filter(|n| *n < many).collect();
        let receiver = Receiver {
            moods: Mutex::new(moods),
            taken: Mutex::default(),
            never: never.iter().map(|n| span_of(*n)).collect(),
        };
        let mut export = LdvExport::open(&core, dir.path()).expect("opens");
        let mut stops = stops.into_iter();
        for now in 0..400 {
            let done = export.step(&core, &receiver, now);
            nothing_passed_over(&core, dir.path(), &receiver, many);
            if matches!(done, Ok(Step::Idle)) {
                break;
            }
            if stops.next().unwrap_or(false) {
                export = LdvExport::open(&core, dir.path()).expect("opens");
            }
        }
        // What was refused in a mood is offered again later.
        receiver.moods.lock().unwrap().clear();
        let mut export = LdvExport::open(&core, dir.path()).expect("opens");
        let _ = export.step(&core, &receiver, 4_000_000);
        let status = core.export_status(dir.path()).expect("a mark");
        let taken = receiver.taken.lock().unwrap().clone();
        let wanted: BTreeSet<[u8; 8]> = (0..many).filter(|n| !never.contains(n)).map(span_of).collect();
        prop_assert_eq!(taken, wanted);
        if never.len() < usize::from(many) {
            prop_assert_eq!((status.behind, status.aside.len()), (0, never.len()));
        } else {
            prop_assert!(status.behind > 0, "a receiver that takes nothing is out of order");
        }
    }
}

fn receiver(never: &[u16], moods: Vec<Mood>) -> Receiver {
    let never = never.iter().map(|n| span_of(*n)).collect();
    Receiver { moods: Mutex::new(moods), taken: Mutex::default(), never }
}

#[test]
fn a_refused_line_is_named_and_offered_again_until_it_is_taken() {
    let (dir, core) = node_with(&log_of(20));
    let mut picky = receiver(&[7], Vec::new());
    let mut export = LdvExport::open(&core, dir.path()).expect("opens");
    assert_eq!(export.step(&core, &picky, 1).expect("delivered"), Step::More);
    let status = core.export_status(dir.path()).expect("a mark");
    assert_eq!((status.behind, status.aside.len()), (0, 1));
    let entry = core.transfer_log().entry(status.aside[0].0).expect("read").expect("an entry");
    assert_eq!(entry.span_id, Some(span_of(7)));
    // An hour later, in another process, the receiver has changed its mind.
    picky.never.clear();
    let mut export = LdvExport::open(&core, dir.path()).expect("opens");
    assert_eq!(export.step(&core, &picky, 4_000_000).expect("delivered"), Step::Idle);
    assert!(core.export_status(dir.path()).expect("a mark").aside.is_empty());
    assert_eq!(picky.taken.lock().unwrap().len(), 20);
}

#[test]
fn a_receiver_of_small_deliveries_gets_everything_in_parts() {
    let (dir, core) = node_with(&log_of(60));
    let receiver = receiver(&[], vec![Mood::Narrow; 60]);
    let mut export = LdvExport::open(&core, dir.path()).expect("opens");
    assert_eq!(export.step(&core, &receiver, 1).expect("delivered"), Step::More);
    let status = core.export_status(dir.path()).expect("a mark");
    assert_eq!((status.behind, status.aside.len(), receiver.taken.lock().unwrap().len()), (0, 0, 60));
}

/// What is told of the export stands there when lines were offered again, also when there is nothing else to deliver.
#[test]
fn a_receiver_that_is_away_when_lines_are_offered_again_is_a_failure_and_its_return_is_told() {
    let (dir, core) = node_with(&log_of(20));
    let receiver = receiver(&[7], Vec::new());
    let mut export = LdvExport::open(&core, dir.path()).expect("opens");
    assert_eq!(export.step(&core, &receiver, 1).expect("delivered"), Step::More);
    let status = || core.export_status(dir.path()).expect("a mark");
    for (hour, mood, failed) in [(1, Mood::Down, true), (2, Mood::Good, false)] {
        receiver.moods.lock().unwrap().push(mood);
        let now = hour * 3_600_001;
        assert_eq!(export.step(&core, &receiver, now).is_err(), failed);
        assert_eq!((status().failure.is_some(), status().aside.len()), (failed, 1), "hour {hour}");
        assert_eq!(export.step(&core, &receiver, now).expect("nothing more"), Step::Idle);
    }
}

#[test]
fn the_mark_waits_for_the_confirmation() {
    let (dir, core) = node_with(&log_of(5));
    let receiver = receiver(&[], vec![Mood::Down, Mood::Mute, Mood::Down]);
    let mut export = LdvExport::open(&core, dir.path()).expect("opens");
    for _ in 0..3 {
        let failed = export.step(&core, &receiver, 1).expect_err("not confirmed");
        assert!(matches!(failed, ExportError::Receiver(Undelivered::Unavailable { .. })));
        let status = core.export_status(dir.path()).expect("a mark");
        assert_eq!((status.behind, status.oldest_ms), (core.transfer_log().len(), Some(1_000)));
        assert!(status.failure.is_some());
    }
    assert_eq!(export.step(&core, &receiver, 1).expect("delivered"), Step::More);
    let status = core.export_status(dir.path()).expect("a mark");
    assert_eq!((status.behind, status.failure), (0, None));
}
