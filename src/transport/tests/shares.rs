//! Calls of witnesses and questions do not wait for each other, nor one partner for another.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::service::witness::{Said, ShowRequest};

const MOMENT: Duration = Duration::from_millis(200);

/// A server that works on this many questions at a time, of one partner one, and on one witness call; two parties.
async fn narrow(calls: usize) -> (World, Running, [Arc<Client>; 2]) {
    let world = World::new();
    let parties = [world.party(2), world.party(3)];
    let limits = Limits { calls, calls_per_partner: 1, witness_calls: 1, ..Limits::default() };
    let node = Fake::admitting(&parties.each_ref().map(|party| (party.oin, party.pin)));
    let server = Running::start(&world.party(1), node, limits).await;
    let clients = parties.each_ref().map(|party| Arc::new(server.client(party)));
    (world, server, clients)
}

fn shown(checkpoint: &str) -> ShowRequest {
    ShowRequest { checkpoint: checkpoint.to_owned(), proofs: vec![], seen: vec![] }
}

#[tokio::test]
async fn a_witness_does_not_wait_for_questions() {
    let (_world, server, [client, _]) = narrow(1).await;
    let (reached, go) = server.node.pause(false);
    let (to, asker) = (server.oin, Arc::clone(&client));
    let asked = tokio::spawn(async move { asker.ask(&to, &question(), PATIENCE).await });
    reached.await.unwrap();
    let judged = client.ask_witness(&to, &shown("note"), PATIENCE).await.unwrap();
    assert_eq!(judged.said, Said::Cosigned("note".to_owned()));
    go.send(()).unwrap();
    asked.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_question_does_not_wait_for_witnesses() {
    let (_world, server, [client, _]) = narrow(1).await;
    let (reached, go) = server.node.pause(false);
    let (to, shows) = (server.oin, Arc::clone(&client));
    let judged = tokio::spawn(async move { shows.ask_witness(&to, &shown("wait"), PATIENCE).await });
    reached.await.unwrap();
    client.ask(&to, &question(), PATIENCE).await.unwrap();
    go.send(()).unwrap();
    judged.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_asks_much_waits_for_itself_alone() {
    let (_world, server, [greedy, other]) = narrow(2).await;
    let (reached, go) = server.node.pause(false);
    let to = server.oin;
    let ask = |client: &Arc<Client>| {
        let client = Arc::clone(client);
        tokio::spawn(async move { client.ask(&to, &question(), PATIENCE).await })
    };
    let first = ask(&greedy);
    reached.await.unwrap();
    let second = ask(&greedy);
    tokio::time::sleep(MOMENT).await;
    ask(&other).await.unwrap().unwrap();
    assert!(!first.is_finished() && !second.is_finished(), "its share is one");
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}
