//! Every form of a report says what its JSON says and nothing else: the CSV is written from it, and each number on the page
//! and in its charts is one of its numbers or follows from two of them. That no form can be written from anything but
//! released tables is in the documentation tests of `src/lib.rs`.

use std::collections::{BTreeMap, BTreeSet};

use ketenpoort::domain::table::Table;
use ketenpoort::monitor::report::{Report, Setting};
use ketenpoort::monitor::{csv, html, summary};

use crate::demo::demo;

/// Names without a digit, so that every digit on the page is of a figure or of the page's own words.
fn setting() -> Setting {
    let (region, convenant) = ("Voorbeeld".to_owned(), "Convenant".to_owned());
    Setting { region, convenant, parties: Vec::new(), gemeenten: BTreeMap::new(), later: Vec::new() }
}

/// A number that no region has.
const MASK: i64 = 777_777;

/// The same report in which every printed number is the same one: its pages have the same words, names of bins and bands.
fn masked(report: &Report) -> Report {
    let mut masked = report.clone();
    for row in masked.tables.iter_mut().flat_map(|table| &mut table.rows) {
        [&mut row.value, &mut row.low, &mut row.high].into_iter().flatten().for_each(|number| *number = MASK);
    }
    masked
}

/// What a reader of the page reads, its charts' descriptions too; not the scales of the axes.
fn read(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page.split_once("<body").expect("a body").1;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = match after.strip_prefix("g class=\"axes\"") {
            Some(axes) => axes.split_once("</g>").expect("an end").1,
            None => after.split_once('>').expect("an end").1,
        };
    }
    text
}

/// The numbers of a text, points between thousands left out, each with whether a percent sign follows.
fn numbers(text: &str) -> BTreeSet<(i64, bool)> {
    let mut found = BTreeSet::new();
    let (mut digits, mut chars) = (String::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        if c.is_ascii_digit() || (c == '.' && !digits.is_empty() && next.is_some_and(|n| n.is_ascii_digit())) {
            digits.extend(Some(c).filter(|_| c != '.'));
        }
        if !digits.is_empty() && !next.is_some_and(|n| n.is_ascii_digit() || n == '.') {
            let mut after = chars.clone();
            let percent = after.find(|c| *c != '\u{a0}') == Some('%');
            found.extend(digits.parse().ok().map(|n: i64| (n, percent)));
            digits.clear();
        }
    }
    found
}

/// Whether a percentage is the share of one printed number in another of the same table.
fn is_share(percent: i64, tables: &[Table]) -> bool {
    tables.iter().any(|table| {
        let values: Vec<i64> = table.rows.iter().filter_map(|row| row.value).collect();
        let part_of = |whole: i64| values.iter().any(|part| ((part * 200 + whole) / (2 * whole)).min(100) == percent);
        values.iter().any(|&whole| whole >= 30 && part_of(whole))
    })
}

#[test]
fn every_number_of_every_form_is_a_number_of_the_json() {
    let demo = demo();
    let report = Report::from_json(&demo.report()).expect("a report");
    let written = std::fs::read_to_string(demo.region.join("monitor/report.csv")).expect("report.csv");
    assert_eq!(csv::write(&report), written, "the CSV is the JSON in lines");
    let rows = || report.tables.iter().flat_map(|table| &table.rows);
    assert!(report.tables.iter().all(|table| table.protected));
    for row in rows() {
        assert!(row.mark.is_none() || (row.value, row.low, row.high) == (None, None, None), "{row:?}");
    }
    let figures: BTreeSet<i64> = rows().flat_map(|row| [row.value, row.low, row.high]).flatten().collect();
    // What does not depend on what is printed: years, norms, names of bins and bands.
    let forms: [fn(&Report, &Setting) -> String; 2] = [|r, s| read(&html::write(r, s)), summary::write];
    for form in forms {
        let words = numbers(&form(&masked(&report), &setting()));
        assert!(words.contains(&(MASK, false)), "numbers are masked");
        let said = numbers(&form(&report, &setting()));
        let new: Vec<(i64, bool)> = said.difference(&words).copied().collect();
        assert!(new.len() > 3, "figures: {new:?}");
        for (number, percent) in new {
            let told = figures.contains(&number) || (percent && is_share(number, &report.tables));
            assert!(told, "{number} is shown and in no table");
        }
    }
    let page = numbers(&read(&html::write(&report, &setting())));
    // And the page that the demo made says no number that this one does not say, but for its names and its days.
    let shares: BTreeSet<(i64, bool)> = page.iter().copied().filter(|(_, percent)| *percent).collect();
    let made = std::fs::read_to_string(demo.region.join("monitor/report.html")).expect("report.html");
    let made: BTreeSet<(i64, bool)> = numbers(&read(&made)).into_iter().filter(|(_, percent)| *percent).collect();
    assert_eq!(made, shares);
}
