//! Entries about a child: what may be read of them is sealed under a key of that child alone, and erasing the child
//! destroys that key. The only doors by which a case, a reference or a local pseudonym enters the transfer log.

use std::collections::HashMap;

use thiserror::Error;

use super::core::{Core, CoreError};
use super::entries;
use crate::crypto::{SealKey, SealUse, Tag};
use crate::domain::bsn::holds_typed_bsn;
use crate::domain::day::Day;
use crate::storage::log::{LogError, Logged};
use crate::storage::subjects::{SubjectKey, SubjectsError};
use crate::translog::entry::{Decision, Direction, Entry, Outcome, Phase};
use crate::translog::sealed::{InvalidReference, MAX_REFERENCE_BYTES, SealedPart};

/// Name of an erasure in the log.
pub const ERASURE: &str = "verwijdering-persoon";
/// Days after which the last recovery copy of the key file has expired.
pub const RECOVERY_DAYS: i32 = 30;
/// Key domain of what the node names S in its own log.
const DOMAIN: &str = "lokaal";

/// An entry about a child cannot be written, found or erased.
#[derive(Debug, Error)]
pub enum SubjectError {
    /// The keys of data subjects.
    #[error(transparent)]
    Keys(#[from] SubjectsError),
    /// A case or free reference.
    #[error(transparent)]
    Reference(#[from] InvalidReference),
    /// The transfer log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A reason that may not stand in the log.
    #[error(
        "de reden is leeg, te lang (meer dan {MAX_REFERENCE_BYTES} bytes) of bevat een nummer dat een BSN kan zijn"
    )]
    Reason,
    /// A processing activity that is not one.
    #[error("deze verwerking staat niet in het register (log register) en niet in het log")]
    Activity,
    /// The state journal.
    #[error(transparent)]
    State(Box<CoreError>),
}

/// What seals a reason under the node's own key: a free text never stands in the clear part of the log.
///
/// # Errors
/// [`SubjectError::Reason`].
pub(in crate::service) fn sealed_reason(reason: &str) -> Result<SealedPart, SubjectError> {
    let fits =
        !reason.trim().is_empty() && reason.len() <= MAX_REFERENCE_BYTES && !reason.chars().any(char::is_control);
    if !fits || holds_typed_bsn(reason) {
        return Err(SubjectError::Reason);
    }
    Ok(SealedPart { reference: reason.to_owned(), ..SealedPart::default() })
}

/// An entry about a child with its number and what is sealed in it.
pub type AboutSubject = (u64, Entry, SealedPart);

/// What an erasure did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Erased {
    /// Whether there was a key.
    pub destroyed: bool,
    /// Entries that can no longer be read as being about this child.
    pub entries: usize,
    /// Day on which the last recovery copy has expired.
    pub complete_on: Day,
}

impl Core {
    /// Seals a part into an entry: under the key of its subject when it names one, else under the node's own. The subject's
    /// key is durable when this returns.
    ///
    /// # Errors
    /// [`SubjectError`]: the entry may not be written.
    pub(in crate::service) fn seal(&self, entry: &mut Entry, part: &SealedPart) -> Result<(), SubjectError> {
        let Some(subject) = &part.subject else {
            return Ok(part.seal_into(entry, &self.keys.seal_key(SealUse::Translog))?);
        };
        self.settle_labels(Some(subject))?;
        let (label, key) = self.subjects.next(subject, self.clock.today())?;
        entry.subject_label = label.to_vec();
        entry.subject_key_version = Some(1);
        DOMAIN.clone_into(&mut entry.subject_domain);
        Ok(part.seal_into(entry, &key.seal_key())?)
    }

    /// Seals a part into an entry and appends it.
    ///
    /// # Errors
    /// [`SubjectError`]: nothing was appended.
    pub fn note_about(&self, mut entry: Entry, part: &SealedPart) -> Result<Logged, SubjectError> {
        self.seal(&mut entry, part)?;
        Ok(self.append(&entry)?)
    }

    /// Every entry about a child, oldest first; none when the child is unknown or erased.
    ///
    /// # Errors
    /// [`SubjectError`].
    pub fn entries_about(&self, subject: &Tag) -> Result<Vec<AboutSubject>, SubjectError> {
        self.settle_labels(Some(subject))?;
        let Some(key) = self.subjects.find(subject)? else { return Ok(Vec::new()) };
        let (labels, seal): (Vec<_>, _) = (key.labels().collect(), key.seal_key());
        let mut found = Vec::new();
        for number in self.index.labelled(&self.log, &labels)? {
            let Some(entry) = self.log.entry(number)? else { continue };
            // A label alone proves nothing: only what opens and names the child is about the child.
            if let Ok(part) = SealedPart::open(&entry, &seal)
                && part.subject.as_ref() == Some(subject)
            {
                found.push((number, entry, part));
            }
        }
        Ok(found)
    }

