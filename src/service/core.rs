//! An open node: its keys, journals and memory. Every use case works on a `Core`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, TryLockError};

use thiserror::Error;

use super::accounts::Accounts;
use super::anchor::Anchors;
use super::append::Actions;
use super::cases::offer::Offers;
use super::cases::watch::Watch;
use super::cases::wire::WireIndex;
use super::columns::columns_of;
use super::convenants::Standing;
use super::ldv::Told;
use super::links::Links;
use super::memory::{InvalidState, Loader, Memory};
use super::pace::Pace;
use super::receipts::Receipts;
use super::refused::RefusedConnections;
use super::release::{Failed, Parts};
use super::requests::Requests;
use super::standards::RECORD_CALLS;
use super::sums::Runs;
use super::witness::Desk;
use crate::crypto::{KeyTree, SealUse, SigningKey, Tag};
use crate::domain::activity::ActivityBase;
use crate::domain::codes::{OrgType, Owner};
use crate::domain::day::{Day, WorkCalendar};
use crate::domain::gemeente::GemeenteList;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::domain::register::Register;
use crate::storage::audit::{AuditError, AuditLog};
use crate::storage::disk::Disk;
use crate::storage::files::FileError;
use crate::storage::inbox::Inbox;
use crate::storage::log::{LogError, LogIndex, TransferLog};
use crate::storage::state::{StateError, StateStore};
use crate::storage::subjects::{SubjectKeys, SubjectsError};
use crate::storage::witness::WitnessError;
use crate::translog::entry::{Entry, Outcome};

/// Time, given from outside so that tests can set it.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1 January 1970 UTC.
    fn now_ms(&self) -> u64;
    /// The calendar day in Europe/Amsterdam.
    fn today(&self) -> Day;
}

/// Who a node is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Identification number.
    pub oin: Oin,
    /// Name as partners know it.
    pub name: String,
    /// Kind of organisation.
    pub org_type: OrgType,
    /// Owners whose event types it delivers.
    pub levert: Vec<Owner>,
    /// What stands before the identifiers of its processing activities.
    pub activities: ActivityBase,
}

