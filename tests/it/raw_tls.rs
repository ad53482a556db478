//! A TLS client without any of the product's checks, for hostile tests on the transport and on whole nodes alike.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

/// Longer than the node lets anyone wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// Believes every server: a hostile client does.
#[derive(Debug)]
struct Believer;

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

/// A TLS client without any of our checks, with this certificate and key (PEM) or none.
pub async fn raw(
    address: SocketAddr,
    certificate: Option<(&str, &str)>,
    alpn: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("well-formed")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Believer));
    let mut config = match certificate {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = CertificateDer::pem_slice_iter(cert.as_bytes()).map(Result::unwrap).collect();
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("well-formed"))
                .expect("well-formed")
        }
    };
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").expect("well-formed"), stream).await
}

/// Sends a call's first bytes and reads until the server ends it: nothing may come back.
pub async fn gets_nothing(opened: io::Result<TlsStream<TcpStream>>) {
    let Ok(mut stream) = opened else { return };
    let _may_be_closed = stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    let mut got = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut got)).await;
    assert!(ended.is_ok(), "the server keeps the connection open");
    assert!(got.is_empty(), "a refused client gets not a byte: {got:?}");
}

/// A ClientHello of TLS 1.2, without the extension that offers 1.3.
pub fn hello_of_tls12() -> Vec<u8> {
    let extensions: &[u8] = &[
        0, 10, 0, 4, 0, 2, 0, 29, // supported_groups: x25519
        0, 11, 0, 2, 1, 0, // ec_point_formats: uncompressed
        0, 13, 0, 6, 0, 4, 4, 3, 8, 4, // signature_algorithms: ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256
        0, 23, 0, 0, // extended_master_secret
    ];
    let mut body = vec![3, 3];
    body.extend([0x5a; 32]); // random
    body.extend([0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]); // no session, two suites, no compression
    body.extend(u16::try_from(extensions.len()).expect("well-formed").to_be_bytes());
    body.extend(extensions);
    let length = u16::try_from(body.len()).expect("well-formed").to_be_bytes();
    let mut hello = vec![1, 0, length[0], length[1]];
    hello.extend(body);
    let length = u16::try_from(hello.len()).expect("well-formed").to_be_bytes();
    let mut record = vec![22, 3, 1, length[0], length[1]];
    record.extend(hello);
    record
}

/// A client certificate with its key (PEM) that the product's own tool would not make, signed by the authority `ca`
/// (certificate and key, PEM).
pub fn odd_certificate(ca: (&str, &str), change: impl FnOnce(&mut CertificateParams)) -> (String, Zeroizing<String>) {
    let issuer = Issuer::from_ca_cert_pem(ca.0, KeyPair::from_pem(ca.1).expect("well-formed")).expect("well-formed");
    let key = KeyPair::generate().expect("well-formed");
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut params);
    (params.signed_by(&key, &issuer).expect("well-formed").pem(), Zeroizing::new(key.serialize_pem()))
}
