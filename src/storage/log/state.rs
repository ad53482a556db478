//! What a log keeps in memory: the tree over durable entries in order, and the transfers that are open.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::crypto::Digest;
use crate::translog::entry::{Entry, Phase, TransferId};
use crate::translog::merkle::CompactTree;

/// The tree and the open transfers after some number of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) tree: CompactTree,
    /// Open transfers with the entry number of their INTENT.
    pub(super) open: BTreeMap<TransferId, u64>,
}

impl Snapshot {
    /// Adds the next entry.
    pub(super) fn add(&mut self, hash: Digest, transfer: TransferId, phase: Phase) {
        let index = self.tree.size();
        self.tree.append(hash);
        match phase {
            Phase::Intent => {
                self.open.entry(transfer).or_insert(index);
            }
            Phase::Outcome | Phase::Received => {
                self.open.remove(&transfer);
            }
            Phase::Deny | Phase::Connection => {}
        }
    }
}

#[derive(Debug)]
pub(super) struct State(Mutex<Queue>);

/// Threads learn in any order that their entries are durable; the tree takes them in the order of the journal.
#[derive(Debug)]
struct Queue {
    now: Snapshot,
    early: HashMap<u64, (Digest, TransferId, Phase)>,
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
        queue.early.insert(index, (hash, entry.transfer_id, entry.phase));
        loop {
            let next = queue.now.tree.size();
            let Some((hash, transfer, phase)) = queue.early.remove(&next) else { return };
            queue.now.add(hash, transfer, phase);
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

    pub(super) fn open_intents(&self) -> Vec<(u64, TransferId)> {
        let mut open: Vec<_> = self.lock().now.open.iter().map(|(id, index)| (*index, *id)).collect();
        open.sort_unstable();
        open
    }
}
