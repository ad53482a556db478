//! Giving without being asked: the sender decides and offers without naming a child, the receiver takes the offer up in its log, and
//! only then the content goes, with the entries and receipts of an answer.

use std::collections::HashMap;
use std::sync::Mutex;

use super::answer::{Meant, Sending, described};
use super::ask::{CaseOrder, Exchanged, NoExchange, Ready};
use super::log::{self, Denied};
use super::messages::{Belongs, CaseAsked, CaseDelivery, CaseRequest};
use super::wire::WireName;
use crate::crypto::{AgreementPublic, Digest, SigningKey};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::case::Rules;
use crate::policy::case::situation::Trigger;
use crate::policy::exchange::{CasePermit, NoLeave, decide_case, purpose_of};
use crate::service::api::{Peer, Peers, ProvenBy, Refusal, TraceContext, Unanswered};
use crate::service::append::next_step;
use crate::service::core::Core;
use crate::service::lock;
use crate::service::receipts::Question;
use crate::storage::log::Logged;
use crate::translog::entry::{Phase, TransferId};
use crate::translog::receipt::SignedReceipt;
use crate::translog::sealed::SealedPart;

/// Offers that are waited for at a time.
const MOST: usize = 1024;

/// Offers that we took up and of which nothing came yet.
#[derive(Default)]
pub(in crate::service) struct Offers(Mutex<HashMap<(Oin, TransferId), Taken>>);

struct Taken {
    question: Question,
    request: CaseRequest,
}

/// An offer on its way: signed and sealed, without anything about a child.
pub struct CaseOffer {
    asked: CaseAsked,
}

impl CaseOffer {
    /// The only road to an offer: leave for it, and the durable entry that announces it. Of a request that names no child and states no
    /// measure. Seals it to who may take it up. `None` when they do not belong together.
    #[must_use]
    pub fn new(
        permit: &CasePermit,
        logged: &Logged,
        request: &CaseRequest,
        (key, to, belongs): (&SigningKey, &AgreementPublic, &Belongs),
        trace: TraceContext,
    ) -> Option<Self> {
        let same = permit.request() == request.hash()
            && logged.query_hash() == Some(request.hash())
            && logged.phase() == Phase::Intent
            && logged.transfer_id() == belongs.transfer
            && permit.convenant().hash() == belongs.convenant
            && request.child.is_none()
            && request.measure.is_none();
        let (sealed, intent) = (request.seal(key, to, belongs), Some(logged.entry_hash()));
        let asked = CaseAsked { transfer: belongs.transfer, intent, convenant: belongs.convenant, sealed, trace };
        same.then_some(Self { asked })
    }

    /// What travels.
    #[must_use]
    pub fn asked(&self) -> &CaseAsked {
        &self.asked
    }
}

impl Core {
    /// Offers fields of a child to a partner, and sends them when it takes the offer up.
    ///
    /// # Errors
    /// [`NoExchange`]; what was said to anybody is in the log.
    pub fn offer_case(&self, peers: &dyn Peers, order: &CaseOrder) -> Result<Exchanged, NoExchange> {
        let ready = self.ready(order, false)?;
        let Ready { permit, request, name, belongs } = &ready;
        let transfer = belongs.transfer;
        let failed = |reason| NoExchange { reason, zin: None, transfer: Some(transfer) };
        let tag = self.subjects.tag(&order.child.subject);
        let meant = Meant { tag, subject: order.child.subject, known: true };
        let mut document = self.document(request, transfer, (&meant, *name)).map_err(failed)?;
        document.number = order.number.clone().filter(|_| request.fields.iter().any(|field| field == "identity"));
        let (answers, question) = self.make_offer(&ready, order, peers)?;
        let sending = Sending { to: belongs.to, transfer, answers, peer: None };
        let content = self.log_content(&sending, (request, permit), &meant, &document).map_err(|reason| {
            self.log_unanswered(&question, reason, None);
            failed(reason)
        })?;
        let sent = peers.case_deliver(&belongs.to, &content, order.deadline);
        self.handed_over(belongs.to, content.handed(), sent.is_ok());
        let receipt = sent.map_err(|e| failed(e.reason()))?;
        self.take_confirmation(belongs.to, &receipt).map_err(failed)?;
        Ok(Exchanged { transfer, fields: document.fields(), missing: document.missing })
    }

