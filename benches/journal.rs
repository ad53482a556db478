//! Durable appends of 600 bytes by 64 writers, against a bare file that gets 64 such records in one write and one
//! `fdatasync`: the most that this disk gives to writers that all wait. Both run in turns in one run; the ratio counts,
//! the times do not.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use ketenpoort::storage::journal::{Journal, Options};

const WRITERS: usize = 64;
const RECORD: usize = 600;
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let dir = tempfile::tempdir_in(".").expect("a directory on the disk to be measured");
    let (mut bare, mut journal) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        bare.push(bare_file(&dir.path().join(format!("bare{round}"))));
        journal.push(durable_appends(&dir.path().join(format!("journal{round}"))));
    }
    for ((rate, p99), bare) in journal.iter().zip(&bare) {
        println!("journal {rate:>9.0} /s   bare {bare:>9.0} /s   ratio {:.2}   p99 {p99:?}", rate / bare);
    }
    let best = |rates: &mut dyn Iterator<Item = f64>| rates.fold(0.0, f64::max);
    let ratio = best(&mut journal.iter().map(|(rate, _)| *rate)) / best(&mut bare.iter().copied());
    println!("journal / bare file, best of {ROUNDS}: {ratio:.2}");
}

fn per_second(count: usize, begun: Instant) -> f64 {
    f64::from(u32::try_from(count).expect("a count of seconds")) / begun.elapsed().as_secs_f64()
}

fn bare_file(path: &Path) -> f64 {
    let mut file = File::create(path).expect("file");
    let batch = vec![7; RECORD * WRITERS];
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < ROUND {
        file.write_all(&batch).expect("write");
        file.sync_data().expect("fdatasync");
        count += WRITERS;
    }
    per_second(count, begun)
}

/// Records per second, and the time within which 99 of 100 appends were acknowledged.
fn durable_appends(dir: &Path) -> (f64, Duration) {
    let journal = Journal::create_with(dir, Options::default()).expect("journal");
    let begun = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    while begun.elapsed() < ROUND {
                        let start = Instant::now();
                        journal.append(vec![7; RECORD]).expect("append");
                        times.push(start.elapsed());
                    }
                    times
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().expect("writer")).collect()
    });
    let rate = per_second(times.len(), begun);
    times.sort_unstable();
    (rate, times[times.len() * 99 / 100])
}
