//! Connections that are refused: by certificate, by identity, by protocol and by patience.

use std::time::Duration;

use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::transport::certs::{TestCa, Validity, Wanted};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, SerialNumber};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::asker::Identity;
use super::siege::{Siege, now};
use crate::raw_tls::{gets_nothing, hello_of_tls12, odd_certificate, raw};
use crate::three::OINS;

#[test]
fn refused_connections_get_nothing_and_are_logged_under_their_own_code() {
    let mut siege = Siege::begin(|_| ());
    let first = siege.answered();
    let waiting = hold_half_open(&siege);
    certificates(&mut siege);
    identities(&mut siege);
    protocols(&mut siege);
    crowd(&mut siege);
    waiting.join().expect("half-open connections were closed");
    siege.note(ReasonCode::TooSlow, 4);
    revocations(&mut siege);
    let last = siege.answered();
    siege.end(&[first, last]);
}

/// What this certificate gets: not a byte.
fn refused(siege: &mut Siege, identity: Option<&Identity>, reason: ReasonCode) {
    let pair = identity.map(|i| (i.cert.as_str(), i.key.as_str()));
    siege.monitor.block_on(async { gets_nothing(raw(siege.address(), pair, "h2").await).await });
    siege.note(reason, 1);
}

fn certificates(siege: &mut Siege) {
    refused(siege, None, ReasonCode::NoClientCertificate);
    for name in ["Andere CA", "Ketenpoort proef-CA"] {
        let (other, _) = TestCa::create(name, Validity::days(now(), 30)).expect("an authority");
        let (cert, key) = other.issue(&siege.wanted()).expect("issued");
        refused(siege, Some(&Identity { cert, key: key.to_string() }), ReasonCode::WrongAuthority);
    }
    let at = |from, until| Validity { from, until };
    let expired = siege.second(&Wanted { validity: at(now() - 7200, now() - 60), ..siege.wanted() });
    refused(siege, Some(&expired), ReasonCode::CertificateExpired);
    let early = siege.second(&Wanted { validity: at(now() + 3600, now() + 7200), ..siege.wanted() });
    refused(siege, Some(&early), ReasonCode::CertificateNotYetValid);
    let server_only = odd(siege, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), OINS[2]);
    });
    refused(siege, Some(&server_only), ReasonCode::CertificateUnusable);
}

fn identities(siege: &mut Siege) {
    let digits: u128 = OINS[2].parse().expect("digits");
    for serial in [digits.to_be_bytes()[6..].to_vec(), OINS[2].as_bytes().to_vec()] {
        let elsewhere = odd(siege, |params| {
            params.serial_number = Some(SerialNumber::from_slice(&serial));
            params.distinguished_name.push(DnType::CommonName, OINS[2]);
        });
        refused(siege, Some(&elsewhere), ReasonCode::OinUnusable);
    }
    let oin = Oin::parse("00000099000000000009").expect("OIN");
    let (cert, key) = siege.ca.issue(&Wanted { oin, ..siege.wanted() }).expect("issued");
    refused(siege, Some(&Identity { cert, key: key.to_string() }), ReasonCode::OinNotInConvenant);
    let (cert, key) = siege.ca.issue(&siege.wanted()).expect("issued");
    refused(siege, Some(&Identity { cert, key: key.to_string() }), ReasonCode::PinDiffers);
}

fn odd(siege: &Siege, change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let (cert, key) = odd_certificate((siege.ca.cert_pem(), &siege.ca_key), change);
    Identity { cert, key: key.to_string() }
}

fn protocols(siege: &mut Siege) {
    let address = siege.address();
    let own = super::siege::identity(&siege.three, "m");
    siege.monitor.block_on(async {
        gets_nothing(raw(address, Some((&own.cert, &own.key)), "http/1.1").await).await;
        let plain = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
        for bytes in [plain, hello_of_tls12(), hello_of_tls12()[..20].to_vec()] {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            stream.write_all(&bytes).await.expect("sent");
            stream.shutdown().await.expect("half closed");
            let mut got = Vec::new();
            let _reset = stream.read_to_end(&mut got).await;
            assert!(got.is_empty() || got[0] == 21, "nothing but an alert: {got:?}");
        }
    });
    siege.note(ReasonCode::TlsUnusable, 4);
}

/// Three connections that say nothing and one that sends a byte now and then; ends when the node has closed all.
fn hold_half_open(siege: &Siege) -> std::thread::JoinHandle<()> {
    let address = siege.address();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut silent = Vec::new();
            for _ in 0..3 {
                silent.push(TcpStream::connect(address).await.expect("connected"));
            }
            let mut dripping = TcpStream::connect(address).await.expect("connected");
            for byte in hello_of_tls12().into_iter().take(60) {
                if dripping.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            for mut stream in silent {
                let mut got = Vec::new();
                let _reset = stream.read_to_end(&mut got).await;
                assert!(got.is_empty(), "{got:?}");
            }
        });
    })
}

/// More connections of one address than it may have; a partner at another address does not notice.
fn crowd(siege: &mut Siege) {
    let address = siege.address();
    let held = siege.monitor.block_on(async {
        let mut held = Vec::new();
        for _ in 0..300 {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind("127.0.0.2:0".parse().expect("address")).expect("bound");
            held.extend(socket.connect(address).await);
        }
        held
    });
    assert!(held.len() > 256);
    siege.note(ReasonCode::TooManyConnections, 40);
}

/// Before connecting, on a living connection, and when the node cannot tell any more.
fn revocations(siege: &mut Siege) {
    let (before, living) = (siege.second(&siege.wanted()), siege.second(&siege.wanted()));
    siege.give_list(&siege.list(&[&before]));
    refused(siege, Some(&before), ReasonCode::CertificateRevoked);

    let asker = super::asker::Asker::new(siege.address(), living.clone());
    let channel = asker.connect().expect("connected");
    assert!(asker.is_served_over(channel.clone()));
    siege.give_list(&siege.list(&[&before, &living]));
    assert!(!asker.is_served_over(channel), "the living connection is closed");
    siege.note(ReasonCode::CertificateRevoked, 1);

    let own = super::siege::identity(&siege.three, "m");
    let refuses = |siege: &Siege| {
        siege.monitor.block_on(async {
            gets_nothing(raw(siege.address(), Some((&own.cert, &own.key)), "h2").await).await;
        });
    };
    let stale = siege.ca.crl(&[], Validity { from: now() - 7200, until: now() - 60 }).expect("a list");
    siege.give_list(&stale);
    refuses(siege);
    let (other, _) = TestCa::create("Andere CA", Validity::days(now(), 30)).expect("an authority");
    siege.give_list(&other.crl(&[], Validity::days(now(), 7)).expect("a list"));
    refuses(siege);
    siege.give_list(&siege.list(&[]));
    siege.note(ReasonCode::CrlExpired, 1);
    siege.note(ReasonCode::CrlUnusable, 1);
}
