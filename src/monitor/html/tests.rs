//! The page as a reader and a browser meet it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::codes::OrgType;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::period::Period;
use crate::domain::table::{Coverage, Mark, Revision, Row, Scope, Table};
use crate::monitor::report::{ConvenantRef, Party};

fn row(series: &str, measure: &str, value: Option<i64>, high: bool) -> Row {
    Row {
        series: series.into(),
        measure: measure.into(),
        key: BTreeMap::new(),
        value,
        mark: value.is_none().then_some(Mark::Suppressed),
        low: value.map(|v| v - 2),
        high: value.filter(|_| high).map(|v| v + 2),
    }
}

fn table(indicator: &str, period: &str, rows: Vec<Row>) -> Table {
    Table {
        indicator: indicator.into(),
        version: "1".into(),
        period: Some(Period::parse(period).expect("period")),
        by: vec![],
        peildatum: Day::parse("2025-03-01").expect("day"),
        scope: Scope::Optelling,
        protected: true,
        rows,
        coverage: Coverage { expected: 3, delivered: 2, missing: vec![oin()], window: None, in_quarantine: None },
        sources: vec![],
        certificate: None,
        revision: None,
    }
}

fn oin() -> Oin {
    Oin::parse("00000099000000000001").expect("oin")
}

fn report(example: bool) -> Report {
    let convenant = ConvenantRef { id: "voorbeeld".into(), version: 3, hash: "sha256:00".into() };
    let period: Vec<Period> = ["2024-Q1", "2024"].iter().map(|p| Period::parse(p).expect("period")).collect();
    let inflow = |value| {
        vec![row("JB", "n_som_organisaties", Some(value), false), row("VOTS", "n_som_organisaties", None, false)]
    };
    let plan = vec![
        row("GI_PLAN", "n", Some(100), true),
        row("GI_PLAN", "binnen_norm", Some(60), true),
        row("GI_PLAN", "bin:0-42", Some(60), true),
        row("GI_PLAN", "bin:43+", Some(40), true),
        row("GI_PLAN", "mediaan", Some(36), false),
    ];
    let tables = vec![
        table("IND-01", "2024-Q1", inflow(55)),
        table("IND-01", "2024", inflow(1_230)),
        table("IND-06", "2024", plan),
    ];
    Report { period, tables, convenant, example, denominator: None, parts: Vec::new() }
}

fn setting() -> Setting {
    let party = |number: u8, name: &str, missing: Option<&str>| Party {
        oin: Oin::parse(&format!("00000099{number:012}")).expect("oin"),
        name: name.into(),
        org_type: OrgType::Gi,
        missing: missing.map(str::to_owned),
    };
    Setting {
        region: "<Regio> & Co".into(),
        convenant: String::new(),
        parties: vec![party(1, "GI \"Alfa\"", Some("niet bereikbaar")), party(2, "GI Beta", None)],
        gemeenten: BTreeMap::new(),
        later: vec!["IND-13 over 2024: komt vrij vanaf 2026-02-11".into()],
    }
}

#[test]
fn the_page_says_what_the_report_holds() {
    let page = write(&report(true), &setting());
    for wanted in [
        "Ketenmonitor &lt;Regio&gt; &amp; Co",
        "versie 3",
        "2025-03-01",
        "≥\u{a0}1.230",
        "niet bereikbaar",
        "IND-13 over 2024: komt vrij vanaf 2026-02-11",
        "Dekking: 2 van 3 organisaties; ontbreekt: GI &quot;Alfa&quot;",
        "60\u{a0}% binnen norm · mediaan 36",
        "Niet vrijgegeven of niet aangeleverd, over de hele periode: Voorlopige ondertoezichtstelling.",
        "ten minste",
    ] {
        assert!(page.contains(wanted), "{wanted} is not on the page");
    }
}

#[test]
fn a_regional_sum_covers_all_its_organisations() {
    let oins: Vec<Oin> = (1..=6).map(|n| Oin::parse(&format!("00000099{n:012}")).expect("oin")).collect();
    let of = |scope, sources: &[Oin], missing: &[Oin]| {
        let (delivered, missing) = (sources.len(), missing.to_vec());
        let coverage =
            Coverage { expected: delivered + missing.len(), delivered, missing, window: None, in_quarantine: None };
        Table { scope, sources: sources.to_vec(), coverage, ..table("IND-01", "2024", Vec::new()) }
    };
    let line = |tables: Vec<Table>| {
        let page = write(&Report { tables, ..report(true) }, &setting());
        let (_, line) = page.split_once("Dekking: ").expect("coverage of the indicator");
        line.split_once('.').expect("an end").0.to_owned()
    };
    let sum = || of(Scope::Som, &oins[1..], &[]);
    assert_eq!(line(vec![of(Scope::Optelling, &oins[..1], &[]), sum()]), "6 van 6 organisaties");
    let by = Table { by: vec![crate::domain::query::Dimension::Leeftijd], ..of(Scope::Optelling, &oins[..1], &[]) };
    assert_eq!(line(vec![of(Scope::Optelling, &oins[..1], &[]), sum(), by]), "6 van 6 organisaties", "of the totals");
    // Who delivers by both ways counts once, and as missing when it is missing in one.
    let missing = line(vec![of(Scope::Optelling, &oins[2..3], &oins[1..2]), sum()]);
    assert_eq!(missing, "4 van 5 organisaties; ontbreekt: GI Beta");
}

