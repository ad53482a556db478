//! The service of regional sums: its messages on the wire, what a node serves of it and how we call it.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::client::{Client, only, outgoing, unreadable};
use super::proto;
use super::proto::sum_step::Step;
use super::proto::sum_step_reply::Reply;
use super::proto::sums_client::SumsClient;
use super::proto::sums_server::Sums;
use super::server::{Caller, Ending, Sending, Served};
use super::status;
use super::wire::{InvalidReply, MAX_MESSAGE, Outbound, transfer};
use crate::crypto::Digest;
use crate::domain::codes::Owner;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::api::{PeerError, TraceContext, Unanswered};
use crate::service::sums::messages::{Delivery, ShareRequest, SumAsked, SumCall, SumReply};
use crate::service::sums::share::{Passed, Share};

/// Documents of JSON are never longer than this; the list of 400 contributors has some 100 KB.
const MOST_JSON: usize = 768 << 10;

impl Outbound for Share {
    type Message = proto::SumDelivery;

    fn encode(self) -> Self::Message {
        delivered(&self)
    }
}

fn delivered(share: &Share) -> proto::SumDelivery {
    proto::SumDelivery {
        run: share.handed().transfer.as_bytes().to_vec(),
        maker: share.maker().as_str().to_owned(),
        receipt: share.receipt().bytes().to_vec(),
        salt: share.salt().to_vec(),
        share: share.bytes().to_vec(),
    }
}

fn passed(part: &Passed) -> proto::SumDelivery {
    proto::SumDelivery {
        run: part.run().as_bytes().to_vec(),
        maker: part.from().as_str().to_owned(),
        receipt: part.receipt().to_vec(),
        salt: part.salt().to_vec(),
        share: part.sealed().to_vec(),
    }
}

impl Outbound for &SumCall {
    type Message = proto::SumStep;

    fn encode(self) -> Self::Message {
        let step = match self {
            SumCall::Due { convenant, owner, year } => Step::Due(proto::SumDue {
                convenant_hash: convenant.0.to_vec(),
                owner: owner.as_str().to_owned(),
                year: i32::from(*year),
            }),
            SumCall::Able { convenant, plan } => Step::Able(proto::SumAble {
                convenant_hash: convenant.0.to_vec(),
                plan: serde_json::to_vec(plan).unwrap_or_default(),
            }),
            SumCall::Agree(body) => Step::Agree(body.clone()),
            SumCall::Part(part) => Step::Part(passed(part)),
            SumCall::Total(share) => Step::Total(delivered(share)),
        };
        proto::SumStep { step: Some(step) }
    }
}

impl Outbound for SumReply {
    type Message = proto::SumStepReply;

    fn encode(self) -> Self::Message {
        let reply = match self {
            Self::Due(plans) => Reply::Due(serde_json::to_vec(&plans).unwrap_or_default()),
            Self::Able(tables) => Reply::Able(serde_json::to_vec(&tables).unwrap_or_default()),
            Self::List(list, signature) => Reply::List(proto::SumSignedList { list, signature: signature.to_vec() }),
            Self::Taken => Reply::Taken(proto::SumTaken {}),
            Self::Released(receipt) => Reply::Released(receipt),
        };
        proto::SumStepReply { reply: Some(reply) }
    }
}

impl Outbound for &ShareRequest {
    type Message = proto::SumShareRequest;

    fn encode(self) -> Self::Message {
        // The trace travels as the header `traceparent`.
        let ShareRequest { run, intent_hash, list, gate, monitor, trace: _ } = self;
        proto::SumShareRequest {
            run: run.as_bytes().to_vec(),
            intent_hash: intent_hash.0.to_vec(),
            list: list.clone(),
            gate: gate.to_vec(),
            monitor: monitor.to_vec(),
        }
    }
}

fn delivery(message: proto::SumDelivery) -> Option<Delivery> {
    let proto::SumDelivery { run, maker, receipt, salt, share } = message;
    let (run, from, salt) = (transfer(run)?, Oin::parse(&maker).ok()?, salt.try_into().ok()?);
    Some(Delivery { run, from, receipt, salt, share: Zeroizing::new(share), proven: None })
}

fn document<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    if bytes.len() > MOST_JSON { None } else { serde_json::from_slice(bytes).ok() }
}

