//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    ketenpoort::cli::run()
}
