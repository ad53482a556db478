//! Releasing: whatever a question touches is released whole, stored, and only then answered from what is stored. The node
//! also does so by itself, so that the audits are done before anybody asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use super::core::{Core, CoreError};
use super::document::Pending;
use super::memory::Frozen;
use super::sums::memory::SumMemory;
use crate::crypto::{Digest, MacKey};
use crate::disclosure::DisclosureFault;
use crate::disclosure::certificate::MOST_BYTES;
use crate::disclosure::component::{Component, components, final_on};
use crate::disclosure::ledger::Ledger;
use crate::disclosure::release::{AuditSummary, Made, Records, Released, Terms, answer, release_due};
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::period::Period;
use crate::domain::query::{IndicatorId, TableQuery};
use crate::domain::reason::ReasonCode;
use crate::indicator::compute::Settings;
use crate::indicator::definition::definition;
use crate::indicator::release::Release;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::{Convenant, Role};
use crate::policy::permit::{Permit, declared_tables, settles_on};
use crate::storage::journal::JournalError;
use crate::storage::state::{StateError, StateKind};

/// N of linked figures; no released indicator uses another.
pub(in crate::service) const WITHIN_DAYS: u32 = 365;
/// A node releases by itself this long after its last delivery, so that a correction that follows at once still counts.
pub const QUIET_MS: u64 = 3_600_000;

/// Components that could not be released, by convenant and first table: up to which day, and why. They are tried again
/// when more has settled or the node starts anew, not at every question.
pub(in crate::service) type Failed = BTreeMap<(Digest, TableQuery), (Day, NotReleased)>;

/// Why a component is not released.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotReleased {
    /// For the partner who asks.
    pub reason: ReasonCode,
    /// For the operator alone: names the table that stands in the way, and no count.
    pub why: String,
}

/// What components follow from: number of frozen quarters and of released tables, last frozen and first delivered day.
type State = (usize, usize, Day, Day);

/// Components by convenant, state and years.
pub(in crate::service) type Parts = BTreeMap<(Digest, State, BTreeSet<i16>), Arc<Vec<Component>>>;

/// What a release works within: a convenant, the frozen data, the last frozen day.
pub(in crate::service) struct Frame<'a> {
    pub convenant: &'a ConvenantInForce,
    pub frozen: Arc<Frozen>,
    pub release: Release,
    pub until: Day,
    pub today: Day,
    /// Days after which a quarter freezes: the longest of all convenants in force.
    settlement_days: u32,
    /// What went into regional sums.
    shared: SumMemory,
}

impl Frame<'_> {
    pub fn terms<'b>(&'b self, tie_key: &'b MacKey) -> Terms<'b> {
        Terms {
            release: &self.release,
            rules: &self.convenant.convenant().disclosure,
            convenant: self.convenant.hash(),
            tie_key,
            until: self.until,
            today: self.today,
            salt: crate::crypto::random(),
            most_bytes: MOST_BYTES,
        }
    }

    /// Whether series that this release has of the table went into a regional sum.
    pub fn is_shared(&self, table: &TableQuery) -> bool {
        shared_of(&self.release.owners, &self.shared, table)
    }

    fn is_frozen(&self, table: &TableQuery) -> bool {
        table.period.quarters().iter().all(|q| self.frozen.quarters.contains(q))
    }

    /// The components of these years, over everything that the convenant declares and this version can compute, and what
    /// was released before.
    fn components(&self, years: &BTreeSet<i16>, ledger: &Ledger) -> Vec<Component> {
        let terms = self.convenant.convenant();
        let mut declared = declared_tables(terms, years);
        // A quarter from before the data window is never frozen, so what touches it is never released.
        let in_reach = |t: &TableQuery| self.is_frozen(t) || t.period.bounds().1 > self.until;
        // What left in a regional sum never leaves as a figure of this node alone.
        declared.retain(|table| in_reach(table) && same_definition(terms, table.indicator) && !self.is_shared(table));
        components(&declared, ledger, &self.release)
    }
}

/// The state of affairs in which a node has released by itself: nothing changes until one of these does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuietState {
    day: Day,
    last: i64,
    convenants: Vec<Digest>,
}

/// Tables stored now, with what the audit found; or why none can be.
pub type Outcome = Result<(usize, AuditSummary), NotReleased>;

