//! The live events of a register in order of first appearance: columns of fingerprints, and an index by `event_id`.

use super::super::day::{Day, PartialDate, Precision};
use super::super::row::{Accepted, Outcome, Repairs};
use super::narrow;

const LIVE: u8 = 1;
const TOUCHED: u8 = 2;
const LATE: u8 = 4;
const REPAIRS: u8 = 3; // shift of two bits
const PRECISION: u8 = 5; // shift of two bits

/// One event as the register knows it: 49 bytes in columns, and about 8 in the index.
#[derive(Clone, Copy)]
pub(super) struct Live {
    event_id: u128,
    /// Fingerprint of the duplicate key; 0 without a subject.
    dup: u128,
    /// Half of the content fingerprint: two versions of one event are compared, never any two events.
    pub content: u64,
    /// The row of the version that counts.
    pub row: u32,
    lo: i32,
    flags: u8,
}

impl Live {
    pub fn new(event_id: u128, accepted: &Accepted, row: u32, touched: bool) -> Self {
        let event = &accepted.event;
        let late = event.datum.precision == Precision::D
            && event.registered.0 > event.datum.lo.end_of_quarter().0 + DAYS_TO_DELIVER;
        let precision = match event.datum.precision {
            Precision::D => 0,
            Precision::M => 1,
            Precision::Y => 2,
            Precision::U => 3,
        };
        let flags = LIVE
            | if touched { TOUCHED } else { 0 }
            | if late { LATE } else { 0 }
            | (accepted.repairs.bits() << REPAIRS)
            | (precision << PRECISION);
        Self {
            event_id,
            dup: accepted.dup_fp.unwrap_or(0),
            content: half(accepted.content_fp),
            row,
            lo: event.datum.lo.0,
            flags,
        }
    }

    /// Fingerprint of the `event_id`.
    pub fn event_id(&self) -> u128 {
        self.event_id
    }

    pub fn is_live(&self) -> bool {
        self.flags & LIVE != 0
    }

    pub fn is_touched(&self) -> bool {
        self.flags & TOUCHED != 0
    }

    /// Registered more than 21 days after the end of the quarter of an exact date.
    pub fn is_late(&self) -> bool {
        self.flags & LATE != 0
    }

    pub fn is_imprecise(&self) -> bool {
        self.flags >> PRECISION != 0
    }

    pub fn datum(&self) -> PartialDate {
        let precision = match self.flags >> PRECISION {
            0 => Precision::D,
            1 => Precision::M,
            2 => Precision::Y,
            _ => Precision::U,
        };
        PartialDate::from_parts(precision, Day(self.lo))
    }

    /// The outcome of the row when the event is no duplicate.
    pub fn stored_outcome(&self) -> Outcome {
        let repairs = Repairs::from_bits((self.flags >> REPAIRS) & 3);
        if self.dup == 0 {
            Outcome::ZonderSubject
        } else if repairs.bits() != 0 {
            Outcome::Hersteld(repairs)
        } else {
            Outcome::Opgeslagen
        }
    }
}

/// An event registered later than this many days after its quarter is late (definitions 1.4).
const DAYS_TO_DELIVER: i32 = 21;

fn half(fingerprint: u128) -> u64 {
    u64::try_from(fingerprint >> 64).unwrap_or(0)
}

pub(super) enum Found {
    Live(u32),
    Nothing,
}

/// Open addressing over slot numbers; a number one higher than the slot stands in it, 0 is free, and a removed event
/// leaves its number behind until the next rebuild.
struct Index {
    cells: Vec<u32>,
    used: usize,
}

impl Index {
    fn with_room_for(events: usize) -> Self {
        Self { cells: vec![0; (events * 4 / 3 + 8).next_power_of_two()], used: 0 }
    }

    fn is_full(&self) -> bool {
        (self.used + 1) * 8 > self.cells.len() * 7
    }

    /// The cells that a fingerprint may stand in, in order; the fingerprint is keyed, so its low bits are even.
    fn walk(&self, fingerprint: u128) -> impl Iterator<Item = usize> + use<> {
        let mask = self.cells.len() - 1;
        let start = usize::try_from(fingerprint & 0xffff_ffff).unwrap_or(0);
        (0..=mask).map(move |step| (start + step) & mask)
    }

    /// The slot for which `is_it` holds.
    fn find(&self, fingerprint: u128, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        for cell in self.walk(fingerprint) {
            match self.cells[cell] {
                0 => return None,
                number if is_it(number - 1) => return Some(number - 1),
                _ => {}
            }
        }
        None
    }

    fn insert(&mut self, fingerprint: u128, slot: u32) {
        if let Some(cell) = self.walk(fingerprint).find(|&cell| self.cells[cell] == 0) {
            self.cells[cell] = slot + 1;
            self.used += 1;
        }
    }
}

/// Columns of equal length; a removed event keeps its slot until the table is compacted.
pub(super) struct LiveTable {
    event_ids: Vec<u128>,
    dups: Vec<u128>,
    contents: Vec<u64>,
    rows: Vec<u32>,
    los: Vec<i32>,
    flags: Vec<u8>,
    live: u32,
    index: Index,
}

