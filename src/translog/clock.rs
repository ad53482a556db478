//! Steps back of the clock, as the entries of a log show them.
//!
//! Entries begin before they are ordered, so that many a one begins a moment before the one in front of it. That says nothing
//! of the clock; more than a minute does.

use serde::Serialize;

use super::entry::Entry;

/// What is at most the time between the beginning of an entry and its place in the log, in milliseconds.
pub const AT_MOST_MS: u64 = 60_000;

/// The steps back of a clock while entries come by in the order of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StepsBack {
    /// How often an entry begins more than [`AT_MOST_MS`] before the latest one since the last such step.
    pub count: u64,
    /// The largest of them, in milliseconds; 0 without any.
    pub largest_ms: u64,
    #[serde(skip)]
    latest_ms: u64,
}

impl StepsBack {
    /// Takes the next entry of the log. A span of refused connections was written at its end.
    pub fn take(&mut self, entry: &Entry) {
        let now = entry.end_ms.unwrap_or(entry.start_ms);
        let back = self.latest_ms.saturating_sub(now);
        if back > AT_MOST_MS {
            self.count += 1;
            self.largest_ms = self.largest_ms.max(back);
            self.latest_ms = now;
        }
        self.latest_ms = self.latest_ms.max(now);
    }

    /// What the entries say of the clock, in one Dutch sentence; nothing when it never went back.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let seconds = self.largest_ms / 1000;
        let by = match seconds {
            ..=119 => format!("{seconds} seconden"),
            120..=7_199 => format!("{} minuten", seconds / 60),
            7_200..=172_799 => format!("{} uur", seconds / 3_600),
            _ => format!("{} dagen", seconds / 86_400),
        };
        let times = if self.count == 1 { "één keer".to_owned() } else { format!("{} keer", self.count) };
        (self.count > 0)
            .then(|| format!("Let op: de klok van de node ging {times} meer dan een minuut terug, hoogstens {by}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translog::entry::{Direction, Phase, TransferId};

    fn seen(starts: &[u64]) -> (u64, u64) {
        let mut steps = StepsBack::default();
        for &start in starts {
            steps.take(&Entry::new(TransferId::new(1, [1; 10]), Direction::Local, Phase::Intent, start));
        }
        (steps.count, steps.largest_ms)
    }

    #[test]
    fn disorder_of_a_minute_is_no_step_and_more_is_one() {
        assert_eq!(seen(&[100_000, 99_990, 100_010, 40_010]), (0, 0));
        assert_eq!(seen(&[100_000, 39_999]), (1, 60_001));
        assert_eq!(seen(&[9_000_000, 5_400_000, 5_400_010, 5_400_005, 9_000_000]), (1, 3_600_000), "counted once");
        assert_eq!(seen(&[9_000_000, 5_400_000, 9_000_000, 8_000_000]), (2, 3_600_000), "the largest is kept");
        // A clock that is put back little by little is found when it is a minute behind.
        assert_eq!(seen(&[200_000, 160_000, 120_000, 80_000]), (1, 80_000));
        let span = Entry {
            end_ms: Some(400_000),
            refused_connections: Some(1),
            ..Entry::new(TransferId::new(1, [1; 10]), Direction::Incoming, Phase::Connection, 100_000)
        };
        let mut steps = StepsBack::default();
        steps.take(&Entry { start_ms: 399_000, end_ms: None, ..span.clone() });
        steps.take(&span);
        assert_eq!(steps.count, 0, "a span of refused connections begins long before it is written");
        assert_eq!(steps.sentence(), None);
    }

    #[test]
    fn the_sentence_names_the_largest() {
        let said = |largest_ms| StepsBack { count: 2, largest_ms, latest_ms: 0 }.sentence().expect("a sentence");
        for (ms, words) in
            [(61_000, "61 seconden"), (600_000, "10 minuten"), (7_200_000, "2 uur"), (864_000_000, "10 dagen")]
        {
            assert!(
                said(ms).ends_with(&format!("2 keer meer dan een minuut terug, hoogstens {words}.")),
                "{}",
                said(ms)
            );
        }
    }
}
