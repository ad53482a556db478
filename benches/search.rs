//! Searching a transfer log of many entries: building the index, then pages of 50 by each kind of condition, through the
//! index, and free text. `cargo bench --bench search -- 10000000`; the log is kept in `target/search` for a next run. With
//! `console`, pages of the console over such a log instead: `cargo bench --bench search -- 1000000 console`.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[path = "setup/console.rs"]
mod console;
#[path = "setup/cpu.rs"]
mod cpu;
#[path = "setup/filled.rs"]
mod filled;

use cpu::cpu;
use filled::{fill, filled, oin};
use ketenpoort::service::core::Clock;
use ketenpoort::storage::log::{Filter, LogIndex};
use ketenpoort::translog::entry::{Decision, Direction, Entry, Outcome, Phase, TransferId};

const START_MS: u64 = 1_600_000_000_000;
const STEP_MS: u64 = 30_000;
const PAGE: usize = 50;

fn id(n: u64) -> TransferId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    TransferId::new(START_MS + n * STEP_MS, random)
}

fn label(n: u64) -> Vec<u8> {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes().repeat(2)
}

/// The two entries of transfer `n`: one of 20 partners, 3 purposes, 17 fields, a label and trace of its own.
fn transfer(n: u64) -> [Entry; 2] {
    let about = |phase| Entry {
        sender_oin: Some(oin(1)),
        receiver_oin: Some(oin(2 + n % 20)),
        service: "ketenpoort.v1.Node/Aggregate".to_owned(),
        trace_id: Some([n.to_be_bytes(), n.to_le_bytes()].concat().try_into().expect("16 bytes")),
        ..Entry::new(id(n), Direction::Outgoing, phase, START_MS + n * STEP_MS)
    };
    let intent = Entry {
        purpose: ["P1", "P3", "P5"][usize::try_from(n % 3).expect("small")].to_owned(),
        ground_article: "Jeugdwet 7.4.1".to_owned(),
        field_names: vec![format!("IND-{:02}", 1 + n % 17)],
        action: if n == 7 { "Zeldzame handeling" } else { "Cijfers vrijgeven aan de ketenmonitor" }.to_owned(),
        activity_own: "urn:oin:00000099000000000001/verwerkingsactiviteiten/proef/P1/v1".to_owned(),
        decision: Some(Decision::Allow),
        subject_label: label(n),
        subject_sealed: vec![7; 96],
        ..about(Phase::Intent)
    };
    [
        intent,
        Entry {
            outcome: Some(if n % 5000 == 3 { Outcome::Unknown } else { Outcome::Confirmed }),
            ..about(Phase::Outcome)
        },
    ]
}

/// Entries a second, by the clock and by processor time.
fn rates(entries: u64, begun: Instant, used: Duration) -> String {
    let rate = |time: Duration| entries as f64 / time.as_secs_f64() / 1000.0;
    format!("{:.0} k/s, {:.0} k/s of processor time", rate(begun.elapsed()), rate(cpu() - used))
}

/// The pages of the console that show the log; entries end now, so that a week of them is on the overview.
fn console(home: &std::path::Path, entries: u64) {
    let core = console::node(&home.join(format!("node-{entries}")));
    let begin = ketenpoort::node::SystemClock.now_ms() - entries / 2 * STEP_MS;
    let (appended, took) = fill(core.transfer_log(), entries, |n| {
        let moved = |mut entry: Entry| {
            entry.start_ms = entry.start_ms - START_MS + begin;
            entry
        };
        transfer(n).map(moved).to_vec()
    });
    println!("{appended} entries appended in {:.0} s", took.as_secs_f64());
    core.follow_log();
    let one = format!("/overdracht/{}", id(entries / 4));
    let partner = format!("/logboek?partner={}&doel=P1", oin(5));
    let (proof, text) = (format!("{one}/bewijs.json"), "/logboek?tekst=zeldzame");
    let last =
        ["/logboek?dienst=ketenpoort.v1.Node%2FRegionalSum", text, "/auditlog", "/kinderen", "/bewaren", "/status"];
    let first = ["/", "/overzicht", "/logboek", &partner, &one, &proof];
    console::pages(&core, &[&first[..], &last[..]].concat());
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --benches` only asks whether it starts.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let entries = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(300_000);
    let home = PathBuf::from("target/search");
    fs::create_dir_all(&home).expect("directory");
    if arguments.iter().any(|argument| argument == "console") {
        return console(&home, entries);
    }
    let (log, ..) = filled(&home.join(format!("log-{entries}")), entries, |n| transfer(n).to_vec());
    let place = home.join("index");
    let _ = fs::remove_dir_all(&place);
    let index = LogIndex::new(&place, oin(1));
    let (begun, used) = (Instant::now(), cpu());
    index.follow(&log);
    index.flush();
    println!("index built over {} entries: {}", log.len(), rates(log.len(), begun, used));
    let (begun, used) = (Instant::now(), cpu());
    let count = log.entries(0..log.len()).filter(Result::is_ok).count();
    println!("reading and decoding alone: {}", rates(count as u64, begun, used));

    let middle = entries / 4;
    let at = |n: u64| Some(START_MS + n * STEP_MS);
    let any = Filter::default;
    let text = |text: &str| Some(text.to_owned());
    let questions = [
        ("everything", any()),
        ("a partner", Filter { partner: Some(oin(5)), ..any() }),
        (
            "partner, field and purpose",
            Filter { partner: Some(oin(5)), field: text("IND-04"), purpose: text("P1"), ..any() },
        ),
        ("an hour long ago", Filter { from_ms: at(100), until_ms: at(220), ..any() }),
        (
            "a day and a field",
            Filter { from_ms: at(middle), until_ms: at(middle + 2880), field: text("IND-09"), ..any() },
        ),
        ("a ground", Filter { ground: text("7.4"), ..any() }),
        ("an outcome that is seldom", Filter { outcome: Some(Outcome::Unknown), ..any() }),
        ("a transfer", Filter { transfer: Some(id(middle)), ..any() }),
        ("a trace", Filter { trace: transfer(middle)[0].trace_id, ..any() }),
        ("no result", Filter { field: text("IND-99"), ..any() }),
        ("free text, over the whole log", Filter { text: text("zeldzame"), ..any() }),
    ];
    for (what, filter) in questions {
        let begun = Instant::now();
        let found = index.newest(&log, &filter, (None, PAGE)).expect("found").len();
        println!("{what}: {found} entries in {:.1} ms", begun.elapsed().as_secs_f64() * 1000.0);
    }
    let labels: Vec<[u8; 16]> = (0..64).map(|n| label(middle + n).try_into().expect("16 bytes")).collect();
    let begun = Instant::now();
    let found = index.labelled(&log, &labels).expect("found").len();
    println!("64 labels of a data subject: {found} entries in {:.1} ms", begun.elapsed().as_secs_f64() * 1000.0);
}
