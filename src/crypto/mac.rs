//! HMAC-SHA-256 (RFC 2104, FIPS 198-1), SHA-256 (FIPS 180-4) and HKDF-SHA-256 (RFC 5869), on ring.

use std::fmt;

use ring::{digest as ring_digest, hkdf, hmac};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::hex::{from_hex, hex, text_form};

/// A SHA-256 digest of public bytes: 32 bytes; `sha256:` and 64 digits in text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Lower-case hexadecimal text, 64 characters.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// Reads 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }
}

text_form!(Digest, "sha256", |bytes| Some(Digest(bytes)));

/// SHA-256 of `bytes`.
#[must_use]
pub fn digest(bytes: &[u8]) -> Digest {
    digest_parts(&[bytes])
}

/// SHA-256 of the concatenation of `parts`; the caller makes the boundaries unambiguous.
#[must_use]
pub fn digest_parts(parts: &[&[u8]]) -> Digest {
    let mut running = RunningDigest::new();
    for part in parts {
        running.update(part);
    }
    running.finish()
}

/// SHA3-512 (FIPS 202) of the concatenation of `parts`: the hash of FSC contracts, used for nothing else.
#[must_use]
pub fn sha3_512_parts(parts: &[&[u8]]) -> [u8; 64] {
    use sha3::Digest as _;
    let mut running = sha3::Sha3_512::new();
    for part in parts {
        running.update(part);
    }
    running.finalize().into()
}

/// SHA-256 of bytes that come in pieces, such as a file.
pub struct RunningDigest(ring_digest::Context);

impl RunningDigest {
    /// Nothing hashed yet.
    #[must_use]
    pub fn new() -> Self {
        Self(ring_digest::Context::new(&ring_digest::SHA256))
    }

    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Digest {
        let mut out = [0_u8; 32];
        out.copy_from_slice(self.0.finish().as_ref());
        Digest(out)
    }
}

impl Default for RunningDigest {
    fn default() -> Self {
        Self::new()
    }
}

/// 32 secret bytes: a root, a seed or a key before it gets its use.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret32([u8; 32]);

impl Secret32 {
    /// Takes over 32 secret bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws 32 random bytes.
    #[must_use]
    pub fn random() -> Self {
        Self(super::random())
    }

    /// The one door out: each use must seal, derive or sign, and never log.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Whether two byte strings are the same, in a time that does not tell where they differ.
#[must_use]
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &super::random::<32>());
    hmac::verify(&key, other, hmac::sign(&key, one).as_ref()).is_ok()
}

struct Len32;

impl hkdf::KeyType for Len32 {
    fn len(&self) -> usize {
        32
    }
}

/// HKDF-SHA-256 (RFC 5869) with an empty salt; `label` is the info, of the form `ketenpoort/v1/<use>/<epoch>`.
#[must_use]
pub fn expand_secret(secret: &Secret32, label: &str) -> Secret32 {
    expand_parts(&[], secret.expose(), &[label.as_bytes()])
}

/// HKDF-SHA-256: 32 bytes from salt, key material and the concatenation of `info`.
pub(super) fn expand_parts(salt: &[u8], material: &[u8], info: &[&[u8]]) -> Secret32 {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(material);
    let mut out = [0_u8; 32];
    #[expect(clippy::expect_used, reason = "32 bytes is within the bound of RFC 5869 section 2.3")]
    prk.expand(info, Len32).and_then(|okm| okm.fill(&mut out)).expect("HKDF output of 32 bytes");
    Secret32::new(out)
}

/// A secret HMAC-SHA-256 output: a pseudonym or a fingerprint inside the node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub(crate) [u8; 32]);

impl Tag {
    /// The bytes, for storing them sealed or deriving from them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Takes bytes that were read back from a seal.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The first 16 bytes as a number: a keyed 128-bit fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        let mut first = [0_u8; 16];
        first.copy_from_slice(&self.0[..16]);
        u128::from_be_bytes(first)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// A prepared HMAC-SHA-256 key; preparing it costs as much as one HMAC, so build it once a batch.
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Prepares the key from 32 secret bytes.
    #[must_use]
    pub fn new(secret: &Secret32) -> Self {
        Self::from_slice(secret.expose())
    }

    /// Prepares a key of any length, as the published test vectors need.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// HMAC-SHA-256 over the concatenation of `parts`.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut out = [0_u8; 32];
        out.copy_from_slice(context.sign().as_ref());
        Tag(out)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(<redacted>)")
    }
}
