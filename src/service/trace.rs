//! The trace that a call belongs to, at both organisations.

use std::fmt;

use crate::crypto::{from_hex, hex};

/// The W3C trace context that crosses organisations: names a call in both logs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The whole call chain: 16 bytes, not all zero.
    pub trace_id: [u8; 16],
    /// The caller's step: 8 bytes, not all zero.
    pub span_id: [u8; 8],
}

impl TraceContext {
    /// A fresh context with random ids.
    #[must_use]
    pub fn random() -> Self {
        Self { trace_id: crate::crypto::random(), span_id: crate::crypto::random() }
    }

    /// Reads a version 00 `traceparent` header (W3C Trace Context, section 3.2); `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let [version, trace, span, flags] = text.split('-').collect::<Vec<_>>().try_into().ok()?;
        if version != "00" || from_hex::<1>(flags).is_none() {
            return None;
        }
        let (trace_id, span_id) = (from_hex(trace)?, from_hex(span)?);
        (trace_id != [0; 16] && span_id != [0; 8]).then_some(Self { trace_id, span_id })
    }

    /// The trace id as 32 lower-case hexadecimal characters.
    #[must_use]
    pub fn trace_hex(&self) -> String {
        hex(&self.trace_id)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-01", self.trace_hex(), hex(&self.span_id))
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparent_is_read_and_written_as_the_w3c_example() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = TraceContext::parse(text).unwrap();
        assert_eq!(trace.to_string(), text);
        assert_eq!(trace.trace_hex(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for bad in [
            "",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-é4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-00",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }
}
