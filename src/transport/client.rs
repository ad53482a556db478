//! The client: calls to partners over connections of which the other end proved to be the expected party, by OIN and
//! key rather than by DNS name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_rustls::TlsConnector;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::guard::TRACEPARENT;
use super::proto::node_client::NodeClient;
use super::proto::{self, StatusRequest};
use super::status;
use super::tls::{Expected, TlsHandle, Verified, reason_of};
use super::wire::{self, Assembly, MAX_MESSAGE, Outbound};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::api::{
    AggregateRequest, AnswerBytes, PeerError, Peers, ProvenBy, StatusView, TraceContext, Unanswered, WantedReceipts,
};
use crate::service::cases::exits::{CaseAsk, CaseContent};
use crate::service::cases::messages::CaseDelivery;
use crate::service::cases::offer::CaseOffer;
use crate::service::links::messages::{LinkCall, LinkSaid};
use crate::service::sums::messages::{Delivery, ShareRequest, SumCall, SumReply};
use crate::service::witness::{ShowReply, ShowRequest};
use crate::translog::receipt::SignedReceipt;

/// Where a partner is and by which keys we know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Partner {
    /// `host:port`
    pub endpoint: String,
    /// SHA-256 of the SubjectPublicKeyInfo of its TLS key, and of the next one when that is announced.
    pub pins: Vec<Digest>,
}

/// Knows the partners; asked before each call.
pub trait Directory: Send + Sync {
    /// The partner with this OIN, when there is one.
    fn partner(&self, oin: &Oin) -> Option<Partner>;
}

impl Directory for BTreeMap<Oin, Partner> {
    fn partner(&self, oin: &Oin) -> Option<Partner> {
        self.get(oin).cloned()
    }
}

/// Connecting, TLS included, may take this long.
const CONNECT: Duration = Duration::from_secs(10);
/// A ping goes out when this long nothing happened on a connection in use.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// A kept connection is made anew after this long, so that certificates and lists are looked at again.
const KEEP: Duration = Duration::from_secs(300);

/// Calls partners.
pub struct Client {
    tls: Arc<TlsHandle>,
    directory: Arc<dyn Directory>,
    runtime: Handle,
    kept: Mutex<BTreeMap<Oin, Kept>>,
}

#[derive(Clone)]
struct Kept {
    partner: Partner,
    generation: u64,
    since: Instant,
    channel: Channel,
    far: Far,
}

/// What the connector found at the far end, because tonic hides it: of the connection that was made last.
type Far = Arc<Mutex<Found>>;

#[derive(Default)]
struct Found {
    fault: Option<PeerError>,
    proven: Option<ProvenBy>,
}

