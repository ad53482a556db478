//! Witnesses: this node cosigns the checkpoints of its partners' logs, shows them its own, and stops transfers when nobody
//! vouches for its log any more. Nothing here stands on the road of an append.

mod quorum;
mod seen;
mod serve;
mod show;
pub mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::crypto::SigningKey;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::storage::disk::Disk;
use crate::storage::log::Proofs;
use crate::storage::witness::{WitnessError, WitnessStore};
use crate::translog::witness::{Shown, SizedProof};

pub use quorum::{ALARM_MS, GRACE_MS, STOP_MS};

/// Checkpoints of other logs that travel with one message, at most.
pub const MOST_SEEN: usize = 256;
/// Checkpoints of one signer that came with receipts and are put by.
const MOST_ASIDE: usize = 8;

/// A log shows its checkpoint to a witness.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShowRequest {
    /// The signed checkpoint, a note.
    pub checkpoint: String,
    /// Consistency proofs to it, from the sizes that the witness wants; at most [`MOST_PROOFS`].
    pub proofs: Vec<SizedProof>,
    /// The newest checkpoints that the log's owner knows of other logs, notes with its own cosignature.
    pub seen: Vec<String>,
}

/// Proofs in one message, at most.
pub const MOST_PROOFS: usize = 64;
/// Hashes in one proof, at most: a tree of 2^64 leaves needs fewer.
pub const MOST_HASHES: usize = 64;

/// What the witness says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShowReply {
    /// To the checkpoint.
    pub said: Said,
    /// The newest checkpoints that the witness knows of all logs, the caller's included.
    pub seen: Vec<String>,
}

/// What a witness says to a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// A signature line, a cosignature.
    Cosigned(String),
    /// Proofs from these sizes are wanted. None: the witness has just started and first asks a quorum of its own witnesses.
    Wanted(Vec<u64>),
    /// It contradicts what is known or does not prove it; evidence is kept, and what is known of the log comes along.
    Refused(ReasonCode),
}

/// How it went with one of our witnesses the last time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::service) struct Tried {
    /// When, milliseconds since 1970 UTC.
    at_ms: u64,
    /// Size and time (seconds since 1970) of its last cosignature, in this process.
    cosigned: Option<(u64, u64)>,
    /// Why it did not cosign the last time, in Dutch.
    fault: Option<String>,
}

/// The witness's desk: its records, its key and what it remembers of this process.
pub(in crate::service) struct Desk {
    store: WitnessStore,
    key: SigningKey,
    pub(in crate::service) proofs: Proofs,
    started_ms: u64,
    /// Our witnesses that were heard since the start: what they have seen of others is known here now.
    heard: Mutex<BTreeSet<Oin>>,
    /// Entries in the log when it was last shown.
    shown_size: AtomicU64,
    tried: Mutex<BTreeMap<Oin, Tried>>,
    /// A checkpoint that our key signed and our log does not contain.
    contradiction: Mutex<Option<Shown>>,
    /// The number of cosigned entries, and when the next one began.
    oldest: Mutex<Option<(u64, u64)>>,
    alarmed: AtomicBool,
    one_round: Mutex<()>,
    one_logging: Mutex<()>,
    /// Checkpoints that came with receipts and wait to be taken in, per signer.
    aside: Mutex<BTreeMap<Oin, Vec<String>>>,
}

impl Desk {
    pub(in crate::service) fn open(dir: &Path, key: SigningKey, started_ms: u64) -> Result<Self, WitnessError> {
        Self::open_on(dir, key, started_ms, Disk::plain())
    }

    pub(in crate::service) fn open_on(
        dir: &Path,
        key: SigningKey,
        started_ms: u64,
        disk: Disk,
    ) -> Result<Self, WitnessError> {
        Ok(Self {
            store: WitnessStore::open(dir, disk)?,
            key,
            proofs: Proofs::new(dir.join("subtrees")),
            started_ms,
            heard: Mutex::default(),
            shown_size: AtomicU64::new(u64::MAX),
            tried: Mutex::default(),
            contradiction: Mutex::default(),
            oldest: Mutex::default(),
            alarmed: AtomicBool::new(false),
            one_round: Mutex::default(),
            one_logging: Mutex::default(),
            aside: Mutex::default(),
        })
    }

    /// This witness of ours was heard.
    pub(in crate::service) fn has_heard(&self, witness: Oin) {
        self.heard().insert(witness);
    }

    /// Our witnesses that were heard since the start.
    pub(in crate::service) fn heard(&self) -> MutexGuard<'_, BTreeSet<Oin>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tried(&self) -> MutexGuard<'_, BTreeMap<Oin, Tried>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn contradiction(&self) -> MutexGuard<'_, Option<Shown>> {
        self.contradiction.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
