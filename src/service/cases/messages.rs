//! What two organisations say to each other about one child, as documents with one form; what leaves of them is in [`super::exits`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::wire::WireName;
use crate::crypto::{AgreementKey, AgreementPublic, Digest, SigningKey, VerifyingKey, digest, hex, open_with, seal_to};
use crate::domain::case::field::CaseValue;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::policy::case::situation::{Actor, Measure, Trigger};
use crate::service::api::{ProvenBy, TraceContext};
use crate::translog::entry::TransferId;

/// Version of the documents.
const VERSION: u32 = 1;
/// Documents are padded to a multiple of this before they are sealed, so that their length tells little.
const BLOCK: usize = 1024;
const REQUEST: &[u8] = b"ketenpoort/v1/case-request/0";
const CONTENT: &[u8] = b"ketenpoort/v1/case-content/0";
/// What stands before a request when it is signed.
const SIGNED: &[u8] = b"ketenpoort/v1/case-request-signature\0";

/// What is asked, or offered: signed by who asks or offers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRequest {
    version: u32,
    transfer: String,
    convenant: Digest,
    /// Epoch of the chain keys and agreement keys.
    pub epoch: u32,
    /// Who signs this.
    pub from: Oin,
    /// To whom it is said.
    pub to: Oin,
    /// Exchange type.
    pub exchange: String,
    /// Purpose.
    pub purpose: String,
    /// Who gives the data, in its role.
    pub sender: Actor,
    /// Who receives the data, in its role.
    pub receiver: Actor,
    /// The fields, in the order of the request.
    pub fields: Vec<String>,
    /// The day of the request at who signs.
    pub date: Day,
    /// The measure that who signs states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
    /// Whether somebody asked.
    pub trigger: Option<Trigger>,
    /// Wire pseudonym of the child; none in an offer, which names no child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<WireName>,
}

/// The request belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Belongs {
    /// Its transfer.
    pub transfer: TransferId,
    /// Its convenant.
    pub convenant: Digest,
    /// Who signed it.
    pub from: Oin,
    /// For whom it is.
    pub to: Oin,
}

impl CaseRequest {
    /// A request of today; the caller fills in what it is about.
    #[must_use]
    pub fn new(belongs: Belongs, date: Day, sender: Actor, receiver: Actor) -> Self {
        Self {
            version: VERSION,
            transfer: hex(belongs.transfer.as_bytes()),
            convenant: belongs.convenant,
            epoch: super::wire::EPOCH,
            from: belongs.from,
            to: belongs.to,
            exchange: String::new(),
            purpose: String::new(),
            sender,
            receiver,
            fields: Vec::new(),
            date,
            measure: None,
            trigger: None,
            child: None,
        }
    }

    /// Its bytes: JSON in one form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Its hash, by which log and receipts name it.
    #[must_use]
    pub fn hash(&self) -> Digest {
        digest(&self.to_bytes())
    }

    /// The signed request, sealed to who is asked.
    #[must_use]
    pub fn seal(&self, key: &SigningKey, to: &AgreementPublic, belongs: &Belongs) -> Vec<u8> {
        let body = self.to_bytes();
        let signature = key.sign(&[SIGNED, &body].concat());
        seal_to(to, REQUEST, &context(belongs), &padded(&[&signature, body.as_slice()].concat()))
    }

    /// Opens a request: sealed to us, signed by who says it, in the one form, and about what it came with.
    #[must_use]
    pub fn open(sealed: &[u8], own: &AgreementKey, signer: &VerifyingKey, belongs: &Belongs) -> Option<Self> {
        let plain = open_with(own, REQUEST, &context(belongs), sealed).ok()?;
        let plain = unpadded(&plain)?;
        let (signature, body) = plain.split_first_chunk::<64>()?;
        signer.verify(&[SIGNED, body].concat(), signature).ok()?;
        let read: Self = serde_json::from_slice(body).ok()?;
        let same = read.to_bytes() == body
            && read.version == VERSION
            && read.epoch == super::wire::EPOCH
            && read.transfer == hex(belongs.transfer.as_bytes())
            && read.convenant == belongs.convenant
            && (read.from, read.to) == (belongs.from, belongs.to);
        same.then_some(read)
    }
}

/// What was sent about a child.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseDocument {
    version: u32,
    transfer: String,
    /// Hash of the request that it answers.
    pub request: Digest,
    /// Exchange type.
    pub exchange: String,
    /// Purpose.
    pub purpose: String,
    /// Who sent it.
    pub sender: Actor,
    /// Who receives it.
    pub receiver: Actor,
    /// Day on which it was sent.
    pub date: Day,
    /// What the two call the child.
    pub child: WireName,
    /// The values.
    pub values: Vec<CaseValue>,
    /// Fields that were asked and of which the sender has no value.
    pub missing: Vec<String>,
    /// The BSN, sealed by the person who offers to the receiving organisation; only where identity travels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

