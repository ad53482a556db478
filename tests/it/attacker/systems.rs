//! The attacker against abstract systems, and against a table small enough to try everything.

use super::{Puzzle, Seen, succeeds};
use ketenpoort::crypto::MacKey;
#[cfg(not(feature = "defect-primary-only"))]
use ketenpoort::disclosure::certificate::{Witness, check};
use ketenpoort::disclosure::protect::{Protected, protect};
#[cfg(not(feature = "defect-primary-only"))]
use ketenpoort::disclosure::system::Kind;
use ketenpoort::disclosure::system::{Cell, Printed, Rel, System};
use ketenpoort::indicator::raw::Count;
use ketenpoort::policy::rules::DisclosureRules;
use proptest::prelude::*;

/// Families of their own, so that only size matters; or one family that dominates.
pub fn count(n: u32, dominated: bool) -> Count {
    if dominated { Count { n, families: 3, largest: n } } else { Count { n, families: n, largest: n.min(1) } }
}

fn key() -> MacKey {
    MacKey::from_slice(b"attacker test")
}

/// The same facts in the attacker's own terms.
fn puzzle(system: &System, protected: &Protected) -> Puzzle {
    let seen = |p: &Printed| match p {
        Printed::Value(v) => Seen::Number(i64::from(*v)),
        Printed::Suppressed | Printed::Elsewhere => Seen::Unknown,
        Printed::Impossible => Seen::Zero,
        Printed::Known(n) => Seen::Between(i64::from(*n), i64::from(*n)),
    };
    let mut puzzle = Puzzle { seen: protected.printed.iter().map(seen).collect(), laws: Vec::new() };
    for rel in &system.relations {
        match rel {
            Rel::Sum { total, parts } => puzzle.equal(*total, parts),
            Rel::Cover { total, parts } => {
                puzzle.at_most(*total, parts);
                parts.iter().for_each(|p| puzzle.inside(*p, *total));
            }
            Rel::AtMost { total, parts } => puzzle.at_most(*total, parts),
            Rel::Nested { inner, outer, rest } => puzzle.equal(*outer, &[*inner, *rest]),
        }
    }
    puzzle
}

/// Small cells that the attacker pins.
fn caught(system: &System, protected: &Protected) -> Vec<usize> {
    let puzzle = puzzle(system, protected);
    let cheap = puzzle.propagate(50);
    let small = |i: &usize| system.cells[*i].truth.n < 10 && !system.cells[*i].impossible;
    (0..system.cells.len())
        .filter(small)
        .filter(|&i| succeeds(&puzzle, &cheap, i, i64::from(system.cells[i].truth.n)))
        .collect()
}

pub fn rest(system: &mut System, inner: usize, outer: usize) {
    let n = system.cells[outer].truth.n - system.cells[inner].truth.n;
    system.cells.push(Cell::hidden(n));
    let rest = system.cells.len() - 1;
    system.relations.push(Rel::Nested { inner, outer, rest });
}

/// A total and its parts.
pub fn margin(values: &[u32]) -> System {
    let mut system = System::default();
    for &n in values {
        system.cells.push(Cell::publishable(count(n, false)));
    }
    system.cells.push(Cell { weight: 50, ..Cell::publishable(count(values.iter().sum(), false)) });
    system.relations.push(Rel::Sum { total: values.len(), parts: (0..values.len()).collect() });
    system
}

/// A two-way table with margins and grand total; the last row is another count inside the first.
fn two_way(table: &[Vec<u32>], inner: &[u32], dominated: bool) -> System {
    let (rows, columns) = (table.len(), table[0].len());
    let mut system = System::default();
    let mut full: Vec<Vec<u32>> = table.to_vec();
    full.iter_mut().for_each(|row| row.push(row.iter().sum()));
    full.push((0..=columns).map(|c| full.iter().map(|row| row[c]).sum()).collect());
    for (r, row) in full.iter().enumerate() {
        for (c, &n) in row.iter().enumerate() {
            let weight = 1 + 20 * u32::from(r == rows) + 20 * u32::from(c == columns);
            let cell = Cell::publishable(count(n, dominated && (r, c) == (0, 0)));
            system.cells.push(Cell { weight, ..cell });
        }
    }
    let at = |r: usize, c: usize| r * (columns + 1) + c;
    for r in 0..=rows {
        system.relations.push(Rel::Sum { total: at(r, columns), parts: (0..columns).map(|c| at(r, c)).collect() });
    }
    for c in 0..=columns {
        system.relations.push(Rel::Sum { total: at(rows, c), parts: (0..rows).map(|r| at(r, c)).collect() });
    }
    // A numerator inside the first row, with its own total.
    let first = system.cells.len();
    let inner: Vec<u32> = inner.iter().zip(&table[0]).map(|(a, b)| *a.min(b)).collect();
    for &n in &inner {
        system.cells.push(Cell::publishable(count(n, false)));
    }
    system.cells.push(Cell::publishable(count(inner.iter().sum(), false)));
    system.relations.push(Rel::Sum { total: first + columns, parts: (first..first + columns).collect() });
    for c in 0..=columns {
        rest(&mut system, first + c, at(0, c));
    }
    system
}

