//! The header of a file: which field holds which column (input contract 1).

use super::refusal::{FileRefusal, RefusalCode};
use super::scan::Row;
use crate::domain::row::Column;

const REQUIRED: [Column; 6] =
    [Column::EventId, Column::Status, Column::Gemeente, Column::Type, Column::Datum, Column::GeregistreerdOp];
const COLUMNS: usize = Column::ALL.len();

/// Position of each column in the rows of one file.
pub(super) struct Columns {
    position: [Option<usize>; COLUMNS],
    fields: usize,
}

impl Columns {
    /// Reads the header row.
    pub fn from_header(header: &Row) -> Result<Self, FileRefusal> {
        let refuse = |code, detail: String| Err(FileRefusal { code, line: 1, column: None, detail });
        if header.fields() == 0 {
            return refuse(RefusalCode::KopFout, "De eerste regel is leeg.".to_owned());
        }
        let unknown: Vec<String> = header.iter().filter(|name| Column::parse(name).is_none()).map(shown).collect();
        if !unknown.is_empty() {
            return refuse(RefusalCode::KolomOnbekend, format!("Onbekend: {}.", listed(&unknown)));
        }
        let mut position = [None; COLUMNS];
        let mut twice = Vec::new();
        for (n, column) in header.iter().enumerate().filter_map(|(n, name)| Some((n, Column::parse(name)?))) {
            if position[column as usize].replace(n).is_some() {
                twice.push(column.as_str().to_owned());
            }
        }
        if !twice.is_empty() || header.fields() > COLUMNS {
            return refuse(RefusalCode::KopFout, format!("Meer dan eens: {}.", listed(&twice)));
        }
        let absent = REQUIRED.iter().filter(|c| position[**c as usize].is_none());
        let missing: Vec<String> = absent.map(|c| c.as_str().to_owned()).collect();
        if !missing.is_empty() {
            return refuse(RefusalCode::KopFout, format!("Ontbreekt: {}.", listed(&missing)));
        }
        Ok(Self { position, fields: header.fields() })
    }

    /// Number of fields that every row must have.
    pub fn fields(&self) -> usize {
        self.fields
    }

    /// The fields of a row by column.
    pub fn of<'a>(&'a self, row: &'a Row) -> Fields<'a> {
        let (text, ends) = row.parts();
        Fields { columns: self, text, ends }
    }
}

/// One row by column; an absent optional column is empty.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    columns: &'a Columns,
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Fields<'a> {
    pub fn field(&self, column: Column) -> &'a str {
        let Some(n) = self.columns.position[column as usize] else { return "" };
        let start = if n == 0 { 0 } else { self.ends.get(n - 1).copied().unwrap_or(0) };
        self.ends.get(n).and_then(|&end| self.text.get(start..end)).unwrap_or_default()
    }

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
