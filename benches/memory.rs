//! Memory of a node as the system sees it: at rest after a small intake (the target is 40 MB), while a million rows come
//! in, and at rest with them (256 MB). `cargo bench --bench memory`; a number of rows can be given as an argument.

mod setup;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use setup::made::{PROGRAM, run};
use setup::{Nodes, size_asked, write_rows};

fn main() {
    let Some(rows) = size_asked(1_000_000) else { return };
    let nodes = Nodes::new([17_111, 17_112, 17_113]);
    let node = nodes.path("a");
    let small = write_rows(Path::new(&nodes.path("small.csv")), 1000);
    run(&["intake", small.to_str().expect("UTF-8"), "--node", &node]);
    served(&node, "1,000 rows");

    let large = write_rows(Path::new(&nodes.path("large.csv")), rows);
    let mut intake = program(&["intake", large.to_str().expect("UTF-8"), "--node", &node]);
    let (begun, mut peak) = (Instant::now(), 0.0_f64);
    while intake.try_wait().expect("a child").is_none() {
        peak = peak.max(memory_mb(intake.id(), "VmHWM"));
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("intake of {rows} rows: peak {peak:.0} MB, {:.1} s", begun.elapsed().as_secs_f64());
    served(&node, &format!("{rows} rows"));
}

fn program(words: &[&str]) -> Child {
    Command::new(PROGRAM).args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// Serves the node, waits until it answers and has been at rest, and prints what it holds.
fn served(node: &str, what: &str) {
    let begun = Instant::now();
    let mut child = program(&["serve", "--node", node]);
    let running = || run_ok(&["doctor", "--node", node]);
    while !running() {
        assert!(begun.elapsed() < Duration::from_secs(120), "the node does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    let ready = begun.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_secs(5));
    let (rest, peak) = (memory_mb(child.id(), "VmRSS"), memory_mb(child.id(), "VmHWM"));
    println!("a node at rest with {what}: {rest:.0} MB (peak {peak:.0} MB while opening), ready after {ready:.1} s");
    let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(stopped.is_ok_and(|status| status.success()) && child.wait().is_ok());
}

fn run_ok(words: &[&str]) -> bool {
    let output = Command::new(PROGRAM).args(words).output().expect("the program starts");
    String::from_utf8_lossy(&output.stdout).contains("de node draait en luistert")
}

/// A line such as `VmRSS` of a process in MB.
fn memory_mb(pid: u32, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let found = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':'));
    let kilobytes = found.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
