//! A question over mutual TLS, with a durable INTENT and OUTCOME and a signed answer, against a bare tonic echo over TCP
//! that returns as many bytes: calls per second with 64 at a time over one connection, and the time of a single call.
//! Short turns of each follow one another, so that both see the same machine; the median ratio counts.
//! `cargo bench --bench call`; a number of turns can be given as an argument.

mod setup;
#[path = "setup/transfer.rs"]
mod transfer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ketenpoort::config::Config;
use ketenpoort::crypto::{Digest, random};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, Query, TableQuery};
use ketenpoort::node::tls_paths;
use ketenpoort::policy::bundle::ConvenantBundle;
use ketenpoort::policy::card::SignedCard;
use ketenpoort::service::api::{AggregateRequest, NodeService, TraceContext};
use ketenpoort::translog::entry::TransferId;
use ketenpoort::transport::client::{Client, Partner};
use ketenpoort::transport::server::{Limits, serve};
use ketenpoort::transport::tls::TlsHandle;
use setup::made::{OINS, run};
use setup::{Nodes, size_asked, write_rows};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint, Server};
use transfer::transfer;

const STREAMS: usize = 64;
const TURN: Duration = Duration::from_secs(1);
const SINGLES: usize = 300;
/// The parts of a whole transfer.
const PARTS: [&str; 4] =
    ["question logged", "answered with a receipt", "receipt checked, kept and logged", "our receipt given and logged"];

/// A message of the bare echo.
#[derive(Clone, PartialEq, prost::Message)]
struct Bytes {
    #[prost(bytes = "vec", tag = "1")]
    bytes: Vec<u8>,
}

/// Answers every message with the same bytes.
#[derive(Clone)]
struct Echo(Arc<Bytes>);

impl tonic::server::NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl tonic::server::UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = std::future::Ready<Result<tonic::Response<Bytes>, tonic::Status>>;

    fn call(&mut self, _: tonic::Request<Bytes>) -> Self::Future {
        std::future::ready(Ok(tonic::Response::new(self.0.as_ref().clone())))
    }
}

impl tower::Service<http::Request<tonic::body::Body>> for Echo {
    type Response = http::Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let echo = self.clone();
        Box::pin(async move {
            let codec = tonic_prost::ProstCodec::<Bytes, Bytes>::default();
            Ok(tonic::server::Grpc::new(codec).unary(echo, request).await)
        })
    }
}

async fn bare_call(channel: Channel, question: Vec<u8>) -> usize {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.expect("ready");
    let codec = tonic_prost::ProstCodec::<Bytes, Bytes>::default();
    let path = http::uri::PathAndQuery::from_static("/bench.Echo/Echo");
    let reply = grpc.unary(tonic::Request::new(Bytes { bytes: question }), path, codec).await.expect("an echo");
    reply.into_inner().bytes.len()
}

/// The question that is asked over and over, with a new id each time.
#[derive(Clone)]
struct Asked {
    client: Arc<Client>,
    to: Oin,
    partner: Partner,
    convenant: Digest,
}

impl Asked {
    async fn ask(&self) -> usize {
        let table = TableQuery { indicator: IndicatorId::Ind01, period: Period::year_of(2022), by: vec![] };
        let request = AggregateRequest {
            transfer_id: TransferId::new(1_750_000_000_000, random()),
            intent_hash: Digest([7; 32]),
            convenant_hash: self.convenant,
            query: Query::new(vec![table]),
            trace: TraceContext::random(),
        };
        self.client.ask(&self.to, &request, Duration::from_secs(300)).await.expect("an answer").document.len()
    }
}

fn main() {
    let Some(turns) = size_asked(9) else { return };
    let nodes = Nodes::new([17_121, 17_122, 17_123]);
    let rows = write_rows(Path::new(&nodes.path("rows.csv")), 5_000);
    run(&["intake", rows.to_str().expect("UTF-8"), "--gegevens", "2021-01-01..2025-12-31", "--node", &nodes.path("a")]);
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let client = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let asked = start_node(&nodes, &server, &client);
    let size = client.block_on(asked.ask());
    let channel = start_echo(size, &server, &client);
    let question = vec![7; 100];
    println!("an answer of {size} bytes");

    let bare = || {
        let (channel, question) = (channel.clone(), question.clone());
        async move { bare_call(channel, question).await }
    };
    let ours = || {
        let asked = asked.clone();
        async move { asked.ask().await }
    };
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let (echo, answers) = (client.block_on(rate(bare)), client.block_on(rate(ours)));
        ratios.push(answers / echo);
        rates.push((answers, echo));
    }
    let (answers, echoes): (Vec<f64>, Vec<f64>) = rates.into_iter().unzip();
    println!("{STREAMS} at a time: {:.0} answers/s, {:.0} bare echoes/s (medians)", median(answers), median(echoes));
    println!("answers / bare echoes: median {:.2}", median(ratios));
    let (one, echo) = (client.block_on(singles(ours)), client.block_on(singles(bare)));
    println!("one at a time: an answer {one:.2} ms, a bare echo {echo:.2} ms; added {:.2} ms (medians)", one - echo);
    whole_transfers(&nodes, &asked, &client);
}

