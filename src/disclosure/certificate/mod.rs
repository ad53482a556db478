//! The certificate of a release: the hash of a witness, which holds everything that proves the release safe.
//!
//! A witness holds exact counts. It stays sealed in the node and is shown to a statistician under confidentiality;
//! published is only its SHA-256, which 32 random bytes keep from being guessed. The bytes are described in
//! `docs/formats/disclosure.md`.

mod bytes;
mod check;
mod compare;
mod definitions;
mod kept;
mod make;
mod ties;

use std::fmt;

use thiserror::Error;

pub use check::{Checked, check};
pub use compare::printed_as;
pub use definitions::{as_defined, version_of};
pub use kept::{Witnessed, as_kept, printed_before};
pub use make::MOST_BYTES;
pub(super) use make::{Making, make};

use super::component::Job;
use crate::crypto::{Digest, digest};
use crate::domain::day::Day;
use crate::domain::query::TableQuery;
use crate::indicator::definition::definition;
use crate::policy::rules::DisclosureRules;

/// What is wrong with a witness, in words for the operator. Names cells by number, never by count.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{0}")]
pub struct Flaw(pub String);

/// What became of a table in a release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableState {
    /// Released with this witness.
    New,
    /// Released before; its print is a constant.
    Earlier,
    /// Never printed: behind a printed breakdown.
    Margin,
    /// Released with this witness, and nothing of it is printed; its cells are hidden, or not in the witness.
    LeftOut,
    /// Released before and replaced by a formal revision; its print is a constant. The tables of an edition are sorted, and
    /// one that does not come after the table before it begins the next edition.
    Replaced,
    /// Never printed: behind a printed breakdown of an edition that was replaced.
    ReplacedMargin,
}

impl TableState {
    /// Whether the table is of an edition that was replaced.
    #[must_use]
    pub fn is_past(self) -> bool {
        matches!(self, Self::Replaced | Self::ReplacedMargin)
    }
}

/// A table of a witness.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableEntry {
    /// What became of it.
    pub state: TableState,
    /// Certificate under which an earlier table was released; none for others, and for tables from before certificates.
    pub certificate: Option<Digest>,
    /// Which table.
    pub query: TableQuery,
    /// Version of its definition.
    pub version: String,
    /// Last day of the events that it counts.
    pub horizon: Day,
}

impl TableEntry {
    /// A table that leaves without a number.
    pub(super) fn left_out(job: &Job) -> Self {
        let version = definition(job.table.indicator).version.to_owned();
        let (query, horizon) = (job.table.clone(), job.horizon);
        Self { state: TableState::LeftOut, certificate: None, query, version, horizon }
    }
}

/// What is seen of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Print {
    /// A rounded count.
    Value(u32),
    /// Nothing.
    Suppressed,
    /// That it can only be 0.
    Impossible,
    /// Nothing, but the witness grants a reader its exact count: the rest of two cells, or a cell that another release counts too.
    Known,
    /// Nothing: too small to be printed, and guarded by the audit of the other release that counts it.
    Elsewhere,
}

/// Where a cell stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CellName {
    /// Number of its table.
    pub table: usize,
    /// Whether the cell is in the printed table, filled or not.
    pub shown: bool,
    /// Series of the definition.
    pub series: String,
    /// Measure of the definition.
    pub measure: String,
    /// Dimension values, in the order of the table's `by`.
    pub key: Vec<String>,
}

/// A cell of a witness.
#[derive(Clone, PartialEq, Eq)]
pub struct CellEntry {
    /// Its name; none for the rest of two cells, which is in no table.
    pub name: Option<CellName>,
    /// Exact count.
    pub n: u32,
    /// Families in it; of a rest at least so many.
    pub families: u32,
    /// Units of the largest family; of a rest at most so many.
    pub largest: u32,
    /// What is seen of it.
    pub print: Print,
}

impl CellEntry {
    /// The rest of two cells, hidden, of which each unit counts as a family.
    #[must_use]
    pub fn rest(n: u32) -> Self {
        Self { name: None, n, families: n, largest: n.min(1), print: Print::Suppressed }
    }
}

/// Never the exact counts.
impl fmt::Debug for CellEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CellEntry").field("print", &self.print).finish_non_exhaustive()
    }
}

/// How a total and its parts are related.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Link {
    /// `total = sum(parts)`.
    Sum,
    /// `max(parts) <= total <= sum(parts)`.
    Cover,
    /// `total <= sum(parts)`.
    AtMost,
}

/// A relation between cells, by number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelationEntry {
    /// How.
    pub link: Link,
    /// The total.
    pub total: usize,
    /// Its parts.
    pub parts: Vec<usize>,
}

/// What shows that a sensitive cell is not pinned: two worlds, by number. World 0 is the exact one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    /// The cell.
    pub cell: usize,
    /// World in which it is small.
    pub low: usize,
    /// World in which it is large.
    pub high: usize,
}

/// The edition of each table: 0 what is released now and what it has to live with, then those that were replaced, oldest
/// first.
fn editions(tables: &[TableEntry]) -> Vec<usize> {
    let (mut edition, mut last): (usize, Option<&TableQuery>) = (0, None);
    let mut numbers = Vec::with_capacity(tables.len());
    for table in tables {
        if table.state.is_past() {
            edition += usize::from(last.is_none_or(|last| table.query <= *last));
            last = Some(&table.query);
        }
        numbers.push(if table.state.is_past() { edition } else { 0 });
    }
    numbers
}

/// Everything that proves one release of a component.
#[derive(Clone, PartialEq, Eq)]
pub struct Witness {
    /// Keeps the hash from being guessed.
    pub salt: [u8; 32],
    /// OIN of the organisation.
    pub organisation: String,
    /// Hash of the convenant.
    pub convenant: Digest,
    /// Day of the release.
    pub released: Day,
    /// Last settled day at the release.
    pub until: Day,
    /// Thresholds.
    pub rules: DisclosureRules,
    /// Version of the cells and relations that the definitions gave ([`crate::indicator::relations::VERSION`]); 1 where the bytes
    /// name none.
    pub definitions: u32,
    /// The tables.
    pub tables: Vec<TableEntry>,
    /// The cells; named ones first.
    pub cells: Vec<CellEntry>,
    /// The relations between them.
    pub relations: Vec<RelationEntry>,
    /// Possible worlds: differences from the exact counts, by cell, none of them 0. World 1 is the first.
    pub worlds: Vec<Vec<(usize, i64)>>,
    /// One for every sensitive cell, ascending.
    pub proofs: Vec<Proof>,
}

/// Never the exact counts, the worlds or the salt.
impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").field("organisation", &self.organisation).finish_non_exhaustive()
    }
}

impl Witness {
    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes::encode(self)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`Flaw`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Flaw> {
        bytes::decode(bytes)
    }
}

/// The certificate of witness bytes, as a table bears it: `sha256:` and 64 hexadecimal digits.
#[must_use]
pub fn certificate_of(witness: &[u8]) -> String {
    digest(witness).to_string()
}

/// Reads a certificate.
#[must_use]
pub fn parse_certificate(text: &str) -> Option<Digest> {
    text.to_owned().try_into().ok()
}
