//! From a question to the report: what to ask of whom, the pull, the sums, the files. Each question and each answer is in
//! the monitor's own log.

use std::collections::BTreeMap;
use std::path::Path;

use super::later::Later;
use super::links::Linking;
use super::merge::{NodeOutcome, NodeResult, merge};
use super::pull::{Patience, Pulled, pull};
use super::rates::Denominator;
use super::report::{ConvenantRef, Party, Report, Setting, parts, released};
use super::sums::{Summed, Summing};
use super::{csv, html, summary, xlsx};
use crate::domain::codes::{OrgType, Owner};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use crate::domain::reason::ReasonCode;
use crate::domain::table::Table;
use crate::indicator::definition::definition;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::{Convenant, Role, Route};
use crate::policy::permit::{declared_links, declared_plan, declared_sums};
use crate::service::api::Peers;
use crate::service::convenants::Standing;
use crate::service::core::Core;
use crate::service::document::Pending;
use crate::service::receipts::Question as Asked;

/// What the analyst asks for.
#[derive(Clone, Debug)]
pub struct Question {
    /// Periods.
    pub periods: Vec<Period>,
    /// Only these indicators; empty for all that the convenant grants.
    pub indicators: Vec<IndicatorId>,
    /// Only this breakdown; none for everything that the convenant grants.
    pub by: Option<Vec<Dimension>>,
    /// Whether the figures are about invented children.
    pub example: bool,
    /// Whom a first regional sum and a linked run leave out.
    pub without: Vec<Oin>,
    /// What the figures are to be laid against.
    pub denominator: Option<Denominator>,
}

/// A report with what its readable forms need.
pub struct Produced {
    report: Report,
    setting: Setting,
    /// The tables of the nodes, as each of them released them.
    released: Vec<Table>,
}

/// Pulls and adds up.
///
/// # Errors
/// A Dutch sentence: no convenant in force, not the monitor, nothing granted, or the log cannot be written.
pub fn produce(core: &Core, peers: &dyn Peers, question: &Question) -> Result<Produced, String> {
    let standing = core.standing();
    let convenant = monitored(core, &standing)?;
    let (whole, sums) = (query_of(convenant.convenant(), question), sums_of(convenant.convenant(), question));
    let links = links_of(convenant.convenant(), question);
    if [&whole, &sums, &links].iter().all(|tables| tables.tables().is_empty()) {
        return Err("het convenant staat geen van de gevraagde tabellen toe; zie `convenant show`".to_owned());
    }
    let mut later = Later::default();
    let settled = later.split(&whole, convenant.convenant().settlement_days, standing.day);
    let parties = delivering(convenant.convenant(), &settled);
    let asked = log_questions(core, convenant, &parties)?;
    let pulled = pull(core, peers, &asked, Patience::default());
    if core.failed() {
        return Err("een schrijfactie is mislukt; herstel de schijf en start de node opnieuw".to_owned());
    }
    let mut outcomes: Vec<NodeOutcome> =
        parties.iter().zip(pulled).map(|(node, p)| node.outcome(p, &mut later)).collect();
    let summed = convenant.convenant().summed_owners();
    let sum = |t: &TableQuery| {
        // Only who owns something of a table is expected in it.
        let of: Vec<NodeOutcome> =
            outcomes.iter().filter(|o| owns(convenant.convenant(), &o.oin, t)).cloned().collect();
        let peildatum = agreed_peildatum(t, &of);
        merge(&Query::new(vec![t.clone()]), peildatum, &of, &summed)
    };
    let mut tables: Vec<Table> = whole.tables().iter().flat_map(sum).collect();
    let settled = later.split(&sums, convenant.convenant().settlement_days, standing.day);
    if let (Some(gate), false) = (convenant.convenant().gate(), settled.tables().is_empty()) {
        let made =
            Summing { core, peers, convenant, gate: gate.oin, without: &question.without }.pull(&settled, &summed);
        later.note(&gate.name, &made.pending);
        note_absent(convenant.convenant(), &made, &mut outcomes);
        tables.extend(made.tables);
    }
    let settled = later.split(&links, convenant.convenant().settlement_days, standing.day);
    if let (Some(gate), false) = (convenant.convenant().gate(), settled.tables().is_empty()) {
        let (without, patience) = (&question.without[..], Patience::default());
        let made = Linking { core, peers, convenant, gate: gate.oin, without, patience }.pull(&settled);
        later.note(&gate.name, &made.pending);
        if let Some(reason) = made.gate {
            later.note(&gate.name, &absent_tables(&settled, reason));
        }
        tables.extend(made.tables);
    }
    tables.sort_by(|a, b| (&a.indicator, a.period, &a.by).cmp(&(&b.indicator, b.period, &b.by)));
    share_peildatum(&mut tables);
    Ok(finish(convenant, question, &outcomes, tables, &later))
}

