//! What the node knows of a child, as facts that a decision hangs on: from its own case fields and consents, and what a requester states.

use crate::crypto::Tag;
use crate::domain::case::dictionary::days_of;
use crate::domain::case::field::{CaseField, CaseValue, FieldClass};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::policy::case::situation::{Child, Consent, Custody, CustodyKind, Measure, Origin, Situation};
use crate::service::core::Core;
use crate::storage::subjects::SubjectTag;

/// Facts about one child.
#[derive(Default)]
pub(super) struct Facts {
    born: Option<Day>,
    custody: Vec<Custody>,
    measure: Option<Measure>,
    consents: Vec<Consent>,
}

impl Facts {
    /// Whether a measure is known here.
    pub(super) fn knows_measure(&self) -> bool {
        self.measure.is_some()
    }

    /// Puts what we know in place of what the situation says; what only the situation says stays.
    pub(super) fn into_situation(self, situation: &mut Situation) {
        let origins = &mut situation.origins;
        if self.born.is_some() {
            situation.child = Child { born: self.born, ..Child::default() };
            origins.child = Origin::Known;
        }
        if !self.custody.is_empty() {
            situation.custody = self.custody;
            origins.custody = Origin::Known;
        }
        let executed = self.measure.as_ref().is_none_or(|known| known.executor.is_some());
        if self.measure.is_some() && executed {
            origins.measure = Origin::Known;
        }
        situation.measure = measured(self.measure, situation.measure.take());
        if situation.consents.is_empty() {
            origins.consents = Origin::Known;
        }
        situation.consents.extend(self.consents);
    }
}

/// The measure that counts: what is stated, unless we know another one.
fn measured(known: Option<Measure>, stated: Option<Measure>) -> Option<Measure> {
    let Some(known) = known else { return stated };
    let agrees = |stated: &Measure| {
        let same = |a: &Option<Oin>, b: &Option<Oin>| a.is_none() || b.is_none() || a == b;
        known.code == stated.code && same(&known.executor, &stated.executor) && meet(&known, stated)
    };
    match stated {
        // Both: the later first day, the earlier last day.
        Some(stated) if agrees(&stated) => Some(Measure {
            code: known.code,
            from: known.from.max(stated.from),
            to: [known.to, stated.to].into_iter().flatten().min(),
            executor: known.executor.or(stated.executor),
        }),
        _ => Some(known),
    }
}

fn meet(a: &Measure, b: &Measure) -> bool {
    let after = |to: Option<Day>, from: Option<Day>| to.zip(from).is_some_and(|(to, from)| to < from);
    !after(a.to, b.from) && !after(b.to, a.from)
}

impl Core {
    /// What we know of a child today. Of a child that is not there it looks as long and finds nothing.
    pub(super) fn facts(&self, child: &SubjectTag, subject: &Tag, today: Day) -> Result<Facts, ReasonCode> {
        let decides = |field: CaseField| field.class() == FieldClass::Decides;
        let unread = |_| ReasonCode::LogUnavailable;
        let values = self.open_fields(child, &decides).map_err(unread)?;
        let of = |field: CaseField, part: &str| {
            let wanted = move |value: &&CaseValue| value.field == field && value.part == part && value.holds_on(today);
            values.iter().filter(wanted).map(|value| value.value.as_str()).collect::<Vec<_>>()
        };
        let last = |field, part| of(field, part).last().copied();
        let holders = |part: &str, kind: CustodyKind| {
            of(CaseField::Custody, part)
                .into_iter()
                .map(move |who| Custody { who: who.to_owned(), kind })
                .collect::<Vec<_>>()
        };
        let days = last(CaseField::MeasureDates, "").and_then(days_of);
        let measure = last(CaseField::Measure, "").map(|code| Measure {
            code: Some(code.to_owned()),
            from: days.map(|(from, _)| from),
            to: days.and_then(|(_, to)| to),
            executor: last(CaseField::Executor, "").and_then(|oin| Oin::parse(oin).ok()),
        });
        let mut custody = holders("gezag", CustodyKind::Gezag);
        custody.extend(holders("voogdij", CustodyKind::Voogdij));
        let born = last(CaseField::Identity, "geboortedatum").and_then(|day| Day::parse(day).ok());
        let registered = self.consents_of(subject).map_err(|_| ReasonCode::LogUnavailable)?;
        let consents = registered.into_iter().map(|known| known.given.consent).collect();
        Ok(Facts { born, custody, measure, consents })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(code: &str, from: &str, to: Option<&str>) -> Measure {
        let day = |text: &str| Day::parse(text).unwrap();
        Measure { code: Some(code.to_owned()), from: Some(day(from)), to: to.map(day), executor: None }
    }

    #[test]
    fn a_statement_counts_as_far_as_what_is_known_agrees() {
        let stated = || Some(measure("11", "2024-01-01", None));
        assert_eq!(measured(None, stated()), stated(), "nothing is known");
        let ended = measure("11", "2023-06-01", Some("2024-03-01"));
        let both = measure("11", "2024-01-01", Some("2024-03-01"));
        assert_eq!(measured(Some(ended), stated()), Some(both), "it is known to have ended");
        let other = measure("21", "2024-01-01", None);
        assert_eq!(measured(Some(other.clone()), stated()), Some(other), "another one is known");
    }
}
