//! The report in a few aligned lines for a terminal.

use super::figures::{Figures, Shown, percent, shown, shown_percent};
use super::report::{Report, Setting};
use super::text as words;
use crate::domain::period::Period;
use crate::domain::query::IndicatorId;
use crate::indicator::definition::definition;

/// Years shown, the last ones.
const YEARS: usize = 4;

/// The main figures by year, the coverage, and what the marks mean; ends with a line end.
#[must_use]
pub fn write(report: &Report, setting: &Setting) -> String {
    let figures = Figures::of(report);
    let mut years = figures.years();
    years.drain(..years.len().saturating_sub(YEARS));
    let mut out = heading(report, setting);
    for id in figures.indicators() {
        let lines = lines_of(&figures, id, &years);
        if lines.is_empty() {
            continue;
        }
        let revised = figures.revised(id).map_or_else(String::new, |revised| format!(", {revised}"));
        let told = words::presentation(id);
        let counted = told.part.filter(|_| told.shape == words::Shape::Cohort);
        let counted = counted.and_then(|part| definition(id).measure(part)).map_or("", |measure| measure.title);
        let colon = if counted.is_empty() { "" } else { ": " };
        let title = format!("{} ({id}){colon}{counted}{revised}", told.title);
        let heads = years.iter().map(ToString::to_string).collect();
        out.push_str(&line(&title, heads));
        for (name, values) in lines {
            out.push_str(&line(&format!("  {name}"), values.into_iter().map(|v| v.text).collect()));
        }
        out.push('\n');
    }
    out.push_str("x niet vrijgegeven   - kan niet voorkomen   . niet aangeleverd   ≥ ten minste\n");
    out
}

fn heading(report: &Report, setting: &Setting) -> String {
    let mut out = String::new();
    if report.example {
        out.push_str("VOORBEELD: alle kinderen en gebeurtenissen zijn verzonnen\n");
    }
    let day = report.tables.first().map_or(String::new(), |t| format!(", peildatum {}", t.peildatum));
    out.push_str(&format!("Ketenmonitor {}{day}\n", setting.region));
    out.push_str(&format!("Convenant {} versie {}\n", report.convenant.id, report.convenant.version));
    let answered = setting.parties.iter().filter(|p| p.missing.is_none()).count();
    out.push_str(&format!("Dekking: {answered} van {} organisaties\n", setting.parties.len()));
    for party in &setting.parties {
        if let Some(reason) = &party.missing {
            out.push_str(&format!("  ontbreekt: {} ({reason})\n", party.name));
        }
    }
    for sentence in &setting.later {
        out.push_str(&format!("  nog niet vrijgegeven: {sentence}\n"));
    }
    out.push('\n');
    out
}

/// One line a series that has a number in one of the years; reasons of ending are left to the files.
fn lines_of(figures: &Figures<'_>, id: IndicatorId, years: &[i16]) -> Vec<(String, Vec<Shown>)> {
    let told = words::presentation(id);
    let mut lines = Vec::new();
    for series in figures.series(id).into_iter().filter(|s| !words::is_reason(s)) {
        let total = |year: &i16, measures: &[&str]| figures.total(id, Period::year_of(*year), series, measures);
        // Of who is followed it says how many came on: how many began is not always for the gate to tell.
        let cohort = told.shape == words::Shape::Cohort;
        let main = told.part.filter(|_| cohort).map_or_else(|| told.whole.to_vec(), |part| vec![part]);
        let counts: Vec<Shown> = years.iter().map(|year| shown(total(year, &main))).collect();
        if counts.iter().all(|count| count.mark) {
            continue;
        }
        lines.push((words::series(id, series), counts));
        if let Some(part) = told.part.filter(|part| years.iter().any(|y| total(y, &[part]).is_some())) {
            let share = |year| shown_percent(percent(total(year, &[part]), total(year, told.whole)));
            let shares: Vec<Shown> = years.iter().map(share).collect();
            if !cohort || shares.iter().any(|share| !share.mark) {
                lines.push((if cohort { "  aandeel" } else { "  binnen norm" }.to_owned(), shares));
            }
        }
    }
    lines
}

/// A name and right-aligned values.
fn line(name: &str, values: Vec<String>) -> String {
    let mut out = format!("{name:<62}");
    for value in values {
        out.push_str(&format!("{value:>9}"));
    }
    out.push('\n');
    out
}
