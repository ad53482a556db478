//! What a breach touches (AVG 33 and 34), counted entry by entry: which transfers, organisations, fields and numbers, and when.
//! Needs a log only, so it works on an export; with the node's keys it also counts data subjects.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use serde::Serialize;

use super::core::Core;
use super::subjects::Opener;
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::storage::log::LogError;
use crate::translog::clock::StepsBack;
use crate::translog::entry::{Decision, Direction, Entry, Outcome, Phase, TransferId};

/// A transfer: the one who asks chooses the id, so two partners may choose one.
type Transfer = (TransferId, Option<Oin>, Direction);

/// A silence of this long is told.
const GAP_MS: u64 = 3_600_000;
/// How many silences are told, the longest first.
const GAPS: usize = 10;
const DAY_MS: u64 = 86_400_000;
/// More field names than this are not told apart: a partner chooses them.
const MAX_NAMES: usize = 10_000;

/// Which entries a breach touches; conditions hold together.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct BreachScope {
    /// Begun at or after this moment, milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// Begun before this moment.
    pub until_ms: u64,
    /// With this certificate on the other side.
    pub certificate: Option<Digest>,
    /// With this public key on the other side.
    pub key: Option<Digest>,
    /// With this organisation.
    pub partner: Option<Oin>,
}

impl BreachScope {
    fn within(&self, entry: &Entry) -> bool {
        (self.since_ms..self.until_ms).contains(&entry.start_ms)
    }

    /// Whether the entry itself says that it is touched.
    fn names(&self, entry: &Entry) -> bool {
        self.certificate.is_none_or(|wanted| entry.peer_certificate == Some(wanted))
            && self.key.is_none_or(|wanted| entry.peer_spki == Some(wanted))
            && self.partner.is_none_or(|wanted| entry.partner() == Some(wanted))
    }

    /// Whether the entry says with which certificate and key, as far as that is asked.
    fn tells(&self, entry: &Entry) -> bool {
        (self.certificate.is_none() || entry.peer_certificate.is_some())
            && (self.key.is_none() || entry.peer_spki.is_some())
    }

    /// Whether the entry announces a transfer that comes in and does not say with which certificate or key.
    fn cannot_tell(&self, entry: &Entry) -> bool {
        let comes_in = entry.phase == Phase::Intent && entry.direction == Direction::Incoming;
        !self.tells(entry) && comes_in && self.partner.is_none_or(|wanted| entry.partner() == Some(wanted))
    }
}

/// What went to or came from one organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartnerCount {
    /// Transfers that went out.
    pub outgoing: u64,
    /// Transfers that came in.
    pub incoming: u64,
    /// Questions refused.
    pub refused: u64,
    /// Transfers that ended unknown or have no end in the log.
    pub unknown: u64,
    /// Cells of aggregates.
    pub cells: u64,
    /// Rows.
    pub rows: u64,
}

/// How many data subjects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SubjectCount {
    /// Different children whose entries can be opened; none on an export.
    pub known: Option<u64>,
    /// Entries about a child that cannot be opened: so many other children at most.
    pub at_most_more: u64,
}

/// A silence in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// How long, in milliseconds.
    pub length_ms: u64,
    /// When it began, milliseconds since 1970 UTC.
    pub from_ms: u64,
}

/// What a breach touches.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BreachCount {
    /// Entries.
    pub entries: u64,
    /// Transfers announced within the scope.
    pub transfers: u64,
    /// First and last moment, milliseconds since 1970 UTC.
    pub span_ms: Option<(u64, u64)>,
    /// Per organisation.
    pub partners: BTreeMap<Oin, PartnerCount>,
    /// Not counted: transfers that came in, per organisation, of which the log does not have the certificate of the other
    /// side, while the breach is one of a certificate or a key.
    pub unrecorded: BTreeMap<Oin, u64>,
    /// Categories of data, with the number of transfers.
    pub categories: BTreeMap<String, u64>,
    /// Fields, with the number of transfers.
    pub fields: BTreeMap<String, u64>,
    /// Purposes, with the number of transfers.
    pub purposes: BTreeMap<String, u64>,
    /// Data subjects.
    pub subjects: SubjectCount,
    /// Entries per day (UTC), days since 1970.
    pub days: BTreeMap<u64, u64>,
    /// Refused connections; of those nobody knows who made them.
    pub refused_connections: u64,
    /// The longest silences of an hour or more between entries of the whole log in the window.
    pub gaps: Vec<Gap>,
    /// What the entries of the window say of a clock that was set back.
    pub clock_back: StepsBack,
}

