//! The key file of data subjects: one random key per child, in 256 small files that are rewritten whole, so that erasing a
//! key destroys it and every sealed part of a log entry under it. What erasure promises rests on this file being outside
//! ordinary backups (docs/formats/subjects.md).
//!
//! A subject's entries bear labels that only its key brings back: label `n` is the first 16 bytes of HMAC(label key, n).
//! Labels are reserved in blocks; a block is durable before its first label is used, so no label is ever given twice.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::disk::{Disk, is_full};
use super::files::{self, FileError};
use super::log::LogError;
use crate::crypto::{MacKey, SealKey, Secret32, Tag, expand_secret};
use crate::domain::day::Day;

const MAGIC: &[u8] = b"KPSK\x01";
const CONTEXT: &[u8] = b"ketenpoort/v1/subjects\0";
const SHARDS: usize = 256;
/// Labels that are reserved at once.
const BLOCK: u64 = 16;
/// Labels beyond those reserved that the log is asked for: two blocks, because a crash may leave one unused.
const AHEAD: u64 = 2 * BLOCK;
/// Bytes of one record.
const RECORD: usize = 32 + 32 + 8 + 4;
/// Room for more than three million subjects in one shard.
const MAX_FILE: u64 = 256 << 20;
const MODE: u32 = 0o600;

/// What an entry about a subject is found by.
pub type Label = [u8; 16];

/// Says which of some labels the log has; none when it cannot say.
pub type Known<'a> = dyn Fn(&[Label]) -> Result<Option<HashSet<Label>>, LogError> + 'a;

/// A subject that the log was not asked about yet, how many labels it has reserved, and those that come after them.
type Beyond = (SubjectTag, u64, Vec<Label>);

/// The name of a subject in the key file: `HMAC(tag key, S)`.
pub type SubjectTag = [u8; 32];

/// What can go wrong with the key file.
#[derive(Debug, Error)]
pub enum SubjectsError {
    /// No space: nothing changed.
    #[error("de schijf is vol: de sleutel van een persoon kan niet worden vastgelegd, en zonder sleutel geen logregel")]
    Full,
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that does not open under the node's key.
    #[error("{} is beschadigd of met een andere sleutel gemaakt; zet een herstelkopie van hoogstens 30 dagen oud terug", .0.display())]
    Unreadable(PathBuf),
    /// The log cannot be asked for labels.
    #[error(transparent)]
    Log(#[from] LogError),
}

struct Record {
    secret: Secret32,
    /// Labels below this may have been used.
    reserved: u64,
    /// The next label; not on disk, so after a start the rest of a block is passed over.
    next: u64,
    /// Day on which the key was made.
    made: Day,
    /// Whether the log has no label beyond those: it was asked since the file was read.
    settled: bool,
}

impl Record {
    fn fresh(today: Day) -> Self {
        Self { secret: Secret32::random(), reserved: 0, next: 0, made: today, settled: true }
    }
}

type Shard = BTreeMap<SubjectTag, Record>;

/// The keys of data subjects on disk; share it between threads by reference.
pub struct SubjectKeys {
    dir: PathBuf,
    seal: SealKey,
    tags: MacKey,
    disk: Disk,
    shards: Vec<Mutex<Option<Shard>>>,
}

/// The keys of one subject.
pub struct SubjectKey {
    tag: SubjectTag,
    secret: Secret32,
    labels: MacKey,
    reserved: u64,
    used: u64,
    made: Day,
}

impl SubjectKey {
    fn of(tag: SubjectTag, record: &Record) -> Self {
        let secret = Secret32::new(*record.secret.expose());
        let labels = MacKey::new(&expand_secret(&secret, "ketenpoort/v1/subject-label/0"));
        Self { tag, secret, labels, reserved: record.reserved, used: record.next, made: record.made }
    }

    /// Name of the subject in the key file.
    #[must_use]
    pub fn tag(&self) -> SubjectTag {
        self.tag
    }

    /// The key that seals parts of entries about the subject.
    #[must_use]
    pub fn seal_key(&self) -> SealKey {
        SealKey::new(expand_secret(&self.secret, "ketenpoort/v1/subject-seal/0"))
    }

    /// The key that seals fields of the subject for case-level exchange.
    #[must_use]
    pub fn case_key(&self) -> SealKey {
        SealKey::new(expand_secret(&self.secret, "ketenpoort/v1/subject-case/0"))
    }

