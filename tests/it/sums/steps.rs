//! A run from the monitor's question to the released sum, between open nodes: what comes out, who sees what, and what happens when
//! somebody is away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ketenpoort::disclosure::component::Job;
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::domain::table::{Scope, Table};
use ketenpoort::monitor::sums::{Summed, Summing};
use ketenpoort::service::revision::{RevisionError, RevisionOrder};
use ketenpoort::translog::entry::{Direction, Outcome, Phase};

use super::exact::{Place, counts, jobs, own, vector};
use super::region::{LARGE, Region};
use crate::region::Region as Files;

fn year_tables(year: i16) -> Query {
    let by: [&[Dimension]; 3] = [&[], &[Dimension::Gemeente], &[Dimension::Leeftijd]];
    let quarters = (1..=4).map(|q| Period::quarter(year, q));
    let periods: Vec<Period> = quarters.chain([Period::year_of(year)]).collect();
    let table =
        |period: Period, by: &[Dimension]| TableQuery { indicator: IndicatorId::Ind01, period, by: by.to_vec() };
    Query::new(periods.iter().flat_map(|period| by.iter().map(|by| table(*period, by))).collect())
}

fn pull(region: &Region, year: i16) -> Summed {
    pull_without(region, year, &[])
}

fn pull_without(region: &Region, year: i16, without: &[Oin]) -> Summed {
    let (core, convenant) = (region.core(region.monitor), region.convenant());
    let summing = Summing { core: &core, peers: region, convenant: &convenant, gate: region.gate, without };
    summing.pull(&year_tables(year), &[Owner::Lt])
}

/// The plain sum of what these towns count, before disclosure control.
fn plain(files: &Files, towns: &[Oin], region: &Region, job: &Job) -> BTreeMap<Place, u32> {
    let mut sum = BTreeMap::new();
    for town in towns {
        let n = region.towns.iter().position(|t| t == town).expect("a town");
        let raws = own(files, &files.organisations[n], Owner::Lt, std::slice::from_ref(job));
        for (cell, count) in raws.iter().flat_map(counts) {
            *sum.entry(cell).or_insert(0) += count;
        }
    }
    sum
}

/// What a released table prints lies within rounding of the plain sum of its sources, and is at least ten.
fn agrees(files: &Files, region: &Region, table: &Table) -> usize {
    let query =
        TableQuery { indicator: IndicatorId::Ind01, period: table.period.expect("a period"), by: table.by.clone() };
    let job = jobs(IndicatorId::Ind01, query.period.year(), &[&query.by]).into_iter().find(|job| job.table == query);
    let plain = plain(files, &table.sources, region, &job.expect("a job"));
    let mut printed = 0;
    for row in &table.rows {
        assert_ne!(row.measure, "n_kinderen", "children summed over organisations have a name of their own");
        let Some(value) = row.value else { continue };
        let key: Vec<String> = table.by.iter().map(|d| row.key[d].clone()).collect();
        // Here the domain is smaller than that of the tables beside it, so the others are others.
        if key.iter().any(|value| value == "overig") {
            continue;
        }
        let Some(exact) = plain.get(&(row.series.clone(), "n_kinderen".to_owned(), key)) else { continue };
        assert!((i64::from(*exact) - value).abs() <= 2 && *exact >= 10, "{row:?} is {exact}");
        printed += 1;
    }
    printed
}

#[test]
fn a_run_releases_the_region_and_every_later_question_gets_the_same_bytes() {
    let files = &LARGE.1;
    let region = Region::new(files, 5);
    let summed = pull(&region, 2023);
    assert_eq!(summed.gate, None, "{:?}", summed.absent);
    assert!(summed.absent.is_empty() && summed.pending.is_empty(), "{:?} {:?}", summed.absent, summed.pending);
    assert_eq!(summed.tables.len(), year_tables(2023).tables().len());
    let mut printed = 0;
    for table in &summed.tables {
        assert_eq!((table.scope, table.protected), (Scope::Som, true));
        assert_eq!((table.coverage.expected, table.coverage.delivered), (5, 5));
        assert_eq!(table.sources, region.towns);
        printed += agrees(files, &region, table);
    }
    assert!(printed > 5, "printed sums: {printed}");
    let again = pull(&region, 2023);
    assert_eq!(again.tables, summed.tables);
    region.reopen(region.gate, files);
    assert_eq!(pull(&region, 2023).tables, summed.tables, "also after a restart of the gate");
    logs_tell_it(&region);
}

