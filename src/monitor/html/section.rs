//! One indicator: its definition, norm and coverage, a card for each series, and the breakdowns.

use super::card::{cohort_card, count_card, duration_card, quality_card};
use super::markup::{Markup, all, class, element, tag, text};
use super::tables::figure_cell;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::query::{Dimension, IndicatorId};
use crate::domain::table::{Row, Table};
use crate::monitor::figures::{Figures, pick, shown};
use crate::monitor::report::Setting;
use crate::monitor::text::{self as words, IndicatorText, Shape};

/// What the pieces of the page share.
pub(super) struct Page<'a> {
    pub(super) figures: Figures<'a>,
    pub(super) setting: &'a Setting,
    pub(super) years: Vec<i16>,
    pub(super) quarters: Vec<Period>,
}

/// The whole section of an indicator.
pub(super) fn section(page: &Page<'_>, id: IndicatorId) -> Markup {
    let told = words::indicator(id);
    let series = page.figures.series(id);
    // Series of which nothing may be shown are named in one sentence, so that they fill no page with marks.
    let (open, closed): (Vec<&str>, Vec<&str>) = series.into_iter().partition(|s| has_number(page, id, s));
    let cards = open.iter().map(|series| match told.shape {
        Shape::Duration => duration_card(page, id, series, &told),
        Shape::Cohort => cohort_card(page, id, series, &told),
        Shape::Quality => quality_card(page, id, series),
        Shape::Flow | Shape::Stock | Shape::Waiting => count_card(page, id, series, &told),
    });
    let mut parts = vec![heading(id, &told), coverage_line(page, id)];
    parts.push(element("div", &[("class", "cards")], cards));
    if !closed.is_empty() {
        let names: Vec<String> = closed.iter().map(|series| words::series(id, series)).collect();
        let sentence = format!("Niet vrijgegeven of niet aangeleverd, over de hele periode: {}.", names.join("; "));
        parts.push(class("p", "closed", sentence));
    }
    parts.push(breakdowns(page, id, &told));
    element("section", &[("id", id.as_str()), ("aria-labelledby", &format!("{id}-kop"))], parts)
}

fn has_number(page: &Page<'_>, id: IndicatorId, series: &str) -> bool {
    let totals = page.figures.tables_of(id).filter(|table| table.by.is_empty());
    totals.flat_map(|table| &table.rows).any(|row| row.series == series && row.value.is_some())
}

fn heading(id: IndicatorId, told: &IndicatorText) -> Markup {
    let mut parts = vec![
        element(
            "h2",
            &[("id", &format!("{id}-kop"))],
            [text(told.title), text(" "), class("span", "code", id.as_str())],
        ),
        class("p", "definition", told.sentence),
    ];
    if let Some(norm) = told.norm {
        parts.push(element("p", &[("class", "norm-line")], [tag("strong", "Norm: "), text(norm)]));
    }
    all(parts)
}

/// How many of the expected organisations delivered, over all tables of the indicator.
fn coverage_line(page: &Page<'_>, id: IndicatorId) -> Markup {
    let Some(least) = page.figures.tables_of(id).min_by_key(|t| t.coverage.delivered) else { return all([]) };
    let coverage = &least.coverage;
    let mut sentence = format!("Dekking: {} van {} organisaties", coverage.delivered, coverage.expected);
    let name = |oin: &_| {
        let party = page.setting.parties.iter().find(|p| p.oin == *oin);
        party.map_or_else(|| oin.to_string(), |p| p.name.clone())
    };
    let missing: Vec<String> = coverage.missing.iter().map(name).collect();
    if !missing.is_empty() {
        sentence.push_str(&format!("; ontbreekt: {}", missing.join(", ")));
    }
    if coverage.window.is_some() {
        sentence.push_str("; de gegevensperiode is bij ten minste één organisatie afgeleid uit de regels");
    }
    class("p", if missing.is_empty() { "coverage" } else { "coverage incomplete" }, format!("{sentence}."))
}

/// The tables by one or two dimensions, folded, the last year first.
fn breakdowns(page: &Page<'_>, id: IndicatorId, told: &IndicatorText) -> Markup {
    let mut tables: Vec<&Table> = page.figures.tables_of(id).filter(|table| !table.by.is_empty()).collect();
    tables.sort_by(|a, b| (&a.by, b.period).cmp(&(&b.by, a.period)));
    let year = |table: &&&Table| table.period.is_none_or(|p| p.kind() == PeriodKind::Year);
    let shown = tables.iter().filter(year).map(|table| breakdown(page, id, told, table));
    all(shown)
}

fn breakdown(page: &Page<'_>, id: IndicatorId, told: &IndicatorText, table: &Table) -> Markup {
    let by: Vec<&str> = table.by.iter().map(|d| words::dimension(*d)).collect();
    let period = table.period.map_or(String::new(), |p| format!(", {p}"));
    let name = format!("Naar {}{period}", by.join(" en "));
    let all_series = page.figures.series(id);
    let open = |series: &&&str| table.rows.iter().any(|r| r.series == **series && r.value.is_some());
    let columns: Vec<&str> = all_series.iter().filter(open).copied().collect();
    let content = if columns.is_empty() {
        class("p", "closed", "Van deze uitsplitsing mag geen enkel cijfer worden vrijgegeven.")
    } else {
        breakdown_table(page, (id, &name), told, table, &columns)
    };
    element("details", &[("class", "breakdown")], [tag("summary", &name), content])
}

fn breakdown_table(
    page: &Page<'_>,
    (id, name): (IndicatorId, &str),
    told: &IndicatorText,
    table: &Table,
    columns: &[&str],
) -> Markup {
    let mut head: Vec<Markup> =
        table.by.iter().map(|d| element("th", &[("scope", "col")], [text(words::dimension(*d))])).collect();
    head.extend(
        columns.iter().map(|s| element("th", &[("scope", "col"), ("class", "num")], [text(words::series(id, s))])),
    );
    let mut keys: Vec<_> = table.rows.iter().map(|row| &row.key).collect();
    keys.sort();
    keys.dedup();
    let rows = keys.into_iter().map(|key| {
        let names = table.by.iter().map(|dimension| {
            let code = key.get(dimension).map_or("", String::as_str);
            element("th", &[("scope", "row")], [text(value_name(page.setting, *dimension, code))])
        });
        let cells = columns.iter().map(|series| {
            let rows = table.rows.iter().filter(|row: &&Row| row.key == *key && row.series == *series);
            figure_cell(&shown(pick(&rows, told.whole)))
        });
        element("tr", &[], names.chain(cells))
    });
    let table = element(
        "table",
        &[],
        [
            class("caption", "unseen", format!("{}: {name}", told.title)),
            element("thead", &[], [element("tr", &[], head)]),
            element("tbody", &[], rows),
        ],
    );
    element("div", &[("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", name)], [table])
}

/// Name of a dimension value: municipalities and organisations by the lists of the region.
fn value_name(setting: &Setting, dimension: Dimension, code: &str) -> String {
    let known = match dimension {
        Dimension::Gemeente => setting.gemeenten.get(code).cloned(),
        Dimension::Organisatie => setting.parties.iter().find(|p| p.oin.as_str() == code).map(|p| p.name.clone()),
        _ => None,
    };
    known.unwrap_or_else(|| words::value(dimension, code))
}
