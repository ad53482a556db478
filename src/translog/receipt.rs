//! Receipts: what one organisation signs for another about its own entry of a transfer, so that neither can change its log
//! unseen. A receipt is a signed note (c2sp.org/signed-note) by the node's signing key with one form per content; it says no
//! more than the entry, and has a counter per partner instead of a number of the log.

mod form;

use thiserror::Error;

use super::entry::{Aggregate, Decision, Direction, Entry, Phase, TransferId};
use super::note::{InvalidNote, Note};
use crate::crypto::{Digest, SigningKey, VerifyingKey, digest};
use crate::domain::oin::Oin;

/// Start of the name of a node's signing key in notes, followed by its OIN.
pub const NAME_PREFIX: &str = "ketenpoort.nl/node/";
/// The longest receipt, in bytes: a bundle holds its length in two bytes.
pub const MAX_RECEIPT_BYTES: usize = 65_535;

/// What a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The signer answered a question, or refused it.
    Answer,
    /// The signer received what it asked for.
    Received,
    /// The signer received nothing, or knows of no such transfer.
    NotReceived,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Answer, Self::Received, Self::NotReceived];

    /// The name in the note.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Received => "received",
            Self::NotReceived => "not-received",
        }
    }
}

/// What a receipt holds; an unused part is `None` or empty and has no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What it says.
    pub kind: Kind,
    /// Who signs.
    pub signer: Oin,
    /// The other organisation of the transfer.
    pub counterparty: Oin,
    /// The transfer.
    pub transfer: TransferId,
    /// `start_ms` of the signer's entry; without an entry the moment of signing. Milliseconds since 1970 UTC.
    pub time_ms: u64,
    /// Counter of the signer towards this counterparty, from the entry.
    pub counter: Option<u64>,
    /// Allowed or denied.
    pub decision: Option<Decision>,
    /// Reason codes, most important first.
    pub reason_codes: Vec<String>,
    /// Leaf hash of the signer's entry.
    pub entry: Option<Digest>,
    /// Leaf hash of the counterparty's entry that the signer's entry names.
    pub peer_entry: Option<Digest>,
    /// Hash of the question.
    pub query: Option<Digest>,
    /// Salted hash of the payload.
    pub commitment: Option<Digest>,
    /// Names of the fields in the payload.
    pub field_names: Vec<String>,
    /// Size and protection of an aggregate payload.
    pub aggregate: Option<Aggregate>,
    /// Rows in the payload.
    pub row_count: Option<u64>,
    /// The signer's latest checkpoint: a signed note.
    pub checkpoint: String,
}

