//! The series and measures of every definition (definitions 3), version 1.0.

use super::definition::{Definition, Measure, MeasureKind, Norm, NormUnit, Series, Timing, Unit, Visibility};
use super::follow::{BOTH, DURATIONS};
use super::linked::PAIRS;
use super::release::{BEGUN, YEAR_ONLY};
use super::stage::{QUEUES, STAGES, Stage, WaitNorm};
use super::texts::texts;
use super::volume::{INFLOW_TYPES, MEASURE_SERIES};
use crate::domain::codes::{EventType, Maatregel, Owner, Reden};
use crate::domain::query::IndicatorId;
use crate::policy::rules::DayKind;

use MeasureKind::{Bins, Count, Derived};
use Visibility::{Elsewhere, Hidden, Own, Released};

const fn measure(name: &'static str, title: &'static str, kind: MeasureKind, visibility: Visibility) -> Measure {
    Measure { name, title, kind, visibility, linked: Own }
}

/// A measure that the gate counts too, or alone.
const fn both(of: Measure, linked: Visibility) -> Measure {
    Measure { linked, ..of }
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
        both(measure("n_kinderen", "kinderen", Count, Released), Released),
        measure("n_som_organisaties", "kinderen, opgeteld over organisaties", Count, Own),
        measure("n_gebeurtenissen", "gebeurtenissen", Count, Own),
        measure("n_zonder_subject", NO_SUBJECT, Count, Own),
        both(measure(YEAR_ONLY, "kinderen met een datum waarvan alleen het jaar bekend is", Count, Hidden), Hidden),
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
        both(measure("noemer", "kinderen, lang genoeg gevolgd", Count, Own), Released),
        both(measure("teller", "kinderen met vervolg", Count, Released), Released),
        CENSORED,
        MEDIAN,
        P80,
        both(measure("bin", "dagen tot het vervolg", Bins, Own), Released),
    ];
    measures.extend(excluded);
    measures
}

fn linked_end_measures() -> Vec<Measure> {
    let mut measures = vec![
        both(measure("noemer", "kinderen, lang genoeg gevolgd", Count, Own), Released),
        both(measure("teller_gekoppeld", "gevolgd door een OTS", Count, Released), Released),
        // The outflow by reason (IND-02) tells it of each organisation: a total beside that would give the small ones away.
        both(measure("teller_reden07", "geregistreerd met reden 07", Count, Own), Elsewhere),
        both(measure("gekoppeld_zonder_07", "gevolgd door een OTS, zonder reden 07", Count, Own), Released),
        both(measure("reden07_zonder_koppeling", "reden 07 zonder OTS", Count, Own), Hidden),
        both(measure(BOTH, "gevolgd door een OTS, met reden 07", Count, Own), Hidden),
        measure("verschil", "verschil tussen gevolgd en geregistreerd", Derived, Own),
        CENSORED,
    ];
    measures.extend(EXCLUDED);
    measures
}

fn help_measures() -> Vec<Measure> {
    let mut measures = vec![
        both(measure("noemer", "kinderen met een hulpvraag, lang genoeg gevolgd", Count, Own), Released),
        both(measure("teller", "jeugdhulp begonnen binnen drie maanden", Count, Own), Released),
        CENSORED,
        both(measure("n_met_start_365", "jeugdhulp begonnen binnen een jaar", Count, Own), Released),
        MEDIAN,
        P80,
        both(measure("bin", "dagen tot het begin van de jeugdhulp", Bins, Own), Released),
    ];
    measures.extend(EXCLUDED);
    measures
}

fn known_measures() -> Vec<Measure> {
    vec![
        both(measure("noemer", "kinderen van wie twee jaar terug bekend is", Count, Own), Released),
        both(measure("teller", "eerder bekend bij lokaal team, Veilig Thuis of jeugdhulp", Count, Own), Released),
        measure("n_onvolledige_terugblik", "nog geen twee jaar terug bekend", Count, Own),
        MEDIAN,
        P80,
        both(measure("bekend_0-3_mnd", "voor het eerst bekend: 0 tot 3 maanden eerder", Count, Own), Released),
        both(measure("bekend_3-12_mnd", "voor het eerst bekend: 3 tot 12 maanden eerder", Count, Own), Released),
        both(measure("bekend_12-24_mnd", "voor het eerst bekend: 12 tot 24 maanden eerder", Count, Own), Released),
    ]
}

