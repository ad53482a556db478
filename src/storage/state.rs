//! The `state` journal as typed, sealed records, and deliveries of any size that count only once they are committed.
//!
//! Record: kind (u8), delivery (u64, big-endian: the sequence number of its head, 0 outside a delivery), then the sealed
//! body. The seal is bound to kind, sequence number and delivery, so a record cannot be moved or swapped.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use super::journal::{Journal, JournalError, Make, Options, Pending, Replay};
use crate::crypto::SealKey;

const PREFIX: usize = 9;
const FORMAT: &[u8] = b"ketenpoort state 1";

/// What a record of the state journal is; the numbers are on disk and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum StateKind {
    /// The first record: names the version of the whole journal and proves the key.
    Format = 0,
    /// Begins a delivery.
    DeliveryHead = 1,
    /// A batch of rows of a delivery.
    Rows = 2,
    /// Commits a delivery.
    DeliveryEnd = 3,
    /// A file that was refused as a whole.
    DeliveryRefused = 4,
    /// A version of a convenant, a signature on it or its withdrawal.
    Convenant = 5,
    /// A chain key or base of a convenant.
    ChainKey = 6,
    /// The data as it stood when a question was first answered.
    Freeze = 7,
    /// A released answer, with its row in the release ledger.
    Answer = 8,
    /// A settlement of what was answered over a period.
    Settlement = 9,
    /// A setting made by the operator.
    Setting = 10,
    /// A node card of a partner.
    Card = 11,
    /// A consent or its withdrawal.
    Consent = 12,
    /// A row of the release ledger without an answer.
    Ledger = 13,
    /// A user of the console.
    User = 14,
    /// The witness of a release: what proves its tables safe.
    Witness = 15,
    /// A regional sum that the gate released.
    SumRelease = 16,
    /// What this node shared in regional sums.
    SumShare = 17,
    /// A regional sum that the gate is about to put together.
    SumBegun = 18,
    /// A formal revision: from here on a component is counted over its records as they stand now.
    Revision = 19,
    /// A linked run that this party signed.
    LinkRun = 20,
    /// A linked table that the gate released.
    LinkRelease = 21,
    /// Rows of a delivery of case fields.
    CaseRows = 22,
    /// Which children this node brought to a linked run.
    LinkCohort = 23,
    /// A child that is erased: its marks in the lists of linked runs stand for nobody any more.
    LinkErased = 24,
}

impl StateKind {
    /// Every kind, by its number on disk.
    pub const ALL: [Self; 25] = [
        Self::Format,
        Self::DeliveryHead,
        Self::Rows,
        Self::DeliveryEnd,
        Self::DeliveryRefused,
        Self::Convenant,
        Self::ChainKey,
        Self::Freeze,
        Self::Answer,
        Self::Settlement,
        Self::Setting,
        Self::Card,
        Self::Consent,
        Self::Ledger,
        Self::User,
        Self::Witness,
        Self::SumRelease,
        Self::SumShare,
        Self::SumBegun,
        Self::Revision,
        Self::LinkRun,
        Self::LinkRelease,
        Self::CaseRows,
        Self::LinkCohort,
        Self::LinkErased,
    ];

    /// Whether records of this kind are part of a delivery and written only by a [`DeliveryWriter`].
    #[must_use]
    pub fn in_delivery(self) -> bool {
        matches!(self, Self::DeliveryHead | Self::Rows | Self::DeliveryEnd)
    }
}

