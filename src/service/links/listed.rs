//! Which children a node brought to a linked run: a salted list in the sealed state journal, so that a person can be told (AVG 15). The
//! entry of the run commits to it, so that a child cannot be left out of it afterwards.

use super::Core;
use crate::crypto::{MacKey, Secret32, Tag, from_hex};
use crate::domain::reason::ReasonCode;
use crate::linkage::document::Run;
use crate::service::core::CoreError;
use crate::service::release::core_reason;
use crate::storage::state::StateKind;
use crate::translog::entry::TransferId;

const LABEL: &[u8] = b"ketenpoort/v1/link-cohort\0";
/// Length of what stands for a child.
const MARK: usize = 16;
/// Run, moment, salt.
const HEAD: usize = 16 + 8 + 32;
/// Children of one record, at most.
const PER_RECORD: usize = 32_768;

/// A linked run in which a child was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::service) struct ListedRun {
    pub(in crate::service) run: TransferId,
    pub(in crate::service) start_ms: u64,
    /// What stands for the child there.
    mark: [u8; MARK],
}

fn mark(key: &MacKey, subject: &Tag) -> [u8; MARK] {
    key.tag(&[LABEL, subject.expose()]).expose().first_chunk().copied().unwrap_or_default()
}

/// The records of a list: head, then a mark for each child, ascending.
fn records(run: [u8; 16], start_ms: u64, subjects: &[Tag]) -> Vec<Vec<u8>> {
    let salt = Secret32::random();
    let key = MacKey::new(&salt);
    let mut marks: Vec<[u8; MARK]> = subjects.iter().map(|subject| mark(&key, subject)).collect();
    marks.sort_unstable();
    let head = [&run[..], &start_ms.to_be_bytes(), salt.expose()].concat();
    marks.chunks(PER_RECORD).map(|marks| [&head[..], marks.as_flattened()].concat()).collect()
}

/// The run of a record, when it lists the child.
fn lists(body: &[u8], subject: &Tag) -> Option<ListedRun> {
    let (head, marks) = body.split_at_checked(HEAD)?;
    let key = MacKey::from_slice(&head[24..]);
    let (marks, _) = marks.as_chunks::<MARK>();
    let mark = mark(&key, subject);
    marks.binary_search(&mark).ok()?;
    let run = TransferId::from_bytes(head.first_chunk().copied()?).ok()?;
    let start_ms = u64::from_be_bytes(head[16..24].try_into().ok()?);
    Some(ListedRun { run, start_ms, mark })
}

impl Core {
    /// Makes durable which children we bring to a run; back come the bytes for the log to commit to.
    pub(super) fn list_cohort(&self, run: &Run, subjects: &[Tag]) -> Result<Vec<u8>, ReasonCode> {
        let id = from_hex(&run.document.run).ok_or(ReasonCode::LinkDocument)?;
        let records = records(id, self.clock.now_ms(), subjects);
        let bytes = records.concat();
        let kept = records.into_iter().map(|record| (StateKind::LinkCohort, record)).collect();
        self.state.append_batch(kept).map_err(|e| core_reason(&CoreError::State(e)))?;
        Ok(bytes)
    }

    /// The linked runs to which we brought this child, oldest first.
    pub(in crate::service) fn linked_with(&self, subject: &Tag) -> Result<Vec<ListedRun>, CoreError> {
        let mut found = Vec::new();
        self.state.replay::<CoreError>(|_, kind, body| {
            match kind {
                StateKind::LinkCohort => found.extend(lists(&body, subject)),
                StateKind::LinkErased => found.retain(|listed| !body.as_chunks::<MARK>().0.contains(&listed.mark)),
                _ => {}
            }
            Ok(())
        })?;
        found.sort_unstable_by_key(|listed| (listed.start_ms, listed.run));
        Ok(found)
    }

    /// Notes that what stands for this child in the lists of linked runs stands for nobody any more. The lists stay as the log
    /// commits to them.
    pub(in crate::service) fn forget_linked(&self, subject: &Tag) -> Result<(), CoreError> {
        let marks: Vec<[u8; MARK]> = self.linked_with(subject)?.iter().map(|listed| listed.mark).collect();
        if !marks.is_empty() {
            self.state.append(StateKind::LinkErased, marks.as_flattened().to_vec())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_its_children_and_nobody_without_their_pseudonym() {
        let tag = |n: u8| Tag::from_bytes([n; 32]);
        let children: Vec<Tag> = (0..50).map(tag).collect();
        let run = *TransferId::new(5, [7; 10]).as_bytes();
        let one = records(run, 5, &children).concat();
        assert_eq!(one.len(), HEAD + 50 * MARK);
        assert!((0..50).all(|n| lists(&one, &tag(n)).is_some_and(|run| run.start_ms == 5)));
        assert!((50..=255).all(|n| lists(&one, &tag(n)).is_none()));
        assert!((0..50).all(|n| !one.windows(MARK).any(|window| *window == [n; MARK])), "no pseudonym stands in it");
        let other = records(run, 5, &children).concat();
        assert_ne!(one[HEAD..], other[HEAD..], "two lists share no mark");
        assert!(records(run, 5, &[]).is_empty());
        assert_eq!(lists(&one[..40], &tag(1)), None);
    }
}
