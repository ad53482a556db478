//! Hostile acts in a linked run over TLS between processes: a node, a blinder and a monitor that break the rules. Each is refused with
//! its code in the log of the process that refuses, the culprit is named there, and nothing is released.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ketenpoort::config::Config;
use ketenpoort::crypto::oprf::{BlinderKey, Elements};
use ketenpoort::crypto::{KeyTree, Secret32};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::linkage::document::{Elements as Line, Run, RunDocument};
use ketenpoort::linkage::passage::{Leg, Passage};
use ketenpoort::monitor::links::{Failed, Linking};
use ketenpoort::monitor::pull::Patience;
use ketenpoort::node::{self, directory, tls_paths};
use ketenpoort::service::api::{
    AggregateRequest, AnswerBytes, PeerError, Peers, StatusView, Unanswered, WantedReceipts,
};
use ketenpoort::service::links::messages::{LinkCall, LinkSaid, LinkStep};
use ketenpoort::service::sums::messages::{Delivery, ShareRequest, SumCall, SumReply};
use ketenpoort::service::witness::{ShowReply, ShowRequest};
use ketenpoort::translog::entry::TransferId;
use ketenpoort::translog::receipt::SignedReceipt;
use ketenpoort::transport::client::Client;
use ketenpoort::transport::tls::TlsHandle;

use crate::sums::processes::{Nodes, oin};

/// What the party that plays false knows of the run: its document, and what was carried last and in the run before.
#[derive(Default)]
struct Seen {
    run: Option<Arc<Run>>,
    /// The last batch that went to a blinder.
    batch: Option<Passage>,
    /// A batch of an earlier run.
    earlier: Option<Passage>,
}

/// What is sent instead of a call; none leaves it as it is.
type Sends = fn(&Seen, &LinkCall) -> Option<LinkCall>;
/// What is heard instead of an answer, made by whoever has these keys.
type Says = fn(&Seen, &LinkCall, &dyn Fn(Oin) -> KeyTree, LinkSaid) -> LinkSaid;

/// One act: what it is, how it is done, who refuses with which code, and who is named for it.
struct Act {
    what: &'static str,
    sends: Sends,
    says: Says,
    refused_by: Party,
    reason: ReasonCode,
    named: Party,
}

#[derive(Clone, Copy, PartialEq)]
enum Party {
    A,
    P,
    Gate,
    Monitor,
}

/// The partners as a party that plays false reaches them.
struct Hostile<'a> {
    client: Client,
    nodes: &'a Nodes,
    act: Mutex<Option<(Sends, Says)>>,
    seen: Mutex<Seen>,
}

impl Peers for Hostile<'_> {
    fn link(&self, to: &Oin, call: &LinkCall, deadline: Duration) -> Result<LinkSaid, PeerError> {
        let act = *self.act.lock().expect("lock");
        let sent = {
            let mut seen = self.seen.lock().expect("lock");
            match call {
                LinkStep::Begin(signed) => {
                    let document = RunDocument::from_bytes(&signed.document).expect("a document");
                    seen.run = Some(Arc::new(Run::new(document).expect("sound")));
                    if let Some(batch) = seen.batch.take() {
                        seen.earlier = Some(batch);
                    }
                }
                LinkStep::Multiply(_, passage) if passage.leg == Leg::ToP => seen.batch = Some(passage.clone()),
                _ => {}
            }
            act.and_then(|(sends, _)| sends(&seen, call))
        };
        let said = self.client.link(to, sent.as_ref().unwrap_or(call), deadline)?;
        let keys = |of: Oin| keys(self.nodes, of);
        Ok(act.map_or(said.clone(), |(_, says)| says(&self.seen.lock().expect("lock"), call, &keys, said)))
    }

    fn aggregate(&self, to: &Oin, request: &AggregateRequest, deadline: Duration) -> Result<AnswerBytes, Unanswered> {
        self.client.aggregate(to, request, deadline)
    }

    fn confirm(&self, to: &Oin, receipt: &SignedReceipt, deadline: Duration) -> Result<(), PeerError> {
        self.client.confirm(to, receipt, deadline)
    }

    fn receipts(&self, to: &Oin, wanted: &WantedReceipts, deadline: Duration) -> Result<Vec<Vec<u8>>, PeerError> {
        self.client.receipts(to, wanted, deadline)
    }

    fn sum(&self, _: &Oin, _: &SumCall, _: Duration) -> Result<SumReply, PeerError> {
        Err(PeerError::UnknownParty)
    }

    fn status(&self, to: &Oin, deadline: Duration) -> Result<StatusView, PeerError> {
        self.client.status(to, deadline)
    }

    fn show_checkpoint(&self, to: &Oin, request: &ShowRequest, deadline: Duration) -> Result<ShowReply, PeerError> {
        self.client.show_checkpoint(to, request, deadline)
    }

    fn share(&self, _: &Oin, _: &ShareRequest, _: Duration) -> Result<Delivery, Unanswered> {
        Err(PeerError::UnknownParty.into())
    }
}

