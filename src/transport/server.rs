//! The server: one tonic service over our own acceptor; calls the synchronous node from blocking threads.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout_at;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::accept::{Acceptor, Open};
use super::guard::{Due, Guard};
use super::permits::Permits;
use super::proto;
use super::proto::cases_server::CasesServer;
use super::proto::links_server::LinksServer;
use super::proto::logs_server::LogsServer;
use super::proto::node_server::{Node, NodeServer};
use super::proto::sums_server::SumsServer;
use super::proto::witness_server::WitnessServer;
use super::status::{refused, status};
use super::tls::TlsHandle;
use super::wire::{self, MAX_MESSAGE, Outbound};
use crate::domain::reason::ReasonCode;
use crate::service::api::{AggregateRequest, HandedOver, NodeService, Peer, Refusal, Reply, TraceContext, Verdict};

/// The bounds of a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// A handshake may take this long.
    pub handshake: Duration,
    /// A call may take this long, from its headers to the first of its answer.
    pub call: Duration,
    /// A connection on which nothing comes in for this long is closed; more than `keepalive`.
    pub idle: Duration,
    /// A ping is sent when this long nothing happened; the peer has as long to answer.
    pub keepalive: Duration,
    /// Open connections, handshakes included.
    pub connections: usize,
    /// The same, per address.
    pub connections_per_address: usize,
    /// Calls at a time on one connection.
    pub streams: u32,
    /// Calls that the node works on at a time; more wait, within their deadline.
    pub calls: usize,
    /// The same, of one partner.
    pub calls_per_partner: usize,
    /// Calls of witnesses that the node works on at a time, beside the others.
    pub witness_calls: usize,
    /// The same, of one partner.
    pub witness_calls_per_partner: usize,
    /// Bytes of the headers of one call.
    pub header_bytes: u32,
    /// A refusal about a child leaves a whole number of these after its call began, whatever was known.
    pub case_hold: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            call: Duration::from_secs(300),
            idle: Duration::from_secs(60),
            keepalive: Duration::from_secs(20),
            connections: 1024,
            connections_per_address: 256,
            streams: 64,
            calls: 64,
            calls_per_partner: 32,
            witness_calls: 8,
            witness_calls_per_partner: 2,
            header_bytes: 16 << 10,
            case_hold: Duration::from_millis(250),
        }
    }
}

/// The server stopped by itself.
#[derive(Debug, Error)]
#[error("de server voor partijen is gestopt: {0}")]
pub struct ServeError(pub(super) String);

/// Serves `service` on `listener` until `shutdown` completes; then lets the calls end that are under way. The caller
/// bounds how long it waits for that.
///
/// # Errors
/// [`ServeError`] when the server cannot go on.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<TlsHandle>,
    service: Arc<dyn NodeService>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let served = Served {
        service: Arc::clone(&service),
        calls: Permits::new(limits.calls, limits.calls_per_partner),
        witness_calls: Permits::new(limits.witness_calls, limits.witness_calls_per_partner),
        case_hold: limits.case_hold,
    };
    let witness = WitnessServer::new(served.clone())
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let sums =
        SumsServer::new(served.clone()).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
    let logs =
        LogsServer::new(served.clone()).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
    let links =
        LinksServer::new(served.clone()).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
    let cases =
        CasesServer::new(served.clone()).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
    let node = NodeServer::new(served).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
    let (guarded, call) = (Arc::clone(&service), limits.call);
    let router = tonic::transport::Server::builder()
        .layer(tower::layer::layer_fn(move |inner| Guard::new(inner, Arc::clone(&guarded), call)))
        .max_concurrent_streams(limits.streams)
        .http2_max_header_list_size(limits.header_bytes)
        .http2_keepalive_interval(Some(limits.keepalive))
        .http2_keepalive_timeout(Some(limits.keepalive))
        .add_service(node)
        .add_service(cases)
        .add_service(links)
        .add_service(logs)
        .add_service(sums)
        .add_service(witness);
    let (out, incoming) = mpsc::channel(16);
    let acceptor = Arc::new(Acceptor { tls, service, limits, open: Arc::new(Open::default()) });
    let accepting = tokio::spawn(acceptor.run(listener, out));
    let served = router.serve_with_incoming_shutdown(ReceiverStream::new(incoming), shutdown).await;
    accepting.abort();
    served.map_err(|error| ServeError(error.to_string()))
}

