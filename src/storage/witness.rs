//! The witness on disk: `logs/<OIN>.json`, what this node knows of each log that it witnesses; `seen`, what messages brought
//! of any log since its own file was written, so that a message costs one write; and `cosigned`, the last checkpoint of its own
//! log that a quorum cosigned. A change is durable before it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::disk::Disk;
use super::files::{self, FileError};
use crate::domain::oin::Oin;
use crate::translog::witness::{Record, Shown, Wrong};

/// A record holds some tens of notes of less than 64 KiB.
const MAX_RECORD: u64 = 16 << 20;
const MODE: u32 = 0o600;
/// How the name begins of a file `seen` that could not be read.
const PUT_ASIDE: &str = "seen.onleesbaar-";

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

/// Which file is written. Who waits for several takes them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Writer {
    Log(Oin),
    Seen,
    Cosigned,
}

#[derive(Debug, Default)]
struct Held {
    records: BTreeMap<Oin, Record>,
    /// Logs of which the file `seen` holds what waits for a proof, and their own file not yet.
    in_seen: BTreeSet<Oin>,
    unreadable: Vec<Oin>,
    /// Files `seen` that could not be read and were put aside.
    put_aside: Vec<PathBuf>,
    cosigned: Option<Shown>,
}

/// The file `seen`: per log what waits for a proof.
type Seen = BTreeMap<Oin, Vec<Shown>>;

impl WitnessStore {
    /// Opens the records in `dir`, which is made if absent.
    ///
    /// # Errors
    /// [`WitnessError::File`] when the directory cannot be made or listed, or a file `seen` that cannot be read not be put aside. A
    /// record that cannot be read closes that log only; what only `seen` held is told again by the witnesses that a node hears
    /// before it cosigns.
    pub fn open(dir: &Path, disk: Disk) -> Result<Self, WitnessError> {
        let logs = dir.join("logs");
        let io = |source| FileError::Io { path: logs.clone(), source };
        std::fs::create_dir_all(&logs).map_err(io)?;
        let mut held = Held::default();
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
        for (oin, pending) in read_seen(dir)? {
            if !held.unreadable.contains(&oin) {
                let record = held.records.entry(oin).or_default();
                // What contradicts another was found when it came, and that is in the record.
                for shown in pending {
                    record.seen(shown, 0);
                }
                held.in_seen.insert(oin);
            }
        }
        held.put_aside = put_aside(dir)?;
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
        let writer = self.writer(Writer::Log(oin));
        let _alone = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.held().unreadable.contains(&oin) {
            return Err(WitnessError::Unreadable(self.path(oin)));
        }
        let old = self.record(oin);
        let mut record = old.clone();
        let result = work(&mut record);
        if record != old {
            self.write(oin, record)?;
        }
        Ok(result)
    }

    /// Works on the records of several logs, for a message that brought something of each. What then waits for a proof becomes
    /// durable with one write for all of them; a log about which more changed, and that is a finding, gets its own. Logs whose
    /// record cannot be read are left out.
    ///
    /// # Errors
    /// [`WitnessError::File`]: what could not be made durable did not change; a log with its own file may have.
    pub fn change_all(&self, logs: &BTreeSet<Oin>, mut work: impl FnMut(Oin, &mut Record)) -> Result<(), WitnessError> {
        let writers: Vec<_> = logs.iter().map(|oin| self.writer(Writer::Log(*oin))).collect();
        let _alone: Vec<_> = writers.iter().map(|one| one.lock().unwrap_or_else(PoisonError::into_inner)).collect();
        let unreadable = self.unreadable();
        let mut waiting = BTreeMap::new();
        for oin in logs.iter().copied().filter(|oin| !unreadable.contains(oin)) {
            let old = self.record(oin);
            let mut record = old.clone();
            work(oin, &mut record);
            if (Record { pending: Vec::new(), ..record.clone() }) != (Record { pending: Vec::new(), ..old.clone() }) {
                self.write(oin, record)?;
            } else if record != old {
                waiting.insert(oin, record);
            }
        }
        if waiting.is_empty() { Ok(()) } else { self.write_seen(waiting) }
    }

    fn record(&self, oin: Oin) -> Record {
        self.held().records.get(&oin).cloned().unwrap_or_default()
    }

