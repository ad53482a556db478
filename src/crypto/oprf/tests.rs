//! The published vectors (RFC 9497 appendix A.1.2), the crate `voprf` as a second opinion, and what is refused.

use curve25519_dalek::scalar::Scalar;
use proptest::prelude::*;
use rand_core::OsRng;
use voprf::{BlindedElement, EvaluationElement, Ristretto255, VoprfClient, VoprfServer};
use zeroize::Zeroizing;

use super::*;
use crate::crypto::{from_hex, hex, random};

struct Vector {
    inputs: &'static [&'static str],
    blinds: &'static [&'static str],
    blinded: &'static [&'static str],
    evaluated: &'static [&'static str],
    proof: &'static str,
    random: &'static str,
    outputs: &'static [&'static str],
}

const SECRET: &str = "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909";
const PUBLIC: &str = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e";
const VECTORS: &[Vector] = &[
    Vector {
        inputs: &["00"],
        blinds: &["64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"],
        blinded: &["863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"],
        evaluated: &["aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e"],
        proof: "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd066d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
        random: "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
        outputs: &[
            "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7da4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c",
        ],
    },
    Vector {
        inputs: &["5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"],
        blinds: &["64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"],
        blinded: &["cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c"],
        evaluated: &["60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468"],
        proof: "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
        random: "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
        outputs: &[
            "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
        ],
    },
    Vector {
        inputs: &["00", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"],
        blinds: &[
            "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706",
            "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
        ],
        blinded: &[
            "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
            "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
        ],
        evaluated: &[
            "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
            "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
        ],
        proof: "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
        random: "419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c",
        outputs: &[
            "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7da4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c",
            "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
        ],
    },
];

fn bytes(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

fn scalar(text: &str) -> Scalar {
    Scalar::from_canonical_bytes(from_hex(text).expect("32 bytes")).expect("canonical")
}

fn key(text: &str) -> BlinderKey {
    BlinderKey(Zeroizing::new(scalar(text)))
}

fn evaluated_by(server: &VoprfServer<Ristretto255>, inputs: &[Vec<u8>]) -> Vec<Vec<u8>> {
    inputs.iter().map(|input| server.evaluate(input).expect("an input").to_vec()).collect()
}

#[test]
fn every_published_vector_holds_in_every_step() {
    let key = key(SECRET);
    assert_eq!(format!("{:?}", key.public()), PUBLIC);
    for vector in VECTORS {
        let inputs: Vec<Vec<u8>> = vector.inputs.iter().map(|text| bytes(text)).collect();
        let blinds = Zeroizing::new(vector.blinds.iter().map(|text| scalar(text)).collect());
        let (blinding, blinded) = blind_with(&inputs, blinds);
        assert_eq!(hex(&blinded.to_bytes()), vector.blinded.concat());
        let (evaluated, proof) = key.evaluate_with(&blinded, &Zeroizing::new(scalar(vector.random)));
        assert_eq!(hex(&evaluated.to_bytes()), vector.evaluated.concat());
        assert_eq!(hex(&proof.to_bytes()), vector.proof);
        proof.verify(&key.public(), &blinded, &evaluated).expect("a published proof");
        let outputs = blinding.finalize(&inputs, &evaluated).expect("as many");
        assert!(outputs.iter().map(|output| hex(output.expose())).eq(vector.outputs.iter().copied()));
    }
}

#[test]
fn two_blinders_are_the_function_at_the_product_of_their_keys() {
    let (p, q) = (BlinderKey::random(), BlinderKey::random());
    // More than one thread's worth, so that the pieces are joined in order.
    let inputs: Vec<Vec<u8>> = (0..600_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    let (blinding, blinded) = blind(&inputs);
    let (half, by_p) = p.evaluate(&blinded);
    let (whole, by_q) = q.evaluate(&half);
    by_p.verify(&p.public(), &blinded, &half).expect("the first proof");
    by_q.verify(&q.public(), &half, &whole).expect("the second proof");
    let ours: Vec<Vec<u8>> =
        blinding.finalize(&inputs, &whole).expect("as many").iter().map(|y| y.expose().to_vec()).collect();
    let product = *p.0 * *q.0;
    let server = VoprfServer::<Ristretto255>::new_with_key(product.as_bytes()).expect("a key");
    assert_eq!(ours, evaluated_by(&server, &inputs));
    assert_ne!(ours[0], ours[1]);
}

#[test]
fn our_blinder_serves_a_client_of_voprf_and_its_server_serves_us() {
    let secret = *random_scalar().as_bytes();
    let ours = BlinderKey(Zeroizing::new(Scalar::from_canonical_bytes(secret).expect("canonical")));
    let server = VoprfServer::<Ristretto255>::new_with_key(&secret).expect("a key");
    let inputs = [b"een".to_vec(), b"twee".to_vec()];

    let clients: Vec<_> =
        inputs.iter().map(|input| VoprfClient::<Ristretto255>::blind(input, &mut OsRng).expect("an input")).collect();
    let sent: Vec<u8> = clients.iter().flat_map(|client| client.message.serialize()).collect();
    let (evaluated, proof) = ours.evaluate(&Elements::from_bytes(&sent).expect("elements"));
    let states: Vec<_> = clients.iter().map(|client| client.state.clone()).collect();
    let messages: Vec<_> = evaluated
        .bytes()
        .iter()
        .map(|element| EvaluationElement::<Ristretto255>::deserialize(element).expect("an element"))
        .collect();
    let proof = voprf::Proof::deserialize(&proof.to_bytes()).expect("a proof");
    let names: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let outputs = VoprfClient::batch_finalize(&names, &states, &messages, &proof, server.get_public_key());
    let outputs: Vec<Vec<u8>> = outputs.expect("our proof").map(|output| output.expect("an output").to_vec()).collect();
    assert_eq!(outputs, evaluated_by(&server, &inputs));

    let (blinding, blinded) = blind(&inputs);
    let theirs: Vec<_> = blinded
        .bytes()
        .iter()
        .map(|element| BlindedElement::<Ristretto255>::deserialize(element).expect("an element"))
        .collect();
    let answer = server.batch_blind_evaluate(&mut OsRng, &theirs).expect("a batch");
    let back: Vec<u8> = answer.messages.iter().flat_map(EvaluationElement::serialize).collect();
    let back = Elements::from_bytes(&back).expect("elements");
    let proof: [u8; 64] = answer.proof.serialize().as_slice().try_into().expect("64 bytes");
    Proof::from_bytes(&proof).expect("scalars").verify(&ours.public(), &blinded, &back).expect("their proof");
    let outputs: Vec<Vec<u8>> =
        blinding.finalize(&inputs, &back).expect("as many").iter().map(|y| y.expose().to_vec()).collect();
    assert_eq!(outputs, evaluated_by(&server, &inputs));
}

#[test]
fn elements_that_are_not_canonical_the_identity_or_repeated_are_refused_with_their_place() {
    let fine = Elements::random(3).to_bytes();
    assert_eq!(Elements::from_bytes(&fine).expect("elements").to_bytes(), fine);
    let with = |at: usize, element: [u8; 32]| {
        let mut bytes = fine.clone();
        bytes[32 * at..32 * (at + 1)].copy_from_slice(&element);
        Elements::from_bytes(&bytes).expect_err("refused")
    };
    assert_eq!(with(1, [0; 32]), InvalidElements::Identity(1));
    assert_eq!(with(2, [0xff; 32]), InvalidElements::Encoding(2));
    // A field element above the prime, and a negative one: both have another encoding that is canonical.
    assert_eq!(
        with(0, from_hex("f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f").expect("hex")),
        InvalidElements::Encoding(0)
    );
    assert_eq!(
        with(0, from_hex("0100000000000000000000000000000000000000000000000000000000000000").expect("hex")),
        InvalidElements::Encoding(0)
    );
    let first: [u8; 32] = fine[..32].try_into().expect("32 bytes");
    assert_eq!(with(2, first), InvalidElements::Repeated(2));
    assert_eq!(Elements::from_bytes(&fine[1..]).expect_err("no whole number"), InvalidElements::Length);
    assert!(BlinderPublic::from_bytes([0; 32]).is_err() && BlinderPublic::from_bytes([0xff; 32]).is_err());
    assert!(Proof::from_bytes(&[0xff; 64]).is_err());
}

#[test]
fn a_list_that_is_empty_or_too_long_has_no_proof() {
    let key = BlinderKey::random();
    let none = Elements::random(0);
    let (after, proof) = key.evaluate(&none);
    assert_eq!(proof.verify(&key.public(), &none, &after), Err(InvalidProof));
    assert!(blind(&[b"x"]).0.finalize(&[b"x", b"y"], &Elements::random(2)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_changed_element_order_key_or_proof_is_noticed(count in 2_usize..6, at in any::<prop::sample::Index>(), bit in 0_usize..512) {
        let key = BlinderKey::random();
        let before = Elements::random(count);
        let (after, proof) = key.evaluate(&before);
        prop_assert!(proof.verify(&key.public(), &before, &after).is_ok());
        let mut swapped: Vec<usize> = (0..count).collect();
        swapped.swap(at.index(count), (at.index(count) + 1) % count);
        prop_assert!(proof.verify(&key.public(), &before, &after.pick(&swapped)).is_err());
        prop_assert!(proof.verify(&key.public(), &before.pick(&swapped), &after).is_err());
        prop_assert!(proof.verify(&BlinderKey::random().public(), &before, &after).is_err());
        prop_assert!(proof.verify(&key.public(), &before, &before).is_err());
        let mut bytes = proof.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let holds = |p: Proof| p.verify(&key.public(), &before, &after).is_ok();
        prop_assert!(!Proof::from_bytes(&bytes).is_ok_and(holds));
        // One element multiplied by another key, under a proof by the key that was announced.
        let one = at.index(count);
        let (other, _) = BlinderKey::random().evaluate(&before.pick(&[one]));
        let mut mixed = after.pick(&(0..one).collect::<Vec<_>>());
        mixed.append(other);
        mixed.append(after.pick(&(one + 1..count).collect::<Vec<_>>()));
        let forged = Proof::make(&key.0, &key.public(), (&before, &mixed), &Zeroizing::new(random_scalar()));
        prop_assert!(forged.verify(&key.public(), &before, &mixed).is_err());
    }

    #[test]
    fn what_is_blinded_twice_looks_different_and_comes_out_the_same(input in prop::collection::vec(any::<u8>(), 0..80)) {
        let key = BlinderKey::random();
        let run = || {
            let inputs = [&input[..]];
            let (blinding, blinded) = blind(&inputs);
            let (evaluated, _) = key.evaluate(&blinded);
            let y = blinding.finalize(&inputs, &evaluated).expect("as many");
            (blinded.to_bytes(), *y[0].expose())
        };
        let (first, second) = (run(), run());
        prop_assert_ne!(first.0, second.0);
        prop_assert_eq!(first.1, second.1);
    }
}

#[test]
fn every_element_of_a_batch_has_a_scalar_of_its_own() {
    let (_, elements) = blind(&[b"the same"; 100]);
    let different: std::collections::BTreeSet<[u8; 32]> = elements.bytes().iter().copied().collect();
    assert_eq!(different.len(), 100);
}

#[test]
fn nothing_secret_is_printed() {
    let inputs = [random::<32>()];
    let (blinding, blinded) = blind(&inputs);
    let key = BlinderKey::random();
    assert_eq!(format!("{key:?} {blinding:?}"), "BlinderKey(<redacted>) Blinding(<1 redacted>)");
    let (evaluated, _) = key.evaluate(&blinded);
    let outputs = blinding.finalize(&inputs, &evaluated).expect("as many");
    assert_eq!(format!("{outputs:?}"), "[<redacted>]");
}
