//! From columns of events to raw tables: the small programs of `definitions.md` 3. The one room that mints `RawTable`.

pub mod columns;
pub mod compute;
mod family;
mod follow;
pub mod raw;
mod sheet;
mod stage;
mod view;
mod volume;
