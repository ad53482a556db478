//! Drives a linked run: asks everybody what it brings, has the document signed, carries elements and rows, hands the groups to the gate, and
//! asks for what it released. Who fails is named, and the run is broken off for everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::pull::{Patience, in_parallel};
use super::sums::{Summed, ask_gate};
use crate::crypto::digest;
use crate::domain::oin::Oin;
use crate::domain::query::Query;
use crate::domain::reason::ReasonCode;
use crate::linkage::document::RunDocument;
use crate::linkage::passage::{Leg, Passage};
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::Role;
use crate::service::api::Peers;
use crate::service::core::Core;
use crate::service::links::messages::{JoinRequest, Joined, LinkCall, LinkSaid};
use crate::service::links::monitor::{Gathered, OurLink, latest_of};
use crate::translog::entry::TransferId;

/// Time for one step.
const STEP: Duration = Duration::from_secs(120);
/// Time for counting and releasing.
const RELEASE: Duration = Duration::from_secs(900);
/// Time for a whole run.
const RUN_MS: u64 = 4 * 3_600_000;

/// Who failed in a run, and why.
pub type Failed = (Oin, ReasonCode);

/// What a linked run works with.
pub struct Linking<'a> {
    /// The monitor.
    pub core: &'a Core,
    /// The others.
    pub peers: &'a dyn Peers,
    /// The convenant.
    pub convenant: &'a ConvenantInForce,
    /// The gate.
    pub gate: Oin,
    /// Delivering parties that a run leaves out; the released figures lack them for good.
    pub without: &'a [Oin],
    /// How often a step is asked again when nothing is heard.
    pub patience: Patience,
}

