//! Small files that change as a whole: written beside the old one, synced, renamed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::disk::Disk;
use crate::domain::fault::said;

/// A file could not be read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("bestand {}: {}", path.display(), said(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is larger than this kind of file may be.
    #[error("bestand {} is groter dan {max} bytes; dit is niet het bedoelde bestand", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size that is accepted, in bytes.
        max: u64,
    },
}

/// Writes a whole file so that after a crash the old or the new content is there, never a part: temporary file beside
/// it with permission bits `mode` (0o600 for secrets), synced, renamed, directory synced. One writer per path at a time.
///
/// # Errors
/// [`FileError::Io`]; before the rename the old content still stands.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    write_on(&Disk::plain(), path, bytes, mode)
}

/// As [`write_atomic`], on a disk that may be told to fail.
///
/// # Errors
/// [`FileError::Io`]; before the rename the old content still stands.
pub fn write_on(disk: &Disk, path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let temporary = temporary(path);
    let write = || -> io::Result<()> {
        remove_if_there(&temporary)?;
        let file = disk.create(&temporary, mode)?;
        disk.write_at(&file, bytes, 0)?;
        disk.sync(&file)?;
        disk.rename(&temporary, path)?;
        disk.sync_dir(parent(path))
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&temporary);
        FileError::Io { path: path.to_owned(), source }
    })
}

/// Reads a whole file of at most `max` bytes.
///
/// # Errors
/// [`FileError::TooLarge`] without reading on past `max`; [`FileError::Io`].
pub fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(max.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|source| FileError::Io { path: path.to_owned(), source })?;
    if bytes.len() as u64 > max {
        return Err(FileError::TooLarge { path: path.to_owned(), max });
    }
    Ok(bytes)
}

/// The name under which a file is written before it gets its own.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
