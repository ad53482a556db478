//! The tests of a legal ground: is it law on the day, is the child one of whom it speaks, is the measure the right one.

use super::rules::{AgeLimit, ChildTest, Dated, Exchange, Ground, Named, Pair, Rules, Side, Validity};
use super::situation::{Child, Measure, Situation};
use super::words::{Denied, Refused};
use crate::domain::day::Day;
use crate::domain::oin::Oin;

/// What decides about one request besides the request itself.
pub(super) struct Setting<'a> {
    pub rules: &'a Rules,
    pub exchange: &'a Exchange,
    pub purpose: &'a Named,
    pub pair: &'a Pair,
}

/// The day and the age of the child on it, as far as a ground asks for it. An unborn child has age -1.
pub(super) struct Known {
    pub day: Day,
    pub age: Option<i16>,
}

/// Runs every test of a ground but that of consent.
///
/// # Errors
/// The first test that refuses.
pub(super) fn test(setting: &Setting<'_>, ground: &Ground, situation: &Situation) -> Result<Known, Denied> {
    let day = in_force(setting, ground, situation)?;
    triggered(ground, situation)?;
    if ground.anonymous {
        nobody(situation)?;
    }
    let age = match ground.child {
        ChildTest::Any => exists(situation, day).map(|()| None)?,
        ChildTest::Youth => Some(age_below(setting.rules, AgeLimit::NoYouth, Refused::Youth, (situation, day))?),
        ChildTest::Minor => Some(age_below(setting.rules, AgeLimit::Majority, Refused::Minor, (situation, day))?),
    };
    if let Some(asked) = &ground.measure {
        let side = party(asked.executor, situation);
        measure((setting.rules, day), &asked.codes, side, situation)?;
    }
    if let Some(side) = setting.pair.executor {
        executor(stated(situation)?, party(side, situation))?;
    }
    Ok(Known { day, age })
}

/// A ground that leaves the choice to who holds the data carries nothing that nobody there decided on.
fn triggered(ground: &Ground, situation: &Situation) -> Result<(), Denied> {
    let fits = situation.trigger.map_or(ground.trigger.len() > 1, |trigger| ground.trigger.contains(&trigger));
    if fits { Ok(()) } else { Err(Denied::new(Refused::Trigger).fact("trigger")) }
}

/// Whoever says anything of a child is not asking about nobody.
fn nobody(situation: &Situation) -> Result<(), Denied> {
    let facts = [
        (situation.child.named, "child.named"),
        (Child { named: false, ..situation.child.clone() } != Child::default(), "child"),
        (!situation.custody.is_empty(), "custody"),
        (situation.measure.is_some(), "measure"),
        (!situation.consents.is_empty(), "consents"),
    ];
    let said = facts.into_iter().find_map(|(there, fact)| there.then_some(fact));
    said.map_or(Ok(()), |fact| Err(Denied::new(Refused::Anon).fact(fact)))
}

/// A child that is not said to be unborn was born.
fn exists(situation: &Situation, day: Day) -> Result<(), Denied> {
    let future = !situation.child.unborn && situation.child.born.is_some_and(|born| born > day);
    if future { Err(Denied::new(Refused::BornFuture).fact("child.born")) } else { Ok(()) }
}

fn in_force(setting: &Setting<'_>, ground: &Ground, situation: &Situation) -> Result<Day, Denied> {
    let refused = |validity: Validity| {
        let until = validity.to.map_or_else(String::new, |to| format!(" tot en met {to}"));
        Denied::new(Refused::Law).fact("date").about(format!("vanaf {}{until}", validity.from))
    };
    let day = situation.date.ok_or_else(|| refused(ground.validity()))?;
    let rows = [ground.validity(), setting.exchange.validity(), setting.purpose.validity()];
    rows.into_iter().find(|row| !row.holds(day)).map_or(Ok(day), |row| Err(refused(row)))
}

