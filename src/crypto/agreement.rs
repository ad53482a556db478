//! X25519 agreement keys (RFC 7748) and the pair keys derived from them.

use std::fmt;

use curve25519_dalek::montgomery::MontgomeryPoint;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::hex::{from_hex, hex, text_form};
use super::mac::{Secret32, expand_parts};

/// A public key that lets nothing be agreed: a point of small order, or no 32 bytes.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("no usable X25519 public key")]
pub struct InvalidAgreement;

/// The public half of an agreement key; never a point of small order, so agreeing with it cannot give all zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgreementPublic([u8; 32]);

impl AgreementPublic {
    /// Takes 32 bytes of another party.
    ///
    /// # Errors
    /// [`InvalidAgreement`] for a point of small order (RFC 7748 section 6.1: the all-zero result is refused).
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, InvalidAgreement> {
        // A clamped scalar is a multiple of the cofactor 8 and no multiple of the group's prime, on curve and twist
        // alike: one trial multiplication says for all scalars whether the result is zero.
        let trial = MontgomeryPoint(bytes).mul_clamped([1; 32]);
        if trial.0 == [0; 32] { Err(InvalidAgreement) } else { Ok(Self(bytes)) }
    }

    /// Reads 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`InvalidAgreement`] for another text or an unusable point.
    pub fn from_hex(text: &str) -> Result<Self, InvalidAgreement> {
        Self::from_bytes(from_hex(text).ok_or(InvalidAgreement)?)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Lower-case hexadecimal text.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }
}

text_form!(AgreementPublic, "x25519", |bytes| AgreementPublic::from_bytes(bytes).ok());

/// An X25519 private key, one per node and epoch.
pub struct AgreementKey(Secret32);

impl AgreementKey {
    /// The key of these 32 random bytes; they are clamped when used (RFC 7748 section 5).
    #[must_use]
    pub fn from_seed(seed: Secret32) -> Self {
        Self(seed)
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> AgreementPublic {
        AgreementPublic(MontgomeryPoint::mul_base_clamped(*self.0.expose()).0)
    }

    /// The raw X25519 result; derive from it, never use it as a key.
    ///
    /// # Errors
    /// [`InvalidAgreement`] when the result is all zeros.
    pub fn shared_secret(&self, other: &AgreementPublic) -> Result<Secret32, InvalidAgreement> {
        let shared = MontgomeryPoint(other.0).mul_clamped(*self.0.expose());
        if shared.0 == [0; 32] { Err(InvalidAgreement) } else { Ok(Secret32::new(shared.0)) }
    }

    /// The key of this pair of parties for one use: HKDF over the shared secret, with both names and both public keys
    /// in the info, ordered by name so that both sides derive the same. `own` and `name` are OINs of 20 digits; `label`
    /// is of the form `ketenpoort/v1/<use>/<epoch>`.
    ///
    /// # Errors
    /// [`InvalidAgreement`] when the shared secret is all zeros.
    pub fn pair_key(
        &self,
        own: &[u8; 20],
        other: &AgreementPublic,
        name: &[u8; 20],
        label: &str,
    ) -> Result<Secret32, InvalidAgreement> {
        let shared = self.shared_secret(other)?;
        let mine = self.public();
        let ends = if own <= name { [(own, &mine), (name, other)] } else { [(name, other), (own, &mine)] };
        let [(a, a_key), (b, b_key)] = ends;
        let info: [&[u8]; 6] = [label.as_bytes(), &[0], a, &a_key.0, b, &b_key.0];
        Ok(expand_parts(&[], shared.expose(), &info))
    }
}

impl fmt::Debug for AgreementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgreementKey(<redacted>)")
    }
}
