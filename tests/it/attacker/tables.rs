//! The attacker against printed tables: reads their JSON, knows what the definitions say in words, nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Law, Puzzle, Seen, pinned};

/// A number of a report: indicator, period, dimensions, series, measure, values of the dimensions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Name {
    pub indicator: String,
    pub period: String,
    pub by: Vec<String>,
    pub series: String,
    pub measure: String,
    pub key: Vec<String>,
}

impl Name {
    /// Children summed over organisations obey what children of one organisation obey.
    pub fn of_children(self) -> Self {
        let measure = self.measure.replace("n_som_organisaties", "n_kinderen");
        Self { measure, ..self }
    }
}

/// The numbers of all tables and everything that is known about them.
#[derive(Default)]
pub struct Board {
    pub puzzle: Puzzle,
    pub at: BTreeMap<Name, usize>,
    /// Rests of pairs: (rest, inner, outer).
    pub rests: Vec<(usize, usize, usize)>,
    /// What the organisations that print nothing hold of a sum over organisations.
    pub hidden: BTreeMap<Name, usize>,
}

/// A small number that the attacker found out.
#[derive(Debug)]
#[expect(dead_code, reason = "read through Debug when an attack succeeds")]
pub struct Find {
    pub what: String,
    pub truth: i64,
    pub bounds: super::Bounds,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn seen(row: &Value) -> Option<Seen> {
    match (row["value"].as_i64(), row["mark"].as_str()) {
        (Some(v), _) => Some(Seen::Number(v)),
        (None, Some("x")) => Some(Seen::Unknown),
        (None, Some("-")) => Some(Seen::Zero),
        _ => None,
    }
}

/// The part of a sum that organisations printed: each of them is at most 2 off and at least 10, and the distance of
/// `low` tells how many they are.
fn printed_part(row: &Value) -> Option<Seen> {
    let (value, low) = (row["value"].as_i64()?, row["low"].as_i64()?);
    let printed = (value - low) / 2;
    Some(Seen::Between(low.max(10 * printed), value + 2 * printed))
}

fn days(measure: &str) -> Option<i64> {
    let range = measure.strip_prefix("bin:")?;
    range.split_once('-').map_or(Some(i64::MAX), |(_, to)| to.parse().ok())
}

fn norm(indicator: &str, series: &str) -> i64 {
    match (indicator, series) {
        ("IND-08P", _) | (_, "GI_PLAN") => 42,
        (_, "VT_ONDERZOEK") => 70,
        (_, "RVDK_WACHT") => 10,
        (_, "RVDK_ONDERZOEK") => -1,
        _ => 5,
    }
}

/// Whether every unit has exactly one cell of a breakdown.
fn one_cell(indicator: &str, series: &str) -> bool {
    match indicator {
        "IND-01" | "IND-02" => false,
        "IND-03" => matches!(series, "LOKAAL|OTS" | "LOKAAL|VOTS" | "LOKAAL|PJB"),
        _ => true,
    }
}

impl Board {
    /// Reads tables as they were printed.
    pub fn read(tables: &[Value]) -> Self {
        let mut board = Self::default();
        for table in tables {
            let by: Vec<String> = table["by"].as_array().expect("by").iter().map(text).collect();
            for row in table["rows"].as_array().expect("rows") {
                let measure = text(&row["measure"]);
                let count = !matches!(measure.as_str(), "mediaan" | "p80" | "pct_binnen_norm");
                let key = by.iter().map(|d| text(&row["key"][d])).collect();
                let (indicator, period) = (text(&table["indicator"]), text(&table["period"]));
                let series = text(&row["series"]);
                let mut name = Name { indicator, period, by: by.clone(), series, measure, key };
                if table["scope"] == "optelling" || table["scope"] == "som" {
                    name = name.of_children();
                }
                if let Some(seen) = seen(row).filter(|_| count) {
                    let place = board.unknown();
                    match printed_part(row) {
                        None => board.puzzle.seen[place] = seen,
                        Some(part) if !row["high"].is_null() => board.puzzle.seen[place] = part,
                        Some(part) => {
                            let (known, hidden) = (board.unknown(), board.unknown());
                            board.puzzle.seen[known] = part;
                            board.puzzle.equal(place, &[known, hidden]);
                            board.hidden.insert(name.clone(), hidden);
                        }
                    }
                    assert!(board.at.insert(name, place).is_none(), "a number is printed twice");
                }
            }
        }
        board.breakdowns();
        board.areas();
        board.time();
        board.series();
        board.bins();
        board.linked();
        board.bases();
        board
    }

    fn unknown(&mut self) -> usize {
        self.puzzle.seen.push(Seen::Unknown);
        self.puzzle.seen.len() - 1
    }

