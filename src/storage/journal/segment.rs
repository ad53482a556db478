//! The bytes of a segment file and the walk over them.
//!
//! Header, 36 bytes: magic `KPSEG001`, first sequence number (u64), random salt (16), CRC32C of all before it.
//! Record, 25 bytes and its content: length of the content (u32), CRC32C (u32) over the salt and all else of the record,
//! sequence number (u64), `durable` (u64): how many records were durable when this one was written, flags (u8): bit 0
//! says that the batch goes on with the next record. All numbers big-endian.
//!
//! The salt keeps bytes inside a content from passing for a record. `durable` tells a torn group of writes, of which
//! any part may have reached the disk, from damage to a record that was acknowledged.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

use crc32c::{crc32c, crc32c_append};

use crate::crypto;
use crate::storage::disk::Disk;
use crate::storage::files;

/// The largest content of one record, in bytes.
pub const MAX_RECORD: usize = 16 << 20;
pub(super) const HEADER: usize = 36;
pub(super) const RECORD_HEAD: usize = 25;
const MAGIC: &[u8; 8] = b"KPSEG001";
const MORE: u8 = 1;
/// A position is remembered once per this many bytes, to find a record without reading its whole segment.
const POINT_BYTES: u64 = 32 << 10;

/// What the writer and the readers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) segments: RwLock<Vec<Arc<Segment>>>,
    pub(super) durable: AtomicU64,
    pub(super) failed: AtomicBool,
}

impl Shared {
    pub(super) fn new(dir: PathBuf, segments: Vec<Arc<Segment>>, len: u64) -> Self {
        Self { dir, segments: RwLock::new(segments), durable: AtomicU64::new(len), failed: AtomicBool::new(false) }
    }
}

/// One segment file.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// The sequence number of its first record.
    pub(super) first: u64,
    /// The CRC32C state after the salt.
    pub(super) salt: u32,
    /// Sequence numbers and offsets, rising; `None` until a segment that was not read at open is read.
    pub(super) points: Mutex<Option<Vec<(u64, u64)>>>,
}

pub(super) fn file_name(first: u64) -> String {
    format!("{first:016x}.seg")
}

/// The first sequence number in a segment's file name; `None` for any other file.
pub(super) fn first_of(name: &str) -> Option<u64> {
    let hex = name.strip_suffix(".seg")?;
    let first = u64::from_str_radix(hex, 16).ok()?;
    (file_name(first) == name).then_some(first)
}

impl Segment {
    /// Makes an empty segment, durable under its own name when this returns.
    pub(super) fn create(dir: &Path, first: u64, disk: &Disk) -> io::Result<(Self, File)> {
        let path = dir.join(file_name(first));
        let temporary = files::temporary(&path);
        files::remove_if_there(&temporary)?;
        let salt: [u8; 16] = crypto::random();
        let mut header = MAGIC.to_vec();
        header.extend(first.to_be_bytes());
        header.extend(salt);
        header.extend(crc32c(&header).to_be_bytes());
        let fill = || -> io::Result<File> {
            let file = disk.create(&temporary, 0o600)?;
            disk.write_at(&file, &header, 0)?;
            disk.sync(&file)?;
            Ok(file)
        };
        let file = fill().inspect_err(|_| drop(files::remove_if_there(&temporary)))?;
        disk.rename(&temporary, &path)?;
        disk.sync_dir(dir)?;
        Ok((Self { path, first, salt: crc32c(&salt), points: Mutex::new(Some(Vec::new())) }, file))
    }

    /// Reads a segment's header; `None` when it is not one that fits its name.
    pub(super) fn open(path: PathBuf, first: u64) -> io::Result<Option<Self>> {
        let mut header = [0_u8; HEADER];
        match File::open(&path)?.read_exact_at(&mut header, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let fits = header[..8] == *MAGIC
            && header[8..16] == first.to_be_bytes()
            && header[32..] == crc32c(&header[..32]).to_be_bytes();
        Ok(fits.then(|| Self { path, first, salt: crc32c(&header[16..32]), points: Mutex::new(None) }))
    }

    /// Walks over the records from `offset` on, reading `chunk` bytes at a time.
    pub(super) fn walk(&self, seq: u64, offset: u64, chunk: usize) -> io::Result<Walk> {
        let file = File::open(&self.path)?;
        Ok(Walk { file, salt: self.salt, seq, offset, chunk, bytes: Vec::new(), at: 0 })
    }
}

/// Notes a position when the last one is far enough behind.
pub(super) fn note(points: &mut Vec<(u64, u64)>, seq: u64, offset: u64) {
    if points.last().is_none_or(|&(_, last)| offset - last >= POINT_BYTES) {
        points.push((seq, offset));
    }
}

/// The head of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) len: usize,
    crc: u32,
    pub(super) seq: u64,
    pub(super) durable: u64,
    flags: u8,
}

