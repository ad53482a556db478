//! The mappings against golden files, and what must hold for every log.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::join::{Action, Joiner, Kind, LineStatus};
use super::*;
use crate::crypto::digest;
use crate::domain::day::Day;
use crate::translog::entry::{Aggregate, Confidentiality, Decision, Outcome, Phase, Status, TransferId};

const OURS: &str = "00000099000000001000";
const PARTNER: &str = "00000099000000002000";
const THIRD: &str = "00000099000000003000";

fn oin(text: &str) -> Oin {
    Oin::parse(text).expect("an OIN")
}

fn setting() -> Setting {
    Setting {
        ours: oin(OURS),
        activities: ActivityBase::parse("https://gi.example").expect("a base"),
        version: "0.1.0".to_owned(),
    }
}

/// An entry of transfer `n`, some seconds after the first.
fn entry(n: u8, direction: Direction, phase: Phase) -> Entry {
    let start = 1_767_225_600_000 + u64::from(n) * 1_000;
    let mut entry = Entry::new(TransferId::new(start, [n; 10]), direction, phase, start);
    entry.salt = [n.wrapping_mul(8).wrapping_add(phase.number()); 16];
    entry.trace_id = Some([n; 16]);
    entry.span_id = Some([n; 8]);
    let ways = (Some(oin(OURS)), Some(oin(PARTNER)));
    (entry.sender_oin, entry.receiver_oin) = match direction {
        Direction::Outgoing => ways,
        Direction::Incoming => (ways.1, ways.0),
        Direction::Local => (ways.0, ways.0),
    };
    entry.service = "ketenpoort.v1.Node/Aggregate".to_owned();
    entry
}

fn announced(n: u8, direction: Direction) -> Entry {
    let mut intent = entry(n, direction, Phase::Intent);
    intent.action = "Cijfers vrijgeven aan de ketenmonitor".to_owned();
    intent.parent_span_id = Some([0xee; 8]);
    intent.convenant_id = "twente".to_owned();
    intent.convenant_hash = Some(digest(b"convenant"));
    intent.activity_own = setting().activities.under("twente", "P1", 2);
    intent.purpose = "P1".to_owned();
    intent.ground_article = "Jeugdwet 7.4.1".to_owned();
    intent.rules_version = "0.1.0".to_owned();
    intent.decision = Some(Decision::Allow);
    intent.field_names = vec!["IND-01".to_owned(), "IND-05".to_owned()];
    intent.data_categories = vec!["geaggregeerde cijfers".to_owned()];
    intent.aggregate = Some(Aggregate { cells: 12, suppressed: 2, min_n: 10 });
    intent.confidentiality = Some(Confidentiality::Normal);
    intent.retention_until = Some(Day(22_280));
    intent
}

fn ended(n: u8, direction: Direction, outcome: Outcome) -> Entry {
    let mut end = entry(n, direction, Phase::Outcome);
    end.outcome = Some(outcome);
    end.start_ms += 250;
    end.end_ms = Some(end.start_ms);
    end.status = Some(if outcome == Outcome::Failed { Status::Error } else { Status::Ok });
    end
}

