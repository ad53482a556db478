//! `log audit`: what employees did on this node, with the whole chain checked first; and the audit log beside the heads of it
//! that the transfer log holds.

use serde_json::json;

use super::command::AuditCommand;
use crate::domain::moment::seconds as moment;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::service::anchor::{Anchor, AuditCheck, AuditView};
use crate::service::audit::AuditRecord;
use crate::service::core::Core;

/// Records that go over the local socket at a time.
const MOST: usize = 100_000;

/// `log audit`: refused when the log is not what it was.
pub fn audit(core: &Core, command: &AuditCommand) -> Outcome {
    let mut found = Vec::new();
    let read = core.audit_records(&mut |number, record| {
        let at = record.at_ms();
        let wanted = command.since.is_none_or(|since| at >= since) && command.until.is_none_or(|until| at < until);
        if wanted && found.len() < MOST {
            found.push((number, record));
        }
    });
    let all = match read {
        Ok(all) => all,
        Err(e) => return Outcome::refused(e.to_string()),
    };
    let stdout = if command.json {
        pretty(&found.iter().map(|(number, record)| json!({"nummer": number, "record": record})).collect::<Vec<_>>())
    } else {
        found.iter().map(|(number, record)| line(*number, record)).collect()
    };
    match alarm(&core.audit_view()) {
        Some(alarm) => Outcome { exit: 1, stdout, stderr: alarm },
        None => Outcome { exit: 0, stdout, stderr: format!("auditlog van {all} records is ongewijzigd") },
    }
}

/// What is wrong with the audit log beside the transfer log, in Dutch.
#[must_use]
pub fn alarm(view: &AuditView) -> Option<String> {
    view.missing.map(|missing| sentence(&missing, view.records))
}

fn sentence(missing: &Anchor, records: u64) -> String {
    let Anchor { entry, at_ms, head } = missing;
    let what = if records < head.size {
        format!(
            "heeft {records} records, maar volgens regel {entry} van het transferlog waren het er {} op {}: het is \
                 teruggezet of ingekort",
            head.size,
            moment(*at_ms)
        )
    } else {
        format!(
            "bevat niet de {} records die regel {entry} van het transferlog op {} vastlegde: het is vervangen of \
                 teruggezet",
            head.size,
            moment(*at_ms)
        )
    };
    format!(
        "ALARM: het auditlog {what}. Stop de node en zet de nieuwste data/audit terug; is die er niet meer, verwijder data/audit: \
         het transferlog legt dan vast dat er een nieuw auditlog begint"
    )
}

/// That an audit log was begun anew, in Dutch.
#[must_use]
pub fn begun(anchor: &Anchor) -> String {
    format!(
        "LET OP: op {} is een leeg auditlog begonnen (regel {} van het transferlog); wat medewerkers daarvoor deden, staat er \
         niet in",
        moment(anchor.at_ms),
        anchor.entry
    )
}

/// The audit log beside every head that the transfer log holds: exit code 1 when it does not contain one.
pub fn check(core: &Core, as_json: bool) -> Outcome {
    let check = match core.check_audit() {
        Ok(check) => check,
        Err(e) => return Outcome::failed(e.to_string()),
    };
    let exit = u8::from(!check.missing.is_empty());
    let stdout = if as_json { pretty(&json!(check)) } else { checked(&check) };
    Outcome { exit, stdout, stderr: String::new() }
}

fn checked(check: &AuditCheck) -> String {
    let mut lines: Vec<String> = check.begun.iter().map(begun).collect();
    lines.extend(check.missing.iter().map(|missing| sentence(missing, check.records)));
    if check.missing.is_empty() {
        lines.push(format!(
            "Auditlog: {} records; alle {} standen die het transferlog ervan vastlegde, kloppen",
            check.records, check.anchors
        ));
    }
    lines.join("\n")
}

fn line(number: u64, record: &AuditRecord) -> String {
    let at = moment(record.at_ms());
    match record {
        AuditRecord::Begin { trace, who, command, arguments, .. } => {
            let arguments: Vec<String> = arguments.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let login = who.login_user.as_ref().map_or_else(String::new, |user| format!(" (ingelogd als {user})"));
            format!(
                "{number:>6} {at} {trace} {}{login} op {}: {command} {}\n",
                who.user,
                who.device,
                arguments.join(" ")
            )
        }
        AuditRecord::End { trace, exit, .. } => format!("{number:>6} {at} {trace} einde, uitkomst {exit}\n"),
    }
}