/// Bytes that are no receipt, or a signature that does not hold.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum InvalidReceipt {
    /// Not the one form of a receipt.
    #[error("geen geldig ontvangstbewijs (vorm)")]
    Form,
    /// This part is missing or does not belong in a receipt of this kind.
    #[error("het ontvangstbewijs is onvolledig of spreekt zichzelf tegen ({0})")]
    Part(&'static str),
    /// The signature.
    #[error("het ontvangstbewijs: {0}")]
    Signature(#[from] InvalidNote),
}

/// The name under which a node signs receipts.
#[must_use]
pub fn key_name(oin: Oin) -> String {
    format!("{NAME_PREFIX}{oin}")
}

impl Receipt {
    /// What `ours` says about its own entry with this leaf hash; `None` for an entry that a partner gets no receipt of.
    #[must_use]
    pub fn of(entry: &Entry, hash: Digest, ours: Oin, checkpoint: &str) -> Option<Self> {
        let kind = match (entry.direction, entry.phase) {
            (Direction::Outgoing, Phase::Intent | Phase::Deny) => Kind::Answer,
            // Who refuses an offer answers it.
            (Direction::Incoming, Phase::Deny) => Kind::Answer,
            (Direction::Incoming, Phase::Received) => Kind::Received,
            (Direction::Incoming, Phase::Intent | Phase::Outcome) => Kind::NotReceived,
            _ => return None,
        };
        let received = kind != Kind::NotReceived;
        Some(Self {
            kind,
            signer: ours,
            counterparty: entry.partner().filter(|partner| *partner != ours)?,
            transfer: entry.transfer_id,
            time_ms: entry.start_ms,
            counter: entry.counter,
            decision: entry.decision.filter(|_| kind == Kind::Answer),
            reason_codes: if kind == Kind::Answer { entry.reason_codes.clone() } else { Vec::new() },
            entry: Some(hash),
            peer_entry: entry.peer_entry_hash.filter(|_| received),
            query: entry.query_hash,
            commitment: entry.payload_commitment.filter(|_| received),
            field_names: if received { entry.field_names.clone() } else { Vec::new() },
            aggregate: entry.aggregate.filter(|_| received),
            row_count: entry.row_count.filter(|_| received),
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// What `ours` says about a transfer of which its log holds nothing.
    #[must_use]
    pub fn nothing(ours: Oin, counterparty: Oin, transfer: TransferId, (now_ms, checkpoint): (u64, &str)) -> Self {
        Self {
            kind: Kind::NotReceived,
            signer: ours,
            counterparty,
            transfer,
            time_ms: now_ms,
            counter: None,
            decision: None,
            reason_codes: Vec::new(),
            entry: None,
            peer_entry: None,
            query: None,
            commitment: None,
            field_names: Vec::new(),
            aggregate: None,
            row_count: None,
            checkpoint: checkpoint.to_owned(),
        }
    }

    /// Whether this receipt and one of the counterparty are about the same transfer and payload: `self` confirms `answer`.
    ///
    /// # Errors
    /// The first part that differs, by its name in the note.
    pub fn confirms(&self, answer: &Self) -> Result<(), &'static str> {
        let same = [
            (self.kind == Kind::Received && answer.kind == Kind::Answer, "kind"),
            (self.signer == answer.counterparty, "signer"),
            (self.counterparty == answer.signer, "counterparty"),
            (self.transfer == answer.transfer, "transfer"),
            (self.peer_entry.is_some() && self.peer_entry == answer.entry, "peer-entry"),
            (self.query == answer.query, "query"),
            (self.commitment.is_some() && self.commitment == answer.commitment, "commitment"),
            (self.field_names == answer.field_names, "field"),
            (self.aggregate == answer.aggregate, "aggregate"),
            (self.row_count == answer.row_count, "rows"),
        ];
        same.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, part)| Err(part))
    }

    /// The rules between parts, the same for writing and reading.
    fn check(&self) -> Result<(), InvalidReceipt> {
        let denied = self.decision == Some(Decision::Deny);
        let (answer, received) = (self.kind == Kind::Answer, self.kind == Kind::Received);
        let rules = [
            (self.signer != self.counterparty, "counterparty"),
            (answer == self.decision.is_some(), "decision"),
            (denied != self.reason_codes.is_empty(), "reason"),
            (self.entry.is_some() || self.kind == Kind::NotReceived, "entry"),
            (self.peer_entry.is_some() == (answer || received), "peer-entry"),
            (self.counter.is_some() || self.kind == Kind::NotReceived, "counter"),
            (self.query.is_some() || self.kind == Kind::NotReceived, "query"),
            (self.commitment.is_some() == (received || answer && !denied), "commitment"),
            (self.kind != Kind::NotReceived || self.field_names.is_empty(), "field"),
            (self.kind != Kind::NotReceived || self.aggregate.is_none(), "aggregate"),
            (self.kind != Kind::NotReceived || self.row_count.is_none(), "rows"),
            (Note::decode(self.checkpoint.as_bytes()).is_ok(), "checkpoint"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, part)| Err(InvalidReceipt::Part(part)))
    }

    /// Signs this receipt with the signing key of its signer.
    ///
    /// # Errors
    /// [`InvalidReceipt`] when it has no form: parts that contradict each other, or too many bytes.
    pub fn sign(self, key: &SigningKey) -> Result<SignedReceipt, InvalidReceipt> {
        self.check()?;
        let note = Note::sign(self.text(), &key_name(self.signer), key);
        let bytes = note.encode().into_bytes();
        // What cannot be read again is never sent.
        let signed = SignedReceipt::decode(&bytes)?;
        if signed.receipt == self { Ok(signed) } else { Err(InvalidReceipt::Form) }
    }
}

/// A receipt with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedReceipt {
    receipt: Receipt,
    note: Note,
    bytes: Vec<u8>,
}

impl SignedReceipt {
    /// Reads a receipt; its signature is still to be verified.
    ///
    /// # Errors
    /// [`InvalidReceipt`] for anything but the bytes that [`Receipt::sign`] makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidReceipt> {
        if bytes.len() > MAX_RECEIPT_BYTES {
            return Err(InvalidReceipt::Form);
        }
        let note = Note::decode(bytes)?;
        let receipt = Receipt::read(&note.text).ok_or(InvalidReceipt::Form)?;
        receipt.check()?;
        if note.signatures.len() == 1 && receipt.text() == note.text {
            Ok(Self { receipt, note, bytes: bytes.to_vec() })
        } else {
            Err(InvalidReceipt::Form)
        }
    }

    /// Checks the signature under the signing key of the signer.
    ///
    /// # Errors
    /// [`InvalidReceipt::Signature`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), InvalidReceipt> {
        Ok(self.note.verify(&key_name(self.receipt.signer), key)?)
    }

    /// What it says.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The bytes that travel and are kept.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the bytes, as the counterparty's entry names it.
    #[must_use]
    pub fn hash(&self) -> Digest {
        digest(&self.bytes)
    }
}

#[cfg(test)]
mod tests;