/// The keys of a node, as who has its directory has them.
fn keys(nodes: &Nodes, of: Oin) -> KeyTree {
    let key = Nodes::key_of(of);
    let root = std::fs::read(format!("{}/keys/root.key", nodes.path(key))).expect("a root key");
    KeyTree::new(Secret32::new(root.try_into().expect("32 bytes")))
}

/// What node `a` sends on this leg, changed by it and signed again.
fn of_a(seen: &Seen, keys: &dyn Fn(Oin) -> KeyTree, said: LinkSaid, leg: Leg, change: fn(&mut Vec<u8>)) -> LinkSaid {
    let a = party("a");
    match said {
        LinkSaid::Passage(passage) if passage.from == a && passage.leg == leg => {
            let Passage { number, last, mut bytes, .. } = passage;
            change(&mut bytes);
            let run = seen.run.as_ref().expect("begun");
            LinkSaid::Passage(Passage::sign(run, (a, &keys(a).signing_key()), (leg, number, last), bytes))
        }
        other => other,
    }
}

fn party(key: &str) -> Oin {
    Oin::parse(&oin(key)).expect("an OIN")
}

fn as_it_is(_: &Seen, _: &LinkCall) -> Option<LinkCall> {
    None
}

fn unchanged(_: &Seen, _: &LinkCall, _: &dyn Fn(Oin) -> KeyTree, said: LinkSaid) -> LinkSaid {
    said
}

/// P multiplies by another key than the one in the document, and signs its answer.
fn another_key(seen: &Seen, call: &LinkCall, keys: &dyn Fn(Oin) -> KeyTree, said: LinkSaid) -> LinkSaid {
    match (call, said) {
        (LinkStep::Multiply(_, batch), LinkSaid::Passage(answer))
            if batch.from == party("a") && batch.leg == Leg::ToP =>
        {
            let elements = Elements::from_bytes(&batch.bytes).expect("elements");
            let (elements, proof) = BlinderKey::random().evaluate(&elements);
            let bytes = [&elements.to_bytes()[..], &proof.to_bytes()].concat();
            let signed = keys(answer.from).signing_key();
            LinkSaid::Passage(Passage::answer(seen.run.as_ref().expect("begun"), (answer.from, &signed), batch, bytes))
        }
        (_, said) => said,
    }
}

/// The monitor groups tags under the places of others.
fn regrouped(_: &Seen, _: &LinkCall, _: &dyn Fn(Oin) -> KeyTree, said: LinkSaid) -> LinkSaid {
    match said {
        LinkSaid::Tags(tags) => LinkSaid::Tags(tags.chunks(64).rev().flatten().copied().collect()),
        other => other,
    }
}

