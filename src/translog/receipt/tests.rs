//! A receipt has one form and one signer; everything else is refused and nothing panics.

use proptest::prelude::*;

use super::*;
use crate::crypto::Secret32;
use crate::translog::checkpoint::{Checkpoint, origin};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Secret32::new([seed; 32]))
}

fn oin(number: u8) -> Oin {
    Oin::parse(&format!("000000990000000000{number:02}")).unwrap()
}

fn checkpoint(size: u64) -> String {
    Checkpoint { origin: origin(oin(1)), size, root: Digest([7; 32]) }.sign(&key(2)).encode()
}

prop_compose! {
    fn entries()(
        way in 0_usize..4, ms in 0_u64..1 << 47, random in any::<[u8; 10]>(), counter in any::<u64>(),
        hashes in any::<[[u8; 32]; 3]>(), fields in prop::collection::vec("[A-Za-z0-9 _-]{1,12}", 0..4),
        aggregate in prop::option::of(any::<(u32, u32, u32)>()), rows in prop::option::of(any::<u64>()),
        codes in prop::collection::vec("KP-[A-Z]{1,9}", 1..3),
    ) -> Entry {
        let (direction, phase) = [
            (Direction::Outgoing, Phase::Intent), (Direction::Outgoing, Phase::Deny),
            (Direction::Incoming, Phase::Received), (Direction::Incoming, Phase::Intent),
        ][way];
        let (ours, theirs) = (Some(oin(1)), Some(oin(2)));
        let (sender_oin, receiver_oin) = if direction == Direction::Incoming { (theirs, ours) } else { (ours, theirs) };
        let deny = phase == Phase::Deny;
        Entry {
            sender_oin, receiver_oin, counter: Some(counter), field_names: if deny { vec![] } else { fields },
            decision: match phase {
                Phase::Deny => Some(Decision::Deny),
                Phase::Intent if direction == Direction::Outgoing => Some(Decision::Allow),
                _ => None,
            },
            reason_codes: if deny { codes } else { vec![] },
            peer_entry_hash: Some(Digest(hashes[0])), query_hash: Some(Digest(hashes[1])),
            payload_commitment: (!deny).then_some(Digest(hashes[2])), row_count: rows,
            aggregate: aggregate.map(|(cells, suppressed, min_n)| Aggregate { cells, suppressed, min_n }),
            ..Entry::new(TransferId::new(ms, random), direction, phase, ms)
        }
    }
}

fn signed(entry: &Entry) -> SignedReceipt {
    let receipt = Receipt::of(entry, Digest([9; 32]), oin(1), &checkpoint(5)).unwrap();
    receipt.sign(&key(1)).unwrap()
}

proptest! {
    #[test]
    fn a_receipt_comes_back_and_holds_under_its_signers_key_alone(entry in entries()) {
        let receipt = signed(&entry);
        let read = SignedReceipt::decode(receipt.bytes()).unwrap();
        prop_assert_eq!(&read, &receipt);
        prop_assert_eq!(read.receipt().counterparty, oin(2));
        prop_assert!(read.verify(&key(1).verifying_key()).is_ok());
        prop_assert!(read.verify(&key(3).verifying_key()).is_err());
    }

    #[test]
    fn a_changed_receipt_is_refused(
        entry in entries(), at in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0..4,
    ) {
        let receipt = signed(&entry);
        let mut bytes = receipt.bytes().to_vec();
        let at = at.index(bytes.len());
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 => { bytes.remove(at); }
            _ => bytes.truncate(at),
        }
        prop_assume!(bytes != receipt.bytes());
        let believed = SignedReceipt::decode(&bytes).and_then(|read| read.verify(&key(1).verifying_key()));
        prop_assert!(believed.is_err());
    }

    #[test]
    fn lines_in_any_other_order_or_number_are_no_receipt(
        entry in entries(), one in any::<prop::sample::Index>(), two in any::<prop::sample::Index>(), how in 0..3,
    ) {
        let text = Receipt::of(&entry, Digest([9; 32]), oin(1), &checkpoint(5)).unwrap().text();
        let mut lines: Vec<&str> = text.lines().collect();
        let (one, two) = (one.index(lines.len()), two.index(lines.len()));
        match how {
            0 => lines.swap(one, two),
            1 => lines.insert(one, lines[two]),
            _ => { lines.remove(one); }
        }
        let changed = lines.join("\n") + "\n";
        prop_assume!(changed != text);
        let note = Note::sign(changed.clone(), &key_name(oin(1)), &key(1)).encode();
        // Two field names may change places, or one may be left out: that is another receipt, in its own one form.
        if let Ok(read) = SignedReceipt::decode(note.as_bytes()) {
            prop_assert_eq!(read.receipt().text(), changed);
        }
    }

    #[test]
    fn random_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..400), head in any::<bool>()) {
        let mut bytes = if head { b"ketenpoort.nl/receipt/v1\nkind answer\n".to_vec() } else { Vec::new() };
        bytes.extend(tail);
        prop_assert!(SignedReceipt::decode(&bytes).is_err());
    }
}

