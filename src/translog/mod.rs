//! The transfer log as pure functions: entry bytes, Merkle tree, checkpoints, tiles, exports and their verification.
//!
//! Nothing here reads a clock or touches a disk: bytes come in as arguments and go out through closures, so that the same
//! code serves the node, an auditor with only an export, and the tests. `docs/formats/transfer-log.md` is the byte-exact
//! description; `storage::log` makes entries durable.

pub mod audit;
pub mod checkpoint;
pub mod clock;
pub mod cosignature;
pub mod entry;
pub mod export;
pub mod merkle;
pub mod note;
pub mod receipt;
pub mod reconcile;
pub mod sealed;
pub mod standards;
pub mod tiles;
pub mod verify;
pub mod witness;
