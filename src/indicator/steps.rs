//! The steps that the programs are made of, over events of a node and over rows that linkage told alike: the first of each child,
//! the first in a window, the last start that no end closes. Days may be moved by any number, as long as it is one for each child.

use std::cmp::Reverse;

use super::columns::Row;
use crate::domain::codes::Maatregel;
use crate::domain::day::Day;

/// An event that can make a child a unit.
#[derive(Clone, Copy)]
pub(super) struct Anchor {
    /// The child, by a number.
    pub subject: u32,
    /// Its day.
    pub day: Day,
    /// What comes first of two on one day.
    pub order: u32,
    /// The event, by its number.
    pub row: Row,
}

/// The first anchor of each child, by (day, order).
pub(super) fn first_of_each(mut anchors: Vec<Anchor>) -> Vec<Anchor> {
    anchors.sort_unstable_by_key(|a| (a.subject, a.day, a.order, a.row));
    anchors.dedup_by_key(|a| a.subject);
    anchors
}

/// Days per child (or trajectory), sorted.
pub(super) struct Timeline(Vec<(u32, Day)>);

impl Timeline {
    pub fn new(days: impl Iterator<Item = (u32, Day)>) -> Self {
        let mut days: Vec<_> = days.collect();
        days.sort_unstable();
        Self(days)
    }

    /// First day in [from, to] of this child.
    pub fn first(&self, whose: u32, from: Day, to: Day) -> Option<Day> {
        let next = self.0.partition_point(|&k| k < (whose, from));
        self.0.get(next).filter(|&&(who, day)| who == whose && day <= to).map(|&(_, day)| day)
    }
}

/// A child, by a number, and a measure.
pub(super) type Care = (u32, Maatregel);

/// A start of a measure.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub care: Care,
    /// First and last possible day.
    pub lo: Day,
    pub hi: Day,
    /// What comes first of two with the same days.
    pub order: u32,
    /// The event, by its number.
    pub row: Row,
}

/// The last start of each child and measure, by largest (`hi`, `lo`), then smallest order.
pub(super) fn last_of_each(mut starts: Vec<Start>) -> Vec<Start> {
    starts.sort_unstable_by_key(|s| (s.care, Reverse((s.hi, s.lo)), s.order, s.row));
    starts.dedup_by_key(|s| s.care);
    starts
}

/// The last starts that no end closes: none of that child and measure whose last possible day is on or after the start's first.
pub(super) fn still_running(starts: Vec<Start>, mut ended: Vec<(Care, Day, Row)>) -> Vec<Row> {
    ended.sort_unstable();
    let mut last = last_of_each(starts);
    last.retain(|start| {
        let next = ended.partition_point(|&(care, hi, _)| (care, hi) < (start.care, start.lo));
        ended.get(next).is_none_or(|&(of, ..)| of != start.care)
    });
    last.into_iter().map(|start| start.row).collect()
}
