//! How often a partner may ask about children, and how often it may be refused: who tries children is stopped, and told of.

use std::collections::BTreeMap;

use crate::domain::oin::Oin;
use crate::service::pace::Pace;

/// Requests of one partner in a minute.
const CALLS: u32 = 60;
/// Refusals about children of one partner in a day, after which nothing is answered that day.
const MOST_REFUSED: u32 = 100;
/// Refusals in a day that are told of.
const TELL_AT: u32 = 25;
const DAY_MS: u64 = 86_400_000;

/// The watch over the partners.
pub(in crate::service) struct Watch {
    calls: Pace,
    /// Begin of the day and refusals in it.
    refused: BTreeMap<Oin, (u64, u32)>,
}

impl Default for Watch {
    fn default() -> Self {
        Self { calls: Pace::of(CALLS), refused: BTreeMap::new() }
    }
}

impl Watch {
    /// Whether a partner may ask once more; counts the request. Says nothing about any child.
    pub(super) fn admits(&mut self, partner: Oin, now_ms: u64) -> bool {
        self.calls.admits(partner, now_ms) && self.of_today(partner, now_ms).1 < MOST_REFUSED
    }

    /// Counts a refusal about a child; whether it is to be told of now.
    pub(super) fn refused(&mut self, partner: Oin, now_ms: u64) -> bool {
        let (_, refused) = self.of_today(partner, now_ms);
        *refused += 1;
        *refused == TELL_AT
    }

    fn of_today(&mut self, partner: Oin, now_ms: u64) -> &mut (u64, u32) {
        let day = self.refused.entry(partner).or_insert((now_ms, 0));
        if now_ms.abs_diff(day.0) >= DAY_MS {
            *day = (now_ms, 0);
        }
        day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_often_is_told_of_once_a_day_and_then_stopped() {
        let partner = Oin::parse("00000099000000000001").unwrap();
        let mut watch = Watch::default();
        let mut told = 0;
        for n in 0..150_u64 {
            let now = n * 2_000;
            if !watch.admits(partner, now) {
                assert_eq!(n, 100);
                break;
            }
            told += u32::from(watch.refused(partner, now));
        }
        assert_eq!(told, 1);
        assert!(!watch.admits(partner, 900_000) && watch.admits(partner, DAY_MS), "until a day later");
    }
}
