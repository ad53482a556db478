//! A person's report from a BSN: asked with POST, read into S and forgotten; the number is in no address, page or log.

use askama::Template;

use super::answer::{Answer, Fault};
use super::child;
use super::frame::Frame;
use super::visit::Visit;

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    frame: Frame,
    fault: bool,
}

#[derive(Template)]
#[template(path = "paper.html")]
pub(super) struct PaperPage {
    pub frame: Frame,
    /// Escaped by the paper itself.
    pub paper: String,
    pub back: (&'static str, &'static str),
    /// Where the same is found as a file; empty for nowhere.
    pub file: &'static str,
}

/// The form.
pub fn form(visit: &Visit<'_>) -> Result<Answer, Fault> {
    Answer::page(&PersonPage { frame: Frame::of(visit, "Persoon"), fault: false })
}

/// What a report of a person is asked for; stands in the audit log.
const REASONS: [&str; 4] = ["inzageverzoek", "klacht", "datalek", "controle"];

/// The report, on the page or as a file.
pub fn report(visit: &Visit<'_>) -> Result<Answer, Fault> {
    if !REASONS.contains(&visit.field("reden")) && !visit.field("reden").is_empty() {
        return Err(Fault::Unfit("Kies waarvoor u dit opvraagt.".to_owned()));
    }
    let Some(subject) = child::asked(visit) else {
        return Ok(Answer::page(&PersonPage { frame: Frame::of(visit, "Persoon"), fault: true })?.with_status(422));
    };
    let page = visit.console.office.subject(&subject, visit.field("alles") == "ja").map_err(Fault::Broken)?;
    if visit.field("vorm") == "bestand" {
        return Ok(Answer::file("text/html; charset=utf-8", "overzicht.html", page.to_html()));
    }
    let paper = PaperPage {
        frame: Frame::of(visit, "Overzicht van een persoon"),
        paper: page.to_part(),
        back: ("/persoon", "Persoon"),
        file: "",
    };
    Answer::page(&paper)
}

/// The register of processing activities.
pub fn register(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let page = visit.console.office.register();
    if visit.query.iter().any(|(key, _)| key == "bewaar") {
        return Ok(Answer::file("text/html; charset=utf-8", "register.html", page.to_html()));
    }
    let paper = PaperPage {
        frame: Frame::of(visit, "Register van verwerkingen"),
        paper: page.to_part(),
        back: ("/overzicht", "Overzicht"),
        file: "/register?bewaar",
    };
    Answer::page(&paper)
}

#[derive(Template)]
#[template(path = "retention.html")]
struct RetentionPage {
    frame: Frame,
    lines: Vec<String>,
}

/// What retention is. Destroying keys is a command of two people, not a button.
pub fn retention(visit: &Visit<'_>) -> Result<Answer, Fault> {
    Answer::page(&RetentionPage { frame: Frame::of(visit, "Bewaren"), lines: Vec::new() })
}

/// Whose retention is past: a pass over the whole log, so only when asked for.
pub fn count_retention(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let told = visit.console.office.retention().map_err(Fault::Broken)?;
    let lines = told.lines().map(str::to_owned).collect();
    Answer::page(&RetentionPage { frame: Frame::of(visit, "Bewaren"), lines })
}
