//! The documents of a run (docs/formats/sum.md): what is summed over whom, and the list that monitor and gate sign. JSON in one
//! form: other bytes with the same content are refused.

use serde::{Deserialize, Serialize};

use crate::crypto::{Digest, SigningKey, VerifyingKey, digest_parts, from_hex, hex};
use crate::disclosure::component::{Job, with_coarser};
use crate::disclosure::sums::question_of;
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::query::Query;
use crate::domain::reason::ReasonCode;
use crate::policy::check::LEAST_CONTRIBUTORS;
use crate::translog::entry::TransferId;

/// Version of these documents.
const VERSION: u32 = 1;
const RUN_LABEL: &[u8] = b"ketenpoort/v1/sum-run\0";
const LIST_LABEL: &[u8] = b"ketenpoort/v1/sum-list\0";

/// What can be summed now: the tables of one component that are due, and those that were released before, which every later run
/// sums again as constants of its audit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SumPlan {
    /// Whose series.
    pub owner: Owner,
    /// Last settled day.
    pub until: Day,
    /// The tables with their horizons, sorted.
    pub tables: Vec<Job>,
    /// The organisations of the earlier release, ascending; empty when there is none.
    pub contributors: Vec<Oin>,
}

/// What a run sums, over whom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunBody {
    /// Version of this form: 1.
    pub version: u32,
    /// Id of the run and of every transfer in it, 32 hexadecimal characters.
    pub run: String,
    /// Hash of the convenant, 64 hexadecimal characters.
    pub convenant: String,
    /// Whose series.
    pub owner: Owner,
    /// Last settled day.
    pub until: Day,
    /// The tables with their horizons, sorted.
    pub tables: Vec<Job>,
    /// Who takes part, ascending.
    pub contributors: Vec<Oin>,
}

impl RunBody {
    /// The body of a run of a plan over these contributors.
    #[must_use]
    pub fn new(run: TransferId, convenant: Digest, plan: &SumPlan, contributors: Vec<Oin>) -> Self {
        Self {
            version: VERSION,
            run: hex(run.as_bytes()),
            convenant: convenant.to_hex(),
            owner: plan.owner,
            until: plan.until,
            tables: plan.tables.clone(),
            contributors,
        }
    }

    /// The one form of its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a body whose lists are sorted, without doubles and long enough.
    ///
    /// # Errors
    /// [`ReasonCode::MessageMalformed`], [`ReasonCode::SumTooFew`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReasonCode> {
        let body: Self = serde_json::from_slice(bytes).map_err(|_| ReasonCode::MessageMalformed)?;
        if body.to_bytes() != bytes { Err(ReasonCode::MessageMalformed) } else { body.checked() }
    }

    fn checked(self) -> Result<Self, ReasonCode> {
        let sound = self.version == VERSION
            && self.run_id().is_some()
            && Digest::from_hex(&self.convenant).is_some()
            && !self.tables.is_empty()
            && self.tables.windows(2).all(|pair| pair[0].table < pair[1].table)
            && self.contributors.windows(2).all(|pair| pair[0] < pair[1]);
        match sound {
            false => Err(ReasonCode::MessageMalformed),
            true if self.contributors.len() < LEAST_CONTRIBUTORS => Err(ReasonCode::SumTooFew),
            true => Ok(self),
        }
    }

    /// Id of the run.
    #[must_use]
    pub fn run_id(&self) -> Option<TransferId> {
        TransferId::from_bytes(from_hex(&self.run)?).ok()
    }

    /// What every entry of the run has as the hash of its question.
    #[must_use]
    pub fn hash(&self) -> Digest {
        digest_parts(&[RUN_LABEL, &self.to_bytes()])
    }

    /// The granted tables as a question.
    #[must_use]
    pub fn question(&self) -> Query {
        question_of(&self.tables)
    }

    /// Every table that is summed: with the coarser ones that the audit has to know.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        with_coarser(self.tables.iter().cloned())
    }

    /// Names of the indicators, for the log.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let names: std::collections::BTreeSet<&str> =
            self.tables.iter().map(|job| job.table.indicator.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

/// What the gate asks of one party of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskOf {
    /// Whom.
    pub oin: Oin,
    /// Leaf hash of the gate's entry of it, 64 hexadecimal characters.
    pub entry: String,
    /// The run's check key, sealed to this contributor, hexadecimal.
    pub key: String,
}

/// The list of a run: one text, the same for everybody, signed by gate and monitor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SumList {
    /// What is summed over whom.
    pub body: RunBody,
    /// Leaf hash of the gate's entry in which it asks the monitor for its summed share, 64 hexadecimal characters.
    pub monitor_entry: String,
    /// One for each contributor, in the order of the body.
    pub asks: Vec<AskOf>,
}

impl SumList {
    /// The one form of its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a list that is signed under both keys.
    ///
    /// # Errors
    /// [`ReasonCode::SumListInvalid`] for another form, order or signature; [`ReasonCode::SumTooFew`].
    pub fn open(bytes: &[u8], signed: &[(&VerifyingKey, &[u8; 64])]) -> Result<Self, ReasonCode> {
        let by_all = signed.iter().all(|(key, signature)| key.verify(&labelled(bytes), *signature).is_ok());
        let list: Self = serde_json::from_slice(bytes).map_err(|_| ReasonCode::SumListInvalid)?;
        let asked = list.asks.iter().map(|ask| ask.oin).eq(list.body.contributors.iter().copied());
        if !by_all || list.to_bytes() != bytes || !asked {
            return Err(ReasonCode::SumListInvalid);
        }
        let body = list.body.checked().map_err(|reason| match reason {
            ReasonCode::SumTooFew => reason,
            _ => ReasonCode::SumListInvalid,
        })?;
        Ok(Self { body, ..list })
    }

    /// What the gate asks of this contributor.
    #[must_use]
    pub fn ask_of(&self, oin: &Oin) -> Option<&AskOf> {
        self.asks.iter().find(|ask| ask.oin == *oin)
    }
}

/// Signs the bytes of a list.
#[must_use]
pub fn sign_list(bytes: &[u8], key: &SigningKey) -> [u8; 64] {
    key.sign(&labelled(bytes))
}

fn labelled(bytes: &[u8]) -> Vec<u8> {
    [LIST_LABEL, bytes].concat()
}
