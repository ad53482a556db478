//! The file `resume`: the tree and the open transfers at some entry, so that opening reads only what came after.
//!
//! It is believed only as far as the signed checkpoint confirms it: the root that follows from it must be the signed one.
//! Bytes: `KPTR`, 1, size (8), count (1) and hashes (32 each) of the complete subtrees, count (4) of open transfers and per
//! transfer its id (16) and entry number (8), then SHA-256 of all that; numbers big-endian.

use super::state::Snapshot;
use crate::crypto::{Digest, digest};
use crate::translog::entry::TransferId;
use crate::translog::merkle::CompactTree;

const HEAD: &[u8] = b"KPTR\x01";

pub(super) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = HEAD.to_vec();
    let peaks = snapshot.tree.peaks();
    out.extend(snapshot.tree.size().to_be_bytes());
    out.push(u8::try_from(peaks.len()).unwrap_or(u8::MAX));
    out.extend(peaks.iter().flat_map(|peak| peak.0));
    out.extend(u32::try_from(snapshot.open.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (id, index) in &snapshot.open {
        out.extend(id.as_bytes());
        out.extend(index.to_be_bytes());
    }
    let sum = digest(&out);
    out.extend(sum.0);
    out
}

/// `None` for anything that `encode` did not write: the log is then read from its start.
pub(super) fn decode(bytes: &[u8]) -> Option<Snapshot> {
    let (content, sum) = bytes.split_last_chunk::<32>()?;
    if digest(content).0 != *sum {
        return None;
    }
    let rest = &mut content.strip_prefix(HEAD)?;
    let size = u64::from_be_bytes(take(rest)?);
    let [count] = take::<1>(rest)?;
    let peaks = (0..count).map(|_| take(rest).map(Digest)).collect::<Option<Vec<_>>>()?;
    let tree = CompactTree::from_peaks(size, peaks)?;
    let open = (0..u32::from_be_bytes(take(rest)?)).map(|_| {
        let id = TransferId::from_bytes(take(rest)?).ok()?;
        Some((id, u64::from_be_bytes(take(rest)?)))
    });
    let snapshot = Snapshot { tree, open: open.collect::<Option<_>>()? };
    rest.is_empty().then_some(snapshot)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translog::entry::Phase;
    use crate::translog::merkle::leaf_hash;

    #[test]
    fn comes_back_and_any_changed_byte_is_seen() {
        let mut snapshot = Snapshot::default();
        for n in 0..11_u8 {
            let id = TransferId::new(u64::from(n), [n; 10]);
            snapshot.add(leaf_hash(&[n]), id, if n % 3 == 2 { Phase::Deny } else { Phase::Intent });
        }
        let bytes = encode(&snapshot);
        assert_eq!(decode(&bytes), Some(snapshot));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(decode(&changed), None, "byte {at}");
            assert_eq!(decode(&bytes[..at]), None);
        }
    }
}
