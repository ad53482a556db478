//! Who must consent to break professional secrecy, and whether those consents hold for this request (Jeugdwet 7.3.4 and 7.3.11).

use super::ground::{self, Known};
use super::rules::{AgeLimit, Dated, OverrideRule, Rules, nearest};
use super::situation::{CHILD, Capacity, Consent, ConsentKind, CustodyKind, Override, Situation};
use super::words::{Denied, Refused, plain};
use crate::domain::day::Day;
use crate::domain::oin::Oin;

/// How the consents carry the exchange.
#[derive(Debug)]
pub(super) enum Carried<'a> {
    /// Everybody who must consent does.
    ByConsent,
    /// The child consents, and two people let that be enough.
    ByOverride(&'a OverrideRule),
}

/// Somebody who must consent, in this capacity, by this article.
struct Giver<'a> {
    who: &'a str,
    capacity: Option<Capacity>,
    article: Option<&'a str>,
}

/// Judges the consents of a request.
///
/// # Errors
/// The first defect: the child's, then those of custody holders in their order.
pub(super) fn judge<'a>(rules: &'a Rules, situation: &Situation, known: &Known) -> Result<Carried<'a>, Denied> {
    let day = known.day;
    // An age that no test asked for is a fault of the rule file: then nobody can have consented.
    let age = known.age.ok_or_else(|| Denied::new(Refused::BornMissing).fact("child.born"))?;
    let with_child = age >= rules.age(AgeLimit::ChildConsents, day);
    let alone = age >= rules.age(AgeLimit::ChildAlone, day);
    let of_age = |limit| rules.age_rule(limit, day).map(|row| row.article.as_str());
    if !alone {
        let young = rules.custody_rule(CustodyKind::Gezag, day).map(|row| row.article.as_str());
        let article = if with_child { of_age(AgeLimit::ChildConsents) } else { young };
        custody((rules, day), situation, article)?;
    }
    if with_child || alone {
        let limit = if alone { AgeLimit::ChildAlone } else { AgeLimit::ChildConsents };
        let child = Giver { who: CHILD, capacity: Some(Capacity::Kind), article: of_age(limit) };
        holds(rules, situation, day, &child)?;
    }
    if alone {
        return Ok(Carried::ByConsent);
    }
    let mut refused = situation.custody.iter().filter_map(|entry| {
        let row = rules.custody_rule(entry.kind, day);
        let article = if with_child { of_age(AgeLimit::ChildConsents) } else { row.map(|row| row.article.as_str()) };
        let giver = Giver { who: &entry.who, capacity: row.map(|row| row.capacity), article };
        holds(rules, situation, day, &giver).err().map(|denied| (entry.who.as_str(), denied))
    });
    let Some((first, denied)) = refused.next() else { return Ok(Carried::ByConsent) };
    let passed_over: Vec<&str> = std::iter::once(first).chain(refused.map(|(who, _)| who)).collect();
    let leave = nearest(rules.overrides.iter(), Some(day)).filter(|row| row.validity().holds(day));
    match (&situation.overridden, leave) {
        (Some(given), Some(rule)) if with_child => {
            approved(given, rule, &passed_over).map(|()| Carried::ByOverride(rule))
        }
        _ => Err(denied),
    }
}

/// Whether the list of custody holders can be one: somebody, parents or guardians, of an unborn child its mother alone, and an
/// organisation only as the guardian that it is by a measure.
fn custody((rules, day): (&Rules, Day), situation: &Situation, article: Option<&str>) -> Result<(), Denied> {
    let held = &situation.custody;
    let refuse = |article| Err(Denied::new(Refused::Custody).fact("custody").by(article));
    let nobody = held.iter().any(|entry| entry.who.trim().is_empty() || entry.who == CHILD);
    let guardians = held.iter().filter(|entry| entry.kind == CustodyKind::Voogdij).count();
    let parents_and_guardians = guardians != 0 && guardians != held.len();
    if held.is_empty() || nobody || parents_and_guardians {
        return refuse(article);
    }
    let unborn = situation.child.unborn.then(|| rules.unborn(day)).flatten();
    if let Some(rule) = unborn.filter(|rule| held.iter().any(|entry| entry.who != rule.holder)) {
        return refuse(Some(&rule.article));
    }
    for (entry, oin) in held.iter().filter_map(|entry| Some((entry, Oin::parse(&entry.who).ok()?))) {
        let guardian = rules.guardian(day).filter(|_| entry.kind == CustodyKind::Voogdij);
        let Some(rule) = guardian else { return refuse(article) };
        ground::measure((rules, day), &rule.codes, (oin, "instelling die als voogd instemt"), situation).map_err(
            |denied| match denied.article.is_empty() {
                true => denied.by(Some(&rule.article)),
                false => denied,
            },
        )?;
    }
    Ok(())
}

