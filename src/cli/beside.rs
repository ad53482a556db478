//! An organisation's own figures beside those of the region, on its own screen only: the regional report is a file that it received,
//! and nothing of what is put together here goes anywhere.

use std::path::Path;

use crate::domain::table::{Mark, Row, Table};
use crate::monitor::report::Report;
use crate::node::command::Outcome;

/// What an organisation counts itself is one of these in the region, the best one first.
const CHILDREN: [&str; 2] = ["n_kinderen", "n_som_organisaties"];

/// The own table that a node answered as JSON, with the regional figures of a `report.json`.
pub fn outcome(own: Outcome, file: &Path) -> Outcome {
    if own.exit != 0 {
        return own;
    }
    let said = |reason: String| Outcome::failed(format!("{}: {reason}", file.display()));
    let report = match std::fs::read_to_string(file) {
        Ok(text) => Report::from_json(&text).map_err(|e| e.to_string()),
        Err(e) => Err(e.to_string()),
    };
    match (serde_json::from_str(&own.stdout), report) {
        (Ok(own), Ok(report)) => Outcome::done(lines(&own, &report)),
        (_, Err(reason)) => said(reason),
        (Err(e), _) => Outcome::failed(e.to_string()),
    }
}

/// One line a figure: series, measure, cell, own, region.
fn lines(own: &Table, report: &Report) -> String {
    let period = own.period.map_or_else(|| "hele levering".to_owned(), |p| p.to_string());
    let mut text = format!(
        "{} {period}: eigen cijfers (ONBEVEILIGD, alleen voor eigen gebruik) naast die van de regio (vrijgegeven, convenant {})\n",
        own.indicator, report.convenant.id
    );
    let line = |names: [&str; 3], figures: [String; 2]| {
        let [series, measure, key] = names;
        format!("{series:<24} {measure:<28} {key:<12} {:>9} {:>9}\n", figures[0], figures[1])
    };
    text.push_str(&line(["", "", ""], ["eigen", "regio"].map(str::to_owned)));
    for row in &own.rows {
        let key: Vec<&str> = row.key.values().map(String::as_str).collect();
        let region = regional(own, row, report).map_or_else(String::new, figure);
        text.push_str(&line([&row.series, &row.measure, &key.join("|")], [figure(row), region]));
    }
    text
}

/// The regional figure of the same series and cell; the stock of the chain stands in for the one that is added up.
fn regional<'a>(own: &Table, row: &Row, report: &'a Report) -> Option<&'a Row> {
    let same = |table: &&Table| (&table.indicator, table.period, &table.by) == (&own.indicator, own.period, &own.by);
    let rows = || report.tables.iter().filter(same).flat_map(|table| &table.rows).filter(|r| r.key == row.key);
    let chain = row.series.replace("LOKAAL|", "KETEN|");
    let own_measure = row.measure.as_str();
    let measures: &[&str] = if CHILDREN.contains(&own_measure) { &CHILDREN } else { &[own_measure] };
    let mut found = measures.iter().flat_map(|measure| {
        let of = |series: &str| rows().find(|r| r.series == series && r.measure == *measure);
        [of(&row.series), of(&chain)]
    });
    found.find_map(|row| row)
}

fn figure(row: &Row) -> String {
    let at_least = if row.low.is_some() && row.high.is_none() { "≥ " } else { "" };
    let mark = match row.mark {
        Some(Mark::Suppressed) => "x",
        Some(Mark::Impossible) => "-",
        Some(Mark::Above365) => ">365",
        Some(Mark::Missing) | None => ".",
    };
    row.value.map_or_else(|| mark.to_owned(), |value| format!("{at_least}{value}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(indicator: &str, scope: &str, rows: &serde_json::Value) -> serde_json::Value {
        json!({"indicator": indicator, "version": "1.0", "period": "2024", "by": [], "peildatum": "2025-03-31", "scope": scope,
               "protected": scope != "organisatie", "rows": rows, "coverage": {"expected": 1, "delivered": 1, "missing": []},
               "sources": [], "certificate": null})
    }

    #[test]
    fn each_own_figure_stands_beside_the_one_of_the_region() {
        let own = json!([{"series": "LOKAAL|OTS", "measure": "n_som_organisaties", "key": {}, "value": 31, "mark": null},
                         {"series": "LOKAAL|VOTS", "measure": "n_som_organisaties", "key": {}, "value": 3, "mark": null},
                         {"series": "LOKAAL|PJB", "measure": "n_som_organisaties", "key": {}, "value": 7, "mark": null}]);
        let region = json!([{"series": "KETEN|OTS", "measure": "n_kinderen", "key": {}, "value": 95, "mark": null},
                            {"series": "LOKAAL|VOTS", "measure": "n_som_organisaties", "key": {}, "value": 15, "mark": null, "low": 13}]);
        let report = json!({"period": ["2024"], "tables": [table("IND-03", "regio", &region), table("IND-01", "regio", &region)],
                            "convenant": {"id": "regio", "version": 1, "hash": "sha256:00"}, "example": true});
        let report: Report = serde_json::from_value(report).expect("a report");
        let text = lines(&serde_json::from_value(table("IND-03", "organisatie", &own)).expect("a table"), &report);
        let figures: Vec<Vec<&str>> =
            text.lines().skip(2).map(|line| line.split_whitespace().skip(2).collect()).collect();
        assert_eq!(figures, [vec!["31", "95"], vec!["3", "≥", "15"], vec!["7"]]);
        assert!(text.contains("ONBEVEILIGD"));
    }
}
