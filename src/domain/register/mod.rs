//! The register of one organisation: versions, deletions, duplicates and replaced periods over all its deliveries
//! (definitions 1.3; input contract 3). A pure machine, fed with the same records at intake and at replay. It holds
//! fingerprints only: one byte a row, and at most 64 bytes a live event.

mod live;
mod quality;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::codes::EventType;
use super::day::{Day, PartialDate, Precision};
pub use super::row::{
    Accepted, Column, InvalidRow, OriginalFields, Outcome, Repairs, RowKind, RowRecord, Rule, printable,
};
use crate::crypto::Digest;
use live::{Found, Live, LiveTable};
pub use quality::{DataWindow, Quality};

/// What is known of a delivery before its first row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeliveryHead {
    /// File name, without its folder.
    pub file: String,
    /// SHA-256 of the file's bytes.
    pub sha256: Digest,
    /// When it was delivered, in milliseconds since 1 January 1970 UTC.
    pub at: i64,
    /// The period that it fully replaces, both days inclusive (`--vervangt`).
    pub replaces: Option<(Day, Day)>,
    /// The window that it covers, both days inclusive (`--gegevens`).
    pub window: Option<(Day, Day)>,
}

/// A row in the journal: its delivery, in order from 0, and its position in that delivery, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowRef {
    /// Position of the delivery, refused ones counted.
    pub delivery: u32,
    /// Position of the row's record in the delivery.
    pub row: u32,
}

/// What a delivery does to events of before it, and to its own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// Rows superseded by a later version (`vervangen`).
    pub superseded: u32,
    /// Events taken away by deletion rows.
    pub deleted: u32,
    /// Events taken away because the replaced period leaves them out: live, wholly inside it, not in the file.
    pub removed: u32,
    /// Live events that are not in the file and only overlap the replaced period, or have an unknown date: they stay.
    pub overlapping: u32,
    /// The rows of the first [`Effects::MAX_LISTED`] events that stay though they overlap.
    pub overlapping_rows: Vec<RowRef>,
}

impl Effects {
    /// Most rows listed in [`Effects::overlapping_rows`].
    pub const MAX_LISTED: usize = 100;
}

struct Delivery {
    head: DeliveryHead,
    refused: bool,
    first_row: u32,
    rows: u32,
    /// `(row, line - row)` wherever the difference changes; lines grow by one a row unless a field holds a line end.
    lines: Vec<(u32, u32)>,
}

/// The outcome byte of a row that the reference day leaves out.
const LEFT_OUT: u8 = u8::MAX;

/// What an open delivery has changed, so that it can be taken back.
#[derive(Default)]
struct Changes {
    /// Events that it brought; they have the last slots.
    added: u32,
    /// Slots that it altered, as they were before, newest last.
    altered: Vec<Altered>,
}

struct Altered {
    slot: u32,
    before: Live,
    row_outcome: u8,
}

/// The state of one organisation after reading its deliveries in order.
pub struct Register {
    known_at: Option<Day>,
    deliveries: Vec<Delivery>,
    outcomes: Vec<u8>,
    live: LiveTable,
    open: Option<Changes>,
    effects: Effects,
    finished: bool,
    /// Rows in quarantine of types that close a stock or a wait: `event_id` fingerprint, type, row.
    closing: Vec<(u128, EventType, u32)>,
    /// First `datum` and last registration day of accepted rows; the second pair is of before the open delivery.
    span: [Option<(Day, Day)>; 2],
    settled: bool,
}

impl Register {
    /// An empty register; `known_at` leaves out rows, deletions too, that were registered after that day.
    #[must_use]
    pub fn new(known_at: Option<Day>) -> Self {
        Self {
            known_at,
            deliveries: Vec::new(),
            outcomes: Vec::new(),
            live: LiveTable::new(),
            open: None,
            effects: Effects::default(),
            finished: false,
            closing: Vec::new(),
            span: [None; 2],
            settled: true,
        }
    }

