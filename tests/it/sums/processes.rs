//! Regional sums between processes of the built binary, over TLS and gRPC: a node that is down, one that is killed, the gate away,
//! and the monitor anew.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::table::{Scope, Table};
use ketenpoort::monitor::report::Report;

use crate::demo::{done, ketenpoort};
use crate::hostile::links::besiege;

/// Four municipalities, the monitor and the gate.
const KEYS: [&str; 6] = ["a", "b", "c", "d", "m", "g"];

pub fn oin(key: &str) -> String {
    format!("000000990000000000{:02}", 11 + KEYS.iter().position(|k| *k == key).expect("a key"))
}

/// Nodes in directories of their own, as processes.
pub struct Nodes {
    home: PathBuf,
    _home: tempfile::TempDir,
    running: BTreeMap<String, Child>,
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Nodes {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let nodes = Self { home: dir.path().to_owned(), _home: dir, running: BTreeMap::new() };
        let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/clean");
        let gemeenten = data.join("organisations.json").to_str().expect("UTF-8").to_owned();
        let held: Vec<_> = KEYS.iter().map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let ports: Vec<u16> = held.iter().map(|l| l.local_addr().expect("address").port()).collect();
        drop(held);
        let towns = ["0153", "0164", "0141", "0163"];
        for (n, (key, port)) in KEYS.iter().zip(ports).enumerate() {
            let (node, address, oin) = (nodes.path(key), format!("127.0.0.1:{port}"), oin(key));
            let mut words = vec!["init", "--console", "geen", "--node", &node, "--oin", &oin, "--name", key];
            words.extend(["--listen", &address, "--endpoint", &address, "--gemeenten", &gemeenten]);
            match *key {
                "m" => words.extend(["--type", "MONITOR"]),
                "g" => words.extend(["--type", "POORTWACHTER"]),
                _ => words.extend(["--type", "GEM", "--levert", "LT", "--levert", "GEM", "--gemeente", towns[n]]),
            }
            done(&words);
        }
        nodes.certify();
        nodes.agree("som");
        for (key, town) in KEYS.iter().zip(towns) {
            let file = data.join(format!("events-gem-{town}.csv"));
            let words = ["intake", file.to_str().expect("UTF-8"), "--gegevens", "2021-01-01..2025-12-31"];
            nodes.node(&words, key);
        }
        nodes
    }

    pub fn path(&self, part: &str) -> String {
        self.home.join(part).to_str().expect("UTF-8").to_owned()
    }

    pub fn node(&self, words: &[&str], key: &str) -> String {
        done(&[words, &["--node", &self.path(key)]].concat())
    }

