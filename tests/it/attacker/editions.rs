//! The attacker with several editions of the same tables: what was counted first and what was counted later are different
//! numbers, tied by what was added and what was removed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::tables::{Board, Name};
use super::world::Cells;
use super::{Law, Seen};

/// Tables that were counted over the same records, and the children in their cells.
pub struct Edition {
    pub tables: Vec<Value>,
    pub cells: Cells,
}

/// A cell of edition `number`, and what changed since it was printed before.
fn of_edition(name: &Name, number: usize, what: &str) -> Name {
    let measure = format!("{}{what}", name.measure);
    Name { indicator: format!("{} edition {number}", name.indicator), measure, ..name.clone() }
}

/// Everything that is known of all editions together, and the exact sizes.
pub fn together(editions: &[Edition]) -> (Board, BTreeMap<Name, i64>) {
    let (mut all, mut truth) = (Board::default(), BTreeMap::new());
    // In which edition a cell was printed last, and where.
    let mut last: BTreeMap<Name, (usize, usize)> = BTreeMap::new();
    for (number, edition) in editions.iter().enumerate() {
        let board = Board::read(&edition.tables);
        let from = all.puzzle.seen.len();
        all.puzzle.seen.extend(&board.puzzle.seen);
        let moved = |law: &Law| Law { terms: law.terms.iter().map(|&(c, f)| (c + from, f)).collect(), ..law.clone() };
        let laws: Vec<Law> = board.puzzle.laws.iter().map(moved).collect();
        all.rests.extend(board.rests.iter().map(|&(a, b, c)| (a + from, b + from, c + from)));
        let (mut added, mut removed) = (BTreeMap::new(), BTreeMap::new());
        for (name, place) in &board.at {
            let place = place + from;
            let children = |edition: &Edition| edition.cells.get(name).cloned().unwrap_or_default();
            let now = children(edition);
            all.at.insert(of_edition(name, number, ""), place);
            truth.insert(of_edition(name, number, ""), size(now.len()));
            if let Some((earlier, old)) = last.insert(name.clone(), (number, place)) {
                let before = children(&editions[earlier]);
                let [new, gone] = [(&now, &before), (&before, &now)].map(|(a, b)| size(a.difference(b).count()));
                let [both, more, less] = [(); 3].map(|()| unknown(&mut all));
                all.puzzle.equal(both, &[old, more]);
                all.puzzle.equal(both, &[place, less]);
                for (what, place, n) in [(" added", more, new), (" removed", less, gone)] {
                    all.at.insert(of_edition(name, number, what), place);
                    truth.insert(of_edition(name, number, what), n);
                }
                added.insert(place, more);
                removed.insert(place, less);
            }
        }
        // Who is new in a total is new in one of its parts; who is gone from it is gone from one of them.
        for law in laws.iter().filter(|law| law.terms.len() > 2) {
            for change in [&added, &removed] {
                let of = |&(cell, factor): &(usize, i64)| Some((*change.get(&cell)?, factor));
                if let Some(terms) = law.terms.iter().map(of).collect::<Option<Vec<_>>>() {
                    all.puzzle.laws.push(Law { terms, low: None, high: Some(0) });
                }
            }
        }
        all.puzzle.laws.extend(laws);
    }
    (all, truth)
}

fn unknown(board: &mut Board) -> usize {
    board.puzzle.seen.push(Seen::Unknown);
    board.puzzle.seen.len() - 1
}

fn size(n: usize) -> i64 {
    i64::try_from(n).expect("a count")
}
