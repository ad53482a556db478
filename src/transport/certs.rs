//! Certificates: reading pins and identities, TLS keys and requests for `init`, and the test authority of
//! `cert example`, which signs only test OINs (prefix 00000099). Works on PEM text; files are the caller's.

use std::net::IpAddr;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertificateSigningRequestParams,
    DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use super::tls::Identity;
use crate::crypto::{Digest, digest, random};
use crate::domain::oin::Oin;

/// Why a certificate, key or request was not read or made. Texts are for the operator.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CertError {
    /// The text is no PEM certificate.
    #[error("dit is geen leesbaar certificaat in PEM-vorm")]
    Certificate,
    /// The text is no PEM private key of a kind that can be used.
    #[error("dit is geen bruikbare privésleutel in PEM-vorm")]
    Key,
    /// The text is no certificate request, or its signature is wrong.
    #[error("dit is geen geldige certificaataanvraag (CSR) in PEM-vorm")]
    Request,
    /// The request names another OIN than it is to be signed for.
    #[error("de certificaataanvraag noemt een ander OIN dan {0}")]
    RequestOin(Oin),
    /// The test authority signs test OINs only.
    #[error(
        "de voorbeeld-certificaatautoriteit geeft alleen certificaten uit voor test-OIN's (00000099...), niet voor {0}"
    )]
    NotATestOin(Oin),
    /// A name or moment that no certificate can hold.
    #[error("de naam of geldigheid past niet in een certificaat")]
    Field,
    /// Signing failed.
    #[error("het ondertekenen is mislukt: {0}")]
    Signing(String),
}

impl From<rcgen::Error> for CertError {
    fn from(error: rcgen::Error) -> Self {
        Self::Signing(error.to_string())
    }
}

/// When the first of the revocation lists in a PEM text goes out of date, in seconds since 1 January 1970 UTC; `None`
/// when it holds no readable list with a next update.
#[must_use]
pub fn crl_until(pem: &str) -> Option<u64> {
    let lists = CertificateRevocationListDer::pem_slice_iter(pem.as_bytes());
    let until = |der: CertificateRevocationListDer<'_>| {
        let (_, list) = x509_parser::parse_x509_crl(&der).ok()?;
        u64::try_from(list.next_update()?.timestamp()).ok()
    };
    lists.filter_map(Result::ok).filter_map(until).min()
}

/// Object identifier of serialNumber in a subject.
const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];

/// From when to when a certificate or list is valid: seconds since 1 January 1970 UTC, both inclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// First second.
    pub from: u64,
    /// Last second.
    pub until: u64,
}

impl Validity {
    /// `days` days from `now` (seconds since 1970), begun an hour earlier for clocks that lag.
    #[must_use]
    pub fn days(now: u64, days: u64) -> Self {
        Self { from: now.saturating_sub(3600), until: now.saturating_add(days.saturating_mul(86_400)) }
    }
}

/// A private key as PEM (PKCS#8); wiped from memory when dropped.
pub type KeyPem = Zeroizing<String>;

/// Draws a TLS key (ECDSA P-256).
///
/// # Errors
/// [`CertError::Signing`] when the random source fails.
pub fn new_key() -> Result<KeyPem, CertError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok(Zeroizing::new(key.serialize_pem()))
}

/// The certificate request (PEM) of a node: organisation `name`, its OIN in the subject's serialNumber.
///
/// # Errors
/// [`CertError::Key`] or [`CertError::Signing`].
pub fn request(key: &KeyPem, oin: &Oin, name: &str) -> Result<String, CertError> {
    let key = KeyPair::from_pem(key).map_err(|_| CertError::Key)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(oin, name)?;
    Ok(params.serialize_request(&key)?.pem()?)
}

/// Draws a key for an application of the organisation itself and a certificate for it that nobody vouches for: its node knows the key.
///
/// # Errors
/// [`CertError::Field`] for a name or moment that does not fit, [`CertError::Signing`].
pub fn application(oin: &Oin, name: &str, validity: Validity) -> Result<(String, KeyPem), CertError> {
    let key = new_key()?;
    let pair = KeyPair::from_pem(&key).map_err(|_| CertError::Key)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(oin, name)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    stamp(&mut params, validity)?;
    Ok((params.self_signed(&pair)?.pem(), key))
}

