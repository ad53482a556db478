//! Commands about the transfer log on an open node.

pub mod breach;
pub mod command;
mod erase;
pub mod officer;
mod page;
pub mod person;
mod register;
mod retention;
mod show;
mod standards;
mod status;
mod subject;
mod words;

use self::command::{LogListCommand, LogLocal};
use super::command::Outcome;
use super::{Node, SystemClock};
use crate::storage::log::{Extras, Filter};
use crate::translog::entry::Decision;

impl Node {
    /// Runs a command about the transfer log.
    pub(super) fn log(&self, command: LogLocal) -> Outcome {
        match command {
            LogLocal::List(list) => self.log_list(list),
            LogLocal::Show { number, json } => show::log_entry(self.core.transfer_log(), number, json),
            LogLocal::Status { json } => status::show(&self.core.log_status(), json),
            LogLocal::Export { out } => self.export(&out),
            LogLocal::ExportStatus { json } => crate::node::export::status(&self.core, &self.config, json),
            LogLocal::Standard(command) => standards::standard(&self.core, &command),
            LogLocal::Fsc { caller, question } => standards::fsc(&self.core, caller, &question),
            LogLocal::Officer(command) => self.officer(&command),
        }
    }

    fn log_list(&self, list: LogListCommand) -> Outcome {
        let filter = Filter {
            from_ms: list.since,
            until_ms: list.until,
            partner: list.partner,
            purpose: list.purpose,
            decision: list.denied.map(|denied| if denied { Decision::Deny } else { Decision::Allow }),
            ground: list.ground,
            field: list.field,
            ..Filter::default()
        };
        match self.core.log_entries(&filter, (list.before, list.limit)) {
            Ok(entries) => show::log_list(&entries, list.form),
            Err(e) => Outcome::failed(e.to_string()),
        }
    }

    fn export(&self, out: &std::path::Path) -> Outcome {
        let card = std::fs::read(self.config.dir.join("card.json")).unwrap_or_default();
        let now = crate::service::core::Clock::now_ms(&SystemClock);
        let cosigned = self.core.cosigned_note();
        let extras = Extras { attachments: &[("card.json", &card)], cosigned: cosigned.as_deref() };
        match self.core.transfer_log().export_with(out, &extras, now) {
            Ok(manifest) => Outcome::done(format!("{} regels uitgevoerd naar {}", manifest.size, out.display())),
            Err(e) => Outcome::failed(e.to_string()),
        }
    }
}
