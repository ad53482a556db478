//! Complementary suppression with certificates: a two-way table of 14 by 8 with margins, a three-way one of 1,521 cells,
//! and a year of a GI of the example region. `cargo bench --bench disclosure`.
//!
//! Times are CPU time. Against: primary suppression alone, and the lower bound of what any safe pattern loses.

use ketenpoort::crypto::{MacKey, digest};
use ketenpoort::disclosure::certificate::{CellEntry, Checked, MOST_BYTES, Print, Witness, check};
use ketenpoort::disclosure::component::components;
use ketenpoort::disclosure::ledger::Ledger;
use ketenpoort::disclosure::protect::protect;
use ketenpoort::disclosure::release::{Records, Terms, release_due};
use ketenpoort::disclosure::system::{Cell, Rel, System};
use ketenpoort::domain::day::{Day, WorkCalendar};
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, TableQuery};
use ketenpoort::indicator::columns::Columns;
use ketenpoort::indicator::compute::{Settings, compute_release};
use ketenpoort::indicator::raw::Count;
use ketenpoort::indicator::release::Release;
use ketenpoort::policy::rules::{DisclosureRules, Domains};

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/region.rs"]
mod region;
#[path = "setup/cpu.rs"]
mod setup;
use setup::cpu;

/// Far more searches than any of these takes.
const BUDGET: usize = 100_000;

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    for (name, scale) in [("few", 12), ("many", 60)] {
        measure(&format!("2-D 14 x 8, {name}"), &cube(&[14, 8], scale));
        measure(&format!("3-D 12 x 12 x 8, {name}"), &cube(&[12, 12, 8], scale));
    }
    year_of_a_gi();
}

/// A repeatable stream of small random numbers.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A table of these sizes with all its margins; counts are skewed as those of municipalities are, up to `scale` squared.
fn cube(sizes: &[usize], scale: u64) -> System {
    let mut draw = Draw(7 + scale);
    let shape: Vec<usize> = sizes.iter().map(|size| size + 1).collect();
    let all: usize = shape.iter().product();
    let place = |mut at: usize| -> Vec<usize> { shape.iter().map(|size| (at % size, at /= size).0).collect() };
    let number = |place: &[usize]| place.iter().zip(&shape).rev().fold(0, |at, (p, size)| at * size + p);
    let mut counts = vec![0_u32; all];
    for at in 0..all {
        let inner = place(at);
        if inner.iter().zip(sizes).all(|(p, size)| p < size) {
            let n = u32::try_from(draw.below(scale) * draw.below(scale) / 8).expect("small");
            for mask in 0..1_usize << sizes.len() {
                let margin: Vec<usize> =
                    inner.iter().enumerate().map(|(d, &p)| if mask >> d & 1 == 1 { sizes[d] } else { p }).collect();
                counts[number(&margin)] += n;
            }
        }
    }
    let mut system = System { deep: sizes.len() > 2, ..System::default() };
    for (at, &n) in counts.iter().enumerate() {
        let margins = place(at).iter().zip(sizes).filter(|(p, size)| *p == *size).count();
        let weight = [1, 8, 50, 100][margins];
        let truth = Count { n, families: n, largest: n.min(1) };
        system.cells.push(Cell { weight, ..Cell::publishable(truth) });
    }
    for at in 0..all {
        let total = place(at);
        for (d, &size) in sizes.iter().enumerate().filter(|(d, size)| total[*d] == **size) {
            let part = |p: usize| {
                let mut part = total.clone();
                part[d] = p;
                number(&part)
            };
            system.relations.push(Rel::Sum { total: at, parts: (0..size).map(part).collect() });
        }
    }
    system
}

/// Protects a system, certifies it and prints the figures.
fn measure(name: &str, system: &System) {
    let rules = DisclosureRules::default();
    let key = MacKey::from_slice(b"bench");
    let begun = cpu();
    let protected = match protect(system, &rules, &key, BUDGET) {
        Ok(protected) => protected,
        Err(fault) => return println!("{name}: {fault} after {:.1} s", (cpu() - begun).as_secs_f64()),
    };
    let took = (cpu() - begun).as_secs_f64();
    let witness = Witness::of_system(system, &protected, &rules).to_bytes();
    println!("{name}: {took:.3} s, {} searches", protected.runs);
    println!("  loss {}, any safe pattern loses at least {}", protected.loss, protected.least_loss);
    proven(&[witness]);
}

