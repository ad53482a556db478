//! The entries of a linked run: what a party announces, takes, refuses and closes.

use super::{Core, Here, Leave};
use crate::crypto::{Digest, random};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::linkage::document::Run;
use crate::linkage::fault::{Fault, LinkFault};
use crate::policy::permit::Permit;
use crate::service::answer::log_reason;
use crate::service::api::{Peer, Refusal};
use crate::service::entries::{self, LinkEntry};
use crate::translog::entry::{Outcome, TransferId, payload_commitment};

/// What goes out to one party: what it is in words, and how many.
pub(super) struct Announced<'a> {
    pub(super) to: Oin,
    pub(super) category: &'static str,
    pub(super) count: u64,
    /// What the entry commits to, when it is known beforehand.
    pub(super) bytes: Option<&'a [u8]>,
}

/// In which run, and who carries it.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    pub(super) permit: &'a Permit,
    pub(super) run: &'a Run,
    /// Certificate of the monitor that calls; none at the monitor itself.
    pub(super) carrier: Option<Digest>,
}

impl<'a> Within<'a> {
    fn facts(self, category: &'static str, count: u64) -> LinkEntry<'a> {
        let convenant = self.permit.convenant().convenant();
        LinkEntry { convenant, run: self.run, category, count, carrier: self.carrier }
    }
}

impl Core {
    /// Logs that something of a run leaves to a party; leave comes only of the durable entry. Back come the leave and the salt of the
    /// commitment.
    pub(super) fn announce_link(
        &self,
        within: Within<'_>,
        about: &Announced<'_>,
    ) -> Result<(Leave, [u8; 16]), ReasonCode> {
        let facts = within.facts(about.category, about.count);
        let mut intent = entries::link_intent((self.identity.oin, about.to), &facts, self.clock.now_ms());
        let salt: [u8; 16] = random();
        intent.payload_commitment = about.bytes.map(|bytes| payload_commitment(&salt, bytes));
        if about.bytes.is_some() {
            self.seal_salt(&mut intent, &salt);
        }
        let logged = self.append(&intent).map_err(|e| log_reason(&e))?;
        Leave::new(within.permit, within.run, logged).map(|leave| (leave, salt)).ok_or(ReasonCode::Internal)
    }

    /// Logs that everything of one kind came from a party.
    pub(super) fn link_received(
        &self,
        within: Within<'_>,
        (from, category, count): (Oin, &'static str, u64),
    ) -> Result<(), ReasonCode> {
        let facts = within.facts(category, count);
        let entry = entries::link_received((self.identity.oin, from), &facts, self.clock.now_ms());
        self.note(&entry).map_err(|e| log_reason(&e))
    }

    /// Logs how what was announced to a party ended.
    pub(super) fn link_outcome(
        &self,
        within: Within<'_>,
        (to, category, count): (Oin, &'static str, u64),
        outcome: Outcome,
    ) -> Result<(), ReasonCode> {
        let facts = within.facts(category, count);
        let now = self.clock.now_ms();
        let intent = entries::link_intent((self.identity.oin, to), &facts, now);
        let mut ended = entries::outcome(&intent, outcome, now);
        ended.data_categories = intent.data_categories;
        self.note(&ended).map_err(|e| log_reason(&e))
    }

    /// Refuses a step, in the log.
    pub(super) fn deny_link(&self, peer: &Peer, run: Option<TransferId>, reason: ReasonCode) -> Refusal {
        let entry = entries::link_denied(self.identity.oin, peer, run, reason, self.clock.now_ms());
        self.denied(peer, entry, reason)
    }

    /// Logs a fault of a run with whose doing it is, and says the code for it.
    pub(super) fn blame(&self, run: &Run, fault: &LinkFault) -> ReasonCode {
        let reason = reason_of(fault.fault);
        for culprit in &fault.culprits {
            tracing::warn!(oin = %culprit, code = %reason, %fault, "gekoppelde ronde geweigerd");
            let entry = entries::link_blamed((self.identity.oin, *culprit), run, reason, self.clock.now_ms());
            if let Err(error) = self.note(&entry) {
                tracing::error!("transferlog: {error}");
                return log_reason(&error);
            }
        }
        reason
    }

    /// Logs that what this party kept of a run is gone.
    pub(super) fn close_link(&self, here: &Here) -> Result<(), ReasonCode> {
        let within = here.within();
        if let Some(node) = &here.node {
            for (to, category, count, done) in node.announced() {
                let outcome = if done { Outcome::Sent } else { Outcome::Failed };
                self.link_outcome(within, (to, category, count), outcome)?;
            }
        }
        if let Some(gate) = &here.gate
            && let Some(count) = gate.mixed()
        {
            self.link_outcome(within, (here.run.document.monitor.oin, super::gate::TAGS, count), Outcome::Sent)?;
        }
        let multiplied: u64 = here.blinder.as_ref().map_or(0, |blinder| blinder.multiplied().values().sum());
        let facts = within.facts("afsluiting", multiplied);
        let [intent, done] = entries::link_closed(self.identity.oin, &facts, self.clock.now_ms());
        self.note(&intent).and_then(|()| self.note(&done)).map_err(|e| log_reason(&e))
    }
}

/// The code of the registry that stands for a fault.
pub(super) fn reason_of(fault: Fault) -> ReasonCode {
    match fault {
        Fault::Document | Fault::Unsigned | Fault::Succession | Fault::Role | Fault::OtherKey => {
            ReasonCode::LinkDocument
        }
        Fault::OverQuota | Fault::TooMany => ReasonCode::LinkQuota,
        Fault::Over | Fault::SecondBatch | Fault::Incomplete => ReasonCode::LinkRunUnknown,
        Fault::OutOfTurn
        | Fault::Element(_)
        | Fault::Proof
        | Fault::Seal
        | Fault::Rows
        | Fault::Repeated
        | Fault::Groups => ReasonCode::LinkRefused,
    }
}
