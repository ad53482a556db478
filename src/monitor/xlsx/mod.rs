//! `report.xlsx`: what the report is about, its rows as they stand in `report.csv`, and its rates, each on a sheet.

mod package;

use std::io;

use package::{Cell, Sheet, workbook};

use super::csv;
use super::figures::Figures;
use super::rates::{REGION, rates};
use super::report::{Report, Setting};
use super::text as words;
use crate::domain::query::IndicatorId;
use crate::domain::table::Scope;
use crate::indicator::definition::definition;

/// The workbook.
///
/// # Errors
/// When it is larger than such a file can be.
pub fn write(report: &Report, setting: &Setting) -> io::Result<Vec<u8>> {
    let mut sheets = vec![about(report, setting), figures(report)];
    sheets.extend(per_thousand(report, setting));
    workbook(&sheets)
}

/// What the figures are: where they come from, what each indicator counts, how the marks read.
fn about(report: &Report, setting: &Setting) -> Sheet {
    let line = |name: &str, value: String| vec![Cell::text(name), Cell::text(value)];
    let mut rows = vec![line("Ketenmonitor", setting.region.clone())];
    if report.example {
        rows.push(line("VOORBEELD", "alle kinderen, gebeurtenissen en organisaties zijn verzonnen".to_owned()));
    }
    let periods: Vec<String> = report.period.iter().map(ToString::to_string).collect();
    rows.push(line("Periode", periods.join(", ")));
    let day = report.tables.first().map_or(String::new(), |table| table.peildatum.to_string());
    rows.push(line("Peildatum", day));
    let convenant = &report.convenant;
    rows.push(line("Convenant", format!("{}, versie {}, {}", convenant.id, convenant.version, convenant.hash)));
    for party in &setting.parties {
        let missing = party.missing.as_ref().map_or("leverde".to_owned(), |why| format!("ontbreekt: {why}"));
        rows.push(line(&party.name, missing));
    }
    for (mark, meaning) in words::MARKS {
        rows.push(line(mark, (*meaning).to_owned()));
    }
    rows.push(Vec::new());
    let found = Figures::of(report);
    rows.push(["Indicator", "Telt", "Versie", "Normen en bronnen", "Dekking", "Trendbreuken"].map(Cell::text).into());
    rows.extend(found.indicators().into_iter().map(|id| of_indicator(&found, id, setting)));
    Sheet { name: "Toelichting", widths: vec![34, 90, 8, 60, 12, 60], table: false, rows }
}

fn of_indicator(found: &Figures<'_>, id: IndicatorId, setting: &Setting) -> Vec<Cell> {
    let linked = found.tables_of(id).any(|table| table.scope == Scope::Regio);
    let counted = if linked { Some(words::COUNTED_ONCE) } else { words::adding_up(id) };
    let text =
        [Some(words::description(id, linked).as_str()), counted].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let covered = found.coverage(id).map(|c| format!("{} van {}", c.delivered, c.expected));
    let covered: Vec<String> = covered.into_iter().chain(found.in_quarantine(id).map(words::in_quarantine)).collect();
    let breaks: Vec<String> = found.breaks(id, setting).iter().map(ToString::to_string).collect();
    [
        format!("{id} {}", definition(id).title),
        text,
        definition(id).version.to_owned(),
        words::norms(id).unwrap_or_default(),
        covered.join("; "),
        breaks.join("; "),
    ]
    .map(Cell::text)
    .into()
}

/// The rows of the report, column by column as in `report.csv`; what is a number there is one here.
fn figures(report: &Report) -> Sheet {
    let mut rows = vec![csv::HEADER.map(Cell::text).to_vec()];
    for table in &report.tables {
        for row in &table.rows {
            let numbers = [("value", row.value), ("low", row.low), ("high", row.high)];
            let cell = |(name, field): (&str, String)| match numbers.iter().find(|(number, _)| *number == name) {
                Some((_, value)) => Cell::number(*value),
                None => Cell::text(field),
            };
            rows.push(csv::HEADER.into_iter().zip(csv::fields(table, row)).map(cell).collect());
        }
    }
    Sheet { name: "Cijfers", widths: vec![10, 8, 10, 20, 12, 12, 10, 28, 24], table: true, rows }
}

/// The rates, when the analyst gave a denominator.
fn per_thousand(report: &Report, setting: &Setting) -> Option<Sheet> {
    let denominator = report.denominator.as_ref()?;
    let head = ["indicator", "series", "gemeente", "naam", "jaar", "waarde", "noemer", "per 1.000", "noemer is"];
    let mut rows = vec![head.map(Cell::text).to_vec()];
    for rate in rates(&Figures::of(report), denominator) {
        let name = setting.gemeenten.get(&rate.place).cloned().unwrap_or_default();
        let name = if rate.place == REGION { "hele regio".to_owned() } else { name };
        rows.push(vec![
            Cell::text(rate.indicator.as_str()),
            Cell::text(rate.series),
            Cell::text(&rate.place),
            Cell::text(name),
            Cell::Number(i64::from(rate.year)),
            Cell::Number(rate.value),
            Cell::Number(rate.of),
            Cell::Tenths(rate.tenths),
            Cell::text(&denominator.name),
        ]);
    }
    Some(Sheet { name: "Per 1000", widths: vec![10, 28, 10, 20, 8, 10, 12, 12, 50], table: true, rows })
}
