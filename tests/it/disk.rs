//! Disks that fail under a whole node: full, refusing a write, refusing a sync. Nothing that was acknowledged is lost,
//! nothing leaves unlogged, and the node goes on or stops as the design says. Each test prints what it ran on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ketenpoort::domain::reason::ReasonCode;
use tonic::Code;

use crate::demo::ketenpoort;
use crate::hostile::{AGGREGATE, Got, NODE, Siege};
use crate::three::{Three, event_file, within};

/// A mounted file system, unmounted when dropped.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Mounts what `words` say on `dir`; `None` where that is not allowed.
fn mount(words: &[&str], dir: &Path) -> Option<Mounted> {
    fs::create_dir_all(dir).expect("directory");
    let output = Command::new("mount").args(words).arg(dir).output().ok()?;
    output.status.success().then(|| Mounted(dir.to_owned()))
}

/// Moves the data of the node to the file system that `make` mounts in its place.
fn move_data<T>(three: &Three, make: impl FnOnce(&Path) -> Option<T>) -> Option<T> {
    let data = three.config(NODE).data;
    let aside = data.with_extension("aside");
    fs::rename(&data, &aside).expect("moved aside");
    let mounted = make(&data);
    if mounted.is_none() {
        let _ = fs::remove_dir(&data);
        fs::rename(&aside, &data).expect("moved back");
        return None;
    }
    let copied = Command::new("cp").arg("-a").arg(aside.join(".")).arg(&data).status().expect("cp");
    assert!(copied.success());
    Some(mounted.expect("mounted"))
}

