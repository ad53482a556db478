//! Every local command is in the audit log before it does anything: who, which command, which arguments. Without that
//! record nothing about persons or the log is shown.
//!
//! An argument is recorded only when it is named here, field by field: a BSN, a key, free content never is.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::apps::AppsLocal;
use super::command::{LocalCommand, Outcome};
use super::consent::ConsentLocal;
use super::disclosure::DisclosureLocal;
use super::exchange::{ExchangeLocal, ExchangeOrder};
use super::log::command::{LogListCommand, LogLocal};
use super::log::evidence::EvidenceLocal;
use super::log::officer::{Marking, OfficerLocal};
use super::log::search::MoreCommand;
use crate::crypto::{Digest, digest};
use crate::domain::row::printable;
use crate::service::append::Scope;
use crate::service::audit::Employee;
use crate::service::core::Core;
use crate::translog::entry::TransferId;

/// The process that gives a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    uid: u32,
    pid: u32,
    via: &'static str,
}

impl Caller {
    /// The process at the other end of the local socket, as the kernel says.
    #[must_use]
    pub fn of_socket(uid: u32, pid: u32) -> Self {
        Self { uid, pid, via: "socket" }
    }

    /// This process, which holds the lock of the directory.
    #[must_use]
    pub fn of_this_process() -> Self {
        let uid = std::fs::metadata("/proc/self").map_or(u32::MAX, |meta| meta.uid());
        Self { uid, pid: std::process::id(), via: "slot" }
    }

    /// An application that came in by the door of this process.
    #[must_use]
    pub fn of_application() -> Self {
        Self { via: "toepassing", ..Self::of_this_process() }
    }

    fn employee(self) -> Employee {
        let of_process = |name: &str| read(&Path::new("/proc").join(self.pid.to_string()).join(name));
        // The account that logged in, which stays the same when somebody becomes another user.
        let login = of_process("loginuid").and_then(|text| text.parse().ok()).filter(|uid| *uid != u32::MAX);
        let login_uid = login.filter(|uid| *uid != self.uid);
        Employee {
            uid: self.uid,
            user: account(self.uid),
            login_uid,
            login_user: login_uid.map(account),
            pid: self.pid,
            process: of_process("comm").map_or_else(|| "onbekend".to_owned(), |name| printable(&name)),
            via: self.via.to_owned(),
            device: read(Path::new("/proc/sys/kernel/hostname")).unwrap_or_else(|| "onbekend".to_owned()),
        }
    }
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The name of an account of this machine, or its number.
fn account(uid: u32) -> String {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}

/// What of a command is recorded.
struct Described {
    name: &'static str,
    arguments: BTreeMap<String, String>,
    /// Whether it may run when it cannot be recorded: it shows nothing about persons and nothing of the log.
    harmless: bool,
}

impl Described {
    fn named(name: &'static str) -> Self {
        Self { name, arguments: BTreeMap::new(), harmless: false }
    }

    fn harmless(name: &'static str) -> Self {
        Self { harmless: true, ..Self::named(name) }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the calls are a list of names and values")]
    fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.arguments.insert(name.to_owned(), printable(&value.to_string()));
        self
    }

    /// A digest as it is: no number of a person, also when its digits look like one.
    fn digest(mut self, name: &str, value: Digest) -> Self {
        self.arguments.insert(name.to_owned(), value.to_hex());
        self
    }

