//! A party that shows its witness a log that is not its own, not signed, forked, unproven or smaller: it gets no cosignature, and
//! what it signed is kept as evidence.

use ketenpoort::crypto::{Digest, KeyTree, Secret32, SigningKey};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::cosignature::{verify, witness_name};
use ketenpoort::translog::merkle::leaf_hash;
use ketenpoort::translog::merkle::proof::{consistency, root_at};
use ketenpoort::translog::note::NoteSignature;
use tonic::{Code, Request, Status};

use super::asker::proto;
use super::siege::{NODE, Siege};
use crate::administrator::{quick, status};
use crate::three::{OINS, Three, within};
use proto::add_checkpoint_reply::Said;

/// The log of the monitor as its owner likes it: he has the key.
struct Forger {
    key: SigningKey,
    leaves: Vec<Digest>,
}

impl Forger {
    fn of(three: &Three, entries: &[u8]) -> Self {
        let root: [u8; 32] = std::fs::read(three.config("m").root_key).expect("root").try_into().expect("32 bytes");
        let leaves = entries.iter().map(|entry| leaf_hash(&[*entry])).collect();
        Self { key: KeyTree::new(Secret32::new(root)).checkpoint_key(), leaves }
    }

    fn note(&self, owner: &str, size: usize) -> String {
        let root = root_at(self.leaves.as_slice(), size as u64).expect("a root");
        Checkpoint { origin: origin(oin(owner)), size: size as u64, root }.sign(&self.key).encode()
    }

    fn show(&self, from: &[u64]) -> proto::AddCheckpointRequest {
        let size = self.leaves.len();
        let proof = |old: &u64| proto::ConsistencyProof {
            old_size: *old,
            hashes: consistency(self.leaves.as_slice(), *old, size as u64)
                .unwrap_or_default()
                .into_iter()
                .map(|hash| hash.0.to_vec())
                .collect(),
        };
        proto::AddCheckpointRequest {
            checkpoint: self.note(OINS[2], size),
            proofs: from.iter().map(proof).collect(),
            seen: vec![],
        }
    }
}

fn oin(text: &str) -> Oin {
    Oin::parse(text).expect("OIN")
}

fn shown(siege: &Siege, message: proto::AddCheckpointRequest) -> Result<Said, Status> {
    let channel = siege.monitor.connect().expect("a connection");
    siege.monitor.block_on(async {
        let mut witness = proto::witness_client::WitnessClient::new(channel);
        let reply = witness.add_checkpoint(Request::new(message)).await?.into_inner();
        Ok(reply.said.expect("said"))
    })
}

fn refused(siege: &mut Siege, message: proto::AddCheckpointRequest, code: Code, reason: ReasonCode) {
    let status = shown(siege, message).expect_err("refused");
    assert_eq!((status.code(), status.message()), (code, reason.code()));
    siege.note(reason, 1);
}

#[test]
fn a_forger_gets_no_cosignature_and_leaves_his_signature_behind() {
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    quick(&three);
    three.serve(&[NODE, "b"]);
    // The node cosigns the monitor's log once it has heard its other witness, which itself waits for the monitor.
    within("b answers", || {
        let b = status(&three, NODE)["quorums"][0]["witnesses"][0].clone();
        b["size"].is_u64() || b["fault"].as_str().is_some_and(|fault| fault.contains("net gestart"))
    });
    let mut siege = Siege::of(three);
    let log = Forger::of(&siege.three, &[1, 2, 3]);
    let first = log.show(&[]);
    let Ok(Said::Cosignature(line)) = shown(&siege, first.clone()) else { panic!("an honest log is cosigned") };
    let card = std::fs::read_to_string(siege.three.path("a/card.json")).expect("card");
    let card = ketenpoort::policy::card::SignedCard::parse(&card).expect("a card");
    let line = NoteSignature::parse(&line).expect("a line");
    let text = first.checkpoint.split_once("\n\n").expect("a note").0.to_owned() + "\n";
    verify(&text, &line, &witness_name(oin(OINS[0])), &card.card().witness.expect("a key")).expect("a cosignature");

    let denied = Code::PermissionDenied;
    let of_another = proto::AddCheckpointRequest { checkpoint: log.note(OINS[1], 3), ..first.clone() };
    refused(&mut siege, of_another, denied, ReasonCode::NotItsLog);
    let other_key = Forger { key: SigningKey::from_seed(&Secret32::random()), leaves: log.leaves.clone() };
    refused(&mut siege, other_key.show(&[]), denied, ReasonCode::CheckpointUnsigned);
    let flood = proto::AddCheckpointRequest { proofs: vec![log.show(&[1]).proofs[0].clone(); 65], ..first };
    refused(&mut siege, flood, Code::InvalidArgument, ReasonCode::MessageMalformed);

    let said = |message| shown(&siege, message).expect("a reply");
    let wanted = |sizes: Vec<u64>| Said::Wanted(proto::WantedSizes { sizes });
    assert_eq!(said(Forger::of(&siege.three, &[1, 2]).show(&[])), wanted(vec![3]), "a smaller tree");
    let longer = Forger::of(&siege.three, &[1, 2, 3, 4, 5]);
    assert_eq!(said(longer.show(&[])), wanted(vec![3]), "no proof");
    let conflict = said(Forger::of(&siege.three, &[1, 2, 9]).show(&[]));
    assert_eq!(conflict, Said::Refused(ReasonCode::CheckpointConflict.code().to_owned()));
    let rewritten = Forger::of(&siege.three, &[1, 9, 3, 4, 5]);
    assert_eq!(said(rewritten.show(&[3])), Said::Refused(ReasonCode::ConsistencyUnproven.code().to_owned()));
    assert!(matches!(said(longer.show(&[3])), Said::Cosignature(_)), "the first history may go on");
    siege.expect(ReasonCode::CheckpointConflict, 1);
    siege.expect(ReasonCode::ConsistencyUnproven, 1);
    let found = status(&siege.three, NODE)["witnessed"].as_array().expect("logs").clone();
    let found = found.iter().find(|log| log["oin"] == OINS[2]).expect("the monitor's log")["findings"].clone();
    assert_eq!((&found[0]["wrong"], &found[1]["wrong"]), (&"gevorkt".into(), &"niet bewezen".into()));
    assert!(found[0]["second"].as_str().expect("a note").contains("00000099000000000003\n3\n"));
    siege.end(&[]);
}