/// Fills the file system of `dir` to the last byte.
fn fill(dir: &Path) -> PathBuf {
    use std::io::Write;
    let filler = dir.join("filler");
    let mut file = fs::File::create(&filler).expect("a file");
    for size in [1 << 16, 1 << 10, 1] {
        while file.write(&vec![7; size]).is_ok_and(|n| n > 0) {}
    }
    assert!(file.write(&[7]).is_err(), "there is no byte left");
    filler
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn intake(three: &Three, more: &[&str]) -> Output {
    let (file, node) = (event_file("gi-"), three.path(NODE));
    let words = ["intake", &file, "--node", &node, "--gegevens", "2021-01-01..2025-12-31", "--json"];
    ketenpoort(&[&words, more].concat())
}

/// The counts of an intake, without the mark of a dry run.
fn counts(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", stderr(output));
    let mut report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for file in report["bestanden"].as_array_mut().expect("files") {
        file["dry_run"] = false.into();
    }
    report
}

fn verified(three: &Three) {
    let (node, card) = (three.path(NODE), three.path("a/card.json"));
    let output = ketenpoort(&["log", "verify", "--node", &node, "--trust", &card]);
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
}

/// An intake that meets a full disk stores nothing and says so; it is refused for want of space, not of rights.
fn intake_finds_no_room(three: &Three) {
    let output = intake(three, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("schijf is vol"), "{}", stderr(&output));
    assert!(output.stdout.is_empty(), "no report of what was not stored");
}

#[test]
fn on_a_full_disk_nothing_is_half_stored_and_nothing_leaves() {
    let three = Three::new();
    three.certify();
    three.agree();
    let Some(_mounted) = move_data(&three, |data| mount(&["-t", "tmpfs", "-o", "size=4m", "tmpfs"], data)) else {
        eprintln!("full disk: mounting is not allowed here; only the failpoints of storage were run");
        return;
    };
    eprintln!("full disk: a tmpfs of 4 MB");
    let expected = counts(&intake(&three, &["--proef"]));

    // Stopped: no byte free, then room for a part.
    let filler = fill(&three.config(NODE).data);
    intake_finds_no_room(&three);
    verified(&three);
    shrink(&filler, 8192);
    intake_finds_no_room(&three);
    fs::remove_file(&filler).expect("removed");
    assert_eq!(counts(&intake(&three, &[])), expected, "the whole delivery, once");

    // Running: questions are refused without a trace of what was asked, and counted when space returns.
    let mut three = three;
    three.serve(&[NODE]);
    let mut siege = Siege::of(three);
    let before = siege.answered();
    let filler = fill(&siege.three.config(NODE).data);
    let mut answers = vec![before];
    let mut refused = 0;
    while refused < 3 {
        match siege.monitor.ask(AGGREGATE, siege.good_question()) {
            Got::Answer(document) => answers.push(document),
            Got::Refused(Code::ResourceExhausted, ReasonCode::DiskFull) => refused += 1,
            other => panic!("{other:?}: {}", siege.three.stderr(NODE)),
        }
        assert!(answers.len() < 100, "the disk does not fill");
    }
    let other = siege.question("IND-01", "2022-H1", &[]);
    assert_eq!(
        siege.monitor.ask(AGGREGATE, other),
        Got::Refused(Code::ResourceExhausted, ReasonCode::DiskFull),
        "also a question that is not allowed"
    );
    intake_finds_no_room(&siege.three);
    verified(&siege.three);
    fs::remove_file(&filler).expect("removed");
    answers.push(siege.answered());
    within("the refusals are counted", || siege.three.refusals(NODE).get(&ReasonCode::DiskFull) == Some(&4));

    // Killed and started again without a byte to write: it reads, refuses and counts on.
    let filler = fill(&siege.three.config(NODE).data);
    let open = leave_one_open(&siege, &filler, &mut answers);
    take_the_slack(&siege);
    siege.three.signal(NODE, "KILL");
    assert_eq!(siege.three.ended(NODE), None);
    siege.three.serve(&[NODE]);
    let refused = siege.monitor.ask(AGGREGATE, siege.good_question());
    assert_eq!(refused, Got::Refused(Code::ResourceExhausted, ReasonCode::DiskFull));
    verified(&siege.three);
    fs::remove_file(&filler).expect("removed");
    within("the refusals are counted", || siege.three.refusals(NODE).get(&ReasonCode::DiskFull) >= Some(&5));
    all_logged(&siege.three, &answers);
    siege.three.stop(NODE);
    siege.three.serve(&[NODE]);
    let log = siege.three.log(NODE);
    let closed = log.iter().find(|e| e["phase"] == "OUTCOME" && e["transfer_id"] == open).expect("an outcome");
    assert_eq!(closed["outcome"], "UNKNOWN", "nobody knows whether it arrived");
    let again = counts(&intake(&siege.three, &[]));
    assert_eq!(again["bestanden"][0]["rows"], expected["bestanden"][0]["rows"]);
    assert!(again["bestanden"][0]["outcomes"]["ongewijzigd"].as_u64() > Some(0), "{again}");
    verified(&siege.three);
}

/// Answers until there is room for an INTENT but not for its OUTCOME; the transfer that was left open.
fn leave_one_open(siege: &Siege, filler: &Path, answers: &mut Vec<Vec<u8>>) -> serde_json::Value {
    for _ in 0..100 {
        while let Got::Answer(document) = siege.monitor.ask(AGGREGATE, siege.good_question()) {
            answers.push(document);
        }
        if let Some(open) = open_transfers(&siege.three).pop() {
            return open;
        }
        shrink(filler, 4096);
    }
    panic!("the OUTCOME always fits");
}

/// Waits until the end of the log's last block is too short even for the count of a refusal, the shortest entry: the node
/// writes that every second when it fits.
fn take_the_slack(siege: &Siege) {
    let counted = || siege.three.refusals(NODE).get(&ReasonCode::DiskFull).copied();
    loop {
        let before = counted();
        let refused = siege.monitor.ask(AGGREGATE, siege.good_question());
        assert_eq!(refused, Got::Refused(Code::ResourceExhausted, ReasonCode::DiskFull));
        std::thread::sleep(std::time::Duration::from_millis(2500));
        if counted() == before {
            return;
        }
    }
}

/// Makes a file shorter by some bytes.
fn shrink(file: &Path, bytes: u64) {
    let open = fs::OpenOptions::new().write(true).open(file).expect("opened");
    open.set_len(open.metadata().expect("metadata").len() - bytes).expect("cut");
}

/// Transfers with an INTENT and no OUTCOME.
fn open_transfers(three: &Three) -> Vec<serde_json::Value> {
    let log = three.log(NODE);
    let of = |phase: &str| -> Vec<serde_json::Value> {
        log.iter().filter(|e| e["phase"] == phase).map(|e| e["transfer_id"].clone()).collect()
    };
    let ended = of("OUTCOME");
    of("INTENT").into_iter().filter(|id| !ended.contains(id)).collect()
}

/// Each answer that left is in the log as an INTENT with its transfer.
fn all_logged(three: &Three, answers: &[Vec<u8>]) {
    let log = three.log(NODE);
    for answer in answers {
        let document: serde_json::Value = serde_json::from_slice(answer).expect("JSON");
        let logged = log.iter().any(|e| e["phase"] == "INTENT" && e["transfer_id"] == document["transfer"]);
        assert!(logged, "{} left unlogged", document["transfer"]);
    }
}

/// Asks until the node cannot log any more: it must then refuse or hang up, and stop by itself.
fn ask_until_it_stops(siege: &mut Siege) -> Vec<Vec<u8>> {
    let question = siege.good_question();
    let mut answers = Vec::new();
    loop {
        let transfer_id = crate::hostile::fresh_id();
        let message = crate::hostile::proto::AggregateRequest { transfer_id, ..question.clone() };
        match siege.monitor.ask(AGGREGATE, message) {
            Got::Answer(document) => answers.push(document),
            Got::Refused(Code::Unavailable, ReasonCode::LogUnavailable) | Got::Closed => break,
            other => panic!("{other:?}"),
        }
        assert!(answers.len() < 2000, "no write fails");
    }
    let code = siege.three.ended(NODE);
    assert_eq!(code, Some(3), "{}", siege.three.stderr(NODE));
    assert!(!answers.is_empty());
    answers
}

#[test]
fn after_a_failed_write_the_node_stops_and_keeps_what_it_acknowledged() {
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    three.serve(&[NODE]);
    let siege = Siege::of(three);
    let first = siege.answered();
    let mut three = siege.three;
    three.stop(NODE);
    // The kernel refuses (EFBIG) what would make a file longer than this; the shell counts blocks of 512 bytes or more.
    let blocks = (journal_bytes(&three.config(NODE).data.join("translog/journal")) / 512 + 16).to_string();
    let mut limited = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f $1; shift; exec \"$@\"";
    limited.args(["-c", script, "sh", &blocks, env!("CARGO_BIN_EXE_ketenpoort"), "serve", "--node", &three.path(NODE)]);
    eprintln!("failed write: a limit of {blocks} blocks on the size of a file");
    three.start(NODE, limited);
    let mut siege = Siege::of(three);
    let answers = [vec![first], ask_until_it_stops(&mut siege)].concat();
    starts_again(siege, &answers);
}

#[test]
fn a_refusal_for_a_fault_of_the_other_journal_is_in_the_transfer_log() {
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    let data = three.config(NODE).data;
    let (state, log) = (journal_bytes(&data.join("state")), journal_bytes(&data.join("translog/journal")));
    // The state journal cannot grow by a block, which freezing and releasing need; the transfer log can.
    let blocks = state / 512;
    assert!(log + (16 << 10) < state, "{log} {state}");
    let mut limited = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f $1; shift; exec \"$@\"";
    let words = [env!("CARGO_BIN_EXE_ketenpoort"), "serve", "--node", &three.path(NODE)];
    limited.args(["-c", script, "sh", &blocks.to_string()]).args(words);
    three.start(NODE, limited);
    let mut siege = Siege::of(three);
    let refused = siege.monitor.ask(AGGREGATE, siege.good_question());
    assert_eq!(refused, Got::Refused(Code::Unavailable, ReasonCode::LogUnavailable));
    assert_eq!(siege.three.ended(NODE), Some(3), "{}", siege.three.stderr(NODE));
    let entries = siege.three.log(NODE);
    let denied: Vec<_> = entries.iter().filter(|e| e["phase"] == "DENY").collect();
    assert_eq!(denied.len(), 1, "{entries:#?}");
    assert_eq!(denied[0]["reason_codes"][0], ReasonCode::LogUnavailable.code());
    assert_eq!(siege.three.refusals(NODE).get(&ReasonCode::LogUnavailable), Some(&1), "and not counted besides");
    starts_again(siege, &[]);
}

/// Without the fault the node starts, and has everything that it acknowledged.
fn starts_again(mut siege: Siege, answers: &[Vec<u8>]) {
    siege.three.serve(&[NODE]);
    all_logged(&siege.three, answers);
    verified(&siege.three);
    siege.answered();
}

#[test]
fn after_a_failed_sync_the_node_stops_and_keeps_what_it_acknowledged() {
    if !Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success()) {
        eprintln!("failed sync: strace is not here; only the failpoints of storage were run");
        return;
    }
    eprintln!("failed sync: the system call fails with EIO, by strace");
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    // Counted for each thread; the thread that writes the transfer log is the first to come so far. (A loop device over a
    // full file system will not do: its driver calls a short write a success.)
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=20+"]);
    traced.args([env!("CARGO_BIN_EXE_ketenpoort"), "serve", "--node", &three.path(NODE)]);
    three.start(NODE, traced);
    let mut siege = Siege::of(three);
    let answers = ask_until_it_stops(&mut siege);
    starts_again(siege, &answers);
}

/// Length of the longest file of a journal.
fn journal_bytes(dir: &Path) -> u64 {
    let lengths = fs::read_dir(dir).expect("journal").map(|e| e.expect("entry").metadata().expect("metadata").len());
    lengths.max().expect("a segment")
}
