//! What a local command asks of a node and what it answers: the same whether the node runs (over the local socket) or is
//! stopped (the command opens the directory under its lock).

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::apps::AppsLocal;
use super::consent::ConsentLocal;
use super::disclosure::DisclosureLocal;
use super::exchange::ExchangeLocal;
use super::log::command::LogLocal;
use crate::domain::day::Day;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId};
use crate::monitor::rates::Denominator;
use crate::service::accounts::Role;
use crate::service::own::OwnQuestion;

/// A command for one node. Paths are absolute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum LocalCommand {
    /// Read delivery files, in order.
    Intake(IntakeCommand),
    /// Read files with fields of children for exchange, in order.
    IntakeCases {
        /// Files, in the order in which they hold.
        files: Vec<PathBuf>,
        /// Only check and count.
        proef: bool,
        /// As JSON.
        json: bool,
    },
    /// The organisation's own, unprotected figures.
    Indicator(IndicatorCommand),
    /// Sign a convenant (text of a draft or of a bundle); answers the bundle.
    ConvenantPropose {
        /// TOML draft.
        draft: String,
    },
    /// Accept a bundle, or take over a bundle with more signatures; answers the bundle.
    ConvenantAccept {
        /// JSON bundle.
        bundle: String,
    },
    /// Withdraw from a convenant; answers the bundle.
    ConvenantWithdraw {
        /// JSON bundle.
        bundle: String,
    },
    /// Make a draft with a fresh chain key.
    ConvenantNew(NewConvenant),
    /// The convenants that the node knows.
    ConvenantShow {
        /// As JSON.
        json: bool,
    },
    /// Texts of the bundles that the node knows, as a JSON list.
    ConvenantBundles,
    /// Audit and store now what may be released, instead of in the background.
    Release {
        /// As JSON.
        json: bool,
    },
    /// Replace what was released of a year.
    Revise(ReviseCommand),
    /// About what was released.
    Disclosure(DisclosureLocal),
    /// Linked figures: make them, or show what this node knows of them.
    Link(LinkCommand),
    /// Pull figures from every node and write the report.
    Pull(PullCommand),
    /// About the register of consents.
    Consent(ConsentLocal),
    /// About the transfer log.
    Log(LogLocal),
    /// Invite somebody to the console.
    ConsoleInvite {
        /// The roles of the new account.
        roles: BTreeSet<Role>,
    },
    /// About exchange of fields of a child.
    Exchange(ExchangeLocal),
    /// The same, of an application of the organisation itself; only the door of a running node gives it.
    OfApplication {
        /// Which application.
        name: String,
        /// What it asks.
        command: ExchangeLocal,
    },
    /// About those applications.
    Apps(AppsLocal),
    /// Whether the node is ready, as JSON.
    Status,
    /// Stop the running node.
    Stop,
}

/// `intake`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IntakeCommand {
    /// Files, in the order in which they hold.
    pub files: Vec<PathBuf>,
    /// Only check and count.
    pub proef: bool,
    /// Full replacement of this period.
    pub vervangt: Option<(Day, Day)>,
    /// Data window of the delivery.
    pub gegevens: Option<(Day, Day)>,
    /// As JSON.
    pub json: bool,
}

/// `release --revise`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReviseCommand {
    /// Calendar year.
    pub year: i16,
    /// Components with one of these; empty for all of the year.
    pub indicators: Vec<IndicatorId>,
    /// Why.
    pub reason: String,
    /// Two different names.
    pub approved_by: Vec<String>,
    /// As JSON.
    pub json: bool,
}

/// `indicator`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndicatorCommand {
    /// Which figures.
    pub question: OwnQuestion,
    /// As JSON.
    pub json: bool,
}

/// `convenant new`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewConvenant {
    /// Name of the convenant.
    pub id: String,
    /// Texts of the parties' cards.
    pub cards: Vec<String>,
    /// OIN of the monitor.
    pub monitor: crate::domain::oin::Oin,
    /// OIN of the gate.
    pub gate: Option<crate::domain::oin::Oin>,
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Kinds of owner whose series come as regional sums.
    pub sums: Vec<crate::domain::codes::Owner>,
    /// Indicators that come as linked figures.
    pub links: Vec<crate::domain::query::IndicatorId>,
    /// Areas of municipalities.
    pub areas: Vec<crate::policy::rules::Area>,
    /// Exchange types about one child.
    #[serde(default)]
    pub exchanges: std::collections::BTreeSet<String>,
    /// Children of parties, for their quota of linked figures.
    pub cohorts: Vec<(crate::domain::oin::Oin, u32)>,
}

/// `monitor pull`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PullCommand {
    /// Periods.
    pub periods: Vec<Period>,
    /// Only these indicators; empty for all.
    pub indicators: Vec<IndicatorId>,
    /// Only this breakdown; none for the default plan.
    pub by: Option<Vec<Dimension>>,
    /// Where the report goes.
    pub out: PathBuf,
    /// Marked as an example.
    pub example: bool,
    /// Whom a first regional sum and a linked run leave out.
    pub without: Vec<crate::domain::oin::Oin>,
    /// What the figures are to be laid against.
    pub denominator: Option<Denominator>,
    /// As JSON.
    pub json: bool,
}

/// `link run` and `link show`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkCommand {
    /// Whether what is due is made, in one run.
    pub make: bool,
    /// Periods; without, only the newest run is shown.
    pub periods: Vec<Period>,
    /// Only these indicators; empty for all.
    pub indicators: Vec<IndicatorId>,
    /// Only this breakdown.
    pub by: Option<Vec<Dimension>>,
    /// Whom the run leaves out.
    pub without: Vec<crate::domain::oin::Oin>,
    /// As JSON.
    pub json: bool,
}

/// What a command answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// 0 done, 1 refused or check failed, 3 could not run.
    pub exit: u8,
    /// The result.
    pub stdout: String,
    /// Messages for the operator.
    pub stderr: String,
}

impl Outcome {
    /// Done, with this result.
    #[must_use]
    pub fn done(stdout: impl Into<String>) -> Self {
        Self { exit: 0, stdout: stdout.into(), stderr: String::new() }
    }

    /// Refused or a failed check, with the reason.
    #[must_use]
    pub fn refused(stderr: impl Into<String>) -> Self {
        Self { exit: 1, stdout: String::new(), stderr: stderr.into() }
    }

    /// Could not run, with the reason.
    #[must_use]
    pub fn failed(stderr: impl Into<String>) -> Self {
        Self { exit: 3, stdout: String::new(), stderr: stderr.into() }
    }
}

/// How far a long command is: done and total in bytes or parties.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// Done so far.
    pub done: u64,
    /// Of this many; 0 when unknown.
    pub total: u64,
}

/// One line over the local socket, from node to command.
#[derive(Debug, Serialize, Deserialize)]
pub enum Line {
    /// How far it is.
    Progress(Progress),
    /// The end.
    Outcome(Outcome),
}
