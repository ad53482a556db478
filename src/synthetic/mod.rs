//! Example regions: invented children, organisations and deliveries, faults included, for `generate` and the demo.
//!
//! Everybody in it is invented. Citizen service numbers begin with 99, which is never issued, or 0999, because the loss
//! of a leading zero needs one. Only this room knows the example region; nothing else depends on its names or codes.

mod council;
mod dialect;
mod dirt;
mod events;
mod files;
mod measures;
mod paths;
mod places;
mod population;
mod rng;
#[cfg(test)]
mod tests;

pub use dirt::Fault;
pub use files::{PlacedFault, Region, RegionFile};
pub use places::{MunicipalityCode, Organisation};

use dialect::Dialect;
use dirt::{Delivery, Line};
use events::World;
use places::Roles;
use rng::Rng;

use crate::domain::day::Day;

/// First and last day on which new chains begin.
const YEARS: ((i16, i8, i8), (i16, i8, i8)) = ((2021, 1, 1), (2024, 12, 31));

/// Days after the last year in which running paths go on, so that follow-up is complete.
const TAIL_DAYS: i32 = 365;

/// Organisations that deliver twice: half of their rows come in `events-<key>.2.csv`.
const TWO_DELIVERIES: [&str; 2] = ["vtt", "gem-0141"];

impl Region {
    /// Makes a region of about this many children (families are whole; at most 800,000). The same numbers give the
    /// same files.
    #[must_use]
    pub fn generate(children: u32, seed: u64) -> Self {
        let organisations = places::organisations();
        let dialects: Vec<Dialect> =
            organisations.iter().enumerate().map(|(n, o)| Dialect::of(n, &o.key, o.org_type)).collect();
        let mut world = new_world(organisations, &dialects, seed);
        population::populate(&mut world, children, seed);
        let mut events = std::mem::take(&mut world.events);
        for list in &mut events {
            list.sort_by(|a, b| (a.registered, a.second, &a.id).cmp(&(b.registered, b.second, &b.id)));
        }
        world.events = events;
        let (mut files, mut faults) = (Vec::new(), Vec::new());
        for (number, dialect) in dialects.iter().enumerate() {
            deliver(&world, number, dialect, seed, (&mut files, &mut faults));
        }
        Self {
            window: (world.first, world.horizon),
            seed,
            children: world.children.len(),
            organisations: world.organisations,
            files,
            faults,
            codes: places::municipality_codes(),
        }
    }
}

fn new_world(organisations: Vec<Organisation>, dialects: &[Dialect], seed: u64) -> World {
    let day = |(year, month, day)| Day::from_ymd(year, month, day).unwrap_or(Day(0));
    let last = day(YEARS.1);
    World {
        first: day(YEARS.0),
        last,
        horizon: events::after(last, TAIL_DAYS),
        roles: Roles::of(&organisations),
        uuid_ids: dialects.iter().map(|d| d.uuid_ids).collect(),
        children: Vec::new(),
        events: organisations.iter().map(|_| Vec::new()).collect(),
        organisations,
        noise: Rng::new(seed, "registration"),
    }
}

fn deliver(
    world: &World,
    number: usize,
    dialect: &Dialect,
    seed: u64,
    (files, faults): (&mut Vec<RegionFile>, &mut Vec<PlacedFault>),
) {
    let key = &world.organisations[number].key;
    let (lines, undelivered) = Delivery::new(world, number, dialect, seed).write(&world.events[number]);
    let cut = if TWO_DELIVERIES.contains(&key.as_str()) { lines.len() / 2 } else { lines.len() };
    let (first, second) = lines.split_at(cut);
    for (part, suffix) in [(first, ""), (second, ".2")] {
        if suffix.is_empty() || !part.is_empty() {
            let name = format!("events-{key}{suffix}.csv");
            faults.extend(placed(part, key, &name));
            let text = part.iter().fold(dialect.header(), |text, line| text + &dialect.line(&line.row));
            files.push(RegionFile { name, text });
        }
    }
    faults.extend(undelivered.into_iter().map(|class| PlacedFault {
        organisation: key.clone(),
        place: None,
        fault: Fault { class, outcome: "niet_geleverd" },
    }));
}

fn placed(lines: &[Line], key: &str, file: &str) -> Vec<PlacedFault> {
    let numbered = lines.iter().enumerate();
    let faulty = numbered.filter_map(|(at, line)| line.fault.clone().map(|fault| (at, fault)));
    faulty
        .map(|(at, fault)| PlacedFault { organisation: key.to_owned(), place: Some((file.to_owned(), at + 2)), fault })
        .collect()
}