/// Quarters that cover a year, each by dimension cells, with children that come back and an unprinted part.
pub fn year(quarters: &[Vec<u32>], back: u32, year_only: u32) -> System {
    let mut system = System::default();
    let mut totals = Vec::new();
    for q in quarters {
        let parts: Vec<usize> = (0..q.len()).map(|i| system.cells.len() + i).collect();
        system.cells.extend(q.iter().map(|&n| Cell::publishable(count(n, false))));
        system.cells.push(Cell { weight: 20, ..Cell::publishable(count(q.iter().sum(), false)) });
        let total = system.cells.len() - 1;
        totals.push(total);
        system.relations.push(Rel::Sum { total, parts: parts.clone() });
        // A single part is the total: its rest is 0 by definition, nothing that could be found out.
        parts.iter().filter(|_| parts.len() > 1).for_each(|&p| rest(&mut system, p, total));
    }
    let n = |i: usize, s: &System| s.cells[i].truth.n;
    let most = totals.iter().map(|&t| n(t, &system)).max().unwrap_or(0);
    let sum: u32 = totals.iter().map(|&t| n(t, &system)).sum::<u32>() + year_only;
    let children = sum.saturating_sub(back).max(most).max(year_only);
    system.cells.push(Cell { weight: 100, ..Cell::publishable(count(children, false)) });
    let total = system.cells.len() - 1;
    system.cells.push(Cell::hidden(year_only));
    let mut parts = totals.clone();
    parts.push(total + 1);
    system.relations.push(Rel::Cover { total, parts });
    totals.iter().for_each(|&t| rest(&mut system, t, total));
    system
}

pub fn sizes() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(0_u32), 4 => 1..10_u32, 4 => 10..40_u32, 1 => 40..300_u32]
}

#[cfg(not(feature = "defect-primary-only"))]
pub fn attack_fails(system: &System) -> Result<(), TestCaseError> {
    let protected = protect(system, &DisclosureRules::default(), &key(), 20_000)
        .map_err(|fault| TestCaseError::fail(fault.to_string()))?;
    holds(system, &protected)
}

/// What is printed may be, the attacker pins no small cell, and the certificate says no more than the attacker.
#[cfg(not(feature = "defect-primary-only"))]
pub fn holds(system: &System, protected: &Protected) -> Result<(), TestCaseError> {
    for (cell, printed) in system.cells.iter().zip(&protected.printed) {
        if let Printed::Value(v) = printed {
            prop_assert!(cell.kind == Kind::Publishable && cell.truth.n >= 10);
            prop_assert!(v % 5 == 0 && v.abs_diff(cell.truth.n) <= 2);
        }
    }
    prop_assert_eq!(caught(system, protected), Vec::<usize>::new());
    certified(system, protected)
}

/// The checker takes the witness in its bytes, and the attacker, who shares no code with it, finds none of its values
/// impossible.
#[cfg(not(feature = "defect-primary-only"))]
fn certified(system: &System, protected: &Protected) -> Result<(), TestCaseError> {
    let bytes = Witness::of_system(system, protected, &DisclosureRules::default()).to_bytes();
    let witness = Witness::from_bytes(&bytes).map_err(|flaw| TestCaseError::fail(flaw.to_string()))?;
    check(&witness).map_err(|flaw| TestCaseError::fail(flaw.to_string()))?;
    let puzzle = puzzle(system, protected);
    let cheap = puzzle.propagate(50);
    for proof in witness.proofs.iter().take(12) {
        let value = |world: usize| {
            let moves = world.checked_sub(1).map_or(&[][..], |at| &witness.worlds[at]);
            let moved = moves.iter().find(|(cell, _)| *cell == proof.cell).map_or(0, |(_, by)| *by);
            i64::from(system.cells[proof.cell].truth.n) + moved
        };
        let (low, high) = (value(proof.low), value(proof.high));
        let found = (puzzle.extreme(&cheap, proof.cell, false), puzzle.extreme(&cheap, proof.cell, true));
        prop_assert!(found.0 <= low && high <= found.1, "cell {}: {low}..{high}, found {found:?}", proof.cell);
    }
    Ok(())
}

