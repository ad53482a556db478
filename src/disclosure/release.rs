//! `Released`: figures that may leave. Minted here alone, from stored tables that the audit has passed.

use super::DisclosureFault;
use super::certificate::{self, Making, certificate_of};
use super::component::{Component, FINEST, Job, fineness};
use super::ledger::{Ledger, StoredTable};
use super::plan::{Part, Plan, other_terms};
use super::print;
use super::protect::protect;
use super::system::{Kind, Printed};
use crate::crypto::{Digest, MacKey};
use crate::domain::day::Day;
use crate::domain::query::{Query, TableQuery};
use crate::domain::table::Table;
use crate::indicator::raw::RawTable;
use crate::indicator::relations::CellRef;
use crate::indicator::release::Release;
use crate::policy::rules::DisclosureRules;

/// Most linear programs of one audit: far more than a whole year of a large organisation takes.
const BUDGET: usize = 10_000;
/// The ladder: tables of this fineness and above are left out; after the last step the release is refused.
const LADDER: [u8; 7] = [7, 6, 5, 4, 3, 2, 1];

/// The tables that answer one question, as they were released.
pub struct Released {
    query_hash: Digest,
    tables: Vec<Table>,
    pending: Vec<TableQuery>,
}

impl Released {
    /// Hash of the question.
    #[must_use]
    pub fn query_hash(&self) -> Digest {
        self.query_hash
    }

    /// The protected tables, in the order of the question.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// What the question asks and is not released (yet).
    #[must_use]
    pub fn pending(&self) -> &[TableQuery] {
        &self.pending
    }
}

/// Under what terms a component is released.
pub struct Terms<'a> {
    /// Frame of this organisation's release.
    pub release: &'a Release,
    /// Thresholds of the convenant.
    pub rules: &'a DisclosureRules,
    /// Hash of the convenant.
    pub convenant: Digest,
    /// The node's key for breaking ties.
    pub tie_key: &'a MacKey,
    /// Last settled day: nothing that touches a later one is released.
    pub until: Day,
    /// Today, for the ledger.
    pub today: Day,
    /// Random bytes that keep the certificate from being guessed.
    pub salt: [u8; 32],
}

/// What a release made. Tables and witness are made durable in one step, so that no table is left without its witness.
#[derive(Default)]
pub struct Made {
    /// The released tables; none when nothing was due.
    pub tables: Vec<StoredTable>,
    /// Bytes of the witness, which the checker has passed; holds exact counts. Empty when nothing was due.
    pub witness: Vec<u8>,
    /// For the operator.
    pub summary: AuditSummary,
}

/// What a release found, for the operator; holds no exact count.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditSummary {
    /// Cells of the system, rests and other hidden ones included.
    pub cells: usize,
    /// Relations between them.
    pub relations: usize,
    /// Cells that are too small, each with two witness tables.
    pub sensitive: usize,
    /// Newly suppressed for their own sake.
    pub primaries: usize,
    /// Newly suppressed to protect others.
    pub secondaries: usize,
    /// Searches made: linear programs and flows.
    pub runs: usize,
    /// What the secondaries lose together: weight times size.
    pub loss: u64,
    /// What any safe pattern loses at least.
    pub least_loss: u64,
    /// Tables of which nothing is printed, because no safe pattern was found with them.
    pub left_out: Vec<TableQuery>,
    /// The certificate of the tables, as they bear it.
    pub certificate: String,
}

/// Releases everything of a component that is due, as one audited plan with the earlier releases as constants.
///
/// `raws` are the exact tables of [`Component::needed`], computed under the hash of [`Component::question`]. The stored
/// tables must be durable before an answer is made of them. Empty when nothing is due.
///
/// # Errors
/// [`DisclosureFault`] when the exact figures break a relation, disagree with what was released earlier, or no step of
/// the ladder gives a safe pattern. Then nothing is released.
pub fn release_due(
    component: &Component,
    ledger: &Ledger,
    raws: &[RawTable],
    terms: &Terms<'_>,
) -> Result<Made, DisclosureFault> {
    let due = component.due(ledger, terms.until);
    if due.is_empty() {
        return Ok(Made::default());
    }
    let question = component.question(ledger, terms.until).hash();
    if raws.iter().any(|raw| raw.query_hash() != question) {
        return Err(DisclosureFault::Definition("de berekende tabellen horen bij een andere vraag".into()));
    }
    let mut refused = DisclosureFault::Unsafe("geen enkele stap van de ladder geeft een veilige vrijgave".into());
    for above in LADDER {
        let kept = |table: &TableQuery| fineness(table) < above;
        if above <= FINEST && due.iter().all(|job| kept(&job.table)) {
            continue;
        }
        match attempt(component, ledger, raws, terms, &kept) {
            Ok(done) => return Ok(done),
            Err(fault @ (DisclosureFault::Unsafe(_) | DisclosureFault::Budget(_))) => refused = fault,
            Err(fault) => return Err(fault),
        }
    }
    Err(refused)
}

