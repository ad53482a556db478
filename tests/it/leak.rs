//! Promise 1: after a whole demo no BSN of the input lies anywhere it may not: no file of a node, also opened with the
//! node's own keys, no output, no plaintext of a message. Not searched: memory and core dumps.
//!
//! With the feature `defect-plant-bsn` the program plants one BSN in each of these places, each in another form, and the
//! same search must find every one: `cargo test --features defect-plant-bsn --test it leak`.

pub mod needles;
mod recorder;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ketenpoort::config::Config;
use ketenpoort::crypto::{KeyTree, SealUse, Secret32, digest, random};
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::service::api::{AggregateRequest, PeerError, TraceContext};
use ketenpoort::storage::disk::Disk;
use ketenpoort::storage::log::TransferLog;
use ketenpoort::storage::state::{StateError, StateKind, StateStore};
use ketenpoort::storage::subjects::SubjectKeys;
use ketenpoort::translog::entry::TransferId;
use ketenpoort::translog::sealed::SealedPart;
use ketenpoort::transport::client::{Client, Partner};
use ketenpoort::transport::tls::{TlsHandle, TlsPaths};

use self::needles::{Found, Needles};
use self::recorder::Tapes;
use crate::demo::{Demo, demo, path};

/// The number that the defective build plants, and that one child of the input gets.
const MARKED: &str = "099912351";
/// What the defective build plants where: (place in the program, form, place in which this test must find it).
const PLANTS: [(&str, &str, &str); 9] = [
    ("state", "le8", "opened journal of"),
    ("translog", "base64", "translog"),
    ("stderr", "digits9", "node.log"),
    ("file", "be4", "data/plant"),
    ("report", "hmac-base64", "monitor/plant"),
    ("request", "huffman", "headers asked of"),
    ("response", "sha256-hex", "answered by"),
    ("refusal", "huffman", "headers answered by"),
    ("stdout", "digits8", "output of"),
];
/// The same for the program.
pub const PLANTED: &str = "state:le8,translog:base64,stderr:digits9,file:be4,report:hmac-base64,request:digits9,\
                           response:sha256-hex,refusal:digits9";

/// Nodes whose messages are recorded: one of each kind.
const SERVED: [&str; 4] = ["gi-alfa", "vtt", "rvdk", "poortwachter"];

#[test]
fn no_bsn_is_found_anywhere_after_a_whole_demo() {
    let mut demo = demo();
    let mut bsns = bsns_of(&demo.input);
    bsns.insert(CASE[0].to_owned());
    assert!(bsns.len() > 301 && bsns.contains(MARKED), "the input has children");
    let mut places = vec![("output of the demo".to_owned(), demo.shown.clone())];
    places.extend(outputs(&demo));
    let tapes = record(&mut demo);
    collect(&demo.region, &demo.region, &mut places);
    for node in std::fs::read_dir(demo.region.join("nodes")).expect("nodes") {
        let dir = node.expect("entry").path();
        places.push((
            format!("opened journal of {}", dir.display()),
            opened_records(&dir).into_iter().flat_map(|(_, body)| body).collect(),
        ));
        places.push((format!("opened index of {}", dir.display()), opened_index(&dir)));
        places.push((format!("opened log of {}", dir.display()), opened_parts(&dir)));
    }
    let total: usize = places.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(total > 1_000_000, "there is something to search: {total} bytes");

    let mut needles = Needles::of(&bsns);
    CASE.iter().for_each(|text| needles.text(text));
    let handed = String::from_utf8_lossy(&demo.shown).into_owned();
    assert!(handed.contains("warme overdracht JOT -> GI") && handed.contains("2 overdrachten overgenomen"), "{handed}");
    let headers = Needles::of_headers(&bsns);
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for (name, bytes) in places.iter().chain(&tapes) {
        found.entry(name.clone()).or_default().extend(needles.find(bytes));
    }
    for (name, bytes) in &tapes {
        found.entry(format!("headers {name}")).or_default().extend(headers.find_bits(bytes));
    }
    found.retain(|_, forms| !forms.is_empty());
    judge(&found);
}

