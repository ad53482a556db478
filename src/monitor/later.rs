//! What was asked and is not released yet, in sentences for the reader of the report.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::day::Day;
use crate::domain::period::Period;
use crate::domain::query::{IndicatorId, Query, TableQuery};
use crate::domain::reason::ReasonCode;
use crate::policy::permit::settles_on;
use crate::service::document::Pending;

/// Gathers what is not released, and why.
#[derive(Clone, Debug, Default)]
pub struct Later(BTreeMap<(IndicatorId, ReasonCode, Option<Day>), Absent>);

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Absent {
    periods: BTreeSet<Period>,
    /// Empty when it holds for every node.
    nodes: BTreeSet<String>,
}

impl Later {
    /// Splits a question into what every quarter of has settled on `today`, and the rest, which is noted and not asked.
    pub fn split(&mut self, question: &Query, settlement_days: u32, today: Day) -> Query {
        let from = |table: &TableQuery| settles_on(table.period, settlement_days);
        let (asked, early): (Vec<TableQuery>, Vec<TableQuery>) =
            question.tables().iter().cloned().partition(|table| from(table) <= today);
        for table in early {
            let key = (table.indicator, ReasonCode::NotSettled, Some(from(&table)));
            self.0.entry(key).or_default().periods.insert(table.period);
        }
        Query::new(asked)
    }

    /// Notes what a node did not release.
    pub fn note(&mut self, node: &str, pending: &[Pending]) {
        for table in pending {
            let absent = self.0.entry((table.table.indicator, table.reason, table.from)).or_default();
            absent.periods.insert(table.table.period);
            absent.nodes.insert(node.to_owned());
        }
    }

    /// One sentence for each reason, periods and nodes, with all its indicators.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut alike: BTreeMap<(&Absent, ReasonCode, Option<Day>), Vec<&str>> = BTreeMap::new();
        for ((indicator, reason, from), absent) in &self.0 {
            alike.entry((absent, *reason, *from)).or_default().push(indicator.as_str());
        }
        alike.iter().map(|((absent, reason, from), indicators)| sentence(indicators, *reason, *from, absent)).collect()
    }
}

fn sentence(indicators: &[&str], reason: ReasonCode, from: Option<Day>, absent: &Absent) -> String {
    let periods: Vec<String> = absent.periods.iter().map(ToString::to_string).collect();
    let nodes: Vec<&str> = absent.nodes.iter().map(String::as_str).collect();
    let nodes = if nodes.is_empty() { String::new() } else { format!(" ({})", nodes.join(", ")) };
    let why = match from {
        Some(day) => format!("komt vrij vanaf {day}"),
        None => format!("{} ({})", reason.sentence(), reason.code()),
    };
    format!("{} over {}{nodes}: {why}", indicators.join(", "), periods.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_early_is_not_asked_and_everything_absent_is_told_once() {
        let day = |text: &str| Day::parse(text).expect("a day");
        let table = |indicator, period: &str| TableQuery {
            indicator,
            period: Period::parse(period).expect("a period"),
            by: vec![],
        };
        let question = Query::new(vec![
            table(IndicatorId::Ind01, "2025-Q4"),
            table(IndicatorId::Ind01, "2026-Q1"),
            table(IndicatorId::Ind13, "2025"),
        ]);
        let mut later = Later::default();
        let asked = later.split(&question, 42, day("2026-02-11"));
        assert_eq!(asked, Query::new(vec![table(IndicatorId::Ind01, "2025-Q4"), table(IndicatorId::Ind13, "2025")]));
        let pending = |reason, from| Pending { table: table(IndicatorId::Ind13, "2025"), reason, from };
        for node in ["GI Een", "GI Twee"] {
            later.note(node, &[pending(ReasonCode::NotSettled, Some(day("2027-02-11")))]);
        }
        later.note("GI Drie", &[pending(ReasonCode::OutsideWindow, None)]);
        later.note(
            "GI Drie",
            &[Pending { table: table(IndicatorId::Ind11, "2025"), reason: ReasonCode::OutsideWindow, from: None }],
        );
        let told = later.sentences();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told.iter().any(|s| s.starts_with("IND-11, IND-13 over 2025 (GI Drie): De periode valt niet geheel")),
            "{told:?}"
        );
        assert!(
            told.contains(&"IND-13 over 2025 (GI Een, GI Twee): komt vrij vanaf 2027-02-11".to_owned()),
            "{told:?}"
        );
        assert!(told.contains(&"IND-01 over 2026-Q1: komt vrij vanaf 2026-05-12".to_owned()), "{told:?}");
    }
}