/// The parts of a transfer that is logged and receipted on both sides, one after another: what receipts add to an answer.
fn whole_transfers(nodes: &Nodes, asked: &Asked, runtime: &tokio::runtime::Runtime) {
    let monitor = ketenpoort::node::open(Config::load(Path::new(&nodes.path("m"))).expect("configuration")).expect("m");
    let tls = TlsHandle::open(tls_paths(&monitor.config)).expect("certificates");
    let directory = Arc::new(BTreeMap::from([(asked.to, asked.partner.clone())]));
    let peers = Client::new(tls, directory, runtime.handle().clone());
    transfer(&monitor, &peers);
    let mut times: [Vec<f64>; PARTS.len()] = Default::default();
    for _ in 0..SINGLES {
        let parts = transfer(&monitor, &peers);
        times.iter_mut().zip(parts).for_each(|(times, part)| times.push(part.as_secs_f64() * 1000.0));
    }
    let medians = times.map(median);
    for (part, time) in PARTS.iter().zip(medians) {
        println!("a whole transfer, {part}: {time:.2} ms (median)");
    }
    println!("a whole transfer: {:.2} ms (sum of the medians)", medians.iter().sum::<f64>());
}

/// Node `a` behind a server of its own runtime, and the monitor's client.
fn start_node(nodes: &Nodes, server: &tokio::runtime::Runtime, client: &tokio::runtime::Runtime) -> Asked {
    let card = SignedCard::parse(&std::fs::read_to_string(nodes.path("a/card.json")).expect("card")).expect("card");
    let bundle = std::fs::read_to_string(nodes.path("proef.json")).expect("bundle");
    let convenant = ConvenantBundle::parse(&bundle).expect("bundle").hash();
    let config = |key: &str| Config::load(Path::new(&nodes.path(key))).expect("configuration");
    let (a, m) = (config("a"), config("m"));
    let endpoint = card.card().endpoint.clone();
    let (listen, paths) = (a.listen, tls_paths(&a));
    let node = Box::leak(Box::new(ketenpoort::node::open(a).expect("a node")));
    let service: Arc<dyn NodeService> = Arc::clone(&node.core) as _;
    server.spawn(async move {
        let listener = TcpListener::bind(listen).await.expect("a port");
        let tls = TlsHandle::open(paths).expect("certificates");
        serve(listener, tls, service, Limits::default(), std::future::pending()).await.expect("served");
    });
    std::thread::sleep(Duration::from_millis(500));
    let to = Oin::parse(OINS[0]).expect("OIN");
    let partner = Partner { endpoint, pins: vec![card.card().tls_pin] };
    let tls = TlsHandle::open(tls_paths(&m)).expect("certificates");
    let directory = Arc::new(BTreeMap::from([(to, partner.clone())]));
    Asked { client: Arc::new(Client::new(tls, directory, client.handle().clone())), to, partner, convenant }
}

fn start_echo(size: usize, server: &tokio::runtime::Runtime, client: &tokio::runtime::Runtime) -> Channel {
    let address = "127.0.0.1:17124".parse().expect("address");
    let echo = Echo(Arc::new(Bytes { bytes: vec![7; size] }));
    server.spawn(Server::builder().add_service(echo).serve(address));
    std::thread::sleep(Duration::from_millis(500));
    let endpoint = Endpoint::from_static("http://127.0.0.1:17124");
    client.block_on(endpoint.connect()).expect("connected")
}

/// Calls per second in one turn.
async fn rate<F: Future<Output = usize> + Send + 'static>(call: impl Fn() -> F) -> f64 {
    let begun = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    let mut done = 0_u32;
    (0..STREAMS).for_each(|_| drop(running.spawn(call())));
    while running.join_next().await.is_some() {
        done += 1;
        if begun.elapsed() < TURN {
            running.spawn(call());
        }
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}

/// The median time of a call, one after another, in milliseconds.
async fn singles<F: Future<Output = usize>>(call: impl Fn() -> F) -> f64 {
    let mut times = Vec::new();
    for _ in 0..SINGLES {
        let begun = Instant::now();
        call().await;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    median(times)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
