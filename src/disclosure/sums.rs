//! Releasing regional sums: the same audit as a node's release, over what several organisations counted together.
//!
//! A table is printed as `som`: with the organisations that took part, and children summed over organisations under the name
//! `n_som_organisaties`, because the same child can count at two of them.

use super::DisclosureFault;
use super::component::{Component, Job, series_is_final};
use super::ledger::{Ledger, StoredTable};
use super::release::{Made, Records, Terms, release_due};
use crate::domain::oin::Oin;
use crate::domain::query::{IndicatorId, Query, TableQuery};
use crate::domain::table::{Coverage, Scope, Table};
use crate::indicator::raw::RawTable;
use crate::indicator::release::Release;
use crate::indicator::sums::Layout;

/// The measure that a node counts, and its name when nodes are summed.
const CHILDREN: &str = "n_kinderen";
const SUMMED: &str = "n_som_organisaties";

/// Who could take part in a sum, and who did.
#[derive(Clone, Copy, Debug)]
pub struct Taking<'a> {
    /// Every organisation that owns the figures.
    pub expected: &'a [Oin],
    /// Those whose counts are in the sum.
    pub contributors: &'a [Oin],
}

impl Taking<'_> {
    /// Who is in the figures and who is not.
    pub(super) fn coverage(&self) -> Coverage {
        let missing = self.expected.iter().filter(|oin| !self.contributors.contains(oin)).copied().collect();
        Coverage {
            expected: self.expected.len(),
            delivered: self.contributors.len(),
            missing,
            window: None,
            in_quarantine: None,
        }
    }
}

/// The question that the tables of a run stand for; raw tables are made under its hash.
#[must_use]
pub fn question_of(jobs: &[Job]) -> Query {
    Query::new(jobs.iter().map(|job| job.table.clone()).collect())
}

/// The layout of the vector of these jobs; the same at every node and at the gate.
#[must_use]
pub fn layout_of(jobs: &[Job], release: &Release) -> Layout {
    let tables: Vec<TableQuery> = jobs.iter().map(|job| job.table.clone()).collect();
    let is_final = |table: &TableQuery, series: &str| {
        jobs.iter().filter(|job| job.table == *table).all(|job| series_is_final(table, series, job.horizon))
    };
    Layout::new(&tables, release, &is_final)
}

/// Releases the tables of a component of sums that are due, with the earlier ones as constants. `raws` are the regional tables of
/// [`Component::needed`] under the hash of [`question_of`] over them.
///
/// # Errors
/// As [`release_due`].
pub fn release_sums(
    component: &Component,
    ledger: &Ledger,
    raws: &[RawTable],
    terms: &Terms<'_>,
    taking: Taking<'_>,
) -> Result<Made, DisclosureFault> {
    release_regional(component, ledger, raws, terms, &|table| forth(table, taking))
}

/// Releases what is due of a component of regional figures; `forth` says how a table that the gate counted is printed.
pub(super) fn release_regional(
    component: &Component,
    ledger: &Ledger,
    raws: &[RawTable],
    terms: &Terms<'_>,
    forth: &dyn Fn(Table) -> Table,
) -> Result<Made, DisclosureFault> {
    let gate = terms.release.settings.organisation;
    let earlier: Result<Ledger, DisclosureFault> = ledger.tables().map(|stored| as_proven(stored, gate)).collect();
    let mut made = release_due(component, &earlier?, Records { raws, past: &[] }, terms)?;
    for stored in &mut made.tables {
        *stored = stored.with_table(&forth(stored.table()?));
    }
    Ok(made)
}

/// A released sum as the audit knows it.
fn as_proven(stored: &StoredTable, gate: Oin) -> Result<StoredTable, DisclosureFault> {
    Ok(stored.with_table(&in_words_of(stored.table()?, gate.as_str())))
}

/// What a run prints, as a regional sum.
fn forth(mut table: Table, taking: Taking<'_>) -> Table {
    for row in table.rows.iter_mut().filter(|row| row.measure == CHILDREN) {
        SUMMED.clone_into(&mut row.measure);
    }
    table.scope = Scope::Som;
    table.coverage = Coverage { window: table.coverage.window, ..taking.coverage() };
    table.sources = taking.contributors.to_vec();
    table
}

/// A regional sum in the words in which its witness proves it: as if the gate had counted everything itself. Only an indicator
/// that counts children has both names of a measure; the stock, which has the other one of itself, keeps it.
pub(super) fn in_words_of(mut table: Table, gate: &str) -> Table {
    let stock = table.indicator == IndicatorId::Ind03.as_str();
    for row in table.rows.iter_mut().filter(|row| !stock && row.measure == SUMMED) {
        CHILDREN.clone_into(&mut row.measure);
    }
    Table { scope: Scope::Organisatie, sources: Oin::parse(gate).into_iter().collect(), ..table }
}
