//! From entries to actions: an INTENT and what closed it are one action with one span; a refusal is one by itself, and so is
//! what became known after the action had ended.

use std::collections::BTreeMap;

use super::{Flow, Setting, derived, parties};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::reason::{ReasonCode, StatusClass};
use crate::translog::entry::{Direction, Entry, Outcome, Phase, TransferId};
use crate::translog::merkle::leaf_hash;

/// Open INTENTs that are remembered; beyond this the oldest is given out as it stands.
const MOST_OPEN: usize = 65_536;

/// What an action is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An INTENT with what closed it.
    Closed,
    /// A refusal.
    Refused,
    /// News of an action that had ended before: a receipt that came later.
    Late,
    /// Something that the partner brought, of which nothing was announced here.
    Brought,
    /// Refused connections, summed.
    Connections,
    /// An INTENT that nothing closed before the next one of its transfer; nobody knows how it ended.
    Unended,
    /// An INTENT that nothing has closed yet.
    Open,
}

/// Whether an action ended well, by the rule of LDV: `Error` is an internal failure only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineStatus {
    /// Ended without an internal failure.
    Unset,
    /// Explicitly well ended.
    Ok,
    /// Ended by an internal failure.
    Error,
}

/// One action of the organisation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Action {
    /// What it is made of.
    pub kind: Kind,
    /// The first entry with its number.
    pub first: (u64, Entry),
    /// The entry that closed it.
    pub last: Option<(u64, Entry)>,
}

impl Action {
    fn alone(kind: Kind, number: u64, entry: Entry) -> Self {
        Self { kind, first: (number, entry), last: None }
    }

    /// The entry that says how it ended.
    #[must_use]
    pub fn closing(&self) -> &Entry {
        self.last.as_ref().map_or(&self.first.1, |(_, entry)| entry)
    }

    /// The entry that announced it.
    #[must_use]
    pub fn opening(&self) -> &Entry {
        &self.first.1
    }

    /// Number in the log of the entry that says how it ended.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.last.as_ref().map_or(self.first.0, |(number, _)| *number)
    }

    /// Leaf hash of that entry.
    #[must_use]
    pub fn entry_hash(&self) -> Option<Digest> {
        self.closing().encode().ok().map(|bytes| leaf_hash(&bytes))
    }

    /// The trace: that of the entry, or for entries without one the transfer id itself.
    #[must_use]
    pub fn trace_id(&self) -> [u8; 16] {
        trace_of(self.opening())
    }

    /// The span.
    #[must_use]
    pub fn span_id(&self) -> [u8; 8] {
        let entry = self.opening();
        match (self.kind, entry.span_id) {
            (Kind::Late, _) | (_, None) => own_span(entry),
            (_, Some(span)) => span,
        }
    }

    /// The span of the calling action.
    #[must_use]
    pub fn parent_span_id(&self) -> Option<[u8; 8]> {
        let entry = self.opening();
        if self.kind == Kind::Late { entry.span_id } else { entry.parent_span_id }
    }

    /// The readable name; an empty one is filled in.
    #[must_use]
    pub fn name(&self) -> String {
        let entry = self.opening();
        let name = if entry.action.is_empty() { default_name(entry) } else { entry.action.as_str() };
        if self.kind == Kind::Refused { format!("{name}: geweigerd") } else { name.to_owned() }
    }

    /// When it began, milliseconds since 1970 UTC.
    #[must_use]
    pub fn start_ms(&self) -> u64 {
        self.opening().start_ms
    }

    /// When it ended, milliseconds since 1970 UTC; never before it began, whatever the clock did.
    #[must_use]
    pub fn end_ms(&self) -> u64 {
        let closing = self.closing();
        closing.end_ms.unwrap_or(closing.start_ms).max(self.start_ms())
    }

    /// How it ended. A refusal, of or by a partner, is no internal failure.
    #[must_use]
    pub fn status(&self) -> LineStatus {
        let closing = self.closing();
        match (closing.phase, closing.outcome) {
            _ if self.kind == Kind::Unended => LineStatus::Error,
            (Phase::Received, _) | (_, Some(Outcome::Sent | Outcome::Confirmed)) => LineStatus::Ok,
            (_, Some(Outcome::Unknown)) => LineStatus::Error,
            (_, Some(Outcome::Failed)) if failed_inside(closing) => LineStatus::Error,
            _ => LineStatus::Unset,
        }
    }

    /// Reason codes, those of the end first.
    #[must_use]
    pub fn reason_codes(&self) -> Vec<String> {
        let mut codes = self.closing().reason_codes.clone();
        let earlier = self.opening().reason_codes.iter().filter(|code| !self.closing().reason_codes.contains(code));
        codes.extend(earlier.cloned());
        codes
    }

    /// The own processing activity: an absolute URI with its version.
    #[must_use]
    pub fn activity(&self, setting: &Setting) -> String {
        let entry = self.opening();
        match entry.convenant_hash {
            _ if !entry.activity_own.is_empty() => entry.activity_own.clone(),
            Some(hash) if !entry.convenant_id.is_empty() => {
                setting.activities.under_hash(&entry.convenant_id, &entry.purpose, &hash.to_hex())
            }
            _ => setting.activities.own(&entry.service),
        }
    }

    /// The other organisation.
    #[must_use]
    pub fn partner(&self, ours: Oin) -> Option<Oin> {
        let entry = self.opening();
        [entry.sender_oin, entry.receiver_oin].into_iter().flatten().find(|oin| *oin != ours)
    }

    /// The organisation that asked, when it is another one.
    #[must_use]
    pub fn caller(&self, ours: Oin) -> Option<Oin> {
        let entry = self.opening();
        parties(entry, Flow::of(&entry.service)).map(|(asker, _)| asker).filter(|asker| *asker != ours)
    }
}

