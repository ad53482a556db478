//! How often somebody who is not logged in may try: what they do costs a hash and a record, so it is bounded.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Attempts of one address in a minute, and of all addresses together.
const OF_ONE: u32 = 20;
const OF_ALL: u32 = 120;
const MINUTE_MS: u64 = 60_000;

/// The attempts of this minute.
#[derive(Default, Debug)]
pub struct Attempts(Mutex<(u64, u32, BTreeMap<IpAddr, u32>)>);

impl Attempts {
    /// Whether one more attempt may be made from here.
    #[must_use]
    pub fn admit(&self, address: IpAddr, now_ms: u64) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0 != now_ms / MINUTE_MS {
            *held = (now_ms / MINUTE_MS, 0, BTreeMap::new());
        }
        let (_, all, each) = &mut *held;
        let mine = each.entry(network(address)).or_default();
        if *mine >= OF_ONE || *all >= OF_ALL {
            return false;
        }
        (*mine, *all) = (*mine + 1, *all + 1);
        true
    }
}

/// Children that one account may look up in an hour.
const CHILDREN: u32 = 60;
const HOUR_MS: u64 = 3_600_000;

/// How many children each account looked up in this hour.
#[derive(Default, Debug)]
pub struct Lookups(Mutex<(u64, BTreeMap<u32, u32>)>);

impl Lookups {
    /// Whether this account may look up one more child.
    #[must_use]
    pub fn admit_account(&self, account: u32, now_ms: u64) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0 != now_ms / HOUR_MS {
            *held = (now_ms / HOUR_MS, BTreeMap::new());
        }
        let mine = held.1.entry(account).or_default();
        *mine += 1;
        *mine <= CHILDREN
    }
}

/// One household or machine has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() >> 64 << 64).into()),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_looks_up_so_many_children_an_hour() {
        let lookups = Lookups::default();
        assert_eq!((0..100).filter(|_| lookups.admit_account(1, 0)).count(), 60);
        assert!(
            lookups.admit_account(2, 0) && !lookups.admit_account(1, 3_599_999) && lookups.admit_account(1, 3_600_000)
        );
    }

    #[test]
    fn attempts_are_bounded_per_address_and_in_all() {
        let attempts = Attempts::default();
        let four = |n: u8| IpAddr::from([10, 0, 0, n]);
        let admitted = |address, now| (0..100).filter(|_| attempts.admit(address, now)).count();
        assert_eq!(admitted(four(1), 0), 20);
        assert_eq!((2..50).map(|n| admitted(four(n), 59_999)).sum::<usize>(), 100, "in all");
        assert_eq!(admitted(four(1), 60_000), 20, "the next minute");
        let six = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, n, 0, 0, 1]);
        assert_eq!((0..5).map(|n| admitted(six(n), 60_000)).sum::<usize>(), 20, "one /64");
    }
}
