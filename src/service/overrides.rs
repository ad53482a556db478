//! The list of overrides: transfers about a child that two people let pass without the consent of a custody holder.

use serde::Serialize;

use super::core::Core;
use super::subjects::SubjectError;
use crate::domain::oin::Oin;
use crate::policy::case::Rules;
use crate::storage::log::Filter;
use crate::translog::entry::{Direction, Phase};

/// One override.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Overridden {
    /// Number of the entry.
    pub number: u64,
    /// When it began, milliseconds since 1970 UTC.
    pub start_ms: u64,
    /// Transfer id.
    pub transfer: String,
    /// Way of the data.
    pub direction: &'static str,
    /// The other organisation.
    pub partner: Option<Oin>,
    /// Exchange type.
    pub exchange: String,
    /// Purpose.
    pub purpose: String,
    /// Names of the fields.
    pub fields: Vec<String>,
    /// The article.
    pub article: String,
    /// The reason that was given; none when it is not here or its key was destroyed.
    pub reason: Option<String>,
    /// Trace id: the two who approved stand in the audit log under it.
    pub trace: Option<String>,
}

impl Core {
    /// Every override that began in [since, until), oldest first.
    ///
    /// # Errors
    /// When the log or the keys cannot be read.
    pub fn overrides(&self, since_ms: u64, until_ms: u64) -> Result<Vec<Overridden>, SubjectError> {
        let articles: Vec<&str> = Rules::national().override_articles().collect();
        let opener = self.opener()?;
        let filter = Filter {
            from_ms: Some(since_ms),
            until_ms: Some(until_ms),
            phase: Some(Phase::Intent),
            ..Filter::default()
        };
        let mut found = Vec::new();
        for article in articles {
            let filter = Filter { ground: Some(article.to_owned()), ..filter.clone() };
            for (number, entry) in self.log_entries(&filter, (None, usize::MAX))? {
                if entry.direction == Direction::Local || entry.ground_article != article {
                    continue;
                }
                found.push(Overridden {
                    number,
                    start_ms: entry.start_ms,
                    transfer: entry.transfer_id.to_string(),
                    direction: entry.direction.as_str(),
                    partner: entry.partner(),
                    reason: opener.open(&entry).map(|part| part.reference).filter(|reason| !reason.is_empty()),
                    trace: entry.trace_id.map(|id| crate::crypto::hex(&id)),
                    exchange: entry.service,
                    purpose: entry.purpose,
                    fields: entry.field_names,
                    article: entry.ground_article,
                });
            }
        }
        found.sort_by_key(|line| line.number);
        found.dedup_by_key(|line| line.number);
        Ok(found)
    }
}
