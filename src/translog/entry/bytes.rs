//! The bytes of an entry: magic, version, salt, then every field in one fixed order with its length in front.
//!
//! There is one encoding per entry: `decode` accepts exactly what `encode` writes.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value as Json;

use super::field::Field;
use super::{Entry, InvalidEntry};

/// The first four bytes of every entry.
pub const MAGIC: [u8; 4] = *b"KPTL";
/// The version that this program writes and reads.
pub const VERSION: u8 = 1;
/// The longest entry: an entry bundle holds its length in two bytes.
pub const MAX_ENTRY_BYTES: usize = 65_535;

const HEAD: usize = MAGIC.len() + 1 + 16;

/// The order of the fields, said once: writing, reading and showing are made from this list.
macro_rules! layout {
    ($($name:ident),+ $(,)?) => {
        /// Names of the fields in the order of the bytes; the salt stands before them.
        pub const FIELD_NAMES: &[&str] = &[$(stringify!($name)),+];

        fn put_fields(entry: &Entry, out: &mut Vec<u8>) -> Result<(), InvalidEntry> {
            $(put_field(stringify!($name), &entry.$name, out)?;)+
            Ok(())
        }

        fn take_fields(salt: [u8; 16], rest: &mut &[u8]) -> Result<Entry, InvalidEntry> {
            Ok(Entry { salt, $($name: take_field(stringify!($name), rest)?),+ })
        }

        fn show_fields(entry: &Entry) -> Vec<(&'static str, Json)> {
            let shown = [$((stringify!($name), entry.$name.show())),+];
            shown.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
        }
    };
}

layout! {
    transfer_id, trace_id, span_id, parent_span_id, direction, phase, outcome,
    sender_oin, receiver_oin, delegator_oins,
    convenant_id, convenant_hash, grant_hash, service, action, activity_own, activity_peer,
    ground_article, ground_avg6, ground_avg9_10, purpose, rules_version, decision, reason_codes,
    data_categories, field_names,
    subject_domain, subject_key_version, subject_label, subject_sealed,
    aggregate, row_count, payload_commitment, query_hash, peer_entry_hash, peer_receipt_hash,
    start_ms, end_ms, status, retention_until, confidentiality,
    peer_certificate, peer_spki, tls, counter, refers_to, refused_connections,
}

/// Writes a field and checks that reading gives it back: what does not survive is never logged.
fn put_field<T: Field + PartialEq>(name: &'static str, value: &T, out: &mut Vec<u8>) -> Result<(), InvalidEntry> {
    let start = out.len();
    out.extend_from_slice(&[0, 0]);
    value.put(out);
    let length = u16::try_from(out.len() - start - 2).map_err(|_| InvalidEntry::TooLong(name))?;
    if T::take(&out[start + 2..]).as_ref() != Some(value) {
        return Err(InvalidEntry::Field(name));
    }
    out[start..start + 2].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn take_field<T: Field>(name: &'static str, rest: &mut &[u8]) -> Result<T, InvalidEntry> {
    let cut = InvalidEntry::Truncated(name);
    let (length, tail) = rest.split_first_chunk::<2>().ok_or(cut)?;
    let (content, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(cut)?;
    *rest = tail;
    T::take(content).ok_or(InvalidEntry::Field(name))
}

impl Entry {
    /// The bytes of this entry.
    ///
    /// # Errors
    /// [`InvalidEntry`] when a field cannot be written, fields contradict each other, or the entry is too long.
    pub fn encode(&self) -> Result<Vec<u8>, InvalidEntry> {
        self.check()?;
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&self.salt);
        put_fields(self, &mut out)?;
        if out.len() > MAX_ENTRY_BYTES { Err(InvalidEntry::TooLong("totaal")) } else { Ok(out) }
    }

    /// Reads an entry; accepts exactly what [`Entry::encode`] writes.
    ///
    /// # Errors
    /// [`InvalidEntry`] that names the first field that is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidEntry> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(InvalidEntry::TooLong("totaal"));
        }
        let (head, mut rest) = bytes.split_first_chunk::<HEAD>().ok_or(InvalidEntry::Truncated("kop"))?;
        if head[..4] != MAGIC {
            return Err(InvalidEntry::Magic);
        }
        if head[4] != VERSION {
            return Err(InvalidEntry::Version(head[4]));
        }
        let mut salt = [0_u8; 16];
        salt.copy_from_slice(&head[5..]);
        let entry = take_fields(salt, &mut rest)?;
        if !rest.is_empty() {
            return Err(InvalidEntry::Trailing);
        }
        entry.check()?;
        Ok(entry)
    }

    /// The used fields, in the order of the bytes, for a listing; bytes as hexadecimal text.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, Json)> {
        show_fields(self)
    }
}

/// The used fields as a map in the order of the bytes.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.fields();
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (name, value) in &fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
