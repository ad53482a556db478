//! Between proto and domain: everything that comes in is parsed field by field, and only the types that implement
//! [`Outbound`] go out: an answer, and the control messages.

use thiserror::Error;

use super::proto;
use crate::crypto::{Digest, digest};
use crate::domain::oin::Oin;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use crate::domain::reason::ReasonCode;
use crate::service::answer::Payload;
use crate::service::api::{
    AggregateRequest, Answer, AnswerBytes, MAX_DOCUMENT_BYTES, StatusView, TraceContext, WantedReceipts,
};
use crate::service::receipts::MOST_WANTED;
use crate::translog::entry::TransferId;
use crate::translog::receipt::SignedReceipt;

/// Bound on one message, in bytes.
pub(super) const MAX_MESSAGE: usize = 1 << 20;
/// Bytes of a document in one chunk: with its framing well below [`MAX_MESSAGE`].
const CHUNK: usize = 256 << 10;
/// More dimensions than any question can have; the rule of at most three is the convenant's.
const MAX_BY: usize = 8;

/// A question that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(super) enum InvalidRequest {
    /// The transfer id is not 16 bytes of a UUID of version 7.
    #[error("transfer_id")]
    TransferId,
    /// The hash of the asker's entry is not 32 bytes.
    #[error("intent_hash")]
    IntentHash,
    /// The convenant hash is not 32 bytes.
    #[error("convenant_hash")]
    ConvenantHash,
    /// No table.
    #[error("tables")]
    NoTables,
    /// An indicator that this version does not know.
    #[error("indicator")]
    Indicator,
    /// No period.
    #[error("period")]
    Period,
    /// A dimension that this version does not know, or far too many.
    #[error("by")]
    Dimension,
}

impl InvalidRequest {
    /// The code that the asker gets.
    pub(super) fn reason(self) -> ReasonCode {
        match self {
            Self::TransferId | Self::IntentHash | Self::ConvenantHash | Self::NoTables | Self::Period => {
                ReasonCode::MessageMalformed
            }
            Self::Indicator => ReasonCode::IndicatorNotAllowed,
            Self::Dimension => ReasonCode::DimensionNotAllowed,
        }
    }
}

/// An answer or state that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(super) enum InvalidReply {
    /// The stream does not begin with one head, or has an empty part.
    #[error("the parts of the answer are not a head and then its document")]
    Parts,
    /// Length, digest or signature do not fit the document.
    #[error("the document is not what its head says")]
    Document,
    /// A field of the state.
    #[error("{0}")]
    Field(&'static str),
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::service::api::Answer {}
    impl Sealed for &crate::service::api::AggregateRequest {}
    impl Sealed for crate::service::api::StatusView {}
    impl Sealed for crate::translog::standards::fsc::Page {}
    impl Sealed for &crate::translog::receipt::SignedReceipt {}
    impl Sealed for Vec<crate::translog::receipt::SignedReceipt> {}
    impl Sealed for &crate::service::api::WantedReceipts {}
    impl Sealed for crate::service::sums::share::Share {}
    impl Sealed for &crate::service::sums::messages::SumCall {}
    impl Sealed for crate::service::sums::messages::SumReply {}
    impl Sealed for &crate::service::sums::messages::ShareRequest {}
    impl Sealed for &crate::service::links::messages::LinkCall {}
    impl Sealed for crate::service::links::messages::LinkReply {}
    impl Sealed for &crate::service::cases::exits::CaseAsk {}
    impl Sealed for &crate::service::cases::exits::CaseContent {}
    impl Sealed for &crate::service::cases::offer::CaseOffer {}
}

/// What may be encoded: a closed list. [`Answer`], the share of a regional sum, the four exits of a linked run and the two of
/// an exchange about one child carry something about children; the rest is control.
pub(super) trait Outbound: sealed::Sealed {
    /// The proto message or messages.
    type Message;

    /// Encodes.
    fn encode(self) -> Self::Message;
}

impl Outbound for Answer {
    type Message = Result<Vec<proto::AggregateChunk>, ReasonCode>;

