//! Whole runs of blinded linkage over a region: what every node tells travels through blinders, gate and monitor, and what the gate then
//! counts is what the oracle counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use ketenpoort::crypto::oprf::BlinderKey;
use ketenpoort::crypto::{AgreementKey, Digest, MacKey, Secret32, Tag, digest, hex};
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::query::{IndicatorId, Query};
use ketenpoort::indicator::compute::Settings;
use ketenpoort::indicator::linked::count::{Counter, Counting};
use ketenpoort::indicator::linked::questions;
use ketenpoort::indicator::linked::tell::{Telling, tell};
use ketenpoort::indicator::raw::RawTable;
use ketenpoort::indicator::release::Release;
use ketenpoort::linkage::blinder::BlinderRun;
use ketenpoort::linkage::document::{BlinderOf, PADDING, ReceiverOf, Run, RunDocument};
use ketenpoort::linkage::gate::GateRun;
use ketenpoort::linkage::line::NodeLine;
use ketenpoort::linkage::monitor::{Grouping, MonitorRun};
use ketenpoort::linkage::node::NodeRun;
use ketenpoort::linkage::rows::{Told, seal_rows};
use ketenpoort::linkage::voids::Voids;

use crate::linked::{Chain, check};
use crate::region::{fixture, json};

/// Numbers by which the parties go in the run document; the nodes keep the order of the chain.
fn oin(number: usize) -> Oin {
    Oin::parse(&format!("{number:020}")).expect("20 digits")
}

/// A node as the run sees it: a token for each child, and its children among the stored events.
struct Cohort {
    tokens: Vec<Tag>,
    places: BTreeMap<u64, usize>,
}

fn cohorts(chain: &Chain) -> Vec<Cohort> {
    let of = |children: &[u64]| {
        let mut places: BTreeMap<u64, usize> = children.iter().map(|child| (*child, 0)).collect();
        places.values_mut().zip(0..).for_each(|(place, number)| *place = number);
        let token = |child: &u64| Tag::from_bytes(digest(&child.to_be_bytes()).0);
        Cohort { tokens: places.keys().map(token).collect(), places }
    };
    chain.nodes.iter().map(|node| of(&node.children)).collect()
}

/// The keys of a run.
struct Keys {
    blinders: [BlinderKey; 2],
    monitor: AgreementKey,
    gate: AgreementKey,
}

fn document(plan: &Query, settings: Settings, cohorts: &[Cohort], keys: &Keys) -> Run {
    let elements = |cohort: &Cohort| u32::try_from(cohort.tokens.len().max(1)).expect("few").next_multiple_of(PADDING);
    let nodes = cohorts.iter().enumerate().map(|(at, cohort)| NodeLine::new(oin(at + 1), elements(cohort), &[0; 64]));
    let document = RunDocument {
        version: RunDocument::VERSION,
        run: hex(&[7; 16]),
        convenant: Digest([1; 32]),
        epoch: 0,
        number: 0,
        previous: None,
        year: 2026,
        spent: Vec::new(),
        until: i64::MAX,
        data_from: settings.data_from,
        horizon: settings.horizon,
        tables: plan.tables().to_vec(),
        questions: questions(plan.tables(), Owner::ALL),
        blinders: [0, 1].map(|at| BlinderOf::new(oin(at + 1), &keys.blinders[at].public())),
        monitor: ReceiverOf { oin: oin(901), key: keys.monitor.public() },
        gate: ReceiverOf { oin: oin(902), key: keys.gate.public() },
        nodes: nodes.collect(),
        without: Vec::new(),
    };
    Run::new(RunDocument::from_bytes(&document.to_bytes()).expect("one form")).expect("sound")
}

