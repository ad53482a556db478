//! May this requester have these tables? The one place that mints permits; everything not granted is refused.

use std::collections::BTreeSet;

use super::bundle::ConvenantInForce;
use super::convenant::{Convenant, Role, Route};
use crate::crypto::Digest;
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::query::{IndicatorId, MOST_DIMENSIONS, Query, TableQuery};
use crate::domain::reason::ReasonCode;

/// Leave to compute and release the tables of one question, with every term that the convenant sets to it.
pub struct Permit {
    query: Query,
    query_hash: Digest,
    requester: Oin,
    convenant: ConvenantInForce,
    route: Route,
}

impl Permit {
    /// Hash of the question that it is for.
    #[must_use]
    pub fn query_hash(&self) -> Digest {
        self.query_hash
    }

    /// The question itself.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// By which route.
    #[must_use]
    pub fn route(&self) -> Route {
        self.route
    }

    /// Who asks.
    #[must_use]
    pub fn requester(&self) -> &Oin {
        &self.requester
    }

    /// The convenant under which it is given: purpose, legal basis, thresholds, domains and plan.
    #[must_use]
    pub fn convenant(&self) -> &ConvenantInForce {
        &self.convenant
    }
}

/// Every table that a convenant declares as a regional sum of the series of a kind of owner in a calendar year, sorted.
#[must_use]
pub fn declared_sums(convenant: &Convenant, owner: Owner, year: i16) -> Vec<TableQuery> {
    let sums = convenant.indicators.iter().filter(|grant| grant.route == Route::Sum && grant.owners.contains(&owner));
    sums.flat_map(|grant| declared_plan(convenant, (grant.indicator, Route::Sum), year)).collect()
}

/// Every table that a convenant declares as a linked figure of a calendar year, sorted.
#[must_use]
pub fn declared_links(convenant: &Convenant, year: i16) -> Vec<TableQuery> {
    let links = convenant.indicators.iter().filter(|grant| grant.route == Route::Link);
    links.flat_map(|grant| declared_plan(convenant, (grant.indicator, Route::Link), year)).collect()
}

/// Every table that nodes release by themselves in these calendar years, over all indicators of a convenant. Disclosure control weighs the
/// whole of it, whatever part is asked first.
#[must_use]
pub fn declared_tables(convenant: &Convenant, years: &BTreeSet<i16>) -> Vec<TableQuery> {
    let of_year = |year: &i16| {
        let granted = convenant.indicators.iter().filter(|grant| grant.route == Route::Node);
        let plans = granted.map(|grant| declared_plan(convenant, (grant.indicator, Route::Node), *year));
        plans.flatten().collect::<Vec<_>>()
    };
    years.iter().flat_map(of_year).collect()
}

/// Every table that a convenant declares for an indicator and route in a calendar year, sorted; also what a monitor can ask.
#[must_use]
pub fn declared_plan(convenant: &Convenant, (indicator, route): (IndicatorId, Route), year: i16) -> Vec<TableQuery> {
    let tables = convenant.grant(indicator, route).map_or(&[][..], |grant| &grant.tables);
    let mut plan: Vec<TableQuery> = tables
        .iter()
        .flat_map(|t| periods_of(t.period, year).into_iter().flat_map(|p| t.by.iter().map(move |by| (p, by))))
        .map(|(period, by)| TableQuery { indicator, period, by: by.clone() })
        .collect();
    plan.sort();
    plan
}

fn periods_of(kind: PeriodKind, year: i16) -> Vec<Period> {
    match kind {
        PeriodKind::Year => vec![Period::year_of(year)],
        PeriodKind::Quarter => (1..=4).map(|q| Period::quarter(year, q)).collect(),
        // No checked convenant grants these (see `check`).
        PeriodKind::Half | PeriodKind::Month => vec![],
    }
}

/// Decides whether a requester may have the tables of a question today, under the convenant that its request names.
/// Whether this node has the data, and whether earlier releases stand in the way, is not decided here.
///
/// # Errors
/// The reason of the first rule that refuses, in the order: version, validity, party, role, then table by table
/// dimensions, indicator, route, period kind, breakdown, settlement.
pub fn decide(
    convenant: &ConvenantInForce,
    requester: &Oin,
    requested: &Digest,
    query: &Query,
    today: Day,
) -> Result<Permit, ReasonCode> {
    decide_by(Route::Node, convenant, (requester, requested), query, today)
}

