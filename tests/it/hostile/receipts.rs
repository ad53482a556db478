//! Partners that confirm falsely, confirm what is another's, or ask for receipts without end; and what an honest one gets.

use ketenpoort::crypto::{Digest, KeyTree, Secret32, SigningKey, digest};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::entry::payload_commitment;
use ketenpoort::translog::receipt::{Kind, Receipt, SignedReceipt};
use tonic::Code;

use super::asker::proto::aggregate_chunk::Part;
use super::asker::proto::node_client::NodeClient;
use super::asker::proto::{self, ConfirmRequest, ReceiptsRequest};
use super::asker::{Asker, reason_of};
use super::siege::{NODE, Siege, fresh_id, identity};
use crate::three::OINS;

fn oin(number: usize) -> Oin {
    Oin::parse(OINS[number]).expect("OIN")
}

fn keys(siege: &Siege, key: &str) -> KeyTree {
    let root = std::fs::read(siege.three.config(key).root_key).expect("root");
    KeyTree::new(Secret32::new(root.try_into().expect("32 bytes")))
}

/// What the node said with its answer to a question of the monitor.
struct Answered {
    receipt: Receipt,
}

/// Asks over a real connection and checks the receipt as an honest monitor does.
fn answered(siege: &Siege, asked: proto::AggregateRequest) -> Answered {
    let channel = siege.monitor.connect().expect("connected");
    let (head, document) = siege.monitor.block_on(async {
        let mut parts = NodeClient::new(channel).aggregate(asked.clone()).await.expect("an answer").into_inner();
        let (mut head, mut document) = (None, Vec::new());
        while let Some(chunk) = parts.message().await.expect("a part") {
            match chunk.part.expect("a part") {
                Part::Head(first) => head = Some(first),
                Part::Document(bytes) => document.extend(bytes),
            }
        }
        (head.expect("a head"), document)
    });
    let signed = SignedReceipt::decode(&head.receipt).expect("a receipt");
    signed.verify(&keys(siege, NODE).signing_key().verifying_key()).expect("signed by the node");
    let receipt = signed.receipt().clone();
    assert_eq!((receipt.kind, receipt.signer, receipt.counterparty), (Kind::Answer, oin(0), oin(2)));
    assert_eq!(receipt.transfer.as_bytes().as_slice(), asked.transfer_id);
    assert_eq!(receipt.peer_entry.map(|hash| hash.0.to_vec()), Some(asked.intent_hash));
    let salt = head.salt.try_into().expect("16 bytes");
    assert_eq!(receipt.commitment, Some(payload_commitment(&salt, &document)));
    Answered { receipt }
}

/// The receipt that an honest monitor signs, changed by `lie`, under this key.
fn confirmation(siege: &Siege, of: &Answered, key: &SigningKey, lie: impl FnOnce(&mut Receipt)) -> ConfirmRequest {
    let log = keys(siege, "m").checkpoint_key();
    let checkpoint = Checkpoint { origin: origin(oin(2)), size: 1, root: digest(b"root") }.sign(&log).encode();
    let mut receipt = Receipt {
        kind: Kind::Received,
        signer: oin(2),
        counterparty: oin(0),
        counter: Some(of.receipt.counter.expect("a counter")),
        decision: None,
        entry: Some(digest(of.receipt.transfer.as_bytes())),
        peer_entry: of.receipt.entry,
        checkpoint,
        ..of.receipt.clone()
    };
    lie(&mut receipt);
    ConfirmRequest { receipt: receipt.sign(key).expect("a form").bytes().to_vec() }
}

fn confirm(asker: &Asker, message: ConfirmRequest) -> Result<(), (Code, ReasonCode)> {
    let channel = asker.connect().expect("connected");
    let told = asker.block_on(async { NodeClient::new(channel).confirm(message).await });
    told.map(drop).map_err(|status| (status.code(), reason_of(&status).expect("a code")))
}

