//! Finding entries without reading the whole log: through the index by time, partner, purpose, decision and transfer.
//! Whatever happens to the index, the answer is that of the log: every entry found is read there and
//! looked at again, and when the index cannot be used the log is read instead.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use thiserror::Error;

use super::{Filter, LogError, TransferLog};
use crate::domain::oin::Oin;
use crate::storage::index::{Condition, Index, IndexEntry, IndexError, IndexOptions, Source, Tree};
use crate::translog::entry::{Entry, Outcome, TransferId};

/// Entries that are looked at in one step.
const STEP: usize = 256;
/// A longer text is in the index by its beginning.
const LONGEST: usize = 256;
/// Names the keys that entries have in this version of the program; who changes [`LogIndex::keys`] changes it too, so that the
/// index is built anew.
const KEYS: &str = "4";
/// Length of a label of a data subject.
const LABEL: usize = 16;

/// Entries that are read of one transfer. An honest one has a handful; a partner can make more by asking on and on under
/// one id.
pub const MOST_OF_TRANSFER: usize = 256;

/// The index over one transfer log. It is opened when it is first needed, so that a command that asks nothing of it does
/// not wait for it.
#[derive(Debug)]
pub struct LogIndex {
    dir: PathBuf,
    ours: Oin,
    index: OnceLock<Index>,
    opening: Mutex<()>,
}

#[derive(Debug, Error)]
enum Unusable {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Which way candidates for a listing are found.
enum Road {
    /// These numbers, the newest last.
    Numbers(Vec<u64>),
    /// Those that meet these conditions.
    Joined(Vec<Condition>),
    /// Every entry.
    Log,
}

/// Entries with their numbers, and below which number there may be more.
pub type Page = (Vec<(u64, Entry)>, Option<u64>);

impl LogIndex {
    /// The index in `dir` over the log of `ours`; nothing is read or made yet.
    #[must_use]
    pub fn new(dir: &Path, ours: Oin) -> Self {
        Self { dir: dir.join(KEYS), ours, index: OnceLock::new(), opening: Mutex::default() }
    }

    /// Takes in what the log got since the last time. Called every second, so that appending never waits for the index.
    pub fn follow(&self, log: &TransferLog) {
        let followed = self.opened(log).and_then(|index| {
            if index.high_water(Source::Translog) == log.len() { Ok(()) } else { self.catch_up(index, log) }
        });
        if let Err(reason) = followed {
            tracing::warn!("index: {reason}");
        }
    }

    /// Entries that the index holds; none when nothing needed it yet.
    #[must_use]
    pub fn indexed(&self) -> Option<u64> {
        self.index.get().map(|index| index.high_water(Source::Translog))
    }

    /// Makes the index durable as it is; the next start reads only the rest of the log.
    pub fn flush(&self) {
        if let Some(Err(reason)) = self.index.get().map(Index::flush) {
            tracing::warn!("index: {reason}");
        }
    }

    /// At most `limit` entries with numbers below `below` that a filter admits, the last appended first. The number of the
    /// last one is where the next page goes on, whatever was appended since.
    ///
    /// # Errors
    /// [`LogError`] when an entry cannot be read.
    pub fn newest(
        &self,
        log: &TransferLog,
        filter: &Filter,
        (below, limit): (Option<u64>, usize),
    ) -> Result<Vec<(u64, Entry)>, LogError> {
        Ok(self.newest_of(log, filter, (below, limit), u64::MAX)?.0)
    }

    /// As [`LogIndex::newest`], looking at about `most` entries; the second value says below which number to go on when
    /// there may be more.
    ///
    /// # Errors
    /// [`LogError`] when an entry cannot be read.
    pub fn newest_of(
        &self,
        log: &TransferLog,
        filter: &Filter,
        (below, limit): (Option<u64>, usize),
        most: u64,
    ) -> Result<Page, LogError> {
        Ok(self.newest_seen(log, filter, (below, limit), most)?.0)
    }

