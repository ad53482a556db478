//! The parts of a system in which possible tables are flows: every cell in at most two sums, with opposite signs. There
//! whole-number flows of least loss take the place of linear programs, exactly and fast.
//!
//! A relation is a node, a cell an arc between its two relations (or between one and the ground), and how far a cell
//! moves from its exact count is the flow. What enters a node leaves it, so every flow is a table that satisfies the sums.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::system::{Rel, System};

mod levels;

/// Stands for "no bound"; wide of every threshold.
pub(super) const FAR: i64 = 1_000;
/// Cost of a step, far under any loss: of paths with equal loss the shortest is taken.
const STEP: u64 = 1;
/// Losses count in these.
const UNIT: u64 = 1 << 20;

/// A rest that follows from a sum: the total of relation `sum` without `inner`.
#[derive(Clone, Copy)]
struct Around {
    sum: usize,
    inner: usize,
    outer: usize,
}

/// Where flows stand for tables.
pub(super) struct Network {
    /// For each cell the nodes that its arc leaves and enters; none outside networks. The ground is the last node.
    arcs: Vec<Option<(usize, usize)>>,
    /// For each cell that is the rest of a sum, that sum.
    around: Vec<Option<Around>>,
    /// `at most` relations with whether they are turned round: then what is left over enters their node, else it leaves.
    spare: Vec<(usize, bool)>,
    ground: usize,
}

/// What a flow may do.
pub(super) struct Limits {
    /// For each cell how far its print lets it move down (at most 0) and up.
    pub(super) printed: Vec<(i64, i64)>,
    /// For each cell the loss when it is moved further than that, and how far down it can go then; none when it must not.
    pub(super) open: Vec<Option<(u64, i64)>>,
    /// For each `at most` relation what is left over.
    pub(super) spare: Vec<i64>,
}

impl Limits {
    /// What a table opened stays open.
    pub(super) fn opened_by(&mut self, table: &BTreeMap<usize, i64>) {
        for (&cell, &moved) in table {
            let (low, high) = self.printed[cell];
            if let Some((_, open)) = self.open[cell].filter(|_| moved < low || moved > high) {
                self.printed[cell] = (open, FAR);
            }
        }
    }
}

/// An arc of the residual network.
#[derive(Clone, Copy)]
struct Arc {
    from: usize,
    to: usize,
    cell: Option<usize>,
    flow: i64,
    printed: (i64, i64),
    open: Option<(u64, i64)>,
}

impl Arc {
    /// How far the flow can still change in one direction, at what loss.
    fn room(&self, up: bool) -> Option<(i64, u64)> {
        let within = if up { self.printed.1 - self.flow } else { self.flow - self.printed.0 };
        let beyond = |(loss, low): (u64, i64)| {
            let room = if up { FAR - self.flow } else { self.flow - low };
            (room > 0).then_some((room, loss))
        };
        if within > 0 { Some((within, 0)) } else { self.open.and_then(beyond) }
    }

    fn push(&mut self, by: i64) {
        self.flow += by;
        if self.flow < self.printed.0 || self.flow > self.printed.1 {
            // Opened: from here on it may move freely.
            self.printed = (self.open.map_or(self.printed.0, |(_, low)| low), FAR);
        }
    }
}

impl Network {
    /// Finds the networks of a system. `hidden_rests` are cells that are nothing but the rest of one pair.
    pub(super) fn of(system: &System, incidence: &[Vec<usize>], hidden_rests: &[bool]) -> Self {
        let ground = system.relations.len();
        let around: Vec<Option<Around>> = (0..system.cells.len())
            .map(|cell| hidden_rests[cell].then(|| around(system, incidence, cell)).flatten())
            .collect();
        // What follows from sums by way of a level between needs no relation of its own; such a rest is no arc either.
        let by_level: Vec<bool> =
            (0..system.cells.len()).map(|rest| hidden_rests[rest] && levels::rest(system, incidence, rest)).collect();
        let says_more = |number: usize| match &system.relations[number] {
            Rel::Nested { rest, .. } => around[*rest].is_none() && !by_level[*rest],
            _ => !levels::sum(system, incidence, number),
        };
        let counts: Vec<bool> = (0..system.relations.len()).map(says_more).collect();
        let of_cell: Vec<Vec<usize>> =
            incidence.iter().map(|rels| rels.iter().copied().filter(|&rel| counts[rel]).collect()).collect();
        let mut network = Self { arcs: vec![None; system.cells.len()], around, spare: Vec::new(), ground };
        let mut turned: Vec<Option<bool>> = vec![None; system.relations.len()];
        for start in (0..system.relations.len()).filter(|&rel| counts[rel]) {
            if turned[start].is_none() {
                network.explore(system, &of_cell, &mut turned, start);
            }
        }
        for (cell, rels) in of_cell.iter().enumerate() {
            if rels.is_empty() && network.around[cell].is_none() && !by_level[cell] {
                network.arcs[cell] = Some((ground, ground));
            }
        }
        network
    }

