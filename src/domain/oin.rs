//! `Oin`, the organisation identification number (Logius OIN-stelsel): 20 digits, the key of a party everywhere.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An organisation identification number of 20 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oin([u8; 20]);

/// The text is no OIN.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("een OIN heeft precies 20 cijfers")]
pub struct InvalidOin;

impl Oin {
    /// Reads 20 digits.
    ///
    /// # Errors
    /// [`InvalidOin`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidOin> {
        let digits: [u8; 20] = text.as_bytes().try_into().map_err(|_| InvalidOin)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(InvalidOin) }
    }

    /// The 20 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The 20 digits as bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Whether this is a test OIN (prefix 00000099), which no production party may bear.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.0.starts_with(b"00000099")
    }
}

impl fmt::Display for Oin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Oin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Oin {
    type Err = InvalidOin;
    fn from_str(text: &str) -> Result<Self, InvalidOin> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Oin {
    type Error = InvalidOin;
    fn try_from(text: String) -> Result<Self, InvalidOin> {
        Self::parse(&text)
    }
}

impl From<Oin> for String {
    fn from(oin: Oin) -> Self {
        oin.as_str().to_owned()
    }
}
