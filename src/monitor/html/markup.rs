//! Safe markup: every text and attribute is escaped here, and nothing else writes `<`.

/// A finished piece of HTML or SVG.
#[derive(Clone, Default)]
pub struct Markup(String);

impl Markup {
    /// The finished text, in which everything is escaped.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Text, escaped.
#[must_use]
pub fn text(text: impl AsRef<str>) -> Markup {
    Markup(escape(text.as_ref()))
}

/// Pieces one after the other.
#[must_use]
pub fn all(parts: impl IntoIterator<Item = Markup>) -> Markup {
    Markup(parts.into_iter().map(|part| part.0).collect())
}

/// An element. Names come from the code, never from data.
#[must_use]
pub fn element(
    name: &'static str,
    attributes: &[(&'static str, &str)],
    content: impl IntoIterator<Item = Markup>,
) -> Markup {
    let mut out = format!("<{name}");
    for (key, value) in attributes {
        out.push_str(&format!(" {key}=\"{}\"", escape(value)));
    }
    out.push('>');
    let void = matches!(name, "meta" | "br" | "hr");
    for part in content {
        out.push_str(&part.0);
    }
    if !void {
        out.push_str(&format!("</{name}>"));
    }
    if matches!(name, "tr" | "p" | "li" | "table" | "section" | "article" | "svg" | "h2" | "h3" | "details") {
        out.push('\n');
    }
    Markup(out)
}

/// An element without attributes that holds one text.
#[must_use]
pub fn tag(name: &'static str, content: impl AsRef<str>) -> Markup {
    element(name, &[], [text(content)])
}

/// An element of a class that holds one text.
#[must_use]
pub fn class(name: &'static str, class: &str, content: impl AsRef<str>) -> Markup {
    element(name, &[("class", class)], [text(content)])
}

/// The whole document; `style` is the style sheet of this room, which holds no data.
#[must_use]
pub fn document(title: &str, style: &'static str, body: Markup) -> String {
    let head = element(
        "head",
        &[],
        [
            element("meta", &[("charset", "utf-8")], []),
            element("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")], []),
            element("meta", &[("name", "robots"), ("content", "noindex")], []),
            tag("title", title),
            element("style", &[], [Markup(style.to_owned())]),
        ],
    );
    format!("<!doctype html>\n{}\n", element("html", &[("lang", "nl")], [head, element("body", &[], [body])]).0)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_attributes_are_escaped() {
        let made = element("p", &[("title", "\"><script>")], [text("<b>&'")]);
        assert_eq!(made.0, "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt;&amp;&#39;</p>\n");
    }
}
