//! Blinded linkage (docs/formats/linkage.md, docs/adr/0012): how figures about flow between organisations come about while nobody
//! holds identifiers that tie children to records.
//!
//! Each party of a run is a small machine without network, log or clock: messages go in as bytes, messages come out as bytes, or a
//! fault that says what is wrong and whose doing it is. The caller logs before anything leaves.
//!
//! | step | who | machine |
//! |---|---|---|
//! | 1 | P, Q, monitor and gate sign one document | [`document`], [`mod@line`], [`frame`] |
//! | 2 | a node blinds, P and Q multiply and prove, the node verifies and unblinds | [`node`], [`blinder`] |
//! | 3 | a node seals one bundle per child and question: its tag to the monitor, its rows and the whole to the gate | [`rows`] |
//! | 4 | the gate mixes the sealed tags of all nodes with void ones and hands them over | [`gate`], [`voids`] |
//! | 5 | the monitor says which tags are equal, and the gate puts the groups together | [`monitor`], [`gate`] |

mod believed;
pub mod blinder;
pub mod document;
mod draw;
pub mod fault;
pub mod frame;
pub mod gate;
pub mod line;
pub mod monitor;
pub mod node;
pub mod passage;
pub mod rows;
pub mod voids;

#[cfg(test)]
mod tests;
