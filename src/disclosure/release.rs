//! `Released`: figures that may leave. Minted here alone, from stored tables that the audit has passed.

use std::collections::BTreeMap;

use super::DisclosureFault;
use super::certificate::{self, Making, certificate_of};
use super::component::{Component, FINEST, Job, fineness, with_coarser};
use super::editions::{Edition, join};
use super::ledger::{Ledger, StoredTable};
use super::plan::{Part, Plan, frame, other_terms};
use super::print;
use super::protect::protect;
use super::system::{Kind, Printed};
use crate::crypto::{Digest, MacKey};
use crate::domain::codes::EventType;
use crate::domain::day::Day;
use crate::domain::query::{Query, TableQuery};
use crate::domain::table::{Revision, Table};
use crate::indicator::raw::RawTable;
use crate::indicator::relations::CellRef;
use crate::indicator::release::Release;
use crate::indicator::stage::closed_by;
use crate::policy::rules::DisclosureRules;

/// Most linear programs of one audit: far more than a whole year of a large organisation takes.
const BUDGET: usize = 10_000;
/// Most printed cells of a table of three dimensions; of more the ladder goes down at once, without a search.
const MOST_DEEP: usize = 1_600;
/// The ladder: tables of this fineness and above are left out; after the last step the release is refused.
const LADDER: [u8; 9] = [9, 8, 7, 6, 5, 4, 3, 2, 1];

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
    /// Most bytes of the witness ([`certificate::MOST_BYTES`]): a larger one is no release, and the ladder goes on.
    pub most_bytes: usize,
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

impl Made {
    /// Beside each stock how many rows in quarantine, by type, would have ended what it counts: rounded up to tens, as a quality of
    /// the delivery and of no cell.
    ///
    /// # Errors
    /// [`DisclosureFault::Stored`] for unreadable bytes.
    pub fn beside(mut self, in_quarantine: &BTreeMap<EventType, u32>) -> Result<Self, DisclosureFault> {
        for stored in &mut self.tables {
            let ends = closed_by(stored.query().indicator);
            let rows: u32 = ends.iter().filter_map(|end| in_quarantine.get(end)).sum();
            if rows > 0 {
                let mut table = stored.table()?;
                table.coverage.in_quarantine = Some(rows.next_multiple_of(10));
                *stored = stored.with_table(&table);
            }
        }
        Ok(self)
    }
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

/// Exact tables that a release is made of.
#[derive(Clone, Copy)]
pub struct Records<'a> {
    /// Of what is released now and what it has to know.
    pub raws: &'a [RawTable],
    /// Of each edition that a formal revision replaced, oldest first: the tables of [`Component::past`], over the records
    /// of that edition. When there are any, all columns are built to be compared.
    pub past: &'a [Vec<RawTable>],
}

/// Releases everything of a component that is due, as one audited plan with the earlier releases as constants.
///
/// `records` are the exact tables of [`Component::needed`], computed under the hash of [`Component::question`]. The stored
/// tables must be durable before an answer is made of them. Empty when nothing is due.
///
/// # Errors
/// [`DisclosureFault`] when the exact figures break a relation, disagree with what was released earlier, or no step of
/// the ladder gives a safe pattern. Then nothing is released.
pub fn release_due(
    component: &Component,
    ledger: &Ledger,
    records: Records<'_>,
    terms: &Terms<'_>,
) -> Result<Made, DisclosureFault> {
    let due = component.due(ledger, terms.until);
    if due.is_empty() {
        return Ok(Made::default());
    }
    let question = component.question(ledger, terms.until).hash();
    if records.raws.iter().any(|raw| raw.query_hash() != question) {
        return Err(DisclosureFault::Definition("de berekende tabellen horen bij een andere vraag".into()));
    }
    let edition = component.edition(ledger);
    let revised = component.of_edition(ledger, edition).into_iter().find_map(|stored| stored.table().ok()?.revision);
    let jobs = component.needed(ledger, terms.until);
    let case = Case { component, ledger, records, terms, due, jobs, revision: revised, anew: false };
    case.down_the_ladder()
}

