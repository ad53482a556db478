//! The witness on disk: `logs/<OIN>.json`, what this node knows of each log that it witnesses, and `cosigned`, the last
//! checkpoint of its own log that a quorum cosigned. A change is durable before it counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::disk::Disk;
use super::files::{self, FileError};
use crate::domain::oin::Oin;
use crate::translog::witness::{Record, Shown};

/// A record holds some tens of notes of less than 64 KiB.
const MAX_RECORD: u64 = 16 << 20;
const MODE: u32 = 0o600;

/// The witness's records cannot be used.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// A record is there and cannot be read: it is never replaced by an empty one.
    #[error("{}: het getuigenbestand is niet leesbaar; zet het terug uit een back-up, of meld de partij dat het weg is", .0.display())]
    Unreadable(PathBuf),
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The records of a witness, open.
#[derive(Debug)]
pub struct WitnessStore {
    dir: PathBuf,
    disk: Disk,
    /// What is on disk; never locked during a write.
    held: Mutex<Held>,
    /// Writers of one file, one at a time.
    writers: Mutex<BTreeMap<Writer, Arc<Mutex<()>>>>,
}

/// Whose file is written: the record of a log, or for `None` `cosigned`.
type Writer = Option<Oin>;

#[derive(Debug)]
struct Held {
    records: BTreeMap<Oin, Record>,
    unreadable: Vec<Oin>,
    cosigned: Option<Shown>,
}

impl WitnessStore {
    /// Opens the records in `dir`, which is made if absent.
    ///
    /// # Errors
    /// [`WitnessError::File`] when the directory cannot be made or listed. A record that cannot be read closes that log only.
    pub fn open(dir: &Path, disk: Disk) -> Result<Self, WitnessError> {
        let logs = dir.join("logs");
        let io = |source| FileError::Io { path: logs.clone(), source };
        std::fs::create_dir_all(&logs).map_err(io)?;
        let mut held = Held { records: BTreeMap::new(), unreadable: Vec::new(), cosigned: None };
        for entry in std::fs::read_dir(&logs).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let oin = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json"));
            let Some(oin) = oin.and_then(|oin| Oin::parse(oin).ok()) else { continue };
            match read(&path) {
                Ok(record) => drop(held.records.insert(oin, record)),
                Err(error) => {
                    tracing::error!("{error}");
                    held.unreadable.push(oin);
                }
            }
        }
        held.cosigned = read_cosigned(&dir.join("cosigned"));
        Ok(Self { dir: dir.to_owned(), disk, held: Mutex::new(held), writers: Mutex::default() })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self, of: Writer) -> Arc<Mutex<()>> {
        Arc::clone(self.writers.lock().unwrap_or_else(PoisonError::into_inner).entry(of).or_default())
    }

    fn path(&self, oin: Oin) -> PathBuf {
        self.dir.join("logs").join(format!("{oin}.json"))
    }

    /// Works on the record of one log, one at a time per log; what changed is durable when this returns. When it cannot be made
    /// durable nothing changed.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn change<T>(&self, oin: Oin, work: impl FnOnce(&mut Record) -> T) -> Result<T, WitnessError> {
        let writer = self.writer(Some(oin));
        let _alone = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.held().unreadable.contains(&oin) {
            return Err(WitnessError::Unreadable(self.path(oin)));
        }
        let old = self.held().records.get(&oin).cloned().unwrap_or_default();
        let mut record = old.clone();
        let result = work(&mut record);
        if record != old {
            let bytes = serde_json::to_vec_pretty(&record).unwrap_or_default();
            files::write_on(&self.disk, &self.path(oin), &bytes, MODE)?;
            self.held().records.insert(oin, record);
        }
        Ok(result)
    }

    /// Every record, by organisation.
    #[must_use]
    pub fn records(&self) -> BTreeMap<Oin, Record> {
        self.held().records.clone()
    }

    /// The logs whose record is there and cannot be read.
    #[must_use]
    pub fn unreadable(&self) -> Vec<Oin> {
        self.held().unreadable.clone()
    }

    /// The checkpoint of our own log that a quorum cosigned last.
    #[must_use]
    pub fn cosigned(&self) -> Option<Shown> {
        self.held().cosigned.clone()
    }

    /// Keeps a checkpoint of our own log that a quorum cosigned; never one that is smaller than what is kept.
    ///
    /// # Errors
    /// [`WitnessError::File`]: the earlier one stands.
    pub fn keep_cosigned(&self, shown: Shown) -> Result<(), WitnessError> {
        let writer = self.writer(None);
        let _alone = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cosigned().is_some_and(|kept| kept.checkpoint().size > shown.checkpoint().size) {
            return Ok(());
        }
        files::write_on(&self.disk, &self.dir.join("cosigned"), shown.note().as_bytes(), MODE)?;
        self.held().cosigned = Some(shown);
        Ok(())
    }
}

fn read(path: &Path) -> Result<Record, WitnessError> {
    let bytes = files::read_bounded(path, MAX_RECORD)?;
    serde_json::from_slice(&bytes).map_err(|_| WitnessError::Unreadable(path.to_owned()))
}

/// What cannot be read is as good as absent: the next quorum brings another.
fn read_cosigned(path: &Path) -> Option<Shown> {
    let text = String::from_utf8(files::read_bounded(path, MAX_RECORD).ok()?).ok()?;
    Shown::try_from(text).inspect_err(|error| tracing::error!("{}: {error}", path.display())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The road of a transfer asks for `cosigned`: it never waits for the disk of a record, nor one log for another.
    #[test]
    fn nobody_waits_for_the_record_of_another_log() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Arc::new(WitnessStore::open(dir.path(), Disk::plain()).expect("opens"));
        let (done, finished) = std::sync::mpsc::channel();
        let working = Arc::clone(&store);
        let oin = |n: u8| Oin::parse(&format!("000000990000000000{n:02}")).expect("OIN");
        std::thread::spawn(move || {
            let result = working.change(oin(1), |_| {
                let _other = working.change(oin(2), |_| ());
                (working.cosigned(), working.records().len())
            });
            done.send(result.expect("changed")).expect("sent");
        });
        let waited = finished.recv_timeout(std::time::Duration::from_secs(20));
        assert_eq!(waited.ok(), Some((None, 0)), "locked during the change of a record");
    }
}
