//! What a node tells of a question: the rows of each child, and how many events it leaves out.

use super::super::anchors::{Anchors, Events};
use super::super::columns::{Columns, Row};
use super::super::follow::{self, MONTHS_BACK, durations, starts_of, vots_ends};
use super::super::release::Release;
use super::super::steps::{Anchor, last_of_each};
use super::super::view::View;
use super::super::volume::{ENDS, chain_starts, inflow_events, outflow_events};
use super::link::{Link, MEETINGS, Pair};
use super::{CLASS, COMPLETE, COMPLETE_LONG, REASON_07, YEAR, link_of};
use crate::crypto::MacKey;
use crate::domain::codes::{EventType, Maatregel, Reden};
use crate::domain::day::{Day, WorkCalendar};
use crate::domain::linked::{ChildRows, Cohort, LeftOut, LinkedRow, Question, Role};
use crate::domain::query::Dimension;

/// Who tells, and within which frame.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    /// Horizon and data start of the run, days of IND-05, and the full domain of each dimension.
    pub release: &'a Release,
    /// Number of the node in the run document.
    pub organisation: u16,
    /// Key of family tokens and of noise, drawn for this run and never told.
    pub key: &'a MacKey,
    /// Whether a quarter knows nothing of later quarters but the follow-up, as in `compute_release`.
    pub frozen: bool,
}

/// The rows of a question over the events of a node; none for a question that linkage does not know.
#[must_use]
pub fn tell(columns: &Columns, calendar: &WorkCalendar, telling: &Telling<'_>, question: &Question) -> Cohort {
    let view = View { columns, horizon: telling.release.settings.horizon, calendar, frozen: telling.frozen };
    let events = Events::new(view, &question.by, telling.release.settings.organisation, Some(telling.release));
    let mut teller = Teller { view, events, telling, question, told: Vec::new(), left_out: LeftOut::default() };
    if let Some(link) = link_of(question) {
        teller.tell(link);
    }
    teller.cohort()
}

/// A row with the child, the event and the day that it is about.
struct Told {
    subject: u32,
    event: Row,
    row: LinkedRow,
}

struct Teller<'a> {
    view: View<'a>,
    events: Events<'a>,
    telling: &'a Telling<'a>,
    question: &'a Question,
    told: Vec<Told>,
    left_out: LeftOut,
}