impl Head {
    /// Reads a head; `None` where the bytes cannot be one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (crc, rest) = rest.split_first_chunk::<4>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let (durable, rest) = rest.split_first_chunk::<8>()?;
        let head = Self {
            len: usize::try_from(u32::from_be_bytes(*len)).ok()?,
            crc: u32::from_be_bytes(*crc),
            seq: u64::from_be_bytes(*seq),
            durable: u64::from_be_bytes(*durable),
            flags: *rest.first()?,
        };
        (head.len <= MAX_RECORD && head.durable <= head.seq && head.flags <= MORE).then_some(head)
    }

    /// Whether `record` (head and content) is whole.
    pub(super) fn checks(&self, salt: u32, record: &[u8]) -> bool {
        checksum(salt, record) == self.crc
    }

    /// Whether the next record belongs to the same batch.
    pub(super) fn more(&self) -> bool {
        self.flags == MORE
    }
}

fn checksum(salt: u32, record: &[u8]) -> u32 {
    crc32c_append(crc32c_append(salt, &record[..4]), &record[8..])
}

/// Adds one record to `out`. The caller has checked that `content` is at most [`MAX_RECORD`].
pub(super) fn encode(out: &mut Vec<u8>, salt: u32, place: Place, content: &[u8]) {
    let start = out.len();
    let len = u32::try_from(content.len()).unwrap_or(u32::MAX);
    out.extend(len.to_be_bytes());
    out.extend([0; 4]);
    out.extend(place.seq.to_be_bytes());
    out.extend(place.durable.to_be_bytes());
    out.push(if place.more { MORE } else { 0 });
    out.extend(content);
    let crc = checksum(salt, &out[start..]);
    out[start + 4..start + 8].copy_from_slice(&crc.to_be_bytes());
}

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) seq: u64,
    pub(super) durable: u64,
    pub(super) more: bool,
}

/// A walk over the records of one segment.
#[derive(Debug)]
pub(super) struct Walk {
    file: File,
    salt: u32,
    /// The sequence number and offset of the next record.
    pub(super) seq: u64,
    pub(super) offset: u64,
    chunk: usize,
    bytes: Vec<u8>,
    at: usize,
}

/// One step of a walk.
#[derive(Debug)]
pub(super) enum Found<'a> {
    Record(Head, &'a [u8]),
    /// The file ends after the last record.
    End,
    /// The bytes at [`Walk::offset`] are not the next record.
    Bad,
}

impl Walk {
    pub(super) fn next(&mut self) -> io::Result<Found<'_>> {
        let have = self.fill(RECORD_HEAD)?;
        if have == 0 {
            return Ok(Found::End);
        }
        let Some(head) = Head::parse(&self.bytes[self.at..]).filter(|head| head.seq == self.seq) else {
            return Ok(Found::Bad);
        };
        let whole = RECORD_HEAD + head.len;
        if self.fill(whole)? < whole || !head.checks(self.salt, &self.bytes[self.at..self.at + whole]) {
            return Ok(Found::Bad);
        }
        let start = self.at;
        self.at += whole;
        self.offset += whole as u64;
        self.seq += 1;
        Ok(Found::Record(head, &self.bytes[start + RECORD_HEAD..start + whole]))
    }

    /// Brings at least `want` bytes from the current offset into memory, if the file has them; how many there are.
    fn fill(&mut self, want: usize) -> io::Result<usize> {
        let have = self.bytes.len() - self.at;
        if have >= want {
            return Ok(have);
        }
        let rest = usize::try_from(self.file.metadata()?.len().saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; want.max(self.chunk).min(rest).max(have)];
        bytes[..have].copy_from_slice(&self.bytes[self.at..]);
        self.bytes = bytes;
        self.at = 0;
        let mut filled = have;
        while filled < self.bytes.len() {
            match self.file.read_at(&mut self.bytes[filled..], self.offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.bytes.truncate(filled);
        Ok(filled)
    }
}
