//! What a convenant, the clock and the questions of a plan allow of a run document. A party takes part in a run only through
//! [`Frame::open`], whatever its role.

use super::document::{Run, RunDocument};
use super::fault::{Fault, LinkFault};
use super::line::Offered;
use crate::domain::linked::Question;
use crate::domain::oin::Oin;
use crate::policy::convenant::{Convenant, Role};

/// A run may take a day at most.
pub const LONGEST_MS: i64 = 86_400_000;
/// Fewest nodes of a run: with two, each knows the other's part.
pub const LEAST_NODES: usize = 3;

/// Of so many delivering parties one may be left out of a run, and one always: whoever leaves parties out also chooses who blinds.
const ONE_OUT_OF: usize = 4;

/// The first node whose line in a document is not its own.
#[must_use]
pub fn unsigned_line(document: &RunDocument, convenant: &Convenant) -> Option<Oin> {
    let offered = Offered::of(document);
    let signed = |oin: &Oin| convenant.party(oin).map(|party| &party.card.card().signing);
    let lacks = document.nodes.iter().find(|line| !signed(&line.oin).is_some_and(|key| line.is_signed(&offered, key)));
    lacks.map(|line| line.oin)
}

/// What a run document is compared with.
pub struct Frame<'a> {
    /// The convenant in force that the document names.
    pub convenant: &'a Convenant,
    /// The questions that its tables take.
    pub questions: &'a [Question],
    /// The calendar year of today.
    pub year: i16,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

impl Frame<'_> {
    /// Whether the document is one that every party may sign: the roles, the blinders whose turn it is, every delivering party as a
    /// node with a line of its own or named as left out, no question more than its tables take, this year's quota of each node, and at most a day.
    ///
    /// # Errors
    /// [`Fault::Document`], [`Fault::OverQuota`].
    pub fn allows(&self, document: &RunDocument) -> Result<(), LinkFault> {
        let terms = self.convenant;
        let link = terms.link.as_ref().ok_or_else(|| Fault::Document.of_nobody())?;
        let mut nodes: Vec<Oin> = terms.with_role(Role::Delivering).map(|card| card.oin).collect();
        nodes.sort_unstable();
        let mut all: Vec<Oin> = document.nodes.iter().map(|node| node.oin).chain(document.without.clone()).collect();
        all.sort_unstable();
        let blinders = document.blinders.each_ref().map(|blinder| blinder.oin);
        let sound = document.convenant == terms.hash()
            && terms.monitor().is_some_and(|monitor| monitor.oin == document.monitor.oin)
            && terms.gate().is_some_and(|gate| gate.oin == document.gate.oin)
            && link.turn(u64::from(document.number), &document.without) == Some(blinders)
            && document.nodes.len() >= LEAST_NODES
            && document.without.len() <= (nodes.len() / ONE_OUT_OF).max(1)
            && all == nodes
            && unsigned_line(document, terms).is_none()
            && document.questions == self.questions
            && document.year == self.year
            && document.until > self.now_ms
            && document.until <= self.now_ms.saturating_add(LONGEST_MS);
        if !sound {
            return Err(Fault::Document.of(document.monitor.oin));
        }
        document.is_within(&|oin| link.quota_of(oin))
    }

    /// The run of a document that is allowed and signed by P, Q, monitor and gate, in this order.
    ///
    /// # Errors
    /// As [`Frame::allows`]; [`Fault::Unsigned`], [`Fault::OtherKey`].
    pub fn open(&self, document: &RunDocument, signatures: &[[u8; 64]; 4]) -> Result<Run, LinkFault> {
        self.allows(document)?;
        for (signer, signature) in document.signers().into_iter().zip(signatures) {
            let party = self.convenant.party(&signer).ok_or_else(|| Fault::Unsigned.of(signer))?;
            document.is_signed_by(signer, &party.card.card().signing, signature)?;
        }
        Run::new(document.clone())
    }
}
