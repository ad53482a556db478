//! A partner that answers falsely, at the place and with the certificate of a good one: the monitor takes nothing from it.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use ketenpoort::crypto::{Digest, KeyTree, Secret32, SigningKey, digest, hex};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::service::document::{AnswerDocument, sign};
use ketenpoort::translog::checkpoint::{Checkpoint, origin};
use ketenpoort::translog::entry::{Aggregate, Decision, TransferId, payload_commitment};
use ketenpoort::translog::receipt::{Kind, Receipt};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::metadata::BinaryMetadataValue;
use tonic::{Request, Response, Status};

use super::asker::proto::aggregate_chunk::Part;
use super::asker::proto::node_server::{Node, NodeServer};
use super::asker::proto::{
    self, AggregateChunk, AggregateRequest, AnswerHead, ConfirmReply, ConfirmRequest, ReceiptsReply, ReceiptsRequest,
    StatusReply, StatusRequest,
};
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
    /// Nothing: an answer without a single table.
    Nothing,
    /// No receipt.
    NoReceipt,
    /// A receipt by another key.
    ForgedReceipt,
    /// A receipt with a checkpoint by another key.
    ForgedCheckpoint,
    /// A receipt about another payload.
    OtherPayload,
    /// A receipt that names another question of ours.
    OtherEntry,
    /// A receipt that names more fields than the answer has.
    OtherFields,
    /// A receipt for somebody else.
    OtherCounterparty,
    /// A receipt with the counter of an earlier one.
    CounterAgain,
    /// A refusal with a receipt that says something else.
    OtherRefusal,
}

struct Liar {
    lie: Arc<Mutex<Lie>>,
    keys: KeyTree,
    counter: AtomicU64,
}

impl Liar {
    /// The receipt of an answer, false as told.
    fn receipt(&self, asked: &AggregateRequest, lie: Lie, commitment: Digest) -> Vec<u8> {
        let hash = |bytes: &[u8]| Some(Digest(bytes.try_into().expect("32 bytes")));
        let again = matches!(lie, Lie::CounterAgain);
        let counter =
            if again { self.counter.load(Ordering::Relaxed) } else { 1 + self.counter.fetch_add(1, Ordering::Relaxed) };
        let forger = SigningKey::from_seed(&Secret32::new([7; 32]));
        let (signs, seals) = (self.keys.signing_key(), self.keys.checkpoint_key());
        let checkpoint = Checkpoint { origin: origin(oin(1)), size: 4, root: digest(b"root") };
        let checkpoint = checkpoint.sign(if matches!(lie, Lie::ForgedCheckpoint) { &forger } else { &seals });
        let refused = matches!(lie, Lie::OtherRefusal);
        let receipt = Receipt {
            kind: Kind::Answer,
            signer: oin(1),
            counterparty: oin(if matches!(lie, Lie::OtherCounterparty) { 0 } else { 2 }),
            transfer: TransferId::from_bytes(asked.transfer_id.clone().try_into().expect("16 bytes")).expect("an id"),
            time_ms: 1,
            counter: Some(counter),
            decision: Some(if refused { Decision::Deny } else { Decision::Allow }),
            reason_codes: if refused { vec!["KP-ROL-NIET-TOEGESTAAN".into()] } else { vec![] },
            entry: Some(digest(&asked.transfer_id)),
            peer_entry: if matches!(lie, Lie::OtherEntry) { hash(&[9; 32]) } else { hash(&asked.intent_hash) },
            query: Some(query(asked)),
            commitment: (!refused).then_some(commitment),
            field_names: if matches!(lie, Lie::OtherFields) { vec!["IND-01".into()] } else { vec![] },
            aggregate: Some(Aggregate { cells: 0, suppressed: 0, min_n: 10 }),
            row_count: None,
            checkpoint: checkpoint.encode(),
        };
        let signed = receipt.sign(if matches!(lie, Lie::ForgedReceipt) { &forger } else { &signs });
        if matches!(lie, Lie::NoReceipt) { Vec::new() } else { signed.expect("a form").bytes().to_vec() }
    }
}

/// The hash of a question.
fn query(asked: &AggregateRequest) -> Digest {
    let table = |t: &proto::TableQuery| TableQuery {
        indicator: IndicatorId::parse(&t.indicator).expect("an indicator"),
        period: Period::parse(&t.period).expect("a period"),
        by: t.by.iter().map(|name| Dimension::parse(name).expect("a dimension")).collect(),
    };
    Query::new(asked.tables.iter().map(table).collect()).hash()
}

