//! Formal revision: with the agreement of two people a node counts a released component anew, over its records as they stand
//! now, and replaces all its tables at once. What it replaces stays kept, and known to every later audit.

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

use super::columns::{columns_of, compared_columns_of};
use super::core::{Core, CoreError};
use super::entries;
use super::memory::{Frozen, RevisionRecord};
use super::release::{Frame, NotReleased, Outcome, ReleaseLine, core_reason, fault_reason, indicators_of, tell_audit};
use super::subjects::{SubjectError, sealed_reason};
use crate::disclosure::component::{Component, with_coarser};
use crate::disclosure::release::{Made, Records, revise};
use crate::domain::query::IndicatorId;
use crate::domain::reason::ReasonCode;
use crate::domain::register::Register;
use crate::storage::log::LogError;
use crate::storage::state::StateKind;
use crate::translog::entry::Outcome as Ended;

/// Name of a revision in the log.
pub const REVISION: &str = "herziening-cijfers";

/// What is to be revised, why, and who agrees.
#[derive(Clone, Debug)]
pub struct RevisionOrder {
    /// Calendar year.
    pub year: i16,
    /// Components with one of these indicators; empty for all of the year.
    pub indicators: Vec<IndicatorId>,
    /// Why; sealed in the log.
    pub reason: String,
    /// The names of two different people, by their own statement.
    pub approved_by: Vec<String>,
}

/// A revision was not begun, or could not be written down.
#[derive(Debug, Error)]
pub enum RevisionError {
    /// Not two different people.
    #[error("een herziening vraagt de namen van twee verschillende medewerkers")]
    Approval,
    /// Nothing of it was ever released.
    #[error("van dit jaar en deze indicatoren is niets vrijgegeven; er is niets te herzien")]
    Nothing,
    /// A regional sum is never revised.
    #[error(
        "deze cijfers zijn als regionale som vrijgegeven of daarin gedeeld; een regionale som wordt niet herzien \
         (docs/adr/0017): meld wat er niet klopt bij de ketenmonitor, en laat de volgende periode goed zijn"
    )]
    Summed,
    /// Nothing can be released now.
    #[error("{} {}", .0.sentence(), .0.remedy())]
    Stopped(ReasonCode),
    /// The reason, or the entry of it.
    #[error(transparent)]
    Entry(#[from] SubjectError),
    /// The transfer log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The state journal.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl From<ReasonCode> for RevisionError {
    fn from(reason: ReasonCode) -> Self {
        Self::Stopped(reason)
    }
}

impl Core {
    /// Revises every component of the order, each by itself: all its tables or none. A component that cannot be revised
    /// stays as it is and stands in the result with the reason.
    ///
    /// # Errors
    /// [`RevisionError`]; what was revised before it stays revised.
    pub fn revise(&self, order: &RevisionOrder) -> Result<Vec<ReleaseLine>, RevisionError> {
        sealed_reason(&order.reason)?;
        let [one, other] = order.approved_by.as_slice() else { return Err(RevisionError::Approval) };
        let name = |text: &str| text.trim().to_lowercase();
        if name(one).is_empty() || name(other).is_empty() || name(one) == name(other) {
            return Err(RevisionError::Approval);
        }
        self.freeze_settled()?;
        let _one_at_a_time = self.releasing();
        let standing = self.standing();
        let convenants = standing.in_force.as_ref().map_err(|reason| *reason)?;
        let mut lines: Vec<ReleaseLine> = Vec::new();
        for convenant in convenants.iter().filter(|c| self.delivers_under(c)) {
            let parts = self.parts(&self.frame(convenant)?, &BTreeSet::from([order.year]));
            for component in parts.iter() {
                let indicators = indicators_of(component);
                let wanted = order.indicators.is_empty() || indicators.iter().any(|id| order.indicators.contains(id));
                let done = lines.iter().any(|line| line.indicators.iter().any(|id| indicators.contains(id)));
                let frame = self.frame(convenant)?;
                let released = component.released(&self.memory().ledger, frame.until);
                if wanted && !done && !released.is_empty() {
                    self.still_in_force(&convenant.hash())?;
                    let result = self.revise_component(component, &frame, order)?;
                    lines.push(ReleaseLine { year: component.year, indicators, result });
                }
            }
        }
        match lines.is_empty() {
            true if self.memory().sums.touches(order.year, &order.indicators) => Err(RevisionError::Summed),
            true => Err(RevisionError::Nothing),
            false => Ok(lines),
        }
    }

