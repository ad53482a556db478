//! Everything that lasts: append-only journals (the truth), the sealed `state` journal, small files and the lock of a
//! directory. The sled index beside them can be deleted at any time.

pub mod accounts;
pub mod audit;
pub mod disk;
pub mod files;
pub mod inbox;
pub mod index;
pub mod journal;
pub mod lock;
pub mod log;
pub mod state;
pub mod subjects;
pub mod witness;
