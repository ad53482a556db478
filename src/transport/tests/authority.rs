//! The test authority and what it hands out, read back and used for TLS.

use super::*;
use crate::transport::certs::CertError;
use crate::transport::tls::TlsHandle;

#[test]
fn a_certificate_says_what_was_wanted() {
    let world = World::new();
    let wanted = wanted(oin(7));
    let (cert, key) = world.ca.issue(&wanted).unwrap();
    let facts = certs::facts(&cert).unwrap();
    assert_eq!(facts.identity.oin, Some(oin(7)));
    assert_eq!(facts.identity.pin, certs::pin_of_key(&key).unwrap());
    assert_eq!(facts.identity, certs::identity(&cert).unwrap());
    assert_eq!(facts.validity, wanted.validity);
    assert!(facts.issuer.contains("Voorbeeld-CA"), "{}", facts.issuer);
    let again = certs::facts(&world.ca.issue_for_key(&wanted, &key).unwrap()).unwrap();
    assert_eq!(again.identity.pin, facts.identity.pin, "the pin is the key's");
    assert_ne!(again.serial, facts.serial, "each certificate can be revoked by itself");
    assert_ne!(again.identity.certificate, facts.identity.certificate);
}

#[test]
fn only_test_oins_are_signed() {
    let world = World::new();
    let real = Oin::parse("00000001002220647000").unwrap();
    let wanted = wanted(real);
    assert_eq!(world.ca.issue(&wanted).unwrap_err(), CertError::NotATestOin(real));
    let key = certs::new_key().unwrap();
    assert_eq!(world.ca.issue_for_key(&wanted, &key).unwrap_err(), CertError::NotATestOin(real));
    let csr = certs::request(&key, &real, "Gemeente").unwrap();
    assert_eq!(world.ca.issue_for_request(&wanted, &csr).unwrap_err(), CertError::NotATestOin(real));
}

#[test]
fn a_request_becomes_a_usable_certificate_of_its_own_key_and_oin_only() {
    let world = World::new();
    let key = certs::new_key().unwrap();
    let csr = certs::request(&key, &oin(4), "Voorbeeldpartij").unwrap();
    let cert = world.ca.issue_for_request(&wanted(oin(4)), &csr).unwrap();
    let party = world.party_with(4, &cert, &key);
    assert_eq!(party.pin, certs::pin_of_key(&key).unwrap());
    assert_eq!(party.open().own().0, oin(4));
    assert_eq!(world.ca.issue_for_request(&wanted(oin(5)), &csr).unwrap_err(), CertError::RequestOin(oin(5)));
    for bad in ["", "geen aanvraag", &cert] {
        assert_eq!(world.ca.issue_for_request(&wanted(oin(4)), bad).unwrap_err(), CertError::Request);
    }
}

#[test]
fn an_authority_read_back_is_the_same_authority() {
    let world = World::new();
    let again = TestCa::load(world.ca.cert_pem(), &world.ca_key).unwrap();
    let (cert, key) = again.issue(&wanted(oin(4))).unwrap();
    let party = world.party_with(4, &cert, &key);
    write(&party.paths.crl, &again.crl(&[], Validity::days(now(), 7)).unwrap());
    assert!(TlsHandle::open(party.paths).is_ok());
    assert!(matches!(TestCa::load(world.ca.cert_pem(), &key), Err(CertError::Key)));
    assert!(matches!(TestCa::load("niets", &key), Err(CertError::Certificate)));
}

#[test]
fn what_fits_in_no_certificate_is_refused() {
    let world = World::new();
    let refused = |wanted: Wanted| assert_eq!(world.ca.issue(&wanted).unwrap_err(), CertError::Field);
    refused(Wanted { name: String::new(), ..wanted(oin(1)) });
    refused(Wanted { name: "x".repeat(65), ..wanted(oin(1)) });
    refused(Wanted { hosts: vec!["géén.naam".into()], ..wanted(oin(1)) });
    refused(Wanted { validity: Validity { from: 0, until: u64::MAX }, ..wanted(oin(1)) });
    assert!(world.ca.crl(&[], Validity { from: 0, until: u64::MAX }).is_err());
    for bad in ["", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----", &world.ca_key] {
        assert_eq!(certs::identity(bad).unwrap_err(), CertError::Certificate);
        assert_eq!(certs::facts(bad).unwrap_err(), CertError::Certificate);
    }
}
