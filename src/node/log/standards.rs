//! `log standard` and `log fsc`: the transfer log in the words of the log standards, as JSON lines.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::command::{StandardCommand, StandardForm};
use crate::domain::oin::Oin;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::service::confidential::Marks;
use crate::service::core::Core;
use crate::service::standards::{actions, subjects_of};
use crate::translog::entry::Entry;
use crate::translog::standards::fsc::{InvalidQuestion, Question, RawQuestion};
use crate::translog::standards::join::{Action, Kind};
use crate::translog::standards::nen7513::User;
use crate::translog::standards::{Setting, fsc, gemma, ldv, lezen, nen7513};

/// An entry with its number, or why it cannot be read.
pub type Numbered = Result<(u64, Entry), String>;

/// Lines that go over the local socket; more go into a file.
const MOST_LINES: u64 = 100_000;

/// A log and what is needed to say it in a standard.
pub struct Spoken<I> {
    /// Whose.
    pub setting: Setting,
    /// Every mark of confidentiality in it.
    pub marks: Marks,
    /// Who did it, by trace; two of the standards have that, and only the audit log of a node.
    pub users: BTreeMap<[u8; 16], User>,
    /// Its entries, oldest first.
    pub entries: I,
}

/// `log standard` on an open node.
pub fn standard(core: &Core, command: &StandardCommand) -> Outcome {
    let users = match command.form {
        StandardForm::Ldv | StandardForm::Fsc => Ok(BTreeMap::new()),
        StandardForm::Gemma | StandardForm::Nen7513 => core.audit_users().map_err(|e| e.to_string()),
    };
    let marks = core.marks().map_err(|e| e.to_string());
    match users.and_then(|users| Ok((users, marks?))) {
        Ok((users, marks)) => {
            let log = core.transfer_log();
            let entries = log.entries(0..log.len()).map(|entry| entry.map_err(|e| e.to_string()));
            speak(Spoken { setting: core.log_setting(), marks, users, entries }, command)
        }
        Err(reason) => Outcome::failed(reason),
    }
}

/// `log standard` on any log.
pub fn speak(log: Spoken<impl Iterator<Item = Numbered>>, command: &StandardCommand) -> Outcome {
    let written = match &command.out {
        Some(out) => to_file(log, command, out),
        None => {
            let mut bytes = Vec::new();
            write(log, command, &mut bytes, MOST_LINES).map(|told| (bytes, told))
        }
    };
    match written {
        Ok((bytes, told)) => {
            Outcome { exit: 0, stdout: String::from_utf8_lossy(&bytes).into_owned(), stderr: told.to_string() }
        }
        Err(reason) => Outcome::failed(reason),
    }
}

fn to_file(
    log: Spoken<impl Iterator<Item = Numbered>>,
    command: &StandardCommand,
    out: &Path,
) -> Result<(Vec<u8>, Told), String> {
    use std::os::unix::fs::OpenOptionsExt;
    let shown = |e: std::io::Error| format!("{}: {e}", out.display());
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(shown)?;
    let mut file = BufWriter::new(file);
    let told = write(log, command, &mut file, u64::MAX)?;
    file.into_inner().map_err(|e| shown(e.into_error()))?.sync_all().map_err(shown)?;
    Ok((Vec::new(), told))
}

/// What was written and what was not.
struct Told {
    lines: u64,
    open: u64,
    cut: bool,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} regels", self.lines)?;
        if self.open > 0 {
            write!(f, "; {} overdrachten zijn nog niet afgelopen en ontbreken", self.open)?;
        }
        if self.cut {
            write!(f, "; er is meer: beperk met --since en --until, of schrijf alles met --out BESTAND")?;
        }
        Ok(())
    }
}

fn write(
    log: Spoken<impl Iterator<Item = Numbered>>,
    command: &StandardCommand,
    out: &mut dyn Write,
    most: u64,
) -> Result<Told, String> {
    let mut told = Told { lines: 0, open: 0, cut: false };
    let mut failed = None;
    let Spoken { setting, marks, users, entries } = log;
    let words = Words { form: command.form, setting, marks, users };
    actions(entries, &mut |action| {
        let start = action.start_ms();
        if command.since.is_some_and(|since| start < since) || command.until.is_some_and(|until| start >= until) {
            return true;
        }
        // FSC has a record for what is announced, whatever came of it.
        told.open += u64::from(action.kind == Kind::Open && command.form != StandardForm::Fsc);
        for value in words.lines(action) {
            if told.lines == most {
                told.cut = true;
                return false;
            }
            told.lines += 1;
            if let Err(e) = writeln!(out, "{value}") {
                failed = Some(e.to_string());
                return false;
            }
        }
        true
    })?;
    failed.map_or(Ok(told), Err)
}

/// What the lines of one standard are made with.
struct Words {
    form: StandardForm,
    setting: Setting,
    marks: Marks,
    users: BTreeMap<[u8; 16], User>,
}

impl Words {
    fn lines(&self, action: &Action) -> Vec<Value> {
        let Self { setting, marks, users, .. } = self;
        let user = users.get(&action.trace_id());
        let subjects = subjects_of(&setting.activities, action);
        let about = (subjects.as_slice(), marks.said_of(action.opening()));
        match self.form {
            StandardForm::Ldv => ldv::lines(action, setting, &subjects).iter().map(lezen::write).collect(),
            StandardForm::Fsc => fsc::record(action.opening(), setting).map(|r| json!(r)).into_iter().collect(),
            StandardForm::Gemma => {
                let made = gemma::verwerkingsactie(action, setting, about, user.map(|user| user.name.as_str()));
                made.map(|a| json!(a)).into_iter().collect()
            }
            StandardForm::Nen7513 => {
                let users = user.map(std::slice::from_ref).unwrap_or_default();
                nen7513::event(action, setting, about, users).iter().map(lezen::write).collect()
            }
        }
    }
}

/// `log fsc`: one page as an organisation would get it.
pub fn fsc(core: &Core, caller: Oin, question: &RawQuestion) -> Outcome {
    let page = Question::check(question).map(|question| core.fsc_page(caller, &question));
    match page {
        Ok(Ok(page)) => Outcome::done(pretty(&page)),
        Ok(Err(e)) => Outcome::failed(e.to_string()),
        Err(e @ InvalidQuestion::Parameter(_)) => Outcome { exit: 2, stdout: String::new(), stderr: e.to_string() },
        Err(e) => Outcome { exit: 2, stdout: String::new(), stderr: format!("{e}: verwacht een UUID van versie 7") },
    }
}
