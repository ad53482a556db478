//! Exchange about one child: what the node holds for it, and (docs/formats/case.md) how it is asked, decided and sent.

pub mod deliver;
pub mod memory;
pub mod wire;
