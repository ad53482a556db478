//! What the gate counts: groups of rows, one group a child, become cells by the programs of the definitions. Nothing here knows a
//! date or a child; what a row says is believed, and no content of a row can do more than change a count.

use std::collections::{BTreeMap, BTreeSet};

use super::super::anchors::Anchors;
use super::super::columns::{Row, at, index};
use super::super::definition::Unit as UnitKind;
use super::super::follow;
use super::super::raw::{RawCell, RawTable};
use super::super::release::{Release, YEAR_ONLY};
use super::super::sheet::{Sheet, Unit};
use super::super::steps::{Anchor, Start, Timeline, first_of_each, still_running};
use super::link::Link;
use super::{CLASS, COMPLETE, COMPLETE_LONG, REASON_07, YEAR, link_of, tables_of};
use crate::crypto::Digest;
use crate::domain::codes::Maatregel;
use crate::domain::day::Day;
use crate::domain::linked::{Group, LeftOut, LinkedRow, Question, Role};
use crate::domain::oin::Oin;
use crate::domain::query::{Dimension, Query, TableQuery};
use crate::policy::rules::Domains;

/// Farthest that two days of one child can lie apart, in days; a row that says more is brought within it.
const FARTHEST: i32 = 100_000;

/// The frame of a run at the gate.
#[derive(Clone, Copy)]
pub struct Counting<'a> {
    /// The nodes of the run document, in its order.
    pub organisations: &'a [Oin],
    /// The full domain of each dimension.
    pub domains: &'a Domains,
    /// Days of IND-05.
    pub within: u32,
    /// What is released, with its bins; none counts everything that the definitions count.
    pub release: Option<&'a Release>,
}

/// The tables of a run while its questions come in.
pub struct Counter<'a> {
    counting: Counting<'a>,
    plan: &'a Query,
    made: BTreeMap<TableQuery, Vec<RawCell>>,
}

impl<'a> Counter<'a> {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(counting: Counting<'a>, plan: &'a Query) -> Self {
        Self { counting, plan, made: BTreeMap::new() }
    }

    /// Counts the groups of one question, and what each node left out, into the tables that are made of it.
    pub fn add(&mut self, question: &Question, groups: &[Group], left_out: &[LeftOut]) {
        let told = Told::new(self.counting, question, groups);
        let sum = |of: fn(&LeftOut) -> u32| left_out.iter().map(of).fold(0, u32::saturating_add);
        let left_out = [sum(|l| l.without_subject), sum(|l| l.imprecise)];
        for table in tables_of(self.plan.tables(), question) {
            let mut sheet = Sheet::new(&told, &table, self.counting.release);
            told.count(question, left_out, &mut sheet);
            let cells = sheet.into_cells();
            self.made.entry(table).or_default().extend(cells);
        }
    }

    /// The tables, with the coarser ones behind them, under the hash of the plan.
    #[must_use]
    pub fn finish(self) -> Vec<RawTable> {
        let hash: Digest = self.plan.hash();
        self.made.into_iter().map(|(table, cells)| RawTable::mint(table, hash, cells)).collect()
    }
}

/// A row with its group, and its days counted from the first row of the group.
struct Placed {
    child: u32,
    day: Day,
    last: Day,
    row: LinkedRow,
}

/// The rows of a question, as anchors and as events.
struct Told<'a> {
    counting: Counting<'a>,
    by: Vec<Dimension>,
    anchors: Vec<Placed>,
    events: Vec<Placed>,
    barred: BTreeSet<u32>,
}

