//! Every form of a report says what its JSON says and nothing else: the CSV is written from it, and each number on the page
//! and in its charts is one of its numbers or follows from two of them. That no form can be written from anything but
//! released tables is in the documentation tests of `src/lib.rs`.

use std::collections::{BTreeMap, BTreeSet};

use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::Dimension;
use ketenpoort::domain::table::Table;
use ketenpoort::monitor::report::{Report, Setting};
use ketenpoort::monitor::{csv, html, summary};

use crate::demo::demo;
use crate::xlsx;

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

/// The rates of a text (one decimal, after a comma), and the text without them.
fn rates(text: &str) -> (BTreeSet<String>, String) {
    let (mut found, mut rest) = (BTreeSet::new(), String::new());
    let inside = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    for word in text.split_inclusive(|c: char| !inside(c)) {
        let bare: String = word.chars().take_while(|c| inside(*c)).collect();
        let decimal = bare.rsplit_once(',').is_some_and(|(whole, tenth)| !whole.is_empty() && tenth.len() == 1);
        if decimal {
            found.insert(bare.replace('.', ""));
            rest.push_str(&word[bare.len()..]);
        } else {
            rest.push_str(word);
        }
    }
    (found, rest)
}

/// Every rate that follows from a printed number and a denominator of its place and year.
fn told_rates(report: &Report) -> BTreeSet<String> {
    let denominator = report.denominator.as_ref().expect("the demo has denominators");
    let mut told = BTreeSet::new();
    for table in report.tables.iter().filter(|table| table.by.len() < 2) {
        for row in &table.rows {
            let place = row.key.get(&Dimension::Gemeente).map_or("regio", String::as_str);
            let of = table.period.and_then(|period| denominator.counts.get(place)?.get(&period.year()).copied());
            if let Some((value, of)) = row.value.zip(of).filter(|_| row.low.is_none() || row.high.is_some()) {
                let tenths = (value * 10_000 + of / 2) / of;
                told.insert(format!("{},{}", tenths / 10, tenths % 10));
            }
        }
    }
    told
}

/// The printed numbers of a period's totals, over all tables.
fn totals(tables: &[Table]) -> BTreeMap<Option<Period>, Vec<i64>> {
    let mut totals: BTreeMap<Option<Period>, Vec<i64>> = BTreeMap::new();
    for table in tables.iter().filter(|table| table.by.is_empty()) {
        totals.entry(table.period).or_default().extend(table.rows.iter().filter_map(|row| row.value));
    }
    totals
}

/// Whether a percentage is the share of one printed number in another, of the same table or both of the same period's totals.
fn is_share(percent: i64, tables: &[Table]) -> bool {
    let share = |values: &[i64]| {
        let part_of = |whole: i64| values.iter().any(|part| ((part * 200 + whole) / (2 * whole)).min(100) == percent);
        values.iter().any(|&whole| whole >= 30 && part_of(whole))
    };
    let of_table = |table: &Table| table.rows.iter().filter_map(|row| row.value).collect::<Vec<i64>>();
    tables.iter().any(|table| share(&of_table(table))) || totals(tables).values().any(|values| share(values))
}

/// Whether a number is the gap between two printed numbers of the same period.
fn is_gap(number: i64, tables: &[Table]) -> bool {
    totals(tables).values().any(|values| values.iter().any(|a| values.iter().any(|b| a - b == number)))
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
    let told = told_rates(&report);
    let mut rated = 0;
    for form in forms {
        let (said, text) = rates(&form(&report, &setting()));
        assert!(said.is_subset(&told), "{:?} are no rates of printed numbers", said.difference(&told));
        rated += said.len();
        let words = numbers(&rates(&form(&masked(&report), &setting())).1);
        assert!(words.contains(&(MASK, false)), "numbers are masked");
        let said = numbers(&text);
        let new: Vec<(i64, bool)> = said.difference(&words).copied().collect();
        assert!(new.len() > 3, "figures: {new:?}");
        for (number, percent) in new {
            let follows = if percent { is_share } else { is_gap };
            let told = figures.contains(&number) || follows(number, &report.tables);
            assert!(told, "{number} is shown and in no table");
        }
    }
    assert!(rated > 3, "rates on the page: {rated}");
    let page = numbers(&rates(&read(&html::write(&report, &setting()))).1);
    // And the page that the demo made says no number that this one does not say, but for its names and its days.
    let shares: BTreeSet<(i64, bool)> = page.iter().copied().filter(|(_, percent)| *percent).collect();
    let made = std::fs::read_to_string(demo.region.join("monitor/report.html")).expect("report.html");
    let made: BTreeSet<(i64, bool)> =
        numbers(&rates(&read(&made)).1).into_iter().filter(|(_, percent)| *percent).collect();
    assert_eq!(made, shares);
}

#[test]
fn the_workbook_says_what_the_csv_says_and_its_rates_are_of_printed_numbers() {
    let demo = demo();
    let report = Report::from_json(&demo.report()).expect("a report");
    let sheets = xlsx::sheets(&std::fs::read(demo.region.join("monitor/report.xlsx")).expect("report.xlsx"));
    let written = csv::write(&report);
    let lines = ::csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_bytes()).into_records();
    let lines: Vec<::csv::StringRecord> = lines.collect::<Result<_, _>>().expect("CSV");
    let figures = &sheets["Cijfers"];
    assert_eq!(figures.len(), lines.len());
    for (row, line) in figures.iter().zip(&lines) {
        let cells: Vec<&str> = (0..line.len()).map(|at| row.get(&at).map_or("", |(text, _)| text.as_str())).collect();
        assert_eq!(cells, line.iter().collect::<Vec<_>>());
    }
    // Columns value, low and high are numbers, the others are texts.
    let typed = |(at, (_, number)): (&usize, &(String, bool))| *number == [14, 16, 17].contains(at);
    assert!(figures.iter().skip(1).flatten().all(typed));
    let told = told_rates(&report);
    let rows = &sheets["Per 1000"];
    assert!(rows.len() > 5, "rates: {}", rows.len());
    for row in rows.iter().skip(1) {
        let cell = |at: usize| row[&at].0.as_str();
        assert!(told.contains(&cell(7).replace('.', ",")), "{row:?}");
        let (indicator, series, value) = (cell(0), cell(1), cell(5).parse::<i64>().expect("a count"));
        let same = |table: &&Table| table.indicator == indicator;
        let mut printed = report.tables.iter().filter(same).flat_map(|table| &table.rows);
        assert!(printed.any(|row| row.series == series && row.value == Some(value)), "{row:?}");
    }
    assert!(sheets["Toelichting"].iter().flat_map(BTreeMap::values).any(|(text, _)| text.contains("telt één keer")));
}