#[cfg(not(feature = "defect-primary-only"))]
proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn margins_hold(values in prop::collection::vec(sizes(), 2..12)) {
        attack_fails(&margin(&values))?;
    }

    #[test]
    fn two_way_tables_with_nested_counts_hold(
        table in (2..6_usize, 2..5_usize)
            .prop_flat_map(|(r, c)| prop::collection::vec(prop::collection::vec(sizes(), c), r)),
        inner in prop::collection::vec(sizes(), 6),
        dominated in any::<bool>(),
    ) {
        attack_fails(&two_way(&table, &inner, dominated))?;
    }

    #[test]
    fn years_of_quarters_hold(
        quarters in (1..6_usize).prop_flat_map(|c| prop::collection::vec(prop::collection::vec(sizes(), c), 4)),
        back in 0..60_u32,
        year_only in 0..4_u32,
    ) {
        attack_fails(&year(&quarters, back, year_only))?;
    }
}

/// Tables on which primary suppression alone gives small cells away: few enough terms that rounding hides nothing.
fn weak() -> Vec<System> {
    vec![
        margin(&[41, 3]),
        two_way(&[vec![41, 3], vec![30, 22], vec![5, 33]], &[38, 2], false),
        year(&[vec![30, 4], vec![28, 12], vec![41, 15], vec![33, 11]], 5, 1),
    ]
}

#[cfg(feature = "defect-primary-only")]
#[test]
fn primary_suppression_alone_is_no_protection() {
    for system in weak() {
        let protected = protect(&system, &DisclosureRules::default(), &key(), 20_000).expect("released");
        assert!(!caught(&system, &protected).is_empty(), "the attacker must win against a broken build");
    }
}

#[cfg(not(feature = "defect-primary-only"))]
#[test]
fn the_attacker_wins_against_primary_suppression_and_loses_against_the_product() {
    for system in weak() {
        let protected = protect(&system, &DisclosureRules::default(), &key(), 20_000).expect("released");
        assert!(caught(&system, &protected).is_empty());
        assert!(protected.secondaries > 0);
        let mut weaker = protected.clone();
        for (i, cell) in system.cells.iter().enumerate() {
            if cell.kind == Kind::Publishable && cell.truth.n >= 10 {
                weaker.printed[i] = Printed::Value((cell.truth.n + 2) / 5 * 5);
            }
        }
        assert!(!caught(&system, &weaker).is_empty(), "the attacker must win without secondary suppression");
    }
}

/// A reader who tries every table: least and greatest value of each cell over all that print the same.
#[cfg(not(feature = "defect-primary-only"))]
fn try_everything(system: &System, protected: &Protected, rules: &DisclosureRules, most: i64) -> Vec<(i64, i64)> {
    let prints_as = |v: i64, printed: &Printed| match printed {
        Printed::Value(p) => {
            let rounded = (v + i64::from(rules.rounding) / 2) / i64::from(rules.rounding) * i64::from(rules.rounding);
            v >= i64::from(rules.threshold) && rounded == i64::from(*p)
        }
        Printed::Suppressed | Printed::Elsewhere => true,
        Printed::Impossible => v == 0,
        Printed::Known(n) => v == i64::from(*n),
    };
    let mut found = vec![(i64::MAX, i64::MIN); system.cells.len()];
    let (a, b, c, d) = (0..=most, 0..=most, 0..=most, 0..=most);
    for a in a {
        for b in b.clone() {
            for c in c.clone() {
                for d in d.clone() {
                    // The cells of `square`, in its order.
                    let table = [a, b, a + b, c, d, c + d, a + c, b + d, a + b + c + d];
                    if table.iter().zip(&protected.printed).all(|(v, p)| prints_as(*v, p)) {
                        for (at, v) in found.iter_mut().zip(table) {
                            *at = (at.0.min(v), at.1.max(v));
                        }
                    }
                }
            }
        }
    }
    found
}

/// A table of two by two with its margins.
#[cfg(not(feature = "defect-primary-only"))]
fn square([a, b, c, d]: [u32; 4]) -> System {
    let mut system = System::default();
    for n in [a, b, a + b, c, d, c + d, a + c, b + d, a + b + c + d] {
        system.cells.push(Cell::publishable(count(n, false)));
    }
    let sums = [(2, [0, 1]), (5, [3, 4]), (8, [6, 7]), (6, [0, 3]), (7, [1, 4]), (8, [2, 5])];
    for (total, parts) in sums {
        system.relations.push(Rel::Sum { total, parts: parts.to_vec() });
    }
    system
}

