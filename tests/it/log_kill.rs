//! kill -9 of a transfer log with 64 writers at random moments, also while it opens: every acknowledged entry is there,
//! each signed checkpoint is of a beginning of what is there, and the next start needs no repair.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ketenpoort::crypto::{Digest, Secret32, SigningKey};
use ketenpoort::domain::oin::Oin;
use ketenpoort::storage::log::{LogOptions, TransferLog};
use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::entry::{Direction, Entry, Outcome, Phase, TransferId};
use ketenpoort::translog::merkle::{CompactTree, leaf_hash};

use crate::killing::{below, child_dir, kill, kills, numbers, say, start};

const WRITERS: u64 = 64;

fn oin() -> Oin {
    Oin::parse("00000099000000001000").expect("test OIN")
}

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(&Secret32::new([1; 32])))
}

fn open(dir: &Path) -> TransferLog {
    let options = LogOptions { checkpoint_after: Duration::from_millis(5), resume_every: 500, ..LogOptions::default() };
    TransferLog::open_with(dir, oin(), key(), options).expect("opens without repair")
}

/// Transfer `n` of a writer.
fn transfer(writer: u64, n: u64) -> TransferId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    TransferId::new(writer, random)
}

#[test]
#[ignore = "the program that kills_lose_no_acknowledged_entry kills"]
fn log_child() {
    let Some(dir) = child_dir() else { return };
    say("open");
    let log = open(&dir);
    let life = log.len();
    say("write");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let log = &log;
            scope.spawn(move || {
                for n in 0_u64.. {
                    let id = transfer(writer, life * 1000 + n);
                    let intent = Entry::new(id, Direction::Outgoing, Phase::Intent, n);
                    let logged = log.append(&intent).expect("append");
                    say(&format!("intent {writer} {} {}.", life * 1000 + n, logged.index()));
                    // Every fifth transfer stays open.
                    if n % 5 != 0 {
                        let mut outcome = Entry::new(id, Direction::Outgoing, Phase::Outcome, n);
                        outcome.outcome = Some(Outcome::Sent);
                        let logged = log.append(&outcome).expect("append");
                        say(&format!("outcome {writer} {} {}.", life * 1000 + n, logged.index()));
                    }
                    if (writer, n) == (0, 19) {
                        say("wrote");
                    }
                }
            });
        }
    });
}

/// Roots after every number of entries of `sizes`, and the transfers that are open at the end, as reading all says it.
fn reread(log: &TransferLog, sizes: &[u64]) -> (Vec<Digest>, Vec<(u64, TransferId)>) {
    let (mut tree, mut open, mut roots) = (CompactTree::new(), BTreeMap::new(), BTreeMap::new());
    roots.insert(0, tree.root());
    for record in log.raw_entries(0..log.len()) {
        let (index, bytes) = record.expect("read");
        let entry = Entry::decode(&bytes).expect("an entry");
        match entry.phase {
            Phase::Intent => drop(open.insert(entry.transfer_id, index)),
            _ => drop(open.remove(&entry.transfer_id)),
        }
        tree.append(leaf_hash(&bytes));
        if sizes.contains(&tree.size()) {
            roots.insert(tree.size(), tree.root());
        }
    }
    let mut open: Vec<_> = open.into_iter().map(|(id, index)| (index, id)).collect();
    open.sort_unstable();
    (sizes.iter().map(|size| *roots.get(size).expect("the log has as many entries")).collect(), open)
}

#[test]
fn kills_lose_no_acknowledged_entry() {
    let many = kills(40);
    let dir = tempfile::tempdir().expect("directory");
    drop(TransferLog::create(dir.path(), oin(), key()).expect("a new log"));
    let mut shown: Vec<Checkpoint> = Vec::new();
    let mut acknowledged = 0;
    for round in 0..many {
        // In three of five rounds much was acknowledged, however slow the machine.
        let (ready, after) = match round % 5 {
            0 => ("open", below(4_000)),
            1 => ("write", below(60_000)),
            _ => ("wrote", below(60_000)),
        };
        let said = kill(start("log_kill::log_child", dir.path()), ready, Duration::from_micros(after));
        // What stood on the disk at the moment of the kill may have been shown to a partner.
        let bytes = std::fs::read(dir.path().join("checkpoint")).expect("checkpoint");
        let signed = Checkpoint::open(&bytes, &origin(oin()), &key().verifying_key()).expect("whole and signed");
        assert!(shown.last().is_none_or(|last| last.size <= signed.size), "a checkpoint never shrinks");
        shown.push(signed);
        let log = open(dir.path());
        for (word, phase) in [("intent ", Phase::Intent), ("outcome ", Phase::Outcome)] {
            for ack in numbers(&said, word) {
                let [writer, n, index] = ack[..] else { panic!("{ack:?}") };
                let entry = log.entry(index).expect("read").expect("an acknowledged entry is gone");
                assert_eq!((entry.transfer_id, entry.phase), (transfer(writer, n), phase), "round {round}");
                acknowledged += 1;
            }
        }
        let open_now = log.open_intents().to_vec();
        if round % 8 == 7 || round + 1 == many {
            let sizes: Vec<u64> = shown.iter().map(|checkpoint| checkpoint.size).collect();
            let (roots, open) = reread(&log, &sizes);
            assert!(roots.iter().eq(shown.iter().map(|c| &c.root)), "what was signed is a beginning of what is there");
            assert_eq!(open_now, open, "open transfers are those that reading all finds");
            assert_eq!(log.audit().expect("audit").0, log.len());
        }
    }
    eprintln!("{many} kills with {WRITERS} writers: {acknowledged} entries acknowledged, none lost");
    assert!(acknowledged > many * 10, "the test wrote something");
}
