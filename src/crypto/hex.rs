//! Canonical hexadecimal text: lower-case, two digits a byte, one text for every value.

/// Lower-case hexadecimal text, two digits a byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|n| char::from(DIGITS[usize::from(n)])).collect()
}

/// Reads `2 * N` lower-case hexadecimal digits; none for any other text.
#[must_use]
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let bytes = text.as_bytes();
    if bytes.len() != 2 * N {
        return None;
    }
    let mut out = [0_u8; N];
    for (byte, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

/// The text is no digest or key in its one form: algorithm, colon, lower-case hexadecimal digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no digest or key of the form `algorithm:hexadecimal`")]
pub struct InvalidText;

/// Gives a type of 32 public bytes its one text form, in JSON, TOML and messages.
macro_rules! text_form {
    ($name:ident, $prefix:literal, $make:expr) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, ":{}"), $crate::crypto::hex(&self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::crypto::InvalidText;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                let digits = text.strip_prefix(concat!($prefix, ":"));
                digits.and_then($crate::crypto::from_hex).and_then($make).ok_or($crate::crypto::InvalidText)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

pub(super) use text_form;
