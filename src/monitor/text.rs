//! The Dutch words of the report: titles, definitions and norms of the indicators, names of series and measures.

use crate::domain::codes::{Maatregel, Reden};
use crate::domain::query::{Dimension, IndicatorId};

/// How an indicator is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Counts in a period.
    Flow,
    /// Counts on the last day of the period.
    Stock,
    /// Durations against a norm.
    Duration,
    /// A part of a cohort.
    Cohort,
    /// Who waits on the last day of the period.
    Waiting,
    /// Rows per outcome, without a period.
    Quality,
}

/// What a reader is told of an indicator.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndicatorText {
    pub(super) title: &'static str,
    pub(super) sentence: &'static str,
    pub(super) norm: Option<&'static str>,
    pub(super) shape: Shape,
    /// Measures that can hold the main number, the first one that is present first.
    pub(super) whole: &'static [&'static str],
    /// Measures that hold a part of it, with their names.
    pub(super) parts: &'static [(&'static str, &'static str)],
}

const CHILDREN: &[&str] = &["n_som_organisaties", "n_gebeurtenissen"];
const WITHIN: &[(&str, &str)] = &[("binnen_norm", "binnen norm"), ("teller", "binnen norm")];

/// The words for an indicator.
pub(super) fn indicator(id: IndicatorId) -> IndicatorText {
    use IndicatorId as I;
    let base = IndicatorText { title: "", sentence: "", norm: None, shape: Shape::Flow, whole: CHILDREN, parts: &[] };
    match id {
        I::Ind01 => IndicatorText {
            title: "Instroom",
            sentence: "Kinderen met een begin van deze stap in de periode, opgeteld over de organisaties. Een kind dat \
                       bij twee organisaties begint, telt twee keer. Overnames tussen GI's tellen niet als instroom.",
            ..base
        },
        I::Ind02 => IndicatorText {
            title: "Uitstroom",
            sentence: "Kinderen van wie in de periode een maatregel of preventieve jeugdbescherming eindigde. \
                       Overdracht aan een andere GI is geen uitstroom.",
            ..base
        },
        I::Ind03 => IndicatorText {
            title: "Onderhanden",
            sentence: "Kinderen met een lopende maatregel op de laatste dag van de periode, opgeteld over de \
                       organisaties. Wie die dag eindigt, telt niet meer mee.",
            shape: Shape::Stock,
            ..base
        },
        I::Ind06 => IndicatorText {
            title: "Doorlooptijden per stap",
            sentence: "Tijd tussen begin en einde van een stap, voor trajecten waarvan de stap in de periode eindigde. \
                       Mediaan en P80 zijn berekend uit vrijgegeven klassen.",
            norm: Some(
                "Triage Veilig Thuis, werker en eerste contact GI: 5 werkdagen. Wachttijd Raad: 10 dagen. \
                 Plan: 6 weken. Onderzoek Veilig Thuis: 10 weken.",
            ),
            shape: Shape::Duration,
            whole: &["n"],
            parts: WITHIN,
        },
        I::Ind07 | I::Ind08 | I::Ind08P => timely(id),
        I::Ind10 => IndicatorText {
            title: "Van preventieve jeugdbescherming naar (V)OTS",
            sentence: "Deel van de kinderen dat binnen 365 dagen na het begin van preventieve jeugdbescherming bij \
                       dezelfde organisatie een (voorlopige) ondertoezichtstelling kreeg.",
            shape: Shape::Cohort,
            whole: &["noemer"],
            parts: &[("teller", "kreeg een (V)OTS")],
            ..base
        },
        I::Ind11 => IndicatorText {
            title: "Van VOTS naar OTS",
            sentence: "Deel van de kinderen dat binnen 30 dagen na het einde van een voorlopige ondertoezichtstelling \
                       een ondertoezichtstelling kreeg, naast het deel dat zo is geregistreerd (reden 07).",
            shape: Shape::Cohort,
            whole: &["noemer"],
            parts: &[("teller_gekoppeld", "kreeg een OTS"), ("teller_reden07", "geregistreerd met reden 07")],
            ..base
        },
        I::Ind13 => IndicatorText {
            title: "Terugkeer",
            sentence: "Deel van de kinderen dat na het einde van een maatregel, of na een melding, binnen de termijn \
                       opnieuw instroomt bij dezelfde organisatie.",
            shape: Shape::Cohort,
            whole: &["noemer"],
            parts: &[("teller", "keerde terug")],
            ..base
        },
        I::Ind17 => IndicatorText {
            title: "Wachtenden",
            sentence: "Trajecten die op de laatste dag van de periode op de volgende stap wachten.",
            norm: Some(
                "Boven de norm: meer dan 5 werkdagen (triage, werker, contact), meer dan 10 dagen (Raad), meer dan \
                 3 maanden (jeugdhulp).",
            ),
            shape: Shape::Waiting,
            whole: &["n"],
            parts: &[("boven_norm", "boven de norm")],
        },
        I::Ind24 => IndicatorText {
            title: "Gegevenskwaliteit",
            sentence: "Wat er met de aangeleverde regels is gebeurd, over de hele levering.",
            shape: Shape::Quality,
            whole: &["regels"],
            ..base
        },
    }
}

