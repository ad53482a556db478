//! Commands about the transfer log on an open node.

pub mod audit;
pub mod breach;
pub mod command;
mod erase;
pub mod evidence;
pub mod notices;
pub mod officer;
pub mod person;
pub mod register;
mod retention;
pub mod search;
pub mod show;
pub mod standards;
mod status;
mod subject;

use self::command::LogLocal;
use super::command::Outcome;
use super::{Node, SystemClock};
use crate::policy::bundle::{ConvenantBundle, State};
use crate::storage::log::Extras;

impl Node {
    /// Runs a command about the transfer log.
    pub(super) fn log(&self, command: LogLocal) -> Outcome {
        match command {
            LogLocal::List(search) => self.search(*search),
            LogLocal::Show { number, json } => {
                let log = self.core.transfer_log();
                show::log_entry(log.entry(number).map_err(|e| e.to_string()), (number, log.len()), json)
            }
            LogLocal::Status { json } => status::show(&self.core.log_status(), json),
            LogLocal::Export { out } => self.export(&out),
            LogLocal::AuditCheck { json } => audit::check(&self.core, json),
            LogLocal::Audit(command) => audit::audit(&self.core, &command),
            LogLocal::ExportStatus { json } => crate::node::export::status(&self.core, &self.config, json),
            LogLocal::Standard(command) => standards::standard(&self.core, &command),
            LogLocal::Fsc { caller, question } => standards::fsc(&self.core, caller, &question),
            LogLocal::Evidence(command) => self.evidence(&command),
            LogLocal::Officer(command) => self.officer(&command),
        }
    }

    fn export(&self, out: &std::path::Path) -> Outcome {
        let card = std::fs::read(self.config.dir.join("card.json")).unwrap_or_default();
        let now = crate::service::core::Clock::now_ms(&SystemClock);
        let cosigned = self.core.cosigned_note();
        let named = |(bundle, _): &(ConvenantBundle, State)| {
            (format!("convenant-{}.json", bundle.hash().to_hex()), bundle.to_text().into_bytes())
        };
        let convenants: Vec<(String, Vec<u8>)> = self.core.convenants().iter().map(named).collect();
        let mut attachments: Vec<(&str, &[u8])> = vec![("card.json", &card)];
        attachments.extend(convenants.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
        let receipts = Some(self.core.receipt_journal());
        let extras = Extras { attachments: &attachments, cosigned: cosigned.as_deref(), receipts };
        match self.core.transfer_log().export_with(out, &extras, now) {
            Ok(manifest) => Outcome::done(format!("{} regels uitgevoerd naar {}", manifest.size, out.display())),
            Err(e) => Outcome::failed(e.to_string()),
        }
    }
}
