//! What exactly is signed: the pre-authentication encoding of DSSE v1, and signatures as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::crypto::{InvalidSignature, SigningKey, VerifyingKey};

/// The bytes that a DSSE v1 signature covers: payload type and body, each with its length in front.
#[must_use]
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// An Ed25519 signature over [`pae`]; canonical base64 in text.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature([u8; 64]);

/// The text is no base64 of 64 bytes.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("geen handtekening (verwacht base64 van 64 bytes)")]
pub struct InvalidText;

impl Signature {
    /// Signs a body of this type.
    #[must_use]
    pub fn make(key: &SigningKey, payload_type: &str, body: &[u8]) -> Self {
        Self(key.sign(&pae(payload_type, body)))
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`InvalidSignature`] when key, type or body differ.
    pub fn verify(&self, key: &VerifyingKey, payload_type: &str, body: &[u8]) -> Result<(), InvalidSignature> {
        key.verify(&pae(payload_type, body), &self.0)
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl TryFrom<String> for Signature {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        let bytes = STANDARD.decode(text).map_err(|_| InvalidText)?;
        bytes.try_into().map(Self).map_err(|_| InvalidText)
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        STANDARD.encode(signature.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_of_the_dsse_specification() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }
}
