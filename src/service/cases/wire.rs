//! Wire pseudonyms: what one pair of organisations calls a child for one purpose, under one convenant, in one epoch.
//! `W = HMAC(pair key, T[e])`; nobody but the two can make or link it (docs/formats/case.md).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::crypto::{ChainEpoch, Digest, MacKey, Tag, from_hex, hex};
use crate::domain::oin::Oin;
use crate::policy::convenant::{Convenant, Purpose};
use crate::service::core::Core;
use crate::service::lock;
use crate::storage::subjects::SubjectTag;

/// The epoch of chain tokens and agreement keys that this version knows.
pub const EPOCH: u32 = 0;
/// Indexes that are kept at a time: partners times purposes.
const MOST: usize = 256;

/// What a pair calls a child.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WireName(pub [u8; 32]);

impl TryFrom<String> for WireName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        from_hex(&text).map(Self).ok_or("no wire pseudonym")
    }
}

impl From<WireName> for String {
    fn from(name: WireName) -> Self {
        hex(&name.0)
    }
}

impl fmt::Debug for WireName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WireName(..)")
    }
}

/// Makes the wire pseudonyms of one pair, purpose, convenant and epoch.
pub struct Namer {
    base: [u8; 16],
    epoch: ChainEpoch,
    pair: MacKey,
}

impl Namer {
    /// Of a key of the chain and the key of a pair.
    #[must_use]
    pub fn new(base: [u8; 16], epoch: ChainEpoch, pair: MacKey) -> Self {
        Self { base, epoch, pair }
    }

    /// The chain base whose tokens it names.
    #[must_use]
    pub fn base(&self) -> [u8; 16] {
        self.base
    }

    /// The wire pseudonym of the child with this base token.
    #[must_use]
    pub fn name(&self, base_token: &Tag) -> WireName {
        WireName(*self.pair.tag(&[self.epoch.token(base_token).expose()]).expose())
    }
}

/// The label under which the key of a pair is derived.
#[must_use]
pub fn pair_label(convenant: &str, purpose: Purpose, epoch: u32) -> String {
    format!("ketenpoort/v1/wire/{convenant}/{purpose:?}/{epoch}")
}

/// Which index: partner, convenant and purpose.
type Which = (Oin, Digest, Purpose);

/// The children by wire pseudonym, per partner and purpose in use; made when first needed and when the children change.
#[derive(Default)]
pub(in crate::service) struct WireIndex(Mutex<HashMap<Which, Names>>);

struct Names {
    generation: u64,
    of: Arc<HashMap<WireName, SubjectTag>>,
}

impl Core {
    /// What makes the wire pseudonyms between us and a partner; none when one of the two has no chain key of the convenant.
    pub fn namer(&self, convenant: &Convenant, partner: &Oin, purpose: Purpose) -> Option<Namer> {
        let (base, epoch) = self.chain_epoch(convenant, EPOCH)?;
        let card = convenant.party(partner)?.card.card();
        let label = pair_label(&convenant.id, purpose, EPOCH);
        let own = self.keys.agreement_key(EPOCH);
        let pair = own.pair_key(self.identity.oin.bytes(), &card.agreement, partner.bytes(), &label).ok()?;
        Some(Namer::new(base, epoch, MacKey::new(&pair)))
    }

    /// The children that a partner can name to us for a purpose.
    pub fn wire_names(
        &self,
        convenant: &Convenant,
        partner: Oin,
        purpose: Purpose,
    ) -> Option<Arc<HashMap<WireName, SubjectTag>>> {
        let which = (partner, convenant.hash(), purpose);
        let memory = self.memory();
        let generation = memory.cases.generation();
        let mut kept = lock(&self.wire.0);
        if let Some(names) = kept.get(&which).filter(|names| names.generation == generation) {
            return Some(Arc::clone(&names.of));
        }
        let namer = self.namer(convenant, &partner, purpose)?;
        let named = |(tag, child): (&SubjectTag, &super::memory::Child)| {
            Some((namer.name(child.tokens.get(&namer.base())?), *tag))
        };
        let of: Arc<HashMap<_, _>> = Arc::new(memory.cases.children().filter_map(named).collect());
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(which, Names { generation, of: Arc::clone(&of) });
        Some(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{AgreementKey, ChainBase, Secret32};
    use crate::domain::bsn::{BsnReading, read_bsn};

    /// The vectors of docs/formats/case.md: roots of 01 and 02, a base of 03, OINs ...001 and ...002.
    fn namer(own: u8, other: u8, purpose: Purpose) -> Namer {
        let key = |n: u8| AgreementKey::from_seed(Secret32::new([n; 32]));
        let name = |n: u8| Oin::parse(&format!("0000009900000000000{n}")).unwrap();
        let base = ChainBase::new(Secret32::new([3; 32]));
        let label = pair_label("voorbeeld", purpose, 0);
        let pair = key(own).pair_key(name(own).bytes(), &key(other).public(), name(other).bytes(), &label).unwrap();
        Namer::new([0; 16], base.epoch(0), MacKey::new(&pair))
    }

    fn token(bsn: &str) -> Tag {
        let BsnReading::Subject { bsn, .. } = read_bsn(bsn) else { panic!("a BSN") };
        bsn.chain_token(&ChainBase::new(Secret32::new([3; 32])).token_key())
    }

    #[test]
    fn both_of_a_pair_make_one_name_and_nobody_else_makes_it() {
        let child = token("111222333");
        let name = namer(1, 2, Purpose::P5).name(&child);
        assert_eq!(name, namer(2, 1, Purpose::P5).name(&child), "from both ends");
        assert_ne!(name, namer(1, 2, Purpose::P6).name(&child), "another purpose");
        assert_ne!(name, namer(1, 3, Purpose::P5).name(&child), "another pair");
        assert_ne!(name, namer(1, 2, Purpose::P5).name(&token("123456782")), "another child");
        assert_eq!(hex(&name.0), "92ee8e995e8f9d29c988639fbefbaf99812bb5a73ce7240b83a8a7877fa67106");
    }
}
