//! Whether a released table is the one that a witness proves.

use std::collections::BTreeMap;

use super::{Flaw, Print, TableEntry, TableState, Witness, certificate_of};
use crate::disclosure::print::{DERIVED, derived};
use crate::disclosure::sums::in_words_of;
use crate::domain::query::{Dimension, IndicatorId, TableQuery};
use crate::domain::table::{Mark, Row, Scope, Table};

pub(super) type At<'a> = (&'a str, &'a str, Vec<&'a str>);

/// Checks that a table bears the hash of these witness bytes and prints what the witness says, nothing less and nothing
/// more; shares and quantiles must follow from its other numbers.
///
/// # Errors
/// The first [`Flaw`] that is found.
pub fn printed_as(w: &Witness, table: &Table) -> Result<(), Flaw> {
    // A regional figure is proven in the words of the gate that made it.
    let proven = matches!(table.scope, Scope::Som | Scope::Regio).then(|| in_words_of(table.clone(), &w.organisation));
    let table = proven.as_ref().unwrap_or(table);
    let flaw = |why: &str| Err(Flaw(format!("tabel {} {}: {why}", table.indicator, period(table))));
    if table.certificate.as_deref() != Some(certificate_of(&w.to_bytes()).as_str()) {
        return flaw("het certificaat hoort niet bij dit bewijsbestand");
    }
    let Some((number, entry)) = entry_of(w, table) else { return flaw("staat niet in het bewijsbestand") };
    let whole = table.scope == Scope::Organisatie && table.protected;
    if !whole || table.sources.len() != 1 || table.sources[0].to_string() != w.organisation {
        return flaw("is geen vrijgave van deze organisatie");
    }
    let (counts, others): (Vec<&Row>, Vec<&Row>) =
        table.rows.iter().partition(|row| !DERIVED.contains(&row.measure.as_str()));
    let mut shown = shown(w, number);
    let bare = |row: &Row| row.low.is_none() && row.high.is_none() && row.key.len() == table.by.len();
    if !table.rows.iter().all(bare) {
        return flaw("een rij zegt meer dan een vrijgave mag");
    }
    for row in &counts {
        let proven = match (row.value, row.mark) {
            // Not final yet: known to nobody, and no part of the proof.
            (None, Some(Mark::Missing)) => !shown.contains_key(&at(row, &table.by)),
            (None, Some(Mark::Suppressed)) if entry.state == TableState::LeftOut => true,
            seen => shown.remove(&at(row, &table.by)).is_some_and(|print| shown_as(print) == seen),
        };
        if !proven {
            return flaw("een cel is anders gedrukt dan in het bewijsbestand staat");
        }
    }
    if !shown.is_empty() {
        return flaw("een cel van het bewijsbestand ontbreekt");
    }
    if follows(w, entry.query.indicator, &counts, &others) { Ok(()) } else { flaw("een afgeleid getal klopt niet") }
}

fn period(table: &Table) -> String {
    table.period.map(|period| period.to_string()).unwrap_or_default()
}

fn entry_of<'a>(w: &'a Witness, table: &Table) -> Option<(usize, &'a TableEntry)> {
    let query =
        TableQuery { indicator: IndicatorId::parse(&table.indicator)?, period: table.period?, by: table.by.clone() };
    let mut entries = w.tables.iter().enumerate();
    let released = |entry: &TableEntry| matches!(entry.state, TableState::New | TableState::LeftOut);
    let same =
        |entry: &TableEntry| entry.query == query && entry.version == table.version && entry.horizon == table.peildatum;
    entries.find(|(_, entry)| released(entry) && same(entry))
}

/// What the witness says is printed in a table.
pub(super) fn shown(w: &Witness, table: usize) -> BTreeMap<At<'_>, Print> {
    let named = w.cells.iter().filter_map(|cell| Some((cell.name.as_ref()?, cell.print)));
    let of_table = named.filter(|(name, _)| name.shown && name.table == table);
    of_table
        .map(|(name, print)| {
            let key: Vec<&str> = name.key.iter().map(String::as_str).collect();
            ((name.series.as_str(), name.measure.as_str(), key), print)
        })
        .collect()
}

pub(super) fn at<'a>(row: &'a Row, by: &[Dimension]) -> At<'a> {
    let key = by.iter().map(|d| row.key.get(d).map_or("", String::as_str)).collect();
    (&row.series, &row.measure, key)
}

pub(super) fn shown_as(print: Print) -> (Option<i64>, Option<Mark>) {
    match print {
        Print::Value(v) => (Some(i64::from(v)), None),
        // What is known or guarded elsewhere is in no table, so no row can be it.
        Print::Known | Print::Elsewhere => (None, None),
        Print::Suppressed => (None, Some(Mark::Suppressed)),
        Print::Impossible => (None, Some(Mark::Impossible)),
    }
}

/// Whether shares and quantiles are those of the printed counts.
fn follows(w: &Witness, indicator: IndicatorId, counts: &[&Row], others: &[&Row]) -> bool {
    let mut expected: Vec<Row> = Vec::new();
    for group in counts.chunk_by(|a, b| (&a.series, &a.key) == (&b.series, &b.key)) {
        let rows: Vec<Row> = group.iter().map(|row| (*row).clone()).collect();
        expected.extend(derived(indicator, &rows, &w.rules));
    }
    expected.iter().eq(others.iter().copied())
}
