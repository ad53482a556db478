//! An audit log that is put back, replaced or begun anew is found beside the transfer log.

use super::*;
use crate::crypto::SealUse;
use crate::service::anchor::AuditView;
use crate::storage::audit::AuditLog;
use crate::translog::audit::AuditHead;

const DAY_MS: u64 = 86_400_000;

/// A copy of the directory of a node, opened again after `change`.
fn changed(node: &TestNode, change: impl FnOnce(&Path)) -> (tempfile::TempDir, Core) {
    let copy = tempfile::tempdir().expect("a folder");
    copy_folder(node.dir.path(), copy.path());
    change(copy.path());
    let core = open(copy.path(), &node.clock).expect("opens");
    (copy, core)
}

/// Puts the audit log of `from` in the place of that of `to`.
fn put_audit(from: &Path, to: &Path) {
    let place = to.join("audit");
    std::fs::remove_dir_all(&place).expect("removed");
    std::fs::create_dir_all(&place).expect("made");
    copy_folder(&from.join("audit"), &place);
}

/// The heads in the transfer log.
fn heads(core: &Core) -> Vec<AuditHead> {
    let log = core.transfer_log();
    log.entries(0..log.len()).filter_map(|entry| AuditHead::of(&entry.expect("readable").1)).collect()
}

fn sizes(view: &AuditView) -> (u64, Option<u64>, bool, Option<u64>) {
    let size = |anchor: &crate::service::anchor::Anchor| anchor.head.size;
    (view.records, view.newest.as_ref().map(size), view.begun.is_some(), view.missing.as_ref().map(size))
}

#[test]
fn an_older_audit_log_that_is_put_back_is_found_until_the_newest_is_back() {
    let node = TestNode::new("2026-06-01");
    node.core.close_down().expect("closed");
    let older = tempfile::tempdir().expect("a folder");
    copy_folder(node.dir.path(), older.path());
    record(&node.core, "log list");
    node.core.close_down().expect("closed");
    assert_eq!(sizes(&node.core.audit_view()), (4, Some(4), false, None));
    let (dir, core) = changed(&node, |dir| put_audit(older.path(), dir));
    assert_eq!(sizes(&core.audit_view()), (2, Some(4), false, Some(4)));
    assert_eq!(core.check_audit().expect("read").missing.len(), 1, "the head of two records is there still");
    // Nothing that happens afterwards takes the alarm away.
    for _ in 0..3 {
        record(&core, "log list");
    }
    core.close_down().expect("closed");
    drop(core);
    let core = open(dir.path(), &node.clock).expect("opens");
    assert_eq!(sizes(&core.audit_view()), (8, Some(4), false, Some(4)), "as long, and another");
    drop(core);
    put_audit(node.dir.path(), dir.path());
    let core = open(dir.path(), &node.clock).expect("opens");
    assert_eq!(sizes(&core.audit_view()), (4, Some(4), false, None));
    assert!(core.check_audit().expect("read").missing.is_empty());
}

#[test]
fn an_audit_log_that_is_begun_anew_leaves_an_entry_also_after_a_crash() {
    let node = TestNode::new("2026-06-01");
    node.core.close_down().expect("closed");
    let none = |dir: &Path| std::fs::remove_dir_all(dir.join("audit")).expect("removed");
    // A crash after the empty log was made and before the entry.
    let crashed = |dir: &Path| {
        none(dir);
        let keys = keys(INSTITUTION);
        let (seal, signing) = (keys.seal_key(SealUse::Audit), keys.signing_key());
        drop(AuditLog::create(&dir.join("audit"), oin(INSTITUTION), seal, signing).expect("made"));
    };
    for change in [&none as &dyn Fn(&Path), &crashed] {
        let (dir, core) = changed(&node, change);
        assert_eq!(sizes(&core.audit_view()), (0, Some(0), true, None));
        assert_eq!(heads(&core).len(), 2);
        drop(core);
        let core = open(dir.path(), &node.clock).expect("opens");
        assert_eq!(heads(&core).len(), 2, "once");
        record(&core, "log list");
        core.close_down().expect("closed");
        let check = core.check_audit().expect("read");
        assert_eq!((check.begun.len(), check.anchors, check.missing.len()), (1, 1, 0), "only what came after counts");
        // Taking it away again before anything is recorded leaves another entry.
        let again = tempfile::tempdir().expect("a folder");
        copy_folder(dir.path(), again.path());
        for taken in 1..=2 {
            std::fs::remove_dir_all(again.path().join("audit")).expect("removed");
            let core = open(again.path(), &node.clock).expect("opens");
            assert_eq!(core.check_audit().expect("read").begun.len(), 1 + taken);
        }
        // The resumed state says the same as the whole log.
        drop(core);
        std::fs::remove_file(dir.path().join("translog/resume")).ok();
        assert_eq!(sizes(&open(dir.path(), &node.clock).expect("opens").audit_view()), (2, Some(2), true, None));
    }
}

#[test]
fn the_head_is_logged_once_a_day_while_records_come() {
    let node = TestNode::new("2026-06-01");
    let anchored = |expected: usize| {
        node.core.anchor_audit(DAY_MS).expect("logged");
        assert_eq!(heads(&node.core).len(), expected);
    };
    anchored(1);
    record(&node.core, "log list");
    anchored(1);
    node.set("2026-06-02");
    anchored(2);
    node.set("2026-06-04");
    anchored(2);
    record(&node.core, "log list");
    anchored(3);
    // A clock that was years ahead once puts nothing off.
    node.set("2036-06-01");
    record(&node.core, "log list");
    anchored(4);
    node.set("2026-06-05");
    record(&node.core, "log list");
    anchored(5);
    assert_eq!(heads(&node.core).iter().map(|head| head.size).collect::<Vec<_>>(), [2, 4, 6, 8, 10]);
}
