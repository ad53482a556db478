//! One walk over the rows of every delivery in the state journal.

use super::core::CoreError;
use super::memory::InvalidState;
use super::rows;
use crate::domain::register::RowRef;
use crate::domain::row::RowRecord;
use crate::storage::state::{StateKind, StateStore};

/// Shows `visit` each row with where it is; refused deliveries are numbered too and have no rows.
///
/// # Errors
/// When the journal cannot be read, or `visit` says so.
pub(in crate::service) fn each_row(
    state: &StateStore,
    visit: &mut dyn FnMut(RowRef, &RowRecord) -> Result<(), InvalidState>,
) -> Result<(), CoreError> {
    // The delivery that comes next, and the row that is read.
    let mut deliveries = 0;
    let mut at = RowRef { delivery: 0, row: 0 };
    state.replay::<CoreError>(|_, kind, body| {
        match kind {
            StateKind::DeliveryHead => {
                at = RowRef { delivery: deliveries, row: 0 };
                deliveries += 1;
            }
            StateKind::DeliveryRefused => deliveries += 1,
            StateKind::Rows => {
                for record in rows::unpack(&body) {
                    visit(at, &record.map_err(InvalidState::from)?)?;
                    at.row += 1;
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(())
}
