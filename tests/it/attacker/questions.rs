//! Questions compute nothing. Whatever is asked, in whatever order, gets bytes that were stored, and the order changes none
//! of them; so counting the questions of somebody would protect nothing (docs/adr/0001).
#![cfg(not(any(feature = "defect-no-ledger", feature = "defect-primary-only")))]

use std::collections::{BTreeMap, BTreeSet};

use ketenpoort::disclosure::ledger::StoredTable;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::domain::table::Table;

use super::story::Story;
use super::years::first_terms;

fn table(indicator: IndicatorId, period: &str, by: &[Dimension]) -> TableQuery {
    TableQuery { indicator, period: Period::parse(period).expect("a period"), by: by.to_vec() }
}

/// Everything that the convenant grants of 2026.
fn granted() -> Vec<TableQuery> {
    let of = |indicator| {
        let periods = ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4", "2026"];
        periods.into_iter().flat_map(move |p| [table(indicator, p, &[]), table(indicator, p, &[Dimension::Gemeente])])
    };
    [IndicatorId::Ind01, IndicatorId::Ind02].into_iter().flat_map(of).collect()
}

/// What differs between two nodes with the same records: the random part of the certificate.
fn without_certificate(table: &Table) -> Table {
    Table { certificate: None, ..table.clone() }
}

/// A year in which `questions` are asked after every quarter; what was released in it.
fn a_year(questions: impl Fn(usize) -> Vec<Vec<TableQuery>>) -> BTreeMap<TableQuery, Table> {
    let mut story = Story::new(3);
    story.agree(first_terms());
    let mut first: BTreeMap<TableQuery, String> = BTreeMap::new();
    for n in 0..4 {
        story.deliver(n);
        story.settle_only(n);
        story = story.reopened();
        for question in questions(usize::try_from(n).expect("small")) {
            let answer = match story.ask(question.clone()) {
                Ok(answer) => answer,
                Err(reason) => {
                    assert_eq!(reason, ReasonCode::NotSettled);
                    continue;
                }
            };
            assert_eq!(answer.tables.len() + answer.pending.len(), question.len());
            let stored: BTreeSet<String> = story.released().iter().map(|stored| stored.text().to_owned()).collect();
            for table in &answer.tables {
                let text = serde_json::to_string(table).expect("JSON");
                assert!(stored.contains(&text), "an answer that was never stored");
                let query = question.iter().find(|q| {
                    (q.indicator.to_string(), Some(q.period), &q.by)
                        == (table.indicator.clone(), table.period, &table.by)
                });
                let query = query.expect("a table of the question");
                assert_eq!(first.entry(query.clone()).or_insert_with(|| text.clone()), &text, "another answer");
            }
        }
    }
    let released = story.released();
    let of = |stored: &StoredTable| (stored.query().clone(), without_certificate(&stored.table().expect("a table")));
    released.iter().map(of).collect()
}

#[test]
fn no_order_of_questions_changes_what_is_released() {
    let all = granted();
    let whole = a_year(|_| vec![granted()]);
    assert_eq!(whole.len(), all.len(), "the year and its quarters are out");
    // One by one from the last to the first, the same more than once, and in some quarters only one of them.
    let one_by_one = a_year(|n| {
        let asked: Vec<TableQuery> = all.iter().rev().cycle().skip(n).step_by(3).take(2 * all.len()).cloned().collect();
        let asked = if n == 1 { asked[..1].to_vec() } else { asked };
        asked.into_iter().map(|table| vec![table]).collect()
    });
    assert_eq!(one_by_one, whole);
}

#[test]
fn what_no_convenant_grants_is_refused_and_nothing_is_computed() {
    let mut story = Story::new(3);
    story.agree(first_terms());
    story.deliver(0);
    story.settle(0);
    let before = story.released();
    assert!(!before.is_empty());
    let refused = |table: TableQuery| {
        let reason = story.ask(vec![table]).expect_err("not granted");
        assert_eq!(story.released(), before);
        reason
    };
    // A shifted and a shorter period, a finer breakdown, another indicator, another year.
    let ind01 = IndicatorId::Ind01;
    assert_eq!(refused(table(ind01, "2026-H1", &[])), ReasonCode::PeriodNotAllowed);
    assert_eq!(refused(table(ind01, "2026-02", &[])), ReasonCode::PeriodNotAllowed);
    assert_eq!(refused(table(ind01, "2026-Q1", &[Dimension::Leeftijd])), ReasonCode::DimensionNotAllowed);
    assert_eq!(refused(table(IndicatorId::Ind03, "2026-Q1", &[])), ReasonCode::IndicatorNotAllowed);
    assert_eq!(refused(table(ind01, "2026-Q2", &[])), ReasonCode::NotSettled);
}
