//! One transfer: what, with whom, on what ground, how it ended, and the evidence.

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::transfers::{Line, line, state_of, what};
use super::visit::Visit;
use super::words;
use crate::domain::reason::ReasonCode;
use crate::service::confidential::{Marked, Marks};
use crate::service::subjects::SubjectError;
use crate::translog::entry::{Confidentiality, Decision, Direction, Entry, Phase, TransferId};

struct Reason {
    code: String,
    sentence: String,
    remedy: String,
}

struct Detail {
    number: u64,
    state: &'static str,
    fields: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "transfer.html")]
struct TransferPage {
    frame: Frame,
    id: String,
    facts: Vec<(&'static str, String)>,
    reasons: Vec<Reason>,
    tone: &'static str,
    state: &'static str,
    lines: Vec<Line>,
    details: Vec<Detail>,
    one_sided: bool,
    receipts: usize,
    confidential: bool,
    fault: String,
}

fn found(visit: &Visit<'_>) -> Result<(TransferId, Vec<(u64, Entry)>), Fault> {
    let id = TransferId::parse(visit.part("id")).map_err(|_| Fault::NotFound)?;
    let entries = visit.core().transfer_entries(id).map_err(|e| Fault::Broken(e.to_string()))?;
    if entries.is_empty() { Err(Fault::NotFound) } else { Ok((id, entries)) }
}

/// The page of a transfer.
pub fn show(visit: &Visit<'_>) -> Result<Answer, Fault> {
    page(visit, String::new())
}

/// Marks the transfer as confidential towards data subjects (UAVG 41), or lifts that.
pub fn mark(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let (id, _) = found(visit)?;
    let as_now = match visit.field("wat") {
        "vertrouwelijk" => Confidentiality::Confidential,
        "opheffen" => Confidentiality::Lifted,
        _ => return Err(Fault::Unfit("Kies wat er moet gebeuren.".to_owned())),
    };
    match visit.core().mark_confidential(&Marked::Transfer(id), as_now, visit.field("reden").trim()) {
        Ok(true) => Ok(Answer::see(&format!("/overdracht/{id}"))),
        Ok(false) => Err(Fault::NotFound),
        Err(e @ SubjectError::Reason) => page(visit, e.to_string()),
        Err(e) => Err(Fault::Broken(e.to_string())),
    }
}

/// Whether the transfer itself is marked as confidential now; marks on a whole activity are not looked at.
fn is_confidential(visit: &Visit<'_>, entries: &[(u64, Entry)], of: &Entry) -> bool {
    let mut marks = Marks::new(visit.core().identity.activities.clone());
    entries.iter().for_each(|(number, entry)| marks.take(*number, entry));
    marks.of(of) == Confidentiality::Confidential
}

fn page(visit: &Visit<'_>, fault: String) -> Result<Answer, Fault> {
    let (id, entries) = found(visit)?;
    let core = visit.core();
    let names = core.party_names();
    let own = |(_, entry): &&(u64, Entry)| entry.transfer_id == id;
    let first = entries.iter().find(own).or_else(|| entries.first()).map(|(_, entry)| entry).ok_or(Fault::NotFound)?;
    let last = entries.iter().rev().find(own).map_or(first, |(_, entry)| entry);
    let richest = entries.iter().map(|(_, entry)| entry).find(|entry| !entry.purpose.is_empty()).unwrap_or(first);
    let refused_only = !entries.iter().any(|(_, entry)| entry.phase != Phase::Deny);
    let told = |entry: &&(u64, Entry)| entry.1.transfer_id == id && (refused_only || entry.1.phase != Phase::Deny);
    let (tone, state) = state_of(entries.iter().rev().find(told).map_or(last, |(_, entry)| entry));
    let between = first.direction != Direction::Local;
    let party = |oin| words::party(oin, &names);
    let mut codes: Vec<&String> = entries.iter().flat_map(|(_, entry)| &entry.reason_codes).collect();
    codes.sort_unstable();
    codes.dedup();
    let page = TransferPage {
        frame: Frame::of(visit, "Overdracht"),
        id: id.to_string(),
        facts: [
            ("Wat", what(first)),
            ("Begonnen", words::moment(first.start_ms)),
            ("Van", first.sender_oin.filter(|_| between).map(party).unwrap_or_default()),
            ("Aan", first.receiver_oin.filter(|_| between).map(party).unwrap_or_default()),
            ("Met wie", if between { String::new() } else { "binnen de eigen organisatie".to_owned() }),
            ("Besluit", decision(&entries).to_owned()),
            ("Doel", named_purpose(&richest.purpose)),
            ("Grondslag", richest.ground_article.clone()),
            ("Gegevens", richest.field_names.join(", ")),
            ("Soort gegevens", richest.data_categories.join(", ")),
            ("Omvang", entries.iter().find_map(|(_, entry)| size(entry)).unwrap_or_default()),
            ("Convenant", richest.convenant_id.clone()),
            ("Regels", richest.rules_version.clone()),
            ("Bewaard tot en met", richest.retention_until.map(words::day).unwrap_or_default()),
            ("Nummer", id.to_string()),
        ]
        .into_iter()
        .filter(|(_, fact)| !fact.is_empty())
        .collect(),
        reasons: codes.into_iter().map(|code| reason(code)).collect(),
        tone,
        state,
        lines: entries.iter().map(|(number, entry)| line(*number, entry, (core.identity.oin, &names))).collect(),
        details: entries.iter().map(|(number, entry)| detail(*number, entry)).collect(),
        one_sided: core.one_sided().iter().any(|one| one.transfer == id),
        receipts: entries.iter().filter(|(_, entry)| entry.names_receipt()).count(),
        confidential: is_confidential(visit, &entries, first),
        fault,
    };
    Answer::page(&page)
}

fn decision(entries: &[(u64, Entry)]) -> &'static str {
    let all = || entries.iter().map(|(_, entry)| entry);
    let given = |entry: &Entry| entry.phase == Phase::Intent && entry.decision == Some(Decision::Allow);
    let (allowed, denied) = (all().any(given), all().any(|entry| entry.phase == Phase::Deny));
    match (allowed, denied) {
        // A partner may ask again under the same number; what was given stays given.
        (true, true) => "toegestaan; een andere vraag onder dit nummer is geweigerd",
        (true, false) => "toegestaan",
        (false, true) => "geweigerd: er zijn geen gegevens gegeven",
        (false, false) => "",
    }
}

