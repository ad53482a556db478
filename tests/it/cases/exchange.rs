//! Exchange between open nodes without a network: what is asked, offered, sent, refused and kept, and what each log says of it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::policy::case::Rules;
use ketenpoort::policy::case::situation::Situation;
use ketenpoort::service::api::NodeService;
use ketenpoort::service::cases::ask::{CaseOrder, Exchanged, NoExchange};
use ketenpoort::service::cases::inbox::KEPT_MS;
use ketenpoort::service::cases::messages::CaseDelivery;
use ketenpoort::translog::entry::{Direction, Outcome, Phase, TransferId};
use ketenpoort::translog::merkle::leaf_hash;
use ketenpoort::translog::reconcile::{Side, differences};

use super::world::{REGISTERED, Who, Wire, World, peer};

pub const ANNA: &str = "111222333";
pub const BRAM: &str = "123456782";
const DAY_MS: u64 = 86_400_000;

/// Changes content on its way.
type Bend = fn(&mut CaseDelivery);

/// One row of case fields.
pub fn row(id: &str, bsn: &str, field: &str, value: &str) -> String {
    let (field, part) = field.split_once('/').unwrap_or((field, ""));
    format!("{id};1;{bsn};{field};{part};{value};;;{REGISTERED}\n")
}

/// What the municipality holds of a child under an OTS that the GI executes.
pub fn anna(executor: Who) -> String {
    let executor = executor.oin().to_string();
    [
        ("a1", "identity/naam", "Anna Voorbeeld"),
        ("a2", "identity/geboortedatum", "2014-06-15"),
        ("a3", "custody/gezag", "ouder1"),
        ("a4", "professionals_contact", "J. Werker, wijkteam Noord, 053-1234567"),
        ("a5", "active_help", "ambulante begeleiding sinds maart"),
        ("a6", "measure", "11"),
        ("a7", "measure_dates", "2026-03-01..2027-02-28"),
        ("a8", "executor", &executor),
    ]
    .map(|(id, field, value)| row(id, ANNA, field, value))
    .concat()
}

/// A warm hand-over from the local team to the GI under an OTS.
pub fn handover(fields: &[&str]) -> Situation {
    let text = serde_json::json!({
        "exchange": "SCN-07", "purpose": "P5",
        "sender": {"oin": Who::Gem.oin(), "type": "LT"}, "receiver": {"oin": Who::Gi.oin(), "type": "GI"},
        "fields": fields, "child": {"born": "2014-06-15", "unborn": false},
        "custody": [{"who": "ouder1", "kind": "gezag"}],
        "measure": {"code": "11", "from": "2026-03-01", "to": "2027-02-28", "executor": Who::Gi.oin()},
        "trigger": "desgevraagd",
    });
    Situation::from_json(&text.to_string()).expect("a situation")
}

const FIELDS: &[&str] = &["identity", "professionals_contact", "active_help", "plan_goals"];

pub fn order(world: &World, who: Who, bsn: &str, situation: Situation) -> CaseOrder {
    CaseOrder { situation, child: world.child(who, bsn), number: None, deadline: Duration::from_secs(5) }
}

fn request(world: &World, bsn: &str) -> Result<Exchanged, NoExchange> {
    let order = order(world, Who::Gi, bsn, handover(FIELDS));
    world.core(Who::Gi).request_case(&Wire::of(world, Who::Gi), &order)
}

