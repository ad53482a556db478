//! The node card: who a node is and with which keys, signed by itself. It travels by any channel; its fingerprint is
//! read out by telephone.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::dsse::Signature;
use crate::crypto::{AgreementPublic, Digest, SigningKey, VerifyingKey, digest, hex};
use crate::domain::codes::{OrgType, Owner};
use crate::domain::day::Day;
use crate::domain::oin::Oin;

/// The payload type under which a card is signed.
pub const CARD_TYPE: &str = "application/vnd.ketenpoort.card+json";

/// The version of the card's layout that this program writes and reads.
pub const CARD_VERSION: u32 = 1;

/// Who a node is: organisation, address and public keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeCard {
    /// Version of this layout, [`CARD_VERSION`].
    pub version: u32,
    /// The organisation's number.
    pub oin: Oin,
    /// Its name, for people.
    pub name: String,
    /// What kind of organisation it is.
    pub org_type: OrgType,
    /// Which owners' event types it delivers; empty for monitor and gate.
    pub levert: Vec<Owner>,
    /// Municipality code of 4 digits, for a municipality only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gemeente: Option<String>,
    /// Where partners reach it: `host:port`.
    pub endpoint: String,
    /// Verifies its card, signatures under convenants, answers and receipts.
    pub signing: VerifyingKey,
    /// Verifies checkpoints of its transfer log.
    pub checkpoint: VerifyingKey,
    /// Verifies what it cosigns as a witness of other logs; absent on cards of before there were witnesses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<VerifyingKey>,
    /// To seal to it, and for pair keys.
    pub agreement: AgreementPublic,
    /// SHA-256 of the `SubjectPublicKeyInfo` (DER) of its TLS key.
    pub tls_pin: Digest,
    /// The same of the announced next TLS key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_tls_pin: Option<Digest>,
    /// Day on which the card was made.
    pub issued: Day,
}

/// Why a card is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidCard {
    /// No JSON of the card's layout.
    #[error("de node-kaart is niet leesbaar: {0}")]
    Unreadable(String),
    /// The card is not signed by the key that it names.
    #[error("de handtekening onder de node-kaart klopt niet; vraag de partij om een nieuwe kaart")]
    Signature,
    /// Fields contradict each other.
    #[error("de node-kaart bevat fouten: {0}")]
    Faults(String),
}

impl NodeCard {
    /// The canonical bytes: JSON without spaces, fields in the order of this struct, strings and whole numbers only.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether a TLS key with this SHA-256 belongs to the node, now or announced.
    #[must_use]
    pub fn accepts_pin(&self, pin: &Digest) -> bool {
        self.tls_pin == *pin || self.next_tls_pin.as_ref() == Some(pin)
    }

    /// The keys under which the node signs, each for a use of its own.
    pub fn signature_keys(&self) -> impl Iterator<Item = VerifyingKey> {
        [self.signing, self.checkpoint].into_iter().chain(self.witness)
    }

    /// Every fault of the card itself, in Dutch; empty when it is sound.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let delivers = !matches!(self.org_type, OrgType::Monitor | OrgType::Gate);
        let code = |c: &String| c.len() == 4 && c.bytes().all(|b| b.is_ascii_digit());
        let mut owners = self.levert.clone();
        owners.sort_unstable();
        owners.dedup();
        let keys: Vec<VerifyingKey> = self.signature_keys().collect();
        [
            (self.version != CARD_VERSION, "onbekende versie van de kaart"),
            (!is_line(&self.name, 100), "naam is leeg, te lang of bevat stuurtekens"),
            (delivers && self.levert.is_empty(), "een leverende organisatie noemt minstens één soort in levert"),
            (!delivers && !self.levert.is_empty(), "ketenmonitor en poortwachter leveren geen gegevens"),
            (owners.len() != self.levert.len(), "levert noemt een soort dubbel"),
            (
                (self.org_type == OrgType::Gem) != self.gemeente.is_some(),
                "een gemeente, en alleen een gemeente, noemt haar code",
            ),
            (self.gemeente.as_ref().is_some_and(|c| !code(c)), "gemeentecode heeft vier cijfers"),
            (!is_endpoint(&self.endpoint), "endpoint is geen naam:poort"),
            (
                (1..keys.len()).any(|n| keys[..n].contains(&keys[n])),
                "ondertekensleutel, logboeksleutel en getuigensleutel zijn niet alle verschillend",
            ),
            (self.next_tls_pin == Some(self.tls_pin), "de aangekondigde TLS-sleutel is de huidige"),
        ]
        .into_iter()
        .filter(|(wrong, _)| *wrong)
        .map(|(_, text)| text.to_owned())
        .collect()
    }

    /// Signs the card with the node's own key.
    ///
    /// # Errors
    /// [`InvalidCard`] when the card has faults or names another signing key.
    pub fn sign(self, key: &SigningKey) -> Result<SignedCard, InvalidCard> {
        let signature = Signature::make(key, CARD_TYPE, &self.canonical());
        let signed = SignedCard { card: self, signature };
        signed.verify()?;
        Ok(signed)
    }
}

/// One line of readable text of at most `longest` characters.
pub(super) fn is_line(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

/// Whether `text` is a host name or address with a port, such as `gi.voorbeeld.nl:8443`.
#[must_use]
pub fn is_endpoint(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= 253 && host.bytes().all(plain) && port.parse::<u16>().is_ok_and(|p| p > 0)
}

/// A card with its own signature. Reading one inside a convenant does not verify it; `convenant check` does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCard {
    signature: Signature,
    card: NodeCard,
}

impl SignedCard {
    /// Reads a card file and verifies it.
    ///
    /// # Errors
    /// [`InvalidCard`] when it is unreadable, not signed by its own key, or has faults.
    pub fn parse(text: &str) -> Result<Self, InvalidCard> {
        let signed: Self = serde_json::from_str(text).map_err(|e| InvalidCard::Unreadable(e.to_string()))?;
        signed.verify()?;
        Ok(signed)
    }

    /// Checks signature and fields.
    ///
    /// # Errors
    /// [`InvalidCard`] as for [`SignedCard::parse`].
    pub fn verify(&self) -> Result<(), InvalidCard> {
        let bytes = self.card.canonical();
        self.signature.verify(&self.card.signing, CARD_TYPE, &bytes).map_err(|_| InvalidCard::Signature)?;
        let faults = self.card.faults();
        if faults.is_empty() { Ok(()) } else { Err(InvalidCard::Faults(faults.join("; "))) }
    }

    /// The text of the card file: indented JSON with a line end.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The card.
    #[must_use]
    pub fn card(&self) -> &NodeCard {
        &self.card
    }

    /// What is read out by telephone: 128 bits of the SHA-256 of the canonical card, as eight groups of four
    /// hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = digest(&self.card.canonical());
        hash.0[..16].chunks(2).map(hex).collect::<Vec<_>>().join(" ")
    }
}