#[test]
fn revised_figures_say_so() {
    let revised = |edition, day: &str| {
        let day = Day::parse(day).expect("day");
        Table { revision: Some(Revision { edition, day }), ..table("IND-06", "2024", Vec::new()) }
    };
    let tables = vec![table("IND-01", "2024", Vec::new()), revised(3, "2025-07-01"), revised(2, "2025-05-01")];
    let page = write(&Report { tables, ..report(true) }, &setting());
    assert_eq!(page.matches("herzien op").count(), 1);
    assert!(page.contains("herzien op 2025-07-01 (uitgave 3)"), "the newest");
}

#[test]
fn only_an_example_bears_the_watermark() {
    assert!(write(&report(true), &setting()).contains("class=\"watermark\""));
    assert!(!write(&report(false), &setting()).contains("VOORBEELD"));
}

#[test]
fn the_page_stands_alone_and_runs_nothing() {
    let page = write(&report(true), &setting());
    for foreign in ["http:", "https:", "<script", "javascript:", "@import", "url(", "<link", "<img", "<iframe", " on"] {
        let bare = if foreign == " on" {
            page.contains(" onclick") || page.contains(" onload")
        } else {
            page.contains(foreign)
        };
        assert!(!bare, "{foreign}");
    }
}

/// Opens and closes of elements are balanced, ids are unique, and what is referred to exists.
#[test]
fn the_markup_is_well_formed() {
    for report in [report(true), linked_report()] {
        well_formed(&write(&report, &setting()));
    }
}

