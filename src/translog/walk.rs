//! The entries of an export, one after another, without checking anything: `verify` says whether they may be believed.

use super::entry::Entry;
use super::export::{MANIFEST, Manifest};
use super::tiles::{bundle_path, bundles_of, split_bundle};
use super::verify::{Files, Unreadable};

/// The manifest of an export as it stands there.
///
/// # Errors
/// [`Unreadable`].
pub fn manifest(export: &dyn Files) -> Result<Manifest, Unreadable> {
    serde_json::from_slice(&export.read(MANIFEST)?).map_err(|e| Unreadable(format!("{MANIFEST}: {e}")))
}

/// The entries of an export of `size` entries with their numbers, oldest first; one bundle of 256 in memory at a time.
pub fn entries(export: &dyn Files, size: u64) -> impl Iterator<Item = Result<(u64, Entry), Unreadable>> + '_ {
    bundles_of(size).flat_map(move |(index, width)| {
        let path = bundle_path(index, width);
        let read = |bytes: Vec<u8>| -> Result<Vec<(u64, Entry)>, Unreadable> {
            let items = split_bundle(&bytes).map_err(|_| Unreadable(format!("{path}: de regel breekt af")))?;
            let decode = |(number, item): (u64, &&[u8])| {
                Entry::decode(item).map(|entry| (number, entry)).map_err(|e| Unreadable(format!("{path}: {e}")))
            };
            (index * 256..).zip(&items).map(decode).collect()
        };
        match export.read(&path).and_then(read) {
            Ok(entries) => entries.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        }
    })
}
