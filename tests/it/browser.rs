//! The consoles of two nodes of the demo in a real browser: `tests/browser/walk.mjs` logs in per role, proves a transfer, makes a
//! person's report, reads the regional report and is refused, with axe-core on every page. Needs node, chromium and
//! what `tests/browser/setup.sh` installs; without it, it says so and does nothing.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ketenpoort::crypto::{KeyTree, Secret32};
use ketenpoort::node::SystemClock;
use ketenpoort::service::accounts::{Accounts, Joining, Opened, Role};
use ketenpoort::service::core::Clock;
use serde_json::{Value, json};

use crate::demo::{Demo, demo};

const PASSWORD: &str = "een zin met vier woorden";

/// A node of the demo under another address, with a console.
struct Served {
    dir: PathBuf,
    child: Child,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn missing(browser: &Path) -> Option<&'static str> {
    let runs =
        |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !browser.join("node_modules/playwright-core").is_dir() {
        return Some("tests/browser/node_modules ontbreekt (npm ci)");
    }
    if !runs("node").is_ok_and(|status| status.success()) {
        return Some("node ontbreekt");
    }
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    (!Path::new(&chromium).exists()).then_some("chromium ontbreekt")
}

#[test]
fn the_consoles_work_in_a_real_browser() {
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    if let Some(what) = missing(&browser) {
        eprintln!("OVERGESLAGEN: de consoles zijn NIET in een browser beproefd: {what}");
        return;
    }
    let demo = demo();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    let _ = std::fs::remove_dir_all(&home);
    let (town, first) =
        serve(&first_town(&demo), &home.join("gemeente"), &[Role::Beheerder, Role::Privacyfunctionaris]);
    let (monitor, second) = serve(&demo.node("ketenmonitor"), &home.join("monitor"), &Role::ALL);
    let list = home.join("consoles.json");
    std::fs::write(&list, json!({"wachtwoord": PASSWORD, "consoles": [first, second]}).to_string()).expect("written");
    let shots = home.join("beelden");
    let walked =
        Command::new("node").arg(browser.join("walk.mjs")).args([&list, &shots]).output().expect("node starts");
    drop((town, monitor));
    let told = String::from_utf8_lossy(&walked.stdout);
    assert!(walked.status.success(), "{told}\n{}", String::from_utf8_lossy(&walked.stderr));
    assert!(told.matches("ok  ").count() > 60, "the walk was walked: {told}");
}

/// The municipality that hands a child over in the demo: the first of the region.
fn first_town(demo: &Demo) -> PathBuf {
    let nodes = std::fs::read_dir(demo.region.join("nodes")).expect("a folder");
    let names = nodes.map(|node| node.expect("an entry").file_name().to_string_lossy().into_owned());
    demo.node(&names.filter(|name| name.starts_with("gem")).min().expect("a municipality"))
}

/// Serves a copy of a node's directory; its console as `walk.mjs` takes it.
fn serve(from: &Path, to: &Path, roles: &[Role]) -> (Served, Value) {
    copy(from, to);
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let [listen, console] = held.map(|port| port.local_addr().expect("an address").to_string());
    let file = to.join("node.toml");
    let mut config: toml::Table = std::fs::read_to_string(&file).expect("node.toml").parse().expect("TOML");
    config["network"]["listen"] = listen.into();
    config.insert("console".to_owned(), toml::Table::from_iter([("listen".to_owned(), console.clone().into())]).into());
    std::fs::write(&file, config.to_string()).expect("written");
    let accounts: Vec<Value> = roles.iter().map(|role| account(to, *role)).collect();
    let child = Command::new(env!("CARGO_BIN_EXE_ketenpoort"))
        .args(["serve", "--node"])
        .arg(to)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the node starts");
    let served = Served { dir: to.to_owned(), child };
    let end = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(&console).is_err() {
        assert!(Instant::now() < end, "the console of {} listens", to.display());
        std::thread::sleep(Duration::from_millis(50));
    }
    let name = config["organisation"]["name"].as_str().expect("a name").to_owned();
    (served, json!({"organisatie": name, "adres": format!("https://{console}"), "accounts": accounts}))
}

/// Makes an account as of a minute ago, so that its code of now is fresh.
fn account(dir: &Path, role: Role) -> Value {
    let root: [u8; 32] = std::fs::read(dir.join("keys/root.key")).expect("a key").try_into().expect("32 bytes");
    let accounts = Accounts::new(&dir.join("data/console"), &KeyTree::new(Secret32::new(root)));
    let now = SystemClock.now_ms() - 60_000;
    let token = accounts.invite(BTreeSet::from([role]), "proef", now).expect("invited");
    let Opened { ticket, secret, .. } = accounts.open(&token, now).expect("an invitation");
    let code = secret.code_at(now / 1000);
    let joining = Joining { ticket: &ticket, name: role.as_str(), password: PASSWORD, code: &code };
    accounts.join(&joining, now).expect("an account");
    json!({"naam": role.as_str(), "rol": role.as_str(), "geheim": secret.to_base32()})
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}
