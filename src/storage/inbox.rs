//! What came about children and waits to be taken over: a sealed file each, overwritten and removed when it is taken over or its time is
//! up. A file is pending until its arrival is in the log; the service decides on what an earlier process left pending.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::disk::Disk;
use super::files::{self, FileError};
use crate::crypto::{SealKey, hex};
use crate::translog::entry::TransferId;

const MODE: u32 = 0o600;
/// Larger than any content.
const MAX_FILE: u64 = 8 << 20;
const CONTEXT: &[u8] = b"ketenpoort/v1/inbox\0";
const PENDING: &str = "nieuw";

/// The inbox of a node.
pub struct Inbox {
    dir: PathBuf,
    seal: SealKey,
    disk: Disk,
    turn: Mutex<()>,
}

impl Inbox {
    /// The inbox in `dir`, which is made when something comes.
    #[must_use]
    pub fn new(dir: PathBuf, seal: SealKey) -> Self {
        Self { dir, seal, disk: Disk::plain(), turn: Mutex::default() }
    }

    /// What an earlier process left pending.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn pending(&self) -> Result<Vec<TransferId>, FileError> {
        Ok(self.files()?.iter().filter(|path| path.extension().is_some()).filter_map(|path| named(path)).collect())
    }

    /// Destroys what an earlier process was writing when it ended.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn sweep(&self) -> Result<(), FileError> {
        for path in self.files()?.iter().filter(|path| path.extension().is_some_and(|kind| kind == "tmp")) {
            self.destroy_file(path)?;
        }
        Ok(())
    }

    /// One at a time decides what becomes of what is here.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what came, pending.
    ///
    /// # Errors
    /// [`FileError`]: nothing came.
    pub fn put(&self, id: TransferId, plain: &[u8]) -> Result<(), FileError> {
        fs::create_dir_all(&self.dir).map_err(|source| FileError::Io { path: self.dir.clone(), source })?;
        let sealed = self.seal.seal(&context(id), plain);
        files::write_on(&self.disk, &self.path(id).with_extension(PENDING), &sealed, MODE)
    }

    /// What was pending is there.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn settle(&self, id: TransferId) -> Result<(), FileError> {
        let path = self.path(id);
        let renamed = fs::rename(path.with_extension(PENDING), &path).and_then(|()| self.disk.sync_dir(&self.dir));
        renamed.map_err(|source| FileError::Io { path, source })
    }

    /// What is there, opened.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(&self, id: TransferId) -> Result<Option<Vec<u8>>, FileError> {
        let path = self.path(id);
        if !path.exists() {
            return Ok(None);
        }
        let sealed = files::read_bounded(&path, MAX_FILE)?;
        Ok(self.seal.open(&context(id), &sealed).ok())
    }

    /// The transfers of which something is there.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn list(&self) -> Result<Vec<TransferId>, FileError> {
        let there = |path: &&PathBuf| path.extension().is_none();
        let mut found: Vec<TransferId> = self.files()?.iter().filter(there).filter_map(|path| named(path)).collect();
        found.sort();
        Ok(found)
    }

    /// Overwrites and removes what came, pending or not; whether there was anything.
    ///
    /// # Errors
    /// [`FileError`]: it may still be there.
    pub fn destroy(&self, id: TransferId) -> Result<bool, FileError> {
        let path = self.path(id);
        let pending = self.destroy_file(&path.with_extension(PENDING))?;
        Ok(self.destroy_file(&path)? || pending)
    }

    fn destroy_file(&self, path: &PathBuf) -> Result<bool, FileError> {
        let failed = |source| FileError::Io { path: path.clone(), source };
        let file = match OpenOptions::new().write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        // Best effort on a disk that writes elsewhere than it read; what stays is sealed.
        let overwritten = file.metadata().and_then(|meta| {
            let zeros = vec![0; usize::try_from(meta.len()).unwrap_or(0)];
            self.disk.write_at(&file, &zeros, 0)?;
            self.disk.sync(&file)
        });
        if let Err(error) = overwritten {
            tracing::warn!(%error, "oude bytes in het postvak niet overschreven");
        }
        fs::remove_file(path).and_then(|()| self.disk.sync_dir(&self.dir)).map_err(failed)?;
        Ok(true)
    }

    fn files(&self) -> Result<Vec<PathBuf>, FileError> {
        if !self.dir.exists() {
            return Ok(Vec::new());
        }
        let failed = |source| FileError::Io { path: self.dir.clone(), source };
        let entries = fs::read_dir(&self.dir).map_err(failed)?;
        entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
    }

    fn path(&self, id: TransferId) -> PathBuf {
        self.dir.join(hex(id.as_bytes()))
    }
}

/// The transfer that a file is named after.
fn named(path: &Path) -> Option<TransferId> {
    TransferId::from_bytes(crate::crypto::from_hex(path.file_stem()?.to_str()?)?).ok()
}

fn context(id: TransferId) -> Vec<u8> {
    [CONTEXT, id.as_bytes()].concat()
}
