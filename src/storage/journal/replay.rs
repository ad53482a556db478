//! Opening a journal: every whole record is kept, a torn tail is cut, damage stops.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::segment::{self, Found, HEADER, Head, RECORD_HEAD, Segment, Walk};
use super::writer::Tail;
use super::{JournalError, Options};
use crate::storage::disk::Disk;
use crate::storage::files;
use crate::storage::lock::DirLock;

const CHUNK: usize = 1 << 20;
/// The unit in which a disk keeps old or new bytes.
const SECTOR: u64 = 512;
/// No segment has as many records, so a sequence number further on is not one.
const MAX_BEHIND: u64 = 1 << 32;

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The number of records.
    pub len: u64,
    /// The torn tail that was cut, if there was one.
    pub cut: Option<Cut>,
}

/// A torn tail: the rest of an append that nobody was told had succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment file.
    pub file: PathBuf,
    /// Its length after the cut, in bytes.
    pub offset: u64,
    /// The number of bytes that were cut.
    pub bytes: u64,
}

pub(super) struct Opened {
    pub(super) replay: Replay,
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) tail: Tail,
}

type Visit<'a> = &'a mut dyn FnMut(u64, &[u8]);

pub(super) fn create(dir: &Path, disk: &Disk) -> Result<(), JournalError> {
    fs::create_dir_all(dir).map_err(JournalError::io(dir))?;
    let _lock = DirLock::acquire(dir, "journaal maken")?;
    if !list(dir)?.is_empty() {
        return Err(JournalError::Exists { dir: dir.to_owned() });
    }
    disk.sync_dir(files::parent(dir)).map_err(JournalError::io(dir))?;
    Segment::create(dir, 0, disk).map_err(JournalError::io(dir))?;
    Ok(())
}

pub(super) fn open(dir: &Path, options: &Options, visit: Visit<'_>) -> Result<(DirLock, Opened), JournalError> {
    if !dir.is_dir() {
        return Err(JournalError::Missing { dir: dir.to_owned() });
    }
    let lock = DirLock::acquire(dir, "journaal")?;
    let segments = load(dir)?;
    let checked = if options.skip_checked { options.checkpoint } else { 0 };
    let before = if options.last_only { segments.len() } else { segments.partition_point(|s| s.first <= checked) };
    let from = before.saturating_sub(1);
    let Some((last, whole)) = segments[from..].split_last() else {
        return Err(JournalError::Missing { dir: dir.to_owned() });
    };
    for (segment, next) in whole.iter().zip(&segments[from + 1..]) {
        read_whole(dir, segment, next.first, visit)?;
    }
    let (tail, torn) = read_last(last, visit)?;
    if tail.seq < options.checkpoint {
        let dir = dir.to_owned();
        return Err(JournalError::BelowCheckpoint { dir, len: tail.seq, checkpoint: options.checkpoint });
    }
    let cut = settle(last, &tail, torn, &options.disk)?;
    Ok((lock, Opened { replay: Replay { len: tail.seq, cut }, segments, tail }))
}

/// The segment files in `dir`, by first sequence number.
fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(JournalError::io(dir))? {
        let path = entry.map_err(JournalError::io(dir))?.path();
        if let Some(first) = path.file_name().and_then(|name| name.to_str()).and_then(segment::first_of) {
            found.push((first, path));
        }
    }
    found.sort();
    Ok(found)
}

fn load(dir: &Path) -> Result<Vec<Arc<Segment>>, JournalError> {
    let mut segments = Vec::new();
    for (first, path) in list(dir)? {
        let segment = Segment::open(path.clone(), first).map_err(JournalError::io(&path))?;
        segments.push(Arc::new(segment.ok_or(JournalError::Foreign { file: path })?));
    }
    match segments.first() {
        None => Err(JournalError::Missing { dir: dir.to_owned() }),
        Some(first) if first.first > 0 => {
            Err(JournalError::Gap { dir: dir.to_owned(), expected: 0, found: first.first })
        }
        Some(_) => Ok(segments),
    }
}

/// Reads a segment that has a successor: all of it was durable before the successor was made.
fn read_whole(dir: &Path, segment: &Segment, next: u64, visit: Visit<'_>) -> Result<(), JournalError> {
    let mut scan = Scan::new(segment)?;
    if scan.run(segment, visit)? == Stop::Bad {
        return Err(damaged(segment, &scan.walk));
    }
    if scan.walk.seq != next {
        return Err(JournalError::Gap { dir: dir.to_owned(), expected: scan.walk.seq, found: next });
    }
    if scan.batch.is_some() {
        return Err(damaged(segment, &scan.walk));
    }
    scan.remember(segment);
    Ok(())
}

/// Reads the last segment; where appending goes on and whether anything stands behind that.
fn read_last(segment: &Segment, visit: Visit<'_>) -> Result<(Tail, bool), JournalError> {
    let mut scan = Scan::new(segment)?;
    let stop = scan.run(segment, visit)?;
    if stop == Stop::Bad && !is_torn(segment, &scan.walk)? {
        return Err(damaged(segment, &scan.walk));
    }
    let torn = stop == Stop::Bad || scan.batch.is_some();
    let (seq, offset) = scan.batch.unwrap_or((scan.walk.seq, scan.walk.offset));
    scan.points.retain(|&(_, at)| at < offset);
    scan.remember(segment);
    Ok((Tail { seq, offset }, torn))
}