#[test]
fn a_request_brings_what_is_held_names_what_is_missing_and_both_logs_tell_it() {
    let world = World::new();
    world.deliver(Who::Gem, &anna(Who::Gi));
    let got = request(&world, ANNA).expect("allowed");
    assert_eq!(got.fields, ["identity", "professionals_contact", "active_help"]);
    assert_eq!(got.missing, ["plan_goals"]);
    assert_eq!(world.told(Who::Gi, got.transfer), ["INTENT", "RECEIVED"]);
    assert_eq!(world.told(Who::Gem, got.transfer), ["INTENT", "OUTCOME CONFIRMED"]);
    let sent = world.log(Who::Gem).into_iter().find(|e| e.transfer_id == got.transfer).expect("an entry");
    assert_eq!((sent.field_names, sent.purpose.as_str()), (got.fields.clone(), "P5"));
    assert!(sent.ground_article.contains("7.3.11"), "{}", sent.ground_article);
    let rules = Rules::national();
    let named = format!("{} {} G-OTS", rules.version(), &rules.hash().to_hex()[..12]);
    assert_eq!(sent.rules_version, named, "version, hash and rule");
    // About the child on both sides, by what each calls it.
    for who in [Who::Gem, Who::Gi] {
        let about = world.core(who).entries_about(&world.subject(who, ANNA)).expect("read");
        assert!(about.iter().any(|(_, entry, _)| entry.transfer_id == got.transfer), "{who:?}");
    }
    let inbox = world.core(Who::Gi).inbox().expect("read");
    let (id, arrived) = &inbox[0];
    assert_eq!((inbox.len(), *id, arrived.from), (1, got.transfer, Who::Gem.oin()));
    let name = arrived.document.values.iter().find(|value| value.part == "naam").expect("a name");
    assert_eq!(name.value, "Anna Voorbeeld");
    // A measure and custody were known, and not asked: they stay.
    assert!(arrived.document.values.iter().all(|value| got.fields.contains(&value.field.to_string())));
    assert!(world.core(Who::Gi).confirm_case(got.transfer).expect("destroyed"));
    assert!(!world.core(Who::Gi).confirm_case(got.transfer).expect("once"));
    assert!(world.core(Who::Gi).inbox().expect("read").is_empty());
}

#[test]
fn an_offer_goes_when_it_is_taken_up_and_names_nobody_before() {
    let world = World::new();
    world.deliver(Who::Gem, &anna(Who::Gi));
    let offer = || {
        let order = order(&world, Who::Gem, ANNA, handover(FIELDS));
        world.core(Who::Gem).offer_case(&Wire::of(&world, Who::Gem), &order)
    };
    let sent = offer().expect("taken");
    assert_eq!(sent.missing, ["plan_goals"]);
    assert_eq!(world.told(Who::Gem, sent.transfer), ["INTENT", "INTENT", "OUTCOME CONFIRMED"], "offered, then given");
    assert_eq!(world.told(Who::Gi, sent.transfer), ["INTENT", "RECEIVED"]);
    assert_eq!(world.core(Who::Gi).inbox().expect("read")[0].0, sent.transfer);
    // The GI does not know the child: nobody in its log, and nothing is remembered.
    let about = world.core(Who::Gi).entries_about(&world.subject(Who::Gi, ANNA)).expect("read");
    assert!(about.is_empty());
    // Content that was not taken up, or comes twice, is refused.
    let convenant = world.convenant().hash();
    let stray = CaseDelivery {
        transfer: sent.transfer,
        receipt: vec![],
        salt: [0; 16],
        sealed: convenant.0.to_vec(),
        proven: None,
    };
    let refused = world.core(Who::Gi).case_deliver(&peer(Who::Gem.oin()), &stray).expect_err("twice");
    assert_eq!(refused.reason, ReasonCode::CaseTransferUnknown);
    // What is not taken over in 24 hours is destroyed, also when the node was stopped meanwhile.
    world.later(KEPT_MS - 1);
    world.core(Who::Gi).tend_inbox().expect("looked");
    assert_eq!(world.core(Who::Gi).inbox().expect("read").len(), 1);
    world.reopen(Who::Gi);
    world.later(1);
    world.core(Who::Gi).tend_inbox().expect("looked");
    assert!(world.core(Who::Gi).inbox().expect("read").is_empty());
    let last = world.log(Who::Gi).pop().expect("an entry");
    assert_eq!(
        (last.refers_to, last.reason_codes),
        (Some(sent.transfer), vec![ReasonCode::CaseExpired.code().to_owned()])
    );
}

