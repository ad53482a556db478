//! The side that asks: nothing of an answer is believed before its receipt holds, and the receipt is durable before the entry
//! that names it.

use super::Core;
use crate::crypto::{Digest, VerifyingKey};
use crate::domain::oin::Oin;
use crate::domain::query::Query;
use crate::domain::reason::ReasonCode;
use crate::policy::bundle::ConvenantInForce;
use crate::service::answer::{aggregate_of, indicators_of, log_reason};
use crate::service::api::{AggregateRequest, AnswerBytes, ProvenBy, TraceContext};
use crate::service::append::next_step;
use crate::service::cases::messages::Belongs;
use crate::service::core::CoreError;
use crate::service::document::{AnswerDocument, Expected, InvalidAnswer};
use crate::service::entries;
use crate::service::sums::document::RunBody;
use crate::service::sums::messages::Delivery;
use crate::translog::entry::{Decision, Entry, Outcome, TransferId, payload_commitment};
use crate::translog::receipt::{Kind, Receipt, SignedReceipt};

/// A question of ours that is in the log and may go out.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whom we ask.
    pub to: Oin,
    /// Hash of the convenant that we go by.
    pub convenant: Digest,
    /// What we ask.
    pub query: Query,
    /// Names the call in both logs.
    pub trace: TraceContext,
    /// Signing key of the partner's card in the convenant.
    key: VerifyingKey,
    /// Smallest group under the convenant.
    threshold: u32,
    /// Our INTENT.
    intent: Entry,
    /// Its leaf hash.
    hash: Digest,
}

/// An answer that was believed, with what goes back.
#[derive(Debug)]
pub struct Taken {
    /// The answer.
    pub document: AnswerDocument,
    /// Our receipt, for the partner.
    pub receipt: SignedReceipt,
}

impl Question {
    /// A question about a child, which is no query of tables: where it goes, under whose key and trace, and our INTENT of it.
    pub(in crate::service) fn about_child(
        belongs: &Belongs,
        (key, trace): (VerifyingKey, TraceContext),
        (intent, hash): (Entry, Digest),
    ) -> Self {
        let (to, convenant) = (belongs.to, belongs.convenant);
        Self { to, convenant, query: Query::new(Vec::new()), trace, key, threshold: 0, intent, hash }
    }

    /// Our INTENT.
    pub(in crate::service) fn intent(&self) -> &Entry {
        &self.intent
    }

    /// Whether a receipt names this question.
    pub(in crate::service) fn is_named_by(&self, receipt: &Receipt) -> bool {
        names(self, receipt).is_ok()
    }

    /// Leaf hash of our INTENT.
    #[must_use]
    pub fn entry_hash(&self) -> Digest {
        self.hash
    }

    /// Id of the transfer.
    #[must_use]
    pub fn transfer(&self) -> TransferId {
        self.intent.transfer_id
    }

    /// The message that goes out.
    #[must_use]
    pub fn request(&self) -> AggregateRequest {
        AggregateRequest {
            transfer_id: self.transfer(),
            intent_hash: self.hash,
            convenant_hash: self.convenant,
            query: self.query.clone(),
            trace: self.trace,
        }
    }
}

impl Core {
    /// Logs that a question of ours goes out; only then it may.
    ///
    /// # Errors
    /// When the log cannot be written, `to` is no party of the convenant, or nothing may leave (`Core::may_transfer`).
    pub fn log_question(&self, to: Oin, under: &ConvenantInForce, query: Query) -> Result<Question, CoreError> {
        self.may_transfer().map_err(CoreError::Stopped)?;
        let convenant = under.convenant();
        let party = convenant.party(&to).ok_or(CoreError::NotAParty(to))?;
        let step = next_step();
        let mut intent = entries::question(self.identity.oin, to, convenant, query.hash(), self.clock.now_ms());
        intent.trace_id = Some(step.trace.trace_id);
        intent.span_id = Some(step.trace.span_id);
        intent.parent_span_id = step.parent;
        let hash = self.append(&intent)?.entry_hash();
        let key = party.card.card().signing;
        let threshold = convenant.disclosure.threshold;
        Ok(Question { to, convenant: under.hash(), query, trace: step.trace, key, threshold, intent, hash })
    }

