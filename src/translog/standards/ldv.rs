//! A line of the LDV standard (Logius, Logboek Dataverwerkingen): one per action and data subject. The newest shape is the
//! one that is made; every historic shape is read into the same [`Line`].

use serde_json::{Map, Value, json};

use super::join::{Action, Kind, LineStatus};
use super::{Setting, Subject, derived, organisation_url};
use crate::crypto::hex;
use crate::domain::reason::ReasonCode;
use crate::translog::entry::Entry;

/// Attribute: the processing activity, a URI into the register.
pub const ACTIVITY: &str = "dpl.core.processing_activity_id";
/// Attribute: the data subject.
pub const SUBJECT: &str = "dpl.core.data_subject_id";
/// Attribute: what kind of identifier that is.
pub const SUBJECT_TYPE: &str = "dpl.core.data_subject_id_type";
/// Attribute: the application that called, a URL.
pub const PROCESSOR: &str = "dpl.core.foreign_operation.processor";
/// Attribute of one version earlier: the span of the application that called.
pub const FOREIGN_SPAN: &str = "dpl.core.foreign_operation.span_id";
/// Attribute of the shape of 2024: the trace of the application that called.
pub const FOREIGN_TRACE: &str = "dpl.core.foreign_operation.trace_id";

/// One line: what one application did in one step of a processing, with at most one data subject.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// The processing, the same across organisations.
    pub trace_id: [u8; 16],
    /// The action.
    pub span_id: [u8; 8],
    /// The calling action.
    pub parent_span_id: Option<[u8; 8]>,
    /// How it ended.
    pub status: LineStatus,
    /// Readable name.
    pub name: String,
    /// Begin, milliseconds since 1970 UTC.
    pub start_ms: u64,
    /// End, milliseconds since 1970 UTC.
    pub end_ms: u64,
    /// Attributes of the system.
    pub resource: Map<String, Value>,
    /// Attributes of the action.
    pub attributes: Map<String, Value>,
}

/// The application of another organisation that called.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Foreign {
    /// Who it is: a URL in the newest shape, a name in that of 2024.
    pub processor: Option<String>,
    /// Its span, in older shapes.
    pub span_id: Option<[u8; 8]>,
    /// Its trace, in the shape of 2024.
    pub trace_id: Option<[u8; 16]>,
}

impl Line {
    /// The processing activity.
    #[must_use]
    pub fn activity(&self) -> Option<&str> {
        self.text(ACTIVITY)
    }

    /// The data subject with the kind of its identifier.
    #[must_use]
    pub fn subject(&self) -> Option<(&str, Option<&str>)> {
        Some((self.text(SUBJECT)?, self.text(SUBJECT_TYPE)))
    }

    /// The application that called, in whatever shape the line has it.
    #[must_use]
    pub fn foreign(&self) -> Option<Foreign> {
        let found = Foreign {
            processor: self.text(PROCESSOR).map(str::to_owned),
            span_id: self.text(FOREIGN_SPAN).and_then(crate::crypto::from_hex),
            trace_id: self.text(FOREIGN_TRACE).and_then(crate::crypto::from_hex),
        };
        (found != Foreign::default()).then_some(found)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).and_then(Value::as_str)
    }
}

/// The lines of an action: one without or with its one data subject, or with several subjects one and a child line for each.
/// None for refused connections, which process nobody's data, and for an action that has not ended.
#[must_use]
pub fn lines(action: &Action, setting: &Setting, subjects: &[Subject]) -> Vec<Line> {
    if matches!(action.kind, Kind::Connections | Kind::Open) {
        return Vec::new();
    }
    let mut line = line(action, setting);
    match subjects {
        [] => vec![line],
        [only] => {
            name_subject(&mut line, only);
            vec![line]
        }
        several => {
            let child = |(index, subject): (usize, &Subject)| {
                let mut child = line.clone();
                let index = (index as u64).to_be_bytes();
                child.span_id = derived(&[b"ketenpoort/v1/child-span\0", &line.trace_id, &line.span_id, &index]);
                child.parent_span_id = Some(line.span_id);
                name_subject(&mut child, subject);
                child
            };
            let children: Vec<Line> = several.iter().enumerate().map(child).collect();
            std::iter::once(line).chain(children).collect()
        }
    }
}

