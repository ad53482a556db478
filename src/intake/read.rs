//! Reading one delivery: from bytes to row records, one at a time.

use std::io::{self, Read};

use thiserror::Error;
use zeroize::Zeroize;

use super::bytes::SourceFault;
use super::check::Checker;
use super::columns::{Columns, Fields, Header};
use super::refusal::{FileRefusal, RefusalCode};
use super::scan::Scanner;
use crate::crypto::{Digest, MacKey, RunningDigest};
use crate::domain::codes::Owner;
use crate::domain::fault::said;
use crate::domain::gemeente::GemeenteList;
use crate::domain::row::{Column, RowRecord};

/// What a node must know to read its own files.
pub struct IntakeSettings<'a> {
    /// The owners whose event types this organisation delivers.
    pub levert: &'a [Owner],
    /// Municipality codes with their validity.
    pub gemeenten: &'a GemeenteList,
    /// Key of the local pseudonyms.
    pub local: MacKey,
    /// Key of the fingerprints.
    pub fingerprints: MacKey,
    /// Each chain base in force: its id and its key.
    pub bases: Vec<([u8; 16], MacKey)>,
}

/// A file read to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileRead {
    /// Rows given to the sink.
    pub rows: u32,
    /// Size of the file in bytes.
    pub bytes: u64,
}

/// SHA-256 and size in bytes of a file, read as a stream; a delivery's head names it before its rows are read.
///
/// # Errors
/// When the reader fails.
pub fn file_digest(mut reader: impl Read) -> io::Result<(Digest, u64)> {
    let (mut running, mut bytes) = (RunningDigest::new(), 0);
    let mut piece = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => {
                running.update(&piece[..n]);
                bytes += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    piece.zeroize();
    Ok((running.finish(), bytes))
}

/// Why a file was not read to its end. Rows that the sink has had by then must be dropped.
#[derive(Debug, Error)]
pub enum ReadError<E> {
    /// The file is refused whole.
    #[error(transparent)]
    Refused(FileRefusal),
    /// The file cannot be read.
    #[error("het bestand kan niet worden gelezen: {}", said(.0))]
    Io(#[from] io::Error),
    /// The sink stopped.
    #[error(transparent)]
    Sink(E),
}

/// Bytes between two calls of the progress callback.
const PROGRESS_STEP: u64 = 1 << 20;

/// Reads a canonical event file as a stream and gives every row to `sink` in order; memory does not grow with the file.
/// `progress` is told the bytes read so far, about once a megabyte. Whether a file is refused may show only at its end:
/// stage what the sink gets, and drop it on an error.
///
/// # Errors
/// [`ReadError::Refused`] for a file that definitions 1.1 refuse, [`ReadError::Io`] when the reader fails,
/// [`ReadError::Sink`] with the error of the sink.
pub fn read_file<E>(
    reader: impl Read,
    settings: &IntakeSettings<'_>,
    progress: &mut dyn FnMut(u64),
    sink: &mut dyn FnMut(RowRecord) -> Result<(), E>,
) -> Result<FileRead, ReadError<E>> {
    let mut checker = Checker::new(settings);
    let mut check = |line: u32, fields: &Fields<'_, Column>| checker.check(line, fields);
    read_with(reader, &mut check, progress, sink)
}

/// As [`read_file`], for any kind of file: `check` makes of each row what the sink gets.
pub(super) fn read_with<C: Header, T, E>(
    reader: impl Read,
    check: &mut dyn FnMut(u32, &Fields<'_, C>) -> T,
    progress: &mut dyn FnMut(u64),
    sink: &mut dyn FnMut(T) -> Result<(), E>,
) -> Result<FileRead, ReadError<E>> {
    let mut scanner = match Scanner::open(reader) {
        Ok(scanner) => scanner,
        Err(SourceFault::Io(error)) => return Err(ReadError::Io(error)),
        Err(SourceFault::Refused(refusal)) => return Err(ReadError::Refused(refusal)),
    };
    let rows = match read_rows(&mut scanner, check, progress, sink) {
        Ok(rows) => rows,
        Err(Stop::Sink(error)) => return Err(ReadError::Sink(error)),
        Err(Stop::Source(SourceFault::Io(error))) => return Err(ReadError::Io(error)),
        // Not being UTF-8 goes before any other reason, wherever it shows.
        Err(Stop::Source(SourceFault::Refused(first))) => match scanner.source().drain() {
            Ok(()) => return Err(ReadError::Refused(first)),
            Err(SourceFault::Refused(later)) => return Err(ReadError::Refused(later)),
            Err(SourceFault::Io(error)) => return Err(ReadError::Io(error)),
        },
    };
    let bytes = scanner.source().bytes_read();
    progress(bytes);
    Ok(FileRead { rows, bytes })
}

enum Stop<E> {
    Source(SourceFault),
    Sink(E),
}

impl<E> From<SourceFault> for Stop<E> {
    fn from(fault: SourceFault) -> Self {
        Self::Source(fault)
    }
}

fn read_rows<R: Read, C: Header, T, E>(
    scanner: &mut Scanner<R>,
    check: &mut dyn FnMut(u32, &Fields<'_, C>) -> T,
    progress: &mut dyn FnMut(u64),
    sink: &mut dyn FnMut(T) -> Result<(), E>,
) -> Result<u32, Stop<E>> {
    scanner.next_row()?;
    let columns = Columns::<C>::from_header(scanner.row()).map_err(SourceFault::Refused)?;
    let mut rows = 0_u32;
    let mut blank = None;
    let mut told = 0;
    while scanner.next_row()? {
        let row = scanner.row();
        if row.fields() == 0 {
            blank = blank.or(Some(row.line));
            continue;
        }
        if let Some(line) = blank {
            return Err(wrong_fields(line, 0, columns.fields()).into());
        }
        if row.fields() != columns.fields() {
            return Err(wrong_fields(row.line, row.fields(), columns.fields()).into());
        }
        sink(check(row.line, &columns.of(row))).map_err(Stop::Sink)?;
        rows = rows.saturating_add(1);
        let read = scanner.source().bytes_read();
        if read >= told + PROGRESS_STEP {
            told = read;
            progress(read);
        }
    }
    Ok(rows)
}

fn wrong_fields(line: u32, found: usize, wanted: usize) -> SourceFault {
    let detail = match found {
        0 => "Dit is een lege regel tussen andere regels.".to_owned(),
        _ => format!("De regel heeft {found} velden, de kopregel {wanted}."),
    };
    SourceFault::Refused(FileRefusal { code: RefusalCode::AantalVelden, line, column: Some(1), detail })
}
