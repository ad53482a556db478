//! From files to the TLS state of one moment: everything is read and checked before anything is used.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring as provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ServerConfig};
use thiserror::Error;
use zeroize::Zeroizing;

use super::apps::{AppGate, Known};
use super::gate::{Expected, Gate};
use super::trust::{Trust, Unreadable, Verified};
use crate::crypto::{Digest, digest, digest_parts};
use crate::domain::reason::ReasonCode;

/// The four files, all PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsPaths {
    /// Our certificate and then its intermediates.
    pub cert: PathBuf,
    /// Our private key (PKCS#8, SEC1 or PKCS#1).
    pub key: PathBuf,
    /// The trusted authorities.
    pub trust: PathBuf,
    /// The revocation lists of every issuer below those authorities and of the authorities themselves.
    pub crl: PathBuf,
}

/// Why the files cannot be used. Texts are for the operator.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: kan niet worden gelezen ({kind})")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        kind: std::io::ErrorKind,
    },
    /// A file holds none of what it must hold, or something in it is garbled.
    #[error("{path}: bevat geen leesbare {what} in PEM-vorm")]
    Content {
        /// Which file.
        path: PathBuf,
        /// What it must hold.
        what: &'static str,
    },
    /// Key and certificate do not belong together.
    #[error("{key}: deze sleutel hoort niet bij het certificaat {cert}")]
    KeyDiffers {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Our own certificate would be refused by everyone.
    #[error("{path}: partijen zullen dit certificaat weigeren ({reason}): {sentence}", sentence = .reason.sentence())]
    OwnCertificate {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        reason: ReasonCode,
    },
    /// rustls refuses the combination.
    #[error("TLS kan niet worden ingesteld: {0}")]
    Setup(String),
}

/// The bytes of the four files at one moment.
pub(super) struct Files {
    cert: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    trust: Vec<u8>,
    crl: Vec<u8>,
}

impl Files {
    pub(super) fn read(paths: &TlsPaths) -> Result<Self, TlsError> {
        let read =
            |path: &Path| fs::read(path).map_err(|error| TlsError::File { path: path.to_owned(), kind: error.kind() });
        Ok(Self {
            cert: read(&paths.cert)?,
            key: Zeroizing::new(read(&paths.key)?),
            trust: read(&paths.trust)?,
            crl: read(&paths.crl)?,
        })
    }

    /// Tells whether anything changed since an earlier look.
    pub(super) fn fingerprint(&self) -> Digest {
        let parts = [digest(&self.cert), digest(&self.key), digest(&self.trust), digest(&self.crl)];
        digest_parts(&[&parts[0].0, &parts[1].0, &parts[2].0, &parts[3].0])
    }
}

/// Everything TLS needs at one moment; swapped as a whole.
pub(in crate::transport) struct TlsState {
    provider: Arc<CryptoProvider>,
    certified: Arc<SingleCertAndKey>,
    trust: Arc<Trust>,
    own: Verified,
    /// Counts the reloads.
    generation: u64,
}

impl TlsState {
    /// Checks the files. Our own chain is checked first, because rustls tells a partner of a garbled certificate only
    /// that none came.
    pub(super) fn load(files: &Files, paths: &TlsPaths, generation: u64, now: UnixTime) -> Result<Self, TlsError> {
        let chain = items::<CertificateDer<'static>>(&files.cert, &paths.cert, "certificaten")?;
        let key = PrivateKeyDer::from_pem_slice(&files.key)
            .map_err(|_| TlsError::Content { path: paths.key.clone(), what: "privésleutel" })?;
        let authorities = items::<CertificateDer<'static>>(&files.trust, &paths.trust, "certificaten")?;
        let lists = items::<CertificateRevocationListDer<'static>>(&files.crl, &paths.crl, "intrekkingslijsten (CRL)")?;
        let trust = Trust::new(&authorities, &lists).map_err(|what| match what {
            Unreadable::Authority => TlsError::Content { path: paths.trust.clone(), what: "certificaten" },
            Unreadable::List => TlsError::Content { path: paths.crl.clone(), what: "intrekkingslijsten (CRL)" },
        })?;
        let own = trust
            .check_own(&chain, now)
            .map_err(|reason| TlsError::OwnCertificate { path: paths.cert.clone(), reason })?;
        if let Err(reason) = trust.check(&chain, super::trust::Role::Client, now) {
            tracing::warn!(code = %reason, "ons eigen certificaat of onze CRL: {}", reason.sentence());
        }
        let provider = Arc::new(strong_provider());
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| TlsError::Content { path: paths.key.clone(), what: "privésleutel" })?;
        let certified = CertifiedKey::new(chain, key);
        certified
            .keys_match()
            .map_err(|_| TlsError::KeyDiffers { cert: paths.cert.clone(), key: paths.key.clone() })?;
        let certified = Arc::new(SingleCertAndKey::from(certified));
        Ok(Self { provider, certified, trust: Arc::new(trust), own, generation })
    }

    /// Counts the reloads.
    pub(in crate::transport) fn generation(&self) -> u64 {
        self.generation
    }

    /// Our own identity.
    pub(in crate::transport) fn own(&self) -> Verified {
        self.own
    }

    /// Whom we trust now.
    pub(in crate::transport) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The configuration of one incoming connection with the gate that judges it.
    pub(in crate::transport) fn incoming(&self) -> Result<(Arc<ServerConfig>, Arc<Gate>), TlsError> {
        let gate = Gate::incoming(Arc::clone(&self.trust), Arc::clone(&self.provider));
        Ok((self.serving(Arc::clone(&gate) as _)?, gate))
    }

    /// The configuration of one connection of an application of the organisation itself.
    pub(in crate::transport) fn for_applications(&self, known: Known) -> Result<Arc<ServerConfig>, TlsError> {
        self.serving(Arc::new(AppGate { known, provider: Arc::clone(&self.provider) }))
    }

    fn serving(&self, verifier: Arc<dyn ClientCertVerifier>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(&self.certified) as _);
        // A resumed session would skip the revocation check: no tickets, no store, no early data.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }

    /// The configuration of one connection to `expected` with the gate that judges it.
    pub(in crate::transport) fn outgoing(
        &self,
        expected: Expected,
    ) -> Result<(Arc<ClientConfig>, Arc<Gate>), TlsError> {
        let gate = Gate::outgoing(Arc::clone(&self.trust), Arc::clone(&self.provider), expected);
        let verifier: Arc<Gate> = Arc::clone(&gate);
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::clone(&self.certified) as _);
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        config.enable_sni = false;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok((Arc::new(config), gate))
    }
}

/// ring with the suites that the NCSC guideline of 2025 calls good.
pub(in crate::transport) fn strong_provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            provider::cipher_suite::TLS13_AES_256_GCM_SHA384,
            provider::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        ..provider::default_provider()
    }
}

pub(in crate::transport) fn items<T: PemObject>(
    bytes: &[u8],
    path: &Path,
    what: &'static str,
) -> Result<Vec<T>, TlsError> {
    match T::pem_slice_iter(bytes).collect::<Result<Vec<T>, _>>() {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(TlsError::Content { path: path.to_owned(), what }),
    }
}
