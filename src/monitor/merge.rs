//! Adds the released figures of the nodes up to `optelling` tables: sums with their bounds, coverage, and quantiles from
//! summed bins. Knows nothing but released figures, and makes no figure that was not released.

use std::collections::{BTreeMap, BTreeSet};

use super::quantile::quantiles;
use crate::domain::codes::{OrgType, Owner};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::query::{Dimension, Query, TableQuery};
use crate::domain::table::{Coverage, Mark, Revision, Row, Scope, Table};
use crate::indicator::definition::{Definition, Measure, MeasureKind, Visibility, definition, org_type};

/// A released count was rounded to a multiple of five, so it stands for at most this much less or more.
const ROUNDING: i64 = 2;

/// The measures that `optelling` makes anew from summed bins.
const QUANTILES: [&str; 2] = ["mediaan", "p80"];

/// What became of the question at one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeOutcome {
    /// Who was asked.
    pub oin: Oin,
    /// Name for people.
    pub name: String,
    /// What kind of organisation; decides which series it can own.
    pub org_type: OrgType,
    /// Its answer.
    pub result: NodeResult,
}

/// An answer, or why there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NodeResult {
    /// The node's own tables: scope `organisatie`, protected.
    Answered(Vec<Table>),
    /// No answer; the text says why, for a reader of the report.
    Missing(String),
}

/// One figure's place in a table.
type Place = (String, String, BTreeMap<Dimension, String>);

/// One node's table, looked up by place.
struct NodeTable<'a> {
    node: &'a NodeOutcome,
    /// None when the node did not deliver this table.
    delivered: Option<Delivered<'a>>,
}

struct Delivered<'a> {
    table: &'a Table,
    series: BTreeSet<&'a str>,
    rows: BTreeMap<Place, &'a Row>,
}

/// The parts of one figure over its owners.
#[derive(Default)]
struct Sum {
    value: Option<i64>,
    low: i64,
    high: i64,
    suppressed: bool,
    missing: bool,
    impossible: bool,
}

/// Adds up what the nodes answered, one table for each table of the question, in its order.
///
/// Series of the kinds of owner in `summed` come as regional sums and are not added up here.
/// A table with another peildatum or definition version, or one that is not protected, counts as not delivered.
#[must_use]
pub fn merge(question: &Query, peildatum: Day, outcomes: &[NodeOutcome], summed: &[Owner]) -> Vec<Table> {
    question.tables().iter().map(|query| merge_table(query, peildatum, outcomes, summed)).collect()
}

fn merge_table(query: &TableQuery, peildatum: Day, outcomes: &[NodeOutcome], summed: &[Owner]) -> Table {
    let (indicator, defined) = (query.indicator.as_str(), definition(query.indicator));
    let types = defined.org_types();
    let version = agreed_version(query, peildatum, outcomes);
    let nodes: Vec<NodeTable<'_>> = outcomes
        .iter()
        .filter(|node| types.contains(&node.org_type))
        .map(|node| NodeTable::of(node, query, peildatum, version))
        .collect();
    let mut places: BTreeSet<Place> =
        nodes.iter().filter_map(|n| n.delivered.as_ref()).flat_map(|d| d.rows.keys().cloned()).collect();
    places.extend(undelivered(query, defined, &places));
    places.retain(|(series, ..)| defined.series(series).is_some_and(|series| !summed.contains(&series.owner)));
    let counts = places.into_iter().filter(|(_, measure, _)| !QUANTILES.contains(&measure.as_str()));
    let mut rows: Vec<Row> = counts
        .filter_map(|place| {
            let owner = org_type(defined.series(&place.0)?.owner);
            Some(sum_of(&place, &nodes, owner).into_row(place))
        })
        .collect();
    rows.extend(quantiles(indicator, &rows));
    rows.sort_by(|a, b| (&a.series, &a.key, order(&a.measure)).cmp(&(&b.series, &b.key, order(&b.measure))));
    let period = if indicator == "IND-24" { None } else { Some(query.period) };
    let sources = nodes.iter().filter(|n| n.delivered.is_some()).map(|n| n.node.oin).collect();
    Table {
        indicator: indicator.to_owned(),
        version: version.unwrap_or_default().to_owned(),
        period,
        by: query.by.clone(),
        peildatum,
        scope: Scope::Optelling,
        protected: true,
        rows,
        coverage: coverage(&nodes),
        sources,
        certificate: None,
        revision: revised(&nodes),
    }
}

/// The newest formal revision among what is added up.
fn revised(nodes: &[NodeTable<'_>]) -> Option<Revision> {
    let of = |node: &NodeTable<'_>| node.delivered.as_ref()?.table.revision;
    nodes.iter().filter_map(of).max_by_key(|revision| (revision.day, revision.edition))
}

/// Counts first, then what is derived from them, then the bins in order of their days.
fn order(measure: &str) -> (u8, i64, String) {
    match super::quantile::bin(measure) {
        Some((from, _)) => (2, from, String::new()),
        None => (u8::from(QUANTILES.contains(&measure)), 0, measure.to_owned()),
    }
}

fn fits(table: &Table, query: &TableQuery, peildatum: Day) -> bool {
    table.indicator == query.indicator.as_str()
        && table.by == query.by
        && table.period.is_none_or(|period| period == query.period)
        && table.peildatum == peildatum
        && table.scope == Scope::Organisatie
        && table.protected
}

/// The definition version that most nodes answered with; the lowest text when two are equally frequent.
fn agreed_version<'a>(query: &TableQuery, peildatum: Day, outcomes: &'a [NodeOutcome]) -> Option<&'a str> {
    let mut votes: BTreeMap<&str, i64> = BTreeMap::new();
    for outcome in outcomes {
        if let NodeResult::Answered(tables) = &outcome.result {
            for table in tables.iter().filter(|t| fits(t, query, peildatum)) {
                *votes.entry(&table.version).or_default() += 1;
            }
        }
    }
    votes.into_iter().min_by_key(|(version, votes)| (-votes, *version)).map(|(version, _)| version)
}

