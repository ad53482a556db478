//! Random systems of every kind that the engine knows: whatever it lets through is certified and holds against the attacker.

use ketenpoort::crypto::MacKey;
use ketenpoort::disclosure::bound::loss;
use ketenpoort::disclosure::protect::{Protected, protect};
use ketenpoort::disclosure::system::{Cell, Kind, Printed, Rel, System};
use ketenpoort::policy::rules::DisclosureRules;
use proptest::prelude::*;

use super::systems::{attack_fails, count, holds, margin, rest, sizes, year};

fn key() -> MacKey {
    MacKey::from_slice(b"engine test")
}

/// A table of any number of dimensions with all its margins, and with the rest of every part of a sum when `rests`.
fn cube(shape: &[usize], inner: &[u32], rests: bool) -> System {
    let full: Vec<usize> = shape.iter().map(|size| size + 1).collect();
    let all: usize = full.iter().product();
    let place = |mut at: usize| -> Vec<usize> {
        let digit = |size: &usize| {
            let digit = at % size;
            at /= size;
            digit
        };
        full.iter().map(digit).collect()
    };
    let number = |place: &[usize]| place.iter().zip(&full).rev().fold(0, |at, (p, size)| at * size + p);
    let mut counts = vec![0_u32; all];
    let insides = (0..all).filter(|&at| place(at).iter().zip(shape).all(|(p, size)| p < size));
    for (at, n) in insides.zip(inner.iter().cycle()) {
        for mask in 0..1_usize << shape.len() {
            let margin = place(at).into_iter().enumerate();
            let margin: Vec<usize> = margin.map(|(d, p)| if mask >> d & 1 == 1 { shape[d] } else { p }).collect();
            counts[number(&margin)] += n;
        }
    }
    let mut system = System::default();
    for (at, &n) in counts.iter().enumerate() {
        let margins = place(at).iter().zip(shape).filter(|(p, size)| p == size).count();
        let weight = u32::try_from(1 + 10 * margins).expect("small");
        system.cells.push(Cell { weight, ..Cell::publishable(count(n, false)) });
    }
    for total in 0..all {
        for d in (0..shape.len()).filter(|&d| place(total)[d] == shape[d]) {
            let part = |p: usize| {
                let mut part = place(total);
                part[d] = p;
                number(&part)
            };
            let parts: Vec<usize> = (0..shape[d]).map(part).collect();
            if rests && parts.len() > 2 {
                parts.iter().for_each(|&part| rest(&mut system, part, total));
            }
            system.relations.push(Rel::Sum { total, parts });
        }
    }
    system
}

