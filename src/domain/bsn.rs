//! `Bsn`, the citizen service number: a secret type that exists only while a row is read or a number was typed. It has three ways out: the
//! local pseudonym, the chain token, and sealed to the one organisation that must have it; there is none that shows, copies or stores it.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::crypto::{AgreementKey, AgreementPublic, MacKey, Tag, open_with, seal_to};

/// The use under which a number is sealed to an organisation.
const SEALED: &[u8] = b"ketenpoort/v1/case-number/0";

/// A valid BSN: nine digits that pass the elfproef. Wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Bsn([u8; 9]);

/// What a BSN field holds (definitions 1.2, rule 4).
#[derive(Debug)]
pub enum BsnReading {
    /// Empty, or a sentinel (`000000000` unknown, `999999999` unborn): the row has no subject.
    None,
    /// A subject; `repaired` when eight digits had lost their leading zero.
    Subject {
        /// The number.
        bsn: Bsn,
        /// Whether a leading zero was put back.
        repaired: bool,
    },
    /// Anything else.
    Invalid,
}

/// Reads a BSN field exactly as definitions 1.2 say.
#[must_use]
pub fn read_bsn(text: &str) -> BsnReading {
    let bytes = text.as_bytes();
    match bytes {
        b"" | b"000000000" | b"999999999" => BsnReading::None,
        [first, second, ..] if bytes.len() == 9 && !(*first == b'0' && *second == b'0') => {
            let mut digits = [0_u8; 9];
            digits.copy_from_slice(bytes);
            checked(digits, false)
        }
        [first, ..] if bytes.len() == 8 && *first != b'0' => {
            let mut digits = [b'0'; 9];
            digits[1..].copy_from_slice(bytes);
            checked(digits, true)
        }
        _ => BsnReading::Invalid,
    }
}

fn checked(digits: [u8; 9], repaired: bool) -> BsnReading {
    let bsn = Bsn(digits);
    if passes_elfproef(&bsn.0) { BsnReading::Subject { bsn, repaired } } else { BsnReading::Invalid }
}

/// 9a+8b+7c+6d+5e+4f+3g+2h-i is a multiple of 11, and all nine are digits.
fn passes_elfproef(digits: &[u8; 9]) -> bool {
    let mut sum = 0_i32;
    for (digit, weight) in digits.iter().zip([9, 8, 7, 6, 5, 4, 3, 2, -1]) {
        if !digit.is_ascii_digit() {
            return false;
        }
        sum += weight * i32::from(digit - b'0');
    }
    sum % 11 == 0
}

/// Whether a text holds eight or nine consecutive digits that are a BSN (with or without its leading zero), so that no
/// report or log may print it. Every window of a longer run of digits counts.
#[must_use]
pub fn holds_bsn(text: &str) -> bool {
    let is_subject = |window: &[u8]| {
        window.iter().all(u8::is_ascii_digit)
            && std::str::from_utf8(window).is_ok_and(|t| matches!(read_bsn(t), BsnReading::Subject { .. }))
    };
    let bytes = text.as_bytes();
    bytes.windows(9).any(is_subject) || bytes.windows(8).any(is_subject)
}

/// As [`holds_bsn`], for a text that somebody typed: a BSN is also found with spaces, dots and dashes between its digits.
#[must_use]
pub fn holds_typed_bsn(text: &str) -> bool {
    let between = |c: char| c.is_whitespace() || matches!(c, '.' | '-' | '\u{2010}'..='\u{2015}');
    holds_bsn(&text.replace(between, ""))
}

impl Bsn {
    /// Local pseudonym S = HMAC-SHA-256(local key, "local" ‖ 0x00 ‖ 9 digits): the node's own name for this person.
    #[must_use]
    pub fn local_pseudonym(&self, local: &MacKey) -> Tag {
        local.tag(&[b"local\0", &self.0])
    }

    /// The number sealed to the organisation that receives a child's identity, and must have it by law (Jeugdwet 7.2.1); `context` names
    /// that organisation.
    #[must_use]
    pub fn sealed_to(&self, to: &AgreementPublic, context: &[u8]) -> Vec<u8> {
        seal_to(to, SEALED, context, &self.0)
    }

    /// Chain token T0 = HMAC-SHA-256(K_base, "subject" ‖ 0x00 ‖ 9 digits); never leaves the node.
    #[must_use]
    pub fn chain_token(&self, base: &MacKey) -> Tag {
        base.tag(&[b"subject\0", &self.0])
    }
}

/// Opens a number that was sealed to us: its nine digits, to show to who takes the child over.
#[must_use]
pub fn open_sealed(own: &AgreementKey, context: &[u8], sealed: &[u8]) -> Option<zeroize::Zeroizing<String>> {
    let digits = zeroize::Zeroizing::new(open_with(own, SEALED, context, sealed).ok()?);
    let text = zeroize::Zeroizing::new(std::str::from_utf8(&digits).ok()?.to_owned());
    matches!(read_bsn(&text), BsnReading::Subject { .. }).then_some(text)
}

