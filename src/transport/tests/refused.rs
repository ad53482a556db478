//! Certificates and identities that are refused, each with its own code, told to the node once.

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, SerialNumber};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::raw_tls::{gets_nothing, odd_certificate, raw};
use super::*;
use crate::domain::reason::ReasonCode;
use crate::service::api::PeerError;

/// A fresh server that admits party 2, and what happens to this client of it.
async fn refused_with(world: &World, certificate: Option<(&str, &str)>, reason: ReasonCode, claimed: Option<Oin>) {
    let (one, two) = (world.party(1), world.party(2));
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), Limits::default()).await;
    gets_nothing(raw(server.address, certificate, "h2").await).await;
    server.node.was_told(reason, claimed).await;
    assert_eq!(server.node.refused.lock().unwrap().len(), 1, "told once");
    assert!(server.node.asked.lock().unwrap().is_empty());
}

fn issued(world: &World, change: impl FnOnce(&mut Wanted)) -> (String, KeyPem) {
    let mut wanted = wanted(oin(2));
    change(&mut wanted);
    world.ca.issue(&wanted).unwrap()
}

#[tokio::test]
async fn without_certificate() {
    refused_with(&World::new(), None, ReasonCode::NoClientCertificate, None).await;
}

#[tokio::test]
async fn of_another_authority_even_under_the_same_name() {
    for name in ["Andere CA", "Voorbeeld-CA"] {
        let (ca, _) = TestCa::create(name, Validity::days(now(), 30)).unwrap();
        let (cert, key) = ca.issue(&wanted(oin(2))).unwrap();
        refused_with(&World::new(), Some((&cert, &key)), ReasonCode::WrongAuthority, Some(oin(2))).await;
    }
}

#[tokio::test]
async fn expired() {
    let world = World::new();
    let (cert, key) = issued(&world, |w| w.validity = Validity { from: now() - 7200, until: now() - 60 });
    refused_with(&world, Some((&cert, &key)), ReasonCode::CertificateExpired, Some(oin(2))).await;
}

#[tokio::test]
async fn not_yet_valid() {
    let world = World::new();
    let (cert, key) = issued(&world, |w| w.validity = Validity { from: now() + 3600, until: now() + 7200 });
    refused_with(&world, Some((&cert, &key)), ReasonCode::CertificateNotYetValid, Some(oin(2))).await;
}

#[tokio::test]
async fn of_no_party() {
    let world = World::new();
    let (cert, key) = issued(&world, |w| w.oin = oin(3));
    refused_with(&world, Some((&cert, &key)), ReasonCode::OinNotInConvenant, Some(oin(3))).await;
}

#[tokio::test]
async fn with_another_key_than_the_convenant_names() {
    let world = World::new();
    let (cert, key) = issued(&world, |_| ());
    refused_with(&world, Some((&cert, &key)), ReasonCode::PinDiffers, Some(oin(2))).await;
}

/// A certificate of our authority that our own tool would not make.
fn odd(world: &World, change: impl FnOnce(&mut CertificateParams)) -> (String, KeyPem) {
    odd_certificate((world.ca.cert_pem(), &world.ca_key), change)
}

#[tokio::test]
async fn with_its_oin_only_in_the_x509_serial() {
    let world = World::new();
    let digits: u128 = oin(2).as_str().parse().unwrap();
    let forms = [digits.to_be_bytes()[6..].to_vec(), oin(2).as_str().as_bytes().to_vec()];
    for serial in forms {
        let (cert, key) = odd(&world, |params| params.serial_number = Some(SerialNumber::from_slice(&serial)));
        refused_with(&world, Some((&cert, &key)), ReasonCode::OinUnusable, None).await;
    }
}

#[tokio::test]
async fn with_no_clear_oin_in_its_subject() {
    let world = World::new();
    for texts in [&["123456789"][..], &["00000099000000000002x"], &[" 00000099000000000002"]] {
        let (cert, key) = odd(&world, |params| {
            for text in texts {
                params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), *text);
            }
        });
        refused_with(&world, Some((&cert, &key)), ReasonCode::OinUnusable, None).await;
    }
    let (cert, key) = odd(&world, |params| params.distinguished_name.push(DnType::CommonName, oin(2).as_str()));
    refused_with(&world, Some((&cert, &key)), ReasonCode::OinUnusable, None).await;
}

