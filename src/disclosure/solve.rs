//! Finds, for one sensitive cell, two possible tables that leave it open, at the least loss of other printed cells.
//!
//! A linear program proposes, whole numbers dispose: what it returns has been rounded and counts only after
//! [`witness::possible`](super::witness::possible). The program looks at a neighbourhood of the cell and keeps every
//! other cell at its exact value, which only narrows what it can find.

use std::collections::{BTreeMap, VecDeque};

use good_lp::{Expression, ProblemVariables, Solution, SolverModel, Variable, microlp, variable};

use crate::policy::rules::DisclosureRules;

use super::system::{Kind, Printed, Rel, System, bounds};
use super::witness::Deviation;

/// No proposal moves a cell further than this; wide of every threshold.
const FAR: f64 = 1000.0;
/// Reward for moving another cell that needs a witness, far under any loss.
const REWARD: f64 = 1e-4;
/// At most so many other cells are moved along in one program.
const ALONG: usize = 40;
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
    loss: Vec<f64>,
    /// Linear programs solved so far.
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
    pub(super) fn new(system: &'a System, rules: &'a DisclosureRules, loss: Vec<f64>) -> Self {
        let incidence = system.incidence();
        let mut derived = vec![false; system.cells.len()];
        for rel in &system.relations {
            if let Rel::Nested { rest, .. } = rel {
                derived[*rest] = incidence[*rest].len() == 1 && system.cells[*rest].kind == Kind::Hidden;
            }
        }
        Self { system, rules, incidence, derived, loss, runs: 0 }
    }

    /// Tables for the cell, or none within this neighbourhood.
    pub(super) fn propose(&mut self, ask: &Ask<'_>) -> Option<Proposal> {
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
                return Some(self.finish(ask, &values));
            };
            pins.insert(key, value.round());
            other_way = Some((key, if value.round() > value { value.floor() } else { value.ceil() }));
        }
        None
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

    fn finish(&self, ask: &Ask<'_>, values: &BTreeMap<(Side, usize), f64>) -> Proposal {
        let tables: Vec<Deviation> = ask.aim.sides().iter().map(|&side| self.table(side, values)).collect();
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
        table
    }
}

/// The first value that is no whole number.
fn fractional(values: &BTreeMap<(Side, usize), f64>) -> Option<((Side, usize), f64)> {
    values.iter().find(|(_, v)| (*v - v.round()).abs() > 1e-6).map(|(k, v)| (*k, *v))
}

/// How far a cell moves up and down; both start at 0, so that the exact table is where the search begins.
type Move = (Variable, Variable);

/// One linear program under construction.
struct Program {
    variables: ProblemVariables,
    /// Per side, the moves of the free cells.
    at: [Vec<Option<Move>>; 2],
    constraints: Vec<good_lp::Constraint>,
    loss: Expression,
}

impl Program {
    fn build(of: &Proposer<'_>, ask: &Ask<'_>, free: &[usize], pins: &BTreeMap<(Side, usize), f64>) -> Self {
        let cells = of.system.cells.len();
        let mut program = Self {
            variables: ProblemVariables::new(),
            at: [vec![None; cells], vec![None; cells]],
            constraints: Vec::new(),
            loss: Expression::default(),
        };
        for &cell in free {
            program.add_cell(of, ask, cell, pins);
        }
        let mut relations: Vec<usize> = free.iter().flat_map(|&c| of.incidence[c].iter().copied()).collect();
        relations.sort_unstable();
        relations.dedup();
        for &side in ask.aim.sides() {
            for &rel in &relations {
                program.add_relation(of, side, &of.system.relations[rel]);
            }
        }
        program.aim(of, ask, free);
        program
    }

    fn moves(&self, side: Side, cell: usize) -> Option<Move> {
        self.at[side as usize][cell]
    }

    /// Variables for how far the cell moves in either table, and its loss when it leaves its printed interval.
    fn add_cell(&mut self, of: &Proposer<'_>, ask: &Ask<'_>, cell: usize, pins: &BTreeMap<(Side, usize), f64>) {
        let truth = whole(of.system.truth(cell));
        let (least, most) = bounds(ask.printed.get(cell).copied(), of.rules);
        let (least, most) = (whole(least) - truth, most.map_or(FAR, |most| whole(most) - truth));
        let at = &of.system.cells[cell];
        let movable = matches!(ask.printed.get(cell), Some(Printed::Value(_)))
            && at.fixed.is_none()
            && at.kind == Kind::Publishable
            && ask.only.is_none_or(|only| only.contains(&cell));
        let slack = movable.then(|| self.variables.add(variable().min(0.0)));
        for &side in ask.aim.sides() {
            let (mut low, mut high) = if movable { (-truth, FAR) } else { (least, most) };
            if let Some(&pin) = pins.get(&(side, cell)) {
                (low, high) = (pin, pin);
            }
            let up = self.variables.add(variable().min(low.max(0.0)).max(high.max(0.0)));
            let down = self.variables.add(variable().min((-high).max(0.0)).max((-low).max(0.0)));
            self.at[side as usize][cell] = Some((up, down));
            if let Some(slack) = slack {
                self.constraints.push((up - down - slack).leq(most));
                self.constraints.push((down - up - slack).leq(-least));
            }
        }
        if let Some(slack) = slack {
            self.loss.add_mul(of.loss[cell], slack);
        }
    }

