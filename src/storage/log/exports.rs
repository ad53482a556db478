//! Exports as directories: writing one, and reading one for verification.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use super::{LogError, TransferLog};
use crate::crypto::{Digest, digest};
use crate::storage::disk::is_full;
use crate::storage::files::{self, FileError};
use crate::storage::journal::{Journal, Records};
use crate::translog::checkpoint::Checkpoint;
use crate::translog::entry::Entry;
use crate::translog::export::{CHECKPOINT, Exporter, Manifest};
use crate::translog::note::Note;
use crate::translog::tiles::{bundle_path, bundles_of, split_bundle};
use crate::translog::verify::{Files, Unreadable};

/// The largest file of an export that is read: a bundle of 256 longest entries is 16 MB, a manifest grows with the log.
const MAX_FILE: u64 = 1 << 30;

/// What goes into an export besides the entries.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras<'a> {
    /// Copies of cards and convenants: name and bytes.
    pub attachments: &'a [(&'a str, &'a [u8])],
    /// The checkpoint that a quorum of witnesses cosigned, a note.
    pub cosigned: Option<&'a str>,
    /// The receipts of partners, in about the order of the entries that name them.
    pub receipts: Option<&'a Journal>,
}

impl TransferLog {
    /// As [`TransferLog::export_with`], with attachments alone.
    ///
    /// # Errors
    /// As [`TransferLog::export_with`].
    pub fn export(&self, out: &Path, attachments: &[(&str, &[u8])], now_ms: u64) -> Result<Manifest, LogError> {
        self.export_with(out, &Extras { attachments, ..Extras::default() }, now_ms)
    }

    /// Writes the whole log as an export into `out`, which must be empty or absent, with what goes beside it. The manifest's signature is written last: what was broken off does not verify. When the log's own
    /// disk is full and no new checkpoint fits, the export ends at the last one.
    ///
    /// # Errors
    /// [`LogError::File`] or [`LogError::Export`] from the disk, [`LogError::Unreadable`] for an entry.
    pub fn export_with(&self, out: &Path, extras: &Extras<'_>, now_ms: u64) -> Result<Manifest, LogError> {
        let io = |source| FileError::Io { path: out.to_owned(), source };
        fs::create_dir_all(out).map_err(io)?;
        if fs::read_dir(out).map_err(io)?.next().is_some() {
            Err(io(io::Error::new(io::ErrorKind::AlreadyExists, "de map is niet leeg")))?;
        }
        let (checkpoint, note) = match self.inner.sign() {
            Err(LogError::File(FileError::Io { source, .. })) if is_full(&source) => {
                self.inner.checkpoints.last_signed()
            }
            signed => signed?,
        };
        let note = Note::decode(note.as_bytes()).map_err(LogError::Checkpoint)?;
        let mut exporter = Exporter::new(|path: &str, bytes: &[u8]| put(out, path, bytes));
        let mut ahead = extras.receipts.map(Ahead::of);
        if ahead.is_some() {
            exporter.with_receipts();
        }
        for record in self.raw_entries(0..checkpoint.size) {
            let (index, bytes) = record?;
            exporter.entry(&bytes).map_err(Box::new)?;
            let Some(ahead) = &mut ahead else { continue };
            let entry = Entry::decode(&bytes).map_err(|error| LogError::Unreadable { index, error })?;
            let Some(named) = entry.peer_receipt_hash.filter(|_| entry.names_receipt()) else { continue };
            if let Some(receipt) = ahead.take(named)? {
                exporter.receipt(&receipt).map_err(Box::new)?;
            }
        }
        for (name, bytes) in extras.attachments {
            exporter.attach(name, bytes).map_err(Box::new)?;
        }
        if let Some(cosigned) = extras.cosigned {
            exporter.cosigned(cosigned).map_err(Box::new)?;
        }
        Ok(exporter.finish(&note, self.inner.checkpoints.key(), now_ms).map_err(Box::new)?)
    }
}

/// Receipts are found by reading ahead of the entries: their journal has nearly the same order, and a crash leaves one here
/// and there that no entry names.
struct Ahead {
    records: Records,
    held: HashMap<Digest, Vec<u8>>,
    order: VecDeque<Digest>,
}

/// Receipts that are held while others are looked for.
const MOST_HELD: usize = 8192;

