//! A relation between counts, and the names of the counts.

use crate::domain::query::TableQuery;

/// One count of a released table.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CellRef {
    /// The table.
    pub table: TableQuery,
    /// Series of the definition.
    pub series: String,
    /// Measure of the definition.
    pub measure: String,
    /// Dimension values, in the order of the table's `by`.
    pub key: Vec<String>,
}

/// What always holds between counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Relation {
    /// `total = sum(parts)`; with one part the two are the same number.
    Sum {
        /// The total.
        total: CellRef,
        /// Its parts.
        parts: Vec<CellRef>,
    },
    /// `max(parts) <= total <= sum(parts)`.
    Cover {
        /// The total.
        total: CellRef,
        /// What covers it.
        parts: Vec<CellRef>,
    },
    /// `total <= sum(parts)` only.
    AtMost {
        /// The total.
        total: CellRef,
        /// What it cannot exceed together.
        parts: Vec<CellRef>,
    },
    /// `inner <= outer`; the rest, `outer - inner`, is a population of its own.
    Nested {
        /// The smaller population.
        inner: CellRef,
        /// The larger one.
        outer: CellRef,
    },
    /// `inner <= outer`, and a reader is taken to know the rest, `outer - inner`: the audit counts on no doubt about it.
    Known {
        /// The smaller population.
        inner: CellRef,
        /// The larger one.
        outer: CellRef,
    },
}

impl Relation {
    /// Every cell that it names, the total or the outer one first.
    #[must_use]
    pub fn cells(&self) -> Vec<&CellRef> {
        match self {
            Self::Sum { total, parts } | Self::Cover { total, parts } | Self::AtMost { total, parts } => {
                std::iter::once(total).chain(parts).collect()
            }
            Self::Nested { inner, outer } | Self::Known { inner, outer } => vec![outer, inner],
        }
    }

    /// Whether the relation holds for these values.
    #[must_use]
    pub fn holds(&self, value: impl Fn(&CellRef) -> i64) -> bool {
        let sum = |parts: &[CellRef]| parts.iter().map(&value).sum::<i64>();
        match self {
            Self::Sum { total, parts } => value(total) == sum(parts),
            Self::Cover { total, parts } => {
                value(total) <= sum(parts) && parts.iter().all(|part| value(part) <= value(total))
            }
            Self::AtMost { total, parts } => value(total) <= sum(parts),
            Self::Nested { inner, outer } | Self::Known { inner, outer } => value(inner) <= value(outer),
        }
    }
}
