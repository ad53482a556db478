//! The register against a plain model of definitions 1.3, on random deliveries.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::crypto::{Tag, digest};
use crate::domain::codes::EventType;
use crate::domain::day::PartialDate;
use crate::domain::event::{Event, Gemeente};

/// A row in small numbers, so that keys and contents often meet.
#[derive(Clone, Debug)]
enum Small {
    Row { id: u8, subject: Option<u8>, day: u8, other: u8, repairs: u8 },
    Delete { id: u8 },
    Broken { id: u8 },
}

#[derive(Clone, Debug)]
struct SmallDelivery {
    rows: Vec<(Small, u8)>,
    replaces: Option<(u8, u8)>,
    refused: bool,
    abandoned: bool,
}

const BASE: i32 = 20_000;

fn datum(day: u8) -> PartialDate {
    match day {
        0 => PartialDate::from_parts(Precision::U, Day(0)),
        1 => PartialDate::from_parts(Precision::M, Day::parse("2024-11-01").unwrap()),
        _ => PartialDate::exact(Day(BASE + i32::from(day))),
    }
}

fn record(row: &Small, registered: u8, line: u32) -> RowRecord {
    let (Small::Row { id, .. } | Small::Delete { id } | Small::Broken { id }) = row;
    let kind = match row {
        Small::Delete { id } => RowKind::Deletion { event_id: format!("e{id}").into() },
        Small::Broken { id } => RowKind::Quarantined {
            rule: Rule::CodeOnbekend,
            column: Column::Kader,
            fields: OriginalFields::new([(Column::EventId, format!("e{id}").as_str()), (Column::Type, "LT_EINDE")]),
        },
        Small::Row { id, subject, day, other, repairs } => {
            let event = Event {
                event_id: format!("e{id}").into(),
                subject: subject.map(|s| Tag::from_bytes([s; 32])),
                event_type: EventType::LtStart,
                datum: datum(*day),
                registered: Day(BASE + i32::from(registered)),
                gemeente: Gemeente(153),
                maatregel: None,
                reden: None,
                kader: None,
                uitkomst: None,
                melder: None,
                partij: None,
                zaak: 0,
                gezin: 0,
                geslacht: None,
                scheiding: None,
                born: None,
            };
            let content = [subject.map_or(99, |s| s), *day, *other];
            RowKind::Accepted(Box::new(Accepted {
                event,
                content_fp: u128::from_be_bytes(digest(&content).0[..16].try_into().unwrap()),
                dup_fp: subject.map(|s| 1 + u128::from(s) * 1000 + u128::from(*day)),
                repairs: Repairs::from_bits(*repairs),
                tokens: Vec::new(),
            }))
        }
    };
    let registered = Some(Day(BASE + i32::from(registered)));
    RowRecord { line, event_id_fp: u128::from(*id) + 1, registered, kind }
}

fn head(delivery: &SmallDelivery) -> DeliveryHead {
    let day = |d: u8| Day(BASE + i32::from(d));
    DeliveryHead {
        file: "events.csv".to_owned(),
        sha256: digest(b"file"),
        at: 0,
        replaces: delivery.replaces.map(|(a, b)| (day(a.min(b)), day(a.max(b)))),
        window: None,
    }
}

/// Definitions 1.3 and input contract 3, written down plainly: everything is looked up by walking lists.
#[derive(Default)]
struct Model {
    outcomes: Vec<Option<Outcome>>,
    live: Vec<(u128, RowRecord, usize)>,
    refs: Vec<RowRef>,
}

impl Model {
    fn read(&mut self, number: u32, delivery: &SmallDelivery, known_at: Option<Day>) {
        let mut in_file = BTreeSet::new();
        for (position, (row, registered)) in (0..).zip(&delivery.rows) {
            let record = record(row, *registered, 0);
            in_file.insert(record.event_id_fp);
            self.refs.push(RowRef { delivery: number, row: position });
            let left_out = known_at.is_some_and(|day| record.registered.unwrap() > day);
            let outcome = (!left_out).then(|| self.row(record));
            self.outcomes.push(outcome);
        }
        if let Some((from, to)) = head(delivery).replaces {
            let mut kept = Vec::new();
            for (id, record, row) in std::mem::take(&mut self.live) {
                let RowKind::Accepted(accepted) = &record.kind else { unreachable!("live rows are accepted") };
                let datum = accepted.event.datum;
                let inside = datum.precision != Precision::U && datum.lo >= from && datum.hi <= to;
                if inside && !in_file.contains(&id) {
                    self.outcomes[row] = Some(Outcome::Verwijderd);
                } else {
                    kept.push((id, record, row));
                }
            }
            self.live = kept;
        }
    }

