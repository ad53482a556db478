//! An event of NEN 7513 by the (concept) extension of LDV: the line of LDV with the attributes of `dpl.nen7513`. Users come
//! from the audit log of employee actions, joined by trace id.

use serde_json::{Map, Value, json};

use super::join::{Action, Kind};
use super::ldv::{self, Line, object, union};
use super::{Setting, Subject};
use crate::translog::entry::{Confidentiality, Direction, Entry, Phase};

/// An employee behind an action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Number of the account on the machine.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The organisation or account on whose behalf.
    pub on_behalf: String,
    /// The machine.
    pub device: String,
}

/// The event of an action about these subjects, as confidential as it is now; none for an action that has not ended. Refused connections are events here.
#[must_use]
pub fn event(
    action: &Action,
    setting: &Setting,
    (subjects, confidentiality): (&[Subject], Option<Confidentiality>),
    users: &[User],
) -> Option<Line> {
    if action.kind == Kind::Open {
        return None;
    }
    let mut line = ldv::line(action, setting);
    line.resource.extend(object([
        ("nen7513.AuditEnterpriseSiteID", json!(setting.ours)),
        ("nen7513.AuditSourceId", json!(format!("ketenpoort/{}", setting.ours))),
        // Application server process, as in DICOM PS3.15 A.5.
        ("nen7513.AuditSourceTypeCode", json!("4")),
    ]));
    let opening = action.opening();
    let participants = participants(action, subjects, confidentiality);
    line.attributes.extend(object([
        ("dpl.nen7513.eventTypeCode", json!(event_type(action))),
        ("dpl.nen7513.users", Value::Array(accounts(action, setting, users))),
        ("dpl.nen7513.participants", Value::Array(participants)),
    ]));
    for (key, text) in [
        ("dpl.nen7513.autorisatieProtocol", &opening.rules_version),
        ("dpl.nen7513.toestemmingsProfiel", &opening.ground_article),
    ] {
        if !text.is_empty() {
            line.attributes.insert(key.to_owned(), json!(text));
        }
    }
    Some(line)
}

fn event_type(action: &Action) -> &'static str {
    match (action.kind, action.opening().direction) {
        (Kind::Connections, _) => "verbinding-geweigerd",
        (Kind::Refused, _) => "weigering",
        (Kind::Late, _) => "bericht-achteraf",
        (_, Direction::Outgoing) => "verstrekking",
        (_, Direction::Incoming) => "ontvangst",
        (_, Direction::Local) => "gebruik-eigen-organisatie",
    }
}

/// The employees, and the other organisation as a user of its own.
fn accounts(action: &Action, setting: &Setting, users: &[User]) -> Vec<Value> {
    let asked_here = action.caller(setting.ours).is_none();
    let employee = |user: &User| {
        json!({
            "userID": user.id,
            "alternateUserID": user.on_behalf,
            "userName": user.name,
            "userIsRequestor": asked_here,
            "purposeOfUse": action.opening().purpose,
            "networkAccessPointTypeCode": "1",
            "networkAccessPointID": user.device,
        })
    };
    let organisation = action.partner(setting.ours).map(|partner| {
        let mut value = object([
            ("userID", json!(partner)),
            ("userIsRequestor", json!(!asked_here)),
            ("purposeOfUse", json!(action.opening().purpose)),
        ]);
        if let Some(delegator) = action.opening().delegator_oins.iter().find(|oin| **oin != partner) {
            value.insert("alternateUserID".to_owned(), json!(delegator));
        }
        Value::Object(value)
    });
    users.iter().map(employee).chain(organisation).collect()
}

/// The data subjects as persons, and what they have in common: the payload as a system object.
fn participants(action: &Action, subjects: &[Subject], confidentiality: Option<Confidentiality>) -> Vec<Value> {
    let (opening, closing) = (action.opening(), action.closing());
    if opening.phase == Phase::Connection {
        return Vec::new();
    }
    let detail = union(opening, closing, |e: &Entry| &e.field_names);
    let participant = |kind: &str, role: &str, id_type: &str, id: &str| {
        let mut value: Map<String, Value> = object([
            ("participantObjectTypeCode", json!(kind)),
            ("participantObjectTypeCodeRole", json!(role)),
            ("participantObjectIDTypeCode", json!(id_type)),
            ("participantObjectID", json!(id)),
            ("participantObjectDetail", json!(detail)),
        ]);
        if let Some(confidentiality) = confidentiality {
            value.insert("participantObjectSensitivity".to_owned(), json!(confidentiality.as_str()));
        }
        Value::Object(value)
    };
    if subjects.is_empty() {
        return vec![participant("2", "3", "transfer_id", &opening.transfer_id.to_string())];
    }
    subjects.iter().map(|subject| participant("1", "1", &subject.id_type, &subject.id)).collect()
}
