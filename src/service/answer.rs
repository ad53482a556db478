//! Answering a question of the monitor: permit, release, log, sign; and refusing one. The order of the steps is the point.

use super::api::{
    AggregateRequest, Answer, HandedOver, NodeService, Peer, Refusal, Reply, StatusView, Verdict, WantedReceipts,
};
use super::cases::answer::CaseRefused;
use super::cases::exits::CaseContent;
use super::cases::messages::{CaseAsked, CaseDelivery};
use super::convenants::Standing;
use super::core::{Core, CoreError};
use super::document::{AnswerDocument, sign};
use super::entries::{self, ReleaseFacts};
use super::links::messages::{LinkAsked, LinkReply};
use super::standards::RecordsRefused;
use super::sums::messages::{ShareRequest, SumAsked, SumReply};
use super::sums::share::Share;
use super::witness::{ShowReply, ShowRequest};
use crate::crypto::{Digest, hex, random};
use crate::domain::oin::Oin;
use crate::domain::query::TableQuery;
use crate::domain::reason::ReasonCode;
use crate::domain::table::{Mark, Table};
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::Route;
use crate::policy::permit::{Permit, decide, decide_link, decide_sum};
use crate::storage::log::{LogError, Logged};
use crate::translog::entry::{Aggregate, payload_commitment};
use crate::translog::receipt::SignedReceipt;
use crate::translog::standards::fsc::{Page, RawQuestion};

/// A question with who asks it, and its verdict.
struct Asked<'a> {
    peer: &'a Peer,
    request: &'a AggregateRequest,
    verdict: &'a Verdict,
}

impl Core {
    /// Decides on a question, and answers it when allowed. Every road ends in a durable entry before anything leaves, and a
    /// question in one verdict: when it was overruled meanwhile, nothing is logged here and nothing leaves.
    fn decide_and_answer(&self, asked: &Asked<'_>) -> Result<Answer, Refusal> {
        let standing = self.standing();
        let permit = self.permit(&standing, asked.peer, asked.request);
        match permit.and_then(|(permit, convenant)| self.release_logged(asked, &permit, convenant)) {
            Ok(answer) => Ok(answer),
            Err(_) if !asked.verdict.claim() => Err(ReasonCode::TooSlow.into()),
            Err(reason) => Err(self.refuse(asked.peer, asked.request, reason)),
        }
    }

    fn permit<'a>(
        &self,
        standing: &'a Standing,
        peer: &Peer,
        request: &AggregateRequest,
    ) -> Result<(Permit, &'a ConvenantInForce), ReasonCode> {
        let in_force = standing.in_force.as_ref().map_err(|reason| *reason)?;
        self.may_transfer()?;
        let named = in_force.iter().find(|c| c.hash() == request.convenant_hash);
        let convenant = named
            .or_else(|| in_force.iter().find(|c| c.convenant().party(&peer.oin).is_some()))
            .ok_or(ReasonCode::OinNotInConvenant)?;
        let terms = convenant.convenant();
        let linked = |table: &TableQuery| terms.grant(table.indicator, Route::Link).is_some();
        let decided = match self.is_gate_of(terms) {
            // Sums and linked figures are asked apart.
            true if request.query.tables().iter().all(linked) => decide_link,
            true => decide_sum,
            false => decide,
        };
        let permit = decided(convenant, &peer.oin, &request.convenant_hash, &request.query, standing.day)?;
        self.claim_request(peer.oin, request)?;
        Ok((permit, convenant))
    }

    /// The release, its document, the INTENT and the signature, in this order.
    fn release_logged(
        &self,
        asked: &Asked<'_>,
        permit: &Permit,
        convenant: &ConvenantInForce,
    ) -> Result<Answer, ReasonCode> {
        let Asked { peer, request, verdict } = *asked;
        let (released, pending) = match (self.is_gate_of(convenant.convenant()), permit.route()) {
            (true, Route::Link) => self.released_links(permit)?,
            (true, _) => self.released_sums(permit)?,
            (false, _) => self.release(permit)?,
        };
        // The audit can take minutes; a withdrawal in the meantime stops the answer.
        self.still_in_force(&convenant.hash())?;
        let now_ms = self.clock.now_ms();
        let document = AnswerDocument {
            version: 1,
            sender: self.identity.oin,
            receiver: peer.oin,
            convenant: convenant.hash().to_hex(),
            query: request.query.hash().to_hex(),
            transfer: hex(request.transfer_id.as_bytes()),
            date: self.clock.today(),
            tables: released.tables().to_vec(),
            pending,
        };
        let bytes = document.to_bytes();
        let salt: [u8; 16] = random();
        let facts = ReleaseFacts {
            ourselves: self.identity.oin,
            peer,
            request,
            convenant: convenant.convenant(),
            fields: indicators_of(&document.tables),
            aggregate: aggregate_of(&document.tables, convenant.convenant().disclosure.threshold),
            commitment: payload_commitment(&salt, &bytes),
            counter: self.next_counter(peer.oin),
            now_ms,
        };
        if !verdict.claim() {
            return Err(ReasonCode::TooSlow);
        }
        let mut intent = entries::release_intent(&facts);
        self.seal_salt(&mut intent, &salt);
        let logged = self.append(&intent).map_err(|e| log_reason(&e))?;
        let receipt = self.receipt_of(&intent, logged.entry_hash())?;
        self.await_receipt(&receipt);
        let payload = Payload { signature: sign(&bytes, &self.signing), bytes, salt, receipt: Box::new(receipt) };
        Answer::new(&released, &logged, payload).ok_or(ReasonCode::Internal)
    }

    /// Writes what is still counted in memory and how far the audit log is, and signs the last checkpoint; at the end of the process.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn close_down(&self) -> Result<(), CoreError> {
        self.summarise_refused()?;
        self.close_unconfirmed(true)?;
        self.anchor_audit(0)?;
        self.log.checkpoint()?;
        self.index.flush();
        Ok(())
    }
}