    fn row(&mut self, record: RowRecord) -> Outcome {
        let row = self.outcomes.len();
        let at = self.live.iter().position(|(id, ..)| *id == record.event_id_fp);
        match &record.kind {
            RowKind::Quarantined { rule, .. } => Outcome::Quarantaine(*rule),
            RowKind::Deletion { .. } => match at {
                Some(at) => {
                    let (.., old) = self.live.remove(at);
                    self.outcomes[old] = Some(Outcome::Verwijderd);
                    Outcome::Verwijdering
                }
                None => Outcome::Quarantaine(Rule::VerwijderingZonderOrigineel),
            },
            RowKind::Accepted(new) => {
                if let Some(at) = at {
                    let RowKind::Accepted(old) = &self.live[at].1.kind else { unreachable!("live rows are accepted") };
                    if old.content_fp == new.content_fp {
                        return Outcome::Ongewijzigd;
                    }
                    self.outcomes[self.live[at].2] = Some(Outcome::Vervangen);
                    self.live[at] = (record.event_id_fp, record, row);
                } else {
                    self.live.push((record.event_id_fp, record, row));
                }
                Outcome::Opgeslagen
            }
        }
    }

    /// Final outcomes, and the stored rows in order.
    fn finish(mut self) -> (Vec<Option<Outcome>>, Vec<RowRef>) {
        let (mut seen, mut stored) = (BTreeSet::new(), Vec::new());
        for (_, record, row) in &self.live {
            let RowKind::Accepted(accepted) = &record.kind else { unreachable!("live rows are accepted") };
            let outcome = match accepted.dup_fp {
                None => Outcome::ZonderSubject,
                Some(key) if !seen.insert(key) => Outcome::Dubbel,
                Some(_) if accepted.repairs.bits() != 0 => Outcome::Hersteld(accepted.repairs),
                Some(_) => Outcome::Opgeslagen,
            };
            self.outcomes[*row] = Some(outcome);
            if outcome.is_stored() {
                stored.push(self.refs[*row]);
            }
        }
        (self.outcomes, stored)
    }
}

fn any_row() -> impl Strategy<Value = (Small, u8)> {
    let row = prop_oneof![
        8 => (0_u8..12, proptest::option::weighted(0.8, 0_u8..3), 0_u8..40, 0_u8..2, 0_u8..4)
            .prop_map(|(id, subject, day, other, repairs)| Small::Row { id, subject, day: day / 5, other, repairs }),
        2 => (0_u8..12).prop_map(|id| Small::Delete { id }),
        1 => (0_u8..12).prop_map(|id| Small::Broken { id }),
    ];
    (row, 0_u8..40)
}

fn any_deliveries() -> impl Strategy<Value = Vec<SmallDelivery>> {
    let delivery = (
        proptest::collection::vec(any_row(), 0..30),
        proptest::option::weighted(0.3, (0_u8..10, 0_u8..60)),
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(0.3),
    );
    let delivery =
        delivery.prop_map(|(rows, replaces, refused, abandoned)| SmallDelivery { rows, replaces, refused, abandoned });
    proptest::collection::vec(delivery, 0..6)
}

fn lines(delivery: &SmallDelivery) -> Vec<u32> {
    // Some rows take two lines.
    let mut line = 2;
    let rows = (0..delivery.rows.len()).map(|n| {
        let here = line;
        line += if n % 4 == 3 { 2 } else { 1 };
        here
    });
    rows.collect()
}

fn feed(register: &mut Register, delivery: &SmallDelivery) {
    for ((row, registered), line) in delivery.rows.iter().zip(lines(delivery)) {
        // As at replay: through the bytes of the journal.
        let bytes = record(row, *registered, line).encode();
        register.apply(&RowRecord::decode(&bytes).expect("own bytes"));
    }
}

proptest! {
    #[test]
    fn the_register_is_the_model(deliveries in any_deliveries(), known_at in proptest::option::of(0_u8..40)) {
        let known_at = known_at.map(|day| Day(BASE + i32::from(day)));
        let mut register = Register::new(known_at);
        let mut model = Model::default();
        let mut expected_lines = Vec::new();
        for (number, delivery) in (0..).zip(&deliveries) {
            if delivery.abandoned {
                // A dry run in between leaves no trace, also when it was looked at.
                register.begin(head(delivery));
                feed(&mut register, delivery);
                register.finish();
                drop(register.stored_refs());
                register.abandon();
            }
            if delivery.refused {
                register.refuse(head(delivery));
            } else {
                prop_assert_eq!(register.begin(head(delivery)), number);
                feed(&mut register, delivery);
                register.end();
                model.read(number, delivery, known_at);
                expected_lines.extend(lines(delivery));
            }
        }
        let refused = deliveries.iter().filter(|d| d.refused).count();
        let (outcomes, stored) = model.finish();
        let expected: Vec<(u32, Outcome)> =
            expected_lines.into_iter().zip(&outcomes).filter_map(|(line, o)| Some((line, (*o)?))).collect();
        let found: Vec<(u32, Outcome)> = register.outcomes().map(|(_, line, outcome)| (line, outcome)).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(register.stored_refs(), stored);
        let quality = register.quality();
        prop_assert_eq!(quality.regels, expected.len() as u64);
        prop_assert_eq!(quality.geweigerde_bestanden, refused as u64);
        for class in Outcome::CLASSES {
            let n = expected.iter().filter(|(_, outcome)| outcome.class() == class).count();
            prop_assert_eq!(quality.uitkomst[class], n as u64);
        }
    }
}

