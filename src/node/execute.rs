//! Runs a local command on an open node, running or not.

use std::sync::Arc;

use tokio::sync::Notify;

use super::audit::{Caller, audited};
use super::command::{IndicatorCommand, IntakeCommand, LocalCommand, NewConvenant, Outcome, Progress, ReviseCommand};
use super::{Node, show};
use crate::policy::bundle::{ConvenantBundle, State};
use crate::policy::permit::LocalOwner;
use crate::service::api::Peers;
use crate::service::convenants::{ConvenantError, NewDraft};
use crate::service::deliver::IntakeOptions;
use crate::service::revision::{RevisionError, RevisionOrder};

/// A node as a process: it has partners and can be stopped.
pub struct Running {
    pub node: Node,
    pub peers: Arc<dyn Peers>,
    pub stop: Arc<Notify>,
}

impl Running {
    /// Runs a command that came over the local socket.
    pub fn execute(&self, caller: Caller, command: LocalCommand, progress: &dyn Fn(Progress)) -> Outcome {
        audited(&self.node.core, caller, &command.clone(), || self.run(command, progress))
    }

    fn run(&self, command: LocalCommand, progress: &dyn Fn(Progress)) -> Outcome {
        match command {
            LocalCommand::Stop => {
                self.stop.notify_one();
                Outcome::done("de node stopt")
            }
            LocalCommand::Status => Outcome::done("{\"ready\":true}"),
            LocalCommand::Pull(pull) => {
                super::pull::run(&self.node.core, self.peers.as_ref(), &pull, &super::pull::kept_in(&self.node.config))
            }
            LocalCommand::Exchange(asked) => super::exchange::run(&self.node.core, self.peers.as_ref(), &asked),
            LocalCommand::Link(link) => super::link::run(&self.node.core, self.peers.as_ref(), &link),
            other => self.node.execute_local(other, progress),
        }
    }
}

impl Node {
    /// Runs a command on a stopped node, under the directory's lock.
    #[must_use]
    pub fn execute(&self, command: LocalCommand, progress: &dyn Fn(Progress)) -> Outcome {
        audited(&self.core, Caller::of_this_process(), &command.clone(), || self.run(command, progress))
    }

    fn run(&self, command: LocalCommand, progress: &dyn Fn(Progress)) -> Outcome {
        match command {
            LocalCommand::Stop | LocalCommand::Status => Outcome::refused("de node draait niet"),
            LocalCommand::Exchange(asked) => {
                super::pull::with_partners(self, |core, peers| super::exchange::run(core, peers, &asked))
            }
            LocalCommand::Pull(pull) => super::pull::with_partners(self, |core, peers| {
                super::pull::run(core, peers, &pull, &super::pull::kept_in(&self.config))
            }),
            LocalCommand::Link(link) => {
                super::pull::with_partners(self, |core, peers| super::link::run(core, peers, &link))
            }
            other => self.execute_local(other, progress),
        }
    }

    fn revise(&self, command: ReviseCommand) -> Outcome {
        let ReviseCommand { year, indicators, reason, approved_by, json } = command;
        match self.core.revise(&RevisionOrder { year, indicators, reason, approved_by }) {
            Ok(lines) => show::releases(&lines, json),
            Err(e @ (RevisionError::Log(_) | RevisionError::Core(_))) => Outcome::failed(e.to_string()),
            Err(e) => Outcome::refused(e.to_string()),
        }
    }

