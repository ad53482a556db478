//! What the owner of a log tells a witness about itself gains it nothing.

use super::*;
use crate::translog::note::NoteSignature;

/// He pours the notes of one face over a witness that waits for a proof of the other: it goes on asking for that.
#[test]
fn seventeen_notes_do_not_wash_the_other_face_away() {
    let region = Region::awake();
    region.append(TOWN, 5);
    region.round(&[TOWN]);
    let other = copy(&region.data(TOWN));
    let face = open(other.path(), TOWN, &region.clock);
    append(&face, 3);
    region.set_down(&[GATE, INSTITUTION]);
    face.show_to_witnesses(&Calls(&region, oin(TOWN))).expect("shown");
    region.set_down(&[]);
    region.round(&[MONITOR]);
    let pending = || {
        let status = region.status(GATE);
        status.witnessed.iter().find(|log| log.oin == oin(TOWN)).expect("known").pending.clone()
    };
    assert_eq!(pending(), [8]);
    region.append(TOWN, 4);
    let log = region.core(TOWN).transfer_log();
    let note = || {
        region.append(TOWN, 1);
        log.checkpoint().expect("signed");
        log.last_checkpoint()
    };
    let seen: Vec<String> = (0..17).map(|_| note()).collect();
    let request = ShowRequest { checkpoint: note(), proofs: vec![], seen: seen.clone() };
    region.core(GATE).witness(&peer(oin(TOWN)), &request).expect("a reply");
    assert_eq!(pending(), [8], "what it says of its own log is not taken in");
    // By way of an accomplice only some fit, and none takes the place of what another brought.
    let own = region.core(INSTITUTION).transfer_log().last_checkpoint();
    let request = ShowRequest { checkpoint: own, proofs: vec![], seen };
    region.core(GATE).witness(&peer(oin(INSTITUTION)), &request).expect("a reply");
    assert_eq!(pending(), [8, 10, 11, 12, 26]);
    assert_eq!(region.round(&[TOWN]), [false]);
    assert_eq!(region.found(GATE, TOWN), [Wrong::Unproven]);
}

#[test]
fn the_owner_of_a_log_does_not_wake_its_witness() {
    let mut region = Region::awake();
    region.append(TOWN, 5);
    region.round(&[TOWN]);
    region.restart(GATE, |data| std::fs::remove_dir_all(data.join("witness")).expect("removed"));
    let cosigned = |region: &Region| {
        let status = region.status(GATE);
        status.witnessed.iter().find(|log| log.oin == oin(TOWN)).and_then(|log| log.size)
    };
    region.append(TOWN, 1);
    for down in [[MONITOR, INSTITUTION].as_slice(), &[MONITOR]] {
        region.set_down(down);
        region.round(&[GATE]);
        assert_eq!(region.round(&[TOWN]), [false]);
        assert_eq!(cosigned(&region), None, "without {down:?} it has heard no quorum of others");
    }
    region.set_down(&[]);
    region.round(&[GATE]);
    assert_eq!((region.round(&[TOWN]), cosigned(&region)), (vec![true], Some(6)));
}

/// What travels with a message is cut down to what counts: the log's own signature and ours.
#[test]
fn a_note_that_was_blown_up_takes_no_room() {
    let region = Region::awake();
    region.append(TOWN, 2);
    let log = region.core(TOWN).transfer_log();
    log.checkpoint().expect("signed");
    let mut note = Note::decode(log.last_checkpoint().as_bytes()).expect("a note");
    let honest = note.signatures.clone();
    let line = |name: &str| NoteSignature { name: name.to_owned(), key_id: [7; 4], bytes: vec![7; 64] };
    note.signatures.extend((0..300).map(|n| line(&format!("example.org/{n}"))));
    region.core(GATE).seen_checkpoint(&note.encode()).expect("kept");
    let kept = std::fs::read_to_string(region.data(GATE).join("witness/seen")).expect("kept");
    assert!(kept.contains(&origin(oin(TOWN))) && !kept.contains("example.org"), "{kept}");
    let request = ShowRequest { checkpoint: note.encode(), proofs: vec![], seen: vec![] };
    region.core(MONITOR).witness(&peer(oin(TOWN)), &request).expect("a reply");
    let kept = std::fs::metadata(region.data(MONITOR).join(format!("witness/logs/{}.json", oin(TOWN)))).expect("kept");
    assert!(kept.len() < 4096, "{}", kept.len());
    // Lines under the log's own name are no way around that.
    note.signatures = honest;
    note.signatures.extend((0..300).map(|_| line(&origin(oin(TOWN)))));
    assert_eq!(region.core(GATE).seen_checkpoint(&note.encode()), Err(ReasonCode::CheckpointUnsigned));
}

/// Who shares no convenant with a party hears nothing of its log.
#[test]
fn checkpoints_are_told_within_a_convenant_only() {
    let region = Region::awake();
    region.append(TOWN, 1);
    region.round(&[TOWN]);
    let of_town = |notes: Vec<String>| notes.iter().filter(|note| note.starts_with(&origin(oin(TOWN)))).count();
    assert_eq!(of_town(region.core(GATE).newest_seen(oin(MONITOR))), 1);
    assert_eq!(of_town(region.core(TOWN).newest_seen(oin(MONITOR))), 1, "its own, with the cosignatures");
    let stranger = Oin::parse("00000099000000009999").expect("OIN");
    assert_eq!(region.core(GATE).newest_seen(stranger), Vec::<String>::new());
}
