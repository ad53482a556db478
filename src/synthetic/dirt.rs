//! Faults as deliveries really have them, at the rates of definitions 5; at most one per row.

use std::collections::{HashMap, HashSet};

use super::dialect::{Column as C, Dialect, Row, compact};
use super::events::{Happening, World, after};
use super::places::{ENDED, Organisation};
use super::rng::Rng;
use crate::domain::codes::{EventType as E, Maatregel, OrgType, Owner, Reden};
use crate::domain::day::Day;

/// A fault that the delivery of an organisation carries, for whoever checks what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Class of definitions 5, such as `D01`.
    pub class: &'static str,
    /// Outcome that the contract prescribes.
    pub outcome: &'static str,
}

/// One line of a delivery, with the fault that it carries.
pub(super) struct Line {
    pub(super) row: Row,
    pub(super) fault: Option<Fault>,
}

/// Faults that any row can have, with their rates.
#[derive(Clone, Copy)]
enum General {
    WrongBsn,
    NoSubject,
    SiblingsBsn,
    ImpreciseDate,
    ImpossibleDate,
    SameRowTwice,
    SameEventOtherId,
    NearDuplicate,
    DeletionOfNothing,
    OwnCode,
    EndedMunicipality,
    UnknownType,
    ForeignType,
    OlderVersion,
    WrongEventDeleted,
    None,
}

const GENERAL: [(f64, General); 16] = [
    (0.006, General::WrongBsn),
    (0.008, General::NoSubject),
    (0.003, General::SiblingsBsn),
    (0.005, General::ImpreciseDate),
    (0.002, General::ImpossibleDate),
    (0.005, General::SameRowTwice),
    (0.005, General::SameEventOtherId),
    (0.005, General::NearDuplicate),
    (0.001, General::DeletionOfNothing),
    (0.010, General::OwnCode),
    (0.002, General::EndedMunicipality),
    (0.0005, General::UnknownType),
    (0.0005, General::ForeignType),
    (0.004, General::OlderVersion),
    (0.001, General::WrongEventDeleted),
    (0.942, General::None),
];

type Key<'a> = (usize, &'a str);

