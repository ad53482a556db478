//! The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1): hashes, an append-only compact tree, and in [`proof`]
//! inclusion and consistency proofs.

pub mod proof;

use crate::crypto::{Digest, digest, digest_parts};

/// Hash of a leaf: SHA-256 of 0x00 and the entry's bytes.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Digest {
    digest_parts(&[&[0], entry])
}

/// Hash of an inner node: SHA-256 of 0x01, the left and the right hash.
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    digest_parts(&[&[1], &left.0, &right.0])
}

/// Root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Digest {
    digest(&[])
}

/// A tree that only grows, kept as the roots of its complete subtrees: one hash per bit of its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactTree {
    size: u64,
    /// Roots of the complete subtrees, largest first; one for each 1 in the binary form of `size`.
    peaks: Vec<Digest>,
}

impl CompactTree {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` leaves with these roots of complete subtrees, largest first; `None` unless there is one root for
    /// each 1 in the binary form of `size`. The roots are believed: compare [`CompactTree::root`] with a signed one.
    #[must_use]
    pub fn from_peaks(size: u64, peaks: Vec<Digest>) -> Option<Self> {
        (peaks.len() == usize::try_from(size.count_ones()).ok()?).then_some(Self { size, peaks })
    }

    /// Roots of the complete subtrees, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the hash of the next leaf.
    pub fn append(&mut self, leaf: Digest) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root of all leaves so far.
    #[must_use]
    pub fn root(&self) -> Digest {
        let joined = self.peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        joined.unwrap_or_else(empty_root)
    }
}

#[cfg(test)]
mod tests;
