//! Whom we trust: trust anchors and revocation lists, and the one check of a chain that servers, clients and living
//! connections share.

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, Error as PkiError, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

use super::identity::Identity;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;

/// In which role the other side shows its certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::transport) enum Role {
    /// It connects to us.
    Client,
    /// We connect to it.
    Server,
}

/// Trust anchors and revocation lists of one moment.
#[derive(Debug)]
pub(in crate::transport) struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    crls: Vec<CertRevocationList<'static>>,
}

/// A certificate that passed: whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::transport) struct Verified {
    /// The OIN of its subject.
    pub oin: Oin,
    /// The rest that it says.
    pub identity: Identity,
}

impl Trust {
    /// Takes authorities and lists apart; `None` names a certificate or list that cannot be read.
    pub(super) fn new(
        authorities: &[CertificateDer<'_>],
        lists: &[CertificateRevocationListDer<'_>],
    ) -> Result<Self, Unreadable> {
        let anchors = authorities
            .iter()
            .map(|der| anchor_from_trusted_cert(der).map(|anchor| anchor.to_owned()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Unreadable::Authority)?;
        let crls = lists
            .iter()
            .map(|der| OwnedCertRevocationList::from_der(der).map(CertRevocationList::Owned))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Unreadable::List)?;
        Ok(Self { anchors, crls })
    }

    /// Checks a chain (own certificate first) for `role`: issuers, dates, purposes, revocation of every certificate
    /// below the anchor by an unexpired list, and the OIN in the subject.
    ///
    /// # Errors
    /// The reason of the refusal.
    pub(in crate::transport) fn check(
        &self,
        chain: &[CertificateDer<'_>],
        role: Role,
        now: UnixTime,
    ) -> Result<Verified, ReasonCode> {
        let crls: Vec<&CertRevocationList<'_>> = self.crls.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&crls).map_err(|_| ReasonCode::CrlUnusable)?;
        let revocation = revocation
            .with_depth(RevocationCheckDepth::Chain)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build();
        self.verify(chain, role, now, Some(revocation))
    }

    /// As [`Self::check`] without revocation, for our own certificate at load: a stale list is no reason to stop.
    pub(super) fn check_own(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<Verified, ReasonCode> {
        self.verify(chain, Role::Client, now, None)?;
        self.verify(chain, Role::Server, now, None)
    }

    fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        role: Role,
        now: UnixTime,
        revocation: Option<webpki::RevocationOptions<'_>>,
    ) -> Result<Verified, ReasonCode> {
        let (own, intermediates) = chain.split_first().ok_or(ReasonCode::NoClientCertificate)?;
        let certificate = EndEntityCert::try_from(own).map_err(|_| ReasonCode::CertificateUnusable)?;
        let usage = match role {
            Role::Client => KeyUsage::client_auth(),
            Role::Server => KeyUsage::server_auth(),
        };
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms.all;
        certificate
            .verify_for_usage(algorithms, &self.anchors, intermediates, now, usage, revocation, None)
            .map_err(|error| reason_of(&error))?;
        let identity = Identity::read(own).ok_or(ReasonCode::CertificateUnusable)?;
        let oin = identity.oin.ok_or(ReasonCode::OinUnusable)?;
        Ok(Verified { oin, identity })
    }
}

/// What cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unreadable {
    /// A certificate of the trust file.
    Authority,
    /// A list of the CRL file.
    List,
}

fn reason_of(error: &PkiError) -> ReasonCode {
    match error {
        PkiError::CertExpired { .. } | PkiError::InvalidCertValidity => ReasonCode::CertificateExpired,
        PkiError::CertNotValidYet { .. } => ReasonCode::CertificateNotYetValid,
        PkiError::CertRevoked => ReasonCode::CertificateRevoked,
        PkiError::CrlExpired { .. } => ReasonCode::CrlExpired,
        PkiError::UnknownRevocationStatus
        | PkiError::IssuerNotCrlSigner
        | PkiError::InvalidCrlSignatureForPublicKey
        | PkiError::InvalidCrlNumber
        | PkiError::UnsupportedCrlSignatureAlgorithmContext(_)
        | PkiError::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => ReasonCode::CrlUnusable,
        PkiError::UnknownIssuer | PkiError::InvalidSignatureForPublicKey => ReasonCode::WrongAuthority,
        _ => ReasonCode::CertificateUnusable,
    }
}