    fn maybe(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A file by its name; a folder in front of it may say who somebody is.
    fn file(self, name: &str, path: &Path) -> Self {
        let last = path.file_name().map(|file| file.to_string_lossy().into_owned());
        self.maybe(name, last)
    }
}

/// Runs a command of an employee: recorded before, under one trace, and its end recorded after.
pub fn audited(core: &Core, caller: Caller, command: &LocalCommand, run: impl FnOnce() -> Outcome) -> Outcome {
    let Some(described) = describe(command) else { return run() };
    let begun = core.audit_begin(caller.employee(), described.name, described.arguments);
    let trace = match begun {
        Ok(trace) => trace,
        Err(e) if described.harmless => {
            tracing::error!("{e}");
            return run();
        }
        Err(e) => return Outcome::failed(format!("zonder auditlog wordt niets getoond of gedaan: {e}")),
    };
    let scope = Scope::enter(trace);
    let outcome = run();
    drop(scope);
    if let Err(e) = core.audit_end(&trace, outcome.exit) {
        tracing::error!("{e}");
    }
    outcome
}

/// What of a command is recorded; none for the question whether the node runs.
fn describe(command: &LocalCommand) -> Option<Described> {
    Some(match command {
        LocalCommand::Status => return None,
        LocalCommand::Stop => Described::harmless("stop"),
        LocalCommand::Intake(intake) => intake
            .files
            .iter()
            .enumerate()
            .fold(Described::named("intake"), |d, (n, path)| d.file(&format!("bestand {}", n + 1), path))
            .with("proef", intake.proef)
            .maybe("vervangt", intake.vervangt.map(|(from, to)| format!("{from}..{to}")))
            .maybe("gegevens", intake.gegevens.map(|(from, to)| format!("{from}..{to}"))),
        LocalCommand::IntakeCases { files, proef, .. } => files
            .iter()
            .enumerate()
            .fold(Described::named("intake casus"), |d, (n, path)| d.file(&format!("bestand {}", n + 1), path))
            .with("proef", proef),
        LocalCommand::Indicator(asked) => Described::named("indicator")
            .with("id", asked.question.id)
            .maybe("period", asked.question.period)
            .with("by", asked.question.by.iter().map(|d| d.as_str()).collect::<Vec<_>>().join(","))
            .maybe("peildatum", asked.question.peildatum),
        LocalCommand::ConvenantPropose { draft } => hashed("convenant propose", draft),
        LocalCommand::ConvenantAccept { bundle } => hashed("convenant accept", bundle),
        LocalCommand::ConvenantWithdraw { bundle } => hashed("convenant withdraw", bundle),
        LocalCommand::ConvenantNew(new) => Described::named("convenant new").with("id", &new.id),
        LocalCommand::ConvenantShow { .. } => Described::harmless("convenant show"),
        LocalCommand::ConvenantBundles => Described::harmless("convenant bundles"),
        LocalCommand::Release { .. } => Described::named("release"),
        LocalCommand::Revise(revise) => agreed(Described::named("release revise"), &revise.approved_by)
            .with("jaar", revise.year)
            .with("indicator", revise.indicators.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        LocalCommand::Disclosure(DisclosureLocal::Check { table, .. }) => {
            Described::named("disclosure check").maybe("table", table.as_ref())
        }
        LocalCommand::Disclosure(DisclosureLocal::Export { certificate, out }) => {
            Described::named("disclosure export").digest("certificate", *certificate).file("out", out)
        }
        LocalCommand::Link(link) => Described::named(if link.make { "link run" } else { "link show" })
            .with("period", link.periods.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
            .with("indicator", link.indicators.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
            .with("zonder", link.without.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        LocalCommand::Pull(pull) => Described::named("monitor pull")
            .with("period", pull.periods.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
            .with("indicator", pull.indicators.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
            .file("out", &pull.out),
        LocalCommand::Consent(consent) => describe_consent(consent),
        LocalCommand::ConsoleInvite { roles } => Described::named("console invite")
            .with("rol", roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(",")),
        LocalCommand::Log(log) => describe_log(log),
        LocalCommand::Exchange(asked) => describe_exchange(asked),
        LocalCommand::OfApplication { name, command } => describe_exchange(command).with("toepassing", name),
        LocalCommand::Apps(AppsLocal::Admit(app)) => Described::named("exchange app")
            .with("toepassing", &app.name)
            .with("soort", app.exchanges.iter().map(String::as_str).collect::<Vec<_>>().join(","))
            .with("tot", app.until)
            .digest("sleutel", app.pin),
        LocalCommand::Apps(AppsLocal::Remove { name }) => Described::named("exchange apps").with("verwijderd", name),
        LocalCommand::Apps(AppsLocal::List { .. }) => Described::harmless("exchange apps"),
    })
}

/// Neither who consented nor what for: together with a number of a consent that says whom it is about.
fn describe_consent(command: &ConsentLocal) -> Described {
    match command {
        ConsentLocal::Add { .. } => Described::named("consent add"),
        ConsentLocal::Withdraw { id, .. } => {
            Described::named("consent withdraw").maybe("toestemming", TransferId::parse(id).ok())
        }
        ConsentLocal::Show { form, .. } => Described::named("consent show").with("form", format!("{form:?}")),
        ConsentLocal::Check { situation, .. } => {
            Described::named("consent check").maybe("exchange", situation.exchange.as_ref())
        }
    }
}

/// Between whom and of what kind; never about whom.
fn describe_exchange(command: &ExchangeLocal) -> Described {
    let ordered = |name, order: &ExchangeOrder| {
        let of = &order.situation;
        Described::named(name)
            .maybe("soort", of.exchange.as_ref())
            .maybe("doel", of.purpose.as_ref())
            .with("van", of.sender.oin)
            .with("naar", of.receiver.oin)
            .with("velden", of.fields.join(","))
    };
    match command {
        ExchangeLocal::Request(order) => ordered("exchange request", order),
        ExchangeLocal::Offer(order) => {
            let named = order.situation.overridden.as_ref().map(|of| of.approved_by.clone()).unwrap_or_default();
            agreed(ordered("exchange offer", order), &named)
        }
        ExchangeLocal::Inbox { show, .. } => Described::named("exchange inbox").maybe("overdracht", show.as_ref()),
        ExchangeLocal::Confirm { transfer } => Described::named("exchange confirm").with("overdracht", transfer),
    }
}

fn hashed(name: &'static str, text: &str) -> Described {
    Described::named(name).digest("sha256", digest(text.as_bytes()))
}

/// Who agreed, by their own statement.
fn agreed(described: Described, names: &[String]) -> Described {
    names.iter().enumerate().fold(described, |d, (n, name)| d.with(&format!("akkoord {}", n + 1), name))
}

fn describe_log(command: &LogLocal) -> Described {
    match command {
        LogLocal::List(search) => searched(&search.list, &search.more),
        LogLocal::Show { number, .. } => Described::named("log show").with("regel", number),
        LogLocal::Export { out } => Described::named("log export").file("out", out),
        LogLocal::Standard(standard) => Described::named("log standard")
            .with("form", format!("{:?}", standard.form))
            .maybe("since", standard.since)
            .maybe("until", standard.until),
        LogLocal::Status { .. } => Described::harmless("log status"),
        LogLocal::AuditCheck { .. } => Described::harmless("log verify"),
        LogLocal::ExportStatus { .. } => Described::harmless("log export-status"),
        LogLocal::Fsc { caller, .. } => Described::named("log fsc").with("as", caller),
        LogLocal::Audit(audit) => Described::named("log audit").maybe("since", audit.since).maybe("until", audit.until),
        LogLocal::Officer(officer) => describe_officer(officer),
        LogLocal::Evidence(EvidenceLocal::OneSided { .. }) => Described::named("log list").with("one_sided", true),
        LogLocal::Evidence(EvidenceLocal::Prove { transfer, payload, .. }) => {
            Described::named("log prove").with("transfer", transfer).file("payload", payload)
        }
    }
}

/// That somebody was searched for is recorded, and never who: a case number or a word may say as much as a name.
fn searched(list: &LogListCommand, more: &MoreCommand) -> Described {
    let asked = |is: bool| is.then_some("gezocht");
    Described::named("log list")
        .with("limit", list.limit)
        .maybe("partner", list.partner)
        .maybe("since", list.since)
        .maybe("until", list.until)
        .maybe("purpose", list.purpose.as_ref())
        .maybe("denied", list.denied)
        .maybe("ground", list.ground.as_ref())
        .maybe("field", list.field.as_ref())
        .maybe("before", list.before)
        .maybe("persoon", asked(more.person.is_some()))
        .maybe("case", asked(more.case.is_some()))
        .maybe("reference", asked(more.reference.is_some()))
        .maybe("text", asked(more.text.is_some()))
        .maybe("transfer", more.transfer.as_ref())
        .maybe("phase", more.phase.as_ref())
        .maybe("outcome", more.outcome.as_ref())
        .maybe("activity", more.activity.as_ref())
        .maybe("trace", more.trace.as_ref())
}

fn describe_officer(command: &OfficerLocal) -> Described {
    match command {
        OfficerLocal::Erase(erase) => agreed(Described::named("log erase"), &erase.approved_by),
        OfficerLocal::Subject(subject) => Described::named("log subject").with("all", subject.all),
        OfficerLocal::Confidentiality(marked) => {
            // The reason, and an identifier that may be refused, are in the transfer log, under the same trace.
            let transfer = match &marked.what {
                Marking::Transfer(id) => TransferId::parse(id).ok(),
                Marking::Activity(_) => None,
            };
            let set = if marked.lifted { "opgeheven" } else { "vertrouwelijk" };
            Described::named("log confidentiality").maybe("transfer", transfer).with("set", set)
        }
        OfficerLocal::Register { .. } => Described::named("log register"),
        OfficerLocal::Breach(breach) => Described::named("log breach")
            .with("since", breach.since)
            .with("until", breach.until)
            .maybe("partner", breach.partner)
            .file("out", &breach.out),
        OfficerLocal::Recipients(asked) => Described::named("log recipients").with("gewist", asked.erasure),
        OfficerLocal::Overrides(asked) => {
            Described::named("log overrides").with("since", asked.since).with("until", asked.until)
        }
        OfficerLocal::Informed(noted) => Described::named("log informed")
            .maybe("transfer", TransferId::parse(&noted.transfer).ok())
            .maybe("op", noted.on),
        OfficerLocal::Uninformed { .. } => Described::named("log uninformed"),
        OfficerLocal::Retention { apply } => Described::named("log retention").with("apply", apply),
    }
}