fn timely(id: IndicatorId) -> IndicatorText {
    let (title, sentence, norm) = match id {
        IndicatorId::Ind07 => (
            "Tijdig een jeugdbeschermer",
            "Deel van de trajecten met een kennisgeving in de periode waarin binnen de norm een vaste werker is toegewezen.",
            "5 werkdagen na de kennisgeving (Besluit Jeugdwet).",
        ),
        IndicatorId::Ind08 => (
            "Tijdig eerste contact",
            "Deel van de trajecten met een kennisgeving in de periode waarin binnen de norm een eerste contact was.",
            "5 werkdagen na de kennisgeving (Besluit Jeugdwet).",
        ),
        _ => (
            "Tijdig een plan",
            "Deel van de maatregelen die in de periode begonnen waarvoor binnen de norm een plan is vastgesteld.",
            "6 weken; gerekend vanaf het begin van de maatregel als benadering (Jeugdwet 4.1.3).",
        ),
    };
    IndicatorText { title, sentence, norm: Some(norm), shape: Shape::Duration, whole: &["noemer", "n"], parts: WITHIN }
}

/// Last day that is within the norm of a series of durations, and whether it counts working days.
pub(super) fn norm_days(id: IndicatorId, series: &str) -> Option<(i64, bool)> {
    match (id, series) {
        (IndicatorId::Ind07 | IndicatorId::Ind08, _) | (_, "VT_TRIAGE" | "GI_WERKER" | "GI_CONTACT") => Some((5, true)),
        (IndicatorId::Ind08P, _) | (_, "GI_PLAN") => Some((42, false)),
        (_, "VT_ONDERZOEK") => Some((70, false)),
        (_, "RVDK_WACHT") => Some((10, false)),
        _ => None,
    }
}

/// Name of a series for people; the code itself when there is no better one.
pub(super) fn series(id: IndicatorId, code: &str) -> String {
    if let Some((head, tail)) = code.split_once('|') {
        return match head {
            "LOKAAL" => series(id, tail),
            _ => format!("{}: {}", series(id, head), reason(tail)),
        };
    }
    let fixed = match (id, code) {
        (IndicatorId::Ind17, "VT_TRIAGE") => "Triage Veilig Thuis",
        (IndicatorId::Ind17, "RVDK_ONDERZOEK") => "Onderzoek van de Raad",
        (IndicatorId::Ind17, "JH_START") => "Start jeugdhulp",
        (IndicatorId::Ind17, "LT_START") => "Start lokaal team",
        (_, "JB") => "Jeugdbescherming totaal",
        (_, "OTS") => "Ondertoezichtstelling (OTS)",
        (_, "VOTS") => "Voorlopige OTS",
        (_, "VOOGDIJ") => "Voogdij",
        (_, "PJB") => "Preventieve jeugdbescherming",
        (_, "VT_MELDING") => "Meldingen Veilig Thuis",
        (_, "VT_ADVIES") => "Adviezen Veilig Thuis",
        (_, "LT_AANMELDING") => "Aanmeldingen lokaal team",
        (_, "LT_START") => "Start lokaal team",
        (_, "JBT_AANMELDING") => "Aanmeldingen jeugdbeschermingstafel",
        (_, "RVDK_VTO_ONTVANGEN") => "Verzoeken tot onderzoek bij de Raad",
        (_, "JH_START") => "Start jeugdhulp",
        (_, "VT_TRIAGE") => "Triage door Veilig Thuis",
        (_, "VT_ONDERZOEK") => "Onderzoek door Veilig Thuis",
        (_, "RVDK_WACHT") => "Wachten op onderzoek van de Raad",
        (_, "RVDK_ONDERZOEK") => "Onderzoek door de Raad",
        (_, "GI_WERKER") => "Toewijzing van een werker (GI)",
        (_, "GI_CONTACT") => "Eerste contact (GI)",
        (_, "GI_PLAN") => "Plan (GI)",
        (_, "ALLE") => "Alle trajecten",
        (_, "DUUR_0-183") => "Duur tot een half jaar",
        (_, "DUUR_184-365") => "Duur een half tot een heel jaar",
        (_, "DUUR_366+") => "Duur langer dan een jaar",
        (_, "DUUR_OPEN") => "Nog niet geëindigd",
        (_, "MAATREGEL_12M") => "Maatregel, binnen 12 maanden",
        (_, "MAATREGEL_24M") => "Maatregel, binnen 24 maanden",
        (_, "VT_HERMELDING_12M") => "Melding Veilig Thuis, binnen 12 maanden",
        (_, "UITKOMST") => "Regels naar uitkomst",
        (_, "REGEL") => "Reparaties en quarantaine naar regel",
        _ => code,
    };
    fixed.to_owned()
}