/// Every party has the run in its log: each share announced before it left, received, and confirmed.
fn logs_tell_it(region: &Region) {
    let monitor = region.log(region.monitor);
    let run = monitor.iter().find(|e| e.service.ends_with("Sums/Share")).expect("a run").transfer_id;
    let of = |oin: Oin| -> Vec<_> { region.log(oin).into_iter().filter(|e| e.transfer_id == run).collect() };
    for town in &region.towns {
        let log = of(*town);
        for receiver in [region.monitor, region.gate] {
            let left = |e: &&_| matches!(e, ketenpoort::translog::entry::Entry { phase: Phase::Intent, .. });
            let intents = log.iter().filter(left).filter(|e| e.receiver_oin == Some(receiver)).count();
            assert_eq!(intents, 1, "one share to {receiver}");
        }
        let confirmed = |e: &&ketenpoort::translog::entry::Entry| e.outcome == Some(Outcome::Confirmed);
        assert_eq!(
            log.iter().filter(confirmed).count(),
            1,
            "the monitor's receipt came at once, the gate's is asked for"
        );
    }
    let gate = of(region.gate);
    let received = gate.iter().filter(|e| e.phase == Phase::Received && e.direction == Direction::Incoming).count();
    assert_eq!(received, region.towns.len() + 1, "a part of every town, and the monitor's summed share");
    let sent = of(region.monitor);
    let total = sent.iter().filter(|e| e.receiver_oin == Some(region.gate) && e.outcome == Some(Outcome::Confirmed));
    assert_eq!(total.count(), 1, "the summed share has the gate's receipt");
}

#[test]
fn the_gate_receipt_of_a_part_comes_when_the_node_asks_for_it() {
    let region = Region::new(&LARGE.1, 3);
    assert_eq!(pull(&region, 2022).gate, None);
    let town = region.core(region.towns[0]);
    town.close_unconfirmed(true).expect("logged");
    assert!(town.chase_receipts(&region).expect("logged") >= 1);
    let confirmed = region.log(region.towns[0]).into_iter().filter(|e| e.outcome == Some(Outcome::Confirmed));
    let by: BTreeSet<_> = confirmed.filter_map(|e| e.receiver_oin).collect();
    assert_eq!(by, BTreeSet::from([region.monitor, region.gate]));
}

#[test]
fn who_is_away_is_named_and_comes_in_by_no_later_run() {
    let files = &LARGE.1;
    let region = Region::new(files, 5);
    let away = region.towns[1];
    region.down.lock().expect("lock").insert(away);
    let nothing = pull(&region, 2023);
    assert_eq!(nothing.absent, [(away, ReasonCode::PartnerUnreachable)].into());
    assert_eq!(nothing.gate, Some(ReasonCode::SumNotMade), "a first sum waits for who is away");
    let first = pull_without(&region, 2023, &[away]);
    for table in &first.tables {
        assert_eq!((table.coverage.expected, table.coverage.delivered), (5, 4));
        assert_eq!(table.coverage.missing, [away]);
        agrees(files, &region, table);
    }
    region.down.lock().expect("lock").clear();
    let later = pull(&region, 2023);
    assert_eq!(later.tables, first.tables, "the same answer, whoever is there now");
    // Another year is another component: there it takes part.
    assert!(pull(&region, 2022).tables.iter().all(|table| table.coverage.missing.is_empty()));
}

