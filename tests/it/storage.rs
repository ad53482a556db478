//! Journals, state and small files under planned failures: what was acknowledged is there after reopening, what was not
//! is there whole or not at all, and a full disk is survived.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ketenpoort::crypto::{SealKey, Secret32};
use ketenpoort::storage::disk::{Disk, Fault, Moment, Step};
use ketenpoort::storage::files::{FileError, read_bounded, write_atomic, write_on};
use ketenpoort::storage::journal::{Journal, JournalError, Options};
use ketenpoort::storage::lock::{DirLock, LockError};
use ketenpoort::storage::state::{StateError, StateKind, StateStore};

const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Halfway, Moment::After];

/// A directory in memory where there is one: these tests are about bytes, and syncs to a busy disk take their time.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn options(disk: &Disk) -> Options {
    Options { segment_bytes: 150, disk: disk.clone(), ..Options::default() }
}

/// One batch that was offered, and whether it was acknowledged.
struct Offered {
    records: Vec<Vec<u8>>,
    acknowledged: bool,
}

/// Makes a journal and appends batches over several segments, going on after every error.
fn write_script(dir: &Path, disk: &Disk) -> Vec<Offered> {
    let mut offered = Vec::new();
    let Ok(journal) = Journal::create_with(dir, options(disk)) else {
        return offered;
    };
    for n in 0..12_u8 {
        let records: Vec<Vec<u8>> = (0..=n % 3).map(|k| vec![n * 4 + k; 20]).collect();
        let was_failed = journal.failed();
        let answer = if records.len() == 1 {
            journal.append(records[0].clone()).map(|_| ())
        } else {
            journal.append_all(records.clone()).map(|_| ())
        };
        assert!(!(was_failed && answer.is_ok()), "a failed journal accepts nothing");
        assert_eq!(matches!(answer, Err(JournalError::Failed)), journal.failed());
        offered.push(Offered { records, acknowledged: answer.is_ok() });
    }
    offered
}

/// The batches in the journal are offered ones in order, each whole, and every acknowledged one is among them.
fn check(found: &[Vec<u8>], offered: &[Offered]) {
    let mut rest = found;
    for batch in offered {
        if rest.starts_with(&batch.records) {
            rest = &rest[batch.records.len()..];
        } else {
            assert!(!batch.acknowledged, "an acknowledged batch is gone");
        }
    }
    assert!(rest.is_empty(), "records that nobody offered, or part of a batch: {rest:?}");
}

fn contents(journal: &Journal) -> Vec<Vec<u8>> {
    journal.iter_from(0).map(|record| record.expect("whole record").1).collect()
}

#[test]
fn no_failing_step_loses_an_acknowledged_record() {
    let counting = Disk::failing(Vec::new());
    let dir = scratch();
    assert!(write_script(dir.path(), &counting).iter().all(|batch| batch.acknowledged));
    for step in Step::ALL {
        let steps = counting.count(step);
        assert!(steps > 0 || step == Step::Truncate, "{step:?} is exercised");
        for (nth, moment) in (1..=steps).flat_map(|nth| MOMENTS.map(|moment| (nth, moment))) {
            for error in [ErrorKind::Other, ErrorKind::StorageFull] {
                one_fault(Fault { step, nth, moment, error });
            }
        }
    }
}

fn one_fault(fault: Fault) {
    let dir = scratch();
    let offered = write_script(dir.path(), &Disk::failing(vec![fault]));
    match Journal::open_with(dir.path(), options(&Disk::plain())) {
        Ok((journal, _)) => {
            check(&contents(&journal), &offered);
            let len = journal.len();
            assert_eq!(journal.append(b"later".to_vec()).expect("works again"), len, "{fault:?}");
        }
        Err(JournalError::Missing { .. }) => {
            assert!(offered.is_empty(), "{fault:?}");
            Journal::create(dir.path()).expect("making it again works");
        }
        Err(other) => panic!("{fault:?}: {other}"),
    }
}

#[test]
fn a_failing_step_of_opening_leaves_all_for_the_next_opening() {
    let whole = scratch();
    let offered = write_script(whole.path(), &Disk::plain());
    for step in [Step::Truncate, Step::Sync] {
        for moment in MOMENTS {
            let dir = scratch();
            for entry in fs::read_dir(whole.path()).unwrap() {
                let path = entry.unwrap().path();
                fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
            }
            let last = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path());
            let last = last.filter(|path| path.extension().is_some_and(|e| e == "seg")).max().unwrap();
            let torn = [fs::read(&last).unwrap(), vec![0, 0, 0, 9, 1]].concat();
            fs::write(&last, torn).unwrap();
            let fault = Fault { step, nth: 1, moment, error: ErrorKind::Other };
            assert!(Journal::open_with(dir.path(), options(&Disk::failing(vec![fault]))).is_err());
            let (journal, _) = Journal::open(dir.path()).unwrap();
            check(&contents(&journal), &offered);
        }
    }
}

