//! `log subject` on an open node: what a person may know, in plain Dutch.

use std::collections::BTreeMap;

use serde_json::json;

use super::officer::{PageForm, SubjectCommand};
use crate::console::paper::Page;
use crate::console::words;
use crate::crypto::Tag;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::node::{Node, SystemClock};
use crate::service::core::Clock;
use crate::service::person::{PersonTransfer, PersonView};

impl Node {
    /// Makes and logs the overview of a person.
    pub(super) fn subject(&self, command: &SubjectCommand) -> Outcome {
        let view = match self.core.person_view(command.person.subject(), command.all) {
            Ok(view) => view,
            Err(e) => return Outcome::failed(e.to_string()),
        };
        let (names, today) = (self.names(), SystemClock.today());
        match command.form {
            PageForm::Json => Outcome::done(pretty(&self.view_json(&view, &names, today))),
            PageForm::Text => Outcome::done(self.view_page(&view, &names, (today, command.all)).to_text()),
            PageForm::Html => Outcome::done(self.view_page(&view, &names, (today, command.all)).to_html()),
        }
    }

    /// The overview of a person, made and logged.
    pub(in crate::node) fn subject_page(&self, subject: &Tag, all: bool) -> Result<Page, String> {
        let view = self.core.person_view(subject, all).map_err(|e| e.to_string())?;
        Ok(self.view_page(&view, &self.names(), (SystemClock.today(), all)))
    }

    /// Names of organisations as the convenants have them.
    pub(super) fn names(&self) -> BTreeMap<Oin, String> {
        self.core.party_names()
    }

    fn view_json(&self, view: &PersonView, names: &BTreeMap<Oin, String>, today: Day) -> serde_json::Value {
        json!({
            "organisatie": {"oin": self.config.oin, "naam": self.config.name},
            "gemaakt_op": today,
            "bekend": view.tells(),
            "overdrachten": view.transfers.iter().map(|transfer| {
                let mut value = serde_json::to_value(transfer).unwrap_or_default();
                value["partner_name"] = json!(transfer.partner.and_then(|oin| names.get(&oin)));
                value
            }).collect::<Vec<_>>(),
            "gebeurtenissen": view.events,
            "gekoppelde_rondes":
                view.linked.iter().map(|(run, start_ms)| json!({"run": run, "start_ms": start_ms})).collect::<Vec<_>>(),
            "tabellen": view.tables.iter().map(|(id, years)| json!({"indicator": id, "jaren": years})).collect::<Vec<_>>(),
        })
    }

    fn view_page(&self, view: &PersonView, names: &BTreeMap<Oin, String>, (today, all): (Day, bool)) -> Page {
        let mut page = Page::new(format!("Uw gegevens bij {}", self.config.name));
        page.text(format!(
            "Dit overzicht is gemaakt op {} (artikel 15 van de AVG). Het gaat over de persoon van wie het \
             burgerservicenummer (BSN) is ingevoerd. Het BSN zelf staat er niet in en is niet bewaard.",
            words::day(today)
        ));
        if all {
            page.text(
                "INTERN, niet uitreiken: dit is het overzicht voor de functionaris gegevensbescherming. Regels die \
                 vertrouwelijk zijn staan er wel in, met een merk.",
            );
        }
        if !view.tells() {
            page.text(
                "Wij hebben geen gegevens over deze persoon gevonden: geen gebeurtenissen, en geen uitwisseling met \
                 andere organisaties via deze voorziening.",
            );
        }
        transfers(&mut page, view, names);
        events(&mut page, view);
        linked(&mut page, view);
        rights(&mut page);
        page
    }
}

fn transfers(page: &mut Page, view: &PersonView, names: &BTreeMap<Oin, String>) {
    page.heading("Met wie zijn gegevens gedeeld?");
    if view.transfers.is_empty() {
        page.text("Wij hebben via deze voorziening geen gegevens over deze persoon gedeeld of ontvangen.");
        return;
    }
    page.text(match view.transfers.len() {
        1 => "Er staat één verwerking in ons logboek.".to_owned(),
        more => format!("Er staan {more} verwerkingen in ons logboek, de oudste eerst."),
    });
    for transfer in &view.transfers {
        let partner = transfer.partner.map(|oin| match names.get(&oin) {
            Some(name) => format!("{name} (nummer {oin})"),
            None => format!("organisatie met nummer {oin}"),
        });
        let marked = if transfer.confidential { " [VERTROUWELIJK, UAVG 41]" } else { "" };
        page.facts(
            format!("{}{marked}", words::moment(transfer.start_ms)),
            vec![
                ("Wat", what(transfer)),
                (if transfer.direction == "INCOMING" { "Van wie" } else { "Aan wie" }, partner.unwrap_or_default()),
                ("Welke gegevens", transfer.fields.join(", ")),
                ("Soort gegevens", transfer.categories.join(", ")),
                ("Waarvoor", words::purpose(&transfer.purpose)),
                ("Op grond van", transfer.grounds.join("; ")),
                ("Zaaknummer", transfer.case.clone()),
                ("Afloop", ending(transfer).to_owned()),
                ("Bewaard tot en met", transfer.retention_until.map_or_else(String::new, words::day)),
                ("Nummer", transfer.transfer_id.clone()),
            ],
        );
    }
}

