//! The canonical bytes of a witness: lines of text, one fact a line. See `docs/formats/disclosure.md`.

use super::{CellEntry, CellName, Flaw, Link, Print, Proof, RelationEntry, TableEntry, TableState, Witness};
use crate::crypto::{Digest, from_hex, hex};
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId, TableQuery};
use crate::policy::rules::DisclosureRules;

const HEAD: &str = "ketenpoort.nl/disclosure-witness/v1";
/// Lines before the tables.
const HEAD_LINES: usize = 7;
/// No number of a witness is larger, so that no sum of them overflows.
const MOST: u32 = 1_000_000_000;

const STATES: [(TableState, &str); 6] = [
    (TableState::New, "new"),
    (TableState::Earlier, "earlier"),
    (TableState::Margin, "margin"),
    (TableState::LeftOut, "left-out"),
    (TableState::Replaced, "replaced"),
    (TableState::ReplacedMargin, "replaced-margin"),
];
const LINKS: [(Link, &str); 3] = [(Link::Sum, "sum"), (Link::Cover, "cover"), (Link::AtMost, "at-most")];

pub(super) fn encode(w: &Witness) -> Vec<u8> {
    let mut text = String::new();
    let r = &w.rules;
    line(&mut text, &[HEAD]);
    line(&mut text, &["salt", &hex(&w.salt)]);
    line(&mut text, &["organisation", &w.organisation]);
    line(&mut text, &["convenant", &w.convenant.to_hex()]);
    line(&mut text, &["released", &w.released.to_string()]);
    line(&mut text, &["until", &w.until.to_string()]);
    let rules = [r.threshold, r.rounding, r.min_families, r.dominance_percent, r.share_noemer];
    numbers(&mut text, "rules", &rules);
    if w.definitions != 1 {
        numbers(&mut text, "definitions", &[w.definitions]);
    }
    w.tables.iter().for_each(|table| encode_table(&mut text, table));
    w.cells.iter().for_each(|cell| encode_cell(&mut text, cell));
    for rel in &w.relations {
        let cells: Vec<usize> = std::iter::once(rel.total).chain(rel.parts.iter().copied()).collect();
        numbers(&mut text, word_of(&LINKS, rel.link), &cells);
    }
    for world in &w.worlds {
        let moves: Vec<String> = world.iter().map(|(cell, by)| format!("{cell}:{by:+}")).collect();
        numbers(&mut text, "world", &moves);
    }
    for proof in &w.proofs {
        numbers(&mut text, "proof", &[proof.cell, proof.low, proof.high]);
    }
    text.into_bytes()
}

