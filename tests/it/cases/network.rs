//! Two of the organisations over mutual TLS on loopback: the municipality serves, the GI asks.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ketenpoort::crypto::{Digest, digest};
use ketenpoort::transport::certs::{self, TestCa, Validity, Wanted};
use ketenpoort::transport::client::{Client, Partner};
use ketenpoort::transport::server::{Limits, serve};
use ketenpoort::transport::tls::{TlsHandle, TlsPaths};
use tokio::runtime::Runtime;

use super::world::{Who, World};

/// Certificates of two parties in a folder.
pub fn certified(dir: &Path) -> BTreeMap<Who, (Digest, TlsPaths)> {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let (ca, _) = TestCa::create("Voorbeeld-CA", Validity::days(seconds, 365)).expect("an authority");
    let crl = ca.crl(&[], Validity::days(seconds, 7)).expect("a list");
    let of = |who: Who| {
        let wanted =
            Wanted { oin: who.oin(), name: "Partij".into(), hosts: vec![], validity: Validity::days(seconds, 30) };
        let (cert, key) = ca.issue(&wanted).expect("a certificate");
        let at = |name: &str| dir.join(format!("{who:?}-{name}.pem"));
        let paths = TlsPaths { cert: at("cert"), key: at("key"), trust: at("trust"), crl: at("crl") };
        for (path, text) in [
            (&paths.cert, cert.as_str()),
            (&paths.key, key.as_str()),
            (&paths.trust, ca.cert_pem()),
            (&paths.crl, &crl),
        ] {
            std::fs::write(path, text).expect("written");
        }
        (who, (certs::identity(&cert).expect("identity").pin, paths))
    };
    [Who::Gem, Who::Gi].map(of).into()
}

/// The pin of the TLS key of a party; of one without a certificate any of its own.
pub fn pin_of(files: &BTreeMap<Who, (Digest, TlsPaths)>, who: Who) -> Digest {
    files.get(&who).map_or_else(|| digest(who.oin().as_str().as_bytes()), |(pin, _)| *pin)
}

/// The municipality behind a server, and the client of the GI.
pub struct Network {
    pub client: Client,
    _runtime: Runtime,
}

impl Network {
    pub fn serving(world: &World, files: &BTreeMap<Who, (Digest, TlsPaths)>, limits: Limits) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let endpoint = listener.local_addr().expect("an address").to_string();
        let open = |who: Who| {
            let _inside = runtime.enter();
            TlsHandle::open(files[&who].1.clone()).expect("TLS")
        };
        runtime.spawn(serve(listener, open(Who::Gem), world.core(Who::Gem), limits, std::future::pending()));
        let partner = Partner { endpoint, pins: vec![files[&Who::Gem].0] };
        let directory: BTreeMap<_, _> = [(Who::Gem.oin(), partner)].into();
        let client = Client::new(open(Who::Gi), Arc::new(directory), runtime.handle().clone());
        Self { client, _runtime: runtime }
    }
}
