//! The header of a file: which field holds which column (input contract 1).

use std::marker::PhantomData;

use super::refusal::{FileRefusal, RefusalCode};
use super::scan::Row;
use crate::domain::case::row::CaseColumn;
use crate::domain::row::Column;

/// The columns of one kind of file.
pub(super) trait Header: Copy + 'static {
    /// Every column, each at its own place.
    const ALL: &'static [Self];
    /// The columns that the header must have.
    const REQUIRED: &'static [Self];

    fn parse(name: &str) -> Option<Self>;
    fn as_str(self) -> &'static str;
    fn place(self) -> usize;
}

macro_rules! header {
    ($column:ident, [$($required:ident),+]) => {
        impl Header for $column {
            const ALL: &'static [Self] = $column::ALL;
            const REQUIRED: &'static [Self] = &[$($column::$required),+];

            fn parse(name: &str) -> Option<Self> {
                $column::parse(name)
            }

            fn as_str(self) -> &'static str {
                $column::as_str(self)
            }

            fn place(self) -> usize {
                self as usize
            }
        }
    };
}

header!(Column, [EventId, Status, Gemeente, Type, Datum, GeregistreerdOp]);
header!(CaseColumn, [RecordId, Status, Bsn, Veld, Waarde, GeregistreerdOp]);

/// Position of each column in the rows of one file.
pub(super) struct Columns<C> {
    position: Vec<Option<usize>>,
    fields: usize,
    of: PhantomData<C>,
}

impl<C: Header> Columns<C> {
    /// Reads the header row.
    pub fn from_header(header: &Row) -> Result<Self, FileRefusal> {
        let refuse = |code, detail: String| Err(FileRefusal { code, line: 1, column: None, detail });
        if header.fields() == 0 {
            return refuse(RefusalCode::KopFout, "De eerste regel is leeg.".to_owned());
        }
        let unknown: Vec<String> = header.iter().filter(|name| C::parse(name).is_none()).map(shown).collect();
        if !unknown.is_empty() {
            return refuse(RefusalCode::KolomOnbekend, format!("Onbekend: {}.", listed(&unknown)));
        }
        let mut position = vec![None; C::ALL.len()];
        let mut twice = Vec::new();
        for (n, column) in header.iter().enumerate().filter_map(|(n, name)| Some((n, C::parse(name)?))) {
            if position[column.place()].replace(n).is_some() {
                twice.push(column.as_str().to_owned());
            }
        }
        if !twice.is_empty() || header.fields() > C::ALL.len() {
            return refuse(RefusalCode::KopFout, format!("Meer dan eens: {}.", listed(&twice)));
        }
        let absent = C::REQUIRED.iter().filter(|c| position[c.place()].is_none());
        let missing: Vec<String> = absent.map(|c| c.as_str().to_owned()).collect();
        if !missing.is_empty() {
            return refuse(RefusalCode::KopFout, format!("Ontbreekt: {}.", listed(&missing)));
        }
        Ok(Self { position, fields: header.fields(), of: PhantomData })
    }

    /// Number of fields that every row must have.
    pub fn fields(&self) -> usize {
        self.fields
    }

    /// The fields of a row by column.
    pub fn of<'a>(&'a self, row: &'a Row) -> Fields<'a, C> {
        let (text, ends) = row.parts();
        Fields { columns: self, text, ends }
    }
}

/// One row by column; an absent optional column is empty.
pub(super) struct Fields<'a, C> {
    columns: &'a Columns<C>,
    text: &'a str,
    ends: &'a [usize],
}

impl<'a, C: Header> Fields<'a, C> {
    pub fn field(&self, column: C) -> &'a str {
        let Some(n) = self.columns.position[column.place()] else { return "" };
        let start = if n == 0 { 0 } else { self.ends.get(n - 1).copied().unwrap_or(0) };
        self.ends.get(n).and_then(|&end| self.text.get(start..end)).unwrap_or_default()
    }
}

impl<'a> Fields<'a, Column> {
    /// Every column with its field, the BSN left out.
    pub fn without_bsn(&self) -> impl Iterator<Item = (Column, &'a str)> + '_ {
        Column::ALL.iter().filter(|column| **column != Column::Bsn).map(|column| (*column, self.field(*column)))
    }
}

/// A column name as a report may print it. A file without a header has a row of data in its place, so anything that does
/// not look like a name is masked.
fn shown(name: &str) -> String {
    let is_letter = |c: char| c.is_alphabetic() || matches!(c, '_' | '-' | ' ' | '.');
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let like_a_name = !name.is_empty() && name.chars().all(|c| is_letter(c) || c.is_ascii_digit()) && digits <= 2;
    if like_a_name && name.chars().count() <= 40 { name.to_owned() } else { "***".to_owned() }
}

fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    let more = if names.len() > MOST { ", ..." } else { "" };
    format!("{}{more}", names[..names.len().min(MOST)].join(", "))
}
