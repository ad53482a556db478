//! Asks every node in parallel, with deadlines, retries and one transfer id per question: a node that is down, slow or
//! refusing is missing coverage and never stops the rest.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::crypto::{Digest, VerifyingKey};
use crate::domain::oin::Oin;
use crate::domain::query::Query;
use crate::domain::reason::ReasonCode;
use crate::service::api::{AggregateRequest, PeerError, Peers, TraceContext};
use crate::service::document::{AnswerDocument, Expected, InvalidAnswer};
use crate::translog::entry::TransferId;

/// How many nodes are asked at the same time.
const PARALLEL: usize = 16;

/// How long and how often a node is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Time for one attempt, connecting included.
    pub deadline: Duration,
    /// Attempts in all, with the same transfer id.
    pub attempts: u32,
    /// Wait before the second attempt; doubled for each next one.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(900), attempts: 3, pause: Duration::from_millis(500) }
    }
}

/// A node to ask, with the key under which its answers are signed.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whom.
    pub oin: Oin,
    /// Signing key of its card in the convenant.
    pub key: VerifyingKey,
    /// The question for this node: only indicators that its kind of organisation owns.
    pub query: Query,
    /// Id of the transfer and hash of the entry in which we logged that we ask.
    pub intent: (TransferId, Digest),
    /// Trace and span of that entry.
    pub trace: TraceContext,
}

/// What came of asking one node.
#[derive(Debug)]
pub struct Pulled {
    /// Whom.
    pub oin: Oin,
    /// Its answer with the document's hash, or why there is none.
    pub result: Result<(AnswerDocument, Digest), ReasonCode>,
}

/// Asks every node; the results come in the order of `asked`.
pub fn pull(peers: &dyn Peers, ourselves: Oin, convenant: Digest, asked: &[Asked], patience: Patience) -> Vec<Pulled> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Pulled)>> = Mutex::new(Vec::with_capacity(asked.len()));
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL.min(asked.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(node) = asked.get(index) else { break };
                    let pulled = pull_one(peers, ourselves, convenant, node, patience);
                    if let Ok(mut results) = results.lock() {
                        results.push((index, pulled));
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, pulled)| pulled).collect()
}

fn pull_one(peers: &dyn Peers, ourselves: Oin, convenant: Digest, node: &Asked, patience: Patience) -> Pulled {
    let request = AggregateRequest {
        transfer_id: node.intent.0,
        intent_hash: node.intent.1,
        convenant_hash: convenant,
        query: node.query.clone(),
        trace: node.trace,
    };
    let expected = Expected {
        sender: node.oin,
        receiver: ourselves,
        convenant,
        query: node.query.hash(),
        transfer: request.transfer_id,
    };
    let result = ask(peers, node, &request, patience).and_then(|(document, signature)| {
        let hash = crate::crypto::digest(&document);
        let document = AnswerDocument::open(&document, &signature, &node.key).map_err(reason)?;
        document.belongs_to(&expected).map_err(reason)?;
        Ok((document, hash))
    });
    Pulled { oin: node.oin, result }
}

fn reason(fault: InvalidAnswer) -> ReasonCode {
    match fault {
        InvalidAnswer::Signature => ReasonCode::AnswerSignatureInvalid,
        InvalidAnswer::Malformed => ReasonCode::MessageMalformed,
        InvalidAnswer::Mismatch => ReasonCode::AnswerMismatch,
    }
}

type Signed = (Vec<u8>, [u8; 64]);

fn ask(peers: &dyn Peers, node: &Asked, request: &AggregateRequest, patience: Patience) -> Result<Signed, ReasonCode> {
    let mut pause = patience.pause;
    let mut last = PeerError::Unreachable;
    for attempt in 0..patience.attempts {
        if attempt > 0 {
            std::thread::sleep(pause);
            pause *= 2;
        }
        match peers.aggregate(&node.oin, request, patience.deadline) {
            Ok(answer) => return Ok((answer.document, answer.signature)),
            Err(error) => {
                last = error;
                if !error.retryable() {
                    break;
                }
            }
        }
    }
    Err(last.reason())
}