#[cfg(not(feature = "defect-primary-only"))]
proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whoever_tries_every_table_finds_no_small_count(
        cells in prop::array::uniform4(0..10_u32),
        (threshold, rounding) in prop_oneof![Just((4, 3)), Just((3, 1)), Just((5, 2))],
    ) {
        let rules = DisclosureRules { threshold, rounding, min_families: 1, dominance_percent: 100, share_noemer: 30 };
        let system = square(cells);
        let protected = protect(&system, &rules, &key(), 20_000).expect("released");
        let found = try_everything(&system, &protected, &rules, 18);
        let t = i64::from(threshold);
        for (cell, (low, high)) in system.cells.iter().zip(&found) {
            let q = i64::from(cell.truth.n);
            if q < t {
                prop_assert!(*low <= (q - 1).max(0) && *high >= t && high - low >= t, "{cells:?} {q} {low} {high}");
            }
        }
        for range in &protected.ranges {
            let (low, high) = found[range.cell];
            prop_assert!(range.low >= low && range.high <= high.max(18), "a witness is a table that exists");
        }
    }
}

/// Ends of measures of one organisation in a year: (child, quarter, measure, reason, municipality, age band).
type End = (u32, usize, usize, usize, usize, usize);

/// A repeatable stream of small random numbers.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % n).expect("small")
    }
    fn skewed(&mut self, n: u64) -> usize {
        self.below(n).min(self.below(n)).min(self.below(n))
    }
}

fn ends(n: u32, seed: u64) -> Vec<End> {
    let mut draw = Draw(seed);
    let child = |i: u32, draw: &mut Draw| if draw.below(10) == 0 { i / 2 } else { i };
    (0..n)
        .map(|i| {
            let child = child(i, &mut draw);
            (child, draw.below(4), draw.skewed(4), draw.skewed(7), draw.skewed(15), draw.below(6))
        })
        .collect()
}

/// Distinct children of an outflow component: series by measure and reason, quarters, year, year by two dimensions.
fn outflow(ends: &[End]) -> System {
    let mut system = System::default();
    let mut at = std::collections::BTreeMap::new();
    let series: Vec<(Option<usize>, Option<usize>)> = std::iter::once((None, None))
        .chain((0..4).flat_map(|m| std::iter::once((Some(m), None)).chain((0..7).map(move |r| (Some(m), Some(r))))))
        .collect();
    // Slices: the year, four quarters, 15 municipalities, 6 age bands.
    for &(m, r) in &series {
        for slice in 0..26_usize {
            let mut seen: Vec<u32> = ends
                .iter()
                .filter(|e| m.is_none_or(|m| m == e.2) && r.is_none_or(|r| r == e.3))
                .filter(|e| match slice {
                    0 => true,
                    1..=4 => e.1 == slice - 1,
                    5..=19 => e.4 == slice - 5,
                    _ => e.5 == slice - 20,
                })
                .map(|e| e.0)
                .collect();
            seen.sort_unstable();
            seen.dedup();
            let n = u32::try_from(seen.len()).expect("small");
            let weight = match slice {
                0 => 400,
                1..=4 => 100,
                _ => 4,
            } * if r.is_none() { 3 } else { 1 };
            system.cells.push(Cell { weight, ..Cell::publishable(count(n, false)) });
            at.insert((m, r, slice), system.cells.len() - 1);
        }
    }
    let cover = |system: &mut System, total: usize, parts: Vec<usize>| {
        parts.iter().for_each(|&p| rest(system, p, total));
        system.relations.push(Rel::Cover { total, parts });
    };
    for &(m, r) in &series {
        for slices in [1..5, 5..20, 20..26_usize] {
            cover(&mut system, at[&(m, r, 0)], slices.map(|s| at[&(m, r, s)]).collect());
        }
    }
    for slice in 0..26 {
        cover(&mut system, at[&(None, None, slice)], (0..4).map(|m| at[&(Some(m), None, slice)]).collect());
        for m in 0..4 {
            let reasons = (0..7).map(|r| at[&(Some(m), Some(r), slice)]).collect();
            cover(&mut system, at[&(Some(m), None, slice)], reasons);
        }
    }
    system
}

#[test]
fn a_whole_component_is_protected_and_still_says_something() {
    for (n, seed) in [(60, 1), (600, 3)] {
        let system = outflow(&ends(n, seed));
        let protected = protect(&system, &DisclosureRules::default(), &key(), 20_000).expect("released");
        let printed = |range: std::ops::Range<usize>| {
            range.filter(|&i| matches!(protected.printed[i], Printed::Value(_))).count()
        };
        println!(
            "{n} ends: {} cells, {} relations: {} sensitive, {} primary, {} secondary, {} programs",
            system.cells.len(),
            system.relations.len(),
            protected.ranges.len(),
            protected.primaries,
            protected.secondaries,
            protected.runs
        );
        assert_eq!(printed(0..5), 5, "the year and its quarters are printed");
        assert!(protected.secondaries * 10 < protected.primaries, "not a page of x beyond what is small itself");
    }
}
