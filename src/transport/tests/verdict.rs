//! One verdict on each question, logged before it leaves: deadlines that pass and askers that go, early and late.

use std::sync::Arc;
use std::time::Duration;

use super::fake::Noted;
use super::*;
use crate::domain::reason::ReasonCode;
use crate::service::api::PeerError;

const DEADLINE: Duration = Duration::from_secs(1);

/// A server with a short deadline that works on `calls` questions at a time, and a party that it admits.
async fn hurried(calls: usize) -> (World, Running, Party) {
    let world = World::new();
    let (one, two) = (world.party(1), world.party(2));
    let limits = Limits { call: DEADLINE, calls, ..Limits::default() };
    let server = Running::start(&one, Fake::admitting(&[(two.oin, two.pin)]), limits).await;
    (world, server, two)
}

#[tokio::test]
async fn a_late_question_is_refused_in_the_log_and_never_answered() {
    let (_world, server, two) = hurried(1).await;
    let client = server.client(&two);
    let (_reached, go) = server.node.pause(false);
    let refused = Noted::Deny(ReasonCode::TooSlow);
    // The second one waits for its turn behind the first.
    for before in [vec![], vec![refused]] {
        assert_eq!(*server.node.noted.lock().unwrap(), before);
        let told = client.ask(&server.oin, &question(), PATIENCE).await;
        assert_eq!(told, Err(PeerError::Refused(ReasonCode::TooSlow)));
        assert_eq!(*server.node.noted.lock().unwrap(), [before, vec![refused]].concat(), "logged when it is told");
    }
    go.send(()).unwrap();
    server.node.has_worked(1).await;
    assert_eq!(*server.node.noted.lock().unwrap(), [refused, refused]);
    assert_eq!(server.node.asked.lock().unwrap().len(), 1, "what was late in the queue is not worked on");
    assert_eq!(*server.node.refused.lock().unwrap(), [], "nothing is only counted");
}

#[tokio::test]
async fn what_is_allowed_in_the_log_leaves_also_after_the_deadline() {
    let (_world, server, two) = hurried(1).await;
    let (client, to) = (server.client(&two), server.oin);
    let (reached, go) = server.node.pause(true);
    let call = tokio::spawn(async move { client.ask(&to, &question(), PATIENCE).await });
    reached.await.unwrap();
    tokio::time::sleep(2 * DEADLINE).await;
    go.send(()).unwrap();
    assert!(call.await.unwrap().is_ok());
    server.node.has_noted(&[Noted::Allow, Noted::Ended { complete: true }]).await;
}

#[tokio::test]
async fn who_goes_before_the_verdict_gets_a_refusal_in_the_log_and_no_answer() {
    let (_world, server, two) = pair().await;
    let (client, to) = (Arc::new(server.client(&two)), server.oin);
    let (reached, go) = server.node.pause(false);
    let caller = Arc::clone(&client);
    let call = tokio::spawn(async move { caller.ask(&to, &question(), PATIENCE).await });
    reached.await.unwrap();
    call.abort();
    server.node.has_noted(&[Noted::Deny(ReasonCode::TooSlow)]).await;
    go.send(()).unwrap();
    server.node.has_worked(1).await;
    assert!(client.ask(&to, &question(), PATIENCE).await.is_ok());
    let ended = Noted::Ended { complete: true };
    server.node.has_noted(&[Noted::Deny(ReasonCode::TooSlow), Noted::Allow, ended]).await;
}

#[tokio::test]
async fn who_goes_after_the_verdict_is_logged_as_not_reached() {
    let (_world, server, two) = pair().await;
    // More than a connection holds under way.
    *server.node.document.lock().unwrap() = vec![b' '; 8 << 20];
    let (client, to) = (server.client(&two), server.oin);
    let (reached, go) = server.node.pause(true);
    let call = tokio::spawn(async move { client.ask(&to, &question(), PATIENCE).await });
    reached.await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    go.send(()).unwrap();
    server.node.has_noted(&[Noted::Allow, Noted::Ended { complete: false }]).await;
}

#[tokio::test]
async fn an_answer_that_cannot_leave_is_logged_as_not_reached() {
    let (_world, server, two) = pair().await;
    *server.node.document.lock().unwrap() = vec![b' '; crate::service::api::MAX_DOCUMENT_BYTES + 1];
    let refused = server.client(&two).ask(&server.oin, &question(), PATIENCE).await;
    assert_eq!(refused, Err(PeerError::Refused(ReasonCode::MessageTooLarge)));
    server.node.has_noted(&[Noted::Allow, Noted::Ended { complete: false }]).await;
}
