//! The keys of a node, all derived from its 32-byte root, and the chain keys that delivering parties share.

use std::fmt;

use super::agreement::AgreementKey;
use super::mac::{Digest, MacKey, Secret32, Tag, expand_secret};
use super::seal::SealKey;
use super::sign::SigningKey;

/// What a sealing key of the node is for; each has a key of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SealUse {
    /// Events, outcomes and settings in the state journal.
    State,
    /// Sealed fields of the transfer log.
    Translog,
    /// Stored answers and the release ledger.
    Answers,
    /// Quarantined rows.
    Quarantine,
    /// The audit log of employee actions.
    Audit,
    /// The file with the keys of data subjects.
    Subjects,
    /// The accounts of the console.
    Accounts,
}

impl SealUse {
    fn label(self) -> &'static str {
        match self {
            Self::State => "ketenpoort/v1/seal-state/0",
            Self::Translog => "ketenpoort/v1/seal-translog/0",
            Self::Answers => "ketenpoort/v1/seal-answers/0",
            Self::Quarantine => "ketenpoort/v1/seal-quarantine/0",
            Self::Audit => "ketenpoort/v1/seal-audit/0",
            Self::Subjects => "ketenpoort/v1/seal-subjects/0",
            Self::Accounts => "ketenpoort/v1/seal-accounts/0",
        }
    }
}

/// The key tree of one node: HKDF-SHA-256 of the root with labels `ketenpoort/v1/<use>/<epoch>` (design 3).
pub struct KeyTree(Secret32);

impl KeyTree {
    /// Takes over the node root.
    #[must_use]
    pub fn new(root: Secret32) -> Self {
        Self(root)
    }

    /// Signs cards, convenants, answers and receipts.
    #[must_use]
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_seed(&expand_secret(&self.0, "ketenpoort/v1/signing/0"))
    }

    /// Signs checkpoints of the transfer log, and nothing else.
    #[must_use]
    pub fn checkpoint_key(&self) -> SigningKey {
        SigningKey::from_seed(&expand_secret(&self.0, "ketenpoort/v1/checkpoint/0"))
    }

    /// Cosigns checkpoints of other organisations' logs as their witness, and nothing else.
    #[must_use]
    pub fn witness_key(&self) -> SigningKey {
        SigningKey::from_seed(&expand_secret(&self.0, "ketenpoort/v1/witness/0"))
    }

    /// The agreement key of an epoch, for HPKE and pair keys.
    #[must_use]
    pub fn agreement_key(&self, epoch: u32) -> AgreementKey {
        AgreementKey::from_seed(expand_secret(&self.0, &format!("ketenpoort/v1/agreement/{epoch}")))
    }

    /// Makes local pseudonyms: `S = HMAC(key, "local" || 0x00 || 9 digits)`.
    #[must_use]
    pub fn local_key(&self) -> MacKey {
        MacKey::new(&expand_secret(&self.0, "ketenpoort/v1/local/0"))
    }

    /// Makes keyed fingerprints of texts (zaak, gezin, `event_id`, duplicate key, content); the caller puts the name of
    /// the field and a zero byte first, so that fingerprints of different fields never meet.
    #[must_use]
    pub fn fingerprint_key(&self) -> MacKey {
        MacKey::new(&expand_secret(&self.0, "ketenpoort/v1/fingerprint/0"))
    }

    /// Names data subjects in their key file: `HMAC(key, S)`, so that the file does not hold S itself.
    #[must_use]
    pub fn subject_tag_key(&self) -> MacKey {
        MacKey::new(&expand_secret(&self.0, "ketenpoort/v1/subject-tag/0"))
    }

    /// Breaks ties in disclosure control, so that nobody else can replay the choice.
    #[must_use]
    pub fn tiebreak_key(&self) -> MacKey {
        MacKey::new(&expand_secret(&self.0, "ketenpoort/v1/tiebreak/0"))
    }

    /// Makes the one-time code secrets of invitations to the console.
    #[must_use]
    pub fn invitation_key(&self) -> MacKey {
        MacKey::new(&expand_secret(&self.0, "ketenpoort/v1/invitation/0"))
    }

    /// Draws the void groups of linked runs, so that one plan asked again gets the same ones.
    #[must_use]
    pub fn void_key(&self) -> MacKey {
        MacKey::new(&expand_secret(&self.0, "ketenpoort/v1/link-voids/0"))
    }

    /// The sealing key of one use.
    #[must_use]
    pub fn seal_key(&self, of: SealUse) -> SealKey {
        SealKey::new(expand_secret(&self.0, of.label()))
    }
}

impl fmt::Debug for KeyTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyTree(<redacted>)")
    }
}

fn check_of(key: &Secret32) -> Digest {
    Digest(*MacKey::new(key).tag(&[b"check"]).expose())
}

/// The chain base `K_base` of one convenant and key domain: delivering parties hold it, monitor and gate never.
pub struct ChainBase(Secret32);

impl ChainBase {
    /// Draws a new base.
    #[must_use]
    pub fn random() -> Self {
        Self(Secret32::random())
    }

    /// Takes over a base that came out of its seal.
    #[must_use]
    pub fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// `HMAC(K_base, "check")`: stands in the convenant, so that every holder confirms that it has the same base.
    #[must_use]
    pub fn check(&self) -> Digest {
        check_of(&self.0)
    }

    /// The key that makes chain tokens: `T0 = HMAC(K_base, "subject" || 0x00 || 9 digits)`.
    #[must_use]
    pub fn token_key(&self) -> MacKey {
        MacKey::new(&self.0)
    }

    /// The key of an epoch that follows from the base, for convenants that hold no key of their own for it.
    #[must_use]
    pub fn epoch(&self, epoch: u32) -> ChainEpoch {
        ChainEpoch::new(expand_secret(&self.0, &format!("ketenpoort/v1/chain-epoch/{epoch}")))
    }

    /// The secret itself, to seal it to a party that may hold it or into the node's own store; never to log.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

impl fmt::Debug for ChainBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainBase(<redacted>)")
    }
}

/// The chain key `K_c[e]` of one epoch; a new one rotates every token without a BSN.
pub struct ChainEpoch(Secret32);

impl ChainEpoch {
    /// Draws a new epoch key.
    #[must_use]
    pub fn random() -> Self {
        Self(Secret32::random())
    }

    /// Takes over an epoch key that came out of its seal.
    #[must_use]
    pub fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// `HMAC(K_c[e], "check")`.
    #[must_use]
    pub fn check(&self) -> Digest {
        check_of(&self.0)
    }

    /// The token of the epoch: `T[e] = HMAC(K_c[e], T0)`.
    #[must_use]
    pub fn token(&self, base_token: &Tag) -> Tag {
        MacKey::new(&self.0).tag(&[base_token.expose()])
    }
}

impl fmt::Debug for ChainEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainEpoch(<redacted>)")
    }
}