    /// Opens a delivery; one that is still open is abandoned first. Returns its position.
    pub fn begin(&mut self, head: DeliveryHead) -> u32 {
        self.abandon();
        self.open = Some(Changes::default());
        self.effects = Effects::default();
        self.span[1] = self.span[0];
        self.push_delivery(head, false)
    }

    /// Records a delivery that was refused whole; an open delivery is abandoned first. Returns its position.
    pub fn refuse(&mut self, head: DeliveryHead) -> u32 {
        self.abandon();
        self.push_delivery(head, true)
    }

    fn push_delivery(&mut self, head: DeliveryHead, refused: bool) -> u32 {
        let first_row = narrow(self.outcomes.len());
        self.deliveries.push(Delivery { head, refused, first_row, rows: 0, lines: Vec::new() });
        narrow(self.deliveries.len() - 1)
    }

    /// Takes the next row of the open delivery. Returns its outcome for now (`dubbel` follows only from
    /// [`Register::outcomes`]), or none when the reference day leaves it out or no delivery is open.
    pub fn apply(&mut self, record: &RowRecord) -> Option<Outcome> {
        self.open.as_ref()?;
        let replacing = self.note_row(record);
        if replacing {
            self.live.touch(record.event_id_fp);
        }
        if record.registered.zip(self.known_at).is_some_and(|(registered, known_at)| registered > known_at) {
            self.outcomes.push(LEFT_OUT);
            return None;
        }
        let row = narrow(self.outcomes.len());
        let outcome = match &record.kind {
            RowKind::Quarantined { rule, .. } => {
                if let Some(event_type) = record.event_type().filter(|t| t.closes() && *rule != Rule::TypeNietEigen) {
                    self.closing.push((record.event_id_fp, event_type, row));
                }
                Outcome::Quarantaine(*rule)
            }
            RowKind::Deletion { .. } => match self.live.find(record.event_id_fp) {
                Found::Live(slot) => {
                    self.remove(slot);
                    self.effects.deleted += 1;
                    Outcome::Verwijdering
                }
                Found::Nothing => Outcome::Quarantaine(Rule::VerwijderingZonderOrigineel),
            },
            RowKind::Accepted(accepted) => self.accept(record.event_id_fp, accepted, row, replacing),
        };
        self.outcomes.push(outcome.code());
        self.settled = false;
        Some(outcome)
    }

    /// Counts the row and its line; whether the open delivery replaces a period.
    fn note_row(&mut self, record: &RowRecord) -> bool {
        let Some(delivery) = self.deliveries.last_mut() else { return false };
        let shift = record.line.wrapping_sub(delivery.rows);
        if delivery.lines.last().is_none_or(|(_, last)| *last != shift) {
            delivery.lines.push((delivery.rows, shift));
        }
        delivery.rows += 1;
        delivery.head.replaces.is_some()
    }

    fn accept(&mut self, event_id_fp: u128, accepted: &Accepted, row: u32, replacing: bool) -> Outcome {
        let event = &accepted.event;
        if event.datum.precision != Precision::U {
            let (first, last) = self.span[0].unwrap_or((event.datum.lo, event.registered));
            self.span[0] = Some((first.min(event.datum.lo), last.max(event.registered)));
        }
        let new = Live::new(event_id_fp, accepted, row, replacing);
        match self.live.find(event_id_fp) {
            Found::Live(slot) => {
                let before = self.live.at(slot);
                if before.content == new.content {
                    return Outcome::Ongewijzigd;
                }
                self.alter(slot, Outcome::Vervangen);
                self.effects.superseded += 1;
                self.live.set(slot, new);
            }
            Found::Nothing => {
                self.live.push(new);
                if let Some(changes) = &mut self.open {
                    changes.added += 1;
                }
            }
        }
        new.stored_outcome()
    }

