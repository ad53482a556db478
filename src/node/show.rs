//! What commands print: texts for people, JSON for machines.

use serde_json::json;

use super::command::{ListForm, Outcome};
use super::execute::state_sentence;
use crate::crypto::hex;
use crate::domain::csv;
use crate::domain::table::{Mark, Table};
use crate::intake::IntakeReport;
use crate::policy::bundle::{ConvenantBundle, State};
use crate::policy::convenant::{Convenant, Role};
use crate::service::release::ReleaseLine;
use crate::storage::log::TransferLog;
use crate::translog::entry::Entry;

/// Reports of an intake; refused when any file was refused whole.
pub fn intake(reports: &[IntakeReport], as_json: bool) -> Outcome {
    let refused = reports.iter().any(|r| r.refusal.is_some());
    let text = if as_json {
        let rows: u64 = reports.iter().map(|r| r.rows).sum();
        pretty(&json!({ "regels": rows, "bestanden": reports }))
    } else {
        reports.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    Outcome { exit: u8::from(refused), stdout: text, stderr: String::new() }
}

/// What a release made; refused when a part could not be released safely.
pub fn releases(lines: &[ReleaseLine], as_json: bool) -> Outcome {
    let failed = lines.iter().any(|line| line.result.is_err());
    let text = if as_json {
        pretty(&lines.iter().map(release_json).collect::<Vec<_>>())
    } else if lines.is_empty() {
        "er is niets nieuws vrij te geven".to_owned()
    } else {
        lines.iter().map(release_text).collect::<Vec<_>>().join("\n")
    };
    Outcome { exit: u8::from(failed), stdout: text, stderr: String::new() }
}

fn release_json(line: &ReleaseLine) -> serde_json::Value {
    let (year, indicators) = (line.year, &line.indicators);
    match &line.result {
        Ok((tables, audit)) => json!({
            "jaar": year, "indicatoren": indicators, "tabellen": tables, "cellen": audit.cells,
            "te_klein": audit.primaries, "ter_bescherming": audit.secondaries,
            "weggelaten": audit.left_out.len(), "reden": null,
        }),
        Err(reason) => json!({ "jaar": year, "indicatoren": indicators, "tabellen": 0, "reden": reason.code() }),
    }
}

fn release_text(line: &ReleaseLine) -> String {
    let names: Vec<&str> = line.indicators.iter().map(|id| id.as_str()).collect();
    let what = format!("{} {}", line.year, names.join(", "));
    match &line.result {
        Ok((tables, audit)) => format!(
            "{what}: {tables} tabellen vastgesteld; van {} cellen {} te klein, {} onderdrukt om die te beschermen{}",
            audit.cells,
            audit.primaries,
            audit.secondaries,
            if audit.left_out.is_empty() { String::new() } else { format!(", {} tabellen leeg", audit.left_out.len()) }
        ),
        Err(reason) => format!("{what}: niet vrijgegeven. {} {} ({reason})", reason.sentence(), reason.remedy()),
    }
}

/// A table.
pub fn table(table: &Table, as_json: bool) -> Outcome {
    if as_json {
        return Outcome::done(pretty(table));
    }
    let period = table.period.map_or_else(|| "hele levering".to_owned(), |p| p.to_string());
    let kind = if table.protected { "vrijgegeven" } else { "ONBEVEILIGD, alleen voor eigen gebruik" };
    let mut text = format!("{} {period}, peildatum {} ({kind})\n", table.indicator, table.peildatum);
    for row in &table.rows {
        let key: Vec<&str> = row.key.values().map(String::as_str).collect();
        let value = row.value.map_or_else(|| mark(row.mark).to_owned(), |v| v.to_string());
        text.push_str(&format!("{:<24} {:<28} {:<12} {value:>9}\n", row.series, row.measure, key.join("|")));
    }
    Outcome::done(text)
}

fn mark(mark: Option<Mark>) -> &'static str {
    match mark {
        Some(Mark::Suppressed) => "x",
        Some(Mark::Impossible) => "-",
        Some(Mark::Missing) | None => ".",
        Some(Mark::Above365) => ">365",
    }
}

