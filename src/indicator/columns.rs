//! `Columns`: the events of one organisation as dense columns, 34 bytes an event with the row list of its type.

use std::collections::HashMap;
use std::hash::Hash;

use super::definition::Unit;
use super::family::Families;
use crate::crypto::digest;
use crate::domain::codes::{EventType, Maatregel, Reden, Uitkomst};
use crate::domain::day::{Day, PartialDate, Precision};
use crate::domain::event::{Event, Gemeente};
use crate::policy::rules::AGE_BANDS;

/// Stands for "none" in columns of indexes.
const NO_INDEX: u32 = u32::MAX;
/// Stands for "none" in columns of codes.
const NO_CODE: u8 = u8::MAX;

/// Place of `ONB` in the age bands.
const UNKNOWN_AGE: u8 = 5;

/// A row number of [`Columns`], in stored order.
pub(super) type Row = u32;

/// The stored events of one organisation, one entry an event in every column, in stored order.
///
/// Subjects, trajectories (case number and subject), families and event ids are small numbers without meaning outside;
/// the pseudonyms and fingerprints themselves are not kept.
#[derive(Default, PartialEq, Eq)]
pub struct Columns {
    /// Municipality, type, measure and age band as one number: see [`Combination`].
    combination: Vec<u32>,
    /// The municipalities that occur, by their number in `combination`.
    gemeenten: Vec<Gemeente>,
    reden: Vec<u8>,
    uitkomst: Vec<u8>,
    precision: Vec<u8>,
    lo: Vec<i32>,
    hi: Vec<i32>,
    subject: Vec<u32>,
    trajectory: Vec<u32>,
    family: Vec<u32>,
    rank: Vec<u32>,
    by_type: Vec<Vec<Row>>,
    trajectories: usize,
    identities: Option<Box<Identities>>,
}

/// Names of subjects, trajectories and events that are the same in the columns of another set of records: keyed
/// fingerprints, kept only while two sets are compared.
#[derive(Default, PartialEq, Eq)]
struct Identities {
    subjects: Vec<u128>,
    trajectories: Vec<u128>,
    events: Vec<u128>,
}

impl Columns {
    /// Builds the columns of `events`, which come in stored order; see [`ColumnsBuilder`].
    #[must_use]
    pub fn build(events: impl IntoIterator<Item = Event>) -> Self {
        let mut builder = ColumnsBuilder::with_room_for(0);
        for (row, event) in events.into_iter().enumerate() {
            builder.place(row, &event);
        }
        builder.finish()
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.combination.len()
    }

    /// Whether there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.combination.is_empty()
    }

    /// Combinations, first and last possible days of all events, in stored order.
    pub(super) fn scan(&self) -> (&[u32], &[i32], &[i32]) {
        (&self.combination, &self.lo, &self.hi)
    }

    /// The municipalities that occur, in the order of their numbers in a [`Combination`].
    pub(super) fn gemeenten(&self) -> &[Gemeente] {
        &self.gemeenten
    }

    /// Events of a type, in stored order.
    pub(super) fn of_type(&self, event_type: EventType) -> impl Iterator<Item = Row> {
        self.by_type.get(usize::from(event_type as u8)).into_iter().flatten().copied()
    }

    pub(super) fn maatregel(&self, row: Row) -> Option<Maatregel> {
        Combination(self.combination[at(row)]).maatregel()
    }

    pub(super) fn reden(&self, row: Row) -> Option<Reden> {
        Reden::from_index(self.reden[at(row)])
    }

    pub(super) fn uitkomst(&self, row: Row) -> Option<Uitkomst> {
        Uitkomst::from_index(self.uitkomst[at(row)])
    }

    pub(super) fn gemeente(&self, row: Row) -> Gemeente {
        self.gemeenten[at(self.combination[at(row)] / Combination::BLOCK)]
    }

    /// Place of the age band in [`crate::policy::rules::AGE_BANDS`].
    pub(super) fn age(&self, row: Row) -> u8 {
        Combination(self.combination[at(row)]).age()
    }

    /// First possible day.
    pub(super) fn lo(&self, row: Row) -> Day {
        Day(self.lo[at(row)])
    }

    /// Last possible day.
    pub(super) fn hi(&self, row: Row) -> Day {
        Day(self.hi[at(row)])
    }

    /// The day, when the date is exact.
    pub(super) fn day(&self, row: Row) -> Option<Day> {
        (self.precision[at(row)] == Precision::D as u8).then(|| self.lo(row))
    }

    /// Whether the date says nothing at all (precision U).
    pub(super) fn is_undated(&self, row: Row) -> bool {
        self.precision[at(row)] == Precision::U as u8
    }

    /// Whether only the year of the date is known (precision Y).
    pub(super) fn is_known_to_the_year(&self, row: Row) -> bool {
        self.precision[at(row)] == Precision::Y as u8
    }

    pub(super) fn subject(&self, row: Row) -> Option<u32> {
        some(self.subject[at(row)])
    }

    pub(super) fn trajectory(&self, row: Row) -> Option<u32> {
        some(self.trajectory[at(row)])
    }

    /// Family of the child, or of the event when it has no subject.
    pub(super) fn family(&self, row: Row) -> u32 {
        self.family[at(row)]
    }

    /// Place of the event id in byte order.
    pub(super) fn rank(&self, row: Row) -> u32 {
        self.rank[at(row)]
    }

    /// Number of trajectories.
    pub(super) fn trajectories(&self) -> usize {
        self.trajectories
    }

    /// The name of what an event counts for: its child, its trajectory or itself, as `unit` says. None unless the
    /// columns were built to be compared.
    pub(super) fn identity(&self, row: Row, unit: Unit) -> Option<u128> {
        let names = self.identities.as_ref()?;
        let of = |list: &[u128], n: u32| list.get(at(n)).copied();
        let own = of(&names.events, row);
        match unit {
            Unit::Child | Unit::FirstEvent | Unit::FirstEver => {
                self.subject(row).and_then(|n| of(&names.subjects, n)).or(own)
            }
            Unit::Trajectory => self.trajectory(row).and_then(|n| of(&names.trajectories, n)).or(own),
            Unit::Row => own,
        }
    }
}

