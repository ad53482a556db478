//! Reading entries back: by number, as a stream, and through a filter.

use std::ops::Range;

use super::{LogError, TransferLog};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::translog::entry::{Decision, Entry, Outcome, Phase, TransferId};

/// Which entries a listing has; an absent condition lets every entry through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// `start_ms` at or after this moment.
    pub from_ms: Option<u64>,
    /// `start_ms` before this moment.
    pub until_ms: Option<u64>,
    /// Sender, receiver or delegator.
    pub partner: Option<Oin>,
    /// This decision.
    pub decision: Option<Decision>,
    /// This phase.
    pub phase: Option<Phase>,
    /// This transfer, or entries that refer to it.
    pub transfer: Option<TransferId>,
    /// This purpose code.
    pub purpose: Option<String>,
    /// A legal ground that holds this text, in any case: `7.4.1`.
    pub ground: Option<String>,
    /// A field that was shared: an indicator or the name of a field.
    pub field: Option<String>,
    /// This service, by the name in the entries.
    pub service: Option<String>,
    /// How a transfer ended.
    pub outcome: Option<Outcome>,
    /// This processing activity, ours or the other organisation's.
    pub activity: Option<String>,
    /// This W3C trace id.
    pub trace: Option<[u8; 16]>,
    /// A text, in any case, in the action, the service or a reason code.
    pub text: Option<String>,
    /// Only entries in which something is sealed.
    pub sealed: bool,
}

impl Filter {
    /// Whether the entry meets every condition.
    #[must_use]
    pub fn admits(&self, entry: &Entry) -> bool {
        let party = |oin| entry.sender_oin == Some(oin) || entry.receiver_oin == Some(oin);
        self.from_ms.is_none_or(|from| entry.start_ms >= from)
            && self.until_ms.is_none_or(|until| entry.start_ms < until)
            && self.partner.is_none_or(|oin| party(oin) || entry.delegator_oins.contains(&oin))
            && self.decision.is_none_or(|decision| entry.decision == Some(decision))
            && self.phase.is_none_or(|phase| entry.phase == phase)
            && self.transfer.is_none_or(|id| entry.transfer_id == id || entry.refers_to == Some(id))
            && self.purpose.as_ref().is_none_or(|purpose| entry.purpose == *purpose)
            && self
                .ground
                .as_ref()
                .is_none_or(|ground| entry.ground_article.to_lowercase().contains(&ground.to_lowercase()))
            && self.service.as_ref().is_none_or(|service| entry.service == *service)
            && self.field.as_ref().is_none_or(|field| entry.field_names.contains(field))
            && self.outcome.is_none_or(|outcome| entry.outcome == Some(outcome))
            && self.activity.as_ref().is_none_or(|uri| entry.activity_own == *uri || entry.activity_peer == *uri)
            && self.trace.is_none_or(|trace| entry.trace_id == Some(trace))
            && self.text.as_ref().is_none_or(|text| mentions(entry, &text.to_lowercase()))
            && !(self.sealed && entry.subject_sealed.is_empty())
    }
}

fn mentions(entry: &Entry, text: &str) -> bool {
    let texts = [&entry.action, &entry.service].into_iter().chain(&entry.reason_codes);
    texts.into_iter().any(|said| said.to_lowercase().contains(text))
}

impl TransferLog {
    /// The durable entries with these numbers, in order, read as a stream.
    pub fn entries(&self, range: Range<u64>) -> impl Iterator<Item = Result<(u64, Entry), LogError>> + use<> {
        self.raw_entries(range).map(|record| {
            let (index, bytes) = record?;
            let entry = Entry::decode(&bytes).map_err(|error| LogError::Unreadable { index, error })?;
            Ok((index, entry))
        })
    }

    /// The bytes of the durable entries with these numbers, in order, read as a stream.
    pub fn raw_entries(&self, range: Range<u64>) -> impl Iterator<Item = Result<(u64, Vec<u8>), LogError>> + use<> {
        let count = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        self.inner.journal.iter_from(range.start).take(count).map(|record| record.map_err(LogError::from))
    }

    /// One entry; `None` at or above [`TransferLog::len`].
    ///
    /// # Errors
    /// [`LogError`] when it cannot be read.
    pub fn entry(&self, index: u64) -> Result<Option<Entry>, LogError> {
        self.entries(index..index.saturating_add(1)).next().transpose().map(|found| found.map(|(_, entry)| entry))
    }

    /// The entries that a filter admits, oldest first, read as a stream over the whole log.
    pub fn list(&self, filter: Filter) -> impl Iterator<Item = Result<(u64, Entry), LogError>> + use<> {
        let keep = move |found: &Result<(u64, Entry), LogError>| found.as_ref().map_or(true, |(_, e)| filter.admits(e));
        self.entries(0..self.len()).filter(keep)
    }

    /// Reads every entry from the first and compares the tree with the signed checkpoint; size and root.
    ///
    /// # Errors
    /// [`LogError`] that names the first entry that cannot be read, or says that the tree is not the signed one.
    pub fn audit(&self) -> Result<(u64, Digest), LogError> {
        self.inner.audit()
    }
}