/// The line of any action, also one that is no processing of data (NEN 7513 has those).
pub(super) fn line(action: &Action, setting: &Setting) -> Line {
    Line {
        trace_id: action.trace_id(),
        span_id: action.span_id(),
        parent_span_id: action.parent_span_id(),
        status: action.status(),
        name: action.name(),
        start_ms: action.start_ms(),
        end_ms: action.end_ms(),
        resource: resource(setting),
        attributes: attributes(action, setting),
    }
}

fn name_subject(line: &mut Line, subject: &Subject) {
    line.attributes.insert(SUBJECT.to_owned(), json!(subject.id));
    line.attributes.insert(SUBJECT_TYPE.to_owned(), json!(subject.id_type));
}

fn resource(setting: &Setting) -> Map<String, Value> {
    object([
        ("service.name", json!("ketenpoort")),
        ("service.version", json!(setting.version)),
        ("service.instance.id", json!(setting.ours)),
    ])
}

fn attributes(action: &Action, setting: &Setting) -> Map<String, Value> {
    let (opening, closing) = (action.opening(), action.closing());
    let mut attributes = object([
        (ACTIVITY, json!(action.activity(setting))),
        ("ketenpoort.transfer_id", json!(opening.transfer_id.to_string())),
        ("ketenpoort.entry", json!(action.number())),
        ("ketenpoort.phase", json!(closing.phase.as_str())),
    ]);
    let mut set = |key: &str, value: Value| drop(attributes.insert(key.to_owned(), value));
    if let Some(caller) = action.caller(setting.ours) {
        set(PROCESSOR, json!(organisation_url(caller)));
    }
    if let Some(partner) = action.partner(setting.ours) {
        set("ketenpoort.partner_oin", json!(partner));
    }
    if let Some(hash) = action.entry_hash() {
        set("ketenpoort.entry_hash", json!(hash.to_hex()));
    }
    if let Some(outcome) = closing.outcome {
        set("ketenpoort.outcome", json!(outcome.as_str()));
    }
    let codes = action.reason_codes();
    if action.status() == LineStatus::Error {
        let code = codes.first().map_or("", String::as_str);
        set("exception.type", json!(if code.is_empty() { "UNKNOWN" } else { code }));
        let sentence = ReasonCode::parse(code).map_or("De afloop is onbekend.", ReasonCode::sentence);
        set("exception.message", json!(sentence));
    }
    for (key, list) in [
        ("ketenpoort.reason_codes", &codes),
        ("ketenpoort.field_names", union(opening, closing, |e| &e.field_names)),
        ("ketenpoort.data_categories", union(opening, closing, |e| &e.data_categories)),
    ] {
        if !list.is_empty() {
            set(key, json!(list));
        }
    }
    attributes
}

/// What the opening entry lists, or else the closing one.
pub(super) fn union<'a>(opening: &'a Entry, closing: &'a Entry, of: fn(&Entry) -> &Vec<String>) -> &'a Vec<String> {
    if of(opening).is_empty() { of(closing) } else { of(opening) }
}

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Milliseconds to the nanoseconds of OTLP; a moment beyond the year 2554 becomes the last one that fits.
#[must_use]
pub fn nanoseconds(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

/// The nanoseconds of OTLP to milliseconds, cut.
#[must_use]
pub fn milliseconds(ns: u64) -> u64 {
    ns / 1_000_000
}

/// A line as hexadecimal names, for messages: trace and span.
#[must_use]
pub fn label(line: &Line) -> String {
    format!("{}/{}", hex(&line.trace_id), hex(&line.span_id))
}