/// An answer that was logged: dropped, it logs how the answer ended, wherever that is.
pub(crate) struct Ending {
    runtime: Handle,
    service: Arc<dyn NodeService>,
    peer: Arc<Peer>,
    answer: HandedOver,
    complete: bool,
}

impl Ending {
    /// Logs, when dropped, that this did not leave completely.
    pub(super) fn of(service: Arc<dyn NodeService>, peer: Arc<Peer>, answer: HandedOver, runtime: Handle) -> Self {
        Self { runtime, service, peer, answer, complete: false }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&self.peer));
        let (answer, complete) = (self.answer, self.complete);
        drop(self.runtime.spawn_blocking(move || service.answered(&peer, answer, complete)));
    }
}

/// The parts of an answer on their way out; its ending is logged when the last part is taken or the call is dropped.
pub(crate) struct Sending<T> {
    parts: std::vec::IntoIter<T>,
    ending: Option<Ending>,
}

impl<T> Sending<T> {
    /// These parts, and how their ending is logged.
    pub(super) fn new(parts: Vec<T>, ending: Ending) -> Self {
        Self { parts: parts.into_iter(), ending: Some(ending) }
    }
}

impl<T: Unpin> tokio_stream::Stream for Sending<T> {
    type Item = Result<T, Status>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let part = self.parts.next();
        if part.is_none()
            && let Some(mut ending) = self.ending.take()
        {
            ending.complete = true;
        }
        std::task::Poll::Ready(part.map(Ok))
    }
}

/// An answer on its way out.
type Answering = Sending<proto::AggregateChunk>;

/// A question on which nothing was said yet; dropped so, because its asker has gone, it is refused in the log.
struct Waiting {
    runtime: Handle,
    service: Arc<dyn NodeService>,
    peer: Arc<Peer>,
    question: Arc<AggregateRequest>,
    verdict: Verdict,
}

impl Waiting {
    /// The work on the question: its answer with its ending, or why there is none.
    fn answer(&self) -> impl FnOnce() -> Result<Answering, Refusal> + Send + 'static {
        let (runtime, service, peer) = (self.runtime.clone(), Arc::clone(&self.service), Arc::clone(&self.peer));
        let (question, verdict) = (Arc::clone(&self.question), self.verdict.clone());
        move || match service.aggregate(&peer, &question, &verdict) {
            Reply::Refused(refusal) => Err(refusal),
            Reply::Answer(answer) => {
                let ending = Ending { runtime, service, peer, answer: answer.handed(), complete: false };
                Ok(Sending::new(answer.encode()?, ending))
            }
        }
    }

    /// Refuses the question in the log, unless something is being said on it; the reason that may leave.
    fn overrule(&self, reason: ReasonCode) -> Option<JoinHandle<Refusal>> {
        self.verdict.overrule().then(|| {
            let (service, peer, question) =
                (Arc::clone(&self.service), Arc::clone(&self.peer), Arc::clone(&self.question));
            self.runtime.spawn_blocking(move || service.refuse(&peer, &question, reason))
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.overrule(ReasonCode::TooSlow));
    }
}

#[derive(Clone)]
pub(super) struct Served {
    pub(super) service: Arc<dyn NodeService>,
    pub(super) calls: Arc<Permits>,
    pub(super) witness_calls: Arc<Permits>,
    pub(super) case_hold: Duration,
}

/// Who calls, under which trace, and until when.
pub(super) struct Caller {
    pub(super) peer: Arc<Peer>,
    pub(super) trace: TraceContext,
    due: Arc<Due>,
}

impl Caller {
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let trace = request.extensions().get::<TraceContext>().copied().unwrap_or_else(TraceContext::random);
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        let due = request.extensions().get::<Arc<Due>>().cloned();
        let (peer, due) = peer.zip(due).ok_or_else(|| status(ReasonCode::Internal, &trace))?;
        Ok(Self { peer, trace, due })
    }
}

