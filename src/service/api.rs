//! What transport serves ([`NodeService`]) and calls for us ([`Peers`]): plain synchronous traits and their nouns.

use std::time::Duration;

use thiserror::Error;

use super::answer::{Payload, covered};
use super::cases::answer::CaseRefused;
use super::cases::exits::{CaseAsk, CaseContent};
use super::cases::messages::{CaseAsked, CaseDelivery};
use super::cases::offer::CaseOffer;
use super::links::messages::{LinkAsked, LinkCall, LinkReply, LinkSaid};
use super::standards::RecordsRefused;
use super::sums::messages::{Delivery, ShareRequest, SumAsked, SumCall, SumReply};
use super::sums::share::Share;
use super::witness::{ShowReply, ShowRequest};
use crate::crypto::Digest;
use crate::disclosure::release::Released;
use crate::domain::oin::Oin;
use crate::domain::query::Query;
use crate::domain::reason::ReasonCode;
use crate::storage::log::Logged;
use crate::translog::entry::TransferId;
use crate::translog::receipt::SignedReceipt;
use crate::translog::standards::fsc::{Page, RawQuestion};

pub use super::trace::TraceContext;
pub use super::verdict::Verdict;

/// Bound on the document of an answer, in bytes: 16 MiB. A longer one cannot leave.
pub const MAX_DOCUMENT_BYTES: usize = 16 << 20;

/// What TLS agreed on for one connection, for the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFacts {
    /// Protocol version, `TLS1.3`.
    pub version: String,
    /// Cipher suite by its IANA name, `TLS13_AES_256_GCM_SHA384`.
    pub suite: String,
    /// Key exchange group, `X25519`.
    pub group: String,
}

/// The other side of a connection: it proved to hold the key of this certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The OIN in the subject's serialNumber (2.5.4.5) of its certificate.
    pub oin: Oin,
    /// SHA-256 of the certificate's SubjectPublicKeyInfo (DER).
    pub pin: Digest,
    /// SHA-256 of the whole certificate (DER).
    pub certificate: Digest,
    /// What TLS agreed on.
    pub tls: TlsFacts,
}

/// A question of the monitor to one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AggregateRequest {
    /// Drawn by the asker for its own INTENT; both sides log under it, and a repeated request bears the same id.
    pub transfer_id: TransferId,
    /// Leaf hash of the asker's INTENT.
    pub intent_hash: Digest,
    /// The version of the convenant that the asker goes by.
    pub convenant_hash: Digest,
    /// The tables asked for.
    pub query: Query,
    /// Names the call in both logs.
    pub trace: TraceContext,
}

/// Names an answer that leaves: its transfer and our INTENT of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HandedOver {
    /// Id of the transfer.
    pub transfer: TransferId,
    /// Leaf hash of our INTENT.
    pub entry: Digest,
}

/// An answer that may leave: a document (JSON bytes, at most 16 MiB) with the node's Ed25519 signature over it, its receipt and
/// the salt of the commitment in it.
#[derive(Debug)]
pub struct Answer {
    payload: Payload,
    handed: HandedOver,
}

impl Answer {
    /// An answer about nothing, for tests of the transport alone; not compiled into the product.
    #[cfg(test)]
    pub(crate) fn for_tests(bytes: Vec<u8>, signature: [u8; 64], receipt: SignedReceipt) -> Self {
        let handed = HandedOver { transfer: TransferId::new(1, [1; 10]), entry: Digest([1; 32]) };
        Self { payload: Payload { bytes, salt: [2; 16], signature, receipt: Box::new(receipt) }, handed }
    }

    /// The only road to an answer: what was released, the durable entry that covers exactly these bytes, and our receipt of
    /// that entry. `None` when they do not belong together: another question, another payload, another entry.
    #[must_use]
    pub fn new(released: &Released, logged: &Logged, payload: Payload) -> Option<Self> {
        if !covered(released.query_hash(), logged, &payload) {
            return None;
        }
        let handed = HandedOver { transfer: logged.transfer_id(), entry: logged.entry_hash() };
        Some(Self { payload, handed })
    }

    /// Under which transfer and entry its outcome is logged.
    #[must_use]
    pub fn handed(&self) -> HandedOver {
        self.handed
    }

