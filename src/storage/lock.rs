//! One process per directory: an advisory lock that the operating system drops when its holder ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::domain::fault::said;

/// The lock on a directory is not ours.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process works in this directory.
    #[error("map {} is in gebruik door {holder}; stop dat eerst of gebruik de lopende node", dir.display())]
    Held {
        /// The directory.
        dir: PathBuf,
        /// What holds it: process number and purpose, as its holder wrote them.
        holder: String,
    },
    /// The lock file could not be opened or written.
    #[error("vergrendeling {}: {}", path.display(), said(source))]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// An exclusive hold on a directory, until dropped.
#[derive(Debug)]
pub struct DirLock {
    file: File,
}

impl DirLock {
    /// Takes `<dir>/lock` for this process; `purpose` (as in "serve") is what others read about the holder.
    ///
    /// # Errors
    /// [`LockError::Held`] at once, without waiting, when another holds it; [`LockError::Io`].
    pub fn acquire(dir: &Path, purpose: &str) -> Result<Self, LockError> {
        let path = dir.join("lock");
        let failed = |source| LockError::Io { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = (&file).take(200).read_to_string(&mut holder);
                if read.is_err() || holder.trim().is_empty() {
                    holder = "een ander proces".to_owned();
                }
                return Err(LockError::Held { dir: dir.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // The text only serves the message above; a disk too full to hold it must not stop a reader.
        let text = format!("proces {} ({purpose})\n", std::process::id());
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
        Ok(Self { file })
    }
}

impl Drop for DirLock {
    /// Closing alone would leave the lock with a child process that was forked meanwhile, until it starts its program.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}
