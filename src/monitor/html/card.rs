//! A card for one series: its chart and its table.

use super::chart::{Bar, Line, LineChart, Point, Segment, Tone, bars, lines};
use super::markup::{Markup, all, class, element, tag, text};
use super::section::Page;
use super::tables::{measures_by_years, plain, years_by_quarters};
use crate::domain::period::Period;
use crate::domain::query::IndicatorId;
use crate::domain::table::{Mark, Row, Table};
use crate::indicator::definition::{MeasureKind, definition};
use crate::monitor::figures::{Shown, full, percent, shown, shown_percent};
use crate::monitor::quantile::{Bin, bin};
use crate::monitor::text::{self as words, Presentation, Shape};

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

/// Counts: a line over the quarters and a table of years by quarters; for who waits, the waiting times too.
pub(super) fn count_card(page: &Page<'_>, id: IndicatorId, series: &str, told: &Presentation) -> Markup {
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
        breaks: page.breaks_at(id),
    };
    let caption = format!("{}: {name}", told.title);
    let with_year = matches!(told.shape, Shape::Flow | Shape::Cohort);
    let mut content = vec![lines(&chart).unwrap_or_default()];
    content.push(years_by_quarters(page, &caption, with_year, |period| shown(total(period))));
    let mut unit = told.unit.to_owned();
    if told.shape == Shape::Waiting {
        unit = format!("{unit}, {}", words::norm_text(words::norm(id, series)));
        content.extend(waiting_times(page, id, series));
    }
    card(&name, &unit, content)
}

/// Children of the whole region who are followed: a line over the quarters, every count by year with its share, and how long it
/// took.
pub(super) fn cohort_card(page: &Page<'_>, id: IndicatorId, series: &str, told: &Presentation) -> Markup {
    let name = words::series(id, series);
    let total = |period, measures: &[&str]| page.figures.total(id, period, series, measures);
    let years = |figure: &dyn Fn(Period) -> Shown| -> Vec<Shown> {
        page.years.iter().map(|year| figure(Period::year_of(*year))).collect()
    };
    let counts = definition(id).measures.iter().filter(|m| m.kind == MeasureKind::Count);
    let listed = counts.filter(|m| page.years.iter().any(|y| total(Period::year_of(*y), &[m.name]).is_some()));
    let mut rows: Vec<(String, Vec<Shown>)> =
        listed.map(|m| (m.title.to_owned(), years(&|period| shown(total(period, &[m.name]))))).collect();
    if let Some(part) = told.part {
        let share = |period| shown_percent(percent(total(period, &[part]), total(period, told.whole)));
        let shares = years(&share);
        if shares.iter().any(|figure| !figure.mark) {
            rows.push(("aandeel".to_owned(), shares));
        }
    }
    if id == IndicatorId::Ind11 {
        let outflow = words::presentation(IndicatorId::Ind02).whole;
        let registered = |period| page.figures.total(IndicatorId::Ind02, period, "VOTS|07", outflow);
        let gap = |period| gap(total(period, &["teller_gekoppeld"]), registered(period));
        rows.push(("geregistreerd met reden 07 (uitstroom)".to_owned(), years(&|period| shown(registered(period)))));
        rows.push(("verschil, uit de afgeronde aantallen".to_owned(), years(&gap)));
    }
    let quantiles = [("mediaan (dagen)", "mediaan"), ("P80 (dagen)", "p80")];
    let quantiles =
        quantiles.map(|(name, measure)| (name.to_owned(), years(&|period| shown(total(period, &[measure])))));
    rows.extend(quantiles.into_iter().filter(|(_, figures)| figures.iter().any(|figure| !figure.mark)));
    let caption = format!("{}: {name}", told.title);
    let labels: Vec<String> = page.quarters.iter().map(ToString::to_string).collect();
    // How many came on; never how many began in its place.
    let main = told.part.map_or_else(|| told.whole.to_vec(), |part| vec![part]);
    let points = page.quarters.iter().map(|quarter| point(total(*quarter, &main))).collect();
    let chart = LineChart {
        id: id_of(&["lijn", id.as_str(), series]),
        title: format!("{caption}, per kwartaal"),
        labels: &labels,
        lines: vec![Line { name: name.clone(), points }],
        small: true,
        breaks: page.breaks_at(id),
    };
    card(&name, told.unit, [lines(&chart).unwrap_or_default(), measures_by_years(page, &caption, rows)])
}

/// The difference of two released counts; none when one is not fully known.
fn gap(one: Option<&Row>, other: Option<&Row>) -> Shown {
    full(one).zip(full(other)).map_or_else(|| shown_percent(None), |(a, b)| plain(a - b))
}

/// Who waits at the end of each year, by waiting time.
fn waiting_times(page: &Page<'_>, id: IndicatorId, series: &str) -> Option<Markup> {
    let last = Period::year_of(*page.years.last()?);
    let table = page.figures.table(id, last, series)?;
    let mut bins: Vec<_> = table.rows.iter().filter(|row| row.series == series).collect();
    bins.retain(|row| bin(&row.measure).is_some());
    bins.sort_by_key(|row| bin(&row.measure));
    let rows: Vec<(String, Vec<Shown>)> = bins
        .into_iter()
        .map(|row| {
            let name = bin(&row.measure).map_or(String::new(), words::bin);
            let at = |year: &i16| shown(page.figures.total(id, Period::year_of(*year), series, &[&row.measure]));
            (name, page.years.iter().map(at).collect())
        })
        .collect();
    let caption = format!("{}: naar wachttijd op 31 december", words::series(id, series));
    let any = rows.iter().flat_map(|(_, figures)| figures).any(|figure| !figure.mark);
    any.then(|| all([tag("h4", "Naar wachttijd, 31 december"), measures_by_years(page, &caption, rows)]))
}