    /// The document: JSON bytes.
    #[must_use]
    pub fn document(&self) -> &[u8] {
        &self.payload.bytes
    }

    /// The node's Ed25519 signature.
    #[must_use]
    pub fn signature(&self) -> &[u8; 64] {
        &self.payload.signature
    }

    /// The document with all that proves it.
    #[must_use]
    pub fn into_payload(self) -> Payload {
        self.payload
    }
}

/// What a node says to a question.
#[derive(Debug)]
pub enum Reply {
    /// Released and logged.
    Answer(Answer),
    /// Refused, and the refusal logged.
    Refused(Refusal),
}

/// A refusal that may leave: the asker gets this code, the trace id and our receipt of the entry, and nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Why.
    pub reason: ReasonCode,
    /// Our receipt of the DENY; none when it has no entry of its own.
    pub receipt: Option<Box<SignedReceipt>>,
}

impl From<ReasonCode> for Refusal {
    fn from(reason: ReasonCode) -> Self {
        Self { reason, receipt: None }
    }
}

/// Receipts that a partner asks for, at most 256 in all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WantedReceipts {
    /// Transfers in which it asked us: what did we answer?
    pub answers: Vec<TransferId>,
    /// Transfers in which we asked it: did we receive its answer?
    pub received: Vec<TransferId>,
}

/// A partner's answer as it came in: nothing in it is checked but its size and digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnswerBytes {
    /// The document as the partner signed it.
    pub document: Vec<u8>,
    /// The partner's signature, still to be verified.
    pub signature: [u8; 64],
    /// The partner's receipt, still to be read and verified.
    pub receipt: Vec<u8>,
    /// Salt of the commitment in the receipt.
    pub salt: [u8; 16],
    /// By what the other end of the connection proved who it is; none when the transport cannot tell.
    pub from: Option<ProvenBy>,
}

/// By what the other end of a connection proved who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProvenBy {
    /// SHA-256 of its certificate (DER).
    pub certificate: Digest,
    /// SHA-256 of the certificate's SubjectPublicKeyInfo (DER).
    pub pin: Digest,
}

/// The state of a node that a partner may see. Holds no value that derives from a child.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatusView {
    /// Who answers.
    pub oin: Oin,
    /// Version of the software.
    pub version: String,
    /// Hashes of the convenants in force here, sorted.
    pub convenants: Vec<Digest>,
    /// Whether questions can be answered now.
    pub ready: bool,
}