    /// Writes the record of a log in its own file.
    fn write(&self, oin: Oin, record: Record) -> Result<(), WitnessError> {
        let bytes = serde_json::to_vec_pretty(&record).unwrap_or_default();
        files::write_on(&self.disk, &self.path(oin), &bytes, MODE)?;
        let mut held = self.held();
        held.records.insert(oin, record);
        // What `seen` says of it from now on is old, and is known.
        held.in_seen.remove(&oin);
        Ok(())
    }

    /// Writes what waits for a proof in these and the other records that are not in their own files.
    fn write_seen(&self, records: BTreeMap<Oin, Record>) -> Result<(), WitnessError> {
        let writer = self.writer(Writer::Seen);
        let _alone = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen: Seen = {
            let held = self.held();
            let others = held.in_seen.iter().filter_map(|oin| Some((*oin, held.records.get(oin)?.pending.clone())));
            others.collect()
        };
        seen.extend(records.iter().map(|(oin, record)| (*oin, record.pending.clone())));
        let bytes = serde_json::to_vec_pretty(&seen).unwrap_or_default();
        files::write_on(&self.disk, &self.dir.join("seen"), &bytes, MODE)?;
        let mut held = self.held();
        held.in_seen.extend(records.keys());
        held.records.extend(records);
        Ok(())
    }

    /// Every record, by organisation.
    #[must_use]
    pub fn records(&self) -> BTreeMap<Oin, Record> {
        self.held().records.clone()
    }

    /// The logs with findings that our own log does not hold yet, with what is wrong and how many findings there are.
    #[must_use]
    pub fn unlogged(&self) -> Vec<(Oin, Vec<Wrong>, usize)> {
        let held = self.held();
        let open = held.records.iter().filter(|(_, record)| !record.unlogged().is_empty());
        let wrongs = |record: &Record| record.unlogged().iter().map(|finding| finding.wrong).collect();
        open.map(|(oin, record)| (*oin, wrongs(record), record.findings.len())).collect()
    }

    /// The files `seen` that could not be read and were put aside: as long as they are there.
    #[must_use]
    pub fn put_aside(&self) -> Vec<PathBuf> {
        self.held().put_aside.iter().filter(|path| path.exists()).cloned().collect()
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
        let writer = self.writer(Writer::Cosigned);
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

/// What `seen` says. What cannot be read is put aside for the operator, never written over: who starts hears it again before it
/// cosigns.
fn read_seen(dir: &Path) -> Result<Seen, WitnessError> {
    let path = dir.join("seen");
    let io = |source| FileError::Io { path: path.clone(), source };
    if !path.try_exists().map_err(io)? {
        return Ok(Seen::new());
    }
    let read = files::read_bounded(&path, MAX_RECORD).map_err(|error| error.to_string());
    match read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string())) {
        Ok(seen) => Ok(seen),
        Err(error) => {
            let free = (1_u32..).map(|n| dir.join(format!("{PUT_ASIDE}{n}"))).find(|aside| !aside.exists());
            let aside = free.unwrap_or_else(|| dir.join(PUT_ASIDE));
            tracing::error!("{}: {error}; opzij gezet als {}", path.display(), aside.display());
            std::fs::rename(&path, &aside).map_err(io)?;
            Ok(Seen::new())
        }
    }
}

