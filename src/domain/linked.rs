//! Blinded linkage, what is asked and what is told: a question, the rows of one child at one node, and the group of rows that the
//! gate sees of one child. Plain data without keys: who may see which part is the protocol's business.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::period::Period;
use super::query::{Dimension, IndicatorId};

/// One question of a run: the children of one series (or of series with the same anchors) in one period. Rows of two questions,
/// or of two periods, share nothing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Which indicator.
    pub indicator: IndicatorId,
    /// The series, or the name of the series that are counted together (`MAATREGEL` of IND-13).
    pub series: String,
    /// Over which period; the stock looks at its last day.
    pub period: Period,
    /// The dimensions that anchors tell, each once and in order; the others stay at the node.
    pub by: Vec<Dimension>,
}

impl fmt::Display for Question {
    /// A name that no other question has: `IND-05/VT->RVDK/2024-Q1/gemeente,leeftijd`. Keys of tags and shifts are bound to it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by: Vec<&str> = self.by.iter().map(|d| d.as_str()).collect();
        write!(f, "{}/{}/{}/{}", self.indicator, self.series, self.period, by.join(","))
    }
}

/// What a row is for the program of its question.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Role {
    /// Padding: stands for nothing.
    Void = 0,
    /// The event that can make a child (or a measure of a child) a unit, and that gives it its cell.
    Anchor = 1,
    /// An event that the program looks for around an anchor.
    Event = 2,
    /// The child is no unit of this question, whatever its anchors.
    Bar = 3,
}

impl Role {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Void, Self::Anchor, Self::Event, Self::Bar].into_iter().find(|role| *role as u8 == byte)
    }
}

/// Stands for "no measure" in [`LinkedRow::measure`].
pub const NO_MEASURE: u8 = u8::MAX;

/// One row that a node tells the gate about one child: what a payload holds, always [`LinkedRow::BYTES`] bytes long.
///
/// Days mean nothing by themselves: the protocol moves both by one secret number for each child, question and period
/// ([`LinkedRow::shifted`]), so that a program may only use differences. What a row does not need holds no constant that would give
/// the shift away: `last` repeats `day`, and where a question needs no day at all both hold a keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LinkedRow {
    /// What the row is for the program.
    pub role: Role,
    /// Number of the measure in [`super::codes::Maatregel::ALL`], or [`NO_MEASURE`].
    pub measure: u8,
    /// Marks of an anchor, as the question's program defines them.
    pub flags: u16,
    /// Number of the node in the run document.
    pub organisation: u16,
    /// Place among the rows of the same child at the same node, by (day, `event_id`).
    pub rank: u16,
    /// First possible day, in days since 1 January 1970 modulo 2^32.
    pub day: u32,
    /// Last possible day; the same as `day` for an exact date.
    pub last: u32,
    /// Number of the anchor's cell among all combinations of the question's dimensions; 0 in other rows.
    pub cell: u32,
    /// Window limits of an anchor, in days from its day; 0 where the question has none.
    pub limits: [u16; 3],
    /// Token of the anchor's family, the same for one family in one question of one run at one node; noise in other rows.
    pub family: u64,
}

impl LinkedRow {
    /// Length of a row as bytes.
    pub const BYTES: usize = 34;

    /// A row of padding.
    #[must_use]
    pub fn void(organisation: u16) -> Self {
        Self {
            role: Role::Void,
            measure: NO_MEASURE,
            flags: 0,
            organisation,
            rank: 0,
            day: 0,
            last: 0,
            cell: 0,
            limits: [0; 3],
            family: 0,
        }
    }

    /// The row with its days moved by a number modulo 2^32.
    #[must_use]
    pub fn shifted(self, by: u32) -> Self {
        Self { day: self.day.wrapping_add(by), last: self.last.wrapping_add(by), ..self }
    }

