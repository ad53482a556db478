//! The index may be deleted, damaged, older or ahead: after catching up it says what the journals say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ketenpoort::storage::index::{Condition, Index, IndexEntry, IndexError, IndexOptions, Source, Tree};
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
    assert!(index.keys(Source::State, Tree::Partner).unwrap().is_empty());
    assert!(index.exact(Source::State, Tree::Subject, &[0]).unwrap().is_empty());
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

/// Record `n` of a made-up journal: its keys and its moment; keys that begin alike among them.
fn made_up(n: u64) -> (Vec<(Tree, Vec<u8>)>, u64) {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let partners: [&[u8]; 4] = [b"a", b"ab", b"ab\0\0\0\0\0\0\0\x05", b""];
    let mut keys = vec![(Tree::Partner, partners[usize::try_from(mixed % 4).unwrap()].to_vec())];
    if mixed.is_multiple_of(3) {
        keys.push((Tree::Field, b"f".to_vec()));
    }
    // Seldom, so that most blocks have none.
    if n.is_multiple_of(2500) {
        keys.push((Tree::Field, b"seldom".to_vec()));
    }
    (keys, n * 10 + mixed % 7)
}

#[test]
fn a_join_is_what_a_scan_finds_newest_first_page_after_page() {
    const RECORDS: u64 = 9000;
    let dir = scratch();
    let (index, _) = Index::open(dir.path(), OPTIONS).unwrap();
    let mut entries = Vec::new();
    for seq in 0..RECORDS {
        let (keys, moment) = made_up(seq);
        entries.extend(keys.into_iter().map(|(tree, key)| IndexEntry { tree, key, seq }));
        entries.push(IndexEntry { tree: Tree::Time, key: moment.to_be_bytes().to_vec(), seq });
    }
    // In pieces that cut through blocks, and once more: adding again changes nothing.
    entries.chunks(777).for_each(|piece| index.put(Source::Translog, piece).unwrap());
    index.put(Source::Translog, &entries[100..3000]).unwrap();
    let key = prop_oneof![
        Just((Tree::Partner, b"a".to_vec())),
        Just((Tree::Partner, b"ab".to_vec())),
        Just((Tree::Partner, b"".to_vec())),
        Just((Tree::Partner, b"nobody".to_vec())),
        Just((Tree::Field, b"f".to_vec())),
        Just((Tree::Field, b"seldom".to_vec())),
    ];
    let span = proptest::option::of((0..RECORDS * 10, 0..RECORDS * 10));
    let strategy = (proptest::collection::vec(key, 0..3), span, 0..RECORDS + 9, 1..400_usize);
    let outcome =
        TestRunner::new(Config { cases: 200, ..Config::default() }).run(&strategy, |(keys, span, below, limit)| {
            let mut conditions: Vec<Condition> =
                keys.iter().map(|(tree, key)| Condition::AnyOf(*tree, vec![key.clone()])).collect();
            conditions.extend(span.map(|(from, until)| Condition::Time(from, until)));
            prop_assume!(!conditions.is_empty());
            let found = index.newest(Source::Translog, &conditions, below, limit).unwrap();
            let meets = |seq: &u64| {
                let (of, moment) = made_up(*seq);
                keys.iter().all(|key| of.contains(key))
                    && span.is_none_or(|(from, until)| from <= moment && moment < until)
            };
            let expected: Vec<u64> = (0..below.min(RECORDS)).rev().filter(meets).collect();
            if span.is_none() {
                prop_assert_eq!(found, &expected[..expected.len().min(limit)]);
            } else {
                // A span lets whole blocks through: nothing is missing as far as the page goes, and it is in order.
                let last = found.last().copied().filter(|_| found.len() == limit).unwrap_or(0);
                prop_assert!(found.is_sorted_by(|a, b| a > b) && found.iter().all(|seq| *seq < below));
                prop_assert!(expected.iter().filter(|seq| **seq >= last).all(|seq| found.contains(seq)));
            }
            Ok(())
        });
    outcome.unwrap();
    let any = Condition::AnyOf(Tree::Partner, vec![b"a".to_vec(), b"ab".to_vec()]);
    let either = (0..RECORDS).rev().filter(|n| [b"a".as_slice(), b"ab"].contains(&made_up(*n).0[0].1.as_slice()));
    assert_eq!(index.newest(Source::Translog, &[any], u64::MAX, 5000).unwrap(), either.take(5000).collect::<Vec<_>>());
    let mut keys = index.keys(Source::Translog, Tree::Partner).unwrap();
    keys.sort();
    assert_eq!(keys.len(), 4);
}

/// Keys of 36 bytes as of transfers: few heads, each with some tails, and one that floods its bucket.
fn gathered(n: u64) -> IndexEntry {
    let seq = n * 997;
    let head = if n.is_multiple_of(2) { 0 } else { n % 61 };
    let key = [[head; 2].map(u64::to_be_bytes).concat(), vec![u8::try_from(n % 3).unwrap(); 20]].concat();
    IndexEntry { tree: Tree::Transfer, key, seq }
}

#[test]
fn keys_that_few_records_share_are_found_by_head_and_whole_over_many_records() {
    let dir = scratch();
    let (index, _) = Index::open(dir.path(), OPTIONS).unwrap();
    let entries: Vec<IndexEntry> = (0..2000).map(gathered).collect();
    // Out of order, in pieces, and once more.
    entries.rchunks(333).for_each(|piece| index.put(Source::Translog, piece).unwrap());
    index.put(Source::Translog, &entries[50..900]).unwrap();
    let check = |left: &[IndexEntry]| {
        for entry in entries.iter().take(200) {
            let of = |fits: &dyn Fn(&[u8]) -> bool| -> Vec<u64> {
                left.iter().filter(|other| fits(&other.key)).map(|other| other.seq).collect()
            };
            let whole = index.exact(Source::Translog, entry.tree, &entry.key).unwrap();
            assert_eq!(whole, of(&|key| key == entry.key));
            let head = index.headed(Source::Translog, entry.tree, entry.key.first_chunk().unwrap()).unwrap();
            assert_eq!(head, of(&|key| key.starts_with(&entry.key[..16])));
        }
    };
    check(&entries);
    let (gone, left): (Vec<_>, Vec<_>) = entries.iter().cloned().partition(|entry| entry.seq.is_multiple_of(5));
    index.remove(Source::Translog, &gone).unwrap();
    check(&left);
    index.put(Source::Translog, &gone).unwrap();
    check(&entries);
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
