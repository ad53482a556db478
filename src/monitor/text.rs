//! How the report shows an indicator, and the Dutch names of figures that its definition does not name.

use super::quantile::Bin;
use crate::domain::codes::Maatregel;
use crate::domain::query::{Dimension, IndicatorId};
use crate::indicator::definition::{Norm, NormUnit, Timing, Unit, definition};

/// How an indicator is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Counts in a period.
    Flow,
    /// Counts on the last day of the period.
    Stock,
    /// Durations against a norm.
    Duration,
    /// Children of a cohort with a follow-up event.
    Cohort,
    /// Who waits on the last day of the period, by waiting time.
    Waiting,
}

/// What the report makes of an indicator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presentation {
    pub(super) title: &'static str,
    pub(super) shape: Shape,
    /// Measures that can hold the main number; the first one with a number is shown.
    pub(super) whole: &'static [&'static str],
    /// The measure that holds the part within the norm, or with follow-up.
    pub(super) part: Option<&'static str>,
    /// What is counted, in a word.
    pub(super) unit: &'static str,
}

/// The presentation of an indicator.
pub(super) fn presentation(id: IndicatorId) -> Presentation {
    use IndicatorId as I;
    let definition = definition(id);
    let (shape, whole, part): (Shape, &[&str], Option<&str>) = match id {
        I::Ind01 | I::Ind02 | I::Ind24 => {
            (Shape::Flow, &["n_kinderen", "n_som_organisaties", "n_gebeurtenissen"], None)
        }
        I::Ind03 => (Shape::Stock, &["n_kinderen", "n_som_organisaties"], None),
        I::Ind06 => (Shape::Duration, &["n"], Some("binnen_norm")),
        I::Ind07 | I::Ind08 | I::Ind08P => (Shape::Duration, &["noemer"], Some("teller")),
        I::Ind05 | I::Ind09 | I::Ind12 => (Shape::Cohort, &["noemer"], Some("teller")),
        I::Ind10 | I::Ind13 => (Shape::Cohort, &["teller"], None),
        I::Ind11 => (Shape::Cohort, &["teller_gekoppeld"], None),
        I::Ind14 => (Shape::Cohort, &["n_overdrachten"], Some("n_gekoppeld")),
        I::Ind17 => (Shape::Waiting, &["n"], None),
    };
    let unit = match definition.unit {
        Unit::Child | Unit::FirstEvent | Unit::FirstEver => "kinderen",
        Unit::Trajectory => "trajecten",
        Unit::Row => "regels",
    };
    Presentation { title: definition.title, shape, whole, part, unit }
}

/// The marks of a table, with their meaning.
pub(super) const MARKS: &[(&str, &str)] = &[
    ("x", "niet vrijgegeven: te klein, of te herleiden uit andere cijfers"),
    ("-", "kan volgens de definitie niet voorkomen"),
    (".", "niet aangeleverd"),
    ("≥", "ten minste: een of meer organisaties konden hun deel niet vrijgeven of leveren"),
];

/// What an indicator counts; what the gate counted is not bound to one organisation.
pub(super) fn description(id: IndicatorId, linked: bool) -> String {
    let told = definition(id).description;
    if linked { told.replace("bij dezelfde instelling", "bij welke instelling ook") } else { told.to_owned() }
}

/// What makes the number of who is under way or waits larger than it is.
pub(super) fn inflated(id: IndicatorId) -> Option<&'static str> {
    matches!(id, IndicatorId::Ind03 | IndicatorId::Ind17).then_some(
        "Een einde dat een organisatie niet aanleverde, of dat bij het inlezen is geweigerd (quarantaine), telt hier nog als \
         lopend. Hoeveel regels er hoogstens in quarantaine stonden staat bij de dekking; precies, en alleen van zichzelf, ziet elke \
         organisatie het in de datakwaliteit (IND-24).",
    )
}

/// How many rows in quarantine would have ended what a stock counts.
pub(super) fn in_quarantine(rows: u32) -> String {
    format!(
        "hoogstens {rows} regels met een einde of vervolg stonden bij de vrijgave in quarantaine (per organisatie naar boven afgerond op tientallen)"
    )
}

