//! The export of the transfer log against a foreign receiver: the official OTLP types of Python, over gRPC and HTTP, with and
//! without TLS; down, slow, refusing and killed half-way. Nothing is lost, nothing is doubled but by trace and span, and
//! transfers go on.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ketenpoort::service::api::{NodeService, Reply, Verdict};
use ketenpoort::service::core::Core;
use ketenpoort::service::ldv::{ExportError, LdvExport, Step, Undelivered};
use ketenpoort::transport::otlp::{OtlpReceiver, Protocol, Target};
use serde_json::Value;

use crate::gates::asked;

/// The Python of the environment with the foreign packages; none when it cannot be made, which `KETENPOORT_FOREIGN` forbids.
pub fn python() -> Option<PathBuf> {
    static MADE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-venv");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign_venv.sh");
    let made =
        MADE.get_or_init(|| Command::new("bash").arg(script).arg(&dir).status().is_ok_and(|done| done.success()));
    if !made {
        assert!(std::env::var_os("KETENPOORT_FOREIGN").is_none(), "the foreign packages cannot be had");
        eprintln!("SKIPPED: the foreign packages cannot be had (no network?)");
    }
    made.then(|| dir.join("bin/python"))
}

/// A running receiver.
pub struct Foreign {
    dir: tempfile::TempDir,
    child: Child,
    /// Of gRPC and of HTTP.
    pub ports: (u16, u16),
    tls: Option<PathBuf>,
}

impl Foreign {
    /// Starts one on free ports; none when the foreign packages cannot be had.
    pub fn start(tls: bool) -> Option<Self> {
        let python = python()?;
        let dir = tempfile::tempdir().expect("a folder");
        let authority = tls.then(|| certificate(dir.path()));
        let (child, ports) = spawn(&python, dir.path(), (0, 0), tls);
        Some(Self { dir, child, ports, tls: authority })
    }

