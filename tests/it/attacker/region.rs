//! The attacker on what a real demo left behind: the report as any reader has it, over all its periods, and the answers
//! of single organisations as the monitor has them.

use std::collections::BTreeMap;

use ketenpoort::crypto::digest;
use ketenpoort::disclosure::component::{Job, final_on};
use ketenpoort::disclosure::ledger::StoredTable;
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::day::Day;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use ketenpoort::indicator::compute::Settings;
use ketenpoort::indicator::raw::{RawTable, RawValue};
use ketenpoort::indicator::release::Release;
use ketenpoort::storage::state::StateKind;
use serde_json::Value;

use super::tables::{Board, Find, Name};
use crate::demo::{Demo, demo};
use crate::leak::opened_records;
use crate::linked::Chain;
use crate::region::Region;
use crate::release::{Node, prints_only_what_may};

/// An organisation of the demo with the tables that its real node released, and the exact counts behind them.
struct Released {
    key: String,
    node: Node,
    truth: BTreeMap<Name, i64>,
}

fn released(demo: &Demo) -> Vec<Released> {
    let region = Region::open(&demo.input);
    let keys = region.organisations.iter().map(|o| o.key.clone());
    let of = |key: String| {
        let mut node = Node::open(&region, &key);
        for (kind, body) in opened_records(&demo.node(&key)) {
            if kind == StateKind::Answer {
                node.ledger.add(StoredTable::from_bytes(&body).expect("a stored table"));
            }
        }
        let truth = node.truth();
        Released { key, node, truth }
    };
    keys.map(of).collect()
}

#[test]
fn nobody_is_pinned_by_the_report_of_the_region_or_by_an_answer_of_a_node() {
    let demo = demo();
    let nodes = released(&demo);
    for Released { key, node, truth } in &nodes {
        prints_only_what_may(node);
        let programs = if ["vtt", "gi-alfa"].contains(&key.as_str()) { 8 } else { 0 };
        judge(key, &Board::read(&node.printed()).attack(truth, programs));
    }
    let report: Value = serde_json::from_str(&demo.report()).expect("JSON");
    let tables = report["tables"].as_array().expect("tables");
    let board = Board::read(tables);
    let mut truth = sums(&board, &nodes);
    truth.extend(shared(tables, &nodes));
    let linked = linked(&demo, tables);
    truth.extend(linked.iter().filter(|(name, _)| board.at.contains_key(name)).map(|(name, n)| (name.clone(), *n)));
    for (name, place) in &board.at {
        let (low, high) = board.puzzle.start()[*place];
        assert!(truth[name] >= low && high.is_none_or(|high| truth[name] <= high), "{name:?}: {}", truth[name]);
    }
    assert!(board.hidden.len() > 20, "sums with a part that is not printed: {}", board.hidden.len());
    let small = truth.iter().filter(|(n, q)| n.measure.starts_with("hidden") && (1..10).contains(*q)).count();
    assert!(small > 5, "small parts to find: {small}");
    judge("the report", &board.attack(&truth, 8));
    // Whatever nodes tell of who began a step, even the exact number: who came on and who did not stays open.
    let of_gate: Vec<Value> = tables.iter().filter(|table| table["scope"] == "regio").cloned().collect();
    let mut board = Board::read(&of_gate);
    assert!(board.at.len() > 100 && board.hear_who_began(&linked) > 5, "steps with many children");
    judge("the linked figures", &board.attack(&linked, 8));
    let naive = without_hiding(tables, &truth);
    assert!(!Board::read(&naive).attack(&truth, 0).is_empty(), "the attacker reads a report that hides nothing");
}

/// A broken build is the business of `release.rs`: the demo is too small for it to show everywhere.
fn judge(what: &str, found: &[Find]) {
    assert!(cfg!(feature = "defect-primary-only") || found.is_empty(), "{what}: {found:#?}");
}

/// The exact sums over organisations, and of each sum the part of those that print nothing.
fn sums(board: &Board, nodes: &[Released]) -> BTreeMap<Name, i64> {
    let mut sums: BTreeMap<Name, i64> = BTreeMap::new();
    for node in nodes {
        let own = Board::read(&node.node.printed());
        for (own_name, place) in &own.at {
            let (name, exact) = (own_name.clone().of_children(), node.truth[own_name]);
            if !board.at.contains_key(&name) {
                continue;
            }
            *sums.entry(name.clone()).or_default() += exact;
            if own.puzzle.seen[*place] == super::Seen::Unknown {
                let measure = format!("hidden {}", name.measure);
                *sums.entry(Name { measure, ..name.clone() }).or_default() += exact;
            }
        }
    }
    sums
}

