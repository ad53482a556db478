//! The one thread that writes: takes all that waits, one write, one `fdatasync`, then acknowledges each.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, PoisonError};

use super::segment::{self, MAX_RECORD, Place, RECORD_HEAD, Segment, Shared};
use super::{JournalError, Options};
use crate::domain::fault::said;
use crate::storage::disk;

/// Makes the bytes of a record that is to get this sequence number.
pub type Make = Box<dyn FnOnce(u64) -> Vec<u8> + Send>;

/// A group takes no further batch once it has this many batches or bytes.
const GROUP_BATCHES: usize = 1024;
const GROUP_BYTES: usize = 8 << 20;
/// The largest batch, in bytes with the heads of its records.
const MAX_BATCH: usize = 64 << 20;

/// One batch from one caller.
pub(super) struct Request {
    pub(super) records: Vec<Make>,
    pub(super) durable: bool,
    pub(super) reply: SyncSender<Result<Range<u64>, JournalError>>,
}

/// Where writing goes on.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) seq: u64,
    pub(super) offset: u64,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    options: Options,
    segment: Arc<Segment>,
    file: File,
    tail: Tail,
    /// Whether bytes were written since the last sync.
    unsynced: bool,
    buffer: Vec<u8>,
}

/// A batch that is in the buffer.
struct Taken {
    request_durable: bool,
    seqs: Range<u64>,
    reply: SyncSender<Result<Range<u64>, JournalError>>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, tail: Tail, options: Options) -> Result<Self, JournalError> {
        let segments = shared.segments.read().unwrap_or_else(PoisonError::into_inner);
        let Some(segment) = segments.last().cloned() else {
            return Err(JournalError::Missing { dir: shared.dir.clone() });
        };
        drop(segments);
        let file = OpenOptions::new().write(true).open(&segment.path).map_err(JournalError::io(&segment.path))?;
        Ok(Self { shared, options, segment, file, tail, unsynced: false, buffer: Vec::new() })
    }

    pub(super) fn run(mut self, inbox: &Receiver<Request>) {
        while let Ok(first) = inbox.recv() {
            self.group(first, inbox);
        }
    }

    /// Takes `first` and what waits behind it through to the end.
    fn group(&mut self, first: Request, inbox: &Receiver<Request>) {
        let rolled = if self.shared.failed.load(Ordering::Acquire) { Err(JournalError::Failed) } else { self.roll() };
        self.buffer.clear();
        let mut taken = Vec::new();
        let mut refused = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next {
            if rolled.is_ok() {
                self.take(request, &mut taken);
            } else {
                refused.push(request.reply);
            }
            let more = taken.len() + refused.len() < GROUP_BATCHES && self.buffer.len() < GROUP_BYTES;
            next = if more { inbox.try_recv().ok() } else { None };
        }
        let ended = rolled.and_then(|()| self.commit(&taken));
        let full = matches!(ended, Err(JournalError::Full));
        let refusal = || Err(if full { JournalError::Full } else { JournalError::Failed });
        for reply in refused {
            let _ = reply.send(refusal());
        }
        for Taken { seqs, reply, .. } in taken {
            let _ = reply.send(if ended.is_ok() { Ok(seqs) } else { refusal() });
        }
    }

    /// Puts a batch into the buffer, or answers at once when it is too large.
    fn take(&mut self, request: Request, taken: &mut Vec<Taken>) {
        let start = self.buffer.len();
        let first = taken.last().map_or(self.tail.seq, |last| last.seqs.end);
        let durable = self.shared.durable.load(Ordering::Acquire);
        let count = request.records.len();
        let mut seq = first;
        for (index, make) in request.records.into_iter().enumerate() {
            let content = make(seq);
            let batch = self.buffer.len() - start + RECORD_HEAD + content.len();
            if content.len() > MAX_RECORD || batch > MAX_BATCH {
                self.buffer.truncate(start);
                let _ = request.reply.send(Err(JournalError::TooLarge { bytes: batch }));
                return;
            }
            let place = Place { seq, durable, more: index + 1 < count };
            segment::encode(&mut self.buffer, self.segment.salt, place, &content);
            seq += 1;
        }
        taken.push(Taken { request_durable: request.durable, seqs: first..seq, reply: request.reply });
    }

    /// Writes the buffer and makes it durable if any batch in it asks for that.
    fn commit(&mut self, taken: &[Taken]) -> Result<(), JournalError> {
        let start = self.tail.offset;
        match self.options.disk.write_at(&self.file, &self.buffer, start) {
            Ok(()) => {}
            // What was there before this write is untouched: cut back to it and live on.
            Err(error) if disk::is_full(&error) => {
                return match self.options.disk.truncate(&self.file, start) {
                    Ok(()) => Err(JournalError::Full),
                    Err(error) => Err(self.fail(&error)),
                };
            }
            Err(error) => return Err(self.fail(&error)),
        }
        self.note_points(start);
        self.tail.offset += self.buffer.len() as u64;
        self.tail.seq = taken.last().map_or(self.tail.seq, |last| last.seqs.end);
        self.unsynced |= !self.buffer.is_empty();
        if taken.iter().any(|batch| batch.request_durable) {
            self.sync()?;
        }
        Ok(())
    }

    fn note_points(&self, start: u64) {
        let mut points = self.segment.points.lock().unwrap_or_else(PoisonError::into_inner);
        let points = points.get_or_insert_default();
        let (mut at, mut seq) = (0, self.tail.seq);
        while let Some(head) = self.buffer.get(at..).and_then(segment::Head::parse) {
            segment::note(points, seq, start + at as u64);
            at += RECORD_HEAD + head.len;
            seq += 1;
        }
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        if self.unsynced {
            self.options.disk.sync(&self.file).map_err(|error| self.fail(&error))?;
            self.unsynced = false;
        }
        self.shared.durable.store(self.tail.seq, Ordering::Release);
        Ok(())
    }

    /// Starts a new segment when this one is long enough; the old one is durable first, so a torn tail is only ever in
    /// the last segment.
    fn roll(&mut self) -> Result<(), JournalError> {
        if self.tail.offset < self.options.segment_bytes.max(segment::HEADER as u64 + 1) {
            return Ok(());
        }
        self.sync()?;
        let created = Segment::create(&self.shared.dir, self.tail.seq, &self.options.disk);
        let (segment, file) = created.map_err(|error| self.full_or_fail(&error))?;
        self.segment = Arc::new(segment);
        self.file = file;
        self.tail.offset = segment::HEADER as u64;
        let mut segments = self.shared.segments.write().unwrap_or_else(PoisonError::into_inner);
        segments.push(Arc::clone(&self.segment));
        Ok(())
    }

    fn full_or_fail(&self, error: &io::Error) -> JournalError {
        if disk::is_full(error) { JournalError::Full } else { self.fail(error) }
    }

    /// Nothing is written any more; the operator reads which file and why, once.
    fn fail(&self, error: &io::Error) -> JournalError {
        if !self.shared.failed.swap(true, Ordering::AcqRel) {
            tracing::error!("{}: {}", self.segment.path.display(), said(error));
        }
        JournalError::Failed
    }
}

impl Drop for Writer {
    /// Only a panic ends the thread while callers remain; they must see that nothing is written any more.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.failed.store(true, Ordering::Release);
        }
    }
}
