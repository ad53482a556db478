//! The index may be deleted, damaged, older or ahead: after catching up it says what the journals say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ketenpoort::storage::index::{Index, IndexEntry, IndexError, IndexOptions, Source, Tree};
use ketenpoort::storage::journal::Journal;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const OPTIONS: IndexOptions = IndexOptions { cache_bytes: 4 << 20 };

/// A directory in memory where there is one: these tests are about bytes, and syncs to a busy disk take their time.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A record is one byte of subject and one of partner.
fn extract(seq: u64, record: &[u8]) -> Result<Vec<IndexEntry>, IndexError> {
    Ok(vec![
        IndexEntry { tree: Tree::Subject, key: vec![record[0]], seq },
        IndexEntry { tree: Tree::Partner, key: vec![b'p', record[1]], seq },
    ])
}

fn fill(journal: &Journal, from: u64, count: u64) {
    let records = (from..from + count).map(|n| vec![u8::try_from(n * 7 % 50).unwrap(), u8::try_from(n % 5).unwrap()]);
    journal.append_all(records.collect()).unwrap();
}

fn expected(journal: &Journal) -> BTreeMap<(Tree, Vec<u8>), Vec<u64>> {
    let mut found: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for record in journal.iter_from(0) {
        let (seq, bytes) = record.unwrap();
        for entry in extract(seq, &bytes).unwrap() {
            found.entry((entry.tree, entry.key)).or_default().push(seq);
        }
    }
    found
}

fn catch_up(index: &Index, journal: &Journal) -> u64 {
    index.catch_up(Source::Translog, journal, &mut extract).unwrap()
}

/// As a node does: when the index breaks under a question, catch up and ask again.
fn ask<T>(index: &Index, journal: &Journal, question: impl Fn() -> Result<T, IndexError>) -> T {
    question().unwrap_or_else(|_| {
        catch_up(index, journal);
        question().unwrap()
    })
}

fn check(index: &Index, journal: &Journal) {
    assert_eq!(index.high_water(Source::Translog), journal.len());
    for ((tree, key), seqs) in expected(journal) {
        let found = ask(index, journal, || index.exact(Source::Translog, tree, &key));
        assert_eq!(found, seqs, "{tree:?} {key:?}");
    }
    let all = ask(index, journal, || index.prefix(Source::Translog, Tree::Partner, b"p"));
    assert_eq!(all.len() as u64, journal.len());
    let all = ask(index, journal, || index.prefix(Source::Translog, Tree::Subject, b""));
    assert_eq!(all.len() as u64, journal.len());
}

fn built(dir: &Path, records: u64) -> Journal {
    let journal = Journal::create(&dir.join("journal")).unwrap();
    fill(&journal, 0, records);
    let (index, _) = Index::open(&dir.join("index"), OPTIONS).unwrap();
    catch_up(&index, &journal);
    index.flush().unwrap();
    journal
}

#[test]
fn only_the_tail_is_read_after_a_flush() {
    let dir = scratch();
    let journal = built(dir.path(), 1000);
    fill(&journal, 1000, 20);
    let (index, rebuilt) = Index::open(&dir.path().join("index"), OPTIONS).unwrap();
    assert_eq!((rebuilt, catch_up(&index, &journal)), (None, 20));
    assert_eq!(catch_up(&index, &journal), 0);
    check(&index, &journal);
    assert_eq!(index.high_water(Source::State), 0, "sources are apart");
    assert!(index.prefix(Source::State, Tree::Subject, b"").unwrap().is_empty());
}

#[test]
fn entries_put_at_once_are_found_and_not_doubled() {
    let dir = scratch();
    drop(built(dir.path(), 10));
    let (index, _) = Index::open(&dir.path().join("index"), OPTIONS).unwrap();
    let entry = IndexEntry { tree: Tree::Transfer, key: b"once".to_vec(), seq: 10 };
    index.put(Source::Translog, &[entry.clone(), entry]).unwrap();
    assert_eq!(index.exact(Source::Translog, Tree::Transfer, b"once").unwrap(), [10]);
    assert!(index.exact(Source::Translog, Tree::Transfer, b"on").unwrap().is_empty());
    let long = IndexEntry { tree: Tree::Subject, key: vec![0; 513], seq: 0 };
    assert!(matches!(index.put(Source::Translog, &[long]), Err(IndexError::KeyTooLong(513))));
}

