//! Consistency proofs over the log on disk. The roots of every 256 entries are kept in memory, worked out from the journal when
//! a proof is first asked; below that the entries themselves are read. Never on the road of an append.

use std::sync::{Mutex, PoisonError};

use super::{LogError, TransferLog};
use crate::crypto::Digest;
use crate::translog::merkle::proof::{Nodes, consistency, root_at};
use crate::translog::merkle::{CompactTree, leaf_hash, node_hash};

/// Entries under one kept root: a tile of level 0.
const WIDTH: u64 = 256;
/// Its level in the tree.
const LEVEL: u32 = 8;

/// The kept roots of one log.
#[derive(Debug, Default)]
pub struct Proofs(Mutex<Vec<Digest>>);

/// The log as subtrees: kept roots above, entries below.
struct Subtrees<'a> {
    log: &'a TransferLog,
    tops: &'a [Digest],
}

impl Nodes for Subtrees<'_> {
    fn node(&self, level: u32, index: u64) -> Option<Digest> {
        if level < LEVEL {
            let width = 1_u64 << level;
            return root_of(self.log, index * width, width).ok();
        }
        let width = usize::try_from(1_u64.checked_shl(level - LEVEL)?).ok()?;
        let start = usize::try_from(index).ok()?.checked_mul(width)?;
        let mut row = self.tops.get(start..start.checked_add(width)?)?.to_vec();
        while row.len() > 1 {
            row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        row.first().copied()
    }
}

/// Root of `width` entries from `start`.
fn root_of(log: &TransferLog, start: u64, width: u64) -> Result<Digest, LogError> {
    let mut tree = CompactTree::new();
    for record in log.raw_entries(start..start + width) {
        tree.append(leaf_hash(&record?.1));
    }
    Ok(tree.root())
}

impl Proofs {
    /// The proof that the first `size` entries begin with the first `old`; `None` when there are not that many.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn consistency(&self, log: &TransferLog, old: u64, size: u64) -> Result<Option<Vec<Digest>>, LogError> {
        self.with(log, size, |nodes| consistency(nodes, old, size))
    }

    /// Root of the first `size` entries; `None` when there are not that many.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn root(&self, log: &TransferLog, size: u64) -> Result<Option<Digest>, LogError> {
        self.with(log, size, |nodes| root_at(nodes, size))
    }

    fn with<T>(
        &self,
        log: &TransferLog,
        size: u64,
        work: impl FnOnce(&Subtrees<'_>) -> Option<T>,
    ) -> Result<Option<T>, LogError> {
        if size > log.len() {
            return Ok(None);
        }
        let mut tops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tree = CompactTree::new();
        let known = tops.len() as u64;
        for record in log.raw_entries(known * WIDTH..log.len() / WIDTH * WIDTH) {
            tree.append(leaf_hash(&record?.1));
            if tree.size() == WIDTH {
                tops.push(tree.root());
                tree = CompactTree::new();
            }
        }
        Ok(work(&Subtrees { log, tops: &tops }))
    }
}
