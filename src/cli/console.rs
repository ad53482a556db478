//! `console`: an invitation when no administrator can log in, and codes for accounts of a demo.

use clap::{Args, Subcommand};

use super::local::on_node;
use crate::crypto::TotpSecret;
use crate::node::SystemClock;
use crate::node::command::{LocalCommand, Outcome};
use crate::service::accounts::Role;
use crate::service::core::Clock;

/// Commands about the console.
#[derive(Subcommand, Debug)]
pub enum ConsoleCommand {
    /// Maak een uitnodiging voor een nieuw account; ook als geen beheerder meer kan inloggen
    #[command(after_help = "Voorbeeld: ketenpoort console invite --node ./gi --role beheerder")]
    Invite(InviteArgs),
    /// Maak de code die een authenticator-app nu zou tonen, voor proef en voorbeeld
    #[command(after_help = "Voorbeeld: ketenpoort console code --secret GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    Code(CodeArgs),
}

/// Arguments of `console invite`.
#[derive(Args, Debug)]
pub struct InviteArgs {
    /// Map van de node
    #[arg(long)]
    pub node: std::path::PathBuf,
    /// Rol (herhaalbaar): beheerder, privacyfunctionaris of analist
    #[arg(long = "role", required = true, value_parser = role)]
    pub roles: Vec<Role>,
}

/// Arguments of `console code`.
#[derive(Args, Debug)]
pub struct CodeArgs {
    /// Het geheim van het account, base32
    #[arg(long)]
    pub secret: String,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "kies beheerder, privacyfunctionaris of analist".to_owned())
}

/// Runs a command about the console.
pub fn run(command: &ConsoleCommand) -> Outcome {
    match command {
        ConsoleCommand::Invite(args) => {
            on_node(&args.node, &LocalCommand::ConsoleInvite { roles: args.roles.iter().copied().collect() })
        }
        ConsoleCommand::Code(args) => match TotpSecret::from_base32(&args.secret) {
            Some(secret) => Outcome::done(secret.code_at(SystemClock.now_ms() / 1000)),
            None => {
                Outcome { exit: 2, stderr: "een geheim heeft 32 letters en cijfers".to_owned(), ..Outcome::default() }
            }
        },
    }
}
