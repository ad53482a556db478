//! Small tables: years by quarters, and measures by years.

use super::markup::{Markup, class, element, text};
use super::section::Page;
use crate::domain::period::Period;
use crate::monitor::figures::{Shown, number};
use crate::monitor::text as words;

/// A cell with a figure, its mark spoken for a screen reader.
pub(super) fn figure_cell(figure: &Shown) -> Markup {
    let kind = if figure.mark { "num mark" } else { "num" };
    let content = match figure.spoken {
        // Explained to who hovers or comes with the keyboard, and always spoken.
        Some(spoken) if figure.mark => {
            let sign = element("span", &[("aria-hidden", "true")], [text(&figure.text)]);
            let why = words::MARKS.iter().find(|(mark, _)| *mark == figure.text).map_or(spoken, |(_, why)| why);
            element("span", &[("class", "why"), ("tabindex", "0")], [sign, class("span", "tip", why)])
        }
        Some(spoken) => element("span", &[("title", &format!("{spoken} {}", figure.text))], [text(&figure.text)]),
        None => text(&figure.text),
    };
    element("td", &[("class", kind)], [content])
}

/// Years as rows, quarters as columns and, for counts over a period, the year.
pub(super) fn years_by_quarters(
    page: &Page<'_>,
    caption: &str,
    with_year: bool,
    figure: impl Fn(Period) -> Shown,
) -> Markup {
    let mut heads: Vec<&str> = if with_year {
        vec!["1e kw.", "2e kw.", "3e kw.", "4e kw."]
    } else {
        vec!["31 mrt", "30 jun", "30 sep", "31 dec"]
    };
    if with_year {
        heads.push("Jaar");
    }
    let rows = page.years.iter().map(|year| {
        let quarters = (1..=4).map(|quarter| Period::quarter(*year, quarter));
        let periods = quarters.chain(with_year.then(|| Period::year_of(*year)));
        row(&year.to_string(), periods.map(&figure))
    });
    table(caption, "Jaar", heads.iter().map(|h| (*h).to_owned()), rows)
}

/// Named rows of figures, one column a year.
pub(super) fn measures_by_years(page: &Page<'_>, caption: &str, rows: Vec<(String, Vec<Shown>)>) -> Markup {
    let rows = rows.into_iter().map(|(name, figures)| row(&name, figures));
    table(caption, "", page.years.iter().map(ToString::to_string), rows)
}

fn row(name: &str, figures: impl IntoIterator<Item = Shown>) -> Markup {
    let head = element("th", &[("scope", "row")], [text(name)]);
    element("tr", &[], std::iter::once(head).chain(figures.into_iter().map(|figure| figure_cell(&figure))))
}

fn table(
    caption: &str,
    corner: &str,
    heads: impl IntoIterator<Item = String>,
    rows: impl IntoIterator<Item = Markup>,
) -> Markup {
    // Years explain themselves to whoever sees the table; the heading is there for whoever does not.
    let corner = match corner {
        "" => element("td", &[], []),
        "Jaar" => element("th", &[("scope", "col")], [class("span", "unseen", corner)]),
        _ => element("th", &[("scope", "col")], [text(corner)]),
    };
    let heads = heads.into_iter().map(|head| element("th", &[("scope", "col"), ("class", "num")], [text(head)]));
    element(
        "table",
        &[],
        [
            class("caption", "unseen", caption),
            element("thead", &[], [element("tr", &[], std::iter::once(corner).chain(heads))]),
            element("tbody", &[], rows),
        ],
    )
}

/// A whole number as it is shown.
pub(super) fn plain(value: i64) -> Shown {
    Shown { text: number(value), spoken: None, mark: false }
}
