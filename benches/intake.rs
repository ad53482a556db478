//! Intake end to end (parse, check, pseudonymise, seal, durable, in memory again) against what it cannot do without:
//! `csv` parsing alone, and that with two HMACs a row and sealing. CPU time of all threads; the machine may be shared.
//! `cargo bench --bench intake`; a number of rows can be given as an argument.

mod setup;

use std::path::Path;

use ketenpoort::config::Config;
use ketenpoort::crypto::{MacKey, SealKey, Secret32};
use ketenpoort::service::deliver::IntakeOptions;
use setup::{Nodes, size_asked, write_rows};

const BATCH: usize = 1000;

fn main() {
    let Some(rows) = size_asked(500_000) else { return };
    let nodes = Nodes::new([17_101, 17_102, 17_103]);
    let file = write_rows(Path::new(&nodes.path("rows.csv")), rows);
    let (mut parsing, mut least) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        parsing = parsing.min(timed(|| assert!(parse(&file) > 0)));
        least = least.min(timed(|| assert!(parse_and_protect(&file) > 0)));
    }
    let node =
        ketenpoort::node::open(Config::load(Path::new(&nodes.path("a"))).expect("configuration")).expect("a node");
    let begun = std::time::Instant::now();
    let mut stored = 0;
    let whole = timed(|| {
        let reports =
            node.core.intake(std::slice::from_ref(&file), IntakeOptions::default(), &|_, _| {}).expect("taken in");
        stored = reports.iter().map(|report| report.rows).sum();
    });
    assert_eq!(stored, rows, "every row was read");
    let rate = |seconds: f64| f64::from(u32::try_from(rows).expect("rows")) / seconds / 1000.0;
    println!(
        "intake of {rows} rows: {:.0} k rows/s a core ({:.1} s on the clock)",
        rate(whole),
        begun.elapsed().as_secs_f64()
    );
    println!("csv alone: {:.0} k rows/s; intake takes {:.1} times as long", rate(parsing), whole / parsing);
    println!(
        "csv, two HMACs a row and sealing: {:.0} k rows/s; intake takes {:.1} times as long",
        rate(least),
        whole / least
    );
}

/// CPU seconds of this process so far, all threads, as the system counts them (a hundredth of a second at best).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / 100.0
}

fn timed(work: impl FnOnce()) -> f64 {
    let begun = cpu_seconds();
    work();
    (cpu_seconds() - begun).max(0.01)
}

fn parse(file: &Path) -> usize {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_path(file).expect("file");
    let (mut record, mut bytes) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).expect("row") {
        bytes += record.as_slice().len();
    }
    bytes
}

fn parse_and_protect(file: &Path) -> usize {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_path(file).expect("file");
    let (local, chain) = (MacKey::from_slice(b"local key"), MacKey::from_slice(b"chain base"));
    let seal = SealKey::new(Secret32::new([7; 32]));
    let (mut record, mut batch, mut rows, mut sealed) = (csv::ByteRecord::new(), Vec::new(), 0, 0);
    while reader.read_byte_record(&mut record).expect("row") {
        let bsn = record.get(2).unwrap_or_default();
        batch.extend_from_slice(record.as_slice());
        batch.extend_from_slice(local.tag(&[bsn]).expose());
        batch.extend_from_slice(chain.tag(&[bsn]).expose());
        rows += 1;
        if rows % BATCH == 0 {
            sealed += seal.seal(b"batch", &batch).len();
            batch.clear();
        }
    }
    sealed + seal.seal(b"batch", &batch).len()
}
