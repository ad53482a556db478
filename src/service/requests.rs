//! A transfer id belongs to one question of one requester, also after a restart: what this process claimed is in memory,
//! what earlier ones answered is found in the log through the index. Two partners that choose the same id do not meet.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::answer::log_reason;
use super::api::AggregateRequest;
use super::core::Core;
use crate::crypto::{Digest, digest_parts};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::storage::log::{Filter, LogError, MOST_OF_TRANSFER};
use crate::translog::entry::{Direction, Entry, Phase, TransferId};

/// Requests that are remembered in memory before those that are in the log are forgotten.
const MOST: usize = 100_000;

/// The questions that this process claimed, by requester and transfer id.
#[derive(Default)]
pub(in crate::service) struct Requests(Mutex<HashMap<(Oin, TransferId), Digest>>);

impl Core {
    /// Binds a transfer id of a requester to its question.
    ///
    /// # Errors
    /// [`ReasonCode::RequestIdReused`] when it is bound to another; or the log cannot be read.
    pub(in crate::service) fn claim_request(
        &self,
        requester: Oin,
        request: &AggregateRequest,
    ) -> Result<(), ReasonCode> {
        self.claim((requester, request.transfer_id), (request.query.hash(), request.convenant_hash))
    }

    /// As [`Core::claim_request`], for any question by its hash and that of its convenant.
    pub(in crate::service) fn claim(
        &self,
        named: (Oin, TransferId),
        (query, convenant): (Digest, Digest),
    ) -> Result<(), ReasonCode> {
        let question = question(query, convenant);
        let mut claimed = self.requests.0.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = match claimed.get(&named) {
            Some(earlier) => Some(*earlier),
            None => self.answered_before(named).map_err(|e| log_reason(&e))?,
        };
        if earlier.is_some_and(|earlier| earlier != question) {
            return Err(ReasonCode::RequestIdReused);
        }
        if claimed.len() >= MOST {
            self.index.follow(&self.log);
            claimed.clear();
        }
        claimed.insert(named, question);
        Ok(())
    }

    /// The question that this requester was answered under this id.
    fn answered_before(&self, (requester, id): (Oin, TransferId)) -> Result<Option<Digest>, LogError> {
        let entries = self.index.of_transfer(&self.log, requester, id)?;
        let used_up = entries.len() >= MOST_OF_TRANSFER;
        let answers = |entry: &Entry| entry.phase == Phase::Intent && entry.direction == Direction::Outgoing;
        let intent = entries.into_iter().map(|(_, entry)| entry).find(answers);
        let answered = intent.and_then(|entry| Some(question(entry.query_hash?, entry.convenant_hash?)));
        // Under an id with so many entries no question is the same any more.
        Ok(answered.or_else(|| used_up.then(|| digest_parts(&[]))))
    }

    /// Brings the index up to date with the log; called every second, away from the road of an answer.
    pub fn follow_log(&self) {
        self.index.follow(&self.log);
    }

    /// At most `limit` entries of the transfer log that a filter admits, with their numbers, the newest first.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub fn log_entries(&self, filter: &Filter, page: (Option<u64>, usize)) -> Result<Vec<(u64, Entry)>, LogError> {
        self.index.newest(&self.log, filter, page)
    }
}

fn question(query: Digest, convenant: Digest) -> Digest {
    digest_parts(&[&query.0, &convenant.0])
}