#[tokio::test]
async fn that_is_for_servers_only() {
    let world = World::new();
    let (cert, key) = odd(&world, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), oin(2).as_str());
    });
    refused_with(&world, Some((&cert, &key)), ReasonCode::CertificateUnusable, Some(oin(2))).await;
}

/// A server of `world` with this CRL file, and its answer to a good client.
async fn with_crl(world: &World, crl: impl FnOnce(&Party) -> String, reason: ReasonCode) {
    let (one, two) = (world.party(1), world.party(2));
    write(&one.paths.crl, &crl(&two));
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), Limits::default()).await;
    let answer = server.client(&two).ask(&server.oin, &question(), PATIENCE).await;
    assert_eq!(answer, Err(PeerError::Closed));
    server.node.was_told(reason, Some(two.oin)).await;
}

#[tokio::test]
async fn revoked() {
    let world = World::new();
    with_crl(&world, |two| world.crl(&[two.serial()]), ReasonCode::CertificateRevoked).await;
}

#[tokio::test]
async fn by_a_stale_list() {
    let world = World::new();
    let past = Validity { from: now() - 7200, until: now() - 60 };
    with_crl(&world, |_| world.ca.crl(&[], past).unwrap(), ReasonCode::CrlExpired).await;
}

#[tokio::test]
async fn without_a_list_of_its_issuer_or_by_a_forged_one() {
    let world = World::new();
    for name in ["Andere CA", "Voorbeeld-CA"] {
        let (other, _) = TestCa::create(name, Validity::days(now(), 30)).unwrap();
        with_crl(&world, |_| other.crl(&[], Validity::days(now(), 7)).unwrap(), ReasonCode::CrlUnusable).await;
    }
}

#[tokio::test]
async fn that_speaks_no_http2() {
    let (_world, server, two) = pair().await;
    let read = |path| fs::read_to_string(path).unwrap();
    let (cert, key) = (read(&two.paths.cert), read(&two.paths.key));
    gets_nothing(raw(server.address, Some((&cert, &key)), "http/1.1").await).await;
    server.node.was_told(ReasonCode::TlsUnusable, None).await;
}

#[tokio::test]
async fn that_stopped_being_a_party_on_a_living_connection() {
    let (_world, server, two) = pair().await;
    let client = server.client(&two);
    assert!(client.ask(&server.oin, &question(), PATIENCE).await.is_ok());
    server.node.admitted.lock().unwrap().insert(two.oin, Digest([0; 32]));
    let answer = client.ask(&server.oin, &question(), PATIENCE).await;
    assert_eq!(answer, Err(PeerError::Refused(ReasonCode::PinDiffers)));
    server.node.admitted.lock().unwrap().clear();
    let answer = client.ask_status(&server.oin, PATIENCE).await;
    assert_eq!(answer, Err(PeerError::Refused(ReasonCode::OinNotInConvenant)));
    assert_eq!(server.node.asked.lock().unwrap().len(), 1);
    let told = server.node.refused.lock().unwrap().clone();
    assert_eq!(told, [(ReasonCode::PinDiffers, Some(two.oin)), (ReasonCode::OinNotInConvenant, Some(two.oin))]);
}

#[tokio::test]
async fn no_session_can_be_resumed() {
    let (_world, server, two) = pair().await;
    let read = |path| fs::read_to_string(path).unwrap();
    let (cert, key) = (read(&two.paths.cert), read(&two.paths.key));
    let mut stream = raw(server.address, Some((&cert, &key)), "h2").await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut settings = [0; 9];
    stream.read_exact(&mut settings).await.unwrap();
    assert_eq!(settings[3], 4, "the server's HTTP/2 settings came");
    assert_eq!(stream.get_ref().1.tls13_tickets_received(), 0);
}