    fn encode(self) -> Self::Message {
        use proto::aggregate_chunk::Part;
        let Payload { bytes: document, signature, salt, receipt } = self.into_payload();
        let length = u32::try_from(document.len()).ok().filter(|_| document.len() <= MAX_DOCUMENT_BYTES);
        let document_bytes = length.ok_or(ReasonCode::MessageTooLarge)?;
        let document_digest = digest(&document).0.to_vec();
        let (signature, receipt, salt) = (signature.to_vec(), receipt.bytes().to_vec(), salt.to_vec());
        let head = proto::AnswerHead { document_bytes, document_digest, signature, receipt, salt };
        let parts = document.chunks(CHUNK).map(|bytes| Part::Document(bytes.to_vec()));
        Ok(std::iter::once(Part::Head(head)).chain(parts).map(|p| proto::AggregateChunk { part: Some(p) }).collect())
    }
}

impl Outbound for &AggregateRequest {
    type Message = proto::AggregateRequest;

    fn encode(self) -> Self::Message {
        // The trace travels as the header `traceparent`.
        let AggregateRequest { transfer_id, intent_hash, convenant_hash, query, trace: _ } = self;
        let tables = query.tables().iter().map(|table| {
            let TableQuery { indicator, period, by } = table;
            proto::TableQuery {
                indicator: indicator.as_str().to_owned(),
                period: period.to_string(),
                by: by.iter().map(|dimension| dimension.as_str().to_owned()).collect(),
            }
        });
        proto::AggregateRequest {
            transfer_id: transfer_id.as_bytes().to_vec(),
            convenant_hash: convenant_hash.0.to_vec(),
            tables: tables.collect(),
            intent_hash: intent_hash.0.to_vec(),
        }
    }
}

impl Outbound for StatusView {
    type Message = proto::StatusReply;

    fn encode(self) -> Self::Message {
        let Self { oin, version, convenants, ready } = self;
        let convenants = convenants.iter().map(|hash| hash.0.to_vec()).collect();
        #[cfg(feature = "defect-plant-bsn")]
        let version = version + &crate::domain::plant::text("response");
        proto::StatusReply { oin: oin.as_str().to_owned(), version, convenants, ready }
    }
}

impl Outbound for &SignedReceipt {
    type Message = proto::ConfirmRequest;

    fn encode(self) -> Self::Message {
        proto::ConfirmRequest { receipt: self.bytes().to_vec() }
    }
}

impl Outbound for Vec<SignedReceipt> {
    type Message = proto::ReceiptsReply;

    fn encode(self) -> Self::Message {
        proto::ReceiptsReply { receipts: self.iter().map(|receipt| receipt.bytes().to_vec()).collect() }
    }
}

impl Outbound for &WantedReceipts {
    type Message = proto::ReceiptsRequest;

    fn encode(self) -> Self::Message {
        let ids = |ids: &[TransferId]| ids.iter().map(|id| id.as_bytes().to_vec()).collect();
        proto::ReceiptsRequest { answers: ids(&self.answers), received: ids(&self.received) }
    }
}

/// Reads which receipts are asked for.
pub(super) fn wanted(message: proto::ReceiptsRequest) -> Result<WantedReceipts, InvalidRequest> {
    let proto::ReceiptsRequest { answers, received } = message;
    if answers.len() + received.len() > MOST_WANTED {
        return Err(InvalidRequest::TransferId);
    }
    let ids = |ids: Vec<Vec<u8>>| ids.into_iter().map(transfer).collect::<Option<Vec<_>>>();
    let wanted = ids(answers).zip(ids(received)).map(|(answers, received)| WantedReceipts { answers, received });
    wanted.ok_or(InvalidRequest::TransferId)
}

/// Reads receipts that we asked for: their number only, since they prove themselves.
pub(super) fn receipts(message: proto::ReceiptsReply) -> Result<Vec<Vec<u8>>, InvalidReply> {
    let proto::ReceiptsReply { receipts } = message;
    if receipts.len() > MOST_WANTED { Err(InvalidReply::Field("receipts")) } else { Ok(receipts) }
}

/// Reads a question.
pub(super) fn request(
    message: proto::AggregateRequest,
    trace: TraceContext,
) -> Result<AggregateRequest, InvalidRequest> {
    let proto::AggregateRequest { transfer_id, convenant_hash, tables, intent_hash } = message;
    let tables = tables.into_iter().map(table).collect::<Result<Vec<_>, _>>()?;
    if tables.is_empty() {
        return Err(InvalidRequest::NoTables);
    }
    Ok(AggregateRequest {
        transfer_id: transfer(transfer_id).ok_or(InvalidRequest::TransferId)?,
        intent_hash: Digest(intent_hash.try_into().map_err(|_| InvalidRequest::IntentHash)?),
        convenant_hash: Digest(convenant_hash.try_into().map_err(|_| InvalidRequest::ConvenantHash)?),
        query: Query::new(tables),
        trace,
    })
}