    fn execute_local(&self, command: LocalCommand, progress: &dyn Fn(Progress)) -> Outcome {
        match command {
            LocalCommand::Intake(intake) => self.intake(&intake, progress),
            LocalCommand::IntakeCases { files, proef, json } => {
                let tell = |done, total| progress(Progress { done, total });
                match self.core.intake_cases(&files, proef, &tell) {
                    Ok(reports) => show::case_intake(&reports, json),
                    Err(e) => Outcome::failed(e.to_string()),
                }
            }
            LocalCommand::Indicator(indicator) => self.indicator(&indicator),
            LocalCommand::Release { json } => {
                match self.core.release_all(&|done, total| progress(Progress { done, total })) {
                    Ok(lines) => show::releases(&lines, json),
                    Err(reason) => Outcome::refused(format!("{} {}", reason.sentence(), reason.remedy())),
                }
            }
            LocalCommand::Revise(revise) => self.revise(revise),
            LocalCommand::ConvenantNew(new) => self.draft(new),
            LocalCommand::ConvenantPropose { draft } => bundle(self.core.convenant_propose(&draft)),
            LocalCommand::ConvenantAccept { bundle } => match self.core.convenant_accept(&bundle) {
                Ok((bundle, state)) => Outcome { exit: 0, stdout: bundle.to_text(), stderr: state_sentence(&state) },
                Err(e) => Outcome::refused(e.to_string()),
            },
            LocalCommand::ConvenantWithdraw { bundle: text } => bundle(self.core.convenant_withdraw(&text)),
            LocalCommand::ConvenantShow { json } => show::convenants(&self.core.convenants(), json),
            LocalCommand::ConvenantBundles => {
                let texts: Vec<String> = self.core.convenants().iter().map(|(b, _)| b.to_text()).collect();
                Outcome::done(serde_json::to_string(&texts).unwrap_or_default())
            }
            LocalCommand::Disclosure(command) => self.disclosure(&command),
            LocalCommand::Consent(command) => self.consent(command),
            LocalCommand::ConsoleInvite { roles } => {
                match self.core.accounts().invite(roles, "opdracht op de server", self.core.clock.now_ms()) {
                    Ok(token) => Outcome::done(format!("{token}\n")),
                    Err(e) => Outcome::failed(e.to_string()),
                }
            }
            LocalCommand::Log(command) => self.log(command),
            LocalCommand::Apps(command) => self.apps(&command),
            LocalCommand::Pull(_)
            | LocalCommand::Link(_)
            | LocalCommand::Exchange(_)
            | LocalCommand::OfApplication { .. }
            | LocalCommand::Status
            | LocalCommand::Stop => Outcome::failed("onbekende opdracht"),
        }
    }

    fn intake(&self, command: &IntakeCommand, progress: &dyn Fn(Progress)) -> Outcome {
        let options = IntakeOptions { dry_run: command.proef, replaces: command.vervangt, window: command.gegevens };
        let tell = |done, total| progress(Progress { done, total });
        match self.core.intake(&command.files, options, &tell) {
            Ok(reports) => show::intake(&reports, command.json),
            Err(e) => Outcome::failed(e.to_string()),
        }
    }

    fn indicator(&self, command: &IndicatorCommand) -> Outcome {
        match self.core.own_figures(&command.question, LocalOwner::checked(self.access)) {
            Ok(table) => show::table(&table, command.json),
            Err(e) => Outcome::refused(e.to_string()),
        }
    }

    fn draft(&self, new: NewConvenant) -> Outcome {
        let draft = NewDraft {
            id: new.id,
            cards: new.cards,
            monitor: new.monitor,
            gate: new.gate,
            validity: (new.from, new.until),
            sums: new.sums,
            links: new.links,
            areas: new.areas,
            exchanges: new.exchanges,
            cohorts: new.cohorts,
        };
        match self.core.convenant_draft(draft) {
            Ok(text) => Outcome::done(text),
            Err(e) => Outcome::refused(e.to_string()),
        }
    }
}

fn bundle(result: Result<ConvenantBundle, ConvenantError>) -> Outcome {
    match result {
        Ok(bundle) => Outcome::done(bundle.to_text()),
        Err(e) => Outcome::refused(e.to_string()),
    }
}

/// How a convenant stands, in words.
pub fn state_sentence(state: &State) -> String {
    match state {
        State::Proposed { missing } => {
            let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
            format!("nog niet in werking: {} partij(en) moeten nog tekenen ({})", missing.len(), names.join(", "))
        }
        State::NotYetValid => "door allen getekend; de eerste dag ligt nog voor ons".to_owned(),
        State::InForce => "in werking".to_owned(),
        State::Superseded => "vervangen door een nieuwere versie".to_owned(),
        State::Withdrawn { by } => {
            let names: Vec<String> = by.iter().map(ToString::to_string).collect();
            format!("ingetrokken door {}", names.join(", "))
        }
        State::Expired => "verlopen".to_owned(),
    }
}
