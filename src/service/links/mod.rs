//! Blinded linkage at a party (docs/formats/linkage.md): what a node, a blinder and the gate do at each step that the monitor asks, what the
//! monitor does itself, and which entries of the log go before. The machines are those of `linkage`; everything of a run is in memory
//! and dies with it.

mod blinder;
mod cohort;
pub mod exits;
mod gate;
mod join;
mod listed;
mod log;
pub mod memory;
pub mod messages;
pub mod monitor;
mod node;
mod release;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use self::cohort::Children;
use self::exits::Leave;
use self::gate::GateHere;
use self::log::Within;
use self::messages::{LinkAsked, LinkReply};
use self::node::NodeHere;
use super::api::{Peer, Refusal};
use super::core::Core;
use super::lock;
use crate::crypto::oprf::BlinderKey;
use crate::crypto::{AgreementKey, Digest, from_hex};
use crate::domain::reason::ReasonCode;
use crate::linkage::blinder::BlinderRun;
use crate::linkage::document::{Run, RunDocument};
use crate::policy::bundle::ConvenantInForce;
use crate::policy::permit::Permit;
use crate::translog::entry::TransferId;

/// Runs that a party keeps at a time, at most: a run has all the memory of its children.
const MOST: usize = 2;

/// The runs that are under way here; in memory only.
#[derive(Default)]
pub(in crate::service) struct Links {
    drafts: Mutex<HashMap<TransferId, Draft>>,
    open: Mutex<HashMap<TransferId, Arc<Mutex<Here>>>>,
    /// One document at a time.
    signing: Mutex<()>,
}

/// What this party keeps of a run that is being made.
struct Draft {
    convenant: ConvenantInForce,
    children: Option<Children>,
    blinder: Option<BlinderKey>,
    gate: Option<AgreementKey>,
}

/// A run that has begun, as this party sees it.
struct Here {
    run: Arc<Run>,
    convenant: ConvenantInForce,
    permit: Permit,
    /// Certificate of the monitor as it called last.
    carrier: Digest,
    blinder: Option<BlinderRun>,
    node: Option<NodeHere>,
    gate: Option<GateHere>,
}

impl Here {
    fn within(&self) -> Within<'_> {
        Within { permit: &self.permit, run: &self.run, carrier: Some(self.carrier) }
    }
}

/// Id of a run by its document.
fn id_of(document: &RunDocument) -> Option<TransferId> {
    TransferId::from_bytes(from_hex(&document.run)?).ok()
}

/// Makes room in a map of runs: the oldest go.
fn keep_few<T>(runs: &mut HashMap<TransferId, T>) -> Vec<T> {
    let mut gone = Vec::new();
    while runs.len() >= MOST {
        let Some(oldest) = runs.keys().min().copied() else { break };
        gone.extend(runs.remove(&oldest));
    }
    gone
}

impl Core {
    /// Does a step of a linked run, or refuses it in the log.
    pub(in crate::service) fn answer_link(&self, peer: &Peer, asked: LinkAsked) -> Result<LinkReply, Refusal> {
        let run = asked.run();
        self.link_step(peer, asked).map_err(|reason| self.deny_link(peer, run, reason))
    }

    /// The newest linked run of each convenant that this party signed or took part in, by the id of the convenant.
    #[must_use]
    pub fn linked_runs(&self) -> Vec<(String, RunDocument)> {
        self.memory().links.runs()
    }

    fn link_step(&self, peer: &Peer, asked: LinkAsked) -> Result<LinkReply, ReasonCode> {
        use LinkAsked as Step;
        match asked {
            Step::Join(request) => self.join_link(peer, &request),
            Step::Sign(request) => self.sign_link(peer, &request),
            Step::Begin(signed) => self.begin_link(peer, &signed),
            Step::Blind(run, batch) => self.in_run(peer, run, |here| self.blind_batch(here, batch)),
            Step::Multiply(run, passage) => self.in_run(peer, run, |here| self.multiply_batch(here, &passage)),
            Step::FromP(run, answer) => self.in_run(peer, run, |here| self.take_from_p(here, &answer)),
            Step::FromQ(run, answer) => self.in_run(peer, run, |here| self.take_from_q(here, &answer)),
            Step::Rows(run, chunk) => self.in_run(peer, run, |here| self.give_rows(here, chunk)),
            Step::Chunk(run, passage) => self.in_run(peer, run, |here| self.take_chunk(here, &passage)),
            Step::Mix(run) => self.in_run(peer, run, |here| self.mix_tags(here)),
            Step::Tags(run, chunk) => self.in_run(peer, run, |here| self.give_tags(here, chunk)),
            Step::Group(run, place, part) => self.in_run(peer, run, |here| self.take_groups(here, place, &part)),
            Step::End(run) => self.end_link(peer, run),
        }
    }

    /// Works on a run that the asker is the monitor of, within its time.
    fn in_run(
        &self,
        peer: &Peer,
        run: TransferId,
        work: impl FnOnce(&mut Here) -> Result<LinkReply, ReasonCode>,
    ) -> Result<LinkReply, ReasonCode> {
        let open = lock(&self.links.open).get(&run).cloned().ok_or(ReasonCode::LinkRunUnknown)?;
        let mut here = lock(&open);
        // A withdrawal stops what is under way.
        self.named(here.convenant.hash())?;
        if here.run.document.monitor.oin != peer.oin {
            return Err(ReasonCode::RoleNotAllowed);
        }
        here.carrier = peer.certificate;
        let awaited = here.gate.as_ref().map(GateHere::awaited).unwrap_or_default();
        let now = i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX);
        here.run.is_open(now, awaited).map_err(|fault| self.blame(&here.run, &fault))?;
        work(&mut here)
    }

    /// Forgets a run: keys, tokens and rows are gone, and the log says so.
    fn end_link(&self, peer: &Peer, run: TransferId) -> Result<LinkReply, ReasonCode> {
        let open = lock(&self.links.open).get(&run).cloned().ok_or(ReasonCode::LinkRunUnknown)?;
        let monitor = lock(&open).run.document.monitor.oin;
        if monitor != peer.oin {
            return Err(ReasonCode::RoleNotAllowed);
        }
        lock(&self.links.open).remove(&run);
        self.close_link(&lock(&open))?;
        Ok(LinkReply::Done)
    }
}
