//! The run document: what is asked of whom, with which keys, in one form of bytes that P, Q, monitor and gate sign. Nothing else
//! of a run is agreed; its hash is in everything that is blinded, sealed or logged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::fault::{Fault, LinkFault};
use super::line::NodeLine;
use crate::crypto::oprf::BlinderPublic;
use crate::crypto::{AgreementPublic, Digest, SigningKey, VerifyingKey, digest_parts, from_hex, hex};
use crate::domain::day::Day;
use crate::domain::linked::Question;
use crate::domain::oin::Oin;
use crate::domain::query::{Query, TableQuery};

/// Version of this form.
const VERSION: u32 = 1;
const RUN_LABEL: &[u8] = b"ketenpoort/v1/link-run\0";
const SIGNED_LABEL: &[u8] = b"ketenpoort/v1/link-sign\0";

pub use crate::policy::link::PADDING;

/// A blinder with its key of this run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlinderOf {
    /// Who.
    pub oin: Oin,
    /// Its public key of this run, 64 hexadecimal characters.
    pub key: String,
}

impl BlinderOf {
    /// A blinder with its key.
    #[must_use]
    pub fn new(oin: Oin, key: &BlinderPublic) -> Self {
        Self { oin, key: hex(key.as_bytes()) }
    }
}

/// The monitor or the gate, with the key of this run to which is sealed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverOf {
    /// Who.
    pub oin: Oin,
    /// Its public key of this run.
    pub key: AgreementPublic,
}

/// How many elements a node has blinded, padding included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elements {
    /// Which node.
    pub oin: Oin,
    /// How many.
    pub elements: u32,
}

/// One run: one session of the oblivious function for one plan of questions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDocument {
    /// Version of this form: 1.
    pub version: u32,
    /// Id of the run and of every transfer in it, 32 hexadecimal characters.
    pub run: String,
    /// Hash of the convenant.
    pub convenant: Digest,
    /// Epoch of the chain tokens.
    pub epoch: u32,
    /// Number of the run under the convenant, from 0: whose turn it is to blind follows from it.
    pub number: u32,
    /// Hash of the run before this one under the convenant; none for the first.
    pub previous: Option<Digest>,
    /// Calendar year whose quota is used.
    pub year: i16,
    /// Elements that earlier runs of this year used up, ascending by node; a node that is missing used none.
    pub spent: Vec<Elements>,
    /// When everything of the run must be done, in milliseconds since 1970.
    pub until: i64,
    /// First day over which every node has data.
    pub data_from: Day,
    /// Last day over which every node has data.
    pub horizon: Day,
    /// The tables that are made and released, ascending.
    pub tables: Vec<TableQuery>,
    /// What is asked for them, ascending.
    pub questions: Vec<Question>,
    /// P, then Q.
    pub blinders: [BlinderOf; 2],
    /// Who groups.
    pub monitor: ReceiverOf,
    /// Who counts.
    pub gate: ReceiverOf,
    /// The nodes, ascending, each with what it offered itself; a row says which by its number here.
    pub nodes: Vec<NodeLine>,
    /// Delivering parties that are left out, ascending.
    pub without: Vec<Oin>,
}

impl RunDocument {
    /// The version that a new document states.
    pub const VERSION: u32 = VERSION;

