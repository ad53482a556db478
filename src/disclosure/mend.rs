//! Possible tables by mending, for systems of three dimensions and more, where linear programs are slow and rarely end in
//! whole numbers: move the cell by one, then move other cells by whole numbers until every relation holds again.
//!
//! In a three-way table that ends in the eight corners of a box, or in margins where no box has room. Each round is repeated as far
//! as it has room, and rounds are added up. Nothing here is trusted: what comes out counts only after
//! [`witness::possible`](super::witness::possible).

use std::collections::BTreeSet;

use super::system::{Rel, System};
use super::witness::{Deviation, value};

/// Rounds that are tried for one more unit, each with other lots.
const TRIES: u64 = 60;
/// Most cells that one round moves.
const LONGEST: usize = 80;
/// Most rounds that one table is added up of.
const ROUNDS: usize = 40;
/// Stands for "no bound"; wide of every threshold.
const FAR: i64 = 1_000;

/// How far one cell may go in a possible table.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// Values as it is printed now.
    pub(super) printed: (i64, Option<i64>),
    /// Loss when it goes further, to anything from 0; none when it must not.
    pub(super) open: Option<u64>,
}

impl Room {
    fn holds(&self, v: i64) -> bool {
        v >= self.printed.0 && self.printed.1.is_none_or(|high| v <= high)
    }
}

/// What is mended: the system, and how far each cell may go.
pub(super) struct Mender<'a> {
    pub(super) system: &'a System,
    pub(super) incidence: &'a [Vec<usize>],
    pub(super) rooms: Vec<Room>,
}

/// One round while it is made.
struct Round<'a> {
    of: &'a Mender<'a>,
    /// The table so far.
    table: &'a Deviation,
    /// What this round moves.
    moved: Deviation,
    /// Relations that do not hold.
    broken: BTreeSet<usize>,
    lots: u64,
    /// Whether nothing may be opened.
    free: bool,
}

impl Mender<'_> {
    /// Goes on from a table until the cell is moved by `by` in all, or as far towards it as goes; with `free` without loss.
    pub(super) fn push(&mut self, mut table: Deviation, cell: usize, by: i64, free: bool) -> Deviation {
        for _ in 0..ROUNDS {
            let left = by - table.get(&cell).copied().unwrap_or(0);
            if left == 0 {
                break;
            }
            let Some(round) = self.best(&table, (cell, left.signum()), free) else { break };
            let times = self.times(&table, &round, left.abs());
            for (&moved, &by) in &round {
                *table.entry(moved).or_insert(0) += by * times;
            }
            // What one round opened stays open for the next.
            for &moved in round.keys() {
                if !self.rooms[moved].holds(value(self.system, &table, moved)) {
                    self.rooms[moved] = Room { printed: (0, None), open: None };
                }
            }
            table.retain(|_, by| *by != 0);
        }
        table
    }

    /// The round of least loss among some.
    fn best(&self, table: &Deviation, (cell, by): (usize, i64), free: bool) -> Option<Deviation> {
        let mut best: Option<((u64, usize), Deviation)> = None;
        for lots in 0..TRIES {
            let Some(round) = (Round { of: self, table, moved: Deviation::new(), broken: BTreeSet::new(), lots, free })
                .mend(cell, by)
            else {
                continue;
            };
            let loss: u64 = round.keys().filter_map(|&c| self.lost(table, &round, c)).sum();
            let size = (loss, round.len());
            if best.as_ref().is_none_or(|(least, _)| size < *least) {
                best = Some((size, round));
            }
            if loss == 0 {
                break;
            }
        }
        best.map(|(_, round)| round)
    }

    /// What is lost when a cell goes where a round moves it.
    fn lost(&self, table: &Deviation, round: &Deviation, cell: usize) -> Option<u64> {
        let v = value(self.system, table, cell) + round.get(&cell).copied().unwrap_or(0);
        if self.rooms[cell].holds(v) { None } else { self.rooms[cell].open }
    }

    /// How often a round can be repeated, at most `most` times, without opening more than it does once.
    fn times(&self, table: &Deviation, round: &Deviation, most: i64) -> i64 {
        let fits = |times: i64| {
            let value = |c: usize| value(self.system, table, c) + times * round.get(&c).copied().unwrap_or(0);
            let goes = |&c: &usize| {
                let room = self.rooms[c];
                room.holds(value(c)) || (self.lost(table, round, c).is_some() && value(c) >= 0)
            };
            let touched: BTreeSet<usize> = round.keys().flat_map(|&c| self.incidence[c].iter().copied()).collect();
            round.keys().all(goes) && touched.iter().all(|&rel| self.system.relations[rel].holds(value))
        };
        (2..=most.min(FAR)).take_while(|&times| fits(times)).last().unwrap_or(1)
    }
}

