//! Expanding a seed to a mask of any length: HKDF-SHA-256 (RFC 5869) for the key, ChaCha20 (RFC 8439) for the stream.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::mac::{Secret32, expand_secret};

/// Fills `bytes` with the mask of a seed: the ChaCha20 key stream from block 1 on, under nonce 0 and the key that HKDF-SHA-256
/// gives for `label` (of the form `ketenpoort/v1/<use>/<epoch>`). Two seeds or labels share nothing; a shorter mask is the
/// beginning of a longer one. It is the ciphertext of zeros of ChaCha20-Poly1305 (RFC 8439 section 2.8) without its tag.
///
/// # Panics
/// Never for fewer than 256 GB.
pub fn fill_mask(seed: &Secret32, label: &str, bytes: &mut [u8]) {
    bytes.fill(0);
    let key = expand_secret(seed, label);
    #[expect(clippy::expect_used, reason = "32 bytes is the length of this algorithm's key, its only limit is 256 GB")]
    let _tag = UnboundKey::new(&CHACHA20_POLY1305, key.expose())
        .and_then(|unbound| {
            let (key, nonce) = (LessSafeKey::new(unbound), Nonce::assume_unique_for_key([0; 12]));
            key.seal_in_place_separate_tag(nonce, Aad::empty(), bytes)
        })
        .expect("a mask under 256 GB");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_follows_from_seed_and_label_alone_and_begins_as_a_longer_one() {
        let mask = |seed: u8, label: &str, len: usize| {
            let mut bytes = vec![7; len];
            fill_mask(&Secret32::new([seed; 32]), label, &mut bytes);
            bytes
        };
        let long = mask(1, "ketenpoort/v1/test/0", 1000);
        assert_eq!(mask(1, "ketenpoort/v1/test/0", 77), long[..77]);
        assert_ne!(mask(2, "ketenpoort/v1/test/0", 77), long[..77]);
        assert_ne!(mask(1, "ketenpoort/v1/test/1", 77), long[..77]);
    }

    #[test]
    fn the_stream_is_that_of_the_rfc() {
        // Seed 0..31 and this label; HKDF by hand, then ChaCha20 (RFC 8439 section 2.4) with counter 1.
        let seed: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).expect("small"));
        let mut mask = [0; 64];
        fill_mask(&Secret32::new(seed), "ketenpoort/v1/sum-mask/0", &mut mask);
        assert_eq!(super::super::hex(&mask), KNOWN);
    }

    /// Made with a ChaCha20 in Python that gives the example of section 2.4.2.
    const KNOWN: &str = "4bb411484e23c9cb910f2a363027997b24a78f4e8baeba3f8ed2c614b56c58ba54b6b733b3e16a47b723b66c40ea274264ee0a3713a5bea7acc358af572ebd22";
}
