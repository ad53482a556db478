//! Drives runs of regional sums: asks the gate what is due and the owners what they can, gathers shares, hands them to the gate,
//! and asks for what it released. A node that is down is named, and a first sum waits for it unless the operator
//! leaves it out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::pull::{Patience, in_parallel, pull};
use crate::crypto::Digest;
use crate::disclosure::component::Job;
use crate::domain::codes::Owner;
use crate::domain::oin::Oin;
use crate::domain::query::{Query, TableQuery};
use crate::domain::reason::ReasonCode;
use crate::domain::table::Table;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::check::LEAST_CONTRIBUTORS;
use crate::service::api::{PeerError, Peers};
use crate::service::core::Core;
use crate::service::document::Pending;
use crate::service::sums::document::SumPlan;
use crate::service::sums::messages::{SumCall, SumReply};
use crate::service::sums::monitor::OurRun;
use crate::service::sums::share::Passed;

/// Time for one step.
const STEP: Duration = Duration::from_secs(60);
/// Time for putting the sum together and releasing it.
const RELEASE: Duration = Duration::from_secs(900);
/// Time for handing over our receipt.
const CONFIRM: Duration = Duration::from_secs(30);

/// What came of the sums of a question.
#[derive(Debug, Default)]
pub struct Summed {
    /// The gate's tables.
    pub tables: Vec<Table>,
    /// Tables that are not released.
    pub pending: Vec<Pending>,
    /// Why an organisation took no part in a run.
    pub absent: BTreeMap<Oin, ReasonCode>,
    /// Why there is no answer of the gate.
    pub gate: Option<ReasonCode>,
}

/// What the sums of a question work with.
pub struct Summing<'a> {
    /// The monitor.
    pub core: &'a Core,
    /// The others.
    pub peers: &'a dyn Peers,
    /// The convenant.
    pub convenant: &'a ConvenantInForce,
    /// The gate.
    pub gate: Oin,
    /// Whom the operator leaves out of a first sum.
    pub without: &'a [Oin],
}

