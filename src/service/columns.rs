//! Columns from the rows of the journal: a register says which rows count and in which order, and one pass over the
//! journal puts their events in place. Nothing but the columns is kept, so memory stays small with many events.

use std::sync::Arc;

use super::core::CoreError;
use super::memory::{Frozen, InvalidState};
use super::walk::each_row;
use crate::domain::register::RowRef;
use crate::domain::row::{RowKind, RowRecord};
use crate::indicator::columns::{Columns, ColumnsBuilder};
use crate::storage::state::StateStore;

/// The columns of the events in these rows, in the order given.
///
/// # Errors
/// When the journal cannot be read or lacks one of the rows.
pub(in crate::service) fn columns_of(state: &StateStore, stored: &[RowRef]) -> Result<Columns, CoreError> {
    if stored.is_empty() {
        return Ok(Columns::default());
    }
    read(state, Placing::new(stored, false))
}

/// As [`columns_of`], built to be compared with those of other rows unit by unit.
///
/// # Errors
/// As [`columns_of`].
pub(in crate::service) fn compared_columns_of(state: &StateStore, stored: &[RowRef]) -> Result<Columns, CoreError> {
    read(state, Placing::new(stored, true))
}

impl Frozen {
    /// Reads all columns anew from the rows.
    ///
    /// # Errors
    /// As [`columns_of`].
    pub(in crate::service) fn read_columns(&mut self, state: &StateStore) -> Result<(), CoreError> {
        self.columns = Arc::new(columns_of(state, &self.rows)?);
        for revised in &mut self.revised {
            revised.columns = Arc::new(columns_of(state, &revised.rows)?);
        }
        Ok(())
    }
}

fn read(state: &StateStore, mut placing: Placing<'_>) -> Result<Columns, CoreError> {
    each_row(state, &mut |at, record| {
        placing.take(at, record);
        Ok(())
    })?;
    placing.finish().ok_or_else(|| InvalidState::Record("regel").into())
}

struct Placing<'a> {
    stored: &'a [RowRef],
    /// Places in `stored`, in the order in which their rows come by.
    order: Vec<u32>,
    /// How many of them have come by.
    placed: usize,
    builder: ColumnsBuilder,
}

impl<'a> Placing<'a> {
    fn new(stored: &'a [RowRef], compared: bool) -> Self {
        let mut order: Vec<u32> = (0_u32..).take(stored.len()).collect();
        order.sort_unstable_by_key(|&place| stored[place as usize]);
        let builder = ColumnsBuilder::with_room_for(stored.len());
        let builder = if compared { builder.compared() } else { builder };
        Self { stored, order, placed: 0, builder }
    }

    fn take(&mut self, at: RowRef, record: &RowRecord) {
        while let Some(place) = self.next_if(at) {
            let RowKind::Accepted(accepted) = &record.kind else { break };
            self.builder.place(place, &accepted.event);
            self.placed += 1;
        }
    }

    fn next_if(&self, at: RowRef) -> Option<usize> {
        let place = *self.order.get(self.placed)? as usize;
        (self.stored[place] == at).then_some(place)
    }

    fn finish(self) -> Option<Columns> {
        (self.placed == self.order.len()).then(|| self.builder.finish())
    }
}
