//! Whether a witness agrees with what was released before and after it: the constants of a proof are only as good as the
//! tables that they stand for.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{at, shown, shown_as};
use super::{Flaw, Print, TableEntry, TableState, Witness, certificate_of, editions, parse_certificate};
use crate::crypto::{Digest, digest};
use crate::disclosure::ledger::{Ledger, StoredTable, name};
use crate::disclosure::print::DERIVED;
use crate::disclosure::sums::in_words_of;
use crate::domain::query::{IndicatorId, TableQuery};
use crate::domain::table::{Mark, Scope, Table};
use crate::policy::rules::DisclosureRules;

/// The tables of each witness, by its certificate.
pub type Witnessed = BTreeMap<Digest, Vec<TableEntry>>;

/// Checks a witness against the ledger of its node: the terms of the convenant, its own tables, every earlier table of this
/// and of replaced editions with its prints, and that each other table of these indicators and this year was released by a
/// release that knew this one.
///
/// # Errors
/// The first [`Flaw`] that is found.
pub fn as_kept(w: &Witness, ledger: &Ledger, rules: &DisclosureRules, witnessed: &Witnessed) -> Result<(), Flaw> {
    if w.rules != *rules {
        return Err(Flaw("de regels zijn niet die van het convenant".into()));
    }
    let ours = certificate_of(&w.to_bytes());
    let numbers = editions(&w.tables);
    for (number, entry) in w.tables.iter().enumerate() {
        let flaw = |why: &str| Err(Flaw(format!("{}: {why}", name(&entry.query))));
        if matches!(entry.state, TableState::Margin | TableState::ReplacedMargin) {
            continue;
        }
        let Some(stored) = kept(entry, numbers[number], newest(w), ledger) else { return flaw("is niet bewaard") };
        let table = stored.table().map_err(|fault| Flaw(fault.to_string()))?;
        if !is_itself(stored, &table) {
            return flaw("is onder een andere naam bewaard");
        }
        if matches!(entry.state, TableState::Earlier | TableState::Replaced) {
            if stored.released() > w.released {
                return flaw("is later vrijgegeven dan wat ervan uitgaat");
            }
            printed_in(w, number, &table)?;
            continue;
        }
        let same_terms = stored.terms() == w.convenant.to_hex() && stored.rules() == Some(&w.rules);
        if table.certificate.as_ref() != Some(&ours) || stored.released() != w.released || !same_terms {
            return flaw("is niet met dit bewijs vrijgegeven");
        }
    }
    nothing_forgotten(w, ledger, witnessed)
}

/// The edition that a witness releases, from 1.
fn newest(w: &Witness) -> usize {
    editions(&w.tables).into_iter().max().unwrap_or(0) + 1
}

fn edition_of(stored: &StoredTable) -> usize {
    usize::try_from(stored.edition()).unwrap_or(usize::MAX)
}

/// The kept table that an entry stands for; `number` is its edition as [`editions`] counts, `newest` that of the release.
fn kept<'a>(entry: &TableEntry, number: usize, newest: usize, ledger: &'a Ledger) -> Option<&'a StoredTable> {
    let mut same = ledger.all().filter(|stored| *stored.query() == entry.query);
    match entry.state {
        // A table that was never revised is of an older edition than the rest of its component.
        TableState::Earlier => same.filter(|s| edition_of(s) <= newest).max_by_key(|s| s.edition()),
        TableState::Replaced => same.find(|s| edition_of(s) == number),
        _ => same.find(|s| edition_of(s) == newest),
    }
}

/// Whether the table is the one that it is stored as.
fn is_itself(stored: &StoredTable, table: &Table) -> bool {
    let query = stored.query();
    let named = (IndicatorId::parse(&table.indicator), table.period) == (Some(query.indicator), Some(query.period));
    named && table.by == query.by && table.peildatum == stored.horizon()
}