pub(super) fn transfer(bytes: Vec<u8>) -> Option<TransferId> {
    TransferId::from_bytes(bytes.try_into().ok()?).ok()
}

fn table(message: proto::TableQuery) -> Result<TableQuery, InvalidRequest> {
    let proto::TableQuery { indicator, period, by } = message;
    if by.len() > MAX_BY {
        return Err(InvalidRequest::Dimension);
    }
    Ok(TableQuery {
        indicator: IndicatorId::parse(&indicator).ok_or(InvalidRequest::Indicator)?,
        period: Period::parse(&period).map_err(|_| InvalidRequest::Period)?,
        by: by.iter().map(|name| Dimension::parse(name).ok_or(InvalidRequest::Dimension)).collect::<Result<_, _>>()?,
    })
}

/// What an answer must be, and what proves it.
struct Head {
    bytes: u32,
    digest: Digest,
    signature: [u8; 64],
    receipt: Vec<u8>,
    salt: [u8; 16],
}

/// Puts an answer together from its parts, within the bound that its head sets.
#[derive(Default)]
pub(super) struct Assembly {
    head: Option<Head>,
    document: Vec<u8>,
}

impl Assembly {
    /// Takes the next part.
    pub(super) fn push(&mut self, message: proto::AggregateChunk) -> Result<(), InvalidReply> {
        use proto::aggregate_chunk::Part;
        let proto::AggregateChunk { part } = message;
        match (part.ok_or(InvalidReply::Parts)?, &self.head) {
            (Part::Head(head), None) => {
                let proto::AnswerHead { document_bytes: bytes, document_digest, signature, receipt, salt } = head;
                let digest = Digest(document_digest.try_into().map_err(|_| InvalidReply::Document)?);
                let salt = salt.try_into().map_err(|_| InvalidReply::Document)?;
                let signature = signature.try_into().map_err(|_| InvalidReply::Document)?;
                if usize::try_from(bytes).map_or(true, |bytes| bytes > MAX_DOCUMENT_BYTES) {
                    return Err(InvalidReply::Document);
                }
                self.head = Some(Head { bytes, digest, signature, receipt, salt });
                Ok(())
            }
            (Part::Document(bytes), Some(head)) if !bytes.is_empty() => {
                self.document.extend_from_slice(&bytes);
                if u32::try_from(self.document.len()).map_or(true, |so_far| so_far > head.bytes) {
                    return Err(InvalidReply::Document);
                }
                Ok(())
            }
            _ => Err(InvalidReply::Parts),
        }
    }

    /// The whole answer, when it is what its head says.
    pub(super) fn finish(self) -> Result<AnswerBytes, InvalidReply> {
        let head = self.head.ok_or(InvalidReply::Parts)?;
        if u32::try_from(self.document.len()) != Ok(head.bytes) || digest(&self.document) != head.digest {
            return Err(InvalidReply::Document);
        }
        let Head { signature, receipt, salt, .. } = head;
        Ok(AnswerBytes { document: self.document, signature, receipt, salt, from: None })
    }
}

