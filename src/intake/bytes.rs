//! The bytes of a file as a stream of valid UTF-8 in bounded pieces: drops a byte order mark, finds the separator in
//! the first line, and stops at the first byte that is no UTF-8.

use std::io::{self, Read};

use zeroize::Zeroize;

use super::refusal::{FileRefusal, RefusalCode};

const PIECE: usize = 64 * 1024;
/// How far the end of the first line is looked for; header names are far shorter.
const LONGEST_HEADER: usize = 1024 * 1024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why reading stops before the end.
#[derive(Debug)]
pub(super) enum SourceFault {
    Io(io::Error),
    Refused(FileRefusal),
}

/// A file that is read piece by piece.
pub(super) struct Source<R> {
    reader: R,
    /// `piece[start..at]` is read text, `piece[at..valid]` unread text; `piece[valid..filled]` begins with a cut
    /// character.
    piece: Vec<u8>,
    start: usize,
    at: usize,
    valid: usize,
    filled: usize,
    read: u64,
    ended: bool,
    /// Line feeds before this piece, and characters since the last line end before it.
    feeds: u32,
    chars: u32,
}

impl<R: Read> Source<R> {
    /// Reads the beginning of the file. Returns the source and the separator: `;` when the first line holds at least as
    /// many `;` as `,`.
    pub fn open(reader: R) -> Result<(Self, u8), SourceFault> {
        let mut source = Self {
            reader,
            piece: vec![0; PIECE],
            start: 0,
            at: 0,
            valid: 0,
            filled: 0,
            read: 0,
            ended: false,
            feeds: 0,
            chars: 0,
        };
        let mut end = None;
        while end.is_none() && !source.ended && source.filled < LONGEST_HEADER {
            if source.filled == source.piece.len() {
                source.enlarge();
            }
            let before = source.filled;
            source.read_more().map_err(SourceFault::Io)?;
            end = source.piece[before..source.filled].iter().position(|b| *b == b'\n').map(|n| before + n);
        }
        let bom = if source.piece[..source.filled].starts_with(BOM) { BOM.len() } else { 0 };
        (source.start, source.at) = (bom, bom);
        source.validate()?;
        let first = &source.piece[bom..end.unwrap_or(source.valid).max(bom)];
        let count = |wanted: u8| first.iter().filter(|b| **b == wanted).count();
        let separator = if count(b';') >= count(b',') { b';' } else { b',' };
        Ok((source, separator))
    }

    fn enlarge(&mut self) {
        let mut larger = vec![0; self.piece.len() * 2];
        larger[..self.filled].copy_from_slice(&self.piece[..self.filled]);
        self.piece.zeroize();
        self.piece = larger;
    }

    /// One read after the filled part.
    fn read_more(&mut self) -> io::Result<()> {
        let n = loop {
            match self.reader.read(&mut self.piece[self.filled..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.filled += n;
        self.read += n as u64;
        self.ended = n == 0;
        Ok(())
    }

    /// Finds how far the filled part is valid; a character cut off at its end waits for the next piece.
    fn validate(&mut self) -> Result<(), SourceFault> {
        let fresh = &self.piece[self.at..self.filled];
        let Err(error) = std::str::from_utf8(fresh) else {
            self.valid = self.filled;
            return Ok(());
        };
        self.valid = self.at + error.valid_up_to();
        if error.error_len().is_none() && !self.ended {
            return Ok(());
        }
        let feeds = self.piece[self.start..self.valid].iter().filter(|b| **b == b'\n').count();
        Err(SourceFault::Refused(FileRefusal {
            code: RefusalCode::NietUtf8,
            line: self.feeds.saturating_add(narrow(feeds)).saturating_add(1),
            column: Some(self.column(self.valid)),
            detail: String::new(),
        }))
    }

    /// The unread text of this piece.
    pub fn piece(&self) -> &[u8] {
        &self.piece[self.at..self.valid]
    }

    /// Marks the first `n` bytes of the piece as read.
    pub fn consume(&mut self, n: usize) {
        self.at = (self.at + n).min(self.valid);
    }

    /// Counts what this piece adds to the place in the file, when it is done with.
    fn count_piece(&mut self) {
        let read = &self.piece[self.start..self.valid];
        self.feeds = self.feeds.saturating_add(narrow(read.iter().filter(|b| **b == b'\n').count()));
        self.chars = self.column(self.valid) - 1;
    }

    /// Position in its line, in characters from 1, of the byte `n` of the unread piece.
    pub fn column_of(&self, n: usize) -> u32 {
        self.column((self.at + n).min(self.valid))
    }

    fn column(&self, at: usize) -> u32 {
        let before = &self.piece[self.start..at];
        match before.iter().rposition(|b| matches!(*b, b'\n' | b'\r')) {
            Some(last) => characters(&before[last + 1..]).saturating_add(1),
            None => self.chars.saturating_add(characters(before)).saturating_add(1),
        }
    }

    /// The next piece; `false` at the end of the file. Call it when the piece is consumed.
    pub fn fill(&mut self) -> Result<bool, SourceFault> {
        self.count_piece();
        let cut = self.valid..self.filled;
        self.filled = cut.len();
        self.piece.copy_within(cut, 0);
        (self.start, self.at, self.valid) = (0, 0, 0);
        while self.valid == 0 && !self.ended {
            self.read_more().map_err(SourceFault::Io)?;
            self.validate()?;
        }
        Ok(self.valid > 0)
    }

    /// Reads on to the end without looking at the text: whether the rest is UTF-8 decides which refusal is given.
    pub fn drain(&mut self) -> Result<(), SourceFault> {
        self.consume(self.piece().len());
        while self.fill()? {
            self.consume(self.piece().len());
        }
        Ok(())
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }
}

impl<R> Drop for Source<R> {
    fn drop(&mut self) {
        self.piece.zeroize();
    }
}

fn characters(text: &[u8]) -> u32 {
    narrow(text.iter().filter(|b| **b & 0xc0 != 0x80).count())
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