/// What can go wrong with the state journal.
#[derive(Debug, Error)]
pub enum StateError {
    /// The journal under it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The first record does not open under the node's key.
    #[error("de sleutel van deze node past niet bij {}; gebruik de sleutel waarmee het is gemaakt", dir.display())]
    WrongKey {
        /// The directory of the journal.
        dir: PathBuf,
    },
    /// A later record does not open: it was written with another key or changed on purpose.
    #[error("record {seq} van de toestand is niet te openen: vervalst of met een andere sleutel gemaakt")]
    Unreadable {
        /// Its sequence number.
        seq: u64,
    },
    /// A record is of a kind or a version that this program does not know.
    #[error("record {seq} van de toestand is van een onbekende soort; gebruik een nieuwere versie van ketenpoort")]
    Unknown {
        /// Its sequence number.
        seq: u64,
    },
    /// A second delivery was begun while one is open.
    #[error("er wordt al een aanlevering ingelezen; wacht tot die klaar is")]
    DeliveryOpen,
    /// An earlier batch of this delivery was not written, so it cannot be committed.
    #[error("de aanlevering is niet volledig opgeslagen en telt niet mee; lever opnieuw aan")]
    DeliveryBroken,
    /// A record of a delivery was offered outside one.
    #[error("een record van soort {0:?} hoort bij een aanlevering")]
    OutsideDelivery(StateKind),
}

/// A record that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct StateRecord {
    /// Its sequence number.
    pub seq: u64,
    /// What it is.
    pub kind: StateKind,
    /// The sequence number of the head of its delivery, which names that delivery; `None` outside one.
    pub delivery: Option<u64>,
    /// The opened body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for StateRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StateRecord({} {:?}, <{} bytes>)", self.seq, self.kind, self.body.len())
    }
}

/// The open state journal.
#[derive(Debug)]
pub struct StateStore {
    journal: Journal,
    key: Arc<SealKey>,
    /// The heads of the deliveries that have their end.
    committed: Mutex<BTreeSet<u64>>,
    delivering: AtomicBool,
}

impl StateStore {
    /// Makes an empty state journal in `dir` and opens it.
    ///
    /// # Errors
    /// As [`Journal::create`].
    pub fn create(dir: &Path, key: SealKey) -> Result<Self, StateError> {
        drop(Journal::create(dir)?);
        Self::open(dir, key).map(|(store, _)| store)
    }

    /// Opens the state journal in `dir`; what opening the journal found comes with it.
    ///
    /// # Errors
    /// As [`Journal::open`]; [`StateError::WrongKey`]; [`StateError::Unknown`].
    pub fn open(dir: &Path, key: SealKey) -> Result<(Self, Replay), StateError> {
        Self::open_with(dir, key, Options::default())
    }

    /// As [`StateStore::open`], with options; the journal is always read from its first record.
    ///
    /// # Errors
    /// As [`StateStore::open`], and [`JournalError::BelowCheckpoint`].
    pub fn open_with(dir: &Path, key: SealKey, options: Options) -> Result<(Self, Replay), StateError> {
        let mut ends = Vec::new();
        let (journal, replay) =
            Journal::open_visiting(dir, Options { checkpoint: 0, ..options }, &mut |seq, record| {
                if let Some((StateKind::DeliveryEnd, delivery, _)) = split(record) {
                    ends.push((seq, delivery));
                }
            })?;
        let committed = ends.into_iter().filter(|&(seq, _)| seq < replay.len).map(|(_, delivery)| delivery).collect();
        let committed = Mutex::new(committed);
        let store = Self { journal, key: Arc::new(key), committed, delivering: AtomicBool::new(false) };
        store.check_format(dir)?;
        Ok((store, replay))
    }

    /// Reads the first record, or writes it when a crash came between making the journal and writing it.
    fn check_format(&self, dir: &Path) -> Result<(), StateError> {
        let Some(bytes) = self.journal.read(0)? else {
            self.submit(vec![(StateKind::Format, FORMAT.to_vec())]).wait()?;
            return Ok(());
        };
        match self.unseal(0, &bytes) {
            Ok(record) if record.kind == StateKind::Format && record.body == FORMAT => Ok(()),
            Err(StateError::Unreadable { .. }) => Err(StateError::WrongKey { dir: dir.to_owned() }),
            Ok(_) => Err(StateError::Unknown { seq: 0 }),
            Err(other) => Err(other),
        }
    }

