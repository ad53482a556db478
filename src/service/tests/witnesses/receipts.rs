//! What a partner says in receipts that it is asked for: once for each side, and of its own log too.

use std::sync::mpsc;

use super::*;
use crate::policy::witness::{Quorum, WitnessTerms};
use crate::service::receipts::Question;
use crate::translog::entry::Entry;
use crate::translog::receipt::Receipt;

/// A question of the town to the gate.
fn asked(region: &Region) -> Question {
    asked_of(region, GATE)
}

fn asked_of(region: &Region, n: u8) -> Question {
    let town = region.core(TOWN);
    let convenant = town.standing().in_force.as_ref().expect("in force")[0].clone();
    town.log_question(oin(n), &convenant, Query::new(Vec::new())).expect("logged")
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

/// A network in which the gate does not answer before another was asked too.
struct SlowGate<'a> {
    region: &'a Region,
    asked: (Mutex<mpsc::Sender<()>>, Mutex<mpsc::Receiver<()>>),
}

impl Peers for SlowGate<'_> {
    fn receipts(&self, to: &Oin, _: &WantedReceipts, _: Duration) -> Result<Vec<Vec<u8>>, PeerError> {
        if *to == oin(GATE) {
            let waited = self.asked.1.lock().expect("lock").recv_timeout(Duration::from_secs(20));
            waited.map_err(|_| PeerError::Unreachable)?;
        } else {
            self.asked.0.lock().expect("lock").send(()).expect("sent");
        }
        Ok(self.region.receipts.lock().expect("lock").clone())
    }

    fn aggregate(&self, _: &Oin, _: &AggregateRequest, _: Duration) -> Result<AnswerBytes, Unanswered> {
        Err(PeerError::Unreachable.into())
    }

    fn confirm(&self, _: &Oin, _: &SignedReceipt, _: Duration) -> Result<(), PeerError> {
        Err(PeerError::Unreachable)
    }

    fn sum(&self, _: &Oin, _: &SumCall, _: Duration) -> Result<SumReply, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn share(&self, _: &Oin, _: &ShareRequest, _: Duration) -> Result<Delivery, Unanswered> {
        Err(PeerError::Unreachable.into())
    }

    fn link(&self, _: &Oin, _: &LinkCall, _: Duration) -> Result<LinkSaid, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn status(&self, _: &Oin, _: Duration) -> Result<StatusView, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn show_checkpoint(&self, _: &Oin, _: &ShowRequest, _: Duration) -> Result<ShowReply, PeerError> {
        Err(PeerError::Unreachable)
    }
}

#[test]
fn a_partner_that_answers_slowly_holds_up_nobody_else() {
    let region = Region::awake();
    // INSTITUTION comes after the gate in every order.
    let questions = [GATE, INSTITUTION].map(|n| asked_of(&region, n));
    for question in &questions {
        assert_eq!(region.core(TOWN).take_refusal(question, ReasonCode::TooSlow, None), ReasonCode::TooSlow);
    }
    let checkpoint = region.core(GATE).transfer_log().last_checkpoint();
    *region.receipts.lock().expect("lock") = vec![nothing(&questions[0], 1, &checkpoint)];
    let (send, receive) = mpsc::channel();
    let slow = SlowGate { region: &region, asked: (Mutex::new(send), Mutex::new(receive)) };
    assert_eq!(region.core(TOWN).chase_receipts(&slow), Ok(1), "the gate answered, while another was asked");
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

/// A log shows itself to its own witnesses only. Whoever else has dealt with it for long still tells them of its other face.
#[test]
fn after_many_receipts_a_party_that_is_no_witness_still_tells_of_the_other_face() {
    let terms = Convenant { witness: Some(WitnessTerms { witnesses: 2, quorum: 2 }), ..draft() };
    let chosen = Quorum::of(&terms, oin(TOWN));
    let is_witness = |n: u8| chosen.witnesses.iter().any(|(witness, _)| *witness == oin(n));
    let outsider = [MONITOR, GATE, INSTITUTION].into_iter().find(|n| !is_witness(*n)).expect("one of three");
    let region = Region::under(terms);
    region.round(&ALL);
    region.round(&ALL);
    let heard = |core: &Core| {
        append(core, 1);
        core.transfer_log().checkpoint().expect("signed");
        let partner = region.core(outsider);
        partner.hear_checkpoint(oin(TOWN), core.transfer_log().last_checkpoint());
        partner.tend_witnesses();
    };
    (0..10).for_each(|_| heard(region.core(TOWN)));
    assert_eq!(region.round(&[TOWN, outsider, TOWN]), [true; 3], "nothing is wrong yet");
    let other = copy(&region.data(TOWN));
    let face = open(other.path(), TOWN, &region.clock);
    heard(&face);
    region.append(TOWN, 3);
    region.round(&[outsider]);
    assert_eq!(region.round(&[TOWN]), [false], "it cannot prove its other face");
    let found = [MONITOR, GATE, INSTITUTION].map(|n| region.found(n, TOWN)).concat();
    assert!(found.contains(&Wrong::Unproven), "{found:?}");
}

/// Whoever sends receipts of nothing, or very many, takes no place of another's.
#[test]
fn only_what_is_believed_is_heard_and_each_signer_has_its_own_places() {
    let region = Region::awake();
    [GATE, MONITOR].iter().for_each(|n| region.append(*n, 1));
    region.round(&ALL);
    let town = region.core(TOWN);
    let log = region.core(GATE).transfer_log();
    let note = |core: &Core| {
        append(core, 1);
        core.transfer_log().checkpoint().expect("signed");
        core.transfer_log().last_checkpoint()
    };
    let pending = |of: u8| {
        let status = region.status(TOWN);
        status.witnessed.iter().find(|log| log.oin == oin(of)).expect("known").pending.clone()
    };
    // Signed well, and about no answer of the town.
    for ms in 0..3 {
        let question = asked(&region);
        let stray = nothing(&question, ms, &note(region.core(GATE)));
        assert!(town.take_confirmation(oin(GATE), &stray).is_err());
    }
    town.tend_witnesses();
    assert!(pending(GATE).is_empty(), "it was not believed");
    (0..30).for_each(|_| town.hear_checkpoint(oin(GATE), note(region.core(GATE))));
    town.hear_checkpoint(oin(MONITOR), note(region.core(MONITOR)));
    town.tend_witnesses();
    assert_eq!(pending(MONITOR).len(), 1, "the monitor's place is its own");
    assert_eq!(pending(GATE).last(), Some(&log.len()), "and the newest of the gate is among its own");
}
