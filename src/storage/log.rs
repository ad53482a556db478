//! The transfer log on disk: entries in a journal, durable before [`TransferLog::append`] returns, with the Merkle tree in
//! memory and a signed checkpoint beside the journal within a second.
//!
//! A directory holds `journal/`, `checkpoint` (the last signed one) and `resume` (the tree as it was at some checkpoint, to
//! start quickly; it may be deleted). A log is made by [`TransferLog::create`] alone; opening refuses a log that is shorter
//! than, or differs from, what its own checkpoint says, so that no smaller or other tree is ever signed.

mod checkpoints;
mod exports;
mod find;
mod one_sided;
mod open;
mod proofs;
mod query;
mod resume;
mod span;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;

use super::files::FileError;
use super::journal::{Journal, JournalError, Options};
use crate::crypto::{Digest, SigningKey, VerifyingKey};
use crate::domain::oin::Oin;
use crate::translog::checkpoint::Checkpoint;
use crate::translog::entry::{Entry, InvalidEntry, Phase, TransferId, payload_commitment};
use crate::translog::export::ExportError;
use crate::translog::merkle::leaf_hash;
use crate::translog::note::InvalidNote;

pub use exports::{ExportDirectory, Extras};
pub use find::{LogIndex, MOST_OF_TRANSFER, Page};
pub use one_sided::one_sided_of;
pub use proofs::Proofs;
pub use query::Filter;
pub use state::{AuditEntries, OneSided};

use checkpoints::Checkpoints;
use state::State;

/// What can go wrong with the transfer log.
#[derive(Debug, Error)]
pub enum LogError {
    /// The disk is full: nothing was appended, and nothing may leave. Appending works again when space returns.
    #[error("het logboek kan niets toevoegen: de schijf is vol; er gaat niets naar buiten tot er ruimte is")]
    Full,
    /// A write or sync failed: the process must stop, and the log is opened anew.
    #[error("het logboek is gestopt na een schrijffout; start de node opnieuw en controleer de schijf")]
    Failed,
    /// The entry cannot be written; nothing was appended.
    #[error(transparent)]
    Entry(#[from] InvalidEntry),
    /// The journal underneath.
    #[error(transparent)]
    Journal(JournalError),
    /// Asked to make a log where one is, or was.
    #[error("in {} staat (of stond) al een logboek; het wordt nooit door een leeg vervangen", .0.display())]
    Exists(PathBuf),
    /// The signed checkpoint is not there.
    #[error("het checkpoint {} ontbreekt; zet het logboek terug uit een back-up", .0.display())]
    CheckpointMissing(PathBuf),
    /// The checkpoint is not one of this log under this key.
    #[error("het checkpoint van het logboek is niet van deze node en sleutel: {0}")]
    Checkpoint(InvalidNote),
    /// The log is shorter than its checkpoint says.
    #[error("het logboek heeft {len} regels, maar {signed} zijn ondertekend; zet een back-up terug")]
    Shorter {
        /// Entries that are there.
        len: u64,
        /// Entries that were signed.
        signed: u64,
    },
    /// The entries are not those that were signed.
    #[error("de eerste {signed} regels van het logboek zijn niet de ondertekende; zet een back-up terug")]
    Inconsistent {
        /// Entries that were signed.
        signed: u64,
    },
    /// An entry on disk does not decode.
    #[error("logregel {index} is niet te lezen: {error}")]
    Unreadable {
        /// Number of the entry, from 0.
        index: u64,
        /// What is wrong with it.
        error: InvalidEntry,
    },
    /// A file beside the journal.
    #[error(transparent)]
    File(#[from] FileError),
    /// The export could not be written.
    #[error("export: {0}")]
    Export(#[from] Box<ExportError<FileError>>),
}

impl From<JournalError> for LogError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Full => Self::Full,
            JournalError::Failed => Self::Failed,
            JournalError::BelowCheckpoint { len, checkpoint, .. } => Self::Shorter { len, signed: checkpoint },
            other => Self::Journal(other),
        }
    }
}

/// How a log is opened.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// Options of the journal; its `checkpoint` is ignored.
    pub journal: Options,
    /// How long after an append the checkpoint is signed; under a second by design.
    pub checkpoint_after: Duration,
    /// How many entries may pass before `resume` is written again.
    pub resume_every: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { journal: Options::default(), checkpoint_after: Duration::from_millis(500), resume_every: 50_000 }
    }
}

/// An open transfer log; share it between threads by reference or `Arc`.
#[derive(Debug)]
pub struct TransferLog {
    inner: Arc<Inner>,
    ticker: Option<JoinHandle<()>>,
    recovered: Vec<(u64, TransferId)>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    origin: String,
    journal: Journal,
    state: State,
    checkpoints: Checkpoints,
}

/// The proof that an entry is durable in the log. Only [`TransferLog::append`] makes one, so what needs a `Logged` cannot
/// leave before it was logged.
#[derive(Debug)]
#[must_use = "this is the only proof that the entry was logged"]
pub struct Logged {
    index: u64,
    entry_hash: Digest,
    transfer_id: TransferId,
    phase: Phase,
    payload_commitment: Option<Digest>,
    query_hash: Option<Digest>,
}

impl Logged {
    /// Number of the entry in the log, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Leaf hash of the entry, as receipts name it.
    #[must_use]
    pub fn entry_hash(&self) -> Digest {
        self.entry_hash
    }

