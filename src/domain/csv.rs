//! Lines of CSV (RFC 4180) that are safe to open in a spreadsheet.

/// One line with its line end.
#[must_use]
pub fn line<T: AsRef<str>>(fields: &[T]) -> String {
    let quoted: Vec<String> = fields.iter().map(|field| quote(field.as_ref())).collect();
    format!("{}\r\n", quoted.join(","))
}

/// Quotes what needs it, and puts an apostrophe before what a spreadsheet would take for a formula. A lone `-` (a mark
/// or an empty measure) and a whole number are no formulas.
fn quote(field: &str) -> String {
    let formula =
        field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.len() > 1 && field.parse::<i64>().is_err();
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_and_marks_kept() {
        for (field, written) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-cmd", "'-cmd"),
            ("-", "-"),
            ("-5", "-5"),
            (">365", ">365"),
            ("a,b", "\"a,b\""),
            ("=\"x\",1", "\"'=\"\"x\"\",1\""),
            ("OTS|04", "OTS|04"),
        ] {
            assert_eq!(quote(field), written);
        }
    }
}
