//! The program that `tests/power-loss.sh` cuts the power of: writes a journal with its index, a transfer log, or an
//! unguarded sled as the control that must lose something, and verifies what is left against what was acknowledged.
//!
//! `journal_writer write|verify|log-write|log-verify|sled-write|sled-verify DIR [ACKNOWLEDGED]`; each line that writing
//! prints is one record or one signed checkpoint that was acknowledged, and verifying reads those lines from a file.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ketenpoort::crypto::{Digest, Secret32, SigningKey};
use ketenpoort::domain::oin::Oin;
use ketenpoort::storage::index::{Index, IndexEntry, IndexError, IndexOptions, Source, Tree};
use ketenpoort::storage::journal::{Journal, JournalError, Options};
use ketenpoort::storage::log::{LogError, LogOptions, TransferLog};
use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::entry::{Direction, Entry, Outcome, Phase, TransferId};
use ketenpoort::translog::merkle::{CompactTree, leaf_hash};

type Done<T> = Result<T, Box<dyn Error + Send + Sync>>;

const WRITERS: u64 = 16;
/// Begins a line that acknowledges a checkpoint: its size and root follow.
const SIGNED: &str = "checkpoint ";
const CACHE: IndexOptions = IndexOptions { cache_bytes: 4 << 20 };

fn main() -> Done<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["write", dir] => write(Path::new(dir)),
        ["verify", dir, acknowledged] => verify(Path::new(dir), acknowledged),
        ["log-write", dir] => log_write(Path::new(dir)),
        ["log-verify", dir, acknowledged] => log_verify(Path::new(dir), acknowledged),
        ["sled-write", dir] => sled_write(dir),
        ["sled-verify", dir, acknowledged] => sled_verify(dir, acknowledged),
        _ => Err("usage: journal_writer [log-|sled-]write|verify DIR [ACKNOWLEDGED]".into()),
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

fn acknowledge(writer: u64, n: u64, seq: u64) -> Done<()> {
    std::io::stdout().lock().write_all(format!("{writer} {n} {seq}\n").as_bytes())?;
    Ok(())
}

fn acknowledged(path: &str) -> Done<Vec<[u64; 3]>> {
    numbers(&std::fs::read_to_string(path)?)
}

/// The numbers on the lines that are not about checkpoints; the last line may be torn.
fn numbers(text: &str) -> Done<Vec<[u64; 3]>> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |line: &str| -> Done<[u64; 3]> {
        let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        numbers.try_into().map_err(|_| format!("not an acknowledgement: {line}").into())
    };
    whole.lines().filter(|line| !line.starts_with(SIGNED)).map(line).collect()
}

fn extract(seq: u64, record: &[u8]) -> Result<Vec<IndexEntry>, IndexError> {
    let key = record.iter().copied().take_while(|byte| *byte != b' ').collect();
    Ok(vec![IndexEntry { tree: Tree::Partner, key, seq }])
}

fn write(dir: &Path) -> Done<()> {
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
            scope.spawn(move || -> Done<()> {
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

fn verify(dir: &Path, path: &str) -> Done<()> {
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

fn oin() -> Done<Oin> {
    Ok(Oin::parse("00000099000000001000")?)
}

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(&Secret32::new([1; 32])))
}

/// Opens the log, or makes it; with signatures and `resume` far more often than a node has them.
fn log_of(dir: &Path) -> Done<TransferLog> {
    let log_options = LogOptions { journal: options(), checkpoint_after: Duration::from_millis(5), resume_every: 200 };
    // A cut may also have come while the log was made.
    match TransferLog::create_with(dir, oin()?, key(), log_options.clone()) {
        Err(LogError::Exists(_)) => Ok(TransferLog::open_with(dir, oin()?, key(), log_options)?),
        made => Ok(made?),
    }
}

/// Entry `n` of a writer: transfers of INTENT and OUTCOME, of which every fifth stays open.
fn entry(writer: u64, n: u64) -> Entry {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(n / 2).to_be_bytes());
    let phase = if n.is_multiple_of(2) { Phase::Intent } else { Phase::Outcome };
    let outcome = (phase == Phase::Outcome).then_some(Outcome::Sent);
    Entry { outcome, ..Entry::new(TransferId::new(writer, random), Direction::Outgoing, phase, n) }
}

fn log_write(dir: &Path) -> Done<()> {
    let log = log_of(&dir.join("log"))?;
    let begun = log.len() * 2;
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let log = &log;
            scope.spawn(move || -> Done<()> {
                for n in (begun..).filter(|n| n % 10 != 9) {
                    acknowledge(writer, n, log.append(&entry(writer, n))?.index())?;
                }
                Ok(())
            });
        }
        let mut shown = 0;
        loop {
            // What was signed and written may have been shown to a partner.
            let signed = log.checkpoint()?;
            if signed.size > shown {
                shown = signed.size;
                let line = format!("{SIGNED}{} {}\n", signed.size, signed.root.to_hex());
                std::io::stdout().lock().write_all(line.as_bytes())?;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    })
}

