//! The program that `tests/power-loss.sh` cuts the power of: writes a journal with its index, or an unguarded sled as the
//! control that must lose something, and verifies what is left against what was acknowledged.
//!
//! `journal_writer write|verify|sled-write|sled-verify DIR [ACKNOWLEDGED]`; each line that writing prints is one record
//! that was acknowledged, and verifying reads those lines from a file.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use ketenpoort::storage::index::{Index, IndexEntry, IndexError, IndexOptions, Source, Tree};
use ketenpoort::storage::journal::{Journal, JournalError, Options};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const WRITERS: u64 = 16;
const CACHE: IndexOptions = IndexOptions { cache_bytes: 4 << 20 };

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["write", dir] => write(Path::new(dir)),
        ["verify", dir, acknowledged] => verify(Path::new(dir), acknowledged),
        ["sled-write", dir] => sled_write(dir),
        ["sled-verify", dir, acknowledged] => sled_verify(dir, acknowledged),
        _ => Err("usage: journal_writer write|verify|sled-write|sled-verify DIR [ACKNOWLEDGED]".into()),
    }
}

fn options() -> Options {
    Options { segment_bytes: 256 << 10, ..Options::default() }
}

/// The content of record `n` of a writer: text that says so, of 30 to 1,000 bytes.
fn content(writer: u64, n: u64) -> Vec<u8> {
    let filler = "x".repeat(usize::try_from((n * 37 + writer * 101) % 970).unwrap_or(0));
    format!("{writer} {n} {filler}").into_bytes()
}

fn acknowledge(writer: u64, n: u64, seq: u64) -> Outcome<()> {
    std::io::stdout().lock().write_all(format!("{writer} {n} {seq}\n").as_bytes())?;
    Ok(())
}

fn acknowledged(path: &str) -> Outcome<Vec<[u64; 3]>> {
    let text = std::fs::read_to_string(path)?;
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |line: &str| -> Outcome<[u64; 3]> {
        let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        numbers.try_into().map_err(|_| format!("not an acknowledgement: {line}").into())
    };
    whole.lines().map(line).collect()
}

fn extract(seq: u64, record: &[u8]) -> Result<Vec<IndexEntry>, IndexError> {
    let key = record.iter().copied().take_while(|byte| *byte != b' ').collect();
    Ok(vec![IndexEntry { tree: Tree::Partner, key, seq }])
}

fn write(dir: &Path) -> Outcome<()> {
    let journal = match Journal::open_with(&dir.join("journal"), options()) {
        Ok((journal, _)) => journal,
        Err(JournalError::Missing { .. }) => Journal::create_with(&dir.join("journal"), options())?,
        Err(other) => return Err(other.into()),
    };
    let (index, _) = Index::open(&dir.join("index"), CACHE)?;
    let begun = journal.len();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let journal = &journal;
            scope.spawn(move || -> Outcome<()> {
                for n in begun.. {
                    let seq = journal.append(content(writer, n))?;
                    acknowledge(writer, n, seq)?;
                }
                Ok(())
            });
        }
        loop {
            index.catch_up(Source::Translog, &journal, &mut extract)?;
            index.flush()?;
        }
    })
}

fn verify(dir: &Path, path: &str) -> Outcome<()> {
    let (journal, replay) = Journal::open_with(&dir.join("journal"), options())?;
    let acknowledged = acknowledged(path)?;
    let lost = acknowledged.iter().filter(|[writer, n, seq]| {
        !journal.read(*seq).is_ok_and(|found| found.is_some_and(|record| record == content(*writer, *n)))
    });
    let lost = lost.count();
    let mut records = 0;
    for record in journal.iter_from(0) {
        record?;
        records += 1;
    }
    let (index, rebuilt) = Index::open(&dir.join("index"), CACHE)?;
    index.catch_up(Source::Translog, &journal, &mut extract)?;
    let partners = index.keys(Source::Translog, Tree::Partner)?;
    let found: Result<Vec<_>, _> =
        partners.iter().map(|partner| index.exact(Source::Translog, Tree::Partner, partner)).collect();
    let mut indexed = found?.concat();
    indexed.sort_unstable();
    println!(
        "acknowledged {} lost {lost}; records {records}; cut {:?}; index rebuilt {rebuilt:?}",
        acknowledged.len(),
        replay.cut.map(|cut| cut.bytes)
    );
    if lost > 0 || records != journal.len() || indexed != (0..records).collect::<Vec<_>>() {
        return Err("the journal or its index is not what was acknowledged".into());
    }
    Ok(())
}

fn sled_write(dir: &str) -> Outcome<()> {
    let db = sled::open(format!("{dir}/sled"))?;
    for n in 0.. {
        db.insert(n.to_string(), content(0, n))?;
        db.flush()?;
        acknowledge(0, n, 0)?;
    }
    Ok(())
}

fn sled_verify(dir: &str, path: &str) -> Outcome<()> {
    let db = sled::open(format!("{dir}/sled"))?;
    let acknowledged = acknowledged(path)?;
    let mut lost = 0;
    for [_, n, _] in &acknowledged {
        lost += u64::from(db.get(n.to_string())?.is_none());
    }
    println!("sled: acknowledged {} lost {lost}", acknowledged.len());
    if lost > 0 { Err("acknowledged entries are gone".into()) } else { Ok(()) }
}
