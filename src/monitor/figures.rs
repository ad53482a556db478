//! Looks figures up in a report and says them in Dutch; percentages come from released counts only.

use std::collections::{BTreeMap, BTreeSet};

use super::csv::mark;
use super::merge::summed;
use super::report::Report;
use super::text;
use crate::domain::oin::Oin;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::query::{Dimension, IndicatorId};
use crate::domain::table::{Coverage, Mark, Row, Table};

/// Percentages are published on at least this many.
const LEAST_WHOLE: i64 = 30;

/// A figure as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Shown {
    /// Number, percentage or mark.
    pub(super) text: String,
    /// What a screen reader says instead of a mark or sign.
    pub(super) spoken: Option<&'static str>,
    /// Whether it is a mark, not a number.
    pub(super) mark: bool,
}

/// Indicator, period and breakdown.
type About<'a> = (&'a str, Option<Period>, Vec<Dimension>);

/// The tables of a report by what they are about.
pub(super) struct Figures<'a> {
    /// Node releases added up, and a regional sum for each kind of owner.
    tables: BTreeMap<About<'a>, Vec<&'a Table>>,
}

impl<'a> Figures<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let mut tables: BTreeMap<_, Vec<&Table>> = BTreeMap::new();
        for table in &report.tables {
            tables.entry((table.indicator.as_str(), table.period, table.by.clone())).or_default().push(table);
        }
        Self { tables }
    }

    /// The indicators that the report has tables of, in order.
    pub(super) fn indicators(&self) -> Vec<IndicatorId> {
        let present: BTreeSet<&str> = self.tables.keys().map(|(indicator, ..)| *indicator).collect();
        IndicatorId::ALL.iter().copied().filter(|id| present.contains(id.as_str())).collect()
    }

    /// The table of totals that has a series.
    pub(super) fn table(&self, id: IndicatorId, period: Period, series: &str) -> Option<&'a Table> {
        let tables = self.tables.get(&(id.as_str(), Some(period), Vec::new()))?;
        tables.iter().find(|table| table.rows.iter().any(|row| row.series == series)).copied()
    }

    /// The tables of one indicator.
    pub(super) fn tables_of(&self, id: IndicatorId) -> impl Iterator<Item = &'a Table> + use<'a, '_> {
        self.tables
            .iter()
            .filter(move |((indicator, ..), _)| *indicator == id.as_str())
            .flat_map(|(_, tables)| tables.iter().copied())
    }

    /// How many organisations delivered an indicator, in the period whose total has the fewest. What comes from nodes and
    /// what comes as a regional sum cover it together, and each organisation counts once, as delivered when it is in all of them.
    pub(super) fn coverage(&self, id: IndicatorId) -> Option<Coverage> {
        let of = |totals: bool| {
            let mine =
                self.tables.iter().filter(move |((i, _, by), _)| *i == id.as_str() && (by.is_empty() || !totals));
            mine.filter_map(|(_, tables)| together(tables)).min_by_key(|coverage| coverage.delivered)
        };
        // A breakdown may come by one way only, where the totals come by two.
        of(true).or_else(|| of(false))
    }

    /// Most rows in quarantine beside the totals of an indicator.
    pub(super) fn in_quarantine(&self, id: IndicatorId) -> Option<u32> {
        let totals = self.tables.iter().filter(|((i, _, by), _)| *i == id.as_str() && by.is_empty());
        totals.filter_map(|(_, tables)| summed(tables.iter().copied())).max()
    }

    /// The newest formal revision of an indicator's figures, in words.
    pub(super) fn revised(&self, id: IndicatorId) -> Option<String> {
        let newest =
            self.tables_of(id).filter_map(|t| t.revision).max_by_key(|revision| (revision.day, revision.edition));
        newest.map(|revision| format!("herzien op {} (uitgave {})", revision.day, revision.edition))
    }

    /// Periods of one kind for which there are totals, in order.
    pub(super) fn periods(&self, kind: PeriodKind) -> Vec<Period> {
        let totals = self.tables.keys().filter(|(_, _, by)| by.is_empty()).filter_map(|(_, period, _)| *period);
        totals.filter(|p| p.kind() == kind).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Years for which there are totals of a year or of one of its quarters.
    pub(super) fn years(&self) -> Vec<i16> {
        let all = [self.periods(PeriodKind::Year), self.periods(PeriodKind::Quarter)];
        all.iter().flatten().map(|p| p.year()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Series of an indicator, in the order in which they are shown.
    pub(super) fn series(&self, id: IndicatorId) -> Vec<&'a str> {
        let all: BTreeSet<&str> = self.tables_of(id).flat_map(|t| t.rows.iter().map(|r| r.series.as_str())).collect();
        let mut all: Vec<&str> = all.into_iter().collect();
        all.sort_by_key(|code| text::series_order(id, code));
        all
    }

    /// The total of a series in a period: the first of the measures that has a number, else the first that is listed.
    pub(super) fn total(&self, id: IndicatorId, period: Period, series: &str, measures: &[&str]) -> Option<&'a Row> {
        let table = self.table(id, period, series)?;
        pick(&table.rows.iter().filter(|row| row.series == series), measures)
    }
}