impl fmt::Debug for Bsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bsn(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_subject(text: &str) -> bool {
        matches!(read_bsn(text), BsnReading::Subject { .. })
    }

    /// The nine digits with the one check digit that makes them pass, if there is one.
    fn completed(front: u32) -> Option<String> {
        let front = format!("{front:08}");
        let sum: u32 = front.bytes().zip([9, 8, 7, 6, 5, 4, 3, 2]).map(|(d, w)| u32::from(d - b'0') * w).sum();
        (sum % 11 < 10).then(|| format!("{front}{}", sum % 11))
    }

    #[test]
    fn sentinels_have_no_subject_and_zeroes_are_no_number() {
        for text in ["", "000000000", "999999999"] {
            assert!(matches!(read_bsn(text), BsnReading::None), "{text}");
        }
        // 001000007 passes the elfproef; a number that begins with 00 is not issued
        for text in [
            "00000000",
            "001000007",
            "12345678",
            "123456789",
            "99999999",
            "12345678a",
            " 11222333",
            "１１１２２２３３３",
        ] {
            assert!(matches!(read_bsn(text), BsnReading::Invalid), "{text}");
        }
        assert!(matches!(read_bsn("111222333"), BsnReading::Subject { repaired: false, .. }));
    }

    #[test]
    fn ten_in_eleven_fronts_have_one_check_digit_and_the_others_none() {
        // 90,909,090 numbers in the whole space of a billion; here a slice of it
        let mut valid = 0;
        for front in 12_000_000..12_022_000 {
            let passing: Vec<String> = (0..10).map(|d| format!("{front}{d}")).filter(|t| is_subject(t)).collect();
            assert_eq!(passing, completed(front).into_iter().collect::<Vec<_>>());
            valid += passing.len();
        }
        assert!((19_900..20_100).contains(&valid), "{valid} of 22,000 fronts");
    }

    #[test]
    fn the_two_exits_are_separated_and_depend_on_the_number() {
        let key = MacKey::from_slice(&[3; 32]);
        let read = |text: &str| match read_bsn(text) {
            BsnReading::Subject { bsn, .. } => bsn,
            _ => panic!("a valid number"),
        };
        let bsn = read("111222333");
        assert_eq!(bsn.local_pseudonym(&key), key.tag(&[b"local", &[0], b"111222333"]));
        assert_eq!(bsn.chain_token(&key), key.tag(&[b"subject", &[0], b"111222333"]));
        assert_ne!(bsn.local_pseudonym(&key), read("123456782").local_pseudonym(&key));
        assert_eq!(format!("{bsn:?}"), "Bsn(<redacted>)");
        assert!(!format!("{:?}", read_bsn("111222333")).contains("111222333"));
    }

    proptest! {
        #[test]
        fn any_single_wrong_digit_and_any_neighbours_swapped_are_found(
            front in 10_000_000_u32..99_999_999, at in 0_usize..9, by in 1_u8..10,
        ) {
            let Some(good) = completed(front) else { return Ok(()) };
            prop_assume!(good != "999999999");
            prop_assert!(is_subject(&good));
            let mut wrong = good.clone().into_bytes();
            wrong[at] = b'0' + (wrong[at] - b'0' + by) % 10;
            prop_assert!(!is_subject(std::str::from_utf8(&wrong).unwrap()));
            let mut swapped = good.clone().into_bytes();
            if at < 7 && swapped[at] != swapped[at + 1] {
                swapped.swap(at, at + 1);
                prop_assert!(!is_subject(std::str::from_utf8(&swapped).unwrap()));
            }
        }

        #[test]
        fn a_lost_leading_zero_gives_the_same_person(front in 1_000_000_u32..9_999_999) {
            let Some(full) = completed(front) else { return Ok(()) };
            let key = MacKey::from_slice(&[9; 32]);
            match (read_bsn(&full), read_bsn(&full[1..])) {
                (BsnReading::Subject { bsn: a, repaired: false }, BsnReading::Subject { bsn: b, repaired: true }) => {
                    prop_assert_eq!(a.local_pseudonym(&key), b.local_pseudonym(&key));
                }
                _ => prop_assert!(false, "both are read"),
            }
        }

        #[test]
        fn a_number_is_found_wherever_it_stands(front in 1_000_000_u32..99_999_999, before in "[a-z0-9-]{0,9}", after in "[a-z0-9-]{0,9}") {
            let Some(bsn) = completed(front) else { return Ok(()) };
            prop_assume!(is_subject(&bsn));
            let (full, short) = (format!("{before}{bsn}{after}"), format!("{before}{}{after}", &bsn[1..]));
            prop_assert!(holds_bsn(&full));
            prop_assert!(!bsn.starts_with('0') || holds_bsn(&short));
        }
    }

    #[test]
    fn ordinary_keys_hold_no_number() {
        for text in ["", "GI-ALFA-0000176", "G0153-0000217", "81d5d663-463b-4cfb-afd2-9be4d07d13d1", "20240101"] {
            assert!(!holds_bsn(text), "{text}");
        }
    }
}