impl<'a> Told<'a> {
    fn new(counting: Counting<'a>, question: &Question, groups: &[Group]) -> Self {
        let by = question.by.clone();
        let mut told = Self { counting, by, anchors: Vec::new(), events: Vec::new(), barred: BTreeSet::new() };
        for (child, Group(rows)) in (0..).zip(groups) {
            let timed = |row: &&LinkedRow| matches!(row.role, Role::Anchor | Role::Event);
            let zero = rows.iter().find(timed).map_or(0, |row| row.day);
            let since = |day: u32| Day(day.wrapping_sub(zero).cast_signed().clamp(-FARTHEST, FARTHEST));
            let place = |&row: &LinkedRow| Placed { child, day: since(row.day), last: since(row.last), row };
            let known = |row: &&LinkedRow| usize::from(row.organisation) < counting.organisations.len();
            let mut placed: Vec<Placed> = rows.iter().filter(known).map(place).collect();
            // The order in which rows came decides nothing.
            placed.sort_unstable_by_key(|p| (p.day, p.last, LinkedRow { day: 0, last: 0, ..p.row }.to_bytes()));
            for placed in placed {
                match placed.row.role {
                    Role::Anchor => told.anchors.push(placed),
                    Role::Event => told.events.push(placed),
                    Role::Bar => drop(told.barred.insert(child)),
                    Role::Void => {}
                }
            }
        }
        told
    }

    fn count(&self, question: &Question, left_out: [u32; 2], sheet: &mut Sheet) {
        let Some(link) = link_of(question) else { return };
        let complete = |a: &Anchor| self.has(a, COMPLETE);
        let (firsts, later) = (first_of_each(self.candidates()), self.timeline());
        let linked = (&firsts[..], &later);
        match link {
            Link::Inflow | Link::Outflow => self.children(&question.series, sheet),
            Link::Stock(_) => self.stock(&question.series, sheet),
            Link::Flow(_) => {
                let within = i32::try_from(self.counting.within).unwrap_or(FARTHEST).min(FARTHEST);
                follow::flow(sheet, &question.series, linked, (0, within), complete);
            }
            Link::Help => {
                follow::timely_help(sheet, linked, |a| (i32::from(self.anchor(a).limits[0]), self.has(a, COMPLETE)));
            }
            Link::PjbToOts => {
                follow::pjb_to_ots(sheet, linked, complete, |a| usize::from((self.anchor(a).flags >> CLASS) & 3));
            }
            Link::VotsToOts => follow::vots_to_ots(sheet, linked, complete, |a| self.has(a, REASON_07)),
            Link::Known => {
                let firsts: Vec<Anchor> = firsts.into_iter().filter(|a| !self.barred.contains(&a.subject)).collect();
                let back = |a: &Anchor| (self.anchor(a).limits.map(i32::from), self.has(a, COMPLETE));
                follow::known_earlier(sheet, (&firsts, &later), back);
            }
            Link::ReEntry => {
                let complete =
                    |a: &Anchor, days| self.has(a, if days == follow::TWO_YEARS { COMPLETE_LONG } else { COMPLETE });
                follow::re_entry(sheet, (self.candidates(), &later), complete);
            }
            Link::ReportedAgain => follow::reported_again(sheet, linked, complete),
            Link::Gap => follow::gaps(sheet, self.gaps()),
        }
        if matches!(link, Link::Flow(_) | Link::Help | Link::PjbToOts | Link::VotsToOts) {
            sheet.excluded_counts(&question.series, left_out);
        }
    }

    fn anchor(&self, anchor: &Anchor) -> &LinkedRow {
        &self.anchors[at(anchor.row)].row
    }

    fn has(&self, anchor: &Anchor, flag: u16) -> bool {
        self.anchor(anchor).flags & flag != 0
    }

    /// Every anchor; of two on one day the one of the first organisation comes first, then the first of that organisation.
    fn candidates(&self) -> Vec<Anchor> {
        let of = |(row, placed): (Row, &Placed)| Anchor {
            subject: placed.child,
            day: placed.day,
            order: order(&placed.row),
            row,
        };
        (0..).zip(&self.anchors).map(of).collect()
    }

    fn timeline(&self) -> Timeline {
        Timeline::new(self.events.iter().map(|event| (event.child, event.day)))
    }

    /// Distinct children of a series, and those with an event known to the year only.
    fn children(&self, series: &str, sheet: &mut Sheet) {
        let year_only = sheet.counts_year_only();
        let units: Vec<Unit<()>> = (0..index(self.anchors.len())).map(|row| Unit::new(row, ())).collect();
        sheet.series(series, units, |units, out| {
            out.children("n_kinderen", units);
            if year_only {
                let known_to_the_year = |u: &&Unit<()>| self.anchors[at(u.anchor)].row.flags & YEAR != 0;
                let units: Vec<_> = units.iter().filter(known_to_the_year).copied().collect();
                out.children(YEAR_ONLY, &units);
            }
        });
    }

