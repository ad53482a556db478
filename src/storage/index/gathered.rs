//! Keys that hardly any record shares, such as a trace id: a fingerprint per record, gathered by stretch of records and by
//! bucket of fingerprints. Adding many then rewrites a few values of some kilobytes instead of pages all over a tree that
//! grows, which is what makes random keys slow; a question looks in one bucket of each stretch.

use std::collections::BTreeMap;

use super::{BATCH, IndexEntry};
use crate::crypto::digest;

/// Records in one stretch; ten million are 77 stretches.
const STRETCH: u64 = 1 << 17;
/// Buckets in one stretch; with a key per record a bucket of a whole stretch holds some 128 fingerprints.
const BUCKETS: u16 = 1024;
/// Bytes of a key that are its head: a transfer id, whoever it was with.
pub(super) const HEAD: usize = 16;
/// Fingerprints in one value: 3,840 bytes; what does not fit goes to a next part.
const MOST: usize = 256;

/// Eight bytes that stand for the head of the key, four for the whole key, three say which record of the stretch.
type Slip = [u8; 15];
/// What of a slip two keys must share: the head only, or the whole key.
const OF_HEAD: usize = 8;
const OF_KEY: usize = 12;

/// Stretch and bucket.
type Place = [u8; 10];

/// The fingerprint of a key. Ids of partners are not to be relied on as random, so it is a digest.
struct Fingerprint {
    bucket: u16,
    bytes: [u8; OF_KEY],
}

impl Fingerprint {
    fn of(key: &[u8]) -> Self {
        let head = digest(&key[..key.len().min(HEAD)]).0;
        let whole = if key.len() > HEAD { digest(key).0 } else { head };
        let mut bytes = [0; OF_KEY];
        bytes[..OF_HEAD].copy_from_slice(&head[2..2 + OF_HEAD]);
        bytes[OF_HEAD..].copy_from_slice(&whole[2 + OF_HEAD..2 + OF_KEY]);
        Self { bucket: u16::from_be_bytes([head[0], head[1]]) % BUCKETS, bytes }
    }

    fn place(&self, stretch: u64) -> Place {
        let mut place = [0; 10];
        place[..8].copy_from_slice(&stretch.to_be_bytes());
        place[8..].copy_from_slice(&self.bucket.to_be_bytes());
        place
    }
}

fn slip(entry: &IndexEntry) -> (Place, Slip) {
    let fingerprint = Fingerprint::of(&entry.key);
    let [.., a, b, c] = (entry.seq % STRETCH).to_be_bytes();
    let mut slip = [0; 15];
    slip[..OF_KEY].copy_from_slice(&fingerprint.bytes);
    slip[OF_KEY..].copy_from_slice(&[a, b, c]);
    (fingerprint.place(entry.seq / STRETCH), slip)
}

fn slips(value: &[u8]) -> impl Iterator<Item = &Slip> {
    value.as_chunks().0.iter()
}

fn part(place: Place, number: usize) -> Vec<u8> {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    [place.as_slice(), &number.to_be_bytes()].concat()
}

/// Adds records under their keys; adding again changes nothing.
pub(super) fn add<'a>(tree: &sled::Tree, entries: impl Iterator<Item = &'a IndexEntry>) -> Result<(), sled::Error> {
    let mut fresh: BTreeMap<Place, Vec<Slip>> = BTreeMap::new();
    for (place, slip) in entries.map(slip) {
        fresh.entry(place).or_default().push(slip);
    }
    let mut fresh = fresh.into_iter().peekable();
    while fresh.peek().is_some() {
        let mut batch = sled::Batch::default();
        for (place, mut slips) in fresh.by_ref().take(BATCH) {
            slips.sort_unstable();
            slips.dedup();
            extend(tree, &mut batch, place, slips)?;
        }
        tree.apply_batch(batch)?;
    }
    Ok(())
}

/// Puts slips behind those that the last part of a bucket holds.
fn extend(tree: &sled::Tree, batch: &mut sled::Batch, place: Place, mut fresh: Vec<Slip>) -> Result<(), sled::Error> {
    let (mut parts, mut last) = (0, Vec::new());
    for found in tree.scan_prefix(place) {
        let value = found?.1;
        // Few are added to few, or a node that starts adds to none.
        slips(&value).for_each(|known| fresh.retain(|slip| slip != known));
        (parts, last) = (parts + 1, value.to_vec());
    }
    let mut number = usize::max(parts, 1) - 1;
    for slip in fresh {
        if last.len() >= MOST * slip.len() {
            batch.insert(part(place, number), std::mem::take(&mut last));
            number += 1;
        }
        last.extend(slip);
    }
    if !last.is_empty() {
        batch.insert(part(place, number), last);
    }
    Ok(())
}

/// Takes a record away from under a key.
pub(super) fn remove(tree: &sled::Tree, entry: &IndexEntry) -> Result<(), sled::Error> {
    let (place, gone) = slip(entry);
    for found in tree.scan_prefix(place) {
        let (key, value) = found?;
        let left: Vec<u8> = slips(&value).filter(|slip| **slip != gone).flatten().copied().collect();
        // An empty part stays: the next one keeps its number.
        tree.insert(key, left)?;
    }
    Ok(())
}

/// The records under this key, by number. With only a head ([`HEAD`] bytes) those of every key that begins with it.
pub(super) fn find(tree: &sled::Tree, key: &[u8], by_head: bool) -> Result<Vec<u64>, sled::Error> {
    let Some((last, _)) = tree.last()? else { return Ok(Vec::new()) };
    let last = last.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let wanted = Fingerprint::of(key);
    let shared = if by_head { OF_HEAD } else { OF_KEY };
    let mut seqs = Vec::new();
    for stretch in 0..=last {
        let begun = seqs.len();
        for found in tree.scan_prefix(wanted.place(stretch)) {
            let value = found?.1;
            let ours = slips(&value).filter(|slip| slip[..shared] == wanted.bytes[..shared]);
            seqs.extend(ours.map(|slip| {
                let [.., a, b, c] = *slip;
                stretch * STRETCH + u64::from(u32::from_be_bytes([0, a, b, c]))
            }));
        }
        seqs[begun..].sort_unstable();
    }
    seqs.dedup();
    Ok(seqs)
}
