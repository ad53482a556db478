//! The one integration binary: each module asserts behaviour through public doors.
mod storage;
mod storage_index;
mod storage_kill;
mod attacker;
mod tidy;