    /// Label number `n`.
    #[must_use]
    pub fn label(&self, n: u64) -> [u8; 16] {
        let mut label = [0; 16];
        label.copy_from_slice(&self.labels.tag(&[&n.to_be_bytes()]).expose()[..16]);
        label
    }

    /// Every label that an entry about the subject can bear; some of them none does.
    pub fn labels(&self) -> impl Iterator<Item = [u8; 16]> + '_ {
        (0..self.reserved).map(|n| self.label(n))
    }

    /// Day on which the key was made.
    #[must_use]
    pub fn made(&self) -> Day {
        self.made
    }
}

impl SubjectKeys {
    /// The keys in `dir`, which is made when the first key is; `seal` and `tags` are the node's own for this use.
    #[must_use]
    pub fn new(dir: PathBuf, seal: SealKey, tags: MacKey, disk: Disk) -> Self {
        Self { dir, seal, tags, disk, shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Name of a subject in the key file.
    #[must_use]
    pub fn tag(&self, subject: &Tag) -> SubjectTag {
        *self.tags.tag(&[subject.expose()]).expose()
    }

    /// A fresh label with the subject's keys; the key is made when there is none. What is returned is durable.
    ///
    /// # Errors
    /// [`SubjectsError`]: nothing may be sealed.
    pub fn next(&self, subject: &Tag, today: Day) -> Result<([u8; 16], SubjectKey), SubjectsError> {
        let tag = self.tag(subject);
        self.with(tag, |this, shard| {
            let record = shard.entry(tag).or_insert_with(|| Record::fresh(today));
            let number = record.next;
            if number == record.reserved {
                record.reserved += BLOCK;
                this.write(tag[0], shard)?;
            }
            // Absent only if it was taken away in the meantime, which the lock forbids.
            let record = shard.get_mut(&tag).ok_or(SubjectsError::Full)?;
            record.next = number + 1;
            let key = SubjectKey::of(tag, record);
            Ok((key.label(number), key))
        })
    }

    /// Passes over labels that the log has and these files do not know of, because an older copy of them was put back: they
    /// are found again and never given twice. Asked once for each subject after its file was read; of one subject, or of all
    /// at once. False when `known` could not say, and nothing was done.
    ///
    /// # Errors
    /// [`SubjectsError`]: nothing may be sealed or looked for.
    pub fn settle(&self, subject: Option<&Tag>, known: &Known<'_>) -> Result<bool, SubjectsError> {
        let only = subject.map(|subject| self.tag(subject));
        let shards = only.map_or(0..=u8::MAX, |tag| tag[0]..=tag[0]);
        loop {
            let mut asked = Vec::new();
            for number in shards.clone() {
                self.with([number; 32], |_, shard| {
                    asked.extend(beyond(shard, only));
                    Ok(())
                })?;
            }
            if asked.is_empty() {
                return Ok(true);
            }
            // No file is locked while the log is asked.
            let labels: Vec<Label> = asked.iter().flat_map(|(_, _, labels)| labels).copied().collect();
            let Some(found) = known(&labels)? else { return Ok(false) };
            for number in shards.clone() {
                let here = asked.iter().filter(|(tag, ..)| tag[0] == number);
                self.with([number; 32], |this, shard| this.pass_over(shard, number, here, &found))?;
            }
        }
    }

    /// Raises what is reserved of subjects of which the log has labels beyond it; the others are settled.
    fn pass_over<'a>(
        &self,
        shard: &mut Shard,
        number: u8,
        asked: impl Iterator<Item = &'a Beyond>,
        found: &HashSet<Label>,
    ) -> Result<(), SubjectsError> {
        let mut raised = false;
        for (tag, reserved, labels) in asked {
            // Another thread may have done it in the meantime.
            let Some(record) = shard.get_mut(tag).filter(|r| !r.settled && r.reserved == *reserved) else { continue };
            match (1..).zip(labels).filter(|(_, label)| found.contains(*label)).last() {
                None => record.settled = true,
                Some((used, _)) => {
                    record.reserved += u64::next_multiple_of(used, BLOCK);
                    record.next = record.reserved;
                    raised = true;
                }
            }
        }
        if raised { self.write(number, shard) } else { Ok(()) }
    }

    /// The keys of a subject, if it has any.
    ///
    /// # Errors
    /// [`SubjectsError`] when the file cannot be read.
    pub fn find(&self, subject: &Tag) -> Result<Option<SubjectKey>, SubjectsError> {
        let tag = self.tag(subject);
        self.with(tag, |_, shard| Ok(shard.get(&tag).map(|record| SubjectKey::of(tag, record))))
    }

    /// The keys of a subject by its name in the key file, if it has any.
    ///
    /// # Errors
    /// [`SubjectsError`] when the file cannot be read.
    pub fn named(&self, tag: &SubjectTag) -> Result<Option<SubjectKey>, SubjectsError> {
        self.with(*tag, |_, shard| Ok(shard.get(tag).map(|record| SubjectKey::of(*tag, record))))
    }

    /// The keys of these subjects, made where there are none; durable when this returns. Each file is written once.
    ///
    /// # Errors
    /// [`SubjectsError`]: nothing may be sealed.
    pub fn ensure(&self, subjects: &[Tag], today: Day) -> Result<BTreeMap<SubjectTag, SubjectKey>, SubjectsError> {
        let mut tags: Vec<SubjectTag> = subjects.iter().map(|subject| self.tag(subject)).collect();
        tags.sort_unstable();
        tags.dedup();
        let mut keys = BTreeMap::new();
        for of_shard in tags.chunk_by(|a, b| a[0] == b[0]) {
            let made = self.with([of_shard[0][0]; 32], |this, shard| {
                let known = shard.len();
                for tag in of_shard {
                    shard.entry(*tag).or_insert_with(|| Record::fresh(today));
                }
                if shard.len() > known {
                    this.write(of_shard[0][0], shard)?;
                }
                let keys = of_shard.iter().filter_map(|tag| Some((*tag, SubjectKey::of(*tag, shard.get(tag)?))));
                Ok(keys.collect::<Vec<_>>())
            })?;
            keys.extend(made);
        }
        Ok(keys)
    }

    /// The keys of every subject, one shard after another.
    ///
    /// # Errors
    /// [`SubjectsError`] when a file cannot be read.
    pub fn all(&self) -> impl Iterator<Item = Result<SubjectKey, SubjectsError>> + '_ {
        (0..=u8::MAX).flat_map(|number| {
            let read = self.with([number; 32], |_, shard| {
                Ok(shard.iter().map(|(tag, record)| SubjectKey::of(*tag, record)).collect::<Vec<_>>())
            });
            match read {
                Ok(keys) => keys.into_iter().map(Ok).collect::<Vec<_>>(),
                Err(error) => vec![Err(error)],
            }
        })
    }

