//! The use cases: the one place that fixes the order of steps, and what the rooms around it serve and call.

pub mod api;