/// One of everything that a log holds.
fn fixed_log() -> Vec<Entry> {
    use Direction::{Incoming, Local, Outgoing};
    let mut denied = entry(3, Outgoing, Phase::Deny);
    denied.action = "Cijfers vrijgeven aan de ketenmonitor".to_owned();
    denied.decision = Some(Decision::Deny);
    denied.reason_codes = vec!["KP-CONVENANT-VERSIE".to_owned()];
    let mut received = entry(4, Incoming, Phase::Received);
    received.start_ms += 2_000;
    received.end_ms = Some(received.start_ms);
    let mut refused_us = ended(5, Incoming, Outcome::Failed);
    refused_us.reason_codes = vec!["KP-CONVENANT-VERSIE".to_owned()];
    let mut own = announced(6, Local);
    own.action = "Eigen, onbeveiligde cijfers tonen op de eigen machine".to_owned();
    (own.convenant_id, own.activity_own, own.purpose) = Default::default();
    own.service = "eigen-cijfers".to_owned();
    let mut connections = entry(7, Incoming, Phase::Connection);
    (connections.trace_id, connections.span_id, connections.sender_oin) = Default::default();
    connections.end_ms = Some(connections.start_ms + 60_000);
    connections.refused_connections = Some(17);
    connections.reason_codes = vec!["KP-CERT-INGETROKKEN".to_owned()];
    let mut old = announced(8, Outgoing);
    (old.trace_id, old.span_id, old.parent_span_id, old.activity_own) = Default::default();
    let mut broken = ended(8, Outgoing, Outcome::Failed);
    broken.reason_codes = vec!["KP-INTERNE-FOUT".to_owned()];
    let mut both = announced(9, Outgoing);
    both.delegator_oins = vec![oin(THIRD), oin(THIRD)];
    both.grant_hash = "$1$5$voorbeeld".to_owned();
    let mut provider = announced(10, Incoming);
    provider.delegator_oins = vec![oin(OURS), oin(THIRD)];
    vec![
        announced(1, Outgoing),
        announced(2, Outgoing),
        ended(1, Outgoing, Outcome::Sent),
        ended(2, Outgoing, Outcome::Confirmed),
        ended(1, Outgoing, Outcome::Confirmed),
        denied,
        announced(4, Incoming),
        received,
        announced(5, Incoming),
        refused_us,
        own,
        ended(6, Local, Outcome::Sent),
        connections,
        old,
        broken,
        both,
        ended(9, Outgoing, Outcome::Unknown),
        provider,
    ]
}

fn actions(log: Vec<Entry>) -> Vec<Action> {
    let mut joiner = Joiner::default();
    let mut actions: Vec<Action> = (0..).zip(log).flat_map(|(number, entry)| joiner.push(number, entry)).collect();
    actions.extend(joiner.rest());
    actions
}

/// Transfer 2 is about one child, transfer 9 about two.
fn subjects(action: &Action) -> Vec<Subject> {
    let subject = |n: u8| Subject { id: hex_of(n), id_type: format!("urn:oin:{OURS}/pseudoniem") };
    match action.opening().transfer_id.as_bytes()[15] {
        2 => vec![subject(0xaa)],
        9 => vec![subject(0xbb), subject(0xcc)],
        _ => Vec::new(),
    }
}

fn hex_of(byte: u8) -> String {
    crate::crypto::hex(&[byte; 16])
}

fn user() -> nen7513::User {
    nen7513::User {
        id: "1001".to_owned(),
        name: "jansen".to_owned(),
        on_behalf: OURS.to_owned(),
        device: "gi-node-1".to_owned(),
    }
}

/// Compares JSON lines with a golden file, or writes it when asked to.
fn golden(name: &str, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/standards").join(name);
    if std::env::var_os("KETENPOORT_GOLDEN").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let kept = std::fs::read_to_string(&path).expect("the golden file");
    for (n, (made, kept)) in text.lines().zip(kept.lines()).enumerate() {
        assert_eq!(made, kept, "{name} line {}", n + 1);
    }
    assert_eq!(text.lines().count(), kept.lines().count(), "{name}");
}

#[test]
fn each_standard_says_the_fixed_log_as_its_golden_file() {
    let (setting, actions) = (setting(), actions(fixed_log()));
    let ldv = actions.iter().flat_map(|a| ldv::lines(a, &setting, &subjects(a)));
    golden("ldv.jsonl", &ldv.map(|line| lezen::write(&line)).collect::<Vec<_>>());
    let fsc = actions.iter().filter_map(|a| fsc::record(a.opening(), &setting));
    golden("fsc.jsonl", &fsc.map(|record| json!(record)).collect::<Vec<_>>());
    let gemma = actions.iter().filter_map(|a| {
        gemma::verwerkingsactie(a, &setting, (&subjects(a), a.opening().confidentiality), Some("jansen"))
    });
    golden("gemma.jsonl", &gemma.map(|action| json!(action)).collect::<Vec<_>>());
    let nen = actions
        .iter()
        .filter_map(|a| nen7513::event(a, &setting, (&subjects(a), a.opening().confidentiality), &[user()]));
    golden("nen7513.jsonl", &nen.map(|line| lezen::write(&line)).collect::<Vec<_>>());
}

