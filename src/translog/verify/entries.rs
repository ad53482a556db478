//! The walk over all entries: bundle by bundle against the hash tiles, up to the root of the checkpoint.

use std::collections::HashMap;

use super::super::checkpoint::Checkpoint;
use super::super::entry::{Entry, Phase, TransferId};
use super::super::export::CHECKPOINT;
use super::super::merkle::leaf_hash;
use super::super::tiles::{HashTiles, bundle_path, bundles_of, split_bundle, tile_path};
use super::receipts::Receipts;
use super::{Earlier, Files, OpenTransfer, Report};
use crate::crypto::Digest;
use crate::domain::oin::Oin;

/// What the entries say together.
#[derive(Default)]
pub(super) struct Entries {
    /// Earliest and latest `start_ms`.
    pub(super) times: Option<(u64, u64)>,
    /// Number and `start_ms` of the earliest begun entry that the file `cosigned` does not hold.
    pub(super) waiting: Option<(u64, u64)>,
    /// Per announced transfer with a partner.
    intents: HashMap<(TransferId, Option<Oin>), Announced>,
}

/// What was announced of a transfer.
struct Announced {
    /// The entry of its INTENT while it is open.
    open: Option<u64>,
    /// Leaf hashes of its INTENTs, which receipts of the partner name.
    hashes: Vec<Digest>,
    /// The convenant that the last of them names.
    convenant: Option<Digest>,
}

impl Entries {
    /// Checks every entry, every hash tile and the root.
    pub(super) fn walk(
        export: &dyn Files,
        checkpoint: &Checkpoint,
        earlier: &[Earlier],
        mut receipts: Receipts,
        report: &mut Report,
    ) -> Self {
        let mut entries = Self::default();
        let mut hashes = HashTiles::default();
        for (index, width) in bundles_of(checkpoint.size) {
            let Some(leaves) = entries.bundle(export, (index, width), &mut receipts, report) else { break };
            for leaf in leaves {
                check_earlier(&hashes, earlier, report);
                let full = hashes.push(leaf);
                full.iter()
                    .filter(|(path, _)| !path.starts_with("tile/0/"))
                    .for_each(|f| check_tile(export, f, report));
            }
        }
        check_earlier(&hashes, earlier, report);
        if (hashes.tree().size(), hashes.tree().root()) != (checkpoint.size, checkpoint.root) {
            report.fault(CHECKPOINT, None, "de wortel van de boom is niet die van de regels");
        }
        let rest = hashes.finish();
        rest.iter().filter(|(path, _)| !path.starts_with("tile/0/")).for_each(|file| check_tile(export, file, report));
        receipts.end(export, report);
        entries.close(report);
        entries
    }

    /// One bundle and the hash tile beside it; the leaf hashes of the entries, or of the tile where entries are missing.
    /// `None` when neither is there, so that the walk cannot go on.
    fn bundle(
        &mut self,
        export: &dyn Files,
        (index, width): (u64, u16),
        receipts: &mut Receipts,
        report: &mut Report,
    ) -> Option<Vec<Digest>> {
        let (path, tile) = (bundle_path(index, width), tile_path(0, index, width));
        let first = index * 256;
        let bytes = export.read(&path).ok();
        let items = match split_bundle(bytes.as_deref().unwrap_or_default()) {
            Ok(items) => items,
            Err(items) => {
                report.fault(&path, Some(first + items.len() as u64), "de regel breekt af");
                items
            }
        };
        let leaves: Vec<Digest> = items.iter().map(|item| leaf_hash(item)).collect();
        for (number, (item, hash)) in (first..).zip(items.iter().zip(&leaves)) {
            match Entry::decode(item) {
                Ok(entry) => {
                    self.entry((number, &path), &entry, *hash, report);
                    let announced = self.intents.get(&(entry.transfer_id, entry.partner()));
                    let announced = announced.map_or((&[][..], None), |a| (a.hashes.as_slice(), a.convenant));
                    receipts.entry(export, (number, &entry), announced, report);
                }
                Err(error) => report.fault(&path, Some(number), error.to_string()),
            }
        }
        let expected = export.read(&tile).ok().map(|bytes| tile_hashes(&bytes));
        if let Some(wrong) = expected.as_ref().and_then(|expected| first_difference(&leaves, expected)) {
            report.fault(&path, Some(first + wrong), format!("de regel is niet die van de boom ({tile})"));
        }
        if leaves.len() == usize::from(width) {
            return Some(leaves);
        }
        report.fault(&path, None, format!("{} regels in plaats van {width}", leaves.len()));
        expected.filter(|hashes| hashes.len() == usize::from(width))
    }

    fn entry(&mut self, (number, path): (u64, &str), entry: &Entry, hash: Digest, report: &mut Report) {
        let start = entry.start_ms;
        let (from, to) = self.times.unwrap_or((start, start));
        self.times = Some((from.min(start), to.max(start)));
        let beyond = report.cosigned.as_ref().is_some_and(|cosigned| number >= cosigned.size);
        if beyond && self.waiting.is_none_or(|(_, oldest)| start < oldest) {
            self.waiting = Some((number, start));
        }
        report.clock_back.take(entry);
        *report.phases.entry(entry.phase.as_str()).or_default() += 1;
        let transfer = (entry.transfer_id, entry.partner());
        match entry.phase {
            Phase::Intent => {
                let new = Announced { open: Some(number), hashes: vec![], convenant: None };
                let announced = self.intents.entry(transfer).or_insert(new);
                announced.hashes.push(hash);
                announced.convenant = entry.convenant_hash;
            }
            Phase::Outcome | Phase::Received => match self.intents.get_mut(&transfer) {
                Some(announced) => announced.open = None,
                None if entry.phase == Phase::Outcome => {
                    report.fault(path, Some(number), "een afloop (OUTCOME) zonder eerdere aankondiging (INTENT)");
                }
                None => {}
            },
            Phase::Deny | Phase::Connection => {}
        }
    }

    fn close(&self, report: &mut Report) {
        report.times_ms = self.times;
        let open = self
            .intents
            .iter()
            .filter_map(|((id, _), a)| a.open.map(|entry| OpenTransfer { entry, transfer_id: id.to_string() }));
        report.open_transfers = open.collect();
        report.open_transfers.sort_by_key(|open| open.entry);
    }
}

fn tile_hashes(bytes: &[u8]) -> Vec<Digest> {
    bytes.chunks(32).map(|hash| Digest(hash.try_into().unwrap_or_default())).collect()
}

fn first_difference(found: &[Digest], expected: &[Digest]) -> Option<u64> {
    let same = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
    (same < found.len().max(expected.len())).then_some(same as u64)
}

/// A hash tile above the leaves is the one that the leaves make.
fn check_tile(export: &dyn Files, made: &(String, Vec<u8>), report: &mut Report) {
    let (path, bytes) = made;
    if let Ok(found) = export.read(path)
        && found != *bytes
    {
        report.fault(path, None, "de hashes zijn niet die van de regels eronder");
    }
}

fn check_earlier(hashes: &HashTiles, earlier: &[Earlier], report: &mut Report) {
    let tree = hashes.tree();
    for Earlier { checkpoint, file, what } in earlier {
        if checkpoint.size == tree.size() && checkpoint.root != tree.root() {
            let text = format!("de eerste {} regels zijn niet die van het {what} checkpoint", checkpoint.size);
            report.fault(file, None, text);
        }
    }
}
