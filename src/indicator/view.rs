//! What every program reads: events up to the horizon, first events of trajectories, inflow starts (definitions 2).

use std::cmp::Reverse;

use super::columns::{Columns, Row, at};
use crate::domain::codes::{EventType, Maatregel};
use crate::domain::day::{Day, WorkCalendar};
use crate::policy::rules::DayKind;

/// The events of an organisation as the programs see them: not those after the horizon or without any date.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub columns: &'a Columns,
    pub horizon: Day,
    pub calendar: &'a WorkCalendar,
    /// Whether a quarter knows nothing of later quarters, so that its figures stay the same for every later horizon.
    pub frozen: bool,
}

impl<'a> View<'a> {
    /// Events of a type up to the horizon.
    pub fn of_type(self, event_type: EventType) -> impl Iterator<Item = Row> + 'a {
        let last = self.known_until(self.horizon);
        self.columns.of_type(event_type).filter(move |&row| {
            !self.columns.is_undated(row) && self.columns.lo(row) <= self.horizon && self.is_known(row, last)
        })
    }

    /// Whether the event is known when figures are made of what is [`View::known_until`] a day: one that may lie in a
    /// later quarter is frozen with that one.
    pub fn is_known(self, row: Row, until: Day) -> bool {
        !self.frozen || self.columns.hi(row) <= until
    }

    /// Events of several types, type after type.
    pub fn of_types(self, types: &'a [EventType]) -> impl Iterator<Item = Row> + 'a {
        types.iter().flat_map(move |&t| self.of_type(t))
    }

    /// Whether the event lies in the period: a date known to the month or year only when all of it does.
    pub fn lies_in(self, row: Row, (first, last): (Day, Day)) -> bool {
        self.columns.lo(row) >= first && self.columns.hi(row) <= last
    }

    /// Last day of which something is known when this day's figures are made.
    pub fn known_until(self, day: Day) -> Day {
        if self.frozen { day.end_of_quarter() } else { self.horizon }
    }

    /// Inflow starts: starts of a measure that are not a take-over reported twice.
    pub fn inflow_starts(self) -> Vec<Row> {
        let columns = self.columns;
        let key = |row| columns.subject(row).zip(columns.day(row)).map(|(s, d)| (s, columns.maatregel(row), d));
        let mut taken_over: Vec<_> = self.of_type(EventType::GiOvergenomen).filter_map(key).collect();
        taken_over.sort_unstable();
        let twice = |row| {
            key(row).is_some_and(|(subject, measure, day)| {
                let from = taken_over.partition_point(|&k| k < (subject, measure, Day(day.0 - 1)));
                let last = Day(day.0 + 1).min(self.known_until(day));
                taken_over.get(from).is_some_and(|&k| k <= (subject, measure, last))
            })
        };
        self.of_type(EventType::GiMaatregelStart).filter(|&row| !twice(row)).collect()
    }

    /// First event of a type in each trajectory, in [`View::order`]; the index is the trajectory.
    pub fn firsts(self, event_type: EventType) -> Vec<Option<Row>> {
        let mut first: Vec<Option<Row>> = vec![None; self.columns.trajectories()];
        for row in self.of_type(event_type) {
            if let Some(trajectory) = self.columns.trajectory(row) {
                let slot = &mut first[at(trajectory)];
                if slot.is_none_or(|old| self.order(row) < self.order(old)) {
                    *slot = Some(row);
                }
            }
        }
        first
    }

    /// The order that decides which event of a trajectory is first: by (`lo`, `hi`, `event_id`), in a release after the
    /// quarter in which it is known, so that what is frozen later never comes before what is frozen already.
    pub fn order(self, row: Row) -> (Day, Day, Day, u32) {
        let (lo, hi) = (self.columns.lo(row), self.columns.hi(row));
        (self.known_until(hi), lo, hi, self.columns.rank(row))
    }

    /// For each trajectory the events that give it its measure: its first start, else its first take-over.
    pub fn measure_events(self) -> Vec<[Option<Row>; 2]> {
        let started = [EventType::GiMaatregelStart, EventType::GiPjbStart].map(|t| self.firsts(t));
        let taken_over = self.firsts(EventType::GiOvergenomen);
        let first = |i: usize| started.iter().filter_map(|f| f[i]).min_by_key(|&row| self.order(row));
        (0..self.columns.trajectories()).map(|i| [first(i), taken_over[i]]).collect()
    }

    /// Measure of the trajectory with these events, as far as known when figures of the anchor are made.
    pub fn trajectory_measure(self, events: [Option<Row>; 2], anchor: Row) -> Option<Maatregel> {
        let until = self.known_until(self.columns.hi(anchor));
        let known =
            events.into_iter().flatten().find(|&row| self.columns.lo(row) <= until && self.is_known(row, until));
        known.and_then(|row| self.columns.maatregel(row))
    }

    /// First exact event of each child among `rows` in the period, by (day, `event_id`), with its subject and day.
    pub fn anchors(self, rows: impl Iterator<Item = Row>, (first, last): (Day, Day)) -> Vec<Anchor> {
        let mut anchors: Vec<Anchor> = rows
            .filter_map(|row| {
                let (subject, day) = self.columns.subject(row).zip(self.columns.day(row))?;
                (first <= day && day <= last).then_some(Anchor { subject, day, row })
            })
            .collect();
        anchors.sort_unstable_by_key(|a| (a.subject, a.day, self.columns.rank(a.row)));
        anchors.dedup_by_key(|a| a.subject);
        anchors
    }

    /// Days of exact events of children, for looking up the first on or after a day.
    pub fn timeline(self, rows: impl Iterator<Item = Row>) -> Timeline {
        Timeline::new(rows.filter_map(|row| self.columns.subject(row).zip(self.columns.day(row))))
    }

    /// Days between, as the norm counts them.
    pub fn days(self, count: DayKind, from: Day, to: Day) -> i32 {
        match count {
            DayKind::Working => self.calendar.between(from, to),
            DayKind::Calendar => to.0 - from.0,
        }
    }

    /// Last event of each (child, measure) with `hi` up to `day`, by largest (`hi`, `lo`), then smallest `event_id`.
    pub fn last_starts(self, rows: impl Iterator<Item = Row>, day: Day) -> Vec<Row> {
        let columns = self.columns;
        let known = rows.filter(|&row| columns.hi(row) <= day);
        let mut last: Vec<_> = known
            .filter_map(|row| {
                let unit = (columns.subject(row)?, columns.maatregel(row)?);
                Some((unit, Reverse((columns.hi(row), columns.lo(row))), columns.rank(row), row))
            })
            .collect();
        last.sort_unstable();
        last.dedup_by_key(|start| start.0);
        last.into_iter().map(|(.., row)| row).collect()
    }
}

/// The first exact event of a child in the period.
#[derive(Clone, Copy)]
pub(super) struct Anchor {
    pub subject: u32,
    pub day: Day,
    pub row: Row,
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
