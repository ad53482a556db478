//! gRPC over mutual TLS 1.3 between nodes: certificates, acceptor, wire, server and client. Only `service::Answer`,
//! the shares of regional sums, the exits of linked runs and of exchange about one child, and the closed list of control messages can be encoded (`wire`).

pub mod apps;
pub mod certs;
pub mod client;
pub mod otlp;
pub mod server;
pub mod tls;
pub mod web;

mod accept;
mod cases;
mod guard;
mod links;
mod logs;
mod permits;
mod status;
mod sums;
mod wire;
mod witness;

/// Generated from `proto/` by `cargo run --example gen`; fresh by the test `gen_is_fresh`.
#[expect(clippy::allow_attributes, reason = "written by the generator")]
mod proto {
    include!("gen/ketenpoort.v1.rs");
}

#[cfg(test)]
mod tests;
