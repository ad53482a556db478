//! Confidentiality towards the data subject (UAVG 41): marks on a transfer or a processing activity, each an entry of its
//! own, so that a mark can be lifted and nothing is ever changed. The newest mark counts.

use std::collections::HashMap;

use super::core::Core;
use super::entries;
use super::subjects::{SubjectError, sealed_reason};
use crate::domain::activity::{ActivityBase, unversioned};
use crate::domain::bsn::holds_typed_bsn;
use crate::storage::log::Filter;
use crate::translog::entry::{Confidentiality, Entry, Outcome, TransferId};

/// Name of a mark in the log.
pub const CONFIDENTIALITY: &str = "vertrouwelijkheid";

/// What a mark is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Marked {
    /// One transfer.
    Transfer(TransferId),
    /// Every transfer of a processing activity, by the identifier of any of its versions.
    Activity(String),
}

/// The newest mark of each transfer and activity, with its entry number.
pub struct Marks {
    transfers: HashMap<TransferId, (u64, Confidentiality)>,
    /// By identifier without its version.
    activities: HashMap<String, (u64, Confidentiality)>,
    base: ActivityBase,
}

impl Marks {
    /// No mark yet; `base` stands before the identifiers of the organisation's activities.
    #[must_use]
    pub fn new(base: ActivityBase) -> Self {
        Self { transfers: HashMap::new(), activities: HashMap::new(), base }
    }

    /// Takes the mark that an entry makes, if it makes one. The order in which entries come does not matter.
    pub fn take(&mut self, number: u64, entry: &Entry) {
        let Some(mark) = entry.confidentiality.filter(|_| entry.service == CONFIDENTIALITY) else { return };
        let kept = match entry.refers_to {
            Some(id) => self.transfers.entry(id).or_insert((number, mark)),
            None => {
                let activity = unversioned(&entry.activity_own).to_owned();
                self.activities.entry(activity).or_insert((number, mark))
            }
        };
        if kept.0 < number {
            *kept = (number, mark);
        }
    }

    /// How confidential an entry is now.
    #[must_use]
    pub fn of(&self, entry: &Entry) -> Confidentiality {
        self.said_of(entry).unwrap_or(Confidentiality::Normal)
    }

    /// As [`Marks::of`]; none when nothing was ever said of it.
    #[must_use]
    pub fn said_of(&self, entry: &Entry) -> Option<Confidentiality> {
        let marks = [self.transfers.get(&entry.transfer_id), self.activities.get(&self.activity(entry))];
        let newest = marks.into_iter().flatten().max_by_key(|(number, _)| *number);
        newest.map(|(_, mark)| *mark).or(entry.confidentiality)
    }

    /// The activity of an entry without its version; of one from before entries held it, as lines of the standards name it.
    fn activity(&self, entry: &Entry) -> String {
        let hash = entry.convenant_hash.filter(|_| !entry.convenant_id.is_empty());
        let named = match hash {
            _ if !entry.activity_own.is_empty() => entry.activity_own.clone(),
            Some(hash) => self.base.under_hash(&entry.convenant_id, &entry.purpose, &hash.to_hex()),
            None => self.base.own(&entry.service),
        };
        unversioned(&named).to_owned()
    }
}

impl Core {
    /// Marks a transfer or an activity as confidential, or lifts that; whether the log has the transfer at all.
    ///
    /// # Errors
    /// [`SubjectError::Reason`], [`SubjectError::Activity`]; when the log cannot be read or written.
    pub fn mark_confidential(
        &self,
        what: &Marked,
        as_now: Confidentiality,
        reason: &str,
    ) -> Result<bool, SubjectError> {
        let part = sealed_reason(reason)?;
        let mut intent = self.local_entry(CONFIDENTIALITY, "Vertrouwelijkheid vastleggen");
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
            Marked::Activity(uri) => {
                if !self.is_activity(uri)? {
                    return Err(SubjectError::Activity);
                }
                intent.activity_own.clone_from(uri);
            }
        }
        let _ = self.note_about(intent.clone(), &part)?;
        self.note(&entries::outcome(&intent, Outcome::Confirmed, self.clock.now_ms()))?;
        Ok(true)
    }

    /// Whether an identifier is that of an activity in the register or in the log, with no number of a person in it.
    fn is_activity(&self, uri: &str) -> Result<bool, SubjectError> {
        let base = self.identity.activities.to_string();
        // An OIN in the base may hold nine digits that pass the check of a BSN.
        if holds_typed_bsn(uri.strip_prefix(base.as_str()).unwrap_or(uri)) || uri.chars().any(char::is_control) {
            return Ok(false);
        }
        let register = self.processing_register();
        if register.iter().flat_map(|activity| &activity.versions).any(|version| version.id == uri) {
            return Ok(true);
        }
        let filter = Filter { activity: Some(uri.to_owned()), ..Filter::default() };
        Ok(!uri.is_empty() && !self.log_entries(&filter, (None, 1))?.is_empty())
    }

    /// Every mark that counts now.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn marks(&self) -> Result<Marks, SubjectError> {
        let filter = Filter { purpose: Some("P9".to_owned()), ..Filter::default() };
        let mut marks = Marks::new(self.identity.activities.clone());
        for (number, entry) in self.log_entries(&filter, (None, usize::MAX))? {
            marks.take(number, &entry);
        }
        Ok(marks)
    }
}