/// What became of one component of which something was due.
#[derive(Clone, Debug)]
pub struct ReleaseLine {
    /// Calendar year.
    pub year: i16,
    /// Its indicators.
    pub indicators: Vec<IndicatorId>,
    /// Its outcome.
    pub result: Outcome,
}

impl Core {
    /// The released tables of a question. Every component that it touches is released as far as it is due, made durable,
    /// and answered from its stored bytes; what is asked does not change what is released. Tables that are not released
    /// are named with the reason; when there is no other, that reason is the answer.
    pub(in crate::service) fn release(&self, permit: &Permit) -> Result<(Released, Vec<Pending>), ReasonCode> {
        self.freeze_settled().map_err(|e| core_reason(&e))?;
        let frame = self.frame(permit.convenant())?;
        let asked = permit.query().tables();
        let years: BTreeSet<i16> = asked.iter().map(|t| t.period.year()).collect();
        let touched = |c: &&Component| asked.iter().any(|t| c.tables.contains(t));
        let mut parts = self.parts(&frame, &years);
        // What is stored is answered at once, also while something else is being released.
        if parts.iter().filter(touched).any(|component| self.is_due(component, &frame)) {
            let _one_at_a_time = self.releasing();
            parts = self.parts(&frame, &years);
            for component in parts.iter().filter(touched) {
                self.release_component(component, &frame)?;
            }
        }
        let released = answer(permit.query(), &parts, &self.memory().ledger).map_err(|fault| fault_reason(&fault))?;
        let failed = self.failed_releases();
        let pending: Vec<Pending> =
            released.pending().iter().map(|table| pending(table, &frame, &parts, &failed)).collect();
        match (released.tables(), pending.first()) {
            ([], Some(first)) => Err(first.reason),
            _ => Ok((released, pending)),
        }
    }

    /// Releases everything that is due under the convenants in force; `tell` hears how many components are done, of how
    /// many. A component that cannot be released stands in the result and does not stop the others.
    ///
    /// # Errors
    /// The reason when there is nothing to release from, or when nothing can be stored.
    pub fn release_all(&self, tell: &dyn Fn(u64, u64)) -> Result<Vec<ReleaseLine>, ReasonCode> {
        self.freeze_settled().map_err(|e| core_reason(&e))?;
        let standing = self.standing();
        let convenants = standing.in_force.as_ref().map_err(|reason| *reason)?;
        let mut lines = Vec::new();
        for convenant in convenants.iter().filter(|c| self.delivers_under(c)) {
            let _one_at_a_time = self.releasing();
            let frame = self.frame(convenant)?;
            let years = frame.frozen.quarters.iter().map(|q| q.year()).collect();
            let parts = self.parts(&frame, &years);
            for (done, component) in (0_u64..).zip(parts.iter()) {
                tell(done, parts.len() as u64);
                // A withdrawal stops what is under way.
                self.still_in_force(&convenant.hash())?;
                let result = match self.release_component(component, &frame)? {
                    Some(Ok((0, _))) | None => continue,
                    Some(result) => result,
                };
                lines.push(ReleaseLine { year: component.year, indicators: indicators_of(component), result });
            }
        }
        Ok(lines)
    }

    /// Whether this node delivers under a convenant.
    pub(in crate::service) fn delivers_under(&self, convenant: &ConvenantInForce) -> bool {
        convenant.convenant().party(&self.identity.oin).is_some_and(|party| party.has(Role::Delivering))
    }

    /// Whether a convenant is in force at this moment.
    ///
    /// # Errors
    /// Why it is not.
    pub(in crate::service) fn still_in_force(&self, convenant: &Digest) -> Result<(), ReasonCode> {
        let standing = self.standing();
        let in_force = standing.in_force.as_ref().map_err(|reason| *reason)?;
        if in_force.iter().any(|c| c.hash() == *convenant) { Ok(()) } else { Err(ReasonCode::OtherConvenant) }
    }

    /// Releases by itself what is due, once the last delivery is [`QUIET_MS`] old; `done` remembers for what state of
    /// affairs that was done, so that it may be called every minute.
    pub fn release_when_quiet(&self, done: &mut Option<QuietState>) {
        let Some(last) = self.writing().last_delivery() else { return };
        let quiet_from = u64::try_from(last).unwrap_or(0).saturating_add(QUIET_MS);
        let standing = self.standing();
        let Ok(convenants) = &standing.in_force else { return };
        let state = QuietState { day: standing.day, last, convenants: convenants.iter().map(|c| c.hash()).collect() };
        if self.clock.now_ms() < quiet_from || done.as_ref() == Some(&state) {
            return;
        }
        if let Err(reason) = self.release_all(&|_, _| {}) {
            tracing::warn!(code = reason.code(), "{}", reason.sentence());
        }
        *done = Some(state);
    }

