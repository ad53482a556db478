//! A whole run of blinded linkage in memory, without network and log: CPU time and bytes at each role, by number of children and by
//! number of nodes. `cargo bench --bench linkage -- 100000` or `-- 10000 20` (children of each node, nodes). The peer of a
//! run over two nodes is `benches/peers/psi.py`.

use std::sync::Arc;
use std::time::Duration;

#[path = "setup/cpu.rs"]
mod cpu;

use cpu::cpu;
use ketenpoort::crypto::oprf::BlinderKey;
use ketenpoort::crypto::{AgreementKey, Digest, MacKey, Secret32, Tag, digest, hex, random};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::linked::{LinkedRow, NO_MEASURE, Question, Role};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, TableQuery};
use ketenpoort::linkage::blinder::BlinderRun;
use ketenpoort::linkage::document::{BlinderOf, PADDING, ReceiverOf, Run, RunDocument};
use ketenpoort::linkage::gate::GateRun;
use ketenpoort::linkage::line::NodeLine;
use ketenpoort::linkage::monitor::MonitorRun;
use ketenpoort::linkage::node::NodeRun;
use ketenpoort::linkage::rows::{Told, seal_rows};

const MONITOR: usize = 901;
const GATE: usize = 902;

fn oin(number: usize) -> Oin {
    Oin::parse(&format!("{number:020}")).expect("20 digits")
}

/// CPU time and bytes received of one role.
#[derive(Clone, Copy, Default)]
struct Cost {
    cpu: Duration,
    bytes: usize,
}

impl Cost {
    fn of<T>(&mut self, received: usize, work: impl FnOnce() -> T) -> T {
        self.bytes += received;
        let begun = cpu();
        let done = work();
        self.cpu += cpu() - begun;
        done
    }
}

/// Secret keys of a run: two blinders, monitor, gate.
struct Keys {
    blinders: [BlinderKey; 2],
    receivers: [AgreementKey; 2],
}

fn run_over(nodes: usize, children: usize) -> (Arc<Run>, Keys) {
    let seed = || AgreementKey::from_seed(Secret32::new(random()));
    let keys = Keys { blinders: [BlinderKey::random(), BlinderKey::random()], receivers: [seed(), seed()] };
    let elements = u32::try_from(children.max(1)).expect("fits").next_multiple_of(PADDING);
    let period = Period::year_of(2024);
    let question = Question { indicator: IndicatorId::Ind05, series: "VT->RVDK".to_owned(), period, by: Vec::new() };
    let document = RunDocument {
        version: RunDocument::VERSION,
        run: hex(&random::<16>()),
        convenant: Digest([7; 32]),
        epoch: 1,
        number: 0,
        previous: None,
        year: 2026,
        spent: Vec::new(),
        until: i64::MAX,
        data_from: Day(17_000),
        horizon: Day(20_000),
        tables: vec![TableQuery { indicator: IndicatorId::Ind05, period, by: Vec::new() }],
        questions: vec![question],
        blinders: [0, 1].map(|at| BlinderOf::new(oin(at + 1), &keys.blinders[at].public())),
        monitor: ReceiverOf { oin: oin(MONITOR), key: keys.receivers[0].public() },
        gate: ReceiverOf { oin: oin(GATE), key: keys.receivers[1].public() },
        nodes: (1..=nodes).map(|at| NodeLine::new(oin(at), elements, &[0; 64])).collect(),
        without: Vec::new(),
    };
    (Arc::new(Run::new(document).expect("a sound run")), keys)
}

/// What node `at` brings: neighbours share half of their children; each child has one row.
fn brought(at: usize, children: usize) -> (Vec<Tag>, Told) {
    let first = at * children / 2;
    let token = |child: usize| Tag::from_bytes(digest(format!("child {child}").as_bytes()).0);
    let row = LinkedRow {
        role: if at.is_multiple_of(2) { Role::Anchor } else { Role::Event },
        measure: NO_MEASURE,
        day: 19_000,
        last: 19_000,
        ..LinkedRow::void(u16::try_from(at).expect("few nodes"))
    };
    let told = Told { children: (0..children).map(|child| (child, vec![row])).collect(), ..Told::default() };
    ((first..first + children).map(token).collect(), told)
}

