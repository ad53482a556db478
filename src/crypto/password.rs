//! Passwords of local accounts: Argon2id (RFC 9106), with its costs kept beside the hash so that they can be raised.

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};

use super::mac::equal;
use super::random;

/// Memory in KiB, passes and lanes of a new hash: above the least that OWASP advises (19 MiB, 2 passes).
const COSTS: (u32, u32, u32) = (32 << 10, 2, 1);

/// What is kept of a password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
    hash: [u8; 32],
}

impl PasswordHash {
    /// Hashes a new password; takes tens of milliseconds on purpose. `None` when there is no memory for it.
    #[must_use]
    pub fn of(password: &str) -> Option<Self> {
        let (salt, (memory_kib, passes, lanes)) = (random(), COSTS);
        let mut made = Self { memory_kib, passes, lanes, salt, hash: [0; 32] };
        made.hash = made.derive(password)?;
        Some(made)
    }

    /// Whether this is the password.
    #[must_use]
    pub fn matches(&self, password: &str) -> bool {
        self.derive(password).is_some_and(|hash| equal(&hash, &self.hash))
    }

    fn derive(&self, password: &str) -> Option<[u8; 32]> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let mut hash = [0; 32];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(password.as_bytes(), &self.salt, &mut hash).ok()?;
        Some(hash)
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_alone_and_two_hashes_of_it_differ() {
        let (one, other) =
            (PasswordHash::of("vier woorden op rij").expect("hash"), PasswordHash::of("vier woorden op rij"));
        assert!(one.matches("vier woorden op rij") && !one.matches("vier woorden op rij ") && !one.matches(""));
        assert_ne!(Some(one.hash), other.map(|other| other.hash));
        assert!(!format!("{one:?}").contains(&format!("{:?}", one.salt)));
    }

    /// `argon2 somesalt... -id` of the reference implementation (phc-winner-argon2, test.c): version 13, m 65536, t 2, p 1.
    #[test]
    fn the_hash_is_that_of_the_reference_implementation() {
        let params = Params::new(65_536, 2, 1, Some(32)).expect("params");
        let mut hash = [0; 32];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(b"password", b"somesalt", &mut hash).expect("hash");
        assert_eq!(super::super::hex(&hash), "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }
}
