//! The committed Rust code of the proto files is what the generator makes of them.

use std::fs;
use std::path::Path;

#[path = "../../examples/gen.rs"]
#[expect(dead_code, reason = "its main is the example's")]
mod example;

#[test]
fn gen_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = tempfile::tempdir().unwrap();
    example::generate(root, made.path()).unwrap();
    let committed = root.join("src/transport/gen");
    let names = |dir: &Path| {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&committed), names(made.path()));
    for name in names(&committed) {
        let same = fs::read(committed.join(&name)).unwrap() == fs::read(made.path().join(&name)).unwrap();
        assert!(same, "{} is stale: cargo run --example gen", name.display());
    }
}