    fn inside(&mut self, inner: usize, outer: usize) {
        let rest = self.unknown();
        self.puzzle.equal(outer, &[inner, rest]);
        self.rests.push((rest, inner, outer));
    }

    /// The total is the sum of the parts, or is covered by them.
    fn parts(&mut self, sum: bool, total: usize, parts: &[usize]) {
        if sum {
            self.puzzle.equal(total, parts);
        } else {
            self.puzzle.at_most(total, parts);
        }
        // With one part nothing is left, with two the other part is what is left.
        let rests = if sum { parts.len() > 2 } else { parts.len() > 1 };
        if rests {
            parts.iter().for_each(|&part| self.inside(part, total));
        } else if !sum {
            parts.iter().for_each(|&part| self.puzzle.inside(part, total));
        }
    }

    fn names(&self) -> Vec<(Name, usize)> {
        self.at.iter().map(|(n, i)| (n.clone(), *i)).collect()
    }

    /// Cells that can be something, of those that `pick` maps to a group.
    fn groups(&self, pick: impl Fn(&Name) -> Option<Name>) -> BTreeMap<Name, Vec<usize>> {
        let mut groups: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
        for (name, &i) in &self.at {
            if let Some(group) = pick(name).filter(|_| self.puzzle.seen[i] != Seen::Zero) {
                groups.entry(group).or_default().push(i);
            }
        }
        groups
    }

    fn tie(&mut self, groups: BTreeMap<Name, Vec<usize>>, sum: impl Fn(&Name) -> bool) {
        for (name, parts) in groups {
            if let Some(&total) = self.at.get(&name).filter(|&&t| self.puzzle.seen[t] != Seen::Zero) {
                self.parts(sum(&name) || parts.len() == 1, total, &parts);
            }
        }
    }

    fn breakdowns(&mut self) {
        let dimensions: BTreeSet<Vec<String>> = self.at.keys().map(|n| n.by.clone()).collect();
        for by in dimensions {
            for place in 0..by.len() {
                let without = |n: &Name| {
                    let mut coarser = n.clone();
                    coarser.by.remove(place);
                    coarser.key.remove(place);
                    coarser
                };
                let groups = self.groups(|n| (n.by == by).then(|| without(n)));
                self.tie(groups, |n| one_cell(&n.indicator, &n.series));
            }
        }
    }

    /// An area says which municipalities lie in it: `steden:0141+0153`.
    fn areas(&mut self) {
        let mut inside: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
        for (name, _) in self.names() {
            // In a table the area is the last dimension, the municipality the first.
            let Some((codes, by)) = name.key.last().zip(name.by.split_last()).and_then(|(key, (last, by))| {
                Some((key.split_once(':')?.1.split('+'), by)).filter(|_| last == "gebied")
            }) else {
                continue;
            };
            let with = |first: &str, rest: &[String]| [&[first.to_owned()], rest].concat();
            let key = &name.key[..by.len()];
            let town = |code: &str| Name { by: with("gemeente", by), key: with(code, key), ..name.clone() };
            let parts = codes.filter_map(|code| self.at.get(&town(code)).copied());
            let parts: Vec<usize> = parts.filter(|&i| self.puzzle.seen[i] != Seen::Zero).collect();
            inside.extend(Some((name.clone(), parts)).filter(|(_, parts)| !parts.is_empty()));
        }
        self.tie(inside, |n| one_cell(&n.indicator, &n.series));
    }

    fn time(&mut self) {
        let of = |n: &Name| {
            let (year, quarter) = n.period.split_once('-')?;
            let last = matches!(n.indicator.as_str(), "IND-03" | "IND-17");
            (!last || quarter == "Q4").then(|| Name { period: year.to_owned(), ..n.clone() })
        };
        for (name, mut quarters) in self.groups(of) {
            let Some(&year) = self.at.get(&name) else { continue };
            match name.indicator.as_str() {
                "IND-03" | "IND-17" => self.puzzle.equal(year, &quarters),
                "IND-01" | "IND-02" => {
                    quarters.iter().for_each(|&q| self.inside(q, year));
                    // Children with a date of which only the year is known.
                    let year_only = self.unknown();
                    quarters.push(year_only);
                    self.puzzle.at_most(year, &quarters);
                }
                "IND-05" | "IND-09" | "IND-10" | "IND-11" | "IND-13" | "IND-14" => self.puzzle.at_most(year, &quarters),
                _ => self.parts(true, year, &quarters),
            }
        }
    }

