//! A region in memory: organisations with children and rows, and a whole run of them in which everything that anybody receives is
//! kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::oprf::{BlinderKey, Elements as Points, OprfOutput};
use crate::crypto::{AgreementKey, Digest, Secret32, Tag, digest, random};
use crate::domain::day::Day;
use crate::domain::linked::{LeftOut, LinkedRow, NO_MEASURE, Question, Role};
use crate::domain::oin::Oin;
use crate::domain::period::Period;
use crate::domain::query::{IndicatorId, TableQuery};
use crate::linkage::blinder::BlinderRun;
use crate::linkage::document::{BlinderOf, PADDING, ReceiverOf, Run, RunDocument};
use crate::linkage::fault::LinkFault;
use crate::linkage::gate::{GateRun, Linked};
use crate::linkage::line::NodeLine;
use crate::linkage::monitor::{Grouping, MonitorRun};
use crate::linkage::node::NodeRun;
use crate::linkage::rows::{Told, open_chunk, seal_rows};
use crate::linkage::voids::Voids;

/// Few void groups, so that a test is quick.
pub fn few() -> Voids {
    Voids::under(&[5, 4, 3, 2, 2, 2])
}

pub fn oin(number: usize) -> Oin {
    Oin::parse(&format!("{number:020}")).expect("20 digits")
}

pub const MONITOR: usize = 901;
pub const GATE: usize = 902;

pub fn question(series: &str, year: i16) -> Question {
    Question { indicator: IndicatorId::Ind13, series: series.to_owned(), period: Period::year_of(year), by: Vec::new() }
}

/// The token of a child: all organisations of a convenant derive the same.
pub fn token(child: usize) -> Tag {
    Tag::from_bytes(digest(format!("child {child}").as_bytes()).0)
}

/// A row with a name by which a test knows it again: `name` travels as the family.
pub fn row(node: usize, day: u32, name: u64) -> LinkedRow {
    let organisation = u16::try_from(node).expect("few nodes");
    LinkedRow {
        role: Role::Event,
        measure: NO_MEASURE,
        day,
        last: day + 2,
        family: name,
        ..LinkedRow::void(organisation)
    }
}

/// What one node brings: its children, and for each question which of them (by place) with which rows.
#[derive(Clone, Default)]
pub struct Brings {
    pub children: Vec<usize>,
    pub told: Vec<Vec<(usize, Vec<LinkedRow>)>>,
}

impl Brings {
    fn tokens(&self) -> Vec<Tag> {
        self.children.iter().map(|child| token(*child)).collect()
    }

    fn told(&self) -> Vec<Told> {
        let left_out = LeftOut { without_subject: 1, imprecise: 2 };
        self.told.iter().map(|children| Told { children: children.clone(), left_out }).collect()
    }
}

/// The secret keys of a run's parties.
pub struct Keys {
    pub p: BlinderKey,
    pub q: BlinderKey,
    /// Seeds, so that a test can open what a machine opened.
    pub monitor: [u8; 32],
    pub gate: [u8; 32],
}

pub fn agreement(seed: [u8; 32]) -> AgreementKey {
    AgreementKey::from_seed(Secret32::new(seed))
}

/// A document over these nodes, numbered from 1; the first two blind.
pub fn document(nodes: &[Brings], questions: &[Question]) -> (RunDocument, Keys) {
    let keys = Keys { p: BlinderKey::random(), q: BlinderKey::random(), monitor: random(), gate: random() };
    let elements =
        |brings: &Brings| u32::try_from(brings.children.len().max(1)).expect("few").next_multiple_of(PADDING);
    let document = RunDocument {
        version: RunDocument::VERSION,
        run: crate::crypto::hex(&random::<16>()),
        convenant: Digest([7; 32]),
        epoch: 1,
        number: 0,
        previous: None,
        year: 2026,
        spent: Vec::new(),
        until: 1_000_000,
        data_from: Day(17_000),
        horizon: Day(20_000),
        tables: vec![TableQuery { indicator: IndicatorId::Ind13, period: Period::year_of(2024), by: Vec::new() }],
        questions: questions.to_vec(),
        blinders: [BlinderOf::new(oin(1), &keys.p.public()), BlinderOf::new(oin(2), &keys.q.public())],
        monitor: ReceiverOf { oin: oin(MONITOR), key: agreement(keys.monitor).public() },
        gate: ReceiverOf { oin: oin(GATE), key: agreement(keys.gate).public() },
        nodes: nodes.iter().enumerate().map(|(at, n)| NodeLine::new(oin(at + 1), elements(n), &[0; 64])).collect(),
        without: Vec::new(),
    };
    (document, keys)
}

/// Everything that each party received, in order.
#[derive(Default)]
pub struct Seen {
    pub blinders: [Vec<Vec<u8>>; 2],
    pub gate: Vec<Vec<u8>>,
    pub monitor: Vec<Vec<u8>>,
    /// What the monitor carried for others.
    pub carried: Vec<Vec<u8>>,
}

