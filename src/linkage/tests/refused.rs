//! What is refused at each machine, and whose doing it is.

use std::sync::Arc;

use super::region::{Brings, GATE, Keys, MONITOR, agreement, document, few, oin, question, row, token};
use crate::crypto::oprf::{BlinderKey, Elements as Points, InvalidElements, OprfOutput};
use crate::crypto::{Tag, seal_to};
use crate::domain::linked::{LinkedRow, Question};
use crate::domain::oin::Oin;
use crate::linkage::blinder::BlinderRun;
use crate::linkage::document::Run;
use crate::linkage::fault::{Fault, LinkFault};
use crate::linkage::gate::GateRun;
use crate::linkage::monitor::{Grouping, MonitorRun};
use crate::linkage::node::NodeRun;
use crate::linkage::rows::{Told, seal_rows, seal_tag, tag_sealer};
use crate::linkage::voids::Voids;

pub fn who<T>(done: Result<T, LinkFault>) -> (Fault, Vec<Oin>) {
    let refused = done.err().expect("refused");
    (refused.fault, refused.culprits)
}

/// Three nodes with two children each; children 1 and 2 are known everywhere.
pub fn set_up() -> (Arc<Run>, Keys) {
    set_up_of(&[question("A", 2024)])
}

fn set_up_of(questions: &[Question]) -> (Arc<Run>, Keys) {
    let nodes = vec![Brings { children: vec![1, 2], ..Brings::default() }; 3];
    let (document, keys) = document(&nodes, questions);
    (Arc::new(Run::new(document).expect("sound")), keys)
}

fn tokens() -> Vec<Tag> {
    vec![token(1), token(2)]
}

fn seal(run: &Arc<Run>, own: usize, outputs: &[OprfOutput], rows: Vec<LinkedRow>) -> Vec<u8> {
    let told = [Told { children: vec![(0, rows)], ..Told::default() }];
    seal_rows(run, oin(own), outputs, &told).expect("rows").remove(0)
}

/// The outputs of one node, by machines of its own.
fn outputs(run: &Arc<Run>, own: usize, p: &mut BlinderRun, q: &mut BlinderRun) -> Vec<OprfOutput> {
    let mut node = NodeRun::new(Arc::clone(run), oin(own), &tokens()).expect("a node");
    let for_p = node.for_p(0).expect("a batch");
    let for_q = node.from_p(0, &p.multiply(oin(own), 0, &for_p).expect("P")).expect("P's answer");
    node.from_q(0, &q.multiply(oin(own), 0, &for_q).expect("Q")).expect("Q's answer");
    node.finish().expect("outputs")
}

fn blinders(run: &Arc<Run>, keys: Keys) -> (BlinderRun, BlinderRun) {
    let of = |number, key| BlinderRun::new(Arc::clone(run), oin(number), key).expect("a blinder");
    (of(1, keys.p), of(2, keys.q))
}

#[test]
fn a_blinder_refuses_a_node_that_sends_what_the_document_does_not_allow() {
    let (run, keys) = set_up();
    let (mut p, _) = blinders(&run, keys);
    let batch = Points::random(64).to_bytes();
    let stranger = oin(55);
    assert_eq!(who(p.multiply(stranger, 0, &batch)), (Fault::Role, vec![stranger]));
    assert_eq!(who(p.multiply(oin(1), 1, &batch)), (Fault::OutOfTurn, vec![oin(1)]), "a batch too many");
    let more = Points::random(65).to_bytes();
    assert_eq!(who(p.multiply(oin(1), 0, &more)), (Fault::OutOfTurn, vec![oin(1)]), "an element too many");
    assert_eq!(who(p.multiply(oin(1), 0, &batch[32..])), (Fault::OutOfTurn, vec![oin(1)]), "one too few");
    let with = |at: usize, element: [u8; 32]| {
        let mut other = batch.clone();
        other[32 * at..32 * (at + 1)].copy_from_slice(&element);
        other
    };
    for (bytes, why) in [
        (with(3, [0; 32]), InvalidElements::Identity(3)),
        (with(4, [0xff; 32]), InvalidElements::Encoding(4)),
        (with(5, batch[..32].try_into().expect("32 bytes")), InvalidElements::Repeated(5)),
    ] {
        assert_eq!(who(p.multiply(oin(1), 0, &bytes)), (Fault::Element(why), vec![oin(1)]));
    }
    assert_eq!(p.awaited(), [oin(1), oin(2), oin(3)]);
    let answer = p.multiply(oin(1), 0, &batch).expect("a good batch");
    assert_eq!(p.multiply(oin(1), 0, &batch), Ok(answer), "the same again, after a lost connection");
    let others = Points::random(64).to_bytes();
    assert_eq!(who(p.multiply(oin(1), 0, &others)), (Fault::OutOfTurn, vec![oin(1)]), "more than the quota");
    let replayed = with(0, others[..32].try_into().expect("32 bytes"));
    let replay = (Fault::Element(InvalidElements::Repeated(1)), vec![oin(1), oin(2)]);
    assert_eq!(
        who(p.multiply(oin(2), 0, &replayed)),
        replay,
        "an element of another node: either may have taken it from the other"
    );
    assert_eq!(p.awaited(), [oin(2), oin(3)]);
    assert_eq!(p.multiplied().into_iter().collect::<Vec<_>>(), [(oin(1), 64)]);
}