/// The norms of an indicator with their sources, one clause for each.
pub(super) fn norms(id: IndicatorId) -> Option<String> {
    let mut clauses: Vec<String> = Vec::new();
    for of in &definition(id).series {
        if let Some(norm) = of.norm {
            let bare = norm_text(Some(norm)).replace("norm ", "");
            clauses.push(format!("{bare} ({}; {})", series(id, &of.name), norm.source));
        }
    }
    (!clauses.is_empty()).then(|| format!("{}.", clauses.join("; ")))
}

/// What a figure of the whole region counts.
pub(super) const COUNTED_ONCE: &str =
    "Geteld over de hele regio: een kind dat bij meer dan één organisatie bekend is, telt één keer.";

/// What adding up over organisations means for this indicator, where its own description does not say it.
pub(super) fn adding_up(id: IndicatorId) -> Option<&'static str> {
    let defined = definition(id);
    (matches!(defined.unit, Unit::Child | Unit::FirstEvent) && defined.timing == Timing::Flow)
        .then_some("Opgeteld over de organisaties: een kind dat bij twee organisaties telt, telt hier twee keer.")
}

/// The norm of a series.
pub(super) fn norm(id: IndicatorId, series: &str) -> Option<Norm> {
    definition(id).series(series).and_then(|series| series.norm)
}

/// Last calendar or working day within the norm, when it is counted in days.
pub(super) fn norm_days(id: IndicatorId, series: &str) -> Option<i64> {
    norm(id, series).filter(|norm| norm.unit != NormUnit::Months).map(|norm| i64::from(norm.value))
}

/// A norm in words.
pub(super) fn norm_text(norm: Option<Norm>) -> String {
    let Some(norm) = norm else { return "geen norm".to_owned() };
    let unit = match norm.unit {
        NormUnit::WorkingDays => "werkdagen",
        NormUnit::CalendarDays => "dagen",
        NormUnit::Months => "maanden",
    };
    format!("norm {} {unit}", norm.value)
}

/// Name of a series as a heading; the code itself when its definition does not know it.
pub(super) fn series(id: IndicatorId, code: &str) -> String {
    let title = definition(id).series(code).map_or(code, |series| series.title.as_str());
    let mut letters = title.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Whether a series is a measure with a reason of ending (`OTS|04`).
pub(super) fn is_reason(code: &str) -> bool {
    code.contains('|') && !code.starts_with("LOKAAL|") && !code.starts_with("KETEN|")
}

/// Order in which series of an indicator are shown.
pub(super) fn series_order(id: IndicatorId, code: &str) -> usize {
    definition(id).series.iter().position(|series| series.name == code).unwrap_or(usize::MAX)
}

/// A bin of days in words.
pub(super) fn bin((from, to): Bin) -> String {
    match to {
        Some(to) => format!("{from} t/m {to} dagen"),
        None => format!("{from} dagen of langer"),
    }
}

/// Heading of a breakdown.
pub(super) fn dimension(dimension: Dimension) -> &'static str {
    dimension.as_str()
}

/// Name of a dimension value that needs no list of the region.
pub(super) fn value(dimension: Dimension, code: &str) -> String {
    let name = match (dimension, code) {
        (Dimension::Leeftijd, "ONB") => "onbekend",
        (Dimension::Leeftijd, band) => return format!("{} jaar", band.replace('-', " t/m ")),
        (Dimension::Maatregel, "-") => "geen",
        (Dimension::Maatregel, code) => match Maatregel::parse(code) {
            Some(Maatregel::Ots) => "OTS",
            Some(Maatregel::Vots) => "voorlopige OTS",
            Some(Maatregel::Voogdij) => "voogdij",
            Some(Maatregel::VoorlopigeVoogdij) => "voorlopige voogdij",
            Some(Maatregel::TijdelijkeVoogdij) => "tijdelijke voogdij",
            Some(Maatregel::Pjb) => "preventieve jeugdbescherming",
            None => code,
        },
        (_, code) => code,
    };
    name.to_owned()
}
