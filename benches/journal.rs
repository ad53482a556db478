//! Durable appends of 600 bytes by 64 writers, against a bare file that gets 64 such records in one write and one
//! `fdatasync`: the most that this disk gives to writers that all wait. Short turns of each follow one another, so that
//! both see the same machine; the median ratio of neighbours counts, the times do not. Then the index is rebuilt.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use ketenpoort::storage::index::{Index, IndexEntry, IndexError, IndexOptions, Source, Tree};
use ketenpoort::storage::journal::{Journal, Options};

const WRITERS: usize = 64;
const RECORD: usize = 600;
const TURN: Duration = Duration::from_millis(250);
const TURNS: usize = 24;
const INDEXED: u64 = 100_000;

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let dir = tempfile::tempdir_in(".").expect("a directory on the disk to be measured");
    let journal = Journal::create_with(&dir.path().join("journal"), Options::default()).expect("journal");
    let mut file = File::create(dir.path().join("bare")).expect("file");
    let (mut times, mut ratios, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let bare = bare_file(&mut file);
        let rate = durable_appends(&journal, &mut times);
        ratios.push(rate / bare);
        rates.push((rate, bare));
    }
    ratios.sort_by(f64::total_cmp);
    times.sort_unstable();
    let (journals, bares): (Vec<f64>, Vec<f64>) = rates.into_iter().unzip();
    println!("journal {:.0} /s, bare file {:.0} /s (means)", mean(&journals), mean(&bares));
    let quarter = |n: usize| ratios[ratios.len() * n / 4];
    println!("journal / bare file: median {:.2} (quartiles {:.2} to {:.2})", quarter(2), quarter(1), quarter(3));
    println!(
        "an append, {} of them: p50 {:?}, p99 {:?}",
        times.len(),
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    );
    rebuild(dir.path());
}

fn mean(rates: &[f64]) -> f64 {
    rates.iter().sum::<f64>() / f64::from(u32::try_from(rates.len()).expect("a few turns"))
}

fn per_second(count: usize, begun: Instant) -> f64 {
    f64::from(u32::try_from(count).expect("a count of seconds")) / begun.elapsed().as_secs_f64()
}

fn bare_file(file: &mut File) -> f64 {
    let batch = vec![7; RECORD * WRITERS];
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < TURN {
        file.write_all(&batch).expect("write");
        file.sync_data().expect("fdatasync");
        count += WRITERS;
    }
    per_second(count, begun)
}

/// Records per second; adds the time of each append.
fn durable_appends(journal: &Journal, times: &mut Vec<Duration>) -> f64 {
    let (begun, before) = (Instant::now(), times.len());
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    while begun.elapsed() < TURN {
                        let start = Instant::now();
                        journal.append(vec![7; RECORD]).expect("append");
                        times.push(start.elapsed());
                    }
                    times
                })
            })
            .collect();
        for writer in writers {
            times.extend(writer.join().expect("writer"));
        }
    });
    per_second(times.len() - before, begun)
}

fn rebuild(dir: &Path) {
    let journal = Journal::create(&dir.join("indexed")).expect("journal");
    let record = |n: u64| [n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(); 4].concat();
    for batch in 0..INDEXED / 1000 {
        journal.append_all((batch * 1000..(batch + 1) * 1000).map(record).collect()).expect("append");
    }
    let (index, _) = Index::open(&dir.join("index"), IndexOptions::default()).expect("index");
    let begun = Instant::now();
    let mut extract = |seq, bytes: &[u8]| -> Result<Vec<IndexEntry>, IndexError> {
        let entry = |tree, key: &[u8]| IndexEntry { tree, key: key.to_vec(), seq };
        Ok(vec![entry(Tree::Subject, &bytes[..16]), entry(Tree::Time, &seq.to_be_bytes())])
    };
    index.catch_up(Source::Translog, &journal, &mut extract).expect("index");
    index.flush().expect("flush");
    let records = per_second(usize::try_from(INDEXED).expect("records"), begun);
    println!("index rebuilt from {INDEXED} records, two keys each: {records:.0} records/s");
}