/// Turns the events of one organisation into the lines of its delivery.
pub(super) struct Delivery<'a> {
    world: &'a World,
    organisation: &'a Organisation,
    dialect: &'a Dialect,
    rng: Rng,
    lines: Vec<Line>,
    /// Lines that come last: late repeats, replacements and deletions.
    tail: Vec<Line>,
    undelivered: Vec<&'static str>,
    /// Last start and last notice per child and case.
    starts: HashMap<Key<'a>, Day>,
    notices: HashMap<Key<'a>, Day>,
    mixed_up: HashSet<(&'a str, E, Day, &'a str)>,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(world: &'a World, number: usize, dialect: &'a Dialect, seed: u64) -> Self {
        let organisation = &world.organisations[number];
        let dated = |wanted: &[E]| {
            let events = world.events[number].iter().filter(|e| wanted.contains(&e.kind));
            events.filter_map(|e| e.child.map(|child| ((child, e.zaak.as_str()), e.day))).collect()
        };
        Self {
            world,
            organisation,
            dialect,
            rng: Rng::new(seed, &format!("faults {}", organisation.key)),
            lines: Vec::new(),
            tail: Vec::new(),
            undelivered: Vec::new(),
            starts: dated(&[E::GiMaatregelStart, E::GiPjbStart, E::GiOvergenomen]),
            notices: dated(&[E::GiKennisgeving]),
            mixed_up: HashSet::new(),
        }
    }

    /// The lines in the order of the file, and the classes of rows that were never delivered.
    pub(super) fn write(mut self, events: &'a [Happening]) -> (Vec<Line>, Vec<&'static str>) {
        for event in events {
            let row = self.row(event);
            if self.fault_of_type(event, &row) || self.lost_zero(event, &row) {
                continue;
            }
            match self.rng.weighted(&GENERAL) {
                General::None => self.put(row),
                fault => self.apply(fault, event, row),
            }
        }
        self.lines.append(&mut self.tail);
        (self.lines, self.undelivered)
    }

    fn row(&self, event: &Happening) -> Row {
        let mut row = Row::default();
        let facts = &event.facts;
        row.set(C::EventId, event.id.clone());
        row.set(C::Status, "1");
        if let Some(child) = event.child.map(|number| &self.world.children[number]) {
            row.set(C::Bsn, child.bsn.clone());
            row.set(C::Born, self.dialect.date(child.born));
            row.set(C::Sex, self.dialect.sex(child.sex));
            if !matches!(event.kind.owner(), Owner::Jha | Owner::Rvdk) {
                row.set(C::Gezin, format!("F{}", child.family * 7));
            }
        }
        row.set(C::Gemeente, event.gemeente);
        row.set(C::Type, event.kind.as_str());
        row.set(C::Datum, self.dialect.date(event.day));
        row.set(C::Registered, self.dialect.timestamp(event.registered, event.second));
        row.set(C::Maatregel, facts.maatregel.map_or("", |code| code.as_str()));
        row.set(C::Reden, facts.reden.map_or("", |code| code.as_str()));
        row.set(C::Kader, facts.kader.map_or("", |code| code.as_str()));
        row.set(C::Uitkomst, facts.uitkomst.map_or("", |code| code.as_str()));
        row.set(C::Melder, facts.melder);
        row.set(C::Partij, facts.partij.map_or(String::new(), |org| self.world.organisations[org].oin.clone()));
        row.set(C::Zaak, event.zaak.clone());
        row.set(C::Scheiding, event.scheiding);
        row
    }

    fn put(&mut self, row: Row) {
        self.lines.push(Line { row, fault: None });
    }

    fn put_fault(&mut self, row: Row, class: &'static str, outcome: &'static str) {
        self.lines.push(Line { row, fault: Some(Fault { class, outcome }) });
    }

    fn put_last(&mut self, row: Row, class: &'static str, outcome: &'static str) {
        self.tail.push(Line { row, fault: Some(Fault { class, outcome }) });
    }

    fn new_id(&mut self) -> String {
        let key = self.organisation.key.rsplit('-').next().unwrap_or_default().to_uppercase();
        format!("N{key}-{}", self.rng.next() >> 24)
    }

    /// Faults that only some types have. True when the row is dealt with.
    fn fault_of_type(&mut self, event: &Happening, row: &Row) -> bool {
        match event.kind {
            E::GiMaatregelEinde | E::GiPjbEinde => self.fault_of_ending(event, row),
            E::GiEersteContact => self.contact_before_notice(event, row),
            E::GiOvergenomen => self.fault_of_transfer(event, row),
            E::GemToewijzing | E::JhStart if self.rng.chance(0.02) => {
                self.undelivered.push("D22");
                true
            }
            _ => false,
        }
    }

    fn fault_of_ending(&mut self, event: &Happening, row: &Row) -> bool {
        let draw = self.rng.unit();
        if draw < 0.02 {
            self.undelivered.push("D07");
            return true;
        }
        let start = event.child.and_then(|child| self.starts.get(&(child, event.zaak.as_str())).copied());
        if let (true, Some(start)) = (draw < 0.024, start) {
            let before = after(start, -1 - self.rng.within(0..30));
            self.put_fault(row.with(C::Datum, self.dialect.date(before)), "D08", "opgeslagen");
            return true;
        }
        let learns_code_in = Day::from_ymd(2023, 1, 1);
        let unknown_yet = self.organisation.key == "gi-gamma"
            && event.facts.maatregel == Some(Maatregel::Vots)
            && event.facts.reden == Some(Reden::R07)
            && Some(event.day) < learns_code_in;
        if unknown_yet {
            self.put_fault(row.with(C::Reden, Reden::R04.as_str()), "D20", "opgeslagen");
        }
        unknown_yet
    }

    fn contact_before_notice(&mut self, event: &Happening, row: &Row) -> bool {
        let notice = event.child.and_then(|child| self.notices.get(&(child, event.zaak.as_str())).copied());
        let Some(notice) = notice.filter(|_| self.rng.chance(0.01)) else { return false };
        let before = after(notice, -1 - self.rng.within(0..10));
        self.put_fault(row.with(C::Datum, self.dialect.date(before)), "D09", "opgeslagen");
        true
    }

    fn fault_of_transfer(&mut self, event: &Happening, row: &Row) -> bool {
        let draw = self.rng.unit();
        if draw < 0.1 {
            self.put(row.clone());
            let start = row.with(C::EventId, self.new_id()).with(C::Type, E::GiMaatregelStart.as_str());
            self.put_fault(start, "D18", "opgeslagen");
        } else if draw < 0.2 {
            let off = if self.rng.chance(0.6) { self.rng.within(2..7) } else { -self.rng.within(2..5) };
            self.put_fault(row.with(C::Datum, self.dialect.date(after(event.day, off))), "D18", "opgeslagen");
        }
        draw < 0.2
    }

    fn lost_zero(&mut self, event: &Happening, row: &Row) -> bool {
        let Some(child) = event.child else { return false };
        let Some(short) = self.world.children[child].bsn.strip_prefix('0') else { return false };
        let lost = self.rng.chance(0.25);
        if lost {
            self.put_fault(row.with(C::Bsn, short), "D02", "hersteld:bsn_voorloopnul");
        }
        lost
    }

    fn apply(&mut self, fault: General, event: &'a Happening, row: Row) {
        match fault {
            General::WrongBsn | General::NoSubject | General::SiblingsBsn => self.fault_of_bsn(fault, event, row),
            General::ImpreciseDate | General::ImpossibleDate => self.fault_of_date(fault, event, &row),
            General::SameRowTwice | General::SameEventOtherId | General::NearDuplicate => {
                self.duplicate(fault, event, row);
            }
            General::DeletionOfNothing | General::OlderVersion | General::WrongEventDeleted => {
                self.fault_of_version(fault, event, row);
            }
            General::OwnCode | General::EndedMunicipality | General::UnknownType | General::ForeignType => {
                self.fault_of_code(fault, event, row);
            }
            General::None => self.put(row),
        }
    }

    fn fault_of_bsn(&mut self, fault: General, event: &'a Happening, row: Row) {
        let Some(child) = event.child.map(|number| &self.world.children[number]) else {
            if matches!(fault, General::NoSubject) {
                let sentinel = self.sentinel();
                self.put_fault(row.with(C::Bsn, sentinel), "D03", "zonder_subject");
            } else {
                self.put(row);
            }
            return;
        };
        match fault {
            General::WrongBsn => {
                let wrong = self.wrong_bsn(&child.bsn);
                self.put_fault(row.with(C::Bsn, wrong), "D01", "quarantaine:bsn_ongeldig");
            }
            General::NoSubject => {
                let sentinel = self.sentinel();
                self.put_fault(row.with(C::Bsn, sentinel), "D03", "zonder_subject");
            }
            _ => match child.sibling.as_deref() {
                Some(sibling) if self.mixed_up.insert((sibling, event.kind, event.day, event.zaak.as_str())) => {
                    self.put_fault(row.with(C::Bsn, sibling), "D06", "opgeslagen");
                }
                _ => self.put(row),
            },
        }
    }

    fn sentinel(&mut self) -> &'static str {
        self.rng.weighted(&[(0.4, "000000000"), (0.4, "999999999"), (0.2, "")])
    }

    /// A digit off, a wrong length, or a letter for a digit.
    fn wrong_bsn(&mut self, bsn: &str) -> String {
        match self.rng.unit() {
            u if u < 0.8 => {
                let place = usize::try_from(self.rng.within(2..9)).unwrap_or(2);
                let step = u8::try_from(self.rng.within(1..10)).unwrap_or(1);
                let wrong = bsn
                    .bytes()
                    .enumerate()
                    .map(|(at, digit)| char::from(if at == place { b'0' + (digit - b'0' + step) % 10 } else { digit }));
                wrong.collect()
            }
            u if u < 0.9 && bsn.starts_with('0') => format!("{bsn}0"),
            u if u < 0.9 => bsn[..7].to_owned(),
            _ => format!("{}O{}", &bsn[..4], &bsn[5..]),
        }
    }

    fn fault_of_date(&mut self, fault: General, event: &Happening, row: &Row) {
        if matches!(fault, General::ImpossibleDate) {
            let far = after(event.registered, 367 + self.rng.within(0..500));
            let date = if self.rng.chance(0.5) { "19000101".to_owned() } else { self.dialect.date(far) };
            self.put_fault(row.with(C::Datum, date), "D11", "quarantaine:datum_ongeldig");
            return;
        }
        let day = compact(event.day);
        let date = match self.rng.unit() {
            u if u < 0.7 => format!("{}00", &day[..6]),
            u if u < 0.9 => format!("{}0000", &day[..4]),
            u if u < 0.95 => "00000000".to_owned(),
            _ => "99999999".to_owned(),
        };
        let outcome = stored(event);
        self.put_fault(row.with(C::Datum, date), "D10", outcome);
    }

    fn duplicate(&mut self, fault: General, event: &Happening, row: Row) {
        self.put(row.clone());
        match fault {
            General::SameRowTwice if self.rng.chance(0.3) => self.put_last(row, "D12", "ongewijzigd"),
            General::SameRowTwice => self.put_fault(row, "D12", "ongewijzigd"),
            General::SameEventOtherId => {
                let outcome = if event.child.is_some() { "dubbel" } else { "zonder_subject" };
                let id = self.new_id();
                self.put_fault(row.with(C::EventId, id), "D12", outcome);
            }
            _ => {
                let day = after(event.day, if self.rng.chance(0.5) { 1 } else { -1 });
                let zaak = format!("K{}", self.rng.next() >> 28);
                let near = row.with(C::EventId, self.new_id()).with(C::Datum, self.dialect.date(day));
                self.put_fault(near.with(C::Zaak, zaak), "D13", stored(event));
            }
        }
    }

    fn fault_of_version(&mut self, fault: General, event: &Happening, row: Row) {
        match fault {
            General::DeletionOfNothing => {
                let deletion = row.with(C::EventId, self.new_id()).with(C::Status, "3");
                self.put(row);
                self.put_fault(deletion, "D15", "quarantaine:verwijdering_zonder_origineel");
            }
            General::OlderVersion => {
                let day = after(event.day, -1 - self.rng.within(0..9));
                self.put_fault(row.with(C::Datum, self.dialect.date(day)), "X01", "vervangen");
                self.put_last(row, "X01", stored(event));
            }
            _ => {
                let day = after(event.day, -20 - self.rng.within(0..60));
                let wrong = row.with(C::EventId, self.new_id()).with(C::Datum, self.dialect.date(day));
                self.put(row);
                self.put_last(wrong.with(C::Status, "3"), "X02", "verwijdering");
                self.put_fault(wrong, "X02", "verwijderd");
            }
        }
    }

    fn fault_of_code(&mut self, fault: General, event: &Happening, row: Row) {
        match fault {
            General::OwnCode => match coded_column(event.kind) {
                Some(column) => self.put_fault(row.with(column, "99"), "D20", "quarantaine:code_onbekend"),
                None => self.put(row),
            },
            General::EndedMunicipality => {
                let day = event.day.to_string();
                let code = ENDED.iter().find(|(_, _, last)| *last < day.as_str()).map_or("0999", |(code, ..)| code);
                self.put_fault(row.with(C::Gemeente, code), "D25", "quarantaine:gemeente_ongeldig");
            }
            General::UnknownType => {
                let unknown = format!("{}X", event.kind);
                self.put_fault(row.with(C::Type, unknown), "T01", "quarantaine:type_onbekend");
            }
            _ => {
                let foreign = foreign_type(self.organisation.org_type);
                self.put_fault(row.with(C::Type, foreign.as_str()), "T02", "quarantaine:type_niet_eigen");
            }
        }
    }
}

fn stored(event: &Happening) -> &'static str {
    if event.child.is_some() { "opgeslagen" } else { "zonder_subject" }
}

/// The column in which an organisation uses a code of its own.
fn coded_column(kind: E) -> Option<C> {
    match kind {
        E::GiMaatregelStart => Some(C::Maatregel),
        E::GiMaatregelEinde => Some(C::Reden),
        E::LtStart => Some(C::Kader),
        E::VtMelding => Some(C::Melder),
        _ if !kind.outcomes().is_empty() => Some(C::Uitkomst),
        _ => None,
    }
}

fn foreign_type(org_type: OrgType) -> E {
    match org_type {
        OrgType::Vt => E::GiPlan,
        OrgType::Rvdk => E::VtTriage,
        OrgType::Gi => E::RvdkIntake,
        OrgType::Jha => E::LtStart,
        _ => E::VtMelding,
    }
}
