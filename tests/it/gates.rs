//! The gates as they are at run time: an answer fits its question, its bytes and its log entry, and no refusal leaves
//! before it is in the log. That the short cuts past them do not compile is in `src/lib.rs`.

use std::path::Path;
use std::sync::Arc;

use ketenpoort::crypto::{Digest, KeyTree, Secret32, digest, random};
use ketenpoort::disclosure::ledger::Ledger;
use ketenpoort::disclosure::release::{Released, answer};
use ketenpoort::domain::activity::ActivityBase;
use ketenpoort::domain::codes::{OrgType, Owner};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::service::answer::Payload;
use ketenpoort::service::api::{
    AggregateRequest, Answer, NodeService, Peer, Reply, TlsFacts, TraceContext, Verdict, WantedReceipts,
};
use ketenpoort::service::core::{Clock, Core, Identity};
use ketenpoort::storage::log::{Logged, TransferLog};
use ketenpoort::translog::entry::{Decision, Direction, Entry, Phase, TransferId, payload_commitment};
use ketenpoort::translog::receipt::Receipt;

use crate::three::Three;

struct Noon;

impl Clock for Noon {
    fn now_ms(&self) -> u64 {
        1_717_200_000_000
    }

    fn today(&self) -> Day {
        Day::parse("2024-06-01").expect("a day")
    }
}

fn oin(number: u32) -> Oin {
    Oin::parse(&format!("00000099{number:012}")).expect("an OIN")
}

fn keys() -> KeyTree {
    KeyTree::new(Secret32::new([7; 32]))
}

#[test]
fn an_answer_needs_the_log_entry_of_its_own_question_and_bytes() {
    let dir = tempfile::tempdir().expect("directory");
    let log = TransferLog::create(dir.path(), oin(1), Arc::new(keys().checkpoint_key())).expect("a log");
    let (salt, bytes) = ([3; 16], b"{\"tables\":[]}".to_vec());
    // The only release without a single figure in it, which needs no node.
    let question = Query::new(Vec::new());
    let released: Released = answer(&question, &[], &Ledger::default()).expect("nothing to refuse");
    let logged = |query: Option<Digest>, payload: Option<Digest>| -> Logged {
        let intent = Entry::new(TransferId::new(1, random()), Direction::Outgoing, Phase::Intent, 1);
        log.append(&Entry { query_hash: query, payload_commitment: payload, ..intent }).expect("logged")
    };
    let commitment = Some(payload_commitment(&salt, &bytes));
    let good = logged(Some(question.hash()), commitment);
    let receipt = |entry: Digest| {
        let nothing = Receipt::nothing(oin(1), oin(2), good.transfer_id(), (1, &log.last_checkpoint()));
        Box::new(Receipt { entry: Some(entry), ..nothing }.sign(&keys().signing_key()).expect("a receipt"))
    };
    let payload = |bytes: &[u8]| {
        let receipt = receipt(good.entry_hash());
        Payload { bytes: bytes.to_vec(), salt, signature: [0; 64], receipt }
    };
    let handed = Answer::new(&released, &good, payload(&bytes)).expect("fits").handed();
    assert_eq!((handed.transfer, handed.entry), (good.transfer_id(), good.entry_hash()));
    let other = Payload { receipt: receipt(digest(b"another entry")), ..payload(&bytes) };
    assert!(Answer::new(&released, &good, other).is_none(), "a receipt of another entry");
    assert!(Answer::new(&released, &good, payload(b"{\"tables\":[1]}")).is_none(), "other bytes than were logged");
    assert!(Answer::new(&released, &good, Payload { salt: [4; 16], ..payload(&bytes) }).is_none(), "another salt");
    for other in [
        logged(Some(digest(b"another question")), commitment),
        logged(None, commitment),
        logged(Some(question.hash()), None),
    ] {
        assert!(Answer::new(&released, &other, payload(&bytes)).is_none(), "the entry is about something else");
    }
}

/// A node without a convenant, someone who asks it, and a question.
pub fn asked(dir: &Path) -> (Core, Peer, impl Fn() -> AggregateRequest + use<>) {
    Core::create(dir, oin(1), &keys()).expect("journals");
    let identity = Identity {
        oin: oin(1),
        name: "GI".to_owned(),
        org_type: OrgType::Gi,
        levert: vec![Owner::Gi],
        activities: ActivityBase::of_oin(oin(1)),
    };
    let core = Core::open(dir, identity, keys(), GemeenteList::new(Vec::new()), Arc::new(Noon)).expect("a node");
    let tls = TlsFacts { version: "TLS1.3".into(), suite: "TLS13_AES_256_GCM_SHA384".into(), group: "X25519".into() };
    let peer = Peer { oin: oin(2), pin: digest(b"pin"), certificate: digest(b"certificate"), tls };
    let question = || AggregateRequest {
        transfer_id: TransferId::new(1_750_000_000_000, random()),
        intent_hash: digest(b"intent"),
        convenant_hash: digest(b"no convenant"),
        query: Query::new(vec![TableQuery {
            indicator: IndicatorId::Ind01,
            period: Period::quarter(2023, 1),
            by: Vec::new(),
        }]),
        trace: TraceContext::random(),
    };
    (core, peer, question)
}

