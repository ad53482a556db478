//! The scanner: every form in which a BSN could lie in a string of bytes.
//!
//! Shares no code with the product. Some forms are so short that random bytes hold them by chance: an integer of four
//! bytes (ciphertext, hashes), and digits inside hexadecimal text (hashes, keys). The scanner counts those and calls them
//! a leak only where there are more than chance gives once in a thousand million places: a leak of that form is a column
//! with a number per row, never a single one. Integers whose four bytes are all printable text are left out (`;` and three
//! letters or digits: five in a hundred numbers). Every other form counts from the first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use sha2::{Digest as _, Sha256};

/// Forms by name, with how often each occurs.
pub type Found = BTreeMap<&'static str, usize>;

const CHANCE: [&str; 4] = ["be4", "le4", "digits9-in-hex", "digits8-in-hex"];
/// Digits within so many hexadecimal characters are part of a hash or key.
const HEX_RUN: usize = 32;

struct Form {
    bytes: Vec<u8>,
    /// Bits that count of the last byte.
    last: u8,
    kind: &'static str,
}

/// All forms of a set of BSNs, found by their first four bytes.
pub struct Needles {
    forms: Vec<Form>,
    by_head: HashMap<u32, Vec<usize>>,
    filter: Vec<u64>,
}

fn slot(head: u32) -> (usize, u64) {
    let hash = head.wrapping_mul(0x9E37_79B1) >> 12;
    (hash as usize / 64, 1 << (hash % 64))
}

impl Needles {
    fn empty() -> Self {
        Self { forms: Vec::new(), by_head: HashMap::new(), filter: vec![0; (1 << 20) / 64] }
    }

    /// What files, outputs and bodies of messages are searched for; every BSN has nine digits.
    pub fn of(bsns: &BTreeSet<String>) -> Self {
        let mut needles = Self::empty();
        for bsn in bsns {
            needles.digits(bsn.as_bytes(), "digits9", "digits9-in-hex");
            if let Some(short) = bsn.strip_prefix('0') {
                needles.digits(short.as_bytes(), "digits8", "digits8-in-hex");
            }
            let number: u32 = bsn.parse().expect("digits");
            needles.add(u64::from(number).to_be_bytes().to_vec(), "be8");
            needles.add(u64::from(number).to_le_bytes().to_vec(), "le8");
            if !number.to_be_bytes().iter().all(|b| (b' '..=b'~').contains(b)) {
                needles.add(number.to_be_bytes().to_vec(), "be4");
                needles.add(number.to_le_bytes().to_vec(), "le4");
            }
        }
        needles
    }

    /// Searches for a text too.
    pub fn text(&mut self, text: &str) {
        self.add(text.as_bytes().to_vec(), "content");
        self.add_base64(text.as_bytes(), "content");
    }

    /// What the headers of HTTP/2 messages are searched for besides: digits in the Huffman code of RFC 7541, appendix B.
    pub fn of_headers(bsns: &BTreeSet<String>) -> Self {
        const CODES: [(u16, u32); 10] =
            [(0, 5), (1, 5), (2, 5), (0x19, 6), (0x1a, 6), (0x1b, 6), (0x1c, 6), (0x1d, 6), (0x1e, 6), (0x1f, 6)];
        let mut needles = Self::empty();
        for bsn in bsns {
            let short = bsn.strip_prefix('0');
            for digits in short.into_iter().chain([bsn.as_str()]) {
                let codes = digits.bytes().map(|d| CODES[usize::from(d - b'0')]);
                let (bits, length) =
                    codes.fold((0_u64, 0), |(bits, n), (code, size)| ((bits << size) | u64::from(code), n + size));
                let bytes = (bits << (64 - length)).to_be_bytes();
                let whole = length.div_ceil(8) as usize;
                let last = u8::MAX << ((8 - length % 8) % 8);
                needles.add_masked(bytes[..whole].to_vec(), last, "huffman");
            }
        }
        needles
    }