#[test]
fn a_range_is_in_order() {
    let dir = scratch();
    let (index, _) = Index::open(dir.path(), OPTIONS).unwrap();
    let entries: Vec<_> =
        (0..600_u64).map(|n| IndexEntry { tree: Tree::Time, key: (n * 10).to_be_bytes().to_vec(), seq: n }).collect();
    index.put(Source::State, &entries).unwrap();
    let ask =
        |from: u64, to: u64| index.range(Source::State, Tree::Time, &from.to_be_bytes(), &to.to_be_bytes()).unwrap();
    assert_eq!(ask(995, 1030), [100, 101, 102]);
    assert_eq!(ask(0, u64::MAX), (0..600).collect::<Vec<_>>());
    assert!(ask(30, 30).is_empty() && ask(30, 20).is_empty());
}

#[test]
fn the_newest_under_a_key_come_first_and_keys_that_begin_alike_are_apart() {
    let dir = scratch();
    let (index, _) = Index::open(dir.path(), OPTIONS).unwrap();
    let long = [b"ab".as_slice(), &5_u64.to_be_bytes()].concat();
    let keys: [&[u8]; 3] = [b"a", b"ab", &long];
    let entries: Vec<_> = (0..90_u64)
        .map(|seq| IndexEntry { tree: Tree::Partner, key: keys[usize::try_from(seq % 3).unwrap()].to_vec(), seq })
        .collect();
    index.put(Source::Translog, &entries).unwrap();
    let ask = |key: &[u8], below, limit| index.newest((Source::Translog, Tree::Partner), key, below, limit).unwrap();
    assert_eq!(ask(b"ab", u64::MAX, 3), [88, 85, 82]);
    assert_eq!(ask(b"ab", 7, 9), [4, 1]);
    assert_eq!(ask(b"a", u64::MAX, usize::MAX), (0..30).rev().map(|n| n * 3).collect::<Vec<_>>());
    assert!(ask(b"b", u64::MAX, 9).is_empty() && ask(b"a", 0, 9).is_empty());
}

#[test]
fn a_deleted_index_is_rebuilt() {
    let dir = scratch();
    let journal = built(dir.path(), 700);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let (index, _) = Index::open(&dir.path().join("index"), OPTIONS).unwrap();
    assert_eq!(catch_up(&index, &journal), 700);
    check(&index, &journal);
}

#[test]
fn an_index_of_something_else_is_rebuilt() {
    let dir = scratch();
    drop(built(dir.path(), 700));
    // Ahead of the journal, beside it, and beside it with more records than the index has seen.
    for records in [10, 700, 900] {
        let other = dir.path().join(format!("other{records}"));
        let journal = Journal::create(&other).unwrap();
        fill(&journal, 1, records);
        let (index, _) = Index::open(&dir.path().join("index"), OPTIONS).unwrap();
        catch_up(&index, &journal);
        check(&index, &journal);
    }
}

#[test]
fn a_half_snapshot_does_not_stop_it() {
    let dir = scratch();
    let journal = built(dir.path(), 100);
    fs::write(dir.path().join("index/snap.0000000000000001.generating"), b"half").unwrap();
    let (index, rebuilt) = Index::open(&dir.path().join("index"), OPTIONS).unwrap();
    assert_eq!((rebuilt, catch_up(&index, &journal)), (None, 0));
    check(&index, &journal);
}

#[test]
fn a_damaged_index_is_rebuilt_or_harmless() {
    let dir = scratch();
    let journal = built(dir.path(), 1500);
    let whole = dir.path().join("index");
    let files: Vec<_> = fs::read_dir(&whole)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().to_owned(), fs::read(&path).unwrap()))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    let strategy = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..=255_u8, any::<bool>());
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |(file, at, mask, truncate)| {
        let copy = scratch();
        let hit = file.index(files.len());
        for (n, (name, bytes)) in files.iter().enumerate() {
            let mut bytes = bytes.clone();
            if n == hit {
                let at = at.index(bytes.len());
                if truncate { bytes.truncate(at) } else { bytes[at] ^= mask }
            }
            fs::write(copy.path().join(name), bytes).unwrap();
        }
        let (index, _) = Index::open(copy.path(), OPTIONS).unwrap();
        catch_up(&index, &journal);
        check(&index, &journal);
        Ok(())
    });
    outcome.unwrap();
}
