//! Good calls, refusals by the node, and what a client makes of servers that are not whom it expects.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::reason::ReasonCode;
use crate::service::api::{PeerError, Peers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_and_its_answer_cross_whole() {
    let (_world, server, two) = pair().await;
    let document: Vec<u8> = (0..3_000_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    server.node.document.lock().unwrap().clone_from(&document);
    let (client, question) = (Arc::new(server.client(&two)), question());

    let (to, asked, caller) = (server.oin, question.clone(), Arc::clone(&client));
    let answer = tokio::task::spawn_blocking(move || caller.aggregate(&to, &asked, PATIENCE)).await.unwrap().unwrap();
    assert!(answer.document == document, "the document changed under way");
    assert_eq!(answer.signature, [8; 64]);

    let asked = server.node.asked.lock().unwrap().clone();
    let [(peer, arrived)] = asked.as_slice() else { panic!("{} questions", asked.len()) };
    assert_eq!(*arrived, question, "trace included");
    assert_eq!((peer.oin, peer.pin), (two.oin, two.pin));
    assert_eq!(peer.tls.version, "TLS1.3");
    assert!(["TLS13_AES_256_GCM_SHA384", "TLS13_CHACHA20_POLY1305_SHA256"].contains(&peer.tls.suite.as_str()));
    assert_eq!(peer.tls.group, "X25519");

    let view = client.ask_status(&server.oin, PATIENCE).await.unwrap();
    assert_eq!((view.oin, view.version.as_str(), view.convenants), (two.oin, "proef", vec![Digest([5; 32])]));
    assert_eq!(*server.node.refused.lock().unwrap(), []);
}

#[tokio::test]
async fn a_stopping_server_ends_the_call_that_is_under_way() {
    let (_world, mut server, two) = pair().await;
    *server.node.takes.lock().unwrap() = Duration::from_millis(300);
    let client = server.client(&two);
    let question = question();
    let call = client.ask(&server.oin, &question, PATIENCE);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.stop.take().unwrap().send(()).unwrap();
    };
    let (answer, ()) = tokio::join!(call, stop);
    assert_eq!(answer.unwrap().document, b"{}");
    drop(client);
    tokio::time::timeout(PATIENCE, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn every_refusal_of_the_node_reaches_the_asker_as_its_code() {
    let (_world, server, two) = pair().await;
    let client = server.client(&two);
    for reason in ReasonCode::ALL {
        *server.node.says_no.lock().unwrap() = Some(*reason);
        let refused = client.ask(&server.oin, &question(), PATIENCE).await;
        assert_eq!(refused, Err(PeerError::Refused(*reason)));
    }
}

#[tokio::test]
async fn an_answer_above_the_bound_is_refused_not_sent() {
    let (_world, server, two) = pair().await;
    let client = server.client(&two);
    *server.node.document.lock().unwrap() = vec![b' '; crate::service::api::MAX_DOCUMENT_BYTES];
    assert!(client.ask(&server.oin, &question(), PATIENCE).await.is_ok());
    server.node.document.lock().unwrap().push(b' ');
    let refused = client.ask(&server.oin, &question(), PATIENCE).await;
    assert_eq!(refused, Err(PeerError::Refused(ReasonCode::MessageTooLarge)));
}

#[tokio::test]
async fn a_client_refuses_a_server_that_is_not_the_expected_party() {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), Limits::default()).await;
    let ask = async |tls, oin, partner: Partner| client(tls, oin, partner).ask(&oin, &question(), PATIENCE).await;

    let other_pin = Partner { pins: vec![two.pin], ..server.partner() };
    let answer = ask(two.open(), one.oin, other_pin).await;
    assert_eq!(answer, Err(PeerError::Distrusted(ReasonCode::PinDiffers)));

    let answer = ask(two.open(), oin(3), server.partner()).await;
    assert_eq!(answer, Err(PeerError::Distrusted(ReasonCode::OinNotInConvenant)));

    write(&two.paths.crl, &world.crl(&[one.serial()]));
    let answer = ask(two.open(), one.oin, server.partner()).await;
    assert_eq!(answer, Err(PeerError::Distrusted(ReasonCode::CertificateRevoked)));

    let past = Validity { from: now() - 7200, until: now() - 3600 };
    write(&two.paths.crl, &world.ca.crl(&[], past).unwrap());
    let answer = ask(two.open(), one.oin, server.partner()).await;
    assert_eq!(answer, Err(PeerError::Distrusted(ReasonCode::CrlExpired)));

    let elsewhere = World::new();
    let stranger = elsewhere.party(2);
    let answer = ask(stranger.open(), one.oin, server.partner()).await;
    assert_eq!(answer, Err(PeerError::Distrusted(ReasonCode::WrongAuthority)));

    let next_announced = Partner { pins: vec![two.pin, one.pin], ..server.partner() };
    write(&two.paths.crl, &world.crl(&[]));
    assert!(ask(two.open(), one.oin, next_announced).await.is_ok());
    assert_eq!(server.node.asked.lock().unwrap().len(), 1, "only the last one was asked");
}

#[tokio::test]
async fn unknown_absent_and_slow_partners_are_told_apart() {
    let (_world, server, two) = pair().await;
    let known = server.client(&two);
    assert_eq!(known.ask(&oin(9), &question(), PATIENCE).await, Err(PeerError::UnknownParty));

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let away = client(two.open(), server.oin, Partner { endpoint: address, pins: vec![server.pin] });
    assert_eq!(away.ask(&server.oin, &question(), PATIENCE).await, Err(PeerError::Unreachable));

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let mute = client(two.open(), server.oin, Partner { endpoint: address, pins: vec![server.pin] });
    let answer = mute.ask(&server.oin, &question(), Duration::from_millis(200)).await;
    assert_eq!(answer, Err(PeerError::Deadline));

    *server.node.takes.lock().unwrap() = Duration::from_secs(2);
    let answer = known.ask(&server.oin, &question(), Duration::from_millis(200)).await;
    assert_eq!(answer, Err(PeerError::Deadline));
}
