//! What employees did on this node, and transfers that have no receipt of the other side.

use std::collections::{BTreeMap, VecDeque};

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::visit::Visit;
use super::words;
use crate::service::audit::AuditRecord;
use crate::translog::entry::Direction;

/// Records on a page: the newest.
const PAGE: usize = 200;

struct Done {
    at: String,
    who: String,
    from: String,
    what: String,
    details: String,
    tone: &'static str,
    end: &'static str,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    lines: Vec<Done>,
    total: u64,
    broken: bool,
    who: String,
}

struct Waiting {
    transfer: String,
    partner: String,
    way: &'static str,
    since: String,
    told: &'static str,
}

#[derive(Template)]
#[template(path = "one_sided.html")]
struct OneSidedPage {
    frame: Frame,
    lines: Vec<Waiting>,
}

/// The newest records, of one employee when asked.
pub fn show(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let who = visit.asked("wie");
    let (mut begun, mut ends) = (VecDeque::new(), BTreeMap::new());
    let mut take = |_, record: AuditRecord| match &record {
        AuditRecord::End { trace, exit, .. } => {
            ends.insert(trace.clone(), *exit);
        }
        AuditRecord::Begin { who: employee, .. } if who.is_empty() || employee.user == who => {
            begun.push_back(record);
            if begun.len() > PAGE {
                begun.pop_front();
            }
        }
        AuditRecord::Begin { .. } => {}
    };
    let total = visit.core().audit_records(&mut take).map_err(|e| Fault::Broken(e.to_string()))?;
    let lines = begun.iter().rev().filter_map(|record| {
        let AuditRecord::Begin { at_ms, trace, who, command, arguments, .. } = record else { return None };
        let details = arguments.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>();
        let (tone, end) = match ends.get(trace) {
            Some(0) => ("good", "gedaan"),
            Some(_) => ("bad", "geweigerd of mislukt"),
            None => ("wait", "nog bezig"),
        };
        let (at, what) = (words::moment(*at_ms), command.clone());
        Some(Done { at, who: who.user.clone(), from: who.device.clone(), what, details: details.join("; "), tone, end })
    });
    let page = AuditPage {
        frame: Frame::of(visit, "Auditlog"),
        lines: lines.collect(),
        total,
        broken: visit.core().audit_view().missing.is_some(),
        who: who.to_owned(),
    };
    Answer::page(&page)
}

/// Transfers that ended without a receipt of the other side.
pub fn one_sided(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let core = visit.core();
    let names = core.party_names();
    let all = core.one_sided();
    let line = |one: &crate::storage::log::OneSided| Waiting {
        transfer: one.transfer.to_string(),
        partner: words::party(one.partner, &names),
        way: if one.direction == Direction::Incoming { "van" } else { "naar" },
        since: words::moment(one.since_ms),
        told: match one.before {
            true => "van voor de ontvangstbewijzen; er komt er geen",
            false => "de node vraagt er zelf om, tot zeven dagen lang",
        },
    };
    let lines = all.iter().rev().take(PAGE).map(line).collect();
    Answer::page(&OneSidedPage { frame: Frame::of(visit, "Eenzijdige overdrachten"), lines })
}