/// Counts while entries come by; memory grows with open transfers and those that did not say with which certificate, organisations, names and days, not with entries.
pub struct BreachCounter<'a> {
    scope: BreachScope,
    opener: Option<&'a Opener>,
    count: BreachCount,
    /// Announced within the scope and still without an end.
    open: HashSet<Transfer>,
    /// Questions of ours of which it is not known yet with which certificate the answer comes, with their purpose and
    /// categories of data.
    silent: HashMap<Transfer, (String, Vec<String>)>,
    seen: HashSet<u32>,
    last_ms: Option<u64>,
}

impl<'a> BreachCounter<'a> {
    /// Nothing counted yet; `opener` has the node's keys.
    #[must_use]
    pub fn new(scope: BreachScope, opener: Option<&'a Opener>) -> Self {
        let (open, silent, seen) = (HashSet::new(), HashMap::new(), HashSet::new());
        Self { scope, opener, count: BreachCount::default(), open, silent, seen, last_ms: None }
    }

    /// Takes the next entry of the log; whether the breach touches it.
    pub fn take(&mut self, entry: &Entry) -> bool {
        if self.scope.within(entry) {
            self.count.clock_back.take(entry);
            self.watch_silence(entry.start_ms);
            if self.scope.cannot_tell(entry) {
                self.silent.insert(transfer(entry), (entry.purpose.clone(), entry.data_categories.clone()));
            }
        }
        // What came in tells with which certificate when it has come; of a question that failed nothing came.
        let told = entry.phase == Phase::Received && self.scope.tells(entry);
        let ended = told || entry.outcome == Some(Outcome::Failed);
        let announced = if ended { self.silent.remove(&transfer(entry)) } else { None };
        let ends = matches!(entry.phase, Phase::Outcome | Phase::Received);
        let came = announced.filter(|_| told && self.scope.names(entry));
        let touched = self.scope.within(entry) && self.scope.names(entry)
            || ends && self.open.contains(&transfer(entry))
            || came.is_some();
        if !touched {
            return false;
        }
        self.count_arrival(entry, came);
        self.count.entries += 1;
        let (from, to) = self.count.span_ms.unwrap_or((entry.start_ms, entry.start_ms));
        self.count.span_ms = Some((from.min(entry.start_ms), to.max(entry.start_ms)));
        *self.count.days.entry(entry.start_ms / DAY_MS).or_default() += 1;
        self.count.refused_connections += entry.refused_connections.unwrap_or(0);
        self.count_transfer(entry);
        self.count_subject(entry);
        true
    }

    /// Transfers of the scope that have no end yet, or of which it is not known with which certificate they came.
    #[must_use]
    pub fn awaited(&self) -> Vec<(Oin, TransferId)> {
        let transfers = self.open.iter().chain(self.silent.keys());
        transfers.filter_map(|(id, partner, _)| partner.map(|partner| (partner, *id))).collect()
    }

    /// What was counted.
    #[must_use]
    pub fn finish(mut self) -> BreachCount {
        for partner in self.open.iter().filter_map(|(_, partner, _)| *partner) {
            self.count.partners.entry(partner).or_default().unknown += 1;
        }
        for partner in self.silent.keys().filter_map(|(_, partner, _)| *partner) {
            *self.count.unrecorded.entry(partner).or_default() += 1;
        }
        if self.opener.is_some() {
            self.count.subjects.known = Some(self.seen.len() as u64);
        }
        self.count.gaps.sort_unstable_by(|a, b| b.cmp(a));
        self.count
    }

    fn watch_silence(&mut self, now: u64) {
        if let Some(last) = self.last_ms {
            let length_ms = now.saturating_sub(last);
            if length_ms >= GAP_MS {
                self.count.gaps.push(Gap { length_ms, from_ms: last });
                self.count.gaps.sort_unstable_by(|a, b| b.cmp(a));
                self.count.gaps.truncate(GAPS);
            }
        }
        self.last_ms = Some(now);
    }

