//! FSC records: a partner sees those that name it, page by page, and never another's.

use std::collections::BTreeSet;

use ketenpoort::domain::reason::ReasonCode;
use tonic::{Code, Status};

use super::asker::{AGGREGATE, Asker, Got, proto};
use super::siege::{Siege, identity};
use crate::three::OINS;

type Reply = Result<proto::ListRecordsReply, Status>;

fn list(asker: &Asker, question: proto::ListRecordsRequest) -> Reply {
    let channel = asker.connect().expect("a party is let in");
    let mut logs = proto::logs_client::LogsClient::new(channel);
    asker.block_on(async move { logs.list_records(question).await.map(tonic::Response::into_inner) })
}

/// Every record, in pages of this size.
fn all(asker: &Asker, limit: u32, sort_order: &str) -> Vec<proto::FscRecord> {
    let mut records = Vec::new();
    let mut cursor = String::new();
    loop {
        let question = proto::ListRecordsRequest {
            cursor,
            limit: Some(limit),
            sort_order: sort_order.to_owned(),
            ..Default::default()
        };
        let page = list(asker, question).expect("a page");
        assert!(page.records.len() <= limit as usize);
        records.extend(page.records);
        if page.next_cursor.is_empty() {
            return records;
        }
        cursor = page.next_cursor;
    }
}

fn ids(records: &[proto::FscRecord]) -> Vec<&str> {
    records.iter().map(|record| record.transaction_id.as_str()).collect()
}

#[test]
fn a_partner_sees_its_own_transactions_and_no_other() {
    let siege = Siege::begin(|_| ());
    let party = Asker::new(siege.address(), identity(&siege.three, "b"));
    for _ in 0..3 {
        siege.monitor.ask(AGGREGATE, siege.good_question());
        let refused = party.ask(AGGREGATE, siege.good_question());
        assert!(matches!(refused, Got::Refused(Code::PermissionDenied, _)), "{refused:?}");
    }
    let (of_monitor, of_party) = (all(&siege.monitor, 1000, ""), all(&party, 1000, ""));
    assert_eq!((of_monitor.len(), of_party.len()), (3, 3));
    for (records, oin, decision) in [(&of_monitor, OINS[2], "ALLOW"), (&of_party, OINS[1], "DENY")] {
        for record in records {
            assert_eq!((record.outway_peer_id.as_str(), record.service_peer_id.as_str()), (oin, OINS[0]));
            assert_eq!(record.direction, "DIRECTION_INCOMING", "the node was asked");
            assert_eq!(record.additional_data["decision"], decision);
            assert!(record.grant_hash.starts_with("$1$4$"));
            assert!(ketenpoort::translog::entry::TransferId::parse(&record.transaction_id).is_ok());
        }
    }
    // Any size of page, either way round, gives the same.
    for limit in [1, 2] {
        assert_eq!(ids(&all(&siege.monitor, limit, "")), ids(&of_monitor));
    }
    let mut turned = all(&siege.monitor, 2, "SORT_ORDER_ASCENDING");
    turned.reverse();
    assert_eq!(ids(&turned), ids(&of_monitor));
    // Another's transaction is not there, also by its id, and an own one is, whatever else is asked.
    let by_id = |asker: &Asker, id: &str| {
        let transaction_ids = vec![id.to_owned()];
        let question = proto::ListRecordsRequest { transaction_ids, before: Some(1), ..Default::default() };
        list(asker, question).expect("a page").records.len()
    };
    assert_eq!(by_id(&siege.monitor, &of_party[0].transaction_id), 0);
    assert_eq!(by_id(&party, &of_party[0].transaction_id), 1);
    let both: BTreeSet<&str> = ids(&of_monitor).into_iter().chain(ids(&of_party)).collect();
    assert_eq!(both.len(), 6);
    wrong_questions(&siege);
    // Not endlessly, and who asks much keeps nobody else from asking.
    let often = |asker: &Asker| (0..80).filter_map(|_| list(asker, proto::ListRecordsRequest::default()).err()).last();
    let refused = often(&siege.monitor).expect("refused");
    let reason = refused.metadata().get("kp-reason").and_then(|value| value.to_str().ok()).map(str::to_owned);
    assert_eq!((refused.code(), reason.as_deref()), (Code::ResourceExhausted, Some(ReasonCode::TooOften.code())));
    assert!(list(&party, proto::ListRecordsRequest::default()).is_ok());
}

fn wrong_questions(siege: &Siege) {
    let wrong = |question: proto::ListRecordsRequest| {
        let status = list(&siege.monitor, question).expect_err("refused");
        let text = |name: &str| status.metadata().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(text("kp-reason").as_deref(), Some(ReasonCode::MessageMalformed.code()));
        text("fsc-error-code")
    };
    let ids = |id: &str| proto::ListRecordsRequest { transaction_ids: vec![id.to_owned()], ..Default::default() };
    assert_eq!(wrong(ids("")).as_deref(), Some("MISSING_LOG_RECORD_ID"));
    for id in ["x", "6f1c1a2e-1111-4111-8111-111111111111"] {
        assert_eq!(wrong(ids(id)).as_deref(), Some("INVALID_LOG_RECORD_ID"));
    }
    for limit in [0, 1001] {
        assert_eq!(wrong(proto::ListRecordsRequest { limit: Some(limit), ..Default::default() }), None);
    }
    for cursor in ["x", "-1", "00000000000000000"] {
        assert_eq!(wrong(proto::ListRecordsRequest { cursor: cursor.to_owned(), ..Default::default() }), None);
    }
}
