//! The dictionary of case fields: which parts a field has, and the form of each part.

use super::field::CaseField;
use crate::domain::bsn::holds_typed_bsn;
use crate::domain::day::Day;
use crate::domain::oin::Oin;

/// The form of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Readable text of at most so many characters; no control character but a line end.
    Text(usize),
    /// A day, kept as `jjjj-mm-dd`.
    Date,
    /// A period: `van..tot` or `van..`, both days as `jjjj-mm-dd`.
    Span,
    /// One of these codes.
    Code(&'static [&'static str]),
    /// An OIN of 20 digits.
    Organisation,
}

/// A part of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Of which field.
    pub field: CaseField,
    /// Its name; empty when the field has one part.
    pub name: &'static str,
    /// Its form.
    pub form: Form,
    /// Whether a child may have several on one day.
    pub several: bool,
}

/// A value that is not what the dictionary says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// Not in the form.
    Form,
    /// A number that may be a BSN stands in it.
    HoldsBsn,
}

const YES_NO: Form = Form::Code(&["J", "N"]);
const TOLD: Form = Form::Code(&["J", "N", "UITGESTELD"]);
const SEX: Form = Form::Code(&["M", "V", "O"]);
const MEASURE: Form = Form::Code(&["11", "12", "21", "22", "23", "31"]);
const FRAME: Form = Form::Code(&["VRIJWILLIG", "DRANG", "DWANG"]);
/// Broad on purpose: a category tells a table what to prepare, never what happened.
const CONCERN: Form = Form::Code(&[
    "VEILIGHEID",
    "VERZORGING",
    "ONTWIKKELING",
    "GEDRAG",
    "SCHOOLVERZUIM",
    "SCHEIDING",
    "OUDERSCHAP",
    "GEZAG",
    "ANDERS",
]);
const LINE: Form = Form::Text(200);
const TEXT: Form = Form::Text(2000);

const fn one(field: CaseField, name: &'static str, form: Form) -> Part {
    Part { field, name, form, several: false }
}

const fn some(field: CaseField, name: &'static str, form: Form) -> Part {
    Part { field, name, form, several: true }
}

/// Every part of every field that may be stored.
pub const PARTS: &[Part] = &[
    one(CaseField::Identity, "naam", LINE),
    one(CaseField::Identity, "geboortedatum", Form::Date),
    one(CaseField::Identity, "geslacht", SEX),
    one(CaseField::Identity, "adres", LINE),
    some(CaseField::Custody, "gezag", LINE),
    some(CaseField::Custody, "voogdij", LINE),
    some(CaseField::ConcernCategory, "", CONCERN),
    some(CaseField::HelpSoFar, "", TEXT),
    one(CaseField::Informed, "ouders", TOLD),
    one(CaseField::Informed, "kind", TOLD),
    one(CaseField::Informed, "reden", LINE),
    one(CaseField::SafetyFlag, "", YES_NO),
    one(CaseField::Rekest, "", YES_NO),
    one(CaseField::Measure, "", MEASURE),
    one(CaseField::MeasureDates, "", Form::Span),
    one(CaseField::Executor, "", Form::Organisation),
    one(CaseField::ExpectedStart, "", Form::Date),
    one(CaseField::EndDate, "", Form::Date),
    one(CaseField::Plan, "", TEXT),
    some(CaseField::PlanGoals, "", TEXT),
    some(CaseField::HelpWish, "", TEXT),
    some(CaseField::ProfessionalsContact, "", LINE),
    some(CaseField::ActiveHelp, "", TEXT),
    some(CaseField::SafetyAgreements, "", TEXT),
    one(CaseField::MeasureStatus, "", FRAME),
    one(CaseField::Phase, "", LINE),
    one(CaseField::DossierRef, "", Form::Text(64)),
];

/// The part of a field with this name.
#[must_use]
pub fn part(field: CaseField, name: &str) -> Option<&'static Part> {
    PARTS.iter().find(|part| part.field == field && part.name == name)
}

