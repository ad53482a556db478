//! What a node keeps in memory, and how it comes back from the state journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::cases::memory::CaseMemory;
use super::consent::SealedConsents;
use super::links::memory::LinkMemory;
use super::rows::{self, InvalidRows};
use super::sums::memory::SumMemory;
use crate::crypto::Digest;
use crate::disclosure::component::Component;
use crate::disclosure::ledger::{Ledger, StoredTable};
use crate::domain::codes::EventType;
use crate::domain::day::{Day, PartialDate, Precision};
use crate::domain::period::Period;
use crate::domain::query::IndicatorId;
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

/// A formal revision of a component: its quarters are frozen anew, as they stand at this point of the journal.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevisionRecord {
    /// Calendar year of the component.
    pub year: i16,
    /// Its indicators.
    pub indicators: BTreeSet<IndicatorId>,
    /// Which edition of its tables this makes, from 2.
    pub edition: u32,
    /// Day of the revision.
    pub day: Day,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who agreed, by their own statement.
    pub approved_by: Vec<String>,
}

impl RevisionRecord {
    /// Whether it is about (a part of) this component.
    #[must_use]
    pub fn concerns(&self, component: &Component) -> bool {
        let mut tables = component.tables.iter().chain(&component.earlier);
        self.year == component.year && tables.any(|table| self.indicators.contains(&table.indicator))
    }
}

/// The row set of a component since its last revision, or until the next one.
#[derive(Clone)]
pub struct Revised {
    /// The revision.
    pub record: RevisionRecord,
    /// The rows of its events.
    pub rows: Vec<RowRef>,
    /// The fingerprints of those events, sorted.
    events: Vec<u128>,
    /// Their events as columns.
    pub columns: Arc<Columns>,
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
    /// The row sets of components that were revised, in order.
    pub revised: Vec<Revised>,
}

impl Frozen {
    /// The row sets behind the editions of a component, oldest first; the last one counts now.
    pub(in crate::service) fn editions<'a>(&'a self, of: &'a Component) -> impl Iterator<Item = &'a [RowRef]> {
        let revised = self.revised.iter().filter(|revised| revised.record.concerns(of));
        std::iter::once(self.rows.as_slice()).chain(revised.map(|revised| revised.rows.as_slice()))
    }

    /// The columns over which a component is counted now.
    pub(in crate::service) fn columns_of(&self, component: &Component) -> &Arc<Columns> {
        let last = self.revised.iter().rfind(|revised| revised.record.concerns(component));
        last.map_or(&self.columns, |revised| &revised.columns)
    }

    /// Freezes everything that is frozen anew for one component, as the register has it now; the columns are to be read.
    pub(in crate::service) fn revise(&mut self, record: RevisionRecord, register: &mut Register) {
        let (mut rows, mut events) = (Vec::new(), Vec::new());
        take(&mut rows, &mut events, register, (&self.quarters, self.history));
        self.revised.push(Revised { record, rows, events, columns: Arc::default() });
    }

    /// The newest row set of a revision.
    pub(in crate::service) fn newest(&self) -> Option<&[RowRef]> {
        self.revised.last().map(|revised| revised.rows.as_slice())
    }

    /// Freezes what the register has stored now of the quarters and history that the record names; the columns are to
    /// be read from the rows then. Quarters and events that are frozen already stay as they are.
    pub(in crate::service) fn add(&mut self, record: &FreezeRecord, register: &mut Register) {
        let quarters: BTreeSet<Period> = record.quarters.difference(&self.quarters).copied().collect();
        let history = if self.history.is_none() { record.history } else { None };
        take(&mut self.rows, &mut self.events, register, (&quarters, history));
        for revised in &mut self.revised {
            take(&mut revised.rows, &mut revised.events, register, (&quarters, history));
        }
        self.quarters.extend(quarters);
        self.history = self.history.or(history);
    }

    /// Whether a date lies in what is frozen: what happens to its event does not enter released figures.
    pub(in crate::service) fn covers(&self, datum: PartialDate) -> bool {
        lies_in(datum, &self.quarters, self.history)
    }
}

/// Adds to a row set what the register has stored now of these quarters and history, without events that it holds.
fn take(
    rows: &mut Vec<RowRef>,
    events: &mut Vec<u128>,
    register: &mut Register,
    (quarters, history): (&BTreeSet<Period>, Option<Day>),
) {
    let added: Vec<(u128, RowRef)> = register
        .stored()
        .filter(|(event, datum, _)| lies_in(*datum, quarters, history) && events.binary_search(event).is_err())
        .map(|(event, _, row)| (event, row))
        .collect();
    rows.extend(added.iter().map(|(_, row)| row));
    events.extend(added.iter().map(|(event, _)| event));
    events.sort_unstable();
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
    /// Rows in quarantine that would have ended a stock or a wait, by type.
    pub in_quarantine: BTreeMap<EventType, u32>,
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
    /// What linked runs left here.
    pub links: LinkMemory,
    /// What is held of children for exchange.
    pub cases: CaseMemory,
    /// Consents, sealed.
    pub consents: SealedConsents,
}

/// Rebuilds [`Memory`] from the records of the state journal, in order; all but the columns.
pub struct Loader {
    register: Register,
    frozen: Frozen,
    convenants: BTreeMap<[u8; 32], ConvenantBundle>,
    ledger: Ledger,
    sums: SumMemory,
    links: LinkMemory,
    cases: CaseMemory,
    consents: SealedConsents,
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
            links: LinkMemory::default(),
            cases: CaseMemory::default(),
            consents: SealedConsents::default(),
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
            StateKind::Revision => {
                let record: RevisionRecord =
                    serde_json::from_slice(body).map_err(|_| InvalidState::Record("herziening"))?;
                self.frozen.revise(record, &mut self.register);
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
            StateKind::LinkRun => self.links.take_run(body).map_err(InvalidState::Record)?,
            StateKind::Consent => self.consents.take(body)?,
            StateKind::LinkRelease => self.links.take_release(body).map_err(InvalidState::Record)?,
            StateKind::CaseRows => self.cases.take_sealed(body).map_err(InvalidState::Record)?,
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
            in_quarantine: self.register.closing_in_quarantine(),
            window: self.register.window(),
            frozen: Arc::new(self.frozen),
            convenants: self.convenants,
            ledger: self.ledger,
            sums: self.sums,
            links: self.links,
            cases: self.cases,
            consents: self.consents,
        };
        (memory, self.register)
    }
}
