//! An append-only journal of byte records in segment files: the truth of a node.
//!
//! A segment `<first sequence, 16 hex digits>.seg` is a header (`segment.rs`) and records. One writer thread takes all
//! that waits, writes it at once, calls `fdatasync` once and only then acknowledges (`writer.rs`). Opening keeps every
//! whole record and cuts a torn tail (`replay.rs`); reading never sees a record that is not durable.

mod read;
mod replay;
mod segment;
mod writer;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;

use thiserror::Error;

use super::disk::Disk;
use super::lock::{DirLock, LockError};
use crate::domain::fault::said;

pub use read::Records;
pub use replay::{Cut, Replay};
pub use segment::MAX_RECORD;
pub use writer::Make;

use segment::Shared;
use writer::{Request, Writer};

/// What can go wrong with a journal.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Asked to make a journal where one is.
    #[error("in {} staat al een journaal; het wordt niet overschreven", dir.display())]
    Exists {
        /// The directory of the journal.
        dir: PathBuf,
    },
    /// Asked to open a journal where none is; it is never made by accident.
    #[error("in {} staat geen journaal; maak de node met `init` of zet een back-up terug", dir.display())]
    Missing {
        /// The directory of the journal.
        dir: PathBuf,
    },
    /// A record that was durable is damaged.
    #[error(
        "journaalbestand {} is beschadigd op byte {offset} (record {seq}) en dat is geen afgebroken schrijfactie; \
         zet het bestand terug uit een back-up en controleer de schijf",
        file.display()
    )]
    Damaged {
        /// The segment file.
        file: PathBuf,
        /// Where the damaged record begins, in bytes.
        offset: u64,
        /// Its sequence number.
        seq: u64,
    },
    /// A segment file is missing or shorter than it was.
    #[error(
        "journaal {}: de records {expected} tot {found} ontbreken; zet de ontbrekende bestanden terug uit een back-up",
        dir.display()
    )]
    Gap {
        /// The directory of the journal.
        dir: PathBuf,
        /// The sequence number that should follow.
        expected: u64,
        /// The sequence number that was found instead.
        found: u64,
    },
    /// The journal ends before records that are known to have been durable.
    #[error(
        "journaal {} eindigt bij record {len}, maar de records tot {checkpoint} stonden vast; zet een back-up terug",
        dir.display()
    )]
    BelowCheckpoint {
        /// The directory of the journal.
        dir: PathBuf,
        /// The number of records that are there.
        len: u64,
        /// The number of records that were durable.
        checkpoint: u64,
    },
    /// A file named like a segment is none, or one of another version.
    #[error("{} is geen journaalbestand van deze versie", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The disk is full; nothing was appended, and appending works again when space returns.
    #[error("de schijf is vol; er is niets toegevoegd")]
    Full,
    /// An earlier write or sync failed, so what is on disk is unknown until the journal is opened anew.
    #[error("het journaal is gestopt na een schrijffout; start de node opnieuw")]
    Failed,
    /// A record or batch is larger than a journal holds; nothing was appended.
    #[error("een record of groep van {bytes} bytes is te groot voor het journaal")]
    TooLarge {
        /// The size that was asked for, in bytes.
        bytes: usize,
    },
    /// Another process has the journal open.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The operating system refused.
    #[error("{}: {}", path.display(), said(source))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl JournalError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// How a journal is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// A segment takes no further group once it has this many bytes.
    pub segment_bytes: u64,
    /// The number of records that are known to be durable, as from a signed checkpoint. Opening refuses a journal that
    /// ends earlier, and then cuts nothing.
    pub checkpoint: u64,
    /// Leaves segments wholly below the checkpoint unread at open; they are checked when they are read.
    pub skip_checked: bool,
    /// Leaves all segments but the last unread at open: each was durable as a whole before the next was made. They are checked
    /// when they are read.
    pub last_only: bool,
    /// The disk, which a test may tell to fail.
    pub disk: Disk,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, checkpoint: 0, skip_checked: false, last_only: false, disk: Disk::plain() }
    }
}

/// An open journal; share it between threads by reference or `Arc`.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    requests: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    _lock: DirLock,
}

impl Journal {
    /// Makes an empty journal in `dir` (made if absent) and opens it. A separate act: [`Journal::open`] never does it.
    ///
    /// # Errors
    /// [`JournalError::Exists`] when `dir` has a segment; [`JournalError::Locked`]; [`JournalError::Io`].
    pub fn create(dir: &Path) -> Result<Self, JournalError> {
        Self::create_with(dir, Options::default())
    }

    /// As [`Journal::create`], with options.
    ///
    /// # Errors
    /// As [`Journal::create`].
    pub fn create_with(dir: &Path, options: Options) -> Result<Self, JournalError> {
        replay::create(dir, &options.disk)?;
        Self::open_with(dir, options).map(|(journal, _)| journal)
    }

