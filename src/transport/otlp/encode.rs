//! Lines to the messages of OTLP and back.

use serde_json::{Map, Value};

use super::proto::collector::ExportTraceServiceRequest;
use super::proto::resource::Resource;
use super::proto::shared::any_value::Value as Any;
use super::proto::shared::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use super::proto::trace::span::SpanKind;
use super::proto::trace::status::StatusCode;
use super::proto::trace::{ResourceSpans, ScopeSpans, Span, Status};
use crate::translog::standards::join::LineStatus;
use crate::translog::standards::ldv::{self, Line};

/// Flag of a W3C trace that is recorded: nothing is sampled away.
const RECORDED: u32 = 1;

/// One request for these lines; lines of one resource stand together.
pub(super) fn request(lines: &[Line]) -> ExportTraceServiceRequest {
    let mut resource_spans: Vec<ResourceSpans> = Vec::new();
    let mut of: Option<&Map<String, Value>> = None;
    for line in lines {
        if of != Some(&line.resource) {
            of = Some(&line.resource);
            resource_spans.push(empty(&line.resource));
        }
        if let Some(scope) = resource_spans.last_mut().and_then(|spans| spans.scope_spans.first_mut()) {
            scope.spans.push(span(line));
        }
    }
    ExportTraceServiceRequest { resource_spans }
}

fn empty(resource: &Map<String, Value>) -> ResourceSpans {
    let scope = InstrumentationScope { name: "ketenpoort".to_owned(), ..InstrumentationScope::default() };
    ResourceSpans {
        resource: Some(Resource { attributes: key_values(resource), ..Resource::default() }),
        scope_spans: vec![ScopeSpans { scope: Some(scope), ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

fn span(line: &Line) -> Span {
    let called = line.attributes.contains_key(ldv::PROCESSOR);
    let status = match line.status {
        LineStatus::Unset => StatusCode::Unset,
        LineStatus::Ok => StatusCode::Ok,
        LineStatus::Error => StatusCode::Error,
    };
    Span {
        trace_id: line.trace_id.to_vec(),
        span_id: line.span_id.to_vec(),
        parent_span_id: line.parent_span_id.map(|span| span.to_vec()).unwrap_or_default(),
        flags: RECORDED,
        name: line.name.clone(),
        kind: i32::from(if called { SpanKind::Server } else { SpanKind::Internal }),
        start_time_unix_nano: ldv::nanoseconds(line.start_ms),
        end_time_unix_nano: ldv::nanoseconds(line.end_ms),
        attributes: key_values(&line.attributes),
        status: Some(Status { code: i32::from(status), message: String::new() }),
        ..Span::default()
    }
}

fn key_values(map: &Map<String, Value>) -> Vec<KeyValue> {
    let pair = |(key, value): (&String, &Value)| KeyValue {
        key: key.clone(),
        value: Some(AnyValue { value: any(value) }),
        ..KeyValue::default()
    };
    map.iter().map(pair).collect()
}

fn any(value: &Value) -> Option<Any> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(b) => Any::BoolValue(*b),
        Value::Number(n) => match n.as_i64() {
            Some(n) => Any::IntValue(n),
            None => Any::DoubleValue(n.as_f64()?),
        },
        Value::String(text) => Any::StringValue(text.clone()),
        Value::Array(list) => {
            Any::ArrayValue(ArrayValue { values: list.iter().map(|v| AnyValue { value: any(v) }).collect() })
        }
        Value::Object(map) => Any::KvlistValue(KeyValueList { values: key_values(map) }),
    })
}

/// The attributes of a message; bytes become hexadecimal digits.
pub(super) fn map_of(pairs: Vec<KeyValue>) -> Map<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, pair.value.and_then(|v| v.value).map_or(Value::Null, value_of))).collect()
}

fn value_of(any: Any) -> Value {
    match any {
        Any::StringValue(text) => Value::String(text),
        Any::BoolValue(b) => Value::Bool(b),
        Any::IntValue(n) => Value::from(n),
        Any::DoubleValue(n) => Value::from(n),
        Any::BytesValue(bytes) => Value::String(crate::crypto::hex(&bytes)),
        Any::ArrayValue(list) => list.values.into_iter().map(|v| v.value.map_or(Value::Null, value_of)).collect(),
        Any::KvlistValue(list) => Value::Object(map_of(list.values)),
        Any::StringValueStrindex(_) => Value::Null,
    }
}
