//! The service of exchange about one child: its messages on the wire, what a node serves of it and how we call it.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::client::{Client, only, outgoing, unreadable};
use super::proto;
use super::proto::cases_client::CasesClient;
use super::proto::cases_server::Cases;
use super::server::{Caller, Ending, Sending, Served};
use super::status;
use super::wire::{InvalidReply, MAX_MESSAGE, Outbound, transfer};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::api::{PeerError, Refusal, TraceContext, Unanswered};
use crate::service::cases::exits::{CaseAsk, CaseContent};
use crate::service::cases::messages::{CaseAsked, CaseDelivery};
use crate::service::cases::offer::CaseOffer;

impl Outbound for &CaseAsk {
    type Message = proto::CaseAsk;

    fn encode(self) -> Self::Message {
        // The trace travels as the header `traceparent`.
        proto::CaseAsk {
            transfer: self.transfer().as_bytes().to_vec(),
            intent_hash: self.intent().0.to_vec(),
            convenant_hash: self.convenant().0.to_vec(),
            sealed: self.sealed().to_vec(),
        }
    }
}

impl Outbound for &CaseOffer {
    type Message = proto::CaseOffer;

    fn encode(self) -> Self::Message {
        let asked = self.asked();
        proto::CaseOffer {
            transfer: asked.transfer.as_bytes().to_vec(),
            convenant_hash: asked.convenant.0.to_vec(),
            sealed: asked.sealed.clone(),
            intent_hash: asked.intent.map_or_else(Vec::new, |hash| hash.0.to_vec()),
        }
    }
}

impl Outbound for &CaseContent {
    type Message = proto::CaseDelivery;

    fn encode(self) -> Self::Message {
        proto::CaseDelivery {
            transfer: self.handed().transfer.as_bytes().to_vec(),
            receipt: self.receipt().bytes().to_vec(),
            salt: self.salt().to_vec(),
            sealed: self.sealed().to_vec(),
        }
    }
}

fn asked(message: proto::CaseAsk, trace: TraceContext) -> Option<CaseAsked> {
    let proto::CaseAsk { transfer: id, intent_hash, convenant_hash, sealed } = message;
    let (transfer, intent) = (transfer(id)?, Some(Digest(intent_hash.try_into().ok()?)));
    Some(CaseAsked { transfer, intent, convenant: Digest(convenant_hash.try_into().ok()?), sealed, trace })
}

fn offered(message: proto::CaseOffer, trace: TraceContext) -> Option<CaseAsked> {
    let proto::CaseOffer { transfer: id, convenant_hash, sealed, intent_hash } = message;
    let (convenant, intent) = (Digest(convenant_hash.try_into().ok()?), Some(Digest(intent_hash.try_into().ok()?)));
    Some(CaseAsked { transfer: transfer(id)?, intent, convenant, sealed, trace })
}

fn delivery(message: proto::CaseDelivery) -> Option<CaseDelivery> {
    let proto::CaseDelivery { transfer: id, receipt, salt, sealed } = message;
    let (transfer, salt) = (transfer(id)?, salt.try_into().ok()?);
    Some(CaseDelivery { transfer, receipt, salt, sealed, proven: None })
}

impl Served {
    fn unread(&self, caller: &Caller) -> Status {
        self.counted(caller, ReasonCode::MessageMalformed)
    }
}

/// When a refusal that is held may leave: at a whole number of holds after the call began.
fn held_until(begun: Instant, hold: Duration) -> Instant {
    let passed = begun.elapsed();
    let mut holds = 1_u32;
    while hold.saturating_mul(holds) < passed && holds < 1_000 {
        holds += 1;
    }
    begun + hold.saturating_mul(holds)
}

#[tonic::async_trait]
impl Cases for Served {
    type AskStream = Sending<proto::CaseDelivery>;

