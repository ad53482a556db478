//! Exchange about one child: what the node holds for it, and (docs/formats/case.md) how it is asked, decided and sent.

pub mod answer;
pub mod ask;
pub mod deliver;
pub mod exits;
mod facts;
pub mod inbox;
pub mod log;
pub mod memory;
pub mod messages;
pub mod offer;
pub(in crate::service) mod watch;
pub mod wire;
