//! Unit tests of the journal: what opening makes of every torn or damaged file.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// A directory in memory where there is one: these tests are about bytes, and syncs to a busy disk take their time.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn contents(journal: &Journal) -> Vec<Vec<u8>> {
    journal.iter_from(0).map(|record| record.unwrap().1).collect()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
    found.sort();
    found
}

fn small() -> Options {
    Options { segment_bytes: 200, ..Options::default() }
}

#[test]
fn appends_reads_and_reopens_over_segments() {
    let dir = scratch();
    let records: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; usize::from(n) * 3]).collect();
    {
        let journal = Journal::create_with(dir.path(), small()).unwrap();
        for (seq, record) in records.iter().enumerate() {
            assert_eq!(journal.append(record.clone()).unwrap(), seq as u64);
        }
        assert_eq!(contents(&journal), records);
    }
    assert!(segments(dir.path()).len() > 5);
    for checkpoint in [0, 1, 17, 40] {
        let options = Options { checkpoint, skip_checked: true, ..small() };
        let (journal, replay) = Journal::open_with(dir.path(), options).unwrap();
        assert_eq!(replay, Replay { len: 40, cut: None });
        assert_eq!(contents(&journal), records);
        for (seq, record) in records.iter().enumerate() {
            assert_eq!(journal.read(seq as u64).unwrap().as_ref(), Some(record));
            assert_eq!(journal.iter_from(seq as u64).count(), 40 - seq);
        }
        assert_eq!(journal.read(40).unwrap(), None);
        assert_eq!(journal.read(u64::MAX).unwrap(), None);
    }
}

#[test]
fn the_last_segment_alone_is_read_when_asked() {
    let dir = scratch();
    let journal = Journal::create_with(dir.path(), small()).unwrap();
    for n in 0..40_u8 {
        journal.append(vec![n; 50]).unwrap();
    }
    drop(journal);
    let files = segments(dir.path());
    let last = usize::try_from(fs::metadata(files.last().unwrap()).unwrap().len()).unwrap() / 50;
    flip(&files[0], 60, 1);
    let mut seen = Vec::new();
    let options = || Options { last_only: true, ..small() };
    let (journal, replay) = Journal::open_visiting(dir.path(), options(), &mut |seq, _| seen.push(seq)).unwrap();
    assert!(replay.len == 40 && seen.last() == Some(&39) && (1..=last).contains(&seen.len()), "{seen:?}");
    assert_eq!(journal.append(vec![40; 50]).unwrap(), 40);
    assert!(matches!(journal.read(0), Err(JournalError::Damaged { .. })), "damage is found when it is read");
    assert_eq!(journal.read(20).unwrap(), Some(vec![20; 50]));
    drop(journal);
    assert!(matches!(Journal::open(dir.path()), Err(JournalError::Damaged { .. })));
    // The tail of the last one is still looked after.
    let file = segments(dir.path()).pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
    assert_eq!(Journal::open_with(dir.path(), options()).unwrap().1.len, 40);
}

/// A journal of batches, each durable before the next, and the length of its one segment after each.
fn written(dir: &Path, batches: &[Vec<Vec<u8>>]) -> (PathBuf, Vec<u64>) {
    let journal = Journal::create(dir).unwrap();
    let file = segments(dir).remove(0);
    let lengths = batches.iter().map(|batch| {
        journal.append_all(batch.clone()).unwrap();
        fs::metadata(&file).unwrap().len()
    });
    (file.clone(), lengths.collect())
}

fn flip(file: &Path, offset: u64, mask: u8) {
    let mut bytes = fs::read(file).unwrap();
    bytes[usize::try_from(offset).unwrap()] ^= mask;
    fs::write(file, bytes).unwrap();
}

/// Opens a copy that ends after `len` bytes and checks that exactly the whole batches are there.
fn check_torn(batches: &[Vec<Vec<u8>>], lengths: &[u64], bytes: &[u8], tail: &[u8]) {
    let dir = scratch();
    let file = dir.path().join(segment::file_name(0));
    fs::write(&file, [bytes, tail].concat()).unwrap();
    let len = bytes.len() as u64;
    let whole = lengths.partition_point(|&end| end <= len);
    let kept = whole.checked_sub(1).map_or(HEADER_LEN, |last| lengths[last]);
    let (journal, replay) = Journal::open(dir.path()).unwrap();
    let mut expected: Vec<Vec<u8>> = batches[..whole].concat();
    assert_eq!(contents(&journal), expected);
    assert_eq!(replay.len, expected.len() as u64);
    let rest = len + tail.len() as u64 - kept;
    let cut = (rest > 0).then(|| Cut { file: file.clone(), offset: kept, bytes: rest });
    assert_eq!(replay.cut, cut);
    assert_eq!(journal.append(b"next".to_vec()).unwrap(), replay.len);
    drop(journal);
    expected.push(b"next".to_vec());
    let (journal, replay) = Journal::open(dir.path()).unwrap();
    assert_eq!((contents(&journal), replay.cut), (expected, None));
}