/// A node cannot be made, opened or used.
#[derive(Debug, Error)]
pub enum CoreError {
    /// The state journal.
    #[error(transparent)]
    State(#[from] StateError),
    /// A record in the state journal.
    #[error("{0}; de node start niet, herstel een reservekopie")]
    Record(#[from] InvalidState),
    /// The transfer log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Nothing may leave or be asked now.
    #[error("{}; {}", .0.sentence(), .0.remedy())]
    Stopped(ReasonCode),
    /// The records of the witness.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The keys of data subjects.
    #[error(transparent)]
    Subjects(#[from] SubjectsError),
    /// The inbox.
    #[error(transparent)]
    Inbox(#[from] FileError),
    /// Asked to ask someone who is no party.
    #[error("{0} is geen partij bij het convenant")]
    NotAParty(Oin),
}

/// An open node.
pub struct Core {
    /// Who it is.
    pub identity: Identity,
    /// Municipality codes with their validity.
    pub gemeenten: GemeenteList,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Working days.
    pub calendar: WorkCalendar,
    /// Everything secret derives from here.
    pub(in crate::service) keys: KeyTree,
    pub(in crate::service) signing: SigningKey,
    pub(in crate::service) state: StateStore,
    pub(in crate::service) log: TransferLog,
    memory: RwLock<Memory>,
    writing: Mutex<Register>,
    releasing: Mutex<()>,
    failed_releases: Mutex<Failed>,
    pub(in crate::service) parts: Mutex<Parts>,
    standing: RwLock<Option<Arc<Standing>>>,
    pub(in crate::service) index: LogIndex,
    pub(in crate::service) subjects: SubjectKeys,
    pub(in crate::service) requests: Requests,
    pub(in crate::service) receipts: Receipts,
    pub(in crate::service) refused: RefusedConnections,
    pub(in crate::service) export: Told,
    pub(in crate::service) record_calls: Mutex<Pace>,
    pub(in crate::service) desk: Desk,
    pub(in crate::service) audit: AuditLog,
    pub(in crate::service) anchors: Anchors,
    pub(in crate::service) actions: Actions,
    pub(in crate::service) runs: Runs,
    pub(in crate::service) links: Links,
    pub(in crate::service) wire: WireIndex,
    accounts: Accounts,
    pub(in crate::service) watch: Mutex<Watch>,
    pub(in crate::service) offers: Offers,
    pub(in crate::service) inbox: Inbox,
}

/// Where a node's journals are, and the index over them.
struct Places {
    state: PathBuf,
    log: PathBuf,
    index: PathBuf,
    subjects: PathBuf,
    witness: PathBuf,
    audit: PathBuf,
    receipts: PathBuf,
    console: PathBuf,
    inbox: PathBuf,
}

impl Places {
    fn under(data: &Path) -> Self {
        Self {
            state: data.join("state"),
            log: data.join("translog"),
            index: data.join("index"),
            subjects: data.join("subjects"),
            witness: data.join("witness"),
            audit: data.join("audit"),
            receipts: data.join("receipts"),
            console: data.join("console"),
            inbox: data.join("inbox"),
        }
    }
}

impl Core {
    /// Makes the empty journals of a new node under `data`; a separate act, never done by opening.
    ///
    /// # Errors
    /// [`CoreError`] when journals exist there or cannot be written.
    pub fn create(data: &Path, oin: Oin, keys: &KeyTree) -> Result<(), CoreError> {
        let places = Places::under(data);
        StateStore::create(&places.state, keys.seal_key(SealUse::State))?;
        TransferLog::create(&places.log, oin, Arc::new(keys.checkpoint_key()))?;
        AuditLog::create(&places.audit, oin, keys.seal_key(SealUse::Audit), keys.signing_key())?;
        Receipts::create(&places.receipts)?;
        Ok(())
    }

    /// Opens a node: both journals are replayed and checked.
    ///
    /// # Errors
    /// [`CoreError`]: the node must not start.
    pub fn open(
        data: &Path,
        identity: Identity,
        keys: KeyTree,
        gemeenten: GemeenteList,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CoreError> {
        let places = Places::under(data);
        let (state, _) = StateStore::open(&places.state, keys.seal_key(SealUse::State))?;
        let log = TransferLog::open(&places.log, identity.oin, Arc::new(keys.checkpoint_key()))?;
        let (audit, made) = open_audit(&places.audit, identity.oin, &keys)?;
        let receipts = super::receipts::open(&places.receipts, log.counters())?;
        let (mut memory, mut register) = load(&state, None)?;
        Arc::make_mut(&mut memory.frozen).read_columns(&state)?;
        memory.columns = Arc::new(columns_of(&state, &register.stored_refs())?);
        let ours = identity.oin;
        let (seal, tags) = (keys.seal_key(SealUse::Subjects), keys.subject_tag_key());
        let subjects = SubjectKeys::new(places.subjects, seal, tags, Disk::plain());
        memory.cases.unseal(&subjects)?;
        let accounts = Accounts::new(&places.console, &keys);
        let inbox = Inbox::new(places.inbox, keys.seal_key(SealUse::Inbox));
        let desk = Desk::open(&places.witness, keys.witness_key(), clock.now_ms())?;
        let core = Self {
            identity,
            gemeenten,
            clock,
            calendar: WorkCalendar::new(),
            signing: keys.signing_key(),
            keys,
            state,
            log,
            memory: RwLock::new(memory),
            writing: Mutex::new(register),
            releasing: Mutex::default(),
            failed_releases: Mutex::default(),
            parts: Mutex::default(),
            standing: RwLock::new(None),
            index: LogIndex::new(&places.index, ours),
            subjects,
            requests: Requests::default(),
            receipts,
            refused: RefusedConnections::default(),
            export: Told::default(),
            record_calls: Mutex::new(Pace::of(RECORD_CALLS)),
            desk,
            audit,
            anchors: Anchors::default(),
            actions: Actions::default(),
            runs: Runs::default(),
            links: Links::default(),
            wire: WireIndex::default(),
            accounts,
            watch: Mutex::default(),
            offers: Offers::default(),
            inbox,
        };
        core.refresh_standing();
        core.compare_length()?;
        core.close_open_intents()?;
        core.recover_inbox()?;
        core.look_at_audit(made)?;
        Ok(core)
    }

    /// The memory, for reading.
    pub(in crate::service) fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the memory; callers that also write the state journal hold [`Core::writing`] around both.
    pub(in crate::service) fn change<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(&mut self.memory.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// One writer of the state journal at a time; it holds the register of versions and duplicates.
    pub(in crate::service) fn writing(&self) -> MutexGuard<'_, Register> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Core::writing`]; none while a delivery is being taken in.
    pub(in crate::service) fn try_writing(&self) -> Option<MutexGuard<'_, Register>> {
        match self.writing.try_lock() {
            Ok(register) => Some(register),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// One release at a time: the second asker of a component finds it stored.
    pub(in crate::service) fn releasing(&self) -> MutexGuard<'_, ()> {
        self.releasing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Components that could not be released; held for a moment only.
    pub(in crate::service) fn failed_releases(&self) -> MutexGuard<'_, Failed> {
        self.failed_releases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the whole journal again as it was known on a day, without what was frozen.
    pub(in crate::service) fn known_at(&self, day: Day) -> Result<Memory, CoreError> {
        let (mut memory, mut register) = load(&self.state, Some(day))?;
        memory.columns = Arc::new(columns_of(&self.state, &register.stored_refs())?);
        Ok(memory)
    }

    /// After deliveries: the memory of what the register has stored now.
    pub(in crate::service) fn refresh(&self, register: &mut Register) -> Result<(), CoreError> {
        // A delivery that a fault broke off does not count.
        register.abandon();
        let columns = Arc::new(columns_of(&self.state, &register.stored_refs())?);
        let (quality, window) = (register.quality(), register.window());
        let in_quarantine = register.closing_in_quarantine();
        self.change(|memory| {
            memory.columns = columns;
            memory.quality = quality;
            memory.in_quarantine = in_quarantine;
            memory.window = window;
        });
        Ok(())
    }

    /// Appends an entry that nothing else has to prove; durable when this returns.
    pub(in crate::service) fn note(&self, entry: &Entry) -> Result<(), LogError> {
        self.append(entry).map(drop)
    }

    /// The transfer log.
    #[must_use]
    pub fn transfer_log(&self) -> &TransferLog {
        &self.log
    }

    /// The accounts of the console.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// What this node calls the person with this BSN.
    #[must_use]
    pub fn subject_of(&self, bsn: &crate::domain::bsn::Bsn) -> Tag {
        bsn.local_pseudonym(&self.keys.local_key())
    }

    /// The open journals, for tests that look for leaks in what the node's own keys can open.
    #[must_use]
    pub fn state_store(&self) -> &StateStore {
        &self.state
    }

    /// Whether a write or sync failed, so that the process must stop.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.log.failed() || self.receipts.failed() || self.state.journal().failed()
    }

    pub(in crate::service) fn kept_standing(&self) -> Option<Arc<Standing>> {
        self.standing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::service) fn keep_standing(&self, standing: Arc<Standing>) {
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    }

    /// Transfers that a crash left open end as "unknown": nobody knows whether they arrived. On a full disk they stay open
    /// until the next start.
    fn close_open_intents(&self) -> Result<(), CoreError> {
        for (number, _) in self.log.open_intents() {
            let Some(intent) = self.log.entry(*number)? else { continue };
            match self.note(&super::entries::outcome(&intent, Outcome::Unknown, self.clock.now_ms())) {
                Err(LogError::Full) => return Ok(()),
                noted => noted?,
            }
        }
        Ok(())
    }
}

/// Opens the audit log; one that never was (a node of an earlier version) or is gone is made, and that is said.
fn open_audit(dir: &Path, oin: Oin, keys: &KeyTree) -> Result<(AuditLog, bool), AuditError> {
    let (seal, signing) = (keys.seal_key(SealUse::Audit), keys.signing_key());
    match AuditLog::exists(dir) {
        true => Ok((AuditLog::open(dir, oin, seal, signing)?, false)),
        false => Ok((AuditLog::create(dir, oin, seal, signing)?, true)),
    }
}

/// Everything but the columns.
fn load(state: &StateStore, known_at: Option<Day>) -> Result<(Memory, Register), CoreError> {
    let mut loader = Loader::new(known_at);
    state.replay::<CoreError>(|_, kind, body| Ok(loader.take(kind, &body)?))?;
    Ok(loader.finish())
}
