//! Entries of the transfer log for each step of a use case. Nothing here holds a value that derives from a child.

use super::api::{AggregateRequest, Peer, ProvenBy};
use super::sums::document::RunBody;
use crate::crypto::{Digest, from_hex, random};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::linkage::document::Run;
use crate::policy::convenant::Convenant;
use crate::translog::entry::{
    Aggregate, Confidentiality, Decision, Direction, Entry, LINKED_SERVICE, Outcome, Phase, Status, TransferId,
};
use crate::translog::receipt::SignedReceipt;

const DAY_MS: u64 = 86_400_000;
/// A day in the year 8814: a clock that says later is not believed.
const LAST_DAY: i32 = 2_500_000;

/// Name of the aggregate service in the log.
pub const AGGREGATE: &str = "ketenpoort.v1.Node/Aggregate";
/// Name of the service of regional sums in the log.
pub const SUMS: &str = "ketenpoort.v1.Sums/Share";
/// Name of the service of linked runs in the log.
pub const LINKS: &str = LINKED_SERVICE;
/// Name of the witness service in the log.
pub const WITNESS: &str = "ketenpoort.v1.Witness/AddCheckpoint";
/// Name of an organisation's own view in the log.
pub const OWN_VIEW: &str = "eigen-cijfers";

/// A fresh transfer id (UUIDv7).
#[must_use]
pub fn transfer_id(now_ms: u64) -> TransferId {
    TransferId::new(now_ms, random())
}

/// What every entry about a question of a partner says.
fn incoming(id: TransferId, phase: Phase, ourselves: Oin, peer: &Peer, now_ms: u64) -> Entry {
    let mut entry = Entry::new(id, Direction::Outgoing, phase, now_ms);
    entry.sender_oin = Some(ourselves);
    entry.receiver_oin = Some(peer.oin);
    entry.service = AGGREGATE.to_owned();
    entry.action = "Cijfers vrijgeven aan de ketenmonitor".to_owned();
    entry.peer_certificate = Some(peer.certificate);
    entry.peer_spki = Some(peer.pin);
    entry.confidentiality = Some(Confidentiality::Normal);
    entry
}

fn under(entry: &mut Entry, convenant: &Convenant) {
    entry.convenant_id.clone_from(&convenant.id);
    entry.convenant_hash = Some(convenant.hash());
    let purpose = convenant.purposes.first();
    entry.purpose = purpose.map_or_else(String::new, |p| format!("{:?}", p.purpose));
    entry.ground_article = purpose.map_or_else(String::new, |p| p.legal_basis.clone());
    entry.rules_version = env!("CARGO_PKG_VERSION").to_owned();
    entry.retention_until = Some(retention_until(entry.start_ms, convenant));
}

/// Day of a moment; a clock past the year 8814 is not believed.
pub(in crate::service) fn day_of(start_ms: u64) -> Day {
    Day(i32::try_from(start_ms / DAY_MS).unwrap_or(i32::MAX).min(LAST_DAY))
}

/// Last day that the sealed part of an entry of this moment is kept under a convenant.
#[must_use]
pub fn retention_until(start_ms: u64, convenant: &Convenant) -> Day {
    day_of(start_ms).add_months(i32::try_from(convenant.retention.log_years).unwrap_or(0).saturating_mul(12))
}

/// A released answer that is about to leave.
#[must_use]
pub fn release_intent(about: &ReleaseFacts<'_>) -> Entry {
    let mut entry = incoming(about.request.transfer_id, Phase::Intent, about.ourselves, about.peer, about.now_ms);
    under(&mut entry, about.convenant);
    entry.trace_id = Some(about.request.trace.trace_id);
    entry.parent_span_id = Some(about.request.trace.span_id);
    entry.decision = Some(Decision::Allow);
    entry.data_categories = vec!["geaggregeerde cijfers".to_owned()];
    entry.field_names = about.fields.clone();
    entry.aggregate = Some(about.aggregate);
    entry.query_hash = Some(about.request.query.hash());
    entry.peer_entry_hash = Some(about.request.intent_hash);
    entry.payload_commitment = Some(about.commitment);
    entry.counter = Some(about.counter);
    entry
}