    /// Logs that an offer leaves, and makes it: the leaf hash of the entry in which it was taken up. A refusal is logged with its receipt.
    fn make_offer(
        &self,
        ready: &Ready,
        order: &CaseOrder,
        peers: &dyn Peers,
    ) -> Result<(Digest, Question), NoExchange> {
        let Ready { permit, request, belongs, .. } = ready;
        let transfer = belongs.transfer;
        let failed = |reason| NoExchange { reason, zin: None, transfer: Some(transfer) };
        let party = permit.convenant().convenant().party(&belongs.to).ok_or(failed(ReasonCode::OinNotInConvenant))?;
        let card = party.card.card();
        let step = next_step();
        let mut intent = log::offered(request, permit, (transfer, self.clock.now_ms()), &step);
        let reference = log::allowed(permit);
        let part = SealedPart { subject: Some(order.child.subject), reference, ..SealedPart::default() };
        let logged = self.log_case(&mut intent, &part).map_err(failed)?;
        let question = Question::about_child(belongs, (card.signing, step.trace), (intent, logged.entry_hash()));
        let sealing = (&self.signing, &card.agreement, belongs);
        let offer =
            CaseOffer::new(permit, &logged, request, sealing, step.trace).ok_or(failed(ReasonCode::Internal))?;
        match peers.case_offer(&belongs.to, &offer, order.deadline) {
            Ok(taken_up) => Ok((taken_up, question)),
            Err(Unanswered { error, receipt }) => {
                Err(failed(self.take_refusal(&question, error.reason(), receipt.as_deref())))
            }
        }
    }

    /// Takes up an offer of a partner: what follows from it alone is decided here, the child by who gives. Back comes the leaf hash of our
    /// entry, which the content must name.
    pub(in crate::service) fn take_up(&self, peer: &Peer, asked: &CaseAsked) -> Result<Digest, Refusal> {
        let refuse = |reason, query| {
            let (why, subject) = ("aanbod".into(), Some(self.nobody()));
            self.deny_case(peer, asked, &Denied { reason, why, query, subject, offered: true })
        };
        let read = self.may_transfer().and_then(|()| self.read_request(peer, asked));
        let (convenant, request) = read.map_err(|reason| refuse(reason, None))?;
        let query = Some(request.hash());
        // After it is read, so that the refusal names it and both logs agree.
        if !lock(&self.watch).admits(peer.oin, self.clock.now_ms()) {
            return Err(refuse(ReasonCode::CaseTooOften, query));
        }
        self.try_take_up(peer, asked, (convenant, request)).map_err(|reason| refuse(reason, query))
    }

    fn try_take_up(
        &self,
        peer: &Peer,
        asked: &CaseAsked,
        (convenant, request): (ConvenantInForce, CaseRequest),
    ) -> Result<Digest, ReasonCode> {
        if request.child.is_some() || request.receiver.oin != self.identity.oin || request.sender.oin != peer.oin {
            return Err(ReasonCode::MessageMalformed);
        }
        self.claim((peer.oin, asked.transfer), (request.hash(), convenant.hash()))?;
        let today = self.clock.today();
        let situation = described(&request, today, Trigger::EigenBeweging);
        let of_request = (request.hash(), &asked.convenant);
        let permit = match decide_case(Rules::national(), &convenant, of_request, situation, today) {
            Ok(permit) => Some(permit),
            Err(NoLeave::Child(_)) => None,
            Err(NoLeave::Request(reason, _)) => return Err(reason),
        };
        let step = next_step();
        let by = (&convenant, permit.as_ref().map(CasePermit::decision));
        let mut intent = log::asked(&request, by, (asked.transfer, self.clock.now_ms()), &step);
        intent.peer_entry_hash = asked.intent;
        let part = SealedPart { subject: Some(self.nobody()), ..SealedPart::default() };
        let logged = self.log_case(&mut intent, &part)?;
        let party = convenant.convenant().party(&peer.oin).ok_or(ReasonCode::OinNotInConvenant)?;
        let belongs =
            Belongs { transfer: asked.transfer, convenant: convenant.hash(), from: self.identity.oin, to: peer.oin };
        let by = (party.card.card().signing, step.trace);
        let question = Question::about_child(&belongs, by, (intent, logged.entry_hash()));
        let mut offers = lock(&self.offers.0);
        if offers.len() >= MOST {
            offers.clear();
        }
        offers.insert((peer.oin, asked.transfer), Taken { question, request });
        Ok(logged.entry_hash())
    }

    /// Takes the content of an offer that we took up; our receipt of it.
    pub(in crate::service) fn take_offered(
        &self,
        peer: &Peer,
        delivery: &CaseDelivery,
    ) -> Result<SignedReceipt, Refusal> {
        let taken = lock(&self.offers.0).remove(&(peer.oin, delivery.transfer));
        let Taken { question, request } = taken.ok_or(Refusal::from(ReasonCode::CaseTransferUnknown))?;
        let convenant = self.named(question.convenant)?;
        let purpose = purpose_of(&described(&request, self.clock.today(), Trigger::EigenBeweging))
            .ok_or(ReasonCode::CasePurpose)?;
        let whom = |name: WireName| self.meant(convenant.convenant(), peer, purpose, name).subject;
        let proven = Some(ProvenBy { certificate: peer.certificate, pin: peer.pin });
        let delivery = CaseDelivery { proven, ..delivery.clone() };
        let (_, receipt) = self.take_case(&question, &request, &delivery, &whom)?;
        Ok(receipt)
    }
}
