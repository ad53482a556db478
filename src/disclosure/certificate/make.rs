//! The witness of a release, from its plan and what the audit found.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CellEntry, CellName, Flaw, Link, Print, Proof, RelationEntry, TableEntry, TableState, Witness, check, editions,
    parse_certificate,
};
use crate::crypto::Digest;
use crate::disclosure::DisclosureFault;
use crate::disclosure::component::Job;
use crate::disclosure::ledger::StoredTable;
use crate::disclosure::plan::{Part, Plan};
use crate::disclosure::protect::{Protected, Range};
use crate::disclosure::release::Terms;
use crate::disclosure::system::{Cell, Kind, Printed, Rel, System};
use crate::disclosure::witness::wide_enough;
use crate::domain::day::Day;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId, TableQuery};
use crate::indicator::definition::definition;
use crate::indicator::relations::{CellRef, VERSION};
use crate::policy::rules::DisclosureRules;

/// Most bytes of a witness: it must fit a record of the state journal, which is at most 16 MiB with its seal.
pub const MOST_BYTES: usize = 15 << 20;

/// What a release consists of.
#[derive(Clone, Copy)]
pub(in crate::disclosure) struct Making<'a> {
    pub(in crate::disclosure) terms: &'a Terms<'a>,
    pub(in crate::disclosure) parts: &'a [Part<'a>],
    /// The parts of every edition that was replaced, oldest first.
    pub(in crate::disclosure) past: &'a [Vec<Part<'a>>],
    /// Tables that leave without a number.
    pub(in crate::disclosure) left_out: &'a [&'a Job],
    pub(in crate::disclosure) plan: &'a Plan,
    pub(in crate::disclosure) protected: &'a Protected,
}

/// The bytes of the witness, checked as they stand.
pub(in crate::disclosure) fn make(of: Making<'_>) -> Result<Vec<u8>, DisclosureFault> {
    let bytes = witness(of)?.to_bytes();
    if bytes.len() > of.terms.most_bytes {
        return Err(DisclosureFault::TooLarge(bytes.len()));
    }
    let checked = Witness::from_bytes(&bytes).and_then(|witness| check(&witness));
    if cfg!(not(feature = "defect-primary-only")) {
        checked
            .map_err(|Flaw(why)| DisclosureFault::Unsafe(format!("de controle van het bewijs slaagt niet: {why}")))?;
    }
    Ok(bytes)
}

fn witness(of: Making<'_>) -> Result<Witness, DisclosureFault> {
    let Making { terms, parts, past, left_out, plan, protected } = of;
    let mut tables = parts.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    for job in left_out {
        match tables.iter_mut().find(|table| table.query == job.table) {
            Some(table) => table.state = TableState::LeftOut,
            None => tables.push(TableEntry::left_out(job)),
        }
    }
    for part in past.iter().flatten() {
        let state = if part.earlier.is_some() { TableState::Replaced } else { TableState::ReplacedMargin };
        tables.push(TableEntry { state, ..entry(part)? });
    }
    let numbers: BTreeMap<(usize, &TableQuery), usize> =
        editions(&tables).into_iter().zip(&tables).enumerate().map(|(i, (n, t))| ((n, &t.query), i)).collect();
    let system = &plan.system;
    let named = |(cell, name): (&Cell, Option<(usize, &CellRef)>)| {
        let (edition, name) = name?;
        let CellRef { table, series, measure, key } = name.clone();
        let table = numbers.get(&(edition, &table)).copied().unwrap_or(usize::MAX);
        Some(CellName { table, shown: cell.kind == Kind::Publishable, series, measure, key })
    };
    let names: Vec<Option<CellName>> = system.cells.iter().zip(plan.names()).map(named).collect();
    let (worlds, proofs) = proofs(system, protected, terms.rules);
    Ok(Witness {
        salt: terms.salt,
        organisation: terms.release.settings.organisation.to_string(),
        convenant: terms.convenant,
        released: terms.today,
        until: terms.until,
        rules: *terms.rules,
        definitions: VERSION,
        tables,
        cells: cells(system, protected, names),
        relations: system.relations.iter().map(relation).collect(),
        worlds,
        proofs,
    })
}