fn delivery(rows: Vec<Small>, replaces: Option<(u8, u8)>) -> SmallDelivery {
    SmallDelivery { rows: rows.into_iter().map(|row| (row, 0)).collect(), replaces, refused: false, abandoned: false }
}

fn row(id: u8, day: u8) -> Small {
    Small::Row { id, subject: Some(id), day, other: 0, repairs: 0 }
}

#[test]
fn a_twin_counts_again_when_the_elder_one_is_deleted() {
    let twin = |id| Small::Row { id, subject: Some(1), day: 9, other: 0, repairs: 0 };
    let mut register = Register::new(None);
    register.begin(head(&delivery(vec![], None)));
    feed(&mut register, &delivery(vec![twin(1), twin(2)], None));
    register.end();
    assert_eq!(register.outcomes().map(|(.., o)| o.class()).collect::<Vec<_>>(), ["opgeslagen", "dubbel"]);
    register.begin(head(&delivery(vec![], None)));
    feed(&mut register, &delivery(vec![Small::Delete { id: 1 }], None));
    register.end();
    let classes: Vec<_> = register.outcomes().map(|(.., o)| o.class()).collect();
    assert_eq!(classes, ["verwijderd", "opgeslagen", "verwijdering"]);
    assert_eq!(register.stored_refs(), [RowRef { delivery: 0, row: 1 }]);
}

#[test]
fn a_replaced_period_takes_away_what_lies_inside_and_reports_what_overlaps() {
    let mut register = Register::new(None);
    register.begin(head(&delivery(vec![], None)));
    // day 0 is unknown, day 1 the whole of November 2024, which begins on day 28 of the scale
    feed(&mut register, &delivery(vec![row(1, 5), row(2, 6), row(3, 35), row(4, 0), row(5, 1)], None));
    register.end();
    let file = delivery(vec![Small::Broken { id: 2 }], Some((5, 30)));
    register.begin(head(&file));
    feed(&mut register, &file);
    let done = register.end();
    assert_eq!((done.removed, done.overlapping), (1, 2), "event 1 goes; 2 is in the file, 3 outside, 4 and 5 overlap");
    assert_eq!(done.overlapping_rows, [RowRef { delivery: 0, row: 3 }, RowRef { delivery: 0, row: 4 }]);
    assert_eq!(register.live_events(), 4);
    assert!(!register.is_live(2) && register.is_live(3));
}

#[test]
fn without_a_stated_window_it_follows_from_the_rows() {
    let mut register = Register::new(None);
    assert_eq!(register.window(), None);
    register.begin(head(&delivery(vec![], None)));
    feed(&mut register, &SmallDelivery { rows: vec![(row(1, 5), 7), (row(2, 3), 9)], ..delivery(vec![], None) });
    register.end();
    let window = register.window().expect("rows have dates");
    assert_eq!((window.from, window.to, window.derived), (Day(BASE + 3), Day(BASE + 9), true));
    let stated = (Day(BASE), Day(BASE + 30));
    register.begin(DeliveryHead { window: Some(stated), ..head(&delivery(vec![], None)) });
    register.end();
    assert_eq!(register.window(), Some(DataWindow { from: stated.0, to: stated.1, derived: false }));
}

#[test]
fn a_closing_event_in_quarantine_counts_until_it_is_live() {
    let closing = |register: &Register| register.closing_in_quarantine().get(&EventType::LtEinde).copied();
    let mut register = Register::new(None);
    let broken = delivery(vec![Small::Broken { id: 1 }, Small::Broken { id: 1 }, Small::Broken { id: 2 }], None);
    register.begin(head(&broken));
    feed(&mut register, &broken);
    assert_eq!(closing(&register), Some(2), "an event_id counts once");
    register.abandon();
    assert_eq!(closing(&register), None);
    register.begin(head(&broken));
    feed(&mut register, &broken);
    feed(&mut register, &delivery(vec![row(1, 5)], None));
    register.end();
    assert_eq!(closing(&register), Some(1));
}