/// Whether an override may pass these custody holders over.
fn approved(given: &Override, rule: &OverrideRule, passed_over: &[&str]) -> Result<(), Denied> {
    let denied =
        |fact: &str, what: String| Err(Denied::new(Refused::Override).fact(fact).about(what).by(Some(&rule.article)));
    let Some(reason) = rule.reasons.iter().find(|reason| reason.code == given.reason.trim()) else {
        let codes: Vec<&str> = rule.reasons.iter().map(|reason| reason.code.as_str()).collect();
        return denied("override.reason", format!("de reden ({})", codes.join(" of ")));
    };
    let unheard = passed_over.iter().find(|who| !given.refused.iter().any(|name| name == *who));
    if let Some(who) = unheard.filter(|_| reason.after_refusal) {
        return denied("override.refused", format!("de weigering van {}", plain(who)));
    }
    let mut people: Vec<String> = given.approved_by.iter().filter_map(|name| account(name)).collect();
    people.sort();
    people.dedup();
    if people.len() < rule.people {
        return denied("override.approved_by", "een tweede, andere naam".to_owned());
    }
    Ok(())
}

/// The name of an account, as it is compared: capitals, spaces and signs make no other person, and what is no ASCII names nobody.
fn account(name: &str) -> Option<String> {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    (name.is_ascii() && !letters.is_empty()).then(|| letters.to_ascii_lowercase())
}

/// Whether this giver's consents cover the request: each field must be in one that passes every other test.
fn holds(rules: &Rules, situation: &Situation, day: Day, giver: &Giver<'_>) -> Result<(), Denied> {
    let denied =
        |refused: Refused| Denied::new(refused).about(giver.who).fact(format!("consents[{}]", plain(giver.who)));
    let by_giver = |refused: Refused| match refused {
        Refused::ConsentCapacity => denied(refused).by(giver.article),
        Refused::ConsentAge => {
            denied(refused).by(rules.age_rule(AgeLimit::ChildConsents, day).map(|row| row.article.as_str()))
        }
        _ => denied(refused),
    };
    let given = || situation.consents.iter().filter(|consent| consent.by == giver.who);
    let failed = |consent: &Consent| defect(rules, situation, (consent, day), giver.capacity);
    let passing: Vec<&Consent> = given().filter(|consent| failed(consent).is_none()).collect();
    if passing.is_empty() {
        // Of several the one that passes most tests tells best what is the matter; of equals the first.
        let nearest = given().filter_map(failed).reduce(|best, next| if next.0 > best.0 { next } else { best });
        return Err(by_giver(nearest.map_or(Refused::ConsentNone, |(_, refused)| refused)));
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
    // Before a birth nobody but the mother has custody (BW 1:253b).
    let before_birth = |from: Day| !situation.child.unborn && situation.child.born.is_some_and(|born| from < born);
    let mother = |day: Day| rules.unborn(day).is_some_and(|rule| consent.by == rule.holder);
    let no_holder_yet = consent.from.is_some_and(|from| before_birth(from) && !mother(from));
    let tests = [
        (Refused::ConsentKind, consent.kind != ConsentKind::Geheim),
        (Refused::ConsentCapacity, Some(consent.capacity) != capacity || (!is_child && no_holder_yet)),
        (Refused::ConsentAge, is_child && consent.from.is_some_and(too_young)),
        (Refused::ConsentReceiver, !consent.receivers.contains(&situation.receiver.oin)),
        (Refused::ConsentPurpose, !consent.purposes.iter().any(|named| named == purpose)),
        (Refused::ConsentNotYet, consent.from.is_none_or(|from| day < from)),
        (Refused::ConsentExpired, consent.to.is_none_or(|to| to < day)),
        (Refused::ConsentWithdrawn, consent.withdrawn.is_some_and(|withdrawn| withdrawn <= day)),
    ];
    tests.into_iter().enumerate().find_map(|(at, (refused, fails))| fails.then_some((at, refused)))
}
