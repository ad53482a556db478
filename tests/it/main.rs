//! The one integration binary: each module asserts behaviour through public doors.
mod attacker;
mod convenant;
mod intake;
mod proto;
mod relations;
mod storage;
mod storage_index;
mod storage_kill;
mod tidy;
mod translog;
