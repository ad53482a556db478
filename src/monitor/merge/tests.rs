//! Sums of released figures: bounds, marks, coverage and names.

use proptest::prelude::*;

use super::*;
use crate::domain::period::Period;
use crate::domain::query::IndicatorId;

fn day() -> Day {
    Day::parse("2025-03-01").expect("day")
}

fn query() -> TableQuery {
    TableQuery { indicator: IndicatorId::Ind01, period: Period::year_of(2024), by: vec![] }
}

/// A released figure: a count, or a mark.
type Figure = Result<i64, Mark>;

fn table(figures: &[(&str, &str, Figure)]) -> Table {
    let row = |(series, measure, figure): &(&str, &str, Figure)| Row {
        series: (*series).into(),
        measure: (*measure).into(),
        key: BTreeMap::new(),
        value: figure.ok(),
        mark: figure.err(),
        low: None,
        high: None,
    };
    Table {
        indicator: "IND-01".into(),
        version: "1".into(),
        period: Some(Period::year_of(2024)),
        by: vec![],
        peildatum: day(),
        scope: Scope::Organisatie,
        protected: true,
        rows: figures.iter().map(row).collect(),
        coverage: Coverage::default(),
        sources: vec![],
        certificate: None,
        revision: None,
    }
}

fn node(number: u8, org_type: OrgType, result: NodeResult) -> NodeOutcome {
    let oin = Oin::parse(&format!("00000099{number:012}")).expect("oin");
    NodeOutcome { oin, name: format!("Organisatie {number}"), org_type, result }
}

fn answered(number: u8, org_type: OrgType, figures: &[(&str, &str, Figure)]) -> NodeOutcome {
    node(number, org_type, NodeResult::Answered(vec![table(figures)]))
}

fn merged(outcomes: &[NodeOutcome]) -> Table {
    merge(&Query::new(vec![query()]), day(), outcomes, &[]).remove(0)
}

fn figure(table: &Table, series: &str, measure: &str) -> (Option<i64>, Option<Mark>, Option<i64>, Option<i64>) {
    let row = table.rows.iter().find(|r| r.series == series && r.measure == measure).expect("row");
    (row.value, row.mark, row.low, row.high)
}

#[test]
fn children_of_nodes_are_added_under_a_name_of_their_own() {
    let one =
        [("OTS", "n_kinderen", Ok(20)), ("OTS", "n_som_organisaties", Ok(20)), ("OTS", "n_gebeurtenissen", Ok(25))];
    let two = [("OTS", "n_kinderen", Ok(35)), ("OTS", "n_gebeurtenissen", Ok(40))];
    let sum = merged(&[answered(1, OrgType::Gi, &one), answered(2, OrgType::Gi, &two)]);
    assert_eq!(figure(&sum, "OTS", "n_som_organisaties"), (Some(55), None, Some(51), Some(59)));
    assert_eq!(figure(&sum, "OTS", "n_gebeurtenissen"), (Some(65), None, Some(61), Some(69)));
    assert!(sum.rows.iter().all(|row| row.measure != "n_kinderen"));
    assert_eq!((sum.scope, sum.protected), (Scope::Optelling, true));
}

#[test]
fn a_suppressed_or_missing_part_leaves_the_sum_without_upper_bound() {
    let known = answered(1, OrgType::Gi, &[("OTS", "n_kinderen", Ok(20))]);
    let hidden = answered(2, OrgType::Gi, &[("OTS", "n_kinderen", Err(Mark::Suppressed))]);
    let absent = node(3, OrgType::Gi, NodeResult::Missing("niet bereikbaar".into()));
    let impossible = answered(4, OrgType::Gi, &[("OTS", "n_kinderen", Err(Mark::Impossible))]);
    let of = |nodes: &[&NodeOutcome]| {
        let nodes: Vec<NodeOutcome> = nodes.iter().map(|n| (*n).clone()).collect();
        figure(&merged(&nodes), "OTS", "n_som_organisaties")
    };
    assert_eq!(of(&[&known, &hidden]), (Some(20), None, Some(18), None));
    assert_eq!(of(&[&known, &absent]), (Some(20), None, Some(18), None));
    assert_eq!(of(&[&known, &impossible]), (Some(20), None, Some(18), Some(22)));
    assert_eq!(of(&[&hidden, &absent]), (None, Some(Mark::Suppressed), None, None));
    assert_eq!(of(&[&hidden, &impossible]), (None, Some(Mark::Suppressed), None, None));
    assert_eq!(of(&[&impossible]), (None, Some(Mark::Impossible), None, None));
}

