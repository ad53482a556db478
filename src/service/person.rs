//! What a node can tell a person about itself (AVG 15): which transfers, and what it holds. Making the overview is a
//! processing of its own: it is in the log, sealed to the person, before it is shown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::core::{Core, CoreError};
use super::entries;
use super::subjects::SubjectError;
use super::walk::each_row;
use crate::crypto::Tag;
use crate::domain::codes::EventType;
use crate::domain::day::{Day, Precision};
use crate::domain::oin::Oin;
use crate::domain::row::RowKind;
use crate::translog::entry::{Confidentiality, Decision, Direction, Entry, Outcome, Phase};
use crate::translog::sealed::SealedPart;

/// Name of an overview in the log.
pub const OVERVIEW: &str = "inzage-betrokkene";
/// Years that an entry of the node's own is kept when no convenant says so.
const OWN_YEARS: i32 = 5;

/// One transfer about the person.
#[derive(Clone, Debug, Serialize)]
pub struct PersonTransfer {
    /// Transfer id.
    pub transfer_id: String,
    /// Number of its first entry.
    pub number: u64,
    /// When it began, milliseconds since 1970 UTC.
    pub start_ms: u64,
    /// Way of the data.
    pub direction: String,
    /// The other organisation.
    pub partner: Option<Oin>,
    /// Service.
    pub service: String,
    /// What was done, in words.
    pub action: String,
    /// Purpose code.
    pub purpose: String,
    /// Article of law, ground in AVG 6, ground in AVG 9 and 10; those that are known.
    pub grounds: Vec<String>,
    /// Categories of data.
    pub categories: Vec<String>,
    /// Names of the fields.
    pub fields: Vec<String>,
    /// Case reference.
    pub case: String,
    /// Whether it was refused.
    pub refused: bool,
    /// How it ended; none while that is not known.
    pub outcome: Option<String>,
    /// Last day that what names the person is kept.
    pub retention_until: Option<Day>,
    /// Withheld from the person (UAVG 41); only in the officer's view.
    pub confidential: bool,
}

/// Events of one kind in one year.
#[derive(Clone, Debug, Serialize)]
pub struct PersonEvents {
    /// Kind.
    pub kind: EventType,
    /// Year; none when the date is unknown.
    pub year: Option<i16>,
    /// How many.
    pub number: u32,
}

/// What a node can tell about a person.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PersonView {
    /// Transfers, oldest first.
    pub transfers: Vec<PersonTransfer>,
    /// Events that the organisation delivered, as counted now.
    pub events: Vec<PersonEvents>,
    /// Indicators and years of released tables over the years of those events.
    pub tables: Vec<(String, Vec<i16>)>,
    /// Linked runs to which the organisation brought the person: id, and when it began in milliseconds since 1970 UTC.
    pub linked: Vec<(String, u64)>,
}

impl PersonView {
    /// Whether the node knows anything of the person.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.transfers.is_empty() || !self.events.is_empty()
    }

    /// Whether there is anything to tell the person: lists of linked runs stay when a key is erased.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.is_known() || !self.linked.is_empty()
    }
}

impl Core {
    /// Everything about a person; without what is confidential unless `all`. Logged before it
    /// returns: sealed to the person when the node knows the person, else about nobody, so that no key is made.
    ///
    /// # Errors
    /// [`SubjectError`]; then nothing may be shown.
    pub fn person_view(&self, subject: &Tag, all: bool) -> Result<PersonView, SubjectError> {
        let transfers = self.person_transfers(subject, all)?;
        let events = self.person_events(subject).map_err(|e| SubjectError::State(Box::new(e)))?;
        let tables = self.tables_of(&events);
        let listed = self.linked_with(subject).map_err(|e| SubjectError::State(Box::new(e)))?;
        let linked = listed.iter().map(|listed| (listed.run.to_string(), listed.start_ms)).collect();
        let action = if all { "Inzage voorbereiden, alle regels" } else { "Overzicht voor de betrokkene maken" };
        let mut intent = self.local_entry(OVERVIEW, action);
        "AVG 15".clone_into(&mut intent.ground_article);
        intent.confidentiality = Some(Confidentiality::Normal);
        intent.field_names = vec!["overdrachten".to_owned(), "aantallen gebeurtenissen".to_owned()];
        intent.retention_until = self.longest_retention(intent.start_ms);
        let view = PersonView { transfers, events, tables, linked };
        if view.is_known() || self.subjects.find(subject)?.is_some() {
            let part = SealedPart { subject: Some(*subject), ..SealedPart::default() };
            let _ = self.note_about(intent.clone(), &part)?;
        } else {
            self.note(&intent)?;
        }
        self.note(&entries::outcome(&intent, Outcome::Confirmed, self.clock.now_ms()))?;
        Ok(view)
    }

    /// Entries of our own fall under no convenant; what the convenants in force say at most goes for them,
    /// and without one [`OWN_YEARS`].
    pub(in crate::service) fn longest_retention(&self, start_ms: u64) -> Option<Day> {
        let standing = self.standing();
        let under = standing.in_force.iter().flatten();
        let longest = under.map(|c| entries::retention_until(start_ms, c.convenant())).max();
        longest.or_else(|| Some(entries::day_of(start_ms).add_months(OWN_YEARS * 12)))
    }