/// The convenant in force of which this node is the monitor.
pub(super) fn monitored<'a>(core: &Core, standing: &'a Standing) -> Result<&'a ConvenantInForce, String> {
    let in_force = standing.in_force.as_ref().map_err(|r| format!("{} {}", r.sentence(), r.remedy()))?;
    let ours = core.identity.oin;
    let monitored = in_force.iter().find(|c| c.convenant().party(&ours).is_some_and(|p| p.has(Role::Monitor)));
    Ok(monitored.ok_or("deze node is in geen geldend convenant de ketenmonitor")?)
}

/// A delivering party of the convenant.
struct Node {
    oin: Oin,
    name: String,
    org_type: OrgType,
    /// The tables whose series its kind of organisation can own.
    query: Query,
}

impl Node {
    fn outcome(&self, pulled: Pulled, later: &mut Later) -> NodeOutcome {
        let result = match pulled.result {
            Ok(document) => {
                later.note(&self.name, &document.pending);
                NodeResult::Answered(document.tables)
            }
            Err(reason) => NodeResult::Missing(format!("{}: {}", reason.code(), reason.sentence())),
        };
        NodeOutcome { oin: self.oin, name: self.name.clone(), org_type: self.org_type, result }
    }
}

fn query_of(convenant: &Convenant, question: &Question) -> Query {
    let mut years: Vec<i16> = question.periods.iter().map(|p| p.year()).collect();
    years.sort_unstable();
    years.dedup();
    let wanted = |id: IndicatorId| question.indicators.is_empty() || question.indicators.contains(&id);
    let granted = convenant.indicators.iter().map(|g| g.indicator).filter(|id| wanted(*id));
    let tables = granted.flat_map(|id| years.iter().flat_map(move |y| declared_plan(convenant, (id, Route::Node), *y)));
    let asked =
        |t: &TableQuery| question.periods.contains(&t.period) && question.by.as_ref().is_none_or(|by| t.by == *by);
    Query::new(tables.filter(asked).collect())
}

/// The tables of a question that come as regional sums.
fn sums_of(convenant: &Convenant, question: &Question) -> Query {
    let years: std::collections::BTreeSet<i16> = question.periods.iter().map(|p| p.year()).collect();
    let wanted = |id: IndicatorId| question.indicators.is_empty() || question.indicators.contains(&id);
    let owners = convenant.summed_owners();
    let tables = owners.iter().flat_map(|owner| years.iter().flat_map(move |y| declared_sums(convenant, *owner, *y)));
    let asked = |t: &TableQuery| {
        let by = question.by.as_ref().is_none_or(|by| t.by == *by);
        wanted(t.indicator) && question.periods.contains(&t.period) && by
    };
    Query::new(tables.filter(asked).collect())
}

/// The tables of a question that come as linked figures.
pub(super) fn links_of(convenant: &Convenant, question: &Question) -> Query {
    let years: std::collections::BTreeSet<i16> = question.periods.iter().map(|p| p.year()).collect();
    let wanted = |id: IndicatorId| question.indicators.is_empty() || question.indicators.contains(&id);
    let tables = years.iter().flat_map(|year| declared_links(convenant, *year));
    let asked = |t: &TableQuery| {
        let by = question.by.as_ref().is_none_or(|by| t.by == *by);
        wanted(t.indicator) && question.periods.contains(&t.period) && by
    };
    Query::new(tables.filter(asked).collect())
}

/// All these tables as not released, for one reason.
fn absent_tables(tables: &Query, reason: ReasonCode) -> Vec<Pending> {
    let absent = |table: &TableQuery| Pending { table: table.clone(), reason, from: None };
    tables.tables().iter().map(absent).collect()
}

/// Whether a party releases something of a table by itself.
fn owns(convenant: &Convenant, oin: &Oin, table: &TableQuery) -> bool {
    let summed: Vec<Owner> = convenant.summed_owners();
    let levert = convenant.party(oin).map_or(&[][..], |party| &party.card.card().levert);
    let series = &definition(table.indicator).series;
    series.iter().any(|s| s.released && levert.contains(&s.owner) && !summed.contains(&s.owner))
}

/// Adds who takes part in sums alone, and the gate when it does not answer, to those of whom the report tells.
fn note_absent(convenant: &Convenant, made: &Summed, outcomes: &mut Vec<NodeOutcome>) {
    let absent = |reason: ReasonCode| NodeResult::Missing(format!("{}: {}", reason.code(), reason.sentence()));
    let takes_part = |oin: &Oin| made.tables.iter().any(|table| table.sources.contains(oin));
    let mut alone: Vec<Oin> = convenant.summed_owners().iter().flat_map(|o| convenant.owners_of(*o)).collect();
    alone.extend(made.gate.and(convenant.gate().map(|gate| gate.oin)));
    alone.sort();
    alone.dedup();
    for oin in alone.into_iter().filter(|oin| outcomes.iter().all(|o| o.oin != *oin)).collect::<Vec<_>>() {
        let Some(card) = convenant.party(&oin).map(|party| party.card.card()) else { continue };
        let result = match made.absent.get(&oin).or(made.gate.as_ref()) {
            _ if takes_part(&oin) => NodeResult::Answered(Vec::new()),
            Some(reason) => absent(*reason),
            None => absent(ReasonCode::SumContributors),
        };
        outcomes.push(NodeOutcome { oin, name: card.name.clone(), org_type: card.org_type, result });
    }
}