    /// Destroys the key of a child, with an INTENT before and an OUTCOME after that name nobody; the OUTCOME
    /// has as its rows how many keys were destroyed, 0 or 1. The log stays whole.
    ///
    /// # Errors
    /// [`SubjectError::Reason`]; any other error: ask again, the key may still be there.
    pub fn erase_subject(&self, subject: &Tag, reason: &str) -> Result<Erased, SubjectError> {
        let part = sealed_reason(reason)?;
        let entries = self.entries_about(subject)?.len();
        let labels: Vec<[u8; 16]> = self.subjects.find(subject)?.map_or_else(Vec::new, |key| key.labels().collect());
        let mut intent = self.local_entry(ERASURE, "Sleutel van een persoon vernietigen");
        "AVG 17".clone_into(&mut intent.ground_article);
        let _ = self.note_about(intent.clone(), &part)?;
        let destroyed = self.subjects.destroy(subject);
        let forgotten = destroyed.is_ok().then(|| {
            self.index.forget(&self.log, &labels);
            self.forget_case(subject);
            self.forget_linked(subject)
        });
        let done = matches!(forgotten, Some(Ok(())));
        let outcome = if done { Outcome::Confirmed } else { Outcome::Failed };
        let mut end = entries::outcome(&intent, outcome, self.clock.now_ms());
        end.row_count = destroyed.as_ref().ok().map(|destroyed| u64::from(*destroyed));
        self.note(&end)?;
        forgotten.transpose().map_err(|e| SubjectError::State(Box::new(e)))?;
        Ok(Erased { destroyed: destroyed?, entries, complete_on: Day(self.clock.today().0 + RECOVERY_DAYS) })
    }

    /// Passes over labels that the log has and the key file does not know of: a copy of it was put back. Without an index the
    /// log is read, once for every subject.
    fn settle_labels(&self, subject: Option<&Tag>) -> Result<(), SubjectError> {
        if !self.subjects.settle(subject, &|labels| Ok(self.index.known_labels(&self.log, labels)))? {
            self.subjects.settle(None, &|labels| self.log.known_labels(labels).map(Some))?;
        }
        Ok(())
    }

    /// An entry about a processing on the organisation's own machine, for the rights of data subjects (P9).
    pub(in crate::service) fn local_entry(&self, service: &str, action: &str) -> Entry {
        let (ourselves, now) = (self.identity.oin, self.clock.now_ms());
        Entry {
            sender_oin: Some(ourselves),
            receiver_oin: Some(ourselves),
            service: service.to_owned(),
            action: action.to_owned(),
            purpose: "P9".to_owned(),
            decision: Some(Decision::Allow),
            rules_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Entry::new(entries::transfer_id(now), Direction::Local, Phase::Intent, now)
        }
    }

    /// What opens the sealed parts of any entry, as the keys are now: 24 bytes a label in memory.
    ///
    /// # Errors
    /// [`SubjectError::Keys`].
    pub fn opener(&self) -> Result<Opener, SubjectError> {
        let mut opener =
            Opener { own: self.keys.seal_key(SealUse::Translog), keys: Vec::new(), labels: HashMap::new() };
        self.settle_labels(None)?;
        for key in self.subjects.all() {
            let (key, place) = (key?, u32::try_from(opener.keys.len()).unwrap_or(u32::MAX));
            opener.labels.extend(key.labels().map(|label| (label, place)));
            opener.keys.push(key);
        }
        Ok(opener)
    }
}

/// Opens sealed parts without being told whose they are.
pub struct Opener {
    own: SealKey,
    keys: Vec<SubjectKey>,
    labels: HashMap<[u8; 16], u32>,
}

impl Opener {
    /// The place of the subject of an entry among the known ones; `None` without a label, or with one that no key has.
    #[must_use]
    pub fn subject_of(&self, entry: &Entry) -> Option<u32> {
        let label: [u8; 16] = entry.subject_label.as_slice().try_into().ok()?;
        self.labels.get(&label).copied()
    }

    /// What is sealed in an entry; `None` when nothing is, or its key was destroyed.
    #[must_use]
    pub fn open(&self, entry: &Entry) -> Option<SealedPart> {
        if entry.subject_sealed.is_empty() {
            return None;
        }
        if entry.subject_label.is_empty() {
            return SealedPart::open(entry, &self.own).ok();
        }
        let key = self.keys.get(self.subject_of(entry)? as usize)?;
        SealedPart::open(entry, &key.seal_key()).ok()
    }

    /// The keys, by place.
    #[must_use]
    pub fn keys(&self) -> &[SubjectKey] {
        &self.keys
    }
}
