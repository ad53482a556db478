//! The printed table: the full declared frame with marks, and what can be derived from printed counts alone.

use std::collections::BTreeMap;

use super::plan::{Place, frame};
use super::rules::share;
use super::system::Printed;
use crate::domain::day::Day;
use crate::domain::query::{IndicatorId, TableQuery};
use crate::domain::table::{Coverage, Mark, Row, Scope, Table};
use crate::indicator::definition::definition;
use crate::indicator::relations::CellRef;
use crate::indicator::release::Release;
use crate::policy::rules::DisclosureRules;

/// Measures of a released table that are derived from its printed counts.
pub(super) const DERIVED: [&str; 3] = [MEDIAN, P80, SHARE];
const MEDIAN: &str = "mediaan";
const P80: &str = "p80";
const SHARE: &str = "pct_binnen_norm";

/// The printed table of one question; `printed` gives the mark of each of its cells.
pub(super) fn table(
    query: &TableQuery,
    horizon: Day,
    release: &Release,
    rules: &DisclosureRules,
    printed: impl Fn(&CellRef) -> Printed,
) -> Table {
    let places: Vec<Place> = frame(query, horizon, release).into_iter().filter(|p| p.released).collect();
    let mut rows = Vec::with_capacity(places.len());
    for group in places.chunk_by(|a, b| (&a.cell.series, &a.cell.key) == (&b.cell.series, &b.cell.key)) {
        let counts: Vec<Row> = group.iter().map(|place| row(place, query, &printed)).collect();
        let derived = derived(query.indicator, &counts, rules);
        rows.extend(counts);
        rows.extend(derived);
    }
    Table {
        indicator: query.indicator.to_string(),
        version: definition(query.indicator).version.to_owned(),
        period: Some(query.period),
        by: query.by.clone(),
        peildatum: horizon,
        scope: Scope::Organisatie,
        protected: true,
        rows,
        coverage: Coverage { expected: 1, delivered: 1, missing: Vec::new(), window: None, in_quarantine: None },
        sources: vec![release.settings.organisation],
        certificate: None,
        revision: None,
    }
}

fn row(place: &Place, query: &TableQuery, printed: &impl Fn(&CellRef) -> Printed) -> Row {
    let cell = &place.cell;
    let (value, mark) = match printed(cell) {
        _ if place.open => (None, Some(Mark::Missing)),
        Printed::Value(v) => (Some(i64::from(v)), None),
        Printed::Suppressed | Printed::Known(_) | Printed::Elsewhere => (None, Some(Mark::Suppressed)),
        Printed::Impossible => (None, Some(Mark::Impossible)),
    };
    let key = query.by.iter().copied().zip(cell.key.iter().cloned()).collect();
    Row { series: cell.series.clone(), measure: cell.measure.clone(), key, value, mark, low: None, high: None }
}

/// Share within the norm, median and P80 of one series and key, from its printed rows.
pub(super) fn derived(indicator: IndicatorId, counts: &[Row], rules: &DisclosureRules) -> Vec<Row> {
    let Some(first) = counts.first() else { return Vec::new() };
    let value = |name: &str| counts.iter().find(|r| r.measure == name).and_then(|r| r.value);
    let has = |name: &str| counts.iter().any(|r| r.measure == name);
    let make = |measure: &str, value: Option<i64>, mark: Option<Mark>| Row {
        measure: measure.to_owned(),
        value,
        mark,
        ..first.clone()
    };
    let mut rows = Vec::new();
    for (teller, noemer) in [("binnen_norm", "n"), ("teller", "noemer")] {
        if has(teller) && has(noemer) {
            let whole = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok());
            let share = share(whole(value(teller)), whole(value(noemer)), rules).map(i64::from);
            rows.push(make(SHARE, share, share.is_none().then_some(Mark::Suppressed)));
        }
    }
    // The bins of IND-17 say how long trajectories wait until now: no durations.
    if indicator != IndicatorId::Ind17 && counts.iter().any(|r| bin(&r.measure).is_some()) {
        for (measure, percent) in [(MEDIAN, 50), (P80, 80)] {
            let (value, mark) = quantile(counts, percent);
            rows.push(make(measure, value, mark));
        }
    }
    rows
}