/// What a node tells of every question of the run.
fn told(chain: &Chain, number: usize, cohort: &Cohort, run: &Run, settings: Settings) -> Vec<Told> {
    let node = &chain.nodes[number];
    let settings = Settings { organisation: node.oin, ..settings };
    let release = Release {
        settings,
        owners: Vec::new(),
        delivers: Vec::new(),
        domains: chain.domains.clone(),
        bin_cuts: Vec::new(),
        linked: true,
    };
    let key = MacKey::new(&Secret32::random());
    let organisation = u16::try_from(number).expect("few");
    let telling = Telling { release: &release, organisation, key: &key, frozen: false };
    let of = |question| {
        let told = tell(&node.columns, &chain.calendar, &telling, question);
        let place = |event: u32| cohort.places[&node.children[event as usize]];
        Told {
            children: told.children.into_iter().map(|child| (place(child.event), child.rows)).collect(),
            left_out: told.left_out,
        }
    };
    run.document.questions.iter().map(of).collect()
}

/// The tables of a plan by a whole run of the protocol.
fn count_by_run(chain: &Chain, plan: &Query, settings: Settings) -> Vec<RawTable> {
    let agreement = || AgreementKey::from_seed(Secret32::random());
    let keys = Keys { blinders: [BlinderKey::random(), BlinderKey::random()], monitor: agreement(), gate: agreement() };
    let cohorts = cohorts(chain);
    let run = Arc::new(document(plan, settings, &cohorts, &keys));
    let [p, q] = keys.blinders;
    let mut p = BlinderRun::new(Arc::clone(&run), oin(1), p).expect("P");
    let mut q = BlinderRun::new(Arc::clone(&run), oin(2), q).expect("Q");
    let voids = Voids::under(&[20, 10, 10, 10, 10, 10]);
    let mut gate = GateRun::with_voids(Arc::clone(&run), oin(902), keys.gate, &voids).expect("the gate");
    let mut monitor = MonitorRun::new(Arc::clone(&run), oin(901), keys.monitor).expect("the monitor");
    for (number, cohort) in cohorts.iter().enumerate() {
        let own = oin(number + 1);
        let mut node = NodeRun::new(Arc::clone(&run), own, &cohort.tokens).expect("a node");
        for batch in 0..node.batches() {
            let for_p = node.for_p(batch).expect("a batch");
            let for_q = node.from_p(batch, &p.multiply(own, batch, &for_p).expect("P")).expect("P's answer");
            node.from_q(batch, &q.multiply(own, batch, &for_q).expect("Q")).expect("Q's answer");
        }
        let told = told(chain, number, cohort, &run, settings);
        let chunks = seal_rows(&run, own, &node.finish().expect("outputs"), &told).expect("rows");
        for (at, chunk) in (0..).zip(&chunks) {
            gate.take(own, (at, at as usize + 1 == chunks.len()), chunk).expect("a chunk");
        }
    }
    let chunks = gate.mix().expect("everything came");
    for chunk in 0..chunks {
        monitor.take(chunk, &gate.tags(chunk).expect("tags")).expect("taken");
    }
    let grouping = Grouping::from_bytes(&monitor.group(chunks).expect("grouped").to_bytes()).expect("one form");
    let linked = gate.link(&grouping).expect("linked");
    let organisations: Vec<Oin> = chain.nodes.iter().map(|node| node.oin).collect();
    let counting =
        Counting { organisations: &organisations, domains: &chain.domains, within: settings.within, release: None };
    let mut counter = Counter::new(counting, plan);
    for (question, linked) in run.document.questions.iter().zip(&linked) {
        counter.add(question, &linked.groups, &[linked.left_out]);
    }
    counter.finish()
}

#[test]
fn after_a_whole_run_the_gate_counts_what_the_oracle_counts() {
    let region = fixture("corrected");
    let doc = json(&region.dir.join("expected.json"));
    let chain = Chain::of(&region);
    let years = |period: &str| period == "2024";
    let compared = check(&region, &chain, &doc, (&years, &|plan, settings| count_by_run(&chain, plan, settings)));
    // Every linked indicator is asked, and nearly all of them have figures in this year.
    let told = compared.values().filter(|numbers| **numbers > 0).count();
    assert!(compared.len() == 10 && told >= 9 && compared[&IndicatorId::Ind05] > 100, "{compared:?}");
    println!("{compared:?}");
}
