//! Deliveries as the node holds them: what came, what became of its rows, and which rows somebody can mend.

use std::collections::BTreeMap;

use super::core::Core;
use crate::domain::register::DeliveryHead;
use crate::intake::advice_on;

/// A delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivered {
    /// Its number, from 0 in the order in which they came.
    pub number: u32,
    /// Its file and when it came.
    pub head: DeliveryHead,
    /// Rows that are held of it.
    pub rows: u32,
    /// Whether it was refused whole.
    pub refused: bool,
}

/// A row that wants mending at its source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repair {
    /// Line in the file; the header is line 1.
    pub line: u32,
    /// The rule that it broke.
    pub rule: &'static str,
    /// What to do, in Dutch.
    pub advice: &'static str,
}

/// What became of a delivery by now; later deliveries may have superseded its rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fate {
    /// The delivery.
    pub delivered: Delivered,
    /// Rows per class of outcome; only classes that occur.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Rows per rule of a repair or quarantine.
    pub rules: BTreeMap<&'static str, u64>,
    /// Every row that wants mending, in the order of the file.
    pub repairs: Vec<Repair>,
}

impl Core {
    /// Every delivery, the newest first; none while one is being taken in.
    #[must_use]
    pub fn deliveries(&self) -> Option<Vec<Delivered>> {
        let register = self.try_writing()?;
        let one = |number| {
            let (head, rows, refused) = register.delivery(number)?;
            Some(Delivered { number, head: head.clone(), rows, refused })
        };
        Some((0..register.deliveries()).rev().filter_map(one).collect())
    }

    /// What became of a delivery: the outer none while one is being taken in, the inner one when there is no such delivery.
    #[must_use]
    pub fn fate_of(&self, number: u32) -> Option<Option<Fate>> {
        let mut register = self.try_writing()?;
        let Some((head, rows, refused)) = register.delivery(number) else { return Some(None) };
        let delivered = Delivered { number, head: head.clone(), rows, refused };
        let (mut outcomes, mut rules, mut repairs) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (line, outcome) in register.delivery_outcomes(number) {
            let Some(outcome) = outcome else { continue };
            *outcomes.entry(outcome.class()).or_default() += 1;
            if let Some(rule) = outcome.rule() {
                *rules.entry(rule).or_default() += 1;
                repairs.extend(advice_on(outcome).map(|advice| Repair { line, rule, advice }));
            }
        }
        Some(Some(Fate { delivered, outcomes, rules, repairs }))
    }
}