/// What the demo handed over about a child: its number, and every text of its fields. Of these nothing may lie in the clear either.
const CASE: [&str; 5] =
    ["999990019", "Voorbeeldkind Overdracht", "Voorbeeldbuurt", "algemene nummer", "begeleiding op dinsdag"];

#[cfg(not(feature = "defect-plant-bsn"))]
fn judge(found: &BTreeMap<String, Found>) {
    let _ = PLANTS;
    assert!(found.is_empty(), "places that hold a BSN, with its forms: {found:#?}");
}

#[cfg(feature = "defect-plant-bsn")]
fn judge(found: &BTreeMap<String, Found>) {
    println!("{found:#?}");
    for (place, form, name) in PLANTS {
        let seen = found.iter().any(|(n, forms)| n.contains(name) && forms.contains_key(form));
        assert!(seen, "the BSN planted in `{place}` as {form} is not found in `{name}`: {found:#?}");
    }
}

/// Gives the first child of every file the marked number, under which nobody else is known.
pub fn mark_a_child(input: &Path) {
    let bsns = bsns_of(input);
    assert!(!bsns.contains(MARKED));
    // One that gi-alfa knows, so that what is logged about it there is sealed under its key.
    let known = bsns_in(&input.join("events-gi-alfa.csv"));
    let child = known.iter().find(|b| b.starts_with('0')).expect("a child");
    for file in csv_files(input) {
        let text = std::fs::read_to_string(&file).expect("CSV text");
        let marked = text.replace(child.as_str(), MARKED).replace(&child[1..], &MARKED[1..]);
        std::fs::write(&file, marked).expect("written");
    }
    assert!(bsns_of(input).contains(MARKED));
}

/// The deliveries; the denominators beside them name nobody.
fn csv_files(input: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(input).expect("input").map(|e| e.expect("entry").path());
    let delivers = |f: &PathBuf| f.file_name().is_some_and(|name| name.to_string_lossy().starts_with("events-"));
    files.filter(|f| delivers(f) && f.extension().is_some_and(|e| e == "csv")).collect()
}

/// The subjects in the bsn column of every input file, with their leading zero; what is no BSN is left out.
pub fn bsns_of(input: &Path) -> BTreeSet<String> {
    csv_files(input).iter().flat_map(|file| bsns_in(file)).collect()
}

/// The subjects in the bsn column of one file.
pub fn bsns_in(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).expect("CSV text");
    let text = text.trim_start_matches('\u{feff}');
    let header = text.lines().next().expect("header");
    let separator = if header.matches(';').count() >= header.matches(',').count() { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
    let column = reader.headers().expect("header").iter().position(|h| h == "bsn").expect("bsn column");
    let mut found = BTreeSet::new();
    for record in reader.records().flatten() {
        let bsn = format!("{:0>9}", record.get(column).unwrap_or_default());
        let digits: Vec<u32> = bsn.chars().filter_map(|c| c.to_digit(10)).collect();
        let sum: u32 = digits.iter().zip([9, 8, 7, 6, 5, 4, 3, 2, 10]).map(|(d, w)| d * w).sum();
        let sentinel = bsn == "000000000" || bsn == "999999999";
        if bsn.len() == 9 && digits.len() == 9 && sum.is_multiple_of(11) && !sentinel {
            found.insert(bsn);
        }
    }
    found
}

