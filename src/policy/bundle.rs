//! The bundle file: a convenant's canonical bytes with the signatures of its parties, and the state that follows.
//!
//! A bundle says what its signatures say. Somebody who drops a withdrawal from a file is not seen here: a node keeps
//! every bundle that it has seen and [`ConvenantBundle::merge`]s, so that signatures only ever grow.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::check::{Fault, check};
use super::convenant::{Convenant, UnreadableConvenant};
use super::dsse::Signature;
use crate::crypto::{Digest, SigningKey};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;

/// What a party does with a convenant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Puts it forward; counts as accepting it.
    Propose,
    /// Agrees.
    Accept,
    /// Steps out; every flow under the convenant stops at once.
    Withdraw,
}

/// One party's signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartySignature {
    /// Whose.
    pub oin: Oin,
    /// What it does.
    pub action: Action,
    /// On which day, as the party says.
    pub date: Day,
    /// DSSE signature over the canonical bytes, with action and date in the payload type.
    pub sig: Signature,
}

/// Action and date are part of the payload type, so that the signature covers them with the whole document.
fn payload_type(action: Action, date: Day) -> String {
    let action = match action {
        Action::Propose => "propose",
        Action::Accept => "accept",
        Action::Withdraw => "withdraw",
    };
    format!("application/vnd.ketenpoort.convenant+json;action={action};date={date}")
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BundleFile {
    payload: String,
    signatures: Vec<PartySignature>,
}

/// How a convenant stands on a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// Not everybody has signed.
    Proposed {
        /// Who has not.
        missing: Vec<Oin>,
    },
    /// Signed by all; its first day lies ahead.
    NotYetValid,
    /// Signed by all and valid.
    InForce,
    /// A newer version took its place, or another document bears the same version.
    Superseded,
    /// A party stepped out.
    Withdrawn {
        /// Which parties.
        by: Vec<Oin>,
    },
    /// Its last day has passed.
    Expired,
}

/// Why a bundle is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidBundle {
    /// No JSON of a bundle, or its payload cannot be read.
    #[error("de bundel is niet leesbaar: {0}")]
    Unreadable(String),
    /// The document has faults.
    #[error("het convenant bevat {} fout(en): {}", .0.len(), .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<Fault>),
    /// Somebody signed who is no party.
    #[error("{0} is geen partij bij dit convenant")]
    NoParty(Oin),
    /// A signature does not belong to document, action and date.
    #[error("de handtekening van {0} klopt niet")]
    Signature(Oin),
    /// A party has signed before.
    #[error("{0} heeft dit convenant al ondertekend")]
    Twice(Oin),
    /// The key at hand is not the one on the party's card.
    #[error("onze sleutel is niet de sleutel op de node-kaart van {0} in dit convenant; lever een nieuwe kaart aan")]
    OtherKey(Oin),
    /// The party stepped out of this document before.
    #[error("{0} heeft dit convenant ingetrokken; sluit een nieuwe versie")]
    Withdrawn(Oin),
    /// The two bundles hold different documents.
    #[error("de bundels bevatten verschillende documenten: {0} en {1}")]
    OtherDocument(Digest, Digest),
}

impl From<UnreadableConvenant> for InvalidBundle {
    fn from(error: UnreadableConvenant) -> Self {
        Self::Unreadable(error.0)
    }
}

/// A sound convenant with verified signatures; no value of this type holds anything unchecked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConvenantBundle {
    convenant: Convenant,
    hash: Digest,
    signatures: Vec<PartySignature>,
}

