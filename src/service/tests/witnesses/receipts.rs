//! What a partner says in receipts that it is asked for: once for each side, and of its own log too.

use super::*;
use crate::service::receipts::Question;
use crate::translog::entry::Entry;
use crate::translog::receipt::Receipt;

/// A question of the town to the gate.
fn asked(region: &Region) -> Question {
    let town = region.core(TOWN);
    let convenant = town.standing().in_force.as_ref().expect("in force")[0].clone();
    town.log_question(oin(GATE), &convenant, Query::new(Vec::new())).expect("logged")
}

fn entries_of(region: &Region, question: &Question) -> Vec<Entry> {
    let log = region.core(TOWN).transfer_log();
    let entries = log.entries(0..log.len()).map(|entry| entry.expect("read").1);
    entries.filter(|entry| entry.transfer_id == question.transfer()).collect()
}

/// The gate has nothing of that question, it says at this moment, with this checkpoint of its log.
fn nothing(question: &Question, at_ms: u64, checkpoint: &str) -> Vec<u8> {
    let nothing = Receipt::nothing(oin(GATE), oin(TOWN), question.transfer(), (at_ms, checkpoint));
    nothing.sign(&keys(GATE).signing_key()).expect("signed").bytes().to_vec()
}

/// Two lines with one span are one line at a receiver of them.
#[test]
fn each_attempt_of_a_question_is_a_step_of_its_own() {
    let region = Region::awake();
    let mut question = asked(&region);
    let mut spans = vec![question.request().trace.span_id];
    for _ in 0..3 {
        region.core(TOWN).log_question_again(&mut question).expect("logged");
        spans.push(question.request().trace.span_id);
    }
    let logged: Vec<_> = entries_of(&region, &question).iter().map(|entry| entry.span_id.expect("a span")).collect();
    assert_eq!(logged, spans);
    assert_eq!(spans.iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn one_reply_says_one_thing_of_a_transfer() {
    let region = Region::awake();
    let question = asked(&region);
    assert_eq!(region.core(TOWN).take_refusal(&question, ReasonCode::TooSlow, None), ReasonCode::TooSlow);
    assert_eq!(entries_of(&region, &question).len(), 2);
    let checkpoint = region.core(GATE).transfer_log().last_checkpoint();
    *region.receipts.lock().expect("lock") = (1..200).map(|ms| nothing(&question, ms, &checkpoint)).collect();
    let chase = || region.core(TOWN).chase_receipts(&Calls(&region, oin(TOWN))).expect("asked");
    assert_eq!(chase(), 1, "one side was asked for");
    assert_eq!(entries_of(&region, &question).len(), 3);
    assert_eq!(chase(), 0, "it has its receipt");
    assert_eq!(entries_of(&region, &question).len(), 3);
}

#[test]
fn a_receipt_brings_the_other_face_of_a_log() {
    let region = Region::awake();
    region.append(GATE, 5);
    region.round(&[GATE]);
    let other = copy(&region.data(GATE));
    let face = open(other.path(), GATE, &region.clock);
    append(&face, 1);
    face.transfer_log().checkpoint().expect("signed");
    let (town, question) = (region.core(TOWN), asked(&region));
    assert_eq!(town.take_refusal(&question, ReasonCode::TooSlow, None), ReasonCode::TooSlow);
    let of_face = nothing(&question, 1, &face.transfer_log().last_checkpoint());
    *region.receipts.lock().expect("lock") = vec![of_face];
    assert_eq!(town.chase_receipts(&Calls(&region, oin(TOWN))), Ok(1));
    town.tend_witnesses();
    let status = region.status(TOWN);
    assert_eq!(status.witnessed.iter().find(|log| log.oin == oin(GATE)).expect("known").pending, [6]);
    region.append(GATE, 2);
    assert_eq!(region.round(&[GATE]), [false]);
    assert_eq!(region.found(TOWN, GATE), [Wrong::Unproven]);
}
