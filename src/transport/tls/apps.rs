//! The verifier of applications of the organisation itself: no authority vouches for them, their keys are known here. That the key is theirs
//! is proven in the handshake.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, SignatureScheme};

use super::identity::Identity;
use crate::crypto::Digest;

/// Whether a key (SHA-256 of its SubjectPublicKeyInfo) is that of an application that may come in now.
pub(in crate::transport) type Known = Arc<dyn Fn(&Digest) -> bool + Send + Sync>;

/// The verifier of one connection of an application.
pub(super) struct AppGate {
    pub(super) known: Known,
    pub(super) provider: Arc<CryptoProvider>,
}

impl fmt::Debug for AppGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppGate")
    }
}

impl ClientCertVerifier for AppGate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let known = Identity::read(own).is_some_and(|identity| (self.known)(&identity.pin));
        let unknown = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        if known { Ok(ClientCertVerified::assertion()) } else { Err(unknown) }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
