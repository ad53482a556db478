//! The transfer log in the words of the log standards: actions as a stream, and pages of FSC records for one organisation.

use thiserror::Error;

use super::core::Core;
use crate::crypto::hex;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::storage::log::{Filter, LogError};
use crate::translog::standards::fsc::{self, InvalidQuestion, Page, Question};
use crate::translog::standards::join::{Action, Joiner};
use crate::translog::standards::{Setting, Subject};

/// Entries that are looked at for one page, so that a question over a large log costs no more than this; the page then ends
/// early and says where the next one begins.
const LOOK: usize = 20_000;
/// Entries that are read at a time.
const STEP: usize = 256;

/// Why a partner gets no records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RecordsRefused {
    /// Its question is wrong.
    #[error(transparent)]
    Question(InvalidQuestion),
    /// The log cannot be read.
    #[error("{0}")]
    Log(ReasonCode),
}

impl RecordsRefused {
    /// The code that the partner is told.
    #[must_use]
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::Question(_) => ReasonCode::MessageMalformed,
            Self::Log(reason) => reason,
        }
    }
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

    /// Shows `visit` every action of the log in the order in which they ended, until it says no; what is still open comes
    /// last. Memory does not grow with the log.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub fn actions(&self, visit: &mut dyn FnMut(&Action) -> bool) -> Result<(), LogError> {
        let mut joiner = Joiner::default();
        for entry in self.log.entries(0..self.log.len()) {
            let (number, entry) = entry?;
            for action in joiner.push(number, entry) {
                if !visit(&action) {
                    return Ok(());
                }
            }
        }
        for action in joiner.rest() {
            if !visit(&action) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The data subject of an action, when it has one: the label of its entry, which nobody links to a child, or to another
    /// label of that child, without the child's key. Erasing the key makes the lines at the receiver nobody's too.
    #[must_use]
    pub fn subjects_of(&self, action: &Action) -> Vec<Subject> {
        let label = &action.opening().subject_label;
        let subject = || Subject { id: hex(label), id_type: self.identity.activities.subject_type() };
        if label.is_empty() { Vec::new() } else { vec![subject()] }
    }

    /// The records of FSC logging that `caller` may see: those in which it is outway, service or delegator.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub fn fsc_page(&self, caller: Oin, question: &Question) -> Result<Page, LogError> {
        let setting = self.log_setting();
        let mut page = Page::default();
        let mut at = question.cursor.unwrap_or(if question.descending { self.log.len() } else { 0 });
        let mut looked = 0;
        loop {
            let entries = self.fsc_step(caller, question, at)?;
            if entries.is_empty() {
                return Ok(page);
            }
            for (number, entry) in entries {
                at = if question.descending { number } else { number + 1 };
                looked += 1;
                let record = fsc::record(&entry, &setting).filter(|r| r.concerns(caller) && question.admits(r));
                page.records.extend(record);
                if page.records.len() == question.limit || looked == LOOK {
                    let more = if question.descending { at > 0 } else { at < self.log.len() };
                    page.pagination.next_cursor = if more { fsc::cursor(at) } else { String::new() };
                    return Ok(page);
                }
            }
        }
    }

    /// The next entries in the order of the question.
    fn fsc_step(
        &self,
        caller: Oin,
        question: &Question,
        at: u64,
    ) -> Result<Vec<(u64, crate::translog::entry::Entry)>, LogError> {
        if !question.descending {
            return self.log.entries(at..self.log.len()).take(STEP).collect();
        }
        // Every record that concerns the caller is of an entry that names it; our own questions name us all.
        let partner = (caller != self.identity.oin).then_some(caller);
        let filter = Filter { partner, transfer: question.only_transaction(), ..Filter::default() };
        self.index.newest(&self.log, &filter, (Some(at), STEP))
    }
}
