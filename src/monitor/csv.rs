//! `report.csv`: the rows of the report, one number a line (RFC 4180, UTF-8, comma, CRLF), safe to open in a spreadsheet.

use super::report::Report;
use crate::domain::csv;
use crate::domain::query::Dimension;
use crate::domain::table::{Mark, Row, Table};

/// The columns, one number a row.
pub(super) const HEADER: [&str; 19] = [
    "indicator",
    "version",
    "period",
    "by",
    "peildatum",
    "scope",
    "protected",
    "series",
    "measure",
    "gemeente",
    "maatregel",
    "leeftijd",
    "organisatie",
    "gebied",
    "value",
    "mark",
    "low",
    "high",
    "coverage",
];

/// The whole report as CSV text. `by` joins dimensions with `+`; `coverage` is `delivered/expected`.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut text = csv::line(&HEADER.map(str::to_owned));
    for table in &report.tables {
        for row in &table.rows {
            text.push_str(&csv::line(&fields(table, row)));
        }
    }
    text
}

/// A row, column by column.
pub(super) fn fields(table: &Table, row: &Row) -> [String; 19] {
    let key = |dimension: Dimension| row.key.get(&dimension).cloned().unwrap_or_default();
    let number = |value: Option<i64>| value.map_or(String::new(), |v| v.to_string());
    let scope = serde_json::to_value(table.scope).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    [
        table.indicator.clone(),
        table.version.clone(),
        table.period.map_or(String::new(), |p| p.to_string()),
        table.by.iter().map(|d| d.as_str()).collect::<Vec<_>>().join("+"),
        table.peildatum.to_string(),
        scope,
        table.protected.to_string(),
        row.series.clone(),
        row.measure.clone(),
        key(Dimension::Gemeente),
        key(Dimension::Maatregel),
        key(Dimension::Leeftijd),
        key(Dimension::Organisatie),
        key(Dimension::Gebied),
        number(row.value),
        row.mark.map_or("", mark).to_owned(),
        number(row.low),
        number(row.high),
        format!("{}/{}", table.coverage.delivered, table.coverage.expected),
    ]
}

/// The mark as tables write it.
pub(super) fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Suppressed => "x",
        Mark::Impossible => "-",
        Mark::Missing => ".",
        Mark::Above365 => ">365",
    }
}