    fn series(&mut self) {
        let with = |n: &Name, series: &str| Some(Name { series: series.to_owned(), ..n.clone() });
        let whole = |n: &Name| match (n.indicator.as_str(), n.series.as_str()) {
            ("IND-01" | "IND-02", "OTS" | "VOTS" | "VOOGDIJ") => with(n, "JB"),
            ("IND-03", "LOKAAL|OTS" | "LOKAAL|VOTS" | "LOKAAL|VOOGDIJ") => with(n, "LOKAAL|JB"),
            _ => None,
        };
        let reasons = |n: &Name| if n.indicator == "IND-02" { with(n, n.series.split_once('|')?.0) } else { None };
        let duration = |n: &Name| if n.indicator == "IND-10" && n.series != "ALLE" { with(n, "ALLE") } else { None };
        for groups in [self.groups(whole), self.groups(reasons), self.groups(duration)] {
            self.tie(groups, |n| n.indicator == "IND-10");
        }
        for (name, short) in self.names().into_iter().filter(|(n, _)| n.series == "MAATREGEL_12M") {
            if let Some(&long) = with(&name, "MAATREGEL_24M").and_then(|n| self.at.get(&n)) {
                self.inside(short, long);
            }
        }
    }

    fn bins(&mut self) {
        let with = |n: &Name, measure: &str| Some(Name { measure: measure.to_owned(), ..n.clone() });
        let all = |n: &Name| {
            days(&n.measure)
                .and_then(|_| with(n, if n.indicator == "IND-06" || n.indicator == "IND-17" { "n" } else { "noemer" }))
        };
        for (name, mut bins) in self.groups(all) {
            let Some(&total) = self.at.get(&name) else { continue };
            if name.measure == "noemer" {
                // Open and already late: counted, without a duration.
                bins.push(self.unknown());
            }
            self.parts(true, total, &bins);
        }
        let within = |n: &Name| {
            let norm = norm(&n.indicator, &n.series);
            let inside = days(&n.measure).is_some_and(|to| to <= norm) && n.indicator != "IND-17";
            inside.then(|| with(n, if n.indicator == "IND-06" { "binnen_norm" } else { "teller" })).flatten()
        };
        for (name, bins) in self.groups(within) {
            let Some(&within) = self.at.get(&name) else { continue };
            self.parts(true, within, &bins);
            let whole = with(&name, if name.indicator == "IND-06" { "n" } else { "noemer" });
            if let Some(&whole) = whole.and_then(|n| self.at.get(&n)) {
                self.inside(within, whole);
            }
        }
    }

    /// What the gate counts of linked rows: sums (one of them with a part that is never printed), and one inside another.
    fn linked(&mut self) {
        let with = |n: &Name, measure: &str| Name { measure: measure.to_owned(), ..n.clone() };
        for (total, place) in self.names() {
            let parts: &[&str] = match (total.indicator.as_str(), total.measure.as_str()) {
                ("IND-11", "teller_gekoppeld") => &["gekoppeld_zonder_07"],
                ("IND-12", "teller") => &["bekend_0-3_mnd", "bekend_3-12_mnd", "bekend_12-24_mnd"],
                ("IND-14", "n_overdrachten") => &["n_gekoppeld", "n_zonder_overname"],
                ("IND-14", "n_gekoppeld") => &["overlap", "gat_0", "gat_gt0"],
                _ => &[],
            };
            let mut parts: Vec<usize> =
                parts.iter().filter_map(|part| self.at.get(&with(&total, part)).copied()).collect();
            if total.indicator == "IND-11" && !parts.is_empty() {
                parts.push(self.unknown());
            }
            let of_bins = match total.indicator.as_str() {
                "IND-05" | "IND-10" | "IND-13" => "teller",
                "IND-09" => "n_met_start_365",
                _ => "",
            };
            if total.measure == of_bins {
                let bins = self.at.iter().filter(|(n, _)| days(&n.measure).is_some() && with(n, of_bins) == total);
                parts.extend(bins.map(|(_, place)| *place));
            }
            if !parts.is_empty() {
                self.parts(true, place, &parts);
            }
            let outer = match (total.indicator.as_str(), total.measure.as_str()) {
                ("IND-05" | "IND-12", "teller") | ("IND-09", "n_met_start_365") => "noemer",
                ("IND-09", "teller") => "n_met_start_365",
                ("IND-14", "gat_gt30") => "gat_gt5",
                ("IND-14", "gat_gt5") => "gat_gt0",
                _ => continue,
            };
            if let Some(&outer) = self.at.get(&with(&total, outer)) {
                self.inside(place, outer);
            }
        }
    }

