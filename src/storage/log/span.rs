//! Which part of the log a span of time is in, what came of transfers afterwards, and which labels entries bear.

use std::collections::HashSet;
use std::ops::Range;

use super::{LogError, LogIndex, TransferLog};
use crate::domain::oin::Oin;
use crate::storage::index::{BLOCK, Condition, Index, IndexError, Source, Tree};
use crate::translog::entry::{Entry, TransferId};

impl LogIndex {
    /// Numbers between which every entry is that begins at or after the first moment and before the second, milliseconds since
    /// 1970 UTC; entries of other moments may be among them. The whole log when the index cannot be used.
    #[must_use]
    pub fn span(&self, log: &TransferLog, (from_ms, until_ms): (u64, u64)) -> Range<u64> {
        self.follow(log);
        let look = |index: &Index| -> Result<Range<u64>, IndexError> {
            let indexed = index.high_water(Source::Translog);
            // What the index has not seen yet may be of any moment.
            let mut span = indexed..log.len();
            let mut below = indexed;
            let within = [Condition::Time(from_ms, until_ms)];
            while let Some(last) = index.newest(Source::Translog, &within, below, 1)?.first() {
                below = last / BLOCK * BLOCK;
                span = below..if span.is_empty() { last + 1 } else { span.end };
            }
            Ok(span)
        };
        self.ask(log, look).unwrap_or(0..log.len())
    }

    /// Which of these labels an entry bears; none when the index cannot be used, and the log has to be read
    /// ([`TransferLog::known_labels`]).
    #[must_use]
    pub fn known_labels(&self, log: &TransferLog, labels: &[[u8; 16]]) -> Option<HashSet<[u8; 16]>> {
        self.follow(log);
        self.ask(log, |index| {
            let mut known = HashSet::new();
            for label in labels {
                if !index.exact(Source::Translog, Tree::Subject, label)?.is_empty() {
                    known.insert(*label);
                }
            }
            Ok(known)
        })
    }

    /// Entries from number `from` of these transfers, each with its partner, in order.
    ///
    /// # Errors
    /// [`LogError`] when an entry cannot be read.
    pub fn later_of(
        &self,
        log: &TransferLog,
        transfers: impl Iterator<Item = (Oin, TransferId)>,
        from: u64,
    ) -> Result<Vec<(u64, Entry)>, LogError> {
        let mut found = Vec::new();
        for (partner, id) in transfers {
            let entries = self.of_transfer(log, partner, id)?;
            found.extend(entries.into_iter().filter(|(number, _)| *number >= from));
        }
        found.sort_unstable_by_key(|(number, _)| *number);
        found.dedup_by_key(|(number, _)| *number);
        Ok(found)
    }
}

impl TransferLog {
    /// Which of these labels an entry bears: one pass over the whole log.
    ///
    /// # Errors
    /// [`LogError`] when an entry cannot be read.
    pub fn known_labels(&self, labels: &[[u8; 16]]) -> Result<HashSet<[u8; 16]>, LogError> {
        let (asked, mut known): (HashSet<_>, _) = (labels.iter().copied().collect(), HashSet::new());
        for entry in self.entries(0..self.len()) {
            let label = <[u8; 16]>::try_from(entry?.1.subject_label).ok();
            known.extend(label.filter(|label| asked.contains(label)));
        }
        Ok(known)
    }
}
