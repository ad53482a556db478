//! Two organisations and a monitor, in three directories as on three machines: the README's dozen lines, and what goes wrong.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::demo::{done, ketenpoort};

/// OINs of the three.
const OINS: [&str; 3] = ["00000099000000000001", "00000099000000000002", "00000099000000000003"];

struct Three {
    _home: tempfile::TempDir,
    home: PathBuf,
    running: Vec<Child>,
}

impl Drop for Three {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Three {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("temporary directory");
        let path = home.path().to_owned();
        let three = Self { _home: home, home: path, running: Vec::new() };
        let input = region();
        let region: serde_json::Value =
            serde_json::from_slice(&std::fs::read(input.join("organisations.json")).expect("organisations.json"))
                .expect("JSON");
        std::fs::write(three.home.join("gemeenten.json"), region["gemeenten"].to_string()).expect("written");
        let held: Vec<_> = (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let ports: Vec<u16> = held.iter().map(|l| l.local_addr().expect("address").port()).collect();
        drop(held);
        let kinds = [("a", "GI", "GI Een"), ("b", "VT", "Veilig Thuis"), ("m", "MONITOR", "Monitor")];
        for (((key, kind, name), oin), port) in kinds.iter().zip(OINS).zip(ports) {
            let (node, address) = (three.path(key), format!("127.0.0.1:{port}"));
            let gemeenten = three.path("gemeenten.json");
            let mut words = vec!["init", "--node", &node, "--oin", oin, "--name", name, "--type", kind];
            words.extend(["--listen", &address, "--endpoint", &address, "--gemeenten", &gemeenten]);
            if *kind != "MONITOR" {
                words.extend(["--levert", kind]);
            }
            let shown = done(&words);
            assert!(shown.contains("Vingerafdruk"), "{shown}");
        }
        three
    }

    fn path(&self, part: &str) -> String {
        self.home.join(part).to_str().expect("UTF-8").to_owned()
    }

    fn node(&self, command: &[&str], key: &str) -> String {
        let node = self.path(key);
        done(&[command, &["--node", &node]].concat())
    }

    fn certify(&self) {
        let (pki, a, b, m) = (self.path("pki"), self.path("a"), self.path("b"), self.path("m"));
        done(&["cert", "example", "--pki", &pki, "--node", &a, "--node", &b, "--node", &m]);
    }

    fn agree(&self) {
        let cards: Vec<String> = ["a", "b", "m"].iter().map(|k| self.path(&format!("{k}/card.json"))).collect();
        let (toml, bundle) = (self.path("convenant.toml"), self.path("convenant.json"));
        let mut words = vec!["convenant", "new", "--id", "proef", "--monitor", OINS[2]];
        words.extend(["--from", "2020-01-01", "--until", "2035-12-31", "--out", &toml]);
        for card in &cards {
            words.extend(["--card", card]);
        }
        self.node(&words, "a");
        assert!(done(&["convenant", "check", &toml]).contains("geen fouten"));
        self.node(&["convenant", "propose", &toml, "--out", &bundle], "a");
        for key in ["b", "m", "a", "b"] {
            self.node(&["convenant", "accept", &bundle], key);
        }
        assert!(self.node(&["convenant", "show"], "b").contains("in werking"));
    }

