//! The attacker over two years: quarters as they settle, years after them, corrections in between, and a convenant that is
//! followed by another with other tables or another region.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use ketenpoort::disclosure::ledger::StoredTable;
use ketenpoort::domain::query::Dimension;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::service::release::ReleaseLine;
use serde_json::Value;

use super::editions::{Edition, together};
use super::story::{Story, Terms};
use super::world::{Cells, cells};

const REGION: &[&str] = &["0001", "0002"];

/// Totals and municipalities.
pub fn first_terms() -> Terms {
    let by = vec![vec![], vec![Dimension::Gemeente]];
    Terms { version: 1, region: REGION, quarter: by.clone(), year: by }
}

/// A region that overlaps the first one.
fn overlapping_terms() -> Terms {
    Terms { version: 2, region: &["0002", "0003"], ..first_terms() }
}

/// The first region, and measures besides.
pub fn wider_terms() -> Terms {
    let by = vec![vec![], vec![Dimension::Gemeente], vec![Dimension::Maatregel]];
    Terms { version: 3, region: REGION, quarter: by.clone(), year: by }
}

pub fn json(stored: &StoredTable) -> Value {
    serde_json::from_str(stored.text()).expect("JSON")
}

/// What was released in each quarter of the story, with what the organisation knew then.
struct Told {
    story: Story,
    rounds: Vec<(Vec<Value>, Cells)>,
    lines: Vec<Vec<ReleaseLine>>,
}

/// Two years, with other terms in the sixth quarter and wider ones from the seventh on.
static TOLD: LazyLock<Told> = LazyLock::new(|| {
    let mut told = Told { story: Story::new(1), rounds: Vec::new(), lines: Vec::new() };
    told.story.agree(first_terms());
    for n in 0..8 {
        told.story.deliver(n);
        match n {
            5 => told.story.agree(overlapping_terms()),
            6 => told.story.agree(wider_terms()),
            _ => {}
        }
        let before = told.story.released().len();
        told.lines.push(told.story.settle(n));
        let new = told.story.released()[before..].iter().map(json).collect();
        told.rounds.push((new, cells(&told.story.world.current)));
    }
    told
});

/// What the attacker has to go on. A build without ledger counts everything anew each time, over what is known by then.
fn editions(told: &Told) -> Vec<Edition> {
    let rounds = told.rounds.iter().cloned();
    if cfg!(feature = "defect-no-ledger") {
        // The sixth is about another region, of which this attacker has no cells.
        let (before, after) = (rounds.clone().take(5), rounds.skip(6));
        return before.chain(after).map(|(tables, cells)| Edition { tables, cells }).collect();
    }
    let tables = rounds.flat_map(|(tables, _)| tables).collect();
    vec![Edition { tables, cells: cells(&told.story.world.frozen) }]
}

/// Lets the attacker loose on editions, whose printed numbers must be those of the exact counts. How many it pins.
pub fn attacked(editions: &[Edition], programs: usize) -> usize {
    let (board, truth) = together(editions);
    for (name, &place) in &board.at {
        let (low, high) = board.puzzle.start()[place];
        let n = truth[name];
        assert!(n >= low && high.is_none_or(|high| n <= high), "{name:?}: {n} is printed as {low} to {high:?}");
    }
    let small = truth.values().filter(|n| (1..10).contains(*n)).count();
    let printed = board.at.values().filter(|&&i| matches!(board.puzzle.seen[i], super::Seen::Number(_))).count();
    let found = board.attack(&truth, programs);
    println!("{} numbers, {printed} printed, {small} small, {} found: {found:#?}", truth.len(), found.len());
    assert!(printed > 50 && small > 100, "{printed} printed, {small} small");
    found.len()
}

#[test]
fn two_years_of_releases_with_corrections_between_them_pin_nobody() {
    if cfg!(any(feature = "defect-no-ledger", feature = "defect-primary-only")) {
        assert!(attacked(&editions(&TOLD), 0) > 0, "the attacker must win against a broken build");
    } else {
        assert_eq!(attacked(&editions(&TOLD), 4), 0);
    }
}

#[cfg(not(any(feature = "defect-no-ledger", feature = "defect-primary-only")))]
#[test]
fn a_region_that_overlaps_an_earlier_one_gets_nothing_of_that_year_and_the_operator_hears_why() {
    assert_eq!(TOLD.rounds[5].0, Vec::<Value>::new());
    let refused: Vec<_> = TOLD.lines[5].iter().map(|line| line.result.clone().expect_err("refused")).collect();
    assert_eq!(refused.len(), 2, "inflow and outflow of 2027");
    for refused in refused {
        assert_eq!(refused.reason, ReasonCode::ComponentClosed);
        assert!(refused.why.contains("2027-Q1 naar gemeente, vrijgegeven op 2027-04-20"), "{}", refused.why);
    }
    // Under terms that fit again the year goes on, and nothing has left twice.
    let all = TOLD.story.released();
    let apart: BTreeSet<_> = all.iter().map(StoredTable::query).collect();
    assert_eq!(apart.len(), all.len(), "every table left once");
    assert!(TOLD.lines[6].iter().all(|line| line.result.is_ok()), "{:?}", TOLD.lines[6]);
}
