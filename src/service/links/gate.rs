//! The gate in a linked run: takes the rows of every node, mixes their tags, hands these to the monitor, and counts the groups that come
//! back. The exact figures live inside its release only.

use std::sync::Arc;

use super::exits::TagBatch;
use super::log::{Announced, Within};
use super::messages::LinkReply;
use super::{Core, Here, Leave};
use crate::crypto::{AgreementKey, MacKey};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::linkage::document::Run;
use crate::linkage::fault::LinkFault;
use crate::linkage::gate::GateRun;
use crate::linkage::monitor::Grouping;
use crate::linkage::passage::{Leg, Passage};
use crate::translog::entry::SEALED_ROWS;

/// What the gate hands over, in the words of the log.
pub(super) const TAGS: &str = "gemengde verzegelde merken";
/// Bytes of groups at most: 64 million handles.
const MOST_GROUPS: usize = 1 << 29;

/// A run as the gate keeps it.
pub(super) struct GateHere {
    machine: GateRun,
    /// Chunks of tags and the leave to hand them over.
    mixed: Option<(u32, Leave)>,
    /// What came of the groups.
    groups: Vec<u8>,
    parts: u32,
    /// What became of them.
    ended: Option<Result<(), ReasonCode>>,
}

impl GateHere {
    pub(super) fn new(run: &Arc<Run>, own: Oin, key: AgreementKey, secret: &MacKey) -> Result<Self, LinkFault> {
        let machine = GateRun::new(Arc::clone(run), own, key, secret)?;
        Ok(Self { machine, mixed: None, groups: Vec::new(), parts: 0, ended: None })
    }

    /// The nodes from which rows are still to come.
    pub(super) fn awaited(&self) -> Vec<Oin> {
        self.machine.awaited()
    }

    /// How many chunks of tags were mixed.
    pub(super) fn mixed(&self) -> Option<u64> {
        self.mixed.as_ref().map(|(chunks, _)| u64::from(*chunks))
    }
}

impl Core {
    /// Takes a chunk of rows that its node signed.
    pub(super) fn take_chunk(&self, here: &mut Here, passage: &Passage) -> Result<LinkReply, ReasonCode> {
        let run = Arc::clone(&here.run);
        let terms = here.convenant.convenant();
        let card = terms.party(&passage.from).ok_or(ReasonCode::LinkRefused)?.card.card();
        let fault = |fault| self.blame(&run, &fault);
        passage.verify(&run, &card.signing, Leg::ToGate).map_err(fault)?;
        let gate = here.gate.as_mut().ok_or(ReasonCode::LinkRefused)?;
        let awaited = gate.awaited().len();
        gate.machine.take(passage.from, (passage.number, passage.last), &passage.bytes).map_err(fault)?;
        if gate.awaited().len() < awaited {
            let count = u64::from(passage.number) + 1;
            self.link_received(here.within(), (passage.from, SEALED_ROWS, count))?;
        }
        Ok(LinkReply::Done)
    }

    /// Mixes the tags of all nodes; that they go to the monitor is in the log.
    pub(super) fn mix_tags(&self, here: &mut Here) -> Result<LinkReply, ReasonCode> {
        let run = Arc::clone(&here.run);
        let gate = here.gate.as_mut().ok_or(ReasonCode::LinkRefused)?;
        if let Some((chunks, _)) = &gate.mixed {
            return Ok(LinkReply::Mixed(*chunks));
        }
        let chunks = gate.machine.mix().map_err(|fault| self.blame(&run, &fault))?;
        let to = run.document.monitor.oin;
        let about = Announced { to, category: TAGS, count: u64::from(chunks), bytes: None };
        let (leave, _) = self.announce_link(here.within(), &about)?;
        if let Some(gate) = here.gate.as_mut() {
            gate.mixed = Some((chunks, leave));
        }
        Ok(LinkReply::Mixed(chunks))
    }

    /// A chunk of the mixed tags, for the monitor.
    pub(super) fn give_tags(&self, here: &mut Here, chunk: u32) -> Result<LinkReply, ReasonCode> {
        let gate = here.gate.as_ref().ok_or(ReasonCode::LinkRefused)?;
        let (_, leave) = gate.mixed.as_ref().ok_or(ReasonCode::LinkRefused)?;
        let tags = gate.machine.tags(chunk).map_err(|fault| self.blame(&here.run, &fault))?;
        Ok(LinkReply::Tags(TagBatch::new(leave, tags)))
    }

    /// Takes the groups, a part at a time; with the last the rows are put together, counted and released.
    pub(super) fn take_groups(
        &self,
        here: &mut Here,
        (number, last): (u32, bool),
        part: &[u8],
    ) -> Result<LinkReply, ReasonCode> {
        let run = Arc::clone(&here.run);
        let gate = here.gate.as_mut().ok_or(ReasonCode::LinkRefused)?;
        if gate.groups.len() + part.len() > MOST_GROUPS {
            return Err(ReasonCode::MessageTooLarge);
        }
        match number.checked_add(1) {
            // The same again, after a lost connection.
            Some(next) if next == gate.parts => return gate.ended.unwrap_or(Ok(())).map(|()| LinkReply::Done),
            _ if number != gate.parts => return Err(ReasonCode::LinkRefused),
            _ => gate.parts += 1,
        }
        gate.groups.extend_from_slice(part);
        if !last {
            return Ok(LinkReply::Done);
        }
        let within = Within { permit: &here.permit, run: &run, carrier: Some(here.carrier) };
        let ended = self.count_groups(within, gate);
        gate.ended = Some(ended);
        ended.map(|()| LinkReply::Done)
    }

    fn count_groups(&self, within: Within<'_>, gate: &mut GateHere) -> Result<(), ReasonCode> {
        let run = within.run;
        let bytes = std::mem::take(&mut gate.groups);
        let grouping = Grouping::from_bytes(&bytes).ok_or(ReasonCode::MessageMalformed)?;
        let count = grouping.groups.len() as u64;
        self.link_received(within, (run.document.monitor.oin, super::monitor::GROUPS, count))?;
        let linked = gate.machine.link(&grouping).map_err(|fault| self.blame(run, &fault))?;
        self.release_linked((within.permit, run), &linked)
    }
}