fn outcomes(siege: &Siege, of: &Answered) -> Vec<String> {
    let id = ketenpoort::crypto::hex(of.receipt.transfer.as_bytes());
    let mut entries = siege.three.log(NODE);
    entries.retain(|entry| entry["transfer_id"] == id && entry["phase"] == "OUTCOME");
    entries.iter().map(|entry| entry["outcome"].as_str().expect("an outcome").to_owned()).collect()
}

#[test]
fn what_is_confirmed_falsely_is_refused_and_what_is_confirmed_is_logged_once() {
    let mut siege = Siege::begin(|_| ());
    let (ours, other) = (keys(&siege, "m").signing_key(), keys(&siege, "b").signing_key());
    let failed = Code::FailedPrecondition;
    let of = answered(&siege, siege.good_question());
    let honest = || confirmation(&siege, &of, &ours, |_| ());
    let mut cut = honest();
    cut.receipt.truncate(200);
    let invalid = [confirmation(&siege, &of, &other, |_| ()), cut, ConfirmRequest::default()];
    let mismatched = [
        confirmation(&siege, &of, &ours, |r| r.commitment = Some(Digest([7; 32]))),
        confirmation(&siege, &of, &ours, |r| r.query = Some(Digest([7; 32]))),
        confirmation(&siege, &of, &ours, |r| r.field_names.clear()),
        confirmation(&siege, &of, &ours, |r| r.aggregate = None),
        confirmation(&siege, &of, &ours, |r| r.counterparty = oin(1)),
    ];
    for message in invalid {
        assert_eq!(confirm(&siege.monitor, message), Err((failed, ReasonCode::ReceiptInvalid)));
    }
    for message in mismatched {
        assert_eq!(confirm(&siege.monitor, message), Err((failed, ReasonCode::ReceiptMismatch)));
    }
    // About an answer that this node never gave.
    let unknown = confirmation(&siege, &of, &ours, |r| r.peer_entry = Some(Digest([7; 32])));
    assert_eq!(confirm(&siege.monitor, unknown), Err((failed, ReasonCode::ReceiptMismatch)));
    assert!(outcomes(&siege, &of).is_empty());
    // Another party with the monitor's own receipt.
    let party = Asker::new(siege.address(), identity(&siege.three, "b"));
    assert_eq!(confirm(&party, honest()), Err((failed, ReasonCode::ReceiptInvalid)));
    for _ in 0..3 {
        assert_eq!(confirm(&siege.monitor, honest()), Ok(()), "said twice is said once");
    }
    assert_eq!(outcomes(&siege, &of), ["CONFIRMED"]);
    // The counter of that receipt stands for that entry.
    let next = answered(&siege, siege.good_question());
    let again = confirmation(&siege, &next, &ours, |r| r.counter = of.receipt.counter);
    assert_eq!(confirm(&siege.monitor, again), Err((failed, ReasonCode::ReceiptCounter)));
    assert_eq!(confirm(&siege.monitor, confirmation(&siege, &next, &ours, |_| ())), Ok(()));
    siege.note(ReasonCode::ReceiptInvalid, 4);
    siege.note(ReasonCode::ReceiptMismatch, 6);
    siege.note(ReasonCode::ReceiptCounter, 1);
    siege.end(&[]);
}

/// Asks node `a` for receipts; these are read and verified.
fn receipts(siege: &Siege, asker: &Asker, wanted: ReceiptsRequest) -> Result<Vec<Receipt>, (Code, ReasonCode)> {
    let channel = asker.connect().expect("connected");
    let told = asker.block_on(async { NodeClient::new(channel).receipts(wanted).await });
    let told = told.map_err(|status| (status.code(), reason_of(&status).expect("a code")))?.into_inner();
    let key = keys(siege, NODE).signing_key().verifying_key();
    let read = |bytes: &Vec<u8>| {
        let signed = SignedReceipt::decode(bytes).expect("a receipt");
        signed.verify(&key).expect("signed by the node");
        signed.receipt().clone()
    };
    Ok(told.receipts.iter().map(read).collect())
}