#[test]
fn lines_of_the_read_api_are_read_back_as_they_were() {
    let setting = setting();
    for action in actions(fixed_log()) {
        for line in ldv::lines(&action, &setting, &subjects(&action)) {
            assert_eq!(lezen::read(lezen::write(&line)).expect("a line"), line);
        }
    }
}

#[test]
fn a_refusal_is_no_error_and_an_internal_failure_is_one() {
    let status = |n: u8| {
        let of = |a: &&Action| a.opening().transfer_id.as_bytes()[15] == n;
        actions(fixed_log()).iter().find(of).expect("an action").status()
    };
    assert_eq!((status(3), status(5)), (LineStatus::Unset, LineStatus::Unset), "refusals by us and by a partner");
    assert_eq!((status(8), status(9)), (LineStatus::Error, LineStatus::Error), "a fault here and a crash");
    assert_eq!((status(1), status(2), status(4)), (LineStatus::Ok, LineStatus::Ok, LineStatus::Ok));
}

#[test]
fn one_line_for_each_subject_and_none_for_aggregates() {
    let setting = setting();
    for action in actions(fixed_log()) {
        let subjects = subjects(&action);
        let lines = ldv::lines(&action, &setting, &subjects);
        let named: Vec<&str> = lines.iter().filter_map(|l| l.subject().map(|(id, _)| id)).collect();
        assert_eq!(named, subjects.iter().map(|s| s.id.as_str()).collect::<Vec<_>>());
        if subjects.len() > 1 {
            assert!(lines[0].subject().is_none());
            assert!(lines[1..].iter().all(|child| child.parent_span_id == Some(lines[0].span_id)));
        }
    }
}

#[test]
fn who_asked_follows_from_the_way_of_the_data_and_the_service() {
    let setting = setting();
    let of = |direction, flow| fsc::record_as(&announced(1, direction), &setting, flow).expect("a record");
    for (direction, flow, asker, way) in [
        (Direction::Outgoing, Flow::Pulled, PARTNER, fsc::FscDirection::Incoming),
        (Direction::Incoming, Flow::Pulled, OURS, fsc::FscDirection::Outgoing),
        (Direction::Outgoing, Flow::Pushed, OURS, fsc::FscDirection::Outgoing),
        (Direction::Incoming, Flow::Pushed, PARTNER, fsc::FscDirection::Incoming),
    ] {
        let record = of(direction, flow);
        assert_eq!(record.direction, way);
        assert_eq!(record.source, fsc::Source::Own { outway_peer_id: oin(asker) });
    }
    assert!(fsc::record(&announced(1, Direction::Local), &setting).is_none());
    // The other side makes the same record but for the direction.
    let theirs = Setting { ours: oin(PARTNER), ..setting.clone() };
    let mirror = Entry { direction: Direction::Incoming, ..announced(1, Direction::Outgoing) };
    let (ours, other) = (of(Direction::Outgoing, Flow::Pulled), fsc::record(&mirror, &theirs).expect("a record"));
    assert_eq!(fsc::Record { direction: ours.direction, ..other }, ours);
}

#[test]
fn both_forms_of_a_delegated_token_give_the_same_parties() {
    let plain = fsc::TokenParties { sub: oin(OURS), iss: oin(PARTNER), act_sub: None, cdi: None, pdi: None };
    let logging = fsc::TokenParties { cdi: Some(oin(THIRD)), ..plain.clone() };
    let core = fsc::TokenParties { sub: oin(THIRD), act_sub: Some(oin(OURS)), ..plain.clone() };
    assert_eq!(fsc::token_parties(&logging), fsc::token_parties(&core));
    assert_eq!(fsc::token_parties(&plain).0, fsc::Source::Own { outway_peer_id: oin(OURS) });
    let published = fsc::TokenParties { pdi: Some(oin(THIRD)), ..plain };
    let delegated = fsc::Destination::Delegated { service_peer_id: oin(PARTNER), delegator_peer_id: oin(THIRD) };
    assert_eq!(fsc::token_parties(&published).1, delegated);
}

