//! Deliveries over gRPC, on one connection that is kept as long as it works.

use std::sync::{Arc, Mutex, PoisonError};

use hyper_util::rt::TokioIo;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Status};

use super::proto::collector::ExportTraceServiceRequest;
use super::proto::collector::trace_service_client::TraceServiceClient;
use super::{Target, confirmed, connect, printable, unavailable};
use crate::service::ldv::Undelivered;

/// Largest answer, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// The connection in use.
#[derive(Default)]
pub(super) struct Kept(Mutex<Option<Channel>>);

impl Kept {
    /// Makes a new connection next time.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn channel(&self, target: &Target) -> Result<Channel, Undelivered> {
        if let Some(channel) = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(channel);
        }
        let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
        let endpoint = Endpoint::from_shared(format!("http://{host}:{}", target.port))
            .map_err(|_| unavailable("het adres van de ontvanger is geen adres"))?;
        let fault: Arc<Mutex<Option<Undelivered>>> = Arc::default();
        let (wanted, noted) = (target.clone(), Arc::clone(&fault));
        let connector = tower::service_fn(move |_: Uri| {
            let (wanted, noted) = (wanted.clone(), Arc::clone(&noted));
            async move {
                connect(&wanted, b"h2").await.map(TokioIo::new).inspect_err(|error| {
                    *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
                })
            }
        });
        let channel = endpoint.connect_with_connector(connector).await.map_err(|_| {
            let found = fault.lock().unwrap_or_else(PoisonError::into_inner).take();
            found.unwrap_or_else(|| unavailable("de ontvanger spreekt geen gRPC"))
        })?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(channel.clone());
        Ok(channel)
    }
}

/// One delivery.
pub(super) async fn export(
    target: &Target,
    kept: &Kept,
    request: ExportTraceServiceRequest,
) -> Result<(), Undelivered> {
    let mut client = TraceServiceClient::new(kept.channel(target).await?).max_decoding_message_size(MAX_ANSWER);
    match client.export(Request::new(request)).await {
        Ok(answer) => confirmed(answer.into_inner()),
        Err(status) => {
            kept.forget();
            Err(undelivered(&status))
        }
    }
}

/// Only a status about the lines themselves is a refusal; everything else can pass.
fn undelivered(status: &Status) -> Undelivered {
    let reason = format!("{:?}: {}", status.code(), printable(status.message()));
    match status.code() {
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            Undelivered::Refused { lines: None, reason }
        }
        Code::ResourceExhausted => Undelivered::TooLarge(reason),
        _ => unavailable(reason),
    }
}
