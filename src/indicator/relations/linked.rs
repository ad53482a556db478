//! Relations between the measures of one series and cell that the gate counts from linked rows.

use super::super::follow::{BOTH, KNOWN};
use super::super::release::{bin_measure, days_of};
use super::{Book, CellRef};
use crate::domain::query::{IndicatorId, TableQuery};

impl Book<'_> {
    /// Measures of one series and cell.
    pub(super) fn within_linked(&mut self, table: &TableQuery, key: &[String]) {
        use IndicatorId as I;
        for series in self.release.series(table.indicator) {
            let series = series.name.as_str();
            let cell = |book: &Self, measure: &str| book.cell(table, series, measure, key);
            let cells = |book: &Self, measures: &[&str]| -> Vec<Option<CellRef>> {
                measures.iter().map(|m| book.cell(table, series, m, key)).collect()
            };
            let chain = |book: &mut Self, measures: &[&str]| {
                for pair in measures.windows(2) {
                    book.nested(cell(book, pair[0]), cell(book, pair[1]));
                }
            };
            match table.indicator {
                I::Ind05 | I::Ind10 | I::Ind13 => {
                    self.bins_of(table, series, "teller", key);
                    chain(self, &["teller", "noemer"]);
                }
                I::Ind09 => {
                    self.bins_of(table, series, "n_met_start_365", key);
                    chain(self, &["teller", "n_met_start_365", "noemer"]);
                }
                I::Ind11 => {
                    let [linked, reason] = ["gekoppeld_zonder_07", "reden07_zonder_koppeling"];
                    self.sum(cell(self, "teller_gekoppeld"), cells(self, &[BOTH, linked]));
                    self.sum(cell(self, "teller_reden07"), cells(self, &[BOTH, reason]));
                    // How many of the ends have reason 07 is told, and guarded, by the outflow.
                    chain(self, &["teller_gekoppeld", "noemer"]);
                    for (inner, outer) in [(linked, "teller_gekoppeld"), (reason, "teller_reden07")] {
                        chain(self, &[inner, outer]);
                    }
                }
                I::Ind12 => {
                    self.sum(cell(self, "teller"), cells(self, &KNOWN));
                    chain(self, &["teller", "noemer"]);
                }
                I::Ind14 => {
                    self.sum(cell(self, "n_overdrachten"), cells(self, &["n_gekoppeld", "n_zonder_overname"]));
                    self.sum(cell(self, "n_gekoppeld"), cells(self, &["overlap", "gat_0", "gat_gt0"]));
                    chain(self, &["gat_gt30", "gat_gt5", "gat_gt0"]);
                }
                _ => {}
            }
        }
    }

    /// The bins of a series make up a measure.
    fn bins_of(&mut self, table: &TableQuery, series: &str, measure: &str, key: &[String]) {
        let Some(days) = days_of(table.indicator, series) else { return };
        let bins = self.release.bin_cut(table.indicator, days).bins();
        let bins = bins.iter().map(|bin| self.cell(table, series, &bin_measure(bin), key)).collect();
        self.sum(self.cell(table, series, measure, key), bins);
    }
}