    /// Audits the revision of one component and, when it is safe, logs it and makes it durable in one step.
    fn revise_component(
        &self,
        component: &Component,
        frame: &Frame<'_>,
        order: &RevisionOrder,
    ) -> Result<Outcome, RevisionError> {
        if component.tables.iter().chain(&component.earlier).any(|table| frame.is_shared(table)) {
            let why = RevisionError::Summed.to_string();
            return Ok(Err(NotReleased { reason: ReasonCode::ComponentClosed, why }));
        }
        // An audit takes long, and deliveries go on meanwhile. When one of them changed what was counted, all is counted once
        // more, and then no delivery comes in before it is written down.
        for alone in [false, true] {
            // The frame is of what is frozen now: nobody freezes while the register is held.
            let mut register = self.writing();
            let frame = self.frame(frame.convenant)?;
            register.abandon();
            let (record, frozen) = self.anew(component, &frame, order, &mut register);
            let kept = alone.then_some(register);
            let (made, frozen) = match self.counted(component, &frame, frozen)? {
                Ok(counted) => counted,
                Err(not) => return Ok(Err(not)),
            };
            let mut register = kept.unwrap_or_else(|| self.writing());
            register.abandon();
            let same = Arc::ptr_eq(&self.memory().frozen, &frame.frozen)
                && self.anew(component, &frame, order, &mut register).1.newest() == frozen.newest();
            if same || alone {
                tell_audit(component, made.tables.len(), &made.summary);
                let done = (made.tables.len(), made.summary.clone());
                self.store_revision(&record, made, frozen)?;
                return Ok(Ok(done));
            }
        }
        Err(RevisionError::Nothing)
    }

    /// The record of the revision, and what is frozen with it as the register has it now.
    fn anew(
        &self,
        component: &Component,
        frame: &Frame<'_>,
        order: &RevisionOrder,
        register: &mut Register,
    ) -> (RevisionRecord, Frozen) {
        let record = RevisionRecord {
            year: component.year,
            indicators: component.tables.iter().chain(&component.earlier).map(|table| table.indicator).collect(),
            edition: component.edition(&self.memory().ledger) + 1,
            day: frame.today,
            reason: order.reason.clone(),
            approved_by: order.approved_by.clone(),
        };
        let mut frozen = Frozen::clone(&frame.frozen);
        frozen.revise(record.clone(), register);
        (record, frozen)
    }

    /// Counts and audits the component over the newest row set, without holding up anybody.
    fn counted(
        &self,
        component: &Component,
        frame: &Frame<'_>,
        mut frozen: Frozen,
    ) -> Result<Result<(Made, Frozen), NotReleased>, RevisionError> {
        let ledger = self.memory().ledger.clone();
        let Some(set) = frozen.revised.last_mut() else { return Err(RevisionError::Nothing) };
        let compared = compared_columns_of(&self.state, &set.rows)?;
        let raws = self.computed(&compared, frame, &with_coarser(component.released(&ledger, frame.until).into_iter()));
        let past = self.past_tables(component, &ledger, frame, component.edition(&ledger))?;
        let tie_key = self.keys.tiebreak_key();
        let made = match revise(component, &ledger, Records { raws: &raws, past: &past }, &frame.terms(&tie_key)) {
            Ok(made) => made,
            Err(fault) => return Ok(Err(NotReleased { reason: fault_reason(&fault), why: fault.to_string() })),
        };
        // Whatever can fail comes before the record: once it is durable, memory follows.
        set.columns = Arc::new(columns_of(&self.state, &set.rows)?);
        Ok(Ok((made, frozen)))
    }

    /// The record, the witness and all tables become durable in one step, between an INTENT and an OUTCOME.
    fn store_revision(&self, record: &RevisionRecord, made: Made, frozen: Frozen) -> Result<(), RevisionError> {
        let Made { tables, witness, .. } = made;
        let mut intent = self.local_entry(REVISION, "Vrijgegeven cijfers formeel herzien");
        "P1".clone_into(&mut intent.purpose);
        intent.field_names = record.indicators.iter().map(ToString::to_string).collect();
        let _ = self.note_about(intent.clone(), &sealed_reason(&record.reason)?)?;
        let head =
            [(StateKind::Revision, serde_json::to_vec(record).unwrap_or_default()), (StateKind::Witness, witness)];
        let answers = tables.iter().map(|table| (StateKind::Answer, table.to_bytes()));
        let stored = self.state.append_batch(head.into_iter().chain(answers).collect());
        let ended = if stored.is_ok() { Ended::Confirmed } else { Ended::Failed };
        let mut end = entries::outcome(&intent, ended, self.clock.now_ms());
        end.row_count = Some(tables.len() as u64).filter(|_| stored.is_ok());
        if stored.is_ok() {
            self.change(|memory| {
                memory.frozen = Arc::new(frozen);
                tables.into_iter().for_each(|table| memory.ledger.add(table));
            });
            self.failed_releases().clear();
        }
        self.note(&end)?;
        stored.map_err(|e| RevisionError::Stopped(core_reason(&CoreError::State(e))))?;
        Ok(())
    }
}