    /// The directory of the node with this number.
    pub fn key_of(of: Oin) -> &'static str {
        KEYS.into_iter().find(|key| oin(key) == of.as_str()).expect("one of ours")
    }

    fn certify(&self) {
        let pki = self.path("pki");
        let paths: Vec<String> = KEYS.iter().map(|key| self.path(key)).collect();
        let mut words = vec!["cert", "example", "--pki", &pki];
        paths.iter().for_each(|path| words.extend(["--node", path]));
        done(&words);
    }

    /// A convenant that sums the inflow of the local teams, links who comes from them, and grants nothing else.
    pub fn agree(&self, id: &str) {
        let cards: Vec<String> = KEYS.iter().map(|key| self.path(&format!("{key}/card.json"))).collect();
        let (toml, bundle) = (self.path(&format!("{id}.toml")), self.path(&format!("{id}.json")));
        let (monitor, gate) = (oin("m"), oin("g"));
        let mut words = vec!["convenant", "new", "--id", id, "--monitor", &monitor, "--gate", &gate];
        words.extend([
            "--sum",
            "LT",
            "--link",
            "IND-05",
            "--from",
            "2020-01-01",
            "--until",
            "2045-12-31",
            "--out",
            &toml,
        ]);
        cards.iter().for_each(|card| words.extend(["--card", card]));
        self.node(&words, "a");
        let mut terms: toml::Table = std::fs::read_to_string(&toml).expect("a draft").parse().expect("TOML");
        let few = |table: &toml::Value, ids: &[&str]| ids.contains(&table["indicator"].as_str().expect("an id"));
        terms["indicators"].as_array_mut().expect("grants").retain(|grant| few(grant, &["IND-01", "IND-05"]));
        terms["bin_cuts"].as_array_mut().expect("cuts").retain(|cut| few(cut, &["IND-05"]));
        std::fs::write(&toml, toml::to_string(&terms).expect("TOML")).expect("written");
        assert!(done(&["convenant", "check", &toml]).contains("geen fouten"));
        self.node(&["convenant", "propose", &toml, "--out", &bundle], "a");
        for key in KEYS.iter().chain(&KEYS) {
            self.node(&["convenant", "accept", &bundle], key);
        }
    }

    fn serve(&mut self, key: &str) {
        let log = std::fs::File::create(self.home.join(format!("{key}.log"))).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
        command.args(["serve", "--node", &self.path(key)]).stdin(Stdio::null()).stderr(log).stdout(Stdio::null());
        self.running.insert(key.to_owned(), command.spawn().expect("started"));
        let end = Instant::now() + Duration::from_secs(60);
        let ready = || {
            let shown = ketenpoort(&["doctor", "--node", &self.path(key)]);
            String::from_utf8_lossy(&shown.stdout).contains("de node draait en luistert")
        };
        while !ready() {
            assert!(Instant::now() < end, "{key} is not ready");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Kills a node as a power cut would.
    fn kill(&mut self, key: &str) {
        let mut child = self.running.remove(key).expect("running");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// What the monitor reports, asked as a process of its own; and what it says on the terminal.
    fn pull(&self, year: &str, without: Option<&str>) -> (Report, String) {
        let (out, without) = (self.path("uit"), without.map(oin));
        let mut words = vec!["monitor", "pull", "--period", year, "--indicator", "IND-01", "--out", &out];
        without.iter().for_each(|oin| words.extend(["--zonder", oin]));
        let shown = self.node(&words, "m");
        let report = std::fs::read_to_string(self.home.join("uit/report.json")).expect("a report");
        (Report::from_json(&report).expect("a report"), shown)
    }
}

/// The regional sums of a report.
fn sums(report: &Report) -> Vec<Table> {
    report.tables.iter().filter(|table| table.scope == Scope::Som).cloned().collect()
}

#[test]
fn processes_come_and_go_and_the_sum_names_who_is_in_it() {
    let mut nodes = Nodes::new();
    ["a", "b", "c", "g"].iter().for_each(|key| nodes.serve(key));
    // One node down.
    assert!(sums(&nodes.pull("2023", None).0).is_empty(), "a first sum waits for who is away");
    let (report, shown) = nodes.pull("2023", Some("d"));
    let first = sums(&report);
    assert!(!first.is_empty(), "{shown}");
    for table in &first {
        assert_eq!(table.coverage.missing.iter().map(ToString::to_string).collect::<Vec<_>>(), [oin("d")]);
        assert_eq!(table.sources.len(), 3);
    }
    assert!(shown.contains("ontbreekt: d"), "{shown}");
    // It comes back, another is killed: what was released stays, another year is made over who is there.
    nodes.serve("d");
    nodes.kill("b");
    assert_eq!(sums(&nodes.pull("2023", None).0), first, "the first release stays");
    linked(&nodes);
    let (report, shown) = nodes.pull("2022", Some("b"));
    let missing: Vec<String> = sums(&report)[0].coverage.missing.iter().map(ToString::to_string).collect();
    assert_eq!(missing, [oin("b")], "{shown}");
    // Without the gate there is no sum, and the report says so; then all is as it was.
    nodes.serve("b");
    nodes.kill("g");
    let (report, shown) = nodes.pull("2021", None);
    assert!(sums(&report).is_empty() && shown.contains("ontbreekt: g"), "{shown}");
    nodes.serve("g");
    let (report, shown) = nodes.pull("2021", None);
    assert!(sums(&report).iter().all(|table| table.coverage.missing.is_empty()), "{shown}");
    assert_eq!(sums(&nodes.pull("2023", None).0), first);
    besiege(&nodes);
    ends(&nodes);
}

/// A linked run between the processes that are there, `b` is not: it is named, and left out when the operator says so.
fn linked(nodes: &Nodes) {
    let (monitor, away) = (nodes.path("m"), oin("b"));
    let words = ["link", "run", "--node", &monitor, "--indicator", "IND-05", "--period", "2023", "--json"];
    let said = |words: &[&str]| -> (Option<i32>, serde_json::Value) {
        let shown = ketenpoort(words);
        (shown.status.code(), serde_json::from_slice(&shown.stdout).expect("JSON"))
    };
    let (code, failed) = said(&words);
    assert_eq!(code, Some(1));
    assert_eq!((&failed["mislukt"][0]["oin"], &failed["tabellen"]), (&serde_json::json!(away), &serde_json::json!([])));
    let (code, made) = said(&[&words[..], &["--zonder", &away]].concat());
    assert_eq!(code, Some(0), "{made}");
    let document = &made["rondes"][0]["document"];
    assert_eq!(
        (document["nodes"].as_array().map(Vec::len), &document["without"][0]),
        (Some(3), &serde_json::json!(away))
    );
    assert_eq!(
        (&made["tabellen"][0]["scope"], &made["tabellen"][0]["coverage"]["missing"][0]),
        (&"regio".into(), &away.into())
    );
    // The same run stands with a node that took part, and the same figures come again without another one.
    let node = nodes.path("a");
    let (_, shown) = said(&["link", "show", "--node", &node, "--json"]);
    assert_eq!(shown["rondes"], made["rondes"]);
    let (_, again) = said(&[&words[..1], &["show"], &words[2..]].concat());
    assert_eq!((&again["tabellen"], &again["rondes"]), (&made["tabellen"], &made["rondes"]));
}

/// The logs of who was killed verify, and hold every share that left.
fn ends(nodes: &Nodes) {
    // The gate's releases prove themselves as those of a node do.
    nodes.node(&["disclosure", "check"], "g");
    for key in ["a", "m", "g"] {
        let export = nodes.path(&format!("export-{key}"));
        nodes.node(&["log", "export", "--out", &export], key);
        let trust = nodes.path(&format!("{key}/card.json"));
        let verified = done(&["log", "verify", "--export", &export, "--trust", &trust, "--json"]);
        assert!(verified.contains("\"signer\": \"vertrouwd\""), "{verified}");
    }
}
