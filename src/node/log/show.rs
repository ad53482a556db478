//! Entries of the transfer log as text, JSON and CSV.

use serde_json::json;

use super::command::ListForm;
use crate::crypto::hex;
use crate::domain::csv;
use crate::domain::moment::seconds as moment;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::translog::entry::Entry;

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

/// The head of a CSV listing.
pub(super) fn csv_head() -> String {
    csv::line(&COLUMNS)
}

/// One entry as a line of a CSV listing.
pub(super) fn csv_entry(number: u64, entry: &Entry) -> String {
    csv_line(&entry_json(number, entry))
}

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

/// One entry of a log of `len` entries.
pub fn log_entry(found: Result<Option<Entry>, String>, (number, len): (u64, u64), as_json: bool) -> Outcome {
    match found {
        Ok(Some(entry)) => {
            let value = entry_json(number, &entry);
            if as_json {
                return Outcome::done(pretty(&value));
            }
            let fields = value.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null());
            let text = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            Outcome::done(fields.map(|(k, v)| format!("{k:<22} {}\n", text(v))).collect::<String>())
        }
        Ok(None) => Outcome::refused(format!("regel {number} bestaat niet; het log heeft {len} regels")),
        Err(reason) => Outcome::failed(reason),
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
