//! Settlement: freezes the row set of each quarter that the convenant says is settled (docs/adr/0002).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::core::{Core, CoreError};
use super::memory::{FreezeRecord, Frozen};
use crate::domain::period::Period;
use crate::policy::permit::settles_on;
use crate::storage::state::StateKind;

impl Core {
    /// Freezes every quarter inside the data window that has settled and is not frozen yet. Called before an intake and
    /// before a release; does nothing without a convenant in force or without data.
    ///
    /// # Errors
    /// When the state journal cannot be read or written; then nothing is frozen.
    pub fn freeze_settled(&self) -> Result<(), CoreError> {
        let standing = self.standing();
        let Ok(convenants) = &standing.in_force else { return Ok(()) };
        let Some(days) = convenants.iter().map(|c| c.convenant().settlement_days).max() else { return Ok(()) };
        // Nearly always nothing has settled since, and then nobody waits for an intake that is under way.
        if self.newly_settled(days).is_empty() {
            return Ok(());
        }
        let mut register = self.writing();
        let quarters = self.newly_settled(days);
        if quarters.is_empty() {
            return Ok(());
        }
        let history = quarters.first().map(|first| first.bounds().0);
        let record = FreezeRecord { quarters, history };
        let encoded = serde_json::to_vec(&record).unwrap_or_default();
        let mut frozen = Frozen::clone(&self.memory().frozen);
        register.abandon();
        frozen.add(&record, &mut register);
        // Whatever can fail comes before the record: once it is durable, memory follows.
        frozen.read_columns(&self.state)?;
        self.state.append(StateKind::Freeze, encoded)?;
        self.change(|memory| memory.frozen = Arc::new(frozen));
        Ok(())
    }

    fn newly_settled(&self, settlement_days: u32) -> BTreeSet<Period> {
        let today = self.clock.today();
        let memory = self.memory();
        let Some(window) = memory.window else { return BTreeSet::new() };
        let (first, last) = (window.from.ymd().0, window.to.ymd().0);
        (first..=last)
            .flat_map(|year| (1..=4).map(move |q| Period::quarter(year, q)))
            .filter(|quarter| {
                let (a, b) = quarter.bounds();
                let known = memory.frozen.history.is_none_or(|day| a >= day);
                known && a >= window.from && b <= window.to && settles_on(*quarter, settlement_days) <= today
            })
            .filter(|quarter| !memory.frozen.quarters.contains(quarter))
            .collect()
    }
}