/// Cuts what is torn, and makes durable what is kept: it may have been written without having been synced.
fn settle(segment: &Segment, tail: &Tail, torn: bool, disk: &Disk) -> Result<Option<Cut>, JournalError> {
    let failed = |error| JournalError::Io { path: segment.path.clone(), source: error };
    let file = OpenOptions::new().write(true).open(&segment.path).map_err(failed)?;
    let len = file.metadata().map_err(failed)?.len();
    if torn {
        disk.truncate(&file, tail.offset).map_err(failed)?;
    }
    disk.sync(&file).map_err(failed)?;
    Ok(torn.then(|| Cut { file: segment.path.clone(), offset: tail.offset, bytes: len - tail.offset }))
}

fn damaged(segment: &Segment, walk: &Walk) -> JournalError {
    JournalError::Damaged { file: segment.path.clone(), offset: walk.offset, seq: walk.seq }
}

#[derive(Debug, PartialEq, Eq)]
enum Stop {
    End,
    Bad,
}

/// A reading of one segment from its first record.
struct Scan {
    walk: Walk,
    points: Vec<(u64, u64)>,
    /// The first record of a batch whose last one was not seen yet, and its offset.
    batch: Option<(u64, u64)>,
}

impl Scan {
    fn new(segment: &Segment) -> Result<Self, JournalError> {
        let walk = segment.walk(segment.first, HEADER as u64, CHUNK).map_err(JournalError::io(&segment.path))?;
        Ok(Self { walk, points: Vec::new(), batch: None })
    }

    fn run(&mut self, segment: &Segment, visit: Visit<'_>) -> Result<Stop, JournalError> {
        loop {
            let (seq, offset) = (self.walk.seq, self.walk.offset);
            match self.walk.next().map_err(JournalError::io(&segment.path))? {
                Found::Record(head, bytes) => {
                    visit(seq, bytes);
                    segment::note(&mut self.points, seq, offset);
                    self.batch = head.more().then(|| self.batch.unwrap_or((seq, offset)));
                }
                Found::End => return Ok(Stop::End),
                Found::Bad => return Ok(Stop::Bad),
            }
        }
    }

    fn remember(self, segment: &Segment) {
        *segment.points.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.points);
    }
}

/// Whether the bad record where `walk` stands can be the rest of writes that were never synced.
///
/// Without a valid record after it, it is. With one it is only if none of those was written when the bad one was
/// durable already, and the bad stretch has a sector that still holds the zeros of a file that grew: a power cut may
/// leave any part of one group of writes on the disk.
fn is_torn(segment: &Segment, walk: &Walk) -> Result<bool, JournalError> {
    let rest = rest_of(segment, walk.offset)?;
    let mut first_valid = None;
    let mut at = 1;
    while let Some(bytes) = rest.get(at..).filter(|bytes| bytes.len() >= RECORD_HEAD) {
        match valid(bytes, segment.salt, walk.seq) {
            Some((_, durable)) if durable > walk.seq => return Ok(false),
            Some((whole, _)) => {
                first_valid = first_valid.or(Some(at));
                at += whole;
            }
            None => at += 1,
        }
    }
    Ok(first_valid.is_none_or(|end| has_unwritten_sector(&rest[..end], walk.offset)))
}

fn rest_of(segment: &Segment, offset: u64) -> Result<Vec<u8>, JournalError> {
    let file = File::open(&segment.path).map_err(JournalError::io(&segment.path))?;
    let len = file.metadata().map_err(JournalError::io(&segment.path))?.len();
    let mut rest = vec![0; usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut rest, offset).map_err(JournalError::io(&segment.path))?;
    Ok(rest)
}

/// The length of the valid record at the start of `bytes` and the number of records that were durable before it; its
/// sequence number must be able to follow `bad`.
fn valid(bytes: &[u8], salt: u32, bad: u64) -> Option<(usize, u64)> {
    let head = Head::parse(bytes)?;
    let whole = RECORD_HEAD + head.len;
    let record = bytes.get(..whole)?;
    let follows = head.seq > bad && head.seq - bad <= MAX_BEHIND;
    (follows && head.checks(salt, record)).then_some((whole, head.durable))
}

/// Whether a sector that ends within `bytes`, which stand at `offset` of a file, is zero from there on.
fn has_unwritten_sector(bytes: &[u8], offset: u64) -> bool {
    let lead = usize::try_from((SECTOR - offset % SECTOR) % SECTOR).unwrap_or(0);
    let sector = usize::try_from(SECTOR).unwrap_or(0);
    let (head, rest) = bytes.split_at(lead.min(bytes.len()));
    let zero = |part: &[u8]| part.iter().all(|byte| *byte == 0);
    // The first few bytes of a record can be zero by themselves.
    (lead >= 8 && head.len() == lead && zero(head)) || rest.chunks_exact(sector).any(zero)
}
