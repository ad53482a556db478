//! The register of consents of a node. Each change is an entry of the transfer log about the child and a record of the state journal, sealed
//! under the key of that child: erasing the child makes both unreadable.

use std::collections::HashMap;

use thiserror::Error;

use super::core::{Core, CoreError};
use super::entries;
use super::memory::InvalidState;
use super::subjects::SubjectError;
use crate::crypto::{Tag, hex};
use crate::domain::day::Day;
use crate::policy::case::registry::{ConsentEvent, Given, Registered, faults, register};
use crate::policy::case::situation::{ConsentKind, Situation};
use crate::policy::case::{Decision, Rules, decide};
use crate::storage::state::StateKind;
use crate::translog::entry::{Entry, Outcome, TransferId};
use crate::translog::sealed::SealedPart;

/// Name of a registered consent in the log.
pub const CONSENT: &str = "toestemming";
/// Name of a withdrawal in the log.
pub const WITHDRAWAL: &str = "intrekking-toestemming";
/// Name of a look at the register in the log.
pub const CONSENT_VIEW: &str = "toestemmingen-inzien";
/// Years after its last day that a consent is kept: as long as the log of what left on it.
const KEPT_YEARS: i32 = 5;
const CONTEXT: &[u8] = b"ketenpoort/v1/consent\0";

/// A consent cannot be registered, withdrawn or read.
#[derive(Debug, Error)]
pub enum ConsentError {
    /// It may not be registered; every reason.
    #[error("deze toestemming kan niet worden vastgelegd:\n- {}", .0.join("\n- "))]
    Faults(Vec<String>),
    /// No consent of this child has this number.
    #[error("deze persoon heeft geen toestemming met nummer {0}")]
    Unknown(String),
    /// It ended before.
    #[error("deze toestemming is al ingetrokken, of de dag ligt vóór de eerste dag van de toestemming")]
    NotOpen,
    /// The keys or the log.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// The state journal.
    #[error(transparent)]
    Core(#[from] CoreError),
}

type Label = [u8; 16];

/// Sealed events by the label of their entry, with their place in the journal.
#[derive(Default)]
pub struct SealedConsents(HashMap<Label, (usize, Vec<u8>)>);

impl SealedConsents {
    /// Takes a record of the state journal: label and sealed event.
    ///
    /// # Errors
    /// [`InvalidState`] when it has no label.
    pub(in crate::service) fn take(&mut self, body: &[u8]) -> Result<(), InvalidState> {
        let (label, sealed) = body.split_first_chunk::<16>().ok_or(InvalidState::Record("toestemming"))?;
        let place = self.0.len();
        self.0.insert(*label, (place, sealed.to_vec()));
        Ok(())
    }

    /// How many there are, readable or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn context(label: &Label) -> Vec<u8> {
    [CONTEXT, label].concat()
}

impl Core {
    /// Registers a consent; its number.
    ///
    /// # Errors
    /// [`ConsentError`]: nothing was registered, except that after [`ConsentError::Core`] the log says that it failed.
    pub fn consent_add(&self, subject: &Tag, given: Given) -> Result<String, ConsentError> {
        let wrong = faults(Rules::national(), &given, self.clock.today());
        if !wrong.is_empty() {
            return Err(ConsentError::Faults(wrong));
        }
        let mut intent = self.local_entry(CONSENT, "Toestemming vastleggen");
        let article = if given.consent.kind == ConsentKind::Geheim { "Jeugdwet 7.3.11(1)" } else { "AVG 6(1)a" };
        article.clone_into(&mut intent.ground_article);
        intent.field_names.clone_from(&given.consent.fields);
        let last = given.consent.to.unwrap_or(self.clock.today()).max(self.clock.today());
        intent.retention_until = Some(last.add_months(12 * KEPT_YEARS));
        let id = intent.transfer_id.to_string();
        let recorded_ms = intent.start_ms;
        self.keep_consent(subject, intent, |trace| ConsentEvent::Given {
            id: id.clone(),
            recorded_ms,
            trace,
            given: Box::new(given),
        })?;
        Ok(id)
    }

    /// Withdraws a consent from a day on; what rests on it alone is refused from then on.
    ///
    /// # Errors
    /// [`ConsentError`]: nothing changed, except that after [`ConsentError::Core`] the log says that it failed.
    pub fn consent_withdraw(&self, subject: &Tag, id: &str, day: Day) -> Result<Registered, ConsentError> {
        let known = self.consents_of(subject)?.into_iter().find(|known| known.id == id);
        let known = known.ok_or_else(|| ConsentError::Unknown(id.to_owned()))?;
        let consent = &known.given.consent;
        if consent.withdrawn.is_some_and(|earlier| earlier <= day) || consent.from.is_none_or(|from| day < from) {
            return Err(ConsentError::NotOpen);
        }
        let mut intent = self.local_entry(WITHDRAWAL, "Toestemming intrekken");
        "Jeugdwet 7.3.11(1)".clone_into(&mut intent.ground_article);
        intent.refers_to = TransferId::parse(id).ok();
        intent.field_names.clone_from(&consent.fields);
        let last = consent.to.unwrap_or(day).max(self.clock.today());
        intent.retention_until = Some(last.add_months(12 * KEPT_YEARS));
        let recorded_ms = intent.start_ms;
        self.keep_consent(subject, intent, |trace| ConsentEvent::Withdrawn {
            id: id.to_owned(),
            day,
            recorded_ms,
            trace,
        })?;
        let mut withdrawn = known;
        withdrawn.given.consent.withdrawn = Some(day);
        Ok(withdrawn)
    }

