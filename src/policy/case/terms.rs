//! What a convenant says of exchange about one child: which rules decide, and which exchange types it grants. It may narrow the national
//! lists and never widen them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::rules::{Exchange, Rules};
use super::situation::Situation;
use crate::crypto::Digest;
use crate::domain::reason::ReasonCode;
use crate::policy::convenant::{Convenant, PurposeTerm};

/// Terms of exchange about one child.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseTerms {
    /// Version of the rules by which every party decides.
    pub rules_version: String,
    /// SHA-256 of those rules.
    pub rules_hash: Digest,
    /// The exchange types, ascending by name; every other one is refused.
    pub exchanges: Vec<CaseGrant>,
}

/// One granted exchange type.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseGrant {
    /// Its name in the rules.
    pub exchange: String,
    /// Fields that every request has; at least those of the rules.
    pub minimum: Vec<String>,
    /// Fields that a request may have; at most those of the rules.
    pub maximum: Vec<String>,
}

impl CaseTerms {
    /// What is granted of an exchange type.
    #[must_use]
    pub fn grant(&self, exchange: &str) -> Option<&CaseGrant> {
        self.exchanges.iter().find(|grant| grant.exchange == exchange)
    }
}

/// Whether a convenant grants the exchange that a situation describes, with these fields, and by these rules. What the rules themselves say
/// of it, and whether both sides are parties, is not judged here.
///
/// # Errors
/// The exchange type is not granted (nothing about a child is, without terms), the rules are others than those of the convenant, or the
/// fields are not within its lists. All of it follows from the request and the convenant alone.
pub fn granted(convenant: &Convenant, rules: &Rules, situation: &Situation) -> Result<(), ReasonCode> {
    let terms = convenant.cases.as_ref().ok_or(ReasonCode::CaseExchange)?;
    if terms.rules_hash != rules.hash() {
        return Err(ReasonCode::CaseRules);
    }
    let grant =
        situation.exchange.as_deref().and_then(|exchange| terms.grant(exchange)).ok_or(ReasonCode::CaseExchange)?;
    let (asked, beyond) = (&situation.fields, |field: &String| !grant.maximum.contains(field));
    if asked.iter().any(beyond) || !grant.minimum.iter().all(|field| asked.contains(field)) {
        return Err(ReasonCode::CaseFields);
    }
    Ok(())
}

impl Convenant {
    /// The convenant with these exchange types, with the field lists of the rules, and with the purposes that they need.
    #[must_use]
    pub fn with_cases(mut self, rules: &Rules, exchanges: &BTreeSet<String>) -> Self {
        let rows = || exchanges.iter().filter_map(|name| rules.exchange(name, Some(self.valid_from)));
        let grants: Vec<CaseGrant> = rows().map(whole).collect();
        let purposes: BTreeSet<&String> = rows().flat_map(|row| &row.purposes).collect();
        let term = |name: &String| {
            let row = rules.purposes.iter().find(|row| row.name == *name)?;
            let purpose = serde_json::from_value(serde_json::Value::from(name.as_str())).ok()?;
            Some(PurposeTerm { purpose, legal_basis: row.article.clone() })
        };
        let terms: Vec<PurposeTerm> = purposes.into_iter().filter_map(term).collect();
        let (rules_version, rules_hash) = (rules.version().to_owned(), rules.hash());
        self.cases = Some(CaseTerms { rules_version, rules_hash, exchanges: grants });
        for term in terms {
            if !self.purposes.iter().any(|known| known.purpose == term.purpose) {
                self.purposes.push(term);
            }
        }
        self.purposes.sort_by_key(|term| term.purpose);
        self
    }
}

fn whole(row: &Exchange) -> CaseGrant {
    CaseGrant { exchange: row.name.clone(), minimum: row.minimum.clone(), maximum: row.maximum.clone() }
}

/// What is wrong with the terms about one child of a convenant: place and text. Terms that name other rules than this program has are
/// judged by their form alone.
#[must_use]
pub(in crate::policy) fn case_faults(convenant: &Convenant) -> Vec<(String, String)> {
    let Some(terms) = &convenant.cases else { return Vec::new() };
    let mut faults = Vec::new();
    let mut fault = |when: bool, place: String, text: &str| {
        if when {
            faults.push((place, text.to_owned()));
        }
    };
    let place = || "cases.exchanges".to_owned();
    let ascending = terms.exchanges.windows(2).all(|pair| pair[0].exchange < pair[1].exchange);
    fault(!ascending || terms.exchanges.is_empty(), place(), "noem minstens één soort, oplopend, elk één keer");
    fault(convenant.chain.is_none(), "chain".to_owned(), "uitwisseling over een kind vraagt een ketensleutel");
    let rules = Rules::national();
    let same = terms.rules_hash == rules.hash();
    let named = same == (terms.rules_version == rules.version());
    fault(!named, "cases.rules_version".to_owned(), "versie en hash van de regels horen niet bij elkaar");
    for grant in &terms.exchanges {
        let place = format!("cases.exchanges.{}", grant.exchange);
        let within = grant.minimum.iter().all(|field| grant.maximum.contains(field));
        fault(
            !within || grant.minimum.is_empty(),
            place.clone(),
            "het minimum is niet leeg en ligt binnen het maximum",
        );
        fault(
            grant.maximum.iter().any(|field| rules.never_leaves(field)),
            place.clone(),
            "een veld van het maximum gaat nooit naar buiten",
        );
        if !same {
            continue;
        }
        let Some(row) = rules.exchange(&grant.exchange, Some(convenant.valid_from)) else {
            fault(true, place, "deze soort uitwisseling staat niet in de regels");
            continue;
        };
        let narrow = grant.maximum.iter().all(|field| row.maximum.contains(field))
            && row.minimum.iter().all(|field| grant.minimum.contains(field));
        fault(!narrow, place.clone(), "een convenant mag de veldlijsten van de regels alleen vernauwen");
        let purposes = row
            .purposes
            .iter()
            .any(|purpose| convenant.purposes.iter().any(|term| format!("{:?}", term.purpose) == *purpose));
        fault(!purposes, place, "het doel van deze soort staat niet met zijn grondslag in het convenant");
    }
    faults
}
