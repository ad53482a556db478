//! The privacy officer's overview: what left this week, what was refused, what is open, what will expire.

use std::collections::BTreeMap;

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::transfers::{Line, line};
use super::visit::Visit;
use super::words;
use crate::policy::bundle::State;
use crate::storage::log::Filter;
use crate::translog::entry::{Direction, Entry, Phase};

/// Entries of the week that are counted; of more, the newest.
const MOST: usize = 20_000;
const DAY_MS: u64 = 86_400_000;
/// What expires within this many days is told.
const SOON_DAYS: u64 = 42;

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
        found.out += u64::from(is(entry, Direction::Outgoing, Phase::Intent));
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
    let (witness, witness_bad) = witness(visit);
    let page = OverviewPage {
        frame: Frame::of(visit, "Overzicht"),
        since: words::moment(from),
        out,
        into,
        refused: entries.iter().filter(|(_, entry)| entry.phase == Phase::Deny).count() as u64,
        one_sided: core.one_sided().len(),
        partial: entries.len() == MOST,
        partners: partners.into_values().collect(),
        denied,
        warnings: warnings(visit),
        size: core.transfer_log().len(),
        witness,
        witness_bad,
    };
    Answer::page(&page)
}

/// How it stands with the witnesses, in words, and whether that is bad.
fn witness(visit: &Visit<'_>) -> (String, bool) {
    let status = visit.core().log_status();
    let bad = status.alarm || status.stopped.is_some();
    let text = match (&status.cosigned, status.waiting_ms) {
        (None, _) if status.quorums.is_empty() => "er is geen andere partij die dit log kan bevestigen".to_owned(),
        (None, _) => "nog niet door genoeg getuigen bevestigd".to_owned(),
        (Some(cosigned), Some(waiting)) => {
            let since = words::moment(cosigned.time_s.saturating_mul(1000));
            format!(
                "bevestigd tot regel {} ({since}); de oudste nieuwe regel wacht {}",
                cosigned.size,
                words::span(waiting)
            )
        }
        (Some(cosigned), None) => {
            format!("alle {} regels bevestigd, {}", cosigned.size, words::moment(cosigned.time_s.saturating_mul(1000)))
        }
    };
    (text, bad)
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
    let soon = (visit.now_ms / 1000).saturating_add(SOON_DAYS * 86_400);
    for expiring in visit.console.office.certificates() {
        match expiring.until_s {
            // A revocation list lives for days: what is told is that it is past.
            Some(until) if until < visit.now_ms / 1000 => {
                add("error", format!("{} is verlopen op {}.", expiring.what, words::moment(until * 1000)));
            }
            Some(until) if until < soon && !expiring.what.contains("CRL") => {
                add("warning", format!("{} verloopt op {}.", expiring.what, words::moment(until * 1000)));
            }
            None => add("error", format!("{} is niet te lezen.", expiring.what)),
            Some(_) => {}
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
