//! The compact tree against the recursive definition; proofs against every size. The foreign oracle is in `tests/it`.

use super::proof::*;
use super::*;

/// MTH of RFC 6962 section 2.1, word for word.
fn definition(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&definition(left), &definition(right))
        }
    }
}

fn leaves(count: u8) -> Vec<Digest> {
    (0..count).map(|n| leaf_hash(&[n])).collect()
}

#[test]
fn roots_are_those_of_the_definition() {
    let leaves = leaves(70);
    let mut tree = CompactTree::new();
    assert_eq!(tree.root().to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (n, leaf) in leaves.iter().enumerate() {
        tree.append(*leaf);
        assert_eq!(tree.root(), definition(&leaves[..=n]));
        assert_eq!(root_at(leaves.as_slice(), tree.size()), Some(tree.root()));
    }
}

#[test]
fn every_inclusion_proof_up_to_40_holds_and_only_for_its_place() {
    let leaves = leaves(40);
    for size in 1..=40_u64 {
        let root = root_at(leaves.as_slice(), size).expect("leaves in memory");
        for index in 0..size {
            let proof = inclusion(leaves.as_slice(), index, size).expect("leaves in memory");
            let leaf = leaves[usize::try_from(index).expect("small")];
            assert_eq!(verify_inclusion(leaf, index, size, &proof, &root), Ok(()));
            assert!(size == 1 || verify_inclusion(leaf, (index + 1) % size, size, &proof, &root).is_err());
            assert!(verify_inclusion(leaf_hash(b"?"), index, size, &proof, &root).is_err());
            let longer = [proof.as_slice(), &[leaf]].concat();
            assert!(verify_inclusion(leaf, index, size, &longer, &root).is_err());
        }
        assert_eq!(inclusion(leaves.as_slice(), size, size), None);
    }
}

#[test]
fn every_consistency_proof_up_to_40_holds_and_no_other_root_passes() {
    let leaves = leaves(40);
    let root = |size| root_at(leaves.as_slice(), size).expect("leaves in memory");
    let other = leaf_hash(b"other");
    for new in 0..=40 {
        for old in 0..=new {
            let proof = consistency(leaves.as_slice(), old, new).expect("leaves in memory");
            assert_eq!(verify_consistency((old, &root(old)), (new, &root(new)), &proof), Ok(()), "{old} of {new}");
            assert!(verify_consistency((old, &other), (new, &root(new)), &proof).is_err());
            if old > 0 {
                assert!(verify_consistency((old, &root(old)), (new, &other), &proof).is_err());
            }
            for drop in 0..proof.len() {
                let mut shorter = proof.clone();
                shorter.remove(drop);
                assert!(verify_consistency((old, &root(old)), (new, &root(new)), &shorter).is_err());
            }
        }
        assert_eq!(consistency(leaves.as_slice(), new + 1, new), None);
        assert!(verify_consistency((new + 1, &other), (new, &root(new)), &[]).is_err());
    }
}