    /// Distinct children with a last start that no end of any node closes.
    fn stock(&self, series: &str, sheet: &mut Sheet) {
        let care = |placed: &Placed| Some((placed.child, Maatregel::from_index(placed.row.measure)?));
        let start = |(row, placed): (Row, &Placed)| {
            let (lo, hi) = (placed.day, placed.last);
            Some(Start { care: care(placed)?, lo, hi, order: order(&placed.row), row })
        };
        let starts = (0..).zip(&self.anchors).filter_map(start).collect();
        let ends = self.events.iter().filter_map(|end| Some((care(end)?, end.last, 0))).collect();
        let units = still_running(starts, ends).into_iter().map(|row| Unit::new(row, ())).collect();
        sheet.series(series, units, |units: &[Unit<()>], out| out.children("n_kinderen", units));
    }

    /// The first hand-over of each child and measure at each organisation, with the days until another one took over.
    fn gaps(&self) -> Vec<Unit<Option<i32>>> {
        let mut taken: Vec<(u32, u8, Day, u16)> =
            self.events.iter().map(|e| (e.child, e.row.measure, e.day, e.row.organisation)).collect();
        taken.sort_unstable();
        let mut given: Vec<(Row, &Placed)> = (0..).zip(&self.anchors).collect();
        given.sort_by_key(|(_, p)| (p.child, p.row.measure, p.row.organisation, p.day, p.row.rank));
        given.dedup_by_key(|(_, p)| (p.child, p.row.measure, p.row.organisation));
        let gap = |placed: &Placed| {
            let (child, measure, day) = (placed.child, placed.row.measure, placed.day);
            let from = taken.partition_point(|t| (t.0, t.1, t.2) < (child, measure, Day(day.0 - follow::MONTH)));
            let near =
                taken[from..].iter().take_while(|t| (t.0, t.1) == (child, measure) && t.2 <= Day(day.0 + follow::YEAR));
            let days: Vec<Day> = near.filter(|t| t.3 != placed.row.organisation).map(|t| t.2).collect();
            let partner = days.iter().find(|d| **d >= day).or(days.last());
            partner.map(|partner| partner.0 - (day.0 + 1))
        };
        given.into_iter().map(|(row, placed)| Unit::new(row, gap(placed))).collect()
    }
}

fn order(row: &LinkedRow) -> u32 {
    (u32::from(row.organisation) << 16) | u32::from(row.rank)
}

impl Anchors for Told<'_> {
    fn child(&self, anchor: Row) -> Option<u32> {
        Some(self.anchors[at(anchor)].child)
    }

    fn family(&self, anchor: Row) -> u64 {
        self.anchors[at(anchor)].row.family
    }

    fn name(&self, _: Row, _: UnitKind) -> Option<u128> {
        None
    }

    /// The value's place in its domain, taken out of the cell; the organisation's is its number in the run document.
    fn value(&self, dimension: Dimension, anchor: Row, _: Option<u32>) -> u16 {
        let row = &self.anchors[at(anchor)].row;
        if dimension == Dimension::Organisatie {
            return row.organisation;
        }
        let mut cell = row.cell;
        for &d in self.by.iter().rev().filter(|d| **d != Dimension::Organisatie) {
            let values = u32::try_from(self.counting.domains.values(d).len().max(1)).unwrap_or(u32::MAX);
            if d == dimension {
                return u16::try_from(cell % values).unwrap_or(u16::MAX);
            }
            cell /= values;
        }
        0
    }

    fn text(&self, dimension: Dimension, value: u16) -> String {
        let place = usize::from(value);
        match dimension {
            Dimension::Organisatie => {
                self.counting.organisations.get(place).map(ToString::to_string).unwrap_or_default()
            }
            _ => self.counting.domains.values(dimension).get(place).cloned().unwrap_or_default(),
        }
    }
}
