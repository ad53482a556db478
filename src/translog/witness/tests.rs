//! What a witness promises: it never cosigns two trees of one log of which neither contains the other, whatever its owner does,
//! and what it cannot sign it keeps as evidence.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::crypto::{Secret32, SigningKey};
use crate::translog::merkle::leaf_hash;
use crate::translog::merkle::proof::{consistency, root_at};

const LOG: &str = "ketenpoort.nl/log/00000099000000001000";

fn key() -> SigningKey {
    SigningKey::from_seed(&Secret32::new([1; 32]))
}

/// One history of the log; its owner holds the key and may have several.
#[derive(Clone, Debug, Default)]
struct Branch(Vec<Digest>);

impl Branch {
    fn of(entries: &[u8]) -> Self {
        Self(entries.iter().map(|entry| leaf_hash(&[*entry])).collect())
    }

    fn at(&self, size: usize) -> Shown {
        let root = root_at(self.0.as_slice(), size as u64).expect("so many entries");
        let note = Checkpoint { origin: LOG.to_owned(), size: size as u64, root }.sign(&key()).encode();
        Shown::open(&note, LOG, &key().verifying_key()).expect("a signed checkpoint")
    }

    fn shown(&self) -> Shown {
        self.at(self.0.len())
    }

    /// Proofs from all these sizes, as far as this history can give them.
    fn proofs(&self, sizes: &[u64]) -> Vec<SizedProof> {
        let proof = |old: &u64| Some((*old, consistency(self.0.as_slice(), *old, self.0.len() as u64)?));
        sizes.iter().filter_map(proof).collect()
    }

    /// Shows itself as a log does: proofs are given when they are asked for.
    fn show(&self, record: &mut Record) -> Judgement {
        match record.show(&self.shown(), &[], 0) {
            Judgement::Wanted(sizes) => record.show(&self.shown(), &self.proofs(&sizes), 0),
            said => said,
        }
    }
}

fn wrongs(record: &Record) -> Vec<Wrong> {
    record.findings.iter().map(|finding| finding.wrong).collect()
}

#[test]
fn a_log_that_only_grows_is_cosigned_each_time() {
    let mut record = Record::default();
    let mut log = Branch::default();
    for entry in 0..40 {
        assert_eq!(log.show(&mut record), Judgement::Cosign, "{entry}");
        assert_eq!(log.show(&mut record), Judgement::Cosign, "the same again");
        log.0.push(leaf_hash(&[entry]));
    }
    assert_eq!((record.findings.len(), &record.pending, &record.behind), (0, &vec![], &None));
    assert!(record.proven.len() == MOST_PROVEN);
}

#[test]
fn a_smaller_tree_is_not_cosigned_and_stays_visible_until_the_log_is_past_it() {
    let mut record = Record::default();
    let log = Branch::of(&[1, 2, 3, 4, 5]);
    assert_eq!(log.show(&mut record), Judgement::Cosign);
    let before = record.cosigned.clone();
    assert_eq!(record.show(&log.at(3), &[], 0), Judgement::Wanted(vec![5]));
    assert_eq!((record.cosigned.clone(), record.behind.clone()), (before, Some(log.at(3))));
    let longer = Branch::of(&[1, 2, 3, 4, 5, 6]);
    assert_eq!(longer.show(&mut record), Judgement::Cosign);
    assert_eq!(record.behind, None);
}

#[test]
fn two_faces_of_one_size_are_evidence_with_both_notes() {
    let mut record = Record::default();
    assert_eq!(Branch::of(&[1, 2, 3]).show(&mut record), Judgement::Cosign);
    let other = Branch::of(&[1, 2, 9]);
    assert_eq!(record.show(&other.shown(), &[], 7), Judgement::Conflict);
    assert_eq!(record.show(&other.shown(), &[], 8), Judgement::Conflict);
    let finding =
        Finding { wrong: Wrong::Forked, first: Branch::of(&[1, 2, 3]).shown(), second: other.shown(), at_ms: 7 };
    assert_eq!(record.findings, [finding], "once");
    assert_eq!(Branch::of(&[1, 2, 3, 4]).show(&mut record), Judgement::Cosign, "the first face may go on");
    assert_eq!(record.findings.len(), 1, "and the evidence stays");
}

