//! Dutch words for what stands in the log as a code, for people who are not technical.

use std::collections::BTreeMap;

use crate::domain::codes::EventType;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::policy::convenant::Purpose;
use crate::service::register::purpose_name;

const MONTHS: [&str; 12] = [
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
];

/// A day as people write it: `3 maart 2026`.
pub fn day(day: Day) -> String {
    let (year, month, number) = day.ymd();
    let name = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("?");
    format!("{number} {name} {year}")
}

/// A moment in Dutch time: `3 maart 2026 om 14:05`.
pub fn moment(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let zoned = at.and_then(|at| at.in_tz("Europe/Amsterdam").ok());
    zoned.map_or_else(
        || ms.to_string(),
        |at| {
            let date = Day::from_ymd(at.year(), at.month(), at.day()).map_or_else(String::new, day);
            format!("{date} om {:02}:{:02}", at.hour(), at.minute())
        },
    )
}

/// Every purpose code.
pub const PURPOSES: [&str; 9] = ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"];

/// When a day begins in Dutch time, milliseconds since 1970 UTC.
#[must_use]
pub fn midnight(day: Day) -> Option<u64> {
    let (year, month, number) = day.ymd();
    let date = jiff::civil::Date::new(year, month, number).ok()?;
    let begun = date.in_tz("Europe/Amsterdam").ok()?.timestamp().as_millisecond();
    u64::try_from(begun).ok()
}

/// Bytes, rounded down to a unit that reads easily.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut left, mut unit) = (bytes, 0);
    while left >= 10_000 && unit + 1 < units.len() {
        (left, unit) = (left / 1000, unit + 1);
    }
    format!("{left} {}", units[unit])
}

/// How long, in words.
#[must_use]
pub fn span(ms: u64) -> String {
    match ms / 1000 {
        seconds @ ..120 => format!("{seconds} seconden"),
        seconds @ ..7200 => format!("{} minuten", seconds / 60),
        seconds @ ..172_800 => format!("{} uur", seconds / 3600),
        seconds => format!("{} dagen", seconds / 86_400),
    }
}

/// An organisation by its name, or by its number when that is all that is known.
#[must_use]
pub fn party(oin: Oin, names: &BTreeMap<Oin, String>) -> String {
    names.get(&oin).cloned().unwrap_or_else(|| format!("organisatie {oin}"))
}

/// A purpose by its code.
pub fn purpose(code: &str) -> String {
    use Purpose as P;
    let all = [P::P1, P::P2, P::P3, P::P4, P::P5, P::P6, P::P7, P::P8, P::P9];
    let known = all.into_iter().find(|purpose| format!("{purpose:?}") == code);
    known.map_or_else(|| code.to_owned(), |purpose| purpose_name(purpose).to_owned())
}

/// What kind of event the organisation registered.
pub fn event(kind: EventType) -> &'static str {
    use EventType as E;
    match kind {
        E::LtAanmelding => "aanmelding bij het lokale team",
        E::LtStart => "start bij het lokale team",
        E::LtEinde => "einde bij het lokale team",
        E::LtOverdracht => "overdracht door het lokale team",
        E::GemVto => "verzoek tot onderzoek door de gemeente",
        E::GemToewijzing => "toewijzing van hulp",
        E::JbtAanmelding => "aanmelding bij de jeugdbeschermingstafel",
        E::JbtTafel => "bespreking aan de jeugdbeschermingstafel",
        E::JbtBesluit => "besluit van de jeugdbeschermingstafel",
        E::VtAdvies => "advies gevraagd aan Veilig Thuis",
        E::VtMelding => "melding bij Veilig Thuis",
        E::VtTriage => "beoordeling van een melding door Veilig Thuis",
        E::VtOnderzoekStart => "start van onderzoek door Veilig Thuis",
        E::VtOnderzoekEinde => "einde van onderzoek door Veilig Thuis",
        E::VtOverdracht => "overdracht door Veilig Thuis",
        E::VtVto => "verzoek tot onderzoek door Veilig Thuis",
        E::RvdkVtoOntvangen => "verzoek tot onderzoek ontvangen door de Raad",
        E::RvdkIntake => "eerste besluit van de Raad over een verzoek",
        E::RvdkOnderzoekStart => "start van onderzoek door de Raad",
        E::RvdkOnderzoekEinde => "einde van onderzoek door de Raad",
        E::RechtUitspraak => "uitspraak van de rechter",
        E::GiKennisgeving => "bericht aan de gecertificeerde instelling",
        E::GiPjbStart => "start van preventieve jeugdbescherming",
        E::GiPjbEinde => "einde van preventieve jeugdbescherming",
        E::GiMaatregelStart => "start van een maatregel",
        E::GiMaatregelEinde => "einde van een maatregel",
        E::GiInstroomlijst => "plaatsing op de instroomlijst",
        E::GiToewijzingWerker => "jeugdbeschermer toegewezen",
        E::GiEersteContact => "eerste contact",
        E::GiPlan => "plan gemaakt",
        E::GiOvergedragen => "overgedragen aan een andere instelling",
        E::GiOvergenomen => "overgenomen van een andere instelling",
        E::GiHulpvraag => "vraag om hulp tijdens een maatregel",
        E::JhAanmelding => "aanmelding bij een jeugdhulpaanbieder",
        E::JhStart => "start van jeugdhulp",
        E::JhEinde => "einde van jeugdhulp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dutch() {
        assert_eq!(moment(1_772_323_200_000), "1 maart 2026 om 01:00");
        assert_eq!((bytes(0).as_str(), bytes(9_999).as_str(), bytes(72_345_678).as_str()), ("0 B", "9999 B", "72 MB"));
        assert_eq!(purpose("P5"), "uitvoering van een maatregel");
        assert_eq!(purpose("P77"), "P77");
        assert!(PURPOSES.iter().all(|code| purpose(code) != *code));
        let begun = |text: &str| midnight(Day::parse(text).expect("a day")).map(moment);
        assert_eq!(begun("2026-07-01").as_deref(), Some("1 juli 2026 om 00:00"));
        assert_eq!(begun("2026-01-01").as_deref(), Some("1 januari 2026 om 00:00"));
    }
}
