//! The chain base in a convenant: made by a delivering party, sealed to each delivering party, never to monitor or gate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroize;

use super::card::NodeCard;
use super::dsse::Signature;
use crate::crypto::{AgreementKey, ChainBase, Digest, Secret32, SigningKey, VerifyingKey, open_with, seal_to};
use crate::domain::oin::Oin;

const TYPE: &str = "application/vnd.ketenpoort.chain-base+json";
const INFO: &[u8] = b"ketenpoort/v1/chain-base";

/// The chain base for one recipient.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedBase {
    /// For whom.
    pub recipient: Oin,
    /// HPKE to its agreement key, base64.
    pub sealed: String,
    /// The maker's signature over convenant id, check value, recipient and sealed bytes.
    pub signature: Signature,
}

/// The chain base of a convenant; it stays the same over all its versions until a party leaves or a key leaks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainKeys {
    /// `HMAC(K_base, "check")`, so that every holder confirms that it has the same base.
    pub check: Digest,
    /// The delivering party that made it.
    pub made_by: Oin,
    /// The base for each delivering party.
    pub sealed: Vec<SealedBase>,
}

/// Why a party does not get its chain base.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidChain {
    /// Nothing is sealed to this party.
    #[error("het convenant bevat geen ketensleutel voor deze partij")]
    NotForUs,
    /// The blob is not signed by its maker.
    #[error("de handtekening van de maker onder de ketensleutel klopt niet")]
    Signature,
    /// It does not open with our key.
    #[error("de ketensleutel is niet voor onze sleutel verzegeld; ververs de node-kaart en vraag een nieuwe versie")]
    Seal,
    /// What opens is another key than the convenant names.
    #[error("de ketensleutel is een andere dan het convenant noemt")]
    Check,
}

#[derive(Serialize)]
struct Signed<'a> {
    convenant: &'a str,
    check: &'a Digest,
    recipient: &'a Oin,
    sealed: &'a str,
}

fn signed_bytes(id: &str, check: &Digest, recipient: &Oin, sealed: &str) -> Vec<u8> {
    serde_json::to_vec(&Signed { convenant: id, check, recipient, sealed }).unwrap_or_default()
}

fn context(id: &str, recipient: &Oin) -> Vec<u8> {
    format!("{id}\0{recipient}").into_bytes()
}

impl ChainKeys {
    /// Seals a base to each recipient, under the name of the convenant.
    #[must_use]
    pub fn make(id: &str, maker: (&Oin, &SigningKey), base: &ChainBase, recipients: &[&NodeCard]) -> Self {
        let check = base.check();
        let seal = |card: &&NodeCard| {
            let bytes = seal_to(&card.agreement, INFO, &context(id, &card.oin), base.expose());
            let sealed = STANDARD.encode(bytes);
            let signature = Signature::make(maker.1, TYPE, &signed_bytes(id, &check, &card.oin, &sealed));
            SealedBase { recipient: card.oin, sealed, signature }
        };
        Self { check, made_by: *maker.0, sealed: recipients.iter().map(seal).collect() }
    }

    /// Whether every blob has the right size and is signed by the maker.
    #[must_use]
    pub fn signed_by(&self, id: &str, maker: &VerifyingKey) -> bool {
        self.sealed.iter().all(|blob| {
            let bytes = signed_bytes(id, &self.check, &blob.recipient, &blob.sealed);
            STANDARD.decode(&blob.sealed).is_ok_and(|b| b.len() == 32 + 48)
                && blob.signature.verify(maker, TYPE, &bytes).is_ok()
        })
    }

    /// Opens our own blob and confirms the check value.
    ///
    /// # Errors
    /// [`InvalidChain`] says why there is no base for us.
    pub fn open(&self, id: &str, own: (&Oin, &AgreementKey), maker: &VerifyingKey) -> Result<ChainBase, InvalidChain> {
        let blob = self.sealed.iter().find(|blob| blob.recipient == *own.0).ok_or(InvalidChain::NotForUs)?;
        let bytes = signed_bytes(id, &self.check, &blob.recipient, &blob.sealed);
        blob.signature.verify(maker, TYPE, &bytes).map_err(|_| InvalidChain::Signature)?;
        let sealed = STANDARD.decode(&blob.sealed).map_err(|_| InvalidChain::Seal)?;
        let mut plain = open_with(own.1, INFO, &context(id, own.0), &sealed).map_err(|_| InvalidChain::Seal)?;
        let secret: Result<[u8; 32], _> = plain.as_slice().try_into();
        plain.zeroize();
        let base = ChainBase::new(Secret32::new(secret.map_err(|_| InvalidChain::Seal)?));
        if base.check() == self.check { Ok(base) } else { Err(InvalidChain::Check) }
    }
}