#[test]
fn a_rewritten_or_rolled_back_log_cannot_prove_its_past() {
    let mut record = Record::default();
    assert_eq!(Branch::of(&[1, 2, 3]).show(&mut record), Judgement::Cosign);
    for forged in [vec![1, 9, 3, 4], vec![1, 2, 4, 5, 6], vec![9, 9, 9, 9, 9, 9, 9]] {
        assert_eq!(Branch::of(&forged).show(&mut record), Judgement::Unproven, "{forged:?}");
    }
    assert_eq!(wrongs(&record), [Wrong::Unproven; 3]);
}

#[test]
fn without_the_proof_nothing_is_cosigned() {
    let mut record = Record::default();
    assert_eq!(Branch::of(&[1, 2, 3]).show(&mut record), Judgement::Cosign);
    let log = Branch::of(&[1, 2, 3, 4, 5]);
    assert_eq!(record.show(&log.shown(), &[], 0), Judgement::Wanted(vec![3]));
    assert_eq!(record.show(&log.shown(), &log.proofs(&[2]), 0), Judgement::Wanted(vec![3]));
    assert_eq!(record.show(&log.shown(), &[(3, vec![])], 0), Judgement::Unproven);
}

#[test]
fn what_a_partner_saw_must_be_proven_too() {
    let mut record = Record::default();
    let log = Branch::of(&[1, 2, 3]);
    assert_eq!(log.show(&mut record), Judgement::Cosign);
    // A partner was shown another face, and brings it along.
    let face = Branch::of(&[1, 2, 3, 9]);
    assert!(record.seen(face.shown(), 0) && !record.seen(face.shown(), 0));
    let grown = Branch::of(&[1, 2, 3, 4, 5]);
    assert_eq!(record.show(&grown.shown(), &grown.proofs(&[3]), 0), Judgement::Wanted(vec![3, 4]));
    assert_eq!(grown.show(&mut record), Judgement::Unproven);
    assert_eq!(record.findings[0].first, face.shown());
    // Seen at the size that was cosigned: the two notes prove the fork at once.
    assert!(record.seen(Branch::of(&[1, 2, 8]).shown(), 0));
    assert_eq!(wrongs(&record), [Wrong::Unproven, Wrong::Forked]);
}

#[test]
fn an_older_face_of_the_same_log_is_proven_and_forgotten_about() {
    let mut record = Record::default();
    let log = Branch::of(&[1, 2, 3, 4, 5, 6, 7]);
    for size in [2, 5, 7] {
        assert!(record.seen(log.at(size), 0));
    }
    assert!(!record.seen(log.at(0), 0), "the empty tree says nothing");
    assert_eq!(Branch::of(&[1, 2, 3, 4, 5, 6]).show(&mut record), Judgement::Cosign);
    assert_eq!(record.pending, [log.at(7)]);
    assert_eq!((record.behind.clone(), record.behind_since), (Some(log.at(6)), Some(0)), "it shows less than was seen");
    assert_eq!(log.show(&mut record), Judgement::Cosign);
    assert_eq!((record.behind.clone(), record.behind_since), (None, None));
    assert!(record.pending.is_empty() && !record.seen(log.at(5), 0));
    assert!(record.findings.is_empty());
}

