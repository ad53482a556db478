//! `TransferId`: the UUIDv7 (RFC 9562) that names a transfer on both sides.

use std::fmt;

use thiserror::Error;

/// A UUID of version 7: 48 bits of Unix milliseconds, then random bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId([u8; 16]);

/// The text or the bytes are no UUID of version 7.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("geen geldig overdrachtnummer (verwacht een UUID van versie 7)")]
pub struct InvalidTransferId;

impl TransferId {
    /// The id of this moment (milliseconds since 1970 UTC, the low 48 bits count) and these random bytes.
    #[must_use]
    pub fn new(now_ms: u64, random: [u8; 10]) -> Self {
        let mut bytes = [0_u8; 16];
        bytes[..6].copy_from_slice(&now_ms.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = bytes[6] & 0x0f | 0x70;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// Takes 16 bytes that are a UUID of version 7.
    ///
    /// # Errors
    /// [`InvalidTransferId`] when version or variant differ.
    pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, InvalidTransferId> {
        if bytes[6] >> 4 == 7 && bytes[8] >> 6 == 2 { Ok(Self(bytes)) } else { Err(InvalidTransferId) }
    }

    /// Reads the 36 lower-case characters of the usual form.
    ///
    /// # Errors
    /// [`InvalidTransferId`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidTransferId> {
        let mut bytes = [0_u8; 16];
        let digits: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
        if digits.len() != 32 {
            return Err(InvalidTransferId);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| InvalidTransferId)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidTransferId)?;
        }
        let id = Self::from_bytes(bytes)?;
        if id.to_string() == text { Ok(id) } else { Err(InvalidTransferId) }
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The moment in the id, milliseconds since 1970 UTC.
    #[must_use]
    pub fn moment_ms(&self) -> u64 {
        self.0[..6].iter().fold(0, |n, b| n << 8 | u64::from(*b))
    }
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if matches!(i, 4 | 6 | 8 | 10) { "-" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
