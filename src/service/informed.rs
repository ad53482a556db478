//! The duty to inform (AVG 13 and 14): of each exchange about a child, whether those concerned were told, or why not yet.

use std::collections::BTreeSet;

use serde::Serialize;

use super::core::Core;
use super::entries;
use super::subjects::{SubjectError, sealed_reason};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::storage::log::Filter;
use crate::translog::entry::{Decision, Direction, Entry, Outcome, Phase, TransferId};
use crate::translog::sealed::SealedPart;

/// Name of such a note in the log.
pub const INFORMED: &str = "informatieplicht";
/// What the names of exchange types about a child begin with.
const CASE: &str = "SCN-";
/// Action of a note that they were told.
const TOLD: &str = "Betrokkenen zijn geïnformeerd";
/// Action of a note that they are not told yet.
const POSTPONED: &str = "Informeren van betrokkenen uitgesteld";
/// Days within which somebody is told at the latest (AVG 14(3)a).
const MONTH: u64 = 30;

/// What is known of telling those concerned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// They were told on this day.
    On(Day),
    /// They are not told now, and why; sealed in the log.
    NotYet(String),
}

/// An exchange of which the log does not say that anybody was told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Uninformed {
    /// Transfer id.
    pub transfer: String,
    /// When it began, milliseconds since 1970 UTC.
    pub start_ms: u64,
    /// Way of the data.
    pub direction: &'static str,
    /// The other organisation.
    pub partner: Option<Oin>,
    /// Exchange type.
    pub exchange: String,
    /// Whether it is longer ago than the law gives.
    pub late: bool,
    /// Whether there is a reason on record why nobody is told yet.
    pub postponed: bool,
}

impl Core {
    /// Notes for an exchange that those concerned were told, or why not yet. False when the log has no such exchange.
    ///
    /// # Errors
    /// [`SubjectError::Reason`]; when the log cannot be read or written.
    pub fn note_informed(&self, transfer: TransferId, told: &Told) -> Result<bool, SubjectError> {
        let filter = Filter { transfer: Some(transfer), phase: Some(Phase::Intent), ..Filter::default() };
        let about = self.log_entries(&filter, (None, usize::MAX))?;
        let Some((_, about)) = about.into_iter().find(|(_, entry)| entry.transfer_id == transfer && is_case(entry))
        else {
            return Ok(false);
        };
        let part = match told {
            Told::On(day) => SealedPart { reference: format!("op {day}"), ..SealedPart::default() },
            Told::NotYet(reason) => sealed_reason(reason)?,
        };
        let action = if matches!(told, Told::On(_)) { TOLD } else { POSTPONED };
        let mut intent = self.local_entry(INFORMED, action);
        "AVG 13 en 14".clone_into(&mut intent.ground_article);
        intent.refers_to = Some(transfer);
        intent.retention_until = about.retention_until;
        // Nothing is sealed to a child that was erased: that would make it a new key.
        let subject = self.opener()?.open(&about).and_then(|part| part.subject);
        let _ = self.note_about(intent.clone(), &SealedPart { subject, ..part })?;
        self.note(&entries::outcome(&intent, Outcome::Confirmed, self.clock.now_ms()))?;
        Ok(true)
    }

    /// Exchanges about children of which the log does not say that anybody was told, oldest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn uninformed(&self) -> Result<Vec<Uninformed>, SubjectError> {
        let of = Filter { text: Some(INFORMED.to_owned()), phase: Some(Phase::Intent), ..Filter::default() };
        let notes = self.log_entries(&of, (None, usize::MAX))?;
        let about = |action: &str| -> BTreeSet<TransferId> {
            let noted = notes.iter().filter(|(_, entry)| entry.service == INFORMED && entry.action == action);
            noted.filter_map(|(_, entry)| entry.refers_to).collect()
        };
        let (told, postponed) = (about(TOLD), about(POSTPONED));
        let filter = Filter { text: Some(CASE.to_owned()), phase: Some(Phase::Intent), ..Filter::default() };
        let now = self.clock.now_ms();
        let mut found: Vec<Uninformed> = Vec::new();
        for (_, entry) in self.log_entries(&filter, (None, usize::MAX))? {
            if !is_case(&entry) || told.contains(&entry.transfer_id) {
                continue;
            }
            found.push(Uninformed {
                transfer: entry.transfer_id.to_string(),
                start_ms: entry.start_ms,
                direction: entry.direction.as_str(),
                partner: entry.partner(),
                late: now.saturating_sub(entry.start_ms) > MONTH * 86_400_000,
                postponed: postponed.contains(&entry.transfer_id),
                exchange: exchange_of(&entry.service).to_owned(),
            });
        }
        found.sort_by(|a, b| (a.start_ms, &a.transfer).cmp(&(b.start_ms, &b.transfer)));
        Ok(found)
    }
}

/// The exchange type at the end of the name of a service, as `ketenpoort.v1.Cases/Ask/SCN-07` has it.
fn exchange_of(service: &str) -> &str {
    service.rsplit('/').next().unwrap_or(service)
}

/// Whether an entry announces an exchange about a child.
fn is_case(entry: &Entry) -> bool {
    exchange_of(&entry.service).starts_with(CASE)
        && entry.phase == Phase::Intent
        && entry.direction != Direction::Local
        && entry.decision != Some(Decision::Deny)
}