#[test]
fn records_are_bounded_and_come_back_from_their_file() {
    let mut record = Record::default();
    let log = Branch::of(&(0..80).collect::<Vec<_>>());
    let givers: Vec<Oin> = (10..30).map(|n| Oin::parse(&format!("000000990000000010{n}")).expect("OIN")).collect();
    for size in 1..10 {
        record.seen(log.at(size).given_by(givers[0]), 0);
    }
    assert_eq!(
        record.pending,
        [1, 2, 3, 9].map(|size| log.at(size).given_by(givers[0])),
        "one giver: its first and last"
    );
    assert!(!record.seen(log.at(8).given_by(givers[0]), 0), "a smaller one does not push a larger one out");
    for size in 10..80 {
        record.seen(log.at(size).given_by(givers[size / 4]), 0);
    }
    assert_eq!((record.pending.len(), record.pending[0].size()), (MOST_PENDING, 1), "what was known first stays");
    // After a restart nobody knows who brought them; the newest is heard all the same.
    let mut restarted: Record = serde_json::from_str(&serde_json::to_string(&record).expect("JSON")).expect("a record");
    let first: Vec<u64> = restarted.pending.iter().map(Shown::size).take(MOST_PENDING - 1).collect();
    assert!(restarted.seen(log.at(80).given_by(givers[0]), 0));
    let after: Vec<u64> = restarted.pending.iter().map(Shown::size).collect();
    assert_eq!(after, [first, vec![80]].concat());
    assert_eq!(log.show(&mut record), Judgement::Cosign);
    for n in 0..100 {
        record.show(&Branch::of(&[n + 100; 80]).shown(), &[], 0);
    }
    assert_eq!((record.findings.len(), record.proven.len()), (MOST_FINDINGS, MOST_PROVEN));
    let text = serde_json::to_string(&record).expect("JSON");
    assert_eq!(serde_json::from_str::<Record>(&text).expect("a record"), record);
    assert!(serde_json::from_str::<Record>(&text.replacen("ketenpoort.nl", "ketenpoort.n", 1)).is_ok());
    assert!(serde_json::from_str::<Record>(&text.replacen("\\n\\n", "\\n", 1)).is_err(), "no note");
}

#[test]
fn an_empty_tree_has_one_root() {
    let note = Checkpoint { origin: LOG.to_owned(), size: 0, root: Digest([7; 32]) }.sign(&key()).encode();
    assert_eq!(Shown::open(&note, LOG, &key().verifying_key()), Err(InvalidNote::Form));
    let mut record = Record::default();
    assert_eq!(Branch::default().show(&mut record), Judgement::Cosign);
    assert_eq!(Branch::of(&[1]).show(&mut record), Judgement::Cosign);
}

/// What the owner of the log, who has its key, and the world do to it.
#[derive(Clone, Debug)]
enum Op {
    /// An entry on one history.
    Append(usize, u8),
    /// A new history that shares the first entries of another: a copy of the directory, a rollback, a rewrite.
    Fork(usize, usize),
    /// One history is shown to one witness.
    Show(usize, usize),
    /// As above, but the witness dies after it made its record durable, before it cosigned; it starts again from its disk.
    ShowAndCrash(usize, usize),
    /// One witness tells another what it knows.
    Gossip(usize, usize),
    /// A partner tells a witness of a checkpoint that some history signed.
    Receipt(usize, usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let n = || 0..8_usize;
    let op = prop_oneof![
        4 => (n(), 0_u8..4).prop_map(|(b, e)| Op::Append(b, e)),
        2 => (n(), n()).prop_map(|(b, at)| Op::Fork(b, at)),
        8 => (n(), n()).prop_map(|(b, w)| Op::Show(b, w)),
        1 => (n(), n()).prop_map(|(b, w)| Op::ShowAndCrash(b, w)),
        1 => (n(), n()).prop_map(|(a, b)| Op::Gossip(a, b)),
        1 => (n(), n()).prop_map(|(b, w)| Op::Receipt(b, w)),
    ];
    prop::collection::vec(op, 1..80)
}

/// The cosignatures that the owner gathered: per checkpoint (its entries) the witnesses.
type Gathered = BTreeMap<Vec<Digest>, std::collections::BTreeSet<usize>>;

struct World {
    branches: Vec<Branch>,
    records: Vec<Record>,
    liars: usize,
    gathered: Gathered,
}

impl World {
    fn act(&mut self, op: &Op) {
        let (branches, n) = (self.branches.len(), self.records.len());
        match *op {
            Op::Append(b, entry) => self.branches[b % branches].0.push(leaf_hash(&[entry])),
            Op::Fork(b, at) => {
                let mut other = self.branches[b % branches].clone();
                other.0.truncate(at.min(other.0.len()));
                self.branches.push(other);
            }
            Op::Show(b, w) => self.show(b % branches, w % n, true),
            Op::ShowAndCrash(b, w) => self.show(b % branches, w % n, false),
            Op::Gossip(a, b) => {
                let told: Vec<Shown> = self.records[a % n].newest().cloned().collect();
                for shown in told {
                    self.records[b % n].seen(shown, 0);
                }
            }
            Op::Receipt(b, w) => {
                self.records[w % n].seen(self.branches[b % branches].shown(), 0);
            }
        }
    }

