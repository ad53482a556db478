//! Ed25519 signatures (RFC 8032), on ring.

use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::hex::text_form;
use super::mac::Secret32;

/// A signature does not belong to this key and message.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the signature does not verify")]
pub struct InvalidSignature;

/// An Ed25519 private key.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key of this 32-byte seed (RFC 8032 section 5.1.5).
    ///
    /// # Panics
    /// Never: every 32-byte seed is a key.
    #[must_use]
    pub fn from_seed(seed: &Secret32) -> Self {
        #[expect(clippy::expect_used, reason = "every 32-byte seed is an Ed25519 key")]
        Self(Ed25519KeyPair::from_seed_unchecked(seed.expose()).expect("seed of 32 bytes"))
    }

    /// Signs `message`; 64 bytes, deterministic.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut out = [0_u8; 64];
        out.copy_from_slice(self.0.sign(message).as_ref());
        out
    }

    /// The public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        let mut out = [0_u8; 32];
        out.copy_from_slice(self.0.public_key().as_ref());
        VerifyingKey(out)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(<redacted>)")
    }
}

/// An Ed25519 public key: 32 bytes; `ed25519:` and 64 digits in text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VerifyingKey(pub [u8; 32]);

text_form!(VerifyingKey, "ed25519", |bytes| Some(VerifyingKey(bytes)));

impl VerifyingKey {
    /// Checks a signature over `message`.
    ///
    /// # Errors
    /// [`InvalidSignature`] when it does not verify.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).map_err(|_| InvalidSignature)
    }
}
