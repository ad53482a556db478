//! Whether the cells and relations of a witness are all those that the definitions give for its tables.

use std::collections::{BTreeMap, BTreeSet};

use super::ties::as_tied;
use super::{Flaw, Link, Print, RelationEntry, TableEntry, TableState, Witness, editions};
use crate::disclosure::plan::frame;
use crate::domain::query::TableQuery;
use crate::indicator::relations::{CellRef, Relation, VERSION, relations, since};
use crate::indicator::release::Release;

/// A relation by the names of its cells: the total and its sorted parts, and what its last part is when that has no name.
pub(super) type Named = (Link, CellRef, Vec<CellRef>, Option<Rest>);

/// The rest of two cells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rest {
    /// Protected like a cell.
    Secret,
    /// Taken to be known.
    Known,
}

/// A cell by its edition and name.
pub(super) type Place = (usize, CellRef);

/// Checks a witness against the definitions under which it was made ([`version_of`]), in the frame of the release that it proves: every cell that
/// the convenant declares, every relation between them, and what is marked as impossible. A witness that leaves out a
/// relation would prove less than it says.
///
/// # Errors
/// The first [`Flaw`] that is found.
pub fn as_defined(w: &Witness, release: &Release) -> Result<(), Flaw> {
    let mut cells: BTreeMap<Place, [bool; 3]> = BTreeMap::new();
    for (i, cell) in w.cells.iter().enumerate() {
        let Some(name) = &cell.name else { continue };
        let place = place(w, i).ok_or_else(|| Flaw(format!("cel {i} staat in geen tabel")))?;
        let elsewhere = matches!(cell.print, Print::Known | Print::Elsewhere);
        if cells.insert(place, [name.shown, cell.print == Print::Impossible, elsewhere]).is_some() {
            return Err(Flaw(format!("cel {i} staat er twee keer in")));
        }
    }
    let version = version_of(w);
    if version > VERSION {
        return Err(Flaw(format!("gemaakt onder versie {version} van de definities; deze kent er {VERSION}")));
    }
    if cells != declared(w, release, version) {
        return Err(Flaw(format!("de cellen zijn niet die van de definities (versie {version})")));
    }
    let mut defined: Vec<(usize, Named)> = Vec::new();
    for edition in editions(&w.tables).into_iter().collect::<BTreeSet<_>>() {
        let of = audited(w).filter(|(n, _)| *n == edition);
        let tables: Vec<TableQuery> = of.map(|(_, table)| table.query.clone()).collect();
        let known =
            |relation: &Relation| relation.cells().iter().all(|cell| cells.contains_key(&(edition, (*cell).clone())));
        defined.extend(relations(&tables, release).iter().filter(|r| known(r)).map(|r| (edition, named(r))));
    }
    let (mut found, others, rests) = found(w)?;
    defined.sort();
    found.sort();
    if defined != found {
        return Err(Flaw(format!("de relaties zijn niet die van de definities (versie {version})")));
    }
    as_tied(w, &others, &defined, &rests)
}

/// The version of the definitions that a witness is made under: what it says, or for the first ones, which say nothing, the one
/// that its cells are of.
#[must_use]
pub fn version_of(w: &Witness) -> u32 {
    let of_cells = (0..w.cells.len()).filter_map(|i| place(w, i)).map(|(_, cell)| since(&cell)).max().unwrap_or(1);
    if w.definitions == 1 { of_cells } else { w.definitions }
}

/// Edition and name of a cell.
fn place(w: &Witness, cell: usize) -> Option<Place> {
    let name = w.cells.get(cell)?.name.as_ref()?;
    let table = w.tables.get(name.table)?.query.clone();
    let edition = *editions(&w.tables[..=name.table]).last()?;
    let (series, measure, key) = (name.series.clone(), name.measure.clone(), name.key.clone());
    Some((edition, CellRef { table, series, measure, key }))
}

/// The tables whose cells must be there, each with its edition. Of tables that are left out only those of three dimensions whose margins of two
/// are printed: not every set of such margins has a table.
fn audited(w: &Witness) -> impl Iterator<Item = (usize, &TableEntry)> {
    let behind = |table: &TableEntry| {
        let printed = |other: &&TableEntry| matches!(other.state, TableState::New | TableState::Earlier);
        let margin = |other: &TableEntry| {
            let same = (other.query.indicator, other.query.period) == (table.query.indicator, table.query.period);
            same && other.query.by.len() == 2
        };
        table.query.by.len() > 2 && w.tables.iter().filter(printed).any(margin)
    };
    let all = editions(&w.tables).into_iter().zip(&w.tables);
    all.filter(move |(_, table)| table.state != TableState::LeftOut || behind(table))
}

/// Every cell of the tables, whether it is printed in them, whether it can only be 0, and whether another release counts it too.
fn declared(w: &Witness, release: &Release, version: u32) -> BTreeMap<Place, [bool; 3]> {
    let mut cells = BTreeMap::new();
    for (edition, table) in audited(w) {
        for place in frame(&table.query, table.horizon, release)
            .into_iter()
            .filter(|place| !place.open && since(&place.cell) <= version)
        {
            let leaves = matches!(table.state, TableState::New | TableState::Earlier | TableState::Replaced);
            let facts = [place.released && leaves, !place.possible, place.elsewhere];
            cells.insert((edition, place.cell), facts);
        }
    }
    cells
}

fn named(relation: &Relation) -> Named {
    let sorted = |parts: &[CellRef]| parts.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    match relation {
        Relation::Sum { total, parts } => (Link::Sum, total.clone(), sorted(parts), None),
        Relation::Cover { total, parts } => (Link::Cover, total.clone(), sorted(parts), None),
        Relation::AtMost { total, parts } => (Link::AtMost, total.clone(), sorted(parts), None),
        Relation::Nested { inner, outer } => (Link::Sum, outer.clone(), vec![inner.clone()], Some(Rest::Secret)),
        Relation::Known { inner, outer } => (Link::Sum, outer.clone(), vec![inner.clone()], Some(Rest::Known)),
    }
}

/// The relations of the witness: by name those whose total is a cell of a table, each with a rest of its own or none, then
/// the others; and the rests.
type Found<'a> = (Vec<(usize, Named)>, Vec<&'a RelationEntry>, BTreeSet<usize>);

fn found(w: &Witness) -> Result<Found<'_>, Flaw> {
    let (mut rests, mut others) = (BTreeSet::new(), Vec::new());
    let mut all = Vec::with_capacity(w.relations.len());
    for (i, rel) in w.relations.iter().enumerate() {
        let Some((edition, total)) = place(w, rel.total) else {
            others.push(rel);
            continue;
        };
        let places: Vec<Place> = rel.parts.iter().filter_map(|&part| place(w, part)).collect();
        let unnamed: Vec<usize> = rel.parts.iter().copied().filter(|&part| place(w, part).is_none()).collect();
        let alone = unnamed.len() < 2 && unnamed.iter().all(|rest| rests.insert(*rest));
        if !alone || places.iter().any(|(of, _)| *of != edition) {
            return Err(Flaw(format!("relatie {i} is niet die van de definities")));
        }
        let mut parts: Vec<CellRef> = places.into_iter().map(|(_, cell)| cell).collect();
        parts.sort();
        let kind = |rest: &usize| if w.cells[*rest].print == Print::Known { Rest::Known } else { Rest::Secret };
        all.push((edition, (rel.link, total, parts, unnamed.first().map(kind))));
    }
    Ok((all, others, rests))
}
