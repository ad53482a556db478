//! The bytes of a row record in the journal: fixed order, little-endian, texts with their length in front, one record
//! per value and nothing after it. One value has one encoding; anything else does not decode.

use thiserror::Error;

use super::{Accepted, Column, OriginalFields, Repairs, RowKind, RowRecord, Rule};
use crate::crypto::Tag;
use crate::domain::codes::{EventType, Geslacht, Kader, Maatregel, Reden, Uitkomst};
use crate::domain::day::{Day, PartialDate, Precision};
use crate::domain::event::{Event, Gemeente};
use crate::domain::oin::Oin;

/// The bytes are no row record: cut off, too long, or a value that does not exist.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("bytes are no row record of this version")]
pub struct InvalidRow;

const ACCEPTED: u8 = 1;
const DELETION: u8 = 2;
const QUARANTINED: u8 = 3;
/// Stands for "none" where a code number would stand.
const NONE: u8 = 255;
/// First and last day of the calendar (years 1 to 9999).
const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;

impl RowRecord {
    /// The record as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.encode_into(&mut out);
        out
    }

    /// Appends the record's bytes, without clearing what is there.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(match self.kind {
            RowKind::Accepted(_) => ACCEPTED,
            RowKind::Deletion { .. } => DELETION,
            RowKind::Quarantined { .. } => QUARANTINED,
        });
        out.extend(self.line.to_le_bytes());
        out.extend(self.event_id_fp.to_le_bytes());
        put_day(out, self.registered);
        match &self.kind {
            RowKind::Accepted(accepted) => put_accepted(out, accepted),
            RowKind::Deletion { event_id } => put_text(out, event_id),
            RowKind::Quarantined { rule, column, fields } => {
                out.extend([*rule as u8, *column as u8]);
                out.push(u8::try_from(fields.iter().len()).unwrap_or(NONE));
                for (column, text) in fields.iter() {
                    out.push(column as u8);
                    put_text(out, text);
                }
            }
        }
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// [`InvalidRow`] for anything that [`RowRecord::encode`] does not make.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidRow> {
        let mut from = Source(bytes);
        let kind = from.byte()?;
        let line = u32::from_le_bytes(from.array()?);
        let event_id_fp = from.number()?;
        let registered = from.optional_day()?;
        let kind = match kind {
            ACCEPTED => RowKind::Accepted(Box::new(from.accepted()?)),
            DELETION => RowKind::Deletion { event_id: from.text()?.into() },
            QUARANTINED => from.quarantined()?,
            _ => return Err(InvalidRow),
        };
        if from.0.is_empty() { Ok(Self { line, event_id_fp, registered, kind }) } else { Err(InvalidRow) }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    // Longer texts never reach a record: an event_id has at most 64 characters, a kept field 1024.
    let len = u16::try_from(text.len()).unwrap_or(0);
    out.extend(len.to_le_bytes());
    out.extend(&text.as_bytes()[..usize::from(len)]);
}

fn put_day(out: &mut Vec<u8>, day: Option<Day>) {
    out.extend(day.map_or(i32::MIN, |d| d.0).to_le_bytes());
}

fn put_accepted(out: &mut Vec<u8>, accepted: &Accepted) {
    let event = &accepted.event;
    put_text(out, &event.event_id);
    let flags = u8::from(event.subject.is_some())
        | (u8::from(accepted.dup_fp.is_some()) << 1)
        | (u8::from(event.partij.is_some()) << 2)
        | (u8::from(event.zaak != 0) << 3)
        | (u8::from(event.gezin != 0) << 4);
    out.extend([flags, accepted.repairs.bits(), event.event_type as u8, event.datum.precision as u8]);
    out.extend(event.datum.lo.0.to_le_bytes());
    out.extend(event.registered.0.to_le_bytes());
    put_day(out, event.born);
    out.extend(event.gemeente.0.to_le_bytes());
    out.extend([
        event.maatregel.map_or(NONE, |c| c as u8),
        event.reden.map_or(NONE, |c| c as u8),
        event.kader.map_or(NONE, |c| c as u8),
        event.uitkomst.map_or(NONE, |c| c as u8),
        event.geslacht.map_or(NONE, |c| c as u8),
        event.melder.unwrap_or(NONE),
        event.scheiding.map_or(NONE, u8::from),
    ]);
    out.extend(accepted.content_fp.to_le_bytes());
    if let Some(subject) = &event.subject {
        out.extend(subject.expose());
    }
    if let Some(dup) = accepted.dup_fp {
        out.extend(dup.to_le_bytes());
    }
    if let Some(partij) = &event.partij {
        out.extend(partij.as_str().as_bytes());
    }
    for number in [event.zaak, event.gezin] {
        if number != 0 {
            out.extend(number.to_le_bytes());
        }
    }
    let count = u8::try_from(accepted.tokens.len()).unwrap_or(NONE);
    out.push(count);
    for (base, token) in accepted.tokens.iter().take(usize::from(count)) {
        out.extend(base);
        out.extend(token.expose());
    }
}