#[test]
fn receipts_are_made_again_for_the_counterparty_alone_and_not_endlessly() {
    let mut siege = Siege::begin(|_| ());
    let of = answered(&siege, siege.good_question());
    let id = of.receipt.transfer.as_bytes().to_vec();
    let wanted = || ReceiptsRequest { answers: vec![id.clone(), fresh_id(), id.clone()], received: vec![id.clone()] };
    let told = receipts(&siege, &siege.monitor, wanted()).expect("receipts");
    let [answer, unknown, received] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(
        Receipt { checkpoint: of.receipt.checkpoint.clone(), ..answer.clone() },
        of.receipt,
        "the same, made anew"
    );
    for nothing in [unknown, received] {
        assert_eq!((nothing.kind, nothing.entry, nothing.query), (Kind::NotReceived, None, None));
    }
    // Another party learns nothing of it, not even that it is there.
    let party = Asker::new(siege.address(), identity(&siege.three, "b"));
    for nothing in receipts(&siege, &party, wanted()).expect("receipts") {
        assert_eq!((nothing.kind, nothing.entry, nothing.query), (Kind::NotReceived, None, None));
    }
    // After its answer the transfer waits; its receipt closes it.
    let late = confirmation(&siege, &of, &keys(&siege, "m").signing_key(), |_| ());
    assert_eq!(confirm(&siege.monitor, late), Ok(()));
    assert_eq!(outcomes(&siege, &of), ["CONFIRMED"]);
    let many = ReceiptsRequest { answers: vec![id.clone(); 257], received: vec![] };
    let malformed = Err((Code::InvalidArgument, ReasonCode::MessageMalformed));
    assert_eq!(receipts(&siege, &siege.monitor, many), malformed);
    siege.note(ReasonCode::MessageMalformed, 1);
    let asked = (0..80).map(|_| receipts(&siege, &siege.monitor, ReceiptsRequest::default()));
    let refused = asked.filter(|told| *told == Err((Code::ResourceExhausted, ReasonCode::TooOften))).count();
    assert!((20..40).contains(&refused), "{refused}");
    // To look up what it confirms counts too; what is waited for needs no looking up.
    let next = answered(&siege, siege.good_question());
    let key = keys(&siege, "m").signing_key();
    let unknown = confirmation(&siege, &next, &key, |r| r.peer_entry = Some(Digest([7; 32])));
    assert_eq!(confirm(&siege.monitor, unknown), Err((Code::ResourceExhausted, ReasonCode::TooOften)));
    assert_eq!(confirm(&siege.monitor, confirmation(&siege, &next, &key, |r| r.counter = Some(9))), Ok(()));
    siege.note(ReasonCode::TooOften, 1);
    siege.end(&[]);
}

#[test]
fn an_answer_that_nobody_confirms_is_sent_and_one_sided_when_the_node_stops() {
    let mut siege = Siege::begin(|_| ());
    let of = answered(&siege, siege.good_question());
    assert!(outcomes(&siege, &of).is_empty(), "its receipt is waited for");
    siege.three.stop(NODE);
    assert_eq!(outcomes(&siege, &of), ["SENT"]);
    let listed = siege.three.node(&["log", "list", "--one-sided"], NODE);
    assert!(listed.contains(&of.receipt.transfer.to_string()) && listed.contains(OINS[2]), "{listed}");
    // A receipt that comes later still closes it.
    siege.three.serve(&[NODE]);
    let late = confirmation(&siege, &of, &keys(&siege, "m").signing_key(), |_| ());
    assert_eq!(confirm(&siege.monitor, late), Ok(()));
    assert_eq!(outcomes(&siege, &of), ["CONFIRMED", "SENT"], "newest first");
    let listed = siege.three.node(&["log", "list", "--one-sided"], NODE);
    assert!(!listed.contains(&of.receipt.transfer.to_string()), "{listed}");
    siege.end(&[]);
}
