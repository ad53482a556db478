//! Three nodes in three directories as on three machines, made by the program's own commands: for tests and measurements.

use std::path::Path;
use std::process::Command;

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ketenpoort");
/// OINs of the three: an organisation, a second one and the monitor.
pub const OINS: [&str; 3] = ["00000099000000000001", "00000099000000000002", "00000099000000000003"];
/// Directory, type and name of each.
const NODES: [(&str, &str, &str); 3] =
    [("a", "GI", "GI Een"), ("b", "VT", "Veilig Thuis"), ("m", "MONITOR", "Monitor")];

/// Runs a command of the program and expects success; what it printed.
pub fn run(words: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(words).output().expect("the program starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words:?} failed with {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// A path below a home.
pub fn path(home: &Path, part: &str) -> String {
    home.join(part).to_str().expect("UTF-8").to_owned()
}

/// Three new nodes below `home` that listen on these ports, for the municipalities of this JSON; without certificates.
pub fn init(home: &Path, gemeenten: &str, ports: [u16; 3]) {
    let list = path(home, "gemeenten.json");
    std::fs::write(&list, gemeenten).expect("written");
    for (((key, kind, name), oin), port) in NODES.iter().zip(OINS).zip(ports) {
        let (node, address) = (path(home, key), format!("127.0.0.1:{port}"));
        let mut words =
            vec!["init", "--console", "geen", "--node", &node, "--oin", oin, "--name", name, "--type", kind];
        words.extend(["--listen", &address, "--endpoint", &address, "--gemeenten", &list]);
        if *kind != "MONITOR" {
            words.extend(["--levert", kind]);
        }
        let shown = run(&words);
        assert!(shown.contains("Vingerafdruk"), "{shown}");
    }
}

/// Gives all three a certificate of the test authority in `pki`.
pub fn certify(home: &Path) {
    let [pki, a, b, m] = ["pki", "a", "b", "m"].map(|part| path(home, part));
    run(&["cert", "example", "--pki", &pki, "--node", &a, "--node", &b, "--node", &m]);
}

/// A convenant of the three named `id` from day `from`, its draft changed by `edit`, signed by `a` alone, in `<id>.json`.
pub fn propose(home: &Path, (id, from): (&str, &str), edit: impl FnOnce(String) -> String) {
    let cards = NODES.map(|(key, ..)| path(home, &format!("{key}/card.json")));
    let [toml, bundle, a] = [&format!("{id}.toml"), &format!("{id}.json"), "a"].map(|part| path(home, part));
    let mut words = vec!["convenant", "new", "--id", id, "--monitor", OINS[2]];
    words.extend(["--from", from, "--until", "2045-12-31", "--out", &toml, "--node", &a]);
    cards.iter().for_each(|card| words.extend(["--card", card]));
    run(&words);
    let draft = std::fs::read_to_string(&toml).expect("draft");
    std::fs::write(&toml, edit(draft)).expect("written");
    assert!(run(&["convenant", "check", &toml]).contains("geen fouten"));
    run(&["convenant", "propose", &toml, "--out", &bundle, "--node", &a]);
}

/// Node `key` signs and takes over the bundle of `id`.
pub fn accept(home: &Path, id: &str, key: &str) {
    run(&["convenant", "accept", &path(home, &format!("{id}.json")), "--node", &path(home, key)]);
}
