//! The arithmetic on real figures: what the shares of all municipalities add up to is what the oracle counts over the region.

use std::collections::BTreeMap;

use ketenpoort::crypto::Secret32;
use ketenpoort::disclosure::component::{Job, final_on, with_coarser};
use ketenpoort::disclosure::rules::publishable_sum;
use ketenpoort::disclosure::sums::{layout_of, question_of};
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::day::{Day, WorkCalendar};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, TableQuery};
use ketenpoort::indicator::columns::Columns;
use ketenpoort::indicator::compute::{Settings, compute_release};
use ketenpoort::indicator::raw::{RawTable, RawValue};
use ketenpoort::indicator::release::Release;
use ketenpoort::indicator::shares::{GateShare, GateSum, MaskSum};
use ketenpoort::policy::rules::{DisclosureRules, Domains};

use super::region::{LARGE, day, oin};
use crate::region::{Organisation, Region as Files, fixture, json};

/// What the frame of a region needs.
fn frame(files: &Files, owner: Owner, organisation: Oin, horizon: Day) -> Release {
    let doc = json(&files.dir.join("organisations.json"));
    let orgs = doc["organisations"].as_array().expect("organisations");
    let codes: Vec<String> = orgs.iter().filter_map(|o| o["gemeente"].as_str().map(str::to_owned)).collect();
    let settings = Settings { horizon, data_from: day("2021-01-01"), within: 365, organisation };
    let owning = files.organisations.iter().filter(|org| org.levert.contains(&owner));
    let delivers = owning.flat_map(|org| org.levert.clone()).collect();
    Release {
        settings,
        owners: vec![owner],
        delivers,
        domains: Domains::of_region(&codes),
        bin_cuts: Vec::new(),
        linked: false,
    }
}

/// The tables of an indicator over a year and its quarters, by these breakdowns, with the coarser ones.
pub fn jobs(indicator: IndicatorId, year: i16, by: &[&[Dimension]]) -> Vec<Job> {
    let quarters = (1..=4).map(|q| Period::quarter(year, q));
    let periods: Vec<Period> = quarters.chain([Period::year_of(year)]).collect();
    let tables = periods
        .iter()
        .flat_map(|period| by.iter().map(|by| TableQuery { indicator, period: *period, by: by.to_vec() }));
    with_coarser(tables.map(|table| Job { horizon: final_on(&table), table }))
}

/// The exact tables of one organisation.
pub fn own(files: &Files, org: &Organisation, owner: Owner, jobs: &[Job]) -> Vec<RawTable> {
    let columns = Columns::build(files.deliver(&org.levert, &org.files).1);
    let (calendar, question) = (WorkCalendar::new(), question_of(jobs).hash());
    let table = |job: &Job| {
        compute_release(&columns, &frame(files, owner, org.oin, job.horizon), &calendar, &job.table, question)
    };
    jobs.iter().map(table).collect()
}

/// The vector that one organisation shares.
pub fn vector(files: &Files, org: &Organisation, owner: Owner, jobs: &[Job]) -> Vec<u64> {
    let layout = layout_of(jobs, &frame(files, owner, oin(2), day("2025-12-31")));
    layout.vector(&own(files, org, owner, jobs), DisclosureRules::default().threshold).to_vec()
}

/// The regional tables as the gate has them before disclosure control, of everybody who owns series of this kind.
pub fn summed(files: &Files, owner: Owner, jobs: &[Job]) -> Vec<RawTable> {
    let rules = DisclosureRules::default();
    let layout = layout_of(jobs, &frame(files, owner, oin(2), day("2025-12-31")));
    let check = Secret32::new([9; 32]);
    let (mut gate, mut monitor) = (GateSum::new(layout.numbers()), MaskSum::new(layout.numbers()));
    let owners: Vec<&Organisation> = files.organisations.iter().filter(|org| org.levert.contains(&owner)).collect();
    for org in &owners {
        let vector = layout.vector(&own(files, org, owner, jobs), rules.threshold);
        let seed = Secret32::random();
        gate.add(&GateShare::split(&vector, &seed, &check));
        monitor.add(&seed);
    }
    let sum = gate.join(&monitor, &check).expect("they belong together");
    let publishable = |cell| publishable_sum(cell, &rules);
    layout.tables(&sum, owners.len(), question_of(jobs).hash(), &publishable).expect("counts")
}

/// Series, measure and key.
pub type Place = (String, String, Vec<String>);

/// Counts by series, measure and key.
pub fn counts(raw: &RawTable) -> BTreeMap<Place, u32> {
    let count = |cell: &ketenpoort::indicator::raw::RawCell| match cell.value {
        RawValue::Count(count) => count.n,
        RawValue::OwnOnly(_) => 0,
    };
    raw.cells().iter().map(|c| ((c.series.clone(), c.measure.clone(), c.key.clone()), count(c))).collect()
}

