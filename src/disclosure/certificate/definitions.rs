//! Whether the cells and relations of a witness are all those that the definitions give for its tables.

use std::collections::{BTreeMap, BTreeSet};

use super::{Flaw, Link, Print, TableEntry, TableState, Witness};
use crate::disclosure::component::cells_of;
use crate::disclosure::plan::frame;
use crate::domain::query::TableQuery;
use crate::indicator::relations::{CellRef, Relation, relations};
use crate::indicator::release::Release;

/// A relation by the names of its cells: the total and its sorted parts, with whether the last part is an unnamed rest.
type Named = (Link, CellRef, Vec<CellRef>, bool);

/// Checks a witness against the definitions as they are now, in the frame of the release that it proves: every cell that
/// the convenant declares, every relation between them, and what is marked as impossible. A witness that leaves out a
/// relation would prove less than it says.
///
/// # Errors
/// The first [`Flaw`] that is found.
pub fn as_defined(w: &Witness, release: &Release) -> Result<(), Flaw> {
    let mut cells: BTreeMap<CellRef, (bool, bool)> = BTreeMap::new();
    for (i, cell) in w.cells.iter().enumerate() {
        let Some(name) = &cell.name else { continue };
        let table = w.tables.get(name.table).ok_or_else(|| Flaw(format!("cel {i} staat in geen tabel")))?;
        let named = CellRef {
            table: table.query.clone(),
            series: name.series.clone(),
            measure: name.measure.clone(),
            key: name.key.clone(),
        };
        if cells.insert(named, (name.shown, cell.print == Print::Impossible)).is_some() {
            return Err(Flaw(format!("cel {i} staat er twee keer in")));
        }
    }
    if cells != declared(w, release) {
        return Err(Flaw("de cellen zijn niet die van de definities".into()));
    }
    let tables: Vec<TableQuery> = audited(w).map(|table| table.query.clone()).collect();
    let known = |relation: &Relation| cells_of(relation).iter().all(|cell| cells.contains_key(*cell));
    let mut defined: Vec<Named> = relations(&tables, release).iter().filter(|r| known(r)).map(named).collect();
    let mut found = found(w)?;
    defined.sort();
    found.sort();
    if defined == found { Ok(()) } else { Err(Flaw("de relaties zijn niet die van de definities".into())) }
}

/// The tables whose cells must be there. Of tables that are left out only those of three dimensions whose margins of two
/// are printed: not every set of such margins has a table.
fn audited(w: &Witness) -> impl Iterator<Item = &TableEntry> {
    let behind = |table: &TableEntry| {
        let printed = |other: &&TableEntry| matches!(other.state, TableState::New | TableState::Earlier);
        let margin = |other: &TableEntry| {
            let same = (other.query.indicator, other.query.period) == (table.query.indicator, table.query.period);
            same && other.query.by.len() == 2
        };
        table.query.by.len() > 2 && w.tables.iter().filter(printed).any(margin)
    };
    w.tables.iter().filter(move |table| table.state != TableState::LeftOut || behind(table))
}

/// Every cell of the tables, whether it is printed in them, and whether it can only be 0.
fn declared(w: &Witness, release: &Release) -> BTreeMap<CellRef, (bool, bool)> {
    let mut cells = BTreeMap::new();
    for table in audited(w) {
        for place in frame(&table.query, table.horizon, release).into_iter().filter(|place| !place.open) {
            let shown = place.released && matches!(table.state, TableState::New | TableState::Earlier);
            cells.insert(place.cell, (shown, !place.possible));
        }
    }
    cells
}

fn named(relation: &Relation) -> Named {
    let sorted = |parts: &[CellRef]| parts.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    match relation {
        Relation::Sum { total, parts } => (Link::Sum, total.clone(), sorted(parts), false),
        Relation::Cover { total, parts } => (Link::Cover, total.clone(), sorted(parts), false),
        Relation::AtMost { total, parts } => (Link::AtMost, total.clone(), sorted(parts), false),
        Relation::Nested { inner, outer } => (Link::Sum, outer.clone(), vec![inner.clone()], true),
    }
}

/// The relations of the witness, by name; each rest belongs to one of them only.
fn found(w: &Witness) -> Result<Vec<Named>, Flaw> {
    let mut rests = BTreeSet::new();
    let mut all = Vec::with_capacity(w.relations.len());
    for (i, rel) in w.relations.iter().enumerate() {
        let name = |cell: &usize| {
            let name = w.cells.get(*cell)?.name.as_ref()?;
            let table = w.tables.get(name.table)?.query.clone();
            let (series, measure, key) = (name.series.clone(), name.measure.clone(), name.key.clone());
            Some(CellRef { table, series, measure, key })
        };
        let mut parts: Vec<CellRef> = rel.parts.iter().filter_map(name).collect();
        parts.sort();
        let unnamed: Vec<usize> = rel.parts.iter().copied().filter(|part| name(part).is_none()).collect();
        let alone = unnamed.len() < 2 && unnamed.iter().all(|rest| rests.insert(*rest));
        let Some(total) = name(&rel.total).filter(|_| alone) else {
            return Err(Flaw(format!("relatie {i} is niet die van de definities")));
        };
        all.push((rel.link, total, parts, !unnamed.is_empty()));
    }
    Ok(all)
}
