//! The JSON form of the read API of LDV (LEZEN): a line as one object. The standard declares `traceId` a UUID while traces
//! are 32 hexadecimal digits: 32 digits are written, both are read.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::join::LineStatus;
use super::ldv::Line;
use crate::crypto::{from_hex, hex};

/// The text is no line.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidLine {
    /// Not JSON of the expected form.
    #[error("geen logregel in JSON van LDV ({0})")]
    Form(String),
    /// A member has no allowed value.
    #[error("veld {0} van de logregel heeft een ongeldige inhoud")]
    Field(&'static str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Raw {
    trace_id: String,
    span_id: String,
    status: String,
    name: String,
    start_time: u64,
    end_time: u64,
    parent_span_id: Option<String>,
    resource: Option<RawResource>,
    attributes: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawResource {
    attributes: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawList {
    processing_activities: Vec<Value>,
}

/// A line as JSON.
#[must_use]
pub fn write(line: &Line) -> Value {
    let mut value = json!({
        "traceId": hex(&line.trace_id),
        "spanId": hex(&line.span_id),
        "status": match line.status {
            LineStatus::Unset => "Unset",
            LineStatus::Ok => "Ok",
            LineStatus::Error => "Error",
        },
        "name": line.name,
        "startTime": line.start_ms,
        "endTime": line.end_ms,
        "resource": { "attributes": line.resource },
        "attributes": line.attributes,
    });
    if let (Some(parent), Some(object)) = (line.parent_span_id, value.as_object_mut()) {
        object.insert("parentSpanId".to_owned(), json!(hex(&parent)));
    }
    value
}

/// Reads one line.
///
/// # Errors
/// [`InvalidLine`].
pub fn read(value: Value) -> Result<Line, InvalidLine> {
    let raw: Raw = serde_json::from_value(value).map_err(|e| InvalidLine::Form(e.to_string()))?;
    let span = |text: &str, field| from_hex(&text.to_ascii_lowercase()).ok_or(InvalidLine::Field(field));
    if raw.end_time < raw.start_time {
        return Err(InvalidLine::Field("endTime"));
    }
    Ok(Line {
        trace_id: trace(&raw.trace_id).ok_or(InvalidLine::Field("traceId"))?,
        span_id: span(&raw.span_id, "spanId")?,
        parent_span_id: raw.parent_span_id.map(|text| span(&text, "parentSpanId")).transpose()?,
        status: match raw.status.as_str() {
            "Unset" => LineStatus::Unset,
            "Ok" => LineStatus::Ok,
            "Error" => LineStatus::Error,
            _ => return Err(InvalidLine::Field("status")),
        },
        name: raw.name,
        start_ms: raw.start_time,
        end_ms: raw.end_time,
        resource: raw.resource.map(|resource| resource.attributes).unwrap_or_default(),
        attributes: raw.attributes.unwrap_or_default(),
    })
}

/// Reads what the read API answers: an object with a list of lines.
///
/// # Errors
/// [`InvalidLine`] of the first line that is none.
pub fn read_answer(bytes: &[u8]) -> Result<Vec<Line>, InvalidLine> {
    let list: RawList = serde_json::from_slice(bytes).map_err(|e| InvalidLine::Form(e.to_string()))?;
    list.processing_activities.into_iter().map(read).collect()
}

/// 32 hexadecimal digits, or a UUID.
fn trace(text: &str) -> Option<[u8; 16]> {
    let dashes: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    if !dashes.is_empty() && dashes != [8, 13, 18, 23] {
        return None;
    }
    from_hex(&text.replace('-', "").to_ascii_lowercase())
}
