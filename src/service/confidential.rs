//! Confidentiality towards the data subject (UAVG 41): marks on a transfer or a processing activity, each an entry of its
//! own, so that a mark can be lifted and nothing is ever changed. The newest mark counts.

use std::collections::HashMap;

use super::core::Core;
use super::entries;
use super::subjects::{SubjectError, checked_reason};
use crate::storage::log::Filter;
use crate::translog::entry::{Confidentiality, Entry, Outcome, TransferId};

/// Name of a mark in the log.
pub const CONFIDENTIALITY: &str = "vertrouwelijkheid";

/// What a mark is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Marked {
    /// One transfer.
    Transfer(TransferId),
    /// Every transfer of a processing activity, by its identifier.
    Activity(String),
}

/// The newest mark of each transfer and activity, with its entry number.
#[derive(Default)]
pub struct Marks {
    transfers: HashMap<TransferId, (u64, Confidentiality)>,
    activities: HashMap<String, (u64, Confidentiality)>,
}

impl Marks {
    /// How confidential an entry is now.
    #[must_use]
    pub fn of(&self, entry: &Entry) -> Confidentiality {
        let marks = [self.transfers.get(&entry.transfer_id), self.activities.get(&entry.activity_own)];
        let newest = marks.into_iter().flatten().max_by_key(|(number, _)| *number);
        newest.map_or(entry.confidentiality.unwrap_or(Confidentiality::Normal), |(_, mark)| *mark)
    }
}

impl Core {
    /// Marks a transfer or an activity as confidential, or lifts that; whether the log has the transfer at all.
    ///
    /// # Errors
    /// [`SubjectError::Reason`]; when the log cannot be read or written.
    pub fn mark_confidential(
        &self,
        what: &Marked,
        as_now: Confidentiality,
        reason: &str,
    ) -> Result<bool, SubjectError> {
        checked_reason(reason)?;
        let mut intent = self.local_entry(CONFIDENTIALITY, &format!("Vertrouwelijkheid {as_now}: {reason}"));
        "UAVG 41".clone_into(&mut intent.ground_article);
        intent.confidentiality = Some(as_now);
        match what {
            Marked::Transfer(id) => {
                let filter = Filter { transfer: Some(*id), ..Filter::default() };
                if self.log_entries(&filter, (None, 1))?.is_empty() {
                    return Ok(false);
                }
                intent.refers_to = Some(*id);
            }
            Marked::Activity(uri) => intent.activity_own.clone_from(uri),
        }
        self.note(&intent)?;
        self.note(&entries::outcome(&intent, Outcome::Confirmed, self.clock.now_ms()))?;
        Ok(true)
    }

    /// Every mark that counts now.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn marks(&self) -> Result<Marks, SubjectError> {
        let filter = Filter { purpose: Some("P9".to_owned()), ..Filter::default() };
        let mut marks = Marks::default();
        // Newest first: the first mark of a thing is the one that counts.
        for (number, entry) in self.log_entries(&filter, (None, usize::MAX))? {
            let Some(mark) = entry.confidentiality.filter(|_| entry.service == CONFIDENTIALITY) else { continue };
            match entry.refers_to {
                Some(id) => drop(marks.transfers.entry(id).or_insert((number, mark))),
                None => drop(marks.activities.entry(entry.activity_own).or_insert((number, mark))),
            }
        }
        Ok(marks)
    }
}
