//! Cells and the true relations between them: everything that one audit looks at, without names.

use super::DisclosureFault;
use super::rules::{interval, sensitive};
use super::witness::Deviation;
use crate::indicator::raw::Count;
use crate::policy::rules::DisclosureRules;

/// Whether a cell can be printed at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Part of a table that is released.
    Publishable,
    /// Never printed, but part of a relation: a rest, or units known to the year only.
    Hidden,
}

/// What a reader sees of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Printed {
    /// A rounded count.
    Value(u32),
    /// `x`; also every hidden cell.
    Suppressed,
    /// `-`: the definition makes another value than 0 impossible.
    Impossible,
    /// In no table, and yet taken to be known to every reader: the exact count. Such a cell needs no protection.
    Known(u32),
    /// In no table, too small for any, and guarded by the audit of another release: nothing is known of it here.
    Elsewhere,
}

/// One count of the system.
#[derive(Clone)]
pub struct Cell {
    /// The exact count.
    pub truth: Count,
    /// Whether it can be printed.
    pub kind: Kind,
    /// Whether the definition makes another value than 0 impossible.
    pub impossible: bool,
    /// What an earlier release of the same component printed; such a cell cannot change any more.
    pub fixed: Option<Printed>,
    /// Loss when this cell is suppressed to protect another one; at least 1.
    pub weight: u32,
}

impl Cell {
    /// A publishable cell of weight 1.
    #[must_use]
    pub fn publishable(truth: Count) -> Self {
        Self { truth, kind: Kind::Publishable, impossible: false, fixed: None, weight: 1 }
    }

    /// Whether a reader must not learn the count: it is small by `rules`, and neither 0 by definition nor known anyway.
    #[must_use]
    pub fn needs_protection(&self, rules: &DisclosureRules) -> bool {
        let known = self.impossible || matches!(self.fixed, Some(Printed::Known(_) | Printed::Elsewhere));
        !known && sensitive(self.truth, rules)
    }

    /// A cell that is never printed. Its families are not known, only its size is judged.
    #[must_use]
    pub fn hidden(n: u32) -> Self {
        let truth = Count { n, families: n, largest: n.min(1) };
        Self { truth, kind: Kind::Hidden, impossible: false, fixed: None, weight: 1 }
    }
}

/// A relation that the definitions imply for every input; the numbers are indices of cells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rel {
    /// `total = sum(parts)`.
    Sum {
        /// The total.
        total: usize,
        /// Its parts, without doubles.
        parts: Vec<usize>,
    },
    /// `max(parts) <= total <= sum(parts)`.
    Cover {
        /// The total.
        total: usize,
        /// What covers it.
        parts: Vec<usize>,
    },
    /// `total <= sum(parts)` only.
    AtMost {
        /// The total.
        total: usize,
        /// What it cannot exceed together.
        parts: Vec<usize>,
    },
    /// `outer = inner + rest`.
    Nested {
        /// The smaller population.
        inner: usize,
        /// The larger population.
        outer: usize,
        /// What is in the larger one only.
        rest: usize,
    },
}

impl Rel {
    /// Every cell of the relation.
    #[must_use]
    pub fn cells(&self) -> Vec<usize> {
        match self {
            Self::Sum { total, parts } | Self::Cover { total, parts } | Self::AtMost { total, parts } => {
                std::iter::once(*total).chain(parts.iter().copied()).collect()
            }
            Self::Nested { inner, outer, rest } => vec![*inner, *outer, *rest],
        }
    }

    /// Whether the values that `value` gives satisfy the relation; exact, in whole numbers.
    #[must_use]
    pub fn holds(&self, value: impl Fn(usize) -> i64) -> bool {
        let sum = |parts: &[usize]| parts.iter().map(|&p| value(p)).sum::<i64>();
        match self {
            Self::Sum { total, parts } => value(*total) == sum(parts),
            Self::Cover { total, parts } => {
                value(*total) <= sum(parts) && parts.iter().all(|&p| value(p) <= value(*total))
            }
            Self::AtMost { total, parts } => value(*total) <= sum(parts),
            Self::Nested { inner, outer, rest } => value(*outer) == value(*inner) + value(*rest),
        }
    }
}

/// The cells of a release plan and the relations between them.
#[derive(Clone, Default)]
pub struct System {
    /// The cells; relations name them by index.
    pub cells: Vec<Cell>,
    /// The relations.
    pub relations: Vec<Rel>,
    /// Whether a table of three dimensions is in it, in which linear programs seldom end in whole numbers.
    pub deep: bool,
    /// Tables that may be possible, as differences from the exact one: the audit begins with those that are.
    pub hints: Vec<Deviation>,
}

impl System {
    /// Checks that the exact figures satisfy every relation and agree with what was printed earlier.
    ///
    /// # Errors
    /// [`DisclosureFault::Definition`] for a broken relation or an impossible cell that is not 0;
    /// [`DisclosureFault::Earlier`] for a printed value that the records no longer round to.
    pub fn check_truth(&self, rules: &DisclosureRules) -> Result<(), DisclosureFault> {
        for (i, rel) in self.relations.iter().enumerate() {
            if rel.cells().iter().any(|&c| c >= self.cells.len()) || !rel.holds(|c| self.truth(c)) {
                return Err(DisclosureFault::Definition(format!("relatie {i} geldt niet")));
            }
        }
        for (i, cell) in self.cells.iter().enumerate() {
            if cell.impossible && cell.truth.n != 0 {
                return Err(DisclosureFault::Definition(format!("cel {i} kan volgens de definitie alleen 0 zijn")));
            }
            let (low, high) = bounds(cell.fixed, rules);
            if self.truth(i) < low || high.is_some_and(|high| self.truth(i) > high) {
                return Err(DisclosureFault::Earlier(format!("cel {i}")));
            }
        }
        Ok(())
    }

    /// The exact count of a cell; only for indices of this system.
    #[must_use]
    pub fn truth(&self, cell: usize) -> i64 {
        i64::from(self.cells[cell].truth.n)
    }

    /// For each cell the relations that name it.
    #[must_use]
    pub fn incidence(&self) -> Vec<Vec<usize>> {
        let mut by_cell = vec![Vec::new(); self.cells.len()];
        for (i, rel) in self.relations.iter().enumerate() {
            for cell in rel.cells() {
                by_cell[cell].push(i);
            }
        }
        by_cell
    }
}

/// Least and most value that a reader must reckon with; no upper bound for a cell that is not printed.
#[must_use]
pub fn bounds(printed: Option<Printed>, rules: &DisclosureRules) -> (i64, Option<i64>) {
    match printed {
        Some(Printed::Value(v)) => {
            let (low, high) = interval(v, rules);
            (low, Some(high))
        }
        Some(Printed::Impossible) => (0, Some(0)),
        Some(Printed::Known(n)) => (i64::from(n), Some(i64::from(n))),
        Some(Printed::Suppressed | Printed::Elsewhere) | None => (0, None),
    }
}
