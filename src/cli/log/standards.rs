//! `log standard` and `log fsc`: arguments to commands.

use super::args::{LogFscArgs, LogStandardArgs};
use crate::node::command::Outcome;
use crate::node::log::command::{LogLocal, StandardCommand, StandardForm};
use crate::translog::standards::fsc::RawQuestion;

/// `log standard`.
pub(super) fn standard(args: &LogStandardArgs) -> Outcome {
    let command = command(args);
    super::read(
        &args.source,
        |node| super::ask(node, LogLocal::Standard(command.clone())),
        |log| log.standard(&command),
    )
}

fn command(args: &LogStandardArgs) -> StandardCommand {
    StandardCommand {
        form: match args.form.as_str() {
            "fsc" => StandardForm::Fsc,
            "gemma" => StandardForm::Gemma,
            "nen7513" => StandardForm::Nen7513,
            _ => StandardForm::Ldv,
        },
        since: args.since,
        until: args.until,
        out: args.out.as_ref().map(|out| std::path::absolute(out).unwrap_or_else(|_| out.clone())),
    }
}

/// `log fsc`.
pub(super) fn fsc(args: &LogFscArgs) -> LogLocal {
    let question = RawQuestion {
        cursor: args.cursor.clone(),
        limit: args.limit,
        sort_order: if args.ascending { "SORT_ORDER_ASCENDING".to_owned() } else { String::new() },
        after: args.after,
        before: args.before,
        grant_hashes: args.grant_hash.clone(),
        service_names: args.service_name.clone(),
        transaction_ids: args.transaction_id.clone(),
    };
    LogLocal::Fsc { caller: args.caller, question }
}
