//! The attacker: knows every rule and every relation, reads only what is printed, and bounds what is not.
//!
//! Shares no code with the product: it takes printed marks and linear relations, narrows whole-number bounds by
//! propagation, and asks linear and integer programs for the rest.

use good_lp::{Expression, ProblemVariables, Solution, SolverModel, Variable, microlp, variable};

/// What the attacker sees of one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Printed, rounded to 5 after a threshold of 10.
    Number(i64),
    /// A sum of printed numbers: at least and at most this, rounding undone.
    Between(i64, i64),
    /// Not printed, or never part of a table.
    Unknown,
    /// Printed as impossible.
    Zero,
}

/// `low <= sum(factor * cell) <= high`; an open end is none.
#[derive(Clone, Debug)]
pub struct Law {
    pub terms: Vec<(usize, i64)>,
    pub low: Option<i64>,
    pub high: Option<i64>,
}

/// Everything that is public about a set of tables.
#[derive(Clone, Default)]
pub struct Puzzle {
    pub seen: Vec<Seen>,
    pub laws: Vec<Law>,
}

/// Bounds of one cell, both inclusive; no upper bound when there is none.
pub type Bounds = (i64, Option<i64>);

/// No count of a region is larger; stands for "no bound" in the programs.
const HUGE: i64 = 5_000;

impl Puzzle {
    /// `total = sum(parts)`
    pub fn equal(&mut self, total: usize, parts: &[usize]) {
        self.laws.push(Law { terms: against(total, parts), low: Some(0), high: Some(0) });
    }

    /// `total <= sum(parts)`
    pub fn at_most(&mut self, total: usize, parts: &[usize]) {
        self.laws.push(Law { terms: against(total, parts), low: None, high: Some(0) });
    }

    /// `inner <= outer`
    pub fn inside(&mut self, inner: usize, outer: usize) {
        self.laws.push(Law { terms: vec![(inner, 1), (outer, -1)], low: None, high: Some(0) });
    }

    /// What the print of each cell says by itself.
    pub fn start(&self) -> Vec<Bounds> {
        let of = |seen: &Seen| match seen {
            Seen::Number(v) => ((v - 2).max(10), Some(v + 2)),
            Seen::Between(low, high) => (*low, Some(*high)),
            Seen::Unknown => (0, None),
            Seen::Zero => (0, Some(0)),
        };
        self.seen.iter().map(of).collect()
    }

    /// Narrows all bounds until nothing moves (at most `rounds` times).
    pub fn propagate(&self, rounds: usize) -> Vec<Bounds> {
        let mut bounds = self.start();
        for _ in 0..rounds {
            let before = bounds.clone();
            for law in &self.laws {
                narrow(law, &mut bounds);
            }
            if before == bounds {
                break;
            }
        }
        bounds
    }

    /// The least or greatest value of a cell over all whole-number tables that agree with the print.
    ///
    /// First the relaxed program, whose bound is never tighter than the true one; the integer program only when that
    /// ends in a fraction.
    pub fn extreme(&self, bounds: &[Bounds], cell: usize, most: bool) -> i64 {
        let relaxed = self.solve(bounds, cell, most, false).expect("the true table is a solution");
        if relaxed.1 {
            return relaxed.0;
        }
        self.solve(bounds, cell, most, true).map_or(relaxed.0, |exact| exact.0)
    }