    /// When the newest delivery was begun, in milliseconds since 1 January 1970 UTC; `None` without deliveries.
    #[must_use]
    pub fn last_delivery(&self) -> Option<i64> {
        self.deliveries.iter().map(|delivery| delivery.head.at).max()
    }

    /// Gives the row behind a live event its last outcome, and remembers both.
    fn alter(&mut self, slot: u32, outcome: Outcome) {
        let before = self.live.at(slot);
        let at = before.row as usize;
        let row_outcome = self.outcomes[at];
        if let Some(changes) = &mut self.open {
            changes.altered.push(Altered { slot, before, row_outcome });
        }
        self.outcomes[at] = outcome.code();
        self.settled = false;
    }

    fn remove(&mut self, slot: u32) {
        self.alter(slot, Outcome::Verwijderd);
        self.live.remove(slot);
    }

    /// After the last row: takes away what a replaced period leaves out, and tells what the delivery did. It stays open,
    /// so that a dry run can still be abandoned.
    pub fn finish(&mut self) -> Effects {
        let replaces = self.deliveries.last().and_then(|delivery| delivery.head.replaces);
        if let (Some(_), false, Some((from, to))) = (&self.open, self.finished, replaces) {
            self.replace(from, to);
        }
        self.finished = self.open.is_some();
        self.effects.clone()
    }

    fn replace(&mut self, from: Day, to: Day) {
        for slot in 0..self.live.slots() {
            let event = self.live.at(slot);
            if !event.is_live() || event.is_touched() {
                continue;
            }
            let datum = event.datum();
            let known = datum.precision != Precision::U;
            if known && datum.lo >= from && datum.hi <= to {
                self.remove(slot);
                self.effects.removed += 1;
            } else if !known || (datum.lo <= to && datum.hi >= from) {
                self.effects.overlapping += 1;
                if self.effects.overlapping_rows.len() < Effects::MAX_LISTED {
                    let row = self.row_ref(event.row);
                    self.effects.overlapping_rows.push(row);
                }
            }
        }
    }

    /// Closes the open delivery for good; calls [`Register::finish`] when that was not done.
    pub fn end(&mut self) -> Effects {
        let effects = self.finish();
        self.open = None;
        self.finished = false;
        self.live.untouch();
        if self.live.compact() {
            self.settled = false;
        }
        effects
    }

    /// Takes back everything that the open delivery did, as if it had never begun.
    pub fn abandon(&mut self) {
        let Some(changes) = self.open.take() else { return };
        self.finished = false;
        self.effects = Effects::default();
        self.span[0] = self.span[1];
        for Altered { slot, before, row_outcome } in changes.altered.into_iter().rev() {
            self.live.set(slot, before);
            self.outcomes[before.row as usize] = row_outcome;
        }
        (0..changes.added).for_each(|_| self.live.pop());
        self.live.untouch();
        self.live.reindex();
        if let Some(delivery) = self.deliveries.pop() {
            self.outcomes.truncate(delivery.first_row as usize);
            self.closing.retain(|(.., row)| *row < delivery.first_row);
        }
        self.settled = false;
    }

    /// Number of deliveries, refused ones and an open one included.
    #[must_use]
    pub fn deliveries(&self) -> u32 {
        narrow(self.deliveries.len())
    }

    /// Head of a delivery, its number of rows, and whether it was refused.
    #[must_use]
    pub fn delivery(&self, delivery: u32) -> Option<(&DeliveryHead, u32, bool)> {
        self.deliveries.get(delivery as usize).map(|d| (&d.head, d.rows, d.refused))
    }

    /// Number of live events, duplicates included.
    #[must_use]
    pub fn live_events(&self) -> u32 {
        self.live.len()
    }

    /// Whether an event with this `event_id` fingerprint is live (stored, or a duplicate of a stored one).
    #[must_use]
    pub fn is_live(&self, event_id_fp: u128) -> bool {
        matches!(self.live.find(event_id_fp), Found::Live(_))
    }

