//! Who must consent to break professional secrecy, and whether those consents hold for this request (Jeugdwet 7.3.4 and 7.3.11).

use super::ground::Known;
use super::rules::{AgeLimit, Dated, OverrideRule, Rules, nearest};
use super::situation::{CHILD, Capacity, Consent, ConsentKind, Override, Situation};
use super::words::{Denied, Refused, plain};
use crate::domain::day::Day;

/// How the consents carry the exchange.
#[derive(Debug)]
pub(super) enum Carried<'a> {
    /// Everybody who must consent does.
    ByConsent,
    /// The child consents, and two people let that be enough.
    ByOverride(&'a OverrideRule),
}

/// Somebody who must consent, in this capacity.
struct Giver<'a> {
    who: &'a str,
    capacity: Option<Capacity>,
}

/// Judges the consents of a request.
///
/// # Errors
/// The first defect: the child's, then those of custody holders in their order.
pub(super) fn judge<'a>(rules: &'a Rules, situation: &Situation, known: &Known) -> Result<Carried<'a>, Denied> {
    // An age that no test asked for is a fault of the rule file: then nobody can have consented.
    let age = known.age.ok_or_else(|| Denied::new(Refused::BornMissing).fact("child.born"))?;
    let with_child = age >= rules.age(AgeLimit::ChildConsents, known.day);
    let alone = age >= rules.age(AgeLimit::ChildAlone, known.day);
    let nobody = situation.custody.iter().any(|entry| entry.who.trim().is_empty() || entry.who == CHILD);
    if !alone && (situation.custody.is_empty() || nobody) {
        return Err(Denied::new(Refused::Custody).fact("custody"));
    }
    let unborn = situation.child.unborn.then(|| rules.unborn(known.day)).flatten();
    if unborn.is_some_and(|rule| situation.custody.iter().any(|entry| entry.who != rule.holder)) {
        return Err(Denied::new(Refused::Custody).fact("custody"));
    }
    if with_child || alone {
        holds(rules, situation, known.day, &Giver { who: CHILD, capacity: Some(Capacity::Kind) })?;
    }
    if alone {
        return Ok(Carried::ByConsent);
    }
    let holders = situation.custody.iter();
    let holders = holders.map(|entry| Giver { who: &entry.who, capacity: rules.capacity(entry.kind, Some(known.day)) });
    let refused = holders.map(|giver| holds(rules, situation, known.day, &giver)).find_map(Result::err);
    let leave = nearest(rules.overrides.iter(), Some(known.day)).filter(|row| row.validity().holds(known.day));
    match (refused, &situation.overridden, leave) {
        (None, _, _) => Ok(Carried::ByConsent),
        (Some(_), Some(given), Some(rule)) if with_child => approved(given, rule).map(|()| Carried::ByOverride(rule)),
        (Some(denied), _, _) => Err(denied),
    }
}

fn approved(given: &Override, rule: &OverrideRule) -> Result<(), Denied> {
    let denied = |fact: &str, what: &str| Denied::new(Refused::Override).fact(fact).about(what);
    if given.reason.trim().is_empty() {
        return Err(denied("override.reason", "de reden"));
    }
    let mut people: Vec<String> = given.approved_by.iter().map(|name| name.trim().to_lowercase()).collect();
    people.retain(|name| !name.is_empty());
    people.sort();
    people.dedup();
    if people.len() < rule.people {
        return Err(denied("override.approved_by", "een tweede, andere naam"));
    }
    Ok(())
}

/// Whether this giver's consents cover the request: each field must be in one that passes every other test.
fn holds(rules: &Rules, situation: &Situation, day: Day, giver: &Giver<'_>) -> Result<(), Denied> {
    let denied =
        |refused: Refused| Denied::new(refused).about(giver.who).fact(format!("consents[{}]", plain(giver.who)));
    let given = || situation.consents.iter().filter(|consent| consent.by == giver.who);
    let failed = |consent: &Consent| defect(rules, situation, (consent, day), giver.capacity);
    let passing: Vec<&Consent> = given().filter(|consent| failed(consent).is_none()).collect();
    if passing.is_empty() {
        // Of several the one that passes most tests tells best what is the matter; of equals the first.
        let nearest = given().filter_map(failed).reduce(|best, next| if next.0 > best.0 { next } else { best });
        return Err(denied(nearest.map_or(Refused::ConsentNone, |(_, refused)| refused)));
    }
    let uncovered = situation.fields.iter().find(|field| !passing.iter().any(|consent| consent.fields.contains(field)));
    uncovered.map_or(Ok(()), |field| Err(denied(Refused::ConsentField).field(field)))
}

/// The first test that a consent fails, with its place in the order; none when it passes all but that of the fields.
fn defect(
    rules: &Rules,
    situation: &Situation,
    (consent, day): (&Consent, Day),
    capacity: Option<Capacity>,
) -> Option<(usize, Refused)> {
    let purpose = situation.purpose.as_deref().unwrap_or_default();
    let too_young = |from: Day| {
        let limit = rules.age(AgeLimit::ChildConsents, from);
        situation.child.born.is_none_or(|born| born.age_on(from) < limit)
    };
    let is_child = capacity == Some(Capacity::Kind);
    let tests = [
        (Refused::ConsentKind, consent.kind != ConsentKind::Geheim),
        (Refused::ConsentCapacity, Some(consent.capacity) != capacity),
        (Refused::ConsentAge, is_child && consent.from.is_some_and(too_young)),
        (Refused::ConsentReceiver, !consent.receivers.contains(&situation.receiver.oin)),
        (Refused::ConsentPurpose, !consent.purposes.iter().any(|named| named == purpose)),
        (Refused::ConsentNotYet, consent.from.is_none_or(|from| day < from)),
        (Refused::ConsentExpired, consent.to.is_none_or(|to| to < day)),
        (Refused::ConsentWithdrawn, consent.withdrawn.is_some_and(|withdrawn| withdrawn <= day)),
    ];
    tests.into_iter().enumerate().find_map(|(at, (refused, fails))| fails.then_some((at, refused)))
}
