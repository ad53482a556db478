//! How often a partner may call: so many times in a minute, each partner for itself.

use std::collections::BTreeMap;

use crate::domain::oin::Oin;

const MINUTE_MS: u64 = 60_000;

/// The calls of a minute, per partner.
pub(in crate::service) struct Pace {
    most: u32,
    /// Begin of the minute and calls in it.
    calls: BTreeMap<Oin, (u64, u32)>,
}

impl Pace {
    /// At most this many calls of one partner in a minute.
    pub(in crate::service) const fn of(most: u32) -> Self {
        Self { most, calls: BTreeMap::new() }
    }

    /// Whether a partner may call once more; counts the call.
    pub(in crate::service) fn admits(&mut self, partner: Oin, now_ms: u64) -> bool {
        let (since, calls) = self.calls.entry(partner).or_insert((now_ms, 0));
        if now_ms.abs_diff(*since) >= MINUTE_MS {
            (*since, *calls) = (now_ms, 0);
        }
        *calls = calls.saturating_add(1);
        *calls <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_may_ask_often_and_not_endlessly() {
        let oin = |n: u8| Oin::parse(&format!("0000009900000000000{n}")).unwrap();
        let mut pace = Pace::of(60);
        let admitted = (0..100).filter(|_| pace.admits(oin(1), 5)).count();
        assert_eq!(admitted, 60);
        assert!(
            pace.admits(oin(2), 5) && !pace.admits(oin(1), 5 + MINUTE_MS - 1) && pace.admits(oin(1), 5 + MINUTE_MS)
        );
    }
}