fn measure(children: usize, nodes: usize) {
    let (run, keys) = run_over(nodes, children);
    let [p, q] = keys.blinders;
    let [for_monitor, for_gate] = keys.receivers;
    let mut blinders =
        [(0, p), (1, q)].map(|(at, key)| BlinderRun::new(Arc::clone(&run), oin(at + 1), key).expect("a blinder"));
    let secret = MacKey::new(&Secret32::random());
    let mut gate = GateRun::new(Arc::clone(&run), oin(GATE), for_gate, &secret).expect("the gate");
    let mut monitor = MonitorRun::new(Arc::clone(&run), oin(MONITOR), for_monitor).expect("the monitor");
    let [mut of_node, mut of_p, mut of_q, mut of_gate, mut of_monitor] = [Cost::default(); 5];
    for at in 0..nodes {
        let (own, (tokens, told)) = (oin(at + 1), brought(at, children));
        let mut node = NodeRun::new(Arc::clone(&run), own, &tokens).expect("a node");
        for batch in 0..node.batches() {
            let blinded = of_node.of(0, || node.for_p(batch).expect("blinded"));
            let half = of_p.of(blinded.len(), || blinders[0].multiply(own, batch, &blinded).expect("P"));
            let passed = of_node.of(half.len(), || node.from_p(batch, &half).expect("P's proof holds"));
            let whole = of_q.of(passed.len(), || blinders[1].multiply(own, batch, &passed).expect("Q"));
            of_node.of(whole.len(), || node.from_q(batch, &whole).expect("Q's proof holds"));
        }
        let outputs = node.finish().expect("outputs");
        let chunks = of_node.of(0, || seal_rows(&run, own, &outputs, &[told]).expect("rows"));
        for (number, chunk) in (0..).zip(&chunks) {
            let last = number as usize + 1 == chunks.len();
            of_gate.of(chunk.len(), || gate.take(own, (number, last), chunk).expect("a chunk"));
        }
    }
    let chunks = of_gate.of(0, || gate.mix().expect("mixed"));
    for number in 0..chunks {
        let chunk = of_gate.of(0, || gate.tags(number).expect("tags"));
        of_monitor.of(chunk.len(), || monitor.take(number, &chunk).expect("taken"));
    }
    let grouping = of_monitor.of(0, || monitor.group(chunks).expect("grouped"));
    let sent = grouping.to_bytes().len();
    let linked = of_gate.of(sent, || gate.link(&grouping).expect("linked"));
    let pairs = linked[0].groups.iter().filter(|group| group.0.len() == 2).count();
    let shared = children - children / 2;
    assert_eq!(pairs, (nodes - 1) * shared, "neighbours share half of their children");
    let all = [("nodes", of_node), ("P", of_p), ("Q", of_q), ("gate", of_gate), ("monitor", of_monitor)];
    let elements = (nodes * children) as f64;
    println!("{nodes} nodes of {children} children:");
    for (role, cost) in all {
        let (seconds, bytes) = (cost.cpu.as_secs_f64(), cost.bytes as f64);
        println!(
            "  {role:8} {seconds:8.2} s CPU {:7.1} us an element {:8.2} MB received",
            1e6 * seconds / elements,
            bytes / 1e6
        );
    }
    let cpu: f64 = all.iter().map(|(_, cost)| cost.cpu.as_secs_f64()).sum();
    let bytes: usize = all.iter().map(|(_, cost)| cost.bytes).sum();
    println!("  together {cpu:8.2} s CPU {:7.1} us an element {:8.2} MB", 1e6 * cpu / elements, bytes as f64 / 1e6);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --benches` only asks whether it starts.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let numbers: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    match numbers[..] {
        [children, nodes] => measure(children, nodes),
        [children] => measure(children, 2),
        _ => [(1_000, 2), (10_000, 2), (500, 20), (500, 60)].into_iter().for_each(|(c, n)| measure(c, n)),
    }
}
