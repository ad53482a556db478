//! A reader who compares stages that end in a quarter (IND-06) with the same trajectories where they begin (IND-07, IND-08, IND-08P),
//! by what holds for every input: who ends soon began in this quarter or in the one before.
#![cfg(not(feature = "defect-primary-only"))]

use std::collections::BTreeMap;

use ketenpoort::domain::query::IndicatorId;

use crate::attacker::Law;
use crate::attacker::tables::{Board, Name};
use crate::release::{EXAMPLE, Node};

/// Indicators that count a stage where it begins, each in one series.
const BEGINS: [(&str, &str); 3] = [("GI_WERKER", "IND-07"), ("GI_CONTACT", "IND-08"), ("GI_PLAN", "IND-08P")];
/// Days that surely fit in one quarter: calendar days, or working days of such.
const WITHIN_A_QUARTER: i64 = 70;
const QUARTERS: i64 = 8;

/// Total number of quarter `q`, counted from 2022.
fn cell(indicator: &str, series: &str, measure: &str, q: i64) -> Name {
    let (indicator, series, measure) = (indicator.to_owned(), series.to_owned(), measure.to_owned());
    let period = format!("{}-Q{}", 2022 + q.div_euclid(4), 1 + q.rem_euclid(4));
    Name { indicator, period, by: vec![], series, measure, key: vec![] }
}

/// Sums over successive quarters that are at most other such sums: what ends in a span began in it or one quarter before, and what
/// begins in a span ends in it or one quarter later.
fn inequalities(board: &Board) -> Vec<(Vec<Name>, Vec<Name>)> {
    let mut found: Vec<(Vec<Name>, Vec<Name>)> = Vec::new();
    let soon = |measure: &str| {
        let last = measure.strip_prefix("bin:").and_then(|range| range.split_once('-')?.1.parse::<i64>().ok());
        last.is_some_and(|last| last <= WITHIN_A_QUARTER)
    };
    for (series, begins) in BEGINS {
        let mut measures: Vec<String> =
            board.at.keys().filter(|n| n.series == series && soon(&n.measure)).map(|n| n.measure.clone()).collect();
        measures.sort();
        measures.dedup();
        for measure in measures {
            let ends = |first: i64, last: i64| (first..=last).map(|q| cell("IND-06", series, &measure, q)).collect();
            let begins = |first: i64, last: i64| (first..=last).map(|q| cell(begins, "ALLE", &measure, q)).collect();
            for first in 0..QUARTERS {
                for last in first..QUARTERS {
                    found.push((ends(first, last), begins(first - 1, last)));
                    found.push((begins(first, last), ends(first, last + 1)));
                }
            }
        }
    }
    let printed = |names: &[Name]| names.iter().all(|name| board.at.contains_key(name));
    found.retain(|(less, more)| printed(less) && printed(more));
    found
}

#[test]
fn where_stages_end_and_where_they_begin_pin_nobody_together() {
    // Four programs take minutes: `KETENPOORT_PROGRAMS=4`.
    let programs = std::env::var("KETENPOORT_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    for key in std::env::var("KETENPOORT_NODE").unwrap_or("gi-alfa".into()).split(',') {
        let mut node = Node::open(&EXAMPLE.1, key);
        let until = node.release.settings.horizon;
        let ids = [IndicatorId::Ind06, IndicatorId::Ind07, IndicatorId::Ind08, IndicatorId::Ind08P];
        for component in node.components(2022..=2023) {
            if ids.contains(&component.tables[0].indicator) {
                node.release(&component, until);
            }
        }
        let (mut board, truth): (Board, BTreeMap<Name, i64>) = (Board::read(&node.printed()), node.truth());
        board.hear_who_is_left_out(&truth);
        let laws = inequalities(&board);
        assert!(laws.len() > 100, "{key}: {}", laws.len());
        let before = board.puzzle.propagate(60);
        for (less, more) in &laws {
            let sum = |names: &[Name]| names.iter().map(|name| truth[name]).sum::<i64>();
            assert!(sum(less) <= sum(more), "{key}: {less:?} {} {}", sum(less), sum(more));
            let terms =
                |names: &[Name], factor| names.iter().map(move |name| (name.clone(), factor)).collect::<Vec<_>>();
            let terms =
                terms(less, 1).into_iter().chain(terms(more, -1)).map(|(name, f)| (board.at[&name], f)).collect();
            board.puzzle.laws.push(Law { terms, low: None, high: Some(0) });
        }
        let after = board.puzzle.propagate(60);
        let learned = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        println!("{key}: {} inequalities, which narrow {learned} of {} numbers", laws.len(), before.len());
        let found = board.attack(&truth, programs);
        assert!(found.is_empty(), "{key}: {found:#?}");
    }
}