impl Linking<'_> {
    /// Makes what is due of these tables and asks the gate for them all.
    #[must_use]
    pub fn pull(&self, tables: &Query) -> Summed {
        let mut summed = Summed::default();
        let years: BTreeSet<i16> = tables.tables().iter().map(|table| table.period.year()).collect();
        if let Err((oin, reason)) = self.make(&years) {
            tracing::warn!(%oin, ?years, code = %reason, "gekoppelde ronde niet gelukt");
            summed.absent.insert(oin, reason);
        }
        ask_gate((self.core, self.peers), (self.convenant, self.gate), tables, &mut summed);
        summed
    }

    /// What the gate released of these tables; nothing is made.
    #[must_use]
    pub fn released(&self, tables: &Query) -> Summed {
        let mut summed = Summed::default();
        ask_gate((self.core, self.peers), (self.convenant, self.gate), tables, &mut summed);
        summed
    }

    /// Makes what is due of these calendar years, in one run: every question and period has tags of its own.
    ///
    /// # Errors
    /// Who failed; then nothing was released.
    pub fn make(&self, years: &BTreeSet<i16>) -> Result<(), Failed> {
        let terms = self.convenant.convenant();
        let years = years.iter().copied().collect();
        let (run, convenant) = (self.core.link_id(), self.convenant.hash());
        let mut request = JoinRequest { run, convenant, years, previous: None };
        let of_gate = self.join(self.gate, &request)?;
        if of_gate.due.is_empty() {
            return Ok(());
        }
        let latest = latest_of(&of_gate).map_err(|reason| (self.gate, reason))?;
        request.previous = latest.as_ref().map(RunDocument::hash);
        let mut without = self.without.to_vec();
        without.sort_unstable();
        without.dedup();
        let takes_part = |oin: &Oin| !without.contains(oin);
        let nodes: Vec<Oin> = terms.with_role(Role::Delivering).map(|card| card.oin).filter(takes_part).collect();
        let mut joined: BTreeMap<Oin, Joined> = BTreeMap::new();
        for (oin, said) in nodes.iter().zip(in_parallel(&nodes, |oin| self.join(*oin, &request))) {
            joined.insert(*oin, said?);
        }
        let tables = Query::new(of_gate.due.clone());
        joined.insert(self.gate, of_gate);
        let until = self.core.clock.now_ms() + RUN_MS;
        let gathered = Gathered { convenant: self.convenant, tables, joined, without, until };
        let ours = self.agree(request.run, &gathered)?;
        let done = self.run(&ours, request.run, &nodes);
        for oin in nodes.iter().chain([&self.gate]) {
            if let Err((_, reason)) = self.ask(*oin, &LinkCall::End(request.run), STEP) {
                tracing::warn!(%oin, code = %reason, "einde van de gekoppelde ronde niet bevestigd");
            }
        }
        if let Err((culprit, reason)) = &done {
            self.core.break_our_link(&ours, *culprit, *reason);
        }
        self.core.end_our_link(&ours, done.is_ok()).map_err(|reason| (self.core.identity.oin, reason))?;
        done
    }

    /// Asks a step, again when nothing is heard: every step can be asked twice.
    fn ask(&self, to: Oin, call: &LinkCall, deadline: Duration) -> Result<LinkSaid, Failed> {
        let mut attempt = 1;
        loop {
            match self.peers.link(&to, call, deadline) {
                Ok(said) => return Ok(said),
                Err(error) if error.retryable() && attempt < self.patience.attempts => {
                    attempt += 1;
                    std::thread::sleep(self.patience.pause);
                }
                Err(error) => return Err((to, error.reason())),
            }
        }
    }

    fn done(&self, to: Oin, call: &LinkCall, deadline: Duration) -> Result<(), Failed> {
        match self.ask(to, call, deadline)? {
            LinkSaid::Done => Ok(()),
            _ => Err((to, ReasonCode::MessageMalformed)),
        }
    }

    /// Something of a node to be carried: signed by it for this leg, or it is not carried.
    fn passage(&self, ours: &OurLink, (node, leg): (Oin, Leg), call: &LinkCall) -> Result<Passage, Failed> {
        let LinkSaid::Passage(passage) = self.ask(node, call, STEP)? else {
            return Err((node, ReasonCode::MessageMalformed));
        };
        let party = self.convenant.convenant().party(&node).ok_or((node, ReasonCode::OinNotInConvenant))?;
        let signed = passage.verify(ours.run(), &party.card.card().signing, leg).is_ok();
        if signed && passage.from == node { Ok(passage) } else { Err((node, ReasonCode::LinkRefused)) }
    }

    fn join(&self, to: Oin, request: &JoinRequest) -> Result<Joined, Failed> {
        match self.ask(to, &LinkCall::Join(request.clone()), STEP)? {
            LinkSaid::Joined(joined) => Ok(*joined),
            _ => Err((to, ReasonCode::MessageMalformed)),
        }
    }

    /// One document, signed by all four, and begun everywhere.
    fn agree(&self, run: TransferId, from: &Gathered<'_>) -> Result<OurLink, Failed> {
        let own = |reason| (self.core.identity.oin, reason);
        let draft = self.core.draft_link(run, from).map_err(own)?;
        if let Some(node) = draft.unsigned(self.convenant) {
            return Err((node, ReasonCode::LinkDocument));
        }
        let [p, q] = draft.blinders();
        let sign = |oin: Oin, by_gate| match self.ask(oin, &draft.to_sign(by_gate), STEP)? {
            LinkSaid::Signed(signature) => Ok(*signature),
            _ => Err((oin, ReasonCode::MessageMalformed)),
        };
        // The gate first: what it signed is its newest run, whatever the others do.
        let by_gate = sign(self.gate, None)?;
        let signatures = [sign(p, Some(by_gate))?, sign(q, Some(by_gate))?, by_gate];
        let ours = self.core.cosign_link(self.convenant, draft, signatures).map_err(own)?;
        let everybody: Vec<Oin> = from.joined.keys().copied().collect();
        let begin = LinkCall::Begin(Box::new(ours.signed().clone()));
        in_parallel(&everybody, |oin| self.done(*oin, &begin, STEP)).into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(ours)
    }

    fn run(&self, ours: &OurLink, run: TransferId, nodes: &[Oin]) -> Result<(), Failed> {
        in_parallel(nodes, |node| self.node(ours, run, *node)).into_iter().collect::<Result<Vec<()>, _>>()?;
        let chunks = match self.ask(self.gate, &LinkCall::Mix(run), STEP)? {
            LinkSaid::Mixed(chunks) => chunks,
            _ => return Err((self.gate, ReasonCode::MessageMalformed)),
        };
        for chunk in 0..chunks {
            match self.ask(self.gate, &LinkCall::Tags(run, chunk), STEP)? {
                LinkSaid::Tags(tags) => {
                    self.core.take_tags(ours, (chunk, &tags)).map_err(|reason| (self.gate, reason))?;
                }
                _ => return Err((self.gate, ReasonCode::MessageMalformed)),
            }
        }
        let parts = self.core.group_tags(ours, (run, chunks)).map_err(|reason| (self.core.identity.oin, reason))?;
        parts.iter().try_for_each(|part| self.done(self.gate, part, RELEASE))
    }

    /// Carries everything of one node: batches to P and Q and back, then its rows to the gate.
    fn node(&self, ours: &OurLink, run: TransferId, node: Oin) -> Result<(), Failed> {
        let [p, q] = &ours.run().document.blinders;
        for batch in 0.. {
            let for_p = self.passage(ours, (node, Leg::ToP), &LinkCall::Blind(run, batch))?;
            let last = for_p.last;
            let by_p = self.multiplied(ours, (p.oin, run), for_p)?;
            let for_q = self.passage(ours, (node, Leg::ToQ), &LinkCall::FromP(run, by_p))?;
            let by_q = self.multiplied(ours, (q.oin, run), for_q)?;
            self.done(node, &LinkCall::FromQ(run, by_q), STEP)?;
            if last {
                break;
            }
        }
        for chunk in 0.. {
            let rows = self.passage(ours, (node, Leg::ToGate), &LinkCall::Rows(run, chunk))?;
            let last = rows.last;
            self.done(self.gate, &LinkCall::Chunk(run, rows), STEP)?;
            if last {
                break;
            }
        }
        Ok(())
    }

    /// A blinder's answer, signed by it: what is wrong in it is not ours.
    fn multiplied(&self, ours: &OurLink, (blinder, run): (Oin, TransferId), asked: Passage) -> Result<Passage, Failed> {
        let (leg, number, sent) = (asked.leg, asked.number, digest(&asked.bytes));
        let LinkSaid::Passage(answer) = self.ask(blinder, &LinkCall::Multiply(run, asked), STEP)? else {
            return Err((blinder, ReasonCode::MessageMalformed));
        };
        let party = self.convenant.convenant().party(&blinder).ok_or((blinder, ReasonCode::OinNotInConvenant))?;
        let signed = answer.verify_answer(ours.run(), &party.card.card().signing, (leg, number, &sent));
        if signed.is_ok() { Ok(answer) } else { Err((blinder, ReasonCode::LinkRefused)) }
    }
}
