//! `log recipients` and `log overrides` on an open node.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::person::Person;
use crate::domain::day::Day;
use crate::domain::moment;
use crate::node::Node;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::service::informed::Told;
use crate::service::notices::{Notice, Why};
use crate::service::subjects::SubjectError;
use crate::translog::entry::TransferId;

/// `log recipients`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecipientsCommand {
    /// Whom it is about.
    pub person: Person,
    /// Because it is erased; else because it is corrected.
    pub erasure: bool,
    /// As JSON.
    pub json: bool,
}

/// `log overrides`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OverridesCommand {
    /// Begun at or after this moment, milliseconds since 1970 UTC.
    pub since: u64,
    /// Begun before this moment.
    pub until: u64,
    /// As JSON.
    pub json: bool,
}

/// `log informed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InformedCommand {
    /// Transfer id.
    pub transfer: String,
    /// The day on which those concerned were told.
    pub on: Option<Day>,
    /// Or why they are not told yet; stands in the log, sealed.
    pub because: Option<String>,
}

impl Node {
    /// Notes that those concerned were told of an exchange, or why not yet.
    pub(super) fn informed(&self, command: &InformedCommand) -> Outcome {
        let Ok(transfer) = TransferId::parse(&command.transfer) else {
            return Outcome::refused("dit is geen nummer van een overdracht");
        };
        let told = match (command.on, &command.because) {
            (Some(day), None) if day <= self.core.clock.today() => Told::On(day),
            (None, Some(reason)) => Told::NotYet(reason.clone()),
            _ => return Outcome::refused("geef met --on een dag tot en met vandaag, of met --because waarom nog niet"),
        };
        match self.core.note_informed(transfer, &told) {
            Ok(true) => Outcome::done("vastgelegd\n"),
            Ok(false) => Outcome::refused("het log kent geen uitwisseling over een kind met dit nummer"),
            Err(e @ SubjectError::Reason) => Outcome::refused(e.to_string()),
            Err(e) => Outcome::failed(e.to_string()),
        }
    }

    /// Lists the exchanges of which nobody is on record as told.
    pub(super) fn uninformed(&self, as_json: bool) -> Outcome {
        let found = match self.core.uninformed() {
            Ok(found) if as_json => return Outcome::done(pretty(&found)),
            Ok(found) => found,
            Err(e) => return Outcome::failed(e.to_string()),
        };
        let mut text =
            format!("{} uitwisseling(en) waarvan niet vaststaat dat betrokkenen zijn geïnformeerd\n", found.len());
        for line in &found {
            let partner = line.partner.map(|oin| oin.to_string()).unwrap_or_default();
            let late = if line.late { "; langer dan een maand geleden (AVG 14 lid 3)" } else { "" };
            let postponed = if line.postponed { "; uitgesteld met een reden" } else { "" };
            let (start, exchange, way) = (moment::seconds(line.start_ms), &line.exchange, line.direction);
            text.push_str(&format!("{} {start} {exchange} {way} {partner}{late}{postponed}\n", line.transfer));
        }
        Outcome::done(text)
    }

    /// Names everybody who received something about a person, and what they are to be told.
    pub(super) fn recipients(&self, command: &RecipientsCommand) -> Outcome {
        let why = if command.erasure { Why::Erasure } else { Why::Correction };
        match self.core.recipients(command.person.subject(), why) {
            Ok(notices) if command.json => {
                Outcome::done(pretty(&json!({"artikel": why.article(), "berichten": notices})))
            }
            Ok(notices) => Outcome::done(told(&notices, why)),
            Err(e) => Outcome::failed(e.to_string()),
        }
    }

    /// Lists the overrides of a period.
    pub(super) fn overrides(&self, command: &OverridesCommand) -> Outcome {
        let found = match self.core.overrides(command.since, command.until) {
            Ok(found) => found,
            Err(e) => return Outcome::failed(e.to_string()),
        };
        if command.json {
            return Outcome::done(pretty(&found));
        }
        let mut text = format!("{} doorbreking(en) met reden en vier ogen\n", found.len());
        for line in &found {
            text.push_str(&format!(
                "{} {} {} {} {} velden {}\n  reden: {}\n  wie akkoord was: log audit, spoor {}\n",
                line.number,
                moment::seconds(line.start_ms),
                line.exchange,
                line.direction,
                line.partner.map(|oin| oin.to_string()).unwrap_or_default(),
                line.fields.join(", "),
                line.reason.as_deref().unwrap_or("niet (meer) te lezen"),
                line.trace.as_deref().unwrap_or("-"),
            ));
        }
        Outcome::done(text)
    }
}

/// Whom to tell, and what.
pub fn told(notices: &[Notice], why: Why) -> String {
    if notices.is_empty() {
        return "Volgens het log is over deze persoon niets aan een andere organisatie verstrekt.\n".to_owned();
    }
    let what = match why {
        Why::Correction => "de verstrekte gegevens zijn verbeterd; verwerk de verbetering",
        Why::Erasure => "de gegevens zijn hier gewist; wis ook wat u ontving, of laat weten waarom dat niet mag",
    };
    let mut text = format!("Bericht aan elke ontvanger ({}): {what}.\n", why.article());
    for notice in notices {
        text.push_str(&format!("- {notice}\n  overdrachten: {}\n", notice.transfers.join(", ")));
    }
    text.push_str("Laat de betrokkene op verzoek weten aan wie dit bericht is gegaan.\n");
    text
}