    /// The one form of its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a document that holds together.
    ///
    /// # Errors
    /// [`Fault::Document`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let document: Self = serde_json::from_slice(bytes).map_err(|_| Fault::Document)?;
        if document.to_bytes() == bytes && document.is_sound() { Ok(document) } else { Err(Fault::Document) }
    }

    fn is_sound(&self) -> bool {
        let [p, q] = &self.blinders;
        let receivers = [self.monitor.oin, self.gate.oin];
        let is_node = |oin: &Oin| self.nodes.iter().any(|node| node.oin == *oin);
        let ascending = |list: &[Elements]| list.windows(2).all(|pair| pair[0].oin < pair[1].oin);
        self.version == VERSION
            && from_hex::<16>(&self.run).is_some()
            && !self.tables.is_empty()
            && self.tables.windows(2).all(|pair| pair[0] < pair[1])
            && !self.questions.is_empty()
            && u16::try_from(self.questions.len()).is_ok_and(|count| count < u16::MAX)
            && self.questions.windows(2).all(|pair| pair[0] < pair[1])
            && self.data_from <= self.horizon
            && ascending(&self.spent)
            && self.nodes.windows(2).all(|pair| pair[0].oin < pair[1].oin)
            && u16::try_from(self.nodes.len()).is_ok()
            && self.nodes.iter().all(|node| node.is_sound(PADDING))
            && self.without.windows(2).all(|pair| pair[0] < pair[1])
            && !self.without.iter().any(is_node)
            && p.oin != q.oin
            && p.key != q.key
            && is_node(&p.oin)
            && is_node(&q.oin)
            && receivers[0] != receivers[1]
            && !receivers.iter().any(is_node)
    }

    /// The hash of the run, bound into everything of it.
    #[must_use]
    pub fn hash(&self) -> Digest {
        digest_parts(&[RUN_LABEL, &self.to_bytes()])
    }

    /// Signs the document.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> [u8; 64] {
        key.sign(&self.signed_bytes())
    }

    fn signed_bytes(&self) -> Vec<u8> {
        [SIGNED_LABEL, &self.hash().0].concat()
    }

    /// The granted tables as a question.
    #[must_use]
    pub fn query(&self) -> Query {
        Query::new(self.tables.clone())
    }

    /// What is asked of whom over which days, without what differs each time that it is asked again.
    pub(super) fn plan(&self) -> Vec<u8> {
        let nodes: Vec<Oin> = self.nodes.iter().map(|node| node.oin).collect();
        serde_json::to_vec(&(&self.questions, self.data_from, self.horizon, nodes)).unwrap_or_default()
    }

    /// Names of the indicators, for the log.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let names: BTreeSet<&str> = self.tables.iter().map(|table| table.indicator.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Those who sign, in order: P, Q, monitor, gate.
    #[must_use]
    pub fn signers(&self) -> [Oin; 4] {
        let [p, q] = &self.blinders;
        [p.oin, q.oin, self.monitor.oin, self.gate.oin]
    }

    /// Whether one of [`RunDocument::signers`] signed.
    ///
    /// # Errors
    /// [`Fault::Unsigned`] of that party.
    pub fn is_signed_by(&self, signer: Oin, key: &VerifyingKey, signature: &[u8; 64]) -> Result<(), LinkFault> {
        let verified = key.verify(&self.signed_bytes(), signature);
        verified.map_err(|_| Fault::Unsigned.of(signer))
    }

    /// Elements that a node used up in the year before this run.
    #[must_use]
    pub fn spent_by(&self, oin: &Oin) -> u64 {
        self.spent.iter().find(|spent| spent.oin == *oin).map_or(0, |spent| u64::from(spent.elements))
    }

    /// What the year has used up after this run, whatever becomes of it: an aborted run counts as a whole one.
    #[must_use]
    pub fn spent_after(&self) -> Vec<Elements> {
        let mut after: BTreeMap<Oin, u32> = self.spent.iter().map(|spent| (spent.oin, spent.elements)).collect();
        for node in &self.nodes {
            let sum = after.entry(node.oin).or_default();
            *sum = sum.saturating_add(node.elements);
        }
        after.into_iter().map(|(oin, elements)| Elements { oin, elements }).collect()
    }

    /// Whether no node passes its own quota of elements a year, padding included.
    ///
    /// # Errors
    /// [`Fault::OverQuota`] of the nodes that do.
    pub fn is_within(&self, quota: &dyn Fn(&Oin) -> u64) -> Result<(), LinkFault> {
        let over = |node: &&NodeLine| self.spent_by(&node.oin) + u64::from(node.elements) > quota(&node.oin);
        let culprits: Vec<Oin> = self.nodes.iter().filter(over).map(|node| node.oin).collect();
        if culprits.is_empty() { Ok(()) } else { Err(LinkFault { fault: Fault::OverQuota, culprits }) }
    }

    /// Whether nothing that an earlier run used up is forgotten: for a signer who was in that run, and not in those after it.
    #[must_use]
    pub fn remembers(&self, earlier: &Self) -> bool {
        let kept = |used: &Elements| self.spent_by(&used.oin) >= u64::from(used.elements);
        self.year > earlier.year || (self.year == earlier.year && earlier.spent_after().iter().all(kept))
    }

    /// Whether the document follows on the latest one that the checker knows: nobody's used elements are forgotten.
    ///
    /// # Errors
    /// [`Fault::Succession`].
    pub fn follows(&self, latest: Option<&Self>) -> Result<(), Fault> {
        let spent = match latest {
            Some(latest) if latest.year == self.year => latest.spent_after(),
            Some(latest) if latest.year > self.year => return Err(Fault::Succession),
            _ => Vec::new(),
        };
        let number = latest.map_or(Some(0), |latest| latest.number.checked_add(1));
        let holds = self.previous == latest.map(Self::hash) && Some(self.number) == number && self.spent == spent;
        if holds { Ok(()) } else { Err(Fault::Succession) }
    }
}

/// A run whose document was checked, with its keys as points.
#[derive(Clone, Debug)]
pub struct Run {
    /// The document.
    pub document: RunDocument,
    /// Its hash.
    pub hash: Digest,
    /// The public keys of P and Q.
    pub keys: [BlinderPublic; 2],
}

impl Run {
    /// Takes a document that holds together, whoever signed it: for machines alone, in tests and measurements. A party opens it by
    /// [`Frame::open`](super::frame::Frame::open).
    ///
    /// # Errors
    /// [`Fault::Document`]; [`Fault::OtherKey`] of a blinder whose key is no usable point.
    pub fn new(document: RunDocument) -> Result<Self, LinkFault> {
        if !document.is_sound() {
            return Err(Fault::Document.of_nobody());
        }
        let read = |of: &BlinderOf| {
            let key = from_hex(&of.key).and_then(|bytes| BlinderPublic::from_bytes(bytes).ok());
            key.ok_or_else(|| Fault::OtherKey.of(of.oin))
        };
        let keys = [read(&document.blinders[0])?, read(&document.blinders[1])?];
        Ok(Self { hash: document.hash(), keys, document })
    }

    /// Number and declared elements of a node.
    ///
    /// # Errors
    /// [`Fault::Role`] of a party that is no node of this run.
    pub fn node(&self, oin: &Oin) -> Result<(u16, u32), LinkFault> {
        let at = self.document.nodes.iter().position(|node| node.oin == *oin);
        let at = at.ok_or_else(|| Fault::Role.of(*oin))?;
        Ok((u16::try_from(at).unwrap_or(u16::MAX), self.document.nodes[at].elements))
    }

    /// Whether the run is still within its time.
    ///
    /// # Errors
    /// [`Fault::Over`], the doing of those who are still awaited.
    pub fn is_open(&self, now_ms: i64, awaited: Vec<Oin>) -> Result<(), LinkFault> {
        if now_ms <= self.document.until { Ok(()) } else { Err(LinkFault { fault: Fault::Over, culprits: awaited }) }
    }

    /// What binds a seal to this run, one use, one maker and one place.
    pub(super) fn context(&self, label: &[u8], place: &[&[u8]]) -> Vec<u8> {
        [label, &self.hash.0, &place.concat()].concat()
    }
}