/// Releases every table of a component anew over other records: a formal revision. The tables that it replaces are
/// constants of the audit with the records that they were made of, and what was added to and removed from each cell is
/// protected as a small group of its own.
///
/// `records` are the tables of [`Component::released`] and of every edition so far, each with those behind them.
///
/// # Errors
/// As [`release_due`]; then what was released stays as it is.
pub fn revise(
    component: &Component,
    ledger: &Ledger,
    records: Records<'_>,
    terms: &Terms<'_>,
) -> Result<Made, DisclosureFault> {
    let revision = Revision { edition: component.edition(ledger) + 1, day: terms.today };
    let due = component.released(ledger, terms.until);
    let jobs = with_coarser(due.iter().cloned());
    Case { component, ledger, records, terms, due, jobs, revision: Some(revision), anew: true }.down_the_ladder()
}

/// One release of a component.
struct Case<'a> {
    component: &'a Component,
    ledger: &'a Ledger,
    records: Records<'a>,
    terms: &'a Terms<'a>,
    /// What is printed.
    due: Vec<Job>,
    /// What the system has to know.
    jobs: Vec<Job>,
    /// Which edition the printed tables are of.
    revision: Option<Revision>,
    /// Whether what is released takes the place of earlier tables.
    anew: bool,
}

impl<'a> Case<'a> {
    fn down_the_ladder(&self) -> Result<Made, DisclosureFault> {
        let mut refused = DisclosureFault::Unsafe("geen enkele stap van de ladder geeft een veilige vrijgave".into());
        for above in LADDER {
            let kept = |table: &TableQuery| fineness(table) < above;
            if above <= FINEST && self.due.iter().all(|job| kept(&job.table)) {
                continue;
            }
            match self.attempt(&kept) {
                Ok(done) => return Ok(done),
                Err(fault) if fault.is_for_the_ladder() => refused = fault,
                Err(fault) => return Err(fault),
            }
        }
        Err(refused)
    }

