//! What commands print: texts for people, JSON for machines.

use serde::Serialize;
use serde_json::json;

use super::command::Outcome;
use super::execute::state_sentence;
use crate::domain::table::{Mark, Table};
use crate::intake::IntakeReport;
use crate::intake::case::CaseReport;
use crate::policy::bundle::{ConvenantBundle, State};
use crate::policy::convenant::{Convenant, Role};
use crate::service::release::{NotReleased, ReleaseLine};

/// Reports of an intake; refused when any file was refused whole.
pub fn intake(reports: &[IntakeReport], as_json: bool) -> Outcome {
    let refused = reports.iter().any(|r| r.refusal.is_some());
    taken_in(reports, (refused, reports.iter().map(|r| r.rows).sum()), as_json)
}

/// As [`intake`], of case fields.
pub fn case_intake(reports: &[CaseReport], as_json: bool) -> Outcome {
    let refused = reports.iter().any(|r| r.refusal.is_some());
    taken_in(reports, (refused, reports.iter().map(|r| r.rows).sum()), as_json)
}

fn taken_in<T: Serialize + ToString>(reports: &[T], (refused, rows): (bool, u64), as_json: bool) -> Outcome {
    let text = if as_json {
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
            "verlies": audit.loss, "verlies_minstens": audit.least_loss, "certificaat": audit.certificate,
            "weggelaten": audit.left_out.len(), "reden": null,
        }),
        Err(refused) => json!({
            "jaar": year, "indicatoren": indicators, "tabellen": 0, "reden": refused.reason.code(), "uitleg": refused.why,
        }),
    }
}

fn release_text(line: &ReleaseLine) -> String {
    let names: Vec<&str> = line.indicators.iter().map(|id| id.as_str()).collect();
    let what = format!("{} {}", line.year, names.join(", "));
    match &line.result {
        Ok((tables, audit)) => format!(
            "{what}: {tables} tabellen vastgesteld; van {} cellen {} te klein, {} onderdrukt om die te beschermen \
             (verlies {}, minstens {} is onvermijdelijk){}",
            audit.cells,
            audit.primaries,
            audit.secondaries,
            audit.loss,
            audit.least_loss,
            if audit.left_out.is_empty() { String::new() } else { format!(", {} tabellen leeg", audit.left_out.len()) }
        ),
        Err(NotReleased { reason, why }) => {
            format!("{what}: niet vrijgegeven. {} {} ({reason})\n  {why}", reason.sentence(), reason.remedy())
        }
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
    if let Some(cases) = &convenant.cases {
        let names: Vec<&str> = cases.exchanges.iter().map(|grant| grant.exchange.as_str()).collect();
        text.push_str(&format!("  over één kind: {} (regels {})\n", names.join(", "), cases.rules_version));
    }
    text
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Delivering => "levert",
        Role::Monitor => "ketenmonitor",
        Role::Gate => "poortwachter",
    }
}

/// Indented JSON.
pub(super) fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