#[test]
fn only_owners_count_and_a_series_that_no_owner_delivered_is_missing() {
    let listing_all = [("LT_START", "n_kinderen", Ok(50)), ("OTS", "n_kinderen", Err(Mark::Impossible))];
    let sum = merged(&[
        answered(1, OrgType::Gem, &listing_all),
        node(2, OrgType::Gi, NodeResult::Missing("niet bereikbaar".into())),
        answered(3, OrgType::Monitor, &[("JH_START", "n_kinderen", Ok(90))]),
    ]);
    assert_eq!(figure(&sum, "LT_START", "n_som_organisaties").0, Some(50));
    assert_eq!(figure(&sum, "OTS", "n_som_organisaties"), (None, Some(Mark::Missing), None, None));
    let help = figure(&sum, "JH_START", "n_som_organisaties");
    assert_eq!(help, (None, Some(Mark::Missing), None, None), "the monitor owns no series, and no provider was asked");
    assert_eq!((sum.coverage.expected, sum.coverage.delivered), (2, 1));
    assert_eq!(sum.coverage.missing.len(), 1);
    assert_eq!(sum.sources.len(), 1);
}

#[test]
fn a_series_that_one_municipality_delivers_for_all_has_bounds() {
    let sum = merged(&[
        answered(1, OrgType::Gem, &[("LT_START", "n_kinderen", Ok(50)), ("JBT_AANMELDING", "n_kinderen", Ok(100))]),
        answered(2, OrgType::Gem, &[("LT_START", "n_kinderen", Err(Mark::Suppressed))]),
    ]);
    assert_eq!(figure(&sum, "JBT_AANMELDING", "n_som_organisaties"), (Some(100), None, Some(98), Some(102)));
    assert_eq!(figure(&sum, "LT_START", "n_som_organisaties"), (Some(50), None, Some(48), None));
}

#[test]
fn tables_of_another_day_version_or_without_protection_are_not_added() {
    let good = table(&[("OTS", "n_kinderen", Ok(20))]);
    let spoiled = [
        Table { peildatum: Day(day().0 + 1), ..good.clone() },
        Table { version: "2".into(), ..good.clone() },
        Table { protected: false, ..good.clone() },
        Table { scope: Scope::Optelling, ..good.clone() },
        Table { by: vec![Dimension::Gemeente], ..good.clone() },
    ];
    for bad in spoiled {
        let of = |number, table: &Table| node(number, OrgType::Gi, NodeResult::Answered(vec![table.clone()]));
        let sum = merged(&[of(1, &good), of(2, &good), of(3, &bad)]);
        assert_eq!(figure(&sum, "OTS", "n_som_organisaties"), (Some(40), None, Some(36), None), "{bad:?}");
        assert_eq!(sum.coverage.missing.len(), 1);
    }
}

#[test]
fn figures_of_the_chain_are_not_added_up() {
    let stock = |table: Table| Table { indicator: "IND-03".into(), ..table };
    let figures = [("KETEN|JB", "n_kinderen", Ok(20)), ("LOKAAL|JB", "n_som_organisaties", Ok(30))];
    let one = node(1, OrgType::Gi, NodeResult::Answered(vec![stock(table(&figures))]));
    let question = Query::new(vec![TableQuery { indicator: IndicatorId::Ind03, ..query() }]);
    let sum = merge(&question, day(), &[one], &[]).remove(0);
    assert_eq!(figure(&sum, "LOKAAL|JB", "n_som_organisaties").0, Some(30));
    assert!(sum.rows.iter().all(|row| !row.series.starts_with("KETEN")));
}

fn any_figure() -> impl Strategy<Value = Figure> {
    prop_oneof![
        4 => (2_i64..40).prop_map(|n| Ok(5 * n)),
        1 => Just(Err(Mark::Suppressed)),
        1 => Just(Err(Mark::Impossible)),
    ]
}

proptest! {
    /// Whatever true counts stand behind the released ones, their sum lies within the bounds.
    #[test]
    fn the_true_sum_lies_within_the_bounds(parts in prop::collection::vec((any_figure(), -2_i64..=2, 0_i64..200), 1..6)) {
        let nodes: Vec<_> = (1..).zip(&parts).map(|(n, (f, ..))| answered(n, OrgType::Gi, &[("OTS", "n_kinderen", *f)])).collect();
        let truth: i64 = parts.iter().map(|(figure, off, hidden)| match figure {
            Ok(value) => value + off,
            Err(Mark::Suppressed) => *hidden,
            Err(_) => 0,
        }).sum();
        let (value, mark, low, high) = figure(&merged(&nodes), "OTS", "n_som_organisaties");
        prop_assert_eq!(value.is_some(), mark.is_none());
        prop_assert!(low.is_none_or(|low| low <= truth));
        prop_assert!(high.is_none_or(|high| truth <= high));
        prop_assert_eq!(high.is_some(), value.is_some() && parts.iter().all(|(f, ..)| *f != Err(Mark::Suppressed)));
    }
}
