//! Regional sums that nobody sees in parts: the monitor opens a run, every node splits its vector between monitor and gate, and
//! the gate alone puts the sum together, in memory, inside its release gate (docs/formats/sum.md).
//!
//! The steps that need no log are in `run`, what a party does at each step in `gate`, `node` and `monitor`.

pub mod document;
mod gate;
pub mod memory;
pub mod messages;
pub mod monitor;
mod node;
pub mod run;
pub mod share;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use self::gate::OpenRun;
use super::api::{HandedOver, Peer, Refusal};
use super::core::{Core, CoreError};
use super::entries;
use super::lock;
use super::receipts::Question;
use super::release::WITHIN_DAYS;
use crate::crypto::{Digest, random};
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::indicator::compute::Settings;
use crate::indicator::release::Release;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::{Convenant, Role};
use crate::policy::permit::Permit;
use crate::translog::entry::{TransferId, payload_commitment};
use document::RunBody;
use share::Share;
use zeroize::Zeroizing;

/// Label of the seal of a node's part to the gate.
const PART: &[u8] = b"ketenpoort/v1/sum-part\0";
/// Label of the seal of a check key to a contributor.
const KEY: &[u8] = b"ketenpoort/v1/sum-key\0";
/// Runs that the gate keeps open, and shares that are on their way, at most.
const MOST: usize = 64;

/// The runs that are under way here; in memory only.
#[derive(Default)]
pub(in crate::service) struct Runs {
    open: Mutex<HashMap<TransferId, Arc<Mutex<OpenRun>>>>,
    /// One list at a time.
    agreeing: Mutex<()>,
    /// Parts for the gate that leave inside an answer to the monitor.
    along: Mutex<HashMap<(TransferId, Digest), (Oin, HandedOver)>>,
}

/// What an announcement of a share says.
struct Announced<'a> {
    permit: &'a Permit,
    body: &'a RunBody,
    to: Oin,
    /// The other side of the connection, when it is the one that gets the share.
    peer: Option<&'a Peer>,
    /// The entry of `to` in which it asks for the share.
    asked_in: Digest,
    cells: usize,
}

impl Core {
    /// Logs that a share leaves, and mints it.
    fn announce(&self, about: &Announced<'_>, bytes: Zeroizing<Vec<u8>>) -> Result<Share, ReasonCode> {
        let convenant = about.permit.convenant().convenant();
        let mut intent =
            entries::share_intent((self.identity.oin, about.to), convenant, about.body, self.clock.now_ms());
        intent.peer_certificate = about.peer.map(|peer| peer.certificate);
        intent.peer_spki = about.peer.map(|peer| peer.pin);
        intent.peer_entry_hash = Some(about.asked_in);
        intent.row_count = Some(about.cells as u64);
        let salt: [u8; 16] = random();
        intent.payload_commitment = Some(payload_commitment(&salt, &bytes));
        intent.counter = Some(self.next_counter(about.to));
        self.seal_salt(&mut intent, &salt);
        let logged = self.append(&intent).map_err(|e| super::answer::log_reason(&e))?;
        let receipt = self.receipt_of(&intent, logged.entry_hash())?;
        self.await_receipt(&receipt);
        Share::new((about.permit, about.body), &logged, bytes, salt, receipt).ok_or(ReasonCode::Internal)
    }

    /// A part for the gate that left with an answer to the monitor ends as that answer does.
    pub(in crate::service) fn handed_along(&self, answer: HandedOver, complete: bool) {
        let along = lock(&self.runs.along).remove(&(answer.transfer, answer.entry));
        if let Some((gate, part)) = along {
            self.handed_over(gate, part, complete);
        }
    }

    /// Whether this node is the gate of a convenant.
    pub(in crate::service) fn is_gate_of(&self, convenant: &Convenant) -> bool {
        convenant.party(&self.identity.oin).is_some_and(|party| party.has(Role::Gate))
    }

    /// The convenant in force that a partner names.
    pub(in crate::service) fn named(&self, hash: Digest) -> Result<ConvenantInForce, ReasonCode> {
        let standing = self.standing();
        let in_force = standing.in_force.as_ref().map_err(|reason| *reason)?;
        self.may_transfer()?;
        in_force.iter().find(|c| c.hash() == hash).cloned().ok_or(ReasonCode::OtherConvenant)
    }

    /// Refuses something of a run, in the log.
    fn deny(&self, peer: &Peer, run: Option<TransferId>, reason: ReasonCode) -> Refusal {
        let entry = entries::sum_denied(self.identity.oin, peer, run, reason, self.clock.now_ms());
        self.denied(peer, entry, reason)
    }

    /// Logs a refusal, with our receipt when the entry names the asker's.
    pub(in crate::service) fn denied(
        &self,
        peer: &Peer,
        mut entry: crate::translog::entry::Entry,
        reason: ReasonCode,
    ) -> Refusal {
        entry.counter = Some(self.next_counter(peer.oin));
        match self.append(&entry) {
            Ok(logged) => Refusal { reason, receipt: self.receipt_of(&entry, logged.entry_hash()).ok().map(Box::new) },
            Err(error) => {
                let reason = super::answer::log_reason(&error);
                self.refused.count(reason, self.clock.now_ms());
                reason.into()
            }
        }
    }
}

/// The frame of a region's release of the series of one kind of owner; the same at every party.
fn region_of(convenant: &Convenant, owner: Owner, until: Day) -> Result<Release, ReasonCode> {
    let gate = convenant.gate().ok_or(ReasonCode::SumListInvalid)?.oin;
    let settings = Settings { horizon: until, data_from: until, within: WITHIN_DAYS, organisation: gate };
    let (domains, bin_cuts) = (convenant.domains.clone(), convenant.bin_cuts.clone());
    let delivers = convenant.delivered_with(owner);
    Ok(Release { settings, owners: vec![owner], delivers, domains, bin_cuts, linked: false })
}

/// What binds a seal to its run and to one contributor.
fn context(label: &[u8], body: &RunBody, contributor: &Oin) -> Vec<u8> {
    [label, &body.hash().0, contributor.as_str().as_bytes()].concat()
}

fn asked_fault(error: &CoreError) -> ReasonCode {
    match error {
        CoreError::Stopped(reason) => *reason,
        CoreError::Log(error) => super::answer::log_reason(error),
        CoreError::NotAParty(_) => ReasonCode::OinNotInConvenant,
        _ => ReasonCode::LogUnavailable,
    }
}

/// A question of ours with what its answer must say.
struct Asked {
    question: Question,
    fields: Vec<String>,
    cells: u64,
}