    /// Counts as a transfer what came in and was not counted at its INTENT: with its certificate it tells only now, or we asked
    /// before the scope begins (we make the ids of our questions, and they begin with the time).
    fn count_arrival(&mut self, entry: &Entry, announced: Option<(String, Vec<String>)>) {
        let asked_before = entry.phase == Phase::Received
            && entry.transfer_id.moment_ms() < self.scope.since_ms
            && !self.open.contains(&transfer(entry));
        let Some(partner) = entry.partner().filter(|_| announced.is_some() || asked_before) else { return };
        self.count.transfers += 1;
        self.count.partners.entry(partner).or_default().incoming += 1;
        if let Some((purpose, categories)) = announced {
            tally(&mut self.count.purposes, &[purpose]);
            tally(&mut self.count.categories, &categories);
        }
    }

    fn count_transfer(&mut self, entry: &Entry) {
        let Some(partner) = entry.partner().filter(|_| entry.direction != Direction::Local) else { return };
        let of = self.count.partners.entry(partner).or_default();
        match entry.phase {
            Phase::Intent => {
                self.count.transfers += 1;
                match entry.direction {
                    Direction::Outgoing => of.outgoing += 1,
                    _ => of.incoming += 1,
                }
                self.open.insert(transfer(entry));
                tally(&mut self.count.purposes, std::slice::from_ref(&entry.purpose));
            }
            Phase::Outcome | Phase::Received => {
                let was_open = self.open.remove(&transfer(entry));
                of.unknown += u64::from(was_open && entry.outcome == Some(Outcome::Unknown));
            }
            Phase::Deny => of.refused += u64::from(entry.decision == Some(Decision::Deny)),
            Phase::Connection => {}
        }
        // What leaves is in the INTENT, what came in is in RECEIVED.
        if matches!(entry.phase, Phase::Intent | Phase::Received) {
            of.rows += entry.row_count.unwrap_or(0);
            of.cells += entry.aggregate.map_or(0, |aggregate| u64::from(aggregate.cells));
            tally(&mut self.count.categories, &entry.data_categories);
            tally(&mut self.count.fields, &entry.field_names);
        }
    }

    fn count_subject(&mut self, entry: &Entry) {
        if entry.subject_label.is_empty() {
            return;
        }
        match self.opener.and_then(|opener| opener.subject_of(entry)) {
            Some(place) => drop(self.seen.insert(place)),
            None => self.count.subjects.at_most_more += 1,
        }
    }
}

impl Core {
    /// The numbers among which all entries of a span of time are: from the index, so that an old log is not read whole.
    #[must_use]
    pub fn log_span(&self, span_ms: (u64, u64)) -> Range<u64> {
        self.index.span(&self.log, span_ms)
    }

    /// Entries from number `from` of transfers, in order.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub fn later_of(&self, transfers: Vec<(Oin, TransferId)>, from: u64) -> Result<Vec<(u64, Entry)>, LogError> {
        self.index.later_of(&self.log, transfers.into_iter(), from)
    }
}

fn transfer(entry: &Entry) -> Transfer {
    (entry.transfer_id, entry.partner(), entry.direction)
}

