//! A recording peer: it stands between a monitor and a node with the certificate and key of each, so both sides take it
//! for the other, and it keeps the plaintext of every byte before anything decodes it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use ketenpoort::config::Config;

/// The plaintext of one direction of one connection.
type Tape = Arc<Mutex<Vec<u8>>>;

/// Everything that was recorded.
#[derive(Clone, Default)]
pub struct Tapes(Arc<Mutex<Vec<(String, Tape)>>>);

impl Tapes {
    fn add(&self, name: String) -> Tape {
        let tape = Tape::default();
        self.0.lock().expect("tapes").push((name, Arc::clone(&tape)));
        tape
    }

    /// Each tape with its name, as far as it is now.
    pub fn read(&self) -> Vec<(String, Vec<u8>)> {
        let tapes = self.0.lock().expect("tapes");
        tapes.iter().map(|(name, tape)| (name.clone(), tape.lock().expect("tape").clone())).collect()
    }
}

fn identity(config: &Config) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = CertificateDer::pem_file_iter(&config.certificate).expect("certificate").map(|c| c.expect("PEM"));
    (chain.collect(), PrivateKeyDer::from_pem_file(&config.tls_key).expect("key"))
}

/// Stands at the endpoint of `node`, which itself listens on `behind`, and calls it as `caller`. Records for ever.
pub fn stand_between(
    runtime: &tokio::runtime::Runtime,
    caller: &Path,
    node: &Path,
    (endpoint, behind): (std::net::TcpListener, SocketAddr),
    tapes: &Tapes,
) {
    let (caller, node) = (Config::load(caller).expect("caller"), Config::load(node).expect("node"));
    let (chain, key) = identity(&node);
    let mut taken = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the node's identity");
    taken.alpn_protocols = vec![b"h2".to_vec()];
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(&caller.trust).expect("trust") {
        roots.add(root.expect("PEM")).expect("authority");
    }
    let (chain, key) = identity(&caller);
    let mut made = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .expect("the caller's identity");
    made.alpn_protocols = vec![b"h2".to_vec()];
    endpoint.set_nonblocking(true).expect("a socket of the runtime");
    let listener = runtime.block_on(async { TcpListener::from_std(endpoint) }).expect("a socket of the runtime");
    let (acceptor, connector) = (TlsAcceptor::from(Arc::new(taken)), TlsConnector::from(Arc::new(made)));
    let (tapes, name) = (tapes.clone(), node.name);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (asked, answered) = (tapes.add(format!("asked of {name}")), tapes.add(format!("answered by {name}")));
            let (acceptor, connector) = (acceptor.clone(), connector.clone());
            tokio::spawn(async move {
                let Ok(taken) = acceptor.accept(stream).await else { return };
                let stream = TcpStream::connect(behind).await.expect("the node listens");
                let made = connector.connect(ServerName::from(behind.ip()), stream).await.expect("it takes the caller");
                let ((from, to), (from_node, to_node)) = (tokio::io::split(taken), tokio::io::split(made));
                tokio::join!(copy(from, to_node, &asked), copy(from_node, to, &answered));
            });
        }
    });
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, tape: &Tape) {
    let mut bytes = vec![0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        tape.lock().expect("tape").extend_from_slice(&bytes[..n]);
        if to.write_all(&bytes[..n]).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
