//! An entry has one encoding; everything else is refused and nothing panics.

use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 :/@.é-]{0,24}"
}

fn oin() -> impl Strategy<Value = Oin> {
    "[0-9]{20}".prop_map(|digits| Oin::parse(&digits).expect("twenty digits"))
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-z_0-9]{1,12}", 0..5)
}

fn digest32() -> impl Strategy<Value = Option<Digest>> {
    prop::option::of(any::<[u8; 32]>().prop_map(Digest))
}

fn phases() -> impl Strategy<Value = Entry> {
    let id = (any::<u64>(), any::<[u8; 10]>()).prop_map(|(ms, random)| TransferId::new(ms, random));
    (id, 1_u8..=5, 1_u8..=3, 1_u8..=4, any::<u64>(), any::<[u8; 16]>()).prop_map(
        |(id, phase, way, ending, ms, salt)| {
            let phase = Phase::from_number(phase).expect("closed list");
            let mut entry = Entry::new(id, Direction::from_number(way).expect("closed list"), phase, ms);
            entry.salt = if salt == [0; 16] { [1; 16] } else { salt };
            match phase {
                Phase::Outcome => entry.outcome = Outcome::from_number(ending),
                Phase::Deny => {
                    (entry.decision, entry.reason_codes) = (Some(Decision::Deny), vec!["convenant_field".into()])
                }
                Phase::Connection => (entry.end_ms, entry.refused_connections) = (Some(ms), Some(3)),
                Phase::Intent => entry.decision = Some(Decision::Allow),
                Phase::Received => {}
            }
            entry
        },
    )
}

prop_compose! {
    fn entries()(
        base in phases(), sender in prop::option::of(oin()), delegators in prop::collection::vec(oin(), 0..3),
        names in texts(), service in text(), sealed in prop::collection::vec(any::<u8>(), 0..80),
        hashes in (digest32(), digest32(), digest32()), aggregate in prop::option::of(any::<(u32, u32, u32)>()),
        day in prop::option::of(-719_162_i32..=2_932_896), tls in prop::option::of(any::<(u16, u16, u16)>()),
        ids in prop::option::of(any::<([u8; 16], [u8; 8])>()), counter in prop::option::of(any::<u64>()),
    ) -> Entry {
        Entry {
            sender_oin: sender, delegator_oins: delegators, field_names: names, service, subject_sealed: sealed,
            convenant_hash: hashes.0, payload_commitment: hashes.1, peer_spki: hashes.2,
            aggregate: aggregate.map(|(cells, suppressed, min_n)| Aggregate { cells, suppressed, min_n }),
            retention_until: day.map(Day), counter,
            tls: tls.map(|(version, suite, group)| TlsParameters { version, suite, group }),
            trace_id: ids.map(|ids| ids.0), span_id: ids.map(|ids| ids.1),
            ..base
        }
    }
}

proptest! {
    #[test]
    fn an_entry_comes_back(entry in entries()) {
        let bytes = entry.encode().expect("valid entry");
        prop_assert_eq!(Entry::decode(&bytes), Ok(entry));
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(
        entry in entries(), at in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0..4,
    ) {
        let mut bytes = entry.encode().expect("valid entry");
        let at = at.index(bytes.len());
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 => { bytes.remove(at); }
            _ => bytes.truncate(at),
        }
        if let Ok(read) = Entry::decode(&bytes) {
            prop_assert_eq!(read.encode().expect("decoded entry"), bytes);
        }
    }

    #[test]
    fn random_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..600), magic in any::<bool>()) {
        let mut bytes = if magic { b"KPTL\x01".to_vec() } else { Vec::new() };
        bytes.extend(tail);
        if let Ok(read) = Entry::decode(&bytes) {
            prop_assert_eq!(read.encode().expect("decoded entry"), bytes);
        }
    }

    #[test]
    fn transfer_ids_come_back(ms in any::<u64>(), random in any::<[u8; 10]>()) {
        let id = TransferId::new(ms, random);
        prop_assert_eq!(TransferId::parse(&id.to_string()), Ok(id));
        prop_assert_eq!(id.moment_ms(), ms & 0xffff_ffff_ffff);
    }
}

fn intent() -> Entry {
    Entry::new(TransferId::new(1_700_000_000_000, [7; 10]), Direction::Outgoing, Phase::Intent, 1_700_000_000_000)
}

#[test]
fn every_truncation_and_every_trailing_byte_is_refused() {
    let bytes = Entry { service: "aggregate".into(), ..intent() }.encode().expect("valid entry");
    for end in 0..bytes.len() {
        assert!(matches!(Entry::decode(&bytes[..end]), Err(InvalidEntry::Truncated(_))), "cut at {end}");
    }
    assert_eq!(Entry::decode(&[&bytes[..], &[0]].concat()), Err(InvalidEntry::Trailing));
}

#[test]
fn entries_that_contradict_themselves_are_neither_written_nor_read() {
    let wrong = [
        Entry::default(),
        Entry { salt: [0; 16], ..intent() },
        Entry { outcome: Some(Outcome::Sent), ..intent() },
        Entry { phase: Phase::Outcome, ..intent() },
        Entry { decision: Some(Decision::Deny), ..intent() },
        Entry { phase: Phase::Deny, ..intent() },
        Entry { phase: Phase::Deny, decision: Some(Decision::Deny), ..intent() },
        Entry { phase: Phase::Connection, end_ms: Some(1), ..intent() },
        Entry { phase: Phase::Connection, refused_connections: Some(1), ..intent() },
        Entry { refused_connections: Some(1), ..intent() },
    ];
    for entry in wrong {
        assert!(matches!(entry.encode(), Err(InvalidEntry::Rule(_))), "{entry:?}");
    }
}

#[test]
fn fields_that_have_no_bytes_are_refused_by_name() {
    let cases = [
        (Entry { service: "a\nb".into(), ..intent() }, InvalidEntry::Field("service")),
        (Entry { reason_codes: vec![String::new()], ..intent() }, InvalidEntry::Field("reason_codes")),
        (Entry { retention_until: Some(Day(i32::MAX)), ..intent() }, InvalidEntry::Field("retention_until")),
        (Entry { transfer_id: TransferId::default(), ..intent() }, InvalidEntry::Field("transfer_id")),
        (Entry { field_names: vec!["x".repeat(70_000)], ..intent() }, InvalidEntry::TooLong("field_names")),
        (
            Entry { subject_sealed: vec![1; 40_000], subject_label: vec![2; 40_000], ..intent() },
            InvalidEntry::TooLong("totaal"),
        ),
    ];
    for (entry, error) in cases {
        assert_eq!(entry.encode(), Err(error));
    }
}

#[test]
fn the_salt_hides_the_payload_and_differs_per_entry() {
    assert_ne!(intent().salt, intent().salt);
    assert_ne!(payload_commitment(&[1; 16], b"x"), payload_commitment(&[2; 16], b"x"));
}

#[test]
fn a_listing_has_the_used_fields_in_order() {
    let entry = Entry { purpose: "P1".into(), row_count: Some(3), ..intent() };
    let names: Vec<&str> = entry.fields().iter().map(|field| field.0).collect();
    assert_eq!(names, ["transfer_id", "direction", "phase", "purpose", "row_count", "start_ms"]);
    let json = serde_json::to_string(&entry).expect("JSON");
    assert!(json.starts_with(r#"{"transfer_id":"018bcfe5-6800-7707-"#), "{json}");
}
