//! A client that asks what it likes, over real TLS and gRPC and with any certificate.

use std::net::SocketAddr;

use http::uri::PathAndQuery;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::translog::receipt::SignedReceipt;
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::raw_tls::raw;

/// The messages of `proto/`, as the product itself has them.
#[expect(clippy::allow_attributes, reason = "written by the generator")]
pub mod proto {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/transport/gen/ketenpoort.v1.rs"));
}

/// Path of the one call that carries figures.
pub const AGGREGATE: &str = "/ketenpoort.v1.Node/Aggregate";

/// A certificate with its key, PEM.
#[derive(Clone)]
pub struct Identity {
    pub cert: String,
    pub key: String,
}

/// What came back.
#[derive(Debug, PartialEq)]
pub enum Got {
    /// The connection was not made or was closed.
    Closed,
    /// A refusal with its gRPC code and the code of the registry.
    Refused(Code, ReasonCode),
    /// The document of an answer.
    Answer(Vec<u8>),
}

/// Asks node at `address` as `identity`.
pub struct Asker {
    runtime: Runtime,
    address: SocketAddr,
    identity: Identity,
}

impl Asker {
    pub fn new(address: SocketAddr, identity: Identity) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { runtime: runtime.expect("a runtime"), address, identity }
    }

    /// Runs async work beside the asker's connections.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A connection; `None` when it is refused.
    pub fn connect(&self) -> Option<Channel> {
        let (address, identity) = (self.address, self.identity.clone());
        let connector = tower::service_fn(move |_: http::Uri| {
            let Identity { cert, key } = identity.clone();
            async move { raw(address, Some((&cert, &key)), "h2").await.map(hyper_util::rt::TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        self.block_on(endpoint.connect_with_connector(connector)).ok()
    }

    /// Sends `message` on a fresh connection.
    pub fn ask<T: prost::Message + 'static>(&self, path: &'static str, message: T) -> Got {
        self.connect().map_or(Got::Closed, |channel| self.ask_over(channel, path, message))
    }

    /// Sends `message` on this connection.
    pub fn ask_over<T: prost::Message + 'static>(&self, channel: Channel, path: &'static str, message: T) -> Got {
        let document = self.block_on(async {
            let mut grpc = tonic::client::Grpc::new(channel).max_encoding_message_size(64 << 20);
            grpc.ready().await.map_err(|_| Status::unavailable("closed"))?;
            let codec = tonic_prost::ProstCodec::<T, proto::AggregateChunk>::default();
            let path = PathAndQuery::from_static(path);
            let mut parts = grpc.server_streaming(Request::new(message), path, codec).await?.into_inner();
            let mut document = Vec::new();
            while let Some(chunk) = parts.message().await? {
                if let Some(proto::aggregate_chunk::Part::Document(bytes)) = chunk.part {
                    document.extend(bytes);
                }
            }
            Ok(document)
        });
        document.map_or_else(|status| refusal(&status), Got::Answer)
    }

    /// Whether the node tells its state to this asker on a fresh connection.
    pub fn is_served(&self) -> bool {
        self.connect().is_some_and(|channel| self.is_served_over(channel))
    }

    /// Whether the node tells its state on this connection.
    pub fn is_served_over(&self, channel: Channel) -> bool {
        let status = proto::node_client::NodeClient::new(channel);
        self.block_on(async move { { status }.status(proto::StatusRequest {}).await.is_ok_and(|r| r.get_ref().ready) })
    }
}

fn refusal(status: &Status) -> Got {
    reason_of(status).map_or(Got::Closed, |reason| Got::Refused(status.code(), reason))
}

/// A refusal says a code of the registry and a trace id, with the receipt of its entry, and not a word more.
pub fn reason_of(status: &Status) -> Option<ReasonCode> {
    let text = |name: &str| status.metadata().get(name).and_then(|value| value.to_str().ok());
    let reason = text("kp-reason")?;
    assert_eq!(status.message(), reason, "{status:?}");
    assert!(status.details().is_empty(), "{status:?}");
    assert_eq!(text("kp-trace").map(str::len), Some(32), "{status:?}");
    if let Some(receipt) = status.metadata().get_bin("kp-receipt-bin") {
        let signed = SignedReceipt::decode(&receipt.to_bytes().expect("base64")).expect("a receipt");
        assert_eq!(signed.receipt().reason_codes, [reason], "{status:?}");
    }
    Some(ReasonCode::parse(reason).expect("a code of the registry"))
}