/// The pin of a private key: SHA-256 of its SubjectPublicKeyInfo.
///
/// # Errors
/// [`CertError::Key`].
pub fn pin_of_key(key: &KeyPem) -> Result<Digest, CertError> {
    let key = KeyPair::from_pem(key).map_err(|_| CertError::Key)?;
    Ok(digest(&key.subject_public_key_info()))
}

/// What the first certificate of a PEM text says about its holder, unverified.
///
/// # Errors
/// [`CertError::Certificate`].
pub fn identity(cert_pem: &str) -> Result<Identity, CertError> {
    Identity::read(&first(cert_pem)?).ok_or(CertError::Certificate)
}

/// The facts of a certificate that an operator and `doctor` look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Whose it is, and its pin.
    pub identity: Identity,
    /// From when to when it is valid.
    pub validity: Validity,
    /// The X.509 serial, which says nothing about the OIN: what a revocation list names.
    pub serial: Vec<u8>,
    /// Who signed it.
    pub issuer: String,
}

/// Reads the facts of the first certificate of a PEM text, unverified.
///
/// # Errors
/// [`CertError::Certificate`].
pub fn facts(cert_pem: &str) -> Result<Facts, CertError> {
    let der = first(cert_pem)?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| CertError::Certificate)?;
    let moment = |at: x509_parser::time::ASN1Time| u64::try_from(at.timestamp()).unwrap_or(0);
    let (from, until) = (moment(parsed.validity().not_before), moment(parsed.validity().not_after));
    Ok(Facts {
        identity: Identity::read(&der).ok_or(CertError::Certificate)?,
        validity: Validity { from, until },
        serial: parsed.raw_serial().to_vec(),
        issuer: parsed.issuer().to_string(),
    })
}

fn first(cert_pem: &str) -> Result<CertificateDer<'static>, CertError> {
    CertificateDer::from_pem_slice(cert_pem.as_bytes()).map_err(|_| CertError::Certificate)
}

/// What a certificate is to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The party.
    pub oin: Oin,
    /// Its name, for the subject's organisation.
    pub name: String,
    /// DNS names and addresses besides `localhost` and `127.0.0.1`.
    pub hosts: Vec<String>,
    /// From when to when.
    pub validity: Validity,
}

/// The authority of examples and tests. Not for production: its key lies beside it and it signs test OINs only.
pub struct TestCa {
    cert_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl TestCa {
    /// Makes an authority that is valid during `validity`; gives it with its private key.
    ///
    /// # Errors
    /// [`CertError`] for a name that does not fit, or when the random source fails.
    pub fn create(name: &str, validity: Validity) -> Result<(Self, KeyPem), CertError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let pem = Zeroizing::new(key.serialize_pem());
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Ketenpoort voorbeeld - niet voor productie");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        stamp(&mut params, validity)?;
        let cert_pem = params.self_signed(&key)?.pem();
        Ok((Self { cert_pem, issuer: Issuer::new(params, key) }, pem))
    }

    /// Takes an authority from its files.
    ///
    /// # Errors
    /// [`CertError::Certificate`] or [`CertError::Key`].
    pub fn load(cert_pem: &str, key: &KeyPem) -> Result<Self, CertError> {
        let key = KeyPair::from_pem(key).map_err(|_| CertError::Key)?;
        if identity(cert_pem)?.pin != digest(&key.subject_public_key_info()) {
            return Err(CertError::Key);
        }
        let issuer = Issuer::from_ca_cert_pem(cert_pem, key).map_err(|_| CertError::Certificate)?;
        Ok(Self { cert_pem: cert_pem.to_owned(), issuer })
    }

    /// The authority's own certificate (PEM): the trust file of a node.
    #[must_use]
    pub fn cert_pem(&self) -> &str {
        &self.cert_pem
    }

