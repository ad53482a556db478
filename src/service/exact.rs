//! Exact tables for a release: over the frozen records of the component, and of each edition that a revision replaced over the
//! records of that edition.

use std::sync::Arc;

use super::columns::compared_columns_of;
use super::core::{Core, CoreError};
use super::release::Frame;
use crate::disclosure::component::{Component, Job};
use crate::disclosure::ledger::Ledger;
use crate::domain::query::Query;
use crate::domain::register::RowRef;
use crate::indicator::columns::Columns;
use crate::indicator::compute::{Settings, compute_release};
use crate::indicator::raw::RawTable;
use crate::indicator::release::Release;

/// The tables of what is released now, and those of each replaced edition.
pub(in crate::service) type Exact = (Vec<RawTable>, Vec<Vec<RawTable>>);

impl Core {
    /// The exact tables of everything that a release of the component has to know, each up to its own horizon; and those
    /// of the editions that were replaced, each over its own records.
    pub(in crate::service) fn exact_tables(
        &self,
        component: &Component,
        ledger: &Ledger,
        frame: &Frame<'_>,
    ) -> Result<Exact, CoreError> {
        let jobs = component.needed(ledger, frame.until);
        if component.edition(ledger) == 1 {
            let current = cfg!(feature = "defect-no-ledger").then(|| Arc::clone(&self.memory().columns));
            let columns = current.as_ref().unwrap_or(frame.frozen.columns_of(component));
            return Ok((self.computed(columns, frame, &jobs), Vec::new()));
        }
        let past = self.past_tables(component, ledger, frame, component.edition(ledger) - 1)?;
        let rows = frame.frozen.editions(component).last().unwrap_or_default();
        let columns = compared_columns_of(&self.state, rows)?;
        Ok((self.computed(&columns, frame, &jobs), past))
    }

    /// The exact tables of the first `editions` editions of a component.
    pub(in crate::service) fn past_tables(
        &self,
        component: &Component,
        ledger: &Ledger,
        frame: &Frame<'_>,
        editions: u32,
    ) -> Result<Vec<Vec<RawTable>>, CoreError> {
        let of = |(edition, rows): (u32, &[RowRef])| {
            let columns = compared_columns_of(&self.state, rows)?;
            Ok(self.computed(&columns, frame, &component.past(ledger, edition)))
        };
        (1..=editions).zip(frame.frozen.editions(component)).map(of).collect()
    }

    /// Tables over these columns, under the hash of the question that they are together.
    pub(in crate::service) fn computed(&self, columns: &Columns, frame: &Frame<'_>, jobs: &[Job]) -> Vec<RawTable> {
        let question = Query::new(jobs.iter().map(|job| job.table.clone()).collect()).hash();
        let raw = |job: &Job| {
            let settings = Settings { horizon: job.horizon, ..frame.release.settings };
            let release = Release { settings, ..frame.release.clone() };
            compute_release(columns, &release, &self.calendar, &job.table, question)
        };
        jobs.iter().map(raw).collect()
    }
}
