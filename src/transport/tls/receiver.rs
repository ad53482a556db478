//! TLS towards a receiver of logs: an ordinary server of the organisation, known by its name and authority. TLS 1.3 only.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::load::{TlsError, items, strong_provider};

/// Files of a receiver.
pub(in crate::transport) struct ReceiverTls {
    /// Trusted authorities, PEM.
    pub(in crate::transport) trust: PathBuf,
    /// Our certificate chain and key, PEM.
    pub(in crate::transport) client: Option<(PathBuf, PathBuf)>,
}

impl ReceiverTls {
    /// The configuration of one connection, read anew each time so that renewed files are used.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(in crate::transport) fn config(
        &self,
        host: &str,
        alpn: &[u8],
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), TlsError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| TlsError::File { path: path.clone(), kind: error.kind() })
        };
        let setup = |error: rustls::Error| TlsError::Setup(error.to_string());
        let mut roots = RootCertStore::empty();
        for authority in items::<CertificateDer<'static>>(&read(&self.trust)?, &self.trust, "certificaten")? {
            roots.add(authority).map_err(setup)?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(strong_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(setup)?
            .with_root_certificates(roots);
        let mut config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let chain = items::<CertificateDer<'static>>(&read(cert)?, cert, "certificaten")?;
                let key = PrivateKeyDer::from_pem_slice(&zeroize::Zeroizing::new(read(key)?))
                    .map_err(|_| TlsError::Content { path: key.clone(), what: "privésleutel" })?;
                builder.with_client_auth_cert(chain, key).map_err(setup)?
            }
        };
        config.alpn_protocols = vec![alpn.to_vec()];
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| TlsError::Setup(format!("{host} is geen naam van een server")))?;
        Ok((Arc::new(config), name))
    }
}