/// The quarters of a year are released first; then the year, with what they printed as constants.
fn year_after_quarters(system: &System, quarters: usize) -> Option<(System, Protected)> {
    let rules = DisclosureRules::default();
    let known = |rel: &&Rel| rel.cells().iter().all(|&cell| cell < quarters);
    let first = System {
        cells: system.cells[..quarters].to_vec(),
        relations: system.relations.iter().filter(known).cloned().collect(),
        ..System::default()
    };
    let printed = protect(&first, &rules, &key(), 20_000).ok()?.printed;
    let mut later = system.clone();
    for (cell, printed) in later.cells.iter_mut().zip(printed) {
        cell.fixed = (cell.kind == Kind::Publishable).then_some(printed);
    }
    // What left already may leave no safe pattern: then nothing is released.
    let protected = protect(&later, &rules, &key(), 20_000).ok()?;
    Some((later, protected))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn plain_two_way_tables_hold(
        shape in prop::array::uniform2(2..7_usize),
        inner in prop::collection::vec(sizes(), 36),
        rests in any::<bool>(),
    ) {
        attack_fails(&cube(&shape, &inner, rests))?;
    }

    #[test]
    fn three_way_tables_hold(
        shape in prop::array::uniform3(2..4_usize),
        inner in prop::collection::vec(sizes(), 27),
        deep in any::<bool>(),
    ) {
        // By linear programs and by mending.
        attack_fails(&System { deep, ..cube(&shape, &inner, false) })?;
    }

    #[test]
    fn a_year_after_its_quarters_holds(
        quarters in (1..4_usize).prop_flat_map(|c| prop::collection::vec(prop::collection::vec(sizes(), c), 4)),
        back in 0..40_u32,
        year_only in 0..4_u32,
    ) {
        let system = year(&quarters, back, year_only);
        let before = system.relations.iter().rposition(|rel| matches!(rel, Rel::Cover { .. })).expect("the year");
        let Rel::Cover { total, .. } = system.relations[before] else { unreachable!() };
        if let Some((later, protected)) = year_after_quarters(&system, total) {
            for (cell, printed) in later.cells.iter().zip(&protected.printed) {
                prop_assert!(cell.fixed.is_none_or(|fixed| fixed == *printed), "what left stays as it is");
            }
            holds(&later, &protected)?;
        }
    }

    #[test]
    fn at_most_holds(parts in prop::collection::vec(sizes(), 2..6), less in 0..20_u32) {
        let mut system = margin(&parts);
        let total = parts.len();
        let n = system.cells[total].truth.n.saturating_sub(less);
        system.cells[total].truth = count(n, false);
        system.relations[0] = Rel::AtMost { total, parts: (0..total).collect() };
        attack_fails(&system)?;
    }

    /// Every pattern of a short sum is tried: none that is safe loses less than the bound.
    #[test]
    fn no_safe_pattern_loses_less_than_the_bound(values in prop::collection::vec(sizes(), 2..7)) {
        let rules = DisclosureRules::default();
        let system = margin(&values);
        let protected = protect(&system, &rules, &key(), 20_000).expect("released");
        prop_assert!(protected.least_loss <= protected.loss);
        let cells = system.cells.len();
        let safe = |open: &usize| {
            let limits: Vec<(i64, i64)> = (0..cells).map(|cell| {
                let n = i64::from(system.cells[cell].truth.n);
                if n < 10 || open >> cell & 1 == 1 { (0, 100_000) } else { (((n + 2) / 5 * 5 - 2).max(10), (n + 2) / 5 * 5 + 2) }
            }).collect();
            (0..cells).filter(|&cell| system.cells[cell].truth.n < 10).all(|cell| {
                let others = (0..cells - 1).filter(|&part| part != cell).map(|part| limits[part]);
                let (low, high) = others.fold((0, 0), |(a, b), (low, high)| (a + low, b + high));
                let total = limits[cells - 1];
                let (low, high) = if cell == cells - 1 { (low, high) } else { (total.0 - high, total.1 - low) };
                let (low, high) = (low.max(limits[cell].0), high.min(limits[cell].1));
                let q = i64::from(system.cells[cell].truth.n);
                low <= (q - 1).max(0) && high >= 10 && high - low >= 10
            })
        };
        let cost = |open: usize| -> u64 {
            (0..cells).filter(|&c| open >> c & 1 == 1 && system.cells[c].truth.n >= 10).map(|c| loss(&system, c)).sum()
        };
        let best = (0..1_usize << cells).filter(safe).map(cost).min().expect("all suppressed is safe");
        prop_assert!(protected.least_loss <= best && best <= protected.loss, "{} {best} {}", protected.least_loss, protected.loss);
    }
}

#[test]
fn two_way_tables_need_no_linear_program_and_say_much() {
    let count = |i: u32| (i * 37 + i * i * 11) % 41 + if i.is_multiple_of(9) { 0 } else { 10 };
    let inner: Vec<u32> = (0..112_u32).map(count).collect();
    let system = cube(&[14, 8], &inner, true);
    let protected = protect(&system, &DisclosureRules::default(), &key(), 20_000).expect("released");
    let numbers = protected.printed.iter().filter(|p| matches!(p, Printed::Value(_))).count();
    assert!(numbers > 60, "{numbers} numbers; loss {} of at least {}", protected.loss, protected.least_loss);
    assert!(protected.least_loss <= protected.loss);
    let weak = protect(&margin(&[41, 3]), &DisclosureRules::default(), &key(), 20_000).expect("released");
    assert!(weak.least_loss > 0 && weak.least_loss <= weak.loss, "{} {}", weak.least_loss, weak.loss);
}
