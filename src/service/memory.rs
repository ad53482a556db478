//! What a node keeps in memory, and how it comes back from the state journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::rows::{self, InvalidRows};
use super::sums::memory::SumMemory;
use crate::crypto::Digest;
use crate::disclosure::ledger::{Ledger, StoredTable};
use crate::domain::day::{Day, PartialDate, Precision};
use crate::domain::period::Period;
use crate::domain::register::{DataWindow, DeliveryHead, Quality, Register, RowRef};
use crate::indicator::columns::Columns;
use crate::policy::bundle::ConvenantBundle;
use crate::storage::state::StateKind;

/// A record of the state journal cannot be used.
#[derive(Debug, Error)]
pub enum InvalidState {
    /// Rows of a delivery.
    #[error("een levering in het statusjournaal is onleesbaar")]
    Rows(#[from] InvalidRows),
    /// Any other record.
    #[error("een {0} in het statusjournaal is onleesbaar")]
    Record(&'static str),
}

/// Head of a delivery as the journal keeps it.
#[derive(Serialize, Deserialize)]
pub struct HeadRecord {
    file: String,
    sha256: String,
    at: i64,
    replaces: Option<(Day, Day)>,
    window: Option<(Day, Day)>,
}

impl HeadRecord {
    /// The bytes for the journal.
    #[must_use]
    pub fn encode(head: &DeliveryHead) -> Vec<u8> {
        let record = Self {
            file: head.file.clone(),
            sha256: head.sha256.to_hex(),
            at: head.at,
            replaces: head.replaces,
            window: head.window,
        };
        serde_json::to_vec(&record).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Result<DeliveryHead, InvalidState> {
        let wrong = InvalidState::Record("levering");
        let record: Self = serde_json::from_slice(bytes).map_err(|_| InvalidState::Record("levering"))?;
        let sha256 = Digest::from_hex(&record.sha256).ok_or(wrong)?;
        Ok(DeliveryHead { file: record.file, sha256, at: record.at, replaces: record.replaces, window: record.window })
    }
}

/// Quarters whose row set is frozen at this point of the journal.
#[derive(Serialize, Deserialize)]
pub struct FreezeRecord {
    /// The quarters.
    pub quarters: BTreeSet<Period>,
    /// At the first freeze: everything before this day is history and frozen too, so that running measures count.
    pub history: Option<Day>,
}

/// The frozen row sets.
#[derive(Clone, Default)]
pub struct Frozen {
    /// Which quarters are frozen.
    pub quarters: BTreeSet<Period>,
    /// Events before this day are frozen as history; their quarters are never released.
    pub history: Option<Day>,
    /// The rows of their events.
    pub rows: Vec<RowRef>,
    /// The fingerprints of those events, sorted: an event is frozen once, whatever becomes of it later.
    pub events: Vec<u128>,
    /// Their events as columns; empty when nothing is frozen.
    pub columns: Arc<Columns>,
}

impl Frozen {
    /// Freezes what the register has stored now of the quarters and history that the record names; the columns are to
    /// be read from the rows then. Quarters and events that are frozen already stay as they are.
    pub(in crate::service) fn add(&mut self, record: &FreezeRecord, register: &mut Register) {
        let quarters: BTreeSet<Period> = record.quarters.difference(&self.quarters).copied().collect();
        let history = if self.history.is_none() { record.history } else { None };
        let added: Vec<(u128, RowRef)> = register
            .stored()
            .filter(|(event, datum, _)| lies_in(*datum, &quarters, history) && !self.holds(*event))
            .map(|(event, _, row)| (event, row))
            .collect();
        self.rows.extend(added.iter().map(|(_, row)| row));
        self.events.extend(added.iter().map(|(event, _)| event));
        self.events.sort_unstable();
        self.quarters.extend(quarters);
        self.history = self.history.or(history);
    }

    /// Whether a version of this event is frozen.
    fn holds(&self, event: u128) -> bool {
        self.events.binary_search(&event).is_ok()
    }

    /// Whether a date lies in what is frozen: what happens to its event does not enter released figures.
    pub(in crate::service) fn covers(&self, datum: PartialDate) -> bool {
        lies_in(datum, &self.quarters, self.history)
    }
}

/// A date belongs to the quarter of its last possible day: only then is it known to lie in a period that has ended. A day
/// and a month lie in one quarter, a year goes with its last one.
fn lies_in(datum: PartialDate, quarters: &BTreeSet<Period>, history: Option<Day>) -> bool {
    datum.precision != Precision::U
        && (quarters.contains(&Period::quarter_of(datum.hi)) || history.is_some_and(|day| datum.hi < day))
}

/// What a node keeps in memory.
pub struct Memory {
    /// The stored events.
    pub columns: Arc<Columns>,
    /// Data quality over all deliveries (IND-24).
    pub quality: Quality,
    /// First and last day that the deliveries cover.
    pub window: Option<DataWindow>,
    /// The frozen row sets.
    pub frozen: Arc<Frozen>,
    /// Convenants by their hash; the newest bundle of each.
    pub convenants: BTreeMap<[u8; 32], ConvenantBundle>,
    /// Everything that was released.
    pub ledger: Ledger,
    /// What runs of regional sums left here.
    pub sums: SumMemory,
}

/// Rebuilds [`Memory`] from the records of the state journal, in order; all but the columns.
pub struct Loader {
    register: Register,
    frozen: Frozen,
    convenants: BTreeMap<[u8; 32], ConvenantBundle>,
    ledger: Ledger,
    sums: SumMemory,
}

impl Loader {
    /// Starts empty; `known_at` leaves out rows that were registered after that day.
    #[must_use]
    pub fn new(known_at: Option<Day>) -> Self {
        Self {
            register: Register::new(known_at),
            frozen: Frozen::default(),
            convenants: BTreeMap::new(),
            ledger: Ledger::default(),
            sums: SumMemory::default(),
        }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// [`InvalidState`] when the record cannot be read: the node must not start.
    pub fn take(&mut self, kind: StateKind, body: &[u8]) -> Result<(), InvalidState> {
        match kind {
            StateKind::DeliveryHead => {
                self.register.begin(HeadRecord::decode(body)?);
            }
            StateKind::Rows => {
                for record in rows::unpack(body) {
                    self.register.apply(&record?);
                }
            }
            StateKind::DeliveryEnd => {
                self.register.end();
            }
            StateKind::DeliveryRefused => {
                self.register.refuse(HeadRecord::decode(body)?);
            }
            StateKind::Freeze => {
                let record: FreezeRecord =
                    serde_json::from_slice(body).map_err(|_| InvalidState::Record("bevriezing"))?;
                self.frozen.add(&record, &mut self.register);
            }
            StateKind::Convenant => {
                let text = std::str::from_utf8(body).map_err(|_| InvalidState::Record("convenant"))?;
                let bundle = ConvenantBundle::parse(text).map_err(|_| InvalidState::Record("convenant"))?;
                self.convenants.insert(bundle.hash().0, bundle);
            }
            StateKind::Answer => {
                self.ledger.add(StoredTable::from_bytes(body).map_err(|_| InvalidState::Record("vrijgave"))?);
            }
            StateKind::SumRelease => self.sums.take_release(body).map_err(InvalidState::Record)?,
            StateKind::SumBegun => self.sums.take_begun(body).map_err(InvalidState::Record)?,
            StateKind::SumShare => self.sums.take_share(body).map_err(InvalidState::Record)?,
            _ => {}
        }
        Ok(())
    }

    /// The memory at the end of the journal, its columns still empty, and the register that the next delivery goes on
    /// with.
    #[must_use]
    pub fn finish(mut self) -> (Memory, Register) {
        self.register.abandon();
        let memory = Memory {
            columns: Arc::default(),
            quality: self.register.quality(),
            window: self.register.window(),
            frozen: Arc::new(self.frozen),
            convenants: self.convenants,
            ledger: self.ledger,
            sums: self.sums,
        };
        (memory, self.register)
    }
}