impl<'a> NodeTable<'a> {
    fn of(node: &'a NodeOutcome, query: &TableQuery, peildatum: Day, version: Option<&str>) -> Self {
        let NodeResult::Answered(tables) = &node.result else { return Self { node, delivered: None } };
        let table = tables.iter().find(|t| fits(t, query, peildatum) && Some(t.version.as_str()) == version);
        Self { node, delivered: table.map(|table| Delivered::of(table, definition(query.indicator))) }
    }
}

impl<'a> Delivered<'a> {
    fn of(table: &'a Table, defined: &Definition) -> Self {
        let mut rows = BTreeMap::new();
        // A series that no node may release is not added up either: what one node counts of the whole chain
        // (`KETEN|JB`) holds its own events only.
        let released = |row: &&Row| defined.series(&row.series).is_some_and(|series| series.released);
        for row in table.rows.iter().filter(released) {
            let place = (row.series.clone(), summed_name(&row.measure).to_owned(), row.key.clone());
            // Of one node both names are the same number.
            rows.entry(place).or_insert(row);
        }
        Self { table, series: table.rows.iter().map(|row| row.series.as_str()).collect(), rows }
    }
}

/// Children of different nodes can be the same children, so their sum has a name of its own.
fn summed_name(measure: &str) -> &str {
    if measure == "n_kinderen" { "n_som_organisaties" } else { measure }
}

/// The places of series that no node lists, since none of their owners delivered: every released count, for the keys
/// that the table has.
fn undelivered(query: &TableQuery, defined: &Definition, places: &BTreeSet<Place>) -> Vec<Place> {
    let listed: BTreeSet<&str> = places.iter().map(|(series, ..)| series.as_str()).collect();
    let mut keys: BTreeSet<BTreeMap<Dimension, String>> = places.iter().map(|(_, _, key)| key.clone()).collect();
    if query.by.is_empty() {
        keys.insert(BTreeMap::new());
    }
    let released =
        |measure: &&Measure| measure.kind == MeasureKind::Count && measure.visibility == Visibility::Released;
    let mut found = Vec::new();
    for series in defined.series.iter().filter(|s| s.released && !listed.contains(s.name.as_str())) {
        let normed = |measure: &&Measure| series.norm.is_some() || measure.name != "binnen_norm";
        for measure in defined.measures.iter().filter(released).filter(normed) {
            let name = summed_name(measure.name);
            found.extend(keys.iter().map(|key| (series.name.clone(), name.to_owned(), key.clone())));
        }
    }
    found
}

fn sum_of(place: &Place, nodes: &[NodeTable<'_>], owner: OrgType) -> Sum {
    let mut sum = Sum::default();
    for node in nodes.iter().filter(|n| n.node.org_type == owner) {
        match &node.delivered {
            None => sum.missing = true,
            // An organisation whose type could own the series, but which does not (one municipality delivers the table).
            Some(delivered) if !delivered.series.contains(place.0.as_str()) => {}
            Some(delivered) => sum.add(delivered.rows.get(place).copied()),
        }
    }
    sum
}

impl Sum {
    fn add(&mut self, row: Option<&Row>) {
        match row.map(|row| (row.value, row.mark)) {
            Some((Some(value), _)) => {
                self.value = Some(self.value.unwrap_or(0) + value);
                self.low += (value - ROUNDING).max(0);
                self.high += value + ROUNDING;
            }
            Some((None, Some(Mark::Impossible))) => self.impossible = true,
            Some((None, Some(Mark::Missing))) => self.missing = true,
            // A row without value or mark, or no row at all, tells no more than a suppressed one.
            _ => self.suppressed = true,
        }
    }

    fn into_row(self, (series, measure, key): Place) -> Row {
        let bounded = self.value.is_some() && !self.suppressed && !self.missing;
        let mark = match self.value {
            Some(_) => None,
            None if self.suppressed => Some(Mark::Suppressed),
            None if self.missing || !self.impossible => Some(Mark::Missing),
            None => Some(Mark::Impossible),
        };
        Row {
            series,
            measure,
            key,
            value: self.value,
            mark,
            low: self.value.map(|_| self.low),
            high: bounded.then_some(self.high),
        }
    }
}

/// Rows in quarantine beside tables of several organisations; none when no table has any.
pub(super) fn summed<'a>(tables: impl Iterator<Item = &'a Table>) -> Option<u32> {
    tables.filter_map(|table| table.coverage.in_quarantine).reduce(u32::saturating_add)
}

fn coverage(nodes: &[NodeTable<'_>]) -> Coverage {
    let missing: Vec<Oin> = nodes.iter().filter(|n| n.delivered.is_none()).map(|n| n.node.oin).collect();
    let derived = nodes
        .iter()
        .filter_map(|n| n.delivered.as_ref())
        .any(|d| d.table.coverage.window.as_deref() == Some("afgeleid"));
    Coverage {
        expected: nodes.len(),
        delivered: nodes.len() - missing.len(),
        missing,
        window: derived.then(|| "afgeleid".to_owned()),
        in_quarantine: summed(nodes.iter().filter_map(|n| n.delivered.as_ref()).map(|d| d.table)),
    }
}

#[cfg(test)]
mod tests;