/// What is left to read.
struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], InvalidRow> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(InvalidRow)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidRow> {
        self.take(N)?.try_into().map_err(|_| InvalidRow)
    }

    fn byte(&mut self) -> Result<u8, InvalidRow> {
        Ok(self.array::<1>()?[0])
    }

    fn number(&mut self) -> Result<u128, InvalidRow> {
        Ok(u128::from_le_bytes(self.array()?))
    }

    /// A number that stands only where it is not 0.
    fn number_if(&mut self, present: bool) -> Result<u128, InvalidRow> {
        match present.then(|| self.number()).transpose()? {
            Some(0) => Err(InvalidRow),
            number => Ok(number.unwrap_or(0)),
        }
    }

    fn text(&mut self) -> Result<&'a str, InvalidRow> {
        let len = u16::from_le_bytes(self.array()?);
        std::str::from_utf8(self.take(usize::from(len))?).map_err(|_| InvalidRow)
    }

    fn day(&mut self) -> Result<Day, InvalidRow> {
        self.optional_day()?.ok_or(InvalidRow)
    }

    fn optional_day(&mut self) -> Result<Option<Day>, InvalidRow> {
        match i32::from_le_bytes(self.array()?) {
            i32::MIN => Ok(None),
            day if DAYS.contains(&day) => Ok(Some(Day(day))),
            _ => Err(InvalidRow),
        }
    }

    /// A code number, or none; `read` gives the code of a number.
    fn code<T>(&mut self, read: impl Fn(u8) -> Option<T>) -> Result<Option<T>, InvalidRow> {
        match self.byte()? {
            NONE => Ok(None),
            number => read(number).map(Some).ok_or(InvalidRow),
        }
    }

    fn datum(&mut self, precision: u8) -> Result<PartialDate, InvalidRow> {
        let precision = match precision {
            0 => Precision::D,
            1 => Precision::M,
            2 => Precision::Y,
            3 => Precision::U,
            _ => return Err(InvalidRow),
        };
        let lo = self.day()?;
        let (_, month, day) = lo.ymd();
        let canonical = match precision {
            Precision::D => true,
            Precision::M => day == 1,
            Precision::Y => (month, day) == (1, 1),
            Precision::U => lo.0 == 0,
        };
        if canonical { Ok(PartialDate::from_parts(precision, lo)) } else { Err(InvalidRow) }
    }

    fn accepted(&mut self) -> Result<Accepted, InvalidRow> {
        let event_id = self.text()?.into();
        let [flags, repairs, event_type, precision] = self.array()?;
        if flags >= 32 || repairs >= 4 {
            return Err(InvalidRow);
        }
        let flag = |bit: u8| flags & (1 << bit) != 0;
        let event_type = EventType::from_index(event_type).ok_or(InvalidRow)?;
        let datum = self.datum(precision)?;
        let registered = self.day()?;
        let born = self.optional_day()?;
        let gemeente = Gemeente(u16::from_le_bytes(self.array()?));
        let maatregel = self.code(Maatregel::from_index)?;
        let reden = self.code(Reden::from_index)?;
        let kader = self.code(Kader::from_index)?;
        let uitkomst = self.code(Uitkomst::from_index)?;
        let geslacht = self.code(Geslacht::from_index)?;
        let melder = self.code(Some)?;
        let scheiding = self.code(|b| [false, true].get(usize::from(b)).copied())?;
        let content_fp = self.number()?;
        let subject = flag(0).then(|| self.array()).transpose()?.map(Tag::from_bytes);
        let dup_fp = flag(1).then(|| self.number()).transpose()?;
        let partij = flag(2).then(|| self.oin()).transpose()?;
        let zaak = self.number_if(flag(3))?;
        let gezin = self.number_if(flag(4))?;
        let count = self.byte()?;
        let tokens = (0..count)
            .map(|_| Ok((self.array()?, Tag::from_bytes(self.array()?))))
            .collect::<Result<Vec<_>, InvalidRow>>()?;
        let event = Event {
            event_id,
            subject,
            event_type,
            datum,
            registered,
            gemeente,
            maatregel,
            reden,
            kader,
            uitkomst,
            melder,
            partij,
            zaak,
            gezin,
            geslacht,
            scheiding,
            born,
        };
        Ok(Accepted { event, content_fp, dup_fp, repairs: Repairs::from_bits(repairs), tokens })
    }

    fn oin(&mut self) -> Result<Oin, InvalidRow> {
        let text = std::str::from_utf8(self.take(20)?).map_err(|_| InvalidRow)?;
        Oin::parse(text).map_err(|_| InvalidRow)
    }

    fn quarantined(&mut self) -> Result<RowKind, InvalidRow> {
        let rule = Rule::from_index(self.byte()?).ok_or(InvalidRow)?;
        let column = Column::from_index(self.byte()?).ok_or(InvalidRow)?;
        let count = self.byte()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            let column = Column::from_index(self.byte()?).ok_or(InvalidRow)?;
            let text = self.text()?;
            let in_order = fields.last().is_none_or(|(last, _)| *last < column);
            if !in_order || column == Column::Bsn || text.is_empty() || text.chars().count() > super::MAX_KEPT_CHARS {
                return Err(InvalidRow);
            }
            fields.push((column, text));
        }
        Ok(RowKind::Quarantined { rule, column, fields: OriginalFields::new(fields) })
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