#[test]
fn what_our_own_rules_refuse_never_leaves_and_is_in_our_log_alone() {
    let world = World::new();
    world.deliver(Who::Gem, &anna(Who::Gi));
    let wire = Wire::of(&world, Who::Gi);
    let before = world.log(Who::Gem).len();
    let refused = |situation: Situation| {
        let order = order(&world, Who::Gi, ANNA, situation);
        world.core(Who::Gi).request_case(&wire, &order).expect_err("refused")
    };
    let mut ended = handover(FIELDS);
    ended.measure.as_mut().expect("a measure").to = Some(super::world::day("2026-05-31"));
    let no = refused(ended);
    assert_eq!(no.reason, ReasonCode::CaseGround);
    assert!(no.zin.expect("words").starts_with("Geweigerd"));
    assert_eq!(world.told(Who::Gi, no.transfer.expect("logged")), ["DENY KP-CASUS-GRONDSLAG"]);
    let no = refused(handover(&["identity", "professionals_contact", "source_identity"]));
    assert_eq!(no.reason, ReasonCode::CaseFields);
    let mut other = handover(FIELDS);
    other.receiver.role = Some("RVDK".to_owned());
    assert_eq!(refused(other).reason, ReasonCode::RoleNotAllowed, "the GI does not act as the Raad");
    assert_eq!(world.log(Who::Gem).len(), before, "the municipality heard nothing");
}

#[test]
fn a_refusal_that_hangs_on_the_child_is_one_code_with_a_receipt_and_tells_our_own_operator_why() {
    let world = World::new();
    // The municipality knows that the measure has another executor.
    world.deliver(Who::Gem, &anna(Who::Rvdk));
    let no = request(&world, ANNA).expect_err("refused");
    assert_eq!(no.reason, ReasonCode::CaseRefused);
    let transfer = no.transfer.expect("logged");
    assert_eq!(world.told(Who::Gi, transfer), ["INTENT", "OUTCOME FAILED KP-CASUS-GEWEIGERD"]);
    assert_eq!(world.told(Who::Gem, transfer), ["DENY KP-CASUS-GEWEIGERD"]);
    let failed = world.log(Who::Gi).into_iter().rfind(|e| e.transfer_id == transfer).expect("an entry");
    assert!(failed.peer_receipt_hash.is_some(), "with the receipt of who refused");
    let about = world.core(Who::Gem).entries_about(&world.subject(Who::Gem, ANNA)).expect("read");
    let (_, _, part) = about.iter().find(|(_, entry, _)| entry.transfer_id == transfer).expect("about the child");
    assert!(part.reference.contains("measure"), "{}", part.reference);
    assert_eq!(request(&world, BRAM).expect_err("unknown").reason, ReasonCode::CaseRefused);
    // What only the requester says of a measure is not enough.
    world.deliver(Who::Gem, &row("c1", BRAM, "identity/geboortedatum", "2015-01-01"));
    assert_eq!(request(&world, BRAM).expect_err("stated").reason, ReasonCode::CaseRefused);
    // Nor is a ground that leaves the choice to who holds the data.
    let mut chosen = handover(&["identity", "custody", "informed", "professionals_contact", "dossier_ref"]);
    (chosen.exchange, chosen.purpose) = (Some("SCN-14".to_owned()), Some("P4".to_owned()));
    (chosen.sender.role, chosen.receiver.oin) = (Some("GEM".to_owned()), Who::Rvdk.oin());
    chosen.receiver.role = Some("RVDK".to_owned());
    let order = order(&world, Who::Rvdk, ANNA, chosen);
    let before = world.log(Who::Gem).len();
    let no = world.core(Who::Rvdk).request_case(&Wire::of(&world, Who::Rvdk), &order).expect_err("chosen");
    assert_eq!(no.reason, ReasonCode::CaseGround);
    assert!(no.zin.expect("words").contains("D-TRIGGER"));
    assert_eq!(world.log(Who::Gem).len(), before, "the municipality heard nothing");
}