/// The files that were put aside, now or before.
fn put_aside(dir: &Path) -> Result<Vec<PathBuf>, WitnessError> {
    let io = |source| FileError::Io { path: dir.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.file_name().to_string_lossy().starts_with(PUT_ASIDE) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// What cannot be read is as good as absent: the next quorum brings another.
fn read_cosigned(path: &Path) -> Option<Shown> {
    let text = String::from_utf8(files::read_bounded(path, MAX_RECORD).ok()?).ok()?;
    Shown::try_from(text).inspect_err(|error| tracing::error!("{}: {error}", path.display())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::crypto::{Secret32, SigningKey, digest};
    use crate::storage::disk::{Fault, Moment, Step};
    use crate::translog::checkpoint::{Checkpoint, origin};
    use crate::translog::witness::Judgement;

    fn oin(number: u8) -> Oin {
        Oin::parse(&format!("000000990000000000{number:02}")).expect("OIN")
    }

    fn shown(log: Oin, size: u64) -> Shown {
        let (key, name) = (SigningKey::from_seed(&Secret32::new([7; 32])), origin(log));
        let note = Checkpoint { origin: name.clone(), size, root: digest(&size.to_be_bytes()) }.sign(&key).encode();
        Shown::open(&note, &name, &key.verifying_key()).expect("a checkpoint")
    }

    fn sizes(store: &WitnessStore, log: Oin) -> Vec<u64> {
        let records = store.records();
        records.get(&log).map(|r| r.pending.iter().map(|s| s.checkpoint().size).collect()).unwrap_or_default()
    }

    #[test]
    fn what_a_message_brings_of_many_logs_is_one_write_and_survives() {
        let dir = tempfile::tempdir().expect("a folder");
        let disk = Disk::failing(Vec::new());
        let store = WitnessStore::open(dir.path(), disk.clone()).expect("opens");
        let logs: BTreeSet<Oin> = (1..40).map(oin).collect();
        let bring = |store: &WitnessStore, logs: &BTreeSet<Oin>, from: u64| {
            store.change_all(logs, |log, record| {
                for size in from..from + 2 {
                    record.seen(shown(log, size), 1);
                }
            })
        };
        bring(&store, &logs, 3).expect("kept");
        assert_eq!([Step::Rename, Step::Sync, Step::SyncDir].map(|step| disk.count(step)), [1; 3]);
        bring(&store, &logs, 3).expect("kept");
        assert_eq!(disk.count(Step::Sync), 1, "nothing new, nothing written");
        // One log shows itself and is cosigned; then a message brings something of others again.
        let first = shown(oin(1), 2);
        assert_eq!(store.change(oin(1), |record| record.show(&first, &[], 1)).expect("kept"), Judgement::Cosign);
        bring(&store, &[oin(2), oin(40)].into(), 9).expect("kept");
        let held = store.records();
        drop(store);
        let store = WitnessStore::open(dir.path(), Disk::plain()).expect("opens");
        assert_eq!(store.records(), held, "nothing is lost");
        assert_eq!((sizes(&store, oin(1)), sizes(&store, oin(2))), (vec![3, 4], vec![3, 4, 9, 10]));
        assert_eq!(sizes(&store, oin(40)), [9, 10]);
    }

    #[test]
    fn what_cannot_be_made_durable_is_not_known() {
        let dir = tempfile::tempdir().expect("a folder");
        let fault = |step| Fault { step, nth: 1, moment: Moment::Before, error: std::io::ErrorKind::Other };
        for step in [Step::Create, Step::Write, Step::Sync, Step::Rename] {
            let store = WitnessStore::open(dir.path(), Disk::failing(vec![fault(step)])).expect("opens");
            let logs: BTreeSet<Oin> = [oin(1), oin(2)].into();
            let brought = store.change_all(&logs, |log, record| assert!(record.seen(shown(log, 3), 1)));
            assert!(brought.is_err() && store.records().is_empty(), "{step:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_put_aside_and_told_until_it_is_gone() {
        let dir = tempfile::tempdir().expect("a folder");
        let seen = dir.path().join("seen");
        for broken in ["{", "[]"] {
            std::fs::write(&seen, broken).expect("written");
            let store = WitnessStore::open(dir.path(), Disk::plain()).expect("opens");
            let logs = [oin(1)].into();
            store.change_all(&logs, |log, record| assert!(record.seen(shown(log, 3), 1))).expect("kept");
        }
        let store = WitnessStore::open(dir.path(), Disk::plain()).expect("opens");
        assert_eq!(sizes(&store, oin(1)), [3], "what came since");
        let aside = store.put_aside();
        let kept: Vec<_> = aside.iter().map(|path| std::fs::read_to_string(path).expect("kept")).collect();
        assert_eq!(kept, ["{", "[]"], "nothing was written over");
        aside.iter().for_each(|path| std::fs::remove_file(path).expect("removed"));
        assert!(store.put_aside().is_empty());
    }

    /// The road of a transfer asks for `cosigned`: it never waits for the disk of a record, nor one log for another.
    #[test]
    fn nobody_waits_for_the_record_of_another_log() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Arc::new(WitnessStore::open(dir.path(), Disk::plain()).expect("opens"));
        let (done, finished) = std::sync::mpsc::channel();
        let working = Arc::clone(&store);
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