#[test]
fn questions_for_records_are_checked_as_fsc_says() {
    use fsc::{InvalidQuestion, Question, RawQuestion};
    let raw = RawQuestion::default;
    assert_eq!(Question::check(&raw()).expect("good").limit, 25);
    for limit in [1, 1000] {
        assert!(Question::check(&RawQuestion { limit: Some(limit), ..raw() }).is_ok());
    }
    for limit in [0, 1001, u32::MAX] {
        let refused = Question::check(&RawQuestion { limit: Some(limit), ..raw() });
        assert_eq!(refused, Err(InvalidQuestion::Parameter("limit")));
    }
    let ids = |id: &str| Question::check(&RawQuestion { transaction_ids: vec![id.to_owned()], ..raw() });
    assert_eq!(ids(""), Err(InvalidQuestion::MissingId));
    assert_eq!(ids("").unwrap_err().to_string(), "MISSING_LOG_RECORD_ID");
    assert_eq!(ids("6f1c1a2e-1111-4111-8111-111111111111"), Err(InvalidQuestion::InvalidId), "version 4");
    let record = fsc::record(&announced(1, Direction::Outgoing), &setting()).expect("a record");
    let wanted = RawQuestion {
        transaction_ids: vec![record.transaction_id.clone()],
        service_names: vec!["another".to_owned()],
        after: Some(i64::MAX),
        ..raw()
    };
    assert!(Question::check(&wanted).expect("good").admits(&record), "transaction ids override");
    let other = RawQuestion { service_names: vec!["another".to_owned()], ..raw() };
    assert!(!Question::check(&other).expect("good").admits(&record));
}

fn any_entry() -> impl Strategy<Value = Entry> {
    (1_u8..6, 0_usize..5).prop_map(|(n, kind)| match kind {
        0 | 1 => announced(n, Direction::Outgoing),
        2 => ended(n, Direction::Outgoing, Outcome::Sent),
        3 => entry(n, Direction::Incoming, Phase::Received),
        _ => Entry {
            decision: Some(Decision::Deny),
            reason_codes: vec!["X".to_owned()],
            ..entry(n, Direction::Outgoing, Phase::Deny)
        },
    })
}

proptest! {
    /// No entry is lost and none is told twice, whatever the order; and joining anew from the oldest open INTENT goes on
    /// exactly where it stopped.
    #[test]
    fn joining_tells_every_entry_once_and_can_be_resumed(log in prop::collection::vec(any_entry(), 0..40), cut in 0_usize..40) {
        let all = actions(log.clone());
        let mut numbers: Vec<u64> =
            all.iter().flat_map(|a| std::iter::once(a.first.0).chain(a.last.as_ref().map(|l| l.0))).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (0..log.len() as u64).collect::<Vec<_>>());
        for action in &all {
            let same = action.last.as_ref().is_none_or(|(_, last)| last.transfer_id == action.opening().transfer_id);
            prop_assert!(same && (action.kind == Kind::Closed) == action.last.is_some());
        }
        let cut = cut.min(log.len());
        let mut joiner = Joiner::default();
        for (number, entry) in (0..).zip(log[..cut].iter().cloned()) {
            joiner.push(number, entry);
        }
        let from = joiner.oldest_open().unwrap_or(cut as u64);
        let mut resumed = Joiner::default();
        for number in from..cut as u64 {
            resumed.push(number, log[usize::try_from(number).expect("small")].clone());
        }
        for (number, entry) in (0..).zip(log).skip(cut) {
            prop_assert_eq!(joiner.push(number, entry.clone()), resumed.push(number, entry));
        }
        prop_assert_eq!(joiner.rest(), resumed.rest());
    }
}