impl Summing<'_> {
    /// Makes what is due of these tables and asks the gate for them all.
    #[must_use]
    pub fn pull(&self, tables: &Query, owners: &[Owner]) -> Summed {
        let mut summed = Summed::default();
        let years: BTreeSet<i16> = tables.tables().iter().map(|t| t.period.year()).collect();
        for (owner, year) in owners.iter().flat_map(|owner| years.iter().map(move |year| (*owner, *year))) {
            match self.due(owner, year) {
                Ok(plans) => plans.iter().filter(|plan| touches(plan, tables)).for_each(|plan| {
                    if let Err(reason) = self.make(plan, &mut summed.absent) {
                        tracing::warn!(%owner, year, code = %reason, "regionale som niet gevormd");
                    }
                }),
                Err(error) => {
                    tracing::warn!(%owner, year, %error, "de poortwachter zegt niet wat er te vormen is");
                    summed.gate = Some(error.reason());
                }
            }
        }
        ask_gate((self.core, self.peers), (self.convenant, self.gate), tables, &mut summed);
        summed
    }

    fn due(&self, owner: Owner, year: i16) -> Result<Vec<SumPlan>, PeerError> {
        match self.peers.sum(&self.gate, &SumCall::Due { convenant: self.hash(), owner, year }, STEP)? {
            SumReply::Due(plans) => Ok(plans),
            _ => Err(PeerError::Malformed),
        }
    }

    fn hash(&self) -> Digest {
        self.convenant.hash()
    }

    /// Makes the sum of one plan: over every owner but those whom the operator leaves out, or over those of an earlier sum. Who is in
    /// the first sum of a year is in all of them, so nobody is left out because of one bad minute.
    fn make(&self, plan: &SumPlan, absent: &mut BTreeMap<Oin, ReasonCode>) -> Result<(), ReasonCode> {
        let fixed = !plan.contributors.is_empty();
        let mut candidates = self.convenant.convenant().owners_of(plan.owner);
        candidates.retain(|oin| !self.without.contains(oin));
        if fixed {
            candidates.clone_from(&plan.contributors);
        }
        let (tables, contributors) = self.able(plan, &candidates, absent);
        if contributors != candidates {
            return Err(if fixed { ReasonCode::SumContributors } else { ReasonCode::SumNotMade });
        }
        if contributors.len() < LEAST_CONTRIBUTORS || tables.is_empty() {
            return Err(ReasonCode::SumTooFew);
        }
        let failed = self.run(&SumPlan { tables, ..plan.clone() }, contributors)?;
        let why = failed.values().next().copied();
        absent.extend(failed);
        why.map_or(Ok(()), Err)
    }

    /// The tables that most of the candidates can share in, and who can share in all of those.
    fn able(&self, plan: &SumPlan, candidates: &[Oin], absent: &mut BTreeMap<Oin, ReasonCode>) -> (Vec<Job>, Vec<Oin>) {
        let call = SumCall::Able { convenant: self.hash(), plan: plan.clone() };
        let ask = |oin: &Oin| match self.peers.sum(oin, &call, STEP) {
            Ok(SumReply::Able(jobs)) => Ok(jobs),
            Ok(_) => Err(ReasonCode::MessageMalformed),
            Err(error) => Err(error.reason()),
        };
        let said = in_parallel(candidates, ask);
        let most = said.iter().filter(|can| can.as_ref().is_ok_and(|jobs| !jobs.is_empty())).count();
        let by_most = |job: &&Job| {
            let can = said.iter().flatten().filter(|jobs| jobs.contains(job)).count();
            can >= LEAST_CONTRIBUTORS && can * 2 > most
        };
        let tables: Vec<Job> = plan.tables.iter().filter(by_most).cloned().collect();
        let mut contributors = Vec::new();
        for (oin, can) in candidates.iter().zip(said) {
            match can {
                Ok(jobs) if tables.iter().all(|job| jobs.contains(job)) => contributors.push(*oin),
                Ok(_) => drop(absent.insert(*oin, ReasonCode::OutsideWindow)),
                Err(reason) => drop(absent.insert(*oin, reason)),
            }
        }
        (tables, contributors)
    }

    /// One run; who failed in it, if anybody. Then nothing was released.
    fn run(&self, plan: &SumPlan, contributors: Vec<Oin>) -> Result<BTreeMap<Oin, ReasonCode>, ReasonCode> {
        let body = self.core.new_run(self.convenant, plan, contributors);
        let agreed = self.peers.sum(&self.gate, &SumCall::Agree(body.to_bytes()), STEP).map_err(PeerError::reason)?;
        let SumReply::List(list, signature) = agreed else { return Err(ReasonCode::MessageMalformed) };
        let run = self.core.cosign_list(self.convenant, &body, (list, *signature))?;
        let shares = in_parallel(&body.contributors, |oin| self.share(&run, *oin));
        let (mut parts, mut failed) = (Vec::new(), BTreeMap::new());
        for (oin, share) in body.contributors.iter().zip(shares) {
            match share {
                Ok(part) => parts.push(part),
                Err(reason) => drop(failed.insert(*oin, reason)),
            }
        }
        if !failed.is_empty() {
            return Ok(failed);
        }
        for part in parts {
            let from = part.from();
            if let Err(error) = self.peers.sum(&self.gate, &SumCall::Part(part), STEP) {
                // The gate believed that it is from this party, and it is no part: named, and nobody else's run is tried.
                let named = matches!(error.reason(), ReasonCode::SumShareUnreadable | ReasonCode::SumShareLength);
                return if named { Ok([(from, error.reason())].into()) } else { Err(error.reason()) };
            }
        }
        self.total(run)?;
        Ok(failed)
    }

    /// Asks one contributor for its share, within some attempts; the part that is for the gate.
    fn share(&self, run: &OurRun, oin: Oin) -> Result<Passed, ReasonCode> {
        let patience = Patience::default();
        let mut question = self.core.ask_contributor(run, oin)?;
        let mut pause = patience.pause;
        for attempt in 1.. {
            let unanswered = match self.peers.share(&oin, &run.request(&question), STEP) {
                Ok(delivery) => {
                    let (part, receipt) = self.core.take_contribution(run, &question, &delivery)?;
                    // What does not arrive the partner asks for itself.
                    if let Err(error) = self.peers.confirm(&oin, &receipt, CONFIRM) {
                        tracing::warn!(%oin, %error, "ons ontvangstbewijs kon niet worden afgegeven");
                    }
                    return Ok(part);
                }
                Err(unanswered) => unanswered,
            };
            let reason = unanswered.error.reason();
            let counts = self.core.take_refusal(&question, reason, unanswered.receipt.as_deref());
            if !unanswered.error.retryable() || attempt >= patience.attempts || counts != reason {
                return Err(counts);
            }
            self.core.log_question_again(&mut question)?;
            std::thread::sleep(pause);
            pause *= 2;
        }
        Err(ReasonCode::PartnerUnreachable)
    }

    fn total(&self, run: OurRun) -> Result<(), ReasonCode> {
        let call = SumCall::Total(self.core.total(run)?);
        let said = self.peers.sum(&self.gate, &call, RELEASE);
        let SumCall::Total(share) = call else { return Err(ReasonCode::Internal) };
        let receipt = match &said {
            Ok(SumReply::Released(receipt)) => Some(receipt.as_slice()),
            _ => None,
        };
        self.core.end_total(self.gate, &share, receipt);
        match said {
            Ok(SumReply::Released(_)) => Ok(()),
            Ok(_) => Err(ReasonCode::MessageMalformed),
            Err(error) => Err(error.reason()),
        }
    }
}

/// Asks the gate for what it released, as any question of the monitor.
pub(super) fn ask_gate(
    (core, peers): (&Core, &dyn Peers),
    (convenant, gate): (&ConvenantInForce, Oin),
    tables: &Query,
    summed: &mut Summed,
) {
    let question = match core.log_question(gate, convenant, tables.clone()) {
        Ok(question) => question,
        Err(error) => {
            tracing::error!("{error}");
            summed.gate = Some(ReasonCode::LogUnavailable);
            return;
        }
    };
    for pulled in pull(core, peers, &[question], Patience::default()) {
        match pulled.result {
            Ok(document) => {
                summed.gate = None;
                (summed.tables, summed.pending) = (document.tables, document.pending);
            }
            Err(reason) => summed.gate = Some(reason),
        }
    }
}

/// Whether a plan has a table that is asked.
fn touches(plan: &SumPlan, tables: &Query) -> bool {
    let asked = |table: &TableQuery| tables.tables().contains(table);
    plan.tables.iter().any(|job| asked(&job.table))
}
