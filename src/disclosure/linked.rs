//! Releasing what the gate counted from linked rows: the same audit as a node's release, printed as a figure of the whole region.

use super::DisclosureFault;
use super::component::{Component, horizon};
use super::ledger::Ledger;
use super::release::{Made, Terms};
use super::sums::{Taking, release_regional};
use crate::domain::day::Day;
use crate::domain::linked::Question;
use crate::domain::query::TableQuery;
use crate::domain::table::{Coverage, Scope, Table};
use crate::indicator::raw::RawTable;

/// Last day of the events that count for a question, when everything up to `until` is settled: fixed by the question, not by the
/// day on which a run asks it. Every node tells, and the gate counts, with this horizon.
#[must_use]
pub fn horizon_of(question: &Question, until: Day) -> Day {
    let table = TableQuery { indicator: question.indicator, period: question.period, by: Vec::new() };
    horizon(&table, until)
}

/// Releases the tables of a component of linked figures that are due, with the earlier ones as constants. `raws` are the tables
/// of [`Component::needed`], counted under the hash of [`Component::question`].
///
/// # Errors
/// As [`release_due`](super::release::release_due).
pub fn release_linked(
    component: &Component,
    ledger: &Ledger,
    raws: &[RawTable],
    terms: &Terms<'_>,
    taking: Taking<'_>,
) -> Result<Made, DisclosureFault> {
    release_regional(component, ledger, raws, terms, &|table| forth(table, taking))
}

/// What a run prints, as a figure of the region: children of whom several organisations know are counted once.
fn forth(table: Table, taking: Taking<'_>) -> Table {
    let coverage = Coverage { window: table.coverage.window.clone(), ..taking.coverage() };
    Table { scope: Scope::Regio, coverage, sources: taking.contributors.to_vec(), ..table }
}
