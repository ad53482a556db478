//! A gate that is killed in the middle of a run: nothing comes out by halves, and nothing is put together over others afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::query::Query;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::indicator::relations::VERSION;
use ketenpoort::monitor::sums::Summing;
use ketenpoort::service::sums::messages::{SumAsked, SumReply};
use ketenpoort::service::sums::monitor::OurRun;

use super::sums::{Siege, table};
use crate::region::fixture;
use crate::sums::region::delivery;

/// A run of three towns whose parts the gate has.
fn gathered(siege: &Siege) -> OurRun {
    let run = siege.run(3);
    for town in &siege.region.towns[..3] {
        let part = SumAsked::Part(siege.part(&run, *town));
        assert_eq!(siege.gate_says(siege.region.monitor, part), Ok(SumReply::Taken));
    }
    run
}

fn total(siege: &Siege, run: OurRun) -> SumAsked {
    SumAsked::Total(delivery(&siege.region.core(siege.region.monitor).total(run).expect("all")))
}

/// The tables that the gate has released, each proven anew.
fn released(siege: &Siege) -> usize {
    let lines = siege.region.core(siege.region.gate).recheck(&|_| true).expect("read");
    assert!(lines.iter().all(|line| line.result.is_ok() && line.compared == Some(VERSION)), "{lines:?}");
    lines.iter().map(|line| line.tables.len()).sum()
}

/// The sum over three towns is made after all.
fn made_after_all(siege: &Siege) {
    let region = &siege.region;
    let (core, convenant) = (region.core(region.monitor), region.convenant());
    let without = [region.towns[3]];
    let summing = Summing { core: &core, peers: region, convenant: &convenant, gate: region.gate, without: &without };
    let made = summing.pull(&Query::new(vec![table()]), &[Owner::Lt]);
    assert_eq!(made.tables.len(), 1, "{:?} {:?}", made.absent, made.gate);
    assert_eq!(made.tables[0].sources, region.towns[..3]);
}

#[test]
fn a_gate_that_is_killed_between_the_parts_and_the_total_knows_nothing_of_the_run() {
    let siege = Siege::begin();
    let run = gathered(&siege);
    siege.region.reopen(siege.region.gate, &fixture("clean"));
    siege.refused(total(&siege, run), ReasonCode::SumRunUnknown);
    siege.nothing_is_released();
    made_after_all(&siege);
}

/// The files of a folder with their lengths.
fn lengths(dir: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut all: Vec<_> = entries.map(|e| (e.path(), e.metadata().expect("metadata").len())).collect();
    all.sort();
    all
}

#[test]
fn a_gate_that_is_killed_while_it_stores_a_sum_has_all_of_it_or_nothing() {
    let siege = Siege::begin();
    let (region, gate) = (&siege.region, siege.region.gate);
    let run = gathered(&siege);
    let state = region.dir(gate).join("state");
    let before = lengths(&state);
    let answer = siege.gate_says(region.monitor, total(&siege, run));
    assert!(matches!(answer, Ok(SumReply::Released(_))), "{answer:?}");
    let all = released(&siege);
    region.close(gate);
    let grown = lengths(&state).into_iter().find(|file| file.1 > 0 && !before.contains(file)).expect("it grew");
    let start = before.iter().find(|(path, _)| *path == grown.0).map_or(0, |(_, length)| *length);
    let (bytes, new) = (fs::read(&grown.0).expect("read"), grown.1 - start);
    // As the crash of a machine leaves it; the last one has lost half of the release, not the contributors before it.
    for part in [new, new - 1, 9, new / 2] {
        let end = usize::try_from(start + part).expect("small");
        region.close(gate);
        fs::write(&grown.0, &bytes[..end]).expect("written");
        region.reopen(gate, &fixture("clean"));
        assert_eq!(released(&siege), if part == new { all } else { 0 }, "{part} of {new} bytes");
    }
    siege.nothing_is_released();
    // The sum over three was put together once: over four it would tell the fourth.
    siege.refused(SumAsked::Agree(siege.body(4).to_bytes()), ReasonCode::SumContributors);
    made_after_all(&siege);
}
