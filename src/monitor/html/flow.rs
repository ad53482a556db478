//! The route of children through the chain: for each step how many began it and how many came to the next organisation, drawn as a
//! flow on one scale, with the figures in a table under it. Every step is a group of children of its own.

use super::markup::{Markup, all, class, element, tag, text};
use super::section::Page;
use super::tables::measures_by_years;
use crate::domain::period::Period;
use crate::domain::query::IndicatorId;
use crate::domain::table::Row;
use crate::monitor::figures::{Shown, number, percent, shown, shown_percent};

/// A step of the route.
struct Step {
    /// Series of IND-05.
    series: &'static str,
    from: &'static str,
    to: &'static str,
    /// Series of IND-01 that counts who begins; the denominator of IND-05 itself where there is none.
    base: Option<&'static str>,
}

const STEPS: [Step; 3] = [
    Step { series: "LT->GI", from: "Begin bij het lokale team", to: "Jeugdbescherming (GI)", base: Some("LT_START") },
    Step { series: "VT->RVDK", from: "Melding bij Veilig Thuis", to: "Verzoek bij de Raad", base: Some("VT_MELDING") },
    Step { series: "RVDK->GI", from: "Uitspraak van de rechter", to: "Kennisgeving bij de GI", base: None },
];

/// Height of the longest flow, in units of the drawing.
const TALL: i64 = 100;
/// Gap between who came on and who did not.
const GAP: i64 = 8;

/// What a step is drawn from.
struct Flow<'a> {
    step: &'a Step,
    begun: Option<&'a Row>,
    came: Option<&'a Row>,
}

impl Flow<'_> {
    fn begun(&self) -> Option<i64> {
        self.begun.and_then(|row| row.value)
    }

    fn came(&self) -> Option<i64> {
        self.came.and_then(|row| row.value)
    }
}

/// The route in the last year; nothing when no step was counted.
pub(super) fn route(page: &Page<'_>) -> Option<Markup> {
    let year = page.years.iter().rev().find(|year| flows(page, **year).iter().any(|flow| flow.came.is_some()))?;
    let found = flows(page, *year);
    let most = found.iter().flat_map(|flow| [flow.begun(), flow.came()]).flatten().max().unwrap_or(1).max(1);
    let drawn = found.iter().map(|flow| item(flow, most));
    let sentence = "Elke stap is een eigen groep kinderen: wie in het jaar aan de stap begon, en wie van hen binnen 365 \
                    dagen bij de volgende organisatie kwam, bij welke organisatie van die soort ook. De dikte is het \
                    aantal kinderen. Lichter is wie (nog) niet verder kwam of nog niet lang genoeg is gevolgd.";
    Some(element(
        "section",
        &[("id", "route"), ("aria-labelledby", "route-kop")],
        [
            element("h2", &[("id", "route-kop")], [text(format!("De route van kinderen, {year}"))]),
            class("p", "definition", sentence),
            element("ol", &[("class", "flows")], drawn),
            table(page),
        ],
    ))
}

fn flows<'a>(page: &Page<'a>, year: i16) -> Vec<Flow<'a>> {
    let period = Period::year_of(year);
    let flow = |step: &'static Step| {
        let total = |measures: &[&str]| page.figures.total(IndicatorId::Ind05, period, step.series, measures);
        let inflow = |series| page.figures.total(IndicatorId::Ind01, period, series, BEGUN);
        Flow { step, begun: step.base.map_or_else(|| total(&["noemer"]), inflow), came: total(&["teller"]) }
    };
    STEPS.iter().map(flow).collect()
}

/// Measures that count who begins.
const BEGUN: &[&str] = &["n_kinderen", "n_som_organisaties"];

fn item(flow: &Flow<'_>, most: i64) -> Markup {
    let (begun, came) = (shown(flow.begun), shown(flow.came));
    let words =
        |figure: &Shown| figure.spoken.filter(|_| figure.mark).map_or_else(|| figure.text.clone(), str::to_owned);
    let share = percent(flow.came, flow.begun).map(|p| format!(" ({p}\u{a0}%)")).unwrap_or_default();
    let heads = element(
        "p",
        &[("class", "flow-ends")],
        [
            element("span", &[], [tag("strong", flow.step.from), text(format!(" {}", words(&begun)))]),
            element("span", &[], [tag("strong", flow.step.to), text(format!(" {}{share}", words(&came)))]),
        ],
    );
    element("li", &[], [heads, drawing(flow, most).unwrap_or_default()])
}

/// The flow of a step: the left edge is who began, the right edge who came on, above, and the others.
fn drawing(flow: &Flow<'_>, most: i64) -> Option<Markup> {
    let came = flow.came()?;
    let whole = flow.begun().unwrap_or(came).max(came);
    let [upper, lower] = [came, whole].map(|n| (n * TALL / most).max(1));
    let band = |left: (i64, i64), right: (i64, i64), kind: &str| {
        let ((a, b), (c, d)) = (left, right);
        let path = format!("M0,{a} C300,{a} 300,{c} 600,{c} L600,{d} C300,{d} 300,{b} 0,{b} Z");
        element("path", &[("class", kind), ("d", &path)], [])
    };
    let mut parts = vec![band((0, upper), (0, upper), "flow-on")];
    if lower > upper {
        parts.push(band((upper, lower), (upper + GAP, lower + GAP), "flow-off"));
    }
    let view = format!("0 0 600 {}", lower + GAP);
    let title = match flow.begun() {
        Some(begun) => format!("{} van {}", number(came), number(begun)),
        None => number(came),
    };
    parts.insert(0, tag("title", format!("{} naar {}: {title}", flow.step.from, flow.step.to)));
    let height = format!("{}rem", (lower + GAP).div_euclid(10).max(1));
    let attributes = [
        ("class", "flow"),
        ("viewBox", view.as_str()),
        ("preserveAspectRatio", "none"),
        ("height", &height),
        ("role", "img"),
    ];
    Some(element("svg", &attributes, parts))
}

/// Per step and year: who began, who came on, the share, and how long it took.
fn table(page: &Page<'_>) -> Markup {
    let rows = STEPS.iter().flat_map(|step| {
        let at = |of: &dyn Fn(&Flow<'_>) -> Shown| -> Vec<Shown> {
            let flow = |year: &i16| flows(page, *year).into_iter().find(|flow| flow.step.series == step.series);
            page.years.iter().map(|year| flow(year).map_or_else(|| shown(None), |flow| of(&flow))).collect()
        };
        let days = |measure: &'static str| -> Vec<Shown> {
            let total =
                |year: &i16| page.figures.total(IndicatorId::Ind05, Period::year_of(*year), step.series, &[measure]);
            page.years.iter().map(|year| shown(total(year))).collect()
        };
        vec![
            (step.from.to_owned(), at(&|flow| shown(flow.begun))),
            (format!("daarvan: {}", step.to), at(&|flow| shown(flow.came))),
            ("aandeel".to_owned(), at(&|flow| shown_percent(percent(flow.came, flow.begun)))),
            ("mediaan (dagen)".to_owned(), days("mediaan")),
        ]
    });
    all([
        tag("h3", "De stappen in cijfers"),
        measures_by_years(page, "De route van kinderen, per stap en jaar", rows.collect()),
    ])
}