impl Part {
    /// The value as it is kept.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn normal(&self, text: &str, date: &dyn Fn(&str) -> Option<Day>) -> Result<String, Wrong> {
        let kept = match self.form {
            Form::Text(longest) => readable(text, longest),
            Form::Date => date(text).map(|day| day.to_string()),
            Form::Span => span(text, date),
            Form::Code(codes) => codes.iter().find(|code| **code == text).map(|code| (*code).to_owned()),
            Form::Organisation => Oin::parse(text).ok().map(|oin| oin.to_string()),
        };
        let kept = kept.ok_or(Wrong::Form)?;
        // An OIN may hold nine digits that pass the check of a BSN.
        let guardian = self.name == "voogdij" && Oin::parse(&kept).is_ok();
        match self.form {
            Form::Text(_) if !guardian && holds_typed_bsn(&kept) => Err(Wrong::HoldsBsn),
            _ => Ok(kept),
        }
    }
}

fn readable(text: &str, longest: usize) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= longest;
    (fits && text.chars().all(|c| c == '\n' || !c.is_control())).then(|| text.to_owned())
}

fn span(text: &str, date: &dyn Fn(&str) -> Option<Day>) -> Option<String> {
    let (from, to) = text.split_once("..")?;
    let from = date(from)?;
    if to.is_empty() {
        return Some(format!("{from}.."));
    }
    let to = date(to).filter(|to| from <= *to)?;
    Some(format!("{from}..{to}"))
}

/// The two days of a kept span.
#[must_use]
pub fn days_of(span: &str) -> Option<(Day, Option<Day>)> {
    let (from, to) = span.split_once("..")?;
    let to = if to.is_empty() { None } else { Some(Day::parse(to).ok()?) };
    Some((Day::parse(from).ok()?, to))
}

#[cfg(test)]
mod tests {
    use super::super::field::FieldClass;
    use super::*;

    fn day(text: &str) -> Option<Day> {
        Day::parse(text).ok()
    }

    #[test]
    fn every_field_that_may_be_stored_has_parts_and_the_others_none() {
        for field in CaseField::ALL {
            let parts: Vec<_> = PARTS.iter().filter(|part| part.field == *field).collect();
            assert_eq!(parts.is_empty(), field.class() == FieldClass::Never, "{field}");
            for part in parts {
                assert_eq!(super::part(*field, part.name), Some(part), "one part of a name");
            }
        }
    }

    #[test]
    fn a_value_is_kept_in_one_form_or_not_at_all() {
        let of = |field, name: &str, text: &str| part(field, name).expect("a part").normal(text, &day);
        let kept = |text: &str| Ok(text.to_owned());
        assert_eq!(of(CaseField::Measure, "", "11"), kept("11"));
        assert_eq!(of(CaseField::Measure, "", "13"), Err(Wrong::Form));
        assert_eq!(of(CaseField::MeasureDates, "", "2024-01-01.."), kept("2024-01-01.."));
        assert_eq!(of(CaseField::MeasureDates, "", "2024-01-02..2024-01-01"), Err(Wrong::Form));
        assert_eq!(of(CaseField::Plan, "", "  in uitvoering\nsinds mei "), kept("in uitvoering\nsinds mei"));
        assert_eq!(of(CaseField::Plan, "", "bel\u{7}"), Err(Wrong::Form));
        assert_eq!(of(CaseField::Plan, "", ""), Err(Wrong::Form));
        assert_eq!(of(CaseField::Plan, "", &"a".repeat(2001)), Err(Wrong::Form));
        assert_eq!(of(CaseField::Plan, "", "zie 1112.22.333"), Err(Wrong::HoldsBsn));
        assert_eq!(of(CaseField::Custody, "voogdij", "00000099111222333000"), kept("00000099111222333000"));
        assert_eq!(of(CaseField::Custody, "gezag", "00000099111222333000"), Err(Wrong::HoldsBsn));
        assert_eq!(days_of("2024-01-01..2024-12-31"), day("2024-01-01").map(|from| (from, day("2024-12-31"))));
    }
}