impl ConvenantBundle {
    /// Reads a bundle file: canonical payload, sound document, every signature verified.
    ///
    /// # Errors
    /// [`InvalidBundle`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidBundle> {
        let unreadable = |e: &dyn std::fmt::Display| InvalidBundle::Unreadable(e.to_string());
        let file: BundleFile = serde_json::from_str(text).map_err(|e| unreadable(&e))?;
        let bytes = STANDARD.decode(&file.payload).map_err(|e| unreadable(&e))?;
        let mut bundle = Self::unsigned(Convenant::from_canonical(&bytes)?)?;
        for signature in file.signatures {
            bundle.add(signature)?;
        }
        Ok(bundle)
    }

    fn unsigned(convenant: Convenant) -> Result<Self, InvalidBundle> {
        let faults = check(&convenant);
        if !faults.is_empty() {
            return Err(InvalidBundle::Faults(faults));
        }
        let hash = convenant.hash();
        Ok(Self { convenant, hash, signatures: Vec::new() })
    }

    fn add(&mut self, signature: PartySignature) -> Result<(), InvalidBundle> {
        let party = self.convenant.party(&signature.oin).ok_or(InvalidBundle::NoParty(signature.oin))?;
        let kind = payload_type(signature.action, signature.date);
        let verified = signature.sig.verify(&party.card.card().signing, &kind, &self.convenant.canonical());
        verified.map_err(|_| InvalidBundle::Signature(signature.oin))?;
        let steps_out = signature.action == Action::Withdraw;
        let of_party = |s: &&PartySignature| s.oin == signature.oin && (s.action == Action::Withdraw) == steps_out;
        if self.signatures.iter().any(|s| of_party(&s)) {
            return Err(InvalidBundle::Twice(signature.oin));
        }
        self.signatures.push(signature);
        self.signatures.sort_by_key(|s| (s.oin, s.action == Action::Withdraw));
        Ok(())
    }

    fn sign(&mut self, action: Action, by: &Oin, key: &SigningKey, today: Day) -> Result<(), InvalidBundle> {
        let party = self.convenant.party(by).ok_or(InvalidBundle::NoParty(*by))?;
        if party.card.card().signing != key.verifying_key() {
            return Err(InvalidBundle::OtherKey(*by));
        }
        let sig = Signature::make(key, &payload_type(action, today), &self.convenant.canonical());
        self.add(PartySignature { oin: *by, action, date: today, sig })
    }

    /// Puts a sound convenant forward, signed by one party.
    ///
    /// # Errors
    /// [`InvalidBundle`] with every fault of the document, or when the key does not fit the party's card.
    pub fn propose(convenant: Convenant, by: &Oin, key: &SigningKey, today: Day) -> Result<Self, InvalidBundle> {
        let mut bundle = Self::unsigned(convenant)?;
        bundle.sign(Action::Propose, by, key, today)?;
        Ok(bundle)
    }

    /// Adds a party's agreement.
    ///
    /// # Errors
    /// [`InvalidBundle`] when it is no party, has signed or stepped out before, or its key is not the card's.
    pub fn accept(&mut self, by: &Oin, key: &SigningKey, today: Day) -> Result<(), InvalidBundle> {
        if self.signatures.iter().any(|s| s.oin == *by && s.action == Action::Withdraw) {
            return Err(InvalidBundle::Withdrawn(*by));
        }
        self.sign(Action::Accept, by, key, today)
    }

    /// Adds a party's withdrawal; it works at once, whatever its date, and cannot be undone for this document.
    ///
    /// # Errors
    /// [`InvalidBundle`] when it is no party, has withdrawn before, or its key is not the card's.
    pub fn withdraw(&mut self, by: &Oin, key: &SigningKey, today: Day) -> Result<(), InvalidBundle> {
        self.sign(Action::Withdraw, by, key, today)
    }

    /// Takes over the signatures of another bundle of the same document; parties may sign copies side by side.
    ///
    /// # Errors
    /// [`InvalidBundle::OtherDocument`] when the documents differ.
    pub fn merge(&mut self, other: &Self) -> Result<(), InvalidBundle> {
        if self.hash != other.hash {
            return Err(InvalidBundle::OtherDocument(self.hash, other.hash));
        }
        for signature in &other.signatures {
            match self.add(signature.clone()) {
                Ok(()) | Err(InvalidBundle::Twice(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The text of the bundle file: indented JSON with a line end.
    #[must_use]
    pub fn to_text(&self) -> String {
        let payload = STANDARD.encode(self.convenant.canonical());
        let file = BundleFile { payload, signatures: self.signatures.clone() };
        serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
    }

    /// The document.
    #[must_use]
    pub fn convenant(&self) -> &Convenant {
        &self.convenant
    }

    /// SHA-256 of its canonical bytes.
    #[must_use]
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// Who signed what and when, by OIN.
    #[must_use]
    pub fn signatures(&self) -> &[PartySignature] {
        &self.signatures
    }

    /// The parties that have not agreed yet.
    #[must_use]
    pub fn missing(&self) -> Vec<Oin> {
        let agreed = |oin: &Oin| self.signatures.iter().any(|s| s.oin == *oin && s.action != Action::Withdraw);
        self.convenant.parties.iter().map(|p| *p.oin()).filter(|oin| !agreed(oin)).collect()
    }

    /// How this document stands today, seen alone.
    #[must_use]
    pub fn state(&self, today: Day) -> State {
        let steps_out = self.signatures.iter().filter(|s| s.action == Action::Withdraw);
        let by: Vec<Oin> = steps_out.map(|s| s.oin).collect();
        let missing = self.missing();
        if !by.is_empty() {
            State::Withdrawn { by }
        } else if !missing.is_empty() {
            State::Proposed { missing }
        } else if today < self.convenant.valid_from {
            State::NotYetValid
        } else if today > self.convenant.valid_to {
            State::Expired
        } else {
            State::InForce
        }
    }

    /// How it stands among the other bundles that the node knows: a newer version that all have signed and whose first
    /// day has come takes its place for good, also when that version is withdrawn later.
    #[must_use]
    pub fn state_among(&self, others: &[Self], today: Day) -> State {
        let replaces = |other: &Self| {
            other.hash != self.hash
                && other.convenant.id == self.convenant.id
                && other.convenant.version >= self.convenant.version
                && other.missing().is_empty()
                && other.convenant.valid_from <= today
        };
        match self.state(today) {
            State::InForce if others.iter().any(replaces) => State::Superseded,
            state => state,
        }
    }
}

/// A convenant that holds today: sound, signed by all, valid, not withdrawn, not superseded. Made by [`in_force`] only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConvenantInForce {
    convenant: Convenant,
    hash: Digest,
}

impl ConvenantInForce {
    /// The document.
    #[must_use]
    pub fn convenant(&self) -> &Convenant {
        &self.convenant
    }

    /// A document that nobody checked or signed, to reach refusals that a sound one cannot give.
    #[cfg(test)]
    pub(crate) fn unchecked(convenant: Convenant) -> Self {
        let hash = convenant.hash();
        Self { convenant, hash }
    }

    /// SHA-256 of its canonical bytes, which every question names.
    #[must_use]
    pub fn hash(&self) -> Digest {
        self.hash
    }
}

/// The convenants that hold today among all bundles that a node knows, at least one.
///
/// # Errors
/// The reason why none holds: withdrawn, not valid today, not signed by all, or none known.
pub fn in_force(bundles: &[ConvenantBundle], today: Day) -> Result<Vec<ConvenantInForce>, ReasonCode> {
    let states: Vec<State> = bundles.iter().map(|b| b.state_among(bundles, today)).collect();
    let holding = bundles.iter().zip(&states).filter(|(_, state)| **state == State::InForce);
    let found: Vec<_> =
        holding.map(|(b, _)| ConvenantInForce { convenant: b.convenant.clone(), hash: b.hash }).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let any = |wanted: fn(&State) -> bool| states.iter().any(wanted);
    Err(if any(|s| matches!(s, State::Withdrawn { .. })) {
        ReasonCode::ConvenantWithdrawn
    } else if any(|s| matches!(s, State::NotYetValid | State::Expired)) {
        ReasonCode::ConvenantNotValid
    } else if any(|s| matches!(s, State::Proposed { .. })) {
        ReasonCode::ConvenantIncomplete
    } else {
        ReasonCode::NoConvenant
    })
}