fn oin(number: usize) -> Oin {
    Oin::parse(OINS[number]).expect("OIN")
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
            query: if matches!(lie, Lie::OtherQuestion) { "0".repeat(64) } else { query(&asked).to_hex() },
            transfer: hex(&asked.transfer_id),
            date: Day(0),
            tables: vec![],
            pending: vec![],
        };
        let bytes = if matches!(lie, Lie::NoDocument) { b"geen document".to_vec() } else { document.to_bytes() };
        let forger = SigningKey::from_seed(&Secret32::new([7; 32]));
        let own = self.keys.signing_key();
        let signature = sign(&bytes, if matches!(lie, Lie::Signature) { &forger } else { &own });
        let salt = [if matches!(lie, Lie::OtherPayload) { 1 } else { 2 }; 16];
        let receipt = self.receipt(&asked, lie, payload_commitment(&[2; 16], &bytes));
        if matches!(lie, Lie::OtherRefusal) {
            let mut status = Status::failed_precondition("KP-CONVENANT-VERSIE");
            status.metadata_mut().insert("kp-reason", "KP-CONVENANT-VERSIE".parse().expect("metadata"));
            status.metadata_mut().insert_bin("kp-receipt-bin", BinaryMetadataValue::from_bytes(&receipt));
            return Err(status);
        }
        let head = AnswerHead {
            document_bytes: u32::try_from(bytes.len()).expect("short"),
            document_digest: digest(&bytes).0.to_vec(),
            signature: signature.to_vec(),
            receipt,
            salt: salt.to_vec(),
        };
        let parts = [Part::Head(head), Part::Document(bytes)].map(|part| Ok(AggregateChunk { part: Some(part) }));
        Ok(Response::new(tokio_stream::iter(parts.to_vec())))
    }

    async fn confirm(&self, _: Request<ConfirmRequest>) -> Result<Response<ConfirmReply>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn receipts(&self, _: Request<ReceiptsRequest>) -> Result<Response<ReceiptsReply>, Status> {
        Err(Status::unimplemented(""))
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
    let liar = Liar { lie, keys: KeyTree::new(Secret32::new(root)), counter: AtomicU64::new(0) };
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
        (Lie::NoReceipt, ReasonCode::ReceiptInvalid),
        (Lie::ForgedReceipt, ReasonCode::ReceiptInvalid),
        (Lie::ForgedCheckpoint, ReasonCode::ReceiptInvalid),
        (Lie::OtherPayload, ReasonCode::ReceiptMismatch),
        (Lie::OtherEntry, ReasonCode::ReceiptMismatch),
        (Lie::OtherFields, ReasonCode::ReceiptMismatch),
        (Lie::OtherCounterparty, ReasonCode::ReceiptMismatch),
        (Lie::OtherRefusal, ReasonCode::ReceiptMismatch),
    ];
    let mut times = std::collections::BTreeMap::new();
    for (number, (told, reason)) in (1..).zip(cases) {
        let times: &mut u64 = times.entry(reason).or_default();
        *times += 1;
        *lie.lock().expect("unpoisoned") = told;
        let (node, out) = (three.path("m"), three.path("rapport"));
        let pulled = ketenpoort(&["monitor", "pull", "--node", &node, "--period", "2022", "--out", &out]);
        let report = std::fs::read_to_string(three.home.join("rapport/report.json")).unwrap_or_default();
        assert!(!report.contains("\"value\": 1"), "{told:?}: {report}");
        let logged = three.refusals("m");
        assert_eq!(logged.get(&reason), Some(&*times), "{told:?}: {logged:?} {pulled:?}");
        assert_eq!(logged.get(&ReasonCode::PartnerUnreachable), Some(&number), "node a is not served");
        assert!(!three.log("m").iter().any(|entry| entry["phase"] == "RECEIVED"), "{told:?} is believed");
    }
    believed_once(&three, &lie);
}

/// An honest answer is taken; another one under the counter of its receipt is not.
fn believed_once(three: &Three, lie: &Mutex<Lie>) {
    let received = |three: &Three| three.log("m").iter().filter(|entry| entry["phase"] == "RECEIVED").count();
    for (told, taken) in [(Lie::Nothing, 1), (Lie::CounterAgain, 1), (Lie::Nothing, 2)] {
        *lie.lock().expect("unpoisoned") = told;
        let (node, out) = (three.path("m"), three.path("rapport"));
        let pulled = ketenpoort(&["monitor", "pull", "--node", &node, "--period", "2022", "--out", &out]);
        assert_eq!(received(three), taken, "{told:?}: {pulled:?} {:?}", three.refusals("m"));
    }
    let counter = ReasonCode::ReceiptCounter;
    assert_eq!(three.refusals("m").get(&counter), Some(&1));
    // The one who lied is named.
    let liar = three.log("m").into_iter().find(|e| e["reason_codes"] == serde_json::json!([counter.code()]));
    assert_eq!(liar.expect("logged")["sender"], OINS[1]);
}
