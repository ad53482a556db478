//! The organisation that asks, and takes what comes: our own policy decides first, because a request names the child; nothing of an answer
//! is believed before its receipt holds, and it is in the inbox and in the log before we confirm it.

use std::fmt;
use std::time::Duration;

use super::exits::CaseAsk;
use super::log::{self, why};
use super::messages::{Belongs, CaseDelivery, CaseDocument, CaseRequest, open_content};
use super::wire::WireName;
use crate::crypto::Tag;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::case::Rules;
use crate::policy::case::situation::{Origin, Origins, Situation, Trigger};
use crate::policy::exchange::{CasePermit, NoLeave, decide_case, purpose_of};
use crate::service::answer::log_reason;
use crate::service::api::Peers;
use crate::service::append::next_step;
use crate::service::core::Core;
use crate::service::entries;
use crate::service::receipts::Question;
use crate::translog::entry::{Decision, TransferId, payload_commitment};
use crate::translog::receipt::{Kind, SignedReceipt};
use crate::translog::sealed::SealedPart;

/// How often a call is made, with the same transfer id.
const ATTEMPTS: u32 = 3;
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Whom an exchange is about, as this node calls the child; made where the BSN is read.
#[derive(Clone)]
pub struct CaseChild {
    /// Local pseudonym S.
    pub subject: Tag,
    /// Chain token of each base that this organisation has.
    pub tokens: Vec<([u8; 16], Tag)>,
}

impl fmt::Debug for CaseChild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaseChild(..)")
    }
}

/// What somebody at this organisation wants to ask or offer.
#[derive(Clone, Debug)]
pub struct CaseOrder {
    /// The described situation, as `policy explain` reads it.
    pub situation: Situation,
    /// The child.
    pub child: CaseChild,
    /// The BSN sealed to the receiver by who typed it, in an offer.
    pub number: Option<String>,
    /// How long the other side may take.
    pub deadline: Duration,
}

/// An exchange that did not come about.
#[derive(Debug)]
pub struct NoExchange {
    /// Why.
    pub reason: ReasonCode,
    /// The decision of our own node in words, when it refused; for our own operator only.
    pub zin: Option<String>,
    /// The transfer under which it is in the log; none when nothing was logged.
    pub transfer: Option<TransferId>,
}

impl From<ReasonCode> for NoExchange {
    fn from(reason: ReasonCode) -> Self {
        Self { reason, zin: None, transfer: None }
    }
}

/// What came, or went.
#[derive(Clone, Debug)]
pub struct Exchanged {
    /// Its transfer.
    pub transfer: TransferId,
    /// Fields with values.
    pub fields: Vec<String>,
    /// Fields without.
    pub missing: Vec<String>,
}

/// An order as far as our own node let it: with leave.
pub(super) struct Ready {
    pub(super) permit: CasePermit,
    pub(super) request: CaseRequest,
    pub(super) name: WireName,
    pub(super) belongs: Belongs,
}

impl Core {
    /// Asks a partner for fields of a child, and keeps in the inbox what comes.
    ///
    /// # Errors
    /// [`NoExchange`]; what was said to anybody is in the log.
    pub fn request_case(&self, peers: &dyn Peers, order: &CaseOrder) -> Result<Exchanged, NoExchange> {
        let ready = self.ready(order, true)?;
        let Ready { permit, request, belongs, .. } = &ready;
        let transfer = belongs.transfer;
        let failed = |reason| NoExchange { reason, zin: None, transfer: Some(transfer) };
        let step = next_step();
        let by = (permit.convenant(), Some(permit.decision()));
        let mut intent = log::asked(request, by, (transfer, self.clock.now_ms()), &step);
        let part = SealedPart { subject: Some(order.child.subject), ..SealedPart::default() };
        let logged = self.log_case(&mut intent, &part).map_err(failed)?;
        let party = permit.convenant().convenant().party(&belongs.to).ok_or(failed(ReasonCode::OinNotInConvenant))?;
        let card = party.card.card();
        let sealing = (&self.signing, &card.agreement, belongs);
        let ask = CaseAsk::new(permit, &logged, request, sealing, step.trace).ok_or(failed(ReasonCode::Internal))?;
        let question = Question::about_child(belongs, (card.signing, step.trace), (intent, logged.entry_hash()));
        let mut attempt = 1;
        let delivery = loop {
            match peers.case_ask(&belongs.to, &ask, order.deadline) {
                Err(unanswered) if unanswered.error.retryable() && attempt < ATTEMPTS => {
                    attempt += 1;
                    std::thread::sleep(PAUSE);
                }
                Err(unanswered) => {
                    let receipt = unanswered.receipt.as_deref();
                    return Err(failed(self.take_refusal(&question, unanswered.error.reason(), receipt)));
                }
                Ok(delivery) => break delivery,
            }
        };
        let (document, receipt) =
            self.take_case(&question, request, &delivery, &|_| order.child.subject).map_err(failed)?;
        if let Err(error) = peers.confirm(&belongs.to, &receipt, order.deadline) {
            // It asks for the receipt itself.
            tracing::warn!(%transfer, %error, "ontvangstbewijs niet overhandigd");
        }
        Ok(Exchanged { transfer, fields: document.fields(), missing: document.missing })
    }

