//! What becomes of answers that wait for a receipt, and what is signed.

use super::*;
use crate::crypto::digest;
use crate::translog::receipt::Kind;

fn oin(number: u8) -> Oin {
    Oin::parse(&format!("000000990000000000{number:02}")).unwrap()
}

fn id() -> TransferId {
    TransferId::new(1, [1; 10])
}

fn answer() -> Receipt {
    Receipt {
        kind: Kind::Answer,
        entry: Some(digest(b"answer")),
        query: Some(digest(b"query")),
        commitment: Some(digest(b"payload")),
        ..Receipt::nothing(oin(1), oin(2), id(), (1, ""))
    }
}

/// What the asker says of it.
fn received(commitment: &[u8]) -> Receipt {
    let (signer, counterparty) = (oin(2), oin(1));
    let (entry, peer_entry, commitment) = (Some(digest(b"received")), answer().entry, Some(digest(commitment)));
    Receipt { kind: Kind::Received, signer, counterparty, entry, peer_entry, commitment, ..answer() }
}

fn leaving() -> (Which, Waiting) {
    let which = (oin(2), id(), digest(b"answer"));
    let wait = Wait { answer: Box::new(answer()), left: Left::Leaving, confirmed: None };
    (which, Waiting(HashMap::from([(which, wait)])))
}

#[test]
fn a_false_confirmation_changes_nothing_of_an_answer_on_its_way() {
    let (which, mut waiting) = leaving();
    assert_eq!(waiting.begin(&which, &received(b"other"), 5), Err(ReasonCode::ReceiptMismatch));
    assert_eq!(waiting.handed_over(&which, false, 6), Some(Outcome::Failed));
    let (which, mut waiting) = leaving();
    assert_eq!(waiting.handed_over(&which, true, 6), None);
    assert_eq!(waiting.begin(&which, &received(b"other"), 7), Err(ReasonCode::ReceiptMismatch));
    assert_eq!(waiting.take_late(|since, _| since == 6).len(), 1);
    assert!(waiting.0.is_empty());
}

#[test]
fn an_answer_whose_receipt_cannot_be_logged_ends_as_it_was_handed_over() {
    for complete in [true, false] {
        let (which, mut waiting) = leaving();
        assert_eq!(waiting.begin(&which, &received(b"payload"), 5), Ok(Begun::Now));
        assert_eq!(waiting.begin(&which, &received(b"payload"), 5), Ok(Begun::Before));
        assert_eq!(waiting.handed_over(&which, complete, 6), None, "it was confirmed");
        assert_eq!(waiting.unconfirm(&which), (!complete).then_some(Outcome::Failed));
        assert_eq!(waiting.take_late(|since, _| since == 6).len(), usize::from(complete), "sent");
        assert!(waiting.0.is_empty(), "no place is lost");
    }
}

#[test]
fn a_confirmed_answer_is_remembered_while_it_is_handed_over_and_some_seconds_after() {
    let (which, mut waiting) = leaving();
    assert_eq!(waiting.begin(&which, &received(b"payload"), 5), Ok(Begun::Now));
    let late = |now: u64| move |since: u64, patience: u64| since + patience <= now;
    assert!(waiting.take_late(late(59_000)).is_empty());
    assert_eq!(waiting.begin(&which, &received(b"payload"), 59_000), Ok(Begun::Before), "still leaving");
    assert_eq!(waiting.handed_over(&which, true, 59_000), None);
    assert!(waiting.take_late(late(59_001)).is_empty(), "nothing to say of it");
    assert_eq!(waiting.begin(&which, &received(b"payload"), 59_002), Ok(Begun::NotWaiting), "the log knows");
}

#[test]
fn nothing_is_signed_of_what_was_not_counted() {
    let entry = |direction, phase, counter| Entry { counter, ..Entry::new(id(), direction, phase, 1) };
    let asked = entry(Direction::Incoming, Phase::Intent, None);
    let (old, new) =
        (entry(Direction::Incoming, Phase::Received, None), entry(Direction::Incoming, Phase::Received, Some(3)));
    assert_eq!(worth_saying(&[asked.clone(), old], Direction::Incoming), Err(()), "it did receive");
    assert_eq!(worth_saying(&[asked.clone(), new.clone()], Direction::Incoming), Ok(Some(&new)));
    assert_eq!(worth_saying(std::slice::from_ref(&asked), Direction::Incoming), Ok(Some(&asked)));
    for phase in [Phase::Intent, Phase::Deny] {
        let old = entry(Direction::Outgoing, phase, None);
        assert_eq!(worth_saying(&[old], Direction::Outgoing), Err(()), "it did answer");
    }
    let ended = entry(Direction::Outgoing, Phase::Outcome, None);
    assert_eq!(worth_saying(&[ended], Direction::Outgoing), Ok(None));
}