#[test]
fn after_a_crash_of_either_side_nothing_is_half_there_and_asking_again_brings_it() {
    let world = World::new();
    world.deliver(Who::Gem, &anna(Who::Gi));
    // Who holds the data crashes between its entry and its answer: the same request, under the same number, is answered after the restart.
    let wire = Wire::of(&world, Who::Gi);
    *wire.crash.lock().expect("lock") = Some(Who::Gem);
    let asked = order(&world, Who::Gi, ANNA, handover(FIELDS));
    let got = world.core(Who::Gi).request_case(&wire, &asked).expect("the second attempt");
    assert_eq!(world.told(Who::Gem, got.transfer), ["INTENT", "OUTCOME UNKNOWN", "INTENT", "OUTCOME CONFIRMED"]);
    assert_eq!(world.told(Who::Gi, got.transfer), ["INTENT", "RECEIVED"]);
    // Who asked crashes with the answer in its hands: nothing is there, the log says that nobody knows, and asking anew brings it.
    *wire.crash.lock().expect("lock") = Some(Who::Gi);
    let core = world.core(Who::Gi);
    let crashed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| core.request_case(&wire, &asked)));
    assert!(crashed.is_err());
    drop(core);
    world.reopen(Who::Gi);
    let inbox = || world.core(Who::Gi).inbox().expect("read").into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(inbox(), [got.transfer], "what came before is still there");
    assert_eq!(world.log(Who::Gi).iter().filter(|entry| entry.outcome == Some(Outcome::Unknown)).count(), 1);
    // Numbers of transfers stand in the order of their moments.
    world.later(1_000);
    let again = world.core(Who::Gi).request_case(&Wire::of(&world, Who::Gi), &asked).expect("asked anew");
    assert_eq!(inbox(), [got.transfer, again.transfer]);
    // It crashes after its entry and before the content is in its place: the content is there. Before its entry: it never came.
    let file = |id: TransferId| world.dir(Who::Gi).join("inbox").join(ketenpoort::crypto::hex(id.as_bytes()));
    let stray = TransferId::new(1_780_315_200_001, [7; 10]);
    std::fs::copy(file(got.transfer), file(stray).with_extension("nieuw")).expect("copied");
    std::fs::rename(file(got.transfer), file(got.transfer).with_extension("nieuw")).expect("renamed");
    world.reopen(Who::Gi);
    assert_eq!(inbox(), [got.transfer, again.transfer]);
    assert!(!file(stray).with_extension("nieuw").exists());
    world.later(KEPT_MS);
    world.core(Who::Gi).tend_inbox().expect("looked");
    assert!(inbox().is_empty());
}

#[test]
fn an_offer_that_is_refused_is_in_both_logs_and_they_reconcile() {
    let world = World::new();
    world.deliver(Who::Gem, &anna(Who::Gi));
    let wire = Wire::of(&world, Who::Gem);
    let offered = order(&world, Who::Gem, ANNA, handover(FIELDS));
    let offer = || world.core(Who::Gem).offer_case(&wire, &offered);
    let taken = offer().expect("taken up").transfer;
    // The receiver stops taking: so many a minute.
    let refused = loop {
        if let Err(refused) = offer() {
            break refused;
        }
    };
    assert_eq!(refused.reason, ReasonCode::CaseTooOften);
    let transfer = refused.transfer.expect("logged");
    let code = ReasonCode::CaseTooOften.code();
    assert_eq!(world.told(Who::Gem, transfer), ["INTENT".to_owned(), format!("OUTCOME FAILED {code}")]);
    assert_eq!(world.told(Who::Gi, transfer), [format!("DENY {code}")]);
    // Also without an answer: what left is in the log first.
    wire.lost.store(1, Ordering::Relaxed);
    world.later(60_000);
    let lost = offer().expect_err("lost").transfer.expect("logged");
    assert_eq!(world.told(Who::Gem, lost)[0], "INTENT");
    for who in [Who::Gem, Who::Gi] {
        let direction = if who == Who::Gem { Direction::Outgoing } else { Direction::Incoming };
        let told =
            world.log(who).into_iter().filter(|e| [taken, transfer].contains(&e.transfer_id)).collect::<Vec<_>>();
        assert!(told.iter().all(|e| e.direction == direction), "{who:?}");
        let begun = told.iter().filter(|e| e.phase != Phase::Outcome);
        assert!(begun.clone().all(|e| e.service.starts_with("ketenpoort.v1.Cases/Offer")), "{who:?}");
    }
    let side = |who: Who, other: Who| {
        let mut side = Side::new(who.oin(), other.oin());
        let (core, log) = (world.core(who), world.log(who));
        for (n, entry) in log.into_iter().enumerate().filter(|(_, entry)| entry.transfer_id != lost) {
            let (_, bytes) =
                core.transfer_log().raw_entries(n as u64..n as u64 + 1).next().expect("one").expect("read");
            side.add(leaf_hash(&bytes), entry);
        }
        side
    };
    let (one, other) = (side(Who::Gem, Who::Gi), side(Who::Gi, Who::Gem));
    assert_eq!(differences(&one, &other), vec![]);
}

