//! Which part of the log a span of time is in, and what came of transfers afterwards.

use std::ops::Range;

use super::{LogError, LogIndex, TransferLog};
use crate::domain::oin::Oin;
use crate::storage::index::{BLOCK, Condition, Index, IndexError, Source};
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