    async fn ask(&self, request: Request<proto::CaseAsk>) -> Result<Response<Self::AskStream>, Status> {
        let begun = Instant::now();
        let caller = Caller::of(&request)?;
        let asked = asked(request.into_inner(), caller.trace).ok_or_else(|| self.unread(&caller))?;
        let (service, peer, runtime) = (Arc::clone(&self.service), Arc::clone(&caller.peer), Handle::current());
        let sending = self.blocking(&self.calls, &caller, move || {
            let content = service.case_ask(&peer, &asked)?;
            let ending = Ending::of(service, peer, content.handed(), runtime);
            Ok(Sending::new(vec![content.encode()], ending))
        });
        match sending.await? {
            Ok(sending) => Ok(Response::new(sending)),
            Err(refused) => {
                let refused: crate::service::cases::answer::CaseRefused = refused;
                if refused.held {
                    tokio::time::sleep_until(held_until(begun, self.case_hold)).await;
                }
                Err(status::refused(&refused.refusal, &caller.trace))
            }
        }
    }

    async fn offer(&self, request: Request<proto::CaseOffer>) -> Result<Response<proto::CaseTakenUp>, Status> {
        let caller = Caller::of(&request)?;
        let offered = offered(request.into_inner(), caller.trace).ok_or_else(|| self.unread(&caller))?;
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let taken = self.blocking(&self.calls, &caller, move || service.case_offer(&peer, &offered)).await?;
        let hash = taken.map_err(|refusal: Refusal| status::refused(&refusal, &caller.trace))?;
        Ok(Response::new(proto::CaseTakenUp { intent_hash: hash.0.to_vec() }))
    }

    async fn deliver(&self, request: Request<proto::CaseDelivery>) -> Result<Response<proto::CaseTaken>, Status> {
        let caller = Caller::of(&request)?;
        let delivered = delivery(request.into_inner()).ok_or_else(|| self.unread(&caller))?;
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let taken = self.blocking(&self.calls, &caller, move || service.case_deliver(&peer, &delivered)).await?;
        let receipt = taken.map_err(|refusal: Refusal| status::refused(&refusal, &caller.trace))?;
        Ok(Response::new(proto::CaseTaken { receipt: receipt.bytes().to_vec() }))
    }
}

impl Client {
    /// As [`crate::service::api::Peers::case_ask`], for async callers.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn ask_case(&self, to: &Oin, ask: &CaseAsk, deadline: Duration) -> Result<CaseDelivery, Unanswered> {
        let message = outgoing(ask.encode(), &ask.trace(), deadline);
        let mut receipt = None;
        let asked = self.within_proven(to, deadline, async |channel| {
            let stream = cases(channel).ask(message).await.inspect_err(|s| receipt = status::receipt(s))?.into_inner();
            only(stream).await?.and_then(delivery).ok_or_else(|| unreadable(InvalidReply::Parts))
        });
        let asked = asked.await;
        let proven = |(delivery, proven)| CaseDelivery { proven, ..delivery };
        asked.map(proven).map_err(|error| Unanswered { error, receipt })
    }

    /// As [`crate::service::api::Peers::case_offer`], for async callers.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn offer_case(&self, to: &Oin, offer: &CaseOffer, deadline: Duration) -> Result<Digest, Unanswered> {
        let message = outgoing(offer.encode(), &offer.asked().trace, deadline);
        let mut receipt = None;
        let offered = self.within_channel(to, deadline, async |channel| {
            let taken = cases(channel).offer(message).await.inspect_err(|s| receipt = status::receipt(s))?.into_inner();
            let hash = taken.intent_hash.try_into().map(Digest);
            hash.map_err(|_| unreadable(InvalidReply::Field("intent_hash")))
        });
        let offered = offered.await;
        offered.map_err(|error| Unanswered { error, receipt })
    }

    /// As [`crate::service::api::Peers::case_deliver`], for async callers.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn deliver_case(
        &self,
        to: &Oin,
        content: &CaseContent,
        deadline: Duration,
    ) -> Result<Vec<u8>, PeerError> {
        let message = outgoing(content.encode(), &TraceContext::random(), deadline);
        self.within_channel(to, deadline, async |channel| {
            Ok(cases(channel).deliver(message).await?.into_inner().receipt)
        })
        .await
    }
}

fn cases(channel: Channel) -> CasesClient<Channel> {
    CasesClient::new(channel).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
}
