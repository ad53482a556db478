//! The scanner of separated files, equal to Python's `csv.reader(strict=True)` over lines that keep their ends: quotes
//! inside an unquoted field stand for themselves, a quoted field ends at its quote, `\n`, `\r` and `\r\n` end a row.

use std::io::Read;

use zeroize::Zeroize;

use super::bytes::{Source, SourceFault};
use super::refusal::{FileRefusal, RefusalCode};

/// Most characters in a field, as in the reference reader.
const MAX_FIELD_CHARS: usize = 131_072;
/// Fields kept of a row; a longer row is refused by its number of fields.
const MAX_FIELDS: usize = 64;

/// One row, or an empty line (no fields). Its text is wiped when the scanner goes.
pub(super) struct Row {
    /// Line on which it begins.
    pub line: u32,
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl Row {
    /// Number of fields, those that are not kept included.
    pub fn fields(&self) -> usize {
        self.fields
    }

    /// The text of all fields without their quotes, and where each ends.
    pub fn parts(&self) -> (&str, &[usize]) {
        // The pieces are valid UTF-8 and are cut at ASCII characters only.
        (std::str::from_utf8(&self.text).unwrap_or_default(), &self.ends)
    }

    /// The kept fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (text, ends) = self.parts();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(move |(start, &end)| text.get(start..end).unwrap_or_default())
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.fields = 0;
    }