    /// As [`LogIndex::newest_of`], and how many entries were looked at.
    ///
    /// # Errors
    /// [`LogError`] when an entry cannot be read.
    pub fn newest_seen(
        &self,
        log: &TransferLog,
        filter: &Filter,
        (below, limit): (Option<u64>, usize),
        most: u64,
    ) -> Result<(Page, u64), LogError> {
        let mut below = below.map_or(log.len(), |below| below.min(log.len()));
        let mut road = self.road(log, filter);
        let (mut found, mut seen) = (Vec::new(), 0);
        while below > 0 && found.len() < limit && seen < most {
            let candidates = self.step(log, &mut road, below)?;
            below = candidates.last().map_or(0, |(number, _)| *number);
            seen += candidates.len() as u64;
            found.extend(candidates.into_iter().filter(|(_, entry)| filter.admits(entry)).take(limit - found.len()));
        }
        if found.len() == limit {
            below = found.last().map_or(below, |(number, _): &(u64, Entry)| *number);
        }
        Ok(((found, (below > 0).then_some(below)), seen))
    }

    /// The entries of the transfer with this id between us and a partner, oldest first; another partner's with the same id
    /// are not among them. Entries that were appended after the last [`LogIndex::follow`] may be passed over; of more than
    /// [`MOST_OF_TRANSFER`] come the oldest.
    ///
    /// # Errors
    /// [`LogError`] when an entry cannot be read.
    pub fn of_transfer(&self, log: &TransferLog, partner: Oin, id: TransferId) -> Result<Vec<(u64, Entry)>, LogError> {
        let ours = |entry: &Entry| entry.transfer_id == id && entry.partner() == Some(partner);
        let key = transfer_key(id, Some(partner));
        let keep = |found: &Result<(u64, Entry), LogError>| found.as_ref().map_or(true, |(_, entry)| ours(entry));
        match self.ask(log, |index| index.exact(Source::Translog, Tree::Transfer, &key)) {
            Some(numbers) => {
                let read = |number: u64| log.entry(number).transpose().map(|entry| Ok((number, entry?)));
                numbers.into_iter().filter_map(read).filter(keep).take(MOST_OF_TRANSFER).collect()
            }
            None => log.entries(0..log.len()).filter(keep).take(MOST_OF_TRANSFER).collect(),
        }
    }