impl Ahead {
    fn of(journal: &Journal) -> Self {
        Self { records: journal.iter_from(0), held: HashMap::new(), order: VecDeque::new() }
    }

    fn take(&mut self, named: Digest) -> Result<Option<Vec<u8>>, LogError> {
        if let Some(receipt) = self.held.remove(&named) {
            return Ok(Some(receipt));
        }
        for record in self.records.by_ref() {
            let (_, bytes) = record?;
            let hash = digest(&bytes);
            if hash == named {
                return Ok(Some(bytes));
            }
            self.held.insert(hash, bytes);
            self.order.push_back(hash);
            if self.order.len() > MOST_HELD {
                self.order.pop_front().map(|oldest| self.held.remove(&oldest));
            }
        }
        Ok(None)
    }
}

fn put(out: &Path, path: &str, bytes: &[u8]) -> Result<(), FileError> {
    let path = out.join(path);
    let write = || {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(bytes)
    };
    write().map_err(|source| FileError::Io { path: path.clone(), source })
}

/// An export on disk, for `translog::verify`. Symbolic links are not followed.
#[derive(Clone, Debug)]
pub struct ExportDirectory(PathBuf);

impl ExportDirectory {
    /// The export in this directory.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// The entries with these numbers, in order, read as a stream of bundles. Nothing is verified here: believe them only
    /// after [`crate::translog::verify::verify`] found the export intact.
    ///
    /// # Errors
    /// [`Unreadable`] when the checkpoint cannot be read; the stream ends at the first bundle or entry that cannot.
    pub fn entries(&self, numbers: Range<u64>) -> Result<impl Iterator<Item = Numbered> + use<>, Unreadable> {
        let note = Note::decode(&self.read(CHECKPOINT)?).and_then(|note| Checkpoint::from_note(&note));
        let size = note.map_err(|error| Unreadable(error.to_string()))?.size;
        let files = self.clone();
        let (first, last) = (numbers.start / BUNDLE, numbers.end.min(size));
        let bundles = bundles_of(size).filter(move |(index, _)| *index >= first && *index * BUNDLE < last);
        let read = move |(index, width)| files.bundle(index, width).unwrap_or_else(|error| vec![Err(error)]);
        Ok(bundles
            .flat_map(read)
            .filter(move |read| read.as_ref().map_or(true, |(number, _)| numbers.contains(number))))
    }

    fn bundle(&self, index: u64, width: u16) -> Result<Vec<Numbered>, Unreadable> {
        let path = bundle_path(index, width);
        let bytes = self.read(&path)?;
        let items = split_bundle(&bytes).map_err(|_| Unreadable(format!("{path}: een regel breekt af")))?;
        let entry = |(number, item): (u64, &&[u8])| match Entry::decode(item) {
            Ok(entry) => Ok((number, entry)),
            Err(error) => Err(Unreadable(format!("{path}, regel {number}: {error}"))),
        };
        Ok((index * BUNDLE..).zip(&items).map(entry).collect())
    }
}

/// An entry of an export with its number.
type Numbered = Result<(u64, Entry), Unreadable>;

/// Entries in a full bundle (c2sp.org/tlog-tiles, height 8).
const BUNDLE: u64 = 256;

impl Files for ExportDirectory {
    fn list(&self) -> Result<Vec<String>, Unreadable> {
        let mut names = Vec::new();
        let mut todo = vec![(self.0.clone(), String::new())];
        while let Some((dir, prefix)) = todo.pop() {
            let said = |error: io::Error| Unreadable(format!("{}: {error}", dir.display()));
            for entry in fs::read_dir(&dir).map_err(said)? {
                let entry = entry.map_err(said)?;
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.file_type().map_err(said)?.is_dir() {
                    todo.push((entry.path(), format!("{name}/")));
                } else {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable> {
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let full = self.0.join(path);
        match fs::symlink_metadata(&full) {
            _ if !plain => Err(Unreadable("het pad wijst buiten de export".to_owned())),
            Ok(meta) if meta.is_file() => files::read_bounded(&full, MAX_FILE).map_err(|e| Unreadable(e.to_string())),
            Ok(_) => Err(Unreadable("dit is geen gewoon bestand".to_owned())),
            Err(_) => Err(Unreadable("het bestand ontbreekt".to_owned())),
        }
    }
}
