//! `consent ..` on an open node.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Node;
use super::command::Outcome;
use super::log::person::Person;
use super::show::pretty;
use crate::domain::day::Day;
use crate::domain::moment;
use crate::policy::case::registry::{Given, Registered, Standing};
use crate::policy::case::situation::{Capacity, ConsentKind, Situation};
use crate::policy::case::{Decision, fhir};
use crate::service::consent::ConsentError;

/// What is done with the register of consents of one child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ConsentLocal {
    /// Register a consent.
    Add {
        /// The child.
        person: Person,
        /// The consent.
        given: Box<Given>,
        /// As JSON.
        json: bool,
    },
    /// Withdraw one.
    Withdraw {
        /// The child.
        person: Person,
        /// Number of the consent.
        id: String,
        /// From which day on; none is today.
        day: Option<Day>,
        /// As JSON.
        json: bool,
    },
    /// Show them.
    Show {
        /// The child.
        person: Person,
        /// How.
        form: ConsentForm,
    },
    /// What would be decided with them.
    Check {
        /// The child.
        person: Person,
        /// The situation; its own consents are not looked at.
        situation: Box<Situation>,
        /// As JSON.
        json: bool,
    },
}

/// How consents are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ConsentForm {
    /// For people.
    Text,
    /// As the register has them.
    Json,
    /// As a FHIR R4 bundle.
    Fhir,
}

impl Node {
    /// Runs a command on the register of consents.
    pub(super) fn consent(&self, command: ConsentLocal) -> Outcome {
        let done = match command {
            ConsentLocal::Add { person, given, json } => self.add_consent(&person, *given, json),
            ConsentLocal::Withdraw { person, id, day, json } => self.withdraw_consent(&person, &id, day, json),
            ConsentLocal::Show { person, form } => self.show_consents(&person, form),
            ConsentLocal::Check { person, situation, json } => self
                .core
                .consent_check(person.subject(), *situation)
                .map(|decision| Outcome::done(if json { pretty(&decision) } else { decided(&decision) })),
        };
        done.unwrap_or_else(|e| match e {
            ConsentError::Subject(_) | ConsentError::Core(_) => Outcome::failed(e.to_string()),
            _ => Outcome::refused(e.to_string()),
        })
    }

    fn add_consent(&self, person: &Person, given: Given, as_json: bool) -> Result<Outcome, ConsentError> {
        let kind = given.consent.kind;
        let id = self.core.consent_add(person.subject(), given)?;
        let mut outcome = Outcome::done(if as_json {
            pretty(&json!({"toestemming": id}))
        } else {
            format!(
                "Vastgelegd als toestemming {id}.\nBewaar dit nummer: intrekken gaat met consent withdraw --id {id}\n"
            )
        });
        if kind == ConsentKind::Avg {
            "Let op: toestemming volgens AVG 6(1)a is vastgelegd, en is nooit een grondslag voor een uitwisseling."
                .clone_into(&mut outcome.stderr);
        }
        Ok(outcome)
    }

    fn withdraw_consent(
        &self,
        person: &Person,
        id: &str,
        day: Option<Day>,
        as_json: bool,
    ) -> Result<Outcome, ConsentError> {
        let day = day.unwrap_or_else(|| self.core.clock.today());
        let withdrawn = self.core.consent_withdraw(person.subject(), id, day)?;
        let notices = self.core.notices_of(person.subject(), Some(&withdrawn.given.consent))?;
        if as_json {
            return Ok(Outcome::done(pretty(&json!({"toestemming": id, "ingetrokken": day, "berichten": notices}))));
        }
        let mut text = format!("Toestemming {id} telt niet meer vanaf {day}.\n");
        if notices.is_empty() {
            text.push_str("Er is op grond van deze toestemming nog niets verstrekt.\n");
        } else {
            text.push_str("Laat deze ontvangers weten dat de toestemming is ingetrokken (AVG 19):\n");
            for notice in &notices {
                text.push_str(&format!("- {notice}\n"));
            }
        }
        Ok(Outcome::done(text))
    }

    fn show_consents(&self, person: &Person, form: ConsentForm) -> Result<Outcome, ConsentError> {
        let (consents, today) = (self.core.consent_view(person.subject())?, self.core.clock.today());
        Ok(Outcome::done(match form {
            ConsentForm::Json => pretty(&consents),
            ConsentForm::Fhir => pretty(&fhir::bundle(&consents, today)),
            ConsentForm::Text if consents.is_empty() => "geen toestemmingen bekend van deze persoon\n".to_owned(),
            ConsentForm::Text => consents.iter().map(|known| line(known, today)).collect(),
        }))
    }
}

/// A decision for people.
pub fn decided(decision: &Decision) -> String {
    let field = decision.field().map_or_else(String::new, |field| format!("veld:       {field}\n"));
    let code = decision.reason().map_or_else(String::new, |code| format!("redencode:  {code}\n"));
    format!(
        "{}\n\nbesluit:    {}\nregel:      {}\nartikel:    {}\n{field}{code}regels:     {} ({})\n",
        decision.zin(),
        if decision.allowed() { "toegestaan" } else { "geweigerd" },
        decision.rule(),
        decision.article(),
        decision.rules_version(),
        decision.rules_hash(),
    )
}

fn line(known: &Registered, today: Day) -> String {
    let consent = &known.given.consent;
    let standing = match known.standing(today) {
        Standing::NotYet => "geldt nog niet",
        Standing::Holds => "geldt",
        Standing::Expired => "verlopen",
        Standing::Withdrawn => "ingetrokken",
    };
    let capacity = match consent.capacity {
        Capacity::Gezag => "met gezag",
        Capacity::Voogd => "als voogd",
        Capacity::Kind => "het kind zelf",
        Capacity::GeenGezag => "zonder gezag",
    };
    let kind = match consent.kind {
        ConsentKind::Geheim => "doorbreken van het beroepsgeheim",
        ConsentKind::Avg => "AVG 6(1)a, nooit een grondslag voor een uitwisseling",
    };
    let day = |day: Option<Day>| day.map_or_else(|| "?".to_owned(), |day| day.to_string());
    let receivers: Vec<&str> = consent.receivers.iter().map(crate::domain::oin::Oin::as_str).collect();
    let withdrawn = consent.withdrawn.map_or_else(String::new, |day| format!("; telt niet meer vanaf {day}"));
    format!(
        "{} {standing}\n  van:        {} ({capacity}); {kind}\n  aan:        {}\n  doel:       {}\n  velden:     {}\n  \
         dagen:      {} tot en met {}{withdrawn}\n  bewijs:     {}\n  vastgelegd: {} (medewerker: log audit, spoor {})\n",
        known.id,
        consent.by,
        receivers.join(", "),
        consent.purposes.join(", "),
        consent.fields.join(", "),
        day(consent.from),
        day(consent.to),
        known.given.evidence,
        moment::seconds(known.recorded_ms),
        known.trace,
    )
}