#[test]
fn who_breaks_off_halfway_is_named_and_the_sum_is_made_when_it_is_back() {
    let files = &LARGE.1;
    let region = Region::new(files, 4);
    region.silent.lock().expect("lock").insert(region.towns[2]);
    let summed = pull(&region, 2023);
    assert_eq!(summed.absent.keys().copied().collect::<Vec<_>>(), [region.towns[2]]);
    assert_eq!(summed.gate, Some(ReasonCode::SumNotMade));
    // The others shared with it on the list: over another list they share these figures no more.
    let smaller = pull_without(&region, 2023, &[region.towns[2]]);
    assert_eq!(smaller.gate, Some(ReasonCode::SumNotMade), "{:?}", smaller.absent);
    assert!(smaller.absent.values().all(|reason| *reason == ReasonCode::SumContributors), "{:?}", smaller.absent);
    region.silent.lock().expect("lock").clear();
    region.reopen(region.gate, files);
    let whole = pull(&region, 2023);
    assert!(whole.tables.iter().all(|table| table.coverage.missing.is_empty()), "{:?}", whole.absent);
    assert!(whole.tables.iter().map(|table| agrees(files, &region, table)).sum::<usize>() > 0);
}

#[test]
fn two_are_not_enough_and_a_gate_that_is_down_is_said() {
    let region = Region::new(&LARGE.1, 3);
    region.down.lock().expect("lock").insert(region.towns[0]);
    let summed = pull(&region, 2023);
    assert_eq!(summed.gate, Some(ReasonCode::SumNotMade));
    assert!(summed.tables.is_empty() && summed.absent.contains_key(&region.towns[0]));
    region.down.lock().expect("lock").extend([region.gate]);
    assert_eq!(pull(&region, 2023).gate, Some(ReasonCode::PartnerUnreachable));
    region.down.lock().expect("lock").clear();
    assert!(!pull(&region, 2023).tables.is_empty(), "when all are there it is made after all");
}

#[test]
fn the_monitor_hears_no_part_of_a_vector() {
    let files = &LARGE.1;
    let region = Region::new(files, 3);
    assert_eq!(pull(&region, 2023).gate, None);
    let heard = region.heard.lock().expect("lock").concat();
    let jobs = jobs(IndicatorId::Ind01, 2023, &[&[], &[Dimension::Gemeente], &[Dimension::Leeftijd]]);
    let (mut sought, mut plain) = (0, Vec::new());
    for n in 0..3 {
        // Any six numbers of a node's vector in a row that say something, in the width in which shares travel.
        let vector = vector(files, &files.organisations[n], Owner::Lt, &jobs);
        let bytes = |numbers: &[u64]| -> Vec<u8> { numbers.iter().flat_map(|n| n.to_le_bytes()).collect() };
        let telling = vector.windows(6).filter(|six| six.iter().filter(|n| **n > 0).count() >= 4);
        let needles: BTreeSet<Vec<u8>> = telling.map(bytes).collect();
        plain.extend(bytes(&vector));
        for needle in &needles {
            let found = |hay: &[u8]| hay.windows(needle.len()).any(|here| here == needle.as_slice());
            assert!(!found(&heard), "a vector in what the monitor heard");
            assert!(found(&plain), "the search finds a vector that is there");
        }
        sought += needles.len();
    }
    assert!(heard.len() > 10_000 && sought > 3, "{sought} needles in {} bytes", heard.len());
}

#[test]
fn what_was_shared_never_leaves_as_a_figure_of_the_node_alone_and_is_never_revised() {
    let region = Region::new(&LARGE.1, 3);
    assert_eq!(pull(&region, 2023).gate, None);
    let town = region.core(region.towns[0]);
    let order = |year, indicators: &[IndicatorId]| RevisionOrder {
        year,
        indicators: indicators.to_vec(),
        reason: "nalevering".to_owned(),
        approved_by: vec!["A. Jansen".to_owned(), "B. de Vries".to_owned()],
    };
    for core in [Arc::clone(&town), region.core(region.gate)] {
        for indicators in [&[][..], &[IndicatorId::Ind01]] {
            let refused = core.revise(&order(2023, indicators));
            assert!(matches!(refused, Err(RevisionError::Summed)), "{refused:?}");
        }
        let nothing = core.revise(&order(2021, &[]));
        assert!(matches!(nothing, Err(RevisionError::Nothing)), "a year of which nothing left");
    }
    let lines = town.release_all(&|_, _| ()).expect("released");
    assert!(lines.iter().all(|line| !line.indicators.contains(&IndicatorId::Ind01)), "{lines:?}");
}
