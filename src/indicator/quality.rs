//! IND-24 data quality as a table: what the register counted over the whole delivery.

use super::raw::{RawCell, RawTable, RawValue};
use crate::crypto::Digest;
use crate::domain::query::TableQuery;
use crate::domain::register::Quality;

/// The table of IND-24: series `UITKOMST` with a measure for each outcome class and for `regels`,
/// `geweigerde_bestanden`, `opgeslagen_onnauwkeurig` and `opgeslagen_te_laat`, and series `REGEL` with a measure for each
/// repair and quarantine rule that occurred. The period of `query` plays no part.
///
/// Rows are no children, so families behind them are not known: every number is for own use, never released.
#[must_use]
pub fn quality_table(quality: &Quality, query: &TableQuery, query_hash: Digest) -> RawTable {
    let totals = [
        ("regels", quality.regels),
        ("geweigerde_bestanden", quality.geweigerde_bestanden),
        ("opgeslagen_onnauwkeurig", quality.opgeslagen_onnauwkeurig),
        ("opgeslagen_te_laat", quality.opgeslagen_te_laat),
    ];
    let classes = quality.uitkomst.iter().map(|(class, n)| (*class, *n));
    let outcomes = totals.into_iter().chain(classes).map(|(measure, n)| cell("UITKOMST", measure, n));
    let rules = quality.regel.iter().map(|(rule, n)| cell("REGEL", rule, *n));
    RawTable::mint(query.clone(), query_hash, outcomes.chain(rules).collect())
}

fn cell(series: &str, measure: &str, n: u64) -> RawCell {
    let value = RawValue::OwnOnly(i64::try_from(n).ok());
    RawCell { series: series.to_owned(), measure: measure.to_owned(), key: Vec::new(), value, units: Vec::new() }
}
