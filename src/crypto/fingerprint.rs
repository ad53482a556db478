//! Keyed 128-bit fingerprints for values that never leave the node and only need to be compared: two SipHash-2-4
//! outputs (Aumasson and Bernstein, 2012) under independent keys. Pseudonyms of people use HMAC-SHA-256 instead.

use std::fmt;
use std::hash::Hasher;
#[expect(
    deprecated,
    reason = "the one SipHash-2-4 of the standard library; its output is pinned by a published vector"
)]
use std::hash::SipHasher;

use super::mac::MacKey;

/// Makes fingerprints; about ten times cheaper than HMAC-SHA-256, so that intake needs two HMACs a row and no more.
pub struct FingerprintKey {
    #[expect(deprecated, reason = "see the import")]
    halves: [SipHasher; 2],
}

impl FingerprintKey {
    /// Derives both SipHash keys from `key`; the same key gives the same fingerprints for ever.
    #[must_use]
    pub fn new(key: &MacKey) -> Self {
        let seed = key.tag(&[b"ketenpoort/v1/siphash"]);
        let word = |n: usize| {
            let mut bytes = [0_u8; 8];
            bytes.copy_from_slice(&seed.expose()[8 * n..8 * n + 8]);
            u64::from_le_bytes(bytes)
        };
        #[expect(deprecated, reason = "see the import")]
        let halves = [SipHasher::new_with_keys(word(0), word(1)), SipHasher::new_with_keys(word(2), word(3))];
        Self { halves }
    }

    /// Fingerprint of `bytes`; the caller makes the boundaries of joined parts unambiguous. Never 0, which callers use
    /// for "no value".
    #[must_use]
    pub fn of(&self, bytes: &[u8]) -> u128 {
        let [high, low] = self.halves.clone().map(|mut half| {
            half.write(bytes);
            half.finish()
        });
        ((u128::from(high) << 64) | u128::from(low)).max(1)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_siphash_2_4_of_the_published_vectors() {
        // Reference implementation of the authors, vectors_sip64: key 00..0f, input 00, 01, .. of each length.
        let [k0, k1] = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let expected: [(u8, u64); 3] =
            [(0, 0x726f_db47_dd0e_0e31), (1, 0x74f8_39c5_93dc_67fd), (15, 0xa129_ca61_49be_45e5)];
        for (len, hash) in expected {
            #[expect(deprecated, reason = "see the import")]
            let mut hasher = SipHasher::new_with_keys(k0, k1);
            hasher.write(&(0..len).collect::<Vec<u8>>());
            assert_eq!(hasher.finish(), hash, "length {len}");
        }
    }

    #[test]
    fn fingerprints_depend_on_key_and_bytes_and_never_on_the_object() {
        let key = |b: u8| FingerprintKey::new(&MacKey::from_slice(&[b; 32]));
        assert_eq!(key(1).of(b"zaak"), key(1).of(b"zaak"));
        assert_ne!(key(1).of(b"zaak"), key(2).of(b"zaak"));
        assert_ne!(key(1).of(b"zaak"), key(1).of(b"zaal"));
        let value = key(1).of(b"zaak");
        assert_ne!(value >> 64, value & u128::from(u64::MAX), "the halves have keys of their own");
        assert!(!format!("{:?}", key(7)).contains('7'));
    }
}