/// The convenants of a node.
pub fn convenants(list: &[(ConvenantBundle, State)], as_json: bool) -> Outcome {
    if as_json {
        let list: Vec<_> = list
            .iter()
            .map(|(b, s)| {
                let c = b.convenant();
                json!({"id": c.id, "version": c.version, "hash": b.hash().to_hex(), "state": state_sentence(s),
                       "signatures": b.signatures()})
            })
            .collect();
        return Outcome::done(pretty(&list));
    }
    if list.is_empty() {
        return Outcome::done("deze node kent nog geen convenant");
    }
    let line = |(b, s): &(ConvenantBundle, State)| {
        let c = b.convenant();
        format!("{} versie {}: {}\n  hash {}\n{}", c.id, c.version, state_sentence(s), b.hash(), terms(c))
    };
    Outcome::done(list.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// A convenant as a document.
pub fn document(convenant: &Convenant, as_json: bool) -> Outcome {
    if as_json { Outcome::done(pretty(convenant)) } else { Outcome::done(terms(convenant)) }
}

fn terms(convenant: &Convenant) -> String {
    let mut text = format!(
        "  geldig {} tot en met {}; een kwartaal staat vast na {} dagen; drempel {}, afronding op {}\n  partijen:\n",
        convenant.valid_from,
        convenant.valid_to,
        convenant.settlement_days,
        convenant.disclosure.threshold,
        convenant.disclosure.rounding
    );
    for party in &convenant.parties {
        let card = party.card.card();
        let roles: Vec<&str> = party.roles.iter().map(|role| role_name(*role)).collect();
        text.push_str(&format!("    {} {:<32} {}\n", card.oin, card.name, roles.join(", ")));
    }
    let granted: Vec<String> = convenant.indicators.iter().map(|g| g.indicator.to_string()).collect();
    text.push_str(&format!("  indicatoren: {}\n", granted.join(", ")));
    text
}

/// Entries of the log with their numbers, in the order given.
pub fn log_list(entries: &[(u64, Entry)], form: ListForm) -> Outcome {
    let documents = || entries.iter().map(|(n, e)| entry_json(*n, e));
    match form {
        ListForm::Json => return Outcome::done(pretty(&documents().collect::<Vec<_>>())),
        ListForm::Csv => {
            return Outcome::done(csv::line(&COLUMNS) + &documents().map(|d| csv_line(&d)).collect::<String>());
        }
        ListForm::Text => {}
    }
    if entries.is_empty() {
        return Outcome { stderr: "geen regels gevonden".to_owned(), ..Outcome::default() };
    }
    Outcome::done(entries.iter().map(|(n, e)| entry_line(*n, e)).collect::<String>())
}

/// Columns of the log as CSV: the names of the JSON form.
const COLUMNS: [&str; 18] = [
    "number",
    "start",
    "end",
    "phase",
    "decision",
    "outcome",
    "reason_codes",
    "sender",
    "receiver",
    "action",
    "convenant",
    "purpose",
    "legal_ground",
    "field_names",
    "data_categories",
    "refused_connections",
    "transfer_id",
    "payload_commitment",
];

fn csv_line(document: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(list) => {
            list.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    csv::line(&COLUMNS.map(|column| text(&document[column])))
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Delivering => "levert",
        Role::Monitor => "ketenmonitor",
        Role::Gate => "poortwachter",
    }
}

/// One entry.
pub fn log_entry(log: &TransferLog, number: u64, as_json: bool) -> Outcome {
    match log.entry(number) {
        Ok(Some(entry)) => {
            let value = entry_json(number, &entry);
            if as_json {
                return Outcome::done(pretty(&value));
            }
            let fields = value.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null());
            let text = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            Outcome::done(fields.map(|(k, v)| format!("{k:<22} {}\n", text(v))).collect::<String>())
        }
        Ok(None) => Outcome::refused(format!("regel {number} bestaat niet; het log heeft {} regels", log.len())),
        Err(e) => Outcome::failed(e.to_string()),
    }
}

fn entry_line(number: u64, entry: &Entry) -> String {
    let partner = |oin: Option<crate::domain::oin::Oin>| oin.map_or_else(|| "-".to_owned(), |o| o.to_string());
    let outcome = entry.outcome.map_or_else(String::new, |o| format!(" {o}"));
    let what = match (entry.refused_connections, entry.aggregate) {
        (Some(n), _) => format!("{n} geweigerde verbinding(en)"),
        (None, Some(a)) => format!("{} cellen, {} onderdrukt", a.cells, a.suppressed),
        (None, None) => String::new(),
    };
    format!(
        "{number:>6} {} {:<10}{outcome:<10} {} -> {} {} {} {}\n",
        moment(entry.start_ms),
        entry.phase.as_str(),
        partner(entry.sender_oin),
        partner(entry.receiver_oin),
        entry.reason_codes.join(","),
        entry.field_names.join(","),
        what,
    )
}

fn moment(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(0);
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| ms.to_string(), |t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn entry_json(number: u64, entry: &Entry) -> serde_json::Value {
    let aggregate = entry.aggregate.map(|a| json!({"cells": a.cells, "suppressed": a.suppressed, "min_n": a.min_n}));
    let digest = |d: Option<crate::crypto::Digest>| d.map(|d| d.to_string());
    json!({
        "number": number,
        "transfer_id": hex(entry.transfer_id.as_bytes()),
        "trace_id": entry.trace_id.map(|t| hex(&t)),
        "span_id": entry.span_id.map(|s| hex(&s)),
        "direction": entry.direction.as_str(),
        "phase": entry.phase.as_str(),
        "outcome": entry.outcome.map(|o| o.as_str()),
        "decision": entry.decision.map(|d| d.as_str()),
        "reason_codes": entry.reason_codes,
        "sender": entry.sender_oin,
        "receiver": entry.receiver_oin,
        "service": entry.service,
        "action": entry.action,
        "convenant": entry.convenant_id,
        "convenant_hash": digest(entry.convenant_hash),
        "purpose": entry.purpose,
        "legal_ground": entry.ground_article,
        "field_names": entry.field_names,
        "data_categories": entry.data_categories,
        "aggregate": aggregate,
        "query_hash": digest(entry.query_hash),
        "payload_commitment": digest(entry.payload_commitment),
        "peer_certificate": digest(entry.peer_certificate),
        "refused_connections": entry.refused_connections,
        "start": moment(entry.start_ms),
        "end": entry.end_ms.map(moment),
        "status": entry.status.map(|s| s.as_str()),
    })
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
