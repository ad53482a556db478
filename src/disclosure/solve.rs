//! Finds, for one sensitive cell, two possible tables that leave it open, at the least loss of other printed cells.
//!
//! A linear program proposes, whole numbers dispose: what it returns has been rounded and counts only after
//! [`witness::possible`](super::witness::possible). The program looks at a neighbourhood of the cell and keeps every
//! other cell at its exact value, which only narrows what it can find.

mod program;

use std::collections::{BTreeMap, VecDeque};

use crate::policy::rules::DisclosureRules;

use self::program::Program;
use super::mend::{Mender, Room};
use super::network::{self, Limits, Network};
use super::system::{Kind, Printed, Rel, System, bounds};
use super::witness::Deviation;

/// A loss of 1 in a linear program.
pub(super) const LOSS_UNIT: u64 = 40 * JITTER;
/// Losses differ by up to 1/20, so that ties are broken; in units of 1/1024.
pub(super) const JITTER: u64 = 1024;
/// Fractional proposals are pinned one cell at a time, at most so often.
const MAX_PINS: usize = 12;
/// Which of the two tables: the one in which the cell is small, or the one in which it is large.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Low,
    High,
}

/// What the cell must be able to be.
#[derive(Clone, Copy)]
pub(super) enum Aim {
    /// One table, in which it has at most this value.
    AtMost(i64),
    /// One table, in which it has at least this value.
    AtLeast(i64),
    /// Two tables that are far enough apart.
    Both,
}

impl Aim {
    fn sides(self) -> &'static [Side] {
        match self {
            Self::AtMost(_) => &[Side::Low],
            Self::AtLeast(_) => &[Side::High],
            Self::Both => &[Side::Low, Side::High],
        }
    }
}

/// Possible tables, and the printed cells that must be suppressed to make them so.
pub(super) struct Proposal {
    /// One table for each side that was asked.
    pub(super) tables: Vec<Deviation>,
    /// Printed cells that one of the tables moves out of their interval.
    pub(super) opened: Vec<usize>,
}

/// What the proposals are made from; the pattern of printed cells changes between calls.
pub(super) struct Proposer<'a> {
    system: &'a System,
    rules: &'a DisclosureRules,
    incidence: Vec<Vec<usize>>,
    /// Rests that follow from their pair: no variable of their own.
    derived: Vec<bool>,
    /// Loss per unit moved out of the printed interval.
    loss: Vec<u64>,
    network: Network,
    /// Searches so far: linear programs and flows.
    pub(super) runs: usize,
}

/// One question to the proposer.
pub(super) struct Ask<'a> {
    /// What is printed now.
    pub(super) printed: &'a [Printed],
    /// The sensitive cell.
    pub(super) cell: usize,
    /// Most cells in the neighbourhood.
    pub(super) size: usize,
    /// What it must be able to be.
    pub(super) aim: Aim,
    /// Cells that still need a witness: moved along when it costs nothing.
    pub(super) wanted: &'a [bool],
    /// The only printed cells that may be moved out of their interval; none for all.
    pub(super) only: Option<&'a [usize]>,
}

impl<'a> Proposer<'a> {
    /// `loss` of a cell in units of [`LOSS_UNIT`].
    pub(super) fn new(system: &'a System, rules: &'a DisclosureRules, loss: Vec<u64>) -> Self {
        let incidence = system.incidence();
        let mut derived = vec![false; system.cells.len()];
        for rel in &system.relations {
            if let Rel::Nested { rest, .. } = rel {
                let cell = &system.cells[*rest];
                derived[*rest] = incidence[*rest].len() == 1 && cell.kind == Kind::Hidden && cell.fixed.is_none();
            }
        }
        let network = Network::of(system, &incidence, &derived);
        Self { system, rules, incidence, derived, loss, network, runs: 0 }
    }

    /// Whether what is proposed for a cell does not depend on the size of its neighbourhood.
    pub(super) fn is_flow(&self, cell: usize) -> bool {
        self.network.covers(cell)
    }

