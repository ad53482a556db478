//! What every program reads: events up to the horizon, first events of trajectories, inflow starts (definitions 2).

use super::columns::{Columns, Row, at};
use super::steps::{Anchor, Care, Start, Timeline, first_of_each};
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

    /// Exact events of children among `rows` in the period.
    pub fn candidates(self, rows: impl Iterator<Item = Row>, (first, last): (Day, Day)) -> Vec<Anchor> {
        let anchor = |row| {
            let (subject, day) = self.columns.subject(row).zip(self.columns.day(row))?;
            (first <= day && day <= last).then_some(Anchor { subject, day, order: self.columns.rank(row), row })
        };
        rows.filter_map(anchor).collect()
    }

    /// First exact event of each child among `rows` in the period, by (day, `event_id`).
    pub fn anchors(self, rows: impl Iterator<Item = Row>, window: (Day, Day)) -> Vec<Anchor> {
        first_of_each(self.candidates(rows, window))
    }

    /// The events that an indicator leaves out: those in the period without subject, and those of a child without an exact day.
    pub fn left_out(self, rows: impl Iterator<Item = Row>, window: (Day, Day)) -> [Vec<Row>; 2] {
        let (with, without): (Vec<Row>, Vec<Row>) =
            rows.filter(|&row| self.lies_in(row, window)).partition(|&row| self.columns.subject(row).is_some());
        [without, with.into_iter().filter(|&row| self.columns.day(row).is_none()).collect()]
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

    /// Starts of a child and measure with `hi` up to `day`.
    pub fn starts(self, rows: impl Iterator<Item = Row>, day: Day) -> Vec<Start> {
        let columns = self.columns;
        let start = |row| {
            let care = columns.subject(row).zip(columns.maatregel(row))?;
            Some(Start { care, lo: columns.lo(row), hi: columns.hi(row), order: columns.rank(row), row })
        };
        rows.filter(|&row| columns.hi(row) <= day).filter_map(start).collect()
    }

    /// Ends of a child and measure with `lo` up to `day`, each with its last possible day.
    pub fn ends(self, types: &'a [EventType], day: Day) -> Vec<(Care, Day, Row)> {
        let (columns, until) = (self.columns, self.known_until(day));
        let ended = self.of_types(types).filter(|&row| columns.lo(row) <= day && self.is_known(row, until));
        ended
            .filter_map(|row| Some((columns.subject(row).zip(columns.maatregel(row))?, columns.hi(row), row)))
            .collect()
    }
}
