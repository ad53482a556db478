//! `Entry` version 1: what one line of the transfer log says, and the rules that every line obeys.
//!
//! An entry names organisations, grounds, field names and counts. It never holds a value about a child, a BSN or an
//! employee: the subject is sealed by the caller under a key that erasure destroys, and the employee stands in a separate
//! audit log that joins on `trace_id`. The bytes are in [`bytes`]; their order is fixed there, once.

pub mod bytes;
mod field;
pub mod id;
pub mod kinds;

use thiserror::Error;

use crate::crypto::{self, Digest};
use crate::domain::day::Day;
use crate::domain::oin::Oin;

pub use bytes::{FIELD_NAMES, MAX_ENTRY_BYTES};
pub use id::TransferId;
pub use kinds::{Aggregate, Confidentiality, Decision, Direction, Outcome, Phase, Status, TlsParameters};

/// Service of every step of a linked run.
pub const LINKED_SERVICE: &str = "ketenpoort.v1.Links/Step";
/// How the service of an offer of one child's data begins; the exchange type follows.
pub const OFFER_SERVICE: &str = "ketenpoort.v1.Cases/Offer";
/// What a node tells of the children of a linked run, in the words of the log. Its number is known to the node alone.
pub const SEALED_ROWS: &str = "verzegelde rijen";

/// One entry of the transfer log. An unused field is `None` or empty and costs two bytes.
///
/// Made with [`Entry::new`] and struct update: `Entry { sender_oin: Some(oin), ..Entry::new(id, direction, phase, now) }`.
/// `Entry::default()` alone does not encode: its salt and transfer id are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Random bytes that make the leaf hash of a guessable entry unguessable.
    pub salt: [u8; 16],
    /// UUIDv7 of the transfer; the same on both sides and in every entry of the transfer (FSC transaction id).
    pub transfer_id: TransferId,
    /// W3C trace id of the processing that this transfer is part of.
    pub trace_id: Option<[u8; 16]>,
    /// W3C span id of this action.
    pub span_id: Option<[u8; 8]>,
    /// Span id of the calling action.
    pub parent_span_id: Option<[u8; 8]>,
    /// Which way the data goes, or would have gone, seen from the node that logs. Who asked follows from this and `service`.
    pub direction: Direction,
    /// Which step of the transfer this entry records.
    pub phase: Phase,
    /// How the transfer ended; present exactly when `phase` is `Outcome`.
    pub outcome: Option<Outcome>,
    /// The organisation from which the data comes.
    pub sender_oin: Option<Oin>,
    /// The organisation to which the data goes.
    pub receiver_oin: Option<Oin>,
    /// Organisations on whose behalf a party acts: first that of the side that asks, then that of the side that is asked. A
    /// side that acts for itself stands as itself.
    pub delegator_oins: Vec<Oin>,
    /// Identifier and version of the convenant.
    pub convenant_id: String,
    /// Hash of the convenant's canonical bytes.
    pub convenant_hash: Option<Digest>,
    /// Hash of the FSC grant, as its contract writes it.
    pub grant_hash: String,
    /// The service or exchange type that was called.
    pub service: String,
    /// Readable name of the action (LDV `name`, GEMMA `actieNaam`).
    pub action: String,
    /// This organisation's processing activity: an absolute URI that holds its version.
    pub activity_own: String,
    /// The other organisation's processing activity, in the same form.
    pub activity_peer: String,
    /// The article of law that carries the transfer.
    pub ground_article: String,
    /// Its ground in article 6 AVG.
    pub ground_avg6: String,
    /// Its ground in articles 9 and 10 AVG.
    pub ground_avg9_10: String,
    /// Purpose code of the convenant (P1 to P9).
    pub purpose: String,
    /// Version of the rules that decided.
    pub rules_version: String,
    /// Allowed or denied.
    pub decision: Option<Decision>,
    /// Reason codes of the decision, most important first.
    pub reason_codes: Vec<String>,
    /// Categories of data in the payload.
    pub data_categories: Vec<String>,
    /// Names of the fields in the payload; never their values.
    pub field_names: Vec<String>,
    /// Key domain of the subject's pseudonym (civil or criminal law).
    pub subject_domain: String,
    /// Version of the key that made the pseudonym.
    pub subject_key_version: Option<u32>,
    /// Label by which the node finds the subject's key. Whoever sees two equal labels knows that two entries are about one
    /// subject, so leave it empty where an index that erasure cleans can do the same.
    pub subject_label: Vec<u8>,
    /// Subject, case reference and commitment salt, sealed by the caller.
    pub subject_sealed: Vec<u8>,
    /// Size and protection of an aggregate payload.
    pub aggregate: Option<Aggregate>,
    /// Rows in the payload.
    pub row_count: Option<u64>,
    /// Salted hash of the payload ([`payload_commitment`]).
    pub payload_commitment: Option<Digest>,
    /// Hash of the question's canonical bytes.
    pub query_hash: Option<Digest>,
    /// Leaf hash of the other side's entry of this transfer.
    pub peer_entry_hash: Option<Digest>,
    /// Hash of the receipt that the other side signed.
    pub peer_receipt_hash: Option<Digest>,
    /// Start of the action, milliseconds since 1970 UTC.
    pub start_ms: u64,
    /// End of the action, milliseconds since 1970 UTC.
    pub end_ms: Option<u64>,
    /// LDV status; `None` is `Unset`.
    pub status: Option<Status>,
    /// Last day that the entry's sealed part is kept.
    pub retention_until: Option<Day>,
    /// Confidentiality of the processing towards the subject.
    pub confidentiality: Option<Confidentiality>,
    /// SHA-256 of the peer's certificate (DER).
    pub peer_certificate: Option<Digest>,
    /// SHA-256 of the peer's public key (DER SubjectPublicKeyInfo).
    pub peer_spki: Option<Digest>,
    /// What TLS negotiated.
    pub tls: Option<TlsParameters>,
    /// Receipt counter towards this partner; partners see no global number.
    pub counter: Option<u64>,
    /// Transfer id of an earlier entry that this one is about (correction, withdrawal, reconciliation).
    pub refers_to: Option<TransferId>,
    /// Refused connections between `start_ms` and `end_ms`; present exactly when `phase` is `Connection`.
    pub refused_connections: Option<u64>,
}

