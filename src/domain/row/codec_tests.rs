//! Round trips of row records, and bytes that are none.

use proptest::prelude::*;

use super::*;

fn any_day() -> impl Strategy<Value = Day> {
    DAYS.prop_map(Day)
}

fn any_datum() -> impl Strategy<Value = PartialDate> {
    (0_u8..4, 1_i16..=9999, 1_i8..=12, 1_i8..=28).prop_map(|(p, y, m, d)| match p {
        0 => PartialDate::exact(Day::from_ymd(y, m, d).unwrap()),
        1 => PartialDate::from_parts(Precision::M, Day::from_ymd(y, m, 1).unwrap()),
        2 => PartialDate::from_parts(Precision::Y, Day::from_ymd(y, 1, 1).unwrap()),
        _ => PartialDate::from_parts(Precision::U, Day(0)),
    })
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(proptest::sample::select(all))
}

/// Records have no `Debug`; a failing case shows its bytes.
struct Hidden<T>(T);

impl<T> std::fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

fn any_accepted() -> impl Strategy<Value = Hidden<RowKind>> {
    let codes = (
        one_of(Maatregel::ALL),
        one_of(Reden::ALL),
        one_of(Kader::ALL),
        one_of(Uitkomst::ALL),
        one_of(Geslacht::ALL),
        proptest::option::of(0_u8..=41),
        proptest::option::of(any::<bool>()),
    );
    let people = (
        ".{1,64}",
        proptest::option::of(any::<[u8; 32]>()),
        proptest::option::of("[0-9]{20}"),
        proptest::option::of(any_day()),
        any::<(u128, Option<u128>)>(),
        prop_oneof![Just((0, 0)), any::<(u128, u128)>()],
        proptest::collection::vec(any::<([u8; 16], [u8; 32])>(), 0..3),
    );
    let rest = (proptest::sample::select(EventType::ALL), any_datum(), any_day(), 0_u16..10_000, 0_u8..4);
    (codes, people, rest).prop_map(|(codes, people, rest)| {
        let (maatregel, reden, kader, uitkomst, geslacht, melder, scheiding) = codes;
        let (event_id, subject, partij, born, (content_fp, dup_fp), (zaak, gezin), tokens) = people;
        let (event_type, datum, registered, gemeente, repairs) = rest;
        let event = Event {
            event_id: event_id.into(),
            subject: subject.map(Tag::from_bytes),
            event_type,
            datum,
            registered,
            gemeente: Gemeente(gemeente),
            maatregel,
            reden,
            kader,
            uitkomst,
            melder,
            partij: partij.map(|t| Oin::parse(&t).unwrap()),
            zaak,
            gezin,
            geslacht,
            scheiding,
            born,
        };
        let tokens = tokens.into_iter().map(|(base, token)| (base, Tag::from_bytes(token))).collect();
        let repairs = Repairs::from_bits(repairs);
        Hidden(RowKind::Accepted(Box::new(Accepted { event, content_fp, dup_fp, repairs, tokens })))
    })
}

struct Shown(RowRecord);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x?}", self.0.encode())
    }
}

fn any_record() -> impl Strategy<Value = Shown> {
    let fields = proptest::collection::vec((proptest::sample::select(Column::ALL), ".{0,30}"), 0..18);
    let kind = prop_oneof![
        any_accepted().boxed(),
        ".{1,64}".prop_map(|id| Hidden(RowKind::Deletion { event_id: id.into() })).boxed(),
        (proptest::sample::select(Rule::ALL), proptest::sample::select(Column::ALL), fields)
            .prop_map(|(rule, column, fields)| {
                let fields = OriginalFields::new(fields.iter().map(|(c, t)| (*c, t.as_str())));
                Hidden(RowKind::Quarantined { rule, column, fields })
            })
            .boxed(),
    ];
    (any::<(u32, u128)>(), proptest::option::of(any_day()), kind).prop_map(|((line, event_id_fp), registered, kind)| {
        Shown(RowRecord { line, event_id_fp, registered, kind: kind.0 })
    })
}

proptest! {
    #[test]
    fn a_record_comes_back_and_no_shorter_or_longer_bytes_do(record in any_record(), cut in any::<prop::sample::Index>()) {
        let bytes = record.0.encode();
        prop_assert!(RowRecord::decode(&bytes) == Ok(record.0));
        prop_assert!(RowRecord::decode(&bytes[..cut.index(bytes.len())]).is_err());
        let mut longer = bytes;
        longer.push(0);
        prop_assert!(RowRecord::decode(&longer).is_err());
    }

    #[test]
    fn changed_bytes_are_refused_or_are_another_record(
        record in any_record(), at in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let mut bytes = record.0.encode();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(other) = RowRecord::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes, "one value has one encoding");
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(record) = RowRecord::decode(&bytes) {
            prop_assert_eq!(record.encode(), bytes);
        }
    }
}

#[test]
fn kept_fields_are_bounded_and_never_hold_the_bsn() {
    let long = "é".repeat(5000);
    let fields = OriginalFields::new([(Column::Zaak, long.as_str()), (Column::Bsn, "111222333"), (Column::Type, "")]);
    assert_eq!(fields.field(Column::Zaak).chars().count(), super::super::MAX_KEPT_CHARS);
    assert_eq!(fields.iter().len(), 1);
    let kind = RowKind::Quarantined { rule: Rule::BsnOngeldig, column: Column::Bsn, fields };
    let record = RowRecord { line: 2, event_id_fp: 1, registered: None, kind };
    assert!(RowRecord::decode(&record.encode()) == Ok(record));
}
