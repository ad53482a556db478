//! The administrator's page: how the node stands, without anything about persons or transfers.

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::office::PartnerState;
use super::visit::Visit;
use super::words;
use crate::policy::bundle::State;

struct Check {
    what: String,
    tone: &'static str,
    word: &'static str,
    told: String,
}

struct Terms {
    name: String,
    state: String,
    valid: String,
    hash: String,
}

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    frame: Frame,
    checks: Vec<Check>,
    terms: Vec<Terms>,
    partners: Vec<PartnerState>,
    asked: bool,
    version: &'static str,
    oin: String,
}

fn good(what: impl Into<String>, told: impl Into<String>) -> Check {
    Check { what: what.into(), tone: "good", word: "in orde", told: told.into() }
}

fn bad(what: impl Into<String>, told: impl Into<String>) -> Check {
    Check { what: what.into(), tone: "bad", word: "fout", told: told.into() }
}

/// The page; with `?partners` every partner is asked for its state.
pub fn show(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let core = visit.core();
    let asked = visit.query.iter().any(|(key, _)| key == "partners");
    let terms = core.convenants().into_iter().map(|(bundle, state)| {
        let convenant = bundle.convenant();
        Terms {
            name: format!("{} versie {}", convenant.id, convenant.version),
            state: state_name(&state).to_owned(),
            valid: format!("{} tot en met {}", words::day(convenant.valid_from), words::day(convenant.valid_to)),
            hash: bundle.hash().to_string(),
        }
    });
    let page = StatusPage {
        frame: Frame::of(visit, "Status"),
        checks: checks(visit),
        terms: terms.collect(),
        partners: if asked { visit.console.office.partners() } else { Vec::new() },
        asked,
        version: env!("CARGO_PKG_VERSION"),
        oin: core.identity.oin.to_string(),
    };
    Answer::page(&page)
}

fn state_name(state: &State) -> &'static str {
    match state {
        State::Proposed { .. } => "wacht op handtekeningen",
        State::NotYetValid => "getekend, nog niet begonnen",
        State::InForce => "in werking",
        State::Superseded => "vervangen",
        State::Withdrawn { .. } => "ingetrokken",
        State::Expired => "verlopen",
    }
}

fn checks(visit: &Visit<'_>) -> Vec<Check> {
    let core = visit.core();
    let status = core.log_status();
    let mut found = Vec::new();
    found.push(match core.failed() {
        true => bad("Schijf", "een schrijfactie is mislukt; de node stopt. Herstel de schijf en start opnieuw."),
        false => good("Schijf", "elke schrijfactie sinds de start is gelukt"),
    });
    found.push(match status.stopped {
        Some(reason) => bad("Uitwisseling", format!("gestopt: {} {}", reason.sentence(), reason.remedy())),
        None => good("Uitwisseling", "toegestaan"),
    });
    found.push(match (status.alarm, status.waiting_ms) {
        (true, waiting) => {
            bad("Getuigen", format!("al {} geen bevestiging door genoeg getuigen", words::span(waiting.unwrap_or(0))))
        }
        (false, Some(waiting)) => good("Getuigen", format!("de oudste nieuwe regel wacht {}", words::span(waiting))),
        (false, None) => good("Getuigen", "niets wacht op bevestiging"),
    });
    found.push(good("Transferlog", format!("{} regels", status.size)));
    found.push(match &status.audit.missing {
        Some(_) => bad("Auditlog", "is niet wat het was: ingekort, vervangen of teruggezet"),
        None => good("Auditlog", format!("{} records", status.audit.records)),
    });
    for path in &status.put_aside {
        found.push(bad("Getuigenbestanden", format!("onleesbaar en opzij gezet: {path}")));
    }
    for expiring in visit.console.office.certificates() {
        found.push(match expiring.until_s {
            None => bad(expiring.what, "niet te lezen"),
            Some(until) if until * 1000 < visit.now_ms => {
                bad(expiring.what, format!("verlopen op {}", words::moment(until * 1000)))
            }
            Some(until) => good(expiring.what, format!("geldig tot {}", words::moment(until * 1000))),
        });
    }
    found
        .push(good("Klok", format!("{} (Nederlandse tijd); vergelijk met uw eigen klok", words::moment(visit.now_ms))));
    found
}
