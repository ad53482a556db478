"""Writes the historic shapes of LDV that are read: OTLP with the official types, the message of 2024 byte by byte.

Run with the environment of tests/foreign_venv.sh; the files are committed and never change.
"""
import json
import pathlib

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

here = pathlib.Path(__file__).parent
TRACE, SPAN, PARENT = bytes(range(1, 17)), bytes(range(21, 29)), bytes(range(31, 39))
ACTIVITY = "https://gi.example/verwerkingsactiviteiten/twente/P1/v2"


def otlp(name, foreign):
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add()
    spans.resource.attributes.add(key="service.name").value.string_value = "zaaksysteem"
    span = spans.scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.parent_span_id = TRACE, SPAN, PARENT
    span.name = "Zaak inzien"
    span.start_time_unix_nano, span.end_time_unix_nano = 1767225600123456789, 1767225601000000000
    span.status.code = 1
    span.attributes.add(key="dpl.core.processing_activity_id").value.string_value = ACTIVITY
    span.attributes.add(key="dpl.core.data_subject_id").value.string_value = "f00d"
    span.attributes.add(key="dpl.core.data_subject_id_type").value.string_value = "urn:oin:1/pseudoniem"
    key, text, raw = foreign
    value = span.attributes.add(key=key).value
    if raw is None:
        value.string_value = text
    else:
        value.bytes_value = raw
    (here / name).write_bytes(request.SerializeToString(deterministic=True))


def varint(n):
    out = bytearray()
    while True:
        n, low = n >> 7, n & 0x7F
        out.append(low | (0x80 if n else 0))
        if not n:
            return bytes(out)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def logboek_2024():
    time = lambda seconds, nanos: field(1, seconds) + field(2, nanos)
    attribute = lambda key, value: field(1, key) + field(2, value)
    operation = b"".join([
        field(1, TRACE), field(2, SPAN), field(3, PARENT), field(4, "Zaak inzien"),
        field(5, time(1767225600, 123456789)), field(6, time(1767225601, 0)), field(7, 1),
        field(8, field(1, bytes([9] * 16)) + field(2, bytes([8] * 8)) + field(3, "gemeente.example")),
        field(9, attribute("dpl.core.processing_activity_id", ACTIVITY)),
        field(9, attribute("dpl.core.data_subject_id", "f00d")),
        field(9, attribute("dpl.core.data_subject_id_type", "urn:oin:1/pseudoniem")),
    ])
    resource = field(1, "zaaksysteem") + field(2, "1.2")
    (here / "logboek-2024.binpb").write_bytes(field(1, resource) + field(2, operation))


otlp("otlp-newest.binpb", ("dpl.core.foreign_operation.processor", "https://gemeente.example", None))
otlp("otlp-earlier.binpb", ("dpl.core.foreign_operation.span_id", None, bytes([8] * 8)))
logboek_2024()
line = {
    "traceId": "01020304-0506-0708-090a-0b0c0d0e0f10", "spanId": SPAN.hex().upper(), "parentSpanId": PARENT.hex(),
    "status": "Ok", "name": "Zaak inzien", "startTime": 1767225600123, "endTime": 1767225601000,
    "resource": {"attributes": {"service.name": "zaaksysteem"}},
    "attributes": {
        "dpl.core.processing_activity_id": ACTIVITY, "dpl.core.data_subject_id": "f00d",
        "dpl.core.data_subject_id_type": "urn:oin:1/pseudoniem",
        "dpl.core.foreign_operation.processor": "https://gemeente.example",
    },
}
(here / "lezen.json").write_text(json.dumps({"processingActivities": [line]}, indent=1) + "\n")
