//! Makes `src/transport/gen/` from `proto/` without protoc: `cargo run --example gen`, after every change of a proto file.

use std::error::Error;
use std::path::Path;

/// Compiles the proto files below `root` and writes the Rust code into `out`.
pub fn generate(root: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    let files = protox::compile(
        [
            "ketenpoort/v1/applications.proto",
            "ketenpoort/v1/cases.proto",
            "ketenpoort/v1/links.proto",
            "ketenpoort/v1/logs.proto",
            "ketenpoort/v1/node.proto",
            "ketenpoort/v1/sums.proto",
            "ketenpoort/v1/witness.proto",
            "logboek/v1/logboek.proto",
            "opentelemetry/proto/collector/trace/v1/trace_service.proto",
        ],
        [root.join("proto")],
    )?;
    tonic_prost_build::configure()
        .build_transport(false)
        // It holds a number of a person.
        .skip_debug([".ketenpoort.v1.AppOrder", ".ketenpoort.v1.AppAnswer"])
        .emit_rerun_if_changed(false)
        .out_dir(out)
        .compile_fds(files)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    generate(root, &root.join("src/transport/gen"))
}
