//! What a log keeps in memory: the tree over durable entries in order, and the transfers that are open.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::translog::entry::{Direction, Entry, Phase, TransferId};
use crate::translog::merkle::CompactTree;

/// One-sided transfers that are kept. Of more, those with the lowest id go: ids begin with a time.
const MOST_ONE_SIDED: usize = 65_536;

/// One side of a transfer: what we ask of a partner and what it asks of us never meet, nor do two partners' transfers,
/// whatever ids they choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Side {
    pub(super) transfer: TransferId,
    pub(super) partner: Option<Oin>,
    pub(super) direction: Direction,
}

/// What of an entry the state follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) side: Side,
    pub(super) phase: Phase,
    /// Whether the entry names a receipt of the partner.
    receipt: bool,
    counter: Option<u64>,
    start_ms: u64,
}

impl From<&Entry> for Step {
    fn from(entry: &Entry) -> Self {
        let (transfer, partner, direction) = (entry.transfer_id, entry.partner(), entry.direction);
        Self {
            side: Side { transfer, partner, direction },
            phase: entry.phase,
            receipt: entry.names_receipt(),
            counter: entry.counter,
            start_ms: entry.start_ms,
        }
    }
}

/// The tree and the open transfers after some number of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) tree: CompactTree,
    /// Open transfers with the entry number of their INTENT.
    pub(super) open: BTreeMap<Side, u64>,
    /// Transfers that ended without a receipt of the other side: entry number of the INTENT and moment of the end.
    pub(super) one_sided: BTreeMap<Side, (u64, u64)>,
    /// The highest receipt counter towards each partner.
    pub(super) counters: BTreeMap<Oin, u64>,
}

impl Snapshot {
    /// Adds the next entry.
    pub(super) fn add(&mut self, hash: Digest, step: &Step) {
        let index = self.tree.size();
        self.tree.append(hash);
        match step.phase {
            Phase::Intent => {
                self.open.entry(step.side).or_insert(index);
            }
            Phase::Outcome | Phase::Received => {
                let open = self.open.remove(&step.side);
                self.ended(step, open);
            }
            Phase::Deny | Phase::Connection => {}
        }
        if let (Some(counter), Some(partner)) = (step.counter, step.side.partner) {
            let highest = self.counters.entry(partner).or_default();
            *highest = counter.max(*highest);
        }
    }

    /// A transfer ended that was announced by entry `open`. What had its receipt is not missing one afterwards.
    fn ended(&mut self, step: &Step, open: Option<u64>) {
        if step.receipt {
            self.one_sided.remove(&step.side);
        } else if let Some(intent) = open.filter(|_| step.side.direction != Direction::Local) {
            self.one_sided.entry(step.side).or_insert((intent, step.start_ms)).0 = intent;
            if self.one_sided.len() > MOST_ONE_SIDED {
                self.one_sided.pop_first();
            }
        }
    }
}

/// A transfer that ended without a receipt of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneSided {
    /// Its id.
    pub transfer: TransferId,
    /// The other side.
    pub partner: Oin,
    /// Which way the data goes.
    pub direction: Direction,
    /// Number of the INTENT's entry.
    pub number: u64,
    /// When it ended here, milliseconds since 1970 UTC.
    pub since_ms: u64,
}

#[derive(Debug)]
pub(super) struct State(Mutex<Queue>);

/// Threads learn in any order that their entries are durable; the tree takes them in the order of the journal.
#[derive(Debug)]
struct Queue {
    now: Snapshot,
    early: HashMap<u64, (Digest, Step)>,
}

impl State {
    pub(super) fn new(now: Snapshot) -> Self {
        Self(Mutex::new(Queue { now, early: HashMap::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an entry that is durable.
    pub(super) fn durable(&self, index: u64, hash: Digest, entry: &Entry) {
        let mut queue = self.lock();
        queue.early.insert(index, (hash, Step::from(entry)));
        loop {
            let next = queue.now.tree.size();
            let Some((hash, step)) = queue.early.remove(&next) else { return };
            queue.now.add(hash, &step);
        }
    }

    /// Size and root now.
    pub(super) fn size_and_root(&self) -> (u64, Digest) {
        let queue = self.lock();
        (queue.now.tree.size(), queue.now.tree.root())
    }

    pub(super) fn size(&self) -> u64 {
        self.lock().now.tree.size()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.lock().now.clone()
    }

    pub(super) fn one_sided(&self, from_ms: u64) -> Vec<OneSided> {
        let one_sided = |(side, (number, since_ms)): (&Side, &(u64, u64))| {
            let Side { transfer, partner, direction } = *side;
            Some(OneSided { transfer, partner: partner?, direction, number: *number, since_ms: *since_ms })
        };
        let young = |(_, (_, since_ms)): &(&Side, &(u64, u64))| *since_ms >= from_ms;
        let mut all: Vec<_> = self.lock().now.one_sided.iter().filter(young).filter_map(one_sided).collect();
        all.sort_unstable_by_key(|one| one.number);
        all
    }

    pub(super) fn counters(&self) -> Vec<(Oin, u64)> {
        self.lock().now.counters.iter().map(|(partner, counter)| (*partner, *counter)).collect()
    }

    pub(super) fn open_intents(&self) -> Vec<(u64, TransferId)> {
        let mut open: Vec<_> = self.lock().now.open.iter().map(|(side, index)| (*index, side.transfer)).collect();
        open.sort_unstable();
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest;

    #[test]
    fn one_sided_transfers_are_bounded_and_listed_from_a_moment() {
        let partner = Oin::parse("00000099000000000001").unwrap();
        let mut now = Snapshot::default();
        let count = MOST_ONE_SIDED as u64 + 2;
        for ms in 0..count {
            for phase in [Phase::Intent, Phase::Outcome] {
                let entry = Entry {
                    receiver_oin: Some(partner),
                    sender_oin: Some(partner),
                    ..Entry::new(TransferId::new(ms, [1; 10]), Direction::Outgoing, phase, ms)
                };
                now.add(digest(b"entry"), &Step::from(&entry));
            }
        }
        let state = State::new(now);
        let all = state.one_sided(0);
        assert_eq!((all.len(), all[0].since_ms), (MOST_ONE_SIDED, 2), "the oldest went");
        let young: Vec<_> = state.one_sided(count - 3).iter().map(|one| one.since_ms).collect();
        assert_eq!(young, [count - 3, count - 2, count - 1]);
    }
}
