//! Regional sums: the layout of the vector that every node of a run shares, a node's numbers in it, and the exact regional tables
//! that the gate makes of the sum. Here alone a sum becomes a [`RawTable`].
//!
//! A cell takes five numbers: its count, its families, its largest family, 1 when it counts anything, and 1 when it counts at
//! least the threshold.

use std::collections::BTreeMap;

use thiserror::Error;
use zeroize::Zeroizing;

use super::raw::{Count, RawCell, RawTable, RawValue};
use super::relations::CellRef;
use super::release::Release;
use crate::crypto::Digest;
use crate::domain::query::TableQuery;

/// Numbers of one cell.
pub const NUMBERS: usize = 5;

/// The cells that a run sums, in the order in which every node shares them: table by table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout(Vec<CellRef>);

/// A regional cell as the sum gives it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SumCount {
    /// Count and families over all nodes; `largest` is the sum of each node's largest family.
    pub count: Count,
    /// Nodes that count anything.
    pub owners: u32,
    /// Nodes that count at least the threshold.
    pub large: u32,
}

/// Sums that no vectors of counts add up to.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("de som is geen som van tellingen")]
pub struct Implausible;

impl Layout {
    /// The layout of these tables (with the coarser ones behind them) within the frame of the region; `shared` says which series
    /// of a table are final.
    #[must_use]
    pub fn new(tables: &[TableQuery], release: &Release, shared: &dyn Fn(&TableQuery, &str) -> bool) -> Self {
        let mut cells = Vec::new();
        for table in tables {
            for series in release.series(table.indicator).filter(|series| shared(table, &series.name)) {
                let measures = release.measures(table, &series.name);
                for key in release.keys(&table.by).into_iter().filter(|key| release.possible(table, &series.name, key))
                {
                    cells.extend(measures.iter().map(|(measure, _)| CellRef {
                        table: table.clone(),
                        series: series.name.clone(),
                        measure: measure.clone(),
                        key: key.clone(),
                    }));
                }
            }
        }
        Self(cells)
    }

    /// Cells in the vector.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.0.len()
    }

    /// Numbers in the vector: five for each cell.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.0.len() * NUMBERS
    }

    /// A node's vector, from its exact tables; a cell that they do not have is 0.
    #[must_use]
    pub fn vector(&self, raws: &[RawTable], threshold: u32) -> Zeroizing<Vec<u64>> {
        let counts = counts_of(raws);
        let mut vector = Zeroizing::new(Vec::with_capacity(self.numbers()));
        for cell in &self.0 {
            let Count { n, families, largest } = counts.get(&at(cell)).copied().unwrap_or_default();
            vector.extend([n, families, largest, u32::from(n > 0), u32::from(n >= threshold)].map(u64::from));
        }
        vector
    }

    /// The exact regional tables that a sum stands for. A count that `publishable` refuses is minted without families, so that
    /// every later rule takes it for too small.
    ///
    /// # Errors
    /// [`Implausible`] when no `contributors` vectors of counts have this sum.
    pub fn tables(
        &self,
        sum: &[u64],
        contributors: usize,
        question: Digest,
        publishable: &dyn Fn(SumCount) -> bool,
    ) -> Result<Vec<RawTable>, Implausible> {
        if sum.len() != self.numbers() {
            return Err(Implausible);
        }
        let mut made: BTreeMap<&TableQuery, Vec<RawCell>> = BTreeMap::new();
        for (CellRef { table, series, measure, key }, numbers) in self.0.iter().zip(sum.chunks_exact(NUMBERS)) {
            let cell = read(numbers, contributors)?;
            let families = if publishable(cell) { cell.count.families } else { 0 };
            let value = RawValue::Count(Count { families, ..cell.count });
            let (series, measure, key) = (series.clone(), measure.clone(), key.clone());
            made.entry(table).or_default().push(RawCell { series, measure, key, value, units: Vec::new() });
        }
        Ok(made.into_iter().map(|(query, cells)| RawTable::mint(query.clone(), question, cells)).collect())
    }
}

/// A cell of the sum, when vectors of counts can add up to it.
fn read(numbers: &[u64], contributors: usize) -> Result<SumCount, Implausible> {
    let whole: Vec<u32> =
        numbers.iter().map(|n| u32::try_from(*n)).collect::<Result<_, _>>().map_err(|_| Implausible)?;
    let [n, families, largest, owners, large] = whole[..] else { return Err(Implausible) };
    let possible = families <= n
        && largest <= n
        && owners <= n
        && large <= owners
        && usize::try_from(owners).is_ok_and(|owners| owners <= contributors)
        && (n == 0) == (owners == 0);
    if possible { Ok(SumCount { count: Count { n, families, largest }, owners, large }) } else { Err(Implausible) }
}

type At<'a> = (&'a TableQuery, &'a str, &'a str, &'a [String]);

fn at(cell: &CellRef) -> At<'_> {
    (&cell.table, &cell.series, &cell.measure, &cell.key)
}

fn counts_of(raws: &[RawTable]) -> BTreeMap<At<'_>, Count> {
    raws.iter().flat_map(counts_of_table).collect()
}

fn counts_of_table(raw: &RawTable) -> impl Iterator<Item = (At<'_>, Count)> {
    raw.cells().iter().filter_map(|cell| match cell.value {
        RawValue::Count(count) => Some(((raw.query(), &*cell.series, &*cell.measure, &*cell.key), count)),
        RawValue::OwnOnly(_) => None,
    })
}