#[test]
fn nothing_of_a_child_is_on_the_wire_outside_what_is_sealed() {
    let world = World::new();
    world.deliver(Who::Gem, &anna(Who::Gi));
    let wire = Wire::of(&world, Who::Gi);
    let asked = order(&world, Who::Gi, ANNA, handover(FIELDS));
    world.core(Who::Gi).request_case(&wire, &asked).expect("allowed");
    let back = Wire::of(&world, Who::Gem);
    let offered = order(&world, Who::Gem, ANNA, handover(FIELDS));
    world.core(Who::Gem).offer_case(&back, &offered).expect("taken");
    let arrived = world.core(Who::Gi).inbox().expect("read");
    assert_eq!(arrived.len(), 2);
    let names = arrived.iter().map(|(_, one)| serde_json::to_string(&one.document.child).expect("JSON"));
    let texts = ["Anna Voorbeeld", "2014-06-15", "wijkteam Noord", "053-1234567", "sinds maart", ANNA, "2027-02-28"];
    let held = anna(Who::Gi);
    for needle in texts.map(str::to_owned).into_iter().chain(names.map(|name| name.trim_matches('"').to_owned())) {
        for seen in [&wire.seen, &back.seen] {
            let bytes = seen.lock().expect("lock");
            assert!(bytes.len() > 2_000);
            assert!(!bytes.windows(needle.len()).any(|window| window == needle.as_bytes()), "{needle}");
        }
    }
    assert!(texts.iter().all(|text| held.contains(text)), "each is held");
}

#[test]
fn content_that_was_changed_is_not_believed_and_a_call_that_was_lost_is_made_again() {
    let world = World::new();
    world.deliver(Who::Gem, &anna(Who::Gi));
    let ask = |wire: &Wire<'_>| {
        let order = order(&world, Who::Gi, ANNA, handover(FIELDS));
        world.core(Who::Gi).request_case(wire, &order)
    };
    let mut wire = Wire::of(&world, Who::Gi);
    let bends: [(Bend, ReasonCode); 3] = [
        (|d| d.sealed[40] ^= 1, ReasonCode::AnswerSignatureInvalid),
        (|d| d.salt[0] ^= 1, ReasonCode::ReceiptMismatch),
        (|d| d.receipt[100] ^= 1, ReasonCode::ReceiptInvalid),
    ];
    for (bend, reason) in bends {
        wire.bend = Some(bend);
        let no = ask(&wire).expect_err("not believed");
        assert_eq!(no.reason, reason);
        assert_eq!(world.told(Who::Gi, no.transfer.expect("logged"))[1], format!("OUTCOME FAILED {}", reason.code()));
        assert!(world.core(Who::Gi).inbox().expect("read").is_empty());
    }
    wire.bend = None;
    wire.lost.store(2, Ordering::Relaxed);
    let got = ask(&wire).expect("the third attempt");
    assert_eq!(world.told(Who::Gi, got.transfer), ["INTENT", "RECEIVED"]);
}

#[test]
fn who_asks_too_often_is_stopped_and_who_is_refused_too_often_is_told_of() {
    let world = World::new();
    world.deliver(Who::Gem, &anna(Who::Gi));
    let mut codes = std::collections::BTreeMap::new();
    for _ in 0..120 {
        world.later(1_500);
        *codes.entry(request(&world, BRAM).expect_err("refused").reason).or_insert(0) += 1;
    }
    assert_eq!(codes, [(ReasonCode::CaseRefused, 100), (ReasonCode::CaseTooOften, 20)].into());
    let code = ReasonCode::CaseEnumeration.code();
    assert_eq!(world.log(Who::Gem).iter().filter(|e| e.reason_codes == [code]).count(), 1);
    assert_eq!(request(&world, ANNA).expect_err("stopped").reason, ReasonCode::CaseTooOften, "for any child");
    world.later(DAY_MS);
    request(&world, ANNA).expect("the next day");
    let quick = (0..60).filter_map(|_| request(&world, ANNA).err()).map(|no| no.reason).collect::<Vec<_>>();
    assert_eq!(quick, [ReasonCode::CaseTooOften], "sixty in a minute");
}
