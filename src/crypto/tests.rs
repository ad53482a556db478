//! Known answers from the published documents, and what the keys of a node promise each other.

use std::convert::Infallible;

use ::hpke::rand_core::{TryCryptoRng, TryRng};
use proptest::prelude::*;

use super::hpke::seal_with;
use super::mac::expand_parts;
use super::*;

fn bytes(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "whole bytes");
    text.as_bytes()
        .chunks(2)
        .map(|pair| from_hex::<1>(std::str::from_utf8(pair).expect("ASCII")).expect("hexadecimal")[0])
        .collect()
}

fn secret(text: &str) -> Secret32 {
    Secret32::new(from_hex(text).expect("32 bytes"))
}

#[test]
fn hmac_of_rfc_4231() {
    let long: &[u8] = b"This is a test using a larger than block-size key and a larger than block-size data. The key \
        needs to be hashed before being used by the HMAC algorithm.";
    let (larger, key4): (&[u8], Vec<u8>) =
        (b"Test Using Larger Than Block-Size Key - Hash Key First", (1..=25).collect());
    for (key, data, expected) in [
        (&[0x0b; 20][..], &b"Hi There"[..], "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (&key4, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        (&[0xaa; 131], larger, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        (&[0xaa; 131], long, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ] {
        let key = MacKey::from_slice(key);
        assert_eq!(hex(key.tag(&[data]).expose()), expected);
        let (front, back) = data.split_at(3);
        assert_eq!(hex(key.tag(&[front, back]).expose()), expected, "parts are one message");
    }
}

#[test]
fn hkdf_of_rfc_5869() {
    // The first 32 bytes of the published outputs, which do not depend on the length asked.
    let range = |a: u8, b: u8| (a..=b).collect::<Vec<u8>>();
    for (salt, material, info, expected) in [
        (
            range(0, 12),
            vec![0x0b; 22],
            range(0xf0, 0xf9),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        ),
        (
            range(0x60, 0xaf),
            range(0, 0x4f),
            range(0xb0, 0xff),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c",
        ),
        (vec![], vec![0x0b; 22], vec![], "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"),
    ] {
        assert_eq!(hex(expand_parts(&salt, &material, &[&info]).expose()), expected);
    }
}

#[test]
fn ed25519_of_rfc_8032() {
    for (seed, public, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let key = SigningKey::from_seed(&secret(seed));
        assert_eq!(hex(&key.verifying_key().0), public);
        assert_eq!(hex(&key.sign(&bytes(message))), signature);
        assert_eq!(key.verifying_key().verify(&bytes(message), &bytes(signature)), Ok(()));
        assert_eq!(key.verifying_key().verify(b"else", &bytes(signature)), Err(InvalidSignature));
    }
}

#[test]
fn x25519_of_rfc_7748() {
    let alice = AgreementKey::from_seed(secret("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
    let bob = AgreementKey::from_seed(secret("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
    let expected = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    assert_eq!(alice.public().to_hex(), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_eq!(bob.public().to_hex(), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_eq!(hex(alice.shared_secret(&bob.public()).expect("shared").expose()), expected);
    assert_eq!(hex(bob.shared_secret(&alice.public()).expect("shared").expose()), expected);
}

#[test]
fn points_of_small_order_are_refused() {
    // Every encoding of a point of order 1, 2, 4 or 8 (RFC 7748 section 7 and the list it refers to).
    for text in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        assert_eq!(AgreementPublic::from_hex(text), Err(InvalidAgreement), "{text}");
    }
}

#[test]
fn chacha20_poly1305_of_rfc_8439() {
    // Appendix A.5, whose nonce begins with four zero bytes like ours.
    let key = secret("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
    let sealed = bytes(
        "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38",
    );
    let context = bytes("f33388860000000000004e91");
    let batch = SealedBatch::under(&key, [0; 16]);
    let plain = batch.open(0x0102_0304_0506_0708, &context, &sealed).expect("the published ciphertext opens");
    assert!(plain.starts_with(b"Internet-Drafts are draft documents valid for a maximum of six months"));
    assert_eq!(plain.len(), sealed.len() - 16);
    assert_eq!(batch.open(0x0102_0304_0506_0709, &context, &sealed), Err(InvalidSeal));
}

/// "Random" bytes that are the published `ikmE`, so that the encapsulated key is the published one.
struct Published(Vec<u8>);

impl TryRng for Published {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("the crate asks for bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("the crate asks for bytes")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Published {}

#[test]
fn hpke_of_rfc_9180_appendix_a_2() {
    let key = AgreementKey::from_seed(secret("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"));
    assert_eq!(key.public().to_hex(), "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
    let (info, aad, plain) = (b"Ode on a Grecian Urn", b"Count-0", b"Beauty is truth, truth beauty");
    let sealed = bytes(
        "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
    );
    assert_eq!(open_with(&key, info, aad, &sealed).expect("the published ciphertext opens"), plain);
    let mut ikm = Published(bytes("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b"));
    assert_eq!(seal_with(&mut ikm, &key.public(), info, aad, plain), sealed);
}

proptest! {
    #[test]
    fn only_the_recipient_opens_and_only_unchanged(
        plain in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let (key, other) = (AgreementKey::from_seed(Secret32::random()), AgreementKey::from_seed(Secret32::random()));
        let sealed = seal_to(&key.public(), b"info", b"aad", &plain);
        prop_assert_eq!(sealed.len(), plain.len() + 48);
        prop_assert_eq!(open_with(&key, b"info", b"aad", &sealed), Ok(plain));
        prop_assert_eq!(open_with(&other, b"info", b"aad", &sealed), Err(InvalidSeal));
        prop_assert_eq!(open_with(&key, b"else", b"aad", &sealed), Err(InvalidSeal));
        prop_assert_eq!(open_with(&key, b"info", b"else", &sealed), Err(InvalidSeal));
        let mut changed = sealed.clone();
        let index = at.index(changed.len());
        // The top bit of an X25519 key is ignored by its definition (RFC 7748 section 5).
        if !(index == 31 && flip == 0x80) {
            changed[index] ^= flip;
            prop_assert_eq!(open_with(&key, b"info", b"aad", &changed), Err(InvalidSeal));
        }
        prop_assert_eq!(open_with(&key, b"info", b"aad", &sealed[..index]), Err(InvalidSeal));
    }

    #[test]
    fn hexadecimal_text_has_one_form(value in any::<[u8; 32]>()) {
        let text = hex(&value);
        prop_assert_eq!(from_hex::<32>(&text), Some(value));
        prop_assert_eq!(Digest::from_hex(&text), Some(Digest(value)));
        prop_assert_eq!(from_hex::<32>(&text.to_uppercase()).is_some(), text == text.to_uppercase());
        prop_assert_eq!(from_hex::<32>(&format!("+{}", &text[1..])), None);
    }
}

#[test]
fn both_ends_derive_one_pair_key_bound_to_names_keys_and_use() {
    let (a, b) = (AgreementKey::from_seed(Secret32::random()), AgreementKey::from_seed(Secret32::random()));
    let (name_a, name_b) = (b"00000099000000000001", b"00000099000000000002");
    let derive = |label| a.pair_key(name_a, &b.public(), name_b, label).expect("pair key");
    let key = derive("ketenpoort/v1/pair/1");
    assert_eq!(
        key.expose(),
        b.pair_key(name_b, &a.public(), name_a, "ketenpoort/v1/pair/1").expect("pair key").expose()
    );
    assert_ne!(key.expose(), derive("ketenpoort/v1/pair/2").expose());
    let swapped = a.pair_key(name_b, &b.public(), name_a, "ketenpoort/v1/pair/1").expect("pair key");
    assert_ne!(key.expose(), swapped.expose(), "the names belong to the keys");
}

#[test]
fn every_use_of_the_root_has_a_key_of_its_own() {
    let tree = KeyTree::new(Secret32::new([7; 32]));
    let again = KeyTree::new(Secret32::new([7; 32]));
    assert_eq!(tree.signing_key().verifying_key(), again.signing_key().verifying_key(), "a root gives the same keys");
    assert_ne!(tree.signing_key().verifying_key(), tree.checkpoint_key().verifying_key());
    assert_ne!(tree.witness_key().verifying_key(), tree.signing_key().verifying_key());
    assert_ne!(tree.witness_key().verifying_key(), tree.checkpoint_key().verifying_key());
    assert_ne!(tree.agreement_key(1).public(), tree.agreement_key(2).public());
    let tags = [tree.local_key(), tree.fingerprint_key(), tree.tiebreak_key()].map(|key| key.tag(&[b"x"]));
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
    let uses = [SealUse::State, SealUse::Translog, SealUse::Answers, SealUse::Quarantine];
    for (i, a) in uses.iter().enumerate() {
        let sealed = tree.seal_key(*a).seal(b"context", b"plain");
        for (j, b) in uses.iter().enumerate() {
            assert_eq!(again.seal_key(*b).open(b"context", &sealed).is_ok(), i == j, "{a:?} {b:?}");
        }
    }
}

#[test]
fn chain_tokens_follow_their_formulas() {
    let base = ChainBase::new(Secret32::new([1; 32]));
    let plain = MacKey::from_slice(&[1; 32]);
    assert_eq!(base.check().0, *plain.tag(&[b"check"]).expose());
    let token = base.token_key().tag(&[b"subject", &[0], b"999999990"]);
    assert_eq!(token, plain.tag(&[b"subject\0999999990"]));
    let epoch = ChainEpoch::new(Secret32::new([2; 32]));
    assert_eq!(epoch.token(&token), MacKey::from_slice(&[2; 32]).tag(&[token.expose()]));
    assert_ne!(epoch.check(), base.check());
    assert_ne!(ChainBase::random().check(), ChainBase::random().check());
}

#[test]
fn secrets_print_nothing() {
    let secret = Secret32::new([0x41; 32]);
    let printed = format!(
        "{secret:?} {:?} {:?} {:?} {:?}",
        KeyTree::new(Secret32::new([0x41; 32])),
        AgreementKey::from_seed(Secret32::new([0x41; 32])),
        ChainBase::new(Secret32::new([0x41; 32])),
        ChainEpoch::new(Secret32::new([0x41; 32])),
    );
    assert!(!printed.contains("41") && !printed.contains("65") && !printed.contains("AAAA"), "{printed}");
}