/// First and last day of a bin (`bin:6-10`); the last one has no end (`bin:366+`).
fn bin(measure: &str) -> Option<(i64, Option<i64>)> {
    let range = measure.strip_prefix("bin:")?;
    match range.split_once('-') {
        Some((from, to)) => Some((from.parse().ok()?, Some(to.parse().ok()?))),
        None => Some((range.strip_suffix('+')?.parse().ok()?, None)),
    }
}

/// A quantile from printed bins: nearest rank, the units of a bin spread evenly over its days. Nothing unless every bin
/// is printed (without all of them the rank is not known), nor in an open bin.
fn quantile(rows: &[Row], percent: i64) -> (Option<i64>, Option<Mark>) {
    let mut bins: BTreeMap<i64, (Option<i64>, i64)> = BTreeMap::new();
    for row in rows {
        let Some((from, to)) = bin(&row.measure) else { continue };
        let Some(n) = row.value.or((row.mark == Some(Mark::Impossible)).then_some(0)) else {
            return (None, Some(row.mark.unwrap_or(Mark::Suppressed)));
        };
        bins.insert(from, (to, n));
    }
    let total: i64 = bins.values().map(|(_, n)| n).sum();
    let rank = (total * percent + 99) / 100;
    let mut before = 0;
    for (from, (to, n)) in bins {
        if n > 0 && before + n >= rank {
            return match to {
                Some(to) => (Some(from + ((rank - before) * (to - from + 1) - 1) / n), None),
                None if from == 366 => (None, Some(Mark::Above365)),
                None => (None, None),
            };
        }
        before += n;
    }
    (None, Some(Mark::Suppressed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bins: &[(&str, Option<i64>)]) -> Vec<Row> {
        let row = |(measure, value): &(&str, Option<i64>)| Row {
            series: "GI_PLAN".into(),
            measure: (*measure).into(),
            key: BTreeMap::new(),
            value: *value,
            mark: value.is_none().then_some(Mark::Suppressed),
            low: None,
            high: None,
        };
        bins.iter().map(row).collect()
    }

    #[test]
    fn quantiles_come_from_printed_bins_only() {
        let bins = |last| rows(&[("bin:0-9", Some(10)), ("bin:10-19", Some(20)), ("bin:20-365", Some(10)), last]);
        let open = bins(("bin:366+", Some(10)));
        assert_eq!(quantile(&open, 50), (Some(17), None), "the 25th of 50: the 15th of 20 over the days 10 to 19");
        assert_eq!(quantile(&open, 80), (Some(365), None));
        assert_eq!(quantile(&bins(("bin:366+", Some(15))), 80), (None, Some(Mark::Above365)));
        assert_eq!(
            quantile(&bins(("bin:366+", None)), 50),
            (None, Some(Mark::Suppressed)),
            "no rank without the total"
        );
        assert_eq!(quantile(&rows(&[("bin:0-5", Some(10)), ("bin:6+", Some(40))]), 80), (None, None));
    }

    #[test]
    fn shares_come_from_printed_counts_of_thirty_or_more() {
        let rules = DisclosureRules::default();
        let pct = |n, within| {
            let counts = rows(&[("n", n), ("binnen_norm", within)]);
            let made = derived(IndicatorId::Ind06, &counts, &rules);
            made.first().map(|r| (r.measure.clone(), r.value, r.mark)).expect("a share")
        };
        assert_eq!(pct(Some(40), Some(30)), (SHARE.to_owned(), Some(75), None));
        assert_eq!(pct(Some(25), Some(20)), (SHARE.to_owned(), None, Some(Mark::Suppressed)));
        assert_eq!(pct(Some(40), None), (SHARE.to_owned(), None, Some(Mark::Suppressed)));
    }
}