#[test]
fn a_full_disk_refuses_whole_batches_and_is_survived() {
    for moment in MOMENTS {
        let disk = Disk::failing(Vec::new());
        let dir = scratch();
        let journal = Journal::create_with(dir.path(), Options { segment_bytes: 1 << 20, ..options(&disk) }).unwrap();
        journal.append(b"before".to_vec()).unwrap();
        journal.append_unsynced(b"written".to_vec()).unwrap();
        disk.plan(Fault { step: Step::Write, nth: 1, moment, error: ErrorKind::StorageFull });
        let batch = vec![vec![1; 400], vec![2; 400]];
        assert!(matches!(journal.append_all(batch.clone()), Err(JournalError::Full)));
        assert!(!journal.failed());
        assert_eq!(journal.append_all(batch.clone()).unwrap(), 2..4);
        let expected = [b"before".to_vec(), b"written".to_vec(), batch[0].clone(), batch[1].clone()];
        assert_eq!(contents(&journal), expected);
        drop(journal);
        assert_eq!(contents(&Journal::open(dir.path()).unwrap().0), expected);
    }
}

#[test]
fn a_failed_sync_stops_the_journal_and_every_waiting_writer() {
    let disk = Disk::failing(Vec::new());
    let dir = scratch();
    let journal = Journal::create_with(dir.path(), Options { segment_bytes: 1 << 20, ..options(&disk) }).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|n| {
                let (journal, done) = (&journal, &done);
                scope.spawn(move || {
                    let mut acknowledged = 0_u64;
                    loop {
                        match journal.append(vec![n; 100]) {
                            Ok(_) => acknowledged += 1,
                            Err(error) => {
                                assert!(matches!(error, JournalError::Failed), "{error}");
                                assert!(done.load(Ordering::SeqCst), "failed before the fault");
                                return acknowledged;
                            }
                        }
                    }
                })
            })
            .collect();
        while journal.len() < 100 {
            std::thread::yield_now();
        }
        done.store(true, Ordering::SeqCst);
        disk.plan(Fault { step: Step::Sync, nth: 1, moment: Moment::Before, error: ErrorKind::Other });
        let acknowledged: u64 = writers.into_iter().map(|writer| writer.join().expect("writer")).sum();
        assert_eq!(journal.len(), acknowledged, "readable is what was acknowledged");
    });
    assert!(journal.failed());
    assert!(matches!(journal.append(Vec::new()), Err(JournalError::Failed)));
}

#[test]
fn writers_at_once_each_get_their_own_number() {
    let dir = scratch();
    let journal = Journal::create_with(dir.path(), Options { segment_bytes: 4096, ..Options::default() }).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..8_u8 {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..50_u8 {
                    let seq = journal.append(vec![writer, n]).unwrap();
                    assert_eq!(journal.read(seq).unwrap(), Some(vec![writer, n]), "durable and readable at once");
                }
            });
        }
    });
    let found = contents(&journal);
    assert_eq!(found.len(), 400);
    for writer in 0..8_u8 {
        let of_writer: Vec<u8> = found.iter().filter(|r| r[0] == writer).map(|r| r[1]).collect();
        assert_eq!(of_writer, (0..50).collect::<Vec<u8>>(), "in the order of appending");
    }
}

#[test]
fn a_journal_is_made_on_purpose_and_opened_once() {
    let dir = scratch();
    let place = dir.path().join("deep/er/translog");
    assert!(matches!(Journal::open(&place), Err(JournalError::Missing { .. })));
    let journal = Journal::create(&place).unwrap();
    let error = Journal::open(&place).unwrap_err();
    assert!(error.to_string().contains(&format!("proces {}", std::process::id())), "{error}");
    drop(journal);
    assert!(matches!(Journal::create(&place), Err(JournalError::Exists { .. })));
    assert!(Journal::open(&place).is_ok());
}

#[test]
fn a_directory_has_one_holder() {
    let dir = scratch();
    let held = DirLock::acquire(dir.path(), "serve").unwrap();
    let error = DirLock::acquire(dir.path(), "intake").unwrap_err();
    assert!(matches!(&error, LockError::Held { holder, .. } if holder.contains("serve")), "{error}");
    drop(held);
    assert!(DirLock::acquire(dir.path(), "intake").is_ok());
    assert!(matches!(DirLock::acquire(&dir.path().join("none"), "serve"), Err(LockError::Io { .. })));
}