fn what(transfer: &PersonTransfer) -> String {
    if !transfer.action.is_empty() {
        return transfer.action.clone();
    }
    let way = match transfer.direction.as_str() {
        "INCOMING" => "Gegevens ontvangen",
        "LOCAL" => "Gegevens gebruikt binnen onze organisatie",
        _ => "Gegevens gedeeld",
    };
    way.to_owned()
}

fn ending(transfer: &PersonTransfer) -> &'static str {
    match transfer.outcome.as_deref() {
        _ if transfer.refused => "geweigerd: er zijn geen gegevens gedeeld",
        Some("SENT" | "CONFIRMED") if transfer.direction == "LOCAL" => "uitgevoerd",
        Some("SENT") => "verstuurd",
        Some("CONFIRMED") => "verstuurd, de ontvangst is bevestigd",
        Some("RECEIVED") => "ontvangen",
        Some("FAILED") => "mislukt: er zijn geen gegevens gedeeld",
        Some("UNKNOWN") => "onbekend: het is niet zeker of gegevens zijn aangekomen",
        _ => "nog niet afgerond",
    }
}

fn linked(page: &mut Page, view: &PersonView) {
    if view.linked.is_empty() {
        return;
    }
    page.heading("In welke cijfers over de hele keten telde deze persoon mee?");
    page.text(
        "Voor cijfers over de hele keten worden gegevens van organisaties bij elkaar geteld. Geen organisatie krijgt daarbij te \
         zien om wie het gaat. Deze persoon telde mee in:",
    );
    for (run, start_ms) in &view.linked {
        page.facts(words::moment(*start_ms), vec![("Nummer", run.clone())]);
    }
}

fn events(page: &mut Page, view: &PersonView) {
    page.heading("Wat ligt er bij ons vast?");
    if view.events.is_empty() {
        page.text("In deze voorziening liggen geen gebeurtenissen over deze persoon vast.");
        return;
    }
    page.text(
        "Onze organisatie registreert gebeurtenissen, zoals de start van een maatregel. Hieronder staat hoeveel, per \
         soort en per jaar. De inhoud staat in uw dossier; die vraagt u daar op. De gegevens komen uit ons eigen \
         registratiesysteem.",
    );
    let year = |year: Option<i16>| year.map_or_else(|| "onbekend".to_owned(), |year| year.to_string());
    let row = |events: &crate::service::person::PersonEvents| {
        vec![words::event(events.kind).to_owned(), year(events.year), events.number.to_string()]
    };
    page.table(&["Gebeurtenis", "Jaar", "Aantal"], view.events.iter().map(row).collect());
    if view.tables.is_empty() {
        page.text("Deze gebeurtenissen zijn nog niet meegeteld in cijfers voor andere organisaties.");
        return;
    }
    page.text(
        "Wij tellen gebeurtenissen van alle kinderen samen en geven die aantallen aan de ketenmonitor. In zo'n aantal is \
         niemand te herkennen. Deze gebeurtenissen kunnen zijn meegeteld in:",
    );
    let years = |years: &[i16]| years.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    page.list(view.tables.iter().map(|(id, of)| format!("cijfer {id} over {}", years(of))).collect());
}

fn rights(page: &mut Page) {
    page.heading("Wat kunt u doen?");
    page.list(vec![
        "Klopt iets niet? U kunt vragen om verbetering, aanvulling, verwijdering of beperking, of bezwaar maken."
            .to_owned(),
        "U vraagt dat bij onze functionaris gegevensbescherming.".to_owned(),
        "Bent u het niet met ons eens? Dan kunt u een klacht indienen bij de Autoriteit Persoonsgegevens.".to_owned(),
        "Ook het maken van dit overzicht is vastgelegd; u ziet het terug in een volgend overzicht.".to_owned(),
    ]);
}