/// The trace of an entry: its own, or for an entry without one its transfer id.
#[must_use]
pub fn trace_of(entry: &Entry) -> [u8; 16] {
    entry.trace_id.unwrap_or(*entry.transfer_id.as_bytes())
}

/// A span that is this entry's alone.
#[must_use]
pub fn own_span(entry: &Entry) -> [u8; 8] {
    derived(&[b"ketenpoort/v1/span\0", &entry.salt, entry.transfer_id.as_bytes(), &[entry.phase.number()]])
}

fn default_name(entry: &Entry) -> &'static str {
    match entry.phase {
        Phase::Intent => "Overdracht aangekondigd",
        Phase::Outcome => "Afloop van een overdracht",
        Phase::Deny => "Vraag",
        Phase::Received => "Ontvangst",
        Phase::Connection => "Verbindingen geweigerd",
    }
}

/// Whether a failure was this organisation's own: what fails in talking to a partner is not.
fn failed_inside(entry: &Entry) -> bool {
    let internal = |code: &String| ReasonCode::parse(code).is_some_and(|code| code.status() == StatusClass::Internal);
    match entry.direction {
        Direction::Local => true,
        Direction::Outgoing => entry.reason_codes.iter().any(internal),
        Direction::Incoming => false,
    }
}

/// Takes entries in the order of the log and gives actions, each when the log says how it ended.
#[derive(Clone, Debug, Default)]
pub struct Joiner {
    open: BTreeMap<Key, (u64, Entry)>,
}

/// Transfer, partner and way of the data: another partner's transfer with the same id is another one, and so is the partner's
/// own question under the id of ours.
type Key = (TransferId, Option<Oin>, Direction);

fn key(entry: &Entry) -> Key {
    (entry.transfer_id, entry.partner(), entry.direction)
}

impl Joiner {
    /// The actions that end with this entry: one, none after an INTENT, and at most one more that had to be let go.
    pub fn push(&mut self, number: u64, entry: Entry) -> Vec<Action> {
        let alone = |kind, entry| vec![Action::alone(kind, number, entry)];
        match entry.phase {
            Phase::Deny => alone(Kind::Refused, entry),
            Phase::Connection => alone(Kind::Connections, entry),
            Phase::Outcome | Phase::Received => match self.open.remove(&key(&entry)) {
                Some(first) => vec![Action { kind: Kind::Closed, first, last: Some((number, entry)) }],
                None if entry.phase == Phase::Received && Flow::of(&entry.service) == Flow::Pushed => {
                    alone(Kind::Brought, entry)
                }
                None => alone(Kind::Late, entry),
            },
            Phase::Intent => {
                let mut gone: Vec<_> = self.open.insert(key(&entry), (number, entry)).into_iter().collect();
                if self.open.len() > MOST_OPEN
                    && let Some(oldest) = self.open.iter().min_by_key(|(_, (n, _))| *n).map(|(id, _)| *id)
                {
                    gone.extend(self.open.remove(&oldest));
                }
                gone.into_iter().map(|(n, e)| Action::alone(Kind::Unended, n, e)).collect()
            }
        }
    }

    /// The lowest number of an INTENT that waits for its end.
    #[must_use]
    pub fn oldest_open(&self) -> Option<u64> {
        self.open.values().map(|(number, _)| *number).min()
    }

    /// What is still open, oldest first.
    #[must_use]
    pub fn rest(self) -> Vec<Action> {
        let mut open: Vec<_> = self.open.into_values().collect();
        open.sort_unstable_by_key(|(number, _)| *number);
        open.into_iter().map(|(n, e)| Action::alone(Kind::Open, n, e)).collect()
    }
}
