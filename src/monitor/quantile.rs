//! Median and P80 from summed bins: only when every node printed every bin, never finer than the bins allow.

use std::collections::BTreeMap;

use crate::domain::query::{Dimension, IndicatorId};
use crate::domain::table::{Mark, Row};
use crate::indicator::definition::definition;

/// First and last day of a bin; the last bin has no end.
pub(super) type Bin = (i64, Option<i64>);

/// First and last day of a bin measure (`bin:6-10`); the last bin has no end (`bin:92+`).
pub(super) fn bin(measure: &str) -> Option<Bin> {
    let range = measure.strip_prefix("bin:")?;
    if let Some(from) = range.strip_suffix('+') {
        return Some((from.parse().ok()?, None));
    }
    let (from, to) = range.split_once('-')?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some((from, Some(to)))
}

/// The rows `mediaan` and `p80` for every series and key of `rows` that has bins of lead times.
pub(super) fn quantiles(indicator: &str, rows: &[Row]) -> Vec<Row> {
    // Bins of who still waits are no durations: only an indicator that defines a median gets one.
    let defined = IndicatorId::parse(indicator).is_some_and(|id| definition(id).measure("mediaan").is_some());
    if !defined {
        return Vec::new();
    }
    let mut groups: BTreeMap<(&str, &BTreeMap<Dimension, String>), Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| bin(&row.measure).is_some()) {
        groups.entry((&row.series, &row.key)).or_default().push(row);
    }
    let mut made = Vec::new();
    for ((series, key), bins) in groups {
        for (measure, percent) in [("mediaan", 50), ("p80", 80)] {
            let (value, mark) = quantile(&bins, percent);
            let (series, measure, key) = (series.to_owned(), measure.to_owned(), key.clone());
            made.push(Row { series, measure, key, value, mark, low: None, high: None });
        }
    }
    made
}

/// Nearest rank within the bin that holds it, its units spread evenly; suppressed when a bin is not fully printed.
fn quantile(rows: &[&Row], percent: i64) -> (Option<i64>, Option<Mark>) {
    let suppressed = (None, Some(Mark::Suppressed));
    let mut bins = Vec::new();
    for row in rows {
        let Some((from, to)) = bin(&row.measure) else { return suppressed };
        match (row.value, row.mark) {
            (Some(count), None) if row.high.is_some() => bins.push((from, to, count)),
            (None, Some(Mark::Impossible)) => bins.push((from, to, 0)),
            (None, Some(Mark::Missing)) => return (None, Some(Mark::Missing)),
            _ => return suppressed,
        }
    }
    bins.sort_unstable();
    let adjoin = bins.windows(2).all(|pair| pair[0].1.is_some_and(|end| end + 1 == pair[1].0));
    let complete = bins.first().is_some_and(|b| b.0 == 0) && bins.last().is_some_and(|b| b.1.is_none());
    let total: i64 = bins.iter().map(|b| b.2).sum();
    if !adjoin || !complete || total == 0 {
        return suppressed;
    }
    let rank = (total * percent + 99) / 100;
    let mut before = 0;
    for (from, to, count) in bins {
        if before + count >= rank {
            return match to {
                Some(to) => (Some(from + ((rank - before) * (to - from + 1) - 1) / count), None),
                None => (None, Some(Mark::Above365)),
            };
        }
        before += count;
    }
    suppressed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bins: &[(&str, Option<i64>)]) -> Vec<Row> {
        bins.iter()
            .map(|(measure, value)| Row {
                series: "GI_PLAN".into(),
                measure: (*measure).into(),
                key: BTreeMap::new(),
                value: *value,
                mark: value.is_none().then_some(Mark::Suppressed),
                low: value.map(|v| v - 2),
                high: value.map(|v| v + 2),
            })
            .collect()
    }

    fn both(rows: &[Row]) -> Vec<(Option<i64>, Option<Mark>)> {
        quantiles("IND-06", rows).into_iter().map(|row| (row.value, row.mark)).collect()
    }

    #[test]
    fn a_quantile_lies_within_its_bin_and_the_open_bin_has_none() {
        let full = rows(&[("bin:0-10", Some(20)), ("bin:11-42", Some(50)), ("bin:43+", Some(30))]);
        // The 50th of 100 is the 30th of 50 in a bin of 32 days.
        assert_eq!(both(&full), [(Some(11 + (30 * 32 - 1) / 50), None), (None, Some(Mark::Above365))]);
        let first = rows(&[("bin:0-10", Some(100)), ("bin:11+", Some(10))]);
        // The 55th of 100 in a bin of 11 days.
        assert_eq!(both(&first)[0], (Some((55 * 11 - 1) / 100), None));
    }

    #[test]
    fn one_bin_not_printed_or_lacking_means_no_quantile() {
        for bins in [
            rows(&[("bin:0-10", Some(20)), ("bin:11-42", None), ("bin:43+", Some(30))]),
            rows(&[("bin:0-10", Some(20)), ("bin:43+", Some(30))]),
            rows(&[("bin:0-10", Some(20)), ("bin:11-42", Some(30))]),
        ] {
            assert_eq!(both(&bins), [(None, Some(Mark::Suppressed)); 2]);
        }
        let mut at_least = rows(&[("bin:0-10", Some(20)), ("bin:11+", Some(30))]);
        at_least[1].high = None;
        assert_eq!(both(&at_least), [(None, Some(Mark::Suppressed)); 2]);
    }
}
