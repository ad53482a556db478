//! A transfer log of many entries: appending, opening with and without the file `resume`, reading every entry against the
//! signed tree, exporting, verifying the export offline, and bytes on disk. Beside each stands reading the same bytes or
//! SHA-256 over them. `cargo bench --bench biglog -- 10000000`; the log is kept in `target/biglog` for a next run.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[path = "setup/filled.rs"]
mod filled;

use filled::{filled, key, oin};
use ketenpoort::crypto::digest;
use ketenpoort::storage::log::{ExportDirectory, TransferLog};
use ketenpoort::translog::entry::{Aggregate, Decision, Direction, Entry, Outcome, Phase, TransferId};
use ketenpoort::translog::verify::{Trust, verify};

const PURPOSES: [&str; 3] = ["P1", "P3", "P5"];

/// The two entries of transfer `n` with one of 20 partners, one of 50 a refusal, a transfer each half a minute.
fn transfer(n: u64) -> Vec<Entry> {
    let ms = 1_600_000_000_000 + n * 30_000;
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    let id = TransferId::new(ms, random);
    let about = |phase| Entry {
        sender_oin: Some(oin(1)),
        receiver_oin: Some(oin(2 + n % 20)),
        service: "ketenpoort.v1.Node/Aggregate".to_owned(),
        trace_id: Some([7; 16]),
        span_id: Some(n.to_be_bytes()),
        ..Entry::new(id, Direction::Outgoing, phase, ms)
    };
    let asked = Entry {
        convenant_id: "proef".to_owned(),
        convenant_hash: Some(digest(b"convenant")),
        purpose: PURPOSES[usize::try_from(n % 3).expect("small")].to_owned(),
        ground_article: "Jeugdwet 7.4.1".to_owned(),
        field_names: vec![format!("IND-{:02}", 1 + n % 17)],
        query_hash: Some(digest(&n.to_be_bytes())),
        action: "Cijfers vrijgeven aan de ketenmonitor".to_owned(),
        ..about(Phase::Intent)
    };
    if n % 50 == 7 {
        let reason_codes = vec!["KP-INDICATOR-NIET-TOEGESTAAN".to_owned()];
        return vec![Entry { phase: Phase::Deny, decision: Some(Decision::Deny), reason_codes, ..asked }];
    }
    let aggregate = Some(Aggregate { cells: 40, suppressed: 12, min_n: 10 });
    let intent = Entry { decision: Some(Decision::Allow), aggregate, payload_commitment: Some(digest(b"p")), ..asked };
    vec![intent, Entry { outcome: Some(Outcome::Confirmed), end_ms: Some(ms + 40), ..about(Phase::Outcome) }]
}

fn rate(what: &str, entries: u64, took: Duration) {
    let seconds = took.as_secs_f64();
    println!("{what}: {entries} entries in {seconds:.1} s, {:.0} k/s", entries as f64 / seconds / 1000.0);
}

fn bytes_below(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).expect("listed").map(|entry| entry.expect("entry"));
    entries
        .map(|e| if e.path().is_dir() { bytes_below(&e.path()) } else { e.metadata().expect("metadata").len() })
        .sum()
}

fn opening(dir: &Path, resume: bool) -> TransferLog {
    if !resume {
        fs::remove_file(dir.join("resume")).expect("removed");
    }
    let begun = Instant::now();
    let log = TransferLog::open(dir, oin(1), key()).expect("opens");
    let how = if resume { "with its `resume`" } else { "without `resume`, so reading all" };
    println!("opened {how}: {:.2} s", begun.elapsed().as_secs_f64());
    log
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --benches` only asks whether it starts.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let entries = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(300_000);
    let home = PathBuf::from("target/biglog");
    fs::create_dir_all(&home).expect("directory");
    let dir = home.join(format!("log-{entries}"));
    let (log, appended, took) = filled(&dir, entries, transfer);
    if appended > 0 {
        rate("durable appends", appended, took);
    }
    let len = log.len();
    drop(log);
    let bytes = bytes_below(&dir.join("journal"));
    println!(
        "journal: {:.0} bytes an entry, {:.0} a transfer",
        bytes as f64 / len as f64,
        2.0 * bytes as f64 / len as f64
    );
    drop(opening(&dir, true));
    let log = opening(&dir, false);

    let begun = Instant::now();
    let sum: u64 = log.raw_entries(0..len).map(|r| u64::from(digest(&r.expect("read").1).0[0])).sum();
    black_box(sum);
    rate("read and SHA-256 alone", len, begun.elapsed());
    let begun = Instant::now();
    log.audit().expect("audit");
    rate("audit: read, decode, tree", len, begun.elapsed());

    let out = home.join("export");
    let _ = fs::remove_dir_all(&out);
    let begun = Instant::now();
    log.export(&out, &[], 1_700_000_000_000).expect("export");
    rate("export", len, begun.elapsed());
    println!("export: {:.0} bytes an entry", bytes_below(&out) as f64 / len as f64);
    let begun = Instant::now();
    let trust =
        Trust { key: key().verifying_key(), oin: Some(oin(1)), earlier: None, quorum: None, parties: Vec::new() };
    let report = verify(&ExportDirectory::new(&out), Some(&trust));
    assert!(report.is_intact(), "{report}");
    rate("verify the export", len, begun.elapsed());
    let _ = fs::remove_dir_all(&out);
}