fn found(far: &Far) -> MutexGuard<'_, Found> {
    far.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// A client that runs its connections on `runtime`.
    #[must_use]
    pub fn new(tls: Arc<TlsHandle>, directory: Arc<dyn Directory>, runtime: Handle) -> Self {
        Self { tls, directory, runtime, kept: Mutex::default() }
    }

    /// As [`Client::exchange`], without the receipt of a refusal.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn ask(
        &self,
        to: &Oin,
        request: &AggregateRequest,
        deadline: Duration,
    ) -> Result<AnswerBytes, PeerError> {
        self.exchange(to, request, deadline).await.map_err(|unanswered| unanswered.error)
    }

    /// As [`Peers::aggregate`], for async callers.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn exchange(
        &self,
        to: &Oin,
        request: &AggregateRequest,
        deadline: Duration,
    ) -> Result<AnswerBytes, Unanswered> {
        let message = outgoing(request.encode(), &request.trace, deadline);
        let mut receipt = None;
        let asked = self.within_kept(to, deadline, async |kept: &Kept| {
            let mut node = node_client(kept.channel.clone());
            let mut stream = node.aggregate(message).await.inspect_err(|s| receipt = status::receipt(s))?.into_inner();
            let mut assembly = Assembly::default();
            while let Some(part) = stream.message().await? {
                assembly.push(part).map_err(unreadable)?;
            }
            let answer = assembly.finish().map_err(unreadable)?;
            // A connection that broke would have ended the call: the last one that was made brought the answer.
            Ok(AnswerBytes { from: found(&kept.far).proven, ..answer })
        });
        let asked = asked.await;
        asked.map_err(|error| Unanswered { error, receipt })
    }

    /// As [`Peers::confirm`], for async callers.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn hand_receipt(&self, to: &Oin, receipt: &SignedReceipt, deadline: Duration) -> Result<(), PeerError> {
        let message = outgoing(receipt.encode(), &TraceContext::random(), deadline);
        self.within(to, deadline, async |mut node: NodeClient<Channel>| {
            let proto::ConfirmReply {} = node.confirm(message).await?.into_inner();
            Ok(())
        })
        .await
    }

    /// As [`Peers::receipts`], for async callers.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn ask_receipts(
        &self,
        to: &Oin,
        wanted: &WantedReceipts,
        deadline: Duration,
    ) -> Result<Vec<Vec<u8>>, PeerError> {
        let message = outgoing(wanted.encode(), &TraceContext::random(), deadline);
        self.within(to, deadline, async |mut node: NodeClient<Channel>| {
            wire::receipts(node.receipts(message).await?.into_inner()).map_err(unreadable)
        })
        .await
    }

    /// As [`Peers::status`], for async callers.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn ask_status(&self, to: &Oin, deadline: Duration) -> Result<StatusView, PeerError> {
        let message = outgoing(StatusRequest {}, &TraceContext::random(), deadline);
        self.within(to, deadline, async |mut node: NodeClient<Channel>| {
            let reply = node.status(message).await?.into_inner();
            wire::status_view(reply).map_err(unreadable)
        })
        .await
    }

    async fn within<T>(
        &self,
        to: &Oin,
        deadline: Duration,
        call: impl AsyncFnOnce(NodeClient<Channel>) -> Result<T, Failure>,
    ) -> Result<T, PeerError> {
        self.within_kept(to, deadline, async |kept: &Kept| call(node_client(kept.channel.clone())).await).await
    }

    /// Calls a partner over its kept connection, within a deadline, and judges what went wrong.
    pub(super) async fn within_channel<T>(
        &self,
        to: &Oin,
        deadline: Duration,
        call: impl AsyncFnOnce(Channel) -> Result<T, Failure>,
    ) -> Result<T, PeerError> {
        self.within_kept(to, deadline, async |kept: &Kept| call(kept.channel.clone()).await).await
    }

    /// As [`Client::within_channel`], with that by what the partner proved who it is.
    pub(super) async fn within_proven<T>(
        &self,
        to: &Oin,
        deadline: Duration,
        call: impl AsyncFnOnce(Channel) -> Result<T, Failure>,
    ) -> Result<(T, Option<ProvenBy>), PeerError> {
        self.within_kept(to, deadline, async |kept: &Kept| {
            let done = call(kept.channel.clone()).await?;
            Ok((done, found(&kept.far).proven))
        })
        .await
    }

    async fn within_kept<T>(
        &self,
        to: &Oin,
        deadline: Duration,
        call: impl AsyncFnOnce(&Kept) -> Result<T, Failure>,
    ) -> Result<T, PeerError> {
        let begun = Instant::now();
        let calling = async {
            let kept = self.connected(to).await?;
            call(&kept).await.map_err(|failure| {
                // tonic keeps the same deadline and may be the first to notice; it then says that the call was cancelled.
                let error = match failure.judge(&kept.far) {
                    PeerError::Closed if begun.elapsed() >= deadline => PeerError::Deadline,
                    error => error,
                };
                if !matches!(error, PeerError::Refused(_)) {
                    self.forget(to);
                }
                error
            })
        };
        tokio::time::timeout(deadline, calling).await.unwrap_or_else(|_| {
            // The connection may be half open.
            self.forget(to);
            Err(PeerError::Deadline)
        })
    }

    fn forget(&self, to: &Oin) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(to);
    }

    async fn connected(&self, to: &Oin) -> Result<Kept, PeerError> {
        let partner = self.directory.partner(to).ok_or(PeerError::UnknownParty)?;
        let generation = self.tls.generation();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(to).cloned();
        if let Some(kept) =
            kept.filter(|kept| kept.partner == partner && kept.generation == generation && kept.since.elapsed() < KEEP)
        {
            return Ok(kept);
        }
        let (channel, far) = connect(&self.tls, *to, &partner).await?;
        let kept = Kept { partner, generation, since: Instant::now(), channel, far };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(*to, kept.clone());
        Ok(kept)
    }
}

