//! A partner that answers falsely, at the place and with the certificate of a good one: the monitor takes nothing from it.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use ketenpoort::crypto::{KeyTree, Secret32, SigningKey, digest, hex};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::service::document::{AnswerDocument, sign};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::{Request, Response, Status};

use super::asker::proto::aggregate_chunk::Part;
use super::asker::proto::node_server::{Node, NodeServer};
use super::asker::proto::{AggregateChunk, AggregateRequest, AnswerHead, StatusReply, StatusRequest};
use super::siege::identity;
use crate::demo::ketenpoort;
use crate::three::{OINS, Three};

/// What is false about an answer.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// Signed by another key than the card names.
    Signature,
    /// Well signed, and about another question.
    OtherQuestion,
    /// Well signed, and no document.
    NoDocument,
}

struct Liar {
    lie: Arc<Mutex<Lie>>,
    key: SigningKey,
}

#[tonic::async_trait]
impl Node for Liar {
    type AggregateStream = tokio_stream::Iter<std::vec::IntoIter<Result<AggregateChunk, Status>>>;

    async fn aggregate(&self, request: Request<AggregateRequest>) -> Result<Response<Self::AggregateStream>, Status> {
        let asked = request.into_inner();
        let lie = *self.lie.lock().expect("unpoisoned");
        let document = AnswerDocument {
            version: 1,
            sender: Oin::parse(OINS[1]).expect("OIN"),
            receiver: Oin::parse(OINS[2]).expect("OIN"),
            convenant: hex(&asked.convenant_hash),
            query: "0".repeat(64),
            transfer: hex(&asked.transfer_id),
            date: Day(0),
            tables: vec![],
            pending: vec![],
        };
        let bytes = if matches!(lie, Lie::NoDocument) { b"geen document".to_vec() } else { document.to_bytes() };
        let forger = SigningKey::from_seed(&Secret32::new([7; 32]));
        let signature = sign(&bytes, if matches!(lie, Lie::Signature) { &forger } else { &self.key });
        let head = AnswerHead {
            document_bytes: u32::try_from(bytes.len()).expect("short"),
            document_digest: digest(&bytes).0.to_vec(),
            signature: signature.to_vec(),
        };
        let parts = [Part::Head(head), Part::Document(bytes)].map(|part| Ok(AggregateChunk { part: Some(part) }));
        Ok(Response::new(tokio_stream::iter(parts.to_vec())))
    }

    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusReply>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// A TLS stream that tonic can serve.
struct Served(TlsStream<TcpStream>);

impl tonic::transport::server::Connected for Served {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Served {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Served {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Serves lies at the place of node `b` until the runtime ends.
async fn serve(three: &Three, lie: Arc<Mutex<Lie>>) {
    let (config, own) = (three.config("b"), identity(three, "b"));
    let root: [u8; 32] = std::fs::read(&config.root_key).expect("root").try_into().expect("32 bytes");
    let liar = Liar { lie, key: KeyTree::new(Secret32::new(root)).signing_key() };
    let chain = CertificateDer::pem_slice_iter(own.cert.as_bytes()).map(|c| c.expect("PEM")).collect();
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("PEM");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let mut tls = tls.expect("TLS 1.3").with_no_client_auth().with_single_cert(chain, key).expect("certificate");
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind(config.listen).await.expect("bound");
    let (out, incoming) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let served = acceptor.accept(stream).await.map(Served);
            let _gone = out.send(served).await;
        }
    });
    let incoming = tokio_stream::wrappers::ReceiverStream::new(incoming);
    tokio::spawn(tonic::transport::Server::builder().add_service(NodeServer::new(liar)).serve_with_incoming(incoming));
}

#[test]
fn a_monitor_takes_nothing_from_a_partner_that_is_gone_or_lies() {
    let three = Three::new();
    three.certify();
    three.agree();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let lie = Arc::new(Mutex::new(Lie::Signature));
    runtime.block_on(serve(&three, Arc::clone(&lie)));
    let cases = [
        (Lie::Signature, ReasonCode::AnswerSignatureInvalid),
        (Lie::OtherQuestion, ReasonCode::AnswerMismatch),
        (Lie::NoDocument, ReasonCode::MessageMalformed),
    ];
    for (number, (told, reason)) in (1..).zip(cases) {
        *lie.lock().expect("unpoisoned") = told;
        let (node, out) = (three.path("m"), three.path("rapport"));
        let pulled = ketenpoort(&["monitor", "pull", "--node", &node, "--period", "2022", "--out", &out]);
        let report = std::fs::read_to_string(three.home.join("rapport/report.json")).unwrap_or_default();
        assert!(!report.contains("\"value\": 1"), "{told:?}: {report}");
        let logged = three.refusals("m");
        assert_eq!(logged.get(&reason), Some(&1), "{told:?}: {logged:?} {pulled:?}");
        assert_eq!(logged.get(&ReasonCode::PartnerUnreachable), Some(&number), "node a is not served");
    }
}
