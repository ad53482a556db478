//! How a run begins: each party says what it brings, P, Q, monitor and gate sign one document, and everybody takes it.

use std::sync::Arc;

use super::gate::GateHere;
use super::log::reason_of;
use super::memory::LinkMemory;
use super::messages::{JoinRequest, Joined, LinkReply, Offer, SignRequest, SignedRun};
use super::node::NodeHere;
use super::release::years_of;
use super::{Core, Draft, Here, id_of, keep_few};
use crate::crypto::oprf::BlinderKey;
use crate::crypto::{AgreementKey, Digest, Secret32, hex};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::indicator::linked::questions;
use crate::linkage::blinder::BlinderRun;
use crate::linkage::document::{Run, RunDocument};
use crate::linkage::fault::LinkFault;
use crate::linkage::frame::Frame;
use crate::linkage::line::Offered;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::{Convenant, Role};
use crate::policy::permit::{Permit, decide_link};
use crate::service::api::Peer;
use crate::service::core::CoreError;
use crate::service::lock;
use crate::service::release::{core_reason, same_definition};
use crate::storage::state::StateKind;

impl Core {
    /// The convenant of a linked run, when the peer is its monitor and it has terms of linkage.
    fn linking(&self, peer: &Peer, hash: Digest) -> Result<ConvenantInForce, ReasonCode> {
        let convenant = self.named(hash)?;
        let terms = convenant.convenant();
        if !terms.party(&peer.oin).is_some_and(|party| party.has(Role::Monitor)) {
            return Err(ReasonCode::RoleNotAllowed);
        }
        if terms.link.is_none() { Err(ReasonCode::RouteNotNode) } else { Ok(convenant) }
    }

    /// Says what we bring to a run: as a node the number of elements and the days of our data, as a possible blinder and as the gate a
    /// fresh key.
    pub(super) fn join_link(&self, peer: &Peer, request: &JoinRequest) -> Result<LinkReply, ReasonCode> {
        let convenant = self.linking(peer, request.convenant)?;
        let terms = convenant.convenant();
        let own = self.identity.oin;
        let party = terms.party(&own).ok_or(ReasonCode::OinNotInConvenant)?;
        let mut joined = Joined::default();
        let mut draft = Draft { convenant: convenant.clone(), children: None, blinder: None, gate: None };
        if party.has(Role::Delivering) {
            self.freeze_settled().map_err(|e| core_reason(&e))?;
            let (window, frozen) = {
                let memory = self.memory();
                (memory.window.ok_or(ReasonCode::OutsideWindow)?, Arc::clone(&memory.frozen))
            };
            let last = frozen.quarters.last().map(|quarter| quarter.bounds().1).ok_or(ReasonCode::OutsideWindow)?;
            let children = self.children(terms, &frozen.rows)?;
            let id = hex(request.run.as_bytes());
            let offered = Offered { run: &id, convenant: request.convenant, previous: request.previous };
            let elements = children.elements();
            let signature = offered.sign(own, elements, &self.signing);
            joined.node = Some(Offer { elements, window: (window.from, last), signature });
            draft.children = Some(children);
            if terms.link.as_ref().is_some_and(|link| link.blinders.contains(&own)) {
                let key = BlinderKey::random();
                joined.blinder = Some(*key.public().as_bytes());
                draft.blinder = Some(key);
            }
        }
        if party.has(Role::Gate) {
            let key = AgreementKey::from_seed(Secret32::random());
            joined.gate = Some(key.public());
            joined.due = self.due_links(&convenant, &request.years)?;
            draft.gate = Some(key);
            joined.latest = self.memory().links.latest(&terms.id).map(|document| {
                let signature = document.sign(&self.signing);
                Box::new(SignedRun {
                    document: document.to_bytes(),
                    signatures: [[0; 64], [0; 64], [0; 64], signature],
                })
            });
        }
        let mut drafts = lock(&self.links.drafts);
        keep_few(&mut drafts);
        drafts.insert(request.run, draft);
        Ok(LinkReply::Joined(Box::new(joined)))
    }

