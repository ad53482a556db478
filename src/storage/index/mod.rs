//! The working index over the journals, in sled: where a subject, a time, a partner or a key occurs. It holds nothing
//! that the journals do not, can be deleted at any time, and is rebuilt when it does not open, breaks or does not fit.
//!
//! sled alone loses acknowledged data at a power cut, can stop opening after a kill and can grow without bound, so it is
//! used in one way only: no timer flush, one writer, small batches, values below 4 KB, `fdatasync` of its file after
//! each flush, and a mark that is written only when all before it is on disk. The mark holds how far the index is and a
//! digest of the last record it saw, so that an index that is ahead of its journal, or beside it, is found.

mod gathered;
mod postings;
mod trees;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use thiserror::Error;

use super::journal::{Journal, JournalError};
use crate::crypto::digest;
use gathered::HEAD;
use postings::Form;
pub use postings::{BLOCK, Condition};
use trees::{Mark, Trees, caught, remove};

/// The most entries in one sled batch.
const BATCH: usize = 256;
/// Entries that are gathered before they are added, some 20 MB: the more, the fewer values are written twice.
const GATHER: usize = 262_144;
/// Entries after which the index is flushed and marked.
const FLUSH_EVERY: u64 = 262_144;
/// The largest key, in bytes.
const MAX_KEY: usize = 512;

/// Which journal an entry points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The transfer log.
    Translog,
    /// The state journal.
    State,
}

/// What an entry is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tree {
    /// A keyed fingerprint of a subject.
    Subject,
    /// A transfer id and the partner in it.
    Transfer,
    /// A trace id.
    Trace,
    /// A moment: 8 bytes that sort as time does.
    Time,
    /// A partner's OIN.
    Partner,
    /// A purpose.
    Purpose,
    /// A decision.
    Decision,
    /// The name of a field.
    Field,
    /// A legal ground.
    Ground,
    /// A processing activity.
    Activity,
    /// A phase, and how it ended.
    Phase,
    /// Whether something is sealed in it.
    Sealed,
}

impl Tree {
    fn form(self) -> Form {
        match self {
            Self::Subject | Self::Transfer | Self::Trace => Form::Gathered,
            Self::Time => Form::Spans,
            _ => Form::Posted,
        }
    }
}

const SOURCES: [Source; 2] = [Source::Translog, Source::State];
const TREES: [Tree; 12] = [
    Tree::Subject,
    Tree::Transfer,
    Tree::Trace,
    Tree::Time,
    Tree::Partner,
    Tree::Purpose,
    Tree::Decision,
    Tree::Field,
    Tree::Ground,
    Tree::Activity,
    Tree::Phase,
    Tree::Sealed,
];

/// One line of the index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexEntry {
    /// What it is found by.
    pub tree: Tree,
    /// The key, at most 512 bytes; never a BSN.
    pub key: Vec<u8>,
    /// The record that it leads to.
    pub seq: u64,
}

/// Says under which keys a record is found, from its sequence number and bytes.
pub type Extract<'a, E> = &'a mut dyn FnMut(u64, &[u8]) -> Result<Vec<IndexEntry>, E>;

/// What can go wrong with the index; none of it touches the journals.
#[derive(Debug, Error)]
pub enum IndexError {
    /// sled refuses, fails or contradicts itself.
    #[error("de index in {} is onbruikbaar ({reason}) en wordt opnieuw opgebouwd; maak ruimte als de schijf vol is", dir.display())]
    Broken {
        /// The directory of the index.
        dir: PathBuf,
        /// What sled said.
        reason: String,
    },
    /// A key is longer than 512 bytes.
    #[error("een indexsleutel van {0} bytes is te lang")]
    KeyTooLong(usize),
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// How the index is opened.
#[derive(Debug, Clone, Copy)]
pub struct IndexOptions {
    /// Bytes of sled's page cache.
    pub cache_bytes: u64,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20 }
    }
}

/// The open index.
#[derive(Debug)]
pub struct Index {
    dir: PathBuf,
    options: IndexOptions,
    /// `None` after a failure, until it is rebuilt.
    trees: RwLock<Option<Trees>>,
    writer: Mutex<Writing>,
}

#[derive(Debug, Default)]
struct Writing {
    marks: [Mark; SOURCES.len()],
    unflushed: u64,
}

