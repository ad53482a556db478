//! His tools: entries that he writes, and a log that he builds anew with the node's own key.

use std::sync::Arc;

use ketenpoort::crypto::{KeyTree, Secret32};
use ketenpoort::domain::oin::Oin;
use ketenpoort::storage::log::TransferLog;
use ketenpoort::translog::entry::Entry;

use super::HIS;
use crate::demo::done;
use crate::three::{OINS, Three};

/// Something that is logged: a look at the organisation's own figures.
pub fn act(three: &Three) {
    act_on(three, HIS, 1);
}

/// As [`act`], on another node, some times.
pub fn act_on(three: &Three, key: &str, times: usize) {
    for _ in 0..times {
        done(&["indicator", "--node", &three.path(key), "--id", "IND-01", "--period", "2022", "--json"]);
    }
}

/// Edits the entries of his stopped node, builds tree and checkpoint anew under the node's key, and removes what would give
/// him away to his own program.
pub fn rebuild(three: &Three, edit: impl FnOnce(&mut Vec<Entry>)) {
    let root: [u8; 32] = std::fs::read(three.config(HIS).root_key).expect("root").try_into().expect("32 bytes");
    let key = Arc::new(KeyTree::new(Secret32::new(root)).checkpoint_key());
    let (dir, oin) = (three.home.join(HIS).join("data/translog"), Oin::parse(OINS[0]).expect("OIN"));
    let log = TransferLog::open(&dir, oin, Arc::clone(&key)).expect("his log");
    let mut entries: Vec<Entry> = log.entries(0..log.len()).map(|entry| entry.expect("an entry").1).collect();
    drop(log);
    edit(&mut entries);
    for part in ["translog", "witness", "index"] {
        let _ = std::fs::remove_dir_all(three.home.join(HIS).join("data").join(part));
    }
    let log = TransferLog::create(&dir, oin, key).expect("a new log");
    for entry in &entries {
        let _logged = log.append(entry).expect("appended");
    }
    log.checkpoint().expect("signed");
}