    /// Walks over everything that is connected with a relation; keeps the arcs when it is a network.
    fn explore(&mut self, system: &System, of_cell: &[Vec<usize>], turned: &mut [Option<bool>], start: usize) {
        turned[start] = Some(false);
        let (mut relations, mut sound) = (vec![start], true);
        let mut next = 0;
        while let Some(&rel) = relations.get(next) {
            next += 1;
            sound &= !matches!(system.relations[rel], Rel::Cover { .. });
            for cell in system.relations[rel].cells() {
                sound &= of_cell[cell].len() < 3;
                for &other in of_cell[cell].iter().filter(|&&other| other != rel) {
                    // A cell enters one of its relations and leaves the other.
                    let opposite = sign(system, other, cell) != sign(system, rel, cell);
                    let wanted = turned[rel].map(|turned| turned == opposite);
                    if turned[other].is_none() {
                        turned[other] = wanted;
                        relations.push(other);
                    }
                    sound &= turned[other] == wanted;
                }
            }
        }
        if sound {
            relations.iter().for_each(|&rel| self.add(system, turned, rel));
        }
    }

    fn add(&mut self, system: &System, turned: &[Option<bool>], rel: usize) {
        let turned = turned[rel] == Some(true);
        for cell in system.relations[rel].cells() {
            let (from, to) = self.arcs[cell].unwrap_or((self.ground, self.ground));
            let enters = sign(system, rel, cell) != turned;
            self.arcs[cell] = Some(if enters { (from, rel) } else { (rel, to) });
        }
        if matches!(system.relations[rel], Rel::AtMost { .. }) {
            // parts - total - left over = 0: what is left over stands on the side of the total.
            self.spare.push((rel, turned));
        }
    }

    /// Whether tables for this cell are found as flows.
    pub(super) fn covers(&self, cell: usize) -> bool {
        self.arcs[cell].is_some() || self.around[cell].is_some_and(|a| self.arcs[a.outer].is_some())
    }

    /// The relations whose spare room [`Limits::spare`] gives, in its order.
    pub(super) fn spares(&self) -> impl Iterator<Item = usize> {
        self.spare.iter().map(|(rel, _)| *rel)
    }

    /// Moves a cell by `by` (up when positive) along paths of least loss: every cell that moves, and how far. None when
    /// that is impossible; with `free` without any loss, and as far as that goes.
    pub(super) fn moved(
        &self,
        system: &System,
        limits: &Limits,
        (cell, by): (usize, i64),
        free: bool,
    ) -> Option<Vec<(usize, i64)>> {
        let mut flow = Flow::build(self, system, limits, cell);
        let mut left = by.abs();
        while left > 0 {
            let Some(pushed) = flow.push(by > 0, left, free) else { break };
            left -= pushed;
        }
        let reached = by.abs() - left;
        if reached == 0 || (left > 0 && !free) {
            return None;
        }
        let mut moves: Vec<(usize, i64)> = flow.arcs.iter().filter_map(|arc| Some((arc.cell?, arc.flow))).collect();
        // The cell itself is no arc of the flow.
        moves.push((cell, reached * by.signum()));
        Some(moves)
    }
}

/// Whether a cell stands on the side of the parts.
fn sign(system: &System, rel: usize, cell: usize) -> bool {
    match &system.relations[rel] {
        Rel::Sum { total, .. } | Rel::Cover { total, .. } | Rel::AtMost { total, .. } => *total != cell,
        Rel::Nested { outer, .. } => *outer != cell,
    }
}

/// The sum that a hidden rest is the rest of: then it follows from the sum and needs no relation of its own.
fn around(system: &System, incidence: &[Vec<usize>], rest: usize) -> Option<Around> {
    let nested = incidence[rest].first().map(|&rel| &system.relations[rel])?;
    let Rel::Nested { inner, outer, .. } = nested else { return None };
    let (inner, outer) = (*inner, *outer);
    let is_sum = |&&rel: &&usize| match &system.relations[rel] {
        Rel::Sum { total, parts } => *total == outer && parts.contains(&inner),
        _ => false,
    };
    incidence[outer].iter().find(is_sum).map(|&sum| Around { sum, inner, outer })
}

