//! Asks every node in parallel, with deadlines, retries and one transfer id per question: a node that is down, slow or
//! refusing is missing coverage and never stops the rest.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::api::Peers;
use crate::service::core::Core;
use crate::service::document::AnswerDocument;
use crate::service::receipts::{Question, Taken};

/// Time for handing over our receipt.
const CONFIRM: Duration = Duration::from_secs(30);
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

/// What came of asking one node.
#[derive(Debug)]
pub struct Pulled {
    /// Whom.
    pub oin: Oin,
    /// Its answer, or why there is none.
    pub result: Result<AnswerDocument, ReasonCode>,
}

/// Asks every node; the results come in the order of `asked`.
pub fn pull(core: &Core, peers: &dyn Peers, asked: &[Question], patience: Patience) -> Vec<Pulled> {
    in_parallel(asked, |node| pull_one(core, peers, node.clone(), patience))
}

/// Does the same with every item, some at a time; the results in the order of the items.
pub(super) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let done = work(item);
                    if let Ok(mut results) = results.lock() {
                        results.push((index, done));
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, done)| done).collect()
}

/// Asks one node; its answer is believed and logged, and confirmed with our receipt, before it counts.
fn pull_one(core: &Core, peers: &dyn Peers, mut question: Question, patience: Patience) -> Pulled {
    let oin = question.to;
    let result = ask(core, peers, &mut question, patience).map(|taken| {
        // What does not arrive the partner asks for itself.
        if let Err(error) = peers.confirm(&oin, &taken.receipt, CONFIRM) {
            tracing::warn!(%oin, %error, "ons ontvangstbewijs kon niet worden afgegeven");
        }
        taken.document
    });
    Pulled { oin, result }
}

fn ask(core: &Core, peers: &dyn Peers, question: &mut Question, patience: Patience) -> Result<Taken, ReasonCode> {
    let mut pause = patience.pause;
    for attempt in 1.. {
        let unanswered = match peers.aggregate(&question.to, &question.request(), patience.deadline) {
            Ok(answer) => return core.take_answer(question, &answer),
            Err(unanswered) => unanswered,
        };
        let again = unanswered.error.retryable() && attempt < patience.attempts;
        if !again || unanswered.receipt.is_some() {
            let reason = core.take_refusal(question, unanswered.error.reason(), unanswered.receipt.as_deref());
            if !again || reason != unanswered.error.reason() {
                return Err(reason);
            }
            core.log_question_again(question)?;
        }
        std::thread::sleep(pause);
        pause *= 2;
    }
    Err(ReasonCode::PartnerUnreachable)
}
