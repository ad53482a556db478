//! The verifiers of one connection: they check the other side's chain with [`Trust`] and remember what they found,
//! because rustls tells the caller less than the log needs.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    AlertDescription, CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible,
    SignatureScheme,
};

use super::identity::Identity;
use super::trust::{Role, Trust, Verified};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;

/// What a connection's verifier saw.
#[derive(Clone, Debug, Default)]
pub(in crate::transport) struct Seen {
    /// The OIN that the certificate claims, whether or not it is to be trusted.
    pub claimed: Option<Oin>,
    /// The chain, own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Who it is, or why it was refused; `None` when no certificate came.
    pub verdict: Option<Result<Verified, ReasonCode>>,
}

/// Whom we expect at the other end of a connection that we make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::transport) struct Expected {
    /// The party.
    pub oin: Oin,
    /// The keys that its card announces: the present one and perhaps the next.
    pub pins: Vec<Digest>,
}

/// The verifier of one connection.
#[derive(Debug)]
pub(in crate::transport) struct Gate {
    trust: Arc<Trust>,
    provider: Arc<CryptoProvider>,
    expected: Option<Expected>,
    seen: Mutex<Seen>,
}

impl Gate {
    /// For a connection that comes in: who it may be is asked afterwards, when possession of the key is proven.
    pub(super) fn incoming(trust: Arc<Trust>, provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(Self { trust, provider, expected: None, seen: Mutex::default() })
    }

    /// For a connection that we make to `expected`.
    pub(super) fn outgoing(trust: Arc<Trust>, provider: Arc<CryptoProvider>, expected: Expected) -> Arc<Self> {
        Arc::new(Self { trust, provider, expected: Some(expected), seen: Mutex::default() })
    }

    /// What was seen.
    pub(in crate::transport) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn judge(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        role: Role,
        now: UnixTime,
    ) -> Result<(), Error> {
        let chain: Vec<_> = std::iter::once(own).chain(intermediates).map(|c| c.clone().into_owned()).collect();
        let verdict = self.trust.check(&chain, role, now).and_then(|verified| self.expect(verified));
        let claimed = Identity::read(own).and_then(|identity| identity.oin);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { claimed, chain, verdict: Some(verdict) };
        verdict.map(|_| ()).map_err(alert_for)
    }

    fn expect(&self, verified: Verified) -> Result<Verified, ReasonCode> {
        match &self.expected {
            None => Ok(verified),
            Some(expected) if expected.oin != verified.oin => Err(ReasonCode::OinNotInConvenant),
            Some(expected) if !expected.pins.contains(&verified.identity.pin) => Err(ReasonCode::PinDiffers),
            Some(_) => Ok(verified),
        }
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }

    fn tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }
}

/// The alert that the other side gets; the exact reason stays here.
fn alert_for(reason: ReasonCode) -> Error {
    Error::InvalidCertificate(match reason {
        ReasonCode::CertificateExpired => CertificateError::Expired,
        ReasonCode::CertificateNotYetValid => CertificateError::NotValidYet,
        ReasonCode::CertificateRevoked => CertificateError::Revoked,
        ReasonCode::WrongAuthority => CertificateError::UnknownIssuer,
        ReasonCode::CrlExpired => CertificateError::ExpiredRevocationList,
        ReasonCode::CrlUnusable => CertificateError::UnknownRevocationStatus,
        _ => CertificateError::ApplicationVerificationFailure,
    })
}

const NO_TLS12: Error = Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered);

impl ClientCertVerifier for Gate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(own, intermediates, Role::Client, now).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(NO_TLS12)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ServerCertVerifier for Gate {
    /// The name is not looked at: OIN and pin say more than a DNS name, and no public authority vouches for them.
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(own, intermediates, Role::Server, now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(NO_TLS12)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

/// Why a handshake failed that our verifier did not refuse.
pub(in crate::transport) fn reason_of(error: &Error) -> ReasonCode {
    match error {
        Error::NoCertificatesPresented => ReasonCode::NoClientCertificate,
        Error::AlertReceived(AlertDescription::CertificateRequired) => ReasonCode::NoClientCertificate,
        Error::InvalidCertificate(_) => ReasonCode::CertificateUnusable,
        _ => ReasonCode::TlsUnusable,
    }
}
