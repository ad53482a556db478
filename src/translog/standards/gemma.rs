//! A `Verwerkingsactie` of GEMMA Verwerkingenlogging (api-write), for organisations whose systems still read it.

use serde::{Deserialize, Serialize};

use super::join::{Action, Kind};
use super::ldv::union;
use super::{Setting, Subject, uuid};
use crate::domain::moment::millis as moment;
use crate::domain::oin::Oin;
use crate::translog::entry::{Confidentiality, Entry};

/// One action, in the members of the standard; absent ones are left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verwerkingsactie {
    /// A URN: this log serves no API of the standard.
    pub url: String,
    /// Identifier of the action.
    pub actie_id: String,
    /// Readable name, at most 242 characters.
    pub actie_naam: String,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub handeling_naam: Option<String>,
    /// The purpose.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verwerking_naam: Option<String>,
    /// The transfer.
    pub verwerking_id: String,
    /// A UUID made of the URI of the activity.
    pub verwerkingsactiviteit_id: String,
    /// The URI of the activity.
    pub verwerkingsactiviteit_url: String,
    /// `normaal`, `vertrouwelijk` or `opgeheven`.
    pub vertrouwelijkheid: String,
    /// ISO 8601 duration.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bewaartermijn: Option<String>,
    /// The organisation that acted.
    pub uitvoerder: Oin,
    /// The system.
    pub systeem: String,
    /// The employee, from the separate audit log; at most 40 characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gebruiker: Option<String>,
    /// The organisation from which data came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gegevensbron: Option<String>,
    /// `OIN`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub soort_afnemer_id: Option<String>,
    /// The organisation to which data went.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub afnemer_id: Option<Oin>,
    /// The other organisation's activity.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verwerkingsactiviteit_url_afnemer: Option<String>,
    /// When it began.
    pub tijdstip: String,
    /// When its end was logged.
    pub tijdstip_registratie: String,
    /// The persons; empty for aggregates.
    pub verwerkte_objecten: Vec<VerwerktObject>,
}

/// A person of an action.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerwerktObject {
    /// Identifier of this line.
    pub verwerkt_object_id: String,
    /// `persoon`.
    pub objecttype: String,
    /// What kind of identifier.
    pub soort_object_id: String,
    /// The pseudonym, at most 40 characters.
    pub object_id: String,
    /// `betrokkene`.
    pub betrokkenheid: String,
    /// Names of fields, never values.
    pub verwerkte_soorten_gegevens: Vec<SoortGegeven>,
}

/// The name of a field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SoortGegeven {
    /// The name.
    pub soort_gegeven: String,
}

/// The action in this standard; none for refused connections and for what has not ended. `user` comes from the audit log.
#[must_use]
pub fn verwerkingsactie(
    action: &Action,
    setting: &Setting,
    (subjects, confidentiality): (&[Subject], Option<Confidentiality>),
    user: Option<&str>,
) -> Option<Verwerkingsactie> {
    if matches!(action.kind, Kind::Connections | Kind::Open) {
        return None;
    }
    let (opening, closing) = (action.opening(), action.closing());
    let id = uuid(&[b"ketenpoort/v1/actie\0", &action.trace_id(), &action.span_id()]);
    let activity = action.activity(setting);
    let other = |oin: Option<Oin>| oin.filter(|oin| *oin != setting.ours);
    let text = |text: &str, most: usize| (!text.is_empty()).then(|| text.chars().take(most).collect::<String>());
    let receiver = other(opening.receiver_oin);
    Some(Verwerkingsactie {
        url: format!("urn:uuid:{id}"),
        actie_naam: text(&action.name(), 242).unwrap_or_default(),
        handeling_naam: text(&opening.service, 242),
        verwerking_naam: text(&opening.purpose, 242),
        verwerking_id: opening.transfer_id.to_string(),
        verwerkingsactiviteit_id: uuid(&[b"ketenpoort/v1/activiteit\0", activity.as_bytes()]),
        verwerkingsactiviteit_url: activity,
        vertrouwelijkheid: confidentiality.unwrap_or(Confidentiality::Normal).as_str().to_owned(),
        bewaartermijn: retention(opening),
        uitvoerder: setting.ours,
        systeem: format!("Ketenpoort {}", setting.version),
        gebruiker: user.and_then(|user| text(user, 40)),
        gegevensbron: other(opening.sender_oin).map(|oin| oin.to_string()),
        soort_afnemer_id: receiver.map(|_| "OIN".to_owned()),
        afnemer_id: receiver,
        verwerkingsactiviteit_url_afnemer: text(&opening.activity_peer, 1000),
        tijdstip: moment(action.start_ms()),
        tijdstip_registratie: moment(action.end_ms()),
        verwerkte_objecten: objects(&id, subjects, union(opening, closing, |e| &e.field_names)),
        actie_id: id,
    })
}

fn objects(id: &str, subjects: &[Subject], fields: &[String]) -> Vec<VerwerktObject> {
    let object = |subject: &Subject| VerwerktObject {
        verwerkt_object_id: uuid(&[b"ketenpoort/v1/object\0", id.as_bytes(), subject.id.as_bytes()]),
        objecttype: "persoon".to_owned(),
        soort_object_id: subject.id_type.clone(),
        object_id: subject.id.chars().take(40).collect(),
        betrokkenheid: "betrokkene".to_owned(),
        verwerkte_soorten_gegevens: fields.iter().map(|f| SoortGegeven { soort_gegeven: f.clone() }).collect(),
    };
    subjects.iter().map(object).collect()
}

/// From the day of the action until the last day that the entry's sealed part is kept.
fn retention(entry: &Entry) -> Option<String> {
    let until = i64::from(entry.retention_until?.0);
    let from = i64::try_from(entry.start_ms / 86_400_000).ok()?;
    Some(format!("P{}D", (until - from).max(0)))
}
