//! Retention of what the log says about children: when every entry under a child's key is past its last day, the key can
//! go, and with it the sealed parts; the entries themselves stay, so the tree stays whole.

use super::core::Core;
use super::entries;
use super::subjects::{RECOVERY_DAYS, SubjectError};
use crate::domain::day::Day;
use crate::storage::subjects::SubjectKey;
use crate::translog::entry::Outcome;

/// Name of a destruction in the log.
pub const RETENTION: &str = "bewaartermijn";
/// A key without entries this many days after it was made is left over from a crash.
const LEFT_OVER_DAYS: i32 = 2;

/// How the keys of children stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RetentionCount {
    /// Children with a key.
    pub subjects: usize,
    /// Of these: every entry is past its last day, or there is none.
    pub past: usize,
    /// Of these: some entry has no last day, so the key is kept.
    pub unlimited: usize,
    /// Keys that were destroyed now.
    pub destroyed: usize,
    /// Entries whose sealed part is past its last day while its key is kept for a younger entry.
    pub waiting: u64,
    /// Day on which the last recovery copy of what was destroyed has expired.
    pub complete_on: Option<Day>,
}

/// What the entries under one key say.
#[derive(Clone, Copy, Default)]
struct Kept {
    until: Option<Day>,
    unlimited: bool,
    past: u64,
}

impl Core {
    /// Looks at every entry, and with `apply` destroys the keys whose entries are all past; one pass over the log.
    ///
    /// # Errors
    /// [`SubjectError`]; what was destroyed before stays destroyed.
    pub fn retention(&self, apply: bool) -> Result<RetentionCount, SubjectError> {
        let today = self.clock.today();
        let opener = self.opener()?;
        let mut kept = vec![Kept::default(); opener.keys().len()];
        for entry in self.log.entries(0..self.log.len()) {
            let (_, entry) = entry?;
            let Some(of) = opener.subject_of(&entry).and_then(|place| kept.get_mut(place as usize)) else { continue };
            match entry.retention_until {
                Some(until) => {
                    of.until = of.until.max(Some(until));
                    of.past += u64::from(until < today);
                }
                None => of.unlimited = true,
            }
        }
        let memory = self.memory();
        let is_past = |key: &SubjectKey, of: &Kept| match of.until {
            // The key also seals what is held of the child for exchange.
            _ if memory.cases.holds(&key.tag()) => false,
            _ if of.unlimited => false,
            Some(until) => until < today,
            None => key.made().0 + LEFT_OVER_DAYS < today.0,
        };
        let keys = || opener.keys().iter().zip(&kept);
        let mut count = RetentionCount { subjects: kept.len(), ..RetentionCount::default() };
        count.unlimited = kept.iter().filter(|of| of.unlimited).count();
        count.past = keys().filter(|(key, of)| is_past(key, of)).count();
        count.waiting = keys().filter(|(key, of)| !is_past(key, of)).map(|(_, of)| of.past).sum();
        if apply && count.past > 0 {
            let past: Vec<&SubjectKey> = keys().filter(|(key, of)| is_past(key, of)).map(|(key, _)| key).collect();
            drop(memory);
            self.destroy_past(&past, &mut count)?;
        }
        Ok(count)
    }

    /// Destroys keys, with an INTENT before and an OUTCOME after that say how many.
    fn destroy_past(&self, past: &[&SubjectKey], count: &mut RetentionCount) -> Result<(), SubjectError> {
        let mut intent = self.local_entry(RETENTION, "Sleutels vernietigen waarvan de bewaartermijn om is");
        intent.row_count = Some(past.len() as u64);
        self.note(&intent)?;
        let mut destroyed = Ok(());
        for key in past {
            // A key that got an entry since the log was read stays.
            match self.subjects.destroy_unless_used(key) {
                Ok(gone) => {
                    count.destroyed += usize::from(gone);
                    if gone {
                        self.index.forget(&self.log, &key.labels().collect::<Vec<_>>());
                    }
                }
                Err(error) => {
                    destroyed = Err(error);
                    break;
                }
            }
        }
        let outcome = if destroyed.is_ok() { Outcome::Confirmed } else { Outcome::Failed };
        let mut end = entries::outcome(&intent, outcome, self.clock.now_ms());
        end.row_count = Some(count.destroyed as u64);
        self.note(&end)?;
        destroyed?;
        count.complete_on = Some(Day(self.clock.today().0 + RECOVERY_DAYS));
        Ok(())
    }
}
