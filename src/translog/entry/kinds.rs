//! The closed lists and small records inside an entry, with the number that stands for each in the bytes.

use std::fmt;

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// The byte that stands for this value in an entry.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $(Self::$variant => $number),+ }
            }

            /// The value that this byte stands for.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The name in listings and filters.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the exact name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

numbered! {
    /// Which way data goes, or would have gone, seen from the node that logs. It is not FSC's `direction`, which is the way
    /// of the question: the answer to a question of a partner is OUTGOING here and INCOMING there.
    #[derive(Default)]
    Direction {
        /// Data, or its refusal, leaves this node.
        #[default]
        Outgoing = 1 "OUTGOING",
        /// Data comes to this node, because it asked or because another sent it.
        Incoming = 2 "INCOMING",
        /// Use on the organisation's own machine.
        Local = 3 "LOCAL",
    }
}

numbered! {
    /// Which step of a transfer an entry records.
    #[derive(Default)]
    Phase {
        /// Durable before the first byte leaves.
        #[default]
        Intent = 1 "INTENT",
        /// How it ended.
        Outcome = 2 "OUTCOME",
        /// A refusal, durable before its status leaves.
        Deny = 3 "DENY",
        /// What the other side sent has arrived.
        Received = 4 "RECEIVED",
        /// A bounded summary of refused connections.
        Connection = 5 "CONNECTION",
    }
}

numbered! {
    /// How a transfer ended.
    Outcome {
        /// The payload left; no receipt came.
        Sent = 1 "SENT",
        /// The receiver's receipt came.
        Confirmed = 2 "CONFIRMED",
        /// Nothing left.
        Failed = 3 "FAILED",
        /// It cannot be known whether something left (a crash, a broken connection).
        Unknown = 4 "UNKNOWN",
    }
}

numbered! {
    /// What policy and disclosure control decided.
    Decision {
        /// Allowed.
        Allow = 1 "ALLOW",
        /// Denied.
        Deny = 2 "DENY",
    }
}

numbered! {
    /// LDV status of an action; absent is `Unset`.
    Status {
        /// Deliberately marked as well ended.
        Ok = 1 "OK",
        /// Ended by an internal error.
        Error = 2 "ERROR",
    }
}

numbered! {
    /// Confidentiality of a processing towards its subject (GEMMA `vertrouwelijkheid`).
    Confidentiality {
        /// The subject may see it.
        Normal = 1 "normaal",
        /// Kept from the subject for now (UAVG 41).
        Confidential = 2 "vertrouwelijk",
        /// Was confidential, no longer is.
        Lifted = 3 "opgeheven",
    }
}

/// Size and protection of an aggregate payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aggregate {
    /// Cells in the payload.
    pub cells: u32,
    /// Cells that were suppressed.
    pub suppressed: u32,
    /// Smallest group that was released (the threshold in force).
    pub min_n: u32,
}

/// What TLS negotiated, as the code points of the IANA registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TlsParameters {
    /// Protocol version: 0x0304 is TLS 1.3.
    pub version: u16,
    /// Cipher suite: 0x1302 is `TLS_AES_256_GCM_SHA384`.
    pub suite: u16,
    /// Key exchange group: 0x001d is X25519.
    pub group: u16,
}
