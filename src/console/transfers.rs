//! The transfer log: what came and went and what was refused, with conditions that stand in the address.

use std::collections::BTreeMap;

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::visit::Visit;
use super::words;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::service::evidence::{SERVICES, service_name};
use crate::storage::log::Filter;
use crate::translog::entry::{Decision, Direction, Entry, Outcome, Phase, TransferId};

/// Entries on a page.
const PAGE: usize = 50;

/// Entries that one page looks at when the index cannot say which meet the conditions; further on with a link.
const MOST: u64 = 50_000;

/// The conditions, with which every page of the log can be found again.
pub const KEYS: &[&str] = &["van", "tot", "partner", "doel", "besluit", "dienst", "regel", "voor"];

/// One line of the log.
pub(super) struct Line {
    pub number: u64,
    pub transfer: String,
    pub at: String,
    pub what: String,
    pub way: &'static str,
    pub partner: String,
    pub fields: String,
    pub tone: &'static str,
    pub state: &'static str,
    pub reasons: String,
}

/// A choice of a list.
struct Choice {
    value: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "transfers.html")]
struct TransfersPage {
    frame: Frame,
    lines: Vec<Line>,
    filtered: bool,
    from: String,
    until: String,
    ground: String,
    field: String,
    text: String,
    partners: Vec<Choice>,
    purposes: Vec<Choice>,
    decisions: Vec<Choice>,
    services: Vec<Choice>,
    phases: Vec<Choice>,
    older: String,
    newest: String,
    total: u64,
}

/// A page of the log.
pub fn list(visit: &Visit<'_>) -> Result<Answer, Fault> {
    // Who has the number of a transfer looks for that transfer.
    if let Ok(id) = TransferId::parse(visit.asked("tekst")) {
        return Ok(Answer::see(&format!("/overdracht/{id}")));
    }
    let filter = filter_of(visit)?;
    let before = match visit.asked("voor") {
        "" => None,
        text => Some(text.parse().map_err(|_| Fault::Unfit("`voor` is geen regelnummer.".to_owned()))?),
    };
    let core = visit.core();
    let found = core.search_some(&filter, (before, PAGE), MOST);
    let (entries, next) = found.map_err(|e| Fault::Broken(e.to_string()))?;
    let names = core.party_names();
    let lines = entries.iter().map(|(number, entry)| line(*number, entry, (core.identity.oin, &names))).collect();
    let choice = |key: &str, value: &str, name: &str| Choice {
        value: value.to_owned(),
        name: name.to_owned(),
        chosen: visit.asked(key) == value,
    };
    let others = names.iter().filter(|(oin, _)| **oin != core.identity.oin);
    let page = TransfersPage {
        frame: Frame::of(visit, "Transferlog"),
        lines,
        filtered: filter != Filter::default(),
        from: visit.asked("van").to_owned(),
        until: visit.asked("tot").to_owned(),
        ground: visit.asked("grond").to_owned(),
        field: visit.asked("veld").to_owned(),
        text: visit.asked("tekst").to_owned(),
        partners: others.map(|(oin, name)| choice("partner", oin.as_str(), name)).collect(),
        purposes: words::PURPOSES.iter().map(|code| choice("doel", code, &words::purpose(code))).collect(),
        decisions: [("toegestaan", "toegestaan"), ("geweigerd", "geweigerd")]
            .map(|(value, name)| choice("besluit", value, name))
            .into(),
        services: SERVICES.iter().map(|(value, name)| choice("dienst", value, name)).collect(),
        phases: PHASES.iter().map(|(phase, name)| choice("regel", phase.as_str(), name)).collect(),
        older: next.map_or_else(String::new, |next| place(visit, Some(next))),
        newest: if before.is_some() { place(visit, None) } else { String::new() },
        total: core.transfer_log().len(),
    };
    Answer::page(&page)
}

const PHASES: &[(Phase, &str)] = &[
    (Phase::Intent, "begin van een overdracht"),
    (Phase::Deny, "weigering"),
    (Phase::Received, "ontvangst"),
    (Phase::Outcome, "afloop"),
    (Phase::Connection, "geweigerde verbindingen"),
];