fn answer() -> Receipt {
    let entry = Entry {
        sender_oin: Some(oin(1)),
        receiver_oin: Some(oin(2)),
        decision: Some(Decision::Allow),
        counter: Some(3),
        peer_entry_hash: Some(Digest([4; 32])),
        query_hash: Some(Digest([5; 32])),
        payload_commitment: Some(Digest([6; 32])),
        field_names: vec!["IND-01".into()],
        aggregate: Some(Aggregate { cells: 4, suppressed: 1, min_n: 10 }),
        ..Entry::new(TransferId::new(1, [7; 10]), Direction::Outgoing, Phase::Intent, 1)
    };
    Receipt::of(&entry, Digest([9; 32]), oin(1), &checkpoint(5)).unwrap()
}

#[test]
fn a_receipt_that_contradicts_itself_is_neither_written_nor_read() {
    let wrong = [
        (Receipt { decision: None, ..answer() }, "decision"),
        (Receipt { reason_codes: vec!["KP-X".into()], ..answer() }, "reason"),
        (Receipt { decision: Some(Decision::Deny), ..answer() }, "reason"),
        (Receipt { entry: None, ..answer() }, "entry"),
        (Receipt { peer_entry: None, ..answer() }, "peer-entry"),
        (Receipt { counter: None, ..answer() }, "counter"),
        (Receipt { query: None, ..answer() }, "query"),
        (Receipt { commitment: None, ..answer() }, "commitment"),
        (Receipt { counterparty: oin(1), ..answer() }, "counterparty"),
        (Receipt { checkpoint: "geen checkpoint".into(), ..answer() }, "checkpoint"),
        (Receipt { kind: Kind::Received, ..answer() }, "decision"),
    ];
    for (receipt, part) in wrong {
        let text = receipt.text();
        assert_eq!(receipt.sign(&key(1)), Err(InvalidReceipt::Part(part)));
        let note = Note::sign(text, &key_name(oin(1)), &key(1)).encode();
        assert_eq!(SignedReceipt::decode(note.as_bytes()), Err(InvalidReceipt::Part(part)), "{note}");
    }
}

#[test]
fn a_field_name_cannot_bring_a_line_of_its_own() {
    let smuggled = Receipt { field_names: vec!["IND-01\nrows 5".into()], ..answer() };
    assert_eq!(smuggled.sign(&key(1)), Err(InvalidReceipt::Form));
}

#[test]
fn a_confirmation_says_the_same_as_the_answer() {
    let answer = answer();
    let good = Receipt {
        kind: Kind::Received,
        signer: oin(2),
        counterparty: oin(1),
        decision: None,
        entry: Some(Digest([8; 32])),
        peer_entry: answer.entry,
        ..answer.clone()
    };
    assert_eq!(good.confirms(&answer), Ok(()));
    let cases = [
        (Receipt { kind: Kind::NotReceived, ..good.clone() }, "kind"),
        (Receipt { signer: oin(3), ..good.clone() }, "signer"),
        (Receipt { transfer: TransferId::new(2, [7; 10]), ..good.clone() }, "transfer"),
        (Receipt { peer_entry: Some(Digest([1; 32])), ..good.clone() }, "peer-entry"),
        (Receipt { query: Some(Digest([1; 32])), ..good.clone() }, "query"),
        (Receipt { commitment: Some(Digest([1; 32])), ..good.clone() }, "commitment"),
        (Receipt { field_names: vec![], ..good.clone() }, "field"),
        (Receipt { aggregate: None, ..good.clone() }, "aggregate"),
        (Receipt { row_count: Some(1), ..good }, "rows"),
    ];
    for (receipt, part) in cases {
        assert_eq!(receipt.confirms(&answer), Err(part));
    }
}
