//! An older copy of the keys of data subjects that is put back.

use std::collections::BTreeSet;

use super::*;
use crate::crypto::Tag;
use crate::translog::entry::{Direction, Entry, Phase, TransferId};
use crate::translog::sealed::SealedPart;

/// Logs something about a child; the label of the entry.
fn about(core: &Core, child: Tag) -> Vec<u8> {
    let now = core.clock.now_ms();
    let id = TransferId::new(now, crate::crypto::random());
    let entry = Entry::new(id, Direction::Local, Phase::Intent, now);
    let part = SealedPart { subject: Some(child), ..SealedPart::default() };
    let index = core.note_about(entry, &part).expect("logged").index();
    core.transfer_log().entry(index).expect("read").expect("there").subject_label
}

#[test]
fn labels_that_a_restored_copy_does_not_know_are_found_and_never_given_again() {
    let node = TestNode::new("2026-06-01");
    let [child, other] = [1, 2].map(|n| Tag::from_bytes([n; 32]));
    let mut labels: BTreeSet<Vec<u8>> = (0..3).map(|_| about(&node.core, child)).collect();
    about(&node.core, other);
    let backup = tempfile::tempdir().expect("a folder");
    copy_folder(&node.dir.path().join("subjects"), backup.path());
    // More than the copy has reserved, and a start in between that leaves a gap.
    labels.extend((0..40).map(|_| about(&node.core, child)));
    let (dir, core) = node.reopened();
    labels.extend((0..40).map(|_| about(&core, child)));
    drop(core);
    let restored = |index: bool| {
        copy_folder(backup.path(), &dir.path().join("subjects"));
        if !index {
            std::fs::remove_dir_all(dir.path().join("index")).expect("removed");
        }
        open(dir.path(), &node.clock).expect("opens")
    };
    for index in [true, false] {
        let core = restored(index);
        assert_eq!(core.entries_about(&child).expect("found").len(), labels.len());
        assert!((0..20).all(|_| labels.insert(about(&core, child))), "a label is given once");
        drop(core);
        let core = restored(index);
        assert!((0..20).all(|_| labels.insert(about(&core, child))), "also when writing comes first");
        drop(core);
        // What opens entries without being told whose they are.
        let opener = restored(index).opener().expect("keys");
        let core = open(dir.path(), &node.clock).expect("opens");
        let log = core.transfer_log();
        let entries = log.entries(0..log.len()).map(|entry| entry.expect("read").1);
        let opened = entries.filter(|entry| opener.open(entry).is_some_and(|part| part.subject == Some(child)));
        assert_eq!(opened.count(), labels.len());
    }
}
