//! The transport over real loopback TCP with a fake node behind it.
