//! `gemeenten.json`: the reference list of municipality codes, in the form of `organisations.json`.

use serde::Deserialize;

use crate::domain::day::Day;
use crate::domain::event::Gemeente;
use crate::domain::gemeente::{GemeenteList, GemeenteSpan};

#[derive(Deserialize)]
struct Line {
    code: String,
    #[serde(default)]
    van: Option<Day>,
    #[serde(default)]
    tot: Option<Day>,
}

/// Reads the list.
///
/// # Errors
/// A Dutch sentence that names the line that is wrong.
pub fn parse(bytes: &[u8]) -> Result<GemeenteList, String> {
    let lines: Vec<Line> = serde_json::from_slice(bytes).map_err(|e| format!("gemeentelijst: {e}"))?;
    let span = |(n, line): (usize, Line)| {
        let code = Gemeente::parse(&line.code)
            .ok_or_else(|| format!("gemeentelijst, regel {}: `{}` heeft geen 4 cijfers", n + 1, line.code))?;
        Ok(GemeenteSpan { code, from: line.van, to: line.tot })
    };
    lines.into_iter().enumerate().map(span).collect::<Result<Vec<_>, String>>().map(GemeenteList::new)
}
