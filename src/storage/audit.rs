//! The audit log of employee actions on disk: sealed records in a journal, each bound to its number and to the hash of all
//! before it, and a signed head that says how many there are. An edit, a dropped record or a shorter file is found when the
//! log is opened and when it is read.
//!
//! What may not happen without being written here must not stop at a full disk either, or nobody could look at what goes
//! wrong: a reserve beside the journal gives room for some hundred records.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::disk::is_full;
use super::files::{FileError, read_bounded, write_atomic};
use super::journal::{Journal, JournalError, Options};
use crate::crypto::{Digest, SealKey, SigningKey, digest_parts};
use crate::domain::oin::Oin;
use crate::translog::audit::AuditHead;
use crate::translog::checkpoint::Checkpoint;
use crate::translog::note::InvalidNote;

/// Bytes kept free for records on a full disk, and how many are freed for one.
const RESERVE: u64 = 256 << 10;
const STEP: u64 = 8 << 10;
/// Largest head that is read.
const MAX_HEAD: u64 = 4096;

/// What can go wrong with the audit log.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The journal underneath.
    #[error("auditlog: {0}")]
    Journal(#[from] JournalError),
    /// The head or the reserve.
    #[error("auditlog: {0}")]
    File(#[from] FileError),
    /// The head is not one of this node.
    #[error("het hoofd van het auditlog is niet van deze node en sleutel: {0}")]
    Head(InvalidNote),
    /// The head is gone.
    #[error("het hoofd van het auditlog ({}) ontbreekt; zet data/audit terug uit een back-up", .0.display())]
    HeadMissing(PathBuf),
    /// Records are gone or others than were signed.
    #[error("het auditlog is ingekort of gewijzigd: {found} records, {signed} ondertekend; zet data/audit terug")]
    Changed {
        /// Records that are there.
        found: u64,
        /// Records that were signed.
        signed: u64,
    },
    /// A record does not open.
    #[error("record {0} van het auditlog is niet te openen: gewijzigd, verplaatst of van een andere node")]
    Sealed(u64),
    /// An audit log was begun and the transfer log cannot say so.
    #[error("het auditlog is nieuw en het transferlog kan dat niet vastleggen: {0}")]
    Untold(String),
}

/// An open audit log.
#[derive(Debug)]
pub struct AuditLog {
    dir: PathBuf,
    origin: String,
    journal: Journal,
    seal: SealKey,
    signing: SigningKey,
    /// Number of records and the hash over all of them.
    head: Mutex<(u64, Digest)>,
}

/// The hash over no record.
const NOTHING: Digest = AuditHead::EMPTY.root;

fn chain(before: Digest, sealed: &[u8]) -> Digest {
    digest_parts(&[b"ketenpoort/v1/audit\0", &before.0, sealed])
}

/// What a record is sealed with: its number and what came before.
fn context(number: u64, before: Digest) -> [u8; 40] {
    let mut context = [0; 40];
    context[..8].copy_from_slice(&number.to_be_bytes());
    context[8..].copy_from_slice(&before.0);
    context
}

impl AuditLog {
    /// Whether there is or was one in this directory.
    #[must_use]
    pub fn exists(dir: &Path) -> bool {
        dir.join("head").exists() || dir.join("journal").exists()
    }

    /// Makes an empty audit log in `dir` and opens it; a separate act, never done by opening.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn create(dir: &Path, oin: Oin, seal: SealKey, signing: SigningKey) -> Result<Self, AuditError> {
        make_dir(dir)?;
        let origin = origin(oin);
        // The head comes first: a crash before the journal leaves what opening finishes.
        sign(dir, &origin, &signing, (0, NOTHING))?;
        let journal = Journal::create(&dir.join("journal"))?;
        let log = Self { journal, dir: dir.to_owned(), origin, seal, signing, head: Mutex::new((0, NOTHING)) };
        log.refill();
        Ok(log)
    }

    /// Opens the audit log in `dir` and checks it against its signed head.
    ///
    /// # Errors
    /// [`AuditError`]: nothing may be shown.
    pub fn open(dir: &Path, oin: Oin, seal: SealKey, signing: SigningKey) -> Result<Self, AuditError> {
        let origin = origin(oin);
        let signed = read_head(dir, &origin, &signing)?;
        if signed.size == 0 && !dir.join("journal").exists() {
            return Self::create(dir, oin, seal, signing);
        }
        let (mut head, mut at_signed) = ((0, NOTHING), (signed.size == 0).then_some(NOTHING));
        let mut visit = |number: u64, sealed: &[u8]| {
            head = (number + 1, chain(head.1, sealed));
            if head.0 == signed.size {
                at_signed = Some(head.1);
            }
        };
        let options = Options { checkpoint: signed.size, ..Options::default() };
        let opened = Journal::open_visiting(&dir.join("journal"), options, &mut visit);
        let (journal, replay) = match opened {
            Err(JournalError::BelowCheckpoint { len, checkpoint, .. }) => {
                return Err(AuditError::Changed { found: len, signed: checkpoint });
            }
            opened => opened?,
        };
        if at_signed != Some(signed.root) || replay.len != head.0 {
            return Err(AuditError::Changed { found: replay.len, signed: signed.size });
        }
        Ok(Self { dir: dir.to_owned(), origin, journal, seal, signing, head: Mutex::new(head) })
    }

    fn head(&self) -> MutexGuard<'_, (u64, Digest)> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.head().0
    }

    /// Whether there is no record yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records there are and the hash over them.
    #[must_use]
    pub fn now(&self) -> AuditHead {
        let (size, root) = *self.head();
        AuditHead { size, root }
    }

    /// Whether the first records are those of each of these heads, in the same order.
    ///
    /// # Errors
    /// [`AuditError`] when it cannot be read.
    pub fn begins_with(&self, heads: &[AuditHead]) -> Result<Vec<bool>, AuditError> {
        let whole = self.now();
        let mut roots = BTreeMap::from([(0, NOTHING), (whole.size, whole.root)]);
        let mut wanted: BTreeSet<u64> = heads.iter().map(|head| head.size).filter(|size| *size < whole.size).collect();
        let mut now = NOTHING;
        for record in
            self.journal.iter_from(0).take(wanted.last().map_or(0, |last| usize::try_from(*last).unwrap_or(0)))
        {
            let (number, sealed) = record?;
            now = chain(now, &sealed);
            if wanted.remove(&(number + 1)) {
                roots.insert(number + 1, now);
            }
        }
        Ok(heads.iter().map(|head| roots.get(&head.size) == Some(&head.root)).collect())
    }

    /// Appends a record; it is durable and under a signed head when this returns.
    ///
    /// # Errors
    /// [`AuditError`]: what the record is about must not be done.
    pub fn append(&self, record: &[u8]) -> Result<u64, AuditError> {
        let mut head = self.head();
        let (number, before) = *head;
        let sealed = self.seal.seal(&context(number, before), record);
        let next = (number + 1, chain(before, &sealed));
        let appended = match self.journal.append(sealed.clone()) {
            Err(JournalError::Full) => {
                self.free();
                self.journal.append(sealed)
            }
            done => done,
        };
        if let Err(e) = appended {
            self.refill();
            return Err(e.into());
        }
        *head = next;
        let signed = self.sign(next).or_else(|_| {
            self.free();
            self.sign(next)
        });
        self.refill();
        signed?;
        Ok(number)
    }

    /// Reads every record from the first, checks each against what came before and all against the head on disk.
    ///
    /// # Errors
    /// [`AuditError`] of the first that is not what it was.
    pub fn read(&self, visit: &mut dyn FnMut(u64, &[u8])) -> Result<u64, AuditError> {
        let head = self.head();
        let signed = read_head(&self.dir, &self.origin, &self.signing)?;
        let mut now = (0, NOTHING);
        for record in self.journal.iter_from(0) {
            let (number, sealed) = record?;
            let plain = self.seal.open(&context(number, now.1), &sealed).map_err(|_| AuditError::Sealed(number))?;
            visit(number, &plain);
            now = (number + 1, chain(now.1, &sealed));
        }
        if now != *head || (signed.size, signed.root) != now {
            return Err(AuditError::Changed { found: now.0, signed: signed.size });
        }
        Ok(now.0)
    }

    fn sign(&self, head: (u64, Digest)) -> Result<(), FileError> {
        sign(&self.dir, &self.origin, &self.signing, head)
    }

    fn reserve(&self) -> PathBuf {
        self.dir.join("reserve")
    }

    /// Gives back some of the reserve, for one record.
    fn free(&self) {
        if let Ok(file) = OpenOptions::new().write(true).open(self.reserve())
            && let Ok(meta) = file.metadata()
        {
            let _best_effort = file.set_len(meta.len().saturating_sub(STEP)).and_then(|()| file.sync_all());
        }
    }

    /// Fills the reserve as far as the disk lets it.
    fn refill(&self) {
        let fill = || -> std::io::Result<()> {
            let mut file: File =
                OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.reserve())?;
            let mut len = file.metadata()?.len();
            file.seek(SeekFrom::Start(len))?;
            while len < RESERVE {
                let block = [0xa5; 4096];
                file.write_all(&block)?;
                len += 4096;
            }
            Ok(())
        };
        match fill() {
            Err(e) if !is_full(&e) => tracing::warn!("reserve van het auditlog: {e}"),
            _ => {}
        }
    }
}

