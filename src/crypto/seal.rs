//! Sealing of bytes at rest: ChaCha20-Poly1305 (RFC 8439) under a key derived per batch, so that a nonce is a counter
//! and never repeats.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use thiserror::Error;

use super::hex::hex;
use super::mac::{Secret32, expand_secret};

/// A sealed value does not open: wrong key, wrong context or changed bytes.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("sealed bytes do not open under this key and context")]
pub struct InvalidSeal;

/// A key that seals batches; one use per key (derive another with another label).
pub struct SealKey(Secret32);

impl SealKey {
    /// Takes over the secret of one use.
    #[must_use]
    pub fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// Starts a batch: a fresh 16-byte salt gives it a key of its own; write `salt` in front of the sealed values.
    #[must_use]
    pub fn batch(&self) -> SealedBatch {
        self.open_batch(super::random())
    }

    /// The batch with this salt again, to open what was sealed in it (or for known-answer tests).
    #[must_use]
    pub fn open_batch(&self, salt: [u8; 16]) -> SealedBatch {
        let key = expand_secret(&self.0, &format!("ketenpoort/v1/batch/{}", hex(&salt)));
        SealedBatch::under(&key, salt)
    }

    /// Seals one value alone: salt, then the sealed bytes; 32 bytes longer than `plain`.
    #[must_use]
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut batch = self.batch();
        let mut out = batch.salt.to_vec();
        out.extend(batch.seal(context, plain));
        out
    }

    /// Opens what [`SealKey::seal`] made with the same context.
    ///
    /// # Errors
    /// [`InvalidSeal`] when the key, the context or a byte differs.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, InvalidSeal> {
        let (salt, rest) = sealed.split_at_checked(16).ok_or(InvalidSeal)?;
        let salt: [u8; 16] = salt.try_into().map_err(|_| InvalidSeal)?;
        self.open_batch(salt).open(0, context, rest)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(<redacted>)")
    }
}

/// The seals of one batch; value `n` is sealed under nonce `n`.
pub struct SealedBatch {
    salt: [u8; 16],
    key: LessSafeKey,
    next: u64,
}

impl SealedBatch {
    pub(super) fn under(key: &Secret32, salt: [u8; 16]) -> Self {
        #[expect(clippy::expect_used, reason = "32 bytes is the length of this algorithm's key")]
        let unbound = UnboundKey::new(&CHACHA20_POLY1305, key.expose()).expect("key of 32 bytes");
        Self { salt, key: LessSafeKey::new(unbound), next: 0 }
    }

    /// The public salt that brings this batch's key back.
    #[must_use]
    pub fn salt(&self) -> [u8; 16] {
        self.salt
    }

    /// Seals the next value; 16 bytes longer than `plain`. `context` is bound, not stored.
    ///
    /// # Panics
    /// Never for values under 256 GB.
    pub fn seal(&mut self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut bytes = plain.to_vec();
        let nonce = nonce(self.next);
        self.next += 1;
        #[expect(clippy::expect_used, reason = "the algorithm's only limit is 256 GB a value")]
        self.key.seal_in_place_append_tag(nonce, Aad::from(context), &mut bytes).expect("value under 256 GB");
        bytes
    }

    /// Opens value number `index` of this batch.
    ///
    /// # Errors
    /// [`InvalidSeal`] when the key, the index, the context or a byte differs.
    pub fn open(&self, index: u64, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, InvalidSeal> {
        let mut bytes = sealed.to_vec();
        let len = self.key.open_in_place(nonce(index), Aad::from(context), &mut bytes).map_err(|_| InvalidSeal)?.len();
        bytes.truncate(len);
        Ok(bytes)
    }
}

fn nonce(index: u64) -> Nonce {
    let mut bytes = [0_u8; 12];
    bytes[4..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}