fn tally(counts: &mut BTreeMap<String, u64>, names: &[String]) {
    let names: BTreeSet<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    for name in names {
        let name = if counts.contains_key(name) || counts.len() < MAX_NAMES { name } else { "(overige namen)" };
        *counts.entry(name.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oin(n: u8) -> Oin {
        Oin::parse(&format!("000000990000000000{n:02}")).expect("an OIN")
    }

    /// Between us (1) and a partner, all with one transfer id.
    fn entry(partner: u8, direction: Direction, phase: Phase) -> Entry {
        let (from, to) = if direction == Direction::Outgoing { (1, partner) } else { (partner, 1) };
        let outcome = (phase == Phase::Outcome).then_some(Outcome::Confirmed);
        let (sender_oin, receiver_oin) = (Some(oin(from)), Some(oin(to)));
        Entry { sender_oin, receiver_oin, outcome, ..Entry::new(TransferId::new(5, [7; 10]), direction, phase, 5) }
    }

    fn count(scope: BreachScope, entries: &[Entry]) -> BreachCount {
        let mut counter = BreachCounter::new(BreachScope { until_ms: 10, ..scope }, None);
        for entry in entries {
            counter.take(entry);
        }
        counter.finish()
    }

    #[test]
    fn transfers_of_two_partners_under_one_id_are_two() {
        use Direction::Outgoing;
        let entries =
            [entry(2, Outgoing, Phase::Intent), entry(3, Outgoing, Phase::Intent), entry(3, Outgoing, Phase::Outcome)];
        let all = count(BreachScope::default(), &entries);
        assert_eq!((all.transfers, all.partners[&oin(2)].unknown, all.partners[&oin(3)].unknown), (2, 1, 0));
        let one = count(BreachScope { partner: Some(oin(2)), ..BreachScope::default() }, &entries);
        assert_eq!((one.entries, one.partners.len()), (1, 1), "the end is that of another partner's transfer");
    }

    #[test]
    fn what_came_in_without_a_certificate_is_told_and_not_counted_as_nothing() {
        let mut known = entry(2, Direction::Incoming, Phase::Intent);
        known.peer_certificate = Some(Digest([9; 32]));
        let entries = [
            entry(2, Direction::Incoming, Phase::Intent),
            known,
            entry(3, Direction::Incoming, Phase::Intent),
            entry(3, Direction::Incoming, Phase::Received),
            entry(2, Direction::Outgoing, Phase::Intent),
        ];
        let scope = BreachScope { certificate: Some(Digest([1; 32])), ..BreachScope::default() };
        let told = count(scope, &entries);
        assert_eq!((told.entries, told.unrecorded), (0, BTreeMap::from([(oin(2), 1), (oin(3), 1)])));
        let of_one = count(BreachScope { partner: Some(oin(3)), ..scope }, &entries);
        assert_eq!(of_one.unrecorded, BTreeMap::from([(oin(3), 1)]));
        let whole = count(BreachScope::default(), &entries);
        assert_eq!((whole.entries, whole.unrecorded.len()), (5, 0), "without a certificate everything counts");
    }

    #[test]
    fn what_came_in_with_the_certificate_is_counted_and_with_another_is_not() {
        let [this, other] = [1, 2].map(|n| Digest([n; 32]));
        let received = |partner, certificate| Entry {
            peer_certificate: Some(certificate),
            aggregate: Some(crate::translog::entry::Aggregate { cells: 12, suppressed: 0, min_n: 10 }),
            field_names: vec!["IND-01".to_owned()],
            ..entry(partner, Direction::Incoming, Phase::Received)
        };
        let entries = [
            entry(2, Direction::Incoming, Phase::Intent),
            entry(3, Direction::Incoming, Phase::Intent),
            entry(4, Direction::Incoming, Phase::Intent),
            received(2, this),
            received(3, other),
        ];
        let found = count(BreachScope { certificate: Some(this), ..BreachScope::default() }, &entries);
        assert_eq!((found.transfers, found.entries, found.partners.len()), (1, 1, 1));
        let of = &found.partners[&oin(2)];
        assert_eq!((of.incoming, of.cells, of.unknown, found.fields["IND-01"]), (1, 12, 0, 1));
        assert_eq!(found.unrecorded, BTreeMap::from([(oin(4), 1)]), "only what never told");
        let failed = Entry { outcome: Some(Outcome::Failed), ..entry(4, Direction::Incoming, Phase::Outcome) };
        let scope = BreachScope { certificate: Some(this), ..BreachScope::default() };
        let none = count(scope, &[entries.as_slice(), &[failed]].concat());
        assert_eq!((none.unrecorded.len(), none.transfers), (0, 1), "of a question that failed nothing came");
        // The question went out before the scope begins.
        let late = Entry { start_ms: 8, ..received(2, this) };
        for certificate in [None, Some(this)] {
            let scope = BreachScope { since_ms: 7, certificate, ..BreachScope::default() };
            let found = count(scope, &[entry(2, Direction::Incoming, Phase::Intent), late.clone()]);
            let of = &found.partners[&oin(2)];
            assert_eq!((found.transfers, of.incoming, of.cells, of.unknown), (1, 1, 12, 0), "{certificate:?}");
        }
    }
}