/// Prints what witnesses say of their releases, and how long checking them takes.
fn proven(witnesses: &[Vec<u8>]) {
    let read: Vec<Witness> = witnesses.iter().map(|bytes| Witness::from_bytes(bytes).expect("a witness")).collect();
    let begun = cpu();
    let checked: Vec<Checked> = read.iter().map(|witness| check(witness).expect("a proof")).collect();
    let took = (cpu() - begun).as_secs_f64() * 1000.0;
    let shown = read.iter().flat_map(|w| &w.cells).filter(|c| c.name.as_ref().is_some_and(|name| name.shown));
    let shown: Vec<&CellEntry> = shown.filter(|c| c.print != Print::Impossible).collect();
    let small: Vec<&CellEntry> = shown.iter().copied().filter(|c| c.n < 10).collect();
    let hidden: Vec<&CellEntry> = shown.iter().copied().filter(|c| c.print == Print::Suppressed).collect();
    let units = |cells: &[&CellEntry]| cells.iter().map(|c| u64::from(c.n)).sum::<u64>();
    let permille = |part: u64, whole: u64| part * 1000 / whole.max(1);
    let cells = |list: &[&CellEntry]| permille(list.len() as u64, shown.len() as u64);
    println!(
        "  of {} printed cells {} per mille are suppressed, {} are too small; of all counts {} and {} per mille",
        shown.len(),
        cells(&hidden),
        cells(&small),
        permille(units(&hidden), units(&shown)),
        permille(units(&small), units(&shown)),
    );
    let bytes: usize = witnesses.iter().map(Vec::len).sum();
    let worlds: usize = checked.iter().map(|c| c.worlds).sum();
    let (all, relations): (usize, usize) = checked.iter().fold((0, 0), |(a, b), c| (a + c.cells, b + c.relations));
    let sensitive: usize = checked.iter().map(|c| c.sensitive).sum();
    println!(
        "  witness: {} kB, {all} cells, {relations} relations, {sensitive} sensitive, {worlds} worlds; checked in {took:.1} ms",
        bytes / 1000
    );
}

/// Everything that a default convenant grants of one year of a GI, of an example region of 6,000 children.
fn year_of_a_gi() {
    let dir = tempfile::tempdir().expect("a folder");
    ketenpoort::synthetic::Region::generate(6_000, 1).write(dir.path()).expect("written");
    let region = region::Region::open(dir.path());
    let gi = region.organisation("gi-alfa");
    let document = region::json(&dir.path().join("organisations.json"));
    let codes = document["organisations"].as_array().expect("organisations").iter();
    let codes: Vec<String> = codes.filter_map(|o| o["gemeente"].as_str().map(str::to_owned)).collect();
    let day = |field: &str| Day::parse(document[field].as_str().expect("a day")).expect("a day");
    let (horizon, data_from) = (day("gegevens_tot"), day("gegevens_van"));
    let settings = Settings { horizon, data_from, within: 365, organisation: gi.oin };
    let columns = Columns::build(region.deliver(&gi.levert, &gi.files).1);
    let domains = Domains::of_region(&codes);
    let (owners, delivers) = (gi.levert.clone(), gi.levert.clone());
    let release = Release { settings, owners, delivers, domains, bin_cuts: Vec::new(), linked: false };
    let mut declared = Vec::new();
    for &indicator in IndicatorId::ALL {
        let by = [vec![], vec![Dimension::Gemeente], vec![Dimension::Leeftijd], vec![Dimension::Maatregel]];
        let year = by.into_iter().map(|by| TableQuery { indicator, period: Period::year_of(2023), by });
        let quarter = |q| TableQuery { indicator, period: Period::quarter(2023, q), by: Vec::new() };
        declared.extend(year.chain((1..=4).map(quarter)));
    }
    let (ledger, calendar, rules) = (Ledger::default(), WorkCalendar::new(), DisclosureRules::default());
    let (begun, mut witnesses) = (cpu(), Vec::new());
    let (mut searches, mut loss, mut least) = (0, 0, 0);
    for component in components(&declared, &ledger, &release) {
        let question = component.question(&ledger, horizon).hash();
        let raw = |job: &ketenpoort::disclosure::component::Job| {
            let settings = Settings { horizon: job.horizon, ..settings };
            compute_release(&columns, &Release { settings, ..release.clone() }, &calendar, &job.table, question)
        };
        let raws: Vec<_> = component.needed(&ledger, horizon).iter().map(raw).collect();
        let terms = Terms {
            release: &release,
            rules: &rules,
            convenant: digest(b"bench"),
            tie_key: &MacKey::from_slice(b"bench"),
            until: horizon,
            today: horizon,
            salt: [0; 32],
            most_bytes: MOST_BYTES,
        };
        let made = release_due(&component, &ledger, Records { raws: &raws, past: &[] }, &terms).expect("released");
        searches += made.summary.runs;
        loss += made.summary.loss;
        least += made.summary.least_loss;
        witnesses.push(made.witness);
    }
    let took = (cpu() - begun).as_secs_f64();
    println!("a year of a GI, {} components: {took:.1} s, {searches} searches", witnesses.len());
    println!("  loss {loss}, any safe pattern loses at least {least}");
    proven(&witnesses);
}