/// A flow being made for one cell: what goes along its arc comes back through the others.
struct Flow {
    arcs: Vec<Arc>,
    /// For each node its arcs.
    at: Vec<Vec<usize>>,
    /// The nodes that the arc of the cell leaves and enters.
    ends: (usize, usize),
}

impl Flow {
    fn build(network: &Network, system: &System, limits: &Limits, cell: usize) -> Self {
        let around = network.around[cell];
        // Around a rest a node of its own gathers the other parts.
        let gathered = network.ground + 1;
        let others: BTreeSet<usize> = around.map_or_else(BTreeSet::new, |a| {
            let parts = system.relations[a.sum].cells();
            parts.into_iter().filter(|&c| c != a.inner && c != a.outer).collect()
        });
        let mut flow = Self { arcs: Vec::new(), at: vec![Vec::new(); gathered + 1], ends: (0, 0) };
        for (other, ends) in network.arcs.iter().enumerate().filter(|(c, _)| *c != cell) {
            let Some((mut from, mut to)) = *ends else { continue };
            if let Some(a) = around.filter(|_| others.contains(&other)) {
                if from == a.sum {
                    from = gathered;
                }
                if to == a.sum {
                    to = gathered;
                }
            }
            let (printed, open) = (limits.printed[other], limits.open[other]);
            if from != to && (printed != (0, 0) || open.is_some()) {
                flow.add(Arc { from, to, cell: Some(other), flow: 0, printed, open });
            }
        }
        for (&(rel, turned), &left) in network.spare.iter().zip(&limits.spare) {
            let (from, to) = if turned { (network.ground, rel) } else { (rel, network.ground) };
            flow.add(Arc { from, to, cell: None, flow: 0, printed: (-left, FAR), open: None });
        }
        flow.ends = match around {
            // The rest stands on the side of the parts, as the part that it goes around.
            Some(a) if network.arcs[a.inner].is_some_and(|(_, to)| to == a.sum) => (gathered, a.sum),
            Some(a) => (a.sum, gathered),
            None => network.arcs[cell].unwrap_or((0, 0)),
        };
        flow
    }

    fn add(&mut self, arc: Arc) {
        self.at[arc.from].push(self.arcs.len());
        self.at[arc.to].push(self.arcs.len());
        self.arcs.push(arc);
    }

    /// Pushes along a cheapest path that closes the circle of the cell; how much.
    fn push(&mut self, up: bool, most: i64, free: bool) -> Option<i64> {
        let (start, end) = if up { (self.ends.1, self.ends.0) } else { self.ends };
        if start == end {
            return Some(most);
        }
        let path = self.path(start, end, free)?;
        let room = |(arc, up): &(usize, bool)| self.arcs[*arc].room(*up).map_or(0, |(room, _)| room);
        let by = path.iter().map(room).min()?.min(most);
        for (arc, up) in path {
            self.arcs[arc].push(if up { by } else { -by });
        }
        Some(by)
    }

    /// The cheapest path (Dijkstra; no loss is negative), as arcs with the direction in which they change.
    fn path(&self, start: usize, end: usize, free: bool) -> Option<Vec<(usize, bool)>> {
        let mut best: Vec<Option<u64>> = vec![None; self.at.len()];
        let mut came: Vec<Option<(usize, bool)>> = vec![None; self.at.len()];
        let mut heap = BinaryHeap::from([Reverse((0_u64, start))]);
        best[start] = Some(0);
        while let Some(Reverse((cost, node))) = heap.pop() {
            if node == end {
                break;
            }
            if best[node].is_some_and(|known| known < cost) {
                continue;
            }
            for &arc in &self.at[node] {
                let up = self.arcs[arc].from == node;
                let next = if up { self.arcs[arc].to } else { self.arcs[arc].from };
                let Some((_, loss)) = self.arcs[arc].room(up).filter(|(_, loss)| !free || *loss == 0) else { continue };
                let reached = cost.saturating_add(loss.saturating_mul(UNIT)).saturating_add(STEP);
                if best[next].is_none_or(|known| reached < known) {
                    best[next] = Some(reached);
                    came[next] = Some((arc, up));
                    heap.push(Reverse((reached, next)));
                }
            }
        }
        let mut path = Vec::new();
        let mut node = end;
        while node != start {
            let (arc, up) = came[node]?;
            path.push((arc, up));
            node = if up { self.arcs[arc].from } else { self.arcs[arc].to };
        }
        Some(path)
    }
}