#[test]
fn a_blinder_takes_part_only_with_the_key_of_the_document() {
    let (run, keys) = set_up();
    let made = |number, key| BlinderRun::new(Arc::clone(&run), oin(number), key);
    assert_eq!(who(made(1, BlinderKey::random())), (Fault::OtherKey, vec![oin(MONITOR)]));
    assert_eq!(who(made(3, keys.p)), (Fault::Role, vec![oin(3)]));
    let gate = GateRun::with_voids(Arc::clone(&run), oin(GATE), agreement([1; 32]), &few());
    assert_eq!(who(gate), (Fault::OtherKey, vec![oin(MONITOR)]));
    let monitor = MonitorRun::new(Arc::clone(&run), oin(MONITOR), agreement([1; 32]));
    assert_eq!(who(monitor), (Fault::OtherKey, vec![oin(GATE)]));
}

#[test]
fn a_node_names_the_blinder_that_used_another_key_another_order_or_a_wrong_proof() {
    let (run, keys) = set_up();
    let (mut p, _) = blinders(&run, keys);
    let mut node = NodeRun::new(Arc::clone(&run), oin(3), &tokens()).expect("a node");
    let for_p = node.for_p(0).expect("a batch");
    assert_eq!(node.for_p(0).expect("asked again"), for_p, "the same after a lost connection");
    let good = p.multiply(oin(3), 0, &for_p).expect("P");
    let elements = Points::from_bytes(&for_p).expect("elements");
    let (others, other_proof) = BlinderKey::random().evaluate(&elements);
    let answer = |elements: &Points, proof: &[u8]| [&elements.to_bytes()[..], proof].concat();
    let honest = Points::from_bytes(&good[..64 * 32]).expect("elements");
    let backwards: Vec<usize> = (0..64).rev().collect();
    for bad in [
        answer(&others, &other_proof.to_bytes()),
        answer(&others, &good[64 * 32..]),
        answer(&honest.pick(&backwards), &good[64 * 32..]),
        answer(&honest, &[0xff; 64]),
        answer(&elements, &good[64 * 32..]),
    ] {
        assert_eq!(who(node.from_p(0, &bad)), (Fault::Proof, vec![oin(1)]));
    }
    let mut identity = good.clone();
    identity[..32].fill(0);
    assert_eq!(who(node.from_p(0, &identity)).1, [oin(1)]);
    assert_eq!(who(node.from_q(0, &good)).0, Fault::OutOfTurn, "Q before P");
    let for_q = node.from_p(0, &good).expect("the good answer still counts");
    // P answers in Q's place: its proof is under another key.
    let in_place_of_q = BlinderRun::multiply(&mut p, oin(2), 0, &for_q).expect("P multiplies anything");
    assert_eq!(who(node.from_q(0, &in_place_of_q)), (Fault::Proof, vec![oin(2)]));
    assert_eq!(who(node.finish()), (Fault::Incomplete, vec![oin(2)]));
    let many: Vec<Tag> = (0..65).map(token).collect();
    assert_eq!(who(NodeRun::new(run, oin(3), &many)), (Fault::TooMany, vec![oin(3)]));
}

/// A gate that has taken honest rows of all three nodes, with the monitor.
fn at_the_gate() -> (Arc<Run>, GateRun, MonitorRun, Vec<Vec<OprfOutput>>) {
    at_the_gate_of(&[question("A", 2024)], &few())
}

