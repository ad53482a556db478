//! What passes the monitor: whose it is, and who is named when it is not.

use super::refused::{set_up, who};
use super::region::{MONITOR, oin};
use crate::crypto::{Secret32, SigningKey, digest};
use crate::linkage::fault::Fault;
use crate::linkage::passage::{Leg, Passage};

#[test]
fn what_passes_the_monitor_is_its_makers_for_one_place_of_one_run() {
    let (run, _) = set_up();
    let (other_run, _) = set_up();
    let key = SigningKey::from_seed(&Secret32::random());
    let passage = Passage::sign(&run, (oin(3), &key), (Leg::ToP, 0, true), vec![1, 2, 3]);
    let public = key.verifying_key();
    assert_eq!(passage.verify(&run, &public, Leg::ToP), Ok(()));
    let carrier = (Fault::Unsigned, vec![oin(MONITOR)]);
    assert_eq!(who(passage.verify(&run, &public, Leg::ToQ)), carrier);
    assert_eq!(who(passage.verify(&other_run, &public, Leg::ToP)), carrier);
    for changed in [
        Passage { from: oin(2), ..passage.clone() },
        Passage { number: 1, ..passage.clone() },
        Passage { last: false, ..passage.clone() },
        Passage { bytes: vec![1, 2, 4], ..passage.clone() },
        Passage { leg: Leg::ToQ, ..passage.clone() },
    ] {
        assert_eq!(who(changed.verify(&run, &public, changed.leg)), carrier);
    }
}

#[test]
fn a_blinder_signs_its_answer_so_that_who_changes_it_on_the_way_is_told_from_who_made_it() {
    let (run, _) = set_up();
    let [p, q, node] = [(); 3].map(|()| SigningKey::from_seed(&Secret32::random()));
    let asked = Passage::sign(&run, (oin(3), &node), (Leg::ToP, 0, true), vec![1, 2, 3]);
    let answer = Passage::answer(&run, (oin(1), &p), &asked, vec![4, 5]);
    let (due, public) = ((Leg::ToP, 0, &digest(&asked.bytes)), p.verifying_key());
    assert_eq!(answer.verify_answer(&run, &public, due), Ok(()));
    let carrier = (Fault::Unsigned, vec![oin(MONITOR)]);
    for (changed, what) in [
        (Passage { bytes: vec![4, 6], ..answer.clone() }, "another answer"),
        (Passage { number: 1, ..answer.clone() }, "another batch"),
        (Passage { from: oin(2), ..answer.clone() }, "another blinder"),
        (Passage::answer(&run, (oin(1), &q), &asked, vec![4, 5]), "signed by another"),
        (Passage::sign(&run, (oin(1), &p), (Leg::FromP, 0, true), vec![4, 5]), "an answer to nothing"),
        (asked.clone(), "no answer at all"),
    ] {
        assert_eq!(who(changed.verify_answer(&run, &public, due)), carrier, "{what}");
    }
    // The answer to the batch of one node is none to that of another.
    let other = digest(&[9]);
    assert_eq!(who(answer.verify_answer(&run, &public, (Leg::ToP, 0, &other))), carrier);
    assert_eq!(who(answer.verify_answer(&run, &public, (Leg::ToQ, 0, due.2))), carrier);
}
