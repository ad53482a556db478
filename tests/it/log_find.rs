//! Listing the transfer log through the index says what the log says, whatever happens to the index; and a transfer id
//! keeps its question over a restart, with and without the index.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ketenpoort::config::Config;
use ketenpoort::crypto::{KeyTree, Secret32};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::node::tls_paths;
use ketenpoort::policy::bundle::ConvenantBundle;
use ketenpoort::policy::card::SignedCard;
use ketenpoort::service::api::{AggregateRequest, AnswerBytes, PeerError, TraceContext};
use ketenpoort::storage::log::{Filter, LogIndex, TransferLog};
use ketenpoort::translog::entry::{Decision, Direction, Entry, Outcome, Phase, TransferId};
use ketenpoort::transport::client::{Client, Partner};
use ketenpoort::transport::tls::TlsHandle;
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};

use crate::demo::done;
use crate::three::{OINS, Three};

/// 2026-03-01T00:00:00Z.
const START_MS: u64 = 1_772_323_200_000;
const HOUR_MS: u64 = 3_600_000;
/// Three rounds are more than one block of the index.
const EACH_ROUND: u64 = 700;

fn oin(number: u32) -> Oin {
    Oin::parse(&format!("00000099{number:012}")).unwrap()
}

/// Entry `n` of our own log: partners, purposes, decisions and times that go back now and then.
fn entry(ours: Oin, n: u64) -> Entry {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let phase = [Phase::Intent, Phase::Received, Phase::Deny, Phase::Received][usize::try_from(mixed % 4).unwrap()];
    let partner = oin(2 + u32::try_from(mixed / 4 % 4).unwrap());
    Entry {
        sender_oin: Some(if mixed.is_multiple_of(3) { partner } else { ours }),
        receiver_oin: (mixed % 3 != 1).then_some(if mixed.is_multiple_of(3) { ours } else { partner }),
        delegator_oins: if mixed.is_multiple_of(5) { vec![oin(6)] } else { Vec::new() },
        decision: match phase {
            Phase::Deny => Some(Decision::Deny),
            Phase::Intent => Some(Decision::Allow),
            _ => None,
        },
        reason_codes: if phase == Phase::Deny { vec!["KP-X".to_owned()] } else { Vec::new() },
        purpose: ["", "P1", "P2"][usize::try_from(mixed / 16 % 3).unwrap()].to_owned(),
        field_names: ["geboortedatum", "zaak", "IND-01"][..usize::try_from(mixed / 32 % 4).unwrap()]
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        ground_article: ["", "Jeugdwet 7.3.11", &"Wmo 4.2.12; ".repeat(30), "AVG 15"]
            [usize::try_from(mixed / 64 % 4).unwrap()]
        .to_owned(),
        activity_own: ["", "urn:proef/a/v1", "urn:proef/a/v10"][usize::try_from(mixed / 128 % 3).unwrap()].to_owned(),
        action: ["Overdracht", "Cijfers vrijgeven"][usize::try_from(mixed / 512 % 2).unwrap()].to_owned(),
        trace_id: Some([u8::try_from(mixed % 90).unwrap() + 1; 16]),
        subject_sealed: if mixed.is_multiple_of(11) { vec![1] } else { Vec::new() },
        ..Entry::new(
            id(mixed / 48),
            if mixed.is_multiple_of(3) { Direction::Incoming } else { Direction::Outgoing },
            phase,
            START_MS + n * HOUR_MS - mixed % 7 * HOUR_MS,
        )
    }
}

/// One of a dozen ids, that all partners use.
fn id(n: u64) -> TransferId {
    TransferId::new(START_MS, [u8::try_from(n % 12).unwrap(); 10])
}