fn asked(message: proto::SumStep) -> Option<SumAsked> {
    let proto::SumStep { step } = message;
    Some(match step? {
        Step::Due(proto::SumDue { convenant_hash, owner, year }) => SumAsked::Due {
            convenant: Digest(convenant_hash.try_into().ok()?),
            owner: Owner::parse(&owner)?,
            year: i16::try_from(year).ok().filter(|year| (1900..3000).contains(year))?,
        },
        Step::Able(proto::SumAble { convenant_hash, plan }) => {
            SumAsked::Able { convenant: Digest(convenant_hash.try_into().ok()?), plan: document(&plan)? }
        }
        Step::Agree(body) => SumAsked::Agree(body),
        Step::Part(part) => SumAsked::Part(delivery(part)?),
        Step::Total(total) => SumAsked::Total(delivery(total)?),
    })
}

fn reply(message: proto::SumStepReply) -> Option<SumReply> {
    let proto::SumStepReply { reply } = message;
    Some(match reply? {
        Reply::Due(plans) => SumReply::Due(document(&plans)?),
        Reply::Able(tables) => SumReply::Able(document(&tables)?),
        Reply::List(proto::SumSignedList { list, signature }) => {
            SumReply::List(list, Box::new(signature.try_into().ok()?))
        }
        Reply::Taken(proto::SumTaken {}) => SumReply::Taken,
        Reply::Released(receipt) => SumReply::Released(receipt),
    })
}

fn share_request(message: proto::SumShareRequest, trace: TraceContext) -> Option<ShareRequest> {
    let proto::SumShareRequest { run, intent_hash, list, gate, monitor } = message;
    Some(ShareRequest {
        run: transfer(run)?,
        intent_hash: Digest(intent_hash.try_into().ok()?),
        list: Some(list).filter(|list| list.len() <= MOST_JSON)?,
        gate: gate.try_into().ok()?,
        monitor: monitor.try_into().ok()?,
        trace,
    })
}

impl Served {
    fn malformed(&self, caller: &Caller) -> Status {
        self.counted(caller, ReasonCode::MessageMalformed)
    }
}

#[tonic::async_trait]
impl Sums for Served {
    async fn step(&self, request: Request<proto::SumStep>) -> Result<Response<proto::SumStepReply>, Status> {
        let caller = Caller::of(&request)?;
        let asked = asked(request.into_inner()).ok_or_else(|| self.malformed(&caller))?;
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let said = self.blocking(&self.calls, &caller, move || service.sum(&peer, asked)).await?;
        let said = said.map_err(|refusal| status::refused(&refusal, &caller.trace))?;
        Ok(Response::new(said.encode()))
    }

    type ShareStream = Sending<proto::SumDelivery>;

    async fn share(&self, request: Request<proto::SumShareRequest>) -> Result<Response<Self::ShareStream>, Status> {
        let caller = Caller::of(&request)?;
        let asked = share_request(request.into_inner(), caller.trace).ok_or_else(|| self.malformed(&caller))?;
        let (service, peer, runtime) = (Arc::clone(&self.service), Arc::clone(&caller.peer), Handle::current());
        let sending = self.blocking(&self.calls, &caller, move || {
            let share = service.share(&peer, &asked)?;
            let ending = Ending::of(service, peer, share.handed(), runtime);
            Ok(Sending::new(vec![share.encode()], ending))
        });
        let refused = |refusal| status::refused(&refusal, &caller.trace);
        Ok(Response::new(sending.await?.map_err(refused)?))
    }
}

impl Client {
    /// As [`crate::service::api::Peers::sum`], for async callers.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn ask_step(&self, to: &Oin, call: &SumCall, deadline: Duration) -> Result<SumReply, PeerError> {
        let message = outgoing(call.encode(), &TraceContext::random(), deadline);
        self.within_channel(to, deadline, async |channel| {
            let said = sums(channel).step(message).await?.into_inner();
            reply(said).ok_or_else(|| unreadable(InvalidReply::Field("reply")))
        })
        .await
    }

    /// As [`crate::service::api::Peers::share`], for async callers.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn ask_share(
        &self,
        to: &Oin,
        request: &ShareRequest,
        deadline: Duration,
    ) -> Result<Delivery, Unanswered> {
        let message = outgoing(request.encode(), &request.trace, deadline);
        let mut receipt = None;
        let asked = self.within_proven(to, deadline, async |channel| {
            let stream = sums(channel).share(message).await.inspect_err(|s| receipt = status::receipt(s))?.into_inner();
            only(stream).await?.and_then(delivery).ok_or_else(|| unreadable(InvalidReply::Parts))
        });
        let asked = asked.await;
        let proven = |(delivery, proven)| Delivery { proven, ..delivery };
        asked.map(proven).map_err(|error| Unanswered { error, receipt })
    }
}

fn sums(channel: Channel) -> SumsClient<Channel> {
    SumsClient::new(channel).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
}
