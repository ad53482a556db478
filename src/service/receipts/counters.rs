//! The counters of receipts: ours per partner, which are never used twice, and those that we heard from partners.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::lock;
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::translog::receipt::Receipt;

/// How far below the highest counter of a partner one may come in: answers to questions at the same time overtake each
/// other, and a receipt that is slow has thirty seconds, in which a busy partner counts some twenty thousand further.
const DEPTH: u64 = 32_768;

/// Our own counters: the last one that was given out, per partner.
pub(super) struct Counters(Mutex<BTreeMap<Oin, u64>>);

impl Counters {
    pub(super) fn new(last: Vec<(Oin, u64)>) -> Self {
        Self(Mutex::new(last.into_iter().collect()))
    }

    /// The next one towards a partner, from 1. It is gone when the entry is not written after all.
    pub(super) fn next(&self, partner: Oin) -> u64 {
        let mut last = lock(&self.0);
        let counter = last.entry(partner).or_default();
        *counter = counter.saturating_add(1);
        *counter
    }
}

/// The latest counters of partners, with the entries that they stand for.
#[derive(Default)]
pub(super) struct Heard(BTreeMap<Oin, BTreeMap<u64, Option<Digest>>>);

impl Heard {
    /// Whether this receipt's counter may be: it does not stand for another entry already, and it is not far behind (a
    /// receipt that is asked for later may be).
    pub(super) fn take(&mut self, receipt: &Receipt, late: bool) -> bool {
        let Some(counter) = receipt.counter else { return true };
        let known = self.0.entry(receipt.signer).or_default();
        let highest = known.last_key_value().map_or(0, |(highest, _)| *highest);
        if counter.saturating_add(DEPTH) <= highest {
            return late;
        }
        if known.get(&counter).is_some_and(|entry| *entry != receipt.entry) {
            return false;
        }
        known.insert(counter, receipt.entry);
        while known.first_key_value().is_some_and(|(first, _)| first.saturating_add(DEPTH) <= highest.max(counter)) {
            known.pop_first();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translog::entry::TransferId;

    fn oin(number: u8) -> Oin {
        Oin::parse(&format!("000000990000000000{number:02}")).unwrap()
    }

    fn heard(signer: u8, counter: u64, entry: u8) -> Receipt {
        let receipt = Receipt::nothing(oin(signer), oin(9), TransferId::new(1, [1; 10]), (1, ""));
        Receipt { counter: Some(counter), entry: Some(Digest([entry; 32])), ..receipt }
    }

    #[test]
    fn a_counter_is_given_out_once_per_partner_and_goes_on_after_the_last() {
        let counters = Counters::new(vec![(oin(1), 7)]);
        assert_eq!([counters.next(oin(1)), counters.next(oin(2)), counters.next(oin(1))], [8, 1, 9]);
    }

    #[test]
    fn a_counter_stands_for_one_entry_and_answers_may_overtake_each_other() {
        let mut known = Heard::default();
        assert!(known.take(&heard(1, 5, 5), false) && known.take(&heard(1, 3, 3), false));
        assert!(known.take(&heard(1, 5, 5), false), "the same said again");
        assert!(!known.take(&heard(1, 3, 4), false) && !known.take(&heard(1, 5, 6), true), "another entry");
        assert!(known.take(&heard(2, 5, 6), false), "another partner");
        assert!(known.take(&heard(1, 5 + 2 * DEPTH, 7), false));
        assert!(!known.take(&heard(1, 6, 8), false), "far behind");
        assert!(known.take(&heard(1, 6, 8), true), "asked for later");
    }
}