fn filters() -> impl Strategy<Value = (Filter, usize)> {
    let hour = || proptest::option::weighted(0.3, 0_u64..(3 * EACH_ROUND + 20));
    let decision = proptest::option::of(prop_oneof![Just(Decision::Allow), Just(Decision::Deny)]);
    let purpose = proptest::option::of(prop_oneof![Just("P1"), Just("P2"), Just("P9"), Just("")]);
    let partner = proptest::option::of(1_u32..8);
    let transfer = proptest::option::weighted(0.3, 0_u64..12);
    let usual = (hour(), hour(), partner, decision, purpose, transfer, 1_usize..400).prop_map(
        |(from, until, partner, decision, purpose, transfer, n)| {
            let moment = |hours: u64| START_MS + hours * HOUR_MS;
            let filter = Filter {
                from_ms: from.map(moment),
                until_ms: until.map(moment),
                partner: partner.map(oin),
                decision,
                purpose: purpose.map(str::to_owned),
                transfer: transfer.map(id),
                ..Filter::default()
            };
            (filter, n)
        },
    );
    (usual, further()).prop_map(|((usual, n), further)| {
        let Filter { from_ms, until_ms, partner, decision, purpose, transfer, .. } = usual;
        (Filter { from_ms, until_ms, partner, decision, purpose, transfer, ..further }, n)
    })
}

fn further() -> impl Strategy<Value = Filter> {
    let seldom = |texts: &'static [&'static str]| {
        proptest::option::weighted(0.25, proptest::sample::select(texts)).prop_map(|text| text.map(str::to_owned))
    };
    (
        proptest::option::weighted(0.2, proptest::sample::select(&[Phase::Intent, Phase::Deny, Phase::Outcome][..])),
        seldom(&["zaak", "IND-01", "IND-0", ""]),
        seldom(&["jeugdwet 7", "4.2.12", "niets", "5", ""]),
        seldom(&["urn:proef/a/v1", "urn:proef/a/v10", "urn:proef"]),
        seldom(&["OVERDRACHT", "kp-x", "vrij"]),
        proptest::option::weighted(0.1, 1_u8..95),
        proptest::bool::weighted(0.15),
    )
        .prop_map(|(phase, field, ground, activity, text, trace, sealed)| Filter {
            phase,
            field,
            ground,
            activity,
            text,
            trace: trace.map(|trace| [trace; 16]),
            sealed,
            ..Filter::default()
        })
}

/// What the log itself says, read from the first entry to the last.
fn scanned(log: &TransferLog, filter: &Filter, limit: usize) -> Vec<(u64, Entry)> {
    let mut all: Vec<_> = log.list(filter.clone()).map(|found| found.unwrap()).collect();
    all.reverse();
    all.truncate(limit);
    all
}

#[test]
fn a_listing_is_what_a_scan_of_the_log_finds() {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let key = KeyTree::new(Secret32::new([3; 32])).checkpoint_key();
    let log = TransferLog::create(&dir.path().join("log"), oin(1), Arc::new(key)).unwrap();
    let index = LogIndex::new(&dir.path().join("index"), oin(1));
    let mut runner = TestRunner::new(Runs { cases: 40, ..Runs::default() });
    for round in 0..3_u64 {
        (round * EACH_ROUND..(round + 1) * EACH_ROUND).for_each(|n| drop(log.append(&entry(oin(1), n)).unwrap()));
        let ran = runner.run(&filters(), |(filter, limit)| {
            prop_assert_eq!(index.newest(&log, &filter, (None, limit)).unwrap(), scanned(&log, &filter, limit));
            // Page after page is the whole listing.
            let (mut paged, mut below) = (Vec::new(), None);
            loop {
                let page = index.newest(&log, &filter, (below, limit.max(20))).unwrap();
                let Some((last, _)) = page.last() else { break };
                below = Some(*last);
                paged.extend(page);
            }
            prop_assert_eq!(paged, scanned(&log, &filter, usize::MAX));
            Ok(())
        });
        ran.unwrap();
        // Partners that choose the same id do not meet.
        index.follow(&log);
        for (transfer, partner) in (0..12).flat_map(|n| (2..6).map(move |partner| (id(n), oin(partner)))) {
            let filter = Filter { transfer: Some(transfer), ..Filter::default() };
            let mut theirs = scanned(&log, &filter, usize::MAX);
            theirs.retain(|(_, entry)| [entry.sender_oin, entry.receiver_oin].contains(&Some(partner)));
            theirs.retain(|(_, entry)| entry.partner() == Some(partner));
            theirs.reverse();
            assert_eq!(index.of_transfer(&log, partner, transfer).unwrap(), theirs);
        }
    }
    // An index that cannot be made at all: the log is read.
    fs::write(dir.path().join("no-directory"), b"").unwrap();
    let blocked = LogIndex::new(&dir.path().join("no-directory"), oin(1));
    let filter = Filter { decision: Some(Decision::Deny), ..Filter::default() };
    assert_eq!(blocked.newest(&log, &filter, (None, 9)).unwrap(), scanned(&log, &filter, 9));
}

