//! From columns of events to raw tables: the small programs of `definitions.md` 3. The one room that mints `RawTable`.

pub mod raw;