    /// The row as bytes, every number big-endian, in the order of the fields.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let [low, middle, high] = self.limits;
        bytes[0] = self.role as u8;
        bytes[1] = self.measure;
        for (place, number) in
            [(2, self.flags), (4, self.organisation), (6, self.rank), (20, low), (22, middle), (24, high)]
        {
            bytes[place..place + 2].copy_from_slice(&number.to_be_bytes());
        }
        for (place, number) in [(8, self.day), (12, self.last), (16, self.cell)] {
            bytes[place..place + 4].copy_from_slice(&number.to_be_bytes());
        }
        bytes[26..].copy_from_slice(&self.family.to_be_bytes());
        bytes
    }

    /// Reads a row; none when its role is unknown. Every other content is a row: the programs expect anything.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let short = |place: usize| u16::from_be_bytes([bytes[place], bytes[place + 1]]);
        let long = |place: usize| (u32::from(short(place)) << 16) | u32::from(short(place + 2));
        Some(Self {
            role: Role::from_byte(bytes[0])?,
            measure: bytes[1],
            flags: short(2),
            organisation: short(4),
            rank: short(6),
            day: long(8),
            last: long(12),
            cell: long(16),
            limits: [short(20), short(22), short(24)],
            family: (u64::from(long(26)) << 32) | u64::from(long(30)),
        })
    }
}

/// The rows that one node tells about one child.
#[derive(Clone, PartialEq, Eq)]
pub struct ChildRows {
    /// Place in stored order of an event of this child: finds its token, never leaves the node.
    pub event: u32,
    /// Its rows, in no order that means anything.
    pub rows: Vec<LinkedRow>,
}

/// What a node leaves out of a question, as counts without a tag.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LeftOut {
    /// Anchor events in the period without a subject.
    pub without_subject: u32,
    /// Anchor events in the period of a child, with a date that is not exact.
    pub imprecise: u32,
}

/// Everything that one node tells of one question.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Cohort {
    /// Children with at least one row, in no order that means anything.
    pub children: Vec<ChildRows>,
    /// What is left out.
    pub left_out: LeftOut,
}

/// All rows of one child, of all nodes, without a tag: what the monitor groups and the gate counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Group(pub Vec<LinkedRow>);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row() -> impl Strategy<Value = LinkedRow> {
        let head = (0..4_u8, any::<u8>(), any::<u16>(), any::<u16>(), any::<u16>());
        let rest = (any::<u32>(), any::<u32>(), any::<u32>(), any::<[u16; 3]>(), any::<u64>());
        (head, rest).prop_map(|((role, measure, flags, organisation, rank), (day, last, cell, limits, family))| {
            LinkedRow {
                role: Role::from_byte(role).expect("one of four"),
                measure,
                flags,
                organisation,
                rank,
                day,
                last,
                cell,
                limits,
                family,
            }
        })
    }

    proptest! {
        #[test]
        fn every_row_reads_back_and_every_byte_counts(row in row(), place in 1..LinkedRow::BYTES, flip in 1..=u8::MAX) {
            let bytes = row.to_bytes();
            prop_assert_eq!(LinkedRow::from_bytes(&bytes), Some(row));
            let mut other = bytes;
            other[place] ^= flip;
            prop_assert_ne!(LinkedRow::from_bytes(&other), Some(row));
        }

        #[test]
        fn a_shift_keeps_differences_and_nothing_else_moves(a in row(), b in row(), by in any::<u32>()) {
            let (x, y) = (a.shifted(by), b.shifted(by));
            prop_assert_eq!(x.day.wrapping_sub(y.last), a.day.wrapping_sub(b.last));
            prop_assert_eq!(LinkedRow { day: a.day, last: a.last, ..x }, a);
            prop_assert_eq!(x.shifted(by.wrapping_neg()), a);
        }
    }

    #[test]
    fn an_unknown_role_is_no_row_and_a_void_row_is_padding() {
        let mut bytes = LinkedRow::void(3).to_bytes();
        assert_eq!(LinkedRow::from_bytes(&bytes), Some(LinkedRow::void(3)));
        bytes[0] = 4;
        assert_eq!(LinkedRow::from_bytes(&bytes), None);
    }

    #[test]
    fn the_name_of_a_question_says_all_of_it() {
        let question = Question {
            indicator: IndicatorId::Ind13,
            series: "MAATREGEL".to_owned(),
            period: Period::year_of(2024),
            by: vec![Dimension::Gemeente, Dimension::Leeftijd],
        };
        assert_eq!(question.to_string(), "IND-13/MAATREGEL/2024/gemeente,leeftijd");
    }
}