    /// Adds `factor` times the move of a cell to a sum; a cell outside the neighbourhood does not move.
    fn add(&self, sum: &mut Expression, factor: f64, side: Side, cell: usize) {
        if let Some((up, down)) = self.moves(side, cell) {
            sum.add_mul(factor, up);
            sum.add_mul(-factor, down);
        }
    }

    /// The relation between the moves.
    fn add_relation(&mut self, of: &Proposer<'_>, side: Side, rel: &Rel) {
        let truth = |c: usize| whole(of.system.truth(c));
        let mut sum = Expression::default();
        match rel {
            Rel::Sum { total, parts } => {
                self.add(&mut sum, -1.0, side, *total);
                parts.iter().for_each(|&p| self.add(&mut sum, 1.0, side, p));
                self.constraints.push(sum.eq(0.0));
            }
            Rel::Cover { total, parts } | Rel::AtMost { total, parts } => {
                self.add(&mut sum, 1.0, side, *total);
                parts.iter().for_each(|&p| self.add(&mut sum, -1.0, side, p));
                self.constraints.push(sum.leq(parts.iter().map(|&p| truth(p)).sum::<f64>() - truth(*total)));
                if matches!(rel, Rel::Cover { .. }) {
                    let whole_total = self.moves(side, *total).is_some();
                    for &part in parts.iter().filter(|&&p| whole_total || self.at[side as usize][p].is_some()) {
                        let mut pair = Expression::default();
                        self.add(&mut pair, 1.0, side, part);
                        self.add(&mut pair, -1.0, side, *total);
                        self.constraints.push(pair.leq(truth(*total) - truth(part)));
                    }
                }
            }
            Rel::Nested { inner, outer, rest } => {
                self.add(&mut sum, 1.0, side, *inner);
                self.add(&mut sum, -1.0, side, *outer);
                let derived = of.derived[*rest] && self.moves(side, *rest).is_none();
                self.constraints.push(if derived {
                    sum.leq(truth(*rest))
                } else {
                    self.add(&mut sum, 1.0, side, *rest);
                    sum.eq(0.0)
                });
            }
        }
    }

    /// The values that the cell must be able to take, and a small reward for taking others along.
    fn aim(&mut self, of: &Proposer<'_>, ask: &Ask<'_>, free: &[usize]) {
        let threshold = f64::from(of.rules.threshold);
        let truth = whole(of.system.truth(ask.cell));
        let moved = |side: Side| self.moves(side, ask.cell).map_or_else(Expression::default, |(up, down)| up - down);
        let (low, high) = (moved(Side::Low), moved(Side::High));
        let mut aims = match ask.aim {
            Aim::AtMost(most) => vec![low.leq(whole(most) - truth)],
            Aim::AtLeast(least) => vec![high.geq(whole(least) - truth)],
            Aim::Both => vec![
                low.clone().leq((truth - 1.0).max(0.0) - truth),
                high.clone().geq(threshold - truth),
                (high - low).geq(threshold),
            ],
        };
        self.constraints.append(&mut aims);
        for &cell in free.iter().filter(|&&c| c != ask.cell && ask.wanted[c]).take(ALONG) {
            for &side in ask.aim.sides() {
                let (most, toward) = if side == Side::High { (threshold, 1.0) } else { (1.0, -1.0) };
                let along = self.variables.add(variable().max(most));
                let mut short = Expression::from(along);
                self.add(&mut short, -toward, side, cell);
                self.constraints.push(short.leq(0.0));
                self.loss.add_mul(-REWARD, along);
            }
        }
    }

    /// The moves of the cheapest tables; none when there are none.
    fn solve(self, sides: &[Side], free: &[usize]) -> Option<BTreeMap<(Side, usize), f64>> {
        let mut model = self.variables.minimise(self.loss).using(microlp);
        for constraint in self.constraints {
            model.add_constraint(constraint);
        }
        let solution = model.solve().ok()?;
        let moved = |&(side, cell): &(Side, usize)| {
            let (up, down) = self.at[side as usize][cell]?;
            Some(((side, cell), solution.value(up) - solution.value(down)))
        };
        let all: Vec<(Side, usize)> = sides.iter().flat_map(|&s| free.iter().map(move |&c| (s, c))).collect();
        Some(all.iter().filter_map(moved).collect())
    }
}

/// Counts are far below 2^52.
fn whole(n: i64) -> f64 {
    i32::try_from(n).map_or(f64::MAX, f64::from)
}
