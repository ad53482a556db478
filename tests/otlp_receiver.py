"""A receiver of OTLP made of the official types: gRPC and HTTP, with moods. For the tests of the export.

Usage: otlp_receiver.py DIR GRPC_PORT HTTP_PORT [CERT KEY]   (port 0 is any; with CERT and KEY both are under TLS)

Prints one JSON line with its ports. Every span that it takes becomes a line of DIR/received.jsonl. DIR/mood says what it does:
good | slow SECONDS | refuse-all | refuse HEX.. (spans that it never takes, counted) | bad-request | unavailable | mute
(takes everything and breaks off before it says so) | many (stays good, and dies after 3 deliveries) | narrow N (takes no
delivery of more than N spans: 413 or RESOURCE_EXHAUSTED)
"""
import json
import os
import ssl
import sys
import threading
import time
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

place = sys.argv[1]
lock = threading.Lock()
deliveries = 0


def mood():
    try:
        with open(os.path.join(place, "mood")) as file:
            return file.read().split()
    except FileNotFoundError:
        return ["good"]


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value(v) for v in any_value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: value(pair.value) for pair in any_value.kvlist_value.values}
    return getattr(any_value, kind)


def spans(request):
    for of_resource in request.resource_spans:
        resource = {pair.key: value(pair.value) for pair in of_resource.resource.attributes}
        for scope in of_resource.scope_spans:
            for span in scope.spans:
                yield {
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "name": span.name,
                    "kind": span.kind,
                    "start": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "status": span.status.code,
                    "resource": resource,
                    "attributes": {pair.key: value(pair.value) for pair in span.attributes},
                }


def take(taken):
    with lock, open(os.path.join(place, "received.jsonl"), "a") as file:
        for span in taken:
            file.write(json.dumps(span) + "\n")


class Broken(Exception):
    """The call ends without an answer; with a status for gRPC and one for HTTP."""

    def __init__(self, code, status):
        super().__init__(code)
        self.code, self.status = code, status


def answer(request):
    global deliveries
    what, *rest = mood() or ["good"]
    found = list(spans(request))
    reply = messages.ExportTraceServiceResponse()
    if what == "slow":
        time.sleep(float(rest[0]))
        take(found)
    elif what == "refuse-all":
        reply.partial_success.rejected_spans = len(found)
        reply.partial_success.error_message = "alles geweigerd"
    elif what == "refuse":
        refused = [span for span in found if span["span"] in rest]
        take([span for span in found if span["span"] not in rest])
        if refused:
            reply.partial_success.rejected_spans = len(refused)
            reply.partial_success.error_message = "deze niet"
    elif what == "bad-request":
        raise Broken(grpc.StatusCode.INVALID_ARGUMENT, 400)
    elif what == "unavailable":
        raise Broken(grpc.StatusCode.UNAVAILABLE, 503)
    elif what == "narrow" and len(found) > int(rest[0]):
        raise Broken(grpc.StatusCode.RESOURCE_EXHAUSTED, 413)
    elif what == "mute":
        take(found)
        raise Broken(grpc.StatusCode.UNAVAILABLE, 502)
    else:
        take(found)
        deliveries += 1
        if what == "many" and deliveries >= 3:
            os._exit(9)
    return reply


class Service(services.TraceServiceServicer):
    def Export(self, request, context):
        try:
            return answer(request)
        except Broken as broken:
            context.abort(broken.code, "stuk")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, reply = 200, b""
        if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/x-protobuf":
            status = 404
        else:
            try:
                reply = answer(messages.ExportTraceServiceRequest.FromString(body)).SerializeToString()
            except Broken as broken:
                status = broken.status
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)
        except OSError:
            pass

    def log_message(self, *_):
        pass


def main():
    tls = sys.argv[4:6]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    services.add_TraceServiceServicer_to_server(Service(), server)
    address = "127.0.0.1:" + sys.argv[2]
    web = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Handler)
    if tls:
        with open(tls[0], "rb") as cert, open(tls[1], "rb") as key:
            credentials = grpc.ssl_server_credentials([(key.read(), cert.read())])
        port = server.add_secure_port(address, credentials)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        web.socket = context.wrap_socket(web.socket, server_side=True)
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(json.dumps({"grpc": port, "http": web.server_address[1]}), flush=True)
    web.serve_forever()


main()