impl Teller<'_> {
    fn tell(&mut self, link: Link) {
        let (view, (a, b)) = (self.view, self.question.period.bounds());
        let columns = view.columns;
        match link {
            Link::Inflow => self.children(inflow_events(view, (a, b))),
            Link::Outflow => self.children(outflow_events(view, (a, b))),
            Link::Stock(measures) => self.stock(measures, b),
            Link::Flow(pair) => self.flow(pair),
            Link::Help => self.help(),
            Link::PjbToOts => {
                let class = durations(view);
                let marks = |anchor: &Anchor| u16::try_from(class(anchor)).unwrap_or(0) << CLASS;
                self.firsts(|| view.of_type(EventType::GiPjbStart), follow::YEAR, marks);
                self.around(starts_of(view, &[Maatregel::Ots, Maatregel::Vots]), (a, Day(b.0 + follow::YEAR)));
            }
            Link::VotsToOts => {
                let marks = |anchor: &Anchor| mark(columns.reden(anchor.row) == Some(Reden::R07), REASON_07);
                self.firsts(|| vots_ends(view), follow::MONTH, marks);
                self.around(starts_of(view, &[Maatregel::Ots]), (a, Day(b.0 + follow::MONTH)));
            }
            Link::Known => self.known(),
            Link::ReEntry => {
                for anchor in view.candidates(view.of_type(EventType::GiMaatregelEinde), (a, b)) {
                    let long = mark(follow::complete(view, follow::TWO_YEARS)(&anchor), COMPLETE_LONG);
                    let flags = mark(follow::complete(view, follow::YEAR)(&anchor), COMPLETE) | long;
                    self.anchor(anchor.row, flags, [0; 3]);
                }
                self.around(view.inflow_starts().into_iter(), (a, Day(b.0 + follow::TWO_YEARS)));
            }
            Link::ReportedAgain => {
                let reports = || view.of_type(EventType::VtMelding);
                for anchor in view.anchors(reports(), (a, b)) {
                    self.anchor(anchor.row, mark(follow::complete(view, follow::YEAR)(&anchor), COMPLETE), [0; 3]);
                }
                self.around(reports(), (a, Day(b.0 + follow::YEAR)));
            }
            Link::Gap => self.gap(),
        }
    }

    /// Children of a series: one row for each cell that a child has an event in. The day says nothing here and is noise.
    fn children(&mut self, series: Vec<(String, Vec<Row>)>) {
        let wanted = series.into_iter().find(|(name, _)| *name == self.question.series);
        for row in wanted.map(|(_, rows)| rows).unwrap_or_default() {
            self.anchor(row, mark(self.view.columns.is_known_to_the_year(row), YEAR), [0; 3]);
            self.forget_day();
        }
    }

    /// The node's last start of each child and measure, and of its ends the last possible day.
    fn stock(&mut self, measures: &[Maatregel], day: Day) {
        let (view, columns) = (self.view, self.view.columns);
        let counts = |row: &Row| columns.maatregel(*row).is_some_and(|m| measures.contains(&m));
        for start in last_of_each(view.starts(chain_starts(view).into_iter().filter(counts), day)) {
            self.anchor(start.row, 0, [0; 3]);
            self.with_measure(start.care.1);
        }
        let mut ends = view.ends(&ENDS, day);
        ends.retain(|((_, measure), ..)| measures.contains(measure));
        ends.sort_unstable_by_key(|&(care, hi, _)| (care, std::cmp::Reverse(hi)));
        ends.dedup_by_key(|end| end.0);
        for ((_, measure), hi, row) in ends {
            self.event(row, hi);
            self.with_measure(measure);
        }
    }

    fn flow(&mut self, pair: Pair) {
        let (view, (a, b)) = (self.view, self.question.period.bounds());
        let within = i32::try_from(self.telling.release.settings.within).unwrap_or(i32::MAX / 2);
        let from = || {
            let rows = view.of_type(pair.from);
            rows.filter(move |&row| pair.outcome.is_none() || view.columns.uitkomst(row) == pair.outcome)
        };
        self.firsts(from, within, |_| 0);
        self.around(view.of_types(pair.to), (a, Day(b.0.saturating_add(within))));
    }

    /// The limit of IND-09 goes along in days: the gate knows no dates.
    fn help(&mut self) {
        let (view, (a, b)) = (self.view, self.question.period.bounds());
        let asked = || view.of_type(EventType::GiHulpvraag);
        for anchor in view.anchors(asked(), (a, b)) {
            let limit = anchor.day.add_months(3);
            self.anchor(anchor.row, mark(limit <= view.horizon, COMPLETE), [days(limit.0 - anchor.day.0), 0, 0]);
        }
        self.leave_out(asked());
        self.around(view.of_type(EventType::JhStart), (a, Day(b.0 + follow::YEAR)));
    }

    /// The node's first meeting with a child: an anchor in the period, and before it a bar, which tells no day.
    fn known(&mut self) {
        let (view, (a, b)) = (self.view, self.question.period.bounds());
        let data_from = self.telling.release.settings.data_from;
        for anchor in view.anchors(view.of_types(MEETINGS), (Day(i32::MIN), b)) {
            let back = MONTHS_BACK.map(|months| anchor.day.add_months(-months));
            let limits = back.map(|day| days(anchor.day.0 - day.0));
            if anchor.day >= a {
                self.anchor(anchor.row, mark(back[2] >= data_from, COMPLETE), limits);
            } else {
                self.event(anchor.row, anchor.day);
                self.forget_day();
                if let Some(told) = self.told.last_mut() {
                    told.row.role = Role::Bar;
                }
            }
        }
        let earlier: Vec<EventType> = EventType::ALL.iter().copied().filter(|t| is_earlier(*t)).collect();
        self.around(view.of_types(&earlier), (a.add_months(-MONTHS_BACK[2]), Day(b.0 - 1)));
    }

    /// The first hand-over of each child and measure, and all take-overs around the period.
    fn gap(&mut self) {
        let (view, (a, b)) = (self.view, self.question.period.bounds());
        let columns = view.columns;
        let mut given: Vec<(Maatregel, Anchor)> = Vec::new();
        for anchor in view.candidates(view.of_type(EventType::GiOvergedragen), (a, b)) {
            given.extend(columns.maatregel(anchor.row).map(|measure| (measure, anchor)));
        }
        given.sort_unstable_by_key(|(measure, a)| (a.subject, *measure, a.day, a.order));
        given.dedup_by_key(|(measure, a)| (a.subject, *measure));
        for (measure, anchor) in given {
            self.anchor(anchor.row, 0, [0; 3]);
            self.with_measure(measure);
        }
        let (first, last) = (Day(a.0 - follow::MONTH), Day(b.0 + follow::YEAR));
        for anchor in view.candidates(view.of_type(EventType::GiOvergenomen), (first, last)) {
            if let Some(measure) = columns.maatregel(anchor.row) {
                self.event(anchor.row, anchor.day);
                self.with_measure(measure);
            }
        }
    }

    /// The first of each child in the period as an anchor, and how many events of its kind are left out.
    fn firsts<I: Iterator<Item = Row>>(&mut self, rows: impl Fn() -> I, within: i32, marks: impl Fn(&Anchor) -> u16) {
        let (view, bounds) = (self.view, self.question.period.bounds());
        for anchor in view.anchors(rows(), bounds) {
            let flags = marks(&anchor) | mark(anchor.day.0.saturating_add(within) <= view.horizon.0, COMPLETE);
            self.anchor(anchor.row, flags, [0; 3]);
        }
        self.leave_out(rows());
    }

    fn leave_out(&mut self, rows: impl Iterator<Item = Row>) {
        let [without, imprecise] = self.view.left_out(rows, self.question.period.bounds()).map(|rows| rows.len());
        let [without_subject, imprecise] = [without, imprecise].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        self.left_out = LeftOut { without_subject, imprecise };
    }

    /// Exact events of children in these days.
    fn around(&mut self, rows: impl Iterator<Item = Row>, bounds: (Day, Day)) {
        for event in self.view.candidates(rows, bounds) {
            self.event(event.row, event.day);
        }
    }

    fn anchor(&mut self, event: Row, flags: u16, limits: [u16; 3]) {
        let columns = self.view.columns;
        let Some(subject) = columns.subject(event) else { return };
        let name = self.question.to_string();
        let family = self.events.family(event).to_be_bytes();
        let family = self.telling.key.tag(&[b"family", name.as_bytes(), &family]);
        let row = LinkedRow {
            role: Role::Anchor,
            flags,
            limits,
            day: number(columns.lo(event)),
            last: number(columns.hi(event)),
            cell: self.cell(event),
            family: first_eight(family.expose()),
            ..LinkedRow::void(self.telling.organisation)
        };
        self.told.push(Told { subject, event, row });
    }

    fn event(&mut self, event: Row, day: Day) {
        if let Some(subject) = self.view.columns.subject(event) {
            let (day, void) = (number(day), LinkedRow::void(self.telling.organisation));
            self.told.push(Told { subject, event, row: LinkedRow { role: Role::Event, day, last: day, ..void } });
        }
    }

    fn with_measure(&mut self, measure: Maatregel) {
        if let Some(told) = self.told.last_mut() {
            told.row.measure = measure as u8;
        }
    }

    /// Puts noise in the place of the last row's day: a constant there would tell the shift of the others.
    fn forget_day(&mut self) {
        let name = self.question.to_string();
        if let Some(told) = self.told.last_mut() {
            let noise = self.telling.key.tag(&[b"noise", name.as_bytes(), &told.event.to_be_bytes()]);
            let [_, _, _, _, a, b, c, d] = first_eight(noise.expose()).to_be_bytes();
            told.row.day = u32::from_be_bytes([a, b, c, d]);
            told.row.last = told.row.day;
        }
    }

    /// The anchor's combination of the values of the question's dimensions, as one number.
    fn cell(&self, event: Row) -> u32 {
        let trajectory =
            self.view.columns.trajectory(event).filter(|_| matches!(link_of(self.question), Some(Link::Help)));
        let domains = &self.telling.release.domains;
        let mut cell = 0;
        for &dimension in self.question.by.iter().filter(|d| **d != Dimension::Organisatie) {
            let text = self.events.text(dimension, self.events.value(dimension, event, trajectory));
            let values = domains.values(dimension);
            let place = values.iter().position(|value| *value == text).unwrap_or(values.len() - 1);
            cell = cell * size(values.len()) + size(place);
        }
        cell
    }

    /// The rows by child, without repetition, anchors ranked by (day, event id).
    fn cohort(mut self) -> Cohort {
        let ranks = self.view.columns;
        self.told.sort_unstable_by_key(|t| (t.subject, t.row.role, ranks.lo(t.event), ranks.rank(t.event)));
        let mut children = Vec::new();
        for same in self.told.chunk_by(|a, b| a.subject == b.subject) {
            let mut rows: Vec<LinkedRow> = Vec::new();
            let mut seen = std::collections::HashSet::new();
            for told in same {
                let counts_once = matches!(link_of(self.question), Some(Link::Inflow | Link::Outflow));
                let timeless = LinkedRow { day: 0, last: 0, ..told.row };
                if seen.insert(if counts_once { timeless } else { told.row }) {
                    let rank = if told.row.role == Role::Anchor && !counts_once { rows.len() } else { 0 };
                    rows.push(LinkedRow { rank: u16::try_from(rank).unwrap_or(u16::MAX), ..told.row });
                }
            }
            children.extend(same.first().map(|told| ChildRows { event: told.event, rows }));
        }
        Cohort { children, left_out: self.left_out }
    }
}

/// Whether an event of this type tells that the chain knew the child: those of the local team, Veilig Thuis and youth help.
fn is_earlier(event_type: EventType) -> bool {
    ["LT_", "VT_", "JH_"].iter().any(|prefix| event_type.as_str().starts_with(prefix))
}

fn mark(holds: bool, flag: u16) -> u16 {
    if holds { flag } else { 0 }
}

fn number(day: Day) -> u32 {
    day.0.cast_unsigned()
}

fn days(days: i32) -> u16 {
    u16::try_from(days).unwrap_or(u16::MAX)
}

fn size(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn first_eight(bytes: &[u8; 32]) -> u64 {
    bytes.first_chunk().map_or(0, |eight| u64::from_be_bytes(*eight))
}
