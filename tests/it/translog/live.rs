//! The log on disk: durable before it answers, one order for many threads, and never a smaller or other tree.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ketenpoort::storage::disk::{Disk, Fault, Moment, Step};
use ketenpoort::storage::journal::{JournalError, Options};
use ketenpoort::storage::log::{ExportDirectory, Filter, LogError, LogOptions, TransferLog};
use ketenpoort::translog::entry::payload_commitment;
use ketenpoort::translog::verify::{Trust, verify};
use tempfile::tempdir;

use super::*;

fn create(dir: &Path) -> TransferLog {
    TransferLog::create(dir, oin(), Arc::new(key(1))).expect("a new log")
}

/// Opens; a process that another test starts may hold a copy of a lock just closed, until it runs its own program.
fn open(dir: &Path) -> Result<TransferLog, LogError> {
    let mut tries = 0;
    loop {
        match TransferLog::open(dir, oin(), Arc::new(key(1))) {
            Err(LogError::Journal(JournalError::Locked(_))) if tries < 100 => tries += 1,
            other => return other,
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn fill(log: &TransferLog, numbers: std::ops::Range<u64>) {
    for n in numbers {
        assert_eq!(log.append(&entry(n)).expect("appended").index(), n);
    }
}

fn on_disk(dir: &Path) -> Checkpoint {
    let bytes = fs::read(dir.join("checkpoint")).expect("checkpoint");
    Checkpoint::open(&bytes, &origin(oin()), &key(1).verifying_key()).expect("signed")
}

#[test]
fn what_was_appended_is_there_after_reopening_and_exports() {
    let place = tempdir().expect("directory");
    let dir = place.path().join("log");
    let log = create(&dir);
    fill(&log, 0..300);
    drop(log);
    assert_eq!(on_disk(&dir).size, 300, "the last signature covers everything");
    for resume in [true, false] {
        if !resume {
            fs::remove_file(dir.join("resume")).expect("resume was written");
        }
        let log = open(&dir).expect("opens");
        assert_eq!((log.len(), log.open_intents()), (300, &[][..]));
        assert_eq!(log.entry(299).expect("read"), Some(entry(299)));
        assert_eq!(log.entry(300).expect("read"), None);
        assert_eq!(log.audit().expect("audit"), (300, root_of(&encoded(300))));
    }
    let log = open(&dir).expect("opens");
    fill(&log, 300..310);
    let out = place.path().join("export");
    log.export(&out, &[("kaart.json", b"{}")], START_MS).expect("export");
    let trust =
        Trust { key: key(1).verifying_key(), oin: Some(oin()), earlier: None, quorum: None, parties: Vec::new() };
    let report = verify(&ExportDirectory::new(&out), Some(&trust));
    assert!(report.is_intact() && report.size == 310, "{report}");
    for range in [0..310, 0..0, 250..260, 300..999, 309..310] {
        let exported: Vec<_> = ExportDirectory::new(&out).entries(range.clone()).expect("an export").collect();
        let exported: Vec<_> = exported.into_iter().map(|read| read.expect("an entry")).collect();
        let logged: Vec<_> = log.entries(range).map(|read| read.expect("an entry")).collect();
        assert_eq!(exported, logged);
    }
    assert!(log.export(&out, &[], START_MS).is_err(), "an export never writes over another");
}

#[test]
fn an_entry_is_signed_within_a_second() {
    let place = tempdir().expect("directory");
    let log = create(place.path());
    fill(&log, 0..3);
    let start = Instant::now();
    while on_disk(place.path()).size < 3 {
        // Not a measurement: only an end to waiting on a machine that is very busy.
        assert!(start.elapsed() < Duration::from_secs(30), "no checkpoint");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(on_disk(place.path()).root, root_of(&encoded(3)));
    assert!(log.last_checkpoint().starts_with(&format!("{}\n3\n", origin(oin()))));
}

#[test]
fn many_threads_get_one_order() {
    let place = tempdir().expect("directory");
    let log = create(place.path());
    std::thread::scope(|scope| {
        for thread in 0..16_u64 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..50 {
                    let logged = log.append(&entry(thread * 1000 + 2 * n)).expect("appended");
                    assert_eq!(logged.transfer_id(), transfer((thread * 1000 + 2 * n) / 2));
                }
            });
        }
    });
    let bytes: Vec<Vec<u8>> = log.raw_entries(0..800).map(|record| record.expect("read").1).collect();
    assert_eq!(bytes.len(), 800);
    let checkpoint = log.checkpoint().expect("signed");
    assert_eq!((checkpoint.size, checkpoint.root), (800, root_of(&bytes)));
}

#[test]
fn a_logged_names_its_entry_and_covers_its_payload_alone() {
    let place = tempdir().expect("directory");
    let log = create(place.path());
    let (salt, query) = ([9; 16], digest(b"query"));
    let announced =
        Entry { payload_commitment: Some(payload_commitment(&salt, b"answer")), query_hash: Some(query), ..entry(0) };
    let logged = log.append(&announced).expect("appended");
    assert_eq!(logged.entry_hash(), leaf_hash(&announced.encode().expect("valid entry")));
    assert_eq!((logged.query_hash(), logged.phase()), (Some(query), Phase::Intent));
    assert!(logged.covers(&salt, b"answer"));
    assert!(!logged.covers(&salt, b"other") && !logged.covers(&[8; 16], b"answer"));
    assert!(!log.append(&entry(1)).expect("appended").covers(&salt, b""));
}

#[test]
fn open_transfers_are_listed_after_a_restart() {
    let place = tempdir().expect("directory");
    let log = create(place.path());
    fill(&log, 0..5);
    drop(log);
    let log = open(place.path()).expect("opens");
    assert_eq!(log.open_intents(), [(4, transfer(2))]);
    let unknown = Entry { outcome: Some(Outcome::Unknown), ..entry(5) };
    assert_eq!(log.append(&unknown).expect("appended").index(), 5);
    drop(log);
    assert_eq!(open(place.path()).expect("opens").open_intents(), []);
}

#[test]
fn another_partner_or_another_direction_does_not_end_a_transfer_of_the_same_id() {
    let place = tempdir().expect("directory");
    let log = create(place.path());
    let stranger = Oin::parse("00000099000000003000").expect("test OIN");
    fill(&log, 0..1);
    for (sender, receiver, direction) in
        [(stranger, oin(), Direction::Incoming), (oin(), partner(), Direction::Outgoing)]
    {
        let side = Entry { sender_oin: Some(sender), receiver_oin: Some(receiver), direction, ..entry(0) };
        let end = Entry { phase: Phase::Outcome, outcome: Some(Outcome::Sent), ..side.clone() };
        for entry in [side, end] {
            drop(log.append(&entry).expect("appended"));
        }
    }
    drop(log);
    for _ in 0..2 {
        let log = open(place.path()).expect("opens");
        assert_eq!(log.open_intents(), [(0, transfer(0))]);
        let _ = fs::remove_file(place.path().join("resume"));
    }
}

#[test]
fn a_log_is_never_made_by_accident_nor_over_another() {
    let place = tempdir().expect("directory");
    assert!(matches!(open(place.path()), Err(LogError::CheckpointMissing(_))));
    let dir = place.path().join("log");
    fill(&create(&dir), 0..2);
    let again = || TransferLog::create(&dir, oin(), Arc::new(key(1)));
    assert!(matches!(again(), Err(LogError::Exists(_))));
    fs::remove_dir_all(dir.join("journal")).expect("removed");
    assert!(matches!(again(), Err(LogError::Exists(_))), "a log that lost its journal is not begun anew");
    assert!(open(&dir).is_err());
}

#[test]
fn a_past_that_was_cut_or_changed_is_refused() {
    let place = tempdir().expect("directory");
    let short = place.path().join("short");
    fill(&create(&short), 0..4);
    let long = place.path().join("long");
    fill(&create(&long), 0..6);
    let other = place.path().join("other");
    let log = create(&other);
    for n in [0, 1, 4, 5, 2, 3] {
        let _ = log.append(&entry(n)).expect("appended");
    }
    drop(log);

    for resume in [true, false] {
        let target = place.path().join(format!("target-{resume}"));
        for (from, name) in [(&short, "shorter"), (&other, "other")] {
            let _ = fs::remove_dir_all(&target);
            fs::create_dir_all(target.join("journal")).expect("made");
            for file in fs::read_dir(from.join("journal")).expect("listed") {
                let file = file.expect("entry");
                fs::copy(file.path(), target.join("journal").join(file.file_name())).expect("copied");
            }
            fs::copy(long.join("checkpoint"), target.join("checkpoint")).expect("copied");
            if resume {
                fs::copy(from.join("resume"), target.join("resume")).expect("copied");
            }
            let refused = open(&target).expect_err("refused");
            match name {
                "shorter" => assert!(matches!(refused, LogError::Shorter { len: 4, signed: 6 }), "{refused}"),
                _ => assert!(matches!(refused, LogError::Inconsistent { signed: 6 }), "{refused}"),
            }
        }
    }
}

#[test]
fn another_key_or_organisation_does_not_open_the_log() {
    let place = tempdir().expect("directory");
    fill(&create(place.path()), 0..2);
    let refused = TransferLog::open(place.path(), oin(), Arc::new(key(2)));
    assert!(matches!(refused, Err(LogError::Checkpoint(_))));
    let refused = TransferLog::open(place.path(), partner(), Arc::new(key(1)));
    assert!(matches!(refused, Err(LogError::Checkpoint(_))));
}

#[test]
fn a_wrong_resume_file_costs_time_and_nothing_else() {
    let place = tempdir().expect("directory");
    let (a, b) = (place.path().join("a"), place.path().join("b"));
    fill(&create(&a), 0..9);
    let log = create(&b);
    let _ = log.append(&entry(8)).expect("appended");
    drop(log);
    for content in [fs::read(b.join("resume")).expect("resume"), b"KPTR".to_vec(), Vec::new()] {
        fs::write(a.join("resume"), content).expect("written");
        let log = open(&a).expect("opens");
        assert_eq!(log.audit().expect("audit"), (9, root_of(&encoded(9))));
        assert_eq!(log.open_intents(), [(8, transfer(4))]);
    }
}

fn failing(disk: &Disk) -> LogOptions {
    let journal = Options { disk: disk.clone(), ..Options::default() };
    LogOptions { journal, checkpoint_after: Duration::from_millis(1), ..LogOptions::default() }
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let place = tempdir().expect("directory");
    let disk = Disk::failing(Vec::new());
    let options = LogOptions { checkpoint_after: Duration::from_secs(3600), ..failing(&disk) };
    let log = TransferLog::create_with(place.path(), oin(), Arc::new(key(1)), options).expect("a new log");
    fill(&log, 0..2);
    disk.plan(Fault { step: Step::Write, nth: 1, moment: Moment::Halfway, error: std::io::ErrorKind::StorageFull });
    assert!(matches!(log.append(&entry(2)), Err(LogError::Full)));
    assert_eq!(log.len(), 2);
    fill(&log, 2..4);
    assert_eq!(log.checkpoint().expect("signed").root, root_of(&encoded(4)));
}

#[test]
fn a_failed_sync_stops_the_log_until_it_is_opened_anew() {
    let place = tempdir().expect("directory");
    let disk = Disk::failing(Vec::new());
    let options = LogOptions { checkpoint_after: Duration::from_secs(3600), ..failing(&disk) };
    let log = TransferLog::create_with(place.path(), oin(), Arc::new(key(1)), options).expect("a new log");
    fill(&log, 0..2);
    disk.plan(Fault { step: Step::Sync, nth: 1, moment: Moment::Before, error: std::io::ErrorKind::Other });
    assert!(matches!(log.append(&entry(2)), Err(LogError::Failed)));
    assert!(matches!(log.append(&entry(3)), Err(LogError::Failed)));
    assert!(log.failed());
    assert_eq!(log.checkpoint().expect("signed").size, 2, "only what is durable is signed");
    drop(log);
    let log = open(place.path()).expect("opens");
    assert!(log.len() >= 2);
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_made_up_for() {
    let place = tempdir().expect("directory");
    let disk = Disk::failing(Vec::new());
    let log = TransferLog::create_with(place.path(), oin(), Arc::new(key(1)), failing(&disk)).expect("a new log");
    disk.plan(Fault { step: Step::Rename, nth: 1, moment: Moment::Before, error: std::io::ErrorKind::StorageFull });
    fill(&log, 0..1);
    let start = Instant::now();
    while on_disk(place.path()).size < 1 {
        assert!(start.elapsed() < Duration::from_secs(30), "no checkpoint");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One life of a log on a disk that fails somewhere; how many appends were acknowledged, `None` when it was never made.
fn life(dir: &Path, disk: &Disk) -> Option<u64> {
    let options = LogOptions { checkpoint_after: Duration::from_secs(3600), resume_every: 2, ..failing(disk) };
    let log = TransferLog::create_with(dir, oin(), Arc::new(key(1)), options).ok()?;
    let mut acknowledged = 0;
    for n in 0..4 {
        if log.append(&entry(n)).is_err() {
            break;
        }
        acknowledged = n + 1;
        if n % 2 == 1 {
            let _ = log.checkpoint();
        }
    }
    Some(acknowledged)
}

/// Everything acknowledged is there, unchanged, and the log goes on; one that was never whole can be made now.
fn check_after(dir: &Path, made: Option<u64>, what: &str) {
    let log = match made {
        Some(_) => open(dir).unwrap_or_else(|error| panic!("{what}: {error}")),
        None => open(dir).unwrap_or_else(|_| create(dir)),
    };
    let acknowledged = made.unwrap_or(0);
    assert!(log.len() >= acknowledged, "{what}: {} of {acknowledged}", log.len());
    let bytes: Vec<Vec<u8>> = log.raw_entries(0..log.len()).map(|r| r.expect("read").1).collect();
    assert_eq!(bytes, encoded(log.len()), "{what}");
    assert_eq!(log.audit().expect("audit").1, root_of(&bytes), "{what}");
    assert_eq!(log.checkpoint().expect("signed").root, root_of(&bytes), "{what}");
}

#[test]
fn a_failure_at_any_step_of_a_life_loses_nothing_and_leaves_a_log_that_opens() {
    let plain = Disk::failing(Vec::new());
    let place = tempdir().expect("directory");
    assert_eq!(life(place.path(), &plain), Some(4));
    let mut runs = 0;
    for step in Step::ALL {
        let halfway = (step == Step::Write).then_some((Moment::Halfway, std::io::ErrorKind::StorageFull));
        let kinds = [(Moment::Before, std::io::ErrorKind::StorageFull), (Moment::After, std::io::ErrorKind::Other)];
        for nth in 1..=plain.count(step) {
            for (moment, error) in kinds.into_iter().chain(halfway) {
                let place = tempdir().expect("directory");
                let made = life(place.path(), &Disk::failing(vec![Fault { step, nth, moment, error }]));
                check_after(place.path(), made, &format!("{step:?} {nth} {moment:?} {error:?}"));
                runs += 1;
            }
        }
    }
    println!("{runs} failures");
    assert!(runs > 60, "{runs} failures");
}

#[test]
fn listings_filter() {
    let place = tempdir().expect("directory");
    let log = create(place.path());
    fill(&log, 0..10);
    let deny = Entry {
        sender_oin: Some(oin()),
        receiver_oin: None,
        decision: Some(Decision::Deny),
        reason_codes: vec!["KP-EEN".to_owned()],
        ..Entry::new(transfer(50), Direction::Incoming, Phase::Deny, START_MS + 100)
    };
    let _ = log.append(&deny).expect("appended");
    let count = |filter: Filter| log.list(filter).map(|found| found.expect("read").0).collect::<Vec<_>>();
    assert_eq!(count(Filter::default()).len(), 11);
    assert_eq!(count(Filter { decision: Some(Decision::Deny), ..Filter::default() }), [10]);
    assert_eq!(count(Filter { phase: Some(Phase::Outcome), ..Filter::default() }), [1, 3, 5, 7, 9]);
    assert_eq!(count(Filter { partner: Some(partner()), ..Filter::default() }).len(), 10);
    assert_eq!(count(Filter { transfer: Some(transfer(2)), ..Filter::default() }), [4, 5]);
    let window = Filter { from_ms: Some(START_MS + 3), until_ms: Some(START_MS + 5), ..Filter::default() };
    assert_eq!(count(window), [3, 4]);
    assert_eq!(count(Filter { purpose: Some("P2".to_owned()), ..Filter::default() }), [0; 0]);
}
