//! The organisation's own, unprotected figures, on its own machine only; every look is logged.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::core::{Core, CoreError};
use super::entries;
use crate::disclosure::own::own_use;
use crate::domain::day::Day;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use crate::domain::table::{Coverage, Table};
use crate::indicator::compute::{Settings, compute};
use crate::indicator::quality::quality_table;
use crate::policy::permit::{LocalOwner, own_use_for};
use crate::translog::entry::Outcome;

/// Which figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnQuestion {
    /// Indicator.
    pub id: IndicatorId,
    /// Period; none for IND-24.
    pub period: Option<Period>,
    /// Breakdown.
    pub by: Vec<Dimension>,
    /// Other horizon H than the window's last day.
    pub horizon: Option<Day>,
    /// Other data start F than the window's first day.
    pub data_from: Option<Day>,
    /// N in days.
    pub within: u32,
    /// Leave out rows registered after this day.
    pub peildatum: Option<Day>,
}

/// Own figures cannot be shown.
#[derive(Debug, Error)]
pub enum OwnError {
    /// Nothing was delivered.
    #[error("er zijn nog geen gegevens ingenomen; gebruik `ketenpoort intake`")]
    NoData,
    /// IND-24 is about whole deliveries.
    #[error("IND-24 gaat over hele leveringen: laat --by weg")]
    NoBreakdown,
    /// Its events lie at different organisations.
    #[error("{0} telt alleen de hele keten; een organisatie kan dit niet alleen")]
    OnlyLinked(IndicatorId),
    /// Areas are the convenant's.
    #[error("gebied is een indeling van het convenant; eigen cijfers gaan naar gemeente")]
    NoAreas,
    /// The node.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl Core {
    /// Computes one table of own figures and logs that it was looked at.
    ///
    /// # Errors
    /// [`OwnError`].
    pub fn own_figures(&self, question: &OwnQuestion, owner: LocalOwner) -> Result<Table, OwnError> {
        if question.id.only_linked() {
            return Err(OwnError::OnlyLinked(question.id));
        }
        if question.by.contains(&Dimension::Gebied) {
            return Err(OwnError::NoAreas);
        }
        let reloaded = question.peildatum.map(|day| self.known_at(day)).transpose()?;
        let (columns, quality, window) = match &reloaded {
            Some(memory) => (memory.columns.clone(), memory.quality.clone(), memory.window),
            None => {
                let memory = self.memory();
                (memory.columns.clone(), memory.quality.clone(), memory.window)
            }
        };
        let window = window.ok_or(OwnError::NoData)?;
        let period = question.period.unwrap_or(Period::year_of(window.to.ymd().0));
        let table = TableQuery { indicator: question.id, period, by: question.by.clone() };
        let hash = Query::new(vec![table.clone()]).hash();
        let raw = if question.id == IndicatorId::Ind24 {
            if !question.by.is_empty() {
                return Err(OwnError::NoBreakdown);
            }
            quality_table(&quality, &table, hash)
        } else {
            let settings = Settings {
                horizon: question.horizon.unwrap_or(window.to),
                data_from: question.data_from.unwrap_or(window.from),
                within: question.within,
                organisation: self.identity.oin,
            };
            compute(&columns, &settings, &self.calendar, &table, hash)
        };
        let figures = own_use(raw, &own_use_for(owner));
        let today = question.peildatum.unwrap_or_else(|| self.clock.today());
        let coverage = Coverage {
            expected: 1,
            delivered: 1,
            missing: Vec::new(),
            window: window.derived.then(|| "afgeleid".to_owned()),
            in_quarantine: None,
        };
        let mut table = figures.table(today, coverage, vec![self.identity.oin]);
        table.period = question.period;
        self.log_own_view(question, table.rows.len())?;
        Ok(table)
    }

    fn log_own_view(&self, question: &OwnQuestion, cells: usize) -> Result<(), CoreError> {
        let (ourselves, now) = (self.identity.oin, self.clock.now_ms());
        let cells = u32::try_from(cells).unwrap_or(u32::MAX);
        let intent = entries::own_view(ourselves, question.id.as_str(), cells, now);
        self.note(&intent)?;
        self.note(&entries::outcome(&intent, Outcome::Sent, now))?;
        Ok(())
    }
}
