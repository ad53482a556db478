//! The service of linked runs: its messages on the wire, what a party serves of it and how we call it.

use std::sync::Arc;
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::client::{Client, outgoing, unreadable};
use super::proto;
use super::proto::link_step::Step;
use super::proto::link_step_reply::Reply;
use super::proto::links_client::LinksClient;
use super::proto::links_server::Links;
use super::server::{Caller, Served};
use super::status;
use super::wire::{InvalidReply, MAX_MESSAGE, Outbound, transfer};
use crate::crypto::{AgreementPublic, Digest};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::linkage::passage::{Leg, Passage};
use crate::service::api::PeerError;
use crate::service::links::messages::{
    JoinRequest, Joined, LinkAsked, LinkCall, LinkReply, LinkSaid, LinkStep, Offer, SignRequest, SignedRun,
};
use crate::translog::entry::TransferId;

/// Calendar years of one run, at most.
const MOST_YEARS: usize = 100;

fn id(run: TransferId) -> Vec<u8> {
    run.as_bytes().to_vec()
}

fn signed(run: &SignedRun) -> proto::LinkSigned {
    let signatures = run.signatures.iter().map(|signature| signature.to_vec()).collect();
    proto::LinkSigned { document: run.document.clone(), signatures }
}

fn passage(of: &Passage) -> proto::LinkPassage {
    proto::LinkPassage {
        maker: of.from.as_str().to_owned(),
        leg: of.leg as u32,
        number: of.number,
        last: of.last,
        content: of.bytes.clone(),
        signature: of.signature.to_vec(),
    }
}

impl Outbound for &LinkCall {
    type Message = proto::LinkStep;

    fn encode(self) -> Self::Message {
        let numbered = |run: &TransferId, number: &u32| proto::LinkNumbered { run: id(*run), number: *number };
        let passed = |run: &TransferId, of: &Passage| proto::LinkPassed { run: id(*run), passage: Some(passage(of)) };
        let step = match self {
            LinkStep::Join(JoinRequest { run, convenant, years, previous }) => Step::Join(proto::LinkJoin {
                run: id(*run),
                convenant_hash: convenant.0.to_vec(),
                years: years.iter().map(|year| i32::from(*year)).collect(),
                previous: previous.map(|hash| hash.0.to_vec()).unwrap_or_default(),
            }),
            LinkStep::Sign(request) => Step::Sign(proto::LinkSign {
                document: request.document.clone(),
                previous: request.previous.as_ref().map(signed),
                gate_signature: request.by_gate.map(Vec::from).unwrap_or_default(),
            }),
            LinkStep::Begin(run) => Step::Begin(signed(run)),
            LinkStep::Blind(run, batch) => Step::Blind(numbered(run, batch)),
            LinkStep::Multiply(run, of) => Step::Multiply(passed(run, of)),
            LinkStep::FromP(run, of) => Step::FromP(passed(run, of)),
            LinkStep::FromQ(run, of) => Step::FromQ(passed(run, of)),
            LinkStep::Rows(run, chunk) => Step::Rows(numbered(run, chunk)),
            LinkStep::Chunk(run, of) => Step::Chunk(passed(run, of)),
            LinkStep::Mix(run) => Step::Mix(id(*run)),
            LinkStep::Tags(run, chunk) => Step::Tags(numbered(run, chunk)),
            LinkStep::Group(run, (number, last), part) => Step::Group(proto::LinkGroups {
                run: id(*run),
                number: *number,
                last: *last,
                content: part.content().clone(),
            }),
            LinkStep::End(run) => Step::End(id(*run)),
        };
        proto::LinkStep { step: Some(step) }
    }
}

impl Outbound for LinkReply {
    type Message = proto::LinkStepReply;

    fn encode(self) -> Self::Message {
        let reply = match self {
            Self::Joined(joined) => Reply::Joined(proto::LinkJoined {
                node: joined.node.map(|offer| proto::LinkNode {
                    elements: offer.elements,
                    data_from: offer.window.0.0,
                    data_to: offer.window.1.0,
                    signature: offer.signature.to_vec(),
                }),
                blinder: joined.blinder.map(Vec::from).unwrap_or_default(),
                gate: joined.gate.map(|key| key.as_bytes().to_vec()).unwrap_or_default(),
                due: serde_json::to_vec(&joined.due).unwrap_or_default(),
                latest: joined.latest.as_deref().map(signed),
            }),
            Self::Signed(signature) => Reply::Signed(signature.to_vec()),
            Self::Blinded(blinded) => Reply::Passage(passage(blinded.content())),
            Self::Multiplied(of) => Reply::Passage(passage(&of)),
            Self::Rows(rows) => Reply::Passage(passage(rows.content())),
            Self::Mixed(chunks) => Reply::Mixed(chunks),
            Self::Tags(tags) => Reply::Tags(tags.content().clone()),
            Self::Done => Reply::Done(proto::LinkDone {}),
        };
        proto::LinkStepReply { reply: Some(reply) }
    }
}

fn signed_of(message: proto::LinkSigned) -> Option<SignedRun> {
    let proto::LinkSigned { document, signatures } = message;
    let each = signatures.into_iter().map(|signature| signature.try_into().ok());
    let signatures: Vec<[u8; 64]> = each.collect::<Option<_>>()?;
    Some(SignedRun { document, signatures: signatures.try_into().ok()? })
}

fn passage_of(message: proto::LinkPassage) -> Option<Passage> {
    let proto::LinkPassage { maker, leg, number, last, content, signature } = message;
    let (from, leg, signature) = (Oin::parse(&maker).ok()?, Leg::from_number(leg)?, signature.try_into().ok()?);
    Some(Passage { from, leg, number, last, bytes: content, signature })
}

