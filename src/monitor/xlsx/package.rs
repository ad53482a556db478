//! A workbook as bytes: a few XML parts in a ZIP (ECMA-376, parts 1 and 2). Texts are inline texts and numbers are numbers: nothing is
//! written that a spreadsheet would calculate, follow or run. The same sheets give the same bytes.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// A cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Cell {
    /// Nothing.
    Empty,
    /// A text, whatever it begins with.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A number of tenths.
    Tenths(i64),
}

impl Cell {
    /// A text; an empty one is an empty cell.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// A number, if there is one.
    pub(super) fn number(value: Option<i64>) -> Self {
        value.map_or(Self::Empty, Self::Number)
    }
}

/// A sheet; its first row is the head.
pub(super) struct Sheet {
    /// Name, from the code: at most 31 letters, digits and spaces.
    pub(super) name: &'static str,
    /// Widths of the columns in characters; the others keep their default.
    pub(super) widths: Vec<u32>,
    /// Whether the head stays in sight and its columns can be filtered.
    pub(super) table: bool,
    /// The rows.
    pub(super) rows: Vec<Vec<Cell>>,
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const TYPES: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
const PARTS: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const PACKAGE: &str = "application/vnd.openxmlformats-package";

/// The workbook.
///
/// # Errors
/// When it is larger than a ZIP of this kind can be.
pub(super) fn workbook(sheets: &[Sheet]) -> io::Result<Vec<u8>> {
    let mut parts = vec![
        ("[Content_Types].xml".to_owned(), content_types(sheets)),
        ("_rels/.rels".to_owned(), relations([(format!("{OFFICE}/officeDocument"), "xl/workbook.xml".to_owned())])),
        ("xl/workbook.xml".to_owned(), book(sheets)),
        ("xl/_rels/workbook.xml.rels".to_owned(), book_relations(sheets)),
        ("xl/styles.xml".to_owned(), styles()),
    ];
    parts.extend((1..).zip(sheets).map(|(number, sheet)| (sheet_path(number), sheet_part(sheet))));
    zip(&parts)
}

fn sheet_path(number: usize) -> String {
    format!("xl/worksheets/sheet{number}.xml")
}

fn content_types(sheets: &[Sheet]) -> String {
    let part = |path: &str, kind: &str| format!("<Override PartName=\"/{path}\" ContentType=\"{PARTS}.{kind}+xml\"/>");
    let sheets = (1..).zip(sheets).map(|(number, _)| part(&sheet_path(number), "worksheet")).collect::<String>();
    format!(
        "{DECLARATION}<Types xmlns=\"{TYPES}\"><Default Extension=\"rels\" ContentType=\"{PACKAGE}.relationships+xml\"/>{}{}{sheets}</Types>",
        part("xl/workbook.xml", "sheet.main"),
        part("xl/styles.xml", "styles"),
    )
}

fn relations(all: impl IntoIterator<Item = (String, String)>) -> String {
    let one = |(number, (kind, target)): (usize, (String, String))| {
        format!("<Relationship Id=\"rId{number}\" Type=\"{kind}\" Target=\"{target}\"/>")
    };
    let all: String = (1..).zip(all).map(one).collect();
    format!("{DECLARATION}<Relationships xmlns=\"{RELATIONS}\">{all}</Relationships>")
}

fn book(sheets: &[Sheet]) -> String {
    let one = |(number, sheet): (usize, &Sheet)| {
        format!("<sheet name=\"{}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>", escape(sheet.name))
    };
    let all: String = (1..).zip(sheets).map(one).collect();
    format!("{DECLARATION}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{all}</sheets></workbook>")
}

fn book_relations(sheets: &[Sheet]) -> String {
    let of = |number: usize| (format!("{OFFICE}/worksheet"), format!("worksheets/sheet{number}.xml"));
    let styles = (format!("{OFFICE}/styles"), "styles.xml".to_owned());
    relations((1..).zip(sheets).map(|(number, _)| of(number)).chain([styles]))
}

/// Style 0 is plain, style 1 the head.
fn styles() -> String {
    let letters = "<sz val=\"11\"/><name val=\"Calibri\"/>";
    let of = |font: u8| format!("<xf numFmtId=\"0\" fontId=\"{font}\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>");
    let fill = |kind: &str| format!("<fill><patternFill patternType=\"{kind}\"/></fill>");
    format!(
        "{DECLARATION}<styleSheet xmlns=\"{MAIN}\"><fonts count=\"2\"><font>{letters}</font><font><b/>{letters}</font></fonts>\
         <fills count=\"2\">{}{}</fills><borders count=\"1\"><border/></borders>\
         <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
         <cellXfs count=\"2\">{}{}</cellXfs></styleSheet>",
        fill("none"),
        fill("gray125"),
        of(0),
        of(1),
    )
}

fn sheet_part(sheet: &Sheet) -> String {
    let frozen = "<sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>";
    let widths = (1..).zip(&sheet.widths).map(|(at, width): (usize, &u32)| {
        format!("<col min=\"{at}\" max=\"{at}\" width=\"{width}\" customWidth=\"1\"/>")
    });
    let cols: String = widths.collect();
    let cols = if cols.is_empty() { cols } else { format!("<cols>{cols}</cols>") };
    let rows: String = (1..).zip(&sheet.rows).map(|(number, row)| row_part(number, row)).collect();
    let most = sheet.rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let filter = format!("<autoFilter ref=\"A1:{}{}\"/>", column(most - 1), sheet.rows.len().max(1));
    let [views, filter] = if sheet.table { [frozen, &filter] } else { ["", ""] };
    format!("{DECLARATION}<worksheet xmlns=\"{MAIN}\">{views}{cols}<sheetData>{rows}</sheetData>{filter}</worksheet>")
}

fn row_part(number: usize, row: &[Cell]) -> String {
    let style = if number == 1 { " s=\"1\"" } else { "" };
    let cells = row.iter().enumerate().map(|(at, cell)| {
        let place = format!("r=\"{}{number}\"{style}", column(at));
        match cell {
            Cell::Empty => String::new(),
            Cell::Text(text) => {
                format!("<c {place} t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>", escape(text))
            }
            Cell::Number(value) => format!("<c {place}><v>{value}</v></c>"),
            Cell::Tenths(value) => {
                let sign = if *value < 0 { "-" } else { "" };
                let (whole, tenth) = (value.unsigned_abs() / 10, value.unsigned_abs() % 10);
                format!("<c {place}><v>{sign}{whole}.{tenth}</v></c>")
            }
        }
    });
    format!("<row r=\"{number}\">{}</row>", cells.collect::<String>())
}

/// The letters of a column, from 0.
fn column(mut at: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + u8::try_from(at % 26).unwrap_or(0)));
        match at / 26 {
            0 => break,
            rest => at = rest - 1,
        }
    }
    letters.into_iter().rev().collect()
}