    /// Lets our own node decide on an order: with `asking` we receive, else we send.
    pub(super) fn ready(&self, order: &CaseOrder, asking: bool) -> Result<Ready, NoExchange> {
        let situation = &order.situation;
        let (ours, other) = match asking {
            true => (&situation.receiver, situation.sender.oin),
            false => (&situation.sender, situation.receiver.oin),
        };
        if ours.oin != self.identity.oin || other == self.identity.oin {
            return Err(ReasonCode::RoleNotAllowed.into());
        }
        self.may_transfer()?;
        let convenant = self.shared_with(other)?;
        let today = self.clock.today();
        let transfer = entries::transfer_id(self.clock.now_ms());
        let belongs = Belongs { transfer, convenant: convenant.hash(), from: self.identity.oin, to: other };
        let mut request = CaseRequest::new(belongs, today, situation.sender.clone(), situation.receiver.clone());
        request.exchange = situation.exchange.clone().unwrap_or_default();
        request.purpose = situation.purpose.clone().unwrap_or_default();
        request.fields.clone_from(&situation.fields);
        let trigger = if asking { Trigger::Desgevraagd } else { Trigger::EigenBeweging };
        request.trigger = Some(trigger);
        let name = self.name_for(&convenant, order, other)?;
        if asking {
            request.child = Some(name);
            request.measure.clone_from(&situation.measure);
        }
        let mut judged = Situation { date: Some(today), trigger: Some(trigger), ..situation.clone() };
        judged.origins = Origins::of(Origin::Told);
        if !asking {
            // Who gives decides on the consents that are registered here, not on what somebody says there is.
            judged.consents.clear();
        }
        let child = self.subjects.tag(&order.child.subject);
        let facts = self.facts(&child, &order.child.subject, today)?;
        facts.into_situation(&mut judged);
        let of_request = (request.hash(), &belongs.convenant);
        match decide_case(Rules::national(), &convenant, of_request, judged, today) {
            Ok(permit) => Ok(Ready { permit, request, name, belongs }),
            Err(refused) => Err(self.refuse_order(&request, (transfer, order.child.subject), refused)),
        }
    }

    fn refuse_order(&self, request: &CaseRequest, whom: (TransferId, Tag), refused: NoLeave) -> NoExchange {
        let (reason, decision) = match refused {
            NoLeave::Request(reason, decision) => (reason, decision),
            NoLeave::Child(decision) => (decision.reason().unwrap_or(ReasonCode::CaseGround), Some(decision)),
        };
        let said = decision.as_ref().map_or_else(String::new, |decision| why(decision));
        let reason = self.deny_own(request, whom, (reason, &said)).err().unwrap_or(reason);
        NoExchange { reason, zin: decision.map(|decision| decision.zin().to_owned()), transfer: Some(whom.0) }
    }

