//! `RawTable`: exact figures, before disclosure control. No `Serialize`, no `Debug` of cells, no way to the wire.

use crate::crypto::Digest;
use crate::domain::query::TableQuery;

/// A count of distinct units with what dominance rules need to know of the families behind it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Units counted (children, trajectories or events, as the definition says).
    pub n: u32,
    /// Distinct families among them; an empty family number counts each child as a family of its own.
    pub families: u32,
    /// Units of the largest family.
    pub largest: u32,
}

/// What a raw cell holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RawValue {
    /// A count, which disclosure control can protect.
    Count(Count),
    /// A number derived from single records (median, P80) or a difference of counts: for own use only, never released;
    /// none when there is nothing to derive it from.
    OwnOnly(Option<i64>),
}

/// One cell: series, measure and the dimension values in the order of `by` (empty for the total).
#[derive(Clone, PartialEq, Eq)]
pub struct RawCell {
    /// Series of the definition.
    pub series: String,
    /// Measure of the definition.
    pub measure: String,
    /// Dimension values, in the order of the query's `by`.
    pub key: Vec<String>,
    /// The number.
    pub value: RawValue,
    /// Names of the units that it counts, sorted, when the columns were built to be compared; else empty.
    pub units: Vec<u128>,
}

/// The exact cells of one table; minted in this room only.
pub struct RawTable {
    query: TableQuery,
    query_hash: Digest,
    cells: Vec<RawCell>,
}

impl RawTable {
    pub(in crate::indicator) fn mint(query: TableQuery, query_hash: Digest, cells: Vec<RawCell>) -> Self {
        Self { query, query_hash, cells }
    }

    /// Which table this is.
    #[must_use]
    pub fn query(&self) -> &TableQuery {
        &self.query
    }

    /// Hash of the whole question that it belongs to.
    #[must_use]
    pub fn query_hash(&self) -> Digest {
        self.query_hash
    }

    /// The exact cells; `disclosure` is the only other room that may name this type (held by the tidy test).
    #[must_use]
    pub fn cells(&self) -> &[RawCell] {
        &self.cells
    }
}
