//! Blinded linkage, the questions: which rows a node tells (`tell`), and what the gate counts from the groups (`count`), with the
//! programs that also count over the events of one node.
//!
//! A question is one series, or the series that have the same anchors, over one period, for one breakdown that no other one holds:
//! the gate never sees a finer cell than a table that it has to make, and cannot lay two series beside each other.

pub mod count;
mod link;
pub mod tell;

use std::collections::BTreeSet;

pub(super) use self::link::PAIRS;
use self::link::{Link, link};
use super::relations::closed;
use super::release::linked_series;
use crate::domain::codes::Owner;
use crate::domain::linked::Question;
use crate::domain::query::{Dimension, IndicatorId, TableQuery};

/// An anchor whose follow-up is complete: the whole window is known.
pub(super) const COMPLETE: u16 = 1;
/// As [`COMPLETE`], for the longer window of IND-13.
pub(super) const COMPLETE_LONG: u16 = 2;
/// An end of a VOTS with reason 07.
pub(super) const REASON_07: u16 = 4;
/// An event of which only the year is known.
pub(super) const YEAR: u16 = 8;
/// Where the class of the duration of preventive youth protection begins: a number from 0 to 3.
pub(super) const CLASS: u16 = 4;

/// The questions that the tables of a plan take, where these kinds of owner deliver: a table by fewer dimensions is made of the rows of
/// a finer one, and of a series that is not released nothing is asked.
#[must_use]
pub fn questions(tables: &[TableQuery], owners: &[Owner]) -> Vec<Question> {
    let mut questions = BTreeSet::new();
    for table in tables {
        let by = finest(tables, table);
        let series = series_of(table.indicator, owners).into_iter();
        questions.extend(series.map(|series| Question {
            indicator: table.indicator,
            series,
            period: table.period,
            by: by.clone(),
        }));
    }
    questions.into_iter().collect()
}

/// The tables, with the coarser ones behind them, that are made of a question.
#[must_use]
pub fn tables_of(tables: &[TableQuery], question: &Question) -> Vec<TableQuery> {
    let mine = |t: &TableQuery| t.indicator == question.indicator && t.period == question.period;
    closed(tables).into_iter().filter(|t| mine(t) && finest(tables, t) == question.by).collect()
}

/// The breakdown from whose rows a table is made: the first of those that hold its dimensions and that no other one holds.
fn finest(tables: &[TableQuery], table: &TableQuery) -> Vec<Dimension> {
    let set = |by: &[Dimension]| by.iter().copied().collect::<BTreeSet<_>>();
    let same = tables.iter().filter(|t| t.indicator == table.indicator && t.period == table.period);
    let asked: BTreeSet<BTreeSet<Dimension>> = same.map(|t| set(&t.by)).collect();
    let own = set(&table.by);
    let longest = |by: &&BTreeSet<Dimension>| !asked.iter().any(|other| by.is_subset(other) && *by != other);
    let chosen = asked.iter().filter(longest).find(|by| own.is_subset(by)).unwrap_or(&own);
    chosen.iter().copied().collect()
}

/// The names of the questions of an indicator over what these owners deliver; empty for one that linkage does not count.
fn series_of(indicator: IndicatorId, owners: &[Owner]) -> BTreeSet<String> {
    let released = linked_series(indicator, owners).map(|series| question_of(indicator, &series.name));
    released.filter(|name| link(indicator, name).is_some()).map(str::to_owned).collect()
}

/// The name of the question that counts a series: both windows of IND-13, and every duration of IND-10, are told together.
fn question_of(indicator: IndicatorId, series: &str) -> &str {
    match indicator {
        IndicatorId::Ind13 if series != REPORTED_AGAIN => RE_ENTRY,
        _ => series,
    }
}

/// The question of both windows of IND-13.
const RE_ENTRY: &str = "MAATREGEL";
/// The question of repeated reports.
const REPORTED_AGAIN: &str = "VT_HERMELDING_12M";

/// What a question links; none when its series is unknown.
fn link_of(question: &Question) -> Option<Link> {
    link(question.indicator, &question.series)
}
