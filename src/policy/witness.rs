//! Which parties witness each other's transfer logs, and how many of them must agree.

use serde::{Deserialize, Serialize};

use super::convenant::Convenant;
use crate::crypto::{Digest, VerifyingKey, digest_parts};
use crate::domain::oin::Oin;

/// How many witnesses a log has, and how many of them must have cosigned the same tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessTerms {
    /// Witnesses per log (n).
    pub witnesses: u32,
    /// Cosignatures that are needed (k).
    pub quorum: u32,
}

impl Default for WitnessTerms {
    /// n = 4 and k = 3: with one dishonest witness two quorums still share an honest one.
    fn default() -> Self {
        Self { witnesses: 4, quorum: 3 }
    }
}

impl WitnessTerms {
    /// The most witnesses a convenant may ask for.
    pub const MOST: u32 = 16;

    /// Whether two quorums always share more than `2k - n - 1` witnesses, at least one, and the numbers are in bounds.
    #[must_use]
    pub fn is_sound(self) -> bool {
        let bounds = self.quorum <= self.witnesses && self.witnesses <= Self::MOST;
        bounds && self.quorum.saturating_mul(2) > self.witnesses
    }

    /// How many dishonest witnesses the quorum bears: the largest f with 2k - n > f.
    #[must_use]
    pub fn bears(self) -> u32 {
        self.quorum.saturating_mul(2).saturating_sub(self.witnesses).saturating_sub(1)
    }
}

/// The witnesses of one log under one convenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quorum {
    /// Name of the convenant.
    pub convenant: String,
    /// The witnesses with their keys, by OIN.
    pub witnesses: Vec<(Oin, VerifyingKey)>,
    /// How many of them are needed: at most their number, at least one unless there are none.
    pub needed: usize,
}

impl Quorum {
    /// Who witnesses the log of `log` under this convenant: the n other parties that come first when each is given the
    /// number SHA-256(`ketenpoort/v1/witness` || 00 || OIN of the log || OIN of the party), the highest first. So every party
    /// works out the same choice, no party picks its own, and a party that comes or goes changes little. Parties whose card
    /// has no witness key do not take part; with fewer than n all others are witnesses, and with fewer than k all are needed.
    #[must_use]
    pub fn of(convenant: &Convenant, log: Oin) -> Self {
        let terms = convenant.witness.unwrap_or_default();
        let others = convenant.parties.iter().map(|party| party.card.card()).filter(|card| card.oin != log);
        let mut ranked: Vec<(Digest, Oin, VerifyingKey)> =
            others.filter_map(|card| Some((rank(log, card.oin), card.oin, card.witness?))).collect();
        ranked.sort_by_key(|(rank, _, _)| std::cmp::Reverse(*rank));
        ranked.truncate(usize::try_from(terms.witnesses).unwrap_or(usize::MAX));
        let mut witnesses: Vec<(Oin, VerifyingKey)> = ranked.into_iter().map(|(_, oin, key)| (oin, key)).collect();
        witnesses.sort_by_key(|(oin, _)| *oin);
        let needed = usize::try_from(terms.quorum).unwrap_or(usize::MAX).min(witnesses.len());
        Self { convenant: convenant.id.clone(), witnesses, needed }
    }

    /// Whether enough of the witnesses are among these; each counts once.
    #[must_use]
    pub fn is_met(&self, cosigned: impl Fn(&Oin) -> bool) -> bool {
        self.witnesses.iter().filter(|(oin, _)| cosigned(oin)).count() >= self.needed
    }
}

fn rank(log: Oin, party: Oin) -> Digest {
    digest_parts(&[b"ketenpoort/v1/witness\0", log.as_str().as_bytes(), party.as_str().as_bytes()])
}
