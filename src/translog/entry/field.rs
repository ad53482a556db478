//! How each type of field is written, read strictly, and shown.

use serde_json::{Value as Json, json};

use super::id::TransferId;
use super::kinds::{Aggregate, Confidentiality, Decision, Direction, Outcome, Phase, Status, TlsParameters};
use crate::crypto::Digest;
use crate::domain::day::Day;
use crate::domain::oin::Oin;

/// A field of an entry: its content without the length in front.
pub(super) trait Field: Sized {
    /// Appends the content; nothing when the field is unused.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads exactly this content; `None` when it is not what `put` writes.
    fn take(bytes: &[u8]) -> Option<Self>;
    /// Content for a listing; `None` when the field is unused.
    fn show(&self) -> Option<Json>;
}

/// A value of fixed length.
trait Fixed: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(bytes: &[u8]) -> Option<Self>;
    fn show(&self) -> Json;
}

fn hex(bytes: &[u8]) -> Json {
    Json::String(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

impl<const N: usize> Fixed for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
    fn show(&self) -> Json {
        hex(self)
    }
}

impl Fixed for Digest {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
    fn show(&self) -> Json {
        Json::String(self.to_string())
    }
}

impl Fixed for TransferId {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_bytes().put(out);
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        Self::from_bytes(bytes.try_into().ok()?).ok()
    }
    fn show(&self) -> Json {
        Json::String(self.to_string())
    }
}

impl Fixed for Oin {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        Self::parse(std::str::from_utf8(bytes).ok()?).ok()
    }
    fn show(&self) -> Json {
        Json::String(self.to_string())
    }
}

impl Fixed for Day {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.to_be_bytes().put(out);
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        let day = Self(i32::from_be_bytes(bytes.try_into().ok()?));
        (FIRST_DAY..=LAST_DAY).contains(&day.0).then_some(day)
    }
    fn show(&self) -> Json {
        json!(self)
    }
}

/// 1 January of the year 1 and 31 December 9999, as days since 1970: the calendar of `Day`.
const FIRST_DAY: i32 = -719_162;
const LAST_DAY: i32 = 2_932_896;

macro_rules! fixed_numbers {
    ($($name:ty),+) => { $(
        impl Fixed for $name {
            fn put(&self, out: &mut Vec<u8>) { out.extend_from_slice(&self.to_be_bytes()); }
            fn take(bytes: &[u8]) -> Option<Self> { bytes.try_into().ok().map(Self::from_be_bytes) }
            fn show(&self) -> Json { json!(self) }
        }
    )+ };
}

macro_rules! fixed_kinds {
    ($($name:ty),+) => { $(
        impl Fixed for $name {
            fn put(&self, out: &mut Vec<u8>) { out.push(self.number()); }
            fn take(bytes: &[u8]) -> Option<Self> {
                match bytes { [number] => Self::from_number(*number), _ => None }
            }
            fn show(&self) -> Json { Json::String(self.as_str().to_owned()) }
        }
    )+ };
}

macro_rules! required {
    ($($name:ty),+) => { $(
        impl Field for $name {
            fn put(&self, out: &mut Vec<u8>) { Fixed::put(self, out); }
            fn take(bytes: &[u8]) -> Option<Self> { Fixed::take(bytes) }
            fn show(&self) -> Option<Json> { Some(Fixed::show(self)) }
        }
    )+ };
}

fixed_numbers!(u16, u32, u64);
fixed_kinds!(Direction, Phase, Outcome, Decision, Status, Confidentiality);
required!(TransferId, Direction, Phase, u64);

impl Fixed for Aggregate {
    fn put(&self, out: &mut Vec<u8>) {
        [self.cells, self.suppressed, self.min_n].iter().for_each(|n| Fixed::put(n, out));
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        let (cells, rest) = bytes.split_at_checked(4)?;
        let (suppressed, min_n) = rest.split_at_checked(4)?;
        Some(Self { cells: Fixed::take(cells)?, suppressed: Fixed::take(suppressed)?, min_n: Fixed::take(min_n)? })
    }
    fn show(&self) -> Json {
        json!({"cells": self.cells, "suppressed": self.suppressed, "min_n": self.min_n})
    }
}

impl Fixed for TlsParameters {
    fn put(&self, out: &mut Vec<u8>) {
        [self.version, self.suite, self.group].iter().for_each(|n| Fixed::put(n, out));
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_at_checked(2)?;
        let (suite, group) = rest.split_at_checked(2)?;
        Some(Self { version: Fixed::take(version)?, suite: Fixed::take(suite)?, group: Fixed::take(group)? })
    }
    fn show(&self) -> Json {
        let point = |n: u16| format!("0x{n:04x}");
        json!({"version": point(self.version), "suite": point(self.suite), "group": point(self.group)})
    }
}

impl<T: Fixed> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() { Some(None) } else { T::take(bytes).map(Some) }
    }
    fn show(&self) -> Option<Json> {
        self.as_ref().map(Fixed::show)
    }
}

/// Opaque bytes.
impl Field for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
    fn show(&self) -> Option<Json> {
        (!self.is_empty()).then(|| hex(self))
    }
}

/// Text in UTF-8 without control characters.
impl Field for String {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        (!text.chars().any(char::is_control)).then(|| text.to_owned())
    }
    fn show(&self) -> Option<Json> {
        (!self.is_empty()).then(|| Json::String(self.clone()))
    }
}

impl Field for Vec<Oin> {
    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|oin| Fixed::put(oin, out));
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        bytes.chunks(20).map(Fixed::take).collect()
    }
    fn show(&self) -> Option<Json> {
        (!self.is_empty()).then(|| self.iter().map(Fixed::show).collect())
    }
}

/// A list of texts: each a length of two bytes and the text, which is not empty.
impl Field for Vec<String> {
    fn put(&self, out: &mut Vec<u8>) {
        for item in self {
            // An item that does not fit makes the whole field too long, which `encode` refuses before this length counts.
            out.extend_from_slice(&u16::try_from(item.len()).unwrap_or(u16::MAX).to_be_bytes());
            out.extend_from_slice(item.as_bytes());
        }
    }
    fn take(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut list = Self::new();
        while !rest.is_empty() {
            let (length, tail) = rest.split_at_checked(2)?;
            let length: u16 = Fixed::take(length)?;
            let (item, tail) = tail.split_at_checked(usize::from(length))?;
            list.push(<String as Field>::take(item).filter(|text| !text.is_empty())?);
            rest = tail;
        }
        Some(list)
    }
    fn show(&self) -> Option<Json> {
        (!self.is_empty()).then(|| json!(self))
    }
}