    /// Applies the duplicate rule (definitions 1.3.5) over everything so far.
    fn settle(&mut self) {
        if self.settled {
            return;
        }
        let mut seen = self.live.seen();
        for slot in 0..self.live.slots() {
            let event = self.live.at(slot);
            if event.is_live() {
                let outcome = if seen.insert(&self.live, slot) { event.stored_outcome() } else { Outcome::Dubbel };
                self.outcomes[event.row as usize] = outcome.code();
            }
        }
        self.settled = true;
    }

    /// The final outcome of every row that the reference day does not leave out: delivery, line, outcome, in order.
    pub fn outcomes(&mut self) -> impl Iterator<Item = (u32, u32, Outcome)> + '_ {
        self.settle();
        (0..self.deliveries()).flat_map(|delivery| {
            self.outcomes_of(delivery).filter_map(move |(line, outcome)| Some((delivery, line, outcome?)))
        })
    }

    /// Line and final outcome of every row of one delivery, in order; no outcome when the reference day leaves it out.
    fn outcomes_of(&self, delivery: u32) -> impl Iterator<Item = (u32, Option<Outcome>)> + '_ {
        let delivery = &self.deliveries[delivery as usize];
        let mut lines = delivery.lines.iter().peekable();
        let mut shift = 0;
        (0..delivery.rows).map(move |row| {
            if let Some((_, next)) = lines.next_if(|(from, _)| *from == row) {
                shift = *next;
            }
            let code = self.outcomes[(delivery.first_row + row) as usize];
            (row.wrapping_add(shift), Outcome::from_code(code))
        })
    }

    /// Line and final outcome of every row of one delivery, row by row; none when the reference day leaves it out.
    pub fn delivery_outcomes(&mut self, delivery: u32) -> Vec<(u32, Option<Outcome>)> {
        self.settle();
        if delivery < self.deliveries() { self.outcomes_of(delivery).collect() } else { Vec::new() }
    }

    /// The rows of the stored events (live, not `dubbel`), in the register's order of events.
    pub fn stored_refs(&mut self) -> Vec<RowRef> {
        self.stored().map(|(.., row)| row).collect()
    }

    /// The stored events in the register's order: fingerprint of the `event_id`, date, and row.
    pub fn stored(&mut self) -> impl Iterator<Item = (u128, PartialDate, RowRef)> + '_ {
        self.settle();
        let stored = |event: &Live| self.outcomes[event.row as usize] != Outcome::Dubbel.code();
        (0..self.live.slots())
            .map(|slot| self.live.at(slot))
            .filter(move |event| event.is_live() && stored(event))
            .map(|event| (event.event_id(), event.datum(), self.row_ref(event.row)))
    }

    /// How many events the open delivery adds, alters or takes away whose date, before or after, `touches` something.
    /// Asked after [`Register::finish`].
    #[must_use]
    pub fn changes_where(&self, touches: impl Fn(PartialDate) -> bool) -> u32 {
        let Some(changes) = &self.open else { return 0 };
        let first_new = self.live.slots() - changes.added;
        let before = changes.altered.iter().filter(|a| a.slot < first_new && touches(a.before.datum())).map(|a| a.slot);
        let known = changes.altered.iter().map(|a| a.slot).filter(|&slot| slot < first_new);
        let after = known.chain(first_new..self.live.slots()).filter(|&slot| {
            let event = self.live.at(slot);
            event.is_live() && touches(event.datum())
        });
        narrow(before.chain(after).collect::<BTreeSet<u32>>().len())
    }

    fn row_ref(&self, row: u32) -> RowRef {
        let after = self.deliveries.partition_point(|delivery| delivery.first_row <= row);
        // Deliveries without rows share their first row with the next one; the last of them holds the row.
        let delivery = after.saturating_sub(1);
        RowRef { delivery: narrow(delivery), row: row - self.deliveries[delivery].first_row }
    }
}

/// Positions fit 32 bits: a register holds at most 4,294,967,295 rows, far above any organisation's.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