/// The coverage of tables about the same.
fn together(tables: &[&Table]) -> Option<Coverage> {
    if let [table] = tables {
        return Some(table.coverage.clone());
    }
    let missing: BTreeSet<Oin> = tables.iter().flat_map(|t| t.coverage.missing.iter().copied()).collect();
    let delivered: BTreeSet<Oin> = tables.iter().flat_map(|t| t.sources.iter().copied()).collect();
    let delivered = delivered.difference(&missing).count();
    let window = tables.iter().find_map(|t| t.coverage.window.clone());
    let expected = delivered + missing.len();
    let in_quarantine = summed(tables.iter().copied());
    let missing = missing.into_iter().collect();
    (!tables.is_empty()).then_some(Coverage { expected, delivered, missing, window, in_quarantine })
}

/// The row of the first measure that has a number, else of the first that is listed.
pub(super) fn pick<'a>(rows: &(impl Iterator<Item = &'a Row> + Clone), measures: &[&str]) -> Option<&'a Row> {
    let of = |measure: &&str| rows.clone().find(|row| row.measure == *measure);
    let listed: Vec<&Row> = measures.iter().filter_map(of).collect();
    listed.iter().copied().find(|row| row.value.is_some()).or_else(|| listed.first().copied())
}

/// The figure of a row; a table without the row shows that nothing was delivered.
pub(super) fn shown(row: Option<&Row>) -> Shown {
    let Some(row) = row else { return marked(Mark::Missing) };
    match (row.value, row.mark) {
        (Some(value), _) if row.low.is_some() && row.high.is_none() => {
            Shown { text: format!("≥\u{a0}{}", number(value)), spoken: Some("ten minste"), mark: false }
        }
        (Some(value), _) => Shown { text: number(value), spoken: None, mark: false },
        (None, Some(mark)) => marked(mark),
        (None, None) => marked(Mark::Suppressed),
    }
}

fn marked(which: Mark) -> Shown {
    let spoken = match which {
        Mark::Suppressed => "niet vrijgegeven",
        Mark::Impossible => "kan niet voorkomen",
        Mark::Missing => "niet aangeleverd",
        Mark::Above365 => "in de open laatste klasse",
    };
    let text = if which == Mark::Above365 { "open" } else { mark(which) };
    Shown { text: text.to_owned(), spoken: Some(spoken), mark: true }
}

/// The count of a row when it is the whole count; none for a lower bound. A regional figure has no bounds: it is whole.
pub(super) fn full(row: Option<&Row>) -> Option<i64> {
    row.filter(|r| r.high.is_some() || r.low.is_none()).and_then(|r| r.value)
}

/// A part of a whole in whole percents; none when either is not fully known or the whole is small.
pub(super) fn percent(part: Option<&Row>, whole: Option<&Row>) -> Option<i64> {
    let part = match part.map(|row| row.mark) {
        Some(Some(Mark::Impossible)) => Some(0),
        _ => full(part),
    };
    let (part, whole) = (part?, full(whole)?);
    (whole >= LEAST_WHOLE && part <= whole).then(|| (200 * part + whole) / (2 * whole))
}

/// A percentage as it is shown.
pub(super) fn shown_percent(percent: Option<i64>) -> Shown {
    match percent {
        Some(p) => Shown { text: format!("{p}\u{a0}%"), spoken: None, mark: false },
        None => marked(Mark::Suppressed),
    }
}

/// A whole number with points between thousands.
pub(super) fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = if value < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: Option<i64>, high: Option<i64>, mark: Option<Mark>) -> Row {
        let (series, measure) = ("OTS".to_owned(), "n".to_owned());
        Row { series, measure, key: BTreeMap::new(), value, mark, low: value.map(|v| v - 2), high }
    }

    #[test]
    fn numbers_have_points_and_a_lower_bound_says_so() {
        assert_eq!(number(1_234_567), "1.234.567");
        assert_eq!(number(999), "999");
        assert_eq!(shown(Some(&row(Some(1_200), Some(1_202), None))).text, "1.200");
        assert_eq!(shown(Some(&row(Some(1_200), None, None))).text, "≥\u{a0}1.200");
        assert_eq!(shown(Some(&row(None, None, Some(Mark::Suppressed)))).text, "x");
        assert_eq!(shown(None).text, ".");
    }

    #[test]
    fn a_percentage_needs_two_full_counts_and_a_whole_of_thirty() {
        let full = |v| row(Some(v), Some(v + 2), None);
        assert_eq!(percent(Some(&full(20)), Some(&full(30))), Some(67));
        assert_eq!(percent(Some(&full(10)), Some(&full(25))), None);
        assert_eq!(percent(Some(&row(Some(20), None, None)), Some(&full(60))), None);
        assert_eq!(percent(Some(&row(None, None, Some(Mark::Suppressed))), Some(&full(60))), None);
        assert_eq!(percent(Some(&row(None, None, Some(Mark::Impossible))), Some(&full(60))), Some(0));
        assert_eq!(percent(Some(&full(65)), Some(&full(60))), None, "rounding can make a part larger than its whole");
    }
}
