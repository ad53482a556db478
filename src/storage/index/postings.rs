//! Keys that many records share, kept as one bitmap per key and block of records: a few small values instead of a key per
//! record. Adding is `or`, so adding again changes nothing. Questions join such keys block by block, newest first.

use std::collections::{BTreeMap, HashMap};

use super::{BATCH, IndexEntry, Tree};

/// Records in one block: they share a bitmap, or a span of time.
pub const BLOCK: u64 = 1024;
const BYTES: usize = 128;

type Bits = [u8; BYTES];

/// What a record must meet; one of several keys, or a span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Found under one of these keys.
    AnyOf(Tree, Vec<Vec<u8>>),
    /// In a block with a moment at or after the first and before the second; not every record of the block is.
    Time(u64, u64),
}

/// How a tree is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A fingerprint per record, gathered in buckets.
    Gathered,
    /// A bitmap per key and block.
    Posted,
    /// Earliest and latest moment per block.
    Spans,
}

/// The key with its length in front, so that no key is the beginning of another.
fn head(key: &[u8]) -> Vec<u8> {
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), key].concat()
}

fn stored(key: &[u8], block: u64) -> Vec<u8> {
    [head(key).as_slice(), &block.to_be_bytes()].concat()
}

fn taken_apart(stored: &[u8]) -> Option<(&[u8], u64)> {
    let (head, block) = stored.split_last_chunk::<8>()?;
    Some((head.get(2..)?, u64::from_be_bytes(*block)))
}

fn place(seq: u64) -> (usize, u8) {
    let bit = usize::try_from(seq % BLOCK).unwrap_or(0);
    (bit / 8, 1 << (bit % 8))
}

fn bits_of(value: &[u8]) -> Bits {
    value.try_into().unwrap_or([0; BYTES])
}

fn numbers(block: u64, bits: Bits) -> impl DoubleEndedIterator<Item = u64> {
    (0..BLOCK)
        .filter(move |bit| {
            let (byte, mask) = place(*bit);
            bits[byte] & mask != 0
        })
        .map(move |bit| block * BLOCK + bit)
}

/// Adds records under their keys.
pub(super) fn add<'a>(tree: &sled::Tree, entries: impl Iterator<Item = &'a IndexEntry>) -> Result<(), sled::Error> {
    let mut changed: HashMap<(&[u8], u64), Bits> = HashMap::new();
    for entry in entries {
        let (byte, mask) = place(entry.seq);
        changed.entry((&entry.key, entry.seq / BLOCK)).or_insert([0; BYTES])[byte] |= mask;
    }
    let changed = changed.into_iter().map(|((key, block), bits)| (stored(key, block), bits)).collect();
    write(tree, changed, |old, new: &mut Bits| new.iter_mut().zip(bits_of(old)).for_each(|(new, old)| *new |= old))
}

/// Widens the spans of blocks by the moments of records.
pub(super) fn add_spans<'a>(
    tree: &sled::Tree,
    entries: impl Iterator<Item = &'a IndexEntry>,
) -> Result<(), sled::Error> {
    let mut spans: BTreeMap<u64, [u8; 16]> = BTreeMap::new();
    for entry in entries {
        let now: [u8; 8] = entry.key.as_slice().try_into().unwrap_or([0; 8]);
        let whole = || [now, now].concat().try_into().unwrap_or([0; 16]);
        widen(spans.entry(entry.seq / BLOCK).or_insert_with(whole), &now, &now);
    }
    let changed = spans.into_iter().map(|(block, span)| (stored(&[], block), span)).collect();
    write(tree, changed, |old, new: &mut [u8; 16]| {
        if let (Some(from), Some(to)) = (old.first_chunk::<8>(), old.last_chunk::<8>()) {
            widen(new, from, to);
        }
    })
}

/// Moments in bytes that sort as time does.
fn widen(span: &mut [u8; 16], from: &[u8; 8], to: &[u8; 8]) {
    if from.as_slice() < &span[..8] {
        span[..8].copy_from_slice(from);
    }
    if to.as_slice() > &span[8..] {
        span[8..].copy_from_slice(to);
    }
}