    /// Logs that the same question goes out once more, after an attempt that was refused.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn log_question_again(&self, question: &mut Question) -> Result<(), ReasonCode> {
        question.intent.start_ms = self.clock.now_ms();
        question.intent.salt = crate::crypto::random();
        // A step of its own: two lines with one span are one line at a receiver of them.
        question.trace.span_id = crate::crypto::random();
        question.intent.span_id = Some(question.trace.span_id);
        question.hash = self.append(&question.intent).map_err(|e| log_reason(&e))?.entry_hash();
        Ok(())
    }

    /// Takes an answer: checks it and its receipt, keeps the receipt, logs RECEIVED and signs ours, in this order. What does
    /// not hold is logged as a failure with its reason.
    ///
    /// # Errors
    /// Why the answer is not believed, or that the log cannot be written.
    pub fn take_answer(&self, question: &Question, answer: &AnswerBytes) -> Result<Taken, ReasonCode> {
        let taken = self.believe(question, answer).and_then(|(document, signed)| {
            self.keep_receipt(&signed, false)?;
            let receipt = self.log_received(question, &signed, (&answer.salt, answer.from))?;
            self.hear(&signed);
            Ok(Taken { document, receipt })
        });
        taken.inspect_err(|reason| self.log_unanswered(question, *reason, None))
    }

    /// Takes a refusal, or why no answer came, and logs it with the partner's receipt when there is one; the reason that
    /// counts: a receipt that does not hold is worse than a refusal.
    #[must_use]
    pub fn take_refusal(&self, question: &Question, reason: ReasonCode, receipt: Option<&[u8]>) -> ReasonCode {
        let held = receipt.map(|bytes| {
            let signed = self.receipt_from(question.to, bytes)?;
            let receipt = signed.receipt();
            let fits = receipt.kind == Kind::Answer
                && receipt.decision == Some(Decision::Deny)
                && receipt.reason_codes.first().is_some_and(|code| code == reason.code());
            if !fits || names(question, receipt).is_err() {
                return Err(ReasonCode::ReceiptMismatch);
            }
            self.keep_receipt(&signed, false)?;
            self.hear(&signed);
            Ok(signed)
        });
        let (reason, signed) = match held.transpose() {
            Ok(signed) => (reason, signed),
            Err(fault) => (fault, None),
        };
        self.log_unanswered(question, reason, signed.as_ref());
        reason
    }

    /// Logs that we ask a party for its share in a run of regional sums; every entry of the run has the hash of the run as that
    /// of its question.
    ///
    /// # Errors
    /// As [`Core::log_question`].
    pub(in crate::service) fn ask_share(
        &self,
        to: Oin,
        under: &ConvenantInForce,
        body: &RunBody,
    ) -> Result<Question, CoreError> {
        self.may_transfer().map_err(CoreError::Stopped)?;
        let convenant = under.convenant();
        let party = convenant.party(&to).ok_or(CoreError::NotAParty(to))?;
        let step = next_step();
        let mut intent = entries::share_asked((self.identity.oin, to), convenant, body, self.clock.now_ms());
        intent.trace_id = Some(step.trace.trace_id);
        intent.span_id = Some(step.trace.span_id);
        intent.parent_span_id = step.parent;
        let hash = self.append(&intent)?.entry_hash();
        let key = party.card.card().signing;
        let threshold = convenant.disclosure.threshold;
        let (convenant, query) = (under.hash(), body.question());
        Ok(Question { to, convenant, query, trace: step.trace, key, threshold, intent, hash })
    }

    /// Takes a share that we asked for: checks its receipt, keeps that, logs RECEIVED and signs ours, in this order. What does not
    /// hold is logged as a failure with its reason.
    ///
    /// # Errors
    /// Why the share is not taken, or that the log cannot be written.
    pub(in crate::service) fn take_share(
        &self,
        question: &Question,
        delivery: &Delivery,
        (fields, cells): (&[String], u64),
    ) -> Result<SignedReceipt, ReasonCode> {
        let Delivery { share, salt, proven: from, .. } = delivery;
        let (salt, from) = (salt, *from);
        let taken = self.receipt_from(question.to, &delivery.receipt).and_then(|signed| {
            let said = signed.receipt();
            let says = said.kind == Kind::Answer
                && said.decision == Some(Decision::Allow)
                && said.commitment == Some(payload_commitment(salt, share))
                && said.field_names == fields
                && said.row_count == Some(cells)
                && said.aggregate.is_none();
            if !says || names(question, said).is_err() {
                return Err(ReasonCode::ReceiptMismatch);
            }
            self.keep_receipt(&signed, false)?;
            let receipt = self.log_received(question, &signed, (salt, from))?;
            self.hear(&signed);
            Ok(receipt)
        });
        taken.inspect_err(|reason| self.log_unanswered(question, *reason, None))
    }

    fn believe(
        &self,
        question: &Question,
        answer: &AnswerBytes,
    ) -> Result<(AnswerDocument, SignedReceipt), ReasonCode> {
        let document = AnswerDocument::open(&answer.document, &answer.signature, &question.key).map_err(fault)?;
        let expected = Expected {
            sender: question.to,
            receiver: self.identity.oin,
            convenant: question.convenant,
            query: question.query.hash(),
            transfer: question.transfer(),
        };
        document.belongs_to(&expected).map_err(fault)?;
        let signed = self.receipt_from(question.to, &answer.receipt)?;
        let receipt = signed.receipt();
        let says = receipt.kind == Kind::Answer
            && receipt.decision == Some(Decision::Allow)
            && receipt.commitment == Some(payload_commitment(&answer.salt, &answer.document))
            && receipt.field_names == indicators_of(&document.tables)
            && receipt.aggregate == Some(aggregate_of(&document.tables, question.threshold))
            && receipt.row_count.is_none();
        if says && names(question, receipt).is_ok() { Ok((document, signed)) } else { Err(ReasonCode::ReceiptMismatch) }
    }

    fn log_received(
        &self,
        question: &Question,
        signed: &SignedReceipt,
        (salt, from): (&[u8; 16], Option<ProvenBy>),
    ) -> Result<SignedReceipt, ReasonCode> {
        let mut entry = entries::received(&question.intent, signed, from, self.clock.now_ms());
        entry.counter = Some(self.next_counter(question.to));
        self.seal_salt(&mut entry, salt);
        let logged = self.append(&entry).map_err(|e| log_reason(&e))?;
        self.receipt_of(&entry, logged.entry_hash())
    }

    /// Logs that a question of ours brought nothing.
    pub(in crate::service) fn log_unanswered(
        &self,
        question: &Question,
        reason: ReasonCode,
        signed: Option<&SignedReceipt>,
    ) {
        let receipts = [ReasonCode::ReceiptInvalid, ReasonCode::ReceiptMismatch, ReasonCode::ReceiptCounter];
        if receipts.contains(&reason) {
            self.name_liar(question.to, question.transfer(), reason);
        }
        let mut entry = entries::outcome(&question.intent, Outcome::Failed, self.clock.now_ms());
        entry.reason_codes = vec![reason.code().to_owned()];
        if let Some(signed) = signed {
            entries::under_receipt(&mut entry, signed);
        }
        if let Err(e) = self.note(&entry) {
            tracing::error!("transferlog: {e}");
        }
    }
}

/// Whether a receipt names our question: transfer, our entry, query.
fn names(question: &Question, receipt: &Receipt) -> Result<(), ()> {
    let same = receipt.transfer == question.transfer()
        && receipt.peer_entry == Some(question.hash)
        && receipt.query == question.intent.query_hash;
    if same { Ok(()) } else { Err(()) }
}

fn fault(fault: InvalidAnswer) -> ReasonCode {
    match fault {
        InvalidAnswer::Signature => ReasonCode::AnswerSignatureInvalid,
        InvalidAnswer::Malformed => ReasonCode::MessageMalformed,
        InvalidAnswer::Mismatch => ReasonCode::AnswerMismatch,
    }
}