/// The last entry of a log of `number` entries refuses this question of this peer.
fn is_refused(core: &Core, number: u64, peer: &Peer, request: &AggregateRequest, reason: ReasonCode) {
    assert_eq!(core.transfer_log().len(), number, "durable before it is told");
    let entry = core.transfer_log().entry(number - 1).expect("read").expect("an entry");
    assert_eq!((entry.phase, entry.decision), (Phase::Deny, Some(Decision::Deny)));
    assert_eq!((entry.transfer_id, entry.partner()), (request.transfer_id, Some(peer.oin)));
    assert_eq!((entry.query_hash, entry.reason_codes), (Some(request.query.hash()), vec![reason.code().to_owned()]));
    assert_eq!(entry.peer_entry_hash, Some(request.intent_hash));
}

#[test]
fn a_refusal_is_in_the_log_when_it_leaves() {
    let dir = tempfile::tempdir().expect("directory");
    let (core, peer, question) = asked(dir.path());
    for number in 1..4 {
        let request = question();
        let Reply::Refused(refusal) = core.aggregate(&peer, &request, &Verdict::default()) else {
            panic!("answered without a convenant")
        };
        assert_eq!(refusal.reason, ReasonCode::NoConvenant);
        is_refused(&core, number, &peer, &request, refusal.reason);
        let signed = refusal.receipt.expect("a receipt");
        signed.verify(&keys().signing_key().verifying_key()).expect("signed by the node");
        let receipt = signed.receipt();
        assert_eq!((receipt.transfer, receipt.peer_entry), (request.transfer_id, Some(request.intent_hash)));
        assert_eq!((receipt.counter, receipt.decision), (Some(number), Some(Decision::Deny)));
    }
}

/// Whoever asks on and on under one id makes every look at it dear: of such a transfer nothing is signed.
#[test]
fn of_a_transfer_with_too_many_entries_nothing_is_signed() {
    let dir = tempfile::tempdir().expect("directory");
    let (core, peer, question) = asked(dir.path());
    let (flooded, other) = (question(), question());
    let ask = |request| assert!(matches!(core.aggregate(&peer, request, &Verdict::default()), Reply::Refused(_)));
    let wanted = WantedReceipts { answers: vec![flooded.transfer_id, other.transfer_id], received: vec![] };
    let signed = || core.receipts(&peer, &wanted).expect("not too often").len();
    ask(&other);
    (0..255).for_each(|_| ask(&flooded));
    assert_eq!(signed(), 2);
    ask(&flooded);
    assert_eq!(signed(), 1, "of the other alone");
}

#[test]
fn an_overruled_question_has_the_refusal_of_who_overruled_it_and_no_other_entry() {
    let dir = tempfile::tempdir().expect("directory");
    let (core, peer, question) = asked(dir.path());
    let (request, verdict) = (question(), Verdict::default());
    assert!(verdict.overrule());
    assert_eq!(core.refuse(&peer, &request, ReasonCode::TooSlow).reason, ReasonCode::TooSlow);
    is_refused(&core, 1, &peer, &request, ReasonCode::TooSlow);
    let late = core.aggregate(&peer, &request, &verdict);
    assert!(matches!(&late, Reply::Refused(no) if *no == ReasonCode::TooSlow.into()), "{late:?}");
    assert_eq!(core.transfer_log().len(), 1);
}

#[test]
fn an_answer_whose_question_was_overruled_is_not_announced() {
    let three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    let node = ketenpoort::node::open(three.config("a")).expect("the node");
    let log = node.core.transfer_log();
    let tls = TlsFacts { version: "TLS1.3".into(), suite: "TLS13_AES_256_GCM_SHA384".into(), group: "X25519".into() };
    let peer = Peer { oin: oin(3), pin: digest(b"pin"), certificate: digest(b"certificate"), tls };
    let table = TableQuery { indicator: IndicatorId::Ind01, period: Period::year_of(2022), by: Vec::new() };
    let request = AggregateRequest {
        transfer_id: TransferId::new(1_750_000_000_000, random()),
        intent_hash: digest(b"intent"),
        convenant_hash: node.core.status(&peer).convenants[0],
        query: Query::new(vec![table]),
        trace: TraceContext::random(),
    };
    let overruled = Verdict::default();
    assert!(overruled.overrule());
    let before = log.len();
    let late = node.core.aggregate(&peer, &request, &overruled);
    assert!(matches!(&late, Reply::Refused(no) if *no == ReasonCode::TooSlow.into()), "{late:?}");
    assert_eq!(log.len(), before, "no INTENT");
    let Reply::Answer(answer) = node.core.aggregate(&peer, &request, &Verdict::default()) else { panic!("refused") };
    let entry = log.entry(before).expect("read").expect("an entry");
    assert_eq!((log.len(), entry.phase, entry.transfer_id), (before + 1, Phase::Intent, answer.handed().transfer));
}
