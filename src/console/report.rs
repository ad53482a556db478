//! The regional report for the analyst: the last pull of the ketenmonitor, by indicator, period and breakdown, as a page with its
//! charts and tables, as CSV and as a workbook. The address holds the whole view.

use std::collections::BTreeSet;

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::visit::Visit;
use super::words;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId};
use crate::monitor::html::{self, View};
use crate::monitor::report::{Report, Setting};
use crate::monitor::{csv, xlsx};

struct Choice {
    value: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    frame: Frame,
    sheet: String,
    region: String,
    example: bool,
    none: bool,
    indicators: Vec<Choice>,
    from: Vec<Choice>,
    until: Vec<Choice>,
    dimensions: Vec<Choice>,
    facts: Vec<(&'static str, String)>,
    later: Vec<String>,
    /// Escaped by the report itself.
    content: String,
    query: String,
}

/// What is chosen: what is shown, the first and the last period, and one breakdown.
struct Chosen {
    view: View,
    from: Option<Period>,
    until: Option<Period>,
    by: Option<Dimension>,
}

fn chosen(visit: &Visit<'_>) -> Result<Chosen, Fault> {
    let unfit = |what: &str| Fault::Unfit(what.to_owned());
    let period = |key: &str| match visit.asked(key) {
        "" => Ok(None),
        text => Period::parse(text).map(Some).map_err(|_| unfit("Een periode is een jaar of een kwartaal.")),
    };
    let view = match visit.asked("indicator") {
        "" => View::Glance,
        "alle" => View::Whole,
        text => View::Of(IndicatorId::parse(text).ok_or_else(|| unfit("Deze indicator bestaat niet."))?),
    };
    let by = match visit.asked("naar") {
        "" => None,
        text => Some(Dimension::parse(text).ok_or_else(|| unfit("Deze uitsplitsing bestaat niet."))?),
    };
    Ok(Chosen { view, from: period("van")?, until: period("tot")?, by })
}

impl Chosen {
    /// Leaves the tables of these periods and this breakdown; totals stay.
    fn narrow(&self, report: &mut Report) {
        let begin = self.from.map(|period| period.bounds().0);
        let end = self.until.map(|period| period.bounds().1);
        report.tables.retain(|table| {
            let within = table.period.is_none_or(|period| {
                let (first, last) = period.bounds();
                begin.is_none_or(|begin| begin <= first) && end.is_none_or(|end| last <= end)
            });
            within && (table.by.is_empty() || self.by.is_none_or(|by| table.by.contains(&by)))
        });
    }

    /// Leaves the tables of the indicator alone, for files.
    fn select(&self, report: &mut Report) {
        if let View::Of(id) = self.view {
            report.tables.retain(|table| table.indicator == id.as_str());
        }
    }
}

/// The report as a page.
pub fn show(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let chosen = chosen(visit)?;
    let Some((mut report, setting)) = last(visit)? else { return none(visit) };
    let periods: BTreeSet<Period> = report.tables.iter().filter_map(|table| table.period).collect();
    let period = |at: Option<Period>| {
        let choice = |period: &Period| {
            let value = period.to_string();
            Choice { name: value.clone(), value, chosen: at == Some(*period) }
        };
        periods.iter().map(choice).collect()
    };
    let (from, until) = (period(chosen.from), period(chosen.until));
    let dimensions: BTreeSet<Dimension> = report.tables.iter().flat_map(|table| table.by.iter().copied()).collect();
    let dimension = |by: &Dimension| Choice {
        value: by.as_str().to_owned(),
        name: html::dimension(*by).to_owned(),
        chosen: chosen.by == Some(*by),
    };
    let of = |id: &IndicatorId| report.tables.iter().any(|table| table.indicator == id.as_str());
    let indicator = |id: &IndicatorId| Choice {
        value: id.as_str().to_owned(),
        name: html::title(*id).to_owned(),
        chosen: chosen.view == View::Of(*id),
    };
    let indicators = IndicatorId::ALL.iter().filter(|id| of(id)).map(indicator).collect();
    let dimensions = dimensions.iter().map(dimension).collect();
    chosen.narrow(&mut report);
    let page = ReportPage {
        frame: Frame::of(visit, "Regiorapport"),
        sheet: visit.console.assets.place("rapport.css"),
        region: setting.region.clone(),
        example: report.example,
        none: false,
        indicators,
        from,
        until,
        dimensions,
        facts: vec![
            ("Peildatum", report.tables.first().map_or_else(String::new, |table| words::day(table.peildatum))),
            ("Convenant", format!("{}, versie {}", report.convenant.id, report.convenant.version)),
            ("Tabellen in deze keuze", report.tables.len().to_string()),
        ],
        later: setting.later.clone(),
        content: html::part(&report, &setting, chosen.view),
        query: visit.here.split_once('?').map_or_else(String::new, |(_, query)| format!("?{query}")),
    };
    Answer::page(&page)
}

fn none(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let (empty, text) = (Vec::new, String::new);
    let page = ReportPage {
        frame: Frame::of(visit, "Regiorapport"),
        sheet: visit.console.assets.place("rapport.css"),
        region: text(),
        example: false,
        none: true,
        indicators: empty(),
        from: empty(),
        until: empty(),
        dimensions: empty(),
        facts: Vec::new(),
        later: Vec::new(),
        content: text(),
        query: text(),
    };
    Answer::page(&page)
}

fn narrowed(visit: &Visit<'_>) -> Result<(Report, Setting), Fault> {
    let chosen = chosen(visit)?;
    let (mut report, setting) = last(visit)?.ok_or(Fault::NotFound)?;
    chosen.narrow(&mut report);
    chosen.select(&mut report);
    Ok((report, setting))
}

/// The tables of this choice, a number a row.
pub fn table(visit: &Visit<'_>) -> Result<Answer, Fault> {
    Ok(Answer::file("text/csv; charset=utf-8", "rapport.csv", csv::write(&narrowed(visit)?.0)))
}

/// The tables of this choice as a workbook.
pub fn workbook(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let (report, setting) = narrowed(visit)?;
    let bytes = xlsx::write(&report, &setting).map_err(|e| Fault::Broken(e.to_string()))?;
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(Answer::file(kind, "rapport.xlsx", bytes))
}

fn last(visit: &Visit<'_>) -> Result<Option<(Report, Setting)>, Fault> {
    let Some((report, setting)) = visit.console.office.report() else { return Ok(None) };
    let report = Report::from_json(&report);
    let report = report.map_err(|e| Fault::Broken(format!("Het laatste rapport is onleesbaar: {e}")))?;
    // A report of an earlier version has none.
    Ok(Some((report, serde_json::from_str(&setting).unwrap_or_default())))
}
