//! The transfer log in the words of the log standards: actions as a stream, and pages of FSC records for one organisation.

use std::sync::PoisonError;

use thiserror::Error;

use super::answer::log_reason;
use super::core::Core;
use crate::crypto::hex;
use crate::domain::activity::ActivityBase;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::storage::log::{Filter, LogError};
use crate::translog::entry::Entry;
use crate::translog::standards::fsc::{self, InvalidQuestion, Page, Question, RawQuestion};
use crate::translog::standards::join::{Action, Joiner};
use crate::translog::standards::{Setting, Subject};

/// Entries that are looked at for one page, so that a question over a large log costs no more than this; the page then ends
/// early and says where the next one begins.
const LOOK: usize = 20_000;
/// Calls for records that a partner may make in a minute.
pub(in crate::service) const RECORD_CALLS: u32 = 60;
/// Entries that are read at a time.
const STEP: usize = 256;

/// Why a partner gets no records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RecordsRefused {
    /// Its question is wrong.
    #[error(transparent)]
    Question(InvalidQuestion),
    /// It asks too often.
    #[error("{}", ReasonCode::TooOften)]
    TooOften,
    /// The log cannot be read.
    #[error("{0}")]
    Log(ReasonCode),
}

/// What was looked at for a page.
struct Looked {
    /// In the order of the question.
    entries: Vec<(u64, Entry)>,
    /// Where to go on, when there may be more.
    next: Option<u64>,
    /// Entries that were read for it.
    seen: usize,
}

impl RecordsRefused {
    /// The code that the partner is told.
    #[must_use]
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::Question(_) => ReasonCode::MessageMalformed,
            Self::TooOften => ReasonCode::TooOften,
            Self::Log(reason) => reason,
        }
    }
}

/// Shows `visit` every action of a log in the order in which they ended, until it says no; what is still open comes last.
/// Memory does not grow with the log.
///
/// # Errors
/// That of the first entry that cannot be read.
pub fn actions<E>(
    entries: impl Iterator<Item = Result<(u64, Entry), E>>,
    visit: &mut dyn FnMut(&Action) -> bool,
) -> Result<(), E> {
    let mut joiner = Joiner::default();
    for entry in entries {
        let (number, entry) = entry?;
        if !joiner.push(number, entry).iter().all(&mut *visit) {
            return Ok(());
        }
    }
    let _all = joiner.rest().iter().all(visit);
    Ok(())
}

/// As [`Core::subjects_of`], of any log.
#[must_use]
pub fn subjects_of(base: &ActivityBase, action: &Action) -> Vec<Subject> {
    let label = &action.opening().subject_label;
    let subject = || Subject { id: hex(label), id_type: base.subject_type() };
    if label.is_empty() { Vec::new() } else { vec![subject()] }
}

impl Core {
    /// Whose log this is, for the mappings.
    #[must_use]
    pub fn log_setting(&self) -> Setting {
        Setting {
            ours: self.identity.oin,
            activities: self.identity.activities.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The data subject of an action, when it has one: the label of its entry, which nobody links to a child, or to another
    /// label of that child, without the child's key. Erasing the key makes the lines at the receiver nobody's too.
    #[must_use]
    pub fn subjects_of(&self, action: &Action) -> Vec<Subject> {
        subjects_of(&self.identity.activities, action)
    }

    /// A page of records for a partner, which may ask so often only.
    ///
    /// # Errors
    /// [`RecordsRefused`].
    pub(in crate::service) fn records_for(&self, partner: Oin, raw: &RawQuestion) -> Result<Page, RecordsRefused> {
        let question = Question::check(raw).map_err(RecordsRefused::Question)?;
        let mut calls = self.record_calls.lock().unwrap_or_else(PoisonError::into_inner);
        if !calls.admits(partner, self.clock.now_ms()) {
            return Err(RecordsRefused::TooOften);
        }
        drop(calls);
        self.fsc_page(partner, &question).map_err(|e| RecordsRefused::Log(log_reason(&e)))
    }

    /// The records of FSC logging that `caller` may see: those in which it is outway, service or delegator.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub fn fsc_page(&self, caller: Oin, question: &Question) -> Result<Page, LogError> {
        self.fsc_page_within(caller, question, LOOK)
    }

    /// As [`Core::fsc_page`], looking at about `most` entries, whether they are the caller's or not.
    pub(in crate::service) fn fsc_page_within(
        &self,
        caller: Oin,
        question: &Question,
        most: usize,
    ) -> Result<Page, LogError> {
        let setting = self.log_setting();
        let mut page = Page::default();
        let mut at = question.cursor.unwrap_or(if question.descending { self.log.len() } else { 0 });
        let mut seen = 0;
        loop {
            let looked = self.fsc_step(caller, question, (at, most - seen))?;
            for (number, entry) in looked.entries {
                at = if question.descending { number } else { number + 1 };
                let record = fsc::record(&entry, &setting).filter(|r| r.concerns(caller) && question.admits(r));
                page.records.extend(record);
                if page.records.len() == question.limit {
                    let more = if question.descending { at > 0 } else { at < self.log.len() };
                    page.pagination.next_cursor = if more { fsc::cursor(at) } else { String::new() };
                    return Ok(page);
                }
            }
            let Some(next) = looked.next else { return Ok(page) };
            at = next;
            seen += looked.seen;
            if seen >= most {
                page.pagination.next_cursor = fsc::cursor(at);
                return Ok(page);
            }
        }
    }

    /// The next entries in the order of the question, from `at`, looking at about `most`.
    fn fsc_step(&self, caller: Oin, question: &Question, (at, most): (u64, usize)) -> Result<Looked, LogError> {
        if !question.descending {
            let read = self.log.entries(at..self.log.len()).take(STEP.min(most));
            let entries = read.collect::<Result<Vec<_>, _>>()?;
            let next = entries.last().map(|(number, _)| number + 1).filter(|next| *next < self.log.len());
            return Ok(Looked { seen: entries.len(), entries, next });
        }
        // Every record that concerns the caller is of an entry that names it; our own questions name us all.
        let partner = (caller != self.identity.oin).then_some(caller);
        let transfer = question.only_transaction();
        // Under one id anybody may have entries without number: they are gone through once.
        let step = if transfer.is_some() { most } else { STEP };
        let filter = Filter { partner, transfer, ..Filter::default() };
        let ((entries, next), seen) = self.index.newest_seen(&self.log, &filter, (Some(at), step), most as u64)?;
        Ok(Looked { entries, next, seen: usize::try_from(seen).unwrap_or(usize::MAX) })
    }
}
