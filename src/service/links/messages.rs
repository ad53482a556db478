//! What the parties of a linked run say to each other. The monitor asks, the others answer; what passes between two others passes it,
//! signed by its maker.

use std::fmt;

use super::exits::{Blinded, Groups, LinkRows, TagBatch};
use super::id_of;
use crate::crypto::{AgreementPublic, Digest};
use crate::domain::day::Day;
use crate::domain::query::TableQuery;
use crate::linkage::document::RunDocument;
use crate::linkage::passage::Passage;
use crate::service::api::TraceContext;
use crate::translog::entry::TransferId;

/// A run document with the signatures of P, Q, monitor and gate, in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedRun {
    /// The bytes of the document.
    pub document: Vec<u8>,
    /// The signatures.
    pub signatures: [[u8; 64]; 4],
}

/// A question or message of the monitor; `G` is what its groups are: with proof that they were logged when they leave, bytes when they
/// came in.
#[derive(Debug)]
pub enum LinkStep<G> {
    /// To everybody: take part in a run that is being made.
    Join(JoinRequest),
    /// To the gate, then P and Q: the document to sign.
    Sign(Box<SignRequest>),
    /// To everybody: the signed document; the run begins.
    Begin(Box<SignedRun>),
    /// To a node: the blinded elements of a batch.
    Blind(TransferId, u32),
    /// To P or Q: a batch of a node.
    Multiply(TransferId, Passage),
    /// To a node: P's answer of a batch; it gives the elements for Q.
    FromP(TransferId, Passage),
    /// To a node: Q's answer of a batch.
    FromQ(TransferId, Passage),
    /// To a node: a chunk of its rows.
    Rows(TransferId, u32),
    /// To the gate: a chunk of a node's rows.
    Chunk(TransferId, Passage),
    /// To the gate: mix; every chunk has come.
    Mix(TransferId),
    /// To the gate: a chunk of the mixed tags.
    Tags(TransferId, u32),
    /// To the gate: a part of the groups, with its number and whether it is the last.
    Group(TransferId, (u32, bool), G),
    /// To everybody: the run has ended, or is broken off.
    End(TransferId),
}

impl<G> LinkStep<G> {
    /// The trace that it belongs to: one for a whole run, named by its id.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        let of_document = |bytes: &[u8]| RunDocument::from_bytes(bytes).ok().and_then(|document| id_of(&document));
        let run = match self {
            Self::Sign(request) => of_document(&request.document),
            Self::Begin(signed) => of_document(&signed.document),
            other => other.run(),
        };
        let fresh = TraceContext::random();
        run.map_or(fresh, |run| TraceContext { trace_id: *run.as_bytes(), ..fresh })
    }

    /// Id of the run that it is about, when it says so before its content is read.
    #[must_use]
    pub fn run(&self) -> Option<TransferId> {
        match self {
            Self::Join(request) => Some(request.run),
            Self::Sign(_) | Self::Begin(_) => None,
            Self::Blind(run, _)
            | Self::Multiply(run, _)
            | Self::FromP(run, ..)
            | Self::FromQ(run, ..)
            | Self::Rows(run, _)
            | Self::Chunk(run, _)
            | Self::Mix(run)
            | Self::Tags(run, _)
            | Self::Group(run, ..)
            | Self::End(run) => Some(*run),
        }
    }
}

/// A step as it leaves.
pub type LinkCall = LinkStep<Groups>;
/// A step as it came in.
pub type LinkAsked = LinkStep<Vec<u8>>;

/// The first question of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinRequest {
    /// Id of the run.
    pub run: TransferId,
    /// The version of the convenant that the monitor goes by.
    pub convenant: Digest,
    /// Of which calendar years tables are made, ascending, each once.
    pub years: Vec<i16>,
    /// Hash of the newest run that the gate signed, which this one follows; the gate is asked without.
    pub previous: Option<Digest>,
}

/// A document to sign.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignRequest {
    /// Its bytes.
    pub document: Vec<u8>,
    /// The run before it.
    pub previous: Option<SignedRun>,
    /// The gate's signature, without which P and Q do not sign; the gate is asked first.
    pub by_gate: Option<[u8; 64]>,
}

/// What a node offers to a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    /// How many elements it will have blinded, padding included.
    pub elements: u32,
    /// First and last day of its data.
    pub window: (Day, Day),
    /// Its signature under its line of the document.
    pub signature: [u8; 64],
}

/// What a party brings to a run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Joined {
    /// A node: what it offers.
    pub node: Option<Offer>,
    /// A possible blinder: its public key of this run.
    pub blinder: Option<[u8; 32]>,
    /// The gate: its key of this run.
    pub gate: Option<AgreementPublic>,
    /// The gate: the tables of those years that are due, with those that they need.
    pub due: Vec<TableQuery>,
    /// The newest run that the gate signed.
    pub latest: Option<Box<SignedRun>>,
}

/// What the asked party says, as it leaves.
#[derive(Debug)]
pub enum LinkReply {
    /// To [`LinkStep::Join`].
    Joined(Box<Joined>),
    /// To [`LinkStep::Sign`].
    Signed(Box<[u8; 64]>),
    /// To [`LinkStep::Blind`] and [`LinkStep::FromP`].
    Blinded(Blinded),
    /// To [`LinkStep::Multiply`]: elements and proof.
    Multiplied(Passage),
    /// To [`LinkStep::Rows`].
    Rows(LinkRows),
    /// To [`LinkStep::Mix`]: how many chunks of tags there are.
    Mixed(u32),
    /// To [`LinkStep::Tags`].
    Tags(TagBatch),
    /// To the others: done.
    Done,
}

/// What the asked party said, as it came in.
#[derive(Clone, PartialEq, Eq)]
pub enum LinkSaid {
    /// As [`LinkReply::Joined`].
    Joined(Box<Joined>),
    /// As [`LinkReply::Signed`].
    Signed(Box<[u8; 64]>),
    /// As [`LinkReply::Blinded`], [`LinkReply::Multiplied`] and [`LinkReply::Rows`]: to be passed on.
    Passage(Passage),
    /// As [`LinkReply::Mixed`].
    Mixed(u32),
    /// As [`LinkReply::Tags`].
    Tags(Vec<u8>),
    /// As [`LinkReply::Done`].
    Done,
}

impl fmt::Debug for LinkSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Joined(_) => "Joined",
            Self::Signed(_) => "Signed",
            Self::Passage(_) => "Passage",
            Self::Mixed(_) => "Mixed",
            Self::Tags(_) => "Tags",
            Self::Done => "Done",
        })
    }
}