    fn field_start(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    fn end_field(&mut self) {
        self.fields += 1;
        if self.ends.len() < MAX_FIELDS {
            self.ends.push(self.text.len());
        } else {
            self.text.truncate(self.field_start());
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    StartRow,
    StartField,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// Rows of a source, one at a time.
pub(super) struct Scanner<R> {
    source: Source<R>,
    separator: u8,
    state: State,
    /// Line ends seen; the current line is one more.
    lines: u32,
    /// The last byte was a carriage return, so that a line feed now belongs to it.
    after_return: bool,
    /// Whether the current line has a byte.
    in_line: bool,
    row: Row,
    /// Of the current field: how many bytes are counted, and their characters.
    counted: (usize, usize),
}

impl<R: Read> Scanner<R> {
    pub fn open(reader: R) -> Result<Self, SourceFault> {
        let (source, separator) = Source::open(reader)?;
        let row = Row { line: 1, text: Vec::with_capacity(4096), ends: Vec::with_capacity(MAX_FIELDS), fields: 0 };
        Ok(Self {
            source,
            separator,
            state: State::StartRow,
            lines: 0,
            after_return: false,
            in_line: false,
            row,
            counted: (0, 0),
        })
    }

    pub fn source(&mut self) -> &mut Source<R> {
        &mut self.source
    }

    /// The row read last.
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// Reads the next row; `false` after the last one.
    pub fn next_row(&mut self) -> Result<bool, SourceFault> {
        self.row.clear();
        loop {
            if self.source.piece().is_empty() && !self.source.fill()? {
                return self.at_end();
            }
            let mut at = 0;
            while let Some(&byte) = self.source.piece().get(at) {
                let (next, row_is_done) = self.step(at, byte)?;
                at = next;
                if row_is_done {
                    self.source.consume(at);
                    return Ok(true);
                }
            }
            self.source.consume(at);
        }
    }

    /// Reads one byte, or a run of plain ones, at this place of the piece: where to go on, and whether the row is done.
    fn step(&mut self, at: usize, byte: u8) -> Result<(usize, bool), SourceFault> {
        match self.state {
            State::StartRow => Ok(self.start_row(at, byte)),
            State::Quoted => self.quoted(at, byte),
            State::StartField if byte == b'"' => {
                self.state = State::Quoted;
                Ok((at + 1, false))
            }
            _ if byte == self.separator => {
                self.end_field(State::StartField);
                Ok((at + 1, false))
            }
            _ if matches!(byte, b'\n' | b'\r') => {
                self.end_field(State::StartRow);
                self.end_line(byte);
                Ok((at + 1, true))
            }
            State::StartField | State::Plain => {
                let rest = &self.source.piece()[at..];
                let is_end = |b: &u8| *b == self.separator || matches!(*b, b'\n' | b'\r');
                let run = rest.iter().position(is_end).unwrap_or(rest.len());
                self.row.text.extend_from_slice(&rest[..run]);
                self.state = State::Plain;
                self.bounded(at, self.lines + 1)?;
                Ok((at + run, false))
            }
            State::QuoteInQuoted if byte == b'"' => {
                self.row.text.push(byte);
                self.state = State::Quoted;
                self.bounded(at, self.lines + 1)?;
                Ok((at + 1, false))
            }
            State::QuoteInQuoted => Err(fault(self.lines + 1, self.source.column_of(at), AFTER_QUOTE)),
        }
    }

    fn start_row(&mut self, at: usize, byte: u8) -> (usize, bool) {
        if byte == b'\n' && std::mem::take(&mut self.after_return) {
            return (at + 1, false);
        }
        self.row.line = self.lines.saturating_add(1);
        if matches!(byte, b'\n' | b'\r') {
            self.end_line(byte);
            return (at + 1, true);
        }
        self.after_return = false;
        self.in_line = true;
        self.state = State::StartField;
        (at, false)
    }

    fn quoted(&mut self, at: usize, byte: u8) -> Result<(usize, bool), SourceFault> {
        if matches!(byte, b'\n' | b'\r') {
            self.row.text.push(byte);
            self.bounded(at, self.lines + u32::from(!(self.after_return && byte == b'\n')))?;
            self.end_line(byte);
            return Ok((at + 1, false));
        }
        self.after_return = false;
        self.in_line = true;
        if byte == b'"' {
            self.state = State::QuoteInQuoted;
            return Ok((at + 1, false));
        }
        let rest = &self.source.piece()[at..];
        let run = rest.iter().position(|b| matches!(*b, b'"' | b'\n' | b'\r')).unwrap_or(rest.len());
        self.row.text.extend_from_slice(&rest[..run]);
        self.bounded(at, self.lines + 1)?;
        Ok((at + run, false))
    }

    fn end_field(&mut self, next: State) {
        self.row.end_field();
        self.counted = (0, 0);
        self.state = next;
    }

    /// Counts a line end; a line feed after a carriage return belongs to it.
    fn end_line(&mut self, byte: u8) {
        if !(byte == b'\n' && self.after_return) {
            self.lines = self.lines.saturating_add(1);
        }
        self.after_return = byte == b'\r';
        self.in_line = false;
    }

    /// Refuses a field that is too large. Characters are counted only when the bytes pass the bound.
    fn bounded(&mut self, at: usize, line: u32) -> Result<(), SourceFault> {
        let field = &self.row.text[self.row.field_start()..];
        if field.len() > MAX_FIELD_CHARS {
            self.counted.1 += field[self.counted.0..].iter().filter(|b| **b & 0xc0 != 0x80).count();
            self.counted.0 = field.len();
            if self.counted.1 > MAX_FIELD_CHARS {
                return Err(fault(line, self.source.column_of(at), TOO_LARGE));
            }
        }
        Ok(())
    }

    fn at_end(&mut self) -> Result<bool, SourceFault> {
        match self.state {
            State::StartRow => Ok(false),
            State::Quoted => {
                let line = self.lines + u32::from(self.in_line);
                Err(fault(line.max(1), self.source.column_of(0), &format!("{OPEN_QUOTE} {}.", self.row.line)))
            }
            State::StartField | State::Plain | State::QuoteInQuoted => {
                self.end_field(State::StartRow);
                Ok(true)
            }
        }
    }
}

impl<R> Drop for Scanner<R> {
    fn drop(&mut self) {
        self.row.text.zeroize();
    }
}

const TOO_LARGE: &str = "Een veld is langer dan 131.072 tekens; waarschijnlijk ontbreekt een aanhalingsteken.";
const AFTER_QUOTE: &str = "Na een sluitend aanhalingsteken volgt geen scheidingsteken of regeleinde.";
const OPEN_QUOTE: &str = "Aan het einde van het bestand staat nog een aanhalingsteken open, van de regel die begint op";

fn fault(line: u32, column: u32, detail: &str) -> SourceFault {
    SourceFault::Refused(FileRefusal {
        code: RefusalCode::CsvFout,
        line,
        column: Some(column),
        detail: detail.to_owned(),
    })
}
