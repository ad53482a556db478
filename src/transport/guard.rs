//! Stands before every call: asks again whether the peer is admitted, sets the trace context and the deadline, and
//! gives statuses that tonic made itself a code of the registry.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::status::{REASON, reason_of_tonic, status};
use crate::domain::reason::ReasonCode;
use crate::service::api::{NodeService, Peer, TraceContext};

/// The header of the W3C trace context.
pub(super) const TRACEPARENT: &str = "traceparent";

/// Until when a call may take, and whether it has become a question: that is refused in the log when it is late.
pub(super) struct Due {
    /// The deadline.
    pub(super) until: Instant,
    /// Whether the message was read as a question.
    pub(super) asked: AtomicBool,
}

/// A service with the guard before it.
#[derive(Clone)]
pub(super) struct Guard<S> {
    inner: S,
    service: Arc<dyn NodeService>,
    deadline: Duration,
}

impl<S> Guard<S> {
    /// Guards `inner`; a call may take `deadline` from its headers to the first of its answer.
    pub(super) fn new(inner: S, service: Arc<dyn NodeService>, deadline: Duration) -> Self {
        Self { inner, service, deadline }
    }
}

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let spare = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, spare);
        let service = Arc::clone(&self.service);
        let deadline = self.deadline;
        Box::pin(async move {
            let trace = trace_of(&request);
            request.extensions_mut().insert(trace);
            let Some(peer) = request.extensions().get::<Arc<Peer>>().cloned() else {
                return Ok(status(ReasonCode::Internal, &trace).into_http());
            };
            let refuse = |reason| {
                tracing::warn!(code = %reason, oin = %peer.oin, trace = trace.trace_hex(), "oproep geweigerd");
                service.connection_refused(reason, Some(peer.oin));
                status(reason, &trace).into_http()
            };
            if let Err(reason) = service.admit(&peer.oin, &peer.pin) {
                return Ok(refuse(reason));
            }
            let due = Arc::new(Due { until: Instant::now() + deadline, asked: AtomicBool::new(false) });
            request.extensions_mut().insert(Arc::clone(&due));
            let mut call = pin!(inner.call(request));
            let response = match timeout_at(due.until, &mut call).await {
                Ok(answered) => answered?,
                Err(_) if due.asked.load(Ordering::Acquire) => call.await?,
                Err(_) => return Ok(refuse(ReasonCode::TooSlow)),
            };
            let made_by_tonic = Status::from_header_map(response.headers())
                .filter(|status| status.code() != tonic::Code::Ok && !response.headers().contains_key(REASON));
            Ok(match made_by_tonic {
                Some(status) => refuse(reason_of_tonic(status.code())),
                None => response,
            })
        })
    }
}

fn trace_of(request: &Request<Body>) -> TraceContext {
    let given = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    given.and_then(TraceContext::parse).unwrap_or_else(TraceContext::random)
}
