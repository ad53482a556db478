//! The command line: arguments in, exit code out. Results go to standard output, messages to standard error.

pub mod args;
mod cert;
mod convenant;
mod convenant_args;
mod demo;
mod disclosure;
mod doctor;
mod init;
mod link;
mod local;
mod log;
mod policy;
mod release;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

use self::args::{Cli, Command, GenerateArgs, MonitorCommand};
use crate::node::command::Outcome;

/// Reads the arguments, runs the command and prints its outcome. Exit code 0 done, 1 refused or check failed, 2 wrong
/// usage, 3 could not run.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Generate(args) => generate(&args),
        Command::Init(args) => init::run(&args),
        Command::CheckConfig(args) => doctor::check_config(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Serve(args) => crate::node::serve(&args.node),
        Command::Intake(args) => local::intake(&args),
        Command::Indicator(args) => local::indicator(&args),
        Command::Release(args) => release::run(&args),
        Command::Convenant(command) => convenant::run(&command),
        Command::Disclosure(command) => disclosure::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::Monitor(MonitorCommand::Pull(args)) => local::pull(&args),
        Command::Monitor(MonitorCommand::Report(args)) => local::report(&args),
        Command::Link(command) => link::run(&command),
        Command::Log(command) => log::run(&command),
        Command::Cert(args::CertCommand::Example(args)) => cert::example(&args),
    };
    print(&outcome);
    ExitCode::from(outcome.exit)
}

fn print(outcome: &Outcome) {
    if !outcome.stderr.is_empty() {
        // A full disk under the standard error must not turn an exit code into a panic.
        let _ = writeln!(std::io::stderr(), "{}", outcome.stderr.trim_end());
    }
    let mut stdout = std::io::stdout().lock();
    let newline = if outcome.stdout.is_empty() || outcome.stdout.ends_with('\n') { "" } else { "\n" };
    let _ = write!(stdout, "{}{newline}", outcome.stdout);
    #[cfg(feature = "defect-plant-bsn")]
    let _ = stdout.write_all(&crate::domain::plant::bytes("stdout"));
    let _ = stdout.flush();
}

fn generate(args: &GenerateArgs) -> Outcome {
    let region = crate::synthetic::Region::generate(args.children, args.seed);
    match region.write(&args.out) {
        Ok(()) => {
            Outcome::done(format!("Voorbeeldregio geschreven in {} (alle gegevens zijn verzonnen)", args.out.display()))
        }
        Err(e) => Outcome::failed(format!("{}: {e}", args.out.display())),
    }
}

/// Sets `flag` when the operator presses Ctrl-C or the process is asked to stop.
fn on_interrupt(flag: &Arc<AtomicBool>) {
    let flag = Arc::clone(flag);
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let _ = runtime.block_on(crate::node::stop_signal());
        flag.store(true, Ordering::Relaxed);
    });
}