    fn person_transfers(&self, subject: &Tag, all: bool) -> Result<Vec<PersonTransfer>, SubjectError> {
        let marks = self.marks()?;
        let mut found: Vec<PersonTransfer> = Vec::new();
        for (number, entry, part) in self.entries_about(subject)? {
            let confidential = marks.of(&entry) == Confidentiality::Confidential;
            if confidential && !all {
                continue;
            }
            let id = entry.transfer_id.to_string();
            let is_same = |known: &&mut PersonTransfer| known.transfer_id == id && known.is_with(&entry);
            match found.iter_mut().find(is_same) {
                Some(known) => known.goes_on(&entry),
                None => found.push(PersonTransfer::of(number, &entry, &part, confidential)),
            }
        }
        found.sort_by_key(|transfer| (transfer.start_ms, transfer.number));
        for transfer in &mut found {
            self.ending(transfer)?;
        }
        Ok(found)
    }

    /// How a transfer ended stands in entries that need not name the person.
    fn ending(&self, transfer: &mut PersonTransfer) -> Result<(), SubjectError> {
        let Ok(id) = crate::translog::entry::TransferId::parse(&transfer.transfer_id) else { return Ok(()) };
        let filter = crate::storage::log::Filter { transfer: Some(id), ..Default::default() };
        for (_, entry) in self.log_entries(&filter, (None, usize::MAX))? {
            if entry.transfer_id == id && transfer.is_with(&entry) && transfer.outcome.is_none() {
                transfer.goes_on(&entry);
            }
        }
        Ok(())
    }

    /// The stored events of a person, by kind and year: one pass over the journal.
    fn person_events(&self, subject: &Tag) -> Result<Vec<PersonEvents>, CoreError> {
        let mut stored = self.writing().stored_refs();
        stored.sort_unstable();
        let mut counts: BTreeMap<(EventType, Option<i16>), u32> = BTreeMap::new();
        each_row(&self.state, &mut |at, record| {
            if let RowKind::Accepted(accepted) = &record.kind
                && accepted.event.subject.as_ref() == Some(subject)
                && stored.binary_search(&at).is_ok()
            {
                let datum = accepted.event.datum;
                let year = (datum.precision != Precision::U).then(|| datum.lo.ymd().0);
                *counts.entry((accepted.event.event_type, year)).or_default() += 1;
            }
            Ok(())
        })?;
        Ok(counts.into_iter().map(|((kind, year), number)| PersonEvents { kind, year, number }).collect())
    }

    /// Released tables over the years of these events: which indicators and years, and no more.
    fn tables_of(&self, events: &[PersonEvents]) -> Vec<(String, Vec<i16>)> {
        let years: BTreeSet<i16> = events.iter().filter_map(|events| events.year).collect();
        let mut tables: BTreeMap<String, BTreeSet<i16>> = BTreeMap::new();
        for stored in self.memory().ledger.tables() {
            let year = stored.query().period.year();
            if years.contains(&year) {
                tables.entry(stored.query().indicator.to_string()).or_default().insert(year);
            }
        }
        tables.into_iter().map(|(indicator, years)| (indicator, years.into_iter().collect())).collect()
    }
}

impl PersonTransfer {
    fn of(number: u64, entry: &Entry, part: &SealedPart, confidential: bool) -> Self {
        let grounds = [&entry.ground_article, &entry.ground_avg6, &entry.ground_avg9_10];
        let partner = if entry.direction == Direction::Local { None } else { entry.partner() };
        let mut transfer = Self {
            transfer_id: entry.transfer_id.to_string(),
            number,
            start_ms: entry.start_ms,
            direction: entry.direction.as_str().to_owned(),
            partner,
            service: entry.service.clone(),
            action: entry.action.clone(),
            purpose: entry.purpose.clone(),
            grounds: grounds.into_iter().filter(|ground| !ground.is_empty()).cloned().collect(),
            categories: entry.data_categories.clone(),
            fields: entry.field_names.clone(),
            case: part.case.clone(),
            refused: false,
            outcome: None,
            retention_until: entry.retention_until,
            confidential,
        };
        transfer.goes_on(entry);
        transfer
    }

    /// Whether an entry is of the same partner and the same way: the one who asks chooses the id, so two may choose one.
    fn is_with(&self, entry: &Entry) -> bool {
        let partner = if entry.direction == Direction::Local { None } else { entry.partner() };
        self.partner == partner && self.direction == entry.direction.as_str()
    }

    /// Takes in what a later entry of the same transfer says.
    fn goes_on(&mut self, entry: &Entry) {
        self.refused |= entry.decision == Some(Decision::Deny);
        let received = (entry.phase == Phase::Received).then(|| "RECEIVED".to_owned());
        if let Some(outcome) = entry.outcome.map(|outcome| outcome.as_str().to_owned()).or(received) {
            self.outcome = Some(outcome);
        }
        self.retention_until = self.retention_until.max(entry.retention_until);
    }
}