    /// Opens the journal in `dir` and reads it from the first record.
    ///
    /// # Errors
    /// [`JournalError::Missing`], [`JournalError::Damaged`], [`JournalError::Gap`], [`JournalError::Foreign`],
    /// [`JournalError::Locked`], [`JournalError::Io`]; nothing on disk was changed then.
    pub fn open(dir: &Path) -> Result<(Self, Replay), JournalError> {
        Self::open_with(dir, Options::default())
    }

    /// As [`Journal::open`], with options.
    ///
    /// # Errors
    /// As [`Journal::open`], and [`JournalError::BelowCheckpoint`].
    pub fn open_with(dir: &Path, options: Options) -> Result<(Self, Replay), JournalError> {
        Self::open_visiting(dir, options, &mut |_, _| {})
    }

    /// As [`Journal::open_with`], showing `visit` each record that opening reads, with its sequence number, in order.
    /// It may be shown records of a batch that turns out torn: disregard those at or above [`Replay::len`].
    ///
    /// # Errors
    /// As [`Journal::open_with`].
    pub fn open_visiting(
        dir: &Path,
        options: Options,
        visit: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<(Self, Replay), JournalError> {
        let (lock, opened) = replay::open(dir, &options, visit)?;
        let shared = Arc::new(Shared::new(dir.to_owned(), opened.segments, opened.replay.len));
        let writer = Writer::new(Arc::clone(&shared), opened.tail, options)?;
        let (requests, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("journaal".to_owned())
            .spawn(move || writer.run(&inbox))
            .map_err(JournalError::io(dir))?;
        Ok((Self { shared, requests: Some(requests), writer: Some(thread), _lock: lock }, opened.replay))
    }

    /// Appends one record and waits until it is durable; its sequence number.
    ///
    /// # Errors
    /// [`JournalError::Full`], [`JournalError::TooLarge`]: nothing was appended. [`JournalError::Failed`]: whether it
    /// was is known when the journal is opened anew, and the process must stop.
    pub fn append(&self, record: Vec<u8>) -> Result<u64, JournalError> {
        Ok(self.append_all(vec![record])?.start)
    }

    /// Appends records as one batch and waits until it is durable; their sequence numbers. After a crash all of the
    /// batch is there or none.
    ///
    /// # Errors
    /// As [`Journal::append`], for the whole batch.
    pub fn append_all(&self, records: Vec<Vec<u8>>) -> Result<Range<u64>, JournalError> {
        let make = records.into_iter().map(|record| -> Make { Box::new(move |_| record) }).collect();
        self.submit(make, true).wait()
    }

    /// Appends one record and returns when it is written, before it is durable: a crash may lose it until a later
    /// append returns. It is not readable until then.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_unsynced(&self, record: Vec<u8>) -> Result<u64, JournalError> {
        Ok(self.submit(vec![Box::new(move |_| record)], false).wait()?.start)
    }

    /// Hands over a batch whose bytes depend on its sequence numbers, and returns at once; [`Pending::wait`] waits.
    /// Each function runs once on the writer thread, in order, and must be quick. With `durable` false the wait ends
    /// when the batch is written.
    #[must_use]
    pub fn submit(&self, records: Vec<Make>, durable: bool) -> Pending {
        let (reply, answer) = sync_channel(1);
        if let Some(requests) = &self.requests {
            // A closed channel drops the reply, and the wait then says that the journal has failed.
            let _ = requests.send(Request { records, durable, reply });
        }
        Pending(answer)
    }

    /// One record, or `None` at or above [`Journal::len`].
    ///
    /// # Errors
    /// [`JournalError::Damaged`], [`JournalError::Io`].
    pub fn read(&self, seq: u64) -> Result<Option<Vec<u8>>, JournalError> {
        let mut records = Records::new(Arc::clone(&self.shared), seq..self.len().min(seq.saturating_add(1)));
        records.next().transpose().map(|found| found.map(|(_, bytes)| bytes))
    }

    /// The records from `seq` on that are durable now, in order, read as a stream.
    #[must_use]
    pub fn iter_from(&self, seq: u64) -> Records {
        Records::new(Arc::clone(&self.shared), seq..self.len())
    }

    /// The number of durable records; the next sequence number is at least this.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// Whether no record is durable yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a write or sync has failed: every append is refused from then on, and the process must stop.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.shared.failed.load(Ordering::Acquire)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// A batch on its way to the disk.
#[derive(Debug)]
pub struct Pending(Receiver<Result<Range<u64>, JournalError>>);

impl Pending {
    /// Waits for the end; the sequence numbers of the batch.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn wait(self) -> Result<Range<u64>, JournalError> {
        self.0.recv().unwrap_or(Err(JournalError::Failed))
    }
}

#[cfg(test)]
mod tests;
