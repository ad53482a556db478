//! The page that checks evidence in the browser: one file that can be kept, with its script and style inside. The policy names
//! their hashes, so nothing else runs in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::{Answer, Fault};
use super::visit::Visit;
use crate::crypto::digest;

/// The page, byte for byte as it is served, kept and hashed in docs/console.md.
pub const PAGE: &str = include_str!("assets/controle.html");

/// Shows the page; with `?bewaar` as a file.
pub fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    if visit.query.iter().any(|(key, _)| key == "bewaar") {
        return Ok(Answer::file("text/html; charset=utf-8", "controle.html", PAGE));
    }
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'none'",
        source("<script>", "</script>"),
        source("<style>", "</style>"),
    );
    let headers = vec![("content-type", "text/html; charset=utf-8".to_owned()), ("content-security-policy", policy)];
    Ok(Answer { status: 200, headers, body: PAGE.as_bytes().to_vec() })
}

/// The hash of what stands between two tags, as a policy writes it.
fn source(open: &str, close: &str) -> String {
    let inside = PAGE.split_once(open).and_then(|(_, rest)| rest.rsplit_once(close)).map_or("", |(inside, _)| inside);
    format!("sha256-{}", STANDARD.encode(digest(inside.as_bytes()).0))
}
