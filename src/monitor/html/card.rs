//! A card for one series: its chart and its table.

use super::chart::{Bar, Line, LineChart, Point, Segment, bars, lines};
use super::markup::{Markup, all, class, element, tag, text};
use super::section::Page;
use super::tables::{list, measures_by_years, years_by_quarters};
use crate::domain::period::Period;
use crate::domain::query::IndicatorId;
use crate::domain::table::{Mark, Row, Table};
use crate::monitor::csv::mark;
use crate::monitor::figures::{Shown, percent, shown, shown_percent};
use crate::monitor::quantile::bin;
use crate::monitor::text::{self as words, IndicatorText, Shape};

/// A chart point of a row.
pub(super) fn point(row: Option<&Row>) -> Point {
    match row.and_then(|row| row.value.map(|value| (value, row))) {
        Some((value, row)) => Point::Value { value, at_least: row.low.is_some() && row.high.is_none() },
        None => Point::Gap,
    }
}

/// A name that can be the id of an element.
pub(super) fn id_of(parts: &[&str]) -> String {
    parts.join("-").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn card(title: &str, unit: &str, content: impl IntoIterator<Item = Markup>) -> Markup {
    let heading = element("h3", &[], [text(title), text(" "), class("span", "unit", unit)]);
    element("article", &[("class", "card")], std::iter::once(heading).chain(content))
}

/// Counts: a line over the quarters and a table of years by quarters.
pub(super) fn count_card(page: &Page<'_>, id: IndicatorId, series: &str, told: &IndicatorText) -> Markup {
    let name = words::series(id, series);
    let total = |period| page.figures.total(id, period, series, told.whole);
    let labels: Vec<String> = page.quarters.iter().map(ToString::to_string).collect();
    let points = page.quarters.iter().map(|quarter| point(total(*quarter))).collect();
    let chart = LineChart {
        id: id_of(&["lijn", id.as_str(), series]),
        title: format!("{}, {name} per kwartaal", told.title),
        labels: &labels,
        lines: vec![Line { name: name.clone(), points }],
        small: true,
    };
    let all_periods = page.quarters.iter().copied().chain(page.years.iter().map(|y| Period::year_of(*y)));
    let measure = all_periods.filter_map(total).find(|row| row.value.is_some()).map_or("", |row| &row.measure);
    let unit = if told.shape == Shape::Waiting { "trajecten".to_owned() } else { words::measure(measure) };
    let caption = format!("{}: {name}", told.title);
    let mut content = vec![lines(&chart).unwrap_or_default()];
    content.push(years_by_quarters(page, &caption, told.shape == Shape::Flow, |period| shown(total(period))));
    if told.shape == Shape::Waiting {
        content.push(waiting_beyond(page, id, series, told));
    }
    card(&name, &unit, content)
}

/// Who waits beyond the norm at the end of each year.
fn waiting_beyond(page: &Page<'_>, id: IndicatorId, series: &str, told: &IndicatorText) -> Markup {
    let at = |year: i16, measures: &[&str]| page.figures.total(id, Period::year_of(year), series, measures);
    if !page.years.iter().any(|year| at(*year, &["boven_norm"]).is_some()) {
        return class("p", "small-note", "Voor deze stap is geen norm vastgesteld.");
    }
    let counts = page.years.iter().map(|year| shown(at(*year, &["boven_norm"]))).collect();
    let shares = page
        .years
        .iter()
        .map(|year| shown_percent(percent(at(*year, &["boven_norm"]), at(*year, told.whole))))
        .collect();
    let rows = vec![("Boven de norm, 31 december".to_owned(), counts), ("aandeel".to_owned(), shares)];
    measures_by_years(page, &format!("{}: boven de norm", words::series(id, series)), rows)
}

/// Durations: the last year's bar against the norm, the years, and the quarters folded.
pub(super) fn duration_card(page: &Page<'_>, id: IndicatorId, series: &str, told: &IndicatorText) -> Markup {
    let name = words::series(id, series);
    let parts: Vec<&str> = told.parts.iter().map(|(measure, _)| *measure).collect();
    let total = |period, measures: &[&str]| page.figures.total(id, period, series, measures);
    let year = |measures: &[&str]| -> Vec<Shown> {
        page.years.iter().map(|year| shown(total(Period::year_of(*year), measures))).collect()
    };
    let share = |period| shown_percent(percent(total(period, &parts), total(period, told.whole)));
    let normed = words::norm_days(id, series).is_some();
    let mut rows = vec![("Aantal".to_owned(), year(told.whole))];
    if normed {
        rows.push(("Binnen norm".to_owned(), page.years.iter().map(|y| share(Period::year_of(*y))).collect()));
    }
    rows.push(("Mediaan".to_owned(), year(&["mediaan"])));
    rows.push(("P80".to_owned(), year(&["p80"])));
    let caption = format!("{}: {name}", told.title);
    let mut quarters = vec![
        tag("summary", "Per kwartaal"),
        tag("h4", "Aantal"),
        years_by_quarters(page, &caption, true, |period| shown(total(period, told.whole))),
    ];
    if normed {
        quarters.push(tag("h4", "Binnen norm"));
        quarters.push(years_by_quarters(page, &format!("{caption}, binnen norm"), true, share));
    }
    let bar = page.years.last().filter(|_| normed).and_then(|y| bar_of(page, (id, series), told, Period::year_of(*y)));
    let drawn = bar.map(|bar| bars(&format!("Verdeling in {}", page.years.last().unwrap_or(&0)), &[bar]));
    let content =
        [drawn.unwrap_or_default(), measures_by_years(page, &caption, rows), element("details", &[], quarters)];
    card(&name, norm_text(id, series), content)
}

fn norm_text(id: IndicatorId, series: &str) -> &'static str {
    match words::norm_days(id, series) {
        Some((5, true)) => "norm 5 werkdagen",
        Some((10, _)) => "norm 10 dagen",
        Some((42, _)) => "norm 42 dagen",
        Some((70, _)) => "norm 70 dagen",
        _ => "dagen, geen norm",
    }
}

