//! Deliveries: taking one in through the browser, its report, and what became of each by now with what wants mending.

use std::time::Duration;

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::serve::MAX_FILE;
use super::visit::Visit;
use super::words;
use crate::domain::bsn::holds_typed_bsn;
use crate::domain::day::Day;
use crate::intake::IntakeReport;
use crate::service::deliver::{IntakeOptions, Source};
use crate::service::delivered::{Delivered, Fate, Repair};

/// Of a form of this page stands in the audit log.
pub const KEYS: &[&str] = &["wijze", "vervangt_van", "vervangt_tot"];
/// Deliveries on a page.
const PAGE: usize = 100;
/// Rows that want mending on a page; all are in the file.
const LISTED: usize = 200;
/// How often and after how long it is looked again whether the register is free.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

struct Line {
    number: u32,
    file: String,
    at: String,
    rows: u32,
    refused: bool,
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct DeliveriesPage {
    frame: Frame,
    delivers: bool,
    busy: bool,
    lines: Vec<Line>,
    total: usize,
    most: usize,
    fault: String,
}

#[derive(Template)]
#[template(path = "intake.html")]
struct IntakePage {
    frame: Frame,
    report: IntakeReport,
    refusal: String,
    more: u64,
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    frame: Frame,
    line: Line,
    facts: Vec<(&'static str, String)>,
    outcomes: Vec<(String, u64)>,
    rules: Vec<(&'static str, u64)>,
    repairs: Vec<Repair>,
    total: usize,
}

/// A delivery under way holds the register for some time; a moment is waited for.
fn free<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    for _ in 0..LOOKS {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(PAUSE);
    }
    None
}

/// The deliveries, and the form for the next one.
pub fn list(visit: &Visit<'_>) -> Result<Answer, Fault> {
    page(visit, String::new())
}

fn page(visit: &Visit<'_>, fault: String) -> Result<Answer, Fault> {
    let core = visit.core();
    let found = free(|| core.deliveries());
    let (busy, all) = (found.is_none(), found.unwrap_or_default());
    let refused = !fault.is_empty();
    let page = DeliveriesPage {
        frame: Frame::of(visit, "Aanleveren"),
        delivers: !core.identity.levert.is_empty(),
        busy,
        total: all.len(),
        lines: all.iter().take(PAGE).map(line).collect(),
        most: MAX_FILE >> 20,
        fault,
    };
    let answer = Answer::page(&page)?;
    Ok(if refused { answer.with_status(422) } else { answer })
}

fn line(delivered: &Delivered) -> Line {
    let Delivered { number, head, rows, refused } = delivered;
    let at = words::moment(u64::try_from(head.at).unwrap_or(0));
    Line { number: *number, file: head.file.clone(), at, rows: *rows, refused: *refused }
}

/// Takes a file in, or only looks at it.
pub fn take_in(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let Some((name, bytes)) = visit.file.as_ref().filter(|(name, _)| !name.is_empty()) else {
        return page(visit, "Kies een bestand.".to_owned());
    };
    let name: String = name.rsplit(['/', '\\']).next().unwrap_or_default().chars().take(200).collect();
    if holds_typed_bsn(&name) || name.chars().any(char::is_control) {
        return page(
            visit,
            "De naam van het bestand bevat een BSN of een vreemd teken. Geef het een andere naam.".to_owned(),
        );
    }
    let dry_run = match visit.field("wijze") {
        "proef" => true,
        "innemen" => false,
        _ => return page(visit, "Kies of u het bestand wilt proberen of innemen.".to_owned()),
    };
    let day = |field: &str| match visit.field(field).trim() {
        "" => Ok(None),
        text => Day::parse(text).map(Some),
    };
    let replaces = match (day("vervangt_van"), day("vervangt_tot")) {
        (Ok(None), Ok(None)) => None,
        (Ok(Some(from)), Ok(Some(until))) if from <= until => Some((from, until)),
        _ => {
            return page(visit, "Vul bij de vervangen periode twee dagen in, de eerste niet na de laatste.".to_owned());
        }
    };
    let options = IntakeOptions { dry_run, replaces, window: None };
    let taken = visit.core().intake_of(&[Source::Bytes(&name, bytes)], options, &|_, _| ());
    let mut reports = taken.map_err(|e| Fault::Unfit(e.to_string()))?;
    let report = reports.pop().ok_or_else(|| Fault::Broken("er is geen verslag".to_owned()))?;
    let refusal = report.refusal.as_ref().map_or_else(String::new, ToString::to_string);
    let more = report.problems_total - report.problems.len() as u64;
    Answer::page(&IntakePage { frame: Frame::of(visit, "Verslag van een levering"), report, refusal, more })
}

fn fate(visit: &Visit<'_>) -> Result<Fate, Fault> {
    let number = visit.part("nummer").parse().map_err(|_| Fault::NotFound)?;
    free(|| visit.core().fate_of(number)).ok_or(Fault::Busy)?.ok_or(Fault::NotFound)
}

/// What became of one delivery by now.
pub fn one(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let Fate { delivered, outcomes, rules, repairs } = fate(visit)?;
    let period = |span: Option<(Day, Day)>| {
        span.map_or_else(String::new, |(from, to)| format!("{} tot en met {}", words::day(from), words::day(to)))
    };
    let head = &delivered.head;
    let facts = [
        ("Ingenomen", words::moment(u64::try_from(head.at).unwrap_or(0))),
        ("Regels", delivered.rows.to_string()),
        ("Vervangt", period(head.replaces)),
        ("Gegevens over", period(head.window)),
        ("SHA-256", head.sha256.to_hex()),
    ];
    let page = DeliveryPage {
        frame: Frame::of(visit, "Levering"),
        facts: facts.into_iter().filter(|(_, fact)| !fact.is_empty()).collect(),
        line: line(&delivered),
        outcomes: outcomes.into_iter().map(|(class, n)| (class.replace('_', " "), n)).collect(),
        rules: rules.into_iter().collect(),
        total: repairs.len(),
        repairs: repairs.into_iter().take(LISTED).collect(),
    };
    Answer::page(&page)
}

/// Every row that wants mending, for who mends the source.
pub fn repairs(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let fate = fate(visit)?;
    let mut text = "regel;fout;wat te doen\r\n".to_owned();
    for repair in &fate.repairs {
        text.push_str(&format!("{};{};\"{}\"\r\n", repair.line, repair.rule, repair.advice.replace('"', "\"\"")));
    }
    Ok(Answer::file("text/csv; charset=utf-8", &format!("herstel-{}.csv", fate.delivered.number), text))
}