impl Round<'_> {
    fn value(&self, cell: usize) -> i64 {
        value(self.of.system, self.table, cell) + self.moved.get(&cell).copied().unwrap_or(0)
    }

    /// Moves the cell, and others until every relation holds; none when that leads nowhere.
    fn mend(mut self, cell: usize, by: i64) -> Option<Deviation> {
        self.cost(cell, by)?;
        self.shift(cell, by);
        while let Some(&rel) = self.broken.first() {
            if self.moved.len() >= LONGEST {
                return None;
            }
            let choices = self.choices(rel);
            let scored = choices.into_iter().filter_map(|(cell, by)| {
                let loss = self.cost(cell, by)?;
                Some((self.harm(cell, by), self.drawn(cell, loss), cell, by))
            });
            let (_, _, cell, by) = scored.min()?;
            self.shift(cell, by);
        }
        Some(self.moved)
    }

    fn shift(&mut self, cell: usize, by: i64) {
        self.moved.insert(cell, by);
        for &rel in &self.of.incidence[cell] {
            if self.of.system.relations[rel].holds(|c| self.value(c)) {
                self.broken.remove(&rel);
            } else {
                self.broken.insert(rel);
            }
        }
    }

    /// What it loses to move a cell; none when it cannot go there or was moved before.
    fn cost(&self, cell: usize, by: i64) -> Option<u64> {
        let (v, room) = (self.value(cell) + by, self.of.rooms[cell]);
        if self.moved.contains_key(&cell) || v < 0 {
            return None;
        }
        if room.holds(v) { Some(0) } else { room.open.filter(|_| !self.free) }
    }

    /// How many more relations are broken after a move than before; what closes the most comes first.
    fn harm(&self, cell: usize, by: i64) -> i64 {
        let after = |c: usize| self.value(c) + if c == cell { by } else { 0 };
        let change = |rel: &usize| match (self.broken.contains(rel), self.of.system.relations[*rel].holds(after)) {
            (true, true) => -1,
            (false, false) => 1,
            _ => 0,
        };
        self.of.incidence[cell].iter().map(change).sum()
    }

    /// The loss as this try draws it: each try likes other cells.
    fn drawn(&self, cell: usize, loss: u64) -> u64 {
        let mut mixed =
            (cell as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.lots.wrapping_mul(0xd1b5_4a32_d192_ed03);
        mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let lot = mixed >> 56;
        (loss + 1).saturating_mul(64 + lot * (1 + self.lots / 8))
    }

    /// The moves that make a broken relation hold by themselves.
    fn choices(&self, rel: usize) -> Vec<(usize, i64)> {
        let sum = |parts: &[usize]| parts.iter().map(|&p| self.value(p)).sum::<i64>();
        let mend = |total: usize, parts: &[usize]| {
            let over = sum(parts) - self.value(total);
            let mut all: Vec<(usize, i64)> = parts.iter().map(|&part| (part, -over)).collect();
            all.push((total, over));
            all
        };
        match &self.of.system.relations[rel] {
            Rel::Sum { total, parts } => mend(*total, parts),
            Rel::Nested { inner, outer, rest } => mend(*outer, &[*inner, *rest]),
            Rel::Cover { total, parts } | Rel::AtMost { total, parts } => {
                if sum(parts) < self.value(*total) {
                    return mend(*total, parts);
                }
                let top = self.value(*total);
                let high: Vec<(usize, i64)> =
                    parts.iter().map(|&part| (part, top - self.value(part))).filter(|(_, by)| *by < 0).collect();
                let most = high.iter().map(|(_, by)| -by).max().unwrap_or(0);
                let mut all = vec![(*total, most)];
                all.extend(Some(high).filter(|high| high.len() == 1).into_iter().flatten());
                all
            }
        }
    }
}
