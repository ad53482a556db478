//! The accounts of the console on disk: one small sealed file that is written as a whole. What it says is the caller's.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::files::{FileError, read_bounded, write_atomic};
use crate::crypto::SealKey;

const HEAD: &[u8] = b"KPAC\x01";
const MODE: u32 = 0o600;
/// Largest file that is read: thousands of accounts.
const MAX: u64 = 16 << 20;

/// The file cannot be read or written.
#[derive(Debug, Error)]
pub enum AccountFileError {
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not a file of this node, or changed.
    #[error("{}: niet te openen met de sleutel van deze node: gewijzigd of van een andere node", .0.display())]
    Sealed(PathBuf),
}

/// The file of one node.
#[derive(Debug)]
pub struct AccountFile {
    path: PathBuf,
    seal: SealKey,
}

impl AccountFile {
    /// The file in `dir`, which is made with the first writing.
    #[must_use]
    pub fn new(dir: &Path, seal: SealKey) -> Self {
        Self { path: dir.join("accounts"), seal }
    }

    /// What was written last; none when nothing ever was.
    ///
    /// # Errors
    /// [`AccountFileError`].
    pub fn read(&self) -> Result<Option<Vec<u8>>, AccountFileError> {
        // A file that may not be looked at is not a file that is not there.
        match std::fs::metadata(&self.path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FileError::Io { path: self.path.clone(), source }.into()),
            Ok(_) => {}
        }
        let bytes = read_bounded(&self.path, MAX)?;
        let sealed = bytes.strip_prefix(HEAD).and_then(|sealed| self.seal.open(HEAD, sealed).ok());
        sealed.map(Some).ok_or_else(|| AccountFileError::Sealed(self.path.clone()))
    }

    /// Replaces the content; durable when this returns.
    ///
    /// # Errors
    /// [`AccountFileError::File`].
    pub fn write(&self, content: &[u8]) -> Result<(), AccountFileError> {
        if let Some(dir) = self.path.parent() {
            use std::os::unix::fs::DirBuilderExt;
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
            made.map_err(|source| FileError::Io { path: dir.to_owned(), source })?;
        }
        let mut bytes = HEAD.to_vec();
        bytes.extend(self.seal.seal(HEAD, content));
        Ok(write_atomic(&self.path, &bytes, MODE)?)
    }
}
