//! The file `resume`: the tree and the open transfers at some entry, so that opening reads only what came after.
//!
//! It is believed only as far as the signed checkpoint confirms it: the root that follows from it must be the signed one.
//! Bytes: `KPTR`, 4, size (8), count (1) and hashes (32 each) of the complete subtrees, count (4) of open transfers and per
//! transfer its id (16), direction (1), the partner's OIN (20, zeros for none), entry number (8) and 1 when it is from before
//! there were receipts, else 0 (1); count (4) of one-sided transfers, each as an open one with the moment of its end (8) after
//! it; count (4) of receipt counters, each the partner's OIN (20) and the highest number (8); the newest entry
//! that records the head of the audit log and the newest that says that it was begun, each its number plus 1 (8), 0 for none; then
//! SHA-256 of all that; numbers big-endian.

use super::state::{Announced, AuditEntries, Ended, Side, Snapshot};
use crate::crypto::{Digest, digest};
use crate::domain::oin::Oin;
use crate::translog::entry::{Direction, TransferId};
use crate::translog::merkle::CompactTree;

const HEAD: &[u8] = b"KPTR\x04";

pub(super) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = HEAD.to_vec();
    let peaks = snapshot.tree.peaks();
    out.extend(snapshot.tree.size().to_be_bytes());
    out.push(u8::try_from(peaks.len()).unwrap_or(u8::MAX));
    out.extend(peaks.iter().flat_map(|peak| peak.0));
    out.extend(u32::try_from(snapshot.open.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (side, open) in &snapshot.open {
        put_announced(&mut out, side, open);
    }
    out.extend(u32::try_from(snapshot.one_sided.iter().len()).unwrap_or(u32::MAX).to_be_bytes());
    for (side, ended) in snapshot.one_sided.iter() {
        put_announced(&mut out, side, &ended.intent);
        out.extend(ended.since_ms.to_be_bytes());
    }
    out.extend(u32::try_from(snapshot.counters.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (partner, counter) in &snapshot.counters {
        out.extend(partner.as_str().as_bytes());
        out.extend(counter.to_be_bytes());
    }
    for number in [snapshot.audit.newest, snapshot.audit.begun] {
        out.extend(number.map_or(0, |number| number + 1).to_be_bytes());
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
    let open = all(rest, take_announced)?;
    let one_sided = all(rest, |rest| {
        let (side, intent) = take_announced(rest)?;
        Some((side, Ended { intent, since_ms: number(rest)? }))
    })?;
    let counters = all(rest, |rest| Some((take_oin(rest)??, number(rest)?)))?;
    let audit = AuditEntries { newest: number(rest)?.checked_sub(1), begun: number(rest)?.checked_sub(1) };
    let snapshot = Snapshot { tree, open, one_sided, counters, audit };
    rest.is_empty().then_some(snapshot)
}

fn put_announced(out: &mut Vec<u8>, side: &Side, open: &Announced) {
    put_side(out, side);
    out.extend(open.number.to_be_bytes());
    out.push(u8::from(open.before));
}

fn take_announced(rest: &mut &[u8]) -> Option<(Side, Announced)> {
    let (side, number) = (take_side(rest)?, number(rest)?);
    let [before] = take(rest)?;
    (before < 2).then_some((side, Announced { number, before: before == 1 }))
}

fn put_side(out: &mut Vec<u8>, side: &Side) {
    out.extend(side.transfer.as_bytes());
    out.push(side.direction.number());
    match side.partner {
        Some(oin) => out.extend(oin.as_str().as_bytes()),
        None => out.extend([0; 20]),
    }
}

fn take_side(rest: &mut &[u8]) -> Option<Side> {
    let transfer = TransferId::from_bytes(take(rest)?).ok()?;
    let [direction] = take(rest)?;
    let direction = Direction::from_number(direction)?;
    Some(Side { transfer, partner: take_oin(rest)?, direction })
}

#[expect(clippy::option_option, reason = "there may be no partner, and the bytes may be wrong")]
fn take_oin(rest: &mut &[u8]) -> Option<Option<Oin>> {
    match take::<20>(rest)? {
        [0, ..] => Some(None),
        oin => Oin::parse(std::str::from_utf8(&oin).ok()?).ok().map(Some),
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(u64::from_be_bytes)
}

/// A count and as many of these.
fn all<T, C: FromIterator<T>>(rest: &mut &[u8], one: impl Fn(&mut &[u8]) -> Option<T>) -> Option<C> {
    (0..u32::from_be_bytes(take(rest)?)).map(|_| one(rest)).collect()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::log::state::Step;
    use crate::translog::entry::{Entry, Phase};
    use crate::translog::merkle::leaf_hash;

    #[test]
    fn comes_back_and_any_changed_byte_is_seen() {
        let mut snapshot = Snapshot::default();
        for n in 0..11_u8 {
            let transfer = TransferId::new(if n > 8 { 0 } else { u64::from(n / 2) }, [1; 10]);
            let partner = (n % 4 > 0).then(|| Oin::parse(&format!("0000009900000000000{}", n % 2)).unwrap());
            let direction = if n % 5 == 0 { Direction::Incoming } else { Direction::Outgoing };
            let phase = if n % 3 == 2 { Phase::Deny } else { Phase::Intent };
            let (sender_oin, receiver_oin) = (partner, partner);
            let entry = Entry {
                sender_oin,
                receiver_oin,
                phase: if n > 8 { Phase::Outcome } else { phase },
                counter: (n % 2 > 0).then_some(u64::from(n)),
                ..Entry::new(transfer, direction, phase, u64::from(n))
            };
            snapshot.add(leaf_hash(&[n]), &Step::from(&entry));
        }
        assert!(!snapshot.open.is_empty() && snapshot.one_sided.iter().len() > 0 && !snapshot.counters.is_empty());
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
