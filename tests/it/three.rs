//! Three nodes in three directories as on three machines, made and run by the commands of the README: the fixture of
//! tests on whole nodes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ketenpoort::config::Config;
use ketenpoort::domain::reason::ReasonCode;

use crate::demo::{done, ketenpoort};
use crate::made;
pub use crate::made::OINS;

/// A home with the directories `a` (a GI), `b` (Veilig Thuis) and `m` (the monitor), and the processes that serve them.
pub struct Three {
    _home: tempfile::TempDir,
    pub home: PathBuf,
    running: BTreeMap<String, Child>,
}

impl Drop for Three {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Three {
    /// Three new nodes without certificates.
    pub fn new() -> Self {
        let home = tempfile::tempdir().expect("temporary directory");
        let path = home.path().to_owned();
        let three = Self { _home: home, home: path, running: BTreeMap::new() };
        let input = region();
        let region: serde_json::Value =
            serde_json::from_slice(&std::fs::read(input.join("organisations.json")).expect("organisations.json"))
                .expect("JSON");
        let held = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").expect("a port"));
        let ports = held.each_ref().map(|l| l.local_addr().expect("address").port());
        drop(held);
        made::init(&three.home, &region["gemeenten"].to_string(), ports);
        three
    }

    /// A path in the home.
    pub fn path(&self, part: &str) -> String {
        made::path(&self.home, part)
    }

    /// Runs a command on node `key` and expects success; its standard output.
    pub fn node(&self, command: &[&str], key: &str) -> String {
        let node = self.path(key);
        done(&[command, &["--node", &node]].concat())
    }

    /// Gives all three a certificate of the test authority in `pki`.
    pub fn certify(&self) {
        made::certify(&self.home);
    }

    /// A convenant in force between the three, taken over by all.
    pub fn agree(&self) {
        self.propose("proef", "2020-01-01", |draft| draft);
        for key in ["b", "m", "a", "b"] {
            self.accept("proef", key);
        }
        assert!(self.node(&["convenant", "show"], "b").contains("in werking"));
    }

    /// A convenant of the three named `id` from day `from`, its draft changed by `edit`, signed by `a` alone, in `<id>.json`.
    pub fn propose(&self, id: &str, from: &str, edit: impl FnOnce(String) -> String) {
        made::propose(&self.home, (id, from), edit);
    }

    /// Node `key` signs and takes over the bundle of `id`.
    pub fn accept(&self, id: &str, key: &str) {
        made::accept(&self.home, id, key);
    }

    /// Takes in the example file of the GI on node `a`.
    pub fn deliver(&self) {
        self.node(&["intake", &event_file("gi-"), "--gegevens", "2021-01-01..2025-12-31"], "a");
    }

    /// Serves these nodes; each is ready when this returns.
    pub fn serve(&mut self, keys: &[&str]) {
        for key in keys {
            self.start(key, self.serving(key));
        }
    }

    /// The command that serves node `key`.
    pub fn serving(&self, key: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
        command.args(["serve", "--node", &self.path(key)]);
        command
    }

    /// Starts `command`, which serves node `key`, with its standard error in `<key>.log`; ready when this returns.
    pub fn start(&mut self, key: &str, command: Command) {
        self.spawn(key, command);
        self.await_ready(key);
    }

    /// As [`Three::start`], without waiting.
    pub fn spawn(&mut self, key: &str, mut command: Command) {
        let log = std::fs::File::create(self.home.join(format!("{key}.log"))).expect("log file");
        command.stdin(Stdio::null()).stderr(log).stdout(Stdio::null());
        self.running.insert(key.to_owned(), command.spawn().expect("started"));
    }

    /// Waits until node `key` answers.
    pub fn await_ready(&self, key: &str) {
        let end = Instant::now() + PATIENCE;
        while !doctor_says_running(&self.path(key)) {
            assert!(Instant::now() < end, "{key} is not ready: {}", self.stderr(key));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What node `key` wrote to its standard error since it started.
    pub fn stderr(&self, key: &str) -> String {
        std::fs::read_to_string(self.home.join(format!("{key}.log"))).unwrap_or_default()
    }

    /// Sends the process of node `key` a signal, such as `HUP`.
    pub fn signal(&self, key: &str, name: &str) {
        let id = self.running[key].id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().expect("kill").success());
    }

    /// Waits until the process of node `key` ends; its exit code.
    pub fn ended(&mut self, key: &str) -> Option<i32> {
        let mut child = self.running.remove(key).expect("running");
        let mut code = None;
        within(&format!("{key} ends"), || {
            code = child.try_wait().expect("waited for");
            code.is_some()
        });
        code.and_then(|status| status.code())
    }

    /// Asks node `key` to stop and waits for it.
    pub fn stop(&mut self, key: &str) {
        self.signal(key, "TERM");
        assert_eq!(self.ended(key), Some(0), "{}", self.stderr(key));
    }

    /// The configuration of node `key`.
    pub fn config(&self, key: &str) -> Config {
        Config::load(&self.home.join(key)).expect("configuration")
    }

    /// The transfer log of node `key`.
    pub fn log(&self, key: &str) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.node(&["log", "list", "--limit", "100000", "--json"], key)).expect("JSON")
    }

    /// How often each reason code is in the transfer log of node `key`, refused connections by their number.
    pub fn refusals(&self, key: &str) -> BTreeMap<ReasonCode, u64> {
        let mut found = BTreeMap::new();
        for entry in self.log(key) {
            for code in entry["reason_codes"].as_array().expect("codes") {
                let reason = ReasonCode::parse(code.as_str().expect("text")).expect("a code of the registry");
                *found.entry(reason).or_default() += entry["refused_connections"].as_u64().unwrap_or(1);
            }
        }
        found
    }
}

/// Long enough for anything that will happen; a test that waits this long fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `holds`.
pub fn within(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn doctor_says_running(node: &str) -> bool {
    let output = ketenpoort(&["doctor", "--node", node]);
    String::from_utf8_lossy(&output.stdout).contains("de node draait en luistert")
}

/// The example region.
pub fn region() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dirty")
}

/// The first event file of the example region whose name goes on with `prefix`.
pub fn event_file(prefix: &str) -> String {
    let mut names: Vec<PathBuf> = std::fs::read_dir(region())
        .expect("region")
        .map(|e| e.expect("entry").path())
        .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&format!("events-{prefix}"))))
        .collect();
    names.sort();
    names[0].to_str().expect("UTF-8").to_owned()
}
