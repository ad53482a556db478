//! Reading durable records as a stream, by positioned reads.

use std::ops::Range;
use std::sync::{Arc, PoisonError};

use super::JournalError;
use super::segment::{self, Found, HEADER, Segment, Shared, Walk};

/// Bytes per read: one for a single record, one for a long run.
const SHORT: usize = 64 << 10;
const LONG: usize = 512 << 10;

/// A stream of records with their sequence numbers; ends after the last that was durable when it was made. After an
/// error it ends.
#[derive(Debug)]
pub struct Records {
    shared: Arc<Shared>,
    wanted: Range<u64>,
    walk: Option<(Arc<Segment>, Walk)>,
}

impl Records {
    pub(super) fn new(shared: Arc<Shared>, wanted: Range<u64>) -> Self {
        Self { shared, wanted, walk: None }
    }

    fn step(&mut self) -> Result<(u64, Vec<u8>), JournalError> {
        let seq = self.wanted.start;
        loop {
            let (segment, mut walk) = match self.walk.take() {
                Some(walk) => walk,
                None => self.walk_to(seq)?,
            };
            let offset = walk.offset;
            let at = walk.seq;
            match walk.next().map_err(JournalError::io(&segment.path))? {
                Found::Record(_, bytes) if at == seq => {
                    let record = (seq, bytes.to_vec());
                    self.walk = Some((segment, walk));
                    return Ok(record);
                }
                Found::Record(..) => self.walk = Some((segment, walk)),
                // The next segment begins with the record that this one lacks; anything else is damage.
                Found::End
                    if self.segment_of(seq).is_some_and(|next| next.first == at && next.first > segment.first) => {}
                Found::End | Found::Bad => {
                    return Err(JournalError::Damaged { file: segment.path.clone(), offset, seq: at });
                }
            }
        }
    }

    fn segment_of(&self, seq: u64) -> Option<Arc<Segment>> {
        let segments = self.shared.segments.read().unwrap_or_else(PoisonError::into_inner);
        let after = segments.partition_point(|segment| segment.first <= seq);
        after.checked_sub(1).and_then(|index| segments.get(index)).cloned()
    }

    fn walk_to(&self, seq: u64) -> Result<(Arc<Segment>, Walk), JournalError> {
        let segment = self.segment_of(seq).ok_or_else(|| JournalError::Missing { dir: self.shared.dir.clone() })?;
        let mut points = segment.points.lock().unwrap_or_else(PoisonError::into_inner);
        if points.is_none() {
            *points = Some(survey(&segment)?);
        }
        let near = points.as_ref().and_then(|points| {
            let after = points.partition_point(|&(first, _)| first <= seq);
            after.checked_sub(1).map(|index| points[index])
        });
        drop(points);
        let (from, offset) = near.unwrap_or((segment.first, HEADER as u64));
        let chunk = if self.wanted.end - self.wanted.start > 1 { LONG } else { SHORT };
        let walk = segment.walk(from, offset, chunk).map_err(JournalError::io(&segment.path))?;
        Ok((segment, walk))
    }
}

impl Iterator for Records {
    type Item = Result<(u64, Vec<u8>), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.wanted.is_empty() {
            return None;
        }
        let found = self.step();
        match &found {
            Ok(_) => self.wanted.start += 1,
            Err(_) => self.wanted.start = self.wanted.end,
        }
        Some(found)
    }
}

/// Finds positions in a segment that was not read at open. Damage ends the survey; who reads that far is told then.
fn survey(segment: &Segment) -> Result<Vec<(u64, u64)>, JournalError> {
    let mut walk = segment.walk(segment.first, HEADER as u64, LONG).map_err(JournalError::io(&segment.path))?;
    let mut points = Vec::new();
    loop {
        let (seq, offset) = (walk.seq, walk.offset);
        match walk.next().map_err(JournalError::io(&segment.path))? {
            Found::Record(..) => segment::note(&mut points, seq, offset),
            Found::End | Found::Bad => return Ok(points),
        }
    }
}