    fn mood(&self, text: &str) {
        let beside = self.dir.path().join("mood.tmp");
        std::fs::write(&beside, text).expect("written");
        std::fs::rename(beside, self.dir.path().join("mood")).expect("renamed");
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts again on the same ports.
    fn restart(&mut self) {
        self.kill();
        let python = python().expect("was there");
        (self.child, _) = spawn(&python, self.dir.path(), self.ports, self.tls.is_some());
    }

    fn target(&self, protocol: Protocol) -> Target {
        Target {
            protocol,
            host: "127.0.0.1".to_owned(),
            port: if protocol == Protocol::Grpc { self.ports.0 } else { self.ports.1 },
            path: "/v1/traces".to_owned(),
            tls: self.tls.clone().map(|trust| (trust, None)),
            deadline: Duration::from_secs(2),
        }
    }

    /// Every span that it took, as often as it did.
    pub fn received(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("received.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The spans that it has, each once.
    fn spans(&self) -> BTreeSet<String> {
        self.received().iter().map(|span| span["span"].as_str().expect("a span").to_owned()).collect()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(python: &Path, dir: &Path, ports: (u16, u16), tls: bool) -> (Child, (u16, u16)) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/otlp_receiver.py");
    let mut command = Command::new(python);
    command.arg(script).arg(dir).args([ports.0.to_string(), ports.1.to_string()]).stdout(Stdio::piped());
    if tls {
        command.args([dir.join("cert.pem"), dir.join("key.pem")]);
    }
    let mut child = command.spawn().expect("starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its ports");
    let told: Value = serde_json::from_str(&line).expect("its ports");
    let port = |name: &str| u16::try_from(told[name].as_u64().expect("a port")).expect("a port");
    let ports = (port("grpc"), port("http"));
    (child, ports)
}

/// A certificate for 127.0.0.1 that is its own authority.
fn certificate(dir: &Path) -> PathBuf {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let cert = params.self_signed(&key).expect("signed");
    std::fs::write(dir.join("cert.pem"), cert.pem()).expect("written");
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).expect("written");
    dir.join("cert.pem")
}

/// A node without a convenant: each question is a refusal in its log, and so one line.
struct Node {
    dir: tempfile::TempDir,
    core: Core,
    ask: Box<dyn Fn(&Core)>,
}

impl Node {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (core, peer, question) = asked(dir.path());
        let ask = Box::new(move |core: &Core| {
            let reply = core.aggregate(&peer, &question(), &Verdict::default());
            assert!(matches!(reply, Reply::Refused(_)), "answered without a convenant");
        });
        Self { dir, core, ask }
    }

    fn transfers(&self, many: usize) {
        (0..many).for_each(|_| (self.ask)(&self.core));
    }

    fn export(&self) -> LdvExport {
        LdvExport::open(&self.core, self.dir.path()).expect("a mark")
    }

    fn behind(&self) -> u64 {
        self.core.export_status(self.dir.path()).expect("a status").behind
    }

    fn step(&self, export: &mut LdvExport, receiver: &OtlpReceiver) -> Result<Step, ExportError> {
        export.step(&self.core, receiver, 1)
    }

    /// Steps until everything is confirmed.
    fn finish(&self, export: &mut LdvExport, receiver: &OtlpReceiver) {
        for _ in 0..200 {
            if matches!(self.step(export, receiver), Ok(Step::Idle)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the export does not come to an end: {:?}", self.step(export, receiver));
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn is_down(done: &Result<Step, ExportError>) {
    let is = matches!(done, Err(ExportError::Receiver(Undelivered::Unavailable { .. })));
    assert!(is, "{done:?}");
}

fn is_refused(done: &Result<Step, ExportError>) {
    let is = matches!(done, Err(ExportError::Receiver(Undelivered::Refused { .. })));
    assert!(is, "{done:?}");
}

/// Everything that goes wrong, one after the other, over one protocol.
fn siege(protocol: Protocol) {
    let Some(mut foreign) = Foreign::start(false) else { return };
    let runtime = runtime();
    let receiver = OtlpReceiver::new(foreign.target(protocol), runtime.handle().clone());
    let node = Node::new();
    let mut export = node.export();
    node.transfers(5);
    for (mood, down) in
        [("unavailable", true), ("slow 3", true), ("mute", true), ("bad-request", false), ("refuse-all", false)]
    {
        foreign.mood(mood);
        let (behind, done) = (node.behind(), node.step(&mut export, &receiver));
        if down {
            is_down(&done)
        } else {
            is_refused(&done)
        }
        // Transfers go on, and the backlog grows by exactly what was added.
        node.transfers(2);
        assert_eq!(node.behind(), behind + 2, "{mood}");
    }
    foreign.kill();
    is_down(&node.step(&mut export, &receiver));
    // It never takes one of them; the node stops and starts in between.
    foreign.restart();
    let span = span_of(&node.core, 4);
    foreign.mood(&format!("refuse {span}"));
    let mut export = node.export();
    node.finish(&mut export, &receiver);
    let status = node.core.export_status(node.dir.path()).expect("a status");
    assert_eq!((status.behind, status.aside.iter().map(|(n, _)| *n).collect::<Vec<_>>()), (0, vec![4]));
    // It takes small deliveries only: 413 or RESOURCE_EXHAUSTED for more.
    foreign.mood("narrow 9");
    node.transfers(100);
    let before = foreign.received().len();
    node.finish(&mut export, &receiver);
    assert_eq!((foreign.received().len() - before, node.behind()), (100, 0), "in parts, and each once");
    foreign.mood("many");
    node.transfers(1_600);
    let killed = (0..10).find_map(|_| node.step(&mut export, &receiver).err()).expect("killed half-way");
    assert!(matches!(killed, ExportError::Receiver(Undelivered::Unavailable { .. })), "{killed:?}");
    assert!(node.behind() > 0);
    foreign.mood("good");
    foreign.restart();
    let mut export = node.export();
    node.finish(&mut export, &receiver);
    let wanted: BTreeSet<String> = (0..node.core.transfer_log().len()).map(|n| span_of(&node.core, n)).collect();
    // A slow receiver may still take what it was given; the line that it refused came when it was good, if at all.
    let spans = foreign.spans();
    let missing: Vec<&String> = wanted.difference(&spans).filter(|missing| **missing != span).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    assert!(spans.is_subset(&wanted), "spans that nobody sent");
}

/// The span of the line of an entry, as the node tells it.
fn span_of(core: &Core, number: u64) -> String {
    use ketenpoort::translog::standards::join::Joiner;
    let entry = core.transfer_log().entry(number).expect("read").expect("an entry");
    let action = Joiner::default().push(number, entry).remove(0);
    ketenpoort::crypto::hex(&action.span_id())
}

#[test]
fn nothing_is_lost_over_grpc() {
    siege(Protocol::Grpc);
}

#[test]
fn nothing_is_lost_over_http() {
    siege(Protocol::Http);
}

#[test]
fn foreign_types_read_what_was_logged_and_only_under_the_right_authority() {
    let Some(foreign) = Foreign::start(true) else { return };
    let runtime = runtime();
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let node = Node::new();
        node.transfers(3);
        let other = tempfile::tempdir().expect("a folder");
        let stranger = Target { tls: Some((certificate(other.path()), None)), ..foreign.target(protocol) };
        let plain = Target { tls: None, ..foreign.target(protocol) };
        for wrong in [stranger, plain] {
            is_down(&node.step(&mut node.export(), &OtlpReceiver::new(wrong, runtime.handle().clone())));
        }
        let receiver = OtlpReceiver::new(foreign.target(protocol), runtime.handle().clone());
        node.finish(&mut node.export(), &receiver);
        for number in 0..3 {
            let entry = node.core.transfer_log().entry(number).expect("read").expect("an entry");
            let (span, received) = (span_of(&node.core, number), foreign.received());
            let line = received.iter().find(|line| line["span"] == span.as_str()).expect("arrived");
            assert_eq!(line["start"], entry.start_ms * 1_000_000);
            assert_eq!(
                (&line["status"], &line["parent"]),
                (&Value::from(0), &Value::from(parent(&entry))),
                "a refusal is no error"
            );
            let attributes = &line["attributes"];
            assert_eq!(attributes["ketenpoort.transfer_id"], entry.transfer_id.to_string());
            assert_eq!(attributes["ketenpoort.reason_codes"], serde_json::json!(entry.reason_codes));
            let activity = attributes["dpl.core.processing_activity_id"].as_str().expect("an activity");
            assert!(activity.starts_with("urn:oin:"), "{activity}");
            let caller = attributes["dpl.core.foreign_operation.processor"].as_str().expect("a caller");
            assert!(caller.ends_with(&entry.receiver_oin.expect("a peer").to_string()));
            assert_eq!(line["resource"]["service.name"], "ketenpoort");
        }
    }
}

fn parent(entry: &ketenpoort::translog::entry::Entry) -> String {
    entry.parent_span_id.map(|span| ketenpoort::crypto::hex(&span)).unwrap_or_default()
}
