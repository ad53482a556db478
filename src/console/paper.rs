//! `Page`: a report as headings, sentences, facts and tables, written as plain text and as one self-contained HTML page that
//! prints on A4 and fits a phone.

use crate::monitor::html::markup::{self, Markup, all, element, tag, text};
use crate::translog::entry::TransferId;

const STYLE: &str = include_str!("paper.css");

/// A report to be written.
#[derive(Default)]
pub struct Page {
    title: String,
    blocks: Vec<Block>,
}

enum Block {
    Heading(String),
    Text(String),
    List(Vec<String>),
    Facts(String, Vec<(String, String)>),
    Table(Vec<String>, Vec<Vec<String>>),
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    /// A heading.
    pub fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    /// A paragraph.
    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// A list of points.
    pub fn list(&mut self, points: Vec<String>) {
        self.blocks.push(Block::List(points));
    }

    /// Facts about one thing: its name, then pairs; a pair without content is left out.
    pub fn facts(&mut self, name: impl Into<String>, facts: Vec<(&str, String)>) {
        let kept = facts.into_iter().filter(|(_, fact)| !fact.is_empty());
        self.blocks.push(Block::Facts(name.into(), kept.map(|(key, fact)| (key.to_owned(), fact)).collect()));
    }

    /// A table; one without rows is left out.
    pub fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            return;
        }
        self.blocks.push(Block::Table(head.iter().map(|name| (*name).to_owned()).collect(), rows));
    }

    /// The page as plain text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n{}\n", self.title, "=".repeat(self.title.chars().count()));
        for block in &self.blocks {
            match block {
                Block::Heading(text) => out.push_str(&format!("\n{text}\n{}\n", "-".repeat(text.chars().count()))),
                Block::Text(text) => out.push_str(&format!("{}\n", wrapped(text, ""))),
                Block::List(points) => {
                    points.iter().for_each(|point| out.push_str(&format!("- {}\n", wrapped(point, "  "))));
                }
                Block::Facts(name, facts) => {
                    out.push_str(&format!("\n{name}\n"));
                    facts.iter().for_each(|(key, fact)| out.push_str(&format!("  {key:<18} {fact}\n")));
                }
                Block::Table(head, rows) => out.push_str(&columns(head, rows)),
            }
        }
        out
    }

    /// The page as a part of another page, escaped.
    #[must_use]
    pub fn to_part(&self) -> String {
        all([tag("h1", &self.title), all(self.blocks.iter().map(|block| html(block, true)))]).into_text()
    }

    /// The page as HTML.
    #[must_use]
    pub fn to_html(&self) -> String {
        let body = all(self.blocks.iter().map(|block| html(block, false)));
        markup::document(&self.title, STYLE, element("main", &[], [tag("h1", &self.title), body]))
    }
}

/// A fact; the number of a transfer leads to its page where there is one.
fn fact(key: &str, fact: &str, linked: bool) -> Markup {
    let transfer = TransferId::parse(fact).ok().filter(|_| linked && key == "Nummer");
    let told = match transfer {
        Some(id) => element("a", &[("href", &format!("/overdracht/{id}"))], [text(fact)]),
        None => text(fact),
    };
    element("div", &[], [tag("dt", key), element("dd", &[], [told])])
}

/// A block; `linked` on the console, where a transfer has a page.
fn html(block: &Block, linked: bool) -> Markup {
    match block {
        Block::Heading(text) => tag("h2", text),
        Block::Text(text) => tag("p", text),
        Block::List(points) => element("ul", &[], points.iter().map(|point| tag("li", point))),
        Block::Facts(name, facts) => {
            let pairs = facts.iter().map(|(key, told)| fact(key, told, linked));
            element("section", &[], [tag("h3", name), element("dl", &[], pairs)])
        }
        Block::Table(head, rows) => {
            let cells = |row: &Vec<String>| element("tr", &[], row.iter().map(|cell| tag("td", cell)));
            let head = element("tr", &[], head.iter().map(|name| element("th", &[("scope", "col")], [text(name)])));
            let body = element("tbody", &[], rows.iter().map(cells));
            element("div", &[("class", "wide")], [element("table", &[], [element("thead", &[], [head]), body])])
        }
    }
}

/// Lines of at most 100 characters; later ones begin with `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    const WIDTH: usize = 100;
    let mut out = String::new();
    let mut at = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if at > 0 && at + 1 + length > WIDTH {
            out.push_str(&format!("\n{indent}"));
            at = indent.len();
        } else if at > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += length;
    }
    out
}

fn columns(head: &[String], rows: &[Vec<String>]) -> String {
    let lines = || std::iter::once(head).chain(rows.iter().map(Vec::as_slice));
    let width = |n: usize| lines().filter_map(|line| line.get(n)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    for line in lines() {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.push_str(&format!("  {}\n", cells.join("  ").trim_end()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_as_text_and_escapes_as_html() {
        let mut page = Page::new("Overzicht");
        page.heading("Deel");
        page.text("woord ".repeat(40));
        page.facts("Zaak <1>", vec![("Doel", "P5".to_owned()), ("Leeg", String::new())]);
        page.table(&["soort", "aantal"], vec![vec!["start".to_owned(), "12".to_owned()]]);
        page.table(&["leeg"], Vec::new());
        let text = page.to_text();
        assert!(!text.contains("leeg"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.contains("  soort  aantal\n  start  12\n") && !text.contains("Leeg"), "{text}");
        let html = page.to_html();
        assert!(html.contains("<h3>Zaak &lt;1&gt;</h3>") && html.contains("<html lang=\"nl\">"), "{html}");
        let id = "00000000-0000-7000-8000-000000000000";
        page.facts("Overdracht", vec![("Nummer", id.to_owned())]);
        let link = format!("<a href=\"/overdracht/{id}\">");
        assert!(page.to_part().contains(&link) && !page.to_html().contains("<a "), "only the console has pages");
        assert!(!html.contains("http") && !html.contains("<script"), "nothing from elsewhere");
    }
}