impl Served {
    /// Runs `work` on a blocking thread under one of `permits`; work that was begun is ended, also when the peer has gone.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        permits: &Permits,
        caller: &Caller,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let internal = || status(ReasonCode::Internal, &caller.trace);
        let permit = permits.acquire(caller.peer.oin).await.ok_or_else(internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = permit;
            work()
        });
        done.await.map_err(|_| {
            tracing::error!(trace = caller.trace.trace_hex(), "een oproep liep vast in het programma");
            internal()
        })
    }

    /// A refusal that has no entry of its own: counted.
    pub(super) fn counted(&self, caller: &Caller, reason: ReasonCode) -> Status {
        tracing::warn!(code = %reason, oin = %caller.peer.oin, trace = caller.trace.trace_hex(), "oproep geweigerd");
        self.service.connection_refused(reason, Some(caller.peer.oin));
        status(reason, &caller.trace)
    }

    /// Answers a question within its deadline. Late, or after a fault, it is refused in the log before that leaves.
    async fn answer(&self, caller: &Caller, question: AggregateRequest) -> Result<Answering, Status> {
        let waiting = Waiting {
            runtime: Handle::current(),
            service: Arc::clone(&self.service),
            peer: Arc::clone(&caller.peer),
            question: Arc::new(question),
            verdict: Verdict::default(),
        };
        caller.due.asked.store(true, Ordering::Release);
        let mut work = pin!(self.blocking(&self.calls, caller, waiting.answer()));
        let refused = |refusal: Refusal| refused(&refusal, &caller.trace);
        let broken = match timeout_at(caller.due.until, &mut work).await {
            Ok(Ok(answered)) => return answered.map_err(refused),
            Ok(Err(broken)) => Some(broken),
            Err(_) => None,
        };
        let fault = if broken.is_some() { ReasonCode::Internal } else { ReasonCode::TooSlow };
        if let Some(logged) = waiting.overrule(fault) {
            let refusal = logged.await.unwrap_or_else(|_| ReasonCode::Internal.into());
            tracing::warn!(code = %refusal.reason, oin = %caller.peer.oin, trace = caller.trace.trace_hex(), "vraag geweigerd");
            return Err(refused(refusal));
        }
        // What the node says is in the log or on its way there.
        match broken {
            Some(broken) => Err(broken),
            None => work.await?.map_err(refused),
        }
    }
}

#[tonic::async_trait]
impl Node for Served {
    type AggregateStream = Answering;

    async fn aggregate(
        &self,
        request: Request<proto::AggregateRequest>,
    ) -> Result<Response<Self::AggregateStream>, Status> {
        let caller = Caller::of(&request)?;
        let question = wire::request(request.into_inner(), caller.trace).map_err(|fault| {
            let reason = fault.reason();
            tracing::warn!(code = %reason, oin = %caller.peer.oin, field = %fault, "vraag geweigerd");
            self.service.connection_refused(reason, Some(caller.peer.oin));
            status(reason, &caller.trace)
        })?;
        self.answer(&caller, question).await.map(Response::new)
    }

    async fn confirm(&self, request: Request<proto::ConfirmRequest>) -> Result<Response<proto::ConfirmReply>, Status> {
        let caller = Caller::of(&request)?;
        let proto::ConfirmRequest { receipt } = request.into_inner();
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let taken = self.blocking(&self.calls, &caller, move || service.confirm(&peer, &receipt)).await?;
        taken.map_err(|reason| self.counted(&caller, reason))?;
        Ok(Response::new(proto::ConfirmReply {}))
    }

    async fn receipts(
        &self,
        request: Request<proto::ReceiptsRequest>,
    ) -> Result<Response<proto::ReceiptsReply>, Status> {
        let caller = Caller::of(&request)?;
        let wanted = wire::wanted(request.into_inner()).map_err(|fault| self.counted(&caller, fault.reason()))?;
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let found = self.blocking(&self.calls, &caller, move || service.receipts(&peer, &wanted)).await?;
        let found = found.map_err(|reason| self.counted(&caller, reason))?;
        Ok(Response::new(found.encode()))
    }

    async fn status(&self, request: Request<proto::StatusRequest>) -> Result<Response<proto::StatusReply>, Status> {
        let caller = Caller::of(&request)?;
        let proto::StatusRequest {} = request.into_inner();
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let view = self.blocking(&self.calls, &caller, move || service.status(&peer)).await?;
        Ok(Response::new(view.encode()))
    }
}
