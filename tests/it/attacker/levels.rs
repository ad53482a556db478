//! Random two-way tables whose rows lie in areas: a level between row and total, with the rest of every pair.

use ketenpoort::disclosure::system::{Cell, Rel, System};
use proptest::prelude::*;

use super::systems::{attack_fails, count, rest, sizes};

/// Rows, an area for each of them, and columns; every line has its total, and every part of a total its rest.
fn levels(rows: &[Vec<u32>], areas: &[usize]) -> System {
    let columns = rows[0].len();
    let sum = |lines: &[&Vec<u32>]| (0..columns).map(|c| lines.iter().map(|line| line[c]).sum()).collect::<Vec<u32>>();
    let mut named: Vec<usize> = areas.to_vec();
    named.sort_unstable();
    named.dedup();
    let inside = |area: usize| (0..rows.len()).filter(move |&r| areas[r] == area);
    let of_area = |area: &usize| sum(&inside(*area).map(|r| &rows[r]).collect::<Vec<_>>());
    let mut lines: Vec<Vec<u32>> = rows.iter().cloned().chain(named.iter().map(of_area)).collect();
    lines.push(sum(&rows.iter().collect::<Vec<_>>()));
    let mut system = System::default();
    for (line, values) in lines.iter().enumerate() {
        for n in values.iter().copied().chain([values.iter().sum()]) {
            let weight = if line < rows.len() { 1 } else { 9 };
            system.cells.push(Cell { weight, ..Cell::publishable(count(n, false)) });
        }
    }
    let at = |line: usize, c: usize| line * (columns + 1) + c;
    let mut add = |total: usize, parts: Vec<usize>| {
        if parts.len() > 2 {
            parts.iter().for_each(|&part| rest(&mut system, part, total));
        }
        system.relations.push(Rel::Sum { total, parts });
    };
    for line in 0..lines.len() {
        add(at(line, columns), (0..columns).map(|c| at(line, c)).collect());
    }
    let (first, last) = (rows.len(), lines.len() - 1);
    for c in 0..=columns {
        add(at(last, c), (0..rows.len()).map(|r| at(r, c)).collect());
        add(at(last, c), (first..last).map(|line| at(line, c)).collect());
        for (place, area) in named.iter().enumerate() {
            add(at(first + place, c), inside(*area).map(|r| at(r, c)).collect());
        }
    }
    system
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn tables_with_a_level_between_row_and_total_hold(
        rows in (1..4_usize).prop_flat_map(|c| prop::collection::vec(prop::collection::vec(sizes(), c), 3..8)),
        areas in prop::collection::vec(0..3_usize, 8),
    ) {
        attack_fails(&levels(&rows, &areas[..rows.len()]))?;
    }
}