    fn serve(&mut self, keys: &[&str]) {
        for key in keys {
            let log = std::fs::File::create(self.home.join(format!("{key}.log"))).expect("log file");
            let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
            command.args(["serve", "--node", &self.path(key)]).stdin(Stdio::null()).stderr(log).stdout(Stdio::null());
            self.running.push(command.spawn().expect("started"));
            let end = Instant::now() + Duration::from_secs(60);
            while !doctor_says_running(&self.path(key)) {
                assert!(Instant::now() < end, "{key} is not ready");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

fn doctor_says_running(node: &str) -> bool {
    let output = ketenpoort(&["doctor", "--node", node]);
    String::from_utf8_lossy(&output.stdout).contains("de node draait en luistert")
}

fn region() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dirty")
}

fn event_file(prefix: &str) -> String {
    let mut names: Vec<PathBuf> = std::fs::read_dir(region())
        .expect("region")
        .map(|e| e.expect("entry").path())
        .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&format!("events-{prefix}"))))
        .collect();
    names.sort();
    names[0].to_str().expect("UTF-8").to_owned()
}

#[test]
fn two_organisations_and_a_monitor_by_hand() {
    let mut three = Three::new();
    three.certify();
    three.agree();
    // Intake on a stopped node and, for the other, on a running one.
    three.node(&["intake", &event_file("gi-"), "--gegevens", "2021-01-01..2025-12-31"], "a");
    three.serve(&["a", "b", "m"]);
    let trial = three.node(&["intake", &event_file("vtt"), "--gegevens", "2021-01-01..2025-12-31", "--proef"], "b");
    assert!(trial.contains("proef: er is niets opgeslagen"), "{trial}");
    three.node(&["intake", &event_file("vtt"), "--gegevens", "2021-01-01..2025-12-31"], "b");
    let again = three.node(&["intake", &event_file("vtt"), "--gegevens", "2021-01-01..2025-12-31"], "b");
    assert!(again.contains("ongewijzigd"), "{again}");

    let out = three.path("rapport");
    three.node(
        &["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--by", "leeftijd", "--out", &out],
        "m",
    );
    let first = std::fs::read(Path::new(&out).join("report.json")).expect("report");
    three.node(
        &["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--by", "leeftijd", "--out", &out],
        "m",
    );
    assert_eq!(
        first,
        std::fs::read(Path::new(&out).join("report.json")).expect("report"),
        "the same question, the same figures"
    );

    // A question that the convenant does not grant never leaves, and a node that is gone is missing coverage.
    let refused = ketenpoort(&["monitor", "pull", "--node", &three.path("m"), "--period", "2022-H1", "--out", &out]);
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
    let peer = ketenpoort(&["doctor", "--node", &three.path("m"), "--peer", OINS[0]]);
    assert!(
        String::from_utf8_lossy(&peer.stdout).contains("antwoordt, versie"),
        "{}",
        String::from_utf8_lossy(&peer.stdout)
    );

    // Withdrawal stops the flow at once.
    let bundle = three.path("convenant.json");
    three.node(&["convenant", "withdraw", &bundle, "--out", &three.path("ingetrokken.json")], "b");
    three.node(&["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--out", &out], "m");
    let report = std::fs::read_to_string(Path::new(&out).join("report.json")).expect("report");
    assert!(report.contains(OINS[1]), "the node that withdrew is missing from the coverage");
    let refused = |log: &String| log.contains("CONNECTION") || log.contains("DENY");
    let log = || three.node(&["log", "list", "--limit", "200"], "b");
    let logged = (0..40).map(|_| log()).any(|log| {
        std::thread::sleep(Duration::from_millis(250));
        refused(&log)
    });
    assert!(logged, "the refusal is in its log: {}", log());
}

#[test]
fn a_directory_in_use_and_a_wrong_command_say_so() {
    let three = Three::new();
    let node = three.path("a");
    let output = ketenpoort(&["doctor", "--node", &node]);
    assert_eq!(output.status.code(), Some(1), "a node without a certificate is a fault");
    let output = ketenpoort(&[
        "init",
        "--node",
        &node,
        "--oin",
        OINS[0],
        "--name",
        "x",
        "--type",
        "GI",
        "--levert",
        "GI",
        "--endpoint",
        "h:1",
    ]);
    assert_eq!(output.status.code(), Some(3), "an existing node is never overwritten");
    let output = ketenpoort(&["indicator", "--node", &node, "--id", "IND-99", "--period", "2024"]);
    assert_eq!(output.status.code(), Some(2), "wrong usage");
    let output = ketenpoort(&["indicator", "--node", &node, "--id", "IND-01", "--period", "2024"]);
    assert_eq!(output.status.code(), Some(1), "nothing delivered yet");
    assert!(String::from_utf8_lossy(&output.stderr).contains("intake"), "the remedy is named");
}
