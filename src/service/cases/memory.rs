//! What the node holds of children for exchange: every value stays sealed under the key of its child, also in memory. In the clear are
//! only which fields a child has, its local pseudonym and its chain tokens.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::{Tag, from_hex, hex};
use crate::domain::case::field::{CaseField, CaseValue};
use crate::domain::case::row::CaseEntry;
use crate::service::core::Core;
use crate::storage::subjects::{SubjectKey, SubjectKeys, SubjectTag, SubjectsError};

/// Number of a value on disk.
const VALUE: u8 = 1;
/// Number of a deletion on disk.
const DELETION: u8 = 2;

/// A row as the journal keeps it.
pub(in crate::service) enum Stored {
    /// A value, sealed under the key of the child with this name.
    Value(SubjectTag, u128, Vec<u8>),
    /// The row with this key is gone.
    Deletion(u128),
}

/// What is sealed of a row.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    subject: String,
    tokens: Vec<(String, String)>,
    content: String,
    value: CaseValue,
}

/// A value that is held.
struct Held {
    child: SubjectTag,
    content: u128,
    field: CaseField,
    sealed: Arc<[u8]>,
}

/// A child of whom fields are held.
#[derive(Clone)]
pub struct Child {
    /// Local pseudonym S.
    pub subject: Tag,
    /// Chain token of each base that it was delivered under.
    pub tokens: BTreeMap<[u8; 16], Tag>,
    rows: BTreeSet<u128>,
}

/// What is held of children.
#[derive(Default)]
pub struct CaseMemory {
    rows: HashMap<u128, Held>,
    children: HashMap<SubjectTag, Child>,
    /// Read from the journal and not opened yet: child and sealed row, by key.
    closed: HashMap<u128, (SubjectTag, Vec<u8>)>,
    generation: u64,
}

fn context(child: &SubjectTag, key: u128) -> Vec<u8> {
    [b"ketenpoort/v1/case-field\0".as_slice(), child, &key.to_be_bytes()].concat()
}

/// Seals a row under the key of its child.
pub(in crate::service) fn sealed(key: &SubjectKey, row: u128, entry: &CaseEntry) -> Vec<u8> {
    let plain = Plain {
        subject: hex(entry.subject.expose()),
        tokens: entry.tokens.iter().map(|(base, token)| (hex(base), hex(token.expose()))).collect(),
        content: hex(&entry.content.to_be_bytes()),
        value: entry.value.clone(),
    };
    let plain = Zeroizing::new(serde_json::to_vec(&plain).unwrap_or_default());
    key.case_key().seal(&context(&key.tag(), row), &plain)
}

fn opened(key: &SubjectKey, row: u128, sealed: &[u8]) -> Option<(CaseEntry, CaseValue)> {
    let plain = Zeroizing::new(key.case_key().open(&context(&key.tag(), row), sealed).ok()?);
    let plain: Plain = serde_json::from_slice(&plain).ok()?;
    let tag = |text: &str| from_hex(text).map(Tag::from_bytes);
    let tokens = plain.tokens.iter().map(|(base, token)| Some((from_hex(base)?, tag(token)?)));
    let content = u128::from_be_bytes(from_hex(&plain.content)?);
    let entry = CaseEntry {
        subject: tag(&plain.subject)?,
        tokens: tokens.collect::<Option<_>>()?,
        value: plain.value.clone(),
        content,
        repaired: false,
    };
    Some((entry, plain.value))
}

/// Rows as one record of the journal.
pub(in crate::service) fn pack(rows: &[Stored]) -> Vec<u8> {
    let mut out = Vec::new();
    for row in rows {
        match row {
            Stored::Value(child, key, sealed) => {
                out.push(VALUE);
                out.extend(key.to_be_bytes());
                out.extend(child);
                out.extend(u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_be_bytes());
                out.extend(sealed);
            }
            Stored::Deletion(key) => {
                out.push(DELETION);
                out.extend(key.to_be_bytes());
            }
        }
    }
    out
}

fn unpack(mut rest: &[u8]) -> Option<Vec<Stored>> {
    let mut rows = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        let (key, after) = after.split_first_chunk::<16>()?;
        let key = u128::from_be_bytes(*key);
        rest = match *kind {
            VALUE => {
                let (child, after) = after.split_first_chunk::<32>()?;
                let (length, after) = after.split_first_chunk::<4>()?;
                let (sealed, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
                rows.push(Stored::Value(*child, key, sealed.to_vec()));
                after
            }
            DELETION => {
                rows.push(Stored::Deletion(key));
                after
            }
            _ => return None,
        };
    }
    Some(rows)
}