#[test]
fn the_sum_of_the_shares_is_the_sum_that_the_oracle_counts() {
    let files = fixture("clean");
    let jobs = jobs(IndicatorId::Ind01, 2023, &[&[], &[Dimension::Gemeente]]);
    let summed = summed(&files, Owner::Lt, &jobs);
    let (mut children, mut parts) = (0, 0);
    for job in jobs.iter().filter(|job| job.table.by.is_empty()) {
        let of = |by: &[Dimension]| {
            let raw = summed.iter().find(|raw| raw.query().period == job.table.period && raw.query().by == by);
            counts(raw.expect("summed"))
        };
        let (totals, towns) = (of(&[]), of(&[Dimension::Gemeente]));
        for series in ["LT_AANMELDING", "LT_START"] {
            let n = |org: &&Organisation| {
                let oracle = json(&files.dir.join("expected").join(format!("{}.json", org.key)));
                let group = &oracle["periods"][job.table.period.to_string()]["IND-01"][series]["totaal"];
                u32::try_from(group["n_kinderen"].as_u64().unwrap_or(0)).expect("small")
            };
            let owners = files.organisations.iter().filter(|org| org.levert.contains(&Owner::Lt));
            let expected: u32 = owners.map(|org| n(&org)).sum();
            let place = |key: Vec<String>| (series.to_owned(), "n_kinderen".to_owned(), key);
            assert_eq!(totals[&place(vec![])], expected, "{series} {}", job.table.period);
            children += expected;
            let of_series = towns.iter().filter(|((s, measure, _), _)| s == series && measure == "n_kinderen");
            parts += of_series.map(|(_, n)| n).sum::<u32>();
        }
    }
    assert!(children > 20 && parts >= children, "{children} children, {parts} over municipalities");
}

/// Cells that may be printed for their own sake, per municipality and quarter: by every node alone, and as a regional sum.
fn publishable(files: &Files, owner: Owner, indicator: IndicatorId) -> (usize, usize, usize) {
    let rules = DisclosureRules::default();
    let (mut alone, mut together, mut filled) = (0, 0, 0);
    for year in 2021..=2024 {
        let jobs = jobs(indicator, year, &[&[Dimension::Gemeente]]);
        let wanted = |raw: &&RawTable| !raw.query().by.is_empty() && raw.query().period.quarters().len() == 1;
        let owners = files.organisations.iter().filter(|org| org.levert.contains(&owner));
        let own: Vec<Vec<RawTable>> = owners.map(|org| own(files, org, owner, &jobs)).collect();
        for raw in summed(files, owner, &jobs).iter().filter(wanted) {
            for cell in raw.cells().iter().filter(|cell| cell.measure != "alleen_jaar") {
                let RawValue::Count(count) = cell.value else { continue };
                // A figure for the region is complete from node releases when every node that counts anything prints its part.
                let parts: Vec<_> = own
                    .iter()
                    .flatten()
                    .filter(|table| table.query() == raw.query())
                    .flat_map(RawTable::cells)
                    .filter(|c| (&c.series, &c.measure, &c.key) == (&cell.series, &cell.measure, &cell.key))
                    .filter_map(|c| match c.value {
                        RawValue::Count(count) if count.n > 0 => Some(count),
                        _ => None,
                    })
                    .collect();
                filled += usize::from(count.n > 0);
                let printed =
                    |c: &&ketenpoort::indicator::raw::Count| !ketenpoort::disclosure::rules::sensitive(**c, &rules);
                alone += usize::from(!parts.is_empty() && parts.iter().filter(printed).count() == parts.len());
                together += usize::from(!ketenpoort::disclosure::rules::sensitive(count, &rules));
            }
        }
    }
    (filled, alone, together)
}

/// The figures of docs/measured.md: with `$KETENPOORT_SAMPLE` a folder with a region, `cargo test --test it sums::exact -- --nocapture`.
#[test]
fn more_cells_per_municipality_and_quarter_can_be_printed_as_sums_than_by_nodes_alone() {
    let sample = std::env::var_os("KETENPOORT_SAMPLE").map(|dir| Files::open(dir.as_ref()));
    let files = sample.as_ref().unwrap_or(&LARGE.1);
    let (mut all_alone, mut all_together) = (0, 0);
    for (owner, indicator) in
        [(Owner::Gi, IndicatorId::Ind01), (Owner::Gi, IndicatorId::Ind03), (Owner::Lt, IndicatorId::Ind01)]
    {
        let (filled, alone, together) = publishable(files, owner, indicator);
        eprintln!(
            "{owner} {indicator}: {filled} cells with children, complete from node releases {alone}, as sums {together}"
        );
        assert!(together >= alone, "{owner} {indicator}: {together} as sums, {alone} by nodes alone");
        (all_alone, all_together) = (all_alone + alone, all_together + together);
    }
    // In a region so small that nearly every cell has one owner a sum says no more than that owner does.
    let more = all_together > all_alone;
    assert!(more || sample.is_some(), "{all_together} as sums, {all_alone} by nodes alone");
}
