//! The one integration binary: each module asserts behaviour through public doors.
mod attacker;
mod convenant;
mod demo;
mod indicator;
mod intake;
mod proto;
mod region;
mod relations;
mod release;
mod storage;
mod storage_index;
mod storage_kill;
mod three_nodes;
mod tidy;
mod translog;
