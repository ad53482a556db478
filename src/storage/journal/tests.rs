//! Unit tests of the journal: what opening makes of every torn or damaged file.

use std::fs;
use std::path::PathBuf;

use super::*;

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
    let dir = tempfile::tempdir().unwrap();
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
        let options = Options { checkpoint, ..small() };
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
