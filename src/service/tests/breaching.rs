//! The pack for a breach reads only the part of the log that its window is in, and says what the whole log says.

use super::*;
use crate::crypto::{Digest, random};
use crate::service::breach::{BreachCounter, BreachScope};
use crate::translog::entry::{Direction, Entry, Outcome, Phase, TransferId};

/// More than four blocks of the index.
const TRANSFERS: u64 = 2_200;
const STEP_MS: u64 = 60_000;

/// Transfers a minute apart, each ended forty minutes later, and every third a question of ours that tells its certificate then.
fn fill(core: &Core) {
    let partner = Some(oin(crate::policy::fixture::MONITOR));
    let ours = Some(oin(INSTITUTION));
    let entry = |n: u64, phase: Phase| {
        let came = n.is_multiple_of(3);
        let direction = if came { Direction::Incoming } else { Direction::Outgoing };
        let at = n * STEP_MS + if phase == Phase::Intent { 0 } else { 40 * STEP_MS };
        let (sender_oin, receiver_oin) = if came { (partner, ours) } else { (ours, partner) };
        let told = came != (phase == Phase::Intent);
        Entry {
            sender_oin,
            receiver_oin,
            outcome: (phase == Phase::Outcome).then_some(Outcome::Confirmed),
            peer_certificate: told.then_some(Digest([u8::try_from(n % 2).expect("small"); 32])),
            ..Entry::new(TransferId::new(n * STEP_MS, [7; 10]), direction, phase, at)
        }
    };
    for n in 0..TRANSFERS + 40 {
        let ends = n
            .checked_sub(40)
            .map(|ended| entry(ended, if ended.is_multiple_of(3) { Phase::Received } else { Phase::Outcome }));
        for entry in (n < TRANSFERS).then(|| entry(n, Phase::Intent)).into_iter().chain(ends) {
            let entry = Entry { salt: random(), trace_id: Some([1; 16]), span_id: Some([1; 8]), ..entry };
            let _ = core.transfer_log().append(&entry).expect("logged");
        }
    }
}

#[test]
fn a_window_is_read_alone_and_counts_what_the_whole_log_counts() {
    let node = TestNode::new("2026-06-01");
    fill(&node.core);
    let log = node.core.transfer_log();
    let whole = |scope: BreachScope| {
        let mut counter = BreachCounter::new(scope, None);
        let taken: Vec<u64> = log
            .entries(0..log.len())
            .map(|entry| entry.expect("read"))
            .filter_map(|(number, entry)| counter.take(&entry).then_some(number))
            .collect();
        (taken, serde_json::json!(counter.finish()))
    };
    let narrow = |scope: BreachScope| {
        let span = node.core.log_span((scope.since_ms, scope.until_ms));
        let mut counter = BreachCounter::new(scope, None);
        let mut taken: Vec<u64> = Vec::new();
        for (number, entry) in log.entries(span.clone()).map(|entry| entry.expect("read")) {
            taken.extend(counter.take(&entry).then_some(number));
        }
        for (number, entry) in node.core.later_of(counter.awaited(), span.end).expect("read") {
            taken.extend(counter.take(&entry).then_some(number));
        }
        (span, (taken, serde_json::json!(counter.finish())))
    };
    for (since, until, most) in [(1_000, 1_010, 2_048), (0, 1, 1_024), (3_000, 4_000, 0), (500, 2_100, u64::MAX)] {
        for certificate in [None, Some(Digest([1; 32]))] {
            let (since_ms, until_ms) = (since * STEP_MS, until * STEP_MS);
            let scope = BreachScope { since_ms, until_ms, certificate, ..BreachScope::default() };
            let (span, found) = narrow(scope);
            assert_eq!(found, whole(scope), "{since}..{until}");
            assert!(span.end - span.start <= most, "{since}..{until} reads {span:?} of {}", log.len());
        }
    }
}
