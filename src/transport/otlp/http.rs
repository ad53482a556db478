//! Deliveries over HTTP/1.1 with protobuf bodies, each on a connection of its own.

use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use prost::Message;

use super::proto::collector::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use super::{Target, confirmed, connect, unavailable};
use crate::service::ldv::Undelivered;

/// Largest answer, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// The only body that is sent and taken.
const PROTOBUF: &str = "application/x-protobuf";

/// One delivery.
pub(super) async fn export(target: &Target, request: &ExportTraceServiceRequest) -> Result<(), Undelivered> {
    let broken = |e: hyper::Error| unavailable(format!("de verbinding met de ontvanger brak af ({e})"));
    let stream = connect(target, b"http/1.1").await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let driving = tokio::spawn(connection);
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    let call = Request::post(&target.path)
        .header(header::HOST, format!("{host}:{}", target.port))
        .header(header::CONTENT_TYPE, PROTOBUF)
        .header(header::USER_AGENT, concat!("ketenpoort/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(prost::bytes::Bytes::from(request.encode_to_vec())))
        .map_err(|_| unavailable("het pad van de ontvanger is geen pad"))?;
    let answered = async {
        let answer = sender.send_request(call).await.map_err(broken)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|_| unavailable("het antwoord van de ontvanger is onvolledig of te groot"))?;
        Ok((head, body.to_bytes()))
    }
    .await;
    driving.abort();
    let (head, body) = answered?;
    judge(head.status, &head.headers, &body)
}

/// What an answer means: 200 with a message that confirms; 400 refuses the lines; everything else can pass.
fn judge(status: StatusCode, headers: &http::HeaderMap, body: &[u8]) -> Result<(), Undelivered> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match status {
        StatusCode::OK if kind.starts_with(PROTOBUF) => ExportTraceServiceResponse::decode(body)
            .map_err(|_| unavailable("het antwoord van de ontvanger is geen bevestiging"))
            .and_then(confirmed),
        StatusCode::OK => Err(unavailable("het antwoord van de ontvanger is geen bevestiging")),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            Err(Undelivered::Refused { lines: None, reason: format!("HTTP {}", status.as_u16()) })
        }
        StatusCode::PAYLOAD_TOO_LARGE => Err(Undelivered::TooLarge(format!("HTTP {}", status.as_u16()))),
        _ => {
            let after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let reason = format!("HTTP {}", status.as_u16());
            Err(Undelivered::Unavailable { reason, again: after.map(Duration::from_secs) })
        }
    }
}
