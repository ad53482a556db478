//! `gemeenten.json`: the reference list of municipality codes, bare or as `gemeenten` in `organisations.json`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::day::Day;
use crate::domain::event::Gemeente;
use crate::domain::fault::said;
use crate::domain::gemeente::{GemeenteList, GemeenteSpan};

#[derive(Deserialize)]
struct Line {
    code: String,
    #[serde(default)]
    van: Option<Day>,
    #[serde(default)]
    tot: Option<Day>,
}

/// The list in a file, and the bare list as JSON.
///
/// # Errors
/// A Dutch sentence that names the file and the entry that is wrong.
pub fn read(path: &Path) -> Result<(GemeenteList, Vec<u8>), String> {
    let of_file = |fault: String| format!("gemeentelijst {}: {fault}", path.display());
    let bytes =
        std::fs::read(path).map_err(|e| of_file(format!("het bestand kan niet worden gelezen ({})", said(&e))))?;
    let entries = entries(&bytes).map_err(of_file)?;
    let list = list(&entries).map_err(of_file)?;
    Ok((list, Value::Array(entries).to_string().into_bytes()))
}

fn entries(bytes: &[u8]) -> Result<Vec<Value>, String> {
    let document: Value = serde_json::from_slice(bytes)
        .map_err(|e| format!("geen geldige JSON (regel {}, teken {})", e.line(), e.column()))?;
    let list = match document {
        Value::Object(mut region) => region.remove("gemeenten"),
        other => Some(other),
    };
    match list {
        Some(Value::Array(entries)) => Ok(entries),
        _ => Err("verwacht een lijst, of een document met de sleutel `gemeenten` en daarin een lijst".to_owned()),
    }
}

fn list(entries: &[Value]) -> Result<GemeenteList, String> {
    let span = |(n, entry): (usize, &Value)| {
        let line = Line::deserialize(entry).map_err(|_| {
            format!("gemeente {n}: verwacht `code` als tekst, met eventueel `van` en `tot` als dag (JJJJ-MM-DD)")
        })?;
        let code = Gemeente::parse(&line.code)
            .ok_or_else(|| format!("gemeente {n}: code `{}` heeft geen 4 cijfers", line.code))?;
        Ok(GemeenteSpan { code, from: line.van, to: line.tot })
    };
    (1..).zip(entries).map(span).collect::<Result<Vec<_>, String>>().map(GemeenteList::new)
}