impl LiveTable {
    pub fn new() -> Self {
        Self {
            event_ids: Vec::new(),
            dups: Vec::new(),
            contents: Vec::new(),
            rows: Vec::new(),
            los: Vec::new(),
            flags: Vec::new(),
            live: 0,
            index: Index::with_room_for(0),
        }
    }

    /// Number of slots, removed events included.
    pub fn slots(&self) -> u32 {
        narrow(self.flags.len())
    }

    /// Number of live events.
    pub fn len(&self) -> u32 {
        self.live
    }

    pub fn at(&self, slot: u32) -> Live {
        let n = slot as usize;
        Live {
            event_id: self.event_ids[n],
            dup: self.dups[n],
            content: self.contents[n],
            row: self.rows[n],
            lo: self.los[n],
            flags: self.flags[n],
        }
    }

    pub fn find(&self, event_id: u128) -> Found {
        let is_it = |slot: u32| {
            let n = slot as usize;
            self.event_ids.get(n) == Some(&event_id) && self.flags[n] & LIVE != 0
        };
        self.index.find(event_id, is_it).map_or(Found::Nothing, Found::Live)
    }

    /// Adds an event that is not live yet.
    pub fn push(&mut self, event: Live) {
        let slot = self.slots();
        grow(&mut self.event_ids, event.event_id);
        grow(&mut self.dups, event.dup);
        grow(&mut self.contents, event.content);
        grow(&mut self.rows, event.row);
        grow(&mut self.los, event.lo);
        grow(&mut self.flags, event.flags);
        self.live += 1;
        if self.index.is_full() { self.reindex() } else { self.index.insert(event.event_id, slot) }
    }

    /// Takes the newest event off again; the index is stale until [`LiveTable::reindex`].
    pub fn pop(&mut self) {
        self.event_ids.pop();
        self.dups.pop();
        self.contents.pop();
        self.rows.pop();
        self.los.pop();
        self.live -= u32::from(self.flags.pop().is_some_and(|flags| flags & LIVE != 0));
    }

    /// Overwrites the event in a slot with another version of it, or with what it was before.
    pub fn set(&mut self, slot: u32, event: Live) {
        let n = slot as usize;
        let was_live = self.flags[n] & LIVE != 0;
        self.event_ids[n] = event.event_id;
        self.dups[n] = event.dup;
        self.contents[n] = event.content;
        self.rows[n] = event.row;
        self.los[n] = event.lo;
        self.flags[n] = event.flags;
        self.live = self.live + u32::from(event.is_live()) - u32::from(was_live);
    }

    pub fn remove(&mut self, slot: u32) {
        self.flags[slot as usize] &= !LIVE;
        self.live -= 1;
    }

    /// Marks a live event as occurring in the open delivery.
    pub fn touch(&mut self, event_id: u128) {
        if let Found::Live(slot) = self.find(event_id) {
            self.flags[slot as usize] |= TOUCHED;
        }
    }

    pub fn untouch(&mut self) {
        for flags in &mut self.flags {
            *flags &= !TOUCHED;
        }
    }

    /// Builds the index over the live events anew.
    pub fn reindex(&mut self) {
        let mut index = Index::with_room_for(self.live as usize + 1);
        for (slot, (&event_id, flags)) in (0..).zip(self.event_ids.iter().zip(&self.flags)) {
            if flags & LIVE != 0 {
                index.insert(event_id, slot);
            }
        }
        self.index = index;
    }

    /// Gives the slots of removed events back when they are more than a quarter; the order of the others stays.
    pub fn compact(&mut self) -> bool {
        if (self.slots() - self.live) as usize * 4 <= self.flags.len() {
            return false;
        }
        let keep: Vec<bool> = self.flags.iter().map(|flags| flags & LIVE != 0).collect();
        retain(&mut self.event_ids, &keep);
        retain(&mut self.dups, &keep);
        retain(&mut self.contents, &keep);
        retain(&mut self.rows, &keep);
        retain(&mut self.los, &keep);
        retain(&mut self.flags, &keep);
        self.reindex();
        true
    }

    /// An empty set of duplicate keys, with room for every live event.
    pub fn seen(&self) -> Seen {
        Seen(Index::with_room_for(self.live as usize))
    }
}

/// The duplicate keys met so far, in one pass over the slots.
pub(super) struct Seen(Index);

impl Seen {
    /// Adds the event's key; whether it counts: its key is new, or it has none.
    pub fn insert(&mut self, table: &LiveTable, slot: u32) -> bool {
        let dup = table.dups[slot as usize];
        if dup == 0 {
            return true;
        }
        let is_new = self.0.find(dup, |other| table.dups[other as usize] == dup).is_none();
        if is_new {
            self.0.insert(dup, slot);
        }
        is_new
    }
}

/// Grows by a sixteenth, not by doubling, so that a full register is never half empty.
fn grow<T>(column: &mut Vec<T>, value: T) {
    if column.len() == column.capacity() {
        column.reserve_exact(column.len() / 16 + 64);
    }
    column.push(value);
}

fn retain<T>(column: &mut Vec<T>, keep: &[bool]) {
    let mut flags = keep.iter();
    column.retain(|_| flags.next().is_some_and(|&keep| keep));
}