/// Whether a series is a measure with a reason of ending (`OTS|04`).
pub(super) fn is_reason(code: &str) -> bool {
    code.contains('|') && !code.starts_with("LOKAAL|")
}

fn reason(code: &str) -> &str {
    match Reden::parse(code) {
        Some(Reden::R01 | Reden::R11) => "meerderjarig",
        Some(Reden::R02) => "tussentijds opgeheven",
        Some(Reden::R03) => "niet verlengd",
        Some(Reden::R04) => "volgens plan",
        Some(Reden::R05) => "gezagsbeëindigende maatregel",
        Some(Reden::R06 | Reden::R15) => "overlijden",
        Some(Reden::R07) => "omgezet in OTS",
        Some(Reden::R12) => "voogdij naar pleegouder",
        Some(Reden::R13) => "voogdij naar contactpersoon",
        Some(Reden::R14) => "gezag hersteld",
        Some(Reden::R31) => "einde",
        None => "reden onbekend",
    }
}

/// Order in which series of an indicator are shown: the chain's own order, reasons of ending last.
pub(super) fn series_order(code: &str) -> (bool, usize, String) {
    const ORDER: [&str; 31] = [
        "JB",
        "OTS",
        "VOTS",
        "VOOGDIJ",
        "PJB",
        "VT_MELDING",
        "VT_ADVIES",
        "LT_AANMELDING",
        "LT_START",
        "JBT_AANMELDING",
        "RVDK_VTO_ONTVANGEN",
        "JH_START",
        "VT_TRIAGE",
        "VT_ONDERZOEK",
        "RVDK_WACHT",
        "RVDK_ONDERZOEK",
        "GI_WERKER",
        "GI_CONTACT",
        "GI_PLAN",
        "ALLE",
        "DUUR_0-183",
        "DUUR_184-365",
        "DUUR_366+",
        "DUUR_OPEN",
        "MAATREGEL_12M",
        "MAATREGEL_24M",
        "VT_HERMELDING_12M",
        "UITKOMST",
        "REGEL",
        "LOKAAL",
        "KETEN",
    ];
    let bare = code.strip_prefix("LOKAAL|").unwrap_or(code);
    let place = ORDER.iter().position(|known| *known == bare).unwrap_or(ORDER.len());
    (bare.contains('|'), place, code.to_owned())
}

/// Name of a measure, for a table heading.
pub(super) fn measure(code: &str) -> String {
    let fixed = match code {
        "n_som_organisaties" => "kinderen",
        "n_gebeurtenissen" => "gebeurtenissen",
        "n" | "noemer" => "aantal",
        "mediaan" => "mediaan",
        "p80" => "P80",
        _ => return code.replace('_', " ").replace(':', ": "),
    };
    fixed.to_owned()
}

/// Heading of a breakdown.
pub(super) fn dimension(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Gemeente => "gemeente",
        Dimension::Maatregel => "maatregel",
        Dimension::Leeftijd => "leeftijd",
        Dimension::Organisatie => "organisatie",
    }
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
