//! Tree and notes against implementations by others: `ct-merkle` and `signed_note`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ketenpoort::crypto::Digest;
use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::merkle::proof::{consistency, inclusion, verify_consistency, verify_inclusion};
use ketenpoort::translog::merkle::{CompactTree, leaf_hash};
use ketenpoort::translog::note::{InvalidNote, Note, key_id};
use proptest::prelude::*;
use sha2::Sha256;
use signed_note::{StandardSigner, StandardVerifier, VerifierList};

use super::{key, oin};

fn flat(proof: &[Digest]) -> Vec<u8> {
    proof.iter().flat_map(|hash| hash.0).collect()
}

fn digests(proof: &[u8]) -> Vec<Digest> {
    proof.chunks(32).map(|hash| Digest(hash.try_into().expect("32 bytes"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn roots_and_proofs_are_those_of_ct_merkle(
        leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..200),
        at in any::<prop::sample::Index>(), old in any::<prop::sample::Index>(),
    ) {
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut ours = CompactTree::new();
        let hashes: Vec<Digest> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let old = old.index(leaves.len()) + 1;
        let mut old_root = ours.root();
        for (n, leaf) in leaves.iter().enumerate() {
            theirs.push(leaf.clone());
            ours.append(hashes[n]);
            if n + 1 == old {
                old_root = ours.root();
            }
        }
        let root = ours.root();
        prop_assert_eq!(Digest(theirs.root().as_bytes()[..].try_into().expect("32 bytes")), root);

        let (at, size) = (at.index(leaves.len()), leaves.len() as u64);
        let theirs_in = theirs.prove_inclusion(at);
        let ours_in = inclusion(hashes.as_slice(), at as u64, size).expect("leaves in memory");
        prop_assert_eq!(theirs_in.as_bytes().to_vec(), flat(&ours_in));
        prop_assert_eq!(verify_inclusion(hashes[at], at as u64, size, &digests(theirs_in.as_bytes()), &root), Ok(()));

        let theirs_con = theirs.prove_consistency(leaves.len() - old);
        let ours_con = consistency(hashes.as_slice(), old as u64, size).expect("leaves in memory");
        prop_assert_eq!(theirs_con.as_bytes().to_vec(), flat(&ours_con));
        let proof = digests(theirs_con.as_bytes());
        prop_assert_eq!(verify_consistency((old as u64, &old_root), (size, &root), &proof), Ok(()));
    }

    #[test]
    fn notes_are_read_and_verified_both_ways(seed in 1_u8.., size in any::<u64>(), root in any::<[u8; 32]>()) {
        let (name, key) = (origin(oin()), key(seed));
        let checkpoint = Checkpoint { origin: name.clone(), size, root: Digest(root) };
        let ours = checkpoint.sign(&key).encode();

        let public = [&[1], key.verifying_key().0.as_slice()].concat();
        let id = u32::from_be_bytes(key_id(&name, &key.verifying_key()));
        let verifier = StandardVerifier::new(&format!("{name}+{id:08x}+{}", STANDARD.encode(&public))).expect("key");
        let theirs = signed_note::Note::from_bytes(ours.as_bytes()).expect("a note");
        let (good, other) = theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).expect("verifies");
        prop_assert_eq!((good.len(), other.len()), (1, 0));
        prop_assert_eq!(theirs.text().to_vec(), checkpoint.text().into_bytes());

        let secret = STANDARD.encode([&[1][..], &[seed; 32]].concat());
        let signer = StandardSigner::new(&format!("PRIVATE+KEY+{name}+{id:08x}+{secret}")).expect("key");
        let mut note = signed_note::Note::new(checkpoint.text().as_bytes(), &[]).expect("a note");
        note.add_sigs(&[&signer]).expect("signs");
        prop_assert_eq!(&note.to_bytes(), ours.as_bytes(), "Ed25519 is deterministic");
        prop_assert_eq!(Checkpoint::open(&note.to_bytes(), &name, &key.verifying_key()), Ok(checkpoint));
    }

    #[test]
    fn a_changed_note_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let key = key(1);
        let name = origin(oin());
        let checkpoint = Checkpoint { origin: name.clone(), size: 12, root: leaf_hash(b"x") };
        let mut bytes = checkpoint.sign(&key).encode().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Checkpoint::open(&bytes, &name, &key.verifying_key()).is_err());
    }

    #[test]
    fn reading_notes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[a-z/\n — +=]{0,80}") {
        let _ = Note::decode(&bytes);
        let _ = Note::decode(text.as_bytes()).map(|note| Checkpoint::from_note(&note));
    }
}

#[test]
fn cosignatures_of_others_do_not_disturb_and_do_not_replace() {
    let (ours, witness, name) = (key(1), key(2), origin(oin()));
    let checkpoint = Checkpoint { origin: name.clone(), size: 3, root: leaf_hash(b"x") };
    let mut note = checkpoint.sign(&ours);
    note.signatures.extend(Note::sign(note.text.clone(), "witness.example", &witness).signatures);
    let bytes = note.encode();
    assert_eq!(Checkpoint::open(bytes.as_bytes(), &name, &ours.verifying_key()), Ok(checkpoint));
    note.signatures.remove(0);
    let alone = note.encode();
    let refused = Checkpoint::open(alone.as_bytes(), &name, &ours.verifying_key());
    assert_eq!(refused, Err(InvalidNote::OtherSigner));
}
