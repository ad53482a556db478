//! Inclusion and consistency proofs (RFC 9162 sections 2.1.3 and 2.1.4).

use thiserror::Error;

use super::{Digest, empty_root, node_hash};

/// Where proofs take their hashes from: roots of complete subtrees.
pub trait Nodes {
    /// Root of the complete subtree of `2^level` leaves that starts at leaf `index * 2^level`; `None` when it is not there.
    fn node(&self, level: u32, index: u64) -> Option<Digest>;
}

/// Leaf hashes in memory; subtrees are computed when asked.
impl Nodes for [Digest] {
    fn node(&self, level: u32, index: u64) -> Option<Digest> {
        let width = 1_usize.checked_shl(level)?;
        let start = usize::try_from(index).ok()?.checked_mul(width)?;
        let leaves = self.get(start..start.checked_add(width)?)?;
        let mut tree = super::CompactTree::new();
        leaves.iter().for_each(|leaf| tree.append(*leaf));
        Some(tree.root())
    }
}

/// A proof does not show what it should.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("het Merkle-bewijs klopt niet")]
pub struct InvalidProof;

/// Root of leaves `start..end`, where `start` is a multiple of the largest power of two below the width.
fn range_root(nodes: &(impl Nodes + ?Sized), start: u64, end: u64) -> Option<Digest> {
    let width = end - start;
    if width.is_power_of_two() {
        return nodes.node(width.trailing_zeros(), start / width);
    }
    let split = start + split_point(width);
    Some(node_hash(&range_root(nodes, start, split)?, &range_root(nodes, split, end)?))
}

/// The largest power of two that is smaller than `width` (which is at least 2).
fn split_point(width: u64) -> u64 {
    1 << (u64::BITS - 1 - (width - 1).leading_zeros())
}

/// Root of the first `size` leaves; `None` when a subtree is missing.
#[must_use]
pub fn root_at(nodes: &(impl Nodes + ?Sized), size: u64) -> Option<Digest> {
    if size == 0 { Some(empty_root()) } else { range_root(nodes, 0, size) }
}

/// The proof that leaf `index` is in the tree of `size` leaves, lowest hash first; `None` when a subtree is missing or
/// `index` is not below `size`.
#[must_use]
pub fn inclusion(nodes: &(impl Nodes + ?Sized), index: u64, size: u64) -> Option<Vec<Digest>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let split = start + split_point(end - start);
        let (keep, other) = if index < split { ((start, split), (split, end)) } else { ((split, end), (start, split)) };
        proof.push(range_root(nodes, other.0, other.1)?);
        (start, end) = keep;
    }
    proof.reverse();
    Some(proof)
}

/// The proof that the tree of `size` leaves starts with the tree of `old` leaves; `None` when a subtree is missing or
/// `old` is larger than `size`. Empty when `old` is 0 or `size`.
#[must_use]
pub fn consistency(nodes: &(impl Nodes + ?Sized), old: u64, size: u64) -> Option<Vec<Digest>> {
    if old > size {
        return None;
    }
    let mut proof = Vec::new();
    if old == 0 || old == size {
        return Some(proof);
    }
    let (mut start, mut end) = (0, size);
    while end != old {
        let split = start + split_point(end - start);
        if old <= split {
            proof.push(range_root(nodes, split, end)?);
            end = split;
        } else {
            proof.push(range_root(nodes, start, split)?);
            start = split;
        }
    }
    // The old tree's last subtree: left out when it is the whole old tree, which the verifier has as the old root.
    if start != 0 {
        proof.push(range_root(nodes, start, end)?);
    }
    proof.reverse();
    Some(proof)
}

/// Checks an inclusion proof (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// [`InvalidProof`] unless the proof leads from `leaf` at `index` to the root of the tree of `size` leaves.
pub fn verify_inclusion(
    leaf: Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), InvalidProof> {
    if index >= size {
        return Err(InvalidProof);
    }
    let (mut position, mut last, mut node) = (index, size - 1, leaf);
    for hash in proof {
        if last == 0 {
            return Err(InvalidProof);
        }
        if position & 1 == 1 || position == last {
            node = node_hash(hash, &node);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(&node, hash);
        }
        position >>= 1;
        last >>= 1;
    }
    if last == 0 && node == *root { Ok(()) } else { Err(InvalidProof) }
}

/// Checks a consistency proof (RFC 9162 section 2.1.4.2): `old` and `new` are size and root of the two trees.
///
/// # Errors
/// [`InvalidProof`] unless the proof shows that the new tree starts with the old one.
pub fn verify_consistency(old: (u64, &Digest), new: (u64, &Digest), proof: &[Digest]) -> Result<(), InvalidProof> {
    let ok = |holds: bool| if holds { Ok(()) } else { Err(InvalidProof) };
    if old.0 >= new.0 || old.0 == 0 {
        let same = old.0 == new.0 && old.1 == new.1;
        let from_nothing = old.0 == 0 && new.0 > 0 && *old.1 == empty_root();
        return ok(proof.is_empty() && (same || from_nothing));
    }
    let whole = old.0.is_power_of_two().then_some(old.1);
    let mut hashes = whole.into_iter().chain(proof);
    let (mut position, mut last) = (old.0 - 1, new.0 - 1);
    while position & 1 == 1 {
        position >>= 1;
        last >>= 1;
    }
    let first = *hashes.next().ok_or(InvalidProof)?;
    let (mut old_root, mut new_root) = (first, first);
    for hash in hashes {
        if last == 0 {
            return Err(InvalidProof);
        }
        if position & 1 == 1 || position == last {
            old_root = node_hash(hash, &old_root);
            new_root = node_hash(hash, &new_root);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            new_root = node_hash(&new_root, hash);
        }
        position >>= 1;
        last >>= 1;
    }
    ok(last == 0 && old_root == *old.1 && new_root == *new.1)
}