/// What a node serves to its partners. Called from threads that may block; no method may panic on bad input.
pub trait NodeService: Send + Sync + 'static {
    /// Whether this OIN with this key is a party of a convenant in force. Asked after each handshake and before each
    /// call, from an async thread: must not block on a disk.
    ///
    /// # Errors
    /// Why not: [`ReasonCode::OinNotInConvenant`], [`ReasonCode::PinDiffers`] or [`ReasonCode::NoConvenant`].
    fn admit(&self, oin: &Oin, pin: &Digest) -> Result<(), ReasonCode>;

    /// Answers a question; claims the verdict and logs before it returns. An overruled verdict leaves no entry.
    fn aggregate(&self, peer: &Peer, request: &AggregateRequest, verdict: &Verdict) -> Reply;

    /// Logs that a question is refused whose verdict the caller overruled; the reason that may leave now, which is another
    /// one when the log cannot be written.
    fn refuse(&self, peer: &Peer, request: &AggregateRequest, reason: ReasonCode) -> Refusal;

    /// Notes how an answer ended: handed to the connection completely, so that its receipt is waited for, or broken off.
    /// Called once for each answer.
    fn answered(&self, peer: &Peer, answer: HandedOver, complete: bool);

    /// Takes the asker's receipt of an answer and logs it.
    ///
    /// # Errors
    /// [`ReasonCode::ReceiptInvalid`], [`ReasonCode::ReceiptMismatch`], [`ReasonCode::ReceiptCounter`]; or the log cannot be
    /// written.
    fn confirm(&self, peer: &Peer, receipt: &[u8]) -> Result<(), ReasonCode>;

    /// Our receipts of transfers between us and this peer.
    ///
    /// # Errors
    /// [`ReasonCode::TooOften`]; or the log cannot be read.
    fn receipts(&self, peer: &Peer, wanted: &WantedReceipts) -> Result<Vec<SignedReceipt>, ReasonCode>;

    /// The state that a partner may see.
    fn status(&self, peer: &Peer) -> StatusView;

    /// The FSC records of our log in which the partner is outway, service or delegator.
    ///
    /// # Errors
    /// [`RecordsRefused`].
    fn fsc_records(&self, peer: &Peer, question: &RawQuestion) -> Result<Page, RecordsRefused>;

    /// As a witness, judges the checkpoint that a partner shows of its own log.
    ///
    /// # Errors
    /// The reason that the partner gets.
    fn witness(&self, peer: &Peer, request: &ShowRequest) -> Result<ShowReply, ReasonCode>;

    /// Answers a question about a run of regional sums; what is refused is logged.
    ///
    /// # Errors
    /// [`Refusal`].
    fn sum(&self, peer: &Peer, asked: SumAsked) -> Result<SumReply, Refusal>;

    /// Our share in a run of regional sums, logged before it returns; [`NodeService::answered`] is called once for it.
    ///
    /// # Errors
    /// [`Refusal`].
    fn share(&self, peer: &Peer, request: &ShareRequest) -> Result<Share, Refusal>;

    /// Does a step of a linked run, logged before it returns; what is refused is logged.
    ///
    /// # Errors
    /// [`Refusal`].
    fn link(&self, peer: &Peer, asked: LinkAsked) -> Result<LinkReply, Refusal>;

    /// Answers a request about a child, logged before it returns; what is refused is logged. [`NodeService::answered`] is called once for
    /// an answer.
    ///
    /// # Errors
    /// [`CaseRefused`].
    fn case_ask(&self, _peer: &Peer, _asked: &CaseAsked) -> Result<CaseContent, CaseRefused> {
        Err(Refusal::from(ReasonCode::CaseExchange).into())
    }

    /// Takes up an offer, logged before it returns: the leaf hash of our entry.
    ///
    /// # Errors
    /// [`Refusal`].
    fn case_offer(&self, _peer: &Peer, _offer: &CaseAsked) -> Result<Digest, Refusal> {
        Err(ReasonCode::CaseExchange.into())
    }

    /// Takes the content of an offer that was taken up; our receipt of it.
    ///
    /// # Errors
    /// [`Refusal`].
    fn case_deliver(&self, _peer: &Peer, _content: &CaseDelivery) -> Result<SignedReceipt, Refusal> {
        Err(ReasonCode::CaseExchange.into())
    }

    /// Counts a connection or message that was refused before it became a question. `claimed` is the OIN of the
    /// certificate, which proves nothing while the certificate is refused. Called from async threads: must not block
    /// on a disk.
    fn connection_refused(&self, reason: ReasonCode, claimed: Option<Oin>);
}

/// Why a call to a partner brought no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum PeerError {
    /// No endpoint and pin are known for this OIN.
    #[error("van deze partij is geen adres en sleutel bekend")]
    UnknownParty,
    /// The partner's address cannot be reached; nothing was sent.
    #[error("de partij is niet bereikbaar op haar adres")]
    Unreachable,
    /// The partner's certificate or key was refused by us; nothing was sent.
    #[error("het certificaat van de andere kant is geweigerd ({0}): {sentence}", sentence = .0.sentence())]
    Distrusted(ReasonCode),
    /// The partner broke off the connection. It refuses our certificate, key or connection; its log has the reason.
    #[error("de partij verbrak de verbinding; de reden staat in haar logboek")]
    Closed,
    /// The partner refused with this code.
    #[error("de partij weigert ({0}): {sentence}", sentence = .0.sentence())]
    Refused(ReasonCode),
    /// No answer within the deadline; whether it was sent is unknown.
    #[error("geen antwoord binnen de tijd")]
    Deadline,
    /// What came back is no answer of this protocol, or a code that this version does not know.
    #[error("het antwoord is onleesbaar of onvolledig")]
    Malformed,
}

