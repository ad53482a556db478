//! The regional report for the analyst: the last pull of the ketenmonitor, by indicator and period, as page, table and CSV.

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::visit::Visit;
use crate::domain::query::IndicatorId;
use crate::monitor::report::{Report, Setting};
use crate::monitor::{csv, html};

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
    /// Escaped by the report itself.
    content: String,
    csv: String,
}

/// What is chosen: indicators, years and one breakdown; empty is everything.
struct Chosen {
    indicator: Option<IndicatorId>,
    from: Option<i16>,
    until: Option<i16>,
    by: String,
}

fn chosen(visit: &Visit<'_>) -> Result<Chosen, Fault> {
    let unfit = |what: &str| Fault::Unfit(what.to_owned());
    let year = |key: &str| match visit.asked(key) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| unfit("Een jaar heeft vier cijfers.")),
    };
    let indicator = match visit.asked("indicator") {
        "" => None,
        text => Some(IndicatorId::parse(text).ok_or_else(|| unfit("Deze indicator bestaat niet."))?),
    };
    Ok(Chosen { indicator, from: year("van")?, until: year("tot")?, by: visit.asked("naar").to_owned() })
}

impl Chosen {
    fn narrow(&self, report: &mut Report) {
        report.tables.retain(|table| {
            let year = table.period.map(|period| period.year());
            self.indicator.is_none_or(|id| table.indicator == id.as_str())
                && self.from.is_none_or(|from| year.is_none_or(|year| year >= from))
                && self.until.is_none_or(|until| year.is_none_or(|year| year <= until))
                && (self.by.is_empty() || table.by.is_empty() || table.by.iter().any(|by| by.as_str() == self.by))
        });
    }
}

/// The report as a page.
pub fn show(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let chosen = chosen(visit)?;
    let Some((mut report, setting)) = last(visit)? else { return none(visit) };
    let mut years: Vec<i16> = report.tables.iter().filter_map(|t| t.period).map(|period| period.year()).collect();
    years.sort_unstable();
    years.dedup();
    let year = |at: Option<i16>| {
        let choice = |year: &i16| Choice { value: year.to_string(), name: year.to_string(), chosen: at == Some(*year) };
        years.iter().map(choice).collect()
    };
    let (from, until) = (year(chosen.from), year(chosen.until));
    let mut dimensions: Vec<_> = report.tables.iter().flat_map(|table| table.by.iter().copied()).collect();
    dimensions.sort_unstable();
    dimensions.dedup();
    let dimension = |by: &crate::domain::query::Dimension| Choice {
        value: by.as_str().to_owned(),
        name: by.as_str().to_owned(),
        chosen: by.as_str() == chosen.by,
    };
    let of = |id: &IndicatorId| report.tables.iter().any(|table| table.indicator == id.as_str());
    let indicator = |id: &IndicatorId| Choice {
        value: id.as_str().to_owned(),
        name: format!("{} {}", id.as_str(), html::title(*id)),
        chosen: chosen.indicator == Some(*id),
    };
    let indicators = IndicatorId::ALL.iter().filter(|id| of(id)).map(indicator).collect();
    let dimensions = dimensions.iter().map(dimension).collect();
    chosen.narrow(&mut report);
    let peildatum = report.tables.first().map_or_else(String::new, |table| super::words::day(table.peildatum));
    let query = visit.here.split_once('?').map_or("", |(_, query)| query);
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
            ("Peildatum", peildatum),
            ("Convenant", format!("{}, versie {}", report.convenant.id, report.convenant.version)),
            ("Tabellen in deze keuze", report.tables.len().to_string()),
        ],
        content: html::part(&report, &setting),
        csv: format!("/rapport/rapport.csv?{query}"),
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
        content: text(),
        csv: text(),
    };
    Answer::page(&page)
}

/// The tables of this choice, a number a row.
pub fn table(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let chosen = chosen(visit)?;
    let (mut report, _) = last(visit)?.ok_or(Fault::NotFound)?;
    chosen.narrow(&mut report);
    Ok(Answer::file("text/csv; charset=utf-8", "rapport.csv", csv::write(&report)))
}

fn last(visit: &Visit<'_>) -> Result<Option<(Report, Setting)>, Fault> {
    let Some((report, setting)) = visit.console.office.report() else { return Ok(None) };
    let report = Report::from_json(&report);
    let report = report.map_err(|e| Fault::Broken(format!("Het laatste rapport is onleesbaar: {e}")))?;
    // A report of an earlier version has none.
    Ok(Some((report, serde_json::from_str(&setting).unwrap_or_default())))
}
