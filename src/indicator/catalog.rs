//! The texts, series and measures of every definition (definitions 3), version 1.0.

use super::definition::{Definition, Measure, MeasureKind, Norm, NormUnit, Series, Timing, Unit, Visibility};
use super::follow::DURATIONS;
use super::release::YEAR_ONLY;
use super::stage::{QUEUES, STAGES, Stage, WaitNorm};
use super::volume::{INFLOW_TYPES, MEASURE_SERIES};
use crate::domain::codes::{EventType, Maatregel, Owner, Reden};
use crate::domain::query::IndicatorId;
use crate::policy::rules::DayKind;

use MeasureKind::{Bins, Count, Derived};
use Visibility::{Hidden, Own, Released};

const fn measure(name: &'static str, title: &'static str, kind: MeasureKind, visibility: Visibility) -> Measure {
    Measure { name, title, kind, visibility }
}

const MEDIAN: Measure = measure("mediaan", "mediaan (dagen)", Derived, Own);
const P80: Measure = measure("p80", "P80 (dagen)", Derived, Own);
const NO_SUBJECT: &str = "zonder BSN";
const CENSORED: Measure = measure("n_gecensureerd", "nog niet lang genoeg gevolgd", Count, Own);
const IMPRECISE: Measure = measure("n_onnauwkeurig", "datum niet op de dag bekend", Count, Own);
const NEGATIVE: Measure = measure("n_negatief", "einde voor begin", Count, Own);
const EXCLUDED: [Measure; 2] = [
    measure("uitgesloten:n_zonder_subject", "niet meegeteld: zonder BSN", Count, Own),
    measure("uitgesloten:n_onnauwkeurig", "niet meegeteld: datum niet op de dag bekend", Count, Own),
];

fn volume_measures() -> Vec<Measure> {
    vec![
        measure("n_kinderen", "kinderen", Count, Released),
        measure("n_som_organisaties", "kinderen, opgeteld over organisaties", Count, Own),
        measure("n_gebeurtenissen", "gebeurtenissen", Count, Own),
        measure("n_zonder_subject", NO_SUBJECT, Count, Own),
        measure(YEAR_ONLY, "kinderen met een datum waarvan alleen het jaar bekend is", Count, Hidden),
    ]
}

fn timely_measures() -> Vec<Measure> {
    vec![
        measure("noemer", "trajecten", Count, Released),
        measure("teller", "binnen de norm", Count, Released),
        measure("n_open_te_laat", "nog open, al te laat", Count, Hidden),
        MEDIAN,
        P80,
        measure("bin", "doorlooptijd", Bins, Released),
        CENSORED,
        IMPRECISE,
        NEGATIVE,
    ]
}

fn follow_measures(excluded: &[Measure]) -> Vec<Measure> {
    let mut measures = vec![
        measure("noemer", "kinderen, lang genoeg gevolgd", Count, Own),
        measure("teller", "kinderen met vervolg", Count, Released),
        CENSORED,
        MEDIAN,
        P80,
        measure("bin", "dagen tot het vervolg", Bins, Own),
    ];
    measures.extend(excluded);
    measures
}

fn linked_end_measures() -> Vec<Measure> {
    let mut measures = vec![
        measure("noemer", "kinderen, lang genoeg gevolgd", Count, Own),
        measure("teller_gekoppeld", "gevolgd door een OTS", Count, Released),
        measure("teller_reden07", "geregistreerd met reden 07", Count, Own),
        measure("gekoppeld_zonder_07", "gevolgd door een OTS, zonder reden 07", Count, Own),
        measure("reden07_zonder_koppeling", "reden 07 zonder OTS", Count, Own),
        measure("verschil", "verschil tussen gevolgd en geregistreerd", Derived, Own),
        CENSORED,
    ];
    measures.extend(EXCLUDED);
    measures
}

fn stage_measures() -> Vec<Measure> {
    vec![
        measure("n", "trajecten", Count, Released),
        measure("binnen_norm", "binnen de norm", Count, Released),
        MEDIAN,
        P80,
        measure("bin", "doorlooptijd", Bins, Released),
        measure("n_zonder_start", "begin niet geregistreerd", Count, Own),
        IMPRECISE,
        NEGATIVE,
    ]
}

fn waiting_measures() -> Vec<Measure> {
    vec![
        measure("n", "wachtende trajecten", Count, Released),
        measure("bin", "wachttijd (dagen)", Bins, Released),
        measure("boven_norm", "langer dan de norm", Count, Own),
        IMPRECISE,
    ]
}

fn stock_measures() -> Vec<Measure> {
    vec![
        measure("n_som_organisaties", "kinderen, opgeteld over organisaties", Count, Released),
        measure("n_kinderen", "kinderen", Count, Own),
    ]
}

