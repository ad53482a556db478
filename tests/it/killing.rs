//! kill -9 of a writer at a random moment. The killed writer is this test program itself, started for one ignored test.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use ketenpoort::crypto::random;

/// The child works in the directory that this names.
const DIR: &str = "KETENPOORT_KILL_DIR";
/// How often to kill: `KETENPOORT_KILLS` when that is set, as the long run does.
pub fn kills(usual: u64) -> u64 {
    std::env::var("KETENPOORT_KILLS").map_or(usual, |text| text.parse().expect("KETENPOORT_KILLS is a number"))
}

pub fn say(line: &str) {
    // Past the capture of the test harness. A child whose parent is gone ends.
    let mut out = std::io::stdout().lock();
    if out.write_all(format!("\n{line}\n").as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

pub fn below(limit: u64) -> u64 {
    u64::from_be_bytes(random()) % limit
}

/// Starts this program for the ignored test `name` only.
pub fn start(name: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().expect("path of this program"))
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program again")
}

pub fn child_dir() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

/// Lets the child run until it says `ready`, then `after` longer, kills it, and returns all that it said.
pub fn kill(mut child: Child, ready: &'static str, after: Duration) -> Vec<String> {
    let (said, hear) = channel();
    let pipe = child.stdout.take().expect("piped output");
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if line == ready {
                let _ = said.send(());
            }
            lines.push(line);
        }
        lines
    });
    match hear.recv_timeout(Duration::from_secs(60)) {
        Ok(()) => std::thread::sleep(after),
        Err(RecvTimeoutError::Timeout) => {
            child.kill().expect("kill");
            panic!("the child is not ready in 60 s");
        }
        Err(RecvTimeoutError::Disconnected) => {
            let output = child.wait_with_output().expect("output of the child");
            panic!("the child stopped by itself: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    child.kill().expect("kill");
    child.wait().expect("wait");
    reader.join().expect("reader")
}

/// The numbers on lines that begin with `word`.
pub fn numbers(lines: &[String], word: &str) -> Vec<Vec<u64>> {
    let of_word = lines.iter().filter_map(|line| line.strip_prefix(word));
    // A kill in the middle of a line leaves less of it; only whole ones end with a full stop.
    let whole = of_word.filter_map(|line| line.strip_suffix('.'));
    whole.map(|line| line.split_whitespace().map(|n| n.parse().expect("number")).collect()).collect()
}