/// The delivering parties that own something of what is asked.
fn delivering(convenant: &Convenant, whole: &Query) -> Vec<Node> {
    let mut nodes = Vec::new();
    for party in convenant.parties.iter().filter(|p| p.has(Role::Delivering)) {
        let card = party.card.card();
        let owned = whole.tables().iter().filter(|table| owns(convenant, &card.oin, table));
        let query = Query::new(owned.cloned().collect());
        if query.tables().is_empty() {
            continue;
        }
        nodes.push(Node { oin: card.oin, name: card.name.clone(), org_type: card.org_type, query });
    }
    nodes
}

/// Logs each question before any of them leaves.
fn log_questions(core: &Core, convenant: &ConvenantInForce, nodes: &[Node]) -> Result<Vec<Asked>, String> {
    let ask = |node: &Node| core.log_question(node.oin, convenant, node.query.clone()).map_err(|e| e.to_string());
    nodes.iter().map(ask).collect()
}

/// The reference day that most nodes give this table. It follows from the table, so nodes differ only when one of them
/// has settled less; that node then counts as not having delivered this table.
fn agreed_peildatum(table: &TableQuery, outcomes: &[NodeOutcome]) -> Day {
    let mut days: BTreeMap<Day, usize> = BTreeMap::new();
    for outcome in outcomes {
        let NodeResult::Answered(tables) = &outcome.result else { continue };
        let same =
            |t: &&Table| t.indicator == table.indicator.as_str() && t.period == Some(table.period) && t.by == table.by;
        tables.iter().filter(same).for_each(|t| *days.entry(t.peildatum).or_default() += 1);
    }
    days.into_iter().max_by_key(|(day, n)| (*n, *day)).map_or(table.period.bounds().1, |(day, _)| day)
}

/// One reference day for the whole report: the last one on which any of its figures stands. What was settled before that
/// day has not changed since, so every figure stands on it as well.
fn share_peildatum(tables: &mut [Table]) {
    let delivered = tables.iter().filter(|t| t.coverage.delivered > 0).map(|t| t.peildatum).max();
    let Some(last) = delivered.or_else(|| tables.iter().map(|t| t.peildatum).max()) else { return };
    tables.iter_mut().for_each(|table| table.peildatum = last);
}

fn finish(
    convenant: &ConvenantInForce,
    question: &Question,
    outcomes: &[NodeOutcome],
    tables: Vec<Table>,
    later: &Later,
) -> Produced {
    let terms = convenant.convenant();
    let report = Report {
        period: question.periods.clone(),
        tables,
        convenant: ConvenantRef { id: terms.id.clone(), version: terms.version, hash: convenant.hash().to_string() },
        example: question.example,
        denominator: question.denominator.clone(),
        parts: parts(outcomes),
    };
    let mut gemeenten: BTreeMap<String, String> = BTreeMap::new();
    for party in &terms.parties {
        let card = party.card.card();
        if let Some(code) = &card.gemeente {
            gemeenten.insert(code.clone(), card.name.trim_start_matches("Gemeente ").to_owned());
        }
    }
    let setting = Setting {
        region: terms.title.trim_start_matches("Convenant ").to_owned(),
        convenant: terms.title.clone(),
        parties: outcomes.iter().map(Party::from).collect(),
        gemeenten,
        later: later.sentences(),
    };
    Produced { report, setting, released: released(outcomes).cloned().collect() }
}

impl Produced {
    /// `report.json`.
    #[must_use]
    pub fn json(&self) -> String {
        self.report.to_json().unwrap_or_default()
    }

    /// The report for a terminal.
    #[must_use]
    pub fn summary(&self) -> String {
        summary::write(&self.report, &self.setting)
    }

    /// Names of organisations and municipalities for readable forms, as JSON.
    #[must_use]
    pub fn setting(&self) -> String {
        serde_json::to_string(&self.setting).unwrap_or_default()
    }

    /// Writes `report.json`, `report.csv`, `report.xlsx`, `report.html` and `report.txt` into a directory, which is made; and
    /// `organisaties.json`, the tables that were added up, for whoever checks a sum with the certificates of its parts.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, out: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(out)?;
        std::fs::write(out.join("report.json"), self.report.to_json()?)?;
        std::fs::write(
            out.join("organisaties.json"),
            serde_json::to_string(&serde_json::json!({ "tables": self.released }))?,
        )?;
        std::fs::write(out.join("report.csv"), csv::write(&self.report))?;
        std::fs::write(out.join("report.xlsx"), xlsx::write(&self.report, &self.setting)?)?;
        std::fs::write(out.join("report.html"), html::write(&self.report, &self.setting))?;
        std::fs::write(out.join("report.txt"), self.summary())
    }
}