/// Bytes or fields that are no entry of version 1.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum InvalidEntry {
    /// The bytes do not start with the magic of an entry.
    #[error("geen logregel van Ketenpoort (kenmerk ontbreekt)")]
    Magic,
    /// A version that this program does not know.
    #[error("logregel van een onbekende versie ({0})")]
    Version(u8),
    /// The bytes end inside this field.
    #[error("de logregel breekt af in veld {0}")]
    Truncated(&'static str),
    /// Bytes follow the last field.
    #[error("de logregel heeft bytes na het laatste veld")]
    Trailing,
    /// This field has a length or content that is not allowed.
    #[error("veld {0} van de logregel heeft een ongeldige inhoud")]
    Field(&'static str),
    /// This field is longer than a field or an entry may be.
    #[error("de logregel is te lang (veld {0}, hoogstens 65.535 bytes per regel)")]
    TooLong(&'static str),
    /// Fields contradict each other.
    #[error("de logregel spreekt zichzelf tegen: {0}")]
    Rule(&'static str),
}

impl Entry {
    /// An entry with a fresh salt and every other field unused.
    #[must_use]
    pub fn new(transfer_id: TransferId, direction: Direction, phase: Phase, start_ms: u64) -> Self {
        Self { salt: crypto::random(), transfer_id, direction, phase, start_ms, ..Self::default() }
    }

    /// The other organisation of the transfer, seen from the node that logs: who the data goes to, or comes from when this
    /// node asked.
    #[must_use]
    pub fn partner(&self) -> Option<Oin> {
        if self.direction == Direction::Incoming { self.sender_oin } else { self.receiver_oin }
    }

    /// Whether this entry says that a receipt of the partner came. Logs of before there were receipts have the hash of the
    /// document there in RECEIVED, without an entry of the partner.
    #[must_use]
    pub fn names_receipt(&self) -> bool {
        self.peer_receipt_hash.is_some() && (self.phase != Phase::Received || self.peer_entry_hash.is_some())
    }

    /// Whether this entry is of a step of a linked run. Such a step has no receipts: what is signed there is the document
    /// and each message, and the counterpart of an announcement is the RECEIVED of the other side.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.service == LINKED_SERVICE
    }

    /// Whether this entry is from before there were receipts: it is one that bears a counter since, or the announcement of a
    /// question, which bears a span since.
    #[must_use]
    pub fn is_before_receipts(&self) -> bool {
        match (self.direction, self.phase) {
            (Direction::Outgoing, Phase::Intent) | (_, Phase::Received) => self.counter.is_none(),
            (Direction::Incoming, Phase::Intent) => self.span_id.is_none(),
            _ => false,
        }
    }

    /// The rules between fields, the same for writing and reading.
    pub(crate) fn check(&self) -> Result<(), InvalidEntry> {
        let rules = [
            (self.salt != [0; 16], "het zout is leeg"),
            (
                self.outcome.is_some() == (self.phase == Phase::Outcome),
                "een afloop hoort bij fase OUTCOME, en daar alleen",
            ),
            (
                self.refused_connections.is_some() == (self.phase == Phase::Connection),
                "een aantal geweigerde verbindingen hoort bij fase CONNECTION, en daar alleen",
            ),
            (self.phase != Phase::Connection || self.end_ms.is_some(), "fase CONNECTION heeft een eindtijd nodig"),
            (
                (self.decision == Some(Decision::Deny)) == (self.phase == Phase::Deny),
                "een weigering hoort bij fase DENY, en daar alleen",
            ),
            (self.phase != Phase::Deny || !self.reason_codes.is_empty(), "een weigering heeft een redencode nodig"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, text)| Err(InvalidEntry::Rule(text)))
    }
}

/// The salted hash that an entry holds of its payload: SHA-256 of `ketenpoort/v1/payload`, 0x00, salt and payload.
///
/// The salt (16 random bytes) goes to the receiver with the payload and is kept sealed; without it nobody can try
/// payloads against the log.
#[must_use]
pub fn payload_commitment(salt: &[u8; 16], payload: &[u8]) -> Digest {
    crypto::digest_parts(&[b"ketenpoort/v1/payload\0", salt, payload])
}

#[cfg(test)]
mod tests;
