//! What a cosignature promises: published vectors, a foreign signer, and that nothing but the one form is read.

use proptest::prelude::*;

use super::*;
use crate::crypto::{Secret32, digest, from_hex};
use crate::translog::checkpoint::{Checkpoint, origin};

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&Secret32::new([n; 32]))
}

fn oin(n: u8) -> Oin {
    Oin::parse(&format!("00000099000000001{n:03}")).expect("OIN")
}

fn checkpoint(size: u64) -> Note {
    Checkpoint { origin: origin(oin(0)), size, root: digest(&[9]) }.sign(&key(1))
}

fn verifying(text: &str) -> VerifyingKey {
    VerifyingKey(from_hex(text).expect("hexadecimal"))
}

/// A real checkpoint of the public log Arche (May 2026) as the witness remora.n621.de and others cosigned it; the verifier
/// key `remora.n621.de+da77ade7+BOvN63jn/..` is in the public lists of witnesses.
const ARCHE: &str = "arche2025h1.staging.ct.transparency.dev\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n\
    \u{2014} arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n\
    \u{2014} transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n\
    \u{2014} remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n";

#[test]
fn a_published_cosignature_verifies() {
    let key = verifying("ebcdeb78e7fdb2ef9227b2c1ef11e94600b55b4d6d9a57877e31ee89e59adc36");
    let note = Note::decode(ARCHE.as_bytes()).expect("a note of the one form");
    assert_eq!(key_id_of(COSIGNATURE, "remora.n621.de", &key), [0xda, 0x77, 0xad, 0xe7]);
    let times: Vec<_> = note.signatures.iter().map(|line| verify(&note.text, line, "remora.n621.de", &key)).collect();
    let other = Err(InvalidNote::OtherSigner);
    assert_eq!(times, [other, other, Ok(0x6a12_2120)]);
    let changed = note.text.replace("1432088532", "1432088533");
    assert_eq!(verify(&changed, &note.signatures[2], "remora.n621.de", &key), Err(InvalidNote::Signature));
}

/// Key and line were made with the Python package `cryptography` from the text of the specification alone.
#[test]
fn a_foreign_cosignature_verifies_and_ours_are_the_same_bytes() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/data/translog/cosignature-v1.json")).expect("vectors");
    for vector in vectors.as_array().expect("a list") {
        let text = |name: &str| vector[name].as_str().expect("text").to_owned();
        let (name, time) = (text("name"), vector["time"].as_u64().expect("time"));
        let seed: [u8; 32] = from_hex(&text("seed")).expect("seed");
        let ours = cosign(&text("text"), &name, &SigningKey::from_seed(&Secret32::new(seed)), time);
        assert_eq!(ours.line(), text("line"));
        let line = NoteSignature::parse(&text("line")).expect("one line");
        assert_eq!(verify(&text("text"), &line, &name, &verifying(&text("key"))), Ok(time));
    }
}

#[test]
fn a_witness_counts_once_and_only_under_its_own_key_and_name() {
    let mut note = checkpoint(5);
    for (witness, time) in [(2, 10), (2, 20), (3, 15)] {
        note.signatures.push(cosign(&note.text, &witness_name(oin(witness)), &key(witness), time));
    }
    // Key 4 signs under the name of witness 5, and witness 6 signs another text.
    note.signatures.push(cosign(&note.text, &witness_name(oin(5)), &key(4), 30));
    note.signatures.push(cosign(&checkpoint(6).text, &witness_name(oin(6)), &key(6), 30));
    let witnesses: Vec<_> = (2..8).map(|n| (oin(n), key(n).verifying_key())).collect();
    assert_eq!(cosigners(&note, &witnesses), BTreeMap::from([(oin(2), 20), (oin(3), 15)]));
    let again = Note::decode(note.encode().as_bytes()).expect("a note");
    assert_eq!(cosigners(&again, &witnesses), cosigners(&note, &witnesses));
    assert_eq!(again.verify(&origin(oin(0)), &key(1).verifying_key()), Ok(()), "the log's own line stands beside them");
}

#[test]
fn a_plain_signature_of_the_witness_is_no_cosignature() {
    let note = checkpoint(5);
    let name = witness_name(oin(2));
    let plain = Note::sign(note.text.clone(), &name, &key(2)).signatures.remove(0);
    assert_eq!(verify(&note.text, &plain, &name, &key(2).verifying_key()), Err(InvalidNote::OtherSigner));
    let id = key_id_of(COSIGNATURE, &name, &key(2).verifying_key());
    let dressed = NoteSignature { key_id: id, ..plain };
    assert_eq!(verify(&note.text, &dressed, &name, &key(2).verifying_key()), Err(InvalidNote::Form));
}

proptest! {
    #[test]
    fn any_changed_byte_is_refused(size in 0_u64.., time in 0..=LATEST, at in 0_usize..76, bit in 0_u8..8) {
        let note = checkpoint(size);
        let (name, key) = (witness_name(oin(2)), key(2));
        let line = cosign(&note.text, &name, &key, time);
        prop_assert_eq!(verify(&note.text, &line, &name, &key.verifying_key()), Ok(time));
        let mut blob: Vec<u8> = line.key_id.iter().chain(&line.bytes).copied().collect();
        blob[at] ^= 1 << bit;
        let mut changed = line.clone();
        changed.key_id.copy_from_slice(&blob[..4]);
        changed.bytes = blob[4..].to_vec();
        prop_assert!(verify(&note.text, &changed, &name, &key.verifying_key()).is_err());
        let mut cut = line;
        cut.bytes.truncate(at.min(71));
        prop_assert!(verify(&note.text, &cut, &name, &key.verifying_key()).is_err());
    }

    #[test]
    fn a_line_has_one_form(text in "\\PC{0,40}", cut in 0_usize..200) {
        if let Ok(read) = NoteSignature::parse(&text) {
            prop_assert_eq!(read.line(), text);
        }
        let line = cosign(&checkpoint(1).text, &witness_name(oin(2)), &key(2), 7).line();
        prop_assert_eq!(NoteSignature::parse(&line).map(|read| read.line()), Ok(line.clone()));
        if let Some(part) = line.get(..cut.min(line.len() - 1)) {
            let read = NoteSignature::parse(part);
            prop_assert!(read.is_err() || read.is_ok_and(|read| read.line() == part));
        }
        prop_assert!(NoteSignature::parse(&(line.clone() + "\n")).is_err());
        prop_assert!(NoteSignature::parse(&(" ".to_owned() + &line)).is_err());
    }
}
