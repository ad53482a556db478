//! Messages and connections that mean harm: each is refused with its code, and good clients do not notice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::raw_tls::{hello_of_tls12, raw};
use super::*;
use crate::domain::reason::ReasonCode;
use crate::service::api::PeerError;
use crate::translog::entry::TransferId;
use crate::transport::proto;
use crate::transport::proto::node_client::NodeClient;
use crate::transport::status;

/// A message that is no question: field 3 holds bytes that are no table.
#[derive(Clone, PartialEq, prost::Message)]
struct Garbage {
    #[prost(bytes = "vec", tag = "3")]
    tables: Vec<u8>,
}

/// A channel with a good certificate, to send anything over.
async fn channel(address: SocketAddr, party: &Party) -> Channel {
    let read = |path| fs::read_to_string(path).unwrap();
    let (cert, key) = (read(&party.paths.cert), read(&party.paths.key));
    let connector = tower::service_fn(move |_: http::Uri| {
        let (cert, key) = (cert.clone(), key.clone());
        async move {
            let stream = raw(address, Some((&cert, &key)), "h2").await;
            stream.map(hyper_util::rt::TokioIo::new)
        }
    });
    Endpoint::from_static("http://localhost").connect_with_connector(connector).await.unwrap()
}

async fn send<T: prost::Message + 'static>(channel: Channel, path: &'static str, message: T) -> Status {
    let mut grpc = tonic::client::Grpc::new(channel).max_encoding_message_size(64 << 20);
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<T, proto::AggregateChunk>::default();
    match grpc.server_streaming(Request::new(message), PathAndQuery::from_static(path), codec).await {
        Err(status) => status,
        Ok(_) => Status::ok(""),
    }
}

const AGGREGATE: &str = "/ketenpoort.v1.Node/Aggregate";

/// The refusal: this code, a trace id, and not a word more.
fn assert_bare(status: &Status, reason: ReasonCode) {
    assert_eq!(status::reason(status), Some(reason), "{status:?}");
    assert_eq!(status.message(), reason.code());
    assert!(status.details().is_empty());
    let trace = status.metadata().get("kp-trace").unwrap().to_str().unwrap();
    assert_eq!(trace.len(), 32);
    assert_ne!(status.code(), Code::Ok);
}

#[tokio::test]
async fn garbage_oversized_and_unknown_messages_get_their_codes() {
    let (_world, server, two) = pair().await;
    let channel = channel(server.address, &two).await;

    let garbage = send(channel.clone(), AGGREGATE, Garbage { tables: vec![0xff; 40] }).await;
    assert_bare(&garbage, ReasonCode::MessageMalformed);
    let oversized = send(channel.clone(), AGGREGATE, Garbage { tables: vec![0; 2 << 20] }).await;
    assert_bare(&oversized, ReasonCode::MessageTooLarge);
    let unknown = send(channel.clone(), "/ketenpoort.v1.Node/Alles", Garbage::default()).await;
    assert_bare(&unknown, ReasonCode::MessageMalformed);
    let empty = send(channel.clone(), AGGREGATE, Garbage::default()).await;
    assert_bare(&empty, ReasonCode::MessageMalformed);

    let table = |indicator: &str, by: &str| proto::AggregateRequest {
        transfer_id: TransferId::new(1, [0; 10]).as_bytes().to_vec(),
        intent_hash: vec![0; 32],
        convenant_hash: vec![0; 32],
        tables: vec![proto::TableQuery { indicator: indicator.into(), period: "2024".into(), by: vec![by.into()] }],
    };
    let other = send(channel.clone(), AGGREGATE, table("IND-99", "gemeente")).await;
    assert_bare(&other, ReasonCode::IndicatorNotAllowed);
    let other = send(channel.clone(), AGGREGATE, table("IND-01", "naam")).await;
    assert_bare(&other, ReasonCode::DimensionNotAllowed);

    let told: Vec<_> = server.node.refused.lock().unwrap().iter().map(|(reason, _)| *reason).collect();
    let (malformed, large) = (ReasonCode::MessageMalformed, ReasonCode::MessageTooLarge);
    let names = [ReasonCode::IndicatorNotAllowed, ReasonCode::DimensionNotAllowed];
    assert_eq!(told, [malformed, large, malformed, malformed, names[0], names[1]]);
    assert!(server.node.refused.lock().unwrap().iter().all(|(_, who)| *who == Some(two.oin)));
    assert!(server.node.asked.lock().unwrap().is_empty());

    // The same connection still serves a good question.
    let good = crate::transport::wire::Outbound::encode(&question());
    assert!(NodeClient::new(channel).aggregate(good).await.is_ok());
}

