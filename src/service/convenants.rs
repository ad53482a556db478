//! Convenants at a node: drafting, signing, taking over, withdrawing, and which one is in force.

use std::sync::Arc;

use thiserror::Error;

use super::core::{Core, CoreError};
use crate::crypto::{ChainEpoch, MacKey};
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::query::IndicatorId;
use crate::domain::reason::ReasonCode;
use crate::indicator::definition::definitions;
use crate::policy::bundle::{ConvenantBundle, ConvenantInForce, InvalidBundle, State, in_force};
use crate::policy::card::SignedCard;
use crate::policy::check::check;
use crate::policy::convenant::{Convenant, GemeenteTerm, UnreadableConvenant};
use crate::policy::draft::DraftTerms;
use crate::policy::rules::Area;
use crate::storage::state::StateKind;

/// A convenant cannot be made, signed or taken over.
#[derive(Debug, Error)]
pub enum ConvenantError {
    /// The text of a draft.
    #[error(transparent)]
    Unreadable(#[from] UnreadableConvenant),
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] InvalidBundle),
    /// A card.
    #[error("{0}")]
    Card(String),
    /// This node is no party.
    #[error("deze node ({0}) is geen partij bij dit convenant")]
    NotAParty(Oin),
    /// Only a delivering party makes the chain key.
    #[error(
        "alleen een partij die gegevens levert maakt een concept, want zij maakt de ketensleutel; kies een andere node"
    )]
    NotDelivering,
    /// The journal.
    #[error(transparent)]
    Core(#[from] CoreError),
}

/// What a draft is made of besides what the node knows.
pub struct NewDraft {
    /// Name of the convenant.
    pub id: String,
    /// Texts of the cards of the parties.
    pub cards: Vec<String>,
    /// Who asks for figures.
    pub monitor: Oin,
    /// The gate, when there is one.
    pub gate: Option<Oin>,
    /// First and last day.
    pub validity: (Day, Day),
    /// Kinds of owner whose series come as regional sums.
    pub sums: Vec<Owner>,
    /// Indicators that come as linked figures, and by no other route.
    pub links: Vec<IndicatorId>,
    /// Areas of municipalities; the rest of the region becomes one too.
    pub areas: Vec<Area>,
    /// Children of parties of linked figures: six runs a year over so many is their quota.
    pub cohorts: Vec<(Oin, u32)>,
}

/// The convenants of one day, worked out once.
pub struct Standing {
    /// The day.
    pub day: Day,
    /// Those in force, or why there are none.
    pub in_force: Result<Vec<ConvenantInForce>, ReasonCode>,
}

impl Core {
    /// The convenants in force today.
    #[must_use]
    pub fn standing(&self) -> Arc<Standing> {
        let today = self.clock.today();
        let kept = self.kept_standing();
        if let Some(kept) = kept
            && kept.day == today
        {
            return kept;
        }
        self.refresh_standing()
    }

    /// A draft with fresh chain keys, as TOML.
    ///
    /// # Errors
    /// [`ConvenantError`].
    pub fn convenant_draft(&self, new: NewDraft) -> Result<String, ConvenantError> {
        if self.identity.levert.is_empty() {
            return Err(ConvenantError::NotDelivering);
        }
        let cards: Result<Vec<SignedCard>, _> = new.cards.iter().map(|text| SignedCard::parse(text)).collect();
        let mut cards = cards.map_err(|e| ConvenantError::Card(e.to_string()))?;
        cards.sort_by_key(|c| c.card().oin);
        for (oin, what) in [(Some(new.monitor), "ketenmonitor"), (new.gate, "poortwachter")] {
            if oin.is_some_and(|oin| !cards.iter().any(|c| c.card().oin == oin)) {
                return Err(ConvenantError::Card(format!("geef ook de visitekaart van de {what} met --card")));
            }
        }
        let mut region: Vec<String> = cards.iter().filter_map(|c| c.card().gemeente.clone()).collect();
        if region.is_empty() {
            region = self.gemeenten.spans().iter().map(|s| s.code.to_string()).collect();
        }
        let terms = DraftTerms {
            title: format!("Convenant {}", new.id),
            id: new.id,
            region,
            gemeenten: self.gemeente_terms(),
            validity: new.validity,
            sums: new.sums.into_iter().map(|owner| (owner, indicators_of(owner))).collect(),
        };
        let draft = Convenant::draft(terms, cards).with_chain(&self.identity.oin, &self.signing);
        let draft = if new.areas.is_empty() { draft } else { draft.with_areas(new.areas) };
        let draft = if new.links.is_empty() { draft } else { draft.with_links(&new.links).with_cohorts(&new.cohorts) };
        Ok(draft.to_toml()?)
    }

    fn gemeente_terms(&self) -> Vec<GemeenteTerm> {
        let always = Day::from_ymd(1900, 1, 1).unwrap_or(Day(0));
        let term = |s: &crate::domain::gemeente::GemeenteSpan| GemeenteTerm {
            code: s.code.to_string(),
            name: None,
            van: s.from.unwrap_or(always),
            tot: s.to,
        };
        self.gemeenten.spans().iter().map(term).collect()
    }

