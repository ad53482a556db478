//! The terms of blinded linkage: who may blind, and how many elements a node may have blinded in a calendar year.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::convenant::{Convenant, Grant, Role, Route, TableGrant};
use super::draft::DEFINITION_VERSION;
use super::rules::{day_kinds, default_cut};
use crate::domain::oin::Oin;
use crate::domain::period::PeriodKind;
use crate::domain::query::IndicatorId;

/// Terms of blinded linkage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkTerms {
    /// Delivering parties that blind by turns, ascending; two of them in each run.
    pub blinders: Vec<Oin>,
    /// Elements that a node may have blinded in a calendar year, padding included, when it has no line of its own.
    pub quota: u32,
    /// Other quotas, ascending by party: a small node needs fewer than a large one, and whoever gets hold of it gets fewer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<PartyQuota>,
}

/// The quota of one party.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyQuota {
    /// Which party.
    pub oin: Oin,
    /// Elements in a calendar year, padding included.
    pub elements: u32,
}

impl LinkTerms {
    /// The quota of a party.
    #[must_use]
    pub fn quota_of(&self, oin: &Oin) -> u64 {
        let own = self.quotas.iter().find(|quota| quota.oin == *oin);
        u64::from(own.map_or(self.quota, |quota| quota.elements))
    }

    /// The two blinders of the run with this number, counted from 0 over all runs: the next two of the rota that are not left out.
    #[must_use]
    pub fn turn(&self, run: u64, without: &[Oin]) -> Option<[Oin; 2]> {
        let count = u64::try_from(self.blinders.len()).ok().filter(|count| *count > 0)?;
        let (before, from) = self.blinders.split_at(usize::try_from(run % count).ok()?);
        let mut due = from.iter().chain(before).filter(|oin| !without.contains(oin)).copied();
        Some([due.next()?, due.next()?])
    }
}

/// Fewest delivering parties: with two, each knows the other's part.
const LEAST_NODES: usize = 3;
/// Blinded elements come in multiples of this, so that a message tells little of the size of a cohort.
pub const PADDING: u32 = 64;
/// A year's quota is that of so many runs over a whole cohort.
const RUNS_A_YEAR: u32 = 6;
/// Children of a party of whose cohort nothing is said.
const COHORT: u32 = 10_000;

/// Elements a year for an organisation with so many children, padding included.
fn quota_over(children: u32) -> u32 {
    let most = u32::MAX / RUNS_A_YEAR - PADDING;
    children.clamp(1, most).next_multiple_of(PADDING) * RUNS_A_YEAR
}

impl Convenant {
    /// The convenant with these indicators as linked figures, in quarters and years, with every delivering party as a blinder by turns.
    /// They come by no other route.
    #[must_use]
    pub fn with_links(mut self, indicators: &[IndicatorId]) -> Self {
        self.indicators.retain(|grant| !indicators.contains(&grant.indicator));
        let total = || vec![Vec::new()];
        for indicator in indicators {
            self.indicators.push(Grant {
                indicator: *indicator,
                version: DEFINITION_VERSION.to_owned(),
                route: Route::Link,
                owners: Vec::new(),
                tables: [PeriodKind::Quarter, PeriodKind::Year].map(|period| TableGrant { period, by: total() }).into(),
            });
            for days in day_kinds(*indicator) {
                if self.bin_cut(*indicator, *days).is_none() {
                    self.bin_cuts.push(default_cut(*indicator, *days));
                }
            }
        }
        self.bin_cuts.retain(|cut| self.indicators.iter().any(|grant| grant.indicator == cut.indicator));
        let mut blinders: Vec<Oin> = self.with_role(Role::Delivering).map(|card| card.oin).collect();
        blinders.sort();
        self.link = Some(LinkTerms { blinders, quota: quota_over(COHORT), quotas: Vec::new() });
        self
    }

    /// The convenant with a quota of its own for each of these parties: six runs a year over so many children.
    #[must_use]
    pub fn with_cohorts(mut self, cohorts: &[(Oin, u32)]) -> Self {
        if let Some(link) = &mut self.link {
            let own: BTreeMap<Oin, u32> = cohorts.iter().copied().collect();
            link.quotas = own.iter().map(|(oin, n)| PartyQuota { oin: *oin, elements: quota_over(*n) }).collect();
        }
        self
    }
}

/// The indicators that linkage counts.
const LINKABLE: [IndicatorId; 10] = {
    use IndicatorId as I;
    [I::Ind01, I::Ind02, I::Ind03, I::Ind05, I::Ind09, I::Ind10, I::Ind11, I::Ind12, I::Ind13, I::Ind14]
};

/// What counts, of the children of an indicator, those to whom something happened later. The gate protects its own figures from whoever
/// knows how many began; what nodes release of who came on it cannot protect when it counts who began.
const fn beginning_with(indicator: IndicatorId) -> &'static [IndicatorId] {
    use IndicatorId as I;
    match indicator {
        I::Ind01 => &[I::Ind10, I::Ind13],
        I::Ind02 => &[I::Ind11, I::Ind13],
        _ => &[],
    }
}

