//! One indicator: its definition, norm and coverage, a card for each series, and the breakdowns.

use std::collections::BTreeMap;

use super::card::{cohort_card, count_card, duration_card};
use super::markup::{Markup, all, class, element, tag, text};
use super::rates;
use super::tables::{figure_cell, measures_by_years};
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId};
use crate::domain::table::{Row, Scope, Table};
use crate::indicator::definition::definition;
use crate::monitor::figures::{Figures, pick, shown};
use crate::monitor::rates::Denominator;
use crate::monitor::report::Setting;
use crate::monitor::text::{self as words, Presentation, Shape};

/// What the pieces of the page share.
pub(super) struct Page<'a> {
    pub(super) figures: Figures<'a>,
    pub(super) setting: &'a Setting,
    pub(super) years: Vec<i16>,
    pub(super) quarters: Vec<Period>,
    pub(super) denominator: Option<&'a Denominator>,
}

impl Page<'_> {
    /// Numbers of the quarters with which another trend begins.
    pub(super) fn breaks_at(&self, id: IndicatorId) -> Vec<usize> {
        let breaks = self.figures.breaks(id, self.setting);
        let of = |(at, quarter): (usize, &Period)| breaks.iter().any(|b| b.period == *quarter).then_some(at);
        self.quarters.iter().enumerate().filter_map(of).collect()
    }
}

/// The whole section of an indicator.
pub(super) fn section(page: &Page<'_>, id: IndicatorId) -> Markup {
    let told = words::presentation(id);
    let series = page.figures.series(id);
    // Series of which nothing may be shown are named in one sentence, so that they fill no page with marks.
    let (open, closed): (Vec<&str>, Vec<&str>) = series.into_iter().partition(|s| has_number(page, id, s));
    // Reasons of ending would be many small cards: they share one table.
    let (reasons, open): (Vec<&str>, Vec<&str>) = open.into_iter().partition(|s| words::is_reason(s));
    let linked = page.figures.tables_of(id).any(|table| table.scope == Scope::Regio);
    let cards = open.iter().map(|series| match told.shape {
        Shape::Duration => duration_card(page, id, series, &told),
        Shape::Cohort if linked => cohort_card(page, id, series, &told),
        Shape::Flow | Shape::Stock | Shape::Cohort | Shape::Waiting => count_card(page, id, series, &told),
    });
    let mut parts = vec![heading(id, &told, linked), coverage_line(page, id), breaks(page, id)];
    parts.push(element("div", &[("class", "cards")], cards));
    if !reasons.is_empty() {
        parts.push(reasons_table(page, id, &told, &reasons));
    }
    if !closed.is_empty() {
        let names: Vec<String> = closed.iter().map(|series| words::series(id, series)).collect();
        let sentence = format!("Niet vrijgegeven of niet aangeleverd, over de hele periode: {}.", names.join("; "));
        parts.push(class("p", "closed", sentence));
    }
    parts.push(breakdowns(page, id, &told));
    parts.extend(rates::table(page, id));
    element("section", &[("id", id.as_str()), ("aria-labelledby", &format!("{id}-kop"))], parts)
}

fn has_number(page: &Page<'_>, id: IndicatorId, series: &str) -> bool {
    let totals = page.figures.tables_of(id).filter(|table| table.by.is_empty());
    totals.flat_map(|table| &table.rows).any(|row| row.series == series && row.value.is_some())
}

fn heading(id: IndicatorId, told: &Presentation, linked: bool) -> Markup {
    let mut parts = vec![
        element(
            "h2",
            &[("id", &format!("{id}-kop"))],
            [text(told.title), text(" "), class("span", "code", id.as_str())],
        ),
        class("p", "definition", words::description(id, linked)),
    ];
    let sentence = if linked { Some(words::COUNTED_ONCE) } else { words::adding_up(id) };
    if let Some(sentence) = sentence {
        parts.push(class("p", "definition", sentence));
    }
    if let Some(sentence) = words::inflated(id) {
        parts.push(class("p", "definition", sentence));
    }
    if let Some(norms) = words::norms(id) {
        parts.push(element("p", &[("class", "norm-line")], [tag("strong", "Norm: "), text(norms)]));
    }
    all(parts)
}

/// From where on figures cannot be laid beside those before.
fn breaks(page: &Page<'_>, id: IndicatorId) -> Markup {
    let found = page.figures.breaks(id, page.setting);
    if found.is_empty() {
        return all([]);
    }
    let sentences = found.iter().map(|found| tag("li", found.to_string()));
    let heading = element(
        "p",
        &[],
        [tag("strong", "Trendbreuken: "), text("vanaf hier zijn cijfers anders gemaakt dan ervoor.")],
    );
    element("div", &[("class", "coverage incomplete")], [heading, element("ul", &[], sentences)])
}

