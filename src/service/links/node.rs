//! A node in a linked run: has its children's elements multiplied by P and Q, and gives its rows to the gate, all through the monitor.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cohort::Children;
use super::exits::{Blinded, LinkRows};
use super::log::{Announced, Within};
use super::messages::LinkReply;
use super::release::frame;
use super::{Core, Here, Leave};
use crate::crypto::{Digest, MacKey, Secret32, digest};
use crate::disclosure::linked::horizon_of;
use crate::domain::linked::Question;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::indicator::linked::tell::{Telling, tell};
use crate::linkage::document::Run;
use crate::linkage::node::NodeRun;
use crate::linkage::passage::{Leg, Passage};
use crate::linkage::rows::{Told, seal_rows};
use crate::policy::permit::Permit;
use crate::translog::entry::SEALED_ROWS;

/// What a node sends, in the words of the log.
pub(super) const ELEMENTS: &str = "geblindeerde elementen";
const ROWS: &str = SEALED_ROWS;

/// A run as its node keeps it.
pub(super) struct NodeHere {
    machine: Option<NodeRun>,
    told: Vec<Told>,
    chunks: Vec<Vec<u8>>,
    batches: u32,
    elements: u64,
    /// P, Q and the gate, with the leave to send them something and whether all of it was asked.
    legs: [(Oin, Option<Leave>, bool); 3],
    /// What was sent of each batch.
    sent: BTreeMap<(Leg, u32), Digest>,
    /// The batches that Q's answer came of.
    done: BTreeSet<u32>,
}

impl NodeHere {
    /// Begins: everything that the node will tell is worked out now, over the records as they are frozen, and what goes to P and Q is in
    /// the log.
    pub(super) fn new(
        core: &Core,
        (permit, run, carrier): (&Permit, &Arc<Run>, Digest),
        children: &Children,
    ) -> Result<Self, ReasonCode> {
        let own = core.identity.oin;
        let told = core.tell_all(permit, run, children)?;
        let machine = NodeRun::new(Arc::clone(run), own, &children.tokens).map_err(|f| core.blame(run, &f))?;
        let (batches, elements) = (machine.batches(), machine.elements() as u64);
        let listed = core.list_cohort(run, &children.subjects)?;
        let [p, q] = &run.document.blinders;
        let leave = |to: Oin| {
            let about = Announced { to, category: ELEMENTS, count: elements, bytes: Some(&listed) };
            core.announce_link(Within { permit, run, carrier: Some(carrier) }, &about).map(|(leave, _)| Some(leave))
        };
        let legs = [(p.oin, leave(p.oin)?, false), (q.oin, leave(q.oin)?, false), (run.document.gate.oin, None, false)];
        Ok(Self {
            machine: Some(machine),
            told,
            chunks: Vec::new(),
            batches,
            elements,
            legs,
            sent: BTreeMap::new(),
            done: BTreeSet::new(),
        })
    }

    /// What was announced to whom, and whether all of it was handed over.
    pub(super) fn announced(&self) -> Vec<(Oin, &'static str, u64, bool)> {
        let [p, q, gate] = &self.legs;
        let mut out = vec![(p.0, ELEMENTS, self.elements, p.2), (q.0, ELEMENTS, self.elements, q.2)];
        out.extend(gate.1.as_ref().map(|_| (gate.0, ROWS, self.chunks.len() as u64, gate.2)));
        out
    }
}

fn no_turn() -> ReasonCode {
    ReasonCode::LinkRefused
}

impl Core {
    /// What this node tells of every question of the run.
    fn tell_all(&self, permit: &Permit, run: &Run, children: &Children) -> Result<Vec<Told>, ReasonCode> {
        let terms = permit.convenant().convenant();
        let columns = Arc::clone(&self.memory().frozen.columns);
        let (organisation, _) = run.node(&self.identity.oin).map_err(|fault| self.blame(run, &fault))?;
        let key = MacKey::new(&Secret32::random());
        let of = |question: &Question| {
            let window = (run.document.data_from, horizon_of(question, run.document.horizon));
            let release = frame(terms, self.identity.oin, window);
            let telling = Telling { release: &release, organisation, key: &key, frozen: true };
            let cohort = tell(&columns, &self.calendar, &telling, question);
            let child = |event: u32| children.of_event.get(event as usize).copied().flatten();
            let mut told = Told { children: Vec::new(), left_out: cohort.left_out };
            for one in cohort.children {
                let child = child(one.event).ok_or(ReasonCode::LinkTokens)?;
                told.children.push((child as usize, one.rows));
            }
            Ok(told)
        };
        run.document.questions.iter().map(of).collect()
    }

    /// The blinded elements of a batch, for P.
    pub(super) fn blind_batch(&self, here: &mut Here, batch: u32) -> Result<LinkReply, ReasonCode> {
        let run = Arc::clone(&here.run);
        let node = here.node.as_mut().ok_or(ReasonCode::LinkRefused)?;
        let machine = node.machine.as_mut().ok_or_else(no_turn)?;
        let bytes = machine.for_p(batch).map_err(|fault| self.blame(&run, &fault))?;
        self.blinded(&run, node, (0, Leg::ToP), (batch, bytes))
    }

