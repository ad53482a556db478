//! The gates as they are at run time: an answer fits its question, its bytes and its log entry, and no refusal leaves
//! before it is in the log. That the short cuts past them do not compile is in `src/lib.rs`.

use std::sync::Arc;

use ketenpoort::crypto::{Digest, KeyTree, Secret32, digest, random};
use ketenpoort::disclosure::ledger::Ledger;
use ketenpoort::disclosure::release::{Released, answer};
use ketenpoort::domain::codes::{OrgType, Owner};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::service::answer::Payload;
use ketenpoort::service::api::{AggregateRequest, Answer, NodeService, Peer, Reply, TlsFacts, TraceContext};
use ketenpoort::service::core::{Clock, Core, Identity};
use ketenpoort::storage::log::{Logged, TransferLog};
use ketenpoort::translog::entry::{Decision, Direction, Entry, Phase, TransferId, payload_commitment};

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
    let payload = |bytes: &[u8]| Payload { bytes: bytes.to_vec(), salt, signature: [0; 64] };
    let commitment = Some(payload_commitment(&salt, &bytes));
    let good = logged(Some(question.hash()), commitment);
    assert_eq!(Answer::new(&released, &good, payload(&bytes)).expect("fits").transfer(), good.transfer_id());
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

#[test]
fn a_refusal_is_in_the_log_when_it_leaves() {
    let dir = tempfile::tempdir().expect("directory");
    Core::create(dir.path(), oin(1), &keys()).expect("journals");
    let identity = Identity { oin: oin(1), name: "GI".to_owned(), org_type: OrgType::Gi, levert: vec![Owner::Gi] };
    let core = Core::open(dir.path(), identity, keys(), GemeenteList::new(Vec::new()), Arc::new(Noon)).expect("a node");
    let tls = TlsFacts { version: "TLS1.3".into(), suite: "TLS13_AES_256_GCM_SHA384".into(), group: "X25519".into() };
    let peer = Peer { oin: oin(2), pin: digest(b"pin"), certificate: digest(b"certificate"), tls };
    let table = TableQuery { indicator: IndicatorId::Ind01, period: Period::quarter(2023, 1), by: Vec::new() };
    for number in 0..3 {
        let request = AggregateRequest {
            request_id: random(),
            convenant_hash: digest(b"no convenant"),
            query: Query::new(vec![table.clone()]),
            trace: TraceContext::random(),
        };
        let hash = request.query.hash();
        let Reply::Refused(reason) = core.aggregate(&peer, request) else { panic!("answered without a convenant") };
        assert_eq!(reason, ReasonCode::NoConvenant);
        assert_eq!(core.transfer_log().len(), number + 1, "durable before it is told");
        let entry = core.transfer_log().entry(number).expect("read").expect("an entry");
        assert_eq!((entry.phase, entry.decision), (Phase::Deny, Some(Decision::Deny)));
        assert_eq!((entry.query_hash, entry.reason_codes), (Some(hash), vec![reason.code().to_owned()]));
        assert!([entry.sender_oin, entry.receiver_oin].contains(&Some(peer.oin)));
    }
}