    /// Numbers of the entries that bear one of these labels of a data subject, in order.
    ///
    /// # Errors
    /// [`LogError`] when the log must be read and cannot.
    pub fn labelled(&self, log: &TransferLog, labels: &[[u8; 16]]) -> Result<Vec<u64>, LogError> {
        self.follow(log);
        let look = |index: &Index| -> Result<Vec<u64>, IndexError> {
            let found = labels.iter().map(|label| index.exact(Source::Translog, Tree::Subject, label));
            Ok(found.collect::<Result<Vec<_>, _>>()?.concat())
        };
        if let Some(mut numbers) = self.ask(log, look) {
            numbers.sort_unstable();
            return Ok(numbers);
        }
        let labels: HashSet<&[u8]> = labels.iter().map(<[u8; 16]>::as_slice).collect();
        let mut numbers = Vec::new();
        for entry in log.entries(0..log.len()) {
            let (number, entry) = entry?;
            if labels.contains(entry.subject_label.as_slice()) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// Takes these labels out of the index at once: their key was destroyed. An index that is built anew has them again,
    /// and nobody can tell whose they were.
    pub fn forget(&self, log: &TransferLog, labels: &[[u8; 16]]) {
        let forgotten = self.opened(log).and_then(|index| {
            let mut entries = Vec::new();
            for label in labels {
                for seq in index.exact(Source::Translog, Tree::Subject, label)? {
                    entries.push(IndexEntry { tree: Tree::Subject, key: label.to_vec(), seq });
                }
            }
            Ok(index.remove(Source::Translog, &entries)?)
        });
        if let Err(reason) = forgotten {
            tracing::warn!("index: {reason}");
        }
    }

    fn opened(&self, log: &TransferLog) -> Result<&Index, Unusable> {
        let _one = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let (index, broken) = Index::open(&self.dir, IndexOptions::default())?;
        if let Some(reason) = broken {
            tracing::warn!("index: {reason}; hij wordt opnieuw opgebouwd");
        }
        self.catch_up(&index, log)?;
        Ok(self.index.get_or_init(|| index))
    }

    fn catch_up(&self, index: &Index, log: &TransferLog) -> Result<(), Unusable> {
        let mut extract = |number, bytes: &[u8]| {
            let entry = Entry::decode(bytes).map_err(|error| LogError::Unreadable { index: number, error })?;
            Ok(self.keys(number, &entry))
        };
        index.catch_up::<Unusable>(Source::Translog, &log.inner.journal, &mut extract).map(drop)
    }

    /// Asks the index; `None` when it cannot be used, and then the log must be read.
    pub(super) fn ask<T>(&self, log: &TransferLog, question: impl Fn(&Index) -> Result<T, IndexError>) -> Option<T> {
        let asked = self.opened(log).and_then(|index| match question(index) {
            Ok(found) => Ok(found),
            Err(_) => self.catch_up(index, log).and_then(|()| Ok(question(index)?)),
        });
        asked.inspect_err(|reason| tracing::warn!("index: {reason}; het logboek wordt gelezen")).ok()
    }

    /// The keys of an entry; see [`KEYS`].
    fn keys(&self, seq: u64, entry: &Entry) -> Vec<IndexEntry> {
        let mut keys = vec![(Tree::Time, entry.start_ms.to_be_bytes().to_vec())];
        let mut partners: Vec<Oin> = entry.sender_oin.into_iter().chain(entry.receiver_oin).collect();
        partners.extend(&entry.delegator_oins);
        partners.sort_unstable();
        partners.dedup();
        // Our own OIN is in nearly every entry, so it finds nothing.
        let partners = partners.into_iter().filter(|oin| *oin != self.ours);
        keys.extend(partners.map(|oin| (Tree::Partner, oin.as_str().as_bytes().to_vec())));
        let texts = [
            (Tree::Purpose, &entry.purpose),
            (Tree::Activity, &entry.activity_own),
            (Tree::Activity, &entry.activity_peer),
        ];
        let fields = entry.field_names.iter().map(|field| (Tree::Field, field));
        let texts = texts.into_iter().chain(fields).filter(|(_, text)| !text.is_empty());
        keys.extend(texts.map(|(tree, text)| (tree, beginning(text))));
        if !entry.ground_article.is_empty() {
            keys.push((Tree::Ground, beginning(&entry.ground_article.to_lowercase())));
        }
        keys.push((Tree::Phase, vec![entry.phase.number()]));
        keys.extend(entry.outcome.map(|outcome| (Tree::Phase, outcome_key(outcome))));
        if !entry.subject_sealed.is_empty() {
            keys.push((Tree::Sealed, Vec::new()));
        }
        keys.extend(entry.trace_id.map(|trace| (Tree::Trace, trace.to_vec())));
        keys.extend(entry.decision.map(|decision| (Tree::Decision, vec![decision.number()])));
        keys.push((Tree::Transfer, transfer_key(entry.transfer_id, entry.partner())));
        keys.extend(entry.refers_to.map(|id| (Tree::Transfer, transfer_key(id, entry.partner()))));
        if entry.subject_label.len() == LABEL {
            keys.push((Tree::Subject, entry.subject_label.clone()));
        }
        keys.into_iter().map(|(tree, key)| IndexEntry { tree, key, seq }).collect()
    }

    /// The way with the fewest candidates, as far as can be said before looking.
    fn road(&self, log: &TransferLog, filter: &Filter) -> Road {
        self.follow(log);
        if let Some(id) = filter.transfer {
            let numbers = self.ask(log, |index| index.headed(Source::Translog, Tree::Transfer, id.as_bytes()));
            return numbers.map_or(Road::Log, sorted);
        }
        if let Some(trace) = filter.trace {
            let numbers = self.ask(log, |index| index.exact(Source::Translog, Tree::Trace, &trace));
            return numbers.map_or(Road::Log, sorted);
        }
        match self.ask(log, |index| self.conditions(index, filter)) {
            Some(conditions) if !conditions.is_empty() => Road::Joined(conditions),
            _ => Road::Log,
        }
    }

    /// What the index can say of a filter.
    fn conditions(&self, index: &Index, filter: &Filter) -> Result<Vec<Condition>, IndexError> {
        let mut found = Vec::new();
        let mut one = |tree: Tree, key: Vec<u8>| found.push(Condition::AnyOf(tree, vec![key]));
        if let Some(partner) = filter.partner.filter(|oin| *oin != self.ours) {
            one(Tree::Partner, partner.as_str().as_bytes().to_vec());
        }
        let texts =
            [(Tree::Purpose, &filter.purpose), (Tree::Field, &filter.field), (Tree::Activity, &filter.activity)];
        for (tree, text) in texts {
            if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
                one(tree, beginning(text));
            }
        }
        filter.decision.iter().for_each(|decision| one(Tree::Decision, vec![decision.number()]));
        filter.phase.iter().for_each(|phase| one(Tree::Phase, vec![phase.number()]));
        filter.outcome.iter().for_each(|outcome| one(Tree::Phase, outcome_key(*outcome)));
        if filter.sealed {
            one(Tree::Sealed, Vec::new());
        }
        if filter.from_ms.is_some() || filter.until_ms.is_some() {
            found.push(Condition::Time(filter.from_ms.unwrap_or(0), filter.until_ms.unwrap_or(u64::MAX)));
        }
        if let Some(ground) = filter.ground.as_ref().map(|ground| ground.to_lowercase()).filter(|g| !g.is_empty()) {
            let holds = |key: &Vec<u8>| {
                // Of a longer ground the rest may hold the text.
                key.len() >= LONGEST || String::from_utf8_lossy(key).contains(&ground)
            };
            let keys = index.keys(Source::Translog, Tree::Ground)?.into_iter().filter(holds).collect();
            found.push(Condition::AnyOf(Tree::Ground, keys));
        }
        Ok(found)
    }

    /// The next candidates with numbers below `below`, newest first; none at the end.
    fn step(&self, log: &TransferLog, road: &mut Road, below: u64) -> Result<Vec<(u64, Entry)>, LogError> {
        let numbers = match road {
            Road::Numbers(numbers) => {
                // Those that came since the listing began are not in it.
                numbers.truncate(numbers.partition_point(|number| *number < below));
                Some(numbers.iter().rev().take(STEP).copied().collect())
            }
            Road::Joined(conditions) => self.ask(log, |index| index.newest(Source::Translog, conditions, below, STEP)),
            Road::Log => None,
        };
        if let Some(numbers) = numbers {
            let read = |number: u64| log.entry(number).transpose().map(|entry| Ok((number, entry?)));
            return numbers.into_iter().filter_map(read).collect();
        }
        // When the index broke on the way, the log goes on where it stopped.
        *road = Road::Log;
        let mut entries: Vec<_> =
            log.entries(below.saturating_sub(STEP as u64)..below).collect::<Result<_, LogError>>()?;
        entries.reverse();
        Ok(entries)
    }
}

/// A text as a key: its first bytes, as many as a key has room for.
fn beginning(text: &str) -> Vec<u8> {
    text.as_bytes()[..text.len().min(LONGEST)].to_vec()
}

/// Apart from the phases, which have one byte.
fn outcome_key(outcome: Outcome) -> Vec<u8> {
    vec![0, outcome.number()]
}

fn sorted(mut numbers: Vec<u64>) -> Road {
    numbers.sort_unstable();
    numbers.dedup();
    Road::Numbers(numbers)
}

/// The id, then the partner: an id alone finds the transfers of everyone under it.
fn transfer_key(id: TransferId, partner: Option<Oin>) -> Vec<u8> {
    let partner = partner.map_or_else(Vec::new, |oin| oin.as_str().as_bytes().to_vec());
    [id.as_bytes().to_vec(), partner].concat()
}