/// Checks a table that was released earlier against the constants that a later witness made of it; a table that is not in
/// the witness, or of a later edition, passes.
///
/// # Errors
/// The first [`Flaw`] that is found.
pub fn printed_before(w: &Witness, table: &Table) -> Result<(), Flaw> {
    let (Some(indicator), Some(period)) = (IndicatorId::parse(&table.indicator), table.period) else { return Ok(()) };
    let query = TableQuery { indicator, period, by: table.by.clone() };
    let edition = table.revision.map_or(1, |revision| usize::try_from(revision.edition).unwrap_or(usize::MAX));
    let numbers = editions(&w.tables);
    let of = |number: &usize, state| {
        let entry: &TableEntry = &w.tables[*number];
        entry.query == query && entry.state == state
    };
    let mut all = 0..w.tables.len();
    let past = all.clone().find(|n| of(n, TableState::Replaced) && numbers[*n] == edition);
    let current = all.find(|n| of(n, TableState::Earlier)).filter(|_| edition == newest(w));
    past.or(current).map_or(Ok(()), |number| printed_in(w, number, table))
}

/// Whether a table was printed as an entry of the witness says.
fn printed_in(w: &Witness, number: usize, table: &Table) -> Result<(), Flaw> {
    let entry = &w.tables[number];
    let flaw = |why: &str| Err(Flaw(format!("{}: {why}", name(&entry.query))));
    // A regional sum is proven in the words of the gate that made it.
    let proven = (table.scope == Scope::Som).then(|| in_words_of(table.clone(), &w.organisation));
    let table = proven.as_ref().unwrap_or(table);
    if entry.certificate != table.certificate.as_deref().and_then(parse_certificate) {
        return flaw("is eerder met een ander bewijs vrijgegeven");
    }
    if entry.horizon != table.peildatum {
        return flaw("is eerder met een andere peildatum vrijgegeven");
    }
    let mut shown = shown(w, number);
    for row in table.rows.iter().filter(|row| !DERIVED.contains(&row.measure.as_str())) {
        let same = match (row.value, row.mark, shown.remove(&at(row, &table.by))) {
            // Not final then, and known to nobody.
            (None, Some(Mark::Missing), print) => print.is_none(),
            // A table that was left out showed nothing, not even what can only be 0.
            (None, Some(Mark::Suppressed), Some(Print::Impossible)) => true,
            (value, mark, print) => print.is_some_and(|print| shown_as(print) == (value, mark)),
        };
        if !same {
            return flaw("is eerder anders gedrukt dan in het bewijsbestand staat");
        }
    }
    if shown.is_empty() { Ok(()) } else { flaw("een cel van het bewijsbestand is niet eerder gedrukt") }
}

/// Each released table of these indicators in this year, of any edition, was known to this release or knew of it.
fn nothing_forgotten(w: &Witness, ledger: &Ledger, witnessed: &Witnessed) -> Result<(), Flaw> {
    let ours = digest(&w.to_bytes());
    let about: BTreeSet<(IndicatorId, i16)> =
        w.tables.iter().map(|t| (t.query.indicator, t.query.period.year())).collect();
    let printed = |entry: &&TableEntry| {
        !matches!(entry.state, TableState::Margin | TableState::ReplacedMargin | TableState::LeftOut)
    };
    let known: BTreeSet<(&TableQuery, Option<Digest>)> =
        w.tables.iter().filter(printed).map(|entry| (&entry.query, entry.certificate)).collect();
    let made: Vec<&TableQuery> = w
        .tables
        .iter()
        .filter(|entry| matches!(entry.state, TableState::New | TableState::LeftOut))
        .map(|entry| &entry.query)
        .collect();
    for stored in ledger.all().filter(|s| about.contains(&(s.query().indicator, s.query().period.year()))) {
        let certificate = stored.certificate().map_err(|fault| Flaw(fault.to_string()))?;
        if certificate == Some(ours) || known.contains(&(stored.query(), certificate)) {
            continue;
        }
        let later = certificate.and_then(|certificate| witnessed.get(&certificate));
        let names = |query: &&TableQuery| {
            let is = |e: &TableEntry| {
                let before = matches!(e.state, TableState::Earlier | TableState::Replaced);
                before && e.query == **query && e.certificate == Some(ours)
            };
            later.is_some_and(|tables| tables.iter().any(is))
        };
        if !made.iter().all(names) {
            let text = format!("{}: vrijgegeven zonder rekening met deze vrijgave, of andersom", name(stored.query()));
            return Err(Flaw(text));
        }
    }
    Ok(())
}
