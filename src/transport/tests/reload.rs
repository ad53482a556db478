//! Files that change under a running node: renewed, revoked, broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use super::*;
use crate::domain::reason::ReasonCode;
use crate::service::api::PeerError;
use crate::transport::tls::{Reloaded, TlsError};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_replaced_during_calls_loses_none() {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let (next_cert, next_key) = world.ca.issue(&wanted(one.oin)).unwrap();
    let next_pin = certs::identity(&next_cert).unwrap().pin;
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), Limits::default()).await;
    let partner = Partner { pins: vec![one.pin, next_pin], ..server.partner() };
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (client, to, stop) = (client(two.open(), one.oin, partner.clone()), one.oin, Arc::clone(&stop));
            tokio::spawn(async move {
                let mut answered = 0;
                while !stop.load(Ordering::Relaxed) {
                    client.ask(&to, &question(), PATIENCE).await.unwrap();
                    answered += 1;
                }
                answered
            })
        })
        .collect();

    let same_key = Zeroizing::new(fs::read_to_string(&one.paths.key).unwrap());
    let renewed = world.ca.issue_for_key(&wanted(one.oin), &same_key).unwrap();
    for (cert, key) in [(&renewed, None), (&next_cert, Some(&next_key))] {
        tokio::time::sleep(Duration::from_millis(100)).await;
        write(&one.paths.cert, cert);
        if let Some(key) = key {
            write(&one.paths.key, key);
        }
        assert_eq!(server.tls.reload().unwrap(), Reloaded { changed: true, closed: 0 });
        // A fresh connection gets the new certificate.
        let pin = certs::identity(cert).unwrap().pin;
        let fresh = client(two.open(), one.oin, Partner { pins: vec![pin], ..server.partner() });
        assert!(fresh.ask(&one.oin, &question(), PATIENCE).await.is_ok());
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
    assert_eq!(*server.node.refused.lock().unwrap(), []);
}

#[tokio::test]
async fn a_revocation_ends_living_connections_and_only_those() {
    let world = World::new();
    let (one, two, three) = (world.party(1), world.party(2), world.party(3));
    let node = Fake::admitting(&[(two.oin, two.pin), (three.oin, three.pin)]);
    let server = Running::start(&one, node, Limits::default()).await;
    let (bad, good) = (server.client(&two), server.client(&three));
    for client in [&bad, &good] {
        assert!(client.ask(&server.oin, &question(), PATIENCE).await.is_ok());
    }
    assert_eq!(server.tls.reload().unwrap(), Reloaded { changed: false, closed: 0 });

    write(&one.paths.crl, &world.crl(&[two.serial()]));
    assert_eq!(server.tls.reload().unwrap(), Reloaded { changed: true, closed: 1 });
    server.node.was_told(ReasonCode::CertificateRevoked, Some(two.oin)).await;
    for _ in 0..3 {
        assert_eq!(bad.ask(&server.oin, &question(), PATIENCE).await, Err(PeerError::Closed));
    }
    assert!(good.ask(&server.oin, &question(), PATIENCE).await.is_ok());
    server.node.was_told(ReasonCode::CertificateRevoked, Some(two.oin)).await;
    assert_eq!(server.node.asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_call_under_way_ends_with_its_revoked_connection() {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), Limits::default()).await;
    let client = server.client(&two);
    assert!(client.ask(&server.oin, &question(), PATIENCE).await.is_ok());
    *server.node.takes.lock().unwrap() = Duration::from_secs(1);
    let question = question();
    let call = client.ask(&server.oin, &question, PATIENCE);
    let revoke = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        write(&one.paths.crl, &world.crl(&[two.serial()]));
        assert_eq!(server.tls.reload().unwrap().closed, 1);
    };
    let (answer, ()) = tokio::join!(call, revoke);
    assert_eq!(answer, Err(PeerError::Closed));
}

#[tokio::test]
async fn a_client_looks_at_a_kept_connection_again_after_a_reload() {
    let (world, server, two) = pair().await;
    let tls = two.open();
    let client = client(Arc::clone(&tls), server.oin, server.partner());
    assert!(client.ask(&server.oin, &question(), PATIENCE).await.is_ok());
    let serial = certs::facts(&fs::read_to_string(world.dir.path().join("1-cert.pem")).unwrap()).unwrap().serial;
    write(&two.paths.crl, &world.crl(&[serial]));
    assert!(tls.reload().unwrap().changed);
    let answer = client.ask(&server.oin, &question(), PATIENCE).await;
    assert_eq!(answer, Err(PeerError::Distrusted(ReasonCode::CertificateRevoked)));
}

#[tokio::test]
async fn broken_files_keep_the_old_state_and_say_which_file() {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), Limits::default()).await;
    let client = server.client(&two);
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let (other_cert, other_key) = world.ca.issue(&wanted(oin(1))).unwrap();
    let (stranger, _) = TestCa::create("Andere CA", Validity::days(now(), 30)).unwrap();
    let garbled = |text: &str| text.replace("MII", "%%%");
    let expired = Wanted { validity: Validity { from: now() - 7200, until: now() - 60 }, ..wanted(oin(1)) };
    let key = Zeroizing::new(read(&one.paths.key));
    let cases = [
        (&one.paths.cert, garbled(&read(&one.paths.cert)), "certificaten"),
        (&one.paths.cert, String::new(), "certificaten"),
        (&one.paths.cert, other_cert, "hoort niet bij"),
        (&one.paths.cert, world.ca.issue_for_key(&expired, &key).unwrap(), "KP-CERT-VERLOPEN"),
        (&one.paths.cert, world.ca.cert_pem().to_owned(), "KP-CERT"),
        (&one.paths.key, other_key.to_string(), "hoort niet bij"),
        (&one.paths.key, "geen sleutel".to_owned(), "privésleutel"),
        (&one.paths.trust, stranger.cert_pem().to_owned(), "KP-CERT-UITGEVER"),
        (&one.paths.trust, read(&one.paths.crl), "certificaten"),
        (&one.paths.crl, garbled(&read(&one.paths.crl)), "CRL"),
        (&one.paths.crl, String::new(), "CRL"),
    ];
    for (path, text, says) in cases {
        let good = read(path);
        write(path, &text);
        let error = server.tls.reload().unwrap_err().to_string();
        assert!(error.contains(says), "{error} does not say {says}");
        assert!(error.contains("1-"), "{error} names no file");
        assert!(!error.contains("BEGIN"), "{error} shows content");
        assert!(client.ask(&server.oin, &question(), PATIENCE).await.is_ok());
        assert!(server.client(&two).ask(&server.oin, &question(), PATIENCE).await.is_ok());
        write(path, &good);
    }
    fs::remove_file(&one.paths.crl).unwrap();
    assert!(matches!(server.tls.reload(), Err(TlsError::File { .. })));
    assert!(server.client(&two).ask(&server.oin, &question(), PATIENCE).await.is_ok());
    write(&one.paths.crl, &world.crl(&[]));
    assert!(server.tls.reload().unwrap().changed);
    assert_eq!(server.tls.own().0, one.oin);
}

#[tokio::test]
async fn the_watch_finds_changed_files_by_itself() {
    let (world, server, two) = pair().await;
    let watch = tokio::spawn(Arc::clone(&server.tls).watch(Duration::from_millis(20)));
    let client = server.client(&two);
    assert!(client.ask(&server.oin, &question(), PATIENCE).await.is_ok());
    write(&world.dir.path().join("1-crl.pem"), &world.crl(&[two.serial()]));
    server.node.was_told(ReasonCode::CertificateRevoked, Some(two.oin)).await;
    watch.abort();
}