fn passed_of(message: proto::LinkPassed) -> Option<(TransferId, Passage)> {
    let proto::LinkPassed { run, passage } = message;
    Some((transfer(run)?, passage_of(passage?)?))
}

fn numbered_of(message: proto::LinkNumbered) -> Option<(TransferId, u32)> {
    let proto::LinkNumbered { run, number } = message;
    Some((transfer(run)?, number))
}

/// A field that is empty when there is nothing; none when it has another length.
fn optional<const N: usize>(bytes: Vec<u8>) -> Option<Option<[u8; N]>> {
    if bytes.is_empty() { Some(None) } else { bytes.try_into().ok().map(Some) }
}

fn join_of(message: proto::LinkJoin) -> Option<JoinRequest> {
    let proto::LinkJoin { run, convenant_hash, years, previous } = message;
    let convenant = Digest(convenant_hash.try_into().ok()?);
    let year = |year: i32| i16::try_from(year).ok().filter(|year| (1900..3000).contains(year));
    let years: Vec<i16> = years.into_iter().map(year).collect::<Option<_>>()?;
    let holds = years.len() <= MOST_YEARS && years.windows(2).all(|pair| pair[0] < pair[1]);
    let previous = optional(previous)?.map(Digest);
    holds.then_some(JoinRequest { run: transfer(run)?, convenant, years, previous })
}

fn asked(message: proto::LinkStep) -> Option<LinkAsked> {
    let proto::LinkStep { step } = message;
    Some(match step? {
        Step::Join(join) => LinkStep::Join(join_of(join)?),
        Step::Sign(proto::LinkSign { document, previous, gate_signature }) => {
            let previous = match previous {
                Some(previous) => Some(signed_of(previous)?),
                None => None,
            };
            let by_gate = optional(gate_signature)?;
            LinkStep::Sign(Box::new(SignRequest { document, previous, by_gate }))
        }
        Step::Begin(run) => LinkStep::Begin(Box::new(signed_of(run)?)),
        Step::Blind(of) => numbered_of(of).map(|(run, batch)| LinkStep::Blind(run, batch))?,
        Step::Multiply(of) => passed_of(of).map(|(run, of)| LinkStep::Multiply(run, of))?,
        Step::FromP(of) => passed_of(of).map(|(run, of)| LinkStep::FromP(run, of))?,
        Step::FromQ(of) => passed_of(of).map(|(run, of)| LinkStep::FromQ(run, of))?,
        Step::Rows(of) => numbered_of(of).map(|(run, chunk)| LinkStep::Rows(run, chunk))?,
        Step::Chunk(of) => passed_of(of).map(|(run, of)| LinkStep::Chunk(run, of))?,
        Step::Mix(run) => LinkStep::Mix(transfer(run)?),
        Step::Tags(of) => numbered_of(of).map(|(run, chunk)| LinkStep::Tags(run, chunk))?,
        Step::Group(proto::LinkGroups { run, number, last, content }) => {
            LinkStep::Group(transfer(run)?, (number, last), content)
        }
        Step::End(run) => LinkStep::End(transfer(run)?),
    })
}

fn joined_of(message: proto::LinkJoined) -> Option<Joined> {
    let proto::LinkJoined { node, blinder, gate, due, latest } = message;
    let node = match node {
        Some(proto::LinkNode { elements, data_from, data_to, signature }) => {
            let window = (Day(data_from), Day(data_to));
            Some(Offer { elements, window, signature: signature.try_into().ok()? })
        }
        None => None,
    };
    let gate = match optional(gate)? {
        Some(bytes) => Some(AgreementPublic::from_bytes(bytes).ok()?),
        None => None,
    };
    let blinder = optional(blinder)?;
    let latest = match latest {
        Some(run) => Some(Box::new(signed_of(run)?)),
        None => None,
    };
    let due = serde_json::from_slice(&due).ok()?;
    Some(Joined { node, blinder, gate, due, latest })
}

fn said(message: proto::LinkStepReply) -> Option<LinkSaid> {
    let proto::LinkStepReply { reply } = message;
    Some(match reply? {
        Reply::Joined(joined) => LinkSaid::Joined(Box::new(joined_of(joined)?)),
        Reply::Signed(signature) => LinkSaid::Signed(Box::new(signature.try_into().ok()?)),
        Reply::Passage(of) => LinkSaid::Passage(passage_of(of)?),
        Reply::Mixed(chunks) => LinkSaid::Mixed(chunks),
        Reply::Tags(tags) => LinkSaid::Tags(tags),
        Reply::Done(proto::LinkDone {}) => LinkSaid::Done,
    })
}

#[tonic::async_trait]
impl Links for Served {
    async fn step(&self, request: Request<proto::LinkStep>) -> Result<Response<proto::LinkStepReply>, Status> {
        let caller = Caller::of(&request)?;
        let asked = asked(request.into_inner()).ok_or_else(|| self.counted(&caller, ReasonCode::MessageMalformed))?;
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let said = self.blocking(&self.calls, &caller, move || service.link(&peer, asked)).await?;
        let said = said.map_err(|refusal| status::refused(&refusal, &caller.trace))?;
        Ok(Response::new(said.encode()))
    }
}

impl Client {
    /// As [`crate::service::api::Peers::link`], for async callers.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn ask_link(&self, to: &Oin, call: &LinkCall, deadline: Duration) -> Result<LinkSaid, PeerError> {
        let message = outgoing(call.encode(), &call.trace(), deadline);
        self.within_channel(to, deadline, async |channel| {
            let reply = links(channel).step(message).await?.into_inner();
            said(reply).ok_or_else(|| unreadable(InvalidReply::Field("reply")))
        })
        .await
    }
}

fn links(channel: Channel) -> LinksClient<Channel> {
    LinksClient::new(channel).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
}
