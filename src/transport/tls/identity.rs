//! Who a certificate speaks for: the OIN in its subject's serialNumber (2.5.4.5) and the pin of its key.

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_X509_SERIALNUMBER;
use x509_parser::prelude::FromDer;

use crate::crypto::{Digest, digest};
use crate::domain::oin::Oin;

/// What a certificate says about its holder; true only when the chain verifies and the holder proves to have the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The OIN, when the subject holds exactly one serialNumber and that is an OIN. Never the X.509 serial.
    pub oin: Option<Oin>,
    /// SHA-256 of the SubjectPublicKeyInfo (DER).
    pub pin: Digest,
    /// SHA-256 of the whole certificate (DER).
    pub certificate: Digest,
}

impl Identity {
    /// Reads a certificate without trusting it; `None` when it is no X.509.
    pub(in crate::transport) fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (rest, parsed) = X509Certificate::from_der(certificate).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let oin = subject_oin(&parsed);
        Some(Self { oin, pin: digest(parsed.public_key().raw), certificate: digest(certificate) })
    }
}

fn subject_oin(certificate: &X509Certificate<'_>) -> Option<Oin> {
    let mut found = certificate.subject().iter_by_oid(&OID_X509_SERIALNUMBER);
    let only = found.next()?;
    if found.next().is_some() {
        return None;
    }
    only.as_str().ok().and_then(|text| Oin::parse(text).ok())
}