pub struct Played {
    pub run: Arc<Run>,
    /// The monitor's key of the run.
    pub monitor_key: AgreementKey,
    gate_key: AgreementKey,
    pub linked: Vec<Linked>,
    pub grouping: Grouping,
    pub seen: Seen,
    /// The sealed tags of the batch, by handle.
    pub tags: Vec<u8>,
    /// Of each node the outputs for its children.
    pub outputs: Vec<Vec<OprfOutput>>,
    /// The points of the tokens of ten children: bare, under P's key, under Q's and under both.
    pub guesses: Vec<[u8; 32]>,
}

impl Played {
    /// What the gate opened of each node, which sent one chunk.
    pub fn opened_by_gate(&self) -> Vec<Vec<u8>> {
        let open = |(at, chunk): (usize, &Vec<u8>)| {
            open_chunk(&self.run, &self.gate_key, (oin(at + 1), 0, true), chunk).expect("opens").to_vec()
        };
        self.seen.gate.iter().enumerate().map(open).collect()
    }
}

fn guesses(run: &Run, [p, q]: [&BlinderKey; 2]) -> Vec<[u8; 32]> {
    let input = |child: usize| [&token(child).expose()[..], &run.hash.0].concat();
    let points = Points::hashed(&(0..10).map(input).collect::<Vec<_>>());
    let by_p = p.evaluate(&points).0;
    let all = [q.evaluate(&points).0, q.evaluate(&by_p).0, by_p, points];
    all.iter().flat_map(|points| points.bytes().to_vec()).collect()
}

/// A whole run; `voids` as the gate draws them.
pub fn play(nodes: &[Brings], questions: &[Question], voids: &Voids) -> Result<Played, LinkFault> {
    let (document, keys) = document(nodes, questions);
    let run = Arc::new(Run::new(document)?);
    let mut seen = Seen::default();
    let guesses = guesses(&run, [&keys.p, &keys.q]);
    let mut outputs = Vec::new();
    let mut p = BlinderRun::new(Arc::clone(&run), oin(1), keys.p)?;
    let mut q = BlinderRun::new(Arc::clone(&run), oin(2), keys.q)?;
    let mut gate = GateRun::with_voids(Arc::clone(&run), oin(GATE), agreement(keys.gate), voids)?;
    let mut monitor = MonitorRun::new(Arc::clone(&run), oin(MONITOR), agreement(keys.monitor))?;
    for (at, brings) in nodes.iter().enumerate() {
        let own = oin(at + 1);
        let mut node = NodeRun::new(Arc::clone(&run), own, &brings.tokens())?;
        for batch in 0..node.batches() {
            let for_p = node.for_p(batch)?;
            let by_p = p.multiply(own, batch, &for_p)?;
            let for_q = node.from_p(batch, &by_p)?;
            let by_q = q.multiply(own, batch, &for_q)?;
            node.from_q(batch, &by_q)?;
            seen.carried.extend([for_p.clone(), by_p, for_q.clone(), by_q]);
            seen.blinders[0].push(for_p);
            seen.blinders[1].push(for_q);
        }
        let finished = node.finish()?;
        let chunks = seal_rows(&run, own, &finished, &brings.told())?;
        outputs.push(finished);
        for (number, chunk) in (0..).zip(&chunks) {
            gate.take(own, (number, number as usize + 1 == chunks.len()), chunk)?;
            seen.gate.push(chunk.clone());
            seen.carried.push(chunk.clone());
        }
    }
    let chunks = gate.mix()?;
    let mut tags = Vec::new();
    for number in 0..chunks {
        let chunk = gate.tags(number)?;
        monitor.take(number, &chunk)?;
        tags.extend_from_slice(&chunk);
        seen.monitor.push(chunk);
    }
    let grouping = Grouping::from_bytes(&monitor.group(chunks)?.to_bytes()).expect("reads back");
    let linked = gate.link(&grouping)?;
    Ok(Played {
        run,
        monitor_key: agreement(keys.monitor),
        gate_key: agreement(keys.gate),
        linked,
        grouping,
        seen,
        tags,
        outputs,
        guesses,
    })
}

/// What grouping by child directly gives: for each question, child to the names of its rows.
pub fn directly(nodes: &[Brings], questions: usize) -> Vec<BTreeMap<usize, Vec<u64>>> {
    let mut out = vec![BTreeMap::<usize, Vec<u64>>::new(); questions];
    for brings in nodes {
        for (told, by_child) in brings.told.iter().zip(&mut out) {
            for (place, rows) in told {
                by_child.entry(brings.children[*place]).or_default().extend(rows.iter().map(|row| row.family));
            }
        }
    }
    out.iter_mut().flat_map(BTreeMap::values_mut).for_each(|names| names.sort_unstable());
    out
}
