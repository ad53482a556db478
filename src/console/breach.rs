//! The pack for a breach (AVG 33 and 34): which transfers it may have touched, as the draft of a report and as a file of entries.

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::office::Breach;
use super::person::PaperPage;
use super::visit::Visit;
use super::words;
use crate::crypto::Digest;
use crate::domain::day::Day;
use crate::domain::oin::Oin;

/// Of this form stands in the audit log.
pub const KEYS: &[&str] = &["van", "tot", "partner", "certificaat", "sleutel", "ontdekt", "vorm"];

#[derive(Template)]
#[template(path = "breach.html")]
struct BreachPage {
    frame: Frame,
    fault: &'static str,
    partners: Vec<(String, String)>,
}

/// The form.
pub fn form(visit: &Visit<'_>) -> Result<Answer, Fault> {
    page(visit, "")
}

fn page(visit: &Visit<'_>, fault: &'static str) -> Result<Answer, Fault> {
    let names = visit.core().party_names();
    let others = names.into_iter().filter(|(oin, _)| *oin != visit.core().identity.oin);
    let partners = others.map(|(oin, name)| (oin.to_string(), name)).collect();
    let answer = Answer::page(&BreachPage { frame: Frame::of(visit, "Datalek"), fault, partners })?;
    Ok(if fault.is_empty() { answer } else { answer.with_status(422) })
}

/// The pack: as a page, as a page to keep, or the entries.
pub fn pack(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let asked = match asked(visit) {
        Ok(asked) => asked,
        Err(fault) => return page(visit, fault),
    };
    let (paper, entries) = visit.console.office.breach(&asked).map_err(Fault::Broken)?;
    match visit.field("vorm") {
        "regels" => Ok(Answer::file("text/csv; charset=utf-8", "datalek-regels.csv", entries)),
        "bestand" => Ok(Answer::file("text/html; charset=utf-8", "datalek-melding.html", paper.to_html())),
        _ => Answer::page(&PaperPage {
            frame: Frame::of(visit, "Datalek"),
            paper: paper.to_part(),
            back: ("/datalek", "Datalek"),
            file: "",
        }),
    }
}

fn asked(visit: &Visit<'_>) -> Result<Breach, &'static str> {
    let moment = |name: &str, later: i32| match visit.field(name).trim() {
        "" => Ok(None),
        text => match Day::parse(text).ok().and_then(|day| words::midnight(Day(day.0 + later))) {
            Some(moment) => Ok(Some(moment)),
            None => Err("Een datum heeft de vorm JJJJ-MM-DD."),
        },
    };
    let hash = |name: &str| match visit.field(name).trim() {
        "" => Ok(None),
        text => match Digest::from_hex(&text.strip_prefix("sha256:").unwrap_or(text).to_lowercase()) {
            Some(hash) => Ok(Some(hash)),
            None => Err("Een vingerafdruk heeft 64 hexadecimale cijfers."),
        },
    };
    let (Some(since), Some(until)) = (moment("van", 0)?, moment("tot", 1)?) else {
        return Err("Vul in van welke dag tot en met welke dag het lek kan hebben geduurd.");
    };
    if until <= since {
        return Err("De laatste dag ligt voor de eerste.");
    }
    let partner = match visit.field("partner") {
        "" => None,
        text => Some(Oin::parse(text).map_err(|_| "Dit is geen nummer van een organisatie.")?),
    };
    let (certificate, key) = (hash("certificaat")?, hash("sleutel")?);
    Ok(Breach { span: (since, until), certificate, key, partner, discovered: moment("ontdekt", 0)? })
}