    /// Transfer id of the entry.
    #[must_use]
    pub fn transfer_id(&self) -> TransferId {
        self.transfer_id
    }

    /// Phase of the entry.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The salted hash of the payload that the entry announces, if it announces one.
    #[must_use]
    pub fn payload_commitment(&self) -> Option<Digest> {
        self.payload_commitment
    }

    /// Hash of the question that the entry is about, if it is about one.
    #[must_use]
    pub fn query_hash(&self) -> Option<Digest> {
        self.query_hash
    }

    /// Whether the entry announces exactly this payload under this commitment salt.
    #[must_use]
    pub fn covers(&self, salt: &[u8; 16], payload: &[u8]) -> bool {
        self.payload_commitment == Some(payload_commitment(salt, payload))
    }
}

impl TransferLog {
    /// Makes the empty log of an organisation in `dir` (made if absent) and opens it. A separate act: opening never does it.
    ///
    /// # Errors
    /// [`LogError::Exists`] when a log is or was there; [`LogError::Journal`] and [`LogError::File`] from the disk.
    pub fn create(dir: &Path, oin: Oin, key: Arc<SigningKey>) -> Result<Self, LogError> {
        Self::create_with(dir, oin, key, LogOptions::default())
    }

    /// As [`TransferLog::create`], with options.
    ///
    /// # Errors
    /// As [`TransferLog::create`].
    pub fn create_with(dir: &Path, oin: Oin, key: Arc<SigningKey>, options: LogOptions) -> Result<Self, LogError> {
        open::create(dir, oin, &key, &options)?;
        Self::open_with(dir, oin, key, options)
    }

    /// Opens the log of an organisation. Entries that were signed must be there, unchanged.
    ///
    /// # Errors
    /// [`LogError`]: the log is absent, damaged, shorter than or different from its checkpoint, or in use.
    pub fn open(dir: &Path, oin: Oin, key: Arc<SigningKey>) -> Result<Self, LogError> {
        Self::open_with(dir, oin, key, LogOptions::default())
    }

    /// As [`TransferLog::open`], with options.
    ///
    /// # Errors
    /// As [`TransferLog::open`].
    pub fn open_with(dir: &Path, oin: Oin, key: Arc<SigningKey>, options: LogOptions) -> Result<Self, LogError> {
        let inner = Arc::new(open::open(dir, oin, key, options)?);
        let recovered = inner.state.open_intents();
        let ticker = checkpoints::start(&inner)?;
        Ok(Self { inner, ticker: Some(ticker), recovered })
    }

    /// Appends an entry and returns when it is durable. Callable from many threads; they share one `fdatasync`.
    ///
    /// # Errors
    /// [`LogError::Entry`], [`LogError::Full`]: nothing was appended. [`LogError::Failed`]: the process must stop.
    pub fn append(&self, entry: &Entry) -> Result<Logged, LogError> {
        #[cfg(feature = "defect-plant-bsn")]
        let entry = &Entry { rules_version: crate::domain::plant::text("translog"), ..entry.clone() };
        let bytes = entry.encode()?;
        let entry_hash = leaf_hash(&bytes);
        let index = self.inner.journal.append(bytes)?;
        self.inner.state.durable(index, entry_hash, entry);
        self.inner.checkpoints.wake();
        Ok(Logged {
            index,
            entry_hash,
            transfer_id: entry.transfer_id,
            phase: entry.phase,
            payload_commitment: entry.payload_commitment,
            query_hash: entry.query_hash,
        })
    }

    /// Name of the log in its checkpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.inner.origin
    }

    /// Number of durable entries.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.inner.journal.len()
    }

    /// Whether the log has no entry yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a write or sync has failed, so that the process must stop.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.inner.journal.failed()
    }

    /// Signs what is durable now, if it is more than was signed before, and puts it in the file `checkpoint`. The log does
    /// so itself within a second of an append; call this to have it at once.
    ///
    /// # Errors
    /// [`LogError::File`] when the file cannot be written; the entries are durable all the same.
    pub fn checkpoint(&self) -> Result<Checkpoint, LogError> {
        self.inner.sign().map(|(checkpoint, _)| checkpoint)
    }

    /// The key that verifies its checkpoints.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.inner.checkpoints.key().verifying_key()
    }

    /// The last signed checkpoint as the note that partners are shown.
    #[must_use]
    pub fn last_checkpoint(&self) -> String {
        self.inner.checkpoints.last()
    }

    /// Transfers that were announced (INTENT) and had neither OUTCOME nor RECEIVED when the log was opened, oldest first:
    /// entry number and transfer id. The caller closes each with an OUTCOME `UNKNOWN`.
    #[must_use]
    pub fn open_intents(&self) -> &[(u64, TransferId)] {
        &self.recovered
    }
}

impl TransferLog {
    /// Transfers that ended without a receipt of the other side, in the order of their INTENTs: the same list until it changes.
    #[must_use]
    pub fn one_sided(&self) -> Arc<[OneSided]> {
        self.inner.state.one_sided()
    }

    /// The highest receipt counter in the log towards each partner.
    #[must_use]
    pub fn counters(&self) -> Vec<(Oin, u64)> {
        self.inner.state.counters()
    }

    /// Where it speaks of the audit log.
    #[must_use]
    pub fn audit_entries(&self) -> AuditEntries {
        self.inner.state.audit()
    }
}

impl Drop for TransferLog {
    fn drop(&mut self) {
        self.inner.checkpoints.stop();
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
    }
}
