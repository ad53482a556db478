//! Many seals to one recipient: what [`super::seal_to`] makes, with both multiplications from tables instead of one by the
//! ladder, and the parts of the key schedule that do not change worked out once. A third of the time.

use curve25519_dalek::edwards::EdwardsBasepointTable;
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::traits::BasepointTable;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::agreement::AgreementPublic;
use super::hpke::seal_to;
use super::mac::{MacKey, Secret32, Tag};

/// RFC 9180 section 4.1: DHKEM(X25519, HKDF-SHA256).
const KEM: &[u8] = b"KEM\x00\x20";
/// RFC 9180 section 5.1: that KEM, HKDF-SHA256, ChaCha20Poly1305.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";

/// `LabeledExtract` of RFC 9180 section 4.
fn extract(suite: &[u8], salt: &[u8], label: &[u8], secret: &[u8]) -> Tag {
    MacKey::from_slice(salt).tag(&[b"HPKE-v1", suite, label, secret])
}

/// `LabeledExpand` for at most 32 bytes, which is one block of HKDF.
fn expand(suite: &[u8], key: &Tag, label: &[u8], info: &[u8], length: u16) -> Tag {
    MacKey::from_slice(key.expose()).tag(&[&length.to_be_bytes(), b"HPKE-v1", suite, label, info, &[1]])
}

/// Seals to one recipient, under one info.
pub struct Sealer {
    public: AgreementPublic,
    info: Vec<u8>,
    /// Multiples of the recipient's point; none for a key on the twist, which no honest one is.
    table: Option<Box<EdwardsBasepointTable>>,
    /// Mode and hashes of the key schedule.
    context: Vec<u8>,
}

impl Sealer {
    /// Works out the tables of a recipient.
    #[must_use]
    pub fn new(recipient: &AgreementPublic, info: &[u8]) -> Self {
        let point = MontgomeryPoint(*recipient.as_bytes()).to_edwards(0);
        let table = point.map(|point| Box::new(EdwardsBasepointTable::create(&point)));
        let hashes = [extract(SUITE, &[], b"psk_id_hash", &[]), extract(SUITE, &[], b"info_hash", info)];
        let context = [&[0][..], hashes[0].expose(), hashes[1].expose()].concat();
        Self { public: *recipient, info: info.to_vec(), table, context }
    }

    /// Seals as [`super::seal_to`] does, without associated data, under a fresh encapsulated key.
    #[must_use]
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let Some(table) = &self.table else { return seal_to(&self.public, &self.info, &[], plain) };
        let ephemeral = Secret32::random();
        let encapsulated = MontgomeryPoint::mul_base_clamped(*ephemeral.expose()).0;
        // On the curve both points with this u have the same u in their multiples, so that the sign is of no account.
        let agreed = Zeroizing::new(table.mul_base_clamped(*ephemeral.expose()).to_montgomery().0);
        let ends = [encapsulated, *self.public.as_bytes()].concat();
        let shared = expand(KEM, &extract(KEM, &[], b"eae_prk", &*agreed), b"shared_secret", &ends, 32);
        let secret = extract(SUITE, shared.expose(), b"secret", &[]);
        let key = expand(SUITE, &secret, b"key", &self.context, 32);
        let nonce = expand(SUITE, &secret, b"base_nonce", &self.context, 12);
        self.close(encapsulated, (&key, &nonce), plain)
    }

    #[expect(
        clippy::expect_used,
        reason = "32 bytes are a key of this cipher, and few bytes are never too long for it"
    )]
    fn close(&self, encapsulated: [u8; 32], (key, nonce): (&Tag, &Tag), plain: &[u8]) -> Vec<u8> {
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.expose()).expect("a key of 32 bytes"));
        let nonce = Nonce::assume_unique_for_key(nonce.expose().first_chunk().copied().unwrap_or_default());
        let mut out = Vec::with_capacity(32 + plain.len() + CHACHA20_POLY1305.tag_len());
        out.extend(encapsulated);
        out.extend_from_slice(plain);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut out[32..]).expect("a short text");
        out.extend_from_slice(tag.as_ref());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AgreementKey, open_with, random};
    use super::*;

    #[test]
    fn what_it_seals_opens_as_any_other_seal_and_under_nothing_else() {
        for length in [0, 1, 16, 100] {
            let (key, info) = (AgreementKey::from_seed(Secret32::random()), random::<64>());
            let sealer = Sealer::new(&key.public(), &info);
            assert!(sealer.table.is_some());
            let plain = vec![5; length];
            let [one, two] = [sealer.seal(&plain), sealer.seal(&plain)];
            assert_eq!(one.len(), seal_to(&key.public(), &info, &[], &plain).len());
            assert_ne!(one[..32], two[..32], "an encapsulation of its own");
            assert_eq!(open_with(&key, &info, &[], &one).expect("opens"), plain);
            assert_eq!(open_with(&key, &info, &[], &two).expect("opens"), plain);
            assert!(open_with(&key, &info[1..], &[], &one).is_err());
            assert!(open_with(&key, &info, b"x", &one).is_err());
            assert!(open_with(&AgreementKey::from_seed(Secret32::random()), &info, &[], &one).is_err());
        }
    }

    #[test]
    fn a_key_on_the_twist_is_sealed_to_by_the_ladder() {
        // u = 3 is the u of no point on the curve.
        let mut bytes = [0; 32];
        bytes[0] = 3;
        let twisted = AgreementPublic::from_bytes(bytes).expect("no point of small order");
        let sealer = Sealer::new(&twisted, b"info");
        assert_eq!((sealer.table.is_none(), sealer.seal(&[1; 16]).len()), (true, 64));
    }
}