/// Blocks the calling thread, which must be none of the runtime's own workers (a `spawn_blocking` thread is good).
impl Peers for Client {
    fn aggregate(&self, to: &Oin, request: &AggregateRequest, deadline: Duration) -> Result<AnswerBytes, Unanswered> {
        self.runtime.block_on(self.exchange(to, request, deadline))
    }

    fn confirm(&self, to: &Oin, receipt: &SignedReceipt, deadline: Duration) -> Result<(), PeerError> {
        self.runtime.block_on(self.hand_receipt(to, receipt, deadline))
    }

    fn receipts(&self, to: &Oin, wanted: &WantedReceipts, deadline: Duration) -> Result<Vec<Vec<u8>>, PeerError> {
        self.runtime.block_on(self.ask_receipts(to, wanted, deadline))
    }

    fn sum(&self, to: &Oin, call: &SumCall, deadline: Duration) -> Result<SumReply, PeerError> {
        self.runtime.block_on(self.ask_step(to, call, deadline))
    }

    fn share(&self, to: &Oin, request: &ShareRequest, deadline: Duration) -> Result<Delivery, Unanswered> {
        self.runtime.block_on(self.ask_share(to, request, deadline))
    }

    fn link(&self, to: &Oin, call: &LinkCall, deadline: Duration) -> Result<LinkSaid, PeerError> {
        self.runtime.block_on(self.ask_link(to, call, deadline))
    }

    fn case_ask(&self, to: &Oin, ask: &CaseAsk, deadline: Duration) -> Result<CaseDelivery, Unanswered> {
        self.runtime.block_on(self.ask_case(to, ask, deadline))
    }

    fn case_offer(&self, to: &Oin, offer: &CaseOffer, deadline: Duration) -> Result<Digest, Unanswered> {
        self.runtime.block_on(self.offer_case(to, offer, deadline))
    }

    fn case_deliver(&self, to: &Oin, content: &CaseContent, deadline: Duration) -> Result<Vec<u8>, PeerError> {
        self.runtime.block_on(self.deliver_case(to, content, deadline))
    }

    fn status(&self, to: &Oin, deadline: Duration) -> Result<StatusView, PeerError> {
        self.runtime.block_on(self.ask_status(to, deadline))
    }

    fn show_checkpoint(&self, to: &Oin, request: &ShowRequest, deadline: Duration) -> Result<ShowReply, PeerError> {
        self.runtime.block_on(self.ask_witness(to, request, deadline))
    }
}

fn node_client(channel: Channel) -> NodeClient<Channel> {
    NodeClient::new(channel).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
}

pub(super) fn outgoing<T>(message: T, trace: &TraceContext, deadline: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    if let Ok(value) = MetadataValue::try_from(trace.to_string()) {
        request.metadata_mut().insert(TRACEPARENT, value);
    }
    #[cfg(feature = "defect-plant-bsn")]
    if let Ok(value) = MetadataValue::try_from(crate::domain::plant::text("request")) {
        request.metadata_mut().insert("kp-plant", value);
    }
    request
}

