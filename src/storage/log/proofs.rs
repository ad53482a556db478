//! Consistency proofs over the log on disk. The roots of every 256 entries are kept in memory and in a file that may be deleted
//! at any time; below that the entries themselves are read. Never on the road of an append.
//!
//! The file is believed only when the root that follows from it is that of the log. Bytes: `KPTS`, 1, hashes of 32 bytes, and
//! SHA-256 of all that.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{LogError, TransferLog};
use crate::crypto::{Digest, digest};
use crate::storage::files;
use crate::translog::merkle::proof::{Nodes, consistency, inclusion, root_at};
use crate::translog::merkle::{CompactTree, leaf_hash, node_hash};

/// Entries under one kept root: a tile of level 0.
const WIDTH: u64 = 256;
/// Its level in the tree.
const LEVEL: u32 = 8;

const HEAD: &[u8] = b"KPTS\x01";
/// Roots after which the file is written again: 65,536 entries.
const SAVE_EVERY: usize = 256;
/// Room for 2^30 entries.
const MAX_FILE: u64 = 256 << 20;
const MODE: u32 = 0o600;

/// The kept roots of one log.
#[derive(Debug)]
pub struct Proofs {
    file: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tops: Vec<Digest>,
    /// How many of them are in the file.
    saved: usize,
    read: bool,
}

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
    /// Keeps what it works out in `file`.
    #[must_use]
    pub fn new(file: PathBuf) -> Self {
        Self { file, kept: Mutex::default() }
    }

    /// The proof that the first `size` entries begin with the first `old`; `None` when there are not that many.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn consistency(&self, log: &TransferLog, old: u64, size: u64) -> Result<Option<Vec<Digest>>, LogError> {
        self.with(log, size, |nodes| consistency(nodes, old, size))
    }

    /// The proof that entry `index` is among the first `size`; `None` when there are not that many.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn inclusion(&self, log: &TransferLog, index: u64, size: u64) -> Result<Option<Vec<Digest>>, LogError> {
        self.with(log, size, |nodes| inclusion(nodes, index, size))
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
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut kept.read, true) {
            kept.tops = read(&self.file).unwrap_or_default();
            kept.saved = kept.tops.len();
            if !kept.agrees(log)? {
                (kept.tops, kept.saved) = (Vec::new(), 0);
            }
        }
        kept.extend(log)?;
        if kept.tops.len() >= kept.saved + SAVE_EVERY && write(&self.file, &kept.tops) {
            kept.saved = kept.tops.len();
        }
        Ok(work(&Subtrees { log, tops: &kept.tops }))
    }
}

impl Kept {
    /// Takes in what the log got since.
    fn extend(&mut self, log: &TransferLog) -> Result<(), LogError> {
        let known = self.tops.len() as u64;
        let mut tree = CompactTree::new();
        for record in log.raw_entries(known * WIDTH..log.len() / WIDTH * WIDTH) {
            tree.append(leaf_hash(&record?.1));
            if tree.size() == WIDTH {
                self.tops.push(tree.root());
                tree = CompactTree::new();
            }
        }
        Ok(())
    }

    /// Whether the root of the log follows from what was read from the file.
    fn agrees(&mut self, log: &TransferLog) -> Result<bool, LogError> {
        let (size, root) = log.inner.state.size_and_root();
        if self.tops.is_empty() || self.tops.len() as u64 > size / WIDTH {
            return Ok(self.tops.is_empty());
        }
        self.extend(log)?;
        Ok(root_at(&Subtrees { log, tops: &self.tops }, size) == Some(root))
    }
}

fn read(file: &Path) -> Option<Vec<Digest>> {
    let bytes = files::read_bounded(file, MAX_FILE).ok()?;
    let (content, sum) = bytes.split_last_chunk::<32>()?;
    let hashes = content.strip_prefix(HEAD).filter(|_| digest(content).0 == *sum)?;
    let (hashes, rest) = hashes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.iter().map(|hash| Digest(*hash)).collect())
}

/// It only saves time: a fault is left for the next time.
fn write(file: &Path, tops: &[Digest]) -> bool {
    let mut bytes = HEAD.to_vec();
    bytes.extend(tops.iter().flat_map(|top| top.0));
    let sum = digest(&bytes);
    bytes.extend(sum.0);
    files::write_atomic(file, &bytes, MODE).is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::crypto::{Secret32, SigningKey};
    use crate::domain::oin::Oin;
    use crate::storage::journal::Options;
    use crate::storage::log::LogOptions;
    use crate::translog::entry::{Direction, Entry, Phase, TransferId};
    use crate::translog::merkle::proof::verify_consistency;

    /// A log whose entries are not waited for one by one.
    fn log_of(dir: &Path, entries: u64) -> TransferLog {
        let key = Arc::new(SigningKey::from_seed(&Secret32::new([1; 32])));
        let oin = Oin::parse("00000099000000001000").expect("OIN");
        let options = LogOptions { journal: Options::default(), ..LogOptions::default() };
        let log = TransferLog::create_with(dir, oin, key, options).expect("a log");
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let log = &log;
                scope.spawn(move || {
                    for n in (thread..entries).step_by(16) {
                        let id = TransferId::new(n, [7; 10]);
                        let _logged =
                            log.append(&Entry::new(id, Direction::Local, Phase::Intent, n)).expect("appended");
                    }
                });
            }
        });
        log
    }

    fn holds(proofs: &Proofs, log: &TransferLog, old: u64, size: u64) {
        let root = |size| proofs.root(log, size).expect("read").expect("so many");
        let proof = proofs.consistency(log, old, size).expect("read").expect("a proof");
        assert_eq!(verify_consistency((old, &root(old)), (size, &root(size)), &proof), Ok(()), "{old} {size}");
    }

    #[test]
    fn proofs_hold_with_and_without_the_file_and_a_wrong_file_is_not_believed() {
        let dir = tempfile::tempdir().expect("a folder");
        let log = log_of(&dir.path().join("log"), 1100);
        let file = dir.path().join("subtrees");
        let proofs = Proofs::new(file.clone());
        for (old, size) in [(0, 1), (1, 1100), (255, 256), (256, 1024), (257, 1099), (700, 700), (1024, 1100)] {
            holds(&proofs, &log, old, size);
        }
        assert_eq!(proofs.root(&log, 1100).ok().flatten(), Some(log.audit().expect("intact").1));
        assert_eq!(proofs.root(&log, 1101).ok().flatten(), None);
        let tops = proofs.kept.lock().expect("lock").tops.clone();
        assert_eq!(tops.len(), 4);
        let other = vec![Digest([3; 32]); 2];
        let cases = [tops.clone(), tops[..2].to_vec(), other, vec![Digest([3; 32]); 9], Vec::new()];
        for kept in cases {
            assert!(write(&file, &kept));
            let again = Proofs::new(file.clone());
            holds(&again, &log, 300, 1100);
            assert_eq!(again.kept.lock().expect("lock").tops, tops);
        }
        let mut bytes = std::fs::read(&file).expect("a file");
        bytes[5] ^= 1;
        std::fs::write(&file, &bytes).expect("written");
        assert_eq!(read(&file), None);
    }
}