#[test]
fn a_small_file_changes_as_a_whole() {
    let dir = scratch();
    let path = dir.path().join("key");
    write_atomic(&path, b"old", 0o600).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for step in [Step::Create, Step::Write, Step::Sync, Step::Rename, Step::SyncDir] {
        for moment in MOMENTS {
            write_atomic(&path, b"old", 0o600).unwrap();
            let disk = Disk::failing(vec![Fault { step, nth: 1, moment, error: ErrorKind::Other }]);
            assert!(matches!(write_on(&disk, &path, b"newer", 0o600), Err(FileError::Io { .. })));
            let found = read_bounded(&path, 100).unwrap();
            let renamed = step == Step::SyncDir || (step == Step::Rename && moment == Moment::After);
            assert_eq!(found, if renamed { b"newer".to_vec() } else { b"old".to_vec() }, "{step:?} {moment:?}");
        }
    }
    write_atomic(&path, b"newest", 0o600).unwrap();
    assert_eq!(read_bounded(&path, 6).unwrap(), b"newest");
    assert!(matches!(read_bounded(&path, 5), Err(FileError::TooLarge { max: 5, .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file stays");
}

fn key() -> SealKey {
    SealKey::new(Secret32::new([7; 32]))
}

fn replayed(store: &StateStore) -> Vec<(u64, StateKind, Vec<u8>)> {
    let mut found = Vec::new();
    let take = |seq, kind, body| {
        found.push((seq, kind, body));
        Ok::<(), StateError>(())
    };
    store.replay(take).unwrap();
    found
}

#[test]
fn state_comes_back_in_order_and_only_under_its_key() {
    let dir = scratch();
    let store = StateStore::create(dir.path(), key()).unwrap();
    assert_eq!(store.append(StateKind::Convenant, b"one".to_vec()).unwrap(), 1);
    let batch = vec![(StateKind::Answer, b"two".to_vec()), (StateKind::Ledger, Vec::new())];
    assert_eq!(store.append_batch(batch).unwrap(), 2..4);
    assert!(matches!(store.append(StateKind::Rows, Vec::new()), Err(StateError::OutsideDelivery(_))));
    let expected = vec![
        (1, StateKind::Convenant, b"one".to_vec()),
        (2, StateKind::Answer, b"two".to_vec()),
        (3, StateKind::Ledger, Vec::new()),
    ];
    assert_eq!(replayed(&store), expected);
    drop(store);
    let (store, replay) = StateStore::open(dir.path(), key()).unwrap();
    assert_eq!((replayed(&store), replay.len), (expected, 4));
    assert_eq!(store.read(2).unwrap().unwrap().body, b"two");
    drop(store);
    for entry in fs::read_dir(dir.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(3).any(|window| window == b"one" || window == b"two"), "bodies are sealed");
    }
    let wrong = SealKey::new(Secret32::new([8; 32]));
    assert!(matches!(StateStore::open(dir.path(), wrong), Err(StateError::WrongKey { .. })));
}

#[test]
fn a_sealed_record_opens_only_where_it_was_written() {
    let (one, two) = (scratch(), scratch());
    let store = StateStore::create(one.path(), key()).unwrap();
    store.append(StateKind::Consent, b"given".to_vec()).unwrap();
    store.append(StateKind::Consent, b"withdrawn".to_vec()).unwrap();
    let raw: Vec<Vec<u8>> = contents(store.journal());
    let journal = Journal::create(two.path()).unwrap();
    for seq in [0, 2, 1] {
        journal.append(raw[seq].clone()).unwrap();
    }
    let mut other_kind = raw[1].clone();
    other_kind[0] = StateKind::Setting as u8;
    journal.append(other_kind.clone()).unwrap();
    drop(journal);
    let (moved, _) = StateStore::open(two.path(), key()).unwrap();
    for seq in 1..4 {
        assert!(matches!(moved.read(seq), Err(StateError::Unreadable { .. })), "record {seq}");
    }
    assert!(matches!(store.unseal(1, &other_kind), Err(StateError::Unreadable { seq: 1 })));
    assert_eq!(store.unseal(1, &raw[1]).unwrap().body, b"given");
    assert!(matches!(store.unseal(1, &[200; 60]), Err(StateError::Unknown { seq: 1 })));
}

fn deliver(store: &StateStore, name: u8, batches: usize) -> Result<u64, StateError> {
    let mut delivery = store.begin_delivery(vec![name])?;
    for _ in 0..batches {
        delivery.push(vec![name; 500])?;
    }
    delivery.commit(vec![name, 0])
}

#[test]
fn a_delivery_counts_only_with_its_end() {
    let dir = scratch();
    let store = StateStore::create(dir.path(), key()).unwrap();
    deliver(&store, 1, 3).unwrap();
    let mut abandoned = store.begin_delivery(vec![2]).unwrap();
    abandoned.push(vec![2; 500]).unwrap();
    assert!(matches!(store.begin_delivery(vec![9]), Err(StateError::DeliveryOpen)));
    store.append(StateKind::Setting, vec![2]).unwrap();
    drop(abandoned);
    deliver(&store, 3, 1).unwrap();
    let kinds = |store: &StateStore| -> Vec<(StateKind, u8)> {
        replayed(store).iter().map(|(_, kind, body)| (*kind, body[0])).collect()
    };
    use StateKind::{DeliveryEnd, DeliveryHead, Rows, Setting};
    let expected = vec![
        (DeliveryHead, 1),
        (Rows, 1),
        (Rows, 1),
        (Rows, 1),
        (DeliveryEnd, 1),
        (Setting, 2),
        (DeliveryHead, 3),
        (Rows, 3),
        (DeliveryEnd, 3),
    ];
    assert_eq!(kinds(&store), expected);
    assert_eq!(store.read(7).unwrap(), None, "rows without an end");
    drop(store);
    assert_eq!(kinds(&StateStore::open(dir.path(), key()).unwrap().0), expected);
}

#[test]
fn no_failing_step_leaves_part_of_a_delivery() {
    let counting = Disk::failing(Vec::new());
    let run = |disk: &Disk| -> (tempfile::TempDir, bool) {
        let dir = scratch();
        drop(StateStore::create(dir.path(), key()).unwrap());
        let options = Options { segment_bytes: 2000, disk: disk.clone(), ..Options::default() };
        let delivered = match StateStore::open_with(dir.path(), key(), options) {
            Ok((store, _)) => deliver(&store, 5, 12).is_ok(),
            Err(_) => false,
        };
        (dir, delivered)
    };
    assert!(run(&counting).1);
    for step in Step::ALL {
        for (nth, moment) in (1..=counting.count(step)).flat_map(|nth| MOMENTS.map(|moment| (nth, moment))) {
            for error in [ErrorKind::Other, ErrorKind::StorageFull] {
                let (dir, delivered) = run(&Disk::failing(vec![Fault { step, nth, moment, error }]));
                let (store, _) = StateStore::open(dir.path(), key()).unwrap();
                let found = replayed(&store).len();
                assert!(found == 14 || (found == 0 && !delivered), "{step:?} {nth} {moment:?}: {found}");
            }
        }
    }
}

#[test]
fn a_large_delivery_needs_no_more_syncs_than_a_small_one() {
    let syncs = |batches| {
        let disk = Disk::failing(Vec::new());
        let dir = scratch();
        drop(StateStore::create(dir.path(), key()).unwrap());
        let options = Options { disk: disk.clone(), ..Options::default() };
        let (store, _) = StateStore::open_with(dir.path(), key(), options).unwrap();
        deliver(&store, 1, batches).unwrap();
        disk.count(Step::Sync)
    };
    assert_eq!(syncs(1), syncs(300));
}

#[test]
fn a_really_full_disk_is_survived() {
    // A file system of its own: needs a mount, so it is skipped where that is not allowed.
    let dir = scratch();
    let Some(_mount) = Mounted::new(dir.path()) else {
        eprintln!("skipped: mounting is not allowed here");
        return;
    };
    let journal = Journal::create(&dir.path().join("journal")).unwrap();
    let filler = dir.path().join("filler");
    fs::write(&filler, vec![0; 100 << 10]).unwrap();
    let mut acknowledged = 0;
    let begun = Instant::now();
    while journal.append(vec![1; 5000]).map(|_| acknowledged += 1).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the disk does not fill");
    }
    assert!(!journal.failed());
    assert_eq!(contents(&journal).len(), acknowledged, "reading works on a full disk");
    fs::remove_file(&filler).unwrap();
    assert_eq!(journal.append(vec![2; 5000]).unwrap(), acknowledged as u64);
    drop(journal);
    let (journal, replay) = Journal::open(&dir.path().join("journal")).unwrap();
    assert_eq!((journal.len(), replay.cut), (acknowledged as u64 + 1, None));
}

struct Mounted(PathBuf);

impl Mounted {
    fn new(dir: &Path) -> Option<Self> {
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(dir).output().ok()?;
        output.status.success().then(|| Self(dir.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
