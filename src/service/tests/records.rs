//! Pages of FSC records cost what they may, whoever filled the log.

use super::*;
use crate::domain::oin::Oin;
use crate::service::entries::AGGREGATE;
use crate::translog::entry::{Decision, Direction, Entry, Phase, TransferId};
use crate::translog::standards::fsc::{Question, RawQuestion};

/// A partner that fills the log under the id of another makes the pages of that one no dearer.
#[test]
fn a_page_ends_after_so_many_entries_whoever_made_them() {
    let TestNode { dir: _dir, core, .. } = TestNode::new("2026-06-01");
    let before = core.transfer_log().len();
    let partner = |n: u8| Oin::parse(&format!("000000990000000000{n:02}")).expect("OIN");
    let id = TransferId::new(1, [1; 10]);
    let denied = |n: u8| Entry {
        sender_oin: Some(core.identity.oin),
        receiver_oin: Some(partner(n)),
        service: AGGREGATE.to_owned(),
        decision: Some(Decision::Deny),
        reason_codes: vec!["KP-EEN".to_owned()],
        ..Entry::new(id, Direction::Outgoing, Phase::Deny, 1)
    };
    core.note(&denied(71)).expect("logged");
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| (0..25).for_each(|_| core.note(&denied(72)).map(drop).expect("logged")));
        }
    });
    assert!(before < 100);
    for (sort_order, wanted) in [("SORT_ORDER_DESCENDING", 3..6), ("SORT_ORDER_ASCENDING", 8..12)] {
        let (mut cursor, mut pages, mut found) = (String::new(), 0, 0);
        loop {
            let raw = RawQuestion {
                transaction_ids: vec![id.to_string()],
                sort_order: sort_order.to_owned(),
                cursor,
                limit: Some(2),
                ..RawQuestion::default()
            };
            let question = Question::check(&raw).expect("a question");
            let page = core.fsc_page_within(partner(71), &question, 100).expect("read");
            (pages, found) = (pages + 1, found + page.records.len());
            cursor = page.pagination.next_cursor;
            if cursor.is_empty() {
                break;
            }
        }
        assert!(found == 1 && wanted.contains(&pages), "{found} records on {pages} pages, {sort_order}");
    }
}