    fn show(&mut self, b: usize, w: usize, signs: bool) {
        let branch = &self.branches[b];
        // The first witnesses are the liars: they sign whatever they are shown.
        let cosigned = w < self.liars || branch.show(&mut self.records[w]) == Judgement::Cosign;
        if cosigned && signs {
            self.gathered.entry(branch.0.clone()).or_default().insert(w);
        }
    }

    /// Two checkpoints with a quorum of which neither contains the other.
    fn split(&self, quorum: usize) -> bool {
        let trees: Vec<_> = self.gathered.iter().filter(|(_, by)| by.len() >= quorum).map(|(tree, _)| tree).collect();
        let apart = |a: &Vec<Digest>, b: &Vec<Digest>| !a.starts_with(b) && !b.starts_with(a);
        trees.iter().any(|a| trees.iter().any(|b| apart(a, b)))
    }
}

fn run(ops: &[Op], n: usize, liars: usize) -> World {
    let mut world = World {
        branches: vec![Branch::default()],
        records: vec![Record::default(); n],
        liars,
        gathered: Gathered::new(),
    };
    ops.iter().for_each(|op| world.act(op));
    world
}

proptest! {
    #[test]
    fn no_two_quorums_sign_apart(ops in ops(), (n, k) in prop::sample::select(vec![(4, 3), (3, 3), (2, 2), (1, 1), (5, 4)])) {
        let bears = 2 * k - n - 1;
        let world = run(&ops, n, bears);
        prop_assert!(!world.split(k));
    }

    #[test]
    fn an_honest_log_is_never_accused(ops in ops()) {
        // No forks, so one history: nothing is wrong with it, whatever is shown when and told by whom.
        let honest: Vec<Op> = ops.into_iter().filter(|op| !matches!(op, Op::Fork(..))).collect();
        let world = run(&honest, 4, 0);
        prop_assert!(world.records.iter().all(|record| record.findings.is_empty()));
    }

    #[test]
    fn two_faces_that_meet_are_found(
        same in prop::collection::vec(0_u8..9, 0..9), one in prop::collection::vec(10_u8..20, 1..9),
        two in prop::collection::vec(20_u8..30, 1..9),
    ) {
        let (one, two) = (Branch::of(&[same.clone(), one].concat()), Branch::of(&[same, two].concat()));
        let (mut first, mut second) = (Record::default(), Record::default());
        prop_assert_eq!(one.show(&mut first), Judgement::Cosign);
        prop_assert_eq!(two.show(&mut second), Judgement::Cosign);
        // The witnesses tell each other, and each face is shown again, longer than what was seen of the other.
        let (told, back) = (first.cosigned.clone().expect("one"), second.cosigned.clone().expect("two"));
        second.seen(told, 0);
        first.seen(back, 0);
        for (face, record) in [(one, &mut first), (two, &mut second)] {
            let mut longer = face;
            longer.0.extend([leaf_hash(b"more"); 20]);
            longer.show(record);
            prop_assert!(!record.findings.is_empty());
        }
    }
}

/// The property can fail: with one liar more than the quorum bears, some owner gets two quorums.
#[test]
fn with_too_many_liars_the_log_can_be_split() {
    let mut ops = vec![Op::Append(0, 1), Op::Fork(0, 0), Op::Append(1, 2)];
    ops.extend((0..3).map(|w| Op::Show(0, w)));
    ops.extend([0, 1, 3].map(|w| Op::Show(1, w)));
    assert!(run(&ops, 4, 2).split(3));
    assert!(!run(&ops, 4, 1).split(3));
}
