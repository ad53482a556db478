//! Batches of row records as one sealed value of the state journal: each record with its length in front.

use thiserror::Error;

use crate::domain::row::RowRecord;

/// Most rows in one batch.
pub const BATCH_ROWS: usize = 1000;

/// The bytes are no batch of row records.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("bytes are no batch of row records")]
pub struct InvalidRows;

/// Appends a record to a batch.
pub fn pack(batch: &mut Vec<u8>, record: &RowRecord) {
    let start = batch.len();
    batch.extend([0; 4]);
    record.encode_into(batch);
    let length = u32::try_from(batch.len() - start - 4).unwrap_or(u32::MAX);
    batch[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// The records of a batch, in order.
pub fn unpack(batch: &[u8]) -> impl Iterator<Item = Result<RowRecord, InvalidRows>> + '_ {
    let mut rest = batch;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let record = split(&mut rest).and_then(|bytes| RowRecord::decode(bytes).ok());
        if record.is_none() {
            rest = &[];
        }
        Some(record.ok_or(InvalidRows))
    })
}

fn split<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    let (record, tail) = tail.split_at_checked(u32::from_le_bytes(*head) as usize)?;
    *rest = tail;
    Some(record)
}
