//! The service of FSC records: the questions of a partner about the log, and the pages that it may see.

use std::sync::Arc;

use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::proto;
use super::proto::logs_server::Logs;
use super::server::{Caller, Served};
use super::status::{FSC_ERROR, status};
use super::wire::Outbound;
use crate::domain::oin::Oin;
use crate::service::standards::RecordsRefused;
use crate::translog::standards::fsc::{Destination, FscDirection, InvalidQuestion, Page, RawQuestion, Record, Source};

#[tonic::async_trait]
impl Logs for Served {
    async fn list_records(
        &self,
        request: Request<proto::ListRecordsRequest>,
    ) -> Result<Response<proto::ListRecordsReply>, Status> {
        let caller = Caller::of(&request)?;
        let question = question(request.into_inner());
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let page = self.blocking(&self.calls, &caller, move || service.fsc_records(&peer, &question)).await?;
        page.map(|page| Response::new(page.encode())).map_err(|refused| {
            let status = refusal(refused, &caller);
            self.service.connection_refused(refused.reason(), Some(caller.peer.oin));
            status
        })
    }
}

fn refusal(refused: RecordsRefused, caller: &Caller) -> Status {
    match refused {
        RecordsRefused::Log(_) | RecordsRefused::TooOften => status(refused.reason(), &caller.trace),
        RecordsRefused::Question(fault) => {
            let mut status = status(refused.reason(), &caller.trace);
            let code = match fault {
                InvalidQuestion::MissingId => Some("MISSING_LOG_RECORD_ID"),
                InvalidQuestion::InvalidId => Some("INVALID_LOG_RECORD_ID"),
                InvalidQuestion::Parameter(_) => None,
            };
            if let Some(code) = code {
                status.metadata_mut().insert(FSC_ERROR, MetadataValue::from_static(code));
            }
            status
        }
    }
}

fn question(message: proto::ListRecordsRequest) -> RawQuestion {
    let proto::ListRecordsRequest {
        cursor,
        limit,
        sort_order,
        after,
        before,
        grant_hashes,
        service_names,
        transaction_ids,
    } = message;
    RawQuestion { cursor, limit, sort_order, after, before, grant_hashes, service_names, transaction_ids }
}

impl Outbound for Page {
    type Message = proto::ListRecordsReply;

    fn encode(self) -> Self::Message {
        let Self { records, pagination } = self;
        let records = records.into_iter().map(record).collect();
        proto::ListRecordsReply { records, next_cursor: pagination.next_cursor }
    }
}

fn record(record: Record) -> proto::FscRecord {
    let (outway, source_delegator) = match record.source {
        Source::Own { outway_peer_id } => (outway_peer_id, None),
        Source::Delegated { outway_peer_id, delegator_peer_id } => (outway_peer_id, Some(delegator_peer_id)),
    };
    let (service, destination_delegator) = match record.destination {
        Destination::Own { service_peer_id } => (service_peer_id, None),
        Destination::Delegated { service_peer_id, delegator_peer_id } => (service_peer_id, Some(delegator_peer_id)),
    };
    let text = |oin: Option<Oin>| oin.map_or_else(String::new, |oin| oin.to_string());
    let direction = match record.direction {
        FscDirection::Incoming => "DIRECTION_INCOMING",
        FscDirection::Outgoing => "DIRECTION_OUTGOING",
    };
    let additional = record.additional_data.into_iter().filter_map(|(k, v)| Some((k, v.as_str()?.to_owned())));
    proto::FscRecord {
        transaction_id: record.transaction_id,
        grant_hash: record.grant_hash,
        outway_peer_id: outway.to_string(),
        source_delegator_peer_id: text(source_delegator),
        service_peer_id: service.to_string(),
        destination_delegator_peer_id: text(destination_delegator),
        direction: direction.to_owned(),
        service_name: record.service_name,
        created_at: record.created_at,
        trace_id: record.trace_id,
        span_id: record.span_id,
        additional_data: additional.collect(),
    }
}