/// Name of the audit log of an organisation, in its head.
fn origin(oin: Oin) -> String {
    format!("ketenpoort.nl/audit/{oin}")
}

fn sign(dir: &Path, origin: &str, key: &SigningKey, (size, root): (u64, Digest)) -> Result<(), FileError> {
    let head = Checkpoint { origin: origin.to_owned(), size, root };
    write_atomic(&dir.join("head"), head.sign(key).encode().as_bytes(), 0o600)
}

fn read_head(dir: &Path, origin: &str, signing: &SigningKey) -> Result<Checkpoint, AuditError> {
    let path = dir.join("head");
    if !path.exists() {
        return Err(AuditError::HeadMissing(path));
    }
    let bytes = read_bounded(&path, MAX_HEAD)?;
    Checkpoint::open(&bytes, origin, &signing.verifying_key()).map_err(AuditError::Head)
}

fn make_dir(dir: &Path) -> Result<(), FileError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|source| FileError::Io { path: dir.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyTree, SealUse, Secret32};

    fn keys() -> (SealKey, SigningKey) {
        let keys = KeyTree::new(Secret32::new([5; 32]));
        (keys.seal_key(SealUse::Audit), keys.signing_key())
    }

    fn oin() -> Oin {
        Oin::parse("00000099000000001000").unwrap()
    }

    fn open(dir: &Path) -> Result<AuditLog, AuditError> {
        let (seal, signing) = keys();
        AuditLog::open(dir, oin(), seal, signing)
    }

    fn filled(dir: &Path, many: u8) {
        let (seal, signing) = keys();
        let log = AuditLog::create(dir, oin(), seal, signing).unwrap();
        for n in 0..many {
            assert_eq!(log.append(&[n; 40]).unwrap(), u64::from(n));
        }
    }

    fn all(log: &AuditLog) -> Result<Vec<Vec<u8>>, AuditError> {
        let mut records = Vec::new();
        log.read(&mut |_, record| records.push(record.to_vec()))?;
        Ok(records)
    }

    fn segment(dir: &Path) -> PathBuf {
        let mut files = fs::read_dir(dir.join("journal")).unwrap().map(|e| e.unwrap().path());
        files.find(|path| path.extension().is_some_and(|e| e == "seg")).unwrap()
    }

    #[test]
    fn records_are_sealed_and_come_back_in_order() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 5);
        let log = open(dir.path()).unwrap();
        assert_eq!(all(&log).unwrap(), (0..5).map(|n| vec![n; 40]).collect::<Vec<_>>());
        let bytes = fs::read(segment(dir.path())).unwrap();
        assert!(!bytes.windows(20).any(|w| w == [3; 20]), "a record in the clear");
    }

    #[test]
    fn an_edit_a_shorter_log_and_another_head_are_found() {
        type Change<'a> = (&'a str, &'a dyn Fn(&Path));
        let tamper: [Change<'_>; 4] = [
            ("an older journal", &|dir| {
                let fewer = tempfile::tempdir().unwrap();
                filled(fewer.path(), 2);
                fs::copy(segment(fewer.path()), segment(dir)).unwrap();
            }),
            ("another journal as long", &|dir| {
                let other = tempfile::tempdir().unwrap();
                filled(other.path(), 4);
                fs::copy(segment(other.path()), segment(dir)).unwrap();
            }),
            ("no head", &|dir| fs::remove_file(dir.join("head")).unwrap()),
            ("a changed head", &|dir| {
                let text = fs::read_to_string(dir.join("head")).unwrap();
                fs::write(dir.join("head"), text.replacen("\n4\n", "\n3\n", 1)).unwrap();
            }),
        ];
        for (what, change) in tamper {
            let dir = tempfile::tempdir().unwrap();
            filled(dir.path(), 4);
            change(dir.path());
            assert!(open(dir.path()).is_err(), "{what}");
        }
        // While the log is open.
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 4);
        let log = open(dir.path()).unwrap();
        let other = tempfile::tempdir().unwrap();
        filled(other.path(), 4);
        fs::write(segment(dir.path()), fs::read(segment(other.path())).unwrap()).unwrap();
        assert!(all(&log).is_err());
    }

    #[test]
    fn a_head_that_was_seen_is_found_again_or_missed() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 3);
        let seen = open(dir.path()).unwrap().now();
        let log = open(dir.path()).unwrap();
        log.append(b"more").unwrap();
        let other = AuditHead { root: log.now().root, ..seen };
        let longer = AuditHead { size: 5, ..log.now() };
        let heads = [AuditHead::EMPTY, seen, log.now(), other, longer];
        assert_eq!(log.begins_with(&heads).unwrap(), [true, true, true, false, false]);
    }

    #[test]
    fn a_crash_while_it_was_made_leaves_what_opening_finishes() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 0);
        fs::remove_dir_all(dir.path().join("journal")).unwrap();
        assert!(open(dir.path()).unwrap().is_empty());
    }

    #[test]
    fn a_record_after_the_head_that_a_crash_left_counts() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 3);
        let head = fs::read(dir.path().join("head")).unwrap();
        let log = open(dir.path()).unwrap();
        log.append(b"the fourth").unwrap();
        drop(log);
        fs::write(dir.path().join("head"), head).unwrap();
        let log = open(dir.path()).unwrap();
        assert_eq!(log.len(), 4);
        log.append(b"the fifth").unwrap();
        assert_eq!(all(&log).unwrap().len(), 5);
    }
}
