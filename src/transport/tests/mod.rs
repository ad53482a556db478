//! The transport over real loopback TCP, with a fake node behind the server: what is let in, what is refused with which
//! code, and what a hostile peer can do to a good one. The node is fake because only a real node can make an answer.

mod authority;
mod calls;
pub(super) mod fake;
mod hostile;
#[path = "../../../tests/it/raw_tls.rs"]
mod raw_tls;
mod refused;
mod reload;
mod shares;
mod verdict;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::certs::{self, KeyPem, TestCa, Validity, Wanted};
use super::client::{Client, Partner};
use super::server::{Limits, ServeError, serve};
use super::tls::{TlsHandle, TlsPaths};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::period::Period;
use crate::domain::query::{IndicatorId, Query, TableQuery};
use crate::service::api::{AggregateRequest, TraceContext};
use crate::translog::entry::TransferId;
use fake::Fake;

/// Long enough for anything that will happen; a test that waits this long fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn oin(number: u32) -> Oin {
    Oin::parse(&format!("00000099{number:012}")).unwrap()
}

fn wanted(oin: Oin) -> Wanted {
    Wanted { oin, name: "Voorbeeldpartij".into(), hosts: vec![], validity: Validity::days(now(), 30) }
}

/// A folder with an authority.
struct World {
    dir: TempDir,
    ca: TestCa,
    ca_key: KeyPem,
}

/// A party with its files, not yet opened.
struct Party {
    oin: Oin,
    pin: Digest,
    paths: TlsPaths,
}

impl World {
    fn new() -> Self {
        let (ca, ca_key) = TestCa::create("Voorbeeld-CA", Validity::days(now(), 365)).unwrap();
        Self { dir: tempfile::tempdir().unwrap(), ca, ca_key }
    }

    fn crl(&self, revoked: &[Vec<u8>]) -> String {
        self.ca.crl(revoked, Validity::days(now(), 7)).unwrap()
    }

    /// A party with a good certificate and its own copies of all files.
    fn party(&self, number: u32) -> Party {
        let (cert, key) = self.ca.issue(&wanted(oin(number))).unwrap();
        self.party_with(number, &cert, &key)
    }

    fn party_with(&self, number: u32, cert: &str, key: &KeyPem) -> Party {
        let at = |name: &str| -> PathBuf { self.dir.path().join(format!("{number}-{name}.pem")) };
        let paths = TlsPaths { cert: at("cert"), key: at("key"), trust: at("trust"), crl: at("crl") };
        write(&paths.cert, cert);
        write(&paths.key, key);
        write(&paths.trust, self.ca.cert_pem());
        write(&paths.crl, &self.crl(&[]));
        Party { oin: oin(number), pin: certs::identity(cert).unwrap().pin, paths }
    }
}

impl Party {
    fn open(&self) -> Arc<TlsHandle> {
        TlsHandle::open(self.paths.clone()).unwrap()
    }

    fn serial(&self) -> Vec<u8> {
        certs::facts(&fs::read_to_string(&self.paths.cert).unwrap()).unwrap().serial
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

/// A server under test.
struct Running {
    address: SocketAddr,
    oin: Oin,
    pin: Digest,
    tls: Arc<TlsHandle>,
    node: Arc<Fake>,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl Running {
    async fn start(party: &Party, node: Arc<Fake>, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = party.open();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { drop(stopped.await) };
        let task = tokio::spawn(serve(listener, Arc::clone(&tls), Arc::<Fake>::clone(&node), limits, shutdown));
        Self { address, oin: party.oin, pin: party.pin, tls, node, stop: Some(stop), task }
    }

    fn partner(&self) -> Partner {
        Partner { endpoint: self.address.to_string(), pins: vec![self.pin] }
    }

    /// A good client of this server.
    fn client(&self, party: &Party) -> Client {
        client(party.open(), self.oin, self.partner())
    }
}

fn client(tls: Arc<TlsHandle>, oin: Oin, partner: Partner) -> Client {
    Client::new(
        tls,
        Arc::new([(oin, partner)].into_iter().collect::<std::collections::BTreeMap<_, _>>()),
        Handle::current(),
    )
}

fn question() -> AggregateRequest {
    let table = |indicator| TableQuery { indicator, period: Period::quarter(2024, 1), by: vec![] };
    AggregateRequest {
        transfer_id: TransferId::new(1_750_000_000_000, crate::crypto::random()),
        intent_hash: Digest([6; 32]),
        convenant_hash: Digest([5; 32]),
        query: Query::new(vec![table(IndicatorId::Ind01), table(IndicatorId::Ind02)]),
        trace: TraceContext::random(),
    }
}

/// A world with one server (party 1, default limits) that admits party 2.
async fn pair() -> (World, Running, Party) {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let node = Fake::admitting(&[(two.oin, two.pin)]);
    let server = Running::start(&one, node, Limits::default()).await;
    (world, server, two)
}
