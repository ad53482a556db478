//! The top of the page: the course of youth protection over time, the last year against the norms, and the coverage.

use super::card::{bar_of, point, shares};
use super::chart::{Bar, Line, LineChart, Segment, Tone, bars, lines};
use super::markup::{Markup, all, class, element, tag, text};
use super::section::Page;
use super::tables::plain;
use crate::domain::codes::OrgType;
use crate::domain::period::Period;
use crate::domain::query::IndicatorId;
use crate::domain::table::{Row, Table};
use crate::monitor::figures::{Shown, percent, shown, shown_percent};
use crate::monitor::quantile::bin;
use crate::monitor::text as words;

/// Key figures, the chart over time, and the bars against the norms.
pub(super) fn overview(page: &Page<'_>) -> Markup {
    let Some(year) = page.years.last().copied() else { return all([]) };
    let mut parts =
        vec![element("h2", &[("id", "overzicht")], [text(format!("In één oogopslag, {year}"))]), tiles(page, year)];
    parts.push(element("div", &[("class", "pair")], course(page)));
    parts.extend(durations(page, year));
    parts.extend(waiting(page, year));
    element("section", &[("class", "overview"), ("aria-labelledby", "overzicht")], parts)
}

/// The stock of youth protection: counted over the region where the gate counted it, else added up.
fn stock_series(page: &Page<'_>) -> &'static str {
    let region = "KETEN|JB";
    if page.figures.series(IndicatorId::Ind03).contains(&region) { region } else { "LOKAAL|JB" }
}

/// Large numbers of the last year.
fn tiles(page: &Page<'_>, year: i16) -> Markup {
    let period = Period::year_of(year);
    let count = |id, series: &str| shown(page.figures.total(id, period, series, words::presentation(id).whole));
    let share = |id: IndicatorId| {
        let told = words::presentation(id);
        let part = told.part.unwrap_or_default();
        let series = page.figures.series(id).first().copied().unwrap_or_default();
        let total = |measures: &[&str]| page.figures.total(id, period, series, measures);
        shown_percent(percent(total(&[part]), total(told.whole)))
    };
    let delivered = page.setting.parties.iter().filter(|p| p.missing.is_none()).count();
    let tile = |name: &str, note: &str, figure: &Shown| {
        let value = if figure.mark { figure.spoken.unwrap_or_default() } else { &figure.text };
        let kind = if figure.mark { "value none" } else { "value" };
        element("div", &[("class", "tile")], [tag("dt", name), class("dd", kind, value), class("dd", "note", note)])
    };
    let of_asked = format!("van {} gevraagde organisaties", page.setting.parties.len());
    element(
        "dl",
        &[("class", "tiles")],
        [
            tile("Instroom", "kinderen in jeugdbescherming", &count(IndicatorId::Ind01, "JB")),
            tile("Uitstroom", "kinderen uit jeugdbescherming", &count(IndicatorId::Ind02, "JB")),
            tile(
                "Onderhanden",
                "kinderen met een maatregel op 31 december",
                &count(IndicatorId::Ind03, stock_series(page)),
            ),
            tile("Tijdig", "kreeg binnen 5 werkdagen een jeugdbeschermer", &share(IndicatorId::Ind07)),
            tile("Geantwoord", &of_asked, &plain(i64::try_from(delivered).unwrap_or_default())),
        ],
    )
}

/// Inflow and outflow of youth protection over the quarters, and its stock.
fn course(page: &Page<'_>) -> Vec<Markup> {
    let labels: Vec<String> = page.quarters.iter().map(ToString::to_string).collect();
    let line = |name: &str, id: IndicatorId, series: &str| {
        let whole = words::presentation(id).whole;
        let points = page.quarters.iter().map(|quarter| point(page.figures.total(id, *quarter, series, whole)));
        Line { name: name.to_owned(), points: points.collect() }
    };
    let chart = |id: &str, title: &str, drawn: Vec<Line>, breaks: Vec<usize>| {
        let (id, title) = (id.to_owned(), format!("Jeugdbescherming: {title}"));
        lines(&LineChart { id, title, labels: &labels, lines: drawn, small: false, breaks })
    };
    let flow = vec![line("Instroom", IndicatorId::Ind01, "JB"), line("Uitstroom", IndicatorId::Ind02, "JB")];
    let stock = vec![line("Onderhanden", IndicatorId::Ind03, stock_series(page))];
    let charts = [
        chart("verloop", "instroom en uitstroom per kwartaal (kinderen)", flow, page.breaks_at(IndicatorId::Ind01)),
        chart(
            "stand",
            "onderhanden aan het einde van het kwartaal (kinderen)",
            stock,
            page.breaks_at(IndicatorId::Ind03),
        ),
    ];
    charts.into_iter().flatten().collect()
}

/// Lead times of the last year against their norms.
fn durations(page: &Page<'_>, year: i16) -> Option<Markup> {
    let id = IndicatorId::Ind06;
    let told = words::presentation(id);
    let normed = page.figures.series(id).into_iter().filter(|series| words::norm_days(id, series).is_some());
    let found: Vec<Bar> =
        normed.filter_map(|series| bar_of(page, (id, series), &told, Period::year_of(year))).collect();
    let title = format!("Doorlooptijden in {year} tegen de norm: blauw is binnen, oranje is boven de norm");
    (!found.is_empty()).then(|| bars(&title, &found))
}

/// Waiting at the end of the last year: the length of a bar is the number, its shades the waiting times.
fn waiting(page: &Page<'_>, year: i16) -> Option<Markup> {
    let id = IndicatorId::Ind17;
    let whole = words::presentation(id).whole;
    let total = |series: &str| page.figures.total(id, Period::year_of(year), series, whole);
    let series = page.figures.series(id);
    let most = series.iter().filter_map(|series| total(series)?.value).max()?;
    let bar = |series: &&str| {
        let table = page.figures.table(id, Period::year_of(year), series)?;
        Some(waiting_bar(table, (id, series), total(series), most))
    };
    let found: Vec<Bar> = series.iter().filter_map(bar).collect();
    let title = format!("Wachtenden op 31 december {year} (donkerder: wacht langer)");
    Some(bars(&title, &found))
}

fn waiting_bar(table: &Table, (id, series): (IndicatorId, &str), whole: Option<&Row>, most: i64) -> Bar {
    let length = whole.and_then(|row| row.value).unwrap_or(0) * 1_000 / most.max(1);
    let shares = shares(table, series).unwrap_or_else(|| vec![((0, None), 1_000)]);
    let segment = |(_, share): &(_, i64)| Segment { thousandths: share * length / 1_000, tone: Tone::Wait };
    let segments = shares.iter().filter(|_| length > 0).map(segment).collect();
    let mut result = if length > 0 { format!("{} wachten", shown(whole).text) } else { "niet te tonen".to_owned() };
    let bins = table.rows.iter().filter(|row| row.series == series);
    let longest = bins.filter_map(|row| bin(&row.measure).map(|bin| (bin, row))).find(|((_, to), _)| to.is_none());
    if let Some((range, row)) = longest.filter(|(_, row)| row.value.is_some()) {
        result.push_str(&format!(", {} van hen {}", shown(Some(row)).text, words::bin(range)));
    }
    Bar { name: words::series(id, series), note: words::norm_text(words::norm(id, series)), segments, result }
}

/// Who was asked, who answered, and why not.
pub(super) fn coverage(page: &Page<'_>) -> Markup {
    let parties = &page.setting.parties;
    let missing: Vec<_> = parties.iter().filter(|p| p.missing.is_some()).collect();
    let sentence = if missing.is_empty() {
        format!("Alle {} gevraagde organisaties hebben geantwoord.", parties.len())
    } else {
        format!(
            "{} van de {} gevraagde organisaties hebben geantwoord. Cijfers waarvan een deel ontbreekt, staan er als \
             ‘ten minste’.",
            parties.len() - missing.len(),
            parties.len()
        )
    };
    let rows = parties.iter().map(|party| {
        let (kind, state) = match &party.missing {
            None => ("ok", "geantwoord".to_owned()),
            Some(reason) => ("no", format!("ontbreekt: {reason}")),
        };
        element(
            "tr",
            &[],
            [
                element("th", &[("scope", "row")], [text(&party.name)]),
                element("td", &[], [text(kind_name(party.org_type))]),
                element("td", &[("class", kind)], [text(state)]),
            ],
        )
    });
    let heads = ["Organisatie", "Soort", "Antwoord"].map(|head| element("th", &[("scope", "col")], [text(head)]));
    let table = element(
        "table",
        &[("class", "words")],
        [
            class("caption", "unseen", "Dekking per organisatie"),
            element("thead", &[], [element("tr", &[], heads)]),
            element("tbody", &[], rows),
        ],
    );
    let absent = missing.iter().map(|party| {
        let reason = party.missing.as_deref().unwrap_or_default();
        element("li", &[], [tag("strong", &party.name), text(format!(": {reason}"))])
    });
    let mut parts = vec![
        element("h2", &[("id", "dekking")], [text("Dekking")]),
        class("p", if missing.is_empty() { "coverage" } else { "coverage incomplete" }, sentence),
    ];
    if !missing.is_empty() {
        parts.push(element("ul", &[("class", "absent")], absent));
    }
    let later = &page.setting.later;
    if !later.is_empty() {
        parts.push(tag("p", "Nog niet vrijgegeven, en daarom niet in dit rapport:"));
        parts.push(element("ul", &[("class", "absent")], later.iter().map(|sentence| tag("li", sentence))));
    }
    let folded = [tag("summary", "Alle organisaties"), element("div", &[("class", "scroll")], [table])];
    parts.push(element("details", &[], folded));
    element("section", &[("class", "coverage-panel"), ("aria-labelledby", "dekking")], parts)
}

fn kind_name(org_type: OrgType) -> &'static str {
    match org_type {
        OrgType::Gem => "gemeente",
        OrgType::Vt => "Veilig Thuis",
        OrgType::Rvdk => "Raad voor de Kinderbescherming",
        OrgType::Gi => "gecertificeerde instelling",
        OrgType::Jha => "jeugdhulpaanbieder",
        OrgType::Monitor => "ketenmonitor",
        OrgType::Gate => "poortwachter",
    }
}
