//! Rates of an indicator, folded: years by place, one table for each series.

use super::markup::{Markup, all, class, element, tag};
use super::section::{Page, value_name};
use super::tables::measures_by_years;
use crate::domain::query::{Dimension, IndicatorId};
use crate::monitor::figures::{Shown, number, shown_percent};
use crate::monitor::rates::{REGION, Rate, rates};
use crate::monitor::text as words;

/// The rates of an indicator; nothing without a denominator or without a count that can be laid against it.
pub(super) fn table(page: &Page<'_>, id: IndicatorId) -> Option<Markup> {
    let denominator = page.denominator?;
    let found: Vec<Rate<'_>> =
        rates(&page.figures, denominator).into_iter().filter(|rate| rate.indicator == id).collect();
    if found.is_empty() {
        return None;
    }
    let sentence = format!(
        "Noemer: {}. Berekend uit vrijgegeven, afgeronde aantallen; wat niet of alleen als ondergrens is vrijgegeven heeft geen \
         verhouding.",
        denominator.name
    );
    let series = page.figures.series(id).into_iter().filter(|series| found.iter().any(|rate| rate.series == *series));
    let tables = series.map(|series| {
        let name = words::series(id, series);
        let mut places: Vec<&str> = found.iter().filter(|r| r.series == series).map(|r| r.place.as_str()).collect();
        places.dedup();
        let rows = places.into_iter().map(|place| {
            let of = |year: &i16| {
                let rate = found.iter().find(|r| (r.series, r.place.as_str(), r.year) == (series, place, *year));
                rate.map_or_else(|| shown_percent(None), shown)
            };
            let named = if place == REGION {
                "Hele regio".to_owned()
            } else {
                value_name(page.setting, Dimension::Gemeente, place)
            };
            (named, page.years.iter().map(of).collect())
        });
        all([tag("h4", &name), measures_by_years(page, &format!("{name}, per 1.000"), rows.collect())])
    });
    let parts = [tag("summary", "Per 1.000, naar gemeente"), class("p", "small-note", sentence)];
    Some(element("details", &[("class", "breakdown")], parts.into_iter().chain(tables)))
}

/// One decimal, with a comma.
fn shown(rate: &Rate<'_>) -> Shown {
    Shown { text: format!("{},{}", number(rate.tenths / 10), rate.tenths % 10), spoken: None, mark: false }
}
