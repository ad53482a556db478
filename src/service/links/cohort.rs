//! The children of a node and their tokens of the epoch, read from the rows of its frozen quarters.

use std::collections::HashMap;

use super::Core;
use crate::crypto::Tag;
use crate::domain::reason::ReasonCode;
use crate::domain::register::RowRef;
use crate::domain::row::{RowKind, RowRecord};
use crate::linkage::document::PADDING;
use crate::policy::convenant::Convenant;
use crate::service::core::CoreError;
use crate::service::release::core_reason;
use crate::service::walk::each_row;

/// The epoch of chain tokens that this version knows.
pub(super) const EPOCH: u32 = 0;

/// The children of a node.
#[derive(Default)]
pub(super) struct Children {
    /// One token for each child.
    pub(super) tokens: Vec<Tag>,
    /// The pseudonym of each, in the same order.
    pub(super) subjects: Vec<Tag>,
    /// For each stored event, by its place, which child it is about.
    pub(super) of_event: Vec<Option<u32>>,
}

impl Children {
    /// Elements that they take, padding included; a node without children takes some too.
    pub(super) fn elements(&self) -> u32 {
        u32::try_from(self.tokens.len().max(1)).unwrap_or(u32::MAX - PADDING).next_multiple_of(PADDING)
    }
}

impl Core {
    /// The children in these rows. A node that has a child without a token takes no part: its figures would be short of it.
    pub(super) fn children(&self, convenant: &Convenant, stored: &[RowRef]) -> Result<Children, ReasonCode> {
        let (base, epoch) = self.chain_epoch(convenant, EPOCH).ok_or(ReasonCode::LinkTokens)?;
        let mut order: Vec<usize> = (0..stored.len()).collect();
        order.sort_unstable_by_key(|place| stored[*place]);
        let mut next = order.into_iter().peekable();
        let mut children = Children { tokens: Vec::new(), subjects: Vec::new(), of_event: vec![None; stored.len()] };
        let mut known: HashMap<Tag, u32> = HashMap::new();
        let mut lacking = false;
        let mut take = |at: RowRef, record: &RowRecord| {
            while let Some(place) = next.next_if(|place| stored[*place] == at) {
                let RowKind::Accepted(accepted) = &record.kind else { break };
                let Some(subject) = &accepted.event.subject else { continue };
                let Some((_, token)) = accepted.tokens.iter().find(|(id, _)| *id == base) else {
                    lacking = true;
                    continue;
                };
                let fresh = u32::try_from(children.tokens.len()).unwrap_or(u32::MAX);
                let child = *known.entry(*token).or_insert_with(|| {
                    children.tokens.push(epoch.token(token));
                    children.subjects.push(*subject);
                    fresh
                });
                children.of_event[place] = Some(child);
            }
            Ok(())
        };
        let read: Result<(), CoreError> = each_row(&self.state, &mut take);
        read.map_err(|e| core_reason(&e))?;
        if lacking { Err(ReasonCode::LinkTokens) } else { Ok(children) }
    }
}