/// The monitor hands P a batch that a node signed in an earlier run.
fn replayed(seen: &Seen, call: &LinkCall) -> Option<LinkCall> {
    match (call, &seen.earlier) {
        (LinkStep::Multiply(run, passage), Some(earlier)) if passage.leg == Leg::ToP => {
            Some(LinkStep::Multiply(*run, earlier.clone()))
        }
        _ => None,
    }
}

/// The monitor has a document signed that passes the quota of a node.
fn over_quota(_: &Seen, call: &LinkCall) -> Option<LinkCall> {
    let LinkStep::Sign(request) = call else { return None };
    let mut document = RunDocument::from_bytes(&request.document).expect("a document");
    document.spent = vec![Line { oin: document.nodes[0].oin, elements: u32::MAX - 63 }];
    let mut request = request.clone();
    request.document = document.to_bytes();
    Some(LinkStep::Sign(request))
}

/// Every act is of a party that signs what it makes, so that nobody else can be named.
fn acts() -> Vec<Act> {
    let refused = ReasonCode::LinkRefused;
    let by_a =
        |what, says, refused_by| Act { what, sends: as_it_is, says, refused_by, reason: refused, named: Party::A };
    let by_monitor = |what, sends: Sends, says, refused_by, reason| Act {
        what,
        sends,
        says,
        refused_by,
        reason,
        named: Party::Monitor,
    };
    vec![
        by_a(
            "an element twice",
            |s, _, k, said| of_a(s, k, said, Leg::ToP, |bytes| bytes.copy_within(..32, 32)),
            Party::P,
        ),
        by_a(
            "more elements than it declared",
            |s, _, k, said| of_a(s, k, said, Leg::ToP, |bytes| bytes.extend(Elements::random(1).to_bytes())),
            Party::P,
        ),
        by_a("the identity", |s, _, k, said| of_a(s, k, said, Leg::ToP, |bytes| bytes[..32].fill(0)), Party::P),
        by_a("rows of noise", |s, _, k, said| of_a(s, k, said, Leg::ToGate, |bytes| bytes.reverse()), Party::Gate),
        Act {
            what: "another key",
            sends: as_it_is,
            says: another_key,
            refused_by: Party::A,
            reason: refused,
            named: Party::P,
        },
        by_monitor("a batch of another run", replayed, unchanged, Party::P, ReasonCode::LinkDocument),
        by_monitor("groups that are not", as_it_is, regrouped, Party::Gate, refused),
        by_monitor("more than the quota", over_quota, unchanged, Party::Gate, ReasonCode::LinkQuota),
    ]
}

/// The monitor, opened in this process, with partners that it reaches over TLS.
struct Besieging<'a> {
    monitor: node::Node,
    peers: Hostile<'a>,
    _runtime: tokio::runtime::Runtime,
}

impl<'a> Besieging<'a> {
    fn open(nodes: &'a Nodes) -> Self {
        let config = Config::load(std::path::Path::new(&nodes.path("m"))).expect("configuration");
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
        let tls = TlsHandle::open(tls_paths(&config)).expect("TLS");
        let monitor = node::open(config).expect("the monitor");
        let client = Client::new(tls, directory(&monitor.core), runtime.handle().clone());
        let peers = Hostile { client, nodes, act: Mutex::default(), seen: Mutex::default() };
        Self { monitor, peers, _runtime: runtime }
    }

    /// A run under this convenant, and how many tables of it are released then.
    fn make(&self, id: &str) -> (Result<(), Failed>, usize) {
        let standing = self.monitor.core.standing();
        let mut all = standing.in_force.iter().flatten();
        let convenant = all.find(|one| one.convenant().id == id).expect("in force");
        let patience = Patience { pause: Duration::ZERO, ..Patience::default() };
        let (core, peers, gate) = (&*self.monitor.core, &self.peers, party("g"));
        let linking = Linking { core, peers, convenant, gate, without: &[], patience };
        let made = linking.make(&[2022].into());
        let table = TableQuery { indicator: IndicatorId::Ind05, period: Period::year_of(2022), by: Vec::new() };
        (made, linking.released(&Query::new(vec![table])).tables.len())
    }
}

