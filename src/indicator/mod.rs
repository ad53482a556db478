//! From columns of events to raw tables: the small programs of `definitions.md` 3. The one room that mints `RawTable`.

mod catalog;
pub mod columns;
pub mod compute;
pub mod definition;
mod family;
mod follow;
mod periods;
pub mod quality;
pub mod raw;
pub mod relations;
pub mod release;
pub mod scan;
pub mod shares;
mod sheet;
mod stage;
pub mod sums;
mod view;
mod volume;