fn well_formed(page: &str) {
    let body = &page[page.find("<body").expect("body")..];
    let (mut open, mut ids, mut used) = (Vec::new(), BTreeSet::new(), Vec::new());
    for piece in body.split('<').skip(1) {
        let inside = piece.split('>').next().expect("end of tag");
        let name = inside.split([' ', '/']).find(|n| !n.is_empty()).expect("name").to_owned();
        match inside.strip_prefix('/') {
            Some(_) if name == "html" => {}
            Some(_) => assert_eq!(open.pop(), Some(name), "closed in another order"),
            None => open.push(name),
        }
        for (attribute, list) in [(" id=\"", true), (" aria-labelledby=\"", false), (" href=\"#", false)] {
            let Some((_, rest)) = inside.split_once(attribute) else { continue };
            for value in rest.split('"').next().unwrap_or_default().split(' ') {
                if list {
                    assert!(ids.insert(value.to_owned()), "id {value} twice");
                } else {
                    used.push(value.to_owned());
                }
            }
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    assert!(used.iter().all(|id| ids.contains(id)), "{used:?} {ids:?}");
}

/// A report of which the gate counted the steps of the route, re-entry and the end of a VOTS over the whole region.
fn linked_report() -> Report {
    let regio = |indicator: &str, period: &str, of: &[(&str, &str, Option<i64>)]| {
        let bare = |(series, measure, value): &(&str, &str, Option<i64>)| Row {
            low: None,
            ..row(series, measure, *value, false)
        };
        Table { scope: Scope::Regio, ..table(indicator, period, of.iter().map(bare).collect()) }
    };
    let steps = |n: i64| {
        [
            ("LT->GI", "teller", Some(n)),
            ("LT->GI", "mediaan", Some(104)),
            ("VT->RVDK", "teller", Some(3 * n)),
            ("VT->RVDK", "mediaan", None),
            ("RVDK->GI", "noemer", Some(2 * n)),
            ("RVDK->GI", "teller", Some(2 * n - 20)),
        ]
    };
    let ends =
        [("ALLE", "noemer", Some(60)), ("ALLE", "teller_gekoppeld", Some(45)), ("ALLE", "gekoppeld_zonder_07", None)];
    let tables = vec![
        table("IND-01", "2024", vec![row("VT_MELDING", "n_som_organisaties", Some(900), true)]),
        table("IND-02", "2024", vec![row("VOTS|07", "n_som_organisaties", Some(15), true)]),
        regio("IND-05", "2023", &steps(60)),
        regio("IND-05", "2024", &steps(70)),
        regio("IND-11", "2024", &ends),
        regio("IND-03", "2024", &[("KETEN|JB", "n_kinderen", Some(410)), ("KETEN|VOTS", "n_kinderen", None)]),
    ];
    Report { tables, ..report(true) }
}

#[test]
fn the_route_names_each_step_with_its_share_and_never_a_number_that_is_not_released() {
    let page = write(&linked_report(), &setting());
    for wanted in [
        "De route van kinderen, 2024",
        "<strong>Melding bij Veilig Thuis</strong> 900",
        "<strong>Verzoek bij de Raad</strong> 210 (23\u{a0}%)",
        "<strong>Kennisgeving bij de GI</strong> 120 (86\u{a0}%)",
        "<strong>Begin bij het lokale team</strong> niet aangeleverd",
        "telt één keer",
        "verschil, uit de afgeronde aantallen</th>",
        "Jeugdbescherming, alle maatregelen (keten)",
    ] {
        assert!(page.contains(wanted), "{wanted} is not on the page");
    }
    assert!(page.contains(">30</td>"), "45 followed and 15 registered leave a gap of 30");
}

#[test]
fn an_empty_report_is_a_page_too() {
    let empty = Report { tables: vec![], ..report(false) };
    assert!(write(&empty, &Setting::default()).contains("geen tabellen"));
}

#[test]
fn an_area_is_named_with_what_lies_in_it_while_that_is_short() {
    let names = BTreeMap::from([("0141", "Almelo"), ("0153", "Enschede")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    let name = |value| super::section::area_name(&names, value);
    assert_eq!(name("steden:0141+0153"), "steden (Almelo, Enschede)");
    assert_eq!(name("noord-oost:0141+9999"), "noord oost (Almelo, 9999)");
    assert_eq!(name("overige-gemeenten:0001+0002+0003+0004+overig"), "overige gemeenten");
}

#[test]
fn a_break_is_named_with_its_reason_and_drawn() {
    let quarter = |period: &str, version: &str, missing: bool| {
        let mut table = table("IND-01", period, vec![row("JB", "n_kinderen", Some(55), true)]);
        version.clone_into(&mut table.version);
        table.coverage = Coverage { expected: 2, delivered: 2, missing: Vec::new(), window: None, in_quarantine: None };
        if missing {
            table.coverage = Coverage { delivered: 1, missing: vec![oin()], ..table.coverage };
        }
        table
    };
    let of = |tables: Vec<Table>| write(&Report { tables, ..report(true) }, &setting());
    let plain = of(vec![quarter("2024-Q1", "1.0", false), quarter("2024-Q2", "1.0", false)]);
    assert!(!plain.contains("Trendbreuken") && !plain.contains("class=\"break\""));
    let broken =
        of(vec![quarter("2024-Q1", "1.0", false), quarter("2024-Q2", "1.1", true), quarter("2024-Q3", "1.1", false)]);
    for wanted in ["2024-Q2 definitie versie 1.1", "2024-Q2 zonder GI &quot;Alfa&quot;", "class=\"break\""] {
        assert!(broken.contains(wanted), "{wanted}");
    }
}

#[test]
fn rates_are_made_of_whole_released_counts_only() {
    let file = "gemeente;jaar;kinderen (CBS)\nregio;2024;10000\n0153;2024;1000\n0164;2024;1000\n";
    let denominator = Some(crate::monitor::rates::Denominator::parse(file).expect("a denominator"));
    let of = |code: &str, value: Option<i64>, high: bool| {
        let key = BTreeMap::from([(crate::domain::query::Dimension::Gemeente, code.to_owned())]);
        Row { key, ..row("OTS", "n_kinderen", value, high) }
    };
    let by = vec![crate::domain::query::Dimension::Gemeente];
    let cells = vec![of("0153", Some(35), true), of("0164", Some(20), false), of("overig", None, false)];
    let tables = vec![
        table("IND-03", "2024", vec![row("OTS", "n_kinderen", Some(55), true)]),
        Table { by, ..table("IND-03", "2024", cells) },
    ];
    let page = write(&Report { tables, denominator, ..report(true) }, &setting());
    let rates = page.split_once("Per 1.000, naar gemeente").expect("rates").1;
    assert!(rates.contains("Noemer: kinderen (CBS)") && rates.contains(">5,5</td>") && rates.contains(">35,0</td>"));
    assert!(!rates.contains(">20,0</td>"), "a lower bound has no rate");
}
