//! The one integration binary: each module asserts behaviour through public doors.
mod tidy;
