//! Exchange about one child: delivery of fields, and what organisations ask, send and refuse.

mod alike;
mod apps;
mod exchange;
mod fields;
mod network;
mod scenes;
pub mod world;
