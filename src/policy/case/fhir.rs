//! A registered consent as an HL7 FHIR R4 `Consent` resource.

use serde_json::{Value, json};

use super::registry::{Registered, Standing};
use super::situation::{Capacity, ConsentKind};
use crate::domain::day::Day;
use crate::domain::moment;

/// What stands before the names of this program's own code lists.
const OWN: &str = "urn:ketenpoort";
/// System of organisation numbers.
const OIN: &str = "urn:oin";

fn coded(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": system, "code": code}]})
}

/// The resource, as it stands on a day. It names no person: who asks for it knows whose consents they are.
#[must_use]
pub fn resource(registered: &Registered, day: Day) -> Value {
    let consent = &registered.given.consent;
    let (article, scope) = match consent.kind {
        ConsentKind::Geheim => ("Jeugdwet 7.3.11(1)", "patient-privacy"),
        ConsentKind::Avg => ("AVG 6(1)a", "patient-privacy"),
    };
    let standing = registered.standing(day);
    let status = if matches!(standing, Standing::Holds | Standing::NotYet) { "active" } else { "inactive" };
    // A withdrawal counts from its day, and the end of a period belongs to it.
    let last = consent.withdrawn.map(|withdrawn| Day(withdrawn.0.saturating_sub(1)));
    let last = consent.to.into_iter().chain(last).min();
    let role = match consent.capacity {
        Capacity::Gezag => "gezag",
        Capacity::Voogd => "voogd",
        Capacity::Kind => "kind",
        Capacity::GeenGezag => "geen gezag",
    };
    let actor = |oin: &crate::domain::oin::Oin| {
        json!({
            "role": coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"),
            "reference": {"type": "Organization", "identifier": {"system": OIN, "value": oin.as_str()}},
        })
    };
    let purpose = |name: &String| json!({"system": format!("{OWN}:doel"), "code": name});
    let field = |name: &String| coded(&format!("{OWN}:veld"), name);
    let mut period = json!({});
    if let Some(from) = consent.from {
        period["start"] = json!(from);
    }
    if let Some(last) = last.filter(|last| consent.from.is_none_or(|from| from <= *last)) {
        period["end"] = json!(last);
    }
    json!({
        "resourceType": "Consent",
        "id": registered.id,
        "identifier": [{"system": format!("{OWN}:toestemming"), "value": registered.id}],
        "status": status,
        "scope": coded("http://terminology.hl7.org/CodeSystem/consentscope", scope),
        "category": [coded("http://loinc.org", "59284-0")],
        "dateTime": moment::seconds(registered.recorded_ms),
        "performer": [{"display": format!("{} ({role})", consent.by)}],
        "sourceReference": {"type": "DocumentReference", "display": registered.given.evidence},
        "policyRule": {"text": article},
        "provision": {
            "type": "permit",
            "period": period,
            "actor": consent.receivers.iter().map(actor).collect::<Vec<_>>(),
            "purpose": consent.purposes.iter().map(purpose).collect::<Vec<_>>(),
            "code": consent.fields.iter().map(field).collect::<Vec<_>>(),
        },
    })
}

/// Several as a `Bundle` of type `collection`.
#[must_use]
pub fn bundle(registered: &[Registered], day: Day) -> Value {
    let entry =
        |known: &Registered| json!({"fullUrl": format!("urn:uuid:{}", known.id), "resource": resource(known, day)});
    json!({"resourceType": "Bundle", "type": "collection", "entry": registered.iter().map(entry).collect::<Vec<_>>()})
}
