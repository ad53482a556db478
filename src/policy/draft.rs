//! A first convenant from node cards: the defaults of the design, with every indicator that a node releases itself.

use super::card::SignedCard;
use super::chain::ChainKeys;
use super::convenant::{
    Convenant, GemeenteTerm, Grant, Party, Purpose, PurposeTerm, Retention, Role, Route, TableGrant,
};
use super::rules::{Area, DisclosureRules, Domains, day_kinds, default_cut};
use crate::crypto::{ChainBase, SigningKey};
use crate::domain::codes::{OrgType, Owner};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::period::PeriodKind;
use crate::domain::query::{Dimension, IndicatorId};

/// What only the parties know; the rest of a draft follows from the defaults.
#[derive(Clone, Debug)]
pub struct DraftTerms {
    /// Name of the convenant: lower-case letters, digits and hyphens.
    pub id: String,
    /// Title, for people.
    pub title: String,
    /// Codes of the municipalities of the region: the domain of `gemeente`.
    pub region: Vec<String>,
    /// Every municipality code that intake accepts, with validity.
    pub gemeenten: Vec<GemeenteTerm>,
    /// First and last day on which it holds.
    pub validity: (Day, Day),
    /// Kinds of owner whose series come as regional sums, each with the indicators that have series of it.
    pub sums: Vec<(Owner, Vec<IndicatorId>)>,
}

/// The indicators that this version releases by the route `node`.
pub const RELEASED: &[IndicatorId] = &[
    IndicatorId::Ind01,
    IndicatorId::Ind02,
    IndicatorId::Ind03,
    IndicatorId::Ind06,
    IndicatorId::Ind07,
    IndicatorId::Ind08,
    IndicatorId::Ind08P,
    IndicatorId::Ind10,
    IndicatorId::Ind11,
    IndicatorId::Ind13,
    IndicatorId::Ind17,
];

/// The version of the definitions that this version of the program computes (definitions 3).
pub const DEFINITION_VERSION: &str = "1.0";

/// The area of every municipality that a draft puts in no other.
const REST_OF_REGION: &str = "overige-gemeenten";

/// The legal basis of the ketenmonitor (purpose P1).
const MONITOR_BASIS: &str =
    "Jeugdwet 7.4.1 lid 2, 7.4.3 en 7.4.4; Wmo 2015 4.2.12 lid 1 en 2; alleen cijfers na vrijgavetoets";

impl Convenant {
    /// A draft, version 1, from the cards of the parties: their roles follow from the kind of organisation.
    #[must_use]
    pub fn draft(terms: DraftTerms, cards: Vec<SignedCard>) -> Self {
        let cut = |i: &IndicatorId| day_kinds(*i).iter().map(|d| default_cut(*i, *d)).collect::<Vec<_>>();
        Self {
            id: terms.id,
            version: 1,
            title: terms.title,
            valid_from: terms.validity.0,
            valid_to: terms.validity.1,
            settlement_days: 42,
            disclosure: DisclosureRules::default(),
            retention: Retention { events_years: 20, log_years: 5 },
            witness: None,
            domains: Domains::of_region(&terms.region),
            purposes: vec![PurposeTerm { purpose: Purpose::P1, legal_basis: MONITOR_BASIS.to_owned() }],
            indicators: RELEASED.iter().map(|i| default_grant(*i)).chain(sum_grants(&terms.sums)).collect(),
            bin_cuts: RELEASED.iter().flat_map(cut).collect(),
            gemeenten: terms.gemeenten,
            chain: None,
            link: None,
            cases: None,
            parties: cards.into_iter().map(|card| Party { roles: vec![role_of(&card)], card }).collect(),
        }
    }

    /// The same draft with areas of municipalities (the rest of the region is one too) and every figure of a node or a sum by area.
    #[must_use]
    pub fn with_areas(mut self, mut areas: Vec<Area>) -> Self {
        areas.iter_mut().for_each(|area| area.gemeenten.sort());
        self.domains = self.domains.with_areas(areas, REST_OF_REGION);
        let granted = self.indicators.iter_mut().filter(|grant| grant.route != Route::Link);
        granted.flat_map(|grant| &mut grant.tables).for_each(|table| table.by.push(vec![Dimension::Gebied]));
        self
    }

    /// Draws a chain base and seals it to every delivering party; the maker is one of them and signs.
    #[must_use]
    pub fn with_chain(mut self, maker: &Oin, key: &SigningKey) -> Self {
        let recipients: Vec<_> = self.with_role(Role::Delivering).collect();
        let chain = ChainKeys::make(&self.id, (maker, key), &ChainBase::random(), &recipients);
        self.chain = Some(chain);
        self
    }
}

fn role_of(card: &SignedCard) -> Role {
    match card.card().org_type {
        OrgType::Monitor => Role::Monitor,
        OrgType::Gate => Role::Gate,
        _ => Role::Delivering,
    }
}

fn default_grant(indicator: IndicatorId) -> Grant {
    let one = |d: Dimension| vec![d];
    let year = vec![vec![], one(Dimension::Gemeente), one(Dimension::Leeftijd), one(Dimension::Maatregel)];
    Grant {
        indicator,
        version: DEFINITION_VERSION.to_owned(),
        route: Route::Node,
        owners: Vec::new(),
        tables: vec![
            TableGrant { period: PeriodKind::Quarter, by: vec![vec![]] },
            TableGrant { period: PeriodKind::Year, by: year },
        ],
    }
}

/// One grant for each indicator: quarters and years, in total, by municipality and by age.
fn sum_grants(sums: &[(Owner, Vec<IndicatorId>)]) -> Vec<Grant> {
    let by = || vec![vec![], vec![Dimension::Gemeente], vec![Dimension::Leeftijd]];
    let grant = |indicator: &IndicatorId| Grant {
        indicator: *indicator,
        version: DEFINITION_VERSION.to_owned(),
        route: Route::Sum,
        owners: sums.iter().filter(|(_, of)| of.contains(indicator)).map(|(owner, _)| *owner).collect(),
        tables: [PeriodKind::Quarter, PeriodKind::Year].map(|period| TableGrant { period, by: by() }).into(),
    };
    RELEASED.iter().map(grant).filter(|grant| !grant.owners.is_empty()).collect()
}
