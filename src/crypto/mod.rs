//! Keys, hashes, seals and signatures: the one room that names `ring`, `hpke`, `sha3`, `argon2` and `curve25519-dalek`.
//!
//! Secret types have no `Display`, no content in `Debug`, no `Serialize` and no `Clone`; their bytes are wiped on drop.

mod agreement;
mod cores;
mod fingerprint;
mod hex;
mod hpke;
mod keytree;
mod mac;
mod mask;
pub mod oprf;
mod password;
mod seal;
mod sealer;
mod sign;
mod totp;

#[cfg(test)]
mod tests;

pub use agreement::{AgreementKey, AgreementPublic, InvalidAgreement};
pub use cores::on_all_cores;
pub use fingerprint::FingerprintKey;
pub use hex::{InvalidText, from_hex, hex};
pub use hpke::{open_with, seal_to};
pub use keytree::{ChainBase, ChainEpoch, KeyTree, SealUse};
pub use mac::{
    Digest, MacKey, RunningDigest, Secret32, Tag, digest, digest_parts, equal, expand_secret, sha3_512_parts,
};
pub use mask::fill_mask;
pub use password::PasswordHash;
pub use seal::{InvalidSeal, SealKey, SealedBatch};
pub use sealer::Sealer;
pub use sign::{InvalidSignature, SigningKey, VerifyingKey};
pub use totp::TotpSecret;

/// Fills an array with random bytes of the operating system.
///
/// # Panics
/// When the operating system has no randomness, which no program can survive.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut out = [0_u8; N];
    #[expect(clippy::expect_used, reason = "without randomness no key, salt or nonce is safe")]
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut out).expect("operating system randomness");
    out
}