/// A node with 300 entries in its log and an index over them.
fn node_with_a_log(three: &Three) -> PathBuf {
    let dir = PathBuf::from(three.path("a"));
    let config = Config::load(&dir).unwrap();
    let root: [u8; 32] = fs::read(&config.root_key).unwrap().try_into().unwrap();
    let key = Arc::new(KeyTree::new(Secret32::new(root)).checkpoint_key());
    let log = TransferLog::open(&config.data.join("translog"), config.oin, key).unwrap();
    (0..300).for_each(|n| drop(log.append(&entry(config.oin, n)).unwrap()));
    // What a transfer leaves open, the node closes when it opens; here none is.
    let open: Vec<Entry> = log.entries(0..300).map(|e| e.unwrap().1).filter(|e| e.phase == Phase::Intent).collect();
    for intent in open {
        let end = Entry {
            outcome: Some(Outcome::Sent),
            sender_oin: intent.sender_oin,
            receiver_oin: intent.receiver_oin,
            ..Entry::new(intent.transfer_id, intent.direction, Phase::Outcome, START_MS)
        };
        drop(log.append(&end).unwrap());
    }
    let index = LogIndex::new(&config.data.join("index"), config.oin);
    index.follow(&log);
    index.flush();
    config.data.join("index")
}

fn files_of(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_of(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_node_without_its_index_or_with_a_damaged_one_lists_the_same() {
    let three = Three::new();
    let index = node_with_a_log(&three);
    let partner = oin(3).to_string();
    let questions: [&[&str]; 5] = [
        &["--limit", "1000"],
        &["--partner", &partner, "--json", "--limit", "40"],
        &["--since", "2026-03-02", "--until", "2026-03-05", "--decision", "DENY", "--limit", "1000"],
        &["--since", "2026-03-02T12:00:00Z", "--until", "2026-03-02T15:00:00Z", "--json"],
        &["--purpose", "P2", "--decision", "ALLOW", "--json"],
    ];
    let ask = || questions.map(|words| three.node(&[&["log", "list"], words].concat(), "a"));
    let before = ask();
    for (words, answer) in questions.iter().zip(&before) {
        assert!(answer.len() > 100, "{words:?}: {answer}");
    }
    // Days are Dutch: 2 March begins at 23:00 UTC on 1 March, and the last day counts whole.
    let times: Vec<&str> = before[2].lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(times.iter().all(|t| ("2026-03-01T23:00:00Z".."2026-03-05T23:00:00Z").contains(t)), "{times:?}");
    let numbers: Vec<u64> = before[0].lines().map(|l| l.split_whitespace().next().unwrap().parse().unwrap()).collect();
    assert!(numbers.len() > 300 && numbers.is_sorted_by(|a, b| a > b), "newest first");

    fs::remove_dir_all(&index).unwrap();
    assert_eq!(ask(), before, "without an index");
    for path in files_of(&index) {
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }
    assert_eq!(ask(), before, "with half an index");
    for (n, path) in files_of(&index).into_iter().enumerate() {
        let mut bytes = fs::read(&path).unwrap();
        let step = bytes.len() / 60 + 1;
        bytes.iter_mut().skip(n + 7).step_by(step).for_each(|byte| *byte ^= 0x20);
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(ask(), before, "with flipped bytes");
    fs::remove_dir_all(&index).unwrap();
    fs::write(&index, b"no directory").unwrap();
    assert_eq!(ask(), before, "where no index can be");
    three.node(&["log", "verify"], "a");
}

/// The monitor of three nodes, asking node `a` with transfer ids of its choice.
struct Asker {
    runtime: tokio::runtime::Runtime,
    client: Client,
    to: Oin,
    convenant: ketenpoort::crypto::Digest,
}

impl Asker {
    fn new(three: &Three) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = Config::load(Path::new(&three.path("m"))).unwrap();
        let card = SignedCard::parse(&fs::read_to_string(three.path("a/card.json")).unwrap()).unwrap();
        let bundle = ConvenantBundle::parse(&fs::read_to_string(three.path("proef.json")).unwrap()).unwrap();
        let to = Oin::parse(OINS[0]).unwrap();
        let partner = Partner { endpoint: card.card().endpoint.clone(), pins: vec![card.card().tls_pin] };
        let _inside = runtime.enter();
        let tls = TlsHandle::open(tls_paths(&config)).unwrap();
        let client = Client::new(tls, Arc::new(BTreeMap::from([(to, partner)])), runtime.handle().clone());
        drop(_inside);
        Self { runtime, client, to, convenant: bundle.hash() }
    }

    fn ask(&self, transfer_id: TransferId, indicator: IndicatorId) -> Result<AnswerBytes, PeerError> {
        let table = TableQuery { indicator, period: Period::year_of(2022), by: vec![Dimension::Leeftijd] };
        let request = AggregateRequest {
            transfer_id,
            intent_hash: ketenpoort::crypto::digest(b"intent"),
            convenant_hash: self.convenant,
            query: Query::new(vec![table]),
            trace: TraceContext::random(),
        };
        self.runtime.block_on(self.client.ask(&self.to, &request, Duration::from_secs(300)))
    }
}

#[test]
fn a_transfer_id_keeps_its_question_over_a_restart() {
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    let asker = Asker::new(&three);
    let (once, reused) = (TransferId::new(START_MS, [7; 10]), Err(PeerError::Refused(ReasonCode::RequestIdReused)));
    three.serve(&["a"]);
    let first = asker.ask(once, IndicatorId::Ind01).unwrap();
    assert_eq!(asker.ask(once, IndicatorId::Ind02), reused);
    for (n, without_index) in (1..).zip([false, true]) {
        three.stop("a");
        if without_index {
            fs::remove_dir_all(three.path("a/data/index")).unwrap();
        }
        three.serve(&["a"]);
        assert_eq!(asker.ask(once, IndicatorId::Ind02), reused, "after a restart");
        let again = asker.ask(once, IndicatorId::Ind01).unwrap();
        assert_eq!(again.document, first.document, "the same question in the same transfer");
        assert!(
            asker.ask(TransferId::new(START_MS + n, [8; 10]), IndicatorId::Ind02).is_ok(),
            "a fresh id for another question"
        );
    }
    let listed = three.node(&["log", "list", "--partner", OINS[2], "--decision", "DENY"], "a");
    assert_eq!(listed.matches("KP-VRAAGNUMMER-HERGEBRUIKT").count(), 3, "{listed}");
    let verified = done(&["log", "verify", "--node", &three.path("a"), "--trust", &three.path("a/card.json")]);
    assert!(verified.contains("vertrouwd") || verified.contains("intact"), "{verified}");
}