    /// P's answer of a batch; P's elements go to Q.
    pub(super) fn take_from_p(&self, here: &mut Here, answer: &Passage) -> Result<LinkReply, ReasonCode> {
        let (run, batch) = (Arc::clone(&here.run), answer.number);
        self.is_of_blinder(here, (Leg::ToP, answer))?;
        let node = here.node.as_mut().ok_or(ReasonCode::LinkRefused)?;
        let machine = node.machine.as_mut().ok_or_else(no_turn)?;
        let bytes = machine.from_p(batch, &answer.bytes).map_err(|fault| self.blame(&run, &fault))?;
        self.blinded(&run, node, (1, Leg::ToQ), (batch, bytes))
    }

    /// Whether the blinder signed this answer to what we sent: if not, the monitor changed it; if so, what is wrong in it is the blinder's.
    fn is_of_blinder(&self, here: &Here, (leg, answer): (Leg, &Passage)) -> Result<(), ReasonCode> {
        let node = here.node.as_ref().ok_or(ReasonCode::LinkRefused)?;
        let asked = node.sent.get(&(leg, answer.number)).ok_or_else(no_turn)?;
        let party = here.convenant.convenant().party(&answer.from).ok_or(ReasonCode::LinkRefused)?;
        let signed = answer.verify_answer(&here.run, &party.card.card().signing, (leg, answer.number, asked));
        signed.map_err(|fault| self.blame(&here.run, &fault))
    }

    fn blinded(
        &self,
        run: &Run,
        node: &mut NodeHere,
        (leg, to): (usize, Leg),
        (batch, bytes): (u32, Vec<u8>),
    ) -> Result<LinkReply, ReasonCode> {
        let last = batch + 1 == node.batches;
        node.sent.insert((to, batch), digest(&bytes));
        let passage = Passage::sign(run, (self.identity.oin, &self.signing), (to, batch, last), bytes);
        let (_, leave, all) = &mut node.legs[leg];
        *all |= last;
        let blinded = leave.as_ref().and_then(|leave| Blinded::new(leave, passage));
        blinded.map(LinkReply::Blinded).ok_or(ReasonCode::Internal)
    }

    /// Q's answer of a batch; after the last one the rows are sealed, and in the log.
    pub(super) fn take_from_q(&self, here: &mut Here, answer: &Passage) -> Result<LinkReply, ReasonCode> {
        let (run, batch) = (Arc::clone(&here.run), answer.number);
        let fault = |fault| self.blame(&run, &fault);
        self.is_of_blinder(here, (Leg::ToQ, answer))?;
        let node = here.node.as_mut().ok_or(ReasonCode::LinkRefused)?;
        if node.done.contains(&batch) {
            // The same again, after a lost connection.
            return Ok(LinkReply::Done);
        }
        node.machine.as_mut().ok_or_else(no_turn)?.from_q(batch, &answer.bytes).map_err(fault)?;
        node.done.insert(batch);
        if node.done.len() < node.batches as usize {
            return Ok(LinkReply::Done);
        }
        let Some(machine) = node.machine.take() else { return Err(no_turn()) };
        let outputs = machine.finish().map_err(fault)?;
        let told = std::mem::take(&mut node.told);
        node.chunks = seal_rows(&run, self.identity.oin, &outputs, &told).map_err(fault)?;
        let hashes: Vec<u8> = node.chunks.iter().flat_map(|chunk| digest(chunk).0).collect();
        let count = told.iter().map(|told| told.children.len() as u64).sum();
        let about = Announced { to: node.legs[2].0, category: ROWS, count, bytes: Some(&hashes) };
        let within = Within { permit: &here.permit, run: &run, carrier: Some(here.carrier) };
        node.legs[2].1 = Some(self.announce_link(within, &about)?.0);
        Ok(LinkReply::Done)
    }

    /// A chunk of the rows, for the gate.
    pub(super) fn give_rows(&self, here: &mut Here, chunk: u32) -> Result<LinkReply, ReasonCode> {
        let run = Arc::clone(&here.run);
        let node = here.node.as_mut().ok_or(ReasonCode::LinkRefused)?;
        let bytes = node.chunks.get(chunk as usize).cloned().ok_or_else(no_turn)?;
        let last = chunk as usize + 1 == node.chunks.len();
        let passage = Passage::sign(&run, (self.identity.oin, &self.signing), (Leg::ToGate, chunk, last), bytes);
        let (_, leave, all) = &mut node.legs[2];
        *all |= last;
        let rows = leave.as_ref().and_then(|leave| LinkRows::new(leave, passage));
        rows.map(LinkReply::Rows).ok_or(ReasonCode::Internal)
    }
}
