//! `report.html`: one self-contained page in Dutch, without scripts or anything from elsewhere, for screen, phone and A4.

mod card;
mod chart;
mod flow;
pub mod markup;
mod overview;
mod rates;
mod section;
mod tables;
#[cfg(test)]
mod tests;

use markup::{Markup, all, class, element, tag, text};
use section::Page;

use super::figures::Figures;
use super::report::{Report, Setting};
use super::text as words;
use crate::domain::period::PeriodKind;
use crate::domain::query::{Dimension, IndicatorId};

const STYLE: &str = include_str!("style.css");

/// The page as text.
#[must_use]
pub fn write(report: &Report, setting: &Setting) -> String {
    let page = page_of(report, setting);
    let title = format!("Ketenmonitor {}", setting.region);
    let body = [
        element("a", &[("class", "skip"), ("href", "#inhoud")], [text("Naar de inhoud")]),
        banner(report),
        header(report, &page, &title),
        element("main", &[("id", "inhoud")], [content(report, &page)]),
        footer(report),
    ];
    markup::document(&title, STYLE, all(body))
}

/// What the pieces of the page share.
fn page_of<'a>(report: &'a Report, setting: &'a Setting) -> Page<'a> {
    let figures = Figures::of(report);
    Page {
        years: figures.years(),
        quarters: figures.periods(PeriodKind::Quarter),
        denominator: report.denominator.as_ref(),
        figures,
        setting,
    }
}

/// The style sheet of the report, for a page around [`part`].
pub const SHEET: &str = STYLE;

/// Which part of the report is shown inside another page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// At a glance: key figures, norms, waiting, coverage and the road through the chain.
    Glance,
    /// One indicator, with its breakdowns.
    Of(IndicatorId),
    /// All there is.
    Whole,
}

/// What the page says between its header and its footer, or a part of that, for another page; everything in it is escaped.
#[must_use]
pub fn part(report: &Report, setting: &Setting, view: View) -> String {
    let page = page_of(report, setting);
    let parts = match view {
        View::Whole => return content(report, &page).into_text(),
        View::Glance => {
            let mut parts = vec![overview::overview(&page), overview::coverage(&page)];
            parts.extend(flow::route(&page));
            parts
        }
        View::Of(id) if page.figures.indicators().contains(&id) => vec![section::section(&page, id), reading()],
        View::Of(_) => vec![class("p", "closed", "In deze keuze zijn geen cijfers van deze indicator.")],
    };
    element("div", &[], parts).into_text()
}

/// The title of an indicator.
#[must_use]
pub fn title(id: IndicatorId) -> &'static str {
    words::presentation(id).title
}

/// The name of a breakdown, in Dutch.
#[must_use]
pub fn dimension(by: Dimension) -> &'static str {
    words::dimension(by)
}

fn banner(report: &Report) -> Markup {
    if !report.example {
        return all([]);
    }
    let sentence = "Alle kinderen, gebeurtenissen en organisaties in dit rapport zijn verzonnen.";
    let seen = element("p", &[("class", "banner")], [tag("strong", "VOORBEELD"), text(" "), text(sentence)]);
    let mark = element("div", &[("class", "watermark"), ("aria-hidden", "true")], [text("VOORBEELD")]);
    all([seen, mark])
}

fn header(report: &Report, page: &Page<'_>, title: &str) -> Markup {
    let years = match (page.years.first(), page.years.last()) {
        (Some(first), Some(last)) if first != last => format!("{first} tot en met {last}"),
        (Some(year), _) => year.to_string(),
        _ => "geen periode".to_owned(),
    };
    let day = report.tables.first().map_or("onbekend".to_owned(), |table| table.peildatum.to_string());
    let convenant = &report.convenant;
    let named = if page.setting.convenant.is_empty() { &convenant.id } else { &page.setting.convenant };
    let fact = |name: &str, value: &str| element("div", &[], [tag("dt", name), tag("dd", value)]);
    let facts = [
        fact("Periode", &years),
        fact("Peildatum", &day),
        fact("Convenant", &format!("{named}, versie {}", convenant.version)),
    ];
    let lead = "Instroom, doorstroom en wachten in de jeugdbeschermingsketen, uit wat de organisaties en de poortwachter \
                beschermd hebben vrijgegeven. Aantallen zijn afgerond op vijf.";
    element(
        "header",
        &[("class", "top")],
        [element(
            "div",
            &[("class", "wrap")],
            [tag("h1", title), class("p", "lead", lead), element("dl", &[("class", "facts")], facts)],
        )],
    )
}

fn content(report: &Report, page: &Page<'_>) -> Markup {
    let indicators = page.figures.indicators();
    let links = indicators.iter().map(|id| {
        let target = format!("#{id}");
        element("li", &[], [element("a", &[("href", &target)], [text(words::presentation(*id).title)])])
    });
    let contents = element("nav", &[("aria-label", "Inhoud"), ("class", "contents")], [element("ul", &[], links)]);
    let mut parts = vec![contents, overview::overview(page), overview::coverage(page)];
    parts.push(reading());
    parts.extend(flow::route(page));
    parts.extend(indicators.iter().map(|id| section::section(page, *id)));
    if report.tables.is_empty() {
        parts.push(class("p", "closed", "Dit rapport bevat geen tabellen."));
    }
    element("div", &[("class", "wrap")], parts)
}

fn reading() -> Markup {
    let heading = element("h2", &[("id", "leeswijzer")], [text("Zo leest u de tabellen")]);
    element("section", &[("class", "reading"), ("aria-labelledby", "leeswijzer")], [heading, card::legend()])
}

fn footer(report: &Report) -> Markup {
    let sentence = format!(
        "Gemaakt met Ketenpoort. Een optelling van vrijgaven is geen telling van unieke kinderen over organisaties \
         heen. De cijfers van dit rapport staan ook in report.json, report.csv en report.xlsx; afdrukken geeft een pdf. Convenant {}, {}.",
        report.convenant.id, report.convenant.hash
    );
    element("footer", &[("class", "foot")], [element("div", &[("class", "wrap")], [tag("p", sentence)])])
}