fn attempt(
    component: &Component,
    ledger: &Ledger,
    raws: &[RawTable],
    terms: &Terms<'_>,
    kept: &dyn Fn(&TableQuery) -> bool,
) -> Result<Made, DisclosureFault> {
    let due = component.due(ledger, terms.until);
    let is_due = |table: &TableQuery| due.iter().any(|job| job.table == *table);
    // Not every set of two-way margins has a three-way table: one that is left out stays in the audit while they are printed.
    let lingers = |table: &TableQuery| {
        let margin = |other: &TableQuery| {
            other.by.len() == 2 && (other.indicator, other.period) == (table.indicator, table.period)
        };
        let printed = due.iter().map(|job| &job.table).filter(|other| kept(other));
        table.by.len() > 2 && printed.chain(ledger.tables().map(StoredTable::query)).any(margin)
    };
    let parts: Vec<Part<'_>> = component
        .needed(ledger, terms.until)
        .into_iter()
        .filter(|job| {
            ledger.find(&job.table).is_some() || !is_due(&job.table) || kept(&job.table) || lingers(&job.table)
        })
        .map(|job| {
            let earlier = ledger.find(&job.table);
            let leaves = earlier.is_some() || (is_due(&job.table) && kept(&job.table));
            let kind = if leaves { Kind::Publishable } else { Kind::Hidden };
            Part { query: job.table, horizon: job.horizon, kind, earlier }
        })
        .collect();
    let reads_otherwise = |part: &&Part<'_>| part.earlier.is_some_and(|stored| !stored.reads_the_same(terms.rules));
    if let Some(stored) = parts.iter().find(reads_otherwise).and_then(|part| part.earlier) {
        return Err(other_terms(stored));
    }
    let plan = Plan::build(&parts, terms.release, raws)?;
    let protected = protect(&plan.system, terms.rules, terms.tie_key, BUDGET).map_err(|f| named(f, &plan))?;
    let left_out: Vec<&Job> = due.iter().filter(|job| !kept(&job.table)).collect();
    let witness =
        certificate::make(Making { terms, parts: &parts, left_out: &left_out, plan: &plan, protected: &protected })?;
    let certificate = certificate_of(&witness);
    let left_out: Vec<TableQuery> = left_out.iter().map(|job| job.table.clone()).collect();
    let mark = |cell: &CellRef| match plan.printed(cell, &protected.printed) {
        _ if left_out.contains(&cell.table) => Printed::Suppressed,
        printed => printed,
    };
    let stored = due.iter().map(|job| {
        let mut table = print::table(&job.table, job.horizon, terms.release, terms.rules, mark);
        table.certificate = Some(certificate.clone());
        StoredTable::new(&table, &job.table, terms)
    });
    let tables = stored.collect();
    let summary = AuditSummary {
        cells: plan.system.cells.len(),
        relations: plan.system.relations.len(),
        sensitive: protected.ranges.len(),
        primaries: protected.primaries,
        secondaries: protected.secondaries,
        runs: protected.runs,
        loss: protected.loss,
        least_loss: protected.least_loss,
        left_out,
        certificate,
    };
    Ok(Made { tables, witness, summary })
}

/// Puts names to the cells of a fault.
fn named(fault: DisclosureFault, plan: &Plan) -> DisclosureFault {
    let name = |text: &str| {
        let number = text.strip_prefix("cel ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        number.map_or_else(|| text.to_owned(), |cell: usize| format!("{text} ({})", plan.name_of(cell)))
    };
    match fault {
        DisclosureFault::Unsafe(text) => DisclosureFault::Unsafe(name(&text)),
        DisclosureFault::Earlier(text) => DisclosureFault::Earlier(name(&text)),
        DisclosureFault::Definition(text) => DisclosureFault::Definition(name(&text)),
        other => other,
    }
}

/// The answer to a question, from stored tables of these components alone: the same question, or any part of it, gets the
/// same bytes. Tables that are not released, or in none of the components, are named as pending.
///
/// # Errors
/// [`DisclosureFault::Stored`] for unreadable bytes.
pub fn answer(question: &Query, components: &[Component], ledger: &Ledger) -> Result<Released, DisclosureFault> {
    let declared = |table: &TableQuery| components.iter().any(|component| component.tables.contains(table));
    let (mut tables, mut pending) = (Vec::new(), Vec::new());
    for table in question.tables() {
        match ledger.find(table).filter(|_| declared(table)) {
            Some(stored) => tables.push(stored.table()?),
            None => pending.push(table.clone()),
        }
    }
    Ok(Released { query_hash: question.hash(), tables, pending })
}

/// The answer to a question about regional sums, from what the gate released of each kind of owner (`of` gives the ledgers that a
/// table may be answered from): the same bytes each time. A table that several kinds of owners have comes once for each.
///
/// # Errors
/// [`DisclosureFault::Stored`] for unreadable bytes.
pub fn answer_sums<'a>(
    question: &Query,
    of: &dyn Fn(&TableQuery) -> Vec<&'a Ledger>,
) -> Result<Released, DisclosureFault> {
    let (mut tables, mut pending) = (Vec::new(), Vec::new());
    for table in question.tables() {
        let ledgers = of(table);
        let mut found = ledgers.iter().filter_map(|ledger| ledger.find(table)).peekable();
        if found.peek().is_none() {
            pending.push(table.clone());
        }
        for stored in found {
            tables.push(stored.table()?);
        }
    }
    Ok(Released { query_hash: question.hash(), tables, pending })
}
