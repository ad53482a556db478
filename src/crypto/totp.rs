//! One-time codes by time (RFC 6238 over RFC 4226): HMAC-SHA-1, six digits, thirty seconds, as every authenticator app does.

use std::fmt;

use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Seconds that a code holds.
const STEP: u64 = 30;

/// The secret that a phone and the node share: 20 bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct TotpSecret([u8; 20]);

impl TotpSecret {
    /// Takes over 20 secret bytes.
    #[must_use]
    pub fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The secret as an authenticator app takes it: base32 (RFC 4648), 32 characters.
    #[must_use]
    pub fn to_base32(&self) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let five_bits = |at: usize| {
            let pair = [self.0[at * 5 / 8], self.0.get(at * 5 / 8 + 1).copied().unwrap_or(0)];
            usize::from(u16::from_be_bytes(pair) >> (11 - at * 5 % 8) & 31)
        };
        (0..32).map(|at| char::from(LETTERS[five_bits(at)])).collect()
    }

    /// Reads what [`Self::to_base32`] writes; spaces and case do not matter.
    #[must_use]
    pub fn from_base32(text: &str) -> Option<Self> {
        let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
        for letter in text.bytes().filter(|letter| *letter != b' ') {
            let value = match letter.to_ascii_uppercase() {
                letter @ b'A'..=b'Z' => letter - b'A',
                digit @ b'2'..=b'7' => digit - b'2' + 26,
                _ => return None,
            };
            bits = (bits << 5 | u32::from(value)) & 0xfff;
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push((bits >> held & 0xff).to_le_bytes()[0]);
            }
        }
        bytes.try_into().ok().map(Self)
    }

    /// The code of a moment, seconds since 1970 UTC.
    #[must_use]
    pub fn code_at(&self, seconds: u64) -> String {
        self.code(seconds / STEP)
    }

    /// The step of this code when it is the one of now, of the step before or of the next: clocks differ. A step at or before
    /// `used` was used already and does not count again.
    #[must_use]
    pub fn accepts(&self, code: &str, seconds: u64, used: u64) -> Option<u64> {
        let now = seconds / STEP;
        let mut found = None;
        for step in [now.saturating_sub(1), now, now + 1] {
            if super::mac::equal(self.code(step).as_bytes(), code.as_bytes()) && step > used {
                found = Some(step);
            }
        }
        found
    }

    fn code(&self, step: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let at = usize::from(bytes[19] & 15);
        let four = [bytes[at] & 0x7f, bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        format!("{:06}", u32::from_be_bytes(four) % 1_000_000)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: TotpSecret = TotpSecret(*b"12345678901234567890");

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, the last six of eight digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(RFC.code_at(seconds), code);
        }
    }

    #[test]
    fn a_code_counts_once_and_for_a_step_around_its_own() {
        let code = RFC.code_at(1_234_567_890);
        let step = RFC.accepts(&code, 1_234_567_890, 0).expect("now");
        assert_eq!(RFC.accepts(&code, 1_234_567_890 + 30, 0), Some(step));
        assert_eq!(RFC.accepts(&code, 1_234_567_890 - 30, 0), Some(step));
        assert_eq!(RFC.accepts(&code, 1_234_567_890 + 90, 0), None);
        assert_eq!(RFC.accepts(&code, 1_234_567_890, step), None, "used before");
        assert_eq!(RFC.accepts("", 1_234_567_890, 0), None);
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        assert_eq!(RFC.to_base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpSecret::from_base32("gezd gnbv gy3t qojq gezd gnbv gy3t qojq"), Some(RFC));
        assert_eq!(TotpSecret::from_base32("GEZDGNB!"), None);
        assert_eq!(TotpSecret::from_base32("GEZDGNBV"), None);
    }
}