    /// Puts a draft forward: a bundle with our signature.
    ///
    /// # Errors
    /// [`ConvenantError`] with all faults of the draft.
    pub fn convenant_propose(&self, draft: &str) -> Result<ConvenantBundle, ConvenantError> {
        let convenant = Convenant::from_toml(draft)?;
        let faults = check(&convenant);
        if !faults.is_empty() {
            return Err(InvalidBundle::Faults(faults).into());
        }
        let bundle = ConvenantBundle::propose(convenant, &self.identity.oin, &self.signing, self.clock.today())?;
        self.keep(&bundle)?;
        Ok(bundle)
    }

    /// Signs a bundle when we have not, and keeps it; signatures of others are taken over.
    ///
    /// # Errors
    /// [`ConvenantError`].
    pub fn convenant_accept(&self, text: &str) -> Result<(ConvenantBundle, State), ConvenantError> {
        let mut bundle = ConvenantBundle::parse(text)?;
        if bundle.convenant().party(&self.identity.oin).is_none() {
            return Err(ConvenantError::NotAParty(self.identity.oin));
        }
        let known = self.memory().convenants.get(&bundle.hash().0).cloned();
        if let Some(known) = known {
            bundle.merge(&known)?;
        }
        if bundle.missing().contains(&self.identity.oin) {
            bundle.accept(&self.identity.oin, &self.signing, self.clock.today())?;
        }
        self.keep(&bundle)?;
        let state = bundle.state(self.clock.today());
        Ok((bundle, state))
    }

    /// Steps out of a convenant: its flows stop at once.
    ///
    /// # Errors
    /// [`ConvenantError`].
    pub fn convenant_withdraw(&self, text: &str) -> Result<ConvenantBundle, ConvenantError> {
        let mut bundle = ConvenantBundle::parse(text)?;
        bundle.withdraw(&self.identity.oin, &self.signing, self.clock.today())?;
        self.keep(&bundle)?;
        Ok(bundle)
    }

    /// Every convenant that the node knows, with its state among the others.
    #[must_use]
    pub fn convenants(&self) -> Vec<(ConvenantBundle, State)> {
        let bundles: Vec<ConvenantBundle> = self.memory().convenants.values().cloned().collect();
        let today = self.clock.today();
        bundles.iter().map(|b| (b.clone(), b.state_among(&bundles, today))).collect()
    }

    /// Chain bases of the convenants in force, for intake: id and prepared key. None for a party that delivers nothing.
    #[must_use]
    pub fn chain_bases(&self) -> Vec<([u8; 16], MacKey)> {
        let standing = self.standing();
        let Ok(convenants) = &standing.in_force else { return Vec::new() };
        let own = self.keys.agreement_key(0);
        let base = |in_force: &ConvenantInForce| {
            let convenant = in_force.convenant();
            let chain = convenant.chain.as_ref()?;
            let maker = convenant.party(&chain.made_by)?.card.card().signing;
            let base = chain.open(&convenant.id, (&self.identity.oin, &own), &maker).ok()?;
            let mut id = [0; 16];
            id.copy_from_slice(&chain.check.0[..16]);
            Some((id, base.token_key()))
        };
        convenants.iter().filter_map(base).collect()
    }

    /// Id of the chain base of a convenant, and the key of an epoch; none for a party that has no base.
    pub(in crate::service) fn chain_epoch(&self, convenant: &Convenant, epoch: u32) -> Option<([u8; 16], ChainEpoch)> {
        let chain = convenant.chain.as_ref()?;
        let maker = convenant.party(&chain.made_by)?.card.card().signing;
        let own = self.keys.agreement_key(0);
        let base = chain.open(&convenant.id, (&self.identity.oin, &own), &maker).ok()?;
        let mut id = [0; 16];
        id.copy_from_slice(&chain.check.0[..16]);
        Some((id, base.epoch(epoch)))
    }

    fn keep(&self, bundle: &ConvenantBundle) -> Result<(), ConvenantError> {
        let writing = self.writing();
        let known = self.memory().convenants.get(&bundle.hash().0).cloned();
        if known.as_ref() != Some(bundle) {
            let appended = self.state.append(StateKind::Convenant, bundle.to_text().into_bytes());
            appended.map_err(CoreError::from)?;
            self.change(|memory| memory.convenants.insert(bundle.hash().0, bundle.clone()));
        }
        drop(writing);
        self.refresh_standing();
        Ok(())
    }

    /// Works out anew what is in force and who may connect; after each change and once a day.
    pub(in crate::service) fn refresh_standing(&self) -> Arc<Standing> {
        let bundles: Vec<ConvenantBundle> = self.memory().convenants.values().cloned().collect();
        let day = self.clock.today();
        let standing = Arc::new(Standing { day, in_force: in_force(&bundles, day) });
        self.keep_standing(Arc::clone(&standing));
        standing
    }
}

/// The indicators that have released series of a kind of owner.
fn indicators_of(owner: Owner) -> Vec<IndicatorId> {
    let owned = definitions().iter().filter(|d| d.series.iter().any(|series| series.released && series.owner == owner));
    owned.map(|definition| definition.id).collect()
}
