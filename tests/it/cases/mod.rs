//! Exchange about one child: delivery of fields, and what organisations ask, send and refuse.

mod fields;
pub mod world;
