//! Primary and complementary suppression of a whole system, with a witness for every sensitive cell.

use std::fmt;

use crate::crypto::MacKey;
use crate::policy::rules::DisclosureRules;

use super::DisclosureFault;
use super::bound::{least_loss, loss};
use super::rules::{rounded, sensitive};
use super::solve::{Aim, Ask, JITTER, Proposal, Proposer};
use super::system::{Kind, Printed, System};
use super::witness::{Deviation, possible, value, wide_enough};

/// Sizes of neighbourhood that are tried in turn; the last takes everything that is connected.
const SIZES: &[usize] = &[16, 60, 200, usize::MAX];

/// The audit's finding for one sensitive cell: both values are reached by a possible table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Index of the cell.
    pub cell: usize,
    /// A value that it can have, at most one under its exact count.
    pub low: i64,
    /// A value that it can have, at least the threshold and at least the threshold over `low`.
    pub high: i64,
}

/// Never the values: the low one is close to the exact count.
impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Range").field("cell", &self.cell).finish_non_exhaustive()
    }
}

/// What can be printed of a system, and what the audit found.
#[derive(Clone)]
pub struct Protected {
    /// For each cell what a reader sees of it.
    pub printed: Vec<Printed>,
    /// One range for every sensitive cell, hidden ones included.
    pub ranges: Vec<Range>,
    /// Publishable cells suppressed for their own sake.
    pub primaries: usize,
    /// Publishable cells suppressed to protect others.
    pub secondaries: usize,
    /// Searches made: linear programs and flows.
    pub runs: usize,
    /// What the secondaries lose together ([`loss`]).
    pub loss: u64,
    /// What any safe pattern loses at least.
    pub least_loss: u64,
    /// The possible tables that the ranges were found in, as differences from the exact one.
    pub worlds: Vec<Deviation>,
}

/// Never the ranges and the possible tables.
impl fmt::Debug for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protected").field("printed", &self.printed).finish_non_exhaustive()
    }
}

/// Decides for every cell whether it is printed, so that no sensitive cell is pinned by all that is.
///
/// Each sensitive cell of exact size q, printed or not, ends with two whole-number tables that agree with every
/// printed value and every relation, in which it has values L and U with `L <= max(0, q-1)`, `U >= threshold` and
/// `U - L >= threshold`. `budget` bounds the number of linear programs, so the outcome depends on no clock.
///
/// # Errors
/// [`DisclosureFault::Definition`] or [`DisclosureFault::Earlier`] when the exact figures break a relation or an
/// earlier release; [`DisclosureFault::Unsafe`] when fixed cells leave no safe pattern; [`DisclosureFault::Budget`].
pub fn protect(
    system: &System,
    rules: &DisclosureRules,
    tie_key: &MacKey,
    budget: usize,
) -> Result<Protected, DisclosureFault> {
    system.check_truth(rules)?;
    let printed = alone(system, rules)?;
    let primaries = count_suppressed(system, &printed);
    let least_loss = least_loss(system, rules, &printed);
    let alone = printed.clone();
    let mut audit = Audit::new(system, rules, tie_key, printed);
    if cfg!(not(feature = "defect-primary-only")) {
        audit.run(budget)?;
    }
    let ranges = audit.ranges();
    let secondaries = count_suppressed(system, &audit.printed) - primaries;
    let runs = audit.proposer.runs;
    let (printed, worlds) = (audit.printed, audit.tables);
    let opened = (0..system.cells.len()).filter(|&cell| printed[cell] != alone[cell]);
    let loss = opened.map(|cell| loss(system, cell)).sum();
    Ok(Protected { printed, ranges, primaries, secondaries, runs, loss, least_loss, worlds })
}

/// What each cell would print if it stood alone.
fn alone(system: &System, rules: &DisclosureRules) -> Result<Vec<Printed>, DisclosureFault> {
    let print = |(i, cell): (usize, &super::system::Cell)| match (cell.fixed, cell.kind) {
        (Some(Printed::Value(_)), _) if sensitive(cell.truth, rules) => {
            Err(DisclosureFault::Earlier(format!("cel {i}")))
        }
        // Where only 0 is possible a cross tells no less.
        _ if cell.impossible => Ok(Printed::Impossible),
        (Some(printed), _) => Ok(printed),
        (None, Kind::Hidden) => Ok(Printed::Suppressed),
        (None, _) if sensitive(cell.truth, rules) => Ok(Printed::Suppressed),
        (None, _) => Ok(Printed::Value(rounded(cell.truth.n, rules))),
    };
    system.cells.iter().enumerate().map(print).collect()
}

fn count_suppressed(system: &System, printed: &[Printed]) -> usize {
    let counts = |(cell, p): &(&super::system::Cell, &Printed)| {
        cell.kind == Kind::Publishable && cell.fixed.is_none() && **p == Printed::Suppressed
    };
    system.cells.iter().zip(printed).filter(counts).count()
}

