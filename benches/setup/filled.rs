//! A kept transfer log of many entries, made once and made longer when it must be.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ketenpoort::crypto::{Secret32, SigningKey};
use ketenpoort::domain::oin::Oin;
use ketenpoort::storage::log::TransferLog;
use ketenpoort::translog::entry::Entry;

/// Threads that append; they share a sync.
const WRITERS: u64 = 64;

/// An organisation; the log is of number 1.
pub fn oin(number: u64) -> Oin {
    Oin::parse(&format!("00000099{number:012}")).expect("test OIN")
}

/// The checkpoint key of the log.
pub fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(&Secret32::new([1; 32])))
}

/// The kept log of at least `entries` entries, those of transfer `n` made by `transfer`; how many were appended, and in which
/// time.
pub fn filled(dir: &Path, entries: u64, transfer: impl Fn(u64) -> Vec<Entry> + Sync) -> (TransferLog, u64, Duration) {
    let open = if dir.exists() { TransferLog::open } else { TransferLog::create };
    let log = open(dir, oin(1), key()).expect("the kept log; remove its directory to make it anew");
    let (appended, took) = fill(&log, entries, transfer);
    (log, appended, took)
}

/// Makes a log at least as long; how many were appended, and in which time.
pub fn fill(log: &TransferLog, entries: u64, transfer: impl Fn(u64) -> Vec<Entry> + Sync) -> (u64, Duration) {
    let (begun, from) = (Instant::now(), log.len());
    // A transfer may have one entry only: there are some more than needed.
    let transfers = from / 2..if from < entries { entries.div_ceil(2) + entries / 50 } else { from / 2 };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let transfer = &transfer;
            let mine = transfers.clone().filter(move |n| n % WRITERS == writer);
            scope.spawn(move || {
                for entry in mine.flat_map(transfer) {
                    if log.len() < entries {
                        drop(log.append(&entry).expect("appended"));
                    }
                }
            });
        }
    });
    (log.len() - from, begun.elapsed())
}
