//! OTLP: lines of the transfer log to the organisation's logboek dataverwerkingen, over gRPC or HTTP, each delivery
//! confirmed. A partial success with refused lines is a refusal.

mod encode;
mod grpc;
mod http;
mod proto;
pub mod shapes;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_rustls::TlsConnector;

use self::proto::collector::ExportTraceServiceResponse;
use super::tls::ReceiverTls;
use crate::service::ldv::{LineReceiver, Undelivered};
use crate::translog::standards::ldv::Line;

/// How lines travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// `TraceService/Export`.
    Grpc,
    /// `POST` of protobuf.
    Http,
}

/// Where lines go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// How.
    pub protocol: Protocol,
    /// Host, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path of the HTTP call.
    pub path: String,
    /// Trusted authorities (PEM) and our certificate and key; none is no TLS.
    pub tls: Option<(PathBuf, Option<(PathBuf, PathBuf)>)>,
    /// How long one delivery may take, connecting included.
    pub deadline: Duration,
}

/// Delivers lines to one receiver.
pub struct OtlpReceiver {
    target: Target,
    runtime: Handle,
    kept: grpc::Kept,
}

impl OtlpReceiver {
    /// A receiver whose connections run on `runtime`.
    #[must_use]
    pub fn new(target: Target, runtime: Handle) -> Self {
        Self { target, runtime, kept: grpc::Kept::default() }
    }
}

/// Blocks the calling thread, which must be none of the runtime's own workers.
impl LineReceiver for OtlpReceiver {
    fn deliver(&self, lines: &[Line]) -> Result<(), Undelivered> {
        let request = encode::request(lines);
        let calling = async {
            match self.target.protocol {
                Protocol::Grpc => grpc::export(&self.target, &self.kept, request).await,
                Protocol::Http => http::export(&self.target, &request).await,
            }
        };
        let answered = self.runtime.block_on(async { tokio::time::timeout(self.target.deadline, calling).await });
        answered.unwrap_or_else(|_| {
            self.kept.forget();
            Err(unavailable("geen bevestiging binnen de tijd"))
        })
    }
}

/// What an answer confirms: everything, or it is a refusal.
fn confirmed(answer: ExportTraceServiceResponse) -> Result<(), Undelivered> {
    let ExportTraceServiceResponse { partial_success } = answer;
    match partial_success {
        Some(partial) if partial.rejected_spans != 0 => {
            // A count that makes no sense is one that is not known.
            let lines = u64::try_from(partial.rejected_spans).ok();
            Err(Undelivered::Refused { lines, reason: printable(&partial.error_message) })
        }
        Some(partial) if !partial.error_message.is_empty() => {
            tracing::warn!(melding = printable(&partial.error_message), "de ontvanger van het transferlog waarschuwt");
            Ok(())
        }
        _ => Ok(()),
    }
}

fn unavailable(reason: impl Into<String>) -> Undelivered {
    Undelivered::Unavailable { reason: reason.into(), again: None }
}

/// A receiver's words, for our own log: short and without control characters.
fn printable(text: &str) -> String {
    crate::domain::row::printable(text)
}

/// A connection to the receiver, with or without TLS.
async fn connect(target: &Target, alpn: &[u8]) -> Result<Stream, Undelivered> {
    let unreachable = |e: std::io::Error| unavailable(format!("de ontvanger is niet bereikbaar ({})", e.kind()));
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await.map_err(unreachable)?;
    let _best_effort = stream.set_nodelay(true);
    let Some((trust, client)) = &target.tls else { return Ok(Stream::Plain(stream)) };
    let tls = ReceiverTls { trust: trust.clone(), client: client.clone() };
    let (config, name) = tls.config(&target.host, alpn).map_err(|e| unavailable(e.to_string()))?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    let distrusted = |e: std::io::Error| unavailable(format!("TLS met de ontvanger lukt niet: {e}"));
    Ok(Stream::Tls(Box::new(stream.map_err(distrusted)?)))
}

/// Either kind of connection.
enum Stream {
    /// On this machine.
    Plain(TcpStream),
    /// Everywhere else.
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl tokio::io::AsyncRead for Stream {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => std::pin::Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => std::pin::Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl tokio::io::AsyncWrite for Stream {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => std::pin::Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => std::pin::Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => std::pin::Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => std::pin::Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => std::pin::Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => std::pin::Pin::new(stream).poll_shutdown(cx),
        }
    }
}