fn word_of<T: PartialEq + Copy>(words: &[(T, &'static str)], of: T) -> &'static str {
    words.iter().find(|(value, _)| *value == of).map_or("", |(_, word)| word)
}

fn line(text: &mut String, fields: &[&str]) {
    text.push_str(&fields.join(" "));
    text.push('\n');
}

fn numbers<T: ToString>(text: &mut String, name: &str, list: &[T]) {
    text.push_str(name);
    list.iter().for_each(|n| text.extend([" ", &n.to_string()]));
    text.push('\n');
}

fn encode_table(text: &mut String, table: &TableEntry) {
    let certificate = table.certificate.map_or_else(|| "-".to_owned(), Digest::to_hex);
    let (indicator, period, horizon) =
        (table.query.indicator.to_string(), table.query.period.to_string(), table.horizon.to_string());
    let state = word_of(&STATES, table.state);
    let mut fields = vec!["table", state, &certificate, &indicator, &table.version, &period, &horizon];
    fields.extend(table.query.by.iter().map(|d| d.as_str()));
    line(text, &fields);
}

fn encode_cell(text: &mut String, cell: &CellEntry) {
    let Some(name) = &cell.name else {
        let kind = if cell.print == Print::Known { "known" } else { "rest" };
        let alone = cell.families == cell.n && cell.largest == cell.n.min(1);
        let counts = [cell.n, cell.families, cell.largest];
        return numbers(text, kind, if alone { &counts[..1] } else { &counts });
    };
    let print = match cell.print {
        Print::Value(v) => v.to_string(),
        Print::Suppressed => "x".to_owned(),
        Print::Impossible => "-".to_owned(),
        Print::Known => "=".to_owned(),
        Print::Elsewhere => "~".to_owned(),
    };
    let kind = if name.shown { "shown" } else { "hidden" };
    let counts = [name.table.to_string(), cell.n.to_string(), cell.families.to_string(), cell.largest.to_string()];
    let mut fields = vec!["cell", &counts[0], kind, &counts[1], &counts[2], &counts[3], &print];
    fields.extend([name.series.as_str(), name.measure.as_str()]);
    fields.extend(name.key.iter().map(String::as_str));
    line(text, &fields);
}

pub(super) fn decode(bytes: &[u8]) -> Result<Witness, Flaw> {
    let no_witness = || Flaw("dit is geen bewijsbestand in de voorgeschreven vorm".to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| no_witness())?;
    let mut lines = text.lines();
    let witness = head(&mut lines).ok_or_else(no_witness)?;
    let mut reading = Reading { witness, section: 0 };
    for (i, line) in lines.enumerate() {
        let read = reading.take(line);
        read.ok_or_else(|| {
            Flaw(format!("regel {} is onleesbaar of staat op de verkeerde plaats", i + HEAD_LINES + 1))
        })?;
    }
    // One form only: whatever else could be read as the same is refused.
    if encode(&reading.witness) == bytes { Ok(reading.witness) } else { Err(no_witness()) }
}

fn head<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Option<Witness> {
    if lines.next()? != HEAD {
        return None;
    }
    let mut named = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let salt = from_hex(named("salt")?)?;
    let organisation = Oin::parse(named("organisation")?).ok()?.to_string();
    let convenant = Digest::from_hex(named("convenant")?)?;
    let released = Day::parse(named("released")?).ok()?;
    let until = Day::parse(named("until")?).ok()?;
    let rules: Vec<u32> = named("rules")?.split(' ').map(number).collect::<Option<_>>()?;
    let [threshold, rounding, min_families, dominance_percent, share_noemer] = rules.try_into().ok()?;
    let rules = DisclosureRules { threshold, rounding, min_families, dominance_percent, share_noemer };
    let (tables, cells, relations, worlds, proofs) = Default::default();
    let definitions = 1;
    Some(Witness {
        salt,
        organisation,
        convenant,
        released,
        until,
        rules,
        definitions,
        tables,
        cells,
        relations,
        worlds,
        proofs,
    })
}

/// A witness being read; sections come in one order.
struct Reading {
    witness: Witness,
    section: u8,
}

impl Reading {
    fn take(&mut self, line: &str) -> Option<()> {
        let mut fields = line.split(' ');
        let name = fields.next()?;
        let rest: Vec<&str> = fields.collect();
        let link = LINKS.iter().find(|(_, word)| *word == name).map(|(link, _)| *link);
        let section = match (name, link) {
            ("definitions", _) if self.witness.tables.is_empty() => 0,
            ("table", _) => 0,
            ("cell", _) => 1,
            ("rest" | "known", _) => 2,
            (_, Some(_)) => 3,
            ("world", _) => 4,
            ("proof", _) => 5,
            _ => return None,
        };
        if section < self.section {
            return None;
        }
        self.section = section;
        let w = &mut self.witness;
        match section {
            0 if name == "definitions" => {
                let [version] = rest.as_slice() else { return None };
                w.definitions = number(version)?;
            }
            0 => w.tables.push(table(&rest)?),
            1 => w.cells.push(cell(&rest, &w.tables)?),
            2 => {
                let counts: Vec<u32> = rest.iter().map(|text| number(text)).collect::<Option<_>>()?;
                let rest = match counts[..] {
                    [n] => CellEntry::rest(n),
                    [n, families, largest] => CellEntry { families, largest, ..CellEntry::rest(n) },
                    _ => return None,
                };
                let print = if name == "known" { Print::Known } else { rest.print };
                w.cells.push(CellEntry { print, ..rest });
            }
            3 => {
                let cells: Vec<usize> = rest.iter().map(|text| place(text)).collect::<Option<_>>()?;
                let (&total, parts) = cells.split_first()?;
                w.relations.push(RelationEntry { link: link?, total, parts: parts.to_vec() });
            }
            4 => w.worlds.push(world(&rest)?),
            _ => {
                let [cell, low, high] = rest.as_slice() else { return None };
                w.proofs.push(Proof { cell: place(cell)?, low: place(low)?, high: place(high)? });
            }
        }
        Some(())
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| *n <= MOST)
}

fn place(text: &str) -> Option<usize> {
    number(text).and_then(|n| usize::try_from(n).ok())
}

/// A name: visible ASCII.
fn word(text: &str) -> Option<String> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())).then(|| text.to_owned())
}

fn table(fields: &[&str]) -> Option<TableEntry> {
    let [state, certificate, indicator, version, period, horizon, by @ ..] = fields else { return None };
    let (state, _) = *STATES.iter().find(|(_, word)| word == state)?;
    let certificate = if *certificate == "-" { None } else { Some(Digest::from_hex(certificate)?) };
    let by = by.iter().map(|name| Dimension::parse(name)).collect::<Option<_>>()?;
    let query = TableQuery { indicator: IndicatorId::parse(indicator)?, period: Period::parse(period).ok()?, by };
    Some(TableEntry { state, certificate, query, version: word(version)?, horizon: Day::parse(horizon).ok()? })
}

fn cell(fields: &[&str], tables: &[TableEntry]) -> Option<CellEntry> {
    let [table, kind, n, families, largest, print, series, measure, key @ ..] = fields else { return None };
    let table = place(table)?;
    let of = tables.get(table)?;
    let shown = *kind == "shown";
    let may_be_shown = matches!(of.state, TableState::New | TableState::Earlier | TableState::Replaced);
    if !(shown && may_be_shown || *kind == "hidden") || key.len() != of.query.by.len() {
        return None;
    }
    let print = match *print {
        "x" => Print::Suppressed,
        "-" => Print::Impossible,
        "=" => Print::Known,
        "~" => Print::Elsewhere,
        v => Print::Value(number(v)?),
    };
    let key = key.iter().map(|value| word(value)).collect::<Option<_>>()?;
    let name = CellName { table, shown, series: word(series)?, measure: word(measure)?, key };
    Some(CellEntry { name: Some(name), n: number(n)?, families: number(families)?, largest: number(largest)?, print })
}

/// Differences, by cell ascending, none of them 0.
fn world(fields: &[&str]) -> Option<Vec<(usize, i64)>> {
    let mut moves: Vec<(usize, i64)> = Vec::with_capacity(fields.len());
    for field in fields {
        let (cell, by) = field.split_once(':')?;
        let (cell, by) = (place(cell)?, by.parse::<i64>().ok()?);
        if by == 0 || by.unsigned_abs() > u64::from(MOST) || moves.last().is_some_and(|(last, _)| *last >= cell) {
            return None;
        }
        moves.push((cell, by));
    }
    Some(moves)
}
