//! Commands for one node: over the local socket when it runs, else on its directory under the lock.

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{IndicatorArgs, IntakeArgs, NodeArgs, PullArgs};
use crate::config::Config;
use crate::domain::fault::said;
use crate::domain::query::{Dimension, IndicatorId, MOST_DIMENSIONS};
use crate::node;
use crate::node::command::{IndicatorCommand, IntakeCommand, LocalCommand, Outcome, Progress, PullCommand};
use crate::service::own::OwnQuestion;

/// Runs a command on a node, whether it runs or not.
pub fn on_node(dir: &Path, command: &LocalCommand) -> Outcome {
    let config = match Config::load(dir) {
        Ok(config) => config,
        Err(e) => return Outcome::failed(e.to_string()),
    };
    let bar = progress_bar();
    let show = |p: Progress| {
        bar.set_length(p.total);
        bar.set_position(p.done);
    };
    let outcome = node::on(&config, command, &show);
    bar.finish_and_clear();
    outcome
}

/// Shows itself only on a terminal and only after a second.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {percent} %") {
        bar.set_style(style);
    }
    bar
}

/// `intake`.
pub fn intake(args: &IntakeArgs) -> Outcome {
    let files: Result<Vec<PathBuf>, String> =
        args.files.iter().map(|f| f.canonicalize().map_err(|e| format!("{}: {}", f.display(), said(&e)))).collect();
    match files {
        Ok(files) if args.casus => {
            on_node(&args.node, &LocalCommand::IntakeCases { files, proef: args.proef, json: args.json })
        }
        Ok(files) => on_node(
            &args.node,
            &LocalCommand::Intake(IntakeCommand {
                files,
                proef: args.proef,
                vervangt: args.vervangt,
                gegevens: args.gegevens,
                json: args.json,
            }),
        ),
        Err(reason) => Outcome::failed(reason),
    }
}

pub(super) fn dimensions(names: &[String]) -> Result<Vec<Dimension>, Outcome> {
    let by: Option<Vec<Dimension>> = names.iter().map(|n| Dimension::parse(n)).collect();
    match by {
        Some(by) if by.len() <= MOST_DIMENSIONS && (1..by.len()).all(|i| !by[..i].contains(&by[i])) => Ok(by),
        _ => Err(Outcome {
            exit: 2,
            stdout: String::new(),
            stderr: "--by neemt een tot drie verschillende uit gemeente, maatregel, leeftijd, organisatie, gebied"
                .to_owned(),
        }),
    }
}

pub(super) fn indicator_id(text: &str) -> Result<IndicatorId, Outcome> {
    IndicatorId::parse(text).ok_or_else(|| {
        let known: Vec<&str> = IndicatorId::ALL.iter().map(|i| i.as_str()).collect();
        Outcome {
            exit: 2,
            stdout: String::new(),
            stderr: format!("`{text}` is geen indicator van deze versie; kies uit {}", known.join(", ")),
        }
    })
}

/// `indicator`.
pub fn indicator(args: &IndicatorArgs) -> Outcome {
    let command = indicator_id(&args.id).and_then(|id| {
        if id != IndicatorId::Ind24 && args.period.is_none() {
            return Err(Outcome { exit: 2, stdout: String::new(), stderr: "geef --period".to_owned() });
        }
        let question = OwnQuestion {
            id,
            period: args.period,
            by: dimensions(&args.by)?,
            horizon: args.horizon,
            data_from: args.data_from,
            within: args.within,
            peildatum: args.peildatum,
        };
        Ok(LocalCommand::Indicator(IndicatorCommand { question, json: args.json }))
    });
    command.map_or_else(|wrong| wrong, |command| on_node(&args.node, &command))
}

/// `monitor pull`.
pub fn pull(args: &PullArgs) -> Outcome {
    let indicators: Result<Vec<IndicatorId>, Outcome> = args.indicators.iter().map(|i| indicator_id(i)).collect();
    let by = if args.by.is_empty() { Ok(None) } else { dimensions(&args.by).map(Some) };
    let out = args.out.clone().unwrap_or_else(|| args.node.join("report"));
    let out = std::path::absolute(&out).unwrap_or(out);
    match (indicators, by) {
        (Ok(indicators), Ok(by)) => on_node(
            &args.node,
            &LocalCommand::Pull(PullCommand {
                periods: args.periods.clone(),
                indicators,
                by,
                out,
                without: args.without.clone(),
                example: args.example,
                json: args.json,
            }),
        ),
        (Err(wrong), _) | (_, Err(wrong)) => wrong,
    }
}

/// `monitor report`.
pub fn report(args: &NodeArgs) -> Outcome {
    let path = args.node.join("report").join(if args.json { "report.json" } else { "report.txt" });
    match std::fs::read_to_string(&path) {
        Ok(text) => Outcome::done(text),
        Err(e) => Outcome::refused(format!("{}: {e}; maak eerst een rapport met `monitor pull`", path.display())),
    }
}
