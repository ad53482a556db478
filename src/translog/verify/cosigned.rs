//! The file `cosigned`: an earlier checkpoint of the same log with the cosignatures of witnesses.

use super::super::checkpoint::Checkpoint;
use super::super::cosignature::{cosigners, witness_oin};
use super::super::export::COSIGNED;
use super::super::note::Note;
use super::report::{CosignedReport, Cosigner};
use super::{Earlier, Files, Report, Trust};
use crate::crypto::VerifyingKey;
use crate::policy::witness::Quorum;

/// So long an entry may wait for a quorum: a node whose entries wait longer lets nothing leave.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Checks the file: form, log, signature of the log, and with a trusted convenant that it is there and the quorum. Whether the
/// entries are those of its root is for the walk: the checkpoint that is returned.
pub(super) fn check(
    export: &dyn Files,
    checkpoint: &Checkpoint,
    key: Option<&VerifyingKey>,
    trust: Option<&Trust>,
    report: &mut Report,
) -> Option<Earlier> {
    let quorum = trust.and_then(|trust| trust.quorum.as_ref());
    let Ok(bytes) = export.read(COSIGNED) else {
        if quorum.is_some() && checkpoint.size > 0 {
            report.fault(COSIGNED, None, "zonder medeondertekening van getuigen, die het vertrouwde convenant vereist");
        }
        return None;
    };
    let read = Note::decode(&bytes).and_then(|note| Ok((Checkpoint::from_note(&note)?, note)));
    let (cosigned, note) = read.map_err(|error| report.fault(COSIGNED, None, error.to_string())).ok()?;
    if cosigned.origin != checkpoint.origin || cosigned.size > checkpoint.size {
        report.fault(COSIGNED, None, "dit is het checkpoint van een ander of een langer log (log teruggezet?)");
        return None;
    }
    if let Some(Err(error)) = key.map(|key| note.verify(&checkpoint.origin, key)) {
        report.fault(COSIGNED, None, error.to_string());
    }
    let found = found(&note, quorum);
    if let Some(quorum) = quorum
        && !quorum.is_met(|oin| found.iter().any(|cosigner| cosigner.oin == oin.to_string()))
    {
        let (have, needed) = (found.len(), quorum.needed);
        report.fault(
            COSIGNED,
            None,
            format!("geldig medeondertekend door {have} getuigen van de {needed} die nodig zijn"),
        );
    }
    report.cosigned = Some(CosignedReport { size: cosigned.size, checked: quorum.is_some(), witnesses: found });
    Some(Earlier { checkpoint: cosigned, file: COSIGNED, what: "medeondertekende" })
}

/// With a trusted convenant no entry may have waited for its quorum for more than a day when the export was made.
pub(super) fn check_age(waiting: Option<(u64, u64)>, exported_ms: u64, report: &mut Report) {
    let Some((number, start_ms)) = waiting else { return };
    if report.cosigned.as_ref().is_some_and(|cosigned| cosigned.checked)
        && exported_ms.saturating_sub(start_ms) > DAY_MS
    {
        let text = "deze regel was bij de export al meer dan 24 uur niet door een quorum van getuigen medeondertekend";
        report.fault(COSIGNED, Some(number), text);
    }
}

/// With a quorum those whose cosignature holds; without keys the names that stand there.
fn found(note: &Note, quorum: Option<&Quorum>) -> Vec<Cosigner> {
    let Some(quorum) = quorum else {
        let named = note.signatures.iter().filter_map(|line| witness_oin(&line.name));
        return named.map(|oin| Cosigner { oin: oin.to_string(), time_s: None }).collect();
    };
    let held = cosigners(note, &quorum.witnesses).into_iter();
    held.map(|(oin, time)| Cosigner { oin: oin.to_string(), time_s: Some(time) }).collect()
}