    /// Draws a key and signs a certificate for it; gives both (PEM).
    ///
    /// # Errors
    /// [`CertError::NotATestOin`] for any other OIN; [`CertError::Field`] for names and moments that do not fit.
    pub fn issue(&self, wanted: &Wanted) -> Result<(String, KeyPem), CertError> {
        let key = new_key()?;
        Ok((self.issue_for_key(wanted, &key)?, key))
    }

    /// Signs a certificate (PEM) for an existing key.
    ///
    /// # Errors
    /// As [`Self::issue`], and [`CertError::Key`].
    pub fn issue_for_key(&self, wanted: &Wanted, key: &KeyPem) -> Result<String, CertError> {
        let key = KeyPair::from_pem(key).map_err(|_| CertError::Key)?;
        Ok(leaf(wanted)?.signed_by(&key, &self.issuer)?.pem())
    }

    /// Signs a certificate (PEM) for a request; only its key is taken over, and its OIN must be the wanted one.
    ///
    /// # Errors
    /// As [`Self::issue`], [`CertError::Request`] and [`CertError::RequestOin`].
    pub fn issue_for_request(&self, wanted: &Wanted, csr_pem: &str) -> Result<String, CertError> {
        let asked = CertificateSigningRequestParams::from_pem(csr_pem).map_err(|_| CertError::Request)?;
        let named = asked.params.distinguished_name.get(&DnType::CustomDnType(SERIAL_NUMBER.to_vec()));
        let same = match named {
            Some(DnValue::PrintableString(text)) => text.as_str() == wanted.oin.as_str(),
            Some(DnValue::Utf8String(text)) => text == wanted.oin.as_str(),
            _ => false,
        };
        if !same {
            return Err(CertError::RequestOin(wanted.oin));
        }
        Ok(leaf(wanted)?.signed_by(&asked.public_key, &self.issuer)?.pem())
    }

    /// Signs the revocation list (PEM) of these serials ([`Facts::serial`]), to be renewed before `validity` ends.
    ///
    /// # Errors
    /// [`CertError::Field`] or [`CertError::Signing`].
    pub fn crl(&self, revoked: &[Vec<u8>], validity: Validity) -> Result<String, CertError> {
        let this_update = date_time_ymd(1970, 1, 1) + since_1970(validity.from)?;
        let entry = |serial: &Vec<u8>| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update,
            next_update: date_time_ymd(1970, 1, 1) + since_1970(validity.until)?,
            crl_number: SerialNumber::from(validity.from),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }
}

fn leaf(wanted: &Wanted) -> Result<CertificateParams, CertError> {
    if !wanted.oin.is_test() {
        return Err(CertError::NotATestOin(wanted.oin));
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(&wanted.oin, &wanted.name)?;
    let always = ["localhost", "127.0.0.1"].into_iter();
    for host in always.chain(wanted.hosts.iter().map(String::as_str)) {
        let name = match host.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(host.try_into().map_err(|_| CertError::Field)?),
        };
        if !params.subject_alt_names.contains(&name) {
            params.subject_alt_names.push(name);
        }
    }
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    stamp(&mut params, wanted.validity)?;
    Ok(params)
}

fn subject(oin: &Oin, name: &str) -> Result<DistinguishedName, CertError> {
    if name.is_empty() || name.chars().count() > 64 {
        return Err(CertError::Field);
    }
    let digits = DnValue::PrintableString(oin.as_str().try_into().map_err(|_| CertError::Field)?);
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CountryName, "NL");
    subject.push(DnType::OrganizationName, name);
    subject.push(DnType::CommonName, name);
    subject.push(DnType::CustomDnType(SERIAL_NUMBER.to_vec()), digits);
    Ok(subject)
}

/// Sets validity and a random positive serial of 16 bytes.
fn stamp(params: &mut CertificateParams, validity: Validity) -> Result<(), CertError> {
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(validity.from)?;
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(validity.until)?;
    let mut serial: [u8; 16] = random();
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(())
}

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// Seconds since 1970 that a certificate can hold.
fn since_1970(seconds: u64) -> Result<Duration, CertError> {
    if seconds > LAST { Err(CertError::Field) } else { Ok(Duration::from_secs(seconds)) }
}
