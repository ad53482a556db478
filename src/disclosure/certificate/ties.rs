//! How the editions of a witness hang together: old + added = new + removed for every cell that two of them have, and what
//! is added to or removed from a total is added to or removed from one of its parts.

use std::collections::{BTreeMap, BTreeSet};

use super::definitions::{Named, Place};
use super::{Flaw, Link, Print, RelationEntry, Witness, editions};
use crate::indicator::relations::CellRef;

/// A relation between what was added (or removed) in cells: the older edition, whether removed, total and sorted parts.
type Change = (usize, bool, Link, CellRef, Vec<CellRef>);

/// Checks the relations that name no cell of a table as their total; `defined` are all others, by edition, and `rests` the
/// unnamed cells that those use.
pub(super) fn as_tied(
    w: &Witness,
    others: &[&RelationEntry],
    defined: &[(usize, Named)],
    rests: &BTreeSet<usize>,
) -> Result<(), Flaw> {
    let wrong = || Flaw("de uitgaven van de tabellen zijn niet met elkaar verbonden zoals moet".into());
    let edition = editions(&w.tables);
    let name = |cell: usize| -> Option<Place> {
        let name = w.cells.get(cell)?.name.as_ref()?;
        let (series, measure, key) = (name.series.clone(), name.measure.clone(), name.key.clone());
        Some((
            *edition.get(name.table)?,
            CellRef { table: w.tables.get(name.table)?.query.clone(), series, measure, key },
        ))
    };
    // By the unnamed total: the two cells with what each lacks.
    let mut pairs: BTreeMap<usize, Vec<(Place, usize)>> = BTreeMap::new();
    let mut between: Vec<&RelationEntry> = Vec::new();
    for &rel in others {
        match (rel.link, rel.parts.as_slice()) {
            (Link::Sum, &[cell, lacks]) if name(cell).is_some() && name(lacks).is_none() => {
                pairs.entry(rel.total).or_default().push((name(cell).ok_or_else(wrong)?, lacks));
            }
            _ => between.push(rel),
        }
    }
    let mut used = rests.clone();
    let mut tied: BTreeMap<Place, [usize; 2]> = BTreeMap::new();
    let next = |older: usize| if edition.contains(&(older + 1)) { older + 1 } else { 0 };
    for (both, pair) in pairs {
        let [((older, cell), added), ((newer, same), removed)] = pair.as_slice() else { return Err(wrong()) };
        let alone = [both, *added, *removed].into_iter().all(|cell| used.insert(cell));
        if !alone || cell != same || *older == 0 || *newer != next(*older) {
            return Err(wrong());
        }
        tied.insert((*older, cell.clone()), [*added, *removed]);
    }
    let counted = |(i, cell): (usize, &super::CellEntry)| (cell.print != Print::Impossible).then(|| name(i)).flatten();
    let named: BTreeSet<Place> = w.cells.iter().enumerate().filter_map(counted).collect();
    let due = named.iter().filter(|(n, cell)| *n > 0 && named.contains(&(next(*n), cell.clone())));
    if !due.eq(tied.keys()) {
        return Err(wrong());
    }
    let mut expected: Vec<Change> = Vec::new();
    for (newer, (link, total, parts, rest)) in defined {
        let older = if *newer == 0 { edition.iter().copied().max().unwrap_or(0) } else { newer - 1 };
        let all_tied = std::iter::once(total).chain(parts).all(|cell| tied.contains_key(&(older, cell.clone())));
        if rest.is_none() && *link != Link::AtMost && all_tied {
            let link = if parts.len() == 1 { Link::Sum } else { Link::AtMost };
            expected.extend([false, true].map(|removed| (older, removed, link, total.clone(), parts.clone())));
        }
    }
    let places: BTreeMap<usize, (usize, bool, &CellRef)> = tied
        .iter()
        .flat_map(|((older, cell), [added, removed])| {
            [(*added, (*older, false, cell)), (*removed, (*older, true, cell))]
        })
        .collect();
    let mut found =
        between.into_iter().map(|rel| change(rel, &places)).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
    expected.sort();
    found.sort();
    if expected == found { Ok(()) } else { Err(wrong()) }
}

/// A relation by the cells whose changes it names; all must be of one edition and one kind.
fn change(rel: &RelationEntry, places: &BTreeMap<usize, (usize, bool, &CellRef)>) -> Option<Change> {
    let (older, removed, total) = *places.get(&rel.total)?;
    let part = |cell: &usize| places.get(cell).filter(|at| (at.0, at.1) == (older, removed)).map(|at| at.2.clone());
    let mut parts = rel.parts.iter().map(part).collect::<Option<Vec<_>>>()?;
    parts.sort();
    Some((older, removed, rel.link, total.clone(), parts))
}