/// A text in XML, without what XML cannot hold.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// A ZIP of deflated parts, in this order, all of 1 January 1980.
fn zip(parts: &[(String, String)]) -> io::Result<Vec<u8>> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in parts {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes())?;
        let packed = encoder.finish()?;
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        let offset = size(out.len())?;
        // Version 2.0, no flags, deflated, midnight, the first day that a ZIP knows.
        let mut about: Vec<u8> = [20_u16, 0, 8, 0, 0x21].iter().flat_map(|n| n.to_le_bytes()).collect();
        about.extend([crc.sum(), size(packed.len())?, size(text.len())?].iter().flat_map(|n| n.to_le_bytes()));
        about.extend(u16::try_from(name.len()).map_err(|_| too_large())?.to_le_bytes());
        about.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&about);
        out.extend(name.as_bytes());
        out.extend(&packed);
        directory.extend(b"PK\x01\x02");
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&about);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(parts.len()).map_err(|_| too_large())?;
    let (start, length) = (size(out.len())?, size(directory.len())?);
    out.append(&mut directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([length, start].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([0, 0]);
    Ok(out)
}

fn size(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| too_large())
}

fn too_large() -> io::Error {
    io::Error::other("het rapport is te groot voor een werkmap")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_letters_of_a_spreadsheet() {
        for (at, letters) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(column(at), letters);
        }
    }

    #[test]
    fn a_text_is_a_text_whatever_it_begins_with() {
        let row = row_part(2, &[Cell::text("=1+1"), Cell::text(""), Cell::text("a<\u{1}b\n&\""), Cell::Number(-5)]);
        let expected = "<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t xml:space=\"preserve\">=1+1</t></is></c>\
                        <c r=\"C2\" t=\"inlineStr\"><is><t xml:space=\"preserve\">a&lt;b &amp;&quot;</t></is></c>\
                        <c r=\"D2\"><v>-5</v></c></row>";
        assert_eq!(row, expected);
        assert_eq!(
            row_part(3, &[Cell::Tenths(34), Cell::Tenths(-5)]),
            "<row r=\"3\"><c r=\"A3\"><v>3.4</v></c><c r=\"B3\"><v>-0.5</v></c></row>"
        );
        assert!(row_part(1, &[Cell::Number(1)]).contains("s=\"1\""), "the head stands out");
    }
}