/// What an INTENT about a release says.
pub struct ReleaseFacts<'a> {
    /// Who releases.
    pub ourselves: Oin,
    /// Who asked.
    pub peer: &'a Peer,
    /// The question.
    pub request: &'a AggregateRequest,
    /// Under which convenant.
    pub convenant: &'a Convenant,
    /// Indicators released.
    pub fields: Vec<String>,
    /// Numbers of cells.
    pub aggregate: Aggregate,
    /// Salted hash of the document.
    pub commitment: Digest,
    /// Receipt counter towards who asked.
    pub counter: u64,
    /// When.
    pub now_ms: u64,
}

/// A question that is refused.
#[must_use]
pub fn denial(ourselves: Oin, peer: &Peer, request: &AggregateRequest, reason: ReasonCode, now_ms: u64) -> Entry {
    let mut entry = incoming(request.transfer_id, Phase::Deny, ourselves, peer, now_ms);
    entry.trace_id = Some(request.trace.trace_id);
    entry.parent_span_id = Some(request.trace.span_id);
    entry.decision = Some(Decision::Deny);
    entry.reason_codes = vec![reason.code().to_owned()];
    entry.query_hash = Some(request.query.hash());
    entry.peer_entry_hash = Some(request.intent_hash);
    entry.convenant_hash = Some(request.convenant_hash);
    entry
}

/// How a transfer ended that was announced by `intent`.
#[must_use]
pub fn outcome(intent: &Entry, outcome: Outcome, now_ms: u64) -> Entry {
    let mut entry = Entry::new(intent.transfer_id, intent.direction, Phase::Outcome, now_ms);
    entry.sender_oin = intent.sender_oin;
    entry.receiver_oin = intent.receiver_oin;
    entry.service.clone_from(&intent.service);
    (entry.trace_id, entry.span_id, entry.parent_span_id) = (intent.trace_id, intent.span_id, intent.parent_span_id);
    entry.activity_own.clone_from(&intent.activity_own);
    entry.outcome = Some(outcome);
    entry.end_ms = Some(now_ms);
    entry.status = Some(if matches!(outcome, Outcome::Failed) { Status::Error } else { Status::Ok });
    entry
}

/// How an answer to a question of a partner ended.
#[must_use]
pub fn answered(id: TransferId, ourselves: Oin, peer: Oin, ended: Outcome, now_ms: u64) -> Entry {
    let mut intent = Entry::new(id, Direction::Outgoing, Phase::Intent, now_ms);
    intent.sender_oin = Some(ourselves);
    intent.receiver_oin = Some(peer);
    intent.service = AGGREGATE.to_owned();
    outcome(&intent, ended, now_ms)
}

/// A question of ours that goes out.
#[must_use]
pub fn question(ourselves: Oin, peer: Oin, convenant: &Convenant, query: Digest, now_ms: u64) -> Entry {
    let id = transfer_id(now_ms);
    let mut entry = Entry::new(id, Direction::Incoming, Phase::Intent, now_ms);
    entry.sender_oin = Some(peer);
    entry.receiver_oin = Some(ourselves);
    entry.service = AGGREGATE.to_owned();
    entry.action = "Cijfers vragen".to_owned();
    under(&mut entry, convenant);
    entry.query_hash = Some(query);
    entry
}

/// We ask a party for its share in a run: `ours` and whom we ask.
#[must_use]
pub fn share_asked((ours, from): (Oin, Oin), convenant: &Convenant, body: &RunBody, now_ms: u64) -> Entry {
    let mut entry = question(ours, from, convenant, body.hash(), now_ms);
    entry.transfer_id = body.run_id().unwrap_or(entry.transfer_id);
    entry.service = SUMS.to_owned();
    entry.action = "Aandeel in een regionale som vragen".to_owned();
    entry
}

/// A share of ours that is about to leave to a party.
#[must_use]
pub fn share_intent((ours, to): (Oin, Oin), convenant: &Convenant, body: &RunBody, now_ms: u64) -> Entry {
    let id = body.run_id().unwrap_or_else(|| transfer_id(now_ms));
    let mut entry = Entry::new(id, Direction::Outgoing, Phase::Intent, now_ms);
    entry.sender_oin = Some(ours);
    entry.receiver_oin = Some(to);
    entry.service = SUMS.to_owned();
    entry.action = "Aandeel in een regionale som geven".to_owned();
    entry.confidentiality = Some(Confidentiality::Normal);
    under(&mut entry, convenant);
    entry.decision = Some(Decision::Allow);
    entry.data_categories = vec!["aandeel in een regionale som".to_owned()];
    entry.field_names = body.fields();
    entry.query_hash = Some(body.hash());
    entry
}