fn log_verify(dir: &Path, path: &str) -> Done<()> {
    let dir = dir.join("log");
    let text = std::fs::read_to_string(path)?;
    let shown = signed(&text)?;
    // Before anything is signed anew: what a partner was shown may not be more than what is on the disk.
    let newest = shown.last_key_value().map_or(0, |(size, _)| *size);
    if newest > 0 {
        let on_disk =
            Checkpoint::open(&std::fs::read(dir.join("checkpoint"))?, &origin(oin()?), &key().verifying_key())?;
        if on_disk.size < newest {
            return Err(format!("the checkpoint of {newest} entries is gone; there is one of {}", on_disk.size).into());
        }
    }
    let log = log_of(&dir)?;
    let acknowledged = numbers(&text)?;
    let mut lost = 0;
    for [writer, n, index] in &acknowledged {
        let wanted = entry(*writer, *n);
        let there = log.entry(*index)?.map(|found| (found.transfer_id, found.phase));
        lost += u64::from(there != Some((wanted.transfer_id, wanted.phase)));
    }
    let (mut tree, mut open, mut confirmed) = (CompactTree::new(), BTreeMap::new(), 0);
    for record in log.raw_entries(0..log.len()) {
        let bytes = record?.1;
        let (found, number) = (Entry::decode(&bytes)?, tree.size());
        let _ = match found.phase {
            Phase::Intent => open.insert(found.transfer_id, number),
            _ => open.remove(&found.transfer_id),
        };
        tree.append(leaf_hash(&bytes));
        confirmed += usize::from(shown.get(&tree.size()).is_some_and(|root| *root == tree.root()));
    }
    println!(
        "log: acknowledged {} lost {lost}; entries {}; checkpoints shown {} of which beginnings of it {confirmed}",
        acknowledged.len(),
        log.len(),
        shown.len(),
    );
    let mut open: Vec<_> = open.into_iter().map(|(id, number)| (number, id)).collect();
    open.sort_unstable();
    if lost > 0 || confirmed != shown.len() || log.audit()?.0 != log.len() || log.open_intents() != open {
        return Err("the transfer log is not what was acknowledged".into());
    }
    Ok(())
}

/// The acknowledged checkpoints: root by size.
fn signed(text: &str) -> Done<BTreeMap<u64, Digest>> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let one = |line: &str| -> Done<(u64, Digest)> {
        let (size, root) = line.split_once(' ').ok_or("not a checkpoint")?;
        Ok((size.parse()?, Digest::from_hex(root).ok_or("not a root")?))
    };
    whole.lines().filter_map(|line| line.strip_prefix(SIGNED)).map(one).collect()
}

fn sled_write(dir: &str) -> Done<()> {
    let db = sled::open(format!("{dir}/sled"))?;
    for n in 0.. {
        db.insert(n.to_string(), content(0, n))?;
        db.flush()?;
        acknowledge(0, n, 0)?;
    }
    Ok(())
}

fn sled_verify(dir: &str, path: &str) -> Done<()> {
    let db = sled::open(format!("{dir}/sled"))?;
    let acknowledged = acknowledged(path)?;
    let mut lost = 0;
    for [_, n, _] in &acknowledged {
        lost += u64::from(db.get(n.to_string())?.is_none());
    }
    println!("sled: acknowledged {} lost {lost}", acknowledged.len());
    if lost > 0 { Err("acknowledged entries are gone".into()) } else { Ok(()) }
}