    /// This attacker has heard how many children each step of linked figures begins with, where that is no small number.
    pub fn hear_who_began(&mut self, truth: &BTreeMap<Name, i64>) -> usize {
        let mut heard = 0;
        for (name, inner) in
            self.names().into_iter().filter(|(n, _)| matches!(&*n.measure, "teller" | "teller_gekoppeld"))
        {
            let began = Name { measure: "noemer".to_owned(), ..name };
            if let Some(&exact) = truth.get(&began).filter(|q| **q >= 10 && !self.at.contains_key(&began)) {
                let began = self.unknown();
                self.puzzle.seen[began] = Seen::Between(exact, exact);
                self.inside(inner, began);
                heard += 1;
            }
        }
        heard
    }

    fn bases(&mut self) {
        for (name, inner) in self.names() {
            let base = match (name.indicator.as_str(), name.series.as_str()) {
                ("IND-05", "VT->RVDK") => ("IND-01", "VT_MELDING"),
                ("IND-05", "LT->GI") => ("IND-01", "LT_START"),
                ("IND-10", "ALLE") => ("IND-01", "PJB"),
                ("IND-11", "ALLE") => ("IND-02", "VOTS"),
                ("IND-13", "VT_HERMELDING_12M") => ("IND-01", "VT_MELDING"),
                ("IND-13", _) => ("IND-02", "JB"),
                _ => continue,
            };
            let (indicator, series) = (base.0.to_owned(), base.1.to_owned());
            let outer = Name { indicator, series, measure: "n_kinderen".to_owned(), ..name };
            if let Some(&outer) = self.at.get(&outer) {
                self.inside(inner, outer);
            }
        }
    }

    /// IND-07 and IND-08 start from the same trajectories and differ only by those that lack a usable duration in one of them.
    /// This attacker has heard how many those are.
    pub fn hear_who_is_left_out(&mut self, truth: &BTreeMap<Name, i64>) {
        for (name, worker) in self.names().into_iter().filter(|(n, _)| n.indicator == "IND-07" && n.measure == "noemer")
        {
            let contact = Name { indicator: "IND-08".to_owned(), ..name.clone() };
            if let Some(&other) = self.at.get(&contact) {
                let apart = Some(truth[&name] - truth[&contact]);
                self.puzzle.laws.push(Law { terms: vec![(worker, 1), (other, -1)], low: apart, high: apart });
            }
        }
    }

    /// Every small number that the attacker pins, rests included; `truth` gives the exact counts. At most `programs`
    /// cells, the ones with the tightest cheap bounds, are attacked with integer programs.
    pub fn attack(&self, truth: &BTreeMap<Name, i64>, programs: usize) -> Vec<Find> {
        let name_of: BTreeMap<usize, &Name> = self.at.iter().map(|(n, i)| (*i, n)).collect();
        let exact = |i: usize| name_of.get(&i).and_then(|n| truth.get(*n)).copied();
        let printed = name_of.iter().map(|(&i, n)| (i, format!("{n:?}"), exact(i)));
        let name_of_hidden = |n: &Name| Name { measure: format!("hidden {}", n.measure), ..n.clone() };
        let hidden = self.hidden.iter().map(|(name, &i)| {
            let name = name_of_hidden(name);
            (i, format!("{name:?}"), truth.get(&name).copied())
        });
        let rest = |&(rest, inner, outer): &(usize, usize, usize)| {
            let what = format!("{:?} without {:?}", name_of.get(&outer), name_of.get(&inner));
            (rest, what, exact(outer).zip(exact(inner)).map(|(a, b)| a - b))
        };
        let cheap = self.puzzle.propagate(60);
        let possible = |&(low, high): &super::Bounds| high.is_none_or(|high| low <= high);
        assert!(cheap.iter().all(possible), "the laws that the attacker believes hold for the printed figures");
        let mut targets: Vec<(i64, usize, String, i64)> = printed
            .chain(hidden)
            // A rest of what the definition makes 0 is 0 for everybody.
            .chain(self.rests.iter().filter(|r| self.puzzle.seen[r.2] != Seen::Zero).map(rest))
            .filter(|(i, _, _)| self.puzzle.seen[*i] == Seen::Unknown)
            .filter_map(|(i, what, exact)| Some((i, what, exact.filter(|&q| q < 10)?)))
            .map(|(i, what, q)| (cheap[i].1.map_or(i64::MAX, |high| high - cheap[i].0), i, what, q))
            .collect();
        targets.sort();
        let mut found = Vec::new();
        for (n, (_, i, what, truth)) in targets.into_iter().enumerate() {
            let mut bounds = cheap[i];
            if !pinned(truth, bounds) && n < programs {
                let most = self.puzzle.extreme(&cheap, i, true);
                bounds = (self.puzzle.extreme(&cheap, i, false), Some(most));
            }
            if pinned(truth, bounds) {
                found.push(Find { what, truth, bounds });
            }
        }
        found
    }
}
