//! A deliberate leak, to prove that the leak test finds one: a BSN in a place and an encoding that the environment names.
//! Exists only in a build with the feature `defect-plant-bsn` (docs/mutations.md), never in a release.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::crypto::{MacKey, digest, hex};

/// A number of the test range that passes the elfproef; the test gives it to a child of its input.
const BSN: &str = "099912351";

/// What `KETENPOORT_PLANT` (`place:encoding`, separated by commas) wants in `place`; nothing when it does not name it.
#[must_use]
pub fn bytes(place: &str) -> Vec<u8> {
    let wanted = std::env::var("KETENPOORT_PLANT").unwrap_or_default();
    let encoding = wanted.split(',').find_map(|w| w.strip_prefix(place)?.strip_prefix(':'));
    encoding.map(encoded).unwrap_or_default()
}

/// As [`bytes`], for places that hold text.
#[must_use]
pub fn text(place: &str) -> String {
    String::from_utf8_lossy(&bytes(place)).into_owned()
}

fn encoded(encoding: &str) -> Vec<u8> {
    let number: u32 = BSN.parse().unwrap_or_default();
    let plain = || digest(BSN.as_bytes()).0;
    let keyed = || *MacKey::from_slice(&[]).tag(&[BSN.as_bytes()]).expose();
    match encoding {
        "digits8" => BSN.as_bytes()[1..].to_vec(),
        // As a column of integers would hold it: once a row.
        "be4" => number.to_be_bytes().repeat(32),
        "le4" => number.to_le_bytes().repeat(32),
        "be8" => u64::from(number).to_be_bytes().to_vec(),
        "le8" => u64::from(number).to_le_bytes().to_vec(),
        "base64" => BASE64.encode(format!("kind {BSN}, ")).into_bytes(),
        "sha256" => plain().to_vec(),
        "sha256-hex" => hex(&plain()).into_bytes(),
        "hmac" => keyed().to_vec(),
        "hmac-hex" => hex(&keyed()).into_bytes(),
        "hmac-base64" => BASE64.encode(keyed()).into_bytes(),
        _ => BSN.as_bytes().to_vec(),
    }
}