impl PeerError {
    /// The code of the registry that comes nearest, for logs and reports.
    #[must_use]
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::UnknownParty => ReasonCode::OinNotInConvenant,
            Self::Unreachable | Self::Closed => ReasonCode::PartnerUnreachable,
            Self::Distrusted(reason) | Self::Refused(reason) => reason,
            Self::Deadline => ReasonCode::TooSlow,
            Self::Malformed => ReasonCode::MessageMalformed,
        }
    }

    /// Whether the same request, with the same id, may succeed when it is sent again.
    #[must_use]
    pub fn retryable(self) -> bool {
        use crate::domain::reason::StatusClass;
        match self {
            Self::Unreachable | Self::Closed | Self::Deadline => true,
            Self::Refused(reason) => matches!(
                reason.status(),
                StatusClass::Unavailable | StatusClass::DeadlineExceeded | StatusClass::ResourceExhausted
            ),
            Self::UnknownParty | Self::Distrusted(_) | Self::Malformed => false,
        }
    }
}

/// A question that brought no answer: why, and the partner's receipt when it refused with one (still to be verified).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unanswered {
    /// Why.
    pub error: PeerError,
    /// Bytes of the receipt.
    pub receipt: Option<Vec<u8>>,
}

impl From<PeerError> for Unanswered {
    fn from(error: PeerError) -> Self {
        Self { error, receipt: None }
    }
}

/// Our partners, one method per call. Blocks: call it from a thread that may.
pub trait Peers: Send + Sync {
    /// Asks `to` a question and waits at most `deadline`, connecting included.
    ///
    /// # Errors
    /// [`PeerError`]; the caller decides on retries, with the same transfer id.
    fn aggregate(&self, to: &Oin, request: &AggregateRequest, deadline: Duration) -> Result<AnswerBytes, Unanswered>;

    /// Gives `to` our receipt of its answer.
    ///
    /// # Errors
    /// [`PeerError`]; it will ask for the receipt itself.
    fn confirm(&self, to: &Oin, receipt: &SignedReceipt, deadline: Duration) -> Result<(), PeerError>;

    /// Asks `to` for receipts; their bytes, still to be verified, at most as many as were wanted.
    ///
    /// # Errors
    /// [`PeerError`].
    fn receipts(&self, to: &Oin, wanted: &WantedReceipts, deadline: Duration) -> Result<Vec<Vec<u8>>, PeerError>;

    /// Asks `to` about a run of regional sums.
    ///
    /// # Errors
    /// [`PeerError`].
    fn sum(&self, to: &Oin, call: &SumCall, deadline: Duration) -> Result<SumReply, PeerError>;

    /// Asks `to` for its share in a run of regional sums.
    ///
    /// # Errors
    /// [`Unanswered`].
    fn share(&self, to: &Oin, request: &ShareRequest, deadline: Duration) -> Result<Delivery, Unanswered>;

    /// Asks `to` for a step of a linked run.
    ///
    /// # Errors
    /// [`PeerError`].
    fn link(&self, to: &Oin, call: &LinkCall, deadline: Duration) -> Result<LinkSaid, PeerError>;

    /// Asks `to` for fields of a child.
    ///
    /// # Errors
    /// [`Unanswered`].
    fn case_ask(&self, _to: &Oin, _ask: &CaseAsk, _deadline: Duration) -> Result<CaseDelivery, Unanswered> {
        Err(PeerError::UnknownParty.into())
    }

    /// Offers `to` fields of a child that is not named: the leaf hash of its entry.
    ///
    /// # Errors
    /// [`Unanswered`].
    fn case_offer(&self, _to: &Oin, _offer: &CaseOffer, _deadline: Duration) -> Result<Digest, Unanswered> {
        Err(PeerError::UnknownParty.into())
    }

    /// Gives `to` the content of an offer that it took up: bytes of its receipt, still to be verified.
    ///
    /// # Errors
    /// [`PeerError`].
    fn case_deliver(&self, _to: &Oin, _content: &CaseContent, _deadline: Duration) -> Result<Vec<u8>, PeerError> {
        Err(PeerError::UnknownParty)
    }

    /// Asks `to` for its state.
    ///
    /// # Errors
    /// [`PeerError`].
    fn status(&self, to: &Oin, deadline: Duration) -> Result<StatusView, PeerError>;

    /// Shows our checkpoint to the witness `to`.
    ///
    /// # Errors
    /// [`PeerError`].
    fn show_checkpoint(&self, to: &Oin, request: &ShowRequest, deadline: Duration) -> Result<ShowReply, PeerError>;
}