impl Index {
    /// Opens the index in `dir` (made if absent). One that does not open is removed and made anew, empty; the second
    /// value then says why. Call [`Index::catch_up`] for each journal before asking it anything.
    ///
    /// # Errors
    /// [`IndexError::Broken`] when not even an empty one can be made, as on a full disk.
    pub fn open(dir: &Path, options: IndexOptions) -> Result<(Self, Option<String>), IndexError> {
        let (trees, rebuilt) = match Trees::open(dir, options) {
            Ok(trees) => (trees, None),
            Err(reason) => {
                let fresh = remove(dir).and_then(|()| Trees::open(dir, options));
                (fresh.map_err(|reason| IndexError::Broken { dir: dir.to_owned(), reason })?, Some(reason))
            }
        };
        let index = Self { dir: dir.to_owned(), options, trees: RwLock::new(Some(trees)), writer: Mutex::default() };
        let marks = index.using(|trees| SOURCES.map(|source| trees.mark(source)).into_iter().collect::<Result<_, _>>());
        match marks {
            Ok(marks) => index.writing().marks = marks_of(marks),
            Err(_) => index.reset()?,
        }
        Ok((index, rebuilt))
    }

    /// Brings the index up to date with a journal: `extract` says under which keys a record is found. An index that is
    /// ahead of the journal, or that saw another record, is emptied first. Returns the number of records that were read.
    ///
    /// # Errors
    /// What `extract` returns; [`IndexError::Journal`]; [`IndexError::Broken`] when it broke twice.
    pub fn catch_up<E: From<IndexError>>(
        &self,
        source: Source,
        journal: &Journal,
        extract: Extract<'_, E>,
    ) -> Result<u64, E> {
        let mut writing = self.writing();
        let whole = self.trees.read().unwrap_or_else(PoisonError::into_inner).is_some();
        if !whole || !fits(&writing.marks[source as usize], journal)? {
            self.reset_with(&mut writing)?;
        }
        let begun = writing.marks[source as usize].next;
        match self.follow(&mut writing, source, journal, extract) {
            Err(Failure::Index(IndexError::Broken { .. })) => {
                self.reset_with(&mut writing)?;
                let read = self.follow(&mut writing, source, journal, extract);
                read.map_err(Failure::into_error)?;
                Ok(writing.marks[source as usize].next)
            }
            Err(other) => Err(other.into_error()),
            Ok(()) => Ok(writing.marks[source as usize].next - begun),
        }
    }

    /// Adds entries at once, before [`Index::catch_up`] comes by and adds them again; for keys that must be found
    /// without delay.
    ///
    /// # Errors
    /// [`IndexError::Broken`], [`IndexError::KeyTooLong`].
    pub fn put(&self, source: Source, entries: &[IndexEntry]) -> Result<(), IndexError> {
        let mut writing = self.writing();
        self.add(&mut writing, source, entries)
    }

    /// Takes entries of trees with a key per record away at once; they come back when the index is built anew from a journal that has them.
    ///
    /// # Errors
    /// [`IndexError::Broken`].
    pub fn remove(&self, source: Source, entries: &[IndexEntry]) -> Result<(), IndexError> {
        let mut writing = self.writing();
        self.using(|trees| trees.remove(source, entries))?;
        self.flush_marked(&mut writing)
    }

    /// The records under exactly this key, by sequence number. Of a tree with a key per record it finds a key by its
    /// fingerprint, 106 bits of a digest: what nobody's safety may rest on is looked at again in the journal.
    ///
    /// # Errors
    /// [`IndexError::Broken`]: catch up again, then ask again.
    pub fn exact(&self, source: Source, tree: Tree, key: &[u8]) -> Result<Vec<u64>, IndexError> {
        self.using(|trees| match tree.form() {
            Form::Gathered => gathered::find(trees.entries(source, tree), key, false),
            _ => postings::exact(trees.entries(source, tree), key),
        })
    }

    /// The records of a tree with a key per record whose key begins with these 16 bytes, by sequence number; one in 2^74
    /// others may be among them.
    ///
    /// # Errors
    /// As [`Index::exact`].
    pub fn headed(&self, source: Source, tree: Tree, head: &[u8; HEAD]) -> Result<Vec<u64>, IndexError> {
        self.using(|trees| gathered::find(trees.entries(source, tree), head, true))
    }

    /// Every key of a tree that many records share.
    ///
    /// # Errors
    /// As [`Index::exact`].
    pub fn keys(&self, source: Source, tree: Tree) -> Result<Vec<Vec<u8>>, IndexError> {
        self.using(|trees| postings::keys(trees.entries(source, tree)))
    }

    /// At most `limit` records with sequence numbers below `below` that meet every condition, newest first; a condition on
    /// time lets some through that do not meet it. Keys are those of trees that many records share.
    ///
    /// # Errors
    /// As [`Index::exact`].
    pub fn newest(
        &self,
        source: Source,
        conditions: &[Condition],
        below: u64,
        limit: usize,
    ) -> Result<Vec<u64>, IndexError> {
        self.using(|trees| postings::newest(|tree| trees.entries(source, tree), conditions, below, limit))
    }

