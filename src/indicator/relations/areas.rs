//! The level between municipality and region: an area and the municipalities in it.

use std::collections::BTreeSet;

use super::{Book, in_one_cell};
use crate::domain::query::{Dimension, TableQuery};

impl Book<'_> {
    /// Cells of a table by area and those of the same table by municipality. That the areas make up the region is an ordinary
    /// breakdown.
    pub(super) fn areas(&mut self, table: &TableQuery, tables: &BTreeSet<TableQuery>) {
        let Some(place) = table.by.iter().position(|d| *d == Dimension::Gebied) else { return };
        let mut fine = table.clone();
        fine.by[place] = Dimension::Gemeente;
        fine.by.sort();
        if !tables.contains(&fine) {
            return;
        }
        let release = self.release;
        for series in release.series(table.indicator) {
            for (measure, _) in release.measures(table, &series.name) {
                for key in release.keys(&table.by) {
                    let inside = release.domains.gebied.iter().filter(|area| area.value() == key[place]);
                    let inside: Vec<&String> = inside.flat_map(|area| &area.gemeenten).collect();
                    let value = |dimension: &Dimension, gemeente: &String| match dimension {
                        Dimension::Gemeente => gemeente.clone(),
                        other => table.by.iter().position(|d| d == other).map(|p| key[p].clone()).unwrap_or_default(),
                    };
                    let part = |gemeente: &&String| {
                        let key: Vec<String> = fine.by.iter().map(|d| value(d, gemeente)).collect();
                        self.cell(&fine, &series.name, &measure, &key)
                    };
                    let parts = inside.iter().map(part).collect();
                    let total = self.cell(table, &series.name, &measure, &key);
                    self.parts(in_one_cell(table.indicator, &series.name), total, parts);
                }
            }
        }
    }
}
