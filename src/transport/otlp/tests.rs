//! Deliveries against receivers of every kind.