impl CaseDocument {
    /// The answer to a request.
    #[must_use]
    pub fn answer(
        request: &CaseRequest,
        transfer: TransferId,
        (date, child): (Day, WireName),
        values: Vec<CaseValue>,
    ) -> Self {
        let has = |field: &String| values.iter().any(|value| value.field.as_str() == field);
        Self {
            version: VERSION,
            transfer: hex(transfer.as_bytes()),
            request: request.hash(),
            exchange: request.exchange.clone(),
            purpose: request.purpose.clone(),
            sender: request.sender.clone(),
            receiver: request.receiver.clone(),
            date,
            child,
            missing: request.fields.iter().filter(|field| !has(field)).cloned().collect(),
            values,
            number: None,
        }
    }

    /// Names of the fields that it has values of, in the order of the dictionary.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut fields: Vec<_> = self.values.iter().map(|value| value.field).collect();
        fields.sort();
        fields.dedup();
        fields.into_iter().map(|field| field.as_str().to_owned()).collect()
    }

    /// Its bytes: JSON in one form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads it; only the one form, of this transfer and request, with the fields that were asked and no others.
    #[must_use]
    pub fn open(bytes: &[u8], request: &CaseRequest, transfer: TransferId) -> Option<Self> {
        let read: Self = serde_json::from_slice(bytes).ok()?;
        let asked = |field: &String| request.fields.contains(field);
        let fields = read.fields();
        let complete = request.fields.iter().all(|field| fields.contains(field) != read.missing.contains(field));
        let same = read.to_bytes() == bytes
            && read.version == VERSION
            && read.transfer == hex(transfer.as_bytes())
            && read.request == request.hash()
            && (&read.exchange, &read.purpose) == (&request.exchange, &request.purpose)
            && (&read.sender, &read.receiver) == (&request.sender, &request.receiver)
            && request.child.is_none_or(|child| child == read.child)
            && fields.iter().chain(&read.missing).all(asked)
            && complete;
        same.then_some(read)
    }
}

impl fmt::Debug for CaseDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseDocument({}, {:?}, without {:?})", self.exchange, self.fields(), self.missing)
    }
}

/// Seals content to its receiver.
pub(super) fn seal_content(document: &[u8], to: &AgreementPublic, belongs: &Belongs) -> Vec<u8> {
    seal_to(to, CONTENT, &context(belongs), &padded(document))
}

/// Opens content that is sealed to us.
pub(super) fn open_content(sealed: &[u8], own: &AgreementKey, belongs: &Belongs) -> Option<Vec<u8>> {
    let plain = open_with(own, CONTENT, &context(belongs), sealed).ok()?;
    unpadded(&plain).map(<[u8]>::to_vec)
}

fn context(belongs: &Belongs) -> Vec<u8> {
    let parts: [&[u8]; 4] =
        [belongs.transfer.as_bytes(), &belongs.convenant.0, belongs.from.bytes(), belongs.to.bytes()];
    parts.concat()
}

/// Length in four bytes, the bytes, and zeros up to a multiple of the block.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    out
}

fn unpadded(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (body, zeros) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    (zeros.len() < BLOCK && zeros.iter().all(|byte| *byte == 0)).then_some(body)
}

/// A sealed request as it came in.
#[derive(Clone, PartialEq, Eq)]
pub struct CaseAsked {
    /// Transfer.
    pub transfer: TransferId,
    /// Leaf hash of the entry of who asks; none in an offer.
    pub intent: Option<Digest>,
    /// The convenant that it names.
    pub convenant: Digest,
    /// The sealed request.
    pub sealed: Vec<u8>,
    /// Names the call in both logs.
    pub trace: TraceContext,
}

impl fmt::Debug for CaseAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseAsked({}, <{} bytes>)", self.transfer, self.sealed.len())
    }
}

/// Content as it came in; nothing of it is checked.
#[derive(Clone, PartialEq, Eq)]
pub struct CaseDelivery {
    /// Transfer.
    pub transfer: TransferId,
    /// The sender's receipt.
    pub receipt: Vec<u8>,
    /// Salt of the commitment in the receipt.
    pub salt: [u8; 16],
    /// The sealed document.
    pub sealed: Vec<u8>,
    /// By what the sender proved who it is.
    pub proven: Option<ProvenBy>,
}

impl fmt::Debug for CaseDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseDelivery({}, <{} bytes>)", self.transfer, self.sealed.len())
    }
}
