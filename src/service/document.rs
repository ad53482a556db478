//! The document of an answer: what a node signs and a monitor verifies. JSON bytes; the signature covers a label and them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::crypto::{Digest, SigningKey, VerifyingKey};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::query::TableQuery;
use crate::domain::reason::ReasonCode;
use crate::domain::table::Table;
use crate::translog::entry::TransferId;

const LABEL: &[u8] = b"ketenpoort/v1/answer\0";

/// What a node answers to one question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerDocument {
    /// Version of this form: 1.
    pub version: u32,
    /// Who answers.
    pub sender: Oin,
    /// Who asked.
    pub receiver: Oin,
    /// Hash of the convenant under which it is answered, 64 hexadecimal characters.
    pub convenant: String,
    /// Hash of the question, 64 hexadecimal characters.
    pub query: String,
    /// Id of the transfer in the logs of both, 32 hexadecimal characters.
    pub transfer: String,
    /// The day on which this answer was given.
    pub date: Day,
    /// The released tables.
    pub tables: Vec<Table>,
    /// Tables of the question that are not released.
    pub pending: Vec<Pending>,
}

/// A table that the convenant grants and that is not released (yet).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Which table.
    pub table: TableQuery,
    /// Why.
    pub reason: ReasonCode,
    /// From which day it can come out; none when that is not a matter of time.
    pub from: Option<Day>,
}

/// Why an answer is not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidAnswer {
    /// The signature is not the partner's.
    #[error("de handtekening onder het antwoord klopt niet")]
    Signature,
    /// The bytes are no answer document.
    #[error("het antwoord is onleesbaar")]
    Malformed,
    /// It answers another question, convenant, transfer or party.
    #[error("het antwoord hoort bij een andere vraag")]
    Mismatch,
}

impl AnswerDocument {
    /// The bytes that travel.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads and verifies an answer of the holder of `key`.
    ///
    /// # Errors
    /// [`InvalidAnswer::Signature`] or [`InvalidAnswer::Malformed`].
    pub fn open(bytes: &[u8], signature: &[u8; 64], key: &VerifyingKey) -> Result<Self, InvalidAnswer> {
        key.verify(&signed(bytes), signature).map_err(|_| InvalidAnswer::Signature)?;
        let document: Self = serde_json::from_slice(bytes).map_err(|_| InvalidAnswer::Malformed)?;
        if document.version == 1 { Ok(document) } else { Err(InvalidAnswer::Malformed) }
    }

    /// Whether it answers this request of ours to this party.
    ///
    /// # Errors
    /// [`InvalidAnswer::Mismatch`].
    pub fn belongs_to(&self, expected: &Expected) -> Result<(), InvalidAnswer> {
        let same = self.sender == expected.sender
            && self.receiver == expected.receiver
            && self.convenant == expected.convenant.to_hex()
            && self.query == expected.query.to_hex()
            && self.transfer == crate::crypto::hex(expected.transfer.as_bytes());
        if same { Ok(()) } else { Err(InvalidAnswer::Mismatch) }
    }
}

/// What an answer must name to be the answer to a request.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The partner that was asked.
    pub sender: Oin,
    /// Ourselves.
    pub receiver: Oin,
    /// Hash of the convenant.
    pub convenant: Digest,
    /// Hash of the question.
    pub query: Digest,
    /// Id of the transfer.
    pub transfer: TransferId,
}

/// Signs the bytes of a document.
#[must_use]
pub fn sign(bytes: &[u8], key: &SigningKey) -> [u8; 64] {
    key.sign(&signed(bytes))
}

fn signed(bytes: &[u8]) -> Vec<u8> {
    [LABEL, bytes].concat()
}