    /// Digits, and everything that is made of them.
    fn digits(&mut self, digits: &[u8], kind: &'static str, in_hex: &'static str) {
        self.add(digits.to_vec(), kind);
        self.add(digits.to_vec(), in_hex);
        self.add_base64(digits, "base64");
        let (plain, keyed) = (Sha256::digest(digits).to_vec(), empty_key_hmac(digits));
        for (hash, kinds) in
            [(plain, ["sha256", "sha256-hex", "sha256-base64"]), (keyed, ["hmac", "hmac-hex", "hmac-base64"])]
        {
            let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
            self.add(hex.to_uppercase().into_bytes(), kinds[1]);
            self.add(hex.into_bytes(), kinds[1]);
            self.add_base64(&hash, kinds[2]);
            self.add(hash, kinds[0]);
        }
    }

    /// In base64, wherever the bytes begin: only the characters that depend on nothing else.
    fn add_base64(&mut self, bytes: &[u8], kind: &'static str) {
        for engine in [STANDARD, URL_SAFE] {
            for shift in 0..3 {
                let text = engine.encode([vec![0; shift], bytes.to_vec()].concat());
                let from = (shift * 8_usize).div_ceil(6);
                let to = (shift + bytes.len()) * 8 / 6;
                self.add(text.as_bytes()[from..to].to_vec(), kind);
            }
        }
    }

    fn add(&mut self, bytes: Vec<u8>, kind: &'static str) {
        self.add_masked(bytes, u8::MAX, kind);
    }

    fn add_masked(&mut self, bytes: Vec<u8>, last: u8, kind: &'static str) {
        let head = u32::from_be_bytes(bytes[..4].try_into().expect("at least four bytes"));
        let (word, bit) = slot(head);
        self.filter[word] |= bit;
        let same = self.by_head.entry(head).or_default();
        if !same.iter().any(|&f| self.forms[f].bytes == bytes && self.forms[f].kind == kind) {
            same.push(self.forms.len());
            self.forms.push(Form { bytes, last, kind });
        }
    }

    /// Every form that occurs in `bytes` more often than chance allows.
    pub fn find(&self, bytes: &[u8]) -> Found {
        let mut found = Found::new();
        let mut head = 0_u32;
        for (end, &byte) in bytes.iter().enumerate() {
            head = (head << 8) | u32::from(byte);
            let (word, bit) = slot(head);
            if self.filter[word] & bit == 0 || end < 3 {
                continue;
            }
            for &form in self.by_head.get(&head).into_iter().flatten() {
                let form = &self.forms[form];
                if form.begins(&bytes[end - 3..]) && form.counts(bytes, end - 3) {
                    *found.entry(form.kind).or_default() += 1;
                }
            }
        }
        found.retain(|kind, times| !CHANCE.contains(kind) || *times >= self.chance(kind, bytes.len()));
        found
    }

    /// As [`Needles::find`], at every bit.
    pub fn find_bits(&self, bytes: &[u8]) -> Found {
        let mut all = Found::new();
        for shift in 0..8 {
            let next = bytes.iter().skip(1).chain([&0]);
            let moved: Vec<u8> = bytes
                .iter()
                .zip(next)
                .map(|(a, b)| ((u16::from(*a) << 8 | u16::from(*b)) << shift >> 8) as u8)
                .collect();
            for (kind, times) in self.find(&moved) {
                *all.entry(kind).or_default() += times;
            }
        }
        all
    }

    /// The least number of hits that chance gives in a string of this length less than once in a thousand million
    /// (Chernoff bound of a Poisson count). All chance forms are as likely as four random bytes, or less likely.
    fn chance(&self, kind: &str, length: usize) -> usize {
        let forms = self.forms.iter().filter(|f| f.kind == kind).count();
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let mean = (length as f64) * (forms as f64) / 4_294_967_296.0;
        let rare = |k: &usize| {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let k = *k as f64;
            k > mean && k - mean + k * (mean / k).ln() < -20.8
        };
        (2..).find(rare).expect("some count is rare")
    }
}

impl Form {
    fn begins(&self, bytes: &[u8]) -> bool {
        let Some((mine, front)) = self.bytes.split_last() else { return false };
        bytes.starts_with(front) && bytes.get(front.len()).is_some_and(|b| b & self.last == *mine)
    }