    /// The components of these years, worked out once for each state of affairs.
    pub(in crate::service) fn parts(&self, frame: &Frame<'_>, years: &BTreeSet<i16>) -> Arc<Vec<Component>> {
        const MOST: usize = 32;
        let memory = self.memory();
        let state = (frame.frozen.quarters.len(), memory.ledger.len(), frame.until, frame.release.settings.data_from);
        let key = (frame.convenant.hash(), state, years.clone());
        let mut known = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(parts) = known.get(&key) {
            return Arc::clone(parts);
        }
        if known.len() >= MOST {
            known.clear();
        }
        let parts = Arc::new(frame.components(years, &memory.ledger));
        known.insert(key, Arc::clone(&parts));
        parts
    }

    fn is_due(&self, component: &Component, frame: &Frame<'_>) -> bool {
        !component.due(&self.memory().ledger, frame.until).is_empty()
    }

    pub(in crate::service) fn frame<'a>(&self, convenant: &'a ConvenantInForce) -> Result<Frame<'a>, ReasonCode> {
        let (window, frozen, shared) = {
            let memory = self.memory();
            (memory.window.ok_or(ReasonCode::OutsideWindow)?, Arc::clone(&memory.frozen), memory.sums.clone())
        };
        let until = frozen.quarters.last().ok_or(ReasonCode::NotSettled)?.bounds().1;
        let settings =
            Settings { horizon: until, data_from: window.from, within: WITHIN_DAYS, organisation: self.identity.oin };
        let terms = convenant.convenant();
        // What comes as a regional sum no node releases by itself.
        let summed = terms.summed_owners();
        let release = Release {
            settings,
            owners: self.identity.levert.iter().copied().filter(|owner| !summed.contains(owner)).collect(),
            delivers: self.identity.levert.clone(),
            domains: terms.domains.clone(),
            bin_cuts: terms.bin_cuts.clone(),
            linked: false,
        };
        let standing = self.standing();
        let days = standing.in_force.iter().flatten().map(|c| c.convenant().settlement_days);
        let settlement_days = days.max().unwrap_or(terms.settlement_days);
        Ok(Frame { convenant, frozen, release, until, today: self.clock.today(), settlement_days, shared })
    }

    /// Releases what is due of a component and stores it. `None` when nothing is due; the inner error says why what is
    /// due cannot be released, the outer one that it cannot be stored.
    fn release_component(&self, component: &Component, frame: &Frame<'_>) -> Result<Option<Outcome>, ReasonCode> {
        let Some(first) = component.tables.first() else { return Ok(None) };
        let place = (frame.convenant.hash(), first.clone());
        if !self.is_due(component, frame) {
            return Ok(None);
        }
        if let Some((until, refused)) = self.failed_releases().get(&place)
            && *until == frame.until
        {
            return Ok(Some(Err(refused.clone())));
        }
        let ledger = self.memory().ledger.clone();
        let tie_key = self.keys.tiebreak_key();
        let terms = frame.terms(&tie_key);
        let (raws, past) = self.exact_tables(component, &ledger, frame).map_err(|e| core_reason(&e))?;
        match release_due(component, &ledger, Records { raws: &raws, past: &past }, &terms) {
            Ok(made) => {
                let made = made.beside(&self.memory().in_quarantine).map_err(|fault| fault_reason(&fault))?;
                // A share may have left since the frame was made; shares and releases wait for each other.
                let shared = self.memory().sums.clone();
                if made.tables.iter().any(|t| shared_of(&frame.release.owners, &shared, t.query())) {
                    let why = "er is inmiddels gedeeld in een regionale som".to_owned();
                    return Ok(Some(Err(NotReleased { reason: ReasonCode::ComponentClosed, why })));
                }
                tell_audit(component, made.tables.len(), &made.summary);
                let (count, summary) = (made.tables.len(), made.summary.clone());
                self.store(made)?;
                self.failed_releases().remove(&place);
                Ok(Some(Ok((count, summary))))
            }
            Err(fault) => {
                let refused = NotReleased { reason: fault_reason(&fault), why: fault.to_string() };
                self.failed_releases().insert(place, (frame.until, refused.clone()));
                Ok(Some(Err(refused)))
            }
        }
    }

    /// Witness and tables become durable together.
    fn store(&self, made: Made) -> Result<(), ReasonCode> {
        let Made { tables, witness, .. } = made;
        if tables.is_empty() {
            return Ok(());
        }
        let answers = tables.iter().map(|table| (StateKind::Answer, table.to_bytes()));
        let records = std::iter::once((StateKind::Witness, witness)).chain(answers).collect();
        self.state.append_batch(records).map_err(|e| core_reason(&CoreError::State(e)))?;
        self.change(|memory| tables.into_iter().for_each(|table| memory.ledger.add(table)));
        Ok(())
    }
}