fn write<const N: usize>(
    tree: &sled::Tree,
    changed: BTreeMap<Vec<u8>, [u8; N]>,
    merge: impl Fn(&[u8], &mut [u8; N]),
) -> Result<(), sled::Error> {
    let mut changed = changed.into_iter().peekable();
    while changed.peek().is_some() {
        let mut batch = sled::Batch::default();
        for (key, mut value) in changed.by_ref().take(BATCH) {
            if let Some(old) = tree.get(&key)? {
                merge(&old, &mut value);
            }
            batch.insert(key, value.as_slice());
        }
        tree.apply_batch(batch)?;
    }
    Ok(())
}

/// Every record under exactly this key, in order.
pub(super) fn exact(tree: &sled::Tree, key: &[u8]) -> Result<Vec<u64>, sled::Error> {
    let mut seqs = Vec::new();
    for found in tree.scan_prefix(head(key)) {
        let (stored, bits) = found?;
        if let Some((_, block)) = taken_apart(&stored) {
            seqs.extend(numbers(block, bits_of(&bits)));
        }
    }
    Ok(seqs)
}

/// Every key, once.
pub(super) fn keys(tree: &sled::Tree) -> Result<Vec<Vec<u8>>, sled::Error> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    let mut from = Vec::new();
    while let Some(found) = tree.get_gt(&from)? {
        let Some((key, _)) = taken_apart(&found.0) else { break };
        from = stored(key, u64::MAX);
        keys.push(key.to_vec());
    }
    Ok(keys)
}

/// At most `limit` records with numbers below `below` that meet every condition, newest first. `tree_of` gives the tree of
/// a kind of key.
pub(super) fn newest<'a>(
    tree_of: impl Fn(Tree) -> &'a sled::Tree,
    conditions: &[Condition],
    below: u64,
    limit: usize,
) -> Result<Vec<u64>, sled::Error> {
    let mut found = Vec::new();
    let Some(last) = below.checked_sub(1) else { return Ok(found) };
    let mut block = last / BLOCK;
    loop {
        let mut bits = [u8::MAX; BYTES];
        let mut reached = block;
        for condition in conditions {
            let Some((at, of)) = condition.at_most(&tree_of, block)? else { return Ok(found) };
            reached = reached.min(at);
            bits.iter_mut().zip(of).for_each(|(bits, of)| *bits &= of);
        }
        if reached < block {
            block = reached;
            continue;
        }
        let here = numbers(block, bits).rev().filter(|seq| *seq < below);
        found.extend(here.take(limit - found.len()));
        match block.checked_sub(1) {
            Some(next) if found.len() < limit => block = next,
            _ => return Ok(found),
        }
    }
}

impl Condition {
    /// The last block up to `block` in which a record may meet the condition, and which ones.
    fn at_most<'a>(
        &self,
        tree_of: &impl Fn(Tree) -> &'a sled::Tree,
        block: u64,
    ) -> Result<Option<(u64, Bits)>, sled::Error> {
        match self {
            Self::AnyOf(tree, keys) => {
                let mut best: Option<(u64, Bits)> = None;
                for key in keys {
                    let Some((at, bits)) = last_of(tree_of(*tree), key, block)? else { continue };
                    match &mut best {
                        Some((known, all)) if *known == at => {
                            all.iter_mut().zip(bits_of(&bits)).for_each(|(a, b)| *a |= b)
                        }
                        Some((known, _)) if *known > at => {}
                        _ => best = Some((at, bits_of(&bits))),
                    }
                }
                Ok(best)
            }
            Self::Time(from, until) => {
                let mut block = block;
                while let Some((at, span)) = last_of(tree_of(Tree::Time), &[], block)? {
                    let moment = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes));
                    let (first, last) = (moment(span.first_chunk()), moment(span.last_chunk()));
                    if first < *until && last >= *from {
                        return Ok(Some((at, [u8::MAX; BYTES])));
                    }
                    let Some(next) = at.checked_sub(1) else { break };
                    block = next;
                }
                Ok(None)
            }
        }
    }
}

/// The value of a key in the last block up to `block` in which it has one.
fn last_of(tree: &sled::Tree, key: &[u8], block: u64) -> Result<Option<(u64, sled::IVec)>, sled::Error> {
    // Blocks are far below the largest number, so the next one exists.
    let found = tree.get_lt(stored(key, block + 1))?;
    Ok(found.and_then(|(stored, value)| {
        let (whole, at) = taken_apart(&stored)?;
        (whole == key).then_some((at, value))
    }))
}
