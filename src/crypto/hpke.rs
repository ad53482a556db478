//! Sealing to another party: HPKE base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.

use std::convert::Infallible;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{CryptoRng, TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng};

use super::agreement::{AgreementKey, AgreementPublic};
use super::seal::InvalidSeal;

type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// The operating system's randomness, in the shape that the HPKE crate asks.
struct System;

impl TryRng for System {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(super::random()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(super::random()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            chunk.copy_from_slice(&super::random::<32>()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for System {}

/// Seals `plain` so that only the holder of `recipient` opens it, under a fresh encapsulated key: 32 bytes of that key,
/// then the ciphertext; 48 bytes longer than `plain`. `info` and `aad` are bound, not stored. It says nothing about who
/// sealed: sign besides.
#[must_use]
pub fn seal_to(recipient: &AgreementPublic, info: &[u8], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    seal_with(&mut System, recipient, info, aad, plain)
}

#[expect(clippy::expect_used, reason = "32 bytes of an X25519 key that is no point of small order always encapsulate")]
pub(super) fn seal_with(
    rng: &mut impl CryptoRng,
    recipient: &AgreementPublic,
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    let key = PublicKey::from_bytes(recipient.as_bytes()).expect("public key of 32 bytes");
    let (encapsulated, sealed) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        info,
        plain,
        aad,
        rng,
    )
    .expect("encapsulation to a usable key");
    let mut out = encapsulated.to_bytes().to_vec();
    out.extend(sealed);
    out
}

/// Opens what [`seal_to`] made for this key with the same `info` and `aad`.
///
/// # Errors
/// [`InvalidSeal`] when the key, the context or a byte differs.
pub fn open_with(key: &AgreementKey, info: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, InvalidSeal> {
    let (encapsulated, rest) = sealed.split_at_checked(32).ok_or(InvalidSeal)?;
    let encapsulated = Encapsulated::from_bytes(encapsulated).map_err(|_| InvalidSeal)?;
    let private = PrivateKey::from_bytes(key.expose()).map_err(|_| InvalidSeal)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        info,
        rest,
        aad,
    )
    .map_err(|_| InvalidSeal)
}