/// What commands print about a node, and about files with faults in them.
fn outputs(demo: &Demo) -> Vec<(String, Vec<u8>)> {
    let (node, file, no_csv) =
        (demo.node("gi-alfa"), demo.input.join("events-gi-alfa.csv"), demo.input.join("organisations.json"));
    let (node, file) = (path(&node), path(&file));
    let commands: [&[&str]; 11] = [
        &["intake", file, "--proef", "--node", node],
        &["intake", file, "--proef", "--json", "--node", node],
        &["intake", path(&no_csv), "--proef", "--node", node],
        &["indicator", "--id", "IND-01", "--period", "2023", "--by", "gemeente", "--json", "--node", node],
        &["indicator", "--id", "IND-24", "--json", "--node", node],
        &["log", "list", "--limit", "1000", "--json", "--node", node],
        &["log", "show", "0", "--node", node],
        &["log", "standard", "--form", "nen7513", "--node", node],
        &["log", "audit", "--json", "--node", node],
        &["convenant", "show", "--json", "--node", node],
        &["doctor", "--node", node],
    ];
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
        let output =
            command.args(words).env("KETENPOORT_PLANT", "stdout:digits8").output().expect("the program starts");
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{words:?} says something");
        (format!("output of {words:?}"), [output.stdout, output.stderr].concat())
    };
    commands.into_iter().map(run).chain(typed(node)).collect()
}

/// What the commands print that ask for a person: the marked child, typed on standard input.
fn typed(node: &str) -> Vec<(String, Vec<u8>)> {
    let erase = ["log", "erase", "--reason", "proef", "--node", node];
    let commands: [&[&str]; 5] = [
        &["log", "subject", "--node", node],
        &["log", "subject", "--all", "--json", "--node", node],
        &["log", "subject", "--html", "--node", node],
        &["log", "list", "--subject", "--json", "--node", node],
        &erase,
    ];
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
        let piped = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the program starts");
        let typed = child.stdin.take().expect("standard input").write_all(format!("{MARKED}\nA\nB\n").as_bytes());
        typed.expect("typed");
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        (format!("output of {words:?}"), [output.stdout, output.stderr].concat())
    };
    // The last overview is made after the erasure; the reason of the erasure is a sealed part that opens.
    commands.into_iter().chain([commands[0]]).map(run).collect()
}

/// The directories of the nodes that are served again, in the order of [`SERVED`].
fn served(region: &Path) -> Vec<PathBuf> {
    let nodes = std::fs::read_dir(region.join("nodes")).expect("nodes");
    let nodes: Vec<_> = nodes.map(|n| n.expect("entry").path()).collect();
    let named = |wanted| nodes.iter().find(|n| path(n).contains(&format!("nodes/{wanted}")));
    SERVED.iter().map(|wanted| named(wanted).expect("such a node").clone()).collect()
}

/// Takes the endpoints of those nodes as soon as the demo has ended: another test may get a freed port at any moment.
pub fn endpoints(region: &Path) -> Vec<TcpListener> {
    let endpoint = |node: PathBuf| Config::load(&node).expect("configuration").endpoint;
    let held = |endpoint| TcpListener::bind(endpoint).expect("the demo has ended");
    served(region).into_iter().map(endpoint).map(held).collect()
}

/// Every kind of message between the monitor and nodes of the demo, in plaintext: a pull, a state, a refusal.
fn record(demo: &mut Demo) -> Vec<(String, Vec<u8>)> {
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let (tapes, monitor) = (Tapes::default(), demo.node("ketenmonitor"));
    let mut served: Vec<_> = served(&demo.region).into_iter().map(Served::start).collect();
    for (node, endpoint) in served.iter_mut().zip(demo.endpoints.drain(..)) {
        node.await_ready();
        recorder::stand_between(&runtime, &monitor, &node.dir, (endpoint, node.listen), &tapes);
    }
    let out = demo.region.join("monitor/again");
    let words = ["monitor", "pull", "--node", path(&monitor), "--period", "2023", "--period", "2023-Q2", "--out"];
    let pulled = planting(&words).arg(&out).output().expect("the program starts");
    assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
    runtime.block_on(ask(&monitor, &served[0].dir));
    drop(served);
    let tapes = tapes.read();
    let hold = |name: &str, text: &str| {
        let holds = |(n, bytes): &&(String, Vec<u8>)| {
            n.starts_with(name) && bytes.windows(text.len()).any(|w| w == text.as_bytes())
        };
        assert!(tapes.iter().filter(holds).count() > 0, "{name} is recorded in plaintext: {text}");
    };
    hold("asked", "IND-01");
    hold("asked", "2023-Q2");
    hold("answered", "\"tables\":[{\"indicator\"");
    hold("answered", env!("CARGO_PKG_VERSION"));
    let answers = tapes.iter().filter(|(n, bytes)| n.starts_with("answered") && bytes.len() > 5_000).count();
    assert!(answers >= SERVED.len(), "every node answered");
    tapes
}