    /// Signs a document as P, Q or gate, once it is what the convenant allows and follows on the run before it, and as P or Q once the
    /// gate has. It is durable before the signature leaves: from then on its elements are used up.
    pub(super) fn sign_link(&self, peer: &Peer, request: &SignRequest) -> Result<LinkReply, ReasonCode> {
        let _one_at_a_time = lock(&self.links.signing);
        let document = RunDocument::from_bytes(&request.document).map_err(|_| ReasonCode::LinkDocument)?;
        let convenant = self.linking(peer, document.convenant)?;
        self.allows(&convenant, peer.oin, &document)?;
        self.brings_our_key(&document)?;
        let terms = convenant.convenant();
        self.is_our_turn(&convenant, &document, request.by_gate.as_ref())?;
        let before = request.previous.as_ref().map(|signed| self.signed_by_gate(terms, signed)).transpose()?;
        let latest = self.memory().links.latest(&terms.id).cloned();
        let again = latest.as_ref() == Some(&document);
        let follows = document.follows(before.as_ref()).is_ok()
            && latest.as_ref().is_none_or(|latest| document.remembers(latest))
            && (document.gate.oin != self.identity.oin || before == latest);
        if !follows && !again {
            return Err(ReasonCode::LinkDocument);
        }
        if !again {
            self.keep_link(&terms.id, &document)?;
        }
        Ok(LinkReply::Signed(Box::new(document.sign(&self.signing))))
    }

    /// The gate signs first, and for exactly the tables that are due, so that nobody varies a plan to ask it again; P and Q sign what the
    /// gate has signed, so that no other document is their newest one.
    fn is_our_turn(
        &self,
        convenant: &ConvenantInForce,
        document: &RunDocument,
        by_gate: Option<&[u8; 64]>,
    ) -> Result<(), ReasonCode> {
        let gate = convenant.convenant().gate().ok_or(ReasonCode::LinkDocument)?;
        let holds = if document.gate.oin == self.identity.oin {
            let years: Vec<i16> = years_of(document).into_iter().collect();
            document.tables == self.due_links(convenant, &years)?
        } else {
            by_gate.is_some_and(|signature| document.is_signed_by(gate.oin, &gate.signing, signature).is_ok())
        };
        if holds { Ok(()) } else { Err(ReasonCode::LinkDocument) }
    }

    /// Makes a document durable as the newest run of its convenant.
    pub(super) fn keep_link(&self, convenant: &str, document: &RunDocument) -> Result<(), ReasonCode> {
        let record = LinkMemory::run_record(convenant, document);
        self.state.append(StateKind::LinkRun, record.clone()).map_err(|e| core_reason(&CoreError::State(e)))?;
        self.change(|memory| memory.links.take_run(&record)).map_err(|_| ReasonCode::Internal)
    }

    fn signed_by_gate(&self, terms: &Convenant, signed: &SignedRun) -> Result<RunDocument, ReasonCode> {
        let document = RunDocument::from_bytes(&signed.document).map_err(|_| ReasonCode::LinkDocument)?;
        let gate = terms.gate().ok_or(ReasonCode::LinkDocument)?;
        let held = document.is_signed_by(gate.oin, &gate.signing, &signed.signatures[3]);
        held.map(|()| document).map_err(|_| ReasonCode::LinkDocument)
    }

    /// Whether a document asks nothing that the convenant does not grant, of nobody who is no party to it.
    pub(super) fn allows(
        &self,
        convenant: &ConvenantInForce,
        monitor: Oin,
        document: &RunDocument,
    ) -> Result<Permit, ReasonCode> {
        self.judged((convenant, monitor), document, |frame| frame.allows(document)).map(|(permit, ())| permit)
    }

