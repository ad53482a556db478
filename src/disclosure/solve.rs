//! Finds, for one sensitive cell, two possible tables that leave it open, at the least loss of other printed cells.
//!
//! A linear program proposes, whole numbers dispose: what it returns has been rounded and counts only after
//! [`witness::possible`](super::witness::possible). The program looks at a neighbourhood of the cell and keeps every
//! other cell at its exact value, which only narrows what it can find.

use std::collections::{BTreeMap, VecDeque};

use good_lp::{Expression, ProblemVariables, Solution, SolverModel, Variable, constraint, microlp, variable};

use crate::policy::rules::DisclosureRules;

use super::system::{Kind, Printed, Rel, System, bounds};
use super::witness::Deviation;

/// No proposal moves a cell further than this; wide of every threshold.
const FAR: f64 = 1000.0;
/// Reward for moving another cell that needs a witness, far under any loss.
const REWARD: f64 = 1e-4;
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
            let Some(values) = program.solve() else {
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

/// One linear program under construction.
struct Program {
    variables: ProblemVariables,
    at: BTreeMap<(Side, usize), Variable>,
    constraints: Vec<good_lp::Constraint>,
    loss: Expression,
}

impl Program {
    fn build(of: &Proposer<'_>, ask: &Ask<'_>, free: &[usize], pins: &BTreeMap<(Side, usize), f64>) -> Self {
        let mut program = Self {
            variables: ProblemVariables::new(),
            at: BTreeMap::new(),
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
            let moved = self.variables.add(variable().min(low).max(high));
            self.at.insert((side, cell), moved);
            if let Some(slack) = slack {
                self.constraints.push(constraint!(moved - slack <= most));
                self.constraints.push(constraint!(moved + slack >= least));
            }
        }
        if let Some(slack) = slack {
            self.loss.add_mul(of.loss[cell], slack);
        }
    }

    /// The relation between the moves; a cell outside the neighbourhood does not move.
    fn add_relation(&mut self, of: &Proposer<'_>, side: Side, rel: &Rel) {
        let truth = |c: usize| whole(of.system.truth(c));
        let moved = |c: usize| self.at.get(&(side, c)).map_or_else(Expression::default, |&v| Expression::from(v));
        match rel {
            Rel::Sum { total, parts } => {
                let sum: Expression = parts.iter().map(|&p| moved(p)).sum();
                self.constraints.push((sum - moved(*total)).eq(0.0));
            }
            Rel::Cover { total, parts } | Rel::AtMost { total, parts } => {
                let sum: Expression = parts.iter().map(|&p| moved(p)).sum();
                let room = parts.iter().map(|&p| truth(p)).sum::<f64>() - truth(*total);
                let mut new = vec![(moved(*total) - sum).leq(room)];
                if matches!(rel, Rel::Cover { .. }) {
                    let inside =
                        |&&p: &&usize| self.at.contains_key(&(side, p)) || self.at.contains_key(&(side, *total));
                    new.extend(
                        parts.iter().filter(inside).map(|&p| (moved(p) - moved(*total)).leq(truth(*total) - truth(p))),
                    );
                }
                self.constraints.extend(new);
            }
            Rel::Nested { inner, outer, rest } => {
                let difference = moved(*inner) - moved(*outer);
                let derived = of.derived[*rest] && !self.at.contains_key(&(side, *rest));
                let new = if derived { difference.leq(truth(*rest)) } else { (difference + moved(*rest)).eq(0.0) };
                self.constraints.push(new);
            }
        }
    }

    /// The two values that the cell must be able to take, and a small reward for taking others along.
    fn aim(&mut self, of: &Proposer<'_>, ask: &Ask<'_>, free: &[usize]) {
        let threshold = f64::from(of.rules.threshold);
        let truth = whole(of.system.truth(ask.cell));
        let low = self.at.get(&(Side::Low, ask.cell)).copied();
        let high = self.at.get(&(Side::High, ask.cell)).copied();
        match (ask.aim, low, high) {
            (Aim::AtMost(most), Some(low), _) => self.constraints.push(constraint!(low <= whole(most) - truth)),
            (Aim::AtLeast(least), _, Some(high)) => self.constraints.push(constraint!(high >= whole(least) - truth)),
            (Aim::Both, Some(low), Some(high)) => {
                self.constraints.push(constraint!(low <= (truth - 1.0).max(0.0) - truth));
                self.constraints.push(constraint!(high >= threshold - truth));
                self.constraints.push(constraint!(high - low >= threshold));
            }
            _ => {}
        }
        for &cell in free.iter().filter(|&&c| c != ask.cell && ask.wanted[c]) {
            for &side in ask.aim.sides() {
                let moved = self.at[&(side, cell)];
                let (most, toward) = if side == Side::High { (threshold, 1.0) } else { (1.0, -1.0) };
                let along = self.variables.add(variable().max(most));
                self.constraints.push(constraint!(along <= toward * moved));
                self.loss.add_mul(-REWARD, along);
            }
        }
    }

    /// The moves of the cheapest pair of tables; none when there is no pair.
    fn solve(self) -> Option<BTreeMap<(Side, usize), f64>> {
        let mut model = self.variables.minimise(self.loss).using(microlp);
        for constraint in self.constraints {
            model.add_constraint(constraint);
        }
        let solution = model.solve().ok()?;
        Some(self.at.iter().map(|(&key, &v)| (key, solution.value(v))).collect())
    }
}

/// Counts are far below 2^52.
fn whole(n: i64) -> f64 {
    i32::try_from(n).map_or(f64::MAX, f64::from)
}
