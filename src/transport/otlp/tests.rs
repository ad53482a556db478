//! What is written is read back, and every historic shape is read into the same line.

use std::path::PathBuf;

use prost::Message;
use serde_json::{Value, json};

use super::shapes::{InvalidLines, Shape, read};
use super::*;
use crate::translog::standards::join::LineStatus;
use crate::translog::standards::lezen;

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/standards").join(name);
    std::fs::read(path).expect("the file")
}

#[test]
fn every_historic_shape_is_read_into_the_same_line() {
    let shapes = [
        ("otlp-newest.binpb", Shape::Otlp),
        ("otlp-earlier.binpb", Shape::Otlp),
        ("logboek-2024.binpb", Shape::Logboek2024),
        ("lezen.json", Shape::Lezen),
    ];
    for (name, shape) in shapes {
        let lines = read(shape, &file(name)).expect(name);
        let [line] = lines.as_slice() else { panic!("{name}: {} lines", lines.len()) };
        assert_eq!((line.trace_id[0], line.trace_id[15], line.span_id[0]), (1, 16, 21), "{name}");
        assert_eq!(line.parent_span_id.map(|parent| parent[7]), Some(38), "{name}");
        assert_eq!((line.status, line.name.as_str()), (LineStatus::Ok, "Zaak inzien"), "{name}");
        assert_eq!((line.start_ms, line.end_ms), (1_767_225_600_123, 1_767_225_601_000), "{name}");
        assert_eq!(line.activity(), Some("https://gi.example/verwerkingsactiviteiten/twente/P1/v2"), "{name}");
        assert_eq!(line.subject(), Some(("f00d", Some("urn:oin:1/pseudoniem"))), "{name}");
        assert_eq!(line.resource["service.name"], "zaaksysteem", "{name}");
        let foreign = line.foreign().expect("a caller");
        let processor = foreign.processor.as_deref();
        match name {
            "otlp-earlier.binpb" => assert_eq!((processor, foreign.span_id), (None, Some([8; 8]))),
            "logboek-2024.binpb" => {
                assert_eq!((processor, foreign.span_id), (Some("gemeente.example"), Some([8; 8])));
                assert_eq!(foreign.trace_id, Some([9; 16]));
            }
            _ => assert_eq!((processor, foreign.span_id), (Some("https://gemeente.example"), None)),
        }
    }
}

#[test]
fn what_is_sent_is_read_back() {
    let golden = String::from_utf8(file("ldv.jsonl")).expect("UTF-8");
    let lines: Vec<Line> =
        golden.lines().map(|line| lezen::read(serde_json::from_str(line).expect("JSON")).expect("a line")).collect();
    let bytes = encode::request(&lines).encode_to_vec();
    assert_eq!(read(Shape::Otlp, &bytes).expect("read back"), lines);
}

#[test]
fn broken_messages_are_refused() {
    for shape in [Shape::Otlp, Shape::Logboek2024] {
        assert_eq!(read(shape, b"\xff\xff\xff"), Err(InvalidLines::Message));
        let whole = file(if shape == Shape::Otlp { "otlp-newest.binpb" } else { "logboek-2024.binpb" });
        for cut in 1..whole.len() {
            // A shorter message may be a whole one of fewer fields; it never panics.
            let _either = read(shape, &whole[..cut]);
        }
    }
    for text in ["", "{}", "[]", "{\"processingActivities\":[{}]}"] {
        assert!(read(Shape::Lezen, text.as_bytes()).is_err(), "{text}");
    }
    let good: Value = serde_json::from_slice(&file("lezen.json")).expect("JSON");
    for (field, bad) in [
        ("traceId", json!("xyz")),
        ("traceId", json!("0102-0304")),
        ("spanId", json!("12")),
        ("status", json!("ok")),
        ("startTime", json!(-1)),
        ("endTime", json!(1)),
        ("onbekend", json!(1)),
    ] {
        let mut changed = good.clone();
        changed["processingActivities"][0][field] = bad;
        assert!(read(Shape::Lezen, changed.to_string().as_bytes()).is_err(), "{field}");
    }
}

#[test]
fn only_a_whole_confirmation_confirms() {
    use super::proto::collector::{ExportTracePartialSuccess, ExportTraceServiceResponse};
    let partial = |rejected_spans, text: &str| ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess { rejected_spans, error_message: text.to_owned() }),
    };
    assert_eq!(confirmed(ExportTraceServiceResponse::default()), Ok(()));
    assert_eq!(confirmed(partial(0, "een waarschuwing")), Ok(()));
    let refused = |lines| Err(Undelivered::Refused { lines, reason: "nee".to_owned() });
    assert_eq!(confirmed(partial(3, "nee")), refused(Some(3)));
    assert_eq!(confirmed(partial(-1, "nee")), refused(None));
}