    /// What a frame says of a document that asks nothing more than the convenant grants today.
    pub(super) fn judged<T>(
        &self,
        (convenant, monitor): (&ConvenantInForce, Oin),
        document: &RunDocument,
        judge: impl FnOnce(Frame<'_>) -> Result<T, LinkFault>,
    ) -> Result<(Permit, T), ReasonCode> {
        let (terms, today) = (convenant.convenant(), self.clock.today());
        let permit = decide_link(convenant, &monitor, &document.convenant, &document.query(), today)?;
        if document.tables.iter().any(|table| !same_definition(terms, table.indicator)) {
            return Err(ReasonCode::OtherDefinition);
        }
        if document.epoch != super::cohort::EPOCH {
            return Err(ReasonCode::LinkDocument);
        }
        let questions = questions(&document.tables, &terms.linked_owners());
        let now_ms = i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX);
        let frame = Frame { convenant: terms, questions: &questions, year: today.ymd().0, now_ms };
        Ok((permit, judge(frame).map_err(|fault| reason_of(fault.fault))?))
    }

    /// Whether the document names the keys that we drew for it.
    fn brings_our_key(&self, document: &RunDocument) -> Result<(), ReasonCode> {
        let own = self.identity.oin;
        let drafts = lock(&self.links.drafts);
        let draft = id_of(document).and_then(|run| drafts.get(&run)).ok_or(ReasonCode::LinkRunUnknown)?;
        let blinds = |of: &crate::linkage::document::BlinderOf| {
            let key = draft.blinder.as_ref().map(|key| hex(key.public().as_bytes()));
            of.oin == own && Some(&of.key) == key.as_ref()
        };
        let gates = document.gate.oin == own && draft.gate.as_ref().is_some_and(|k| k.public() == document.gate.key);
        if gates || document.blinders.iter().any(blinds) { Ok(()) } else { Err(ReasonCode::LinkDocument) }
    }

    /// Takes the signed document; the machines of the run begin here.
    pub(super) fn begin_link(&self, peer: &Peer, signed: &SignedRun) -> Result<LinkReply, ReasonCode> {
        let document = RunDocument::from_bytes(&signed.document).map_err(|_| ReasonCode::LinkDocument)?;
        let convenant = self.linking(peer, document.convenant)?;
        let open = |frame: Frame<'_>| frame.open(&document, &signed.signatures);
        let (permit, run) = self.judged((&convenant, peer.oin), &document, open)?;
        let id = id_of(&document).ok_or(ReasonCode::LinkDocument)?;
        if lock(&self.links.open).contains_key(&id) {
            return Ok(LinkReply::Done);
        }
        let terms = convenant.convenant();
        let latest = self.memory().links.latest(&terms.id).cloned();
        let known = latest.as_ref() == Some(&document);
        if !known && latest.is_some_and(|latest| !document.remembers(&latest)) {
            return Err(ReasonCode::LinkDocument);
        }
        if !known {
            // Whoever took part remembers what was used up, so that no signer forgets it alone.
            self.keep_link(&terms.id, &document)?;
        }
        let draft = lock(&self.links.drafts).remove(&id).ok_or(ReasonCode::LinkRunUnknown)?;
        let here = self.here((Arc::new(run), permit), peer.certificate, draft)?;
        let mut open = lock(&self.links.open);
        let gone = keep_few(&mut open);
        open.insert(id, Arc::new(std::sync::Mutex::new(here)));
        drop(open);
        gone.iter().try_for_each(|gone| self.close_link(&lock(gone)))?;
        Ok(LinkReply::Done)
    }

    fn here(&self, (run, permit): (Arc<Run>, Permit), carrier: Digest, draft: Draft) -> Result<Here, ReasonCode> {
        let own = self.identity.oin;
        let Draft { convenant, children, blinder, gate } = draft;
        let fault = |fault| self.blame(&run, &fault);
        let blinds = run.document.blinders.iter().any(|blinder| blinder.oin == own);
        let blinder = match blinder.filter(|_| blinds) {
            Some(key) => Some(BlinderRun::new(Arc::clone(&run), own, key).map_err(fault)?),
            None => None,
        };
        let gate = match gate.filter(|_| run.document.gate.oin == own) {
            Some(key) => Some(GateHere::new(&run, own, key, &self.keys.void_key()).map_err(fault)?),
            None => None,
        };
        let node = match children.filter(|_| run.node(&own).is_ok()) {
            Some(children) => Some(NodeHere::new(self, (&permit, &run, carrier), &children)?),
            None => None,
        };
        Ok(Here { run, convenant, permit, carrier, blinder, node, gate })
    }
}
