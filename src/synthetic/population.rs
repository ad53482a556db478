//! Invented families: who they are, where they live, and by which door they enter the chain.

use super::events::{Facts, Path, World, after};
use super::places::TWENTE;
use super::rng::{Rng, whole};
use crate::domain::codes::{EventType, Maatregel};
use crate::domain::day::Day;

/// Most children of one region: what the range of numbers that begin with 99 can hold.
pub(super) const MAX_CHILDREN: u32 = 800_000;

/// An invented child.
pub(super) struct Child {
    pub(super) bsn: String,
    pub(super) born: Day,
    /// `M`, `V` or `O`.
    pub(super) sex: char,
    pub(super) family: u32,
    /// BSN of a sibling with another path, whose number can be mixed up with this one.
    pub(super) sibling: Option<String>,
    /// Draw in [0, 1) of the family: how separating parents are registered.
    pub(super) separation: f64,
    /// First day and municipality, in order of day.
    moves: Vec<(Day, &'static str)>,
    /// Stream of the child's path; siblings can share one.
    pub(super) path: Rng,
}

impl Child {
    pub(super) fn gemeente_on(&self, day: Day) -> &'static str {
        self.moves.iter().rev().find(|(from, _)| *from <= day).map_or(self.moves[0].1, |(_, code)| code)
    }

    pub(super) fn move_to(&mut self, day: Day, code: &'static str) {
        self.moves.push((day, code));
        self.moves.sort_by_key(|(from, _)| *from);
    }
}

/// By which door a family enters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Under a measure before the first day.
    Measure,
    /// A report to Veilig Thuis.
    VeiligThuis,
    /// The local team.
    LocalTeam,
    /// Allocated help.
    Help,
    /// The council, without an earlier contact.
    Council,
    /// Advice asked without naming the child, then the local team.
    Advice,
}

const DOORS: [(f64, Door); 6] = [
    (0.12, Door::Measure),
    (0.88 * 0.58, Door::VeiligThuis),
    (0.88 * 0.28, Door::LocalTeam),
    (0.88 * 0.065, Door::Help),
    (0.88 * 0.03, Door::Council),
    (0.88 * 0.045, Door::Advice),
];

const FAMILY_SIZES: [(f64, u32); 5] = [(0.45, 1), (0.35, 2), (0.15, 3), (0.035, 4), (0.015, 5)];

/// A municipality of the region, by inhabitants and weight.
pub(super) fn draw_municipality(rng: &mut Rng) -> &'static str {
    rng.weighted(&TWENTE.map(|(code, _, inhabitants, weight)| (inhabitants * weight, code)))
}

/// Numbers that begin with 99 (never issued), two in a hundred with 0999; each at most once.
struct Numbers {
    rng: Rng,
    step: u64,
    offset: u64,
    plain: u64,
    with_zero: u64,
}

impl Numbers {
    fn new(mut rng: Rng) -> Self {
        // A step without a factor in common with the range visits every number once.
        let step = 2 * (rng.next() % 100_000) * 5 + 300_007;
        let offset = rng.next() % 1_000_000;
        Self { rng, step, offset, plain: 0, with_zero: 0 }
    }