/// A question about a run of regional sums that is refused.
#[must_use]
pub fn sum_denied(ours: Oin, peer: &Peer, run: Option<TransferId>, reason: ReasonCode, now_ms: u64) -> Entry {
    let mut entry = incoming(run.unwrap_or_else(|| transfer_id(now_ms)), Phase::Deny, ours, peer, now_ms);
    entry.service = SUMS.to_owned();
    entry.action = "Deelname aan een regionale som".to_owned();
    entry.decision = Some(Decision::Deny);
    entry.reason_codes = vec![reason.code().to_owned()];
    entry
}

/// What an entry of a linked run says: how many of what.
#[derive(Clone, Copy)]
pub struct LinkEntry<'a> {
    /// Under which convenant.
    pub convenant: &'a Convenant,
    /// Of which run.
    pub run: &'a Run,
    /// What it is, in words.
    pub category: &'static str,
    /// How many.
    pub count: u64,
    /// The certificate of the monitor that carries it; none at the monitor.
    pub carrier: Option<Digest>,
}

fn of_link(phase: Phase, (direction, run): (Direction, &Run), now_ms: u64) -> Entry {
    let id = from_hex(&run.document.run).and_then(|bytes| TransferId::from_bytes(bytes).ok());
    let mut entry = Entry::new(id.unwrap_or_else(|| transfer_id(now_ms)), direction, phase, now_ms);
    // One trace for a whole run, at every party: its id.
    entry.trace_id = id.map(|id| *id.as_bytes());
    entry.service = LINKS.to_owned();
    entry.action = "Deelname aan een gekoppelde ronde".to_owned();
    entry.confidentiality = Some(Confidentiality::Normal);
    entry.query_hash = Some(run.hash);
    entry
}

fn told(entry: &mut Entry, about: &LinkEntry<'_>) {
    under(entry, about.convenant);
    entry.data_categories = vec![about.category.to_owned()];
    entry.field_names = about.run.document.fields();
    entry.row_count = Some(about.count);
    entry.peer_certificate = about.carrier;
}

/// Something of a linked run that is about to leave to a party.
#[must_use]
pub fn link_intent((ours, to): (Oin, Oin), about: &LinkEntry<'_>, now_ms: u64) -> Entry {
    let mut entry = of_link(Phase::Intent, (Direction::Outgoing, about.run), now_ms);
    (entry.sender_oin, entry.receiver_oin) = (Some(ours), Some(to));
    entry.decision = Some(Decision::Allow);
    told(&mut entry, about);
    entry
}

/// Everything of one kind came from a party.
#[must_use]
pub fn link_received((ours, from): (Oin, Oin), about: &LinkEntry<'_>, now_ms: u64) -> Entry {
    let mut entry = of_link(Phase::Received, (Direction::Incoming, about.run), now_ms);
    (entry.sender_oin, entry.receiver_oin) = (Some(from), Some(ours));
    entry.status = Some(Status::Ok);
    told(&mut entry, about);
    entry
}

/// What this party kept of a linked run is gone: announced and done in one, as every act on one's own.
#[must_use]
pub fn link_closed(ours: Oin, about: &LinkEntry<'_>, now_ms: u64) -> [Entry; 2] {
    let mut entry = of_link(Phase::Intent, (Direction::Local, about.run), now_ms);
    (entry.sender_oin, entry.receiver_oin) = (Some(ours), Some(ours));
    entry.action = "Gekoppelde ronde afgesloten: sleutels en rijen gewist".to_owned();
    told(&mut entry, about);
    let done = outcome(&entry, Outcome::Sent, now_ms);
    [entry, done]
}

/// A step of a linked run that is refused.
#[must_use]
pub fn link_denied(ours: Oin, peer: &Peer, run: Option<TransferId>, reason: ReasonCode, now_ms: u64) -> Entry {
    let mut entry = sum_denied(ours, peer, run, reason, now_ms);
    entry.trace_id = run.map(|id| *id.as_bytes());
    entry.service = LINKS.to_owned();
    entry.action = "Deelname aan een gekoppelde ronde".to_owned();
    entry
}