    /// Tables for the cell, or none within this neighbourhood.
    pub(super) fn propose(&mut self, ask: &Ask<'_>) -> Option<Proposal> {
        if self.network.covers(ask.cell) {
            self.runs += 1;
            let tables = self.flows(ask)?;
            return Some(self.finish(ask, tables));
        }
        let free = self.neighbourhood(ask);
        let mut pins = BTreeMap::new();
        let mut other_way = None;
        for _ in 0..MAX_PINS {
            self.runs += 1;
            let program = Program::build(self, ask, &free, &pins);
            let Some(values) = program.solve(ask.aim.sides(), &free) else {
                let (key, value) = other_way.take()?;
                pins.insert(key, value);
                continue;
            };
            let Some((key, value)) = fractional(&values) else {
                let tables = ask.aim.sides().iter().map(|&side| self.table(side, &values)).collect();
                return Some(self.finish(ask, tables));
            };
            pins.insert(key, value.round());
            other_way = Some((key, if value.round() > value { value.floor() } else { value.ceil() }));
        }
        None
    }

    /// Tables for the cell by mending, however far they reach; none when it does not get as far as asked.
    pub(super) fn mended(&mut self, ask: &Ask<'_>) -> Option<Proposal> {
        self.runs += 1;
        let (cell, truth) = (ask.cell, self.system.truth(ask.cell));
        let printed = |c: usize| bounds(ask.printed.get(c).copied(), self.rules);
        let open = |c: usize| self.movable(ask, c).then(|| self.loss[c]);
        let rooms = (0..self.system.cells.len()).map(|c| Room { printed: printed(c), open: open(c) }).collect();
        let mut mender = Mender { system: self.system, incidence: &self.incidence, rooms };
        let reached = |table: &Deviation| truth + table.get(&cell).copied().unwrap_or(0);
        let small = (truth - 1).max(0);
        let tables = match ask.aim {
            Aim::AtMost(most) => {
                let down = mender.push(Deviation::new(), cell, most - truth, false);
                (reached(&down) <= most).then_some(vec![mender.push(down, cell, -truth, true)])
            }
            Aim::AtLeast(least) => {
                let up = mender.push(Deviation::new(), cell, least - truth, false);
                (reached(&up) >= least).then_some(vec![up])
            }
            Aim::Both => {
                let down = mender.push(Deviation::new(), cell, small - truth, false);
                let down = mender.push(down, cell, -truth, true);
                let threshold = i64::from(self.rules.threshold);
                let large = threshold.max(reached(&down) + threshold);
                let up = mender.push(Deviation::new(), cell, large - truth, false);
                (reached(&down) <= small && reached(&up) >= large).then_some(vec![down, up])
            }
        };
        tables.map(|tables| self.finish(ask, tables))
    }

    /// The cell, and breadth-first what its relations connect: cells that are not printed are passed through.
    fn neighbourhood(&self, ask: &Ask<'_>) -> Vec<usize> {
        let mut seen = vec![false; self.system.cells.len()];
        let mut free = Vec::new();
        let mut queue = VecDeque::from([ask.cell]);
        seen[ask.cell] = true;
        while let Some(cell) = queue.pop_front() {
            if !self.derived[cell] || cell == ask.cell {
                free.push(cell);
            }
            if free.len() >= ask.size {
                break;
            }
            for &rel in &self.incidence[cell] {
                for next in self.system.relations[rel].cells() {
                    if !seen[next] && !self.derived[next] {
                        seen[next] = true;
                        queue.push_back(next);
                    }
                }
            }
        }
        free
    }

    fn finish(&self, ask: &Ask<'_>, tables: Vec<Deviation>) -> Proposal {
        let outside = |&(&cell, &moved): &(&usize, &i64)| {
            let (least, most) = bounds(ask.printed.get(cell).copied(), self.rules);
            let v = self.system.truth(cell) + moved;
            v < least || most.is_some_and(|most| v > most)
        };
        let mut opened: Vec<usize> = tables.iter().flat_map(|t| t.iter().filter(outside).map(|(&c, _)| c)).collect();
        opened.sort_unstable();
        opened.dedup();
        Proposal { tables, opened }
    }