#[tokio::test]
async fn headers_above_the_bound_are_refused_and_harm_nobody() {
    let (_world, server, two) = pair().await;
    let mut request = Request::new(proto::StatusRequest {});
    request.metadata_mut().insert("traceparent", "x".repeat(64 << 10).parse().unwrap());
    assert!(NodeClient::new(channel(server.address, &two).await).status(request).await.is_err());
    assert!(server.client(&two).ask(&server.oin, &question(), PATIENCE).await.is_ok());
}

#[tokio::test]
async fn a_call_whose_body_never_ends_is_cut_off() {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let limits = Limits { call: Duration::from_millis(200), ..Limits::default() };
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), limits).await;
    let mut grpc = tonic::client::Grpc::new(channel(server.address, &two).await);
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<Garbage, proto::AggregateChunk>::default();
    let never = tokio_stream::pending::<Garbage>();
    let call = grpc.streaming(Request::new(never), PathAndQuery::from_static(AGGREGATE), codec);
    let status = tokio::time::timeout(PATIENCE, call).await.unwrap().unwrap_err();
    assert_bare(&status, ReasonCode::TooSlow);
    server.node.was_told(ReasonCode::TooSlow, Some(two.oin)).await;
}

#[tokio::test]
async fn a_party_that_falls_silent_is_disconnected() {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let limits = Limits { idle: Duration::from_millis(200), ..Limits::default() };
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), limits).await;
    let read = |path| fs::read_to_string(path).unwrap();
    let (cert, key) = (read(&two.paths.cert), read(&two.paths.key));
    let mut stream = raw(server.address, Some((&cert, &key)), "h2").await.unwrap();
    let mut rest = Vec::new();
    let _closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("closed by the server");
    server.node.was_told(ReasonCode::TooSlow, Some(two.oin)).await;
}

#[tokio::test]
async fn what_is_not_tls_1_3_is_refused() {
    let tls12 = hello_of_tls12();
    let http = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
    let cut = tls12[..20].to_vec();
    for bytes in [tls12, http, cut, vec![0; 5000]] {
        let (_world, server, _two) = pair().await;
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut got = Vec::new();
        let _reset = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut got)).await.expect("closed");
        assert!(got.is_empty() || got[0] == 21, "nothing but an alert: {got:?}");
        server.node.was_told(ReasonCode::TlsUnusable, None).await;
    }
}

async fn from(source: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_and_dripping_connections_do_not_keep_a_good_client_out() {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let limits = Limits { handshake: Duration::from_millis(500), connections_per_address: 8, ..Limits::default() };
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), limits).await;

    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(from("127.0.0.2", server.address).await);
    }
    let mut dripping = from("127.0.0.3", server.address).await;
    let drip = tokio::spawn(async move {
        for byte in hello_of_tls12().into_iter().take(60) {
            if dripping.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let client = server.client(&two);
    for _ in 0..20 {
        client.ask(&server.oin, &question(), PATIENCE).await.unwrap();
    }
    server.node.was_told_among_others(ReasonCode::TooManyConnections, None).await;
    server.node.was_told_among_others(ReasonCode::TooSlow, None).await;
    drip.await.unwrap();

    // Their places come free again, also for them.
    drop(held);
    let again = async {
        let tries = async || raw(server.address, None, "h2").await;
        while tries().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn the_bound_on_all_connections_holds_and_frees_places() {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let limits = Limits { connections: 3, ..Limits::default() };
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), limits).await;
    let held = [from("127.0.0.2", server.address).await, from("127.0.0.3", server.address).await];
    let inside = server.client(&two);
    assert!(inside.ask(&server.oin, &question(), PATIENCE).await.is_ok());
    let outside = server.client(&two);
    let answer = outside.ask(&server.oin, &question(), PATIENCE).await;
    assert!(matches!(answer, Err(PeerError::Closed)), "{answer:?}");
    server.node.was_told_among_others(ReasonCode::TooManyConnections, None).await;
    assert!(inside.ask(&server.oin, &question(), PATIENCE).await.is_ok(), "who is inside stays inside");
    drop(held);
    let again = async {
        while outside.ask(&server.oin, &question(), PATIENCE).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_are_all_answered() {
    let (_world, server, two) = pair().await;
    let client = Arc::new(server.client(&two));
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (client, to) = (Arc::clone(&client), server.oin);
            tokio::spawn(async move { client.ask(&to, &question(), PATIENCE).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.node.asked.lock().unwrap().len(), 200);
}