    /// Entry, record, memory, outcome: in this order, so that nothing counts that the log does not say.
    fn keep_consent(
        &self,
        subject: &Tag,
        mut intent: Entry,
        event: impl FnOnce(String) -> ConsentEvent,
    ) -> Result<(), ConsentError> {
        Rules::national().version().clone_into(&mut intent.rules_version);
        let part = SealedPart { subject: Some(*subject), ..SealedPart::default() };
        // One writer of the register at a time; the label of the entry is the label of the record.
        let _writing = self.writing();
        self.seal(&mut intent, &part)?;
        let logged = self.append(&intent).map_err(SubjectError::from)?;
        let kept = self.log.entry(logged.index()).map_err(SubjectError::from)?;
        let trace = kept.and_then(|entry| entry.trace_id).map(|id| hex(&id)).unwrap_or_default();
        let stored = self.store_consent(subject, &intent, &event(trace));
        let outcome = if stored.is_ok() { Outcome::Confirmed } else { Outcome::Failed };
        self.note(&entries::outcome(&intent, outcome, self.clock.now_ms())).map_err(SubjectError::from)?;
        stored
    }

    fn store_consent(&self, subject: &Tag, intent: &Entry, event: &ConsentEvent) -> Result<(), ConsentError> {
        let unsealed = || ConsentError::Core(CoreError::Record(InvalidState::Record("toestemming")));
        let label: Label = intent.subject_label.as_slice().try_into().map_err(|_| unsealed())?;
        let key = self.subjects.find(subject).map_err(SubjectError::from)?.ok_or_else(unsealed)?;
        let text = serde_json::to_vec(event).map_err(|_| unsealed())?;
        let body = [label.as_slice(), &key.seal_key().seal(&context(&label), &text)].concat();
        self.state.append(StateKind::Consent, body.clone()).map_err(CoreError::from)?;
        self.change(|memory| memory.consents.take(&body)).map_err(CoreError::from)?;
        Ok(())
    }

    /// The consents about a child, in the order in which they were registered; none when the child is unknown or erased. Not logged: what
    /// asks this logs its own use.
    ///
    /// # Errors
    /// [`ConsentError`].
    pub fn consents_of(&self, subject: &Tag) -> Result<Vec<Registered>, ConsentError> {
        let Some(key) = self.subjects.find(subject).map_err(SubjectError::from)? else { return Ok(Vec::new()) };
        let seal = key.seal_key();
        let mut events: Vec<(usize, ConsentEvent)> = Vec::new();
        let memory = self.memory();
        for label in key.labels() {
            let Some((place, sealed)) = memory.consents.0.get(&label) else { continue };
            let invalid = || ConsentError::Core(CoreError::Record(InvalidState::Record("toestemming")));
            let text = seal.open(&context(&label), sealed).map_err(|_| invalid())?;
            events.push((*place, serde_json::from_slice(&text).map_err(|_| invalid())?));
        }
        drop(memory);
        events.sort_by_key(|(place, _)| *place);
        Ok(register(events.into_iter().map(|(_, event)| event)))
    }

    /// The consents about a child, for an employee to see; logged before they are shown.
    ///
    /// # Errors
    /// [`ConsentError`]; then nothing may be shown.
    pub fn consent_view(&self, subject: &Tag) -> Result<Vec<Registered>, ConsentError> {
        let consents = self.consents_of(subject)?;
        let mut intent = self.local_entry(CONSENT_VIEW, "Toestemmingen inzien");
        "AVG 5(2)".clone_into(&mut intent.ground_article);
        intent.retention_until = Some(self.clock.today().add_months(12 * KEPT_YEARS));
        if consents.is_empty() {
            // No key is made for a child that the register does not know.
            self.note(&intent).map_err(SubjectError::from)?;
        } else {
            let part = SealedPart { subject: Some(*subject), ..SealedPart::default() };
            let _ = self.note_about(intent.clone(), &part)?;
        }
        self.note(&entries::outcome(&intent, Outcome::Confirmed, self.clock.now_ms())).map_err(SubjectError::from)?;
        Ok(consents)
    }

    /// What the rules decide about a situation with the consents of the register in place of those that it names.
    ///
    /// # Errors
    /// [`ConsentError`].
    pub fn consent_check(&self, subject: &Tag, mut situation: Situation) -> Result<Decision, ConsentError> {
        situation.consents = self.consent_view(subject)?.into_iter().map(|known| known.given.consent).collect();
        situation.date = situation.date.or(Some(self.clock.today()));
        Ok(decide(Rules::national(), &situation))
    }
}
