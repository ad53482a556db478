//! `log list` on an open node, and on entries alone.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::command::{ListForm, LogListCommand};
use super::person::Person;
use super::show;
use super::standards::Numbered;
use crate::crypto::from_hex;
use crate::node::Node;
use crate::node::command::Outcome;
use crate::service::search::SealedFilter;
use crate::storage::log::{Filter, Page};
use crate::translog::entry::{Decision, Outcome as Ending, Phase, TransferId};

/// `log list`: conditions that hold together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchCommand {
    /// The usual ones, the page and the form.
    pub list: LogListCommand,
    /// The rest.
    pub more: MoreCommand,
}

/// Conditions on a transfer, its trace, what is sealed, and free text.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MoreCommand {
    /// About this person.
    pub person: Option<Person>,
    /// With this case reference.
    pub case: Option<String>,
    /// With this free reference.
    pub reference: Option<String>,
    /// Of this transfer.
    pub transfer: Option<String>,
    /// Of this phase.
    pub phase: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Of this processing activity.
    pub activity: Option<String>,
    /// With this trace id.
    pub trace: Option<String>,
    /// With this text.
    pub text: Option<String>,
}

impl Node {
    /// Entries, the newest first, with where the next page begins.
    pub(super) fn search(&self, command: SearchCommand) -> Outcome {
        let SearchCommand { list, more } = command;
        let filter = match filter_of(&list, &more) {
            Ok(filter) => filter,
            Err(reason) => return Outcome { exit: 2, stderr: reason, ..Outcome::default() },
        };
        let sealed = SealedFilter {
            subject: more.person.as_ref().map(|person| *person.subject()),
            case: more.case,
            reference: more.reference,
        };
        match self.core.search(&filter, &sealed, (list.before, list.limit)) {
            Ok(page) => shown(&page, list.form),
            Err(e) => Outcome::failed(e.to_string()),
        }
    }
}

fn shown((entries, next): &Page, form: ListForm) -> Outcome {
    let mut outcome = show::log_list(entries, form);
    if let Some(next) = next {
        outcome.stderr = format!("er kan meer zijn: ga verder met --before {next}");
    }
    outcome
}

/// `log list` on entries alone, oldest first: the newest that meet every condition. What is sealed in them stays closed.
pub fn offline(entries: impl Iterator<Item = Numbered>, command: &SearchCommand) -> Outcome {
    let SearchCommand { list, more } = command;
    if more.person.is_some() || more.case.is_some() || more.reference.is_some() {
        let stderr = "wie een regel betreft, zaaknummer en kenmerk staan verzegeld in het log: alleen de node zelf kan daarop \
                      zoeken (--node)";
        return Outcome { exit: 2, stderr: stderr.to_owned(), ..Outcome::default() };
    }
    let filter = match filter_of(list, more) {
        Ok(filter) => filter,
        Err(reason) => return Outcome { exit: 2, stderr: reason, ..Outcome::default() },
    };
    let mut found = VecDeque::new();
    let mut more = false;
    for entry in entries {
        let (number, entry) = match entry {
            Ok(read) => read,
            Err(reason) => return Outcome::failed(reason),
        };
        if list.before.is_none_or(|before| number < before) && filter.admits(&entry) {
            found.push_front((number, entry));
            more |= found.len() > list.limit;
            found.truncate(list.limit);
        }
    }
    let found: Vec<_> = found.into();
    let next = found.last().map(|(number, _)| *number).filter(|_| more);
    shown(&(found, next), list.form)
}

fn filter_of(list: &LogListCommand, more: &MoreCommand) -> Result<Filter, String> {
    let trace = |text: &String| from_hex(text).ok_or("een trace-nummer heeft 32 hexadecimale cijfers");
    Ok(Filter {
        from_ms: list.since,
        until_ms: list.until,
        partner: list.partner,
        purpose: list.purpose.clone(),
        decision: list.denied.map(|denied| if denied { Decision::Deny } else { Decision::Allow }),
        ground: list.ground.clone(),
        field: list.field.clone(),
        service: None,
        phase: more.phase.as_deref().and_then(Phase::parse),
        outcome: more.outcome.as_deref().and_then(Ending::parse),
        transfer: more.transfer.as_deref().map(TransferId::parse).transpose().map_err(|e| e.to_string())?,
        activity: more.activity.clone(),
        trace: more.trace.as_ref().map(trace).transpose()?,
        text: more.text.clone(),
        sealed: false,
    })
}
