//! Columns from the rows of the journal: a register says which rows count and in which order, and one pass over the
//! journal puts their events in place. Nothing but the columns is kept, so memory stays small with many events.

use super::core::CoreError;
use super::memory::InvalidState;
use super::rows;
use crate::domain::register::RowRef;
use crate::domain::row::RowKind;
use crate::indicator::columns::{Columns, ColumnsBuilder};
use crate::storage::state::{StateKind, StateStore};

/// The columns of the events in these rows, in the order given.
///
/// # Errors
/// When the journal cannot be read or lacks one of the rows.
pub(in crate::service) fn columns_of(state: &StateStore, stored: &[RowRef]) -> Result<Columns, CoreError> {
    if stored.is_empty() {
        return Ok(Columns::default());
    }
    let mut placing = Placing::new(stored);
    state.replay::<CoreError>(|_, kind, body| Ok(placing.take(kind, &body)?))?;
    placing.finish().ok_or_else(|| InvalidState::Record("regel").into())
}

struct Placing<'a> {
    stored: &'a [RowRef],
    /// Places in `stored`, in the order in which their rows come by.
    order: Vec<u32>,
    /// How many of them have come by.
    placed: usize,
    /// The delivery that comes next, refused ones counted, and the one that is read.
    deliveries: u32,
    at: RowRef,
    builder: ColumnsBuilder,
}

impl<'a> Placing<'a> {
    fn new(stored: &'a [RowRef]) -> Self {
        let mut order: Vec<u32> = (0_u32..).take(stored.len()).collect();
        order.sort_unstable_by_key(|&place| stored[place as usize]);
        let at = RowRef { delivery: 0, row: 0 };
        Self { stored, order, placed: 0, deliveries: 0, at, builder: ColumnsBuilder::with_room_for(stored.len()) }
    }

    fn take(&mut self, kind: StateKind, body: &[u8]) -> Result<(), InvalidState> {
        match kind {
            StateKind::DeliveryHead => {
                self.at = RowRef { delivery: self.deliveries, row: 0 };
                self.deliveries += 1;
            }
            StateKind::DeliveryRefused => self.deliveries += 1,
            StateKind::Rows => {
                for record in rows::unpack(body) {
                    let record = record?;
                    while let Some(place) = self.next_if_here() {
                        let RowKind::Accepted(accepted) = &record.kind else { break };
                        self.builder.place(place, &accepted.event);
                        self.placed += 1;
                    }
                    self.at.row += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn next_if_here(&self) -> Option<usize> {
        let place = *self.order.get(self.placed)? as usize;
        (self.stored[place] == self.at).then_some(place)
    }

    fn finish(self) -> Option<Columns> {
        (self.placed == self.order.len()).then(|| self.builder.finish())
    }
}
