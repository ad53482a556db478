//! `log audit`: what employees did on this node, with the whole chain checked first.

use serde_json::json;

use super::command::AuditCommand;
use crate::node::command::Outcome;
use crate::node::show::pretty;
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
    Outcome { exit: 0, stdout, stderr: format!("auditlog van {all} records is ongewijzigd") }
}

fn line(number: u64, record: &AuditRecord) -> String {
    let at = super::show::moment(record.at_ms());
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