/// As [`decide`], for tables that the convenant grants as regional sums: at the gate, which releases them, at a node, which shares
/// in them, and at the monitor, which hands on its part.
///
/// # Errors
/// As [`decide`].
pub fn decide_sum(
    convenant: &ConvenantInForce,
    requester: &Oin,
    requested: &Digest,
    query: &Query,
    today: Day,
) -> Result<Permit, ReasonCode> {
    decide_by(Route::Sum, convenant, (requester, requested), query, today)
}

/// As [`decide`], for tables that the convenant grants as linked figures: at every party that takes part in a run.
///
/// # Errors
/// As [`decide`].
pub fn decide_link(
    convenant: &ConvenantInForce,
    requester: &Oin,
    requested: &Digest,
    query: &Query,
    today: Day,
) -> Result<Permit, ReasonCode> {
    decide_by(Route::Link, convenant, (requester, requested), query, today)
}

fn decide_by(
    route: Route,
    convenant: &ConvenantInForce,
    (requester, requested): (&Oin, &Digest),
    query: &Query,
    today: Day,
) -> Result<Permit, ReasonCode> {
    if *requested != convenant.hash() {
        return Err(ReasonCode::OtherConvenant);
    }
    let terms = convenant.convenant();
    if !terms.valid_on(today) {
        return Err(ReasonCode::ConvenantNotValid);
    }
    let party = terms.party(requester).ok_or(ReasonCode::OinNotInConvenant)?;
    if !party.has(Role::Monitor) {
        return Err(ReasonCode::RoleNotAllowed);
    }
    if query.tables().is_empty() {
        return Err(ReasonCode::MessageMalformed);
    }
    for table in query.tables() {
        decide_table(terms, (table, route), today)?;
    }
    Ok(Permit {
        query: query.clone(),
        query_hash: query.hash(),
        requester: *requester,
        convenant: convenant.clone(),
        route,
    })
}

fn decide_table(terms: &Convenant, (table, route): (&TableQuery, Route), today: Day) -> Result<(), ReasonCode> {
    let repeated = table.by.iter().enumerate().any(|(i, d)| table.by[..i].contains(d));
    if table.by.len() > MOST_DIMENSIONS || repeated {
        return Err(ReasonCode::TooManyDimensions);
    }
    let other = terms.indicators.iter().any(|grant| grant.indicator == table.indicator);
    let refused = if other { ReasonCode::RouteNotNode } else { ReasonCode::IndicatorNotAllowed };
    let grant = terms.grant(table.indicator, route).ok_or(refused)?;
    let kind = grant.tables.iter().find(|t| t.period == table.period.kind()).ok_or(ReasonCode::PeriodNotAllowed)?;
    if !kind.by.contains(&table.by) {
        return Err(ReasonCode::DimensionNotAllowed);
    }
    if settles_on(table.period, terms.settlement_days) > today { Err(ReasonCode::NotSettled) } else { Ok(()) }
}

/// The first day on which every quarter of a period is settled.
#[must_use]
pub fn settles_on(period: Period, settlement_days: u32) -> Day {
    let (_, last) = period.bounds();
    let end = last.end_of_quarter();
    Day(end.0.saturating_add(i32::try_from(settlement_days).unwrap_or(i32::MAX)))
}

/// How the caller knows that it deals with the owner of the node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocalAccess {
    /// The peer of the local socket has the user id of the node.
    Socket,
    /// The caller holds the lock of the node's directory, and so can read every file in it anyway.
    DirectoryLock,
}

/// The marker of somebody on the node's own machine who owns it. Only two callers may make one: the local socket, after
/// it has compared the peer's user id, and the command that holds the directory lock. Never code that answers a partner.
pub struct LocalOwner(LocalAccess);

impl LocalOwner {
    /// States that the caller has checked this kind of access.
    #[must_use]
    pub fn checked(access: LocalAccess) -> Self {
        Self(access)
    }
}

/// Leave to see the organisation's own, unprotected figures on its own machine. Nothing made with it reaches the wire.
pub struct OwnUse(LocalAccess);

impl OwnUse {
    /// How the owner came in, for the log.
    #[must_use]
    pub fn access(&self) -> LocalAccess {
        self.0
    }
}

/// Mints the leave for own use.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "the marker is used up: one check, one leave")]
pub fn own_use_for(owner: LocalOwner) -> OwnUse {
    OwnUse(owner.0)
}