fn series(name: impl Into<String>, title: impl Into<String>, owner: Owner) -> Series {
    Series { name: name.into(), title: title.into(), owner, norm: None, released: true }
}

fn measure_title(series: &str) -> &'static str {
    match series {
        "OTS" => "ondertoezichtstelling",
        "VOTS" => "voorlopige ondertoezichtstelling",
        "VOOGDIJ" => "voogdij",
        "PJB" => "preventieve jeugdbescherming",
        _ => "jeugdbescherming, alle maatregelen",
    }
}

fn type_title(event_type: EventType) -> &'static str {
    match event_type {
        EventType::VtMelding => "melding bij Veilig Thuis",
        EventType::VtAdvies => "advies gevraagd aan Veilig Thuis",
        EventType::LtAanmelding => "aanmelding bij het lokale team",
        EventType::LtStart => "start bij het lokale team",
        EventType::JbtAanmelding => "aanmelding bij de jeugdbeschermingstafel",
        EventType::RvdkVtoOntvangen => "verzoek tot onderzoek bij de Raad voor de Kinderbescherming",
        EventType::JhStart => "start van jeugdhulp",
        other => other.as_str(),
    }
}

fn reason_title(reason: Option<Reden>) -> &'static str {
    match reason {
        Some(Reden::R01 | Reden::R11) => "meerderjarig",
        Some(Reden::R02) => "tussentijds opgeheven",
        Some(Reden::R03) => "niet verlengd",
        Some(Reden::R04) => "volgens plan",
        Some(Reden::R05) => "gezagsbeëindigende maatregel",
        Some(Reden::R06 | Reden::R15) => "overlijden",
        Some(Reden::R07) => "omgezet in OTS",
        Some(Reden::R12) => "naar pleegouder",
        Some(Reden::R13) => "naar contactpersoon of burgervoogd",
        Some(Reden::R14) => "herstel van gezag",
        Some(Reden::R31) => "einde",
        None => "reden onbekend",
    }
}

fn stage_title(series: &str) -> &'static str {
    match series {
        "VT_TRIAGE" => "Veilig Thuis: melding tot triage",
        "VT_ONDERZOEK" => "Veilig Thuis: onderzoek",
        "RVDK_WACHT" => "Raad: wachten op onderzoek",
        "RVDK_ONDERZOEK" => "Raad: onderzoek",
        "GI_WERKER" => "GI: kennisgeving tot jeugdbeschermer",
        "GI_CONTACT" => "GI: kennisgeving tot eerste contact",
        "GI_PLAN" => "GI: begin van de maatregel tot plan",
        "JH_START" => "jeugdhulp: aanmelding tot start",
        _ => "lokaal team: aanmelding tot start",
    }
}

fn inflow_series() -> Vec<Series> {
    let types = INFLOW_TYPES.iter().map(|&t| series(t.as_str(), type_title(t), t.owner()));
    types.chain(MEASURE_SERIES.iter().map(|(name, _)| series(*name, measure_title(name), Owner::Gi))).collect()
}

/// Reasons with which the measures of a series can end, the unknown one last.
pub(super) fn reasons(measures: &[Maatregel]) -> Vec<(String, Option<Reden>)> {
    let known = measures.first().map_or(&[][..], |m| m.reasons()).iter().map(|&r| (r.as_str().to_owned(), Some(r)));
    known.chain([("ONB".to_owned(), None)]).collect()
}

fn outflow_series() -> Vec<Series> {
    let mut all = Vec::new();
    for (name, measures) in MEASURE_SERIES {
        all.push(series(name, measure_title(name), Owner::Gi));
        if name != "JB" {
            all.extend(reasons(measures).into_iter().map(|(code, reason)| {
                let title = format!("{}: {}", measure_title(name), reason_title(reason));
                series(format!("{name}|{code}"), title, Owner::Gi)
            }));
        }
    }
    all
}

fn stock_series() -> Vec<Series> {
    let local = MEASURE_SERIES.iter().map(|(name, _)| series(format!("LOKAAL|{name}"), measure_title(name), Owner::Gi));
    let chain = MEASURE_SERIES.iter().map(|(name, _)| Series {
        released: false,
        ..series(format!("KETEN|{name}"), format!("{} (keten)", measure_title(name)), Owner::Gi)
    });
    local.chain(chain).collect()
}

fn norm_of(stage: &Stage) -> Option<Norm> {
    let unit = if stage.days == DayKind::Working { NormUnit::WorkingDays } else { NormUnit::CalendarDays };
    let value = stage.norm.and_then(|n| u32::try_from(n).ok())?;
    Some(Norm { value, unit, source: source(stage.end) })
}