/// The exact counts behind what came as a regional sum: of the sources that the table names.
fn shared(tables: &[Value], nodes: &[Released]) -> BTreeMap<Name, i64> {
    let mut sums: BTreeMap<Name, i64> = BTreeMap::new();
    for table in tables.iter().filter(|table| table["scope"] == "som") {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let by: Vec<String> = table["by"].as_array().expect("by").iter().map(text).collect();
        let query = TableQuery {
            indicator: IndicatorId::parse(&text(&table["indicator"])).expect("an indicator"),
            period: Period::parse(&text(&table["period"])).expect("a period"),
            by: by.iter().map(|d| Dimension::parse(d).expect("a dimension")).collect(),
        };
        let job = Job { horizon: final_on(&query), table: query };
        let sources = table["sources"].as_array().expect("sources");
        let of =
            |node: &&Released| sources.iter().any(|oin| text(oin) == node.node.release.settings.organisation.as_str());
        let raws: Vec<_> = nodes.iter().filter(of).map(|node| node.node.raw(&job, digest(b"truth"))).collect();
        for row in table["rows"].as_array().expect("rows") {
            let key: Vec<String> = by.iter().map(|d| text(&row["key"][d])).collect();
            let (indicator, period) = (text(&table["indicator"]), text(&table["period"]));
            let (series, measure) = (text(&row["series"]), text(&row["measure"]));
            let name = Name { indicator, period, by: by.clone(), series, measure, key }.of_children();
            let cells = raws.iter().flat_map(RawTable::cells);
            let same = cells.filter(|c| c.series == name.series && c.measure == name.measure && c.key == name.key);
            let exact = same.map(|cell| match cell.value {
                RawValue::Count(count) => i64::from(count.n),
                RawValue::OwnOnly(_) => 0,
            });
            let exact: i64 = exact.sum();
            sums.insert(name, exact);
        }
    }
    sums
}

/// The exact counts behind the linked figures, those of who began too.
fn linked(demo: &Demo, tables: &[Value]) -> BTreeMap<Name, i64> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let window = crate::region::json(&demo.input.join("organisations.json"));
    let day = |name: &str| Day::parse(&text(&window[name])).expect("a day");
    let query = |table: &Value| TableQuery {
        indicator: IndicatorId::parse(&text(&table["indicator"])).expect("an indicator"),
        period: Period::parse(&text(&table["period"])).expect("a period"),
        by: Vec::new(),
    };
    let plan = Query::new(tables.iter().filter(|table| table["scope"] == "regio").map(query).collect());
    let chain = Chain::of(&Region::open(&demo.input));
    let (data_from, until) = (day("gegevens_van"), day("gegevens_tot"));
    let release = Release {
        settings: Settings { horizon: until, data_from, within: 365, organisation: chain.nodes[0].oin },
        owners: Owner::ALL.to_vec(),
        delivers: Owner::ALL.to_vec(),
        domains: chain.domains.clone(),
        bin_cuts: Vec::new(),
        linked: true,
    };
    let mut truth = BTreeMap::new();
    for raw in chain.exact(&release, &plan, until) {
        let (indicator, period) = (raw.query().indicator.to_string(), raw.query().period.to_string());
        let frame =
            Name { indicator, period, by: Vec::new(), series: String::new(), measure: String::new(), key: Vec::new() };
        // What nobody counts is 0.
        for series in release.series(raw.query().indicator) {
            for (measure, _) in release.measures(raw.query(), &series.name) {
                truth.insert(Name { series: series.name.clone(), measure, ..frame.clone() }, 0);
            }
        }
        for cell in raw.cells() {
            if let RawValue::Count(count) = cell.value {
                let (series, measure) = (cell.series.clone(), cell.measure.clone());
                truth.insert(Name { series, measure, ..frame.clone() }, i64::from(count.n));
            }
        }
    }
    truth
}

/// The same report from a region that would suppress what is small and nothing else, so that the search is seen to work:
/// of every group one small number is left out, and all others are printed.
fn without_hiding(tables: &[Value], truth: &BTreeMap<Name, i64>) -> Vec<Value> {
    let mut tables = tables.to_vec();
    for table in &mut tables {
        let by: Vec<String> =
            table["by"].as_array().expect("by").iter().map(|d| d.as_str().expect("text").into()).collect();
        let (indicator, period) = (table["indicator"].clone(), table["period"].clone());
        for row in table["rows"].as_array_mut().expect("rows") {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let name = Name {
                indicator: text(&indicator),
                period: text(&period),
                by: by.clone(),
                series: text(&row["series"]),
                measure: text(&row["measure"]),
                key: by.iter().map(|d| text(&row["key"][d])).collect(),
            };
            let name = name.of_children();
            if let Some(exact) = truth.get(&name).filter(|q| **q >= 10) {
                row["value"] = ((exact + 2) / 5 * 5).into();
                row["mark"] = Value::Null;
                row["low"] = ((exact + 2) / 5 * 5 - 2).into();
                row["high"] = ((exact + 2) / 5 * 5 + 2).into();
            }
        }
    }
    tables
}