impl Witness {
    /// The witness of a system without names, as if it were one table: for tests and measurements of the engine.
    #[must_use]
    pub fn of_system(system: &System, protected: &Protected, rules: &DisclosureRules) -> Self {
        let day = Day(20_000);
        let query = TableQuery {
            indicator: IndicatorId::Ind01,
            period: Period::quarter_of(day),
            by: vec![Dimension::Gemeente],
        };
        let table = TableEntry {
            state: TableState::New,
            certificate: None,
            query,
            version: definition(IndicatorId::Ind01).version.to_owned(),
            horizon: day,
        };
        let name = |(i, cell): (usize, &Cell)| {
            let (series, measure) = ("stelsel".to_owned(), "n".to_owned());
            Some(CellName {
                table: 0,
                shown: cell.kind == Kind::Publishable,
                series,
                measure,
                key: vec![i.to_string()],
            })
        };
        let (worlds, proofs) = proofs(system, protected, rules);
        Self {
            salt: [0; 32],
            organisation: "00000099000000001000".to_owned(),
            convenant: Digest([0; 32]),
            released: day,
            until: day,
            rules: *rules,
            definitions: VERSION,
            tables: vec![table],
            cells: cells(system, protected, system.cells.iter().enumerate().map(name).collect()),
            relations: system.relations.iter().map(relation).collect(),
            worlds,
            proofs,
        }
    }
}

fn entry(part: &Part<'_>) -> Result<TableEntry, DisclosureFault> {
    let certificate = |stored: &StoredTable| stored.table().map(|table| table.certificate);
    let certificate = part.earlier.map(certificate).transpose()?.flatten();
    let state = match (part.earlier, part.kind) {
        (Some(_), _) => TableState::Earlier,
        (None, Kind::Publishable) => TableState::New,
        (None, Kind::Hidden) => TableState::Margin,
    };
    Ok(TableEntry {
        state,
        certificate: certificate.as_deref().and_then(parse_certificate),
        query: part.query.clone(),
        version: definition(part.query.indicator).version.to_owned(),
        horizon: part.horizon,
    })
}

fn cells(system: &System, protected: &Protected, names: Vec<Option<CellName>>) -> Vec<CellEntry> {
    let entry = |((cell, printed), name): ((&Cell, &Printed), Option<CellName>)| {
        let print = match printed {
            Printed::Value(v) => Print::Value(*v),
            Printed::Suppressed => Print::Suppressed,
            Printed::Impossible => Print::Impossible,
            Printed::Known(_) => Print::Known,
            Printed::Elsewhere => Print::Elsewhere,
        };
        let count = cell.truth;
        CellEntry { name, n: count.n, families: count.families, largest: count.largest, print }
    };
    system.cells.iter().zip(&protected.printed).zip(names).map(entry).collect()
}

fn relation(rel: &Rel) -> RelationEntry {
    let (link, total, parts) = match rel {
        Rel::Sum { total, parts } => (Link::Sum, *total, parts.clone()),
        Rel::Cover { total, parts } => (Link::Cover, *total, parts.clone()),
        Rel::AtMost { total, parts } => (Link::AtMost, *total, parts.clone()),
        Rel::Nested { inner, outer, rest } => (Link::Sum, *outer, vec![*inner, *rest]),
    };
    RelationEntry { link, total, parts }
}

/// Two worlds for each sensitive cell, shared by as many cells as possible.
fn proofs(system: &System, protected: &Protected, rules: &DisclosureRules) -> (Vec<Vec<(usize, i64)>>, Vec<Proof>) {
    let value = |world: usize, cell: usize| {
        let moved = world.checked_sub(1).and_then(|at| protected.worlds.get(at)?.get(&cell));
        system.truth(cell) + moved.copied().unwrap_or(0)
    };
    let mut ranges: Vec<&Range> = protected.ranges.iter().collect();
    ranges.sort_by_key(|range| range.cell);
    let mut used = BTreeSet::from([0]);
    let all: BTreeSet<usize> = (0..=protected.worlds.len()).collect();
    let mut proofs = Vec::with_capacity(ranges.len());
    for &&Range { cell, .. } in &ranges {
        let pick = |among: &BTreeSet<usize>| {
            let low = among.iter().copied().min_by_key(|&w| value(w, cell)).unwrap_or(0);
            let high = among.iter().copied().max_by_key(|&w| value(w, cell)).unwrap_or(0);
            Proof { cell, low, high }
        };
        let enough = |proof: &Proof| {
            let (low, high) = (value(proof.low, cell), value(proof.high, cell));
            wide_enough(system.truth(cell), low, high, rules)
        };
        let proof = Some(pick(&used)).filter(enough).unwrap_or_else(|| pick(&all));
        used.extend([proof.low, proof.high]);
        proofs.push(proof);
    }
    let kept: Vec<usize> = used.into_iter().collect();
    let number = |world: usize| kept.iter().position(|&w| w == world).unwrap_or(0);
    let proofs = proofs.iter().map(|p| Proof { low: number(p.low), high: number(p.high), ..*p }).collect();
    let moves = |world: &usize| protected.worlds[world - 1].iter().map(|(&cell, &by)| (cell, by)).collect();
    (kept.iter().filter(|&&w| w > 0).map(moves).collect(), proofs)
}