/// Plays every act between the processes, then an honest run: `nodes` all serve, but the monitor.
pub fn besiege(nodes: &Nodes) {
    let besieging = Besieging::open(nodes);
    let peers = &besieging.peers;
    for act in acts() {
        *peers.act.lock().expect("lock") = Some((act.sends, act.says));
        peers.seen.lock().expect("lock").run = None;
        let (made, released) = besieging.make("som");
        let (at, reason) = made.expect_err(act.what);
        assert_eq!((reason, released), (act.reason, 0), "{}", act.what);
        let run = peers.seen.lock().expect("lock").run.clone();
        judge(nodes, &act, at, run.as_deref());
    }
    *peers.act.lock().expect("lock") = None;
    let nobody = LinkStep::Mix(TransferId::new(5, [3; 10]));
    let unknown = peers.link(&party("g"), &nobody, Duration::from_secs(5)).expect_err("no such run").reason();
    assert_eq!((unknown, denied(nodes, "g").last().expect("an entry").reason), (ReasonCode::LinkRunUnknown, unknown));
    assert_eq!(besieging.make("som"), (Ok(()), 1), "an honest run");
    drop(besieging);
    // Under a convenant whose chain key came after the deliveries no child has a token.
    nodes.agree("later");
    let (made, _) = Besieging::open(nodes).make("later");
    assert_eq!(made.expect_err("no tokens").1, ReasonCode::LinkTokens);
    assert!(denied(nodes, "a").iter().any(|denied| denied.reason == ReasonCode::LinkTokens));
    assert!(denied(nodes, "g").iter().any(|denied| denied.reason == ReasonCode::LinkNotMade));
}

/// Who refused, with which code in its log, and whom it names there: whose act it was, and nobody else but the monitor that carried it.
fn judge(nodes: &Nodes, act: &Act, at: Oin, run: Option<&Run>) {
    let of = |party_of: Party| match (party_of, run) {
        (Party::A, _) => party("a"),
        (Party::Gate, _) => party("g"),
        (Party::Monitor, _) => party("m"),
        (Party::P, run) => run.expect("begun").document.blinders[0].oin,
    };
    assert_eq!(at, of(act.refused_by), "{}", act.what);
    // Of this run, when it had begun; a document that nobody signs is of no run yet.
    let of_run = |denied: &&Denied| run.is_none_or(|run| denied.run == run.document.run);
    let denied = denied(nodes, Nodes::key_of(at));
    let mine = denied.iter().filter(of_run).filter(|denied| denied.reason == act.reason);
    let named: BTreeSet<Oin> = mine.map(|denied| denied.of).collect();
    assert!(named.contains(&of(act.named)), "{}: {named:?}", act.what);
    assert!(named.is_subset(&[of(act.named), party("m")].into()), "{}: {named:?}", act.what);
}

/// A refusal in the log of a node.
struct Denied {
    number: u64,
    run: String,
    reason: ReasonCode,
    of: Oin,
}

/// What a node refused, oldest first.
fn denied(nodes: &Nodes, key: &str) -> Vec<Denied> {
    let listed = nodes.node(&["log", "list", "--limit", "100000", "--json"], key);
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).expect("JSON");
    let other = |end: &serde_json::Value| Oin::parse(end.as_str()?).ok().filter(|of| *of != party(key));
    let read = |entry: &serde_json::Value| {
        Some(Denied {
            number: entry["number"].as_u64()?,
            run: entry["transfer_id"].as_str()?.to_owned(),
            reason: ReasonCode::parse(entry["reason_codes"][0].as_str()?)?,
            // Of a step that is refused the asker is the receiver of the answer.
            of: ["sender", "receiver"].into_iter().find_map(|end| other(&entry[end]))?,
        })
    };
    let mut denied: Vec<Denied> = listed.iter().filter(|entry| entry["phase"] == "DENY").filter_map(read).collect();
    denied.sort_by_key(|denied| denied.number);
    denied
}