/// Whether series of these owners went into a regional sum of the year of a table. Of any indicator: relations cross them.
fn shared_of(owners: &[Owner], shared: &SumMemory, table: &TableQuery) -> bool {
    owners.iter().any(|owner| shared.has_shared(*owner, table.period.year()))
}

/// The indicators of what a component declares.
pub(in crate::service) fn indicators_of(component: &Component) -> Vec<IndicatorId> {
    let all: BTreeSet<IndicatorId> = component.tables.iter().map(|table| table.indicator).collect();
    all.into_iter().collect()
}

/// Whether this version computes an indicator by the definition that the convenant names.
pub(in crate::service) fn same_definition(terms: &Convenant, indicator: IndicatorId) -> bool {
    let mut grants = terms.indicators.iter().filter(|grant| grant.indicator == indicator).peekable();
    grants.peek().is_some() && grants.all(|grant| grant.version == definition(indicator).version)
}

/// Why a granted table is not released: this version counts otherwise, this organisation has no such figures, its
/// component failed, its last quarter has still to settle, or there is no data over the whole period.
fn pending(table: &TableQuery, frame: &Frame<'_>, parts: &[Component], failed: &Failed) -> Pending {
    let terms = frame.convenant.convenant();
    let first = parts.iter().find(|c| c.tables.contains(table)).and_then(|c| c.tables.first());
    let place = |first: &TableQuery| (frame.convenant.hash(), first.clone());
    let failure = first.and_then(|first| failed.get(&place(first))).filter(|(until, _)| *until == frame.until);
    let settles = settles_on(Period::quarter_of(final_on(table)), frame.settlement_days);
    let reason = match failure {
        _ if !same_definition(terms, table.indicator) => ReasonCode::OtherDefinition,
        _ if frame.release.series(table.indicator).next().is_none() => ReasonCode::IndicatorNotAllowed,
        _ if settles > frame.today => ReasonCode::NotSettled,
        _ if frame.is_shared(table) => ReasonCode::ComponentClosed,
        Some((_, refused)) => refused.reason,
        None => ReasonCode::OutsideWindow,
    };
    Pending { table: table.clone(), reason, from: (reason == ReasonCode::NotSettled).then_some(settles) }
}

pub(in crate::service) fn tell_audit(component: &Component, tables: usize, summary: &AuditSummary) {
    tracing::info!(
        year = component.year,
        tables,
        cells = summary.cells,
        primaries = summary.primaries,
        secondaries = summary.secondaries,
        runs = summary.runs,
        left_out = summary.left_out.len(),
        "vrijgave getoetst"
    );
}

pub(in crate::service) fn fault_reason(fault: &DisclosureFault) -> ReasonCode {
    tracing::error!("vrijgave: {fault}");
    match fault {
        DisclosureFault::Definition(_) => ReasonCode::DefinitionFault,
        DisclosureFault::Earlier(_) | DisclosureFault::Closed(_) => ReasonCode::ComponentClosed,
        DisclosureFault::Unsafe(_) | DisclosureFault::Budget(_) | DisclosureFault::TooLarge(_) => {
            ReasonCode::LadderExhausted
        }
        DisclosureFault::Stored(_) => ReasonCode::Internal,
    }
}

pub(in crate::service) fn core_reason(error: &CoreError) -> ReasonCode {
    tracing::error!("{error}");
    match error {
        CoreError::State(StateError::Journal(JournalError::Full)) => ReasonCode::DiskFull,
        _ => ReasonCode::LogUnavailable,
    }
}
