//! The tests of a legal ground: is it law on the day, is the child one of whom it speaks, is the measure the right one.

use super::rules::{AgeLimit, ChildTest, Dated, Exchange, Ground, MeasureTest, Named, Pair, Rules, Side, Validity};
use super::situation::{Measure, Situation};
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
    let age = match ground.child {
        ChildTest::Any => None,
        ChildTest::Youth => Some(age_below(setting.rules, AgeLimit::NoYouth, Refused::Youth, (situation, day))?),
        ChildTest::Minor => Some(age_below(setting.rules, AgeLimit::Majority, Refused::Minor, (situation, day))?),
    };
    if let Some(asked) = &ground.measure {
        measure(asked, situation, day)?;
    }
    if let Some(side) = setting.pair.executor {
        executor(stated(situation)?, side, situation)?;
    }
    Ok(Known { day, age })
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
        return if fits { Ok(-1) } else { Err(Denied::new(Refused::Unborn).fact("child.unborn")) };
    }
    if born > day {
        return Err(Denied::new(Refused::BornFuture).fact("child.born"));
    }
    let age = born.age_on(day);
    if age < rules.age(limit, day) { Ok(age) } else { Err(Denied::new(refused).fact("child.born")) }
}

fn missing(fact: &str, what: &str) -> Denied {
    Denied::new(Refused::MeasureMissing).fact(fact).about(what)
}

fn stated(situation: &Situation) -> Result<&Measure, Denied> {
    situation.measure.as_ref().ok_or_else(|| missing("measure", "de maatregel"))
}

fn measure(asked: &MeasureTest, situation: &Situation, day: Day) -> Result<(), Denied> {
    let measure = stated(situation)?;
    let code = measure.code.as_ref().filter(|code| !code.is_empty());
    let code = code.ok_or_else(|| missing("measure.code", "de code"))?;
    if !asked.codes.contains(code) {
        return Err(Denied::new(Refused::MeasureCode).fact("measure.code").about(asked.codes.join(" of ")));
    }
    let from = measure.from.ok_or_else(|| missing("measure.from", "de begindatum"))?;
    if day < from {
        return Err(Denied::new(Refused::MeasureNotYet).fact("measure.from"));
    }
    if measure.to.is_some_and(|to| to < day) {
        return Err(Denied::new(Refused::MeasureEnded).fact("measure.to"));
    }
    executor(measure, asked.executor, situation)
}

fn executor(measure: &Measure, side: Side, situation: &Situation) -> Result<(), Denied> {
    let executor = measure.executor.ok_or_else(|| missing("measure.executor", "de uitvoerende instelling"))?;
    let (expected, name): (Oin, &str) = match side {
        Side::Sender => (situation.sender.oin, "verzender"),
        Side::Receiver => (situation.receiver.oin, "ontvanger"),
    };
    if executor == expected { Ok(()) } else { Err(Denied::new(Refused::Executor).fact("measure.executor").about(name)) }
}
