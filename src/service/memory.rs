//! What a node keeps in memory, and how it comes back from the state journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::rows::{self, InvalidRows};
use crate::crypto::Digest;
use crate::disclosure::ledger::{Ledger, StoredTable};
use crate::domain::day::{Day, Precision};
use crate::domain::event::Event;
use crate::domain::period::Period;
use crate::domain::register::{DataWindow, DeliveryHead, Quality, Register, RowRef};
use crate::domain::row::RowKind;
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
#[derive(Default)]
pub struct Frozen {
    /// Which quarters are frozen.
    pub quarters: BTreeSet<Period>,
    /// Events before this day are frozen as history; their quarters are never released.
    pub history: Option<Day>,
    /// Their events as columns; empty when nothing is frozen.
    pub columns: Arc<Columns>,
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
}

/// Rebuilds [`Memory`] from the records of the state journal, in order.
pub struct Loader {
    register: Register,
    open_head: Option<DeliveryHead>,
    delivery: u32,
    row: u32,
    events: HashMap<RowRef, Event>,
    frozen_quarters: BTreeSet<Period>,
    history: Option<Day>,
    frozen_events: Vec<Event>,
    convenants: BTreeMap<[u8; 32], ConvenantBundle>,
    ledger: Ledger,
}

impl Loader {
    /// Starts empty; `known_at` leaves out rows that were registered after that day.
    #[must_use]
    pub fn new(known_at: Option<Day>) -> Self {
        Self {
            register: Register::new(known_at),
            open_head: None,
            delivery: 0,
            row: 0,
            events: HashMap::new(),
            frozen_quarters: BTreeSet::new(),
            history: None,
            frozen_events: Vec::new(),
            convenants: BTreeMap::new(),
            ledger: Ledger::default(),
        }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// [`InvalidState`] when the record cannot be read: the node must not start.
    pub fn take(&mut self, kind: StateKind, body: &[u8]) -> Result<(), InvalidState> {
        match kind {
            StateKind::DeliveryHead => {
                let head = HeadRecord::decode(body)?;
                self.delivery = self.register.begin(head.clone());
                self.open_head = Some(head);
                self.row = 0;
            }
            StateKind::Rows => self.take_rows(body)?,
            StateKind::DeliveryEnd => {
                self.register.end();
                self.open_head = None;
            }
            StateKind::DeliveryRefused => {
                self.register.refuse(HeadRecord::decode(body)?);
            }
            StateKind::Freeze => {
                let record: FreezeRecord =
                    serde_json::from_slice(body).map_err(|_| InvalidState::Record("bevriezing"))?;
                self.freeze(record);
            }
            StateKind::Convenant => {
                let text = std::str::from_utf8(body).map_err(|_| InvalidState::Record("convenant"))?;
                let bundle = ConvenantBundle::parse(text).map_err(|_| InvalidState::Record("convenant"))?;
                self.convenants.insert(bundle.hash().0, bundle);
            }
            StateKind::Answer => {
                self.ledger.add(StoredTable::from_bytes(body).map_err(|_| InvalidState::Record("vrijgave"))?);
            }
            _ => {}
        }
        Ok(())
    }

    fn take_rows(&mut self, body: &[u8]) -> Result<(), InvalidState> {
        for record in rows::unpack(body) {
            let record = record?;
            let at = RowRef { delivery: self.delivery, row: self.row };
            self.row += 1;
            let taken = self.register.apply(&record).is_some();
            if let RowKind::Accepted(accepted) = record.kind
                && taken
            {
                self.events.insert(at, accepted.event);
            }
        }
        Ok(())
    }

    fn freeze(&mut self, record: FreezeRecord) {
        let history = if self.history.is_none() { record.history } else { None };
        for at in self.register.stored_refs() {
            if let Some(event) = self.events.get(&at)
                && event.datum.precision != Precision::U
                && (record.quarters.contains(&Period::quarter_of(event.datum.lo))
                    || history.is_some_and(|day| event.datum.lo < day))
            {
                self.frozen_events.push(event.clone());
            }
        }
        self.frozen_quarters.extend(record.quarters);
        self.history = self.history.or(history);
    }

    /// The memory at the end of the journal, and the register that the next delivery goes on with.
    #[must_use]
    pub fn finish(mut self) -> (Memory, Register) {
        self.register.abandon();
        let refs = self.register.stored_refs();
        let events = refs.iter().filter_map(|at| self.events.remove(at));
        let memory = Memory {
            columns: Arc::new(Columns::build(events)),
            quality: self.register.quality(),
            window: self.register.window(),
            frozen: Arc::new(Frozen {
                quarters: self.frozen_quarters,
                history: self.history,
                columns: Arc::new(Columns::build(self.frozen_events)),
            }),
            convenants: self.convenants,
            ledger: self.ledger,
        };
        (memory, self.register)
    }
}