fn at_the_gate_of(questions: &[Question], voids: &Voids) -> (Arc<Run>, GateRun, MonitorRun, Vec<Vec<OprfOutput>>) {
    let (run, keys) = set_up_of(questions);
    let gate = GateRun::with_voids(Arc::clone(&run), oin(GATE), agreement(keys.gate), voids).expect("a gate");
    let monitor = MonitorRun::new(Arc::clone(&run), oin(MONITOR), agreement(keys.monitor)).expect("a monitor");
    let (mut p, mut q) = blinders(&run, keys);
    let outputs = (1..=3).map(|own| outputs(&run, own, &mut p, &mut q)).collect();
    (run, gate, monitor, outputs)
}

fn fill(gate: &mut GateRun, run: &Arc<Run>, outputs: &[Vec<OprfOutput>]) {
    for (at, outputs) in outputs.iter().enumerate() {
        let chunk = seal(run, at + 1, outputs, vec![row(at, 5, at as u64)]);
        gate.take(oin(at + 1), (0, true), &chunk).expect("rows");
    }
}

#[test]
fn the_gate_refuses_chunks_of_another_run_node_place_or_twice() {
    let (run, mut gate, _, outputs) = at_the_gate();
    let (other_run, ..) = set_up();
    let chunk = seal(&run, 1, &outputs[0], vec![row(0, 5, 1)]);
    let of_other_run = seal(&other_run, 1, &outputs[0], vec![row(0, 5, 1)]);
    let first = (0, true);
    assert_eq!(who(gate.take(oin(55), first, &chunk)), (Fault::Role, vec![oin(55)]));
    assert_eq!(who(gate.take(oin(2), first, &chunk)), (Fault::Seal, vec![oin(2)]), "another node's");
    assert_eq!(who(gate.take(oin(1), first, &of_other_run)), (Fault::Seal, vec![oin(1)]), "another run's");
    assert_eq!(who(gate.take(oin(1), (0, false), &chunk)), (Fault::Seal, vec![oin(1)]), "not the last");
    assert_eq!(who(gate.take(oin(1), (1, true), &chunk)), (Fault::OutOfTurn, vec![oin(1)]));
    gate.take(oin(1), first, &chunk).expect("a chunk");
    gate.take(oin(1), first, &chunk).expect("the same again, after a lost connection");
    let second = seal(&run, 1, &outputs[0], vec![row(0, 6, 2)]);
    assert_eq!(who(gate.take(oin(1), first, &second)), (Fault::OutOfTurn, vec![oin(1)]));
    assert_eq!(who(gate.take(oin(1), (1, true), &second)), (Fault::OutOfTurn, vec![oin(1)]));
    assert_eq!(who(gate.mix()), (Fault::Incomplete, vec![oin(2), oin(3)]));
    assert_eq!(who(run.is_open(1_000_001, gate.awaited())), (Fault::Over, vec![oin(2), oin(3)]));
    assert_eq!(run.is_open(1_000_000, Vec::new()), Ok(()));
}

/// A stream as a node could make it that does not follow the rules, sealed as the only chunk.
fn forged(run: &Run, own: usize, stream: &[u8]) -> Vec<u8> {
    let mut padded = stream.to_vec();
    padded.resize(padded.len().next_multiple_of(16 * 1024), 0);
    forged_at(run, own, (0, true), &padded)
}

fn forged_at(run: &Run, own: usize, (at, last): (u32, bool), plain: &[u8]) -> Vec<u8> {
    let place = [oin(own).as_str().as_bytes(), &at.to_be_bytes(), &[u8::from(last)]].concat();
    let info = [&b"ketenpoort/v1/link-rows\0"[..], &run.hash.0, &place].concat();
    seal_to(&run.document.gate.key, &info, &[], plain)
}

/// A bundle as a forger writes it: question, sealed tag, rows.
type Forged<'a> = (u16, &'a [u8], Vec<[u8; LinkedRow::BYTES]>);

