//! What a page answers, and what goes wrong in words for people.

use askama::Template;

use super::frame::Frame;
use crate::service::accounts::Role;

/// A finished answer; the headers that every answer has are added where it leaves.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A page.
    ///
    /// # Errors
    /// [`Fault::Broken`] when the page cannot be written.
    pub fn page(page: &impl Template) -> Result<Self, Fault> {
        let body = page.render().map_err(|e| Fault::Broken(e.to_string()))?.into_bytes();
        Ok(Self { status: 200, headers: vec![("content-type", "text/html; charset=utf-8".to_owned())], body })
    }

    /// Go and see another page, with GET. `place` is made by the code, or by [`super::visit::place_here`].
    #[must_use]
    pub fn see(place: &str) -> Self {
        Self { status: 303, headers: vec![("location", place.to_owned())], body: Vec::new() }
    }

    /// A file to keep.
    #[must_use]
    pub fn file(kind: &str, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let safe: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' }).collect();
        let headers = vec![
            ("content-type", kind.to_owned()),
            ("content-disposition", format!("attachment; filename=\"{safe}\"")),
        ];
        Self { status: 200, headers, body: bytes.into() }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Why there is no page.
#[derive(Debug)]
pub enum Fault {
    /// No such page or thing.
    NotFound,
    /// The page belongs to other roles.
    Roles(&'static [Role]),
    /// The form did not come from this session.
    Foreign,
    /// What was filled in cannot be used; why, in Dutch.
    Unfit(String),
    /// Too large.
    TooLarge,
    /// Too many children looked up in this hour.
    TooMany,
    /// Somebody elsewhere leads here; where to go on.
    Elsewhere(String),
    /// Another file is being taken in.
    Busy,
    /// Too many attempts in this minute.
    TooOften,
    /// Something of the node does not work; what, in Dutch.
    Broken(String),
}

impl Fault {
    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Roles(_) | Self::Foreign | Self::Elsewhere(_) => 403,
            Self::Unfit(_) => 422,
            Self::TooLarge => 413,
            Self::Busy => 503,
            Self::TooOften | Self::TooMany => 429,
            Self::Broken(_) => 500,
        }
    }

    fn told(&self) -> (&'static str, String, String) {
        match self {
            Self::NotFound => (
                "Deze pagina is er niet",
                "Het adres klopt niet, of wat u zoekt bestaat niet (meer).".to_owned(),
                "Controleer het adres, of begin opnieuw bij het overzicht.".to_owned(),
            ),
            Self::Roles(roles) => {
                let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
                (
                    "Deze pagina hoort niet bij uw rol",
                    format!("Deze pagina is alleen voor: {}.", names.join(", ")),
                    "Hebt u deze pagina nodig voor uw werk? Vraag de beheerder om de rol. Uw verzoek is vastgelegd."
                        .to_owned(),
                )
            }
            Self::Foreign => (
                "Dit formulier kan niet worden verwerkt",
                "Het formulier is niet vanuit uw huidige sessie verstuurd. Er is niets gewijzigd.".to_owned(),
                "Ga terug, herlaad de pagina en verstuur het formulier opnieuw.".to_owned(),
            ),
            Self::Unfit(reason) => (
                "Dit kan niet worden verwerkt",
                reason.clone(),
                "Ga terug, pas het aan en probeer het opnieuw. Er is niets gewijzigd.".to_owned(),
            ),
            Self::TooLarge => (
                "Dit is te groot",
                "Wat u verstuurde is groter dan deze pagina aanneemt.".to_owned(),
                "Verstuur minder tegelijk. Er is niets gewijzigd.".to_owned(),
            ),
            Self::TooMany => (
                "Te veel personen in een uur",
                "U hebt in dit uur meer personen opgezocht dan de console toestaat.".to_owned(),
                "Wacht tot het volgende uur. Hoort dit bij uw werk, gebruik dan de opdracht log subject op de server."
                    .to_owned(),
            ),
            Self::Elsewhere(_) => (
                "Wilt u deze pagina openen?",
                "Een verwijzing van buiten de console leidt hierheen. Wat u op de console bekijkt, wordt op uw naam vastgelegd."
                    .to_owned(),
                "Ga alleen door als u dit zelf wilde bekijken.".to_owned(),
            ),
            Self::Busy => (
                "De node is bezig",
                "Er wordt al een bestand ingenomen. Er is niets gewijzigd.".to_owned(),
                "Wacht tot dat klaar is en probeer het opnieuw.".to_owned(),
            ),
            Self::TooOften => (
                "Te veel pogingen",
                "Vanaf dit adres, of in totaal, is deze minuut te vaak geprobeerd om in te loggen.".to_owned(),
                "Wacht een minuut en probeer het opnieuw.".to_owned(),
            ),
            Self::Broken(reason) => (
                "Dit lukt nu niet",
                reason.clone(),
                "Probeer het over een minuut opnieuw. Blijft het zo, laat dan de beheerder deze melding zien."
                    .to_owned(),
            ),
        }
    }

    /// The page that says so.
    #[must_use]
    pub fn page(&self, frame: Frame) -> Answer {
        let (title, sentence, remedy) = self.told();
        let (to, go) = match self {
            Self::Elsewhere(place) => (place.clone(), "Doorgaan"),
            _ => ("/".to_owned(), "Naar het begin"),
        };
        let page = FaultPage { frame: frame.titled(title), sentence, remedy, to, go };
        Answer::page(&page).map_or_else(
            |_| Answer { status: 500, headers: Vec::new(), body: Vec::new() },
            |answer| answer.with_status(self.status()),
        )
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage {
    frame: Frame,
    sentence: String,
    remedy: String,
    to: String,
    go: &'static str,
}
