//! Reading lines of a logboek dataverwerkingen in every shape that it has had, into one [`Line`]. The newest shape of OTLP
//! names the caller by `foreign_operation.processor`, the one before by `foreign_operation.span_id`; that of 2024 is a
//! message of its own.

use prost::Message;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::encode::map_of;
use super::proto::collector::ExportTraceServiceRequest;
use super::proto::logboek::{self, ExportOperationsRequest, ProcessingOperation};
use super::proto::trace::Span;
use super::proto::trace::status::StatusCode;
use crate::crypto::hex;
use crate::translog::standards::join::LineStatus;
use crate::translog::standards::ldv::{self, Line};
use crate::translog::standards::lezen::{self, InvalidLine};

/// A shape of LDV.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A request of OTLP, protobuf: the newest shape and the one before.
    Otlp,
    /// A request of `logboek.v1.LogboekService` of 2024, protobuf.
    Logboek2024,
    /// What the read API answers, JSON.
    Lezen,
}

/// The bytes are no lines in this shape.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidLines {
    /// Not the message.
    #[error("geen bericht van deze vorm")]
    Message,
    /// A field of a line.
    #[error("veld {0} van een regel heeft een ongeldige inhoud")]
    Field(&'static str),
    /// JSON.
    #[error(transparent)]
    Json(#[from] InvalidLine),
}

/// Reads all lines.
///
/// # Errors
/// [`InvalidLines`] of the first that is none.
pub fn read(shape: Shape, bytes: &[u8]) -> Result<Vec<Line>, InvalidLines> {
    match shape {
        Shape::Lezen => Ok(lezen::read_answer(bytes)?),
        Shape::Otlp => {
            let request = ExportTraceServiceRequest::decode(bytes).map_err(|_| InvalidLines::Message)?;
            let mut lines = Vec::new();
            for of in request.resource_spans {
                let resource = map_of(of.resource.map(|r| r.attributes).unwrap_or_default());
                for span in of.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                    lines.push(otlp(span, &resource)?);
                }
            }
            Ok(lines)
        }
        Shape::Logboek2024 => {
            let request = ExportOperationsRequest::decode(bytes).map_err(|_| InvalidLines::Message)?;
            let resource = request.resource.unwrap_or_default();
            let resource = object([("service.name", resource.name), ("service.version", resource.version)]);
            request.operations.into_iter().map(|operation| of_2024(operation, &resource)).collect()
        }
    }
}

fn object<const N: usize>(members: [(&str, String); N]) -> Map<String, Value> {
    members.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k.to_owned(), json!(v))).collect()
}

fn exactly<const N: usize>(bytes: &[u8], field: &'static str) -> Result<[u8; N], InvalidLines> {
    bytes.try_into().ok().filter(|id| *id != [0; N]).ok_or(InvalidLines::Field(field))
}

fn parent(bytes: &[u8]) -> Result<Option<[u8; 8]>, InvalidLines> {
    if bytes.is_empty() { Ok(None) } else { exactly(bytes, "parent_span_id").map(Some) }
}

fn otlp(span: Span, resource: &Map<String, Value>) -> Result<Line, InvalidLines> {
    let code = span.status.map_or(0, |status| status.code);
    Ok(Line {
        trace_id: exactly(&span.trace_id, "trace_id")?,
        span_id: exactly(&span.span_id, "span_id")?,
        parent_span_id: parent(&span.parent_span_id)?,
        status: match StatusCode::try_from(code).map_err(|_| InvalidLines::Field("status"))? {
            StatusCode::Unset => LineStatus::Unset,
            StatusCode::Ok => LineStatus::Ok,
            StatusCode::Error => LineStatus::Error,
        },
        name: span.name,
        start_ms: ldv::milliseconds(span.start_time_unix_nano),
        end_ms: ldv::milliseconds(span.end_time_unix_nano),
        resource: resource.clone(),
        attributes: map_of(span.attributes),
    })
}

fn of_2024(operation: ProcessingOperation, resource: &Map<String, Value>) -> Result<Line, InvalidLines> {
    let mut attributes: Map<String, Value> =
        operation.attributes.into_iter().map(|a| (a.key, Value::String(a.value))).collect();
    if let Some(foreign) = operation.foreign_operation {
        attributes.extend(object([
            (ldv::PROCESSOR, foreign.entity),
            (ldv::FOREIGN_SPAN, hex(&foreign.operation_id)),
            (ldv::FOREIGN_TRACE, hex(&foreign.trace_id)),
        ]));
    }
    Ok(Line {
        trace_id: exactly(&operation.trace_id, "trace_id")?,
        span_id: exactly(&operation.operation_id, "operation_id")?,
        parent_span_id: parent(&operation.parent_operation_id)?,
        status: match logboek::StatusCode::try_from(operation.status_code) {
            Ok(logboek::StatusCode::Unknown) => LineStatus::Unset,
            Ok(logboek::StatusCode::Ok) => LineStatus::Ok,
            Ok(logboek::StatusCode::Error) => LineStatus::Error,
            Err(_) => return Err(InvalidLines::Field("status_code")),
        },
        name: operation.name,
        start_ms: moment(operation.start_time, "start_time")?,
        end_ms: moment(operation.end_time, "end_time")?,
        resource: resource.clone(),
        attributes,
    })
}

fn moment(time: Option<logboek::Timestamp>, field: &'static str) -> Result<u64, InvalidLines> {
    let wrong = InvalidLines::Field(field);
    let logboek::Timestamp { seconds, nanos } = time.unwrap_or_default();
    let (Ok(seconds), Ok(nanos @ 0..=999_999_999)) = (u64::try_from(seconds), u64::try_from(nanos)) else {
        return Err(wrong);
    };
    seconds.checked_mul(1_000).and_then(|ms| ms.checked_add(nanos / 1_000_000)).ok_or(wrong)
}
