//! The register of consents of one child: asked by BSN, shown, added to and withdrawn from.

use std::collections::BTreeSet;

use askama::Template;

use super::answer::{Answer, Fault};
use super::child;
use super::frame::Frame;
use super::visit::Visit;
use super::words;
use crate::crypto::Tag;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::policy::case::Rules;
use crate::policy::case::registry::{Given, Registered, Standing, by_consent};
use crate::policy::case::situation::{Capacity, Consent, ConsentKind};
use crate::service::consent::ConsentError;

/// A value of a list with its name.
struct Choice {
    value: String,
    name: String,
}

struct Line {
    id: String,
    tone: &'static str,
    state: &'static str,
    facts: Vec<(&'static str, String)>,
    open: bool,
}

#[derive(Template)]
#[template(path = "consents.html")]
struct ConsentsPage {
    frame: Frame,
    fault: bool,
}

#[derive(Template)]
#[template(path = "consents_of.html")]
struct OfPage {
    frame: Frame,
    child: String,
    said: Vec<String>,
    faults: Vec<String>,
    lines: Vec<Line>,
    receivers: Vec<Choice>,
    purposes: Vec<Choice>,
    fields: Vec<Choice>,
    today: String,
}

/// The form for the BSN.
pub fn form(visit: &Visit<'_>) -> Result<Answer, Fault> {
    Answer::page(&ConsentsPage { frame: Frame::of(visit, "Toestemmingen"), fault: false })
}

/// The consents of one child.
pub fn of(visit: &Visit<'_>) -> Result<Answer, Fault> {
    match child::asked(visit) {
        Some(subject) => page(visit, &subject, Vec::new(), Vec::new()),
        None => {
            let page = ConsentsPage { frame: Frame::of(visit, "Toestemmingen"), fault: true };
            Ok(Answer::page(&page)?.with_status(422))
        }
    }
}

fn page(visit: &Visit<'_>, subject: &Tag, said: Vec<String>, faults: Vec<String>) -> Result<Answer, Fault> {
    let core = visit.core();
    let today = core.clock.today();
    let known = core.consent_view(subject).map_err(|e| Fault::Broken(e.to_string()))?;
    let names = core.party_names();
    let rules = Rules::national();
    let open: Vec<_> = by_consent(rules, Some(today)).collect();
    let purposes: BTreeSet<&String> = open.iter().flat_map(|row| &row.purposes).collect();
    let fields: BTreeSet<&String> = open.iter().flat_map(|row| &row.maximum).collect();
    let title =
        |name: &String| rules.fields().iter().find(|field| field.name == *name).map(|field| field.title.clone());
    let refused = !faults.is_empty();
    let page = OfPage {
        frame: Frame::of(visit, "Toestemmingen van één kind"),
        child: child::sealed(visit, subject),
        said,
        faults,
        lines: known.iter().map(|one| line(visit, one, today)).collect(),
        receivers: names
            .iter()
            .filter(|(oin, _)| **oin != core.identity.oin)
            .map(|(oin, name)| Choice { value: oin.to_string(), name: name.clone() })
            .collect(),
        purposes: purposes.into_iter().map(|p| Choice { value: p.clone(), name: words::purpose(p) }).collect(),
        fields: fields
            .into_iter()
            .map(|field| Choice { value: field.clone(), name: title(field).unwrap_or_else(|| field.clone()) })
            .collect(),
        today: today.to_string(),
    };
    let answer = Answer::page(&page)?;
    Ok(if refused { answer.with_status(422) } else { answer })
}

fn line(visit: &Visit<'_>, known: &Registered, today: Day) -> Line {
    let names = visit.core().party_names();
    let consent = &known.given.consent;
    let (tone, state) = match known.standing(today) {
        Standing::NotYet => ("wait", "geldt nog niet"),
        Standing::Holds => ("good", "geldt"),
        Standing::Expired => ("wait", "verlopen"),
        Standing::Withdrawn => ("bad", "ingetrokken"),
    };
    let capacity = match consent.capacity {
        Capacity::Gezag => "met gezag",
        Capacity::Voogd => "als voogd",
        Capacity::Kind => "het kind zelf",
        Capacity::GeenGezag => "zonder gezag",
    };
    let day = |day: Option<Day>| day.map_or_else(String::new, words::day);
    let receivers: Vec<String> = consent.receivers.iter().map(|oin| words::party(*oin, &names)).collect();
    let purposes: Vec<String> = consent.purposes.iter().map(|code| words::purpose(code)).collect();
    let facts = vec![
        ("Van wie", format!("{} ({capacity})", consent.by)),
        ("Aan wie", receivers.join(", ")),
        ("Waarvoor", purposes.join(", ")),
        ("Welke gegevens", consent.fields.join(", ")),
        ("Van dag", day(consent.from)),
        ("Tot en met", day(consent.to)),
        ("Telt niet meer vanaf", day(consent.withdrawn)),
        ("Bewijs", known.given.evidence.clone()),
        ("Vastgelegd", words::moment(known.recorded_ms)),
    ];
    let facts = facts.into_iter().filter(|(_, fact)| !fact.is_empty()).collect();
    Line { id: known.id.clone(), tone, state, facts, open: consent.withdrawn.is_none() }
}

fn each<'a>(visit: &'a Visit<'_>, name: &'a str) -> impl Iterator<Item = &'a str> {
    visit.form.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Registers a consent.
