//! The privacy officer's overview: what left this week, what was refused, what is open, what will expire.

use std::collections::BTreeMap;

use askama::Template;

use super::answer::{Answer, Fault};
use super::checks;
use super::frame::Frame;
use super::transfers::{Line, line};
use super::visit::Visit;
use super::words;
use crate::domain::day::Day;
use crate::policy::bundle::State;
use crate::service::accounts::Role;
use crate::storage::log::Filter;
use crate::translog::entry::{Direction, Entry, Outcome, Phase};

/// Entries of the week that are counted; of more, the newest.
const MOST: usize = 20_000;
const DAY_MS: u64 = 86_400_000;
/// A new officer is told of for this many days.
const NEW_DAYS: u64 = 30;

struct PartnerLine {
    oin: String,
    name: String,
    out: u64,
    into: u64,
    refused: u64,
}

struct Warning {
    tone: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    since: String,
    first_day: String,
    out: u64,
    into: u64,
    refused: u64,
    one_sided: usize,
    partial: bool,
    partners: Vec<PartnerLine>,
    denied: Vec<Line>,
    warnings: Vec<Warning>,
    size: u64,
    witness: String,
    witness_bad: bool,
}

/// The overview.
pub fn show(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let core = visit.core();
    let from = visit.now_ms.saturating_sub(7 * DAY_MS);
    let filter = Filter { from_ms: Some(from), ..Filter::default() };
    let entries = core.log_entries(&filter, (None, MOST)).map_err(|e| Fault::Broken(e.to_string()))?;
    let names = core.party_names();
    let ours = core.identity.oin;
    let is = |entry: &Entry, way: Direction, phase: Phase| entry.direction == way && entry.phase == phase;
    let mut partners: BTreeMap<_, PartnerLine> = BTreeMap::new();
    for (_, entry) in &entries {
        let Some(oin) = [entry.receiver_oin, entry.sender_oin].into_iter().flatten().find(|oin| *oin != ours) else {
            continue;
        };
        let (name, oin_text) = (words::party(oin, &names), oin.to_string());
        let found = partners.entry(oin).or_insert(PartnerLine { oin: oin_text, name, out: 0, into: 0, refused: 0 });
        // What failed did not leave.
        let left = is(entry, Direction::Outgoing, Phase::Outcome) && entry.outcome != Some(Outcome::Failed);
        found.out += u64::from(left);
        found.into += u64::from(is(entry, Direction::Incoming, Phase::Received));
        found.refused += u64::from(entry.phase == Phase::Deny);
    }
    let sum = |of: fn(&PartnerLine) -> u64| partners.values().map(of).sum();
    let (out, into) = (sum(|line| line.out), sum(|line| line.into));
    let denied: Vec<Line> = entries
        .iter()
        .filter(|(_, entry)| matches!(entry.phase, Phase::Deny | Phase::Connection))
        .take(10)
        .map(|(number, entry)| line(*number, entry, (ours, &names)))
        .collect();
    let witness = checks::witnesses(&core.log_status());
    let page = OverviewPage {
        frame: Frame::of(visit, "Overzicht"),
        since: words::moment(from),
        first_day: Day(core.clock.today().0 - 7).to_string(),
        out,
        into,
        refused: entries.iter().filter(|(_, entry)| entry.phase == Phase::Deny).count() as u64,
        one_sided: core.one_sided().len(),
        partial: entries.len() == MOST,
        partners: partners.into_values().collect(),
        denied,
        warnings: warnings(visit),
        size: core.transfer_log().len(),
        witness_bad: witness.tone == "bad",
        witness: witness.told,
    };
    Answer::page(&page)
}

/// What needs somebody's attention.
fn warnings(visit: &Visit<'_>) -> Vec<Warning> {
    let core = visit.core();
    let status = core.log_status();
    let mut found = Vec::new();
    let mut add = |tone: &'static str, text: String| found.push(Warning { tone, text });
    if let Some(reason) = status.stopped {
        add("error", format!("Er gaat niets naar buiten ({reason}): {} {}", reason.sentence(), reason.remedy()));
    }
    for log in &status.witnessed {
        if !log.findings.is_empty() {
            add("error", format!("Het log van {} spreekt zichzelf tegen. Overleg met die organisatie.", log.name));
        }
    }
    if status.audit.missing.is_some() {
        add("error", "Het auditlog is niet wat het was: het is ingekort, vervangen of teruggezet.".to_owned());
    }
    for expiring in visit.console.office.certificates() {
        let check = checks::expiry(&expiring, visit.now_ms);
        match check.tone {
            "bad" => add("error", check.sentence()),
            "wait" if !expiring.list => add("warning", check.sentence()),
            _ => {}
        }
    }
    let fresh = visit.now_ms.saturating_sub(NEW_DAYS * DAY_MS);
    for account in core.accounts().list().unwrap_or_default() {
        if account.made_ms > fresh && !account.closed && account.roles.contains(&Role::Privacyfunctionaris) {
            let (name, by, made) = (&account.name, &account.invited_by, words::moment(account.made_ms));
            add(
                "",
                format!(
                    "Nieuw account met de rol privacyfunctionaris: {name}, gemaakt op {made} op uitnodiging van {by}."
                ),
            );
        }
    }
    let today = core.clock.today();
    for (bundle, state) in core.convenants() {
        let convenant = bundle.convenant();
        let name = format!("Convenant {} versie {}", convenant.id, convenant.version);
        match state {
            State::InForce if convenant.valid_to.0 - today.0 <= 92 => {
                add("warning", format!("{name} loopt af op {}.", words::day(convenant.valid_to)));
            }
            State::Proposed { missing } => {
                add("warning", format!("{name} wacht op {} handtekening(en).", missing.len()));
            }
            State::Withdrawn { .. } => add("warning", format!("{name} is ingetrokken.")),
            _ => {}
        }
    }
    found
}