/// The monitor's own certificate in our hand: the state, and a question that must be refused.
async fn ask(monitor: &Path, node: &Path) {
    let (monitor, node) = (Config::load(monitor).expect("monitor"), Config::load(node).expect("node"));
    let tls = TlsPaths { cert: monitor.certificate, key: monitor.tls_key, trust: monitor.trust, crl: monitor.crl };
    let pem = std::fs::read_to_string(&node.certificate).expect("certificate");
    let pin = ketenpoort::transport::certs::identity(&pem).expect("certificate").pin;
    let partner = Partner { endpoint: node.endpoint, pins: vec![pin] };
    let known = Arc::new(BTreeMap::from([(node.oin, partner)]));
    let client = Client::new(TlsHandle::open(tls).expect("TLS"), known, tokio::runtime::Handle::current());
    let patience = Duration::from_secs(30);
    let state = client.ask_status(&node.oin, patience).await.expect("a state");
    let by = Dimension::ALL.to_vec();
    let table = TableQuery { indicator: IndicatorId::Ind01, period: Period::year_of(2023), by };
    let request = AggregateRequest {
        transfer_id: TransferId::new(1_750_000_000_000, random()),
        intent_hash: digest(b"intent"),
        convenant_hash: state.convenants[0],
        query: Query::new(vec![table]),
        trace: TraceContext::random(),
    };
    let refused = client.ask(&node.oin, &request, patience).await;
    assert_eq!(refused, Err(PeerError::Refused(ReasonCode::TooManyDimensions)));
    let strange = AggregateRequest { convenant_hash: digest(b"another"), ..request };
    let refused = client.ask(&node.oin, &strange, patience).await;
    assert_eq!(refused, Err(PeerError::Refused(ReasonCode::OtherConvenant)));
}

fn planting(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    command.args(words).env("KETENPOORT_PLANT", PLANTED).stdin(Stdio::null());
    command
}

/// A node of the demo that runs again, behind its own endpoint.
struct Served {
    dir: PathBuf,
    listen: std::net::SocketAddr,
    child: Child,
}

impl Served {
    fn start(dir: PathBuf) -> Self {
        let file = dir.join("node.toml");
        let text = std::fs::read_to_string(&file).expect("node.toml");
        let before = Config::load(&dir).expect("configuration").listen;
        let listen = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        let moved = text.replacen(&format!("listen = \"{before}\""), &format!("listen = \"{listen}\""), 1);
        std::fs::write(&file, moved).expect("written");
        assert_eq!(Config::load(&dir).expect("configuration").listen, listen);
        let log = std::fs::OpenOptions::new().append(true).open(dir.join("node.log")).expect("node.log");
        let out = log.try_clone().expect("node.log");
        let child = planting(&["serve", "--node", path(&dir)]).stdout(out).stderr(log).spawn().expect("started");
        Self { dir, listen, child }
    }