    /// Appends one record and waits until it is durable; its sequence number.
    ///
    /// # Errors
    /// As [`Journal::append`]; [`StateError::OutsideDelivery`].
    pub fn append(&self, kind: StateKind, body: Vec<u8>) -> Result<u64, StateError> {
        Ok(self.append_batch(vec![(kind, body)])?.start)
    }

    /// Appends records that a crash keeps all or none of, and waits until they are durable; their sequence numbers.
    ///
    /// # Errors
    /// As [`StateStore::append`].
    pub fn append_batch(&self, records: Vec<(StateKind, Vec<u8>)>) -> Result<Range<u64>, StateError> {
        if let Some((kind, _)) = records.iter().find(|(kind, _)| kind.in_delivery()) {
            return Err(StateError::OutsideDelivery(*kind));
        }
        Ok(self.submit(records).wait()?)
    }

    /// Begins a delivery; `head` says what it is. One at a time; dropping the writer abandons it.
    ///
    /// # Errors
    /// [`StateError::DeliveryOpen`]; as [`Journal::append`].
    pub fn begin_delivery(&self, head: Vec<u8>) -> Result<DeliveryWriter<'_>, StateError> {
        if self.delivering.swap(true, Ordering::AcqRel) {
            return Err(StateError::DeliveryOpen);
        }
        let mut writer = DeliveryWriter { store: self, head: 0, last: None, broken: false };
        let make = sealing(&self.key, StateKind::DeliveryHead, None, head);
        writer.head = self.journal.submit(vec![make], false).wait()?.start;
        Ok(writer)
    }

    /// Shows `take` every record in order, opened, without those of deliveries that were never committed.
    ///
    /// # Errors
    /// What `take` returns; as [`StateStore::read`].
    pub fn replay<E: From<StateError>>(
        &self,
        mut take: impl FnMut(u64, StateKind, Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        for record in self.journal.iter_from(1) {
            let (seq, bytes) = record.map_err(StateError::from)?;
            if self.counts(&bytes) {
                let record = self.unseal(seq, &bytes)?;
                take(seq, record.kind, record.body)?;
            }
        }
        Ok(())
    }

    /// Shows `take` the bodies of the records of one kind, in order, and opens no others.
    ///
    /// # Errors
    /// As [`StateStore::replay`].
    pub fn replay_only<E: From<StateError>>(
        &self,
        kind: StateKind,
        mut take: impl FnMut(Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        for record in self.journal.iter_from(1) {
            let (seq, bytes) = record.map_err(StateError::from)?;
            if split(&bytes).is_some_and(|(of, ..)| of == kind) && self.counts(&bytes) {
                take(self.unseal(seq, &bytes)?.body)?;
            }
        }
        Ok(())
    }

    /// One record; `None` when there is none or it belongs to a delivery that was not committed.
    ///
    /// # Errors
    /// As [`Journal::read`]; [`StateError::Unreadable`]; [`StateError::Unknown`].
    pub fn read(&self, seq: u64) -> Result<Option<StateRecord>, StateError> {
        match self.journal.read(seq)? {
            Some(bytes) if self.counts(&bytes) => self.unseal(seq, &bytes).map(Some),
            _ => Ok(None),
        }
    }

    /// Opens the bytes of record `seq` of [`StateStore::journal`], also of a delivery that was not committed (yet).
    ///
    /// # Errors
    /// [`StateError::Unreadable`]; [`StateError::Unknown`].
    pub fn unseal(&self, seq: u64, bytes: &[u8]) -> Result<StateRecord, StateError> {
        let (kind, delivery, sealed) = split(bytes).ok_or(StateError::Unknown { seq })?;
        let opened = self.key.open(&context(kind, seq, delivery), sealed);
        let body = opened.map_err(|_| StateError::Unreadable { seq })?;
        Ok(StateRecord { seq, kind, delivery: kind.in_delivery().then_some(delivery), body })
    }

    /// The sealed records, as the index reads them.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    fn counts(&self, bytes: &[u8]) -> bool {
        match split(bytes) {
            Some((kind, delivery, _)) if kind.in_delivery() => {
                self.committed.lock().unwrap_or_else(PoisonError::into_inner).contains(&delivery)
            }
            // An unknown kind is an error of whoever opens it, not a record to pass over.
            _ => true,
        }
    }

    fn submit(&self, records: Vec<(StateKind, Vec<u8>)>) -> Pending {
        let make = records.into_iter().map(|(kind, body)| sealing(&self.key, kind, Some(0), body)).collect();
        self.journal.submit(make, true)
    }
}

