//! Identifiers of processing activities (verwerkingsactiviteiten): absolute URIs that hold their version, so that a changed
//! activity gets another identifier and a line of a log points at exactly one of them.

use std::fmt;

use super::oin::Oin;

/// What stands before the identifiers of one organisation: an absolute URI without a final slash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActivityBase(String);

impl ActivityBase {
    /// The base of an organisation that publishes no register: `urn:oin:` and its 20 digits.
    #[must_use]
    pub fn of_oin(oin: Oin) -> Self {
        Self(format!("urn:oin:{oin}"))
    }

    /// Takes an `https://` or `urn:` URI of at most 200 printable ASCII characters, without query, fragment and final slash.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("urn:"))?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/@".contains(&b);
        let fits = !rest.is_empty() && text.len() <= 200 && rest.bytes().all(plain) && !rest.ends_with('/');
        (fits && rest.starts_with(|c: char| c.is_ascii_alphanumeric())).then(|| Self(text.to_owned()))
    }

    /// The activity of one purpose (`P1`) of one version of a convenant.
    #[must_use]
    pub fn under(&self, convenant: &str, purpose: &str, version: u32) -> String {
        format!("{}/verwerkingsactiviteiten/{}/{}/v{version}", self.0, segment(convenant), segment(purpose))
    }

    /// The activity of one purpose of a convenant that is known by its hash only (64 hexadecimal digits): a log line that
    /// was written before lines held the identifier.
    #[must_use]
    pub fn under_hash(&self, convenant: &str, purpose: &str, hash: &str) -> String {
        format!("{}/verwerkingsactiviteiten/{}/{}/{}", self.0, segment(convenant), segment(purpose), segment(hash))
    }

    /// An activity of the organisation itself, under no convenant.
    #[must_use]
    pub fn own(&self, service: &str) -> String {
        format!("{}/verwerkingsactiviteiten/eigen/{}/v1", self.0, segment(service))
    }

    /// The kind of identifier by which lines of the log name a data subject.
    #[must_use]
    pub fn subject_type(&self) -> String {
        format!("{}/betrokkene-label", self.0)
    }
}

impl fmt::Display for ActivityBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An identifier without its version (`v3`), so that every version of one activity has the same.
#[must_use]
pub fn unversioned(activity: &str) -> &str {
    let is_version = |last: &str| {
        let hash = last.len() == 64 && last.bytes().all(|b| b.is_ascii_hexdigit());
        hash || last.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    activity.rsplit_once('/').filter(|(_, last)| is_version(last)).map_or(activity, |(front, _)| front)
}

/// One segment of a path (RFC 3986): everything but unreserved characters as `%XX`; an empty one is `-`.
fn segment(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    text.bytes()
        .map(|b| match b {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_absolute_and_hold_their_version() {
        let base = ActivityBase::parse("https://gi.example/register").expect("a base");
        assert_eq!(base.under("twente", "P1", 3), "https://gi.example/register/verwerkingsactiviteiten/twente/P1/v3");
        let urn = ActivityBase::of_oin(Oin::parse("00000099000000001000").expect("an OIN"));
        assert_eq!(urn.own("a/b c"), "urn:oin:00000099000000001000/verwerkingsactiviteiten/eigen/a%2Fb%20c/v1");
        assert_eq!(ActivityBase::parse(&urn.to_string()), Some(urn));
        for one in [base.under("twente", "P1", 12), base.under_hash("twente", "P1", &"a0".repeat(32))] {
            assert_eq!(unversioned(&one), "https://gi.example/register/verwerkingsactiviteiten/twente/P1");
        }
        assert_eq!((unversioned("urn:x/vt"), unversioned("urn:x/v"), unversioned("v1")), ("urn:x/vt", "urn:x/v", "v1"));
    }

    #[test]
    fn what_is_no_base_is_refused() {
        for text in [
            "",
            "gi.example",
            "http://gi.example",
            "https://",
            "https://gi/",
            "https://gi?x",
            "urn:",
            "https:///x",
            "https://a b",
        ] {
            assert_eq!(ActivityBase::parse(text), None, "{text}");
        }
    }
}
