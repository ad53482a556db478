//! Breaks in a trend: from which period on figures cannot be laid beside those before, and why.

use std::collections::BTreeMap;
use std::fmt;

use super::figures::Figures;
use super::report::Setting;
use crate::domain::oin::Oin;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::query::IndicatorId;
use crate::domain::table::Table;

/// A break, at the first period that it holds for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Break {
    /// The period.
    pub(super) period: Period,
    /// What is different from there on, in Dutch.
    pub(super) why: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.period, self.why)
    }
}

/// What a period's totals are made of.
#[derive(Clone, PartialEq, Eq, Default)]
struct Made {
    versions: Vec<String>,
    missing: Vec<Oin>,
    sources: Vec<Oin>,
}

impl Figures<'_> {
    /// The breaks of an indicator over quarters, then over years: another definition, an organisation that did not deliver or delivered for
    /// the first time, figures that were revised.
    pub(super) fn breaks(&self, id: IndicatorId, setting: &Setting) -> Vec<Break> {
        let mut all = Vec::new();
        for kind in [PeriodKind::Quarter, PeriodKind::Year] {
            let mut periods: BTreeMap<Period, Made> = BTreeMap::new();
            let totals = self.tables_of(id).filter(|table| table.by.is_empty());
            for table in totals {
                if let Some(period) = table.period.filter(|period| period.kind() == kind) {
                    periods.entry(period).or_default().add(table);
                    all.extend(table.revision.map(|revision| Break {
                        period,
                        why: format!("herziene cijfers, uitgave {} van {}", revision.edition, revision.day),
                    }));
                }
            }
            let mut before: Option<&Made> = None;
            for (period, made) in &periods {
                let why = made.differs(before, setting);
                all.extend(why.into_iter().map(|why| Break { period: *period, why }));
                before = Some(made);
            }
        }
        all.dedup();
        all
    }
}

impl Made {
    fn add(&mut self, table: &Table) {
        self.versions.push(table.version.clone());
        self.missing.extend(&table.coverage.missing);
        self.sources.extend(&table.sources);
        self.versions.sort();
        self.versions.dedup();
        for list in [&mut self.missing, &mut self.sources] {
            list.sort();
            list.dedup();
        }
    }

    /// What is not as in the period before; of the first period only who is missing.
    fn differs(&self, before: Option<&Self>, setting: &Setting) -> Vec<String> {
        let name = |oin: &Oin| {
            let party = setting.parties.iter().find(|party| party.oin == *oin);
            party.map_or_else(|| oin.to_string(), |party| party.name.clone())
        };
        let names = |list: Vec<&Oin>| list.into_iter().map(name).collect::<Vec<_>>().join(", ");
        let mut all = Vec::new();
        if before.is_some_and(|before| before.versions != self.versions) {
            all.push(format!("definitie versie {}", self.versions.join(", ")));
        }
        let gone: Vec<&Oin> =
            self.missing.iter().filter(|oin| before.is_none_or(|before| !before.missing.contains(oin))).collect();
        if !gone.is_empty() {
            all.push(format!("zonder {}", names(gone)));
        }
        let back = self.sources.iter().filter(|oin| before.is_some_and(|before| !before.sources.contains(oin)));
        let back: Vec<&Oin> = back.filter(|oin| !self.missing.contains(oin)).collect();
        if !back.is_empty() {
            all.push(format!("voortaan met {}", names(back)));
        }
        all
    }
}
