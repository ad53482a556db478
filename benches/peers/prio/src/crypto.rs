//! What a secure sum needs of the program's cryptography, from its own source.
#![allow(dead_code, unused_imports, reason = "a part of a room")]

#[path = "../../../../src/crypto/hex.rs"]
mod hex;
#[path = "../../../../src/crypto/mac.rs"]
mod mac;
#[path = "../../../../src/crypto/mask.rs"]
mod mask;

pub use hex::*;
pub use mac::*;
pub use mask::fill_mask;

/// Random bytes of the operating system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).expect("random bytes");
    bytes
}