/// Reads a state.
pub(super) fn status_view(message: proto::StatusReply) -> Result<StatusView, InvalidReply> {
    let proto::StatusReply { oin, version, convenants, ready } = message;
    let convenants = convenants.into_iter().map(|hash| Ok(Digest(hash.try_into()?))).collect::<Result<_, Vec<u8>>>();
    Ok(StatusView {
        oin: Oin::parse(&oin).map_err(|_| InvalidReply::Field("oin"))?,
        version,
        convenants: convenants.map_err(|_| InvalidReply::Field("convenants"))?,
        ready,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tests::fake::receipt;
    use proptest::prelude::*;
    use prost::Message;

    fn example() -> AggregateRequest {
        let period = Period::parse("2024-Q1").unwrap();
        let by = vec![Dimension::Gemeente, Dimension::Leeftijd];
        AggregateRequest {
            transfer_id: TransferId::new(1_750_000_000_000, [7; 10]),
            intent_hash: Digest([8; 32]),
            convenant_hash: Digest([9; 32]),
            query: Query::new(vec![
                TableQuery { indicator: IndicatorId::Ind08P, period, by: vec![] },
                TableQuery { indicator: IndicatorId::Ind01, period, by },
            ]),
            trace: TraceContext::random(),
        }
    }

    fn changed(change: impl Fn(&mut proto::AggregateRequest)) -> Result<AggregateRequest, InvalidRequest> {
        let mut message = example().encode();
        change(&mut message);
        request(message, TraceContext::random())
    }

    #[test]
    fn a_question_comes_back_the_same() {
        let wanted = example();
        assert_eq!(request(wanted.encode(), wanted.trace), Ok(wanted));
    }

    #[test]
    fn each_broken_field_of_a_question_has_its_own_error() {
        type Break = fn(&mut proto::AggregateRequest);
        let cases: [(InvalidRequest, Break); 9] = [
            (InvalidRequest::TransferId, |m| m.transfer_id.truncate(15)),
            (InvalidRequest::TransferId, |m| m.transfer_id[6] = 0x40),
            (InvalidRequest::IntentHash, |m| m.intent_hash.clear()),
            (InvalidRequest::ConvenantHash, |m| m.convenant_hash.push(0)),
            (InvalidRequest::NoTables, |m| m.tables.clear()),
            (InvalidRequest::Indicator, |m| m.tables[0].indicator = "IND-99".into()),
            (InvalidRequest::Period, |m| m.tables[0].period = "2024-Q5".into()),
            (InvalidRequest::Dimension, |m| m.tables[0].by = vec!["bsn".into()]),
            (InvalidRequest::Dimension, |m| m.tables[0].by = vec!["gemeente".into(); MAX_BY + 1]),
        ];
        for (wanted, change) in cases {
            assert_eq!(changed(change), Err(wanted));
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused_or_read_but_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(message) = proto::AggregateRequest::decode(bytes.as_slice()) {
                let _either = request(message, TraceContext::random());
            }
            if let Ok(message) = proto::AggregateChunk::decode(bytes.as_slice()) {
                let _either = Assembly::default().push(message);
            }
            if let Ok(message) = proto::StatusReply::decode(bytes.as_slice()) {
                let _either = status_view(message);
            }
        }
    }

    fn parts(length: usize) -> Vec<proto::AggregateChunk> {
        Answer::for_tests((0..length).map(|i| u8::try_from(i % 251).unwrap()).collect(), [3; 64], receipt())
            .encode()
            .unwrap()
    }

    fn assemble(parts: Vec<proto::AggregateChunk>) -> Result<AnswerBytes, InvalidReply> {
        let mut assembly = Assembly::default();
        for part in parts {
            assembly.push(part)?;
        }
        assembly.finish()
    }

    #[test]
    fn answers_of_every_size_come_back_whole_in_small_messages() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let parts = parts(length);
            assert!(parts.iter().all(|part| part.encoded_len() < MAX_MESSAGE));
            let answer = assemble(parts).unwrap();
            assert_eq!((answer.document.len(), answer.signature), (length, [3; 64]));
            assert_eq!((answer.receipt.as_slice(), answer.salt), (receipt().bytes(), [2; 16]));
        }
        let too_large = Answer::for_tests(vec![0; MAX_DOCUMENT_BYTES + 1], [3; 64], receipt());
        assert_eq!(too_large.encode(), Err(ReasonCode::MessageTooLarge));
    }

    #[test]
    fn lost_doubled_swapped_and_altered_parts_are_found() {
        let whole = parts(2 * CHUNK + 9);
        for lost in 0..whole.len() {
            let mut broken = whole.clone();
            broken.remove(lost);
            assert!(assemble(broken).is_err(), "part {lost} lost");
            let mut broken = whole.clone();
            broken.insert(lost, whole[lost].clone());
            assert!(assemble(broken).is_err(), "part {lost} doubled");
        }
        let mut broken = whole.clone();
        broken.swap(1, 2);
        assert_eq!(assemble(broken), Err(InvalidReply::Document));
        let mut broken = whole;
        broken[0].part = None;
        assert_eq!(assemble(broken), Err(InvalidReply::Parts));
    }

    #[test]
    fn a_state_comes_back_the_same() {
        let oin = Oin::parse("00000099000000001000").unwrap();
        let wanted = StatusView {
            oin,
            version: "0.1.0".into(),
            convenants: vec![Digest([1; 32]), Digest([2; 32])],
            ready: true,
        };
        assert_eq!(status_view(wanted.clone().encode()), Ok(wanted));
    }
}
