//! sled itself: the trees, their batches, flushes and marks, and everything that is known to go wrong with it.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use super::gathered;
use super::postings::{self, Form};
use super::{IndexEntry, IndexOptions, SOURCES, Source, TREES, Tree};
use crate::crypto::Digest;

/// Where it is said how the entries lie in the trees; an index of another form is built anew.
const FORM_KEY: &[u8] = b"form";
const FORM: [u8; 1] = [2];

/// How far the index is, per source.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) next: u64,
    pub(super) last: Option<Digest>,
}

/// An open sled database.
#[derive(Debug)]
pub(super) struct Trees {
    db: sled::Db,
    marks: sled::Tree,
    entries: Vec<sled::Tree>,
}

impl Trees {
    pub(super) fn open(dir: &Path, options: IndexOptions) -> Result<Self, String> {
        fs::create_dir_all(dir).map_err(|error| error.to_string())?;
        remove_half_snapshots(dir)?;
        let open = || {
            let config = sled::Config::new().path(dir).cache_capacity(options.cache_bytes).flush_every_ms(None);
            let db = config.open()?;
            let marks = db.open_tree("marks")?;
            if !db.was_recovered() {
                marks.insert(FORM_KEY, &FORM)?;
            } else if marks.get(FORM_KEY)?.is_none_or(|form| form != FORM) {
                return Err(sled::Error::Unsupported("andere indeling".to_owned()));
            }
            let mut entries = Vec::new();
            for source in SOURCES {
                for tree in TREES {
                    entries.push(db.open_tree(format!("{source:?}/{tree:?}"))?);
                }
            }
            Ok(Self { db, marks, entries })
        };
        // Threads of an earlier handle may hold sled's lock a moment longer than the handle.
        for _ in 0..100 {
            match caught(open) {
                Err(reason) if reason.contains("could not acquire lock") => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                other => return other,
            }
        }
        caught(open)
    }

    pub(super) fn entries(&self, source: Source, tree: Tree) -> &sled::Tree {
        &self.entries[source as usize * TREES.len() + tree as usize]
    }

    pub(super) fn add(&self, source: Source, entries: &[IndexEntry]) -> Result<(), sled::Error> {
        for tree in TREES {
            let of_tree = entries.iter().filter(|entry| entry.tree == tree);
            let stored = self.entries(source, tree);
            match tree.form() {
                Form::Posted => postings::add(stored, of_tree)?,
                Form::Spans => postings::add_spans(stored, of_tree)?,
                Form::Gathered => gathered::add(stored, of_tree)?,
            }
        }
        Ok(())
    }

    /// Takes entries of trees with a key per record away.
    pub(super) fn remove(&self, source: Source, entries: &[IndexEntry]) -> Result<(), sled::Error> {
        let gathered = entries.iter().filter(|entry| entry.tree.form() == Form::Gathered);
        gathered.into_iter().try_for_each(|entry| gathered::remove(self.entries(source, entry.tree), entry))
    }

    /// sled's own flush leaves the bytes in the operating system's cache.
    pub(super) fn flush(&self, dir: &Path) -> Result<(), sled::Error> {
        self.db.flush()?;
        File::open(dir.join("db")).and_then(|file| file.sync_data()).map_err(sled::Error::Io)
    }

    pub(super) fn mark(&self, source: Source) -> Result<Mark, sled::Error> {
        let Some(bytes) = self.marks.get([source as u8])? else {
            return Ok(Mark::default());
        };
        let (next, last) = bytes.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        Ok(Mark { next: u64::from_be_bytes(*next), last: last.try_into().ok().map(Digest) })
    }

    pub(super) fn set_mark(&self, source: Source, mark: &Mark) -> Result<(), sled::Error> {
        let last = mark.last.map_or(Vec::new(), |last| last.0.to_vec());
        self.marks.insert([source as u8], [mark.next.to_be_bytes().to_vec(), last].concat())?;
        Ok(())
    }
}

/// Runs sled's code; its errors and its panics, which damaged files can cause, become text.
pub(super) fn caught<T>(act: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("sled is vastgelopen".to_owned()),
    }
}

/// A kill during sled's snapshot leaves a half one, and sled then refuses to open.
fn remove_half_snapshots(dir: &Path) -> Result<(), String> {
    for entry in fs::read_dir(dir).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(&path).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

pub(super) fn remove(dir: &Path) -> Result<(), String> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}