    fn solve(&self, bounds: &[Bounds], cell: usize, most: bool, whole: bool) -> Option<(i64, bool)> {
        let mut problem = ProblemVariables::new();
        let near = self.connected(cell);
        let at: Vec<Option<Variable>> = bounds
            .iter()
            .zip(&near)
            .map(|(&(low, high), near)| {
                #[expect(clippy::cast_precision_loss, reason = "counts are small")]
                let of = |n: i64| n as f64;
                let v = variable().min(of(low)).max(of(high.unwrap_or(HUGE)));
                near.then(|| problem.add(if whole { v.integer() } else { v }))
            })
            .collect();
        let aim = at[cell]?;
        let objective = Expression::from(aim);
        let model = if most { problem.maximise(objective) } else { problem.minimise(objective) };
        let mut model = model.using(microlp);
        for law in self.laws.iter().filter(|l| l.terms.iter().any(|(c, _)| near[*c])) {
            #[expect(clippy::cast_precision_loss, reason = "counts are small")]
            let sum = || -> Expression {
                law.terms.iter().filter_map(|&(c, f)| at[c].map(|v| v * f as f64)).sum::<Expression>()
            };
            #[expect(clippy::cast_precision_loss, reason = "counts are small")]
            if law.low.is_some() && law.low == law.high {
                model.add_constraint(sum().eq(law.low.unwrap_or(0) as f64));
            } else {
                if let Some(low) = law.low {
                    model.add_constraint(sum().geq(low as f64));
                }
                if let Some(high) = law.high {
                    model.add_constraint(sum().leq(high as f64));
                }
            }
        }
        let solution = model.solve().ok()?;
        let fractional = at.iter().flatten().any(|&v| (solution.value(v) - solution.value(v).round()).abs() > 1e-5);
        let value = solution.value(aim);
        #[expect(clippy::cast_possible_truncation, reason = "counts are small")]
        let value = if most { (value + 1e-6).floor() as i64 } else { (value - 1e-6).ceil() as i64 };
        Some((value, !fractional))
    }

    /// The cells that any chain of laws ties to this one.
    fn connected(&self, cell: usize) -> Vec<bool> {
        let mut near = vec![false; self.seen.len()];
        near[cell] = true;
        loop {
            let before = near.iter().filter(|n| **n).count();
            for law in &self.laws {
                if law.terms.iter().any(|(c, _)| near[*c]) {
                    law.terms.iter().for_each(|(c, _)| near[*c] = true);
                }
            }
            if near.iter().filter(|n| **n).count() == before {
                return near;
            }
        }
    }
}

fn against(total: usize, parts: &[usize]) -> Vec<(usize, i64)> {
    std::iter::once((total, 1)).chain(parts.iter().map(|&p| (p, -1))).collect()
}

fn narrow(law: &Law, bounds: &mut [Bounds]) {
    for &(cell, factor) in &law.terms {
        let (mut rest_low, mut rest_high) = (Some(0_i64), Some(0_i64));
        for &(c, f) in law.terms.iter().filter(|(c, _)| *c != cell) {
            let (low, high) = bounds[c];
            let (a, b) =
                if f > 0 { (Some(low * f), high.map(|h| h * f)) } else { (high.map(|h| h * f), Some(low * f)) };
            rest_low = rest_low.zip(a).map(|(x, y)| x + y);
            rest_high = rest_high.zip(b).map(|(x, y)| x + y);
        }
        assert!(factor.abs() == 1, "laws of counts have factors 1 and -1");
        let most = law.high.zip(rest_low).map(|(h, r)| h - r);
        let least = law.low.zip(rest_high).map(|(l, r)| l - r);
        let (low, high) = if factor > 0 { (least, most) } else { (most.map(|m| -m), least.map(|l| -l)) };
        let at = &mut bounds[cell];
        at.0 = low.map_or(at.0, |l| at.0.max(l));
        at.1 = match (at.1, high) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// Whether the bounds tell too much about a cell whose true value is `q`.
pub fn pinned(q: i64, (low, high): Bounds) -> bool {
    high.is_some_and(|high| high < 10 || high - low < 10) || low > (q - 1).max(0)
}

/// Attacks one cell of true size `q`: cheap bounds first, programs when these do not decide.
pub fn succeeds(puzzle: &Puzzle, cheap: &[Bounds], cell: usize, q: i64) -> bool {
    pinned(q, cheap[cell]) || pinned(q, (puzzle.extreme(cheap, cell, false), Some(puzzle.extreme(cheap, cell, true))))
}

mod editions;
#[cfg(not(feature = "defect-primary-only"))]
mod engine;
#[cfg(not(feature = "defect-primary-only"))]
mod levels;
mod questions;
mod region;
mod revision;
mod story;
mod systems;
pub mod tables;
mod world;
mod years;