/// A call that failed: by a status, or by an answer that cannot be read.
pub(super) enum Failure {
    Status(Box<Status>),
    Unreadable,
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

/// The one message of a stream that may hold no more; none when it holds nothing.
pub(super) async fn only<T>(mut stream: tonic::Streaming<T>) -> Result<Option<T>, Failure> {
    let came = stream.message().await?;
    if came.is_some() && stream.message().await?.is_some() {
        return Err(unreadable(wire::InvalidReply::Parts));
    }
    Ok(came)
}

pub(super) fn unreadable(fault: wire::InvalidReply) -> Failure {
    tracing::warn!(%fault, "het antwoord van een partij is onleesbaar");
    Failure::Unreadable
}

impl Failure {
    fn judge(self, far: &Far) -> PeerError {
        let Self::Status(status) = self else { return PeerError::Malformed };
        if let Some(reason) = status::reason(&status) {
            return PeerError::Refused(reason);
        }
        if let Some(fault) = found(far).fault.take() {
            return fault;
        }
        // Without our metadata it is tonic speaking, here or there, or another program.
        let transport = std::error::Error::source(status.as_ref()).is_some();
        match status.code() {
            Code::DeadlineExceeded => PeerError::Deadline,
            Code::Unavailable | Code::Cancelled => PeerError::Closed,
            _ if transport => PeerError::Closed,
            _ => PeerError::Malformed,
        }
    }
}

async fn connect(tls: &Arc<TlsHandle>, oin: Oin, partner: &Partner) -> Result<(Channel, Far), PeerError> {
    let endpoint = Endpoint::from_shared(format!("http://{}", partner.endpoint))
        .map_err(|_| PeerError::Unreachable)?
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .http2_max_header_list_size(16 << 10);
    let far: Far = Arc::default();
    let (tls, expected) = (Arc::clone(tls), Expected { oin, pins: partner.pins.clone() });
    let noted = Arc::clone(&far);
    let connector = tower::service_fn(move |uri: Uri| {
        let (tls, expected, noted) = (Arc::clone(&tls), expected.clone(), Arc::clone(&noted));
        async move {
            let opened = open(&tls, expected, &uri).await;
            *found(&noted) = Found {
                fault: opened.as_ref().err().copied(),
                proven: opened.as_ref().ok().map(|(_, proven)| *proven),
            };
            opened.map(|(stream, _)| TokioIo::new(stream))
        }
    });
    let channel = endpoint
        .connect_with_connector(connector)
        .await
        .map_err(|_| found(&far).fault.take().unwrap_or(PeerError::Unreachable))?;
    Ok((channel, far))
}

async fn open(
    tls: &TlsHandle,
    expected: Expected,
    uri: &Uri,
) -> Result<(tokio_rustls::client::TlsStream<TcpStream>, ProvenBy), PeerError> {
    let host = uri.host().ok_or(PeerError::Unreachable)?.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().ok_or(PeerError::Unreachable)?;
    let stream = TcpStream::connect((host, port)).await.map_err(|_| PeerError::Unreachable)?;
    let _best_effort = stream.set_nodelay(true);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| PeerError::Unreachable)?;
    let (config, gate) = tls.state().outgoing(expected).map_err(|error| {
        tracing::error!(%error, "TLS kan niet worden ingesteld");
        PeerError::Unreachable
    })?;
    let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        if let Some(Err(reason)) = gate.seen().verdict {
            return PeerError::Distrusted(reason);
        }
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            // An alert is the other side's refusal of us.
            Some(rustls::Error::AlertReceived(_)) | None => PeerError::Closed,
            Some(error) => PeerError::Distrusted(reason_of(error)),
        }
    })?;
    match gate.seen().verdict {
        Some(Ok(Verified { identity, .. })) => {
            Ok((stream, ProvenBy { certificate: identity.certificate, pin: identity.pin }))
        }
        // A handshake without a verdict of ours is none.
        _ => Err(PeerError::Distrusted(ReasonCode::TlsUnusable)),
    }
}
