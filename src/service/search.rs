//! Searching the transfer log, also by what is sealed in entries: who may open them finds by subject, case or reference.

use super::core::Core;
use super::entries;
use super::subjects::SubjectError;
use crate::crypto::Tag;
use crate::storage::log::{Filter, LogError, Page};
use crate::translog::entry::{Entry, Outcome};
use crate::translog::sealed::SealedPart;

/// Name of a search by person in the log.
pub const SEARCH: &str = "zoeken-persoon";
/// Entries that one page of a search looks at when the index cannot say which meet the conditions.
const MOST: u64 = 1_000_000;
/// Entries that are opened in one step.
const STEP: usize = 1024;

/// Conditions on what is sealed in an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedFilter {
    /// About this subject.
    pub subject: Option<Tag>,
    /// With this case reference.
    pub case: Option<String>,
    /// With this free reference.
    pub reference: Option<String>,
}

impl SealedFilter {
    fn admits(&self, part: &SealedPart) -> bool {
        self.subject.is_none_or(|subject| part.subject == Some(subject))
            && self.case.as_ref().is_none_or(|case| part.case == *case)
            && self.reference.as_ref().is_none_or(|reference| part.reference == *reference)
    }
}

impl Core {
    /// Entries of the transfer log that the index holds; none when nothing needed it yet.
    #[must_use]
    pub fn indexed(&self) -> Option<u64> {
        self.index.indexed()
    }

    /// As [`Core::search`] without what is sealed, looking at about `most` entries.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn search_some(
        &self,
        filter: &Filter,
        (below, limit): (Option<u64>, usize),
        most: u64,
    ) -> Result<Page, LogError> {
        self.index.newest_of(&self.log, filter, (below, limit), most)
    }

    /// At most `limit` entries with numbers below `below` that meet every condition, newest first, and below which number to
    /// go on when there may be more. A search by person is itself in the log, sealed to that person.
    ///
    /// # Errors
    /// [`SubjectError`].
    pub fn search(
        &self,
        filter: &Filter,
        sealed: &SealedFilter,
        (below, limit): (Option<u64>, usize),
    ) -> Result<Page, SubjectError> {
        if let Some(subject) = &sealed.subject {
            let page = self.search_subject(subject, filter, sealed, (below, limit))?;
            self.log_search(subject)?;
            return Ok(page);
        }
        if *sealed == SealedFilter::default() {
            return Ok(self.index.newest_of(&self.log, filter, (below, limit), MOST)?);
        }
        let (opener, filter) = (self.opener()?, Filter { sealed: true, ..filter.clone() });
        let (mut found, mut next, mut seen) = (Vec::new(), Some(below.unwrap_or(u64::MAX)), 0);
        while let Some(from) = next.filter(|_| found.len() < limit && seen < MOST) {
            let (entries, further) = self.index.newest_of(&self.log, &filter, (Some(from), STEP), MOST)?;
            seen += entries.len() as u64;
            next = further;
            let opens = |entry: &Entry| opener.open(entry).is_some_and(|part| sealed.admits(&part));
            found.extend(entries.into_iter().filter(|(_, entry)| opens(entry)));
        }
        if found.len() > limit {
            found.truncate(limit);
            next = found.last().map(|(number, _)| *number);
        }
        Ok((found, next))
    }

    fn search_subject(
        &self,
        subject: &Tag,
        filter: &Filter,
        sealed: &SealedFilter,
        (below, limit): (Option<u64>, usize),
    ) -> Result<Page, SubjectError> {
        let mut about = self.entries_about(subject)?;
        about.retain(|(number, entry, part)| {
            below.is_none_or(|below| *number < below) && filter.admits(entry) && sealed.admits(part)
        });
        let more = about.len() > limit;
        let found: Vec<(u64, Entry)> =
            about.into_iter().rev().take(limit).map(|(number, entry, _)| (number, entry)).collect();
        let next = found.last().map(|(number, _)| *number).filter(|_| more);
        Ok((found, next))
    }

    fn log_search(&self, subject: &Tag) -> Result<(), SubjectError> {
        let mut intent = self.local_entry(SEARCH, "Logregels over een persoon zoeken");
        intent.retention_until = self.longest_retention(intent.start_ms);
        let part = SealedPart { subject: Some(*subject), ..SealedPart::default() };
        // A question about somebody unknown makes no key.
        match self.subjects.find(subject)? {
            Some(_) => drop(self.note_about(intent.clone(), &part)?),
            None => self.note(&intent)?,
        }
        self.note(&entries::outcome(&intent, Outcome::Confirmed, self.clock.now_ms()))?;
        Ok(())
    }
}