/// Where a norm comes from; a norm of a protocol or of the field binds nobody by law, and its source says so.
fn source(ends_in: EventType) -> &'static str {
    match ends_in {
        EventType::VtTriage => "Handelingsprotocol Veilig Thuis, veldnorm",
        EventType::VtOnderzoekEinde => "Uitvoeringsbesluit Wmo 2015, artikel 4.1.7",
        EventType::RvdkOnderzoekStart => "norm van de Raad, toezicht Inspectie Justitie en Veiligheid",
        EventType::GiToewijzingWerker | EventType::GiEersteContact => "Besluit Jeugdwet, artikelen 4.2.1 en 4.2.2",
        EventType::GiPlan => {
            "Jeugdwet 4.1.3 lid 5 en Besluit Jeugdwet 4.2.4, gerekend vanaf het begin van de maatregel"
        }
        _ => "veldnorm",
    }
}

fn stage_series() -> Vec<Series> {
    let of = |s: &Stage| Series { norm: norm_of(s), ..series(s.series, stage_title(s.series), s.end.owner()) };
    STAGES.iter().map(of).collect()
}

fn timely_series(stage: &Stage) -> Vec<Series> {
    vec![Series { norm: norm_of(stage), ..series(stage.series, "alle trajecten", stage.start.owner()) }]
}

fn waiting_series() -> Vec<Series> {
    let norm = |norm, ends_in| {
        let (value, unit) = match norm {
            WaitNorm::Days(DayKind::Working, days) => (days, NormUnit::WorkingDays),
            WaitNorm::Days(DayKind::Calendar, days) => (days, NormUnit::CalendarDays),
            WaitNorm::Months(months) => (months, NormUnit::Months),
            WaitNorm::None => return None,
        };
        Some(Norm { value: u32::try_from(value).ok()?, unit, source: source(ends_in) })
    };
    let of = |q: &super::stage::Queue| Series {
        norm: q.stops.first().and_then(|(stop, _)| norm(q.norm, *stop)),
        ..series(q.series, stage_title(q.series), q.start.owner())
    };
    QUEUES.iter().map(of).collect()
}

fn duration_series() -> Vec<Series> {
    let title = |name: &str| match name {
        "DUUR_0-183" => "PJB duurde 0 tot en met 183 dagen",
        "DUUR_184-365" => "PJB duurde 184 tot en met 365 dagen",
        "DUUR_366+" => "PJB duurde langer dan een jaar",
        _ => "PJB loopt nog",
    };
    let all = series("ALLE", "alle kinderen met PJB", Owner::Gi);
    std::iter::once(all).chain(DURATIONS.iter().map(|(name, _)| series(*name, title(name), Owner::Gi))).collect()
}

fn re_entry_series() -> Vec<Series> {
    vec![
        series("MAATREGEL_12M", "nieuwe maatregel binnen 12 maanden", Owner::Gi),
        series("MAATREGEL_24M", "nieuwe maatregel binnen 24 maanden", Owner::Gi),
        series("VT_HERMELDING_12M", "nieuwe melding bij Veilig Thuis binnen 12 maanden", Owner::Vt),
    ]
}

fn parts(id: IndicatorId) -> (Timing, Unit, Vec<Series>, Vec<Measure>) {
    use IndicatorId as I;
    let timely = |stage| (Timing::Flow, Unit::Trajectory, timely_series(stage), timely_measures());
    match id {
        I::Ind01 => (Timing::Flow, Unit::Child, inflow_series(), volume_measures()),
        I::Ind02 => (Timing::Flow, Unit::Child, outflow_series(), volume_measures()),
        I::Ind03 => (Timing::LastDay, Unit::Child, stock_series(), stock_measures()),
        I::Ind06 => (Timing::Flow, Unit::Trajectory, stage_series(), stage_measures()),
        I::Ind07 => timely(&super::stage::WORKER),
        I::Ind08 => timely(&super::stage::CONTACT),
        I::Ind08P => timely(&super::stage::PLAN),
        I::Ind10 => (Timing::Flow, Unit::FirstEvent, duration_series(), follow_measures(&EXCLUDED)),
        I::Ind11 => {
            let all = vec![series("ALLE", "alle kinderen met een einde van een VOTS", Owner::Gi)];
            (Timing::Flow, Unit::FirstEvent, all, linked_end_measures())
        }
        I::Ind13 => (Timing::Flow, Unit::FirstEvent, re_entry_series(), follow_measures(&[])),
        I::Ind17 => (Timing::LastDay, Unit::Trajectory, waiting_series(), waiting_measures()),
        I::Ind24 => (Timing::Delivery, Unit::Row, Vec::new(), Vec::new()),
    }
}

