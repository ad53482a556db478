//! IND-24: the data-quality counts of one organisation (definitions 1.4), and the window that its data covers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Day, EventType, LEFT_OUT, Outcome, Register};

/// Every number of IND-24; the names are those of definitions 1.4.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Quality {
    /// Rows read.
    pub regels: u64,
    /// Rows per outcome class; every class is there.
    #[serde(flatten)]
    pub uitkomst: BTreeMap<&'static str, u64>,
    /// Rows per rule of a repair or quarantine; rules without rows are not there.
    pub regel: BTreeMap<&'static str, u64>,
    /// Deliveries refused whole.
    pub geweigerde_bestanden: u64,
    /// Stored events with an imprecise or unknown date.
    pub opgeslagen_onnauwkeurig: u64,
    /// Stored events with an exact date, registered later than 21 days after its quarter.
    pub opgeslagen_te_laat: u64,
}

/// The first and last day that the deliveries cover: the data start F and horizon H of definitions 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataWindow {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// Whether it was derived from the rows, because no delivery stated its window.
    pub derived: bool,
}

impl Register {
    /// The data-quality counts over all deliveries.
    pub fn quality(&mut self) -> Quality {
        self.settle();
        let mut quality = Quality {
            uitkomst: Outcome::CLASSES.iter().map(|class| (*class, 0)).collect(),
            geweigerde_bestanden: self.deliveries.iter().map(|d| u64::from(d.refused)).sum(),
            ..Quality::default()
        };
        let mut by_code = [0_u64; 256];
        for code in &self.outcomes {
            by_code[usize::from(*code)] += 1;
        }
        for (code, n) in (0_u8..LEFT_OUT).zip(by_code).filter(|(_, n)| *n > 0) {
            let Some(outcome) = Outcome::from_code(code) else { continue };
            quality.regels += n;
            *quality.uitkomst.entry(outcome.class()).or_default() += n;
            if let Some(rule) = outcome.rule() {
                *quality.regel.entry(rule).or_default() += n;
            }
        }
        for slot in 0..self.live.slots() {
            let event = self.live.at(slot);
            if event.is_live() && self.outcomes[event.row as usize] != Outcome::Dubbel.code() {
                quality.opgeslagen_onnauwkeurig += u64::from(event.is_imprecise());
                quality.opgeslagen_te_laat += u64::from(event.is_late());
            }
        }
        quality
    }

    /// Events that stand only in quarantine and would have closed a stock or a wait ([`EventType::closes`]), per type:
    /// they are shown beside each figure that they inflate. An `event_id` counts once, and not when it is live.
    #[must_use]
    pub fn closing_in_quarantine(&self) -> BTreeMap<EventType, u32> {
        let last: BTreeMap<u128, EventType> =
            self.closing.iter().map(|(event_id, event_type, _)| (*event_id, *event_type)).collect();
        let mut counts = BTreeMap::new();
        for (_, event_type) in last.into_iter().filter(|(event_id, _)| !self.is_live(*event_id)) {
            *counts.entry(event_type).or_default() += 1;
        }
        counts
    }

    /// The window of the data: the earliest first and latest last day that accepted deliveries state, or else the first
    /// `datum` and the last registration day of accepted rows. None without both.
    #[must_use]
    pub fn window(&self) -> Option<DataWindow> {
        let stated = self.deliveries.iter().filter(|d| !d.refused).filter_map(|d| d.head.window);
        let stated = stated.reduce(|(from, to), (f, t)| (from.min(f), to.max(t)));
        stated
            .map(|(from, to)| DataWindow { from, to, derived: false })
            .or_else(|| self.span[0].map(|(from, to)| DataWindow { from, to, derived: true }))
    }
}