/// The same conditions on another page.
fn place(visit: &Visit<'_>, before: Option<u64>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, value) in visit.query.iter().filter(|(key, value)| key != "voor" && !value.is_empty()) {
        query.append_pair(key, value);
    }
    if let Some(before) = before {
        query.append_pair("voor", &before.to_string());
    }
    format!("/logboek?{}", query.finish())
}

fn filter_of(visit: &Visit<'_>) -> Result<Filter, Fault> {
    let unfit = |what: &str| Fault::Unfit(what.to_owned());
    let day = |key: &str, later: i32| match visit.asked(key) {
        "" => Ok(None),
        text => {
            let day = Day::parse(text).map_err(|_| unfit("Een datum heeft de vorm JJJJ-MM-DD."))?;
            Ok(words::midnight(Day(day.0 + later)))
        }
    };
    let text = |key: &str| Some(visit.asked(key).to_owned()).filter(|text| !text.is_empty());
    let partner =
        text("partner").map(|oin| Oin::parse(&oin).map_err(|_| unfit("Dit is geen nummer van een organisatie.")));
    let phase = text("regel").map(|name| Phase::parse(&name).ok_or_else(|| unfit("Dit soort regel bestaat niet.")));
    Ok(Filter {
        from_ms: day("van", 0)?,
        until_ms: day("tot", 1)?,
        partner: partner.transpose()?,
        purpose: text("doel"),
        decision: match visit.asked("besluit") {
            "toegestaan" => Some(Decision::Allow),
            "geweigerd" => Some(Decision::Deny),
            _ => None,
        },
        ground: text("grond"),
        field: text("veld"),
        service: text("dienst"),
        phase: phase.transpose()?,
        text: text("tekst"),
        ..Filter::default()
    })
}

/// An entry as a line, for people.
pub(super) fn line(number: u64, entry: &Entry, (ours, names): (Oin, &BTreeMap<Oin, String>)) -> Line {
    let partner = [entry.receiver_oin, entry.sender_oin].into_iter().flatten().find(|oin| *oin != ours);
    let (tone, state) = state_of(entry);
    Line {
        number,
        transfer: entry.transfer_id.to_string(),
        at: words::moment(entry.start_ms),
        what: what(entry),
        way: match entry.direction {
            Direction::Outgoing => "naar",
            Direction::Incoming => "van",
            Direction::Local => "binnen",
        },
        partner: partner.map_or_else(|| "de eigen organisatie".to_owned(), |oin| words::party(oin, names)),
        fields: entry.field_names.join(", "),
        tone,
        state,
        reasons: entry.reason_codes.join(", "),
    }
}

/// What an entry is about, in words.
pub(super) fn what(entry: &Entry) -> String {
    if let Some(count) = entry.refused_connections {
        return format!("{count} geweigerde verbinding(en)");
    }
    match service_name(&entry.service) {
        _ if !entry.action.is_empty() => entry.action.clone(),
        Some(name) => name.to_owned(),
        None => entry.service.clone(),
    }
}

/// How it stands after an entry: a tone and a word.
pub(super) fn state_of(entry: &Entry) -> (&'static str, &'static str) {
    match (entry.phase, entry.outcome) {
        (Phase::Intent, _) => ("wait", "begonnen"),
        (Phase::Deny, _) => ("bad", "geweigerd"),
        (Phase::Received, _) => ("good", "ontvangen"),
        (Phase::Connection, _) => ("bad", "geen toegang"),
        (Phase::Outcome, Some(Outcome::Confirmed)) if entry.direction == Direction::Local => ("good", "uitgevoerd"),
        (Phase::Outcome, Some(Outcome::Confirmed)) => ("good", "bevestigd"),
        (Phase::Outcome, Some(Outcome::Sent)) => ("wait", "verstuurd"),
        (Phase::Outcome, Some(Outcome::Failed)) => ("bad", "mislukt"),
        (Phase::Outcome, _) => ("wait", "onbekend"),
    }
}