/// Title, description and population, in Dutch.
fn texts(id: IndicatorId) -> [&'static str; 3] {
    use IndicatorId as I;
    match id {
        I::Ind01 => [
            "Instroom",
            "Het aantal kinderen met een aanmelding, melding of begin van een maatregel in de periode. Een overname van \
             een andere GI is geen instroom. Een kind dat meer dan eens instroomt telt per reeks en periode één keer.",
            "kinderen met een gebeurtenis van de reeks in de periode",
        ],
        I::Ind02 => [
            "Uitstroom",
            "Het aantal kinderen van wie een maatregel of preventieve jeugdbescherming in de periode eindigt, met de \
             geregistreerde reden. Een overdracht aan een andere GI is geen uitstroom.",
            "kinderen met een einde van een maatregel in de periode",
        ],
        I::Ind03 => [
            "Onderhanden",
            "Het aantal kinderen met een lopende maatregel op de laatste dag van de periode. Een maatregel die op die dag \
             eindigt telt niet mee. Een kind onder twee instellingen telt bij de optelling bij elk van beide.",
            "kinderen met een lopende maatregel op de laatste dag van de periode",
        ],
        I::Ind06 => [
            "Doorlooptijd van afgeronde stappen",
            "Hoe lang trajecten over een stap deden die in de periode is afgerond, van het eerste begin tot het eerste \
             einde. Alleen trajecten waarvan beide dagen bekend zijn.",
            "trajecten waarvan de stap in de periode eindigt",
        ],
        I::Ind07 => [
            "Tijdige toewijzing van een jeugdbeschermer",
            "Het deel van de trajecten met een kennisgeving in de periode waarin binnen vijf werkdagen een \
             jeugdbeschermer is toegewezen. Een traject dat nog open staat en al te laat is telt als niet tijdig.",
            "trajecten met een kennisgeving in de periode",
        ],
        I::Ind08 => [
            "Tijdig eerste contact",
            "Het deel van de trajecten met een kennisgeving in de periode waarin binnen vijf werkdagen het eerste contact \
             was. Een traject dat nog open staat en al te laat is telt als niet tijdig.",
            "trajecten met een kennisgeving in de periode",
        ],
        I::Ind08P => [
            "Tijdig plan",
            "Het deel van de trajecten met een begin van een maatregel in de periode waarin binnen 42 dagen een plan is \
             gemaakt. Een traject dat nog open staat en al te laat is telt als niet tijdig.",
            "trajecten met een begin van een maatregel in de periode",
        ],
        I::Ind10 => [
            "Van preventieve jeugdbescherming naar OTS",
            "Kinderen met een begin van preventieve jeugdbescherming in de periode die binnen 365 dagen bij dezelfde \
             instelling een (voorlopige) ondertoezichtstelling kregen. Kinderen die nog geen 365 dagen gevolgd zijn \
             tellen niet mee.",
            "kinderen met een begin van preventieve jeugdbescherming in de periode",
        ],
        I::Ind11 => [
            "Van VOTS naar OTS",
            "Kinderen met een einde van een voorlopige ondertoezichtstelling in de periode die binnen 30 dagen bij \
             dezelfde instelling een ondertoezichtstelling kregen, geteld op de begindatum en niet op de geregistreerde \
             reden.",
            "kinderen met een einde van een VOTS in de periode",
        ],
        I::Ind13 => [
            "Terugkeer",
            "Kinderen van wie een maatregel in de periode eindigde zonder voortzetting en die binnen 12 of 24 maanden bij \
             dezelfde instelling opnieuw een maatregel kregen; en kinderen met een nieuwe melding bij Veilig Thuis \
             binnen 12 maanden.",
            "kinderen met een einde van een maatregel, of een melding, in de periode",
        ],
        I::Ind17 => [
            "Wachtlijst",
            "Het aantal trajecten dat op de laatste dag van de periode wacht, naar wachttijd in kalenderdagen.",
            "trajecten die wachten op de laatste dag van de periode",
        ],
        I::Ind24 => [
            "Datakwaliteit",
            "Wat er met de regels van de aanleveringen is gebeurd, per uitkomst en per regel. Over de hele aanlevering, \
             niet per periode.",
            "regels van alle aanleveringen",
        ],
    }
}

/// The definition of one indicator.
pub(super) fn definition(id: IndicatorId) -> Definition {
    let [title, description, population] = texts(id);
    let (timing, unit, series, measures) = parts(id);
    Definition { id, version: "1.0", title, description, population, timing, unit, series, measures }
}
