//! The linear program behind a proposal: how far every cell of a neighbourhood moves in either table.

use std::collections::BTreeMap;

use good_lp::{Expression, ProblemVariables, Solution, SolverModel, Variable, microlp, variable};

use super::{Aim, Ask, LOSS_UNIT, Proposer, Side};
use crate::disclosure::system::{Rel, bounds};

/// No proposal moves a cell further than this; wide of every threshold.
const FAR: f64 = 1000.0;
/// Reward for moving another cell that needs a witness, far under any loss.
const REWARD: f64 = 1e-4;
/// At most so many other cells are moved along in one program.
const ALONG: usize = 40;

/// How far a cell moves up and down; both start at 0, so that the exact table is where the search begins.
type Move = (Variable, Variable);

/// One linear program under construction.
pub(super) struct Program {
    variables: ProblemVariables,
    /// Per side, the moves of the free cells.
    at: [Vec<Option<Move>>; 2],
    constraints: Vec<good_lp::Constraint>,
    loss: Expression,
}

impl Program {
    pub(super) fn build(of: &Proposer<'_>, ask: &Ask<'_>, free: &[usize], pins: &BTreeMap<(Side, usize), f64>) -> Self {
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
        let movable = of.movable(ask, cell);
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
            self.loss.add_mul(of.loss[cell] as f64 / LOSS_UNIT as f64, slack);
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
    pub(super) fn solve(self, sides: &[Side], free: &[usize]) -> Option<BTreeMap<(Side, usize), f64>> {
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