/// How many of the expected organisations delivered, over all tables of the indicator.
fn coverage_line(page: &Page<'_>, id: IndicatorId) -> Markup {
    let Some(coverage) = page.figures.coverage(id) else { return all([]) };
    let mut sentence = format!("Dekking: {} van {} organisaties", coverage.delivered, coverage.expected);
    let name = |oin: &_| {
        let party = page.setting.parties.iter().find(|p| p.oin == *oin);
        party.map_or_else(|| oin.to_string(), |p| p.name.clone())
    };
    let missing: Vec<String> = coverage.missing.iter().map(name).collect();
    if !missing.is_empty() {
        sentence.push_str(&format!("; ontbreekt: {}", missing.join(", ")));
    }
    if let Some(revised) = page.figures.revised(id) {
        sentence.push_str(&format!("; {revised}"));
    }
    if let Some(inflated) = page.figures.in_quarantine(id).map(words::in_quarantine) {
        sentence.push_str(&format!("; {inflated}"));
    }
    if coverage.window.is_some() {
        sentence.push_str("; de gegevensperiode is bij ten minste één organisatie afgeleid uit de regels");
    }
    let day = page.figures.tables_of(id).map(|table| table.peildatum).max();
    let day = day.map_or_else(String::new, |day| format!(", peildatum {day}"));
    sentence.push_str(&format!(". Definitie {id} versie {}{day}", definition(id).version));
    class("p", if missing.is_empty() { "coverage" } else { "coverage incomplete" }, format!("{sentence}."))
}

/// Reasons of ending by year.
fn reasons_table(page: &Page<'_>, id: IndicatorId, told: &Presentation, series: &[&str]) -> Markup {
    let rows = series.iter().map(|series| {
        let total = |year: &i16| page.figures.total(id, Period::year_of(*year), series, told.whole);
        (words::series(id, series), page.years.iter().map(|year| shown(total(year))).collect())
    });
    let caption = "Reden van beëindiging, per jaar";
    let table = measures_by_years(page, caption, rows.collect());
    element("div", &[("class", "reasons")], [tag("h3", caption), table])
}

/// The tables by one or two dimensions: folded, one fold for each breakdown, the last year first.
fn breakdowns(page: &Page<'_>, id: IndicatorId, told: &Presentation) -> Markup {
    let mut folds: BTreeMap<&[Dimension], Vec<&Table>> = BTreeMap::new();
    for table in page.figures.tables_of(id).filter(|table| !table.by.is_empty()) {
        folds.entry(&table.by).or_default().push(table);
    }
    let folds = folds.into_iter().map(|(by, mut tables)| {
        tables.sort_by_key(|table| std::cmp::Reverse(table.period));
        let names: Vec<&str> = by.iter().map(|d| words::dimension(*d)).collect();
        let name = format!("Naar {}", names.join(" en "));
        let shown = tables.into_iter().map(|table| breakdown(page, id, told, table));
        element("details", &[("class", "breakdown")], std::iter::once(tag("summary", &name)).chain(shown))
    });
    all(folds)
}

/// One table of a breakdown, under its period.
fn breakdown(page: &Page<'_>, id: IndicatorId, told: &Presentation, table: &Table) -> Markup {
    let mut name = table.period.map_or("Hele levering".to_owned(), |p| p.to_string());
    match table.scope {
        Scope::Som => name.push_str(", regionale som"),
        Scope::Regio => name.push_str(", hele regio"),
        Scope::Organisatie | Scope::Optelling => {}
    }
    let all_series = page.figures.series(id);
    let open = |series: &&&str| table.rows.iter().any(|r| r.series == **series && r.value.is_some());
    let columns: Vec<&str> = all_series.iter().filter(open).copied().collect();
    let content = if columns.is_empty() {
        class("p", "closed", "Van deze uitsplitsing mag geen enkel cijfer worden vrijgegeven.")
    } else {
        breakdown_table(page, (id, &name), told, table, &columns)
    };
    all([tag("h4", &name), content])
}

fn breakdown_table(
    page: &Page<'_>,
    (id, name): (IndicatorId, &str),
    told: &Presentation,
    table: &Table,
    columns: &[&str],
) -> Markup {
    let mut head: Vec<Markup> =
        table.by.iter().map(|d| element("th", &[("scope", "col")], [text(words::dimension(*d))])).collect();
    head.extend(
        columns.iter().map(|s| element("th", &[("scope", "col"), ("class", "num")], [text(words::series(id, s))])),
    );
    let mut keys: Vec<_> = table.rows.iter().map(|row| &row.key).collect();
    // Bands of age by their first year, codes by their number, what has none last.
    let place = |value: &String| {
        let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
        (digits.parse::<u32>().unwrap_or(u32::MAX), value.clone())
    };
    keys.sort_by_cached_key(|key| key.iter().map(|(dimension, value)| (*dimension, place(value))).collect::<Vec<_>>());
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

/// Name of an area, and what lies in it while that is short: `steden:0141+0153` is "steden (Almelo, Enschede)".
pub(super) fn area_name(gemeenten: &BTreeMap<String, String>, value: &str) -> String {
    const MOST: usize = 4;
    let (name, codes) = value.split_once(':').unwrap_or((value, ""));
    let inside: Vec<&str> = codes.split('+').map(|code| gemeenten.get(code).map_or(code, String::as_str)).collect();
    let name = name.replace('-', " ");
    if inside.len() > MOST { name } else { format!("{name} ({})", inside.join(", ")) }
}

/// Name of a dimension value: municipalities and organisations by the lists of the region.
pub(super) fn value_name(setting: &Setting, dimension: Dimension, code: &str) -> String {
    let known = match dimension {
        Dimension::Gemeente => setting.gemeenten.get(code).cloned(),
        Dimension::Organisatie => setting.parties.iter().find(|p| p.oin.as_str() == code).map(|p| p.name.clone()),
        Dimension::Gebied => Some(area_name(&setting.gemeenten, code)),
        _ => None,
    };
    known.unwrap_or_else(|| words::value(dimension, code))
}