    /// The convenant under which we exchange with a partner: in force, both a party, with chain keys.
    fn shared_with(&self, other: Oin) -> Result<ConvenantInForce, ReasonCode> {
        let standing = self.standing();
        let in_force = standing.in_force.as_ref().map_err(|reason| *reason)?;
        let shared = in_force.iter().find(|one| {
            let terms = one.convenant();
            terms.chain.is_some() && terms.party(&other).is_some() && terms.party(&self.identity.oin).is_some()
        });
        shared.cloned().ok_or(ReasonCode::OinNotInConvenant)
    }

    fn name_for(&self, convenant: &ConvenantInForce, order: &CaseOrder, other: Oin) -> Result<WireName, ReasonCode> {
        let purpose = purpose_of(&order.situation).ok_or(ReasonCode::CasePurpose)?;
        let namer = self.namer(convenant.convenant(), &other, purpose).ok_or(ReasonCode::RoleNotAllowed)?;
        let token = order.child.tokens.iter().find(|(base, _)| *base == namer.base());
        Ok(namer.name(&token.ok_or(ReasonCode::LinkTokens)?.1))
    }

    /// Takes content: checks it and its receipt, keeps both, logs RECEIVED and signs ours, in this order. What does not hold is logged as a
    /// failure with its reason. `whom` says who the child is here.
    pub(super) fn take_case(
        &self,
        question: &Question,
        request: &CaseRequest,
        delivery: &CaseDelivery,
        whom: &dyn Fn(WireName) -> Tag,
    ) -> Result<(CaseDocument, SignedReceipt), ReasonCode> {
        let taken = self.believe_case(question, request, delivery).and_then(|(document, signed)| {
            self.keep_receipt(&signed, false)?;
            let transfer = question.transfer();
            self.put_in_inbox(question.to, transfer, &document)?;
            let receipt = self.log_case_received(question, &signed, delivery, whom(document.child));
            let receipt = receipt.inspect_err(|_| drop(self.inbox.destroy(transfer)))?;
            self.inbox.settle(transfer).map_err(|_| ReasonCode::LogUnavailable)?;
            self.hear(&signed);
            Ok((document, receipt))
        });
        taken.inspect_err(|reason| self.log_unanswered(question, *reason, None))
    }

    fn believe_case(
        &self,
        question: &Question,
        request: &CaseRequest,
        delivery: &CaseDelivery,
    ) -> Result<(CaseDocument, SignedReceipt), ReasonCode> {
        let transfer = question.transfer();
        let belongs = Belongs { transfer, convenant: question.convenant, from: question.to, to: self.identity.oin };
        let own = self.keys.agreement_key(super::wire::EPOCH);
        let bytes = open_content(&delivery.sealed, &own, &belongs).ok_or(ReasonCode::AnswerSignatureInvalid)?;
        let document = CaseDocument::open(&bytes, request, transfer).ok_or(ReasonCode::AnswerMismatch)?;
        let signed = self.receipt_from(question.to, &delivery.receipt)?;
        let said = signed.receipt();
        let says = delivery.transfer == transfer
            && said.kind == Kind::Answer
            && said.decision == Some(Decision::Allow)
            && said.commitment == Some(payload_commitment(&delivery.salt, &bytes))
            && said.field_names == document.fields()
            && said.row_count == Some(document.values.len() as u64)
            && said.aggregate.is_none()
            && question.is_named_by(said);
        if says { Ok((document, signed)) } else { Err(ReasonCode::ReceiptMismatch) }
    }

    fn log_case_received(
        &self,
        question: &Question,
        signed: &SignedReceipt,
        delivery: &CaseDelivery,
        subject: Tag,
    ) -> Result<SignedReceipt, ReasonCode> {
        let mut entry = entries::received(question.intent(), signed, delivery.proven, self.clock.now_ms());
        entry.counter = Some(self.next_counter(question.to));
        entry.retention_until = question.intent().retention_until;
        let part = SealedPart { subject: Some(subject), salt: Some(delivery.salt), ..SealedPart::default() };
        self.seal(&mut entry, &part).map_err(|e| log::subject_reason(&e))?;
        let logged = self.append(&entry).map_err(|e| log_reason(&e))?;
        self.receipt_of(&entry, logged.entry_hash())
    }
}