pub fn add(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let subject = child::opened(visit)?;
    let day = |name: &str| Day::parse(visit.field(name).trim()).ok();
    let capacity = match visit.field("hoedanigheid") {
        "gezag" => Capacity::Gezag,
        "voogd" => Capacity::Voogd,
        "kind" => Capacity::Kind,
        _ => Capacity::GeenGezag,
    };
    let consent = Consent {
        kind: ConsentKind::Geheim,
        by: visit.field("door").trim().to_owned(),
        capacity,
        receivers: each(visit, "ontvanger").filter_map(|oin| Oin::parse(oin).ok()).collect(),
        purposes: each(visit, "doel").map(str::to_owned).collect(),
        fields: each(visit, "veld").map(str::to_owned).collect(),
        from: day("van"),
        to: day("tot"),
        withdrawn: None,
    };
    let given = Given { consent, born: day("geboren"), evidence: visit.field("bewijs").trim().to_owned() };
    match visit.core().consent_add(&subject, given) {
        Ok(id) => page(visit, &subject, vec![format!("Vastgelegd als toestemming {id}.")], Vec::new()),
        Err(ConsentError::Faults(faults)) => page(visit, &subject, Vec::new(), faults),
        Err(e) => Err(Fault::Broken(e.to_string())),
    }
}

/// Withdraws a consent, and says who has to be told (AVG 19).
pub fn withdraw(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let subject = child::opened(visit)?;
    let core = visit.core();
    let day = match visit.field("dag").trim() {
        "" => core.clock.today(),
        text => Day::parse(text).map_err(|_| Fault::Unfit("Een datum heeft de vorm JJJJ-MM-DD.".to_owned()))?,
    };
    let withdrawn = match core.consent_withdraw(&subject, visit.field("nummer"), day) {
        Ok(withdrawn) => withdrawn,
        Err(e @ (ConsentError::Unknown(_) | ConsentError::NotOpen)) => {
            return page(visit, &subject, Vec::new(), vec![e.to_string()]);
        }
        Err(e) => return Err(Fault::Broken(e.to_string())),
    };
    let notices = core.notices_of(&subject, Some(&withdrawn.given.consent));
    let notices = notices.map_err(|e| Fault::Broken(e.to_string()))?;
    let names = core.party_names();
    let mut said = vec![format!("Deze toestemming telt niet meer vanaf {}.", words::day(day))];
    said.push(match notices.is_empty() {
        true => "Er is op grond van deze toestemming nog niets verstrekt.".to_owned(),
        false => "Laat deze ontvangers weten dat de toestemming is ingetrokken (AVG 19):".to_owned(),
    });
    said.extend(notices.iter().map(|notice| {
        let fields: Vec<&str> = notice.fields.iter().map(String::as_str).collect();
        let doubt = if notice.certain { "" } else { " (van een deel is niet zeker dat het aankwam)" };
        let receiver = words::party(notice.receiver, &names);
        let count = notice.transfers.len();
        format!(
            "{receiver}: {count} overdracht(en), laatst {}, {}{doubt}",
            words::moment(notice.last_ms),
            fields.join(", ")
        )
    }));
    page(visit, &subject, said, Vec::new())
}
