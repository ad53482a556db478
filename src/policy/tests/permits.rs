//! What is permitted and what is refused with which code.

use crate::crypto::digest;
use crate::domain::codes::OrgType;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use crate::domain::reason::ReasonCode;
use crate::policy::bundle::*;
use crate::policy::convenant::*;
use crate::policy::fixture::*;
use crate::policy::permit::*;

fn table(indicator: IndicatorId, period: &str, by: &[Dimension]) -> TableQuery {
    TableQuery { indicator, period: Period::parse(period).expect("period"), by: by.to_vec() }
}

fn one(indicator: IndicatorId, period: &str, by: &[Dimension]) -> Query {
    Query::new(vec![table(indicator, period, by)])
}

#[test]
fn the_monitor_gets_what_the_plan_declares_and_the_permit_tells_its_terms() {
    let held = held();
    let plan = declared_plan(held.convenant(), (IndicatorId::Ind06, Route::Node), 2025);
    let query = Query::new(plan.clone());
    let permit = decide(&held, &oin(MONITOR), &held.hash(), &query, day("2026-06-01")).expect("allowed");
    assert_eq!(permit.query_hash(), query.hash());
    assert_eq!(permit.convenant().hash(), held.hash());
    assert_eq!(permit.requester(), &oin(MONITOR));
    let both = declared_tables(held.convenant(), &[2024, 2025].into());
    assert!(plan.iter().all(|table| both.contains(table)) && both.len() > 2 * plan.len());
}

#[test]
fn everything_that_is_not_granted_is_refused_with_its_own_code() {
    use IndicatorId::{Ind01, Ind24};
    let mut terms = draft();
    terms.indicators[1].route = Route::Sum;
    terms.indicators[2].tables.remove(0);
    let held = ConvenantInForce::unchecked(terms);
    let today = day("2026-06-01");
    let good = one(Ind01, "2025-Q1", &[]);
    let asks = |who: u8, query: &Query, on: &str| decide(&held, &oin(who), &held.hash(), query, day(on)).err();
    assert_eq!(asks(MONITOR, &good, "2026-06-01"), None);
    assert_eq!(decide(&held, &oin(MONITOR), &digest(b"other"), &good, today).err(), Some(ReasonCode::OtherConvenant));
    assert_eq!(asks(MONITOR, &good, "2031-01-01"), Some(ReasonCode::ConvenantNotValid));
    assert_eq!(asks(9, &good, "2026-06-01"), Some(ReasonCode::OinNotInConvenant));
    for n in [GATE, TOWN, INSTITUTION] {
        assert_eq!(asks(n, &good, "2026-06-01"), Some(ReasonCode::RoleNotAllowed));
    }
    let (town, age, measure) = (Dimension::Gemeente, Dimension::Leeftijd, Dimension::Maatregel);
    for (query, reason) in [
        (Query::new(vec![]), ReasonCode::MessageMalformed),
        (one(Ind01, "2025", Dimension::ALL), ReasonCode::TooManyDimensions),
        (one(Ind01, "2025", &[town, measure, age]), ReasonCode::DimensionNotAllowed),
        (one(Ind01, "2025", &[town, town]), ReasonCode::TooManyDimensions),
        (one(Ind24, "2025", &[]), ReasonCode::IndicatorNotAllowed),
        (one(IndicatorId::Ind02, "2025", &[]), ReasonCode::RouteNotNode),
        (one(IndicatorId::Ind03, "2025-Q1", &[]), ReasonCode::PeriodNotAllowed),
        (one(Ind01, "2025-03", &[]), ReasonCode::PeriodNotAllowed),
        (one(Ind01, "2025-H1", &[]), ReasonCode::PeriodNotAllowed),
        (one(Ind01, "2025-Q1", &[town]), ReasonCode::DimensionNotAllowed),
        (one(Ind01, "2025", &[Dimension::Organisatie]), ReasonCode::DimensionNotAllowed),
        (one(Ind01, "2025", &[town, age]), ReasonCode::DimensionNotAllowed),
        (one(Ind01, "2026-Q2", &[]), ReasonCode::NotSettled),
        (one(Ind01, "2026", &[]), ReasonCode::NotSettled),
    ] {
        assert_eq!(asks(MONITOR, &query, "2026-06-01"), Some(reason), "{query:?}");
        let hidden = Query::new([query.tables(), good.tables()].concat());
        if !query.tables().is_empty() {
            assert_eq!(asks(MONITOR, &hidden, "2026-06-01"), Some(reason), "one bad table refuses the question");
        }
    }
}

#[test]
fn a_quarter_settles_its_days_after_its_end() {
    let quarter = |text: &str| settles_on(Period::parse(text).expect("period"), 42);
    assert_eq!(quarter("2026-Q1"), day("2026-05-12"));
    assert_eq!(quarter("2026-01"), day("2026-05-12"), "a month waits for its quarter");
    assert_eq!(quarter("2025"), day("2026-02-11"));
    let held = held();
    let query = one(IndicatorId::Ind01, "2026-Q1", &[]);
    let on = |text: &str| decide(&held, &oin(MONITOR), &held.hash(), &query, day(text)).err();
    assert_eq!(on("2026-05-11"), Some(ReasonCode::NotSettled));
    assert_eq!(on("2026-05-12"), None);
}

#[test]
fn a_permit_of_the_fixture_is_for_its_question() {
    let query = one(IndicatorId::Ind13, "2024", &[Dimension::Maatregel]);
    assert_eq!(permit(&query).query(), &query);
}

#[test]
fn own_use_remembers_how_the_owner_came_in() {
    for access in [LocalAccess::Socket, LocalAccess::DirectoryLock] {
        assert_eq!(own_use_for(LocalOwner::checked(access)).access(), access);
    }
}

#[test]
fn roles_follow_from_the_kind_of_organisation() {
    let convenant = draft();
    assert_eq!(convenant.monitor().expect("monitor").org_type, OrgType::Monitor);
    assert_eq!(convenant.gate().expect("gate").org_type, OrgType::Gate);
    assert_eq!(convenant.with_role(Role::Delivering).map(|c| c.oin).collect::<Vec<_>>(), [oin(TOWN), oin(INSTITUTION)]);
    assert!(convenant.party(&oin(9)).is_none());
}
