//! Whom to tell: every organisation that received something about a child, from the log, for a withdrawn consent (AVG 19), a correction
//! (AVG 16) and an erasure (AVG 17).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::core::Core;
use super::entries;
use super::subjects::SubjectError;
use crate::crypto::Tag;
use crate::domain::day::Day;
use crate::domain::moment;
use crate::domain::oin::Oin;
use crate::policy::case::situation::Consent;
use crate::translog::entry::{Direction, Entry, Outcome, Phase};
use crate::translog::sealed::SealedPart;

/// Name of a list of past recipients in the log.
pub const RECIPIENTS: &str = "kennisgeving-ontvangers";
/// Years that such an entry is kept.
const KEPT_YEARS: i32 = 5;

/// One past recipient of data about a child.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notice {
    /// Who received.
    pub receiver: Oin,
    /// Which transfers.
    pub transfers: Vec<String>,
    /// Names of the fields in all of them.
    pub fields: BTreeSet<String>,
    /// When the last one began, milliseconds since 1970 UTC.
    pub last_ms: u64,
    /// Whether it is known of every transfer that it arrived; else it may have.
    pub certain: bool,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        let (number, last) = (self.transfers.len(), moment::seconds(self.last_ms));
        let doubt = if self.certain { "" } else { "; van een deel is niet zeker dat het aankwam" };
        write!(f, "{}: {number} overdracht(en), laatst {last}, velden {}{doubt}", self.receiver, fields.join(", "))
    }
}

/// Why recipients are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// What was sent was wrong (AVG 16).
    Correction,
    /// It is erased here (AVG 17).
    Erasure,
}

impl Why {
    /// The article.
    #[must_use]
    pub fn article(self) -> &'static str {
        match self {
            Self::Correction => "AVG 16 en 19",
            Self::Erasure => "AVG 17 en 19",
        }
    }
}

impl Core {
    /// Everybody who received something about a child, ascending by number; with a consent only what can rest on it. What certainly did not
    /// leave does not count.
    ///
    /// # Errors
    /// [`SubjectError`].
    pub fn notices_of(&self, subject: &Tag, consent: Option<&Consent>) -> Result<Vec<Notice>, SubjectError> {
        let about: Vec<Entry> = self.entries_about(subject)?.into_iter().map(|(_, entry, _)| entry).collect();
        let mut found: BTreeMap<Oin, Notice> = BTreeMap::new();
        for entry in about.iter().filter(|entry| left(entry) && consent.is_none_or(|consent| rests(entry, consent))) {
            let Some(receiver) = entry.receiver_oin else { continue };
            let ended = self.ended(entry)?;
            if ended == Some(Outcome::Failed) {
                continue;
            }
            let notice = found.entry(receiver).or_insert_with(|| Notice {
                receiver,
                transfers: Vec::new(),
                fields: BTreeSet::new(),
                last_ms: 0,
                certain: true,
            });
            notice.transfers.push(entry.transfer_id.to_string());
            notice.fields.extend(entry.field_names.iter().cloned());
            notice.last_ms = notice.last_ms.max(entry.start_ms);
            notice.certain &= ended == Some(Outcome::Confirmed);
        }
        Ok(found.into_values().collect())
    }

    /// The past recipients of a child for an employee who tells them something; logged before they are shown.
    ///
    /// # Errors
    /// [`SubjectError`]; then nothing may be shown.
    pub fn recipients(&self, subject: &Tag, why: Why) -> Result<Vec<Notice>, SubjectError> {
        let notices = self.notices_of(subject, None)?;
        let mut intent = self.local_entry(RECIPIENTS, "Ontvangers opzoeken die bericht krijgen");
        why.article().clone_into(&mut intent.ground_article);
        let today: Day = self.clock.today();
        intent.retention_until = Some(today.add_months(12 * KEPT_YEARS));
        intent.row_count = Some(notices.len() as u64);
        if notices.is_empty() {
            self.note(&intent)?;
        } else {
            let part = SealedPart { subject: Some(*subject), ..SealedPart::default() };
            let _ = self.note_about(intent.clone(), &part)?;
        }
        self.note(&entries::outcome(&intent, Outcome::Confirmed, self.clock.now_ms()))?;
        Ok(notices)
    }

    /// How a transfer that was announced ended; none when the log does not say.
    fn ended(&self, intent: &Entry) -> Result<Option<Outcome>, SubjectError> {
        let Some(partner) = intent.partner() else { return Ok(None) };
        let entries = self.index.of_transfer(&self.log, partner, intent.transfer_id)?;
        let ends = entries.iter().filter(|(_, entry)| entry.direction == intent.direction);
        Ok(ends.filter_map(|(_, entry)| entry.outcome).next_back())
    }
}

/// Whether an entry announces that something about a child leaves to another organisation.
fn left(entry: &Entry) -> bool {
    entry.phase == Phase::Intent && entry.direction == Direction::Outgoing && entry.sender_oin != entry.receiver_oin
}

/// Whether a transfer can rest on a consent: its receiver, its purpose, and an article of consent.
fn rests(entry: &Entry, consent: &Consent) -> bool {
    let receiver = entry.receiver_oin.is_some_and(|oin| consent.receivers.contains(&oin));
    let article = ["7.3.11(1)", "7.3.4"].iter().any(|article| entry.ground_article.contains(article));
    receiver && article && consent.purposes.contains(&entry.purpose)
}