    /// How many records of a journal the index has seen.
    #[must_use]
    pub fn high_water(&self, source: Source) -> u64 {
        self.writing().marks[source as usize].next
    }

    /// Makes the index durable as far as it is, so that the next start reads only the rest of the journals.
    ///
    /// # Errors
    /// [`IndexError::Broken`].
    pub fn flush(&self) -> Result<(), IndexError> {
        let mut writing = self.writing();
        self.flush_marked(&mut writing)?;
        self.using(|trees| trees.flush(&self.dir))
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reset(&self) -> Result<(), IndexError> {
        self.reset_with(&mut self.writing())
    }

    /// Throws the index away and begins an empty one.
    fn reset_with(&self, writing: &mut Writing) -> Result<(), IndexError> {
        self.close();
        *writing = Writing::default();
        let fresh = remove(&self.dir).and_then(|()| Trees::open(&self.dir, self.options));
        let fresh = fresh.map_err(|reason| IndexError::Broken { dir: self.dir.clone(), reason })?;
        *self.trees.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        Ok(())
    }

    fn close(&self) {
        let trees = self.trees.write().unwrap_or_else(PoisonError::into_inner).take();
        let _ = caught(|| {
            drop(trees);
            Ok(())
        });
    }

    fn follow<E>(
        &self,
        writing: &mut Writing,
        source: Source,
        journal: &Journal,
        extract: Extract<'_, E>,
    ) -> Result<(), Failure<E>> {
        let mut entries = Vec::new();
        let from = writing.marks[source as usize].next;
        let mut records = journal.iter_from(from).peekable();
        while let Some(record) = records.next() {
            let (seq, bytes) = record.map_err(IndexError::from)?;
            entries.extend(extract(seq, &bytes).map_err(Failure::Extract)?);
            // The mark moves only when all entries below it are in.
            if entries.len() >= GATHER || records.peek().is_none() {
                self.add(writing, source, &entries)?;
                entries.clear();
                writing.marks[source as usize] = Mark { next: seq + 1, last: Some(digest(&bytes)) };
            }
        }
        Ok(())
    }

    fn add(&self, writing: &mut Writing, source: Source, entries: &[IndexEntry]) -> Result<(), IndexError> {
        if let Some(entry) = entries.iter().find(|entry| entry.key.len() > MAX_KEY) {
            return Err(IndexError::KeyTooLong(entry.key.len()));
        }
        self.using(|trees| trees.add(source, entries))?;
        writing.unflushed += entries.len() as u64;
        if writing.unflushed >= FLUSH_EVERY { self.flush_marked(writing) } else { Ok(()) }
    }

    /// Makes the entries durable, and only then notes how far they go; the note is durable with the next flush.
    fn flush_marked(&self, writing: &mut Writing) -> Result<(), IndexError> {
        self.using(|trees| {
            trees.flush(&self.dir)?;
            SOURCES.into_iter().try_for_each(|source| trees.set_mark(source, &writing.marks[source as usize]))
        })?;
        writing.unflushed = 0;
        Ok(())
    }

    /// Works with sled; any error or panic of it makes the index unusable until it is rebuilt.
    fn using<T>(&self, act: impl FnOnce(&Trees) -> Result<T, sled::Error>) -> Result<T, IndexError> {
        let guard = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        let outcome = match guard.as_ref() {
            None => Err("eerder afgebroken".to_owned()),
            Some(trees) => caught(|| act(trees)),
        };
        drop(guard);
        outcome.map_err(|reason| {
            self.close();
            IndexError::Broken { dir: self.dir.clone(), reason }
        })
    }
}

enum Failure<E> {
    Index(IndexError),
    Extract(E),
}

impl<E> From<IndexError> for Failure<E> {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl<E: From<IndexError>> Failure<E> {
    fn into_error(self) -> E {
        match self {
            Self::Index(error) => error.into(),
            Self::Extract(error) => error,
        }
    }
}

/// Whether the journal holds what the index says it saw last.
fn fits(mark: &Mark, journal: &Journal) -> Result<bool, IndexError> {
    let Some(last) = mark.next.checked_sub(1) else {
        return Ok(true);
    };
    Ok(journal.read(last)?.is_some_and(|bytes| mark.last == Some(digest(&bytes))))
}

fn marks_of(marks: Vec<Mark>) -> [Mark; SOURCES.len()] {
    let mut marks = marks.into_iter();
    SOURCES.map(|_| marks.next().unwrap_or_default())
}
