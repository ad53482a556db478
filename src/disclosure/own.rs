//! The one local door: an organisation's own, unprotected figures, on its own machine. No way to the wire.

use crate::domain::day::Day;
use crate::domain::query::TableQuery;
use crate::domain::table::{Coverage, Row, Scope, Table};
use crate::indicator::definition::definition;
use crate::indicator::raw::{RawTable, RawValue};
use crate::policy::permit::OwnUse;

/// Unprotected figures for their owner. No `Serialize` and no `Debug`; the command line prints [`OwnFigures::table`].
pub struct OwnFigures {
    query: TableQuery,
    rows: Vec<Row>,
}

/// Opens raw figures for own use; needs the leave that only a checked local owner gets.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "raw figures are used up: one leave, one look")]
pub fn own_use(raw: RawTable, _leave: &OwnUse) -> OwnFigures {
    let by = &raw.query().by;
    let row = |cell: &crate::indicator::raw::RawCell| Row {
        series: cell.series.clone(),
        measure: cell.measure.clone(),
        key: by.iter().copied().zip(cell.key.iter().cloned()).collect(),
        value: match cell.value {
            RawValue::Count(count) => Some(i64::from(count.n)),
            RawValue::OwnOnly(value) => value,
        },
        mark: None,
        low: None,
        high: None,
    };
    OwnFigures { query: raw.query().clone(), rows: raw.cells().iter().map(row).collect() }
}

impl OwnFigures {
    /// The tidy table, marked as unprotected; the caller knows day, coverage and sources.
    #[must_use]
    pub fn table(self, peildatum: Day, coverage: Coverage, sources: Vec<crate::domain::oin::Oin>) -> Table {
        Table {
            indicator: self.query.indicator.to_string(),
            version: definition(self.query.indicator).version.to_owned(),
            period: Some(self.query.period),
            by: self.query.by,
            peildatum,
            scope: Scope::Organisatie,
            protected: false,
            rows: self.rows,
            coverage,
            sources,
            certificate: None,
            revision: None,
        }
    }
}
