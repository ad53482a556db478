//! What a witness found or heard and could not write down at once.

use super::*;

fn fault(step: Step, nth: u64) -> Fault {
    Fault { step, nth, moment: Moment::Before, error: std::io::ErrorKind::Other }
}

/// The gate gets a disk that fails so.
fn fails(region: &mut Region, fault: Fault) {
    let gate = region.cores.get_mut(&oin(GATE)).expect("the gate");
    let place = region.dir.path().join(GATE.to_string()).join("witness");
    gate.desk = Desk::open_on(&place, keys(GATE).witness_key(), 0, Disk::failing(vec![fault])).expect("opens");
}

/// Findings about the town that stand in the gate's log.
fn logged(region: &Region) -> usize {
    let log = region.core(GATE).transfer_log();
    let entries = log.entries(0..log.len()).map(|entry| entry.expect("read").1);
    entries.filter(|entry| entry.sender_oin == Some(oin(TOWN)) && !entry.reason_codes.is_empty()).count()
}

/// A checkpoint that the town signed for entries that it does not have.
fn other_face(size: u64, root: &[u8]) -> String {
    let face = Checkpoint { origin: origin(oin(TOWN)), size, root: digest(root) };
    face.sign(&keys(TOWN).checkpoint_key()).encode()
}

/// What comes of one log is found and written; what comes of another with it cannot be written any more.
#[test]
fn a_finding_is_logged_although_the_rest_of_the_message_could_not_be_kept() {
    let mut region = Region::awake();
    region.append(TOWN, 5);
    region.round(&[TOWN]);
    let size = region.status(TOWN).size;
    // The first write is the record with the finding, the second what waits for a proof.
    fails(&mut region, fault(Step::Rename, 2));
    region.append(INSTITUTION, 2);
    let institution = region.core(INSTITUTION).transfer_log();
    institution.checkpoint().expect("signed");
    let own = region.core(MONITOR).transfer_log().last_checkpoint();
    let seen = vec![other_face(size, b"other"), institution.last_checkpoint()];
    let request = ShowRequest { checkpoint: own, proofs: vec![], seen };
    region.core(GATE).witness(&peer(oin(MONITOR)), &request).expect("a reply");
    assert_eq!((region.found(GATE, TOWN), logged(&region)), (vec![Wrong::Forked], 1));
    (0..3).for_each(|_| region.core(GATE).tend_witnesses());
    region.restart(GATE, |_| ());
    region.core(GATE).tend_witnesses();
    assert_eq!(logged(&region), 1, "and once");
}

#[test]
fn a_finding_of_before_a_crash_is_logged_after_the_start() {
    let mut region = Region::awake();
    region.append(TOWN, 5);
    region.round(&[TOWN]);
    let size = region.status(TOWN).size;
    region.core(GATE).seen_checkpoint(&other_face(size, b"other")).expect("kept");
    assert_eq!(logged(&region), 1);
    // The crash came after the record was written and before the log was: the record does not count it as logged.
    let path = region.data(GATE).join(format!("witness/logs/{}.json", oin(TOWN)));
    region.restart(GATE, |_| {
        let text = std::fs::read_to_string(&path).expect("a record");
        assert!(text.contains("\"logged\": 1"), "{text}");
        std::fs::write(&path, text.replace("\"logged\": 1", "\"logged\": 0")).expect("written");
    });
    assert_eq!(logged(&region), 1);
    region.core(GATE).tend_witnesses();
    assert_eq!(logged(&region), 2);
    region.core(GATE).tend_witnesses();
    assert_eq!(logged(&region), 2);
}

/// Who has just started cosigns for nobody before it has kept what its own witnesses know.
#[test]
fn a_witness_that_could_not_be_kept_was_not_heard() {
    let mut region = Region::awake();
    region.append(TOWN, 5);
    region.round(&ALL);
    region.append(TOWN, 1);
    region.round(&[TOWN]);
    region.restart(GATE, |data| std::fs::remove_dir_all(data.join("witness")).expect("removed"));
    region.set_down(&[INSTITUTION]);
    fails(&mut region, fault(Step::Create, 1));
    region.round(&[GATE]);
    region.set_down(&[]);
    let heard = region.core(GATE).desk.heard().clone();
    assert_eq!(heard.len(), 1, "of the two that it reached it kept what one said: {heard:?}");
    region.round(&[GATE]);
    assert_eq!(region.core(GATE).desk.heard().len(), 3);
}

#[test]
fn what_was_put_aside_stands_in_the_status() {
    let mut region = Region::awake();
    region.restart(GATE, |data| std::fs::write(data.join("witness/seen"), "{").expect("written"));
    let aside = region.status(GATE).put_aside;
    assert!(aside.len() == 1 && aside[0].ends_with("witness/seen.onleesbaar-1"), "{aside:?}");
    assert!(region.status(TOWN).put_aside.is_empty());
}