fn gap_measures() -> Vec<Measure> {
    vec![
        both(measure("n_overdrachten", "overdrachten", Count, Own), Released),
        both(measure("n_gekoppeld", "met een overname door een andere instelling", Count, Own), Released),
        both(measure("n_zonder_overname", "zonder overname", Count, Own), Released),
        both(measure("gat_0", "sluit aan", Count, Own), Released),
        both(measure("gat_gt0", "gat van meer dan 0 dagen", Count, Own), Released),
        both(measure("gat_gt5", "gat van meer dan 5 dagen", Count, Own), Released),
        both(measure("gat_gt30", "gat van meer dan 30 dagen", Count, Own), Released),
        both(measure("overlap", "overname voor de overdracht", Count, Own), Released),
        MEDIAN,
        P80,
    ]
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
        both(measure("n_kinderen", "kinderen", Count, Own), Released),
    ]
}

fn series(name: impl Into<String>, title: impl Into<String>, owner: Owner) -> Series {
    Series { name: name.into(), title: title.into(), owner, norm: None, released: true, linked: true }
}

/// A series that no node can count by itself.
fn linked(name: &str, title: &str, owner: Owner) -> Series {
    Series { released: false, ..series(name, title, owner) }
}

fn flow_series() -> Vec<Series> {
    let title = |name: &str| match name {
        "VT->RVDK" => "van Veilig Thuis naar de Raad voor de Kinderbescherming",
        "RVDK->GI" => "van uitspraak naar kennisgeving bij de GI",
        _ => "van lokaal team naar GI",
    };
    PAIRS.iter().map(|(name, pair)| linked(name, title(name), pair.from.owner())).collect()
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
    let local = MEASURE_SERIES
        .iter()
        .map(|(name, _)| Series { linked: false, ..series(format!("LOKAAL|{name}"), measure_title(name), Owner::Gi) });
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
    let of = |s: &Stage| Series {
        linked: false,
        norm: norm_of(s),
        ..series(s.series, stage_title(s.series), s.end.owner())
    };
    STAGES.iter().map(of).collect()
}

fn timely_series(stage: &Stage) -> Vec<Series> {
    vec![Series { linked: false, norm: norm_of(stage), ..series(stage.series, "alle trajecten", stage.start.owner()) }]
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
        linked: false,
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
        I::Ind07 => {
            let (timing, unit, series, mut measures) = timely(&super::stage::WORKER);
            measures.push(measure(BEGUN, "trajecten die op een bekende dag begonnen", Count, Hidden));
            (timing, unit, series, measures)
        }
        I::Ind08 => timely(&super::stage::CONTACT),
        I::Ind08P => timely(&super::stage::PLAN),
        I::Ind05 => (Timing::Flow, Unit::FirstEvent, flow_series(), follow_measures(&EXCLUDED)),
        I::Ind09 => {
            let all = vec![linked("ALLE", "alle kinderen met een hulpvraag", Owner::Gi)];
            (Timing::Flow, Unit::FirstEvent, all, help_measures())
        }
        I::Ind10 => (Timing::Flow, Unit::FirstEvent, duration_series(), follow_measures(&EXCLUDED)),
        I::Ind11 => {
            let all = vec![series("ALLE", "alle kinderen met een einde van een VOTS", Owner::Gi)];
            (Timing::Flow, Unit::FirstEvent, all, linked_end_measures())
        }
        I::Ind12 => {
            let all = vec![linked("ALLE", "alle kinderen die voor het eerst bij een GI komen", Owner::Gi)];
            (Timing::Flow, Unit::FirstEver, all, known_measures())
        }
        I::Ind14 => {
            let all = vec![linked("ALLE", "alle overdrachten tussen instellingen", Owner::Gi)];
            (Timing::Flow, Unit::FirstEvent, all, gap_measures())
        }
        I::Ind13 => (Timing::Flow, Unit::FirstEvent, re_entry_series(), follow_measures(&[])),
        I::Ind17 => (Timing::LastDay, Unit::Trajectory, waiting_series(), waiting_measures()),
        I::Ind24 => (Timing::Delivery, Unit::Row, Vec::new(), Vec::new()),
    }
}

/// The definition of one indicator.
pub(super) fn definition(id: IndicatorId) -> Definition {
    let [title, description, population] = texts(id);
    let (timing, unit, series, measures) = parts(id);
    Definition { id, version: "1.0", title, description, population, timing, unit, series, measures }
}