    /// The release of a table that this one has to live with.
    fn earlier(&self, table: &TableQuery) -> Option<&'a StoredTable> {
        if self.anew || cfg!(feature = "defect-no-ledger") { None } else { self.ledger.find(table) }
    }

    fn parts(&self, kept: &dyn Fn(&TableQuery) -> bool) -> Vec<Part<'a>> {
        let is_due = |table: &TableQuery| self.due.iter().any(|job| job.table == *table);
        // Not every set of two-way margins has a three-way table: one that is left out stays in the audit while they are
        // printed.
        let lingers = |table: &TableQuery| {
            let margin = |other: &TableQuery| {
                other.by.len() == 2 && (other.indicator, other.period) == (table.indicator, table.period)
            };
            let printed = self.due.iter().map(|job| &job.table).filter(|other| kept(other));
            table.by.len() > 2 && printed.chain(self.ledger.tables().map(StoredTable::query)).any(margin)
        };
        let known = |table: &TableQuery| self.earlier(table).is_some() || !is_due(table);
        let jobs = self.jobs.iter();
        jobs.filter(|job| known(&job.table) || kept(&job.table) || lingers(&job.table))
            .map(|job| {
                let earlier = self.earlier(&job.table);
                let leaves = earlier.is_some() || (is_due(&job.table) && kept(&job.table));
                let kind = if leaves { Kind::Publishable } else { Kind::Hidden };
                Part { query: job.table.clone(), horizon: job.horizon, kind, earlier }
            })
            .collect()
    }

    /// The parts of every edition that was replaced, oldest first.
    fn past(&self) -> Vec<Vec<Part<'a>>> {
        let editions = self.revision.map_or(1, |revision| revision.edition);
        let of = |edition: u32| {
            let left = self.component.of_edition(self.ledger, edition);
            let part = |job: Job| {
                let earlier = left.iter().copied().find(|stored| *stored.query() == job.table);
                let kind = if earlier.is_some() { Kind::Publishable } else { Kind::Hidden };
                Part { query: job.table, horizon: job.horizon, kind, earlier }
            };
            self.component.past(self.ledger, edition).into_iter().map(part).collect()
        };
        (1..editions).map(of).collect()
    }

    fn plan(&self, parts: &[Part<'_>], past: &[Vec<Part<'_>>]) -> Result<Plan, DisclosureFault> {
        let reads_otherwise = |part: &&Part<'_>| part.earlier.is_some_and(|s| !s.reads_the_same(self.terms.rules));
        let mut all = parts.iter().chain(past.iter().flatten());
        if let Some(stored) = all.find(reads_otherwise).and_then(|part| part.earlier) {
            return Err(other_terms(stored));
        }
        if past.len() != self.records.past.len() {
            return Err(DisclosureFault::Definition("een eerdere uitgave is niet berekend".into()));
        }
        let build = |parts: &[Part<'_>], raws: &'a [RawTable]| {
            Plan::build(parts, (self.terms.release, self.terms.rules), raws).map(|plan| Edition { plan, raws })
        };
        let older = past.iter().zip(self.records.past).map(|(parts, raws)| build(parts, raws));
        let older = older.collect::<Result<Vec<_>, _>>()?;
        join(older, build(parts, self.records.raws)?, i64::from(self.terms.rules.threshold))
    }

    /// Three dimensions are searched up to [`MOST_DEEP`] cells, also when they are left out and linger in the audit.
    fn not_too_deep(&self, parts: &[Part<'_>]) -> Result<(), DisclosureFault> {
        for part in parts.iter().filter(|part| part.query.by.len() > 2) {
            let places = frame(&part.query, part.horizon, self.terms.release);
            let cells = places.iter().filter(|place| place.released && !place.open).count();
            if cells > MOST_DEEP {
                let text = format!("{}: {cells} cellen in drie dimensies, hoogstens {MOST_DEEP}", part.query.indicator);
                return Err(DisclosureFault::Unsafe(text));
            }
        }
        Ok(())
    }

    fn attempt(&self, kept: &dyn Fn(&TableQuery) -> bool) -> Result<Made, DisclosureFault> {
        let (terms, due, parts, past) = (self.terms, &self.due, self.parts(kept), self.past());
        self.not_too_deep(&parts)?;
        let plan = self.plan(&parts, &past)?;
        let protected = protect(&plan.system, terms.rules, terms.tie_key, BUDGET).map_err(|f| named(f, &plan))?;
        let left_out: Vec<&Job> = due.iter().filter(|job| !kept(&job.table)).collect();
        let witness = certificate::make(Making {
            terms,
            parts: &parts,
            past: &past,
            left_out: &left_out,
            plan: &plan,
            protected: &protected,
        })?;
        let certificate = certificate_of(&witness);
        let left_out: Vec<TableQuery> = left_out.iter().map(|job| job.table.clone()).collect();
        let mark = |cell: &CellRef| match plan.printed(cell, &protected.printed) {
            _ if left_out.contains(&cell.table) => Printed::Suppressed,
            printed => printed,
        };
        let stored = due.iter().map(|job| {
            let mut table = print::table(&job.table, job.horizon, terms.release, terms.rules, mark);
            table.certificate = Some(certificate.clone());
            table.revision = self.revision;
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
}

/// Says in which table the cell of a fault stands. It says no more: that a cell is small is itself not for a log.
fn named(fault: DisclosureFault, plan: &Plan) -> DisclosureFault {
    let name = |text: &str| {
        let number = text.strip_prefix("cel ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        number.map_or_else(|| text.to_owned(), |cell: usize| format!("{text} ({})", plan.table_of(cell)))
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