    /// Destroys a subject's key: the file is rewritten without it and the old bytes are overwritten as far as the disk
    /// allows. Whether there was one.
    ///
    /// # Errors
    /// [`SubjectsError`]: ask again, the key may still be there.
    pub fn destroy(&self, subject: &Tag) -> Result<bool, SubjectsError> {
        self.destroy_if(self.tag(subject), |_| true)
    }

    /// Destroys a key unless a label was given out since `key` was read. Whether it was destroyed.
    ///
    /// # Errors
    /// As [`SubjectKeys::destroy`].
    pub fn destroy_unless_used(&self, key: &SubjectKey) -> Result<bool, SubjectsError> {
        self.destroy_if(key.tag, |record| record.next == key.used && record.reserved == key.reserved)
    }

    fn destroy_if(&self, tag: SubjectTag, holds: impl Fn(&Record) -> bool) -> Result<bool, SubjectsError> {
        self.with(tag, |this, shard| {
            if !shard.get(&tag).is_some_and(holds) {
                return Ok(false);
            }
            shard.remove(&tag);
            this.write(tag[0], shard)?;
            Ok(true)
        })
    }

    /// Works on the shard of a tag, read when it is first needed; after an error it is read anew, so that memory and disk
    /// agree.
    fn with<T>(
        &self,
        tag: SubjectTag,
        work: impl FnOnce(&Self, &mut Shard) -> Result<T, SubjectsError>,
    ) -> Result<T, SubjectsError> {
        let mut held = self.lock(tag[0]);
        let mut shard = match held.take() {
            Some(shard) => shard,
            None => self.read(tag[0])?,
        };
        let done = work(self, &mut shard)?;
        *held = Some(shard);
        Ok(done)
    }

