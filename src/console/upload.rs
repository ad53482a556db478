//! `multipart/form-data` (RFC 7578) as browsers write it: short fields and one file, taken apart in memory.

use zeroize::Zeroizing;

use super::visit::Pairs;

/// Fields of a form and the file that came with it.
#[derive(Default)]
pub struct Uploaded {
    /// Short fields.
    pub fields: Pairs,
    /// The name that the file has at its sender, and its bytes; wiped when dropped.
    pub file: Option<(String, Zeroizing<Vec<u8>>)>,
}

/// Largest short field.
const FIELD: usize = 4096;

/// Takes a body apart; none when it is not such a form, or has two files.
#[must_use]
pub fn parts(content_type: &str, body: &[u8]) -> Option<Uploaded> {
    let (kind, parameters) = content_type.split_once(';')?;
    let boundary = parameters.split(';').find_map(|one| one.trim().strip_prefix("boundary="))?.trim_matches('"');
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") || boundary.is_empty() || boundary.len() > 70 {
        return None;
    }
    let mark = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(&mark.as_bytes()[2..])?;
    let mut found = Uploaded::default();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let (head, content) = part.split_at(find(part, b"\r\n\r\n")?);
        let content = &content[4..];
        let (content, further) = content.split_at(find(content, mark.as_bytes())?);
        rest = &further[mark.len()..];
        let head = std::str::from_utf8(head).ok()?;
        match (parameter(head, "name")?, parameter(head, "filename")) {
            (_, Some(_)) if found.file.is_some() => return None,
            (_, Some(name)) => found.file = Some((name, Zeroizing::new(content.to_vec()))),
            (name, None) if content.len() <= FIELD => {
                let value = String::from_utf8(content.to_vec()).ok()?;
                found.fields.push((name, Zeroizing::new(value)));
            }
            (_, None) => return None,
        }
    }
    rest.starts_with(b"--").then_some(found)
}

/// Where `wanted` begins in `text`.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == first) {
        if text[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// A quoted parameter of the header `Content-Disposition`, as browsers escape it.
fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let wanted = format!("; {name}=\"");
    let (value, _) = line[line.find(&wanted)? + wanted.len()..].split_once('"')?;
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(parts: &[(&str, &str)]) -> Vec<u8> {
        let one = |(head, content): &(&str, &str)| {
            format!("--xYz\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
        };
        (parts.iter().map(one).collect::<String>() + "--xYz--\r\n").into_bytes()
    }

    const KIND: &str = "multipart/form-data; boundary=xYz";

    #[test]
    fn fields_and_a_file_come_apart_whatever_the_file_holds() {
        for content in ["", "a;b\r\n1;2\r\n", "\r\n--xY\r\n--", "--xYz", "\r\r\n"] {
            let body = form(&[("name=\"csrf\"", "abc"), ("name=\"bestand\"; filename=\"a b.csv\"", content)]);
            let found = parts(KIND, &body).expect("a form");
            assert_eq!(found.fields[0].0, "csrf");
            assert_eq!(found.fields[0].1.as_str(), "abc");
            let (name, bytes) = found.file.expect("a file");
            assert_eq!((name.as_str(), bytes.as_slice()), ("a b.csv", content.as_bytes()));
        }
    }

    #[test]
    fn what_is_no_whole_form_is_none() {
        let file = ("name=\"a\"; filename=\"a\"", "x");
        let whole = form(&[file]);
        assert!(parts(KIND, &whole).is_some());
        for end in 0..whole.len() - 4 {
            assert!(parts(KIND, &whole[..end]).is_none(), "cut at {end}");
        }
        assert!(parts(KIND, &form(&[file, file])).is_none(), "two files");
        assert!(parts(KIND, &form(&[("name=\"a\"", &"x".repeat(FIELD + 1))])).is_none(), "a long field");
        for kind in ["text/plain", "multipart/form-data", "multipart/form-data; boundary=", "text/x; boundary=xYz"] {
            assert!(parts(kind, &whole).is_none(), "{kind}");
        }
    }
}
