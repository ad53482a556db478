//! Reads a workbook as a spreadsheet would, from its bytes alone; shares no code with the product.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::DeflateDecoder;

fn number(bytes: &[u8], at: usize, size: usize) -> usize {
    bytes[at..at + size].iter().rev().fold(0, |sum, byte| sum * 256 + usize::from(*byte))
}

/// The parts of a ZIP by its directory: name and contents.
pub fn parts(zip: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let end = zip.len() - 22;
    assert_eq!(&zip[end..end + 4], b"PK\x05\x06", "the end of a ZIP without comment");
    let (count, mut at) = (number(zip, end + 10, 2), number(zip, end + 16, 4));
    let mut parts = BTreeMap::new();
    for _ in 0..count {
        assert_eq!(&zip[at..at + 4], b"PK\x01\x02");
        let (crc, packed, size) = (number(zip, at + 16, 4), number(zip, at + 20, 4), number(zip, at + 24, 4));
        let (name, local) = (number(zip, at + 28, 2), number(zip, at + 42, 4));
        let text = String::from_utf8(zip[at + 46..at + 46 + name].to_vec()).expect("a name");
        assert_eq!(&zip[local..local + 4], b"PK\x03\x04");
        // What the part says of itself is what the directory says of it.
        assert_eq!(zip[local + 4..local + 28], zip[at + 6..at + 30]);
        let start = local + 30 + name;
        let mut content = Vec::new();
        DeflateDecoder::new(&zip[start..start + packed]).read_to_end(&mut content).expect("deflated");
        let mut sum = flate2::Crc::new();
        sum.update(&content);
        assert_eq!((content.len(), sum.sum() as usize), (size, crc), "{text}");
        assert!(parts.insert(text, content).is_none(), "a part twice");
        at += 46 + name;
    }
    assert_eq!(at, end, "nothing after the directory");
    parts
}

/// The value of an attribute.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!("{name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// A row: by column (from 0) the text of the cell, and whether it is a number.
pub type Line = BTreeMap<usize, (String, bool)>;

/// The sheets by name, in rows.
pub fn sheets(zip: &[u8]) -> BTreeMap<String, Vec<Line>> {
    let parts = parts(zip);
    let part = |name: &str| String::from_utf8(parts[name].clone()).expect("UTF-8");
    assert!(part("[Content_Types].xml").contains("/xl/workbook.xml"));
    let (book, relations) = (part("xl/workbook.xml"), part("xl/_rels/workbook.xml.rels"));
    let mut sheets = BTreeMap::new();
    for sheet in book.split("<sheet ").skip(1) {
        let id = attribute(sheet, "r:id").expect("a relation");
        let relation = relations.split("<Relationship ").find(|r| attribute(r, "Id") == Some(id)).expect("of the book");
        let text = part(&format!("xl/{}", attribute(relation, "Target").expect("a target")));
        assert!(!text.contains("<f>") && !text.contains("<f "), "no formula");
        let rows = text.split("<row ").skip(1).map(|row| row.split("<c ").skip(1).map(cell).collect());
        sheets.insert(plain(attribute(sheet, "name").expect("a name")), rows.collect());
    }
    sheets
}

fn cell(text: &str) -> (usize, (String, bool)) {
    let letters = attribute(text, "r").expect("a place");
    let column =
        letters.bytes().take_while(u8::is_ascii_uppercase).fold(0, |at, b| at * 26 + usize::from(b - b'A') + 1);
    let between = |from: &str, to: &str| text.split_once(from)?.1.split_once(to).map(|(value, _)| plain(value));
    let value = match between("<v>", "</v>") {
        Some(number) => (number, true),
        None => (between("xml:space=\"preserve\">", "</t>").expect("an inline text"), false),
    };
    (column - 1, value)
}
