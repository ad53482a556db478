//! `Visit`: one request as a page sees it: who asks, and what came in path, query and form.

use zeroize::Zeroizing;

use super::Console;
use super::session::Session;
use crate::service::core::Core;
use crate::transport::web::Visitor;

/// Names and values, in the order of the request. A value may be a BSN: it is wiped when dropped.
pub type Pairs = Vec<(String, Zeroizing<String>)>;

/// One request.
pub struct Visit<'a> {
    /// The console.
    pub console: &'a Console,
    /// Parts of the path that the route names.
    pub path: Pairs,
    /// The query.
    pub query: Pairs,
    /// The form of a POST.
    pub form: Pairs,
    /// The file that came with the form: its name and its bytes.
    pub file: Option<(String, Zeroizing<Vec<u8>>)>,
    /// Who is logged in.
    pub session: Option<Session>,
    /// The secret of that session.
    pub secret: Option<String>,
    /// The connection.
    pub visitor: Visitor,
    /// Path and query as they came, for coming back.
    pub here: String,
    /// Milliseconds since 1970 UTC.
    pub now_ms: u64,
}

impl Visit<'_> {
    /// The node.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.console.core
    }

    /// A part of the path.
    #[must_use]
    pub fn part(&self, name: &str) -> &str {
        find(&self.path, name)
    }

    /// A value of the query, without spaces around it; empty when it is not there.
    #[must_use]
    pub fn asked(&self, name: &str) -> &str {
        find(&self.query, name).trim()
    }

    /// A field of the form; empty when it is not there.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        find(&self.form, name)
    }
}

fn find<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

/// Names and values of a query or a form.
#[must_use]
pub fn pairs(encoded: &[u8]) -> Pairs {
    form_urlencoded::parse(encoded).map(|(key, value)| (key.into_owned(), Zeroizing::new(value.into_owned()))).collect()
}

/// A place on this console to go to after logging in; anything else is the front page, so that no link can lead elsewhere.
#[must_use]
pub fn place_here(text: &str) -> &str {
    let inside = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 2048
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if inside { text } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::place_here;

    #[test]
    fn a_place_elsewhere_is_the_front_page() {
        assert_eq!(place_here("/logboek?doel=P9&van=2026-01-01"), "/logboek?doel=P9&van=2026-01-01");
        let long = format!("/{}", "a".repeat(3000));
        let bad = [
            "",
            "https://x.nl",
            "//x.nl",
            "/\\x.nl",
            "\\\\x",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x",
            "/é",
            &long,
        ];
        for bad in bad {
            assert_eq!(place_here(bad), "/", "{bad:?}");
        }
    }
}
