//! Releasing: whatever a question touches is released whole, stored, and only then answered from what is stored.

use super::core::{Core, CoreError};
use crate::crypto::Digest;
use crate::disclosure::DisclosureFault;
use crate::disclosure::component::{Component, components};
use crate::disclosure::ledger::StoredTable;
use crate::disclosure::release::{Released, Terms, answer, release_due};
use crate::domain::day::Day;
use crate::domain::query::{Query, TableQuery};
use crate::domain::reason::ReasonCode;
use crate::indicator::columns::Columns;
use crate::indicator::compute::{Settings, compute_release};
use crate::indicator::raw::RawTable;
use crate::indicator::release::Release;
use crate::policy::permit::Permit;
use crate::storage::journal::JournalError;
use crate::storage::state::{StateError, StateKind};

/// N of linked figures; no released indicator uses another.
const WITHIN_DAYS: u32 = 365;

impl Core {
    /// The released tables of a question. Every component that it touches is released as far as it is due, made durable,
    /// and answered from its stored bytes; what is asked does not change what is released.
    pub(in crate::service) fn release(&self, permit: &Permit) -> Result<Released, ReasonCode> {
        self.freeze_settled().map_err(|e| core_reason(&e))?;
        let _one_at_a_time = self.releasing();
        let (window, frozen) = {
            let memory = self.memory();
            (memory.window, std::sync::Arc::clone(&memory.frozen))
        };
        let window = window.ok_or(ReasonCode::OutsideWindow)?;
        let asked = permit.query().tables();
        let frozen_whole = |t: &&TableQuery| t.period.quarters().iter().all(|q| frozen.quarters.contains(q));
        if !asked.iter().any(|t| frozen_whole(&t)) {
            return Err(ReasonCode::OutsideWindow);
        }
        let until = frozen.quarters.last().ok_or(ReasonCode::NotSettled)?.bounds().1;
        let settings =
            Settings { horizon: until, data_from: window.from, within: WITHIN_DAYS, organisation: self.identity.oin };
        let release = Release {
            settings,
            owners: self.identity.levert.clone(),
            domains: permit.domains().clone(),
            bin_cuts: permit.bin_cuts().to_vec(),
        };
        // A quarter from before the data window is never frozen, so what touches it is never released.
        let later = |t: &TableQuery| t.period.bounds().1 > until;
        let declared: Vec<TableQuery> = declared(permit).into_iter().filter(|t| frozen_whole(&t) || later(t)).collect();
        let parts = components(&declared, &release);
        for component in parts.iter().filter(|c| asked.iter().any(|t| c.tables.contains(t))) {
            self.release_component(component, &release, permit, &frozen.columns)?;
        }
        let memory = self.memory();
        answer(permit.query(), &parts, &memory.ledger).map_err(|fault| fault_reason(&fault))
    }

    fn release_component(
        &self,
        component: &Component,
        release: &Release,
        permit: &Permit,
        columns: &Columns,
    ) -> Result<(), ReasonCode> {
        let ledger = self.memory().ledger.clone();
        let until = release.settings.horizon;
        let question = component.question(&ledger, until).hash();
        let raw = |table: &TableQuery, horizon: Day, question: Digest| -> RawTable {
            let settings = Settings { horizon, ..release.settings };
            compute_release(columns, &Release { settings, ..release.clone() }, &self.calendar, table, question)
        };
        let jobs = component.needed(&ledger, until);
        let raws: Vec<RawTable> = jobs.iter().map(|job| raw(&job.table, job.horizon, question)).collect();
        let terms = Terms {
            release,
            rules: permit.rules(),
            convenant: permit.convenant_hash(),
            tie_key: &self.keys.tiebreak_key(),
            until,
            today: self.clock.today(),
        };
        let (stored, summary) = release_due(component, &ledger, &raws, &terms).map_err(|fault| fault_reason(&fault))?;
        if stored.is_empty() {
            return Ok(());
        }
        tracing::info!(
            year = component.year,
            tables = stored.len(),
            cells = summary.cells,
            primaries = summary.primaries,
            secondaries = summary.secondaries,
            runs = summary.runs,
            left_out = summary.left_out.len(),
            "vrijgave getoetst"
        );
        let records = stored.iter().map(|table| (StateKind::Answer, table.to_bytes())).collect();
        self.state.append_batch(records).map_err(|e| core_reason(&CoreError::State(e)))?;
        self.change(|memory| stored.into_iter().for_each(|table: StoredTable| memory.ledger.add(table)));
        Ok(())
    }
}

/// Every table that the convenant declares in the years that the question touches, over all its indicators.
fn declared(permit: &Permit) -> Vec<TableQuery> {
    let query: &Query = permit.query();
    let mut years: Vec<i16> = query.tables().iter().map(|t| t.period.year()).collect();
    years.sort_unstable();
    years.dedup();
    permit.indicators().flat_map(|id| years.iter().flat_map(move |year| permit.plan(id, *year))).collect()
}

fn fault_reason(fault: &DisclosureFault) -> ReasonCode {
    tracing::error!("vrijgave: {fault}");
    match fault {
        DisclosureFault::Definition(_) => ReasonCode::DefinitionFault,
        DisclosureFault::Earlier(_) | DisclosureFault::Closed(_) => ReasonCode::ComponentClosed,
        DisclosureFault::Unsafe(_) | DisclosureFault::Budget(_) => ReasonCode::LadderExhausted,
        DisclosureFault::NotDeclared(_) => ReasonCode::IndicatorNotAllowed,
        DisclosureFault::NotSettled(_) => ReasonCode::NotSettled,
        DisclosureFault::Stored(_) => ReasonCode::Internal,
    }
}

fn core_reason(error: &CoreError) -> ReasonCode {
    tracing::error!("{error}");
    match error {
        CoreError::State(StateError::Journal(JournalError::Full)) => ReasonCode::DiskFull,
        _ => ReasonCode::LogUnavailable,
    }
}
