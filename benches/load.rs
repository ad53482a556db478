//! Whole transfers over mutual TLS for some minutes: the monitor logs its question, a served node answers from its store, the
//! monitor keeps the receipt and logs it, and gives its own back. Transfers a second, times, and the memory of both sides at
//! the beginning and the end. `cargo bench --bench load -- MINUTES`; both sides share this machine.

mod setup;
#[path = "setup/transfer.rs"]
mod transfer;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ketenpoort::config::Config;
use ketenpoort::node::{Node, directory, tls_paths};
use ketenpoort::service::api::Peers;
use ketenpoort::transport::client::Client;
use ketenpoort::transport::tls::TlsHandle;
use setup::made::{PROGRAM, run};
use setup::{Nodes, size_asked, write_rows};
use transfer::transfer;

/// Askers at a time.
const ASKERS: usize = 32;
/// A line is printed this often.
const STEP: Duration = Duration::from_secs(30);

/// The served node, killed at the end.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(node: &str) -> Served {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--node", node]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let served = Served(command.spawn().expect("started"));
    let ready = || run_any(&["doctor", "--node", node]).contains("de node draait en luistert");
    while !ready() {
        std::thread::sleep(Duration::from_millis(100));
    }
    served
}

fn run_any(words: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(words).output().expect("the program starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Resident memory of a process in MB.
fn resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("status");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("VmRSS");
    line.split_whitespace().nth(1).expect("a number").parse::<f64>().expect("kB") / 1024.0
}

/// Asks until `end`; the times of transfers in milliseconds go to `times`.
fn ask_until(end: Instant, monitor: &Node, peers: &dyn Peers, times: &Mutex<Vec<f64>>) {
    while Instant::now() < end {
        let begun = Instant::now();
        transfer(monitor, peers);
        times.lock().expect("times").push(begun.elapsed().as_secs_f64() * 1000.0);
    }
}

fn main() {
    let Some(minutes) = size_asked(1) else { return };
    let nodes = Nodes::new([17_131, 17_132, 17_133]);
    let rows = write_rows(Path::new(&nodes.path("rows.csv")), 5_000);
    run(&["intake", rows.to_str().expect("UTF-8"), "--gegevens", "2021-01-01..2025-12-31", "--node", &nodes.path("a")]);
    let served = serve(&nodes.path("a"));
    let monitor = ketenpoort::node::open(Config::load(Path::new(&nodes.path("m"))).expect("configuration")).expect("m");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let tls = TlsHandle::open(tls_paths(&monitor.config)).expect("certificates");
    let client = Client::new(tls, directory(&monitor.core), runtime.handle().clone());
    transfer(&monitor, &client);

    let begun = Instant::now();
    let end = begun + Duration::from_secs(60 * minutes);
    let times = Mutex::new(Vec::new());
    let mut all = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..ASKERS {
            scope.spawn(|| ask_until(end, &monitor, &client, &times));
        }
        while Instant::now() < end {
            let step = Instant::now();
            std::thread::sleep(STEP.min(end.saturating_duration_since(step)));
            let some = std::mem::take(&mut *times.lock().expect("times"));
            report(&some, step.elapsed(), resident(served.0.id()), resident(std::process::id()));
            all.extend(some);
        }
    });
    println!("in all:");
    report(&all, begun.elapsed(), resident(served.0.id()), resident(std::process::id()));
}

fn report(times: &[f64], during: Duration, node: f64, monitor: f64) {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(f64::NAN);
    println!(
        "{:.0} transfers/s, p50 {:.1} ms, p99 {:.1} ms; node {node:.0} MB, monitor {monitor:.0} MB",
        times.len() as f64 / during.as_secs_f64(),
        at(50),
        at(99)
    );
}