/// The bytes of an answer with what proves them.
pub struct Payload {
    /// The document.
    pub bytes: Vec<u8>,
    /// Salt of the commitment in the log.
    pub salt: [u8; 16],
    /// The node's signature.
    pub signature: [u8; 64],
    /// The node's receipt of the entry.
    pub receipt: Box<SignedReceipt>,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload(<{} bytes>)", self.bytes.len())
    }
}

/// Whether an entry in the log covers this release: same question, same payload, and the receipt is of that entry.
pub(in crate::service) fn covered(query_hash: Digest, logged: &Logged, payload: &Payload) -> bool {
    logged.query_hash() == Some(query_hash)
        && logged.covers(&payload.salt, &payload.bytes)
        && payload.receipt.receipt().entry == Some(logged.entry_hash())
}

pub(in crate::service) fn indicators_of(tables: &[Table]) -> Vec<String> {
    let names: std::collections::BTreeSet<&str> = tables.iter().map(|t| t.indicator.as_str()).collect();
    names.into_iter().map(str::to_owned).collect()
}

pub(in crate::service) fn aggregate_of(tables: &[Table], threshold: u32) -> Aggregate {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let rows = || tables.iter().flat_map(|t| &t.rows);
    Aggregate {
        cells: count(rows().count()),
        suppressed: count(rows().filter(|r| r.mark == Some(Mark::Suppressed)).count()),
        min_n: threshold,
    }
}

pub(in crate::service) fn log_reason(error: &LogError) -> ReasonCode {
    match error {
        LogError::Full => ReasonCode::DiskFull,
        _ => ReasonCode::LogUnavailable,
    }
}

impl NodeService for Core {
    fn admit(&self, oin: &Oin, pin: &Digest) -> Result<(), ReasonCode> {
        let standing = self.standing();
        let convenants = standing.in_force.as_ref().map_err(|reason| *reason)?;
        let mut parties = convenants.iter().filter_map(|c| c.convenant().party(oin)).peekable();
        if parties.peek().is_none() {
            return Err(ReasonCode::OinNotInConvenant);
        }
        if parties.any(|p| p.card.card().accepts_pin(pin)) { Ok(()) } else { Err(ReasonCode::PinDiffers) }
    }

    fn aggregate(&self, peer: &Peer, request: &AggregateRequest, verdict: &Verdict) -> Reply {
        self.decide_and_answer(&Asked { peer, request, verdict }).map_or_else(Reply::Refused, Reply::Answer)
    }

    fn refuse(&self, peer: &Peer, request: &AggregateRequest, reason: ReasonCode) -> Refusal {
        let mut entry = entries::denial(self.identity.oin, peer, request, reason, self.clock.now_ms());
        entry.counter = Some(self.next_counter(peer.oin));
        match self.append(&entry) {
            Ok(logged) => Refusal { reason, receipt: self.receipt_of(&entry, logged.entry_hash()).ok().map(Box::new) },
            // In no entry of its own: counted, and it says only that.
            Err(e) => {
                let reason = log_reason(&e);
                self.connection_refused(reason, Some(peer.oin));
                reason.into()
            }
        }
    }

    fn answered(&self, peer: &Peer, answer: HandedOver, complete: bool) {
        self.handed_over(peer.oin, answer, complete);
        self.handed_along(answer, complete);
    }

    fn confirm(&self, peer: &Peer, receipt: &[u8]) -> Result<(), ReasonCode> {
        self.take_confirmation(peer.oin, receipt)
    }

    fn receipts(&self, peer: &Peer, wanted: &WantedReceipts) -> Result<Vec<SignedReceipt>, ReasonCode> {
        self.receipts_for(peer, wanted)
    }

    fn fsc_records(&self, peer: &Peer, question: &RawQuestion) -> Result<Page, RecordsRefused> {
        self.records_for(peer.oin, question)
    }

    fn status(&self, _peer: &Peer) -> StatusView {
        let standing = self.standing();
        let mut convenants: Vec<Digest> = standing.in_force.iter().flatten().map(ConvenantInForce::hash).collect();
        convenants.sort();
        StatusView {
            oin: self.identity.oin,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            convenants,
            ready: !self.failed() && self.may_transfer().is_ok(),
        }
    }

    fn witness(&self, peer: &Peer, request: &ShowRequest) -> Result<ShowReply, ReasonCode> {
        self.judge(peer, request)
    }

    fn sum(&self, peer: &Peer, asked: SumAsked) -> Result<SumReply, Refusal> {
        self.answer_sum(peer, asked)
    }

    fn share(&self, peer: &Peer, request: &ShareRequest) -> Result<Share, Refusal> {
        self.share_in(peer, request)
    }

    fn link(&self, peer: &Peer, asked: LinkAsked) -> Result<LinkReply, Refusal> {
        self.answer_link(peer, asked)
    }

    fn case_ask(&self, peer: &Peer, asked: &CaseAsked) -> Result<CaseContent, CaseRefused> {
        self.answer_case(peer, asked)
    }

    fn case_offer(&self, peer: &Peer, offer: &CaseAsked) -> Result<Digest, Refusal> {
        self.take_up(peer, offer)
    }

    fn case_deliver(&self, peer: &Peer, content: &CaseDelivery) -> Result<SignedReceipt, Refusal> {
        self.take_offered(peer, content)
    }

    fn connection_refused(&self, reason: ReasonCode, _claimed: Option<Oin>) {
        self.refused.count(reason, self.clock.now_ms());
    }
}