    fn await_ready(&mut self) {
        let end = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(self.listen).is_err() {
            assert!(self.child.try_wait().expect("a process").is_none(), "{} stopped", self.dir.display());
            assert!(Instant::now() < end, "{} is not ready", self.dir.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every record of a node's state journal, opened with its own keys, deliveries that do not count included.
pub fn opened_records(dir: &Path) -> Vec<(StateKind, Vec<u8>)> {
    let config = Config::load(dir).expect("configuration");
    let root: [u8; 32] = std::fs::read(&config.root_key).expect("root").try_into().expect("32 bytes");
    let keys = KeyTree::new(Secret32::new(root));
    let (state, _) = StateStore::open(&config.data.join("state"), keys.seal_key(SealUse::State)).expect("journal");
    let records = state.journal().iter_from(0).map(|record| {
        let (seq, bytes) = record?;
        let record = state.unseal(seq, &bytes)?;
        Ok((record.kind, record.body))
    });
    let records: Result<Vec<(StateKind, Vec<u8>)>, StateError> = records.collect();
    records.expect("every record opens")
}

/// Keys and values of the index as sled gives them back, since it stores keys without what neighbours share.
fn opened_index(dir: &Path) -> Vec<u8> {
    let index = Config::load(dir).expect("configuration").data.join("index");
    let Ok(versions) = std::fs::read_dir(&index) else { return Vec::new() };
    let versions = versions.map(|entry| entry.expect("entry").path()).filter(|path| path.is_dir());
    let read = |place: PathBuf| {
        let db = sled::open(&place).expect("the index opens");
        let trees = db.tree_names().into_iter().map(|name| db.open_tree(name).expect("a tree"));
        let pairs = trees.flat_map(|tree| tree.iter().map(|pair| pair.expect("a pair")).collect::<Vec<_>>());
        pairs.flat_map(|(key, value)| [key.to_vec(), value.to_vec()].concat()).collect::<Vec<u8>>()
    };
    versions.flat_map(read).collect()
}

/// The sealed parts of a node's log, opened with its own keys, and the keys of data subjects as they are named.
fn opened_parts(dir: &Path) -> Vec<u8> {
    let config = Config::load(dir).expect("configuration");
    let root: [u8; 32] = std::fs::read(&config.root_key).expect("root").try_into().expect("32 bytes");
    let keys = KeyTree::new(Secret32::new(root));
    let seal = keys.seal_key(SealUse::Subjects);
    let subjects = SubjectKeys::new(config.data.join("subjects"), seal, keys.subject_tag_key(), Disk::plain());
    let subjects: Vec<_> = subjects.all().map(|key| key.expect("the key file opens")).collect();
    let log = TransferLog::open(&config.data.join("translog"), config.oin, Arc::new(keys.checkpoint_key()));
    let mut plain = subjects.iter().flat_map(|key| key.tag()).collect::<Vec<u8>>();
    let log = log.expect("the log opens");
    let mut under_a_child = 0;
    for (_, entry) in log.entries(0..log.len()).map(|entry| entry.expect("an entry")) {
        let part = SealedPart::open(&entry, &keys.seal_key(SealUse::Translog)).ok();
        let of_a_child = || subjects.iter().find_map(|key| SealedPart::open(&entry, &key.seal_key()).ok());
        let part = part.or_else(|| of_a_child().inspect(|_| under_a_child += 1));
        plain.extend(part.into_iter().flat_map(|part| part.encode().expect("a part")));
    }
    assert!(!dir.ends_with("gi-alfa") || plain.len() > 32, "some part is opened");
    assert!(!dir.ends_with("gi-alfa") || under_a_child > 0, "also one under the key of the child");
    plain
}

fn collect(root: &Path, dir: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).expect("directory") {
        let file: PathBuf = entry.expect("entry").path();
        if file.is_dir() {
            collect(root, &file, places);
        } else if file.is_file() {
            let name = file.strip_prefix(root).expect("below the root").display().to_string();
            let bytes = std::fs::read(&file).expect("file");
            if name.ends_with(".xlsx") {
                // What is packed is searched unpacked too.
                places.extend(
                    crate::xlsx::parts(&bytes).into_iter().map(|(part, text)| (format!("{name}: {part}"), text)),
                );
            }
            places.push((name, bytes));
        }
    }
}
