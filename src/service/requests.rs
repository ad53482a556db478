//! A request id belongs to one question of one requester, also after a restart: the transfer id of the INTENT that
//! answers a request is made of requester and request id, so the log itself remembers which question it was. What this
//! process claimed is in memory; what earlier ones answered is found through the index.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::answer::log_reason;
use super::api::AggregateRequest;
use super::core::Core;
use crate::crypto::{Digest, digest_parts};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::storage::log::{Filter, LogError};
use crate::translog::entry::{Entry, TransferId};

/// Requests that are remembered in memory before those that are in the log are forgotten.
const MOST: usize = 100_000;

/// The questions that this process claimed, by requester and request id.
#[derive(Default)]
pub(in crate::service) struct Requests(Mutex<HashMap<[u8; 10], Digest>>);

impl Core {
    /// Binds a request id to its question.
    ///
    /// # Errors
    /// [`ReasonCode::RequestIdReused`] when it is bound to another; or the log cannot be read.
    pub(in crate::service) fn claim_request(
        &self,
        requester: Oin,
        request: &AggregateRequest,
    ) -> Result<(), ReasonCode> {
        let (mark, question) = (mark(requester, request), question(request.query.hash(), request.convenant_hash));
        let mut claimed = self.requests.0.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = match claimed.get(&mark) {
            Some(earlier) => Some(*earlier),
            None => self.answered_before(mark, requester).map_err(|e| log_reason(&e))?,
        };
        if earlier.is_some_and(|earlier| earlier != question) {
            return Err(ReasonCode::RequestIdReused);
        }
        if claimed.len() >= MOST {
            self.index.follow(&self.log);
            claimed.clear();
        }
        claimed.insert(mark, question);
        Ok(())
    }

    /// The question that was answered under this mark.
    fn answered_before(&self, mark: [u8; 10], requester: Oin) -> Result<Option<Digest>, LogError> {
        let intent = self.index.first_intent(&self.log, mark)?.filter(|entry| entry.receiver_oin == Some(requester));
        Ok(intent.and_then(|entry| Some(question(entry.query_hash?, entry.convenant_hash?))))
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

/// The transfer id of the answer to a request: its random part is that of the request id.
pub(in crate::service) fn transfer_id(requester: Oin, request: &AggregateRequest, now_ms: u64) -> TransferId {
    TransferId::new(now_ms, mark(requester, request))
}

fn mark(requester: Oin, request: &AggregateRequest) -> [u8; 10] {
    let whole = digest_parts(&[b"ketenpoort/v1/request\0", requester.as_str().as_bytes(), &request.request_id]);
    let mut mark = [0; 10];
    mark.copy_from_slice(&whole.0[..10]);
    mark
}

fn question(query: Digest, convenant: Digest) -> Digest {
    digest_parts(&[&query.0, &convenant.0])
}