/// Municipality (by its number), event type, measure and age band of an event as one number, so that counting by all four
/// takes one counter an event.
#[derive(Clone, Copy)]
pub(super) struct Combination(pub u32);

const _: () = assert!(EventType::ALL.len() == 36 && Maatregel::ALL.len() == 6 && AGE_BANDS.len() == 6);

impl Combination {
    const BANDS: u32 = 6;
    const MEASURES: u32 = 7;
    const NO_MEASURE: u8 = 6;
    /// Combinations of one municipality: 36 types, 6 measures or none, 6 age bands.
    pub const BLOCK: u32 = 36 * Self::MEASURES * Self::BANDS;

    fn of(event: &Event, gemeente: u32) -> Self {
        let kind = u32::from(event.event_type as u8);
        let measure = u32::from(event.maatregel.map_or(Self::NO_MEASURE, |m| m as u8));
        let age = u32::from(age_band(event.born, event.datum));
        Self(gemeente * Self::BLOCK + (kind * Self::MEASURES + measure) * Self::BANDS + age)
    }

    pub fn event_type(self) -> Option<EventType> {
        u8::try_from(self.0 % Self::BLOCK / (Self::BANDS * Self::MEASURES)).ok().and_then(EventType::from_index)
    }

    pub fn maatregel(self) -> Option<Maatregel> {
        u8::try_from(self.0 / Self::BANDS % Self::MEASURES).ok().and_then(Maatregel::from_index)
    }

    /// Place of the age band in [`crate::policy::rules::AGE_BANDS`].
    pub fn age(self) -> u8 {
        u8::try_from(self.0 % Self::BANDS).unwrap_or(UNKNOWN_AGE)
    }
}

/// Columns being built; the events may come in any order, each with its place in stored order.
///
/// A child belongs to one family: children that share a family number on any event are one family, and a child
/// without any family number is a family of its own. An event without subject belongs to the family of its number,
/// or is a family of its own.
pub struct ColumnsBuilder {
    columns: Columns,
    subjects: HashMap<crate::crypto::Tag, u32>,
    trajectories: HashMap<(u128, u32), u32>,
    gemeenten: HashMap<Gemeente, u32>,
    families: Families,
    ids: EventIds,
    compared: bool,
}

impl ColumnsBuilder {
    /// Keeps names of what is counted, so that the counts of two sets of records can be compared unit by unit.
    #[must_use]
    pub fn compared(self) -> Self {
        Self { compared: true, ..self }
    }

    /// Room for this many events, so that nothing grows on the way; more may come.
    #[must_use]
    pub fn with_room_for(events: usize) -> Self {
        let mut builder = Self {
            columns: Columns { by_type: vec![Vec::new(); EventType::ALL.len()], ..Columns::default() },
            subjects: HashMap::new(),
            trajectories: HashMap::new(),
            gemeenten: HashMap::new(),
            families: Families::default(),
            ids: EventIds::default(),
            compared: false,
        };
        builder.resize(events);
        builder
    }

    fn resize(&mut self, events: usize) {
        let c = &mut self.columns;
        c.combination.resize(events, 0);
        c.reden.resize(events, NO_CODE);
        c.uitkomst.resize(events, NO_CODE);
        c.precision.resize(events, Precision::U as u8);
        c.lo.resize(events, 0);
        c.hi.resize(events, 0);
        c.subject.resize(events, NO_INDEX);
        c.trajectory.resize(events, NO_INDEX);
        c.family.resize(events, NO_INDEX);
        self.ids.spans.resize(events, (0, 0));
    }

