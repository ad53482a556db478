//! The administrator's page: how the node stands, without anything about persons or transfers.

use askama::Template;

use super::answer::{Answer, Fault};
use super::checks::{self, Check};
use super::frame::Frame;
use super::office::PartnerState;
use super::visit::Visit;
use super::words;
use crate::policy::bundle::State;

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

/// The page.
pub fn show(visit: &Visit<'_>) -> Result<Answer, Fault> {
    page(visit, false)
}

/// The page, with every partner asked for its state: a POST, because it makes this node call them.
pub fn ask(visit: &Visit<'_>) -> Result<Answer, Fault> {
    page(visit, true)
}

fn page(visit: &Visit<'_>, asked: bool) -> Result<Answer, Fault> {
    let core = visit.core();
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
        checks: checks::all(visit),
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