    fn next(&mut self) -> String {
        loop {
            let head = if self.with_zero < 10_000 && self.rng.chance(0.02) {
                self.with_zero += 1;
                format!("0999{:04}", (self.with_zero * 7_919 + self.offset) % 10_000)
            } else {
                self.plain += 1;
                format!("99{:06}", (self.plain * self.step + self.offset) % 1_000_000)
            };
            let sum: u32 =
                head.bytes().zip((2..=9).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
            let bsn = format!("{head}{}", sum % 11);
            if sum % 11 < 10 && bsn != "999999999" {
                return bsn;
            }
        }
    }
}

/// Fills the world with families and lets every child live its path.
pub(super) fn populate(world: &mut World, children: u32, seed: u64) {
    let mut rng = Rng::new(seed, "families");
    let mut numbers = Numbers::new(Rng::new(seed, "numbers"));
    let target = usize::try_from(children.min(MAX_CHILDREN)).unwrap_or_default();
    let mut family = 0;
    while world.children.len() < target {
        family += 1;
        let door = rng.weighted(&DOORS);
        let entry = entry_day(&mut rng, world);
        let start = world.children.len();
        add_family(world, &mut rng, &mut numbers, (family, door, entry));
        for child in start..world.children.len() {
            live(&mut Path::new(world, child), door, entry);
        }
    }
}

fn add_family(world: &mut World, rng: &mut Rng, numbers: &mut Numbers, (family, door, entry): (u32, Door, Day)) {
    let home = draw_municipality(rng);
    let separation = rng.unit();
    let shared = rng.next();
    let mut kids: Vec<(u64, Child)> = Vec::new();
    for _ in 0..rng.weighted(&FAMILY_SIZES) {
        let twin = rng.chance(0.015).then(|| kids.last().map(|(_, c)| c.born)).flatten();
        let born = twin.unwrap_or_else(|| birth_day(rng, door, entry, world.first));
        let sex = rng.weighted(&[(0.52, 'M'), (0.478, 'V'), (0.002, 'O')]);
        let seed = if kids.is_empty() || rng.chance(0.6) { shared } else { rng.next() };
        let moves = vec![(Day(i32::MIN), home)];
        let path = Rng::new(seed, "path");
        kids.push((seed, Child { bsn: numbers.next(), born, sex, family, sibling: None, separation, moves, path }));
    }
    let siblings: Vec<Option<String>> = kids
        .iter()
        .map(|(seed, _)| kids.iter().find(|(other, _)| other != seed).map(|(_, sibling)| sibling.bsn.clone()))
        .collect();
    for ((_, mut child), sibling) in kids.into_iter().zip(siblings) {
        child.sibling = sibling;
        world.children.push(child);
    }
}

fn birth_day(rng: &mut Rng, door: Door, entry: Day, first: Day) -> Day {
    let draw = rng.unit();
    let (reference, age) = match door {
        Door::Measure if rng.chance(0.6) => (first, 4.0 + draw * 11.5),
        Door::Measure => (first, 9.0 + draw * 8.0),
        _ => (entry, draw * 17.6),
    };
    after(reference, -whole((age * 365.25).floor()) - 1)
}

/// A day of first contact: some before the data window, fewer in summer and in the first months (lockdown).
fn entry_day(rng: &mut Rng, world: &World) -> Day {
    loop {
        let day = Day(rng.within(world.first.0 - 300..world.last.0 + 1));
        let (year, month, _) = day.ymd();
        let keep = match month {
            1..=3 if year == world.first.ymd().0 => 0.75,
            7 | 8 => 0.8,
            _ => 1.0,
        };
        if rng.chance(keep) {
            return day;
        }
    }
}

fn live(path: &mut Path<'_>, door: Door, entry: Day) {
    match door {
        Door::Measure => already_under_measure(path),
        Door::VeiligThuis => {
            if path.rng.chance(0.15) {
                let known = after(entry, -path.rng.within(30..500)).max(path.world.first);
                path.youth_help(known, 30.0);
            }
            path.veilig_thuis(entry, 0);
        }
        Door::LocalTeam => {
            path.local_team(entry, 0);
            if path.rng.chance(0.12) {
                let later = after(entry, path.rng.within(20..400));
                path.veilig_thuis(later, 2);
            }
        }
        Door::Help => allocated_help(path, entry),
        Door::Council => {
            path.council(entry, None);
        }
        Door::Advice => {
            path.advice(entry);
            let later = after(entry, path.rng.within(20..200));
            path.local_team(later, 0);
        }
    }
}

fn allocated_help(path: &mut Path<'_>, entry: Day) {
    if let Some(org) = path.municipality(entry) {
        let case = path.case(org);
        path.emit(&case, EventType::GemToewijzing, entry, Facts::NONE);
    }
    let referral = after(entry, path.rng.within(0..10));
    path.youth_help(referral, 35.0);
    if path.rng.chance(0.3) {
        let later = after(entry, path.rng.within(60..400));
        path.local_team(later, 0);
    }
}

fn already_under_measure(path: &mut Path<'_>) {
    let measure = if path.rng.chance(0.68) { Maatregel::Ots } else { Maatregel::Voogdij };
    let first = path.world.first;
    let start = after(first, -path.rng.within(1..800));
    let institution = path.draw_institution();
    let case = path.case(path.roles().council);
    path.emit(&case, EventType::RechtUitspraak, start, Facts::order(measure, institution));
    let not_before = after(first, path.rng.within(1..700));
    path.measure(institution, measure, start, Some(not_before));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_valid_test_numbers_and_never_repeat() {
        let mut numbers = Numbers::new(Rng::new(3, "numbers"));
        let drawn: Vec<String> = (0..40_000).map(|_| numbers.next()).collect();
        let distinct: std::collections::HashSet<_> = drawn.iter().collect();
        assert_eq!(distinct.len(), drawn.len());
        for bsn in &drawn {
            assert!(bsn.starts_with("99") || bsn.starts_with("0999"), "{bsn}");
            let digits: Vec<i32> = bsn.bytes().map(|b| i32::from(b - b'0')).collect();
            let sum: i32 = digits[..8].iter().zip((2..=9).rev()).map(|(d, w)| d * w).sum::<i32>() - digits[8];
            assert_eq!(sum % 11, 0, "{bsn}");
        }
        let with_zero = drawn.iter().filter(|b| b.starts_with('0')).count();
        assert!((600..1_000).contains(&with_zero), "{with_zero}");
    }
}
