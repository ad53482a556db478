//! From columns of events to raw tables: the small programs of `definitions.md` 3. The one room that mints `RawTable`.

mod anchors;
mod catalog;
pub mod columns;
pub mod compute;
pub mod definition;
mod family;
mod follow;
pub mod linked;
mod periods;
pub mod quality;
pub mod raw;
mod relation;
pub mod relations;
pub mod release;
pub mod scan;
pub mod shares;
mod sheet;
pub mod stage;
mod steps;
pub mod sums;
mod texts;
mod view;
mod volume;