fn stream(bundles: &[Forged<'_>]) -> Vec<u8> {
    let mut out = vec![0; 8];
    for (question, sealed, rows) in bundles {
        out.extend(question.to_be_bytes());
        out.extend_from_slice(sealed);
        out.extend(u16::try_from(rows.len()).expect("few").to_be_bytes());
        out.extend(rows.concat());
    }
    out.extend([0xff, 0xff]);
    out
}

#[test]
fn rows_that_cannot_be_read_or_speak_for_another_node_are_their_nodes_doing() {
    let tag = |at: u8| [at; 64];
    let too_many = tag(1);
    let mut unknown_role = row(2, 5, 1).to_bytes();
    unknown_role[0] = 9;
    let cases: Vec<(Vec<u8>, Fault)> = vec![
        (stream(&[(0, &tag(1), vec![row(1, 5, 1).to_bytes()])]), Fault::Rows),
        (stream(&[(0, &tag(1), vec![unknown_role])]), Fault::Rows),
        (stream(&[(1, &tag(1), vec![row(2, 5, 1).to_bytes()])]), Fault::Rows),
        (stream(&[(0, &tag(1), Vec::new()), (0, &tag(1), Vec::new())]), Fault::Repeated),
        (stream(&(0..65).map(|_| (0, &too_many[..], Vec::new())).collect::<Vec<_>>()), Fault::Rows),
        (vec![0; 8], Fault::Rows),
        ([stream(&[]), vec![1]].concat(), Fault::Rows),
        (Vec::new(), Fault::Rows),
    ];
    for (at, (bytes, fault)) in cases.into_iter().enumerate() {
        let (run, mut gate, _, outputs) = at_the_gate();
        fill(&mut gate, &run, &outputs[..2]);
        gate.take(oin(3), (0, true), &forged(&run, 3, &bytes)).expect("opens");
        assert_eq!(who(gate.mix()), (fault, vec![oin(3)]), "case {at}");
    }
}

#[test]
fn a_row_that_is_sent_again_is_refused_and_its_sender_named() {
    let (run, mut gate, _, outputs) = at_the_gate();
    fill(&mut gate, &run, &outputs[..2]);
    // The sealed tag of a row that went before, with other rows behind it.
    let sealed = seal_tag(&tag_sealer(&run), &[5; 16]);
    let twice = stream(&[(0, &sealed, vec![row(2, 5, 1).to_bytes()]), (0, &sealed, vec![row(2, 6, 2).to_bytes()])]);
    gate.take(oin(3), (0, true), &forged(&run, 3, &twice)).expect("opens");
    assert_eq!(who(gate.mix()), (Fault::Repeated, vec![oin(3)]));
}

#[test]
fn tags_that_do_not_open_are_the_doing_of_their_node_or_of_the_monitor_that_says_so() {
    let (run, mut gate, mut monitor, outputs) = at_the_gate();
    fill(&mut gate, &run, &outputs[..2]);
    let garbage = stream(&[(0, &[9; 64], vec![row(2, 5, 1).to_bytes()])]);
    gate.take(oin(3), (0, true), &forged(&run, 3, &garbage)).expect("opens");
    gate.mix().expect("mixed");
    monitor.take(0, &gate.tags(0).expect("tags")).expect("taken");
    let grouping = monitor.group(1).expect("grouped");
    assert_eq!(grouping.unopened.len(), 1);
    assert_eq!(who(gate.link(&grouping)), (Fault::Seal, vec![oin(MONITOR), oin(3)]));
    assert_eq!(who(gate.link(&grouping)).0, Fault::OutOfTurn, "the run has ended");
}

#[test]
fn the_monitor_groups_once_and_refuses_a_tag_that_came_before() {
    let (run, mut gate, mut monitor, outputs) = at_the_gate();
    fill(&mut gate, &run, &outputs);
    assert_eq!(gate.mix(), Ok(1));
    assert_eq!(who(gate.mix()), (Fault::SecondBatch, vec![oin(GATE)]));
    let tags = gate.tags(0).expect("tags");
    assert_eq!(who(gate.tags(1)).0, Fault::OutOfTurn);
    let twice = [&tags[..], &tags[..64]].concat();
    assert_eq!(who(monitor.take(0, &twice)), (Fault::Repeated, vec![oin(GATE)]));
    assert_eq!(who(monitor.take(0, &tags[1..])), (Fault::OutOfTurn, vec![oin(GATE)]));
    assert_eq!(who(monitor.take(1, &tags)), (Fault::OutOfTurn, vec![oin(GATE)]), "not the first");
    assert_eq!(who(monitor.group(1)).0, Fault::Incomplete, "nothing came yet");
    monitor.take(0, &tags).expect("what was refused left nothing behind");
    monitor.take(0, &tags).expect("the same again, after a lost connection");
    assert_eq!(who(monitor.take(0, &tags[..64])), (Fault::OutOfTurn, vec![oin(GATE)]), "another one in its place");
    assert_eq!(who(monitor.take(1, &tags[..64])), (Fault::Repeated, vec![oin(GATE)]));
    assert_eq!(who(monitor.group(2)).0, Fault::Incomplete, "the last chunk is lost");
    let grouping = monitor.group(1).expect("grouped");
    assert_eq!(who(monitor.take(1, &[])), (Fault::SecondBatch, vec![oin(GATE)]));
    assert_eq!(who(monitor.group(1)), (Fault::SecondBatch, vec![oin(GATE)]));
    let linked = gate.link(&grouping).expect("linked");
    assert_eq!(linked[0].groups.iter().map(|group| group.0.len()).collect::<Vec<_>>(), [3]);
}

/// What the gate says of a monitor that puts all tags together, where there is no void one. Each node tells of each question these
/// children.
fn all_together(told: [&[&[usize]]; 3]) -> (Fault, Vec<Oin>) {
    let questions = [question("A", 2024), question("B", 2024)];
    let (run, mut gate, mut monitor, outputs) = at_the_gate_of(&questions, &Voids::under(&[1]));
    for (at, of_questions) in told.into_iter().enumerate() {
        let one = |child: &usize| (*child, vec![row(at, 5, *child as u64)]);
        let of = |children: &&[usize]| Told { children: children.iter().map(one).collect(), ..Told::default() };
        let told: Vec<Told> = of_questions.iter().map(of).collect();
        let chunk = seal_rows(&run, oin(at + 1), &outputs[at], &told).expect("rows").remove(0);
        gate.take(oin(at + 1), (0, true), &chunk).expect("a chunk");
    }
    gate.mix().expect("mixed");
    let tags = gate.tags(0).expect("tags");
    monitor.take(0, &tags).expect("taken");
    let together = (0..u32::try_from(tags.len() / 64).expect("few")).collect();
    who(gate.link(&Grouping { groups: vec![together], unopened: Vec::new() }))
}

#[test]
fn two_children_of_one_node_under_one_tag_are_its_doing_or_the_monitors_and_nobody_elses() {
    let found = all_together([&[&[0], &[]], &[&[0], &[]], &[&[0, 1], &[]]]);
    assert_eq!(found, (Fault::Rows, vec![oin(MONITOR), oin(3)]));
    // Of two questions under one tag it cannot be said who did it.
    let found = all_together([&[&[0], &[]], &[&[0], &[]], &[&[], &[0]]]);
    assert_eq!(found, (Fault::Rows, vec![oin(MONITOR), oin(1), oin(2), oin(3)]));
}

#[test]
fn a_node_tells_no_void_row_and_no_child_twice() {
    let (run, _, _, outputs) = at_the_gate();
    let told = |children| seal_rows(&run, oin(1), &outputs[0], &[Told { children, ..Told::default() }]);
    assert!(told(vec![(0, vec![row(0, 5, 1)])]).is_ok());
    for (children, why) in [
        (vec![(0, vec![LinkedRow::void(0)])], "its day would be the shift"),
        (vec![(0, vec![row(0, 5, 1)]), (0, vec![row(0, 6, 2)])], "a child twice"),
        (vec![(0, vec![row(0, 5, 1); 1025])], "more rows than a bundle holds"),
    ] {
        assert_eq!(who(told(children)), (Fault::Rows, vec![oin(1)]), "{why}");
    }
}

#[test]
fn a_stream_that_is_longer_than_its_elements_can_need_is_refused_before_it_is_kept() {
    let (run, mut gate, _, _) = at_the_gate();
    let chunk = |at: u32| forged_at(&run, 1, (at, false), &[0; 40_000]);
    gate.take(oin(1), (0, false), &chunk(0)).expect("a chunk");
    gate.take(oin(1), (1, false), &chunk(1)).expect("a chunk");
    assert_eq!(who(gate.take(oin(1), (2, false), &chunk(2))), (Fault::TooMany, vec![oin(1)]));
    let long = vec![0; 600_000];
    assert_eq!(who(gate.take(oin(2), (0, true), &long)), (Fault::TooMany, vec![oin(2)]));
}

#[test]
fn a_grouping_that_is_cut_short_or_goes_on_is_none() {
    let grouping = Grouping { groups: vec![vec![1, 2], vec![7, 8, 9]], unopened: vec![3] };
    let bytes = grouping.to_bytes();
    assert_eq!(Grouping::from_bytes(&bytes), Some(grouping));
    for cut in 0..bytes.len() {
        assert_eq!(Grouping::from_bytes(&bytes[..cut]), None, "{cut}");
    }
    assert_eq!(Grouping::from_bytes(&[&bytes[..], &[0; 4]].concat()), None);
    // A count that no memory holds.
    assert_eq!(Grouping::from_bytes(&[0xff; 8]), None);
}