    /// One side's whole-number table, with the rests that follow from it.
    fn table(&self, side: Side, values: &BTreeMap<(Side, usize), f64>) -> Deviation {
        #[expect(clippy::cast_possible_truncation, reason = "bounded by FAR, and checked exactly afterwards")]
        let mut table: Deviation =
            values.iter().filter(|((s, _), _)| *s == side).map(|((_, c), v)| (*c, v.round() as i64)).collect();
        self.add_rests(&mut table);
        table
    }

    /// Moves the rests that follow from their pair.
    fn add_rests(&self, table: &mut Deviation) {
        let moved: Vec<usize> = table.keys().copied().collect();
        for cell in moved {
            for &rel in &self.incidence[cell] {
                if let Rel::Nested { inner, outer, rest } = self.system.relations[rel]
                    && self.derived[rest]
                {
                    let of = |c: usize| table.get(&c).copied().unwrap_or(0);
                    let difference = of(outer) - of(inner);
                    table.insert(rest, difference);
                }
            }
        }
        table.retain(|_, d| *d != 0);
    }

    /// Tables for the cell as flows, one for each side of the aim; none when there are none.
    fn flows(&self, ask: &Ask<'_>) -> Option<Vec<Deviation>> {
        let mut limits = self.limits(ask);
        let truth = self.system.truth(ask.cell);
        let moved = |limits: &Limits, by: i64, free: bool| -> Option<Deviation> {
            if by == 0 {
                return Some(Deviation::new());
            }
            let mut table: Deviation =
                self.network.moved(self.system, limits, (ask.cell, by), free)?.into_iter().collect();
            self.add_rests(&mut table);
            Some(table)
        };
        let reached = |table: &Deviation| truth + table.get(&ask.cell).copied().unwrap_or(0);
        let low = |limits: &Limits| moved(limits, -truth, true).unwrap_or_default();
        match ask.aim {
            Aim::AtMost(most) => Some(low(&limits)).filter(|table| reached(table) <= most).map(|table| vec![table]),
            Aim::AtLeast(least) => moved(&limits, (least - truth).max(0), false).map(|table| vec![table]),
            Aim::Both => {
                let mut down = low(&limits);
                if reached(&down) > (truth - 1).max(0) {
                    down = moved(&limits, -1, false)?;
                    limits.opened_by(&down);
                    down = Some(low(&limits)).filter(|table| reached(table) < truth).unwrap_or(down);
                }
                let threshold = i64::from(self.rules.threshold);
                let up = (reached(&down) + threshold).max(threshold) - truth;
                Some(vec![down, moved(&limits, up.max(0), false)?])
            }
        }
    }

    /// How far each cell can move as things are printed, and what is lost when it moves further.
    fn limits(&self, ask: &Ask<'_>) -> Limits {
        let cells = 0..self.system.cells.len();
        let printed = |cell: usize| {
            let (least, most) = bounds(ask.printed.get(cell).copied(), self.rules);
            let truth = self.system.truth(cell);
            (least - truth, most.map_or(network::FAR, |most| most - truth))
        };
        let open = |cell: usize| self.movable(ask, cell).then(|| (self.loss[cell], -self.system.truth(cell)));
        let spare = |rel: usize| match &self.system.relations[rel] {
            Rel::AtMost { total, parts } => {
                parts.iter().map(|&part| self.system.truth(part)).sum::<i64>() - self.system.truth(*total)
            }
            _ => 0,
        };
        Limits {
            printed: cells.clone().map(printed).collect(),
            open: cells.map(open).collect(),
            spare: self.network.spares().map(spare).collect(),
        }
    }

    /// Whether a cell may be moved out of its printed interval, which suppresses it.
    fn movable(&self, ask: &Ask<'_>, cell: usize) -> bool {
        let at = &self.system.cells[cell];
        matches!(ask.printed.get(cell), Some(Printed::Value(_)))
            && at.fixed.is_none()
            && at.kind == Kind::Publishable
            && ask.only.is_none_or(|only| only.contains(&cell))
    }
}

/// The first value that is no whole number.
fn fractional(values: &BTreeMap<(Side, usize), f64>) -> Option<((Side, usize), f64)> {
    values.iter().find(|(_, v)| (*v - v.round()).abs() > 1e-6).map(|(k, v)| (*k, *v))
}