    fn lock(&self, number: u8) -> MutexGuard<'_, Option<Shard>> {
        self.shards[usize::from(number)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, number: u8) -> PathBuf {
        self.dir.join(format!("{number:02x}"))
    }

    fn read(&self, number: u8) -> Result<Shard, SubjectsError> {
        let path = self.path(number);
        if !path.exists() {
            return Ok(Shard::new());
        }
        // A rename whose directory was not synced may still be undone by a power cut; no label may rest on it.
        self.disk.sync_dir(&self.dir).map_err(|source| failed(&self.dir, source))?;
        let bytes = files::read_bounded(&path, MAX_FILE)?;
        let unreadable = || SubjectsError::Unreadable(path.clone());
        let sealed = bytes.strip_prefix(MAGIC).ok_or_else(unreadable)?;
        let plain = self.seal.open(&context(number), sealed).map_err(|_| unreadable())?;
        let plain = zeroize::Zeroizing::new(plain);
        decode(&plain).ok_or_else(unreadable)
    }

    /// Writes a shard beside the old one, syncs, renames, and overwrites what the old file held.
    fn write(&self, number: u8, shard: &Shard) -> Result<(), SubjectsError> {
        if !self.dir.exists() {
            fs::create_dir_all(&self.dir).map_err(|source| failed(&self.dir, source))?;
            let above = files::parent(&self.dir);
            self.disk.sync_dir(above).map_err(|source| failed(above, source))?;
        }
        let path = self.path(number);
        let plain = zeroize::Zeroizing::new(encode(shard));
        let bytes = [MAGIC, &self.seal.seal(&context(number), &plain)].concat();
        let old = OpenOptions::new().write(true).open(&path).ok();
        files::write_on(&self.disk, &path, &bytes, MODE).map_err(|error| match error {
            FileError::Io { source, .. } if is_full(&source) => SubjectsError::Full,
            other => other.into(),
        })?;
        if let Some(old) = old {
            self.overwrite(&old);
        }
        Ok(())
    }

    /// Best effort: a disk that writes elsewhere than it read, or a snapshot, keeps the old bytes all the same.
    fn overwrite(&self, old: &fs::File) {
        let overwritten = old.metadata().and_then(|meta| {
            let zeros = vec![0; usize::try_from(meta.len()).unwrap_or(0)];
            self.disk.write_at(old, &zeros, 0)?;
            self.disk.sync(old)
        });
        if let Err(error) = overwritten {
            tracing::warn!(%error, "oude bytes van een sleutelbestand niet overschreven");
        }
    }
}

fn beyond(shard: &Shard, only: Option<SubjectTag>) -> Vec<Beyond> {
    let open = shard.iter().filter(|(tag, record)| !record.settled && only.is_none_or(|only| only == **tag));
    open.map(|(tag, record)| {
        let (key, from) = (SubjectKey::of(*tag, record), record.reserved);
        (*tag, from, (from..from + AHEAD).map(|n| key.label(n)).collect())
    })
    .collect()
}

fn failed(path: &Path, source: io::Error) -> SubjectsError {
    if is_full(&source) {
        return SubjectsError::Full;
    }
    FileError::Io { path: path.to_owned(), source }.into()
}

/// A shard is bound to its number, so files cannot be swapped.
fn context(number: u8) -> Vec<u8> {
    [CONTEXT, &[number]].concat()
}

fn encode(shard: &Shard) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + shard.len() * RECORD);
    out.extend(u32::try_from(shard.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (tag, record) in shard {
        out.extend(tag);
        out.extend(record.secret.expose());
        out.extend(record.reserved.to_be_bytes());
        out.extend(record.made.0.to_be_bytes());
    }
    out
}

fn decode(plain: &[u8]) -> Option<Shard> {
    let (count, rest) = plain.split_first_chunk::<4>()?;
    let mut shard = Shard::new();
    for record in rest.chunks(RECORD) {
        let (tag, record) = record.split_first_chunk::<32>()?;
        let (secret, record) = record.split_first_chunk::<32>()?;
        let (reserved, made) = record.split_first_chunk::<8>()?;
        let reserved = u64::from_be_bytes(*reserved);
        let made = Day(i32::from_be_bytes(made.try_into().ok()?));
        let record = Record { secret: Secret32::new(*secret), reserved, next: reserved, made, settled: false };
        shard.insert(*tag, record);
    }
    (shard.len() as u64 == u64::from(u32::from_be_bytes(*count))).then_some(shard)
}