    /// Puts an event in its place, counted from 0. Every place below the highest is to be filled.
    pub fn place(&mut self, row: usize, event: &Event) {
        if row >= self.columns.len() {
            self.resize(row + 1);
        }
        let c = &mut self.columns;
        let next = index(c.gemeenten.len());
        let gemeente = *self.gemeenten.entry(event.gemeente).or_insert(next);
        if gemeente == next {
            c.gemeenten.push(event.gemeente);
        }
        c.combination[row] = Combination::of(event, gemeente).0;
        c.reden[row] = event.reden.map_or(NO_CODE, |r| r as u8);
        c.uitkomst[row] = event.uitkomst.map_or(NO_CODE, |u| u as u8);
        c.precision[row] = event.datum.precision as u8;
        c.lo[row] = event.datum.lo.0;
        c.hi[row] = event.datum.hi.0;
        let subject = event.subject.map(|tag| number(&mut self.subjects, tag));
        c.subject[row] = subject.unwrap_or(NO_INDEX);
        c.trajectory[row] = subject.map_or(NO_INDEX, |s| number(&mut self.trajectories, (event.zaak, s)));
        c.family[row] = self.families.node(subject, event.gezin);
        self.ids.put(row, &event.event_id);
    }

    fn identities(&self) -> Identities {
        let mut subjects = vec![0; self.subjects.len()];
        self.subjects.iter().for_each(|(tag, &n)| subjects[at(n)] = fingerprint(tag.expose()));
        let mut trajectories = vec![0; self.trajectories.len()];
        for (&(case, subject), &n) in &self.trajectories {
            let parts = [case.to_be_bytes(), subjects[at(subject)].to_be_bytes()];
            trajectories[at(n)] = fingerprint(&parts.concat());
        }
        let events = (0..index(self.ids.spans.len())).map(|row| fingerprint(self.ids.at(row))).collect();
        Identities { subjects, trajectories, events }
    }

    /// The columns.
    #[must_use]
    pub fn finish(self) -> Columns {
        let identities = self.compared.then(|| Box::new(self.identities()));
        let Self { mut columns, subjects, trajectories, gemeenten: _, mut families, ids, compared: _ } = self;
        columns.identities = identities;
        drop(subjects);
        columns.trajectories = trajectories.len();
        drop(trajectories);
        columns.family.iter_mut().for_each(|node| *node = families.root(*node));
        columns.rank = ids.ranks();
        for (row, &combination) in (0..).zip(&columns.combination) {
            if let Some(kind) = Combination(combination).event_type() {
                columns.by_type[usize::from(kind as u8)].push(row);
            }
        }
        columns.by_type.iter_mut().for_each(Vec::shrink_to_fit);
        columns
    }
}

/// The event ids, one after another, and where each is: start and length.
#[derive(Default)]
struct EventIds {
    bytes: Vec<u8>,
    spans: Vec<(u32, u32)>,
}

impl EventIds {
    fn put(&mut self, row: usize, id: &str) {
        self.spans[row] = (index(self.bytes.len()), index(id.len()));
        self.bytes.extend_from_slice(id.as_bytes());
    }

    fn at(&self, row: Row) -> &[u8] {
        let (start, length) = self.spans[at(row)];
        self.bytes.get(at(start)..at(start) + at(length)).unwrap_or_default()
    }

    /// The place of each event's id in byte order.
    fn ranks(self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..index(self.spans.len())).collect();
        order.sort_unstable_by(|&a, &b| self.at(a).cmp(self.at(b)).then(a.cmp(&b)));
        let mut ranks = vec![0; order.len()];
        for (rank, &row) in order.iter().enumerate() {
            ranks[at(row)] = index(rank);
        }
        ranks
    }
}

fn fingerprint(bytes: &[u8]) -> u128 {
    digest(bytes).0.first_chunk().map_or(0, |half| u128::from_be_bytes(*half))
}

fn number<K: Eq + Hash>(known: &mut HashMap<K, u32>, key: K) -> u32 {
    let next = index(known.len());
    *known.entry(key).or_insert(next)
}

#[expect(clippy::expect_used, reason = "four thousand million events take more memory than this program can have")]
pub(super) fn index(n: usize) -> u32 {
    u32::try_from(n).ok().filter(|&i| i != NO_INDEX).expect("fewer than 2^32 - 1 events")
}

pub(super) fn at(index: u32) -> usize {
    index as usize
}

fn some(index: u32) -> Option<u32> {
    (index != NO_INDEX).then_some(index)
}

/// Age band of a child on an event's day: unknown when birth date or day is not exact, or the age is outside 0 to 22.
fn age_band(born: Option<Day>, on: PartialDate) -> u8 {
    let Some((born, on)) = born.zip(on.exact_day()) else { return UNKNOWN_AGE };
    match born.age_on(on) {
        0..=3 => 0,
        4..=11 => 1,
        12..=15 => 2,
        16..=17 => 3,
        18..=22 => 4,
        _ => UNKNOWN_AGE,
    }
}
