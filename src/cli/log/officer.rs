//! The commands about the log that a privacy officer uses, one file each.

use clap::Subcommand;

use super::erase::{self, EraseArgs};
use crate::node::command::Outcome;

/// Commands for the privacy officer.
#[derive(Subcommand, Debug)]
pub enum OfficerCommand {
    /// Vernietig de sleutel van één persoon (AVG 17): regels over die persoon zijn dan niet meer te lezen
    #[command(
        after_help = "Voorbeeld: ketenpoort log erase --node ./gi --approved-by \"A. Jansen\" --approved-by \"B. de Vries\" \
                      --reason \"verzoek van de ouders van 3 maart\""
    )]
    Erase(EraseArgs),
}

/// Runs one of them.
pub(super) fn run(command: &OfficerCommand) -> Outcome {
    match command {
        OfficerCommand::Erase(args) => erase::run(args),
    }
}