/// Something in a linked run is not of it, by whose doing.
#[must_use]
pub fn link_blamed((ours, culprit): (Oin, Oin), run: &Run, reason: ReasonCode, now_ms: u64) -> Entry {
    let mut entry = of_link(Phase::Deny, (Direction::Incoming, run), now_ms);
    (entry.sender_oin, entry.receiver_oin) = (Some(culprit), Some(ours));
    entry.decision = Some(Decision::Deny);
    entry.reason_codes = vec![reason.code().to_owned()];
    entry
}

/// A part of a regional sum for which its maker signed, and that is none.
#[must_use]
pub fn sum_part_refused(ours: Oin, maker: Oin, run: TransferId, reason: ReasonCode, now_ms: u64) -> Entry {
    let mut entry = Entry::new(run, Direction::Incoming, Phase::Deny, now_ms);
    entry.sender_oin = Some(maker);
    entry.receiver_oin = Some(ours);
    entry.service = SUMS.to_owned();
    entry.action = "Aandeel in een regionale som ontvangen".to_owned();
    entry.decision = Some(Decision::Deny);
    entry.reason_codes = vec![reason.code().to_owned()];
    entry
}

/// What we asked for has arrived, with the partner's receipt and by what it proved who it is.
#[must_use]
pub fn received(intent: &Entry, receipt: &SignedReceipt, from: Option<ProvenBy>, now_ms: u64) -> Entry {
    let mut entry = Entry::new(intent.transfer_id, intent.direction, Phase::Received, now_ms);
    entry.sender_oin = intent.sender_oin;
    entry.receiver_oin = intent.receiver_oin;
    entry.service.clone_from(&intent.service);
    entry.end_ms = Some(now_ms);
    entry.status = Some(Status::Ok);
    let said = receipt.receipt();
    entry.query_hash = said.query;
    entry.payload_commitment = said.commitment;
    entry.field_names.clone_from(&said.field_names);
    entry.aggregate = said.aggregate;
    entry.row_count = said.row_count;
    entry.peer_certificate = from.map(|from| from.certificate);
    entry.peer_spki = from.map(|from| from.pin);
    under_receipt(&mut entry, receipt);
    entry
}

/// Names a receipt of the partner, and its entry that the receipt is about.
pub fn under_receipt(entry: &mut Entry, receipt: &SignedReceipt) {
    entry.peer_entry_hash = receipt.receipt().entry;
    entry.peer_receipt_hash = Some(receipt.hash());
}

/// The organisation looks at its own figures.
#[must_use]
pub fn own_view(ourselves: Oin, field: &str, cells: u32, now_ms: u64) -> Entry {
    let mut entry = Entry::new(transfer_id(now_ms), Direction::Local, Phase::Intent, now_ms);
    entry.sender_oin = Some(ourselves);
    entry.receiver_oin = Some(ourselves);
    entry.service = OWN_VIEW.to_owned();
    entry.action = "Eigen, onbeveiligde cijfers tonen op de eigen machine".to_owned();
    entry.decision = Some(Decision::Allow);
    entry.field_names = vec![field.to_owned()];
    entry.aggregate = Some(Aggregate { cells, suppressed: 0, min_n: 0 });
    entry
}

/// Something is wrong with the log of a partner, or with what we remember of it: refused, and kept as evidence.
#[must_use]
pub fn witness_finding(ourselves: Oin, log: Oin, reason: ReasonCode, now_ms: u64) -> Entry {
    let mut entry = Entry::new(transfer_id(now_ms), Direction::Local, Phase::Deny, now_ms);
    entry.sender_oin = Some(log);
    entry.receiver_oin = Some(ourselves);
    entry.service = WITNESS.to_owned();
    entry.action = "Getuige van een logboek: bevinding".to_owned();
    entry.decision = Some(Decision::Deny);
    entry.reason_codes = vec![reason.code().to_owned()];
    entry
}

/// Connections that were refused between two moments, for one reason.
#[must_use]
pub fn refused_connections(ourselves: Oin, reason: ReasonCode, count: u64, span_ms: (u64, u64)) -> Entry {
    let mut entry = Entry::new(transfer_id(span_ms.1), Direction::Incoming, Phase::Connection, span_ms.0);
    entry.receiver_oin = Some(ourselves);
    entry.end_ms = Some(span_ms.1);
    entry.refused_connections = Some(count);
    entry.reason_codes = vec![reason.code().to_owned()];
    entry
}