    /// Digits are one kind inside hexadecimal text and another outside it.
    fn counts(&self, bytes: &[u8], at: usize) -> bool {
        if !self.kind.starts_with("digits") {
            return true;
        }
        let hex = |b: &&u8| b.is_ascii_digit() || (b'a'..=b'f').contains(*b);
        let before = bytes[..at].iter().rev().take_while(hex).take(HEX_RUN).count();
        let inside = before + bytes[at..].iter().take_while(hex).take(HEX_RUN).count() >= HEX_RUN;
        inside == self.kind.ends_with("-in-hex")
    }
}

/// HMAC-SHA-256 (RFC 2104) with the empty key.
fn empty_key_hmac(message: &[u8]) -> Vec<u8> {
    let inner = Sha256::digest([&[0x36; 64], message].concat());
    Sha256::digest([[0x5c; 64].as_slice(), &inner].concat()).to_vec()
}

#[test]
fn every_form_is_found_wherever_it_lies() {
    let bsns = BTreeSet::from(["991953484".to_owned(), "099912351".to_owned()]);
    let needles = Needles::of(&bsns);
    let sha = Sha256::digest(b"099912351");
    let hex: String = sha.iter().map(|b| format!("{b:02x}")).collect();
    let planted: Vec<(&str, Vec<u8>)> = vec![
        ("digits9", b"991953484".to_vec()),
        ("digits8", b"99912351".to_vec()),
        ("be8", 991_953_484_u64.to_be_bytes().to_vec()),
        ("le8", 99_912_351_u64.to_le_bytes().to_vec()),
        ("be4", 99_912_351_u32.to_be_bytes().repeat(32)),
        ("le4", 991_953_484_u32.to_le_bytes().repeat(32)),
        ("digits9-in-hex", b"0991953484".repeat(32)),
        ("base64", STANDARD.encode(b"991953484").into_bytes()),
        ("base64", STANDARD.encode(b"\xff991953484\xff\xff").into_bytes()),
        ("base64", URL_SAFE.encode(b"\xff\xff99912351\xff\xff").into_bytes()),
        ("sha256", sha.to_vec()),
        ("sha256-hex", hex.to_uppercase().into_bytes()),
        ("sha256-base64", STANDARD.encode([b"?".to_vec(), sha.to_vec()].concat()).into_bytes()),
        ("hmac", empty_key_hmac(b"099912351")),
        ("hmac-base64", URL_SAFE.encode(empty_key_hmac(b"991953484")).into_bytes()),
    ];
    for (kind, form) in planted {
        for place in [vec![], b"{\"bsn\":\"".to_vec(), vec![0; 7], vec![0xff; 10_000]] {
            let found = needles.find(&[place.clone(), form.clone(), place].concat());
            assert!(found.contains_key(kind), "{kind}: {found:?}");
        }
    }
}

#[test]
fn the_empty_key_hmac_is_the_published_one() {
    // HMAC_SHA256("", ""), as in many libraries' tests.
    let hex: String = empty_key_hmac(b"").iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

#[test]
fn headers_are_searched_at_every_bit() {
    let needles = Needles::of_headers(&BTreeSet::from(["099912351".to_owned()]));
    // RFC 7541, appendix B: 0 9 9 9 1 2 3 5 1.
    let codes = ["00000", "011111", "011111", "011111", "00001", "00010", "011001", "011011", "00001"];
    let coded = u64::from_str_radix(&codes.concat(), 2).expect("bits");
    for shift in 0..14 {
        let bytes =
            [vec![0xa5; 3], (coded << shift | ((1 << shift) - 1)).to_be_bytes().to_vec(), vec![0x5a; 3]].concat();
        assert_eq!(needles.find_bits(&bytes).get("huffman"), Some(&2), "nine and eight digits, shift {shift}");
    }
    assert_eq!(needles.find_bits(b"099912351 in plain text is for the other search"), Found::new());
}

#[test]
fn other_numbers_and_chance_are_no_find() {
    let bsns: BTreeSet<String> = (0..400).map(|n| format!("{}", 990_000_000 + n * 977)).collect();
    let needles = Needles::of(&bsns);
    assert_eq!(needles.find(b"990000001 and 99000000 are others"), Found::new());
    let mut random = Vec::new();
    for n in 0..60_000_u32 {
        random.extend(Sha256::digest(n.to_be_bytes()));
    }
    assert_eq!(needles.find(&random), Found::new(), "hashes hold nothing but chance");
    let hex: String = random[..200_000].iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(needles.find(hex.as_bytes()), Found::new());
}
