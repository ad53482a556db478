//! Making and opening a log; all checks that stand between a directory and the first signature.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoints::Checkpoints;
use super::state::{Snapshot, State, Step};
use super::{Inner, LogError, LogOptions, resume};
use crate::crypto::{Digest, SigningKey};
use crate::domain::oin::Oin;
use crate::storage::files;
use crate::storage::journal::{Journal, JournalError, Options};
use crate::storage::lock::DirLock;
use crate::translog::checkpoint::{Checkpoint, origin};
use crate::translog::entry::Entry;
use crate::translog::merkle::{CompactTree, leaf_hash};

/// The signed checkpoint is a few hundred bytes, with cosignatures a few thousand.
const MAX_CHECKPOINT: u64 = 64 << 10;
/// Room for ten million open transfers.
const MAX_RESUME: u64 = 256 << 20;
/// Readable by the node's own user only.
const MODE: u32 = 0o600;

pub(super) fn journal_dir(dir: &Path) -> PathBuf {
    dir.join("journal")
}

pub(super) fn checkpoint_path(dir: &Path) -> PathBuf {
    dir.join("checkpoint")
}

pub(super) fn resume_path(dir: &Path) -> PathBuf {
    dir.join("resume")
}

/// The checkpoint of size 0 comes first and the journal last: a crash in between leaves something that `create` finishes,
/// and nothing that `open` accepts.
pub(super) fn create(dir: &Path, oin: Oin, key: &SigningKey, options: &LogOptions) -> Result<(), LogError> {
    let io = |source| files::FileError::Io { path: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(io)?;
    let _lock = DirLock::acquire(dir, "logboek maken").map_err(JournalError::from)?;
    let (name, path) = (origin(oin), checkpoint_path(dir));
    if path.exists() {
        let bytes = files::read_bounded(&path, MAX_CHECKPOINT)?;
        let begun = Checkpoint::open(&bytes, &name, &key.verifying_key()).is_ok_and(|checkpoint| checkpoint.size == 0);
        if !begun {
            return Err(LogError::Exists(dir.to_owned()));
        }
    } else if journal_dir(dir).exists() {
        return Err(LogError::Exists(dir.to_owned()));
    }
    let empty = Checkpoint { origin: name, size: 0, root: CompactTree::new().root() };
    files::write_on(&options.journal.disk, &path, empty.sign(key).encode().as_bytes(), MODE)?;
    let made = Journal::create_with(&journal_dir(dir), Options { checkpoint: 0, ..options.journal.clone() });
    match made {
        Ok(_) => Ok(()),
        Err(JournalError::Exists { .. }) => Err(LogError::Exists(dir.to_owned())),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn open(dir: &Path, oin: Oin, key: Arc<SigningKey>, options: LogOptions) -> Result<Inner, LogError> {
    let name = origin(oin);
    let path = checkpoint_path(dir);
    if !path.exists() {
        return Err(LogError::CheckpointMissing(path));
    }
    let note = files::read_bounded(&path, MAX_CHECKPOINT)?;
    let signed = Checkpoint::open(&note, &name, &key.verifying_key()).map_err(LogError::Checkpoint)?;
    let start = read_resume(dir, &signed);
    let journal_options = Options { checkpoint: start.tree.size(), ..options.journal.clone() };
    let (journal, replay) = Journal::open_with(&journal_dir(dir), journal_options)?;
    if replay.len < signed.size {
        return Err(LogError::Shorter { len: replay.len, signed: signed.size });
    }
    let resumed = start.tree.size();
    let now = match replay_from(start, &journal, &signed) {
        // What `resume` said may be wrong where the entries are right: only reading all of them can tell.
        Err(LogError::Inconsistent { .. }) if resumed > 0 => replay_from(Snapshot::default(), &journal, &signed)?,
        other => other?,
    };
    let note = String::from_utf8_lossy(&note).into_owned();
    let checkpoints = Checkpoints::new(key, (signed, note), resumed, options);
    Ok(Inner { dir: dir.to_owned(), origin: name, journal, state: State::new(now), checkpoints })
}

/// What `resume` says, if it is there, whole, and not of a later moment than the checkpoint.
fn read_resume(dir: &Path, signed: &Checkpoint) -> Snapshot {
    let read = files::read_bounded(&resume_path(dir), MAX_RESUME).ok().and_then(|bytes| resume::decode(&bytes));
    read.filter(|snapshot| snapshot.tree.size() <= signed.size).unwrap_or_default()
}

/// Reads the entries after `now`; the root at the signed size must be the signed one.
fn replay_from(mut now: Snapshot, journal: &Journal, signed: &Checkpoint) -> Result<Snapshot, LogError> {
    let holds = |tree: &CompactTree| tree.size() != signed.size || tree.root() == signed.root;
    let inconsistent = || LogError::Inconsistent { signed: signed.size };
    if !holds(&now.tree) {
        return Err(inconsistent());
    }
    for record in journal.iter_from(now.tree.size()) {
        let (index, bytes) = record?;
        let entry = Entry::decode(&bytes).map_err(|error| LogError::Unreadable { index, error })?;
        now.add(leaf_hash(&bytes), &Step::from(&entry));
        if !holds(&now.tree) {
            return Err(inconsistent());
        }
    }
    Ok(now)
}

impl Inner {
    /// Reads every entry from the first: each must decode, and the tree must be the signed one and the one in memory.
    pub(super) fn audit(&self) -> Result<(u64, Digest), LogError> {
        let signed = self.checkpoints.signed();
        let (size, root) = self.state.size_and_root();
        let mut tree = CompactTree::new();
        for record in self.journal.iter_from(0).take_while(|record| record.as_ref().map_or(true, |r| r.0 < size)) {
            let (index, bytes) = record?;
            Entry::decode(&bytes).map_err(|error| LogError::Unreadable { index, error })?;
            tree.append(leaf_hash(&bytes));
            if tree.size() == signed.size && tree.root() != signed.root {
                return Err(LogError::Inconsistent { signed: signed.size });
            }
        }
        if (tree.size(), tree.root()) == (size, root) {
            Ok((size, root))
        } else {
            Err(LogError::Inconsistent { signed: signed.size })
        }
    }
}