/// A delivery being written: its rows are on disk as they come, and count from [`DeliveryWriter::commit`] on.
#[derive(Debug)]
pub struct DeliveryWriter<'a> {
    store: &'a StateStore,
    head: u64,
    /// The batch that was handed over last; the next one waits for it, so that one is sealed while another is made.
    last: Option<Pending>,
    broken: bool,
}

impl DeliveryWriter<'_> {
    /// The sequence number of the head, which names the delivery.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Hands over a batch of encoded rows, usually about a thousand. An error may concern the batch before it.
    ///
    /// # Errors
    /// As [`Journal::append`]; the delivery cannot be committed then. [`StateError::DeliveryBroken`] from then on.
    pub fn push(&mut self, rows: Vec<u8>) -> Result<(), StateError> {
        self.settle()?;
        let make = sealing(&self.store.key, StateKind::Rows, Some(self.head), rows);
        self.last = Some(self.store.journal.submit(vec![make], false));
        Ok(())
    }

    /// Makes the whole delivery durable and lets it count; the sequence number of its end.
    ///
    /// # Errors
    /// As [`DeliveryWriter::push`]; after [`JournalError::Failed`] it is known only when the journal is opened anew
    /// whether the delivery counts.
    pub fn commit(mut self, end: Vec<u8>) -> Result<u64, StateError> {
        self.settle()?;
        #[cfg(feature = "defect-plant-bsn")]
        let end = [end, crate::domain::plant::bytes("state")].concat();
        let make = sealing(&self.store.key, StateKind::DeliveryEnd, Some(self.head), end);
        let seq = self.store.journal.submit(vec![make], true).wait()?.start;
        self.store.committed.lock().unwrap_or_else(PoisonError::into_inner).insert(self.head);
        Ok(seq)
    }

    fn settle(&mut self) -> Result<(), StateError> {
        if self.broken {
            return Err(StateError::DeliveryBroken);
        }
        if let Some(last) = self.last.take() {
            self.broken = true;
            last.wait()?;
            self.broken = false;
        }
        Ok(())
    }
}

impl Drop for DeliveryWriter<'_> {
    fn drop(&mut self) {
        self.store.delivering.store(false, Ordering::Release);
    }
}

fn context(kind: StateKind, seq: u64, delivery: u64) -> Vec<u8> {
    [b"ketenpoort/v1/state".as_slice(), &[kind as u8], &seq.to_be_bytes(), &delivery.to_be_bytes()].concat()
}

/// Seals a record once its sequence number is known; a `delivery` of `None` is that number itself.
fn sealing(key: &Arc<SealKey>, kind: StateKind, delivery: Option<u64>, body: Vec<u8>) -> Make {
    let key = Arc::clone(key);
    Box::new(move |seq| {
        let delivery = delivery.unwrap_or(seq);
        let mut record = vec![kind as u8];
        record.extend(delivery.to_be_bytes());
        record.extend(key.seal(&context(kind, seq, delivery), &body));
        record
    })
}

/// Kind, delivery and sealed body.
fn split(record: &[u8]) -> Option<(StateKind, u64, &[u8])> {
    let (prefix, sealed) = record.split_first_chunk::<PREFIX>()?;
    let (number, delivery) = prefix.split_first()?;
    let kind = *StateKind::ALL.get(usize::from(*number))?;
    Some((kind, u64::from_be_bytes(delivery.try_into().ok()?), sealed))
}