/// What is wrong with the terms of linkage of a convenant: place and text.
#[must_use]
pub(super) fn link_faults(convenant: &Convenant) -> Vec<(String, &'static str)> {
    let mut faults = Vec::new();
    let linked = convenant.indicators.iter().filter(|grant| grant.route == Route::Link);
    let Some(terms) = &convenant.link else {
        faults.extend(linked.map(|grant| {
            (
                format!("indicators.{}.route", grant.indicator),
                "`link` vraagt de afspraken onder `link`: blinders en quotum",
            )
        }));
        return faults;
    };
    let by_nodes = |id: &IndicatorId| convenant.indicators.iter().any(|g| g.indicator == *id && g.route != Route::Link);
    for grant in linked {
        let place = format!("indicators.{}.route", grant.indicator);
        if !LINKABLE.contains(&grant.indicator) {
            faults.push((place.clone(), "dit cijfer gaat over trajecten bij één organisatie: er is niets te koppelen"));
        }
        if beginning_with(grant.indicator).iter().any(by_nodes) {
            faults.push((
                place.clone(),
                "van dezelfde kinderen wordt het vervolg door de nodes zelf vrijgegeven: de poortwachter kan die cijfers niet \
                 in zijn toets betrekken; geef het vervolg (IND-10, IND-11, IND-13) ook langs `link`, of dit cijfer niet",
            ));
        }
        let alone = convenant.indicators.iter().filter(|other| other.indicator == grant.indicator).count() == 1;
        if !alone {
            faults.push((place, "een indicator die wordt gekoppeld komt langs geen andere route"));
        }
    }
    let mut fault = |when: bool, place: &str, text: &'static str| {
        if when {
            faults.push((place.to_owned(), text));
        }
    };
    let ascending = terms.blinders.windows(2).all(|pair| pair[0] < pair[1]);
    fault(terms.blinders.len() < 2 || !ascending, "link.blinders", "noem minstens twee blinders, oplopend op OIN");
    let delivers = |oin: &Oin| convenant.party(oin).is_some_and(|party| party.has(Role::Delivering));
    fault(!terms.blinders.iter().all(delivers), "link.blinders", "een blinder is een leverende partij");
    fault(terms.quota == 0, "link.quota", "het quotum is minstens 1");
    let own = terms.quotas.windows(2).all(|pair| pair[0].oin < pair[1].oin)
        && terms.quotas.iter().all(|quota| convenant.party(&quota.oin).is_some());
    fault(!own, "link.quotas", "eigen quota van partijen, oplopend op OIN");
    let nodes = convenant.with_role(Role::Delivering).count();
    fault(nodes < LEAST_NODES, "link", "`link` vraagt minstens drie leverende partijen");
    let both = convenant.monitor().is_some() && convenant.gate().is_some();
    fault(!both, "link", "`link` vraagt een ketenmonitor en een poortwachter");
    fault(convenant.chain.is_none(), "chain", "`link` vraagt een ketensleutel voor elke leverende partij");
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::draft;

    /// Which route faults a draft has when these indicators are linked.
    fn faults(linked: &[IndicatorId]) -> Vec<(String, &'static str)> {
        let all = link_faults(&draft().with_links(linked));
        all.into_iter().filter(|(place, _)| place.starts_with("indicators.")).collect()
    }

    #[test]
    fn who_began_is_not_linked_while_nodes_tell_who_came_on() {
        use IndicatorId as I;
        assert_eq!(faults(&[I::Ind05, I::Ind09, I::Ind10, I::Ind11, I::Ind12, I::Ind13, I::Ind14]), vec![]);
        assert_eq!(faults(&[I::Ind03]), vec![]);
        for (linked, refused) in [(I::Ind01, "indicators.IND-01.route"), (I::Ind02, "indicators.IND-02.route")] {
            let found = faults(&[linked]);
            assert!(found.len() == 1 && found[0].0 == refused && found[0].1.contains("vervolg"), "{found:?}");
        }
        assert_eq!(faults(&[I::Ind01, I::Ind10, I::Ind13]), vec![]);
        assert_eq!(faults(&[I::Ind02, I::Ind10, I::Ind11]).len(), 1, "IND-13 still comes from nodes");
        assert_eq!(faults(&[I::Ind01, I::Ind02, I::Ind05, I::Ind10, I::Ind11, I::Ind13]), vec![]);
    }

    #[test]
    fn what_one_organisation_counts_alone_is_not_linked() {
        let found = faults(&[IndicatorId::Ind07]);
        assert!(found.len() == 1 && found[0].1.contains("niets te koppelen"), "{found:?}");
    }

    #[test]
    fn blinders_take_turns_two_at_a_time() {
        let oin = |n: u8| Oin::parse(&format!("{n:020}")).expect("20 digits");
        let terms = LinkTerms { blinders: (1..=3).map(oin).collect(), quota: 1, quotas: Vec::new() };
        let turns: Vec<_> = (0..4).map(|run| terms.turn(run, &[]).expect("three blinders")).collect();
        assert_eq!(turns, [[oin(1), oin(2)], [oin(2), oin(3)], [oin(3), oin(1)], [oin(1), oin(2)]]);
        let left_out: Vec<_> = (0..3).map(|run| terms.turn(run, &[oin(2)]).expect("two blinders")).collect();
        assert_eq!(left_out, [[oin(1), oin(3)], [oin(3), oin(1)], [oin(3), oin(1)]]);
        assert_eq!(terms.turn(0, &[oin(1), oin(2)]), None);
        assert_eq!(LinkTerms { blinders: vec![oin(1)], ..terms.clone() }.turn(0, &[]), None);
        assert_eq!([0, 3, 64, 65, u32::MAX].map(quota_over), [384, 384, 384, 768, 4_294_967_040]);
        let quotas = vec![PartyQuota { oin: oin(2), elements: 7 }];
        let terms = LinkTerms { quotas, ..terms };
        assert_eq!((terms.quota_of(&oin(1)), terms.quota_of(&oin(2))), (1, 7));
    }
}