const HEADER_LEN: u64 = segment::HEADER as u64;

#[test]
fn a_tail_torn_at_any_byte_is_cut_to_whole_batches() {
    let dir = scratch();
    let batches = vec![vec![vec![1; 9]], vec![vec![2; 3], vec![], vec![3; 30]], vec![vec![]], vec![vec![4; 5]]];
    let (file, lengths) = written(dir.path(), &batches);
    let bytes = fs::read(file).unwrap();
    for len in segment::HEADER..=bytes.len() {
        check_torn(&batches, &lengths, &bytes[..len], b"");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_torn_tail_of_any_shape_is_cut(
        batches in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 1..5), 1..8),
        at in any::<prop::sample::Index>(),
        tail in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..40),
    ) {
        let dir = scratch();
        let (file, lengths) = written(dir.path(), &batches);
        let bytes = fs::read(file).unwrap();
        let len = segment::HEADER + at.index(bytes.len() - segment::HEADER + 1);
        check_torn(&batches, &lengths, &bytes[..len], &tail);
    }

    #[test]
    fn a_flipped_bit_is_never_read(
        sizes in prop::collection::vec(0_usize..900, 2..8),
        at in any::<prop::sample::Index>(),
        bit in 0_u32..8,
    ) {
        let dir = scratch();
        let batches: Vec<_> = sizes.iter().map(|&size| vec![vec![7; size]]).collect();
        let (file, lengths) = written(dir.path(), &batches);
        let offset = HEADER_LEN + at.index(usize::try_from(*lengths.last().unwrap() - HEADER_LEN).unwrap()) as u64;
        flip(&file, offset, 1 << bit);
        let hit = lengths.partition_point(|&end| end <= offset);
        let begin = hit.checked_sub(1).map_or(HEADER_LEN, |before| lengths[before]);
        match Journal::open(dir.path()) {
            // The last record cannot be told from a torn one; whoever has a checkpoint is told.
            Ok((journal, replay)) => {
                prop_assert_eq!(hit, lengths.len() - 1);
                prop_assert_eq!(contents(&journal), batches[..hit].concat());
                prop_assert_eq!(replay.cut.map(|cut| cut.offset), Some(begin));
            }
            Err(JournalError::Damaged { file: named, offset, seq }) => {
                prop_assert!(hit < lengths.len() - 1);
                prop_assert_eq!((named, offset, seq), (file, begin, hit as u64));
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn a_flip_under_the_checkpoint_stops() {
    let dir = scratch();
    let (file, lengths) = written(dir.path(), &[vec![vec![1; 40]], vec![vec![2; 40]]]);
    flip(&file, lengths[1] - 1, 1);
    let options = Options { checkpoint: 2, ..Options::default() };
    let error = Journal::open_with(dir.path(), options).unwrap_err();
    assert!(matches!(error, JournalError::BelowCheckpoint { len: 1, checkpoint: 2, .. }), "{error}");
    assert_eq!(fs::metadata(&file).unwrap().len(), lengths[1], "nothing was cut");
}

#[test]
fn a_flip_in_an_earlier_segment_stops_or_is_found_when_read() {
    let dir = scratch();
    let journal = Journal::create_with(dir.path(), small()).unwrap();
    for n in 0..20 {
        journal.append(vec![n; 50]).unwrap();
    }
    drop(journal);
    let first = segments(dir.path()).remove(0);
    let len = fs::metadata(&first).unwrap().len();
    flip(&first, len - 1, 0x80);
    let error = Journal::open(dir.path()).unwrap_err();
    assert!(matches!(&error, JournalError::Damaged { file, .. } if *file == first), "{error}");
    assert!(error.to_string().contains(first.to_str().unwrap()));

    let (journal, _) =
        Journal::open_with(dir.path(), Options { checkpoint: 20, skip_checked: true, ..small() }).unwrap();
    assert!(journal.iter_from(0).any(|record| matches!(record, Err(JournalError::Damaged { .. }))));
    let whole = |seq| journal.read(seq).is_ok_and(|found| found.is_some());
    assert!(whole(0) && whole(19) && !(0..20).all(whole));
}

#[test]
fn a_missing_or_shortened_segment_stops() {
    let dir = scratch();
    let journal = Journal::create_with(dir.path(), small()).unwrap();
    for n in 0..20 {
        journal.append(vec![n; 50]).unwrap();
    }
    drop(journal);
    let files = segments(dir.path());
    let aside = dir.path().join("aside");
    for file in [&files[0], &files[1]] {
        fs::rename(file, &aside).unwrap();
        let error = Journal::open(dir.path()).unwrap_err();
        assert!(matches!(error, JournalError::Gap { .. }), "{error}");
        fs::rename(&aside, file).unwrap();
    }
    let whole = fs::read(&files[0]).unwrap();
    for len in segment::HEADER..whole.len() {
        fs::write(&files[0], &whole[..len]).unwrap();
        let error = Journal::open(dir.path()).unwrap_err();
        assert!(matches!(error, JournalError::Gap { .. } | JournalError::Damaged { .. }), "{error}");
    }
    fs::write(&files[0], &whole[..20]).unwrap();
    assert!(matches!(Journal::open(dir.path()).unwrap_err(), JournalError::Foreign { .. }));
}

/// Writes records without a sync between them, as one group of writes that a power cut may leave in any part.
fn unsynced(dir: &Path) -> PathBuf {
    let journal = Journal::create(dir).unwrap();
    journal.append(vec![1; 3000]).unwrap();
    for n in 2..6 {
        journal.append_unsynced(vec![n; 3000]).unwrap();
    }
    segments(dir).remove(0)
}

#[test]
fn a_hole_in_writes_that_were_never_synced_is_cut() {
    let dir = scratch();
    let file = unsynced(dir.path());
    let mut bytes = fs::read(&file).unwrap();
    bytes[8192..9728].fill(0);
    fs::write(&file, &bytes).unwrap();
    let (journal, replay) = Journal::open(dir.path()).unwrap();
    assert_eq!(contents(&journal), [vec![1; 3000], vec![2; 3000]]);
    assert!(replay.cut.is_some());
}

#[test]
fn damage_or_a_hole_in_durable_records_is_not_cut() {
    for (range, with) in [(8192..9728, 0xff), (8192..8193, 0)] {
        let dir = scratch();
        let file = unsynced(dir.path());
        let mut bytes = fs::read(&file).unwrap();
        bytes[range].fill(with);
        fs::write(&file, &bytes).unwrap();
        assert!(matches!(Journal::open(dir.path()).unwrap_err(), JournalError::Damaged { seq: 2, .. }));
    }
    let dir = scratch();
    let file = unsynced(dir.path());
    let mut bytes = fs::read(&file).unwrap();
    bytes[512..1024].fill(0);
    fs::write(&file, &bytes).unwrap();
    assert!(matches!(Journal::open(dir.path()).unwrap_err(), JournalError::Damaged { seq: 0, .. }));
}

#[test]
fn content_that_looks_like_a_record_of_another_journal_is_content() {
    let (one, two) = (scratch(), scratch());
    let (file, _) = written(one.path(), &[vec![vec![1; 40]], vec![vec![2; 40]], vec![vec![3; 40]]]);
    let forged = fs::read(file).unwrap();
    let (file, lengths) = written(two.path(), &[vec![forged]]);
    flip(&file, lengths[0] - 1, 1);
    let (journal, replay) = Journal::open(two.path()).unwrap();
    assert_eq!((journal.len(), replay.cut.is_some()), (0, true));
}

#[test]
fn sizes_are_bounded_and_a_refused_record_takes_no_number() {
    let dir = scratch();
    let journal = Journal::create(dir.path()).unwrap();
    let large = vec![5; MAX_RECORD];
    assert!(matches!(journal.append(vec![5; MAX_RECORD + 1]), Err(JournalError::TooLarge { .. })));
    assert!(matches!(journal.append_all(vec![large.clone(); 4]), Err(JournalError::TooLarge { .. })));
    assert_eq!(journal.append(large.clone()).unwrap(), 0);
    assert_eq!(journal.append_all(Vec::new()).unwrap(), 1..1);
    assert_eq!(journal.read(0).unwrap(), Some(large));
}

#[test]
fn unsynced_records_are_not_read_before_a_sync() {
    let dir = scratch();
    let journal = Journal::create(dir.path()).unwrap();
    journal.append_unsynced(b"a".to_vec()).unwrap();
    assert_eq!((journal.len(), journal.read(0).unwrap()), (0, None));
    journal.append(b"b".to_vec()).unwrap();
    assert_eq!(contents(&journal), [b"a", b"b"]);
}