/// The state of one audit: tables found so far stay possible, since later steps only print less.
struct Audit<'a> {
    system: &'a System,
    rules: &'a DisclosureRules,
    proposer: Proposer<'a>,
    printed: Vec<Printed>,
    /// Cells that need a witness.
    sensitive: Vec<bool>,
    /// Sensitive cells without one.
    wanted: Vec<bool>,
    /// For each cell the least and the most that a possible table gives it.
    reach: Vec<(i64, i64)>,
    tables: Vec<Deviation>,
    /// Loss when a cell is suppressed for another one.
    losses: Vec<u64>,
    /// Order of work: ties are broken by a keyed hash, so that nobody can replay it.
    order: Vec<usize>,
}

impl<'a> Audit<'a> {
    fn new(system: &'a System, rules: &'a DisclosureRules, tie_key: &MacKey, printed: Vec<Printed>) -> Self {
        let lots: Vec<u32> = (0..system.cells.len()).map(|i| lot(tie_key, i)).collect();
        let sensitive: Vec<bool> = system.cells.iter().map(|c| c.needs_protection(rules)).collect();
        let loss = |(cell, &lot): (usize, &u32)| {
            let loss = loss(system, cell).saturating_mul(JITTER);
            loss + loss / 20 * u64::from(lot >> 16) / u64::from(u16::MAX)
        };
        let losses: Vec<u64> = lots.iter().enumerate().map(loss).collect();
        let mut order: Vec<usize> = (0..system.cells.len()).filter(|&i| sensitive[i]).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(system.cells[i].truth.n), lots[i]));
        Self {
            system,
            rules,
            proposer: Proposer::new(system, rules, losses.clone()),
            losses,
            printed,
            wanted: sensitive.clone(),
            sensitive,
            reach: (0..system.cells.len()).map(|i| (system.truth(i), system.truth(i))).collect(),
            tables: Vec::new(),
            order,
        }
    }

    /// Gives every sensitive cell its witness, suppressing what that takes, and checks all witnesses at the end.
    fn run(&mut self, budget: usize) -> Result<(), DisclosureFault> {
        let hints = &self.system.hints;
        hints.iter().for_each(|table| self.accept(table.clone()));
        for cell in self.order.clone() {
            if self.wanted[cell] {
                self.settle(cell, budget)?;
            }
        }
        let sound = self.tables.iter().all(|table| possible(self.system, &self.printed, self.rules, table));
        let open = |cell: &usize| {
            let q = self.system.truth(*cell);
            wide_enough(q, self.reach[*cell].0, self.reach[*cell].1, self.rules)
        };
        if sound && self.order.iter().all(open) {
            Ok(())
        } else {
            Err(DisclosureFault::Unsafe("de eindtoets van het vrijgaveplan slaagt niet".into()))
        }
    }

    /// A witness for one cell: at no loss when there is one, else at the least that two neighbourhoods find.
    fn settle(&mut self, cell: usize, budget: usize) -> Result<(), DisclosureFault> {
        if self.system.deep && !self.proposer.is_flow(cell) && self.mend(cell, budget)? {
            return Ok(());
        }
        let sizes = if self.proposer.is_flow(cell) { &SIZES[3..] } else { SIZES };
        for &size in sizes {
            self.widen(cell, size, budget)?;
            if !self.wanted[cell] {
                return Ok(());
            }
        }
        let mut best: Option<Proposal> = None;
        for &size in sizes.get(1..).filter(|more| !more.is_empty()).unwrap_or(sizes) {
            self.within(budget)?;
            let found = self.ask(cell, size, Aim::Both, None);
            let cheaper = |f: &Proposal| best.as_ref().is_none_or(|b| self.loss(&f.opened) < self.loss(&b.opened));
            let second = best.is_some();
            if let Some(found) = found.filter(cheaper) {
                best = Some(found);
            }
            if second {
                break;
            }
        }
        let Some(best) = best else {
            // No linear program ends in whole numbers: mending may.
            let mended = self.mend(cell, budget)?;
            let fault = || DisclosureFault::Unsafe(format!("cel {cell} is niet te beschermen"));
            return mended.then_some(()).ok_or_else(fault);
        };
        let best = self.prune(cell, best);
        for &opened in &best.opened {
            self.printed[opened] = Printed::Suppressed;
        }
        best.tables.into_iter().for_each(|table| self.accept(table));
        if self.wanted[cell] {
            return Err(DisclosureFault::Unsafe(format!("cel {cell} is niet te beschermen")));
        }
        Ok(())
    }

    /// A witness for one cell by mending; whether there is one.
    fn mend(&mut self, cell: usize, budget: usize) -> Result<bool, DisclosureFault> {
        let threshold = i64::from(self.rules.threshold);
        let small = (self.system.truth(cell) - 1).max(0);
        self.within(budget)?;
        if self.reach[cell].0 > small {
            self.take_mended(cell, Aim::AtMost(small), Some(&[]));
        }
        if self.wanted[cell] && self.reach[cell].0 <= small {
            let large = threshold.max(self.reach[cell].0 + threshold);
            self.take_mended(cell, Aim::AtLeast(large), Some(&[]));
        }
        if self.wanted[cell] {
            self.take_mended(cell, Aim::Both, None);
        }
        Ok(!self.wanted[cell])
    }

    /// Suppresses what mended tables need, and keeps them.
    fn take_mended(&mut self, cell: usize, aim: Aim, only: Option<&[usize]>) {
        let ask = Ask { printed: &self.printed, cell, size: usize::MAX, aim, wanted: &self.wanted, only };
        let Some(found) = self.proposer.mended(&ask).filter(|found| self.is_sound(found)) else { return };
        found.opened.iter().for_each(|&opened| self.printed[opened] = Printed::Suppressed);
        found.tables.into_iter().for_each(|table| self.accept(table));
    }

    fn within(&self, budget: usize) -> Result<(), DisclosureFault> {
        if self.proposer.runs < budget { Ok(()) } else { Err(DisclosureFault::Budget(budget)) }
    }

    /// Looks for smaller and larger values that a possible table gives the cell as things are printed now.
    fn widen(&mut self, cell: usize, size: usize, budget: usize) -> Result<(), DisclosureFault> {
        let threshold = i64::from(self.rules.threshold);
        let small = (self.system.truth(cell) - 1).max(0);
        self.within(budget)?;
        if self.reach[cell].0 > small {
            let found = self.ask(cell, size, Aim::AtMost(small), Some(&[]));
            found.into_iter().flat_map(|f| f.tables).for_each(|table| self.accept(table));
        }
        if self.reach[cell].0 <= small && self.wanted[cell] {
            let large = threshold.max(self.reach[cell].0 + threshold);
            let found = self.ask(cell, size, Aim::AtLeast(large), Some(&[]));
            found.into_iter().flat_map(|f| f.tables).for_each(|table| self.accept(table));
        }
        Ok(())
    }

    fn ask(&mut self, cell: usize, size: usize, aim: Aim, only: Option<&[usize]>) -> Option<Proposal> {
        let ask = Ask { printed: &self.printed, cell, size, aim, wanted: &self.wanted, only };
        self.proposer.propose(&ask).filter(|found| self.is_sound(found))
    }

    /// Whether the tables are possible once what they open is suppressed.
    fn is_sound(&self, found: &Proposal) -> bool {
        let mut printed = self.printed.clone();
        found.opened.iter().for_each(|&c| printed[c] = Printed::Suppressed);
        found.tables.iter().all(|table| possible(self.system, &printed, self.rules, table))
    }

    fn loss(&self, opened: &[usize]) -> u64 {
        opened.iter().map(|&c| self.losses[c]).sum()
    }

    /// Tries to do with fewer suppressed cells: leaves out one after the other, the costliest first.
    fn prune(&mut self, cell: usize, mut best: Proposal) -> Proposal {
        let mut order = best.opened.clone();
        order.sort_by(|&a, &b| self.losses[b].cmp(&self.losses[a]));
        for drop in order {
            if best.opened.len() < 2 || !best.opened.contains(&drop) {
                continue;
            }
            let fewer: Vec<usize> = best.opened.iter().copied().filter(|&c| c != drop).collect();
            if let Some(found) = self.ask(cell, SIZES[2], Aim::Both, Some(&fewer)) {
                best = found;
            }
        }
        best
    }

    /// Keeps a table that the exact checker finds possible, and notes which cells it leaves open.
    fn accept(&mut self, table: Deviation) {
        if !possible(self.system, &self.printed, self.rules, &table) {
            return;
        }
        for &cell in table.keys() {
            let v = value(self.system, &table, cell);
            self.reach[cell].0 = self.reach[cell].0.min(v);
            self.reach[cell].1 = self.reach[cell].1.max(v);
            let q = self.system.truth(cell);
            if self.sensitive[cell] && wide_enough(q, self.reach[cell].0, self.reach[cell].1, self.rules) {
                self.wanted[cell] = false;
            }
        }
        self.tables.push(table);
    }

    fn ranges(&self) -> Vec<Range> {
        self.order.iter().map(|&cell| Range { cell, low: self.reach[cell].0, high: self.reach[cell].1 }).collect()
    }
}

/// A keyed random number for a cell.
fn lot(tie_key: &MacKey, cell: usize) -> u32 {
    let tag = tie_key.tag(&[b"ketenpoort/v1/disclosure-tie", &cell.to_be_bytes()]);
    let mut first = [0_u8; 4];
    first.copy_from_slice(&tag.expose()[..4]);
    u32::from_be_bytes(first)
}