fn age_below(
    rules: &Rules,
    limit: AgeLimit,
    refused: Refused,
    (situation, day): (&Situation, Day),
) -> Result<i16, Denied> {
    let child = &situation.child;
    let born = child.born.ok_or_else(|| Denied::new(Refused::BornMissing).fact("child.born"))?;
    if child.unborn {
        let fits = rules.unborn(day).is_some_and(|rule| {
            let late = day.0.saturating_sub(born.0);
            late <= rule.days_late && late >= -rule.days_ahead
        });
        let article = rules.unborn(day).map(|rule| rule.article.as_str());
        return if fits { Ok(-1) } else { Err(Denied::new(Refused::Unborn).fact("child.unborn").by(article)) };
    }
    exists(situation, day)?;
    let age = born.age_on(day);
    let row = rules.age_rule(limit, day).filter(|_| refused == Refused::Youth);
    let denied = || Denied::new(refused).fact("child.born").by(row.map(|row| row.article.as_str()));
    if age < rules.age(limit, day) { Ok(age) } else { Err(denied()) }
}

fn missing(fact: &str, what: &str) -> Denied {
    Denied::new(Refused::MeasureMissing).fact(fact).about(what)
}

fn stated(situation: &Situation) -> Result<&Measure, Denied> {
    situation.measure.as_ref().ok_or_else(|| missing("measure", "de maatregel"))
}

/// Who must execute a measure, and how a sentence calls it.
type Party<'a> = (Oin, &'a str);

fn party(side: Side, situation: &Situation) -> Party<'static> {
    match side {
        Side::Sender => (situation.sender.oin, "verzender"),
        Side::Receiver => (situation.receiver.oin, "ontvanger"),
    }
}

/// Whether the measure has one of these codes, exists, is active on the day, and is executed by this party.
///
/// # Errors
/// The first test that refuses.
pub(super) fn measure(
    (rules, day): (&Rules, Day),
    codes: &[String],
    who: Party<'_>,
    situation: &Situation,
) -> Result<(), Denied> {
    let measure = stated(situation)?;
    let code = measure.code.as_ref().filter(|code| !code.is_empty());
    let code = code.ok_or_else(|| missing("measure.code", "de code"))?;
    if !codes.contains(code) {
        return Err(Denied::new(Refused::MeasureCode).fact("measure.code").about(codes.join(" of ")));
    }
    let from = measure.from.ok_or_else(|| missing("measure.from", "de begindatum"))?;
    let ahead = rules.unborn(day).map_or(0, |rule| rule.days_ahead);
    if situation.child.born.is_some_and(|born| from.0 < born.0.saturating_sub(ahead)) {
        return Err(Denied::new(Refused::Facts)
            .fact("measure.from")
            .about("de maatregel begint lang vóór de geboorte"));
    }
    if day < from {
        return Err(Denied::new(Refused::MeasureNotYet).fact("measure.from"));
    }
    if measure.to.is_some_and(|to| to < day) {
        return Err(Denied::new(Refused::MeasureEnded).fact("measure.to"));
    }
    lasts(rules, (code, from), measure.to, day)?;
    executor(measure, who)
}

/// A measure that was not extended ends by itself; one that can be extended shows by its last day that it was.
fn lasts(rules: &Rules, (code, from): (&str, Day), to: Option<Day>, day: Day) -> Result<(), Denied> {
    let Some(rule) = rules.duration(code, day) else { return Ok(()) };
    let extended = rule.extendable && to.is_some();
    if extended || day < from.add_months(rule.months) {
        return Ok(());
    }
    let denied = Denied::new(Refused::MeasureLong).fact("measure.to").by(Some(&rule.article));
    Err(denied.about(format!("{} maanden", rule.months)))
}

fn executor(measure: &Measure, (expected, name): Party<'_>) -> Result<(), Denied> {
    let executor = measure.executor.ok_or_else(|| missing("measure.executor", "de uitvoerende instelling"))?;
    if executor == expected { Ok(()) } else { Err(Denied::new(Refused::Executor).fact("measure.executor").about(name)) }
}