impl CaseMemory {
    /// Takes a record of the journal; its values are opened by [`CaseMemory::unseal`].
    pub(in crate::service) fn take_sealed(&mut self, body: &[u8]) -> Result<(), &'static str> {
        for row in unpack(body).ok_or("levering van casusvelden")? {
            match row {
                Stored::Value(child, key, sealed) => drop(self.closed.insert(key, (child, sealed))),
                Stored::Deletion(key) => drop(self.closed.remove(&key)),
            }
        }
        Ok(())
    }

    /// Opens what was read. What does not open is of a child whose key was destroyed.
    pub(in crate::service) fn unseal(&mut self, subjects: &SubjectKeys) -> Result<(), SubjectsError> {
        let mut by_child: BTreeMap<SubjectTag, Vec<(u128, Vec<u8>)>> = BTreeMap::new();
        for (key, (child, sealed)) in self.closed.drain() {
            by_child.entry(child).or_default().push((key, sealed));
        }
        for (child, rows) in by_child {
            let Some(key) = subjects.named(&child)? else { continue };
            for (row, sealed) in rows {
                if let Some((entry, _)) = opened(&key, row, &sealed) {
                    self.put((child, row), &entry, sealed);
                }
            }
        }
        Ok(())
    }

    /// Holds a value in the place of what had its key.
    pub(in crate::service) fn put(&mut self, (child, row): (SubjectTag, u128), entry: &CaseEntry, sealed: Vec<u8>) {
        self.remove(row);
        let known = || Child { subject: entry.subject, tokens: BTreeMap::new(), rows: BTreeSet::new() };
        let of = self.children.entry(child).or_insert_with(known);
        of.tokens.extend(entry.tokens.iter().copied());
        of.rows.insert(row);
        let held = Held { child, content: entry.content, field: entry.value.field, sealed: sealed.into() };
        self.rows.insert(row, held);
        self.generation += 1;
    }

    /// Lets a row go; a child without rows goes too.
    pub(in crate::service) fn remove(&mut self, row: u128) {
        let Some(held) = self.rows.remove(&row) else { return };
        if let Some(child) = self.children.get_mut(&held.child) {
            child.rows.remove(&row);
            if child.rows.is_empty() {
                self.children.remove(&held.child);
            }
        }
        self.generation += 1;
    }

    /// Lets everything of a child go.
    pub(in crate::service) fn forget(&mut self, child: &SubjectTag) {
        for row in self.children.remove(child).map(|child| child.rows).unwrap_or_default() {
            self.rows.remove(&row);
        }
        self.generation += 1;
    }

    /// Fingerprint of the content of a row, and whether its child has a token of each of these bases.
    pub(in crate::service) fn known(&self, row: u128, bases: &[[u8; 16]]) -> Option<(u128, bool)> {
        let held = self.rows.get(&row)?;
        let tokens = self.children.get(&held.child).map(|child| &child.tokens);
        Some((held.content, tokens.is_some_and(|tokens| bases.iter().all(|base| tokens.contains_key(base)))))
    }

    /// Whether anything is held of a child.
    #[must_use]
    pub fn holds(&self, child: &SubjectTag) -> bool {
        self.children.contains_key(child)
    }

    /// The children, by their name in the key file.
    pub fn children(&self) -> impl ExactSizeIterator<Item = (&SubjectTag, &Child)> {
        self.children.iter()
    }

    /// A child.
    #[must_use]
    pub fn child(&self, child: &SubjectTag) -> Option<&Child> {
        self.children.get(child)
    }

    /// Changes whenever what is held changes.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The sealed rows of some fields of a child.
    pub(in crate::service) fn sealed_of(
        &self,
        child: &SubjectTag,
        wanted: &dyn Fn(CaseField) -> bool,
    ) -> Vec<(u128, Arc<[u8]>)> {
        let rows = self.children.get(child).into_iter().flat_map(|child| &child.rows);
        let held = rows.filter_map(|row| Some((*row, self.rows.get(row)?)));
        held.filter(|(_, held)| wanted(held.field)).map(|(row, held)| (row, Arc::clone(&held.sealed))).collect()
    }
}

impl Core {
    /// Opens the values of some fields of a child, in the order of field, part and value.
    ///
    /// # Errors
    /// [`SubjectsError`] when the key file cannot be read.
    pub(in crate::service) fn open_fields(
        &self,
        child: &SubjectTag,
        wanted: &dyn Fn(CaseField) -> bool,
    ) -> Result<Vec<CaseValue>, SubjectsError> {
        let rows = self.memory().cases.sealed_of(child, wanted);
        let Some(key) = self.subjects.named(child)? else { return Ok(Vec::new()) };
        let mut values: Vec<CaseValue> =
            rows.iter().filter_map(|(row, sealed)| Some(opened(&key, *row, sealed)?.1)).collect();
        let order = |value: &CaseValue| (value.field, value.part.clone(), value.from, value.to, value.value.clone());
        values.sort_by_key(order);
        values.dedup();
        Ok(values)
    }

    /// The values of some fields of the child with this local pseudonym, for its own organisation.
    ///
    /// # Errors
    /// Fails as reading one row does.
    pub fn fields_of(
        &self,
        subject: &Tag,
        wanted: &dyn Fn(CaseField) -> bool,
    ) -> Result<Vec<CaseValue>, SubjectsError> {
        self.open_fields(&self.subjects.tag(subject), wanted)
    }

    /// Lets everything go that is held of a child whose key was destroyed.
    pub(in crate::service) fn forget_case(&self, subject: &Tag) {
        let child = self.subjects.tag(subject);
        self.change(|memory| memory.cases.forget(&child));
    }
}
