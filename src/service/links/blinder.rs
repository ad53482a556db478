//! A blinder in a linked run: multiplies what a node signed for, and signs its answer.

use super::messages::LinkReply;
use super::{Core, Here};
use crate::domain::reason::ReasonCode;
use crate::linkage::passage::{Leg, Passage};

impl Core {
    /// Multiplies a batch that its node signed for this blinder; the last one of a node is in the log before the answer leaves.
    pub(super) fn multiply_batch(&self, here: &mut Here, passage: &Passage) -> Result<LinkReply, ReasonCode> {
        let run = &here.run;
        let first = run.document.blinders[0].oin == self.identity.oin;
        let leg = if first { Leg::ToP } else { Leg::ToQ };
        let terms = here.convenant.convenant();
        let card = terms.party(&passage.from).ok_or(ReasonCode::LinkRefused)?.card.card();
        passage.verify(run, &card.signing, leg).map_err(|fault| self.blame(run, &fault))?;
        let blinder = here.blinder.as_mut().ok_or(ReasonCode::LinkRefused)?;
        let awaited = blinder.awaited().len();
        let multiplied = blinder.multiply(passage.from, passage.number, &passage.bytes);
        let reply = multiplied.map_err(|fault| self.blame(run, &fault))?;
        if blinder.awaited().len() < awaited {
            let count = blinder.multiplied().get(&passage.from).copied().unwrap_or_default();
            self.link_received(here.within(), (passage.from, super::node::ELEMENTS, count))?;
        }
        Ok(LinkReply::Multiplied(Passage::answer(run, (self.identity.oin, &self.signing), passage, reply)))
    }
}
