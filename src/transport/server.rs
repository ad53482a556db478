//! The server: one tonic service over our own acceptor; calls the synchronous node from blocking threads.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::accept::{Acceptor, Open};
use super::guard::Guard;
use super::proto;
use super::proto::node_server::{Node, NodeServer};
use super::status::status;
use super::tls::TlsHandle;
use super::wire::{self, MAX_MESSAGE, Outbound};
use crate::domain::reason::ReasonCode;
use crate::service::api::{NodeService, Peer, Reply, TraceContext};
use crate::translog::entry::TransferId;

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
    /// Bytes of the headers of one call.
    pub header_bytes: u32,
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
            header_bytes: 16 << 10,
        }
    }
}

/// The server stopped by itself.
#[derive(Debug, Error)]
#[error("de server voor partijen is gestopt: {0}")]
pub struct ServeError(String);

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
    let node = NodeServer::new(Served { service: Arc::clone(&service), calls: Arc::new(Semaphore::new(limits.calls)) })
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let (guarded, call) = (Arc::clone(&service), limits.call);
    let router = tonic::transport::Server::builder()
        .layer(tower::layer::layer_fn(move |inner| Guard::new(inner, Arc::clone(&guarded), call)))
        .max_concurrent_streams(limits.streams)
        .http2_max_header_list_size(limits.header_bytes)
        .http2_keepalive_interval(Some(limits.keepalive))
        .http2_keepalive_timeout(Some(limits.keepalive))
        .add_service(node);
    let (out, incoming) = mpsc::channel(16);
    let acceptor = Arc::new(Acceptor { tls, service, limits, open: Arc::new(Open::default()) });
    let accepting = tokio::spawn(acceptor.run(listener, out));
    let served = router.serve_with_incoming_shutdown(ReceiverStream::new(incoming), shutdown).await;
    accepting.abort();
    served.map_err(|error| ServeError(error.to_string()))
}

/// Who logs how an answer ended.
struct Ending {
    service: Arc<dyn NodeService>,
    peer: Arc<Peer>,
    transfer: TransferId,
}

impl Ending {
    fn log(self, complete: bool) {
        let Self { service, peer, transfer } = self;
        drop(tokio::task::spawn_blocking(move || service.answered(&peer, transfer, complete)));
    }
}

/// The parts of an answer on their way out; its ending is logged when the last part is taken or the call is dropped.
pub(crate) struct Sending {
    parts: std::vec::IntoIter<proto::AggregateChunk>,
    ending: Option<Ending>,
}

impl Sending {
    fn begin(parts: Result<Vec<proto::AggregateChunk>, Status>, ending: Ending) -> Result<Self, Status> {
        match parts {
            Ok(parts) => Ok(Self { parts: parts.into_iter(), ending: Some(ending) }),
            Err(status) => {
                ending.log(false);
                Err(status)
            }
        }
    }
}

impl tokio_stream::Stream for Sending {
    type Item = Result<proto::AggregateChunk, Status>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let part = self.parts.next();
        if part.is_none()
            && let Some(ending) = self.ending.take()
        {
            ending.log(true);
        }
        std::task::Poll::Ready(part.map(Ok))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(ending) = self.ending.take() {
            ending.log(false);
        }
    }
}

struct Served {
    service: Arc<dyn NodeService>,
    calls: Arc<Semaphore>,
}

/// Who calls, and under which trace.
struct Caller {
    peer: Arc<Peer>,
    trace: TraceContext,
}

impl Caller {
    fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let trace = request.extensions().get::<TraceContext>().copied().unwrap_or_else(TraceContext::random);
        let peer = request.extensions().get::<Arc<Peer>>().cloned();
        let peer = peer.ok_or_else(|| status(ReasonCode::Internal, &trace))?;
        Ok(Self { peer, trace })
    }
}

impl Served {
    /// Runs `work` on a blocking thread, at most `calls` at a time; work that was begun is ended, also when the peer
    /// has gone.
    async fn blocking<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce(&dyn NodeService, &Peer) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let internal = || status(ReasonCode::Internal, &caller.trace);
        let permit = Arc::clone(&self.calls).acquire_owned().await.map_err(|_| internal())?;
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let done = tokio::task::spawn_blocking(move || {
            let _held = permit;
            work(service.as_ref(), &peer)
        });
        done.await.map_err(|_| {
            tracing::error!(trace = caller.trace.trace_hex(), "een oproep liep vast in het programma");
            internal()
        })
    }
}

#[tonic::async_trait]
impl Node for Served {
    type AggregateStream = Sending;

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
        let reply = self.blocking(&caller, move |service, peer| service.aggregate(peer, question)).await?;
        let answer = match reply {
            Reply::Answer(answer) => answer,
            Reply::Refused(reason) => return Err(status(reason, &caller.trace)),
        };
        let ending = Ending { service: Arc::clone(&self.service), peer: caller.peer, transfer: answer.transfer() };
        let parts = answer.encode().map_err(|reason| status(reason, &caller.trace));
        Sending::begin(parts, ending).map(Response::new)
    }

    async fn status(&self, request: Request<proto::StatusRequest>) -> Result<Response<proto::StatusReply>, Status> {
        let caller = Caller::of(&request)?;
        let proto::StatusRequest {} = request.into_inner();
        let view = self.blocking(&caller, NodeService::status).await?;
        Ok(Response::new(view.encode()))
    }
}
