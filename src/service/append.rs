//! The one door to the transfer log: every entry leaves here with a trace, a span and a processing activity.
//!
//! The trace of a local command holds for what its thread does meanwhile ([`Scope`]); the trace of a partner's question
//! comes with the question; what belongs to neither gets a trace of its own.

use std::cell::Cell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use super::api::TraceContext;
use super::core::Core;
use crate::crypto::{Digest, random};
use crate::domain::oin::Oin;
use crate::storage::log::{LogError, Logged};
use crate::translog::entry::{Direction, Entry, Phase, TransferId};

/// Actions that are remembered; of others the log is asked.
const MOST: usize = 16_384;

thread_local! {
    static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// While this lives, what the thread logs belongs to one trace.
#[must_use]
pub struct Scope(Option<TraceContext>, PhantomData<*const ()>);

impl Scope {
    /// Begins; the trace of before comes back at the end.
    pub fn enter(trace: TraceContext) -> Self {
        Self(CURRENT.replace(Some(trace)), PhantomData)
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// A step with the step that it is part of.
pub(in crate::service) struct NextStep {
    pub(in crate::service) trace: TraceContext,
    pub(in crate::service) parent: Option<[u8; 8]>,
}

/// A new step in the trace of this thread, or the first of a new trace.
pub(in crate::service) fn next_step() -> NextStep {
    let now = CURRENT.get();
    let trace_id = now.map_or_else(random, |now| now.trace_id);
    NextStep { trace: TraceContext { trace_id, span_id: random() }, parent: now.map(|now| now.span_id) }
}

/// What an action is known by.
#[derive(Clone)]
struct Known {
    trace: TraceContext,
    parent: Option<[u8; 8]>,
    activity: String,
}

impl Known {
    fn of(entry: &Entry) -> Option<Self> {
        let (trace_id, span_id) = entry.trace_id.zip(entry.span_id)?;
        let trace = TraceContext { trace_id, span_id };
        Some(Self { trace, parent: entry.parent_span_id, activity: entry.activity_own.clone() })
    }
}

/// A transfer with one partner, one way.
type Way = (TransferId, Option<Oin>, Direction);

/// Actions that were announced, by transfer, partner and way of the data.
#[derive(Default)]
pub(in crate::service) struct Actions(Mutex<HashMap<Way, Known>>);

impl Core {
    /// Completes an entry and appends it; durable when this returns.
    ///
    /// # Errors
    /// As [`crate::storage::log::TransferLog::append`].
    pub(in crate::service) fn append(&self, entry: &Entry) -> Result<Logged, LogError> {
        let entry = self.completed(entry);
        let logged = self.log.append(&entry)?;
        if entry.phase == Phase::Intent
            && let Some(known) = Known::of(&entry)
        {
            let mut actions = self.actions.0.lock().unwrap_or_else(PoisonError::into_inner);
            if actions.len() >= MOST {
                actions.clear();
            }
            actions.insert((entry.transfer_id, entry.partner(), entry.direction), known);
        }
        Ok(logged)
    }

    fn completed(&self, entry: &Entry) -> Entry {
        let mut entry = entry.clone();
        if matches!(entry.phase, Phase::Outcome | Phase::Received)
            && entry.trace_id.is_none()
            && let Some(known) = self.known(&entry)
        {
            // The end of an action is in its span.
            (entry.trace_id, entry.span_id) = (Some(known.trace.trace_id), Some(known.trace.span_id));
            entry.parent_span_id = known.parent;
            if entry.activity_own.is_empty() {
                entry.activity_own = known.activity;
            }
        }
        if entry.trace_id.is_none() {
            let now = CURRENT.get();
            entry.trace_id = Some(now.map_or_else(random, |now| now.trace_id));
            entry.parent_span_id = entry.parent_span_id.or_else(|| now.map(|now| now.span_id));
        }
        entry.span_id = entry.span_id.or_else(|| Some(random()));
        if entry.activity_own.is_empty() && matches!(entry.phase, Phase::Intent | Phase::Deny) {
            entry.activity_own = self.activity_of(&entry);
        }
        entry
    }

    /// The action that this entry ends: from memory, or from the log after a restart.
    fn known(&self, entry: &Entry) -> Option<Known> {
        let key = (entry.transfer_id, entry.partner(), entry.direction);
        let kept = self.actions.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        kept.or_else(|| {
            let entries = self.index.of_transfer(&self.log, key.1?, key.0).ok()?;
            entries
                .iter()
                .rev()
                .find(|(_, e)| e.phase == Phase::Intent && e.direction == key.2)
                .and_then(|(_, e)| Known::of(e))
        })
    }

    /// The processing activity of an entry: that of its purpose under its convenant, or one of the organisation's own.
    fn activity_of(&self, entry: &Entry) -> String {
        let version =
            entry.convenant_hash.filter(|_| !entry.convenant_id.is_empty()).and_then(|hash| self.version_of(&hash));
        match version {
            Some(version) => self.identity.activities.under(&entry.convenant_id, &entry.purpose, version),
            None => self.identity.activities.own(&entry.service),
        }
    }

    fn version_of(&self, hash: &Digest) -> Option<u32> {
        self.memory().convenants.get(&hash.0).map(|bundle| bundle.convenant().version)
    }
}
