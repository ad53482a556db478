//! The transfers that ended without a receipt of the other side: so many of each partner, so that none pushes out those of
//! another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::state::{Ended, OneSided, Side, Snapshot, State, Step};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::translog::entry::Entry;

/// One-sided transfers of one partner that are kept. Of more, those that were announced first go; ids are of its choosing.
pub(super) const MOST_OF_PARTNER: usize = 16_384;

/// One-sided transfers, by id and per partner in the order of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OneSidedSet {
    by_side: BTreeMap<Side, Ended>,
    /// Per partner the numbers of the INTENTs' entries.
    by_partner: BTreeMap<Option<Oin>, BTreeSet<(u64, Side)>>,
}

impl OneSidedSet {
    /// Notes that a transfer ended one-sided; one that is known keeps the moment of its end.
    pub(super) fn insert(&mut self, side: Side, ended: Ended) {
        let since_ms = self.by_side.get(&side).map_or(ended.since_ms, |known| known.since_ms);
        self.remove(&side);
        let of_partner = self.by_partner.entry(side.partner).or_default();
        of_partner.insert((ended.intent.number, side));
        self.by_side.insert(side, Ended { since_ms, ..ended });
        if of_partner.len() > MOST_OF_PARTNER
            && let Some((_, first)) = of_partner.pop_first()
        {
            self.by_side.remove(&first);
        }
    }

    /// Takes out a transfer that got its receipt; whether it was there.
    pub(super) fn remove(&mut self, side: &Side) -> bool {
        let Some(ended) = self.by_side.remove(side) else { return false };
        if let Some(of_partner) = self.by_partner.get_mut(&side.partner) {
            of_partner.remove(&(ended.intent.number, *side));
            if of_partner.is_empty() {
                self.by_partner.remove(&side.partner);
            }
        }
        true
    }

    /// All of them, by id.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&Side, &Ended)> {
        self.by_side.iter()
    }
}

/// Folds the entries of a log, from the first on: the transfers that ended without a receipt of the other side, in the order
/// of their INTENTs.
///
/// # Errors
/// The first fault among the entries.
pub fn one_sided_of<E>(entries: impl Iterator<Item = Result<Entry, E>>) -> Result<Arc<[OneSided]>, E> {
    let mut now = Snapshot::default();
    // The tree only counts here.
    let no_hash = Digest([0; 32]);
    for entry in entries {
        now.add(no_hash, &Step::from(&entry?));
    }
    Ok(State::new(now).one_sided())
}

impl FromIterator<(Side, Ended)> for OneSidedSet {
    fn from_iter<I: IntoIterator<Item = (Side, Ended)>>(all: I) -> Self {
        let mut set = Self::default();
        all.into_iter().for_each(|(side, ended)| set.insert(side, ended));
        set
    }
}