/// The distribution of a series in a period against its norm; none when the table is not there.
pub(super) fn bar_of(
    page: &Page<'_>,
    (id, series): (IndicatorId, &str),
    told: &IndicatorText,
    period: Period,
) -> Option<Bar> {
    let table = page.figures.table(id, Some(period), &[])?;
    let parts: Vec<&str> = told.parts.iter().map(|(measure, _)| *measure).collect();
    let total = |measures: &[&str]| page.figures.total(id, period, series, measures);
    let within = percent(total(&parts), total(told.whole));
    let norm = words::norm_days(id, series).map(|(days, _)| days);
    let segments = segments(table, series, norm).or_else(|| within.map(|p| beyond(100 - p)));
    let mut result: Vec<String> = within.map(|p| format!("{p}\u{a0}% {}", told.parts[0].1)).into_iter().collect();
    for (name, measure) in [("mediaan", "mediaan"), ("P80", "p80")] {
        if let Some(value) = total(&[measure]).and_then(|row| row.value) {
            result.push(format!("{name} {value}"));
        }
    }
    if result.is_empty() {
        result.push(if segments.is_some() { String::new() } else { "niet te tonen".to_owned() });
    }
    let note = norm_text(id, series).to_owned();
    let segments = segments.unwrap_or_default();
    Some(Bar { name: words::series(id, series), note, segments, result: result.join(" · ") })
}

/// Two parts: within the norm, and this percentage beyond it.
pub(super) fn beyond(percent: i64) -> Vec<Segment> {
    let part = |percent: i64, good| Segment { thousandths: percent * 10, good };
    vec![part(100 - percent, true), part(percent, false)]
}

/// The bins as shares; none when one of them is not fully known, or no bin ends at the norm.
fn segments(table: &Table, series: &str, norm: Option<i64>) -> Option<Vec<Segment>> {
    let norm = norm?;
    let mut bins = Vec::new();
    for row in table.rows.iter().filter(|row| row.series == series) {
        let Some((from, to)) = bin(&row.measure) else { continue };
        let count = match (row.value, row.mark) {
            (Some(count), _) if row.high.is_some() => count,
            (None, Some(Mark::Impossible)) => 0,
            _ => return None,
        };
        bins.push((from, to, count));
    }
    bins.sort_unstable();
    let total: i64 = bins.iter().map(|(_, _, count)| count).sum();
    if total == 0 || !bins.iter().any(|(_, to, _)| *to == Some(norm)) {
        return None;
    }
    let segment = |(_, to, count): (i64, Option<i64>, i64)| Segment {
        thousandths: count * 1_000 / total,
        good: to.is_some_and(|to| to <= norm),
    };
    Some(bins.into_iter().map(segment).collect())
}

/// A cohort with its parts: counts and shares by year, the quarters folded.
pub(super) fn cohort_card(page: &Page<'_>, id: IndicatorId, series: &str, told: &IndicatorText) -> Markup {
    let name = words::series(id, series);
    let total = |period, measures: &[&str]| page.figures.total(id, period, series, measures);
    let each = |figure: &dyn Fn(Period) -> Shown| page.years.iter().map(|y| figure(Period::year_of(*y))).collect();
    let mut rows: Vec<(String, Vec<Shown>)> =
        vec![("Aantal met volledige follow-up".to_owned(), each(&|period| shown(total(period, told.whole))))];
    for (measure, label) in told.parts {
        rows.push(((*label).to_owned(), each(&|period| shown(total(period, &[measure])))));
        let share = |period| shown_percent(percent(total(period, &[measure]), total(period, told.whole)));
        rows.push(("aandeel".to_owned(), each(&share)));
    }
    let caption = format!("{}: {name}", told.title);
    let quarters = years_by_quarters(page, &caption, true, |period| shown(total(period, told.whole)));
    let folded = element("details", &[], [tag("summary", "Aantal per kwartaal"), quarters]);
    card(&name, "kinderen", [measures_by_years(page, &caption, rows), folded])
}

/// Rows of the deliveries by outcome or rule.
pub(super) fn quality_card(page: &Page<'_>, id: IndicatorId, series: &str) -> Markup {
    let tables = page.figures.tables_of(id).filter(|table| table.by.is_empty());
    let rows: Vec<(String, Shown)> = tables
        .flat_map(|table| &table.rows)
        .filter(|row| row.series == series)
        .map(|row| (words::measure(&row.measure), shown(Some(row))))
        .collect();
    let name = words::series(id, series);
    card(&name, "regels", [list(&name, ("Uitkomst", "Aantal"), &rows)])
}

/// The explanation of the marks.
pub(super) fn legend() -> Markup {
    let row = |sign: &str, meaning: &str| all([tag("dt", sign), tag("dd", meaning)]);
    element(
        "dl",
        &[("class", "marks")],
        [
            row(mark(Mark::Suppressed), "niet vrijgegeven: te klein, of te herleiden uit andere cijfers"),
            row(mark(Mark::Impossible), "kan volgens de definitie niet voorkomen"),
            row(mark(Mark::Missing), "niet aangeleverd"),
            row("≥", "ten minste: een of meer organisaties konden hun deel niet vrijgeven of leveren"),
            row("○", "open teken in een grafiek: ten minste; een onderbroken lijn: niet vrijgegeven"),
            row("open", "ligt in de laatste klasse, die geen bovengrens heeft"),
        ],
    )
}
