//! What was released: every table with its certificate, and a certificate checked anew.

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::visit::Visit;
use super::words;
use crate::crypto::Digest;
use crate::disclosure::ledger::{StoredTable, name};
use crate::domain::query::IndicatorId;
use crate::monitor::html;

/// Tables on a page.
const PAGE: usize = 200;

struct TableLine {
    name: String,
    released: String,
    edition: u32,
    certificate: String,
    short: String,
}

struct Choice {
    value: &'static str,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "releases.html")]
struct ReleasesPage {
    frame: Frame,
    lines: Vec<TableLine>,
    indicators: Vec<Choice>,
    year: String,
    total: usize,
    found: usize,
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct CertificatePage {
    frame: Frame,
    certificate: String,
    tables: Vec<String>,
    flaw: String,
    facts: Vec<(&'static str, usize)>,
    compared: bool,
}

/// Every released table, the newest first, by indicator and year.
pub fn list(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let chosen = IndicatorId::parse(visit.asked("indicator"));
    let year = visit.asked("jaar");
    let all = visit.core().released_tables();
    let wanted = |stored: &&StoredTable| {
        let query = stored.query();
        chosen.is_none_or(|id| query.indicator == id) && (year.is_empty() || query.period.year().to_string() == year)
    };
    let mut found: Vec<&StoredTable> = all.iter().filter(wanted).collect();
    found.sort_by(|a, b| b.released().cmp(&a.released()).then_with(|| a.query().cmp(b.query())));
    let line = |stored: &&StoredTable| TableLine {
        name: name(stored.query()),
        released: words::day(stored.released()),
        edition: stored.edition(),
        certificate: stored.certificate().ok().flatten().map_or_else(String::new, Digest::to_hex),
        short: stored.certificate().ok().flatten().map_or_else(String::new, |hash| hash.to_hex()[..16].to_owned()),
    };
    let of = |id: &&IndicatorId| all.iter().any(|stored| stored.query().indicator == **id);
    let choice = |id: &IndicatorId| Choice {
        value: id.as_str(),
        name: format!("{} {}", id.as_str(), html::title(*id)),
        chosen: chosen == Some(*id),
    };
    let page = ReleasesPage {
        frame: Frame::of(visit, "Vrijgaven"),
        lines: found.iter().take(PAGE).map(line).collect(),
        indicators: IndicatorId::ALL.iter().filter(of).map(choice).collect(),
        year: year.to_owned(),
        total: all.len(),
        found: found.len(),
    };
    Answer::page(&page)
}

/// One certificate, checked anew from what the node keeps.
pub fn certificate(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let wanted = Digest::from_hex(visit.part("certificaat")).ok_or(Fault::NotFound)?;
    let all = visit.core().released_tables();
    let bears = |stored: &&StoredTable| stored.certificate().ok().flatten() == Some(wanted);
    let one = all.iter().find(bears).ok_or(Fault::NotFound)?;
    let checked = visit.core().recheck(&|query| query == one.query()).map_err(|e| Fault::Broken(e.to_string()))?;
    let found = checked.into_iter().find(|found| found.certificate == Some(wanted)).ok_or(Fault::NotFound)?;
    let (facts, flaw) = match &found.result {
        Ok(checked) => (
            vec![
                ("Cellen in het bewijs", checked.cells),
                ("Verbanden ertussen", checked.relations),
                ("Cellen met een getal", checked.numbers),
                ("Te kleine cellen, elk met twee mogelijke werelden", checked.sensitive),
            ],
            String::new(),
        ),
        Err(flaw) => (Vec::new(), flaw.0.to_string()),
    };
    let page = CertificatePage {
        frame: Frame::of(visit, "Certificaat van een vrijgave"),
        certificate: wanted.to_hex(),
        tables: found.tables.iter().map(name).collect(),
        flaw,
        facts,
        compared: found.compared.is_some(),
    };
    Answer::page(&page)
}
