//! The one table between reason codes and gRPC statuses. A peer gets the code and the trace id; no inner text leaves.

use tonic::metadata::{BinaryMetadataValue, MetadataMap, MetadataValue};
use tonic::{Code, Status};

use crate::domain::reason::{ReasonCode, StatusClass};
use crate::service::api::{Refusal, TraceContext};

/// Metadata with the code of the registry.
pub(super) const REASON: &str = "kp-reason";
/// Metadata with FSC's own code of an error, where it has one.
pub(super) const FSC_ERROR: &str = "fsc-error-code";
/// Metadata with the trace id, 32 hexadecimal characters.
pub(super) const TRACE: &str = "kp-trace";

fn code(class: StatusClass) -> Code {
    match class {
        // No refusal has this class; a status must not say Ok to one that would.
        StatusClass::Ok => Code::Unknown,
        StatusClass::InvalidArgument => Code::InvalidArgument,
        StatusClass::Unauthenticated => Code::Unauthenticated,
        StatusClass::PermissionDenied => Code::PermissionDenied,
        StatusClass::FailedPrecondition => Code::FailedPrecondition,
        StatusClass::ResourceExhausted => Code::ResourceExhausted,
        StatusClass::Unavailable => Code::Unavailable,
        StatusClass::DeadlineExceeded => Code::DeadlineExceeded,
        StatusClass::Internal => Code::Internal,
    }
}

/// Metadata with the receipt of a refusal.
pub(super) const RECEIPT: &str = "kp-receipt-bin";

/// The status of a refusal that is in the log, with its receipt.
pub(super) fn refused(refusal: &Refusal, trace: &TraceContext) -> Status {
    let mut status = status(refusal.reason, trace);
    if let Some(receipt) = &refusal.receipt {
        status.metadata_mut().insert_bin(RECEIPT, BinaryMetadataValue::from_bytes(receipt.bytes()));
    }
    status
}

/// The bytes of the receipt that a partner's status has.
pub(super) fn receipt(status: &Status) -> Option<Vec<u8>> {
    Some(status.metadata().get_bin(RECEIPT)?.to_bytes().ok()?.to_vec())
}

/// The status of a refusal.
pub(super) fn status(reason: ReasonCode, trace: &TraceContext) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert(REASON, MetadataValue::from_static(reason.code()));
    if let Ok(text) = MetadataValue::try_from(trace.trace_hex()) {
        metadata.insert(TRACE, text);
    }
    if matches!(reason, ReasonCode::DiskFull | ReasonCode::LogUnavailable) {
        metadata.insert(FSC_ERROR, MetadataValue::from_static("TRANSACTION_LOG_WRITE_ERROR"));
    }
    #[cfg(feature = "defect-plant-bsn")]
    if let Ok(text) = MetadataValue::try_from(crate::domain::plant::text("refusal")) {
        metadata.insert("kp-plant", text);
    }
    Status::with_metadata(code(reason.status()), reason.code(), metadata)
}

/// The reason that a partner's status names, when this version knows it.
pub(super) fn reason(status: &Status) -> Option<ReasonCode> {
    status.metadata().get(REASON)?.to_str().ok().and_then(ReasonCode::parse)
}

/// The reason of a status that tonic itself made, before the message reached our code.
pub(super) fn reason_of_tonic(code: Code) -> ReasonCode {
    match code {
        Code::OutOfRange | Code::ResourceExhausted => ReasonCode::MessageTooLarge,
        Code::DeadlineExceeded | Code::Cancelled => ReasonCode::TooSlow,
        _ => ReasonCode::MessageMalformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_wire_and_says_nothing_else() {
        let trace = TraceContext::random();
        for wanted in ReasonCode::ALL {
            let status = status(*wanted, &trace);
            assert_ne!(status.code(), Code::Ok);
            assert_ne!(status.code(), Code::Unknown);
            assert_eq!(status.message(), wanted.code());
            let unwritten = ["KP-SCHIJF-VOL", "KP-LOGBOEK-NIET-BESCHIKBAAR"].contains(&wanted.code());
            let fsc = status.metadata().get(FSC_ERROR).map(|code| code.to_str().expect("text"));
            assert_eq!(fsc, unwritten.then_some("TRANSACTION_LOG_WRITE_ERROR"));
            assert_eq!(status.metadata().len(), 2 + usize::from(unwritten));
            assert_eq!(reason(&status), Some(*wanted));
        }
    }
}
