//! `report.csv`: the rows of the report, one number a line (RFC 4180, UTF-8, comma, CRLF), safe to open in a spreadsheet.

use super::report::Report;
use crate::domain::query::Dimension;
use crate::domain::table::{Mark, Row, Table};

const HEADER: [&str; 18] = [
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
    "value",
    "mark",
    "low",
    "high",
    "coverage",
];

/// The whole report as CSV text. `by` joins dimensions with `+`; `coverage` is `delivered/expected`.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut text = line(&HEADER.map(str::to_owned));
    for table in &report.tables {
        for row in &table.rows {
            text.push_str(&line(&fields(table, row)));
        }
    }
    text
}

fn fields(table: &Table, row: &Row) -> [String; 18] {
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

fn line(fields: &[String; 18]) -> String {
    let quoted: Vec<String> = fields.iter().map(|field| quote(field)).collect();
    format!("{}\r\n", quoted.join(","))
}

/// Quotes what needs it, and puts an apostrophe before what a spreadsheet would take for a formula. A lone `-` (a mark
/// or an empty measure) and a whole number are no formulas.
fn quote(field: &str) -> String {
    let formula =
        field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.len() > 1 && field.parse::<i64>().is_err();
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_and_marks_kept() {
        for (field, written) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-cmd", "'-cmd"),
            ("-", "-"),
            ("-5", "-5"),
            (">365", ">365"),
            ("a,b", "\"a,b\""),
            ("=\"x\",1", "\"'=\"\"x\"\",1\""),
            ("OTS|04", "OTS|04"),
        ] {
            assert_eq!(quote(field), written);
        }
    }
}