/// Durations: the last year's bar against the norm, the years, and the quarters folded.
pub(super) fn duration_card(page: &Page<'_>, id: IndicatorId, series: &str, told: &Presentation) -> Markup {
    let name = words::series(id, series);
    let total = |period, measures: &[&str]| page.figures.total(id, period, series, measures);
    let year = |measures: &[&str]| -> Vec<Shown> {
        page.years.iter().map(|year| shown(total(Period::year_of(*year), measures))).collect()
    };
    let part = told.part.unwrap_or_default();
    let share = |period| shown_percent(percent(total(period, &[part]), total(period, told.whole)));
    let norm = words::norm(id, series);
    let mut rows = vec![("Aantal".to_owned(), year(told.whole))];
    if norm.is_some() {
        rows.push(("Binnen norm".to_owned(), page.years.iter().map(|y| share(Period::year_of(*y))).collect()));
    }
    let quantiles = [("Mediaan", "mediaan"), ("P80", "p80")].map(|(name, measure)| (name.to_owned(), year(&[measure])));
    rows.extend(quantiles.into_iter().filter(|(_, figures)| figures.iter().any(|figure| !figure.mark)));
    let caption = format!("{}: {name}", told.title);
    let mut quarters = vec![
        tag("summary", "Per kwartaal"),
        tag("h4", "Aantal"),
        years_by_quarters(page, &caption, true, |period| shown(total(period, told.whole))),
    ];
    if norm.is_some() {
        quarters.push(tag("h4", "Binnen norm"));
        quarters.push(years_by_quarters(page, &format!("{caption}, binnen norm"), true, share));
    }
    let bar = page.years.last().filter(|_| norm.is_some());
    let drawn = bar.and_then(|year| {
        let bar = bar_of(page, (id, series), told, Period::year_of(*year))?;
        Some(bars(&format!("Verdeling in {year}"), &[bar]))
    });
    let content =
        [drawn.unwrap_or_default(), measures_by_years(page, &caption, rows), element("details", &[], quarters)];
    card(&name, &format!("{}, {}", told.unit, words::norm_text(norm)), content)
}

/// The distribution of a series in a period against its norm; none when the table is not there.
pub(super) fn bar_of(
    page: &Page<'_>,
    (id, series): (IndicatorId, &str),
    told: &Presentation,
    period: Period,
) -> Option<Bar> {
    let table = page.figures.table(id, period, series)?;
    let part = told.part.unwrap_or_default();
    let total = |measures: &[&str]| page.figures.total(id, period, series, measures);
    let within = percent(total(&[part]), total(told.whole));
    // Only where the part within the norm is a sum of bins are the bins the whole.
    let norm = words::norm_days(id, series).filter(|_| part == "binnen_norm");
    let segments = norm.and_then(|norm| against_norm(table, series, norm)).or_else(|| within.map(two_parts));
    let mut result: Vec<String> = within.map(|p| format!("{p}\u{a0}% binnen norm")).into_iter().collect();
    for (name, measure) in [("mediaan", "mediaan"), ("P80", "p80")] {
        if let Some(value) = total(&[measure]).and_then(|row| row.value) {
            result.push(format!("{name} {value}"));
        }
    }
    if segments.is_none() && result.is_empty() {
        result.push("niet te tonen".to_owned());
    }
    let note = words::norm_text(words::norm(id, series));
    let segments = segments.unwrap_or_default();
    Some(Bar { name: words::series(id, series), note, segments, result: result.join(" · ") })
}

/// This percentage within the norm, and the rest.
fn two_parts(within: i64) -> Vec<Segment> {
    let part = |percent: i64, tone| Segment { thousandths: percent * 10, tone };
    vec![part(within, Tone::Good), part(100 - within, Tone::Late)]
}

/// The bins against a norm; none when one of them is not fully known, or no bin ends at the norm.
fn against_norm(table: &Table, series: &str, norm: i64) -> Option<Vec<Segment>> {
    let shares = shares(table, series)?;
    if !shares.iter().any(|((_, to), _)| *to == Some(norm)) {
        return None;
    }
    let tone = |to: Option<i64>| if to.is_some_and(|to| to <= norm) { Tone::Good } else { Tone::Late };
    Some(shares.into_iter().map(|((_, to), thousandths)| Segment { thousandths, tone: tone(to) }).collect())
}

/// The bins of a series with their shares in thousandths; none when one of them is not fully known.
pub(super) fn shares(table: &Table, series: &str) -> Option<Vec<(Bin, i64)>> {
    let mut bins = Vec::new();
    for row in table.rows.iter().filter(|row| row.series == series) {
        let Some(range) = bin(&row.measure) else { continue };
        let count = match (row.value, row.mark) {
            (Some(count), _) if row.high.is_some() => count,
            (None, Some(Mark::Impossible)) => 0,
            _ => return None,
        };
        bins.push((range, count));
    }
    bins.sort_unstable();
    let total: i64 = bins.iter().map(|(_, count)| count).sum();
    (total > 0).then(|| bins.into_iter().map(|(range, count)| (range, count * 1_000 / total)).collect())
}

/// The explanation of the marks.
pub(super) fn legend() -> Markup {
    let row = |sign: &str, meaning: &str| all([tag("dt", sign), tag("dd", meaning)]);
    let drawn = [
        row("○", "open teken in een grafiek: ten minste; een onderbroken lijn: niet vrijgegeven"),
        row("¦", "streep in een grafiek: trendbreuk, het waarom staat boven de kaarten"),
        row("open", "ligt in de laatste klasse, die geen bovengrens heeft"),
    ];
    let marks = words::MARKS.iter().map(|(sign, meaning)| row(sign, meaning));
    element("dl", &[("class", "marks")], marks.chain(drawn))
}