fn named_purpose(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!("{} ({code})", words::purpose(code)) }
}

fn size(entry: &Entry) -> Option<String> {
    let aggregate = entry.aggregate?;
    let least = if aggregate.min_n > 0 { format!("; kleinste groep {}", aggregate.min_n) } else { String::new() };
    Some(format!("{} cellen, waarvan {} niet vrijgegeven{least}", aggregate.cells, aggregate.suppressed))
}

fn reason(code: &str) -> Reason {
    let known = ReasonCode::parse(code);
    let told = |of: fn(ReasonCode) -> &'static str| known.map(of).unwrap_or_default().to_owned();
    Reason { code: code.to_owned(), sentence: told(ReasonCode::sentence), remedy: told(ReasonCode::remedy) }
}

fn detail(number: u64, entry: &Entry) -> Detail {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields = entry.fields().iter().map(|(name, value)| (*name, text(value))).collect();
    Detail { number, state: state_of(entry).1, fields }
}

/// The evidence, to keep or to be read by the page that checks it.
pub fn evidence(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let (id, _) = found(visit)?;
    let evidence = visit.core().evidence(id).map_err(|e| Fault::Broken(e.to_string()))?.ok_or(Fault::NotFound)?;
    let text = serde_json::to_string_pretty(&evidence).map_err(|e| Fault::Broken(e.to_string()))?;
    Ok(Answer::file("application/json", &format!("bewijs-{id}.json"), text))
}
