//! HTTP/1.1 over TLS 1.3 for people: the listener of the console. A client certificate is asked for only when authorities for
//! employees are configured, and who shows none may still log in otherwise. What is served is the caller's.

use std::convert::Infallible;
use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::{Service, ServiceExt};

use super::accept::Open;
use super::server::Limits;
use super::tls::{TlsError, items, strong_provider};
use crate::crypto::{Digest, digest, digest_parts};

/// A handshake may take this long.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// The headers of a request may take this long, silence between requests included.
const HEADERS: Duration = Duration::from_secs(30);
/// A connection is closed after this long, so that a certificate that was withdrawn does not stay in use.
const CONNECTION: Duration = Duration::from_secs(600);
/// What is under way then may take this much longer.
const GRACE: Duration = Duration::from_secs(60);
/// Open connections in all and from one address.
const CONNECTIONS: (usize, usize) = (128, 64);
const HEADER_BYTES: usize = 32 << 10;

/// The files of the listener, all PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebPaths {
    /// Certificate and then its intermediates.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities of employees' certificates and their revocation lists; none when no certificate is asked for.
    pub employees: Option<(PathBuf, PathBuf)>,
}

/// The TLS state of the listener, loaded from files and swapped as a whole.
pub struct WebTls {
    paths: WebPaths,
    state: ArcSwap<ServerConfig>,
    loaded: Mutex<Digest>,
}

/// Who sends a request, as far as the connection tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Visitor {
    /// Where from.
    pub address: IpAddr,
    /// SHA-256 of the client certificate (DER), which passed and of which the key was proven.
    pub certificate: Option<Digest>,
}

impl WebTls {
    /// Loads and checks the files.
    ///
    /// # Errors
    /// [`TlsError`], in Dutch, naming the file.
    pub fn open(paths: WebPaths) -> Result<Self, TlsError> {
        let files = Files::read(&paths)?;
        let (state, loaded) = (ArcSwap::from_pointee(files.config(&paths)?), Mutex::new(files.fingerprint()));
        Ok(Self { paths, state, loaded })
    }

    /// Looks at the files and takes them over when they changed and are good; whether they were. A broken file keeps the old
    /// state. Reads files: call it from a thread that may block.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn reload(&self) -> Result<bool, TlsError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let files = Files::read(&self.paths)?;
        if files.fingerprint() == *loaded {
            return Ok(false);
        }
        self.state.store(Arc::new(files.config(&self.paths)?));
        *loaded = files.fingerprint();
        Ok(true)
    }
}

/// The bytes of the files at one moment.
struct Files {
    cert: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
    employees: Option<(Vec<u8>, Vec<u8>)>,
}

impl Files {
    fn read(paths: &WebPaths) -> Result<Self, TlsError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| TlsError::File { path: path.clone(), kind: error.kind() })
        };
        let employees = paths.employees.as_ref().map(|(trust, crl)| Ok((read(trust)?, read(crl)?))).transpose()?;
        Ok(Self { cert: read(&paths.cert)?, key: read(&paths.key)?.into(), employees })
    }

    fn fingerprint(&self) -> Digest {
        let (trust, crl) = self.employees.as_ref().map_or((&[][..], &[][..]), |(trust, crl)| (&trust[..], &crl[..]));
        let parts = [digest(&self.cert), digest(&self.key), digest(trust), digest(crl)];
        digest_parts(&[&parts[0].0, &parts[1].0, &parts[2].0, &parts[3].0])
    }

    fn config(&self, paths: &WebPaths) -> Result<ServerConfig, TlsError> {
        let setup = |error: String| TlsError::Setup(error);
        let chain = items::<CertificateDer<'static>>(&self.cert, &paths.cert, "certificaten")?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| TlsError::Content { path: paths.key.clone(), what: "privésleutel" })?;
        let provider = Arc::new(strong_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| setup(error.to_string()))?;
        let builder = match (&self.employees, &paths.employees) {
            (Some((trust, crl)), Some((trust_path, crl_path))) => {
                let mut roots = RootCertStore::empty();
                for authority in items::<CertificateDer<'static>>(trust, trust_path, "certificaten")? {
                    roots.add(authority).map_err(|error| setup(error.to_string()))?;
                }
                let lists = items::<CertificateRevocationListDer<'static>>(crl, crl_path, "intrekkingslijsten (CRL)")?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .with_crls(lists)
                    .enforce_revocation_expiration()
                    .allow_unauthenticated();
                builder.with_client_cert_verifier(verifier.build().map_err(|error| setup(error.to_string()))?)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|_| TlsError::KeyDiffers { cert: paths.cert.clone(), key: paths.key.clone() })?;
        // A resumed session would skip the check of the client's certificate.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Serves `service` on `listener` until the task is dropped; each request carries its [`Visitor`] as an extension.
pub async fn serve<S, B>(listener: TcpListener, tls: Arc<WebTls>, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let open = Arc::new(Open::default());
    let (connections, connections_per_address) = CONNECTIONS;
    let limits = Limits { connections, connections_per_address, ..Limits::default() };
    loop {
        let (stream, address) = match listener.accept().await {
            Ok((stream, address)) => (stream, address.ip()),
            Err(error) => {
                tracing::warn!(%error, "console: een verbinding kon niet worden aangenomen");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(counted) = open.enter(address, &limits) else { continue };
        let (config, service) = (tls.state.load_full(), service.clone());
        tokio::spawn(async move {
            let _counted = counted;
            converse(stream, address, config, service).await;
        });
    }
}

async fn converse<S, B>(stream: TcpStream, address: IpAddr, config: Arc<ServerConfig>, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let _best_effort = stream.set_nodelay(true);
    let accepted = tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await;
    let Ok(Ok(stream)) = accepted else { return };
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let visitor = Visitor { address, certificate: shown.map(|certificate| digest(certificate)) };
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(visitor);
        service.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    if tokio::time::timeout(CONNECTION, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ended = tokio::time::timeout(GRACE, connection).await;
    }
}
