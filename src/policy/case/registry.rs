//! The register of consents of one child: what may be put in it, what its events add up to, and which of them stand on a day.

use serde::{Deserialize, Serialize};

use super::rules::{AgeLimit, Exchange, Rules};
use super::situation::{CHILD, Capacity, Consent, ConsentKind};
use crate::domain::bsn::holds_typed_bsn;
use crate::domain::day::Day;
use crate::policy::card::is_line;

/// A consent as it is registered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// What was consented to, by whom, from when to when.
    pub consent: Consent,
    /// Birth date of the child, when its age counts.
    #[serde(default)]
    pub born: Option<Day>,
    /// Where the proof is: a reference of the organisation to a form, letter or note of the conversation.
    pub evidence: String,
}

/// Something that happened to the consents of a child, as the node keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ConsentEvent {
    /// Somebody consented.
    Given {
        /// Number of the consent: the transfer id of its entry in the log.
        id: String,
        /// When it was registered, milliseconds since 1970 UTC.
        recorded_ms: u64,
        /// Trace id of the command that registered it, 32 hexadecimal digits; the employee stands in the audit log under it.
        trace: String,
        /// The consent.
        given: Box<Given>,
    },
    /// Somebody withdrew it.
    Withdrawn {
        /// Number of the consent.
        id: String,
        /// From which day on it no longer counts.
        day: Day,
        /// When it was registered, milliseconds since 1970 UTC.
        recorded_ms: u64,
        /// Trace id of the command.
        trace: String,
    },
}

/// A consent with all that happened to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Registered {
    /// Its number.
    pub id: String,
    /// When it was registered, milliseconds since 1970 UTC.
    pub recorded_ms: u64,
    /// Trace id of the command that registered it.
    pub trace: String,
    /// The consent, with its withdrawal.
    pub given: Given,
}

/// How a registered consent stands on a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It has not begun.
    NotYet,
    /// It holds for what it names.
    Holds,
    /// Its last day has passed.
    Expired,
    /// It was withdrawn.
    Withdrawn,
}

impl Registered {
    /// How it stands on a day. Whether it is enough for a request is for `decide` to say.
    #[must_use]
    pub fn standing(&self, day: Day) -> Standing {
        let consent = &self.given.consent;
        if consent.withdrawn.is_some_and(|withdrawn| withdrawn <= day) {
            Standing::Withdrawn
        } else if consent.from.is_none_or(|from| day < from) {
            Standing::NotYet
        } else if consent.to.is_none_or(|to| to < day) {
            Standing::Expired
        } else {
            Standing::Holds
        }
    }
}

/// The consents that events add up to, in the order in which they were given. An event about a consent that is not there changes nothing.
#[must_use]
pub fn register(events: impl IntoIterator<Item = ConsentEvent>) -> Vec<Registered> {
    let mut all: Vec<Registered> = Vec::new();
    for event in events {
        match event {
            ConsentEvent::Given { id, recorded_ms, trace, given } => {
                if !all.iter().any(|known| known.id == id) {
                    all.push(Registered { id, recorded_ms, trace, given: *given });
                }
            }
            ConsentEvent::Withdrawn { id, day, .. } => {
                let known = all.iter_mut().find(|known| known.id == id);
                if let Some(known) = known {
                    let earlier = known.given.consent.withdrawn;
                    known.given.consent.withdrawn = Some(earlier.map_or(day, |earlier| earlier.min(day)));
                }
            }
        }
    }
    all
}

/// Why a consent cannot be registered: every reason, in Dutch.
#[must_use]
pub fn faults(rules: &Rules, given: &Given, today: Day) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |when: bool, text: &str| {
        if when {
            faults.push(text.to_owned());
        }
    };
    let consent = &given.consent;
    let named = is_line(&consent.by, 80) && !holds_typed_bsn(&consent.by);
    fault(
        !named,
        "wie instemt is een rol of naam van hoogstens 80 tekens, nooit een BSN (moeder, vader, ouder1, kind, het OIN van een voogd)",
    );
    let proven = is_line(&given.evidence, 200) && !holds_typed_bsn(&given.evidence);
    fault(!proven, "noem waar het bewijs is (kenmerk van formulier, brief of gespreksverslag), zonder BSN");
    fault(consent.receivers.is_empty(), "noem minstens één ontvanger");
    fault(consent.purposes.is_empty() || consent.fields.is_empty(), "noem minstens één doel en één veld");
    match (consent.from, consent.to) {
        (Some(from), Some(to)) => {
            fault(to < from, "de laatste dag ligt vóór de eerste");
            fault(
                from > today,
                "de eerste dag is de dag waarop de toestemming is gegeven, en ligt niet in de toekomst",
            );
        }
        _ => fault(true, "noem de eerste en de laatste dag; een toestemming zonder einde is er niet"),
    }
    fault(consent.withdrawn.is_some(), "intrekken gaat met consent withdraw");
    let child = consent.by == CHILD || consent.capacity == Capacity::Kind;
    fault(
        child && (consent.by != CHILD || consent.capacity != Capacity::Kind),
        "het kind stemt in als `kind`, en niemand anders doet dat",
    );
    fault(consent.capacity == Capacity::GeenGezag, "wie geen gezag heeft kan niet instemmen (BW 1:377c)");
    if child {
        let limit = rules.age(AgeLimit::ChildConsents, today);
        let old = given.born.zip(consent.from).is_some_and(|(born, from)| born.age_on(from) >= limit);
        fault(!old, "een kind stemt zelf in vanaf 12 jaar (Jeugdwet 7.3.4); geef de geboortedatum");
    }
    if consent.kind == ConsentKind::Geheim {
        faults.extend(beyond(rules, consent));
    }
    faults
}

/// Exchanges that may rest on a consent of this day.
pub fn by_consent(rules: &Rules, day: Option<Day>) -> impl Iterator<Item = &Exchange> {
    let consents = move |name: &String| rules.ground(name, day).is_some_and(|ground| ground.consent);
    rules.exchanges().iter().filter(move |row| row.pairs.iter().any(|pair| pair.grounds.iter().any(consents)))
}

/// What a consent names that no exchange can rest on: consent is a ground in a few places only.
fn beyond(rules: &Rules, consent: &Consent) -> Vec<String> {
    let open: Vec<_> = by_consent(rules, consent.from).collect();
    let purpose = |name: &String| open.iter().any(|row| row.purposes.contains(name));
    let field = |name: &String| {
        open.iter().any(|row| row.maximum.contains(name) && row.purposes.iter().any(|p| consent.purposes.contains(p)))
    };
    let mut faults: Vec<String> = Vec::new();
    for name in consent.purposes.iter().filter(|name| !purpose(name)) {
        faults.push(format!("toestemming is geen grondslag voor doel {name}"));
    }
    for name in consent.fields.iter().filter(|name| !field(name)) {
        faults.push(format!("geen uitwisseling met toestemming voor deze doelen noemt het veld `{name}`"));
    }
    faults
}
