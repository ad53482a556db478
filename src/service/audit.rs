//! The audit log of employee actions: who did what on this node, when, on which machine. It is the only place that names an
//! employee; the transfer log is joined to it by trace id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::api::TraceContext;
use super::core::Core;
use crate::crypto::from_hex;
use crate::storage::audit::AuditError;
use crate::translog::standards::nen7513::User;

/// Who gave a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Employee {
    /// Number of the account of the process; with `via` `console` that of the account of the console.
    pub uid: u32,
    /// Name of that account, when the machine knows it.
    pub user: String,
    /// Number of the account that logged in, when it is another one: who became somebody else.
    pub login_uid: Option<u32>,
    /// Name of that account.
    pub login_user: Option<String>,
    /// Number of the process.
    pub pid: u32,
    /// Name of the process.
    pub process: String,
    /// `socket`, `slot` or `console`: how the command came.
    pub via: String,
    /// Name of the machine.
    pub device: String,
}

/// One record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "soort", rename_all = "lowercase", deny_unknown_fields)]
pub enum AuditRecord {
    /// Before a command does anything.
    Begin {
        /// Milliseconds since 1970 UTC.
        at_ms: u64,
        /// Trace of everything that the command does: 32 hexadecimal digits.
        trace: String,
        /// Who.
        who: Box<Employee>,
        /// On behalf of which organisation.
        on_behalf: String,
        /// Which command.
        command: String,
        /// Its arguments, those that may be kept.
        arguments: BTreeMap<String, String>,
    },
    /// After it.
    End {
        /// Milliseconds since 1970 UTC.
        at_ms: u64,
        /// The same trace.
        trace: String,
        /// Exit code: 0 done, 1 refused, 3 could not run.
        exit: u8,
    },
}

impl AuditRecord {
    /// When.
    #[must_use]
    pub fn at_ms(&self) -> u64 {
        match self {
            Self::Begin { at_ms, .. } | Self::End { at_ms, .. } => *at_ms,
        }
    }
}

impl Core {
    /// Records that a command begins; durable when this returns. Gives the trace under which it must run.
    ///
    /// # Errors
    /// [`AuditError`]: the command must not run.
    pub fn audit_begin(
        &self,
        who: Employee,
        command: &str,
        arguments: BTreeMap<String, String>,
    ) -> Result<TraceContext, AuditError> {
        self.tell_begun()?;
        let trace = TraceContext::random();
        let record = AuditRecord::Begin {
            at_ms: self.clock.now_ms(),
            trace: trace.trace_hex(),
            who: Box::new(who),
            on_behalf: self.identity.oin.to_string(),
            command: command.to_owned(),
            arguments,
        };
        self.audit.append(&serde_json::to_vec(&record).unwrap_or_default())?;
        Ok(trace)
    }

    /// Records how a command ended.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn audit_end(&self, trace: &TraceContext, exit: u8) -> Result<(), AuditError> {
        let record = AuditRecord::End { at_ms: self.clock.now_ms(), trace: trace.trace_hex(), exit };
        self.audit.append(&serde_json::to_vec(&record).unwrap_or_default()).map(drop)
    }

    /// Shows `visit` every record, oldest first, and checks the whole chain; how many there are.
    ///
    /// # Errors
    /// [`AuditError`] of the first record that is not what it was.
    pub fn audit_records(&self, visit: &mut dyn FnMut(u64, AuditRecord)) -> Result<u64, AuditError> {
        let mut unreadable = None;
        let read = self.audit.read(&mut |number, bytes| match serde_json::from_slice(bytes) {
            Ok(record) => visit(number, record),
            Err(_) => unreadable = unreadable.or(Some(number)),
        })?;
        unreadable.map_or(Ok(read), |number| Err(AuditError::Sealed(number)))
    }

    /// The employees behind traces, for NEN 7513 and GEMMA.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn audit_users(&self) -> Result<BTreeMap<[u8; 16], User>, AuditError> {
        let mut users = BTreeMap::new();
        self.audit_records(&mut |_, record| {
            if let AuditRecord::Begin { trace, who, on_behalf, .. } = record
                && let Some(trace) = from_hex(&trace)
            {
                let Employee { uid, user, login_uid, login_user, device, via, .. } = *who;
                // Accounts of the console are numbered apart from those of the machine.
                let id = match via.as_str() {
                    "console" => format!("console:{uid}"),
                    _ => login_uid.unwrap_or(uid).to_string(),
                };
                let name = login_user.unwrap_or(user);
                users.insert(trace, User { id, name, on_behalf, device });
            }
        })?;
        Ok(users)
    }
}
