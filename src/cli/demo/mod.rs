//! `demo`: a whole region on this machine. Every step is the ordinary command on an ordinary node directory; only the
//! certificates come from a test authority.

mod cases;
mod consoles;
mod processes;
mod region;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::consoles::NodeConsole;
use self::processes::Processes;
use self::region::{Organisation, RegionFile, delivery_files};
use super::args::{CertExampleArgs, DemoArgs, InitArgs};
use super::{cert, init};
use crate::domain::oin::Oin;
use crate::node::command::Outcome;
use crate::policy::check::LEAST_CONTRIBUTORS;

const MONITOR_KEY: &str = "ketenmonitor";
const GATE_KEY: &str = "poortwachter";
/// What the region's local teams own comes as regional sums: of each municipality alone nearly everything is too small.
const LOCAL_TEAMS: &str = "LT";

/// What comes as linked figures: what no organisation can count alone. IND-01, IND-02 and IND-03 stay with the nodes, by municipality.
const LINKED: [&str; 7] = ["IND-05", "IND-09", "IND-10", "IND-11", "IND-12", "IND-13", "IND-14"];
/// Denominators beside the files of a region.
const DENOMINATORS: &str = "noemers.csv";

/// One node of the demo: an organisation of the region, the monitor or the gate.
struct DemoNode {
    key: String,
    name: String,
    oin: Oin,
    dir: PathBuf,
    files: Vec<PathBuf>,
}

/// Runs the demo.
#[must_use]
pub fn run(args: &DemoArgs) -> Outcome {
    match Demo::prepare(args).and_then(|demo| demo.play(args)) {
        Ok(report) => Outcome::done(report),
        Err(reason) => Outcome::failed(reason),
    }
}

struct Demo {
    dir: PathBuf,
    input: PathBuf,
    region: RegionFile,
    generated: bool,
    nodes: Vec<DemoNode>,
    started: Instant,
    /// Password of every account, and the consoles; none with `--once`.
    consoles: Option<(String, Vec<NodeConsole>)>,
}

impl Demo {
    fn prepare(args: &DemoArgs) -> Result<Self, String> {
        let started = Instant::now();
        let dir = make_empty(&args.dir)?;
        let input = match &args.input {
            Some(input) => input.clone(),
            None => {
                let input = dir.join("invoer");
                step(&format!("voorbeeldregio maken: {} kinderen, startgetal {}", args.children, args.seed));
                crate::synthetic::Region::generate(args.children, args.seed)
                    .write(&input)
                    .map_err(|e| format!("{}: {e}", input.display()))?;
                input
            }
        };
        let region = RegionFile::load(&input)?;
        let nodes = init_nodes(&dir, &input, &region, args)?;
        step(&format!("{} nodes ingericht, elk met eigen sleutels", nodes.len()));
        let mut demo = Self { dir, input, region, generated: args.input.is_none(), nodes, started, consoles: None };
        demo.certify(false)?;
        step("certificaten uitgegeven door een proef-CA (OIN's 00000099...)");
        demo.agree()?;
        step("convenant door alle partijen ondertekend en in werking");
        if !args.once {
            demo.consoles = Some(demo.accounts()?);
        }
        Ok(demo)
    }

    fn play(self, args: &DemoArgs) -> Result<String, String> {
        let mut processes = Processes::default();
        for node in &self.nodes {
            processes.start(&node.name, &node.dir).map_err(|e| format!("{}: {e}", node.name))?;
        }
        processes.await_ready(Duration::from_secs(60))?;
        step(&format!("{} processen draaien, met wederzijds TLS over loopback", processes.len()));
        let rows = self.deliver()?;
        step(&format!("{rows} regels ingenomen en gepseudonimiseerd"));
        self.certify(true)?;
        step("intrekkingslijst vernieuwd terwijl alles draait");
        let tables = self.release()?;
        step(&format!("{tables} tabellen door de eigen nodes getoetst en vastgesteld"));
        let summary = self.pull()?;
        self.exchange()?;
        step(&format!("rapport gereed na {:.0} s", self.started.elapsed().as_secs_f64()));
        let report = self.dir.join("monitor");
        let text =
            format!("{summary}\nRapport: {}/report.html, report.json, report.csv en report.xlsx\n", report.display());
        if args.once {
            processes.stop();
        } else {
            print!("{text}");
            if let Some((password, consoles)) = &self.consoles {
                println!("{}", consoles::told(&self.dir, consoles, password)?);
            }
            self.stay(&processes);
            processes.stop();
            return Ok(String::new());
        }
        Ok(text)
    }

    /// An account for each role at every node.
    fn accounts(&self) -> Result<(String, Vec<NodeConsole>), String> {
        let password = consoles::password();
        let made = self.nodes.iter().map(|node| {
            let of = (node.name.as_str(), node.key == MONITOR_KEY);
            consoles::prepare(&node.dir, of, &password)
        });
        let made: Vec<NodeConsole> = made.collect::<Result<Vec<_>, String>>()?.into_iter().flatten().collect();
        step(&format!("{} consoles ingericht", made.len()));
        Ok((password, made))
    }

    fn directories(&self) -> Vec<PathBuf> {
        self.nodes.iter().map(|n| n.dir.clone()).collect()
    }

    /// Issues certificates, or renews the revocation list while everything runs.
    fn certify(&self, renew_crl: bool) -> Result<(), String> {
        let args =
            CertExampleArgs { pki: self.dir.join("pki"), nodes: self.directories(), renew_crl, revoke: Vec::new() };
        expect_done("certificaten", &cert::example(&args))
    }

    /// One party drafts and proposes, every party accepts, every party takes over the complete bundle.
    fn agree(&self) -> Result<(), String> {
        let maker = self.nodes.iter().find(|n| n.key.starts_with("gi")).or_else(|| self.nodes.first());
        let maker = maker.ok_or("de regio heeft geen organisaties")?;
        let (draft, bundle) = (self.dir.join("convenant.toml"), self.dir.join("convenant.json"));
        let mut new =
            vec!["convenant", "new", "--id", "voorbeeldregio", "--from", "2020-01-01", "--until", "2035-12-31"];
        let cards: Vec<String> = self.nodes.iter().map(|n| n.dir.join("card.json").display().to_string()).collect();
        for card in &cards {
            new.extend(["--card", card]);
        }
        let oin_of = |key: &str| self.nodes.iter().find(|n| n.key == key).map(|n| n.oin.to_string());
        let (monitor, gate) = (oin_of(MONITOR_KEY).unwrap_or_default(), oin_of(GATE_KEY).unwrap_or_default());
        new.extend(["--monitor", &monitor, "--gate", &gate]);
        if self.region.delivering(LOCAL_TEAMS) >= LEAST_CONTRIBUTORS {
            new.extend(["--sum", LOCAL_TEAMS]);
        }
        if self.nodes.iter().filter(|n| !n.files.is_empty()).count() >= LEAST_CONTRIBUTORS {
            new.extend(LINKED.iter().flat_map(|indicator| ["--link", indicator]));
        }
        for name in cases::EXCHANGES {
            new.extend(["--exchange", name]);
        }
        command(&new, &[("--out", &draft), ("--node", &maker.dir)])?;
        let (draft_text, bundle_text) = (draft.display().to_string(), bundle.display().to_string());
        command(&["convenant", "propose", &draft_text], &[("--out", &bundle), ("--node", &maker.dir)])?;
        for _ in 0..2 {
            for node in &self.nodes {
                command(&["convenant", "accept", &bundle_text], &[("--node", &node.dir)])?;
            }
        }
        Ok(())
    }

    /// Takes in the files of every organisation with the ordinary command.
    fn deliver(&self) -> Result<u64, String> {
        self.at_each_delivering(|node| {
            let mut words = vec!["intake".to_owned(), "--json".to_owned(), "--gegevens".to_owned()];
            words.push(format!("{}..{}", self.region.gegevens_van, self.region.gegevens_tot));
            words.extend(node.files.iter().map(|f| f.display().to_string()));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let report = command(&words, &[("--node", &node.dir)])?;
            let report: serde_json::Value = serde_json::from_str(&report).map_err(|e| e.to_string())?;
            Ok(report["regels"].as_u64().unwrap_or(0))
        })
    }

    /// Lets every node audit and store now what it would release by itself an hour later.
    fn release(&self) -> Result<u64, String> {
        self.at_each_delivering(|node| {
            // What cannot be released safely is refused; the rest is released all the same.
            let done = output(&["release", "--json"], &[("--node", &node.dir)])?;
            let lines: serde_json::Value =
                serde_json::from_slice(&done.stdout).map_err(|_| String::from_utf8_lossy(&done.stderr).into_owned())?;
            Ok(lines.as_array().into_iter().flatten().filter_map(|line| line["tabellen"].as_u64()).sum())
        })
    }

    /// Does something at every organisation with files, the largest first, two at a time; the sum of what it counts.
    fn at_each_delivering(&self, work: impl Fn(&DemoNode) -> Result<u64, String> + Sync) -> Result<u64, String> {
        let mut nodes: Vec<&DemoNode> = self.nodes.iter().filter(|n| !n.files.is_empty()).collect();
        let size = |node: &DemoNode| -> u64 {
            node.files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|meta| meta.len()).sum()
        };
        nodes.sort_by_key(|node| std::cmp::Reverse(size(node)));
        let next = std::sync::atomic::AtomicUsize::new(0);
        let worker = || -> Result<u64, String> {
            let mut sum = 0;
            while let Some(node) = nodes.get(next.fetch_add(1, Ordering::Relaxed)) {
                sum += work(node).map_err(|reason| format!("{}: {reason}", node.name))?;
            }
            Ok(sum)
        };
        std::thread::scope(|scope| {
            let workers = [scope.spawn(worker), scope.spawn(worker)];
            workers.into_iter().map(|w| w.join().map_err(|_| "een opdracht brak af".to_owned())?).sum()
        })
    }

    fn pull(&self) -> Result<String, String> {
        let monitor = self.nodes.iter().find(|n| n.key == MONITOR_KEY).ok_or("geen ketenmonitor")?;
        let periods: Vec<String> = self.region.periods().iter().map(ToString::to_string).collect();
        let mut words = vec!["monitor", "pull", "--example"];
        for period in &periods {
            words.extend(["--period", period]);
        }
        let (out, denominators) = (self.dir.join("monitor"), self.input.join(DENOMINATORS));
        let mut paths: Vec<(&str, &Path)> = vec![("--node", &monitor.dir), ("--out", &out)];
        if denominators.is_file() {
            paths.push(("--noemer", &denominators));
        }
        command(&words, &paths)
    }

    /// Keeps the region up, with a fresh revocation list every hour, until the operator stops it.
    fn stay(&self, processes: &Processes) {
        let stop = Arc::new(AtomicBool::new(false));
        super::on_interrupt(&stop);
        eprintln!("De {} nodes blijven draaien; stop met Ctrl-C.", processes.len());
        let mut renewed = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(200));
            if renewed.elapsed() > Duration::from_secs(3600) {
                if let Err(reason) = self.certify(true) {
                    eprintln!("intrekkingslijst niet vernieuwd: {reason}");
                }
                renewed = Instant::now();
            }
        }
        if self.generated {
            eprintln!("De gegevens zijn verzonnen; de map {} kan weg.", self.dir.display());
        }
    }
}

fn step(text: &str) {
    eprintln!("• {text}");
}

fn expect_done(what: &str, outcome: &Outcome) -> Result<(), String> {
    if outcome.exit == 0 { Ok(()) } else { Err(format!("{what}: {}", outcome.stderr)) }
}

/// Runs this same program as a process of its own.
fn output(words: &[&str], paths: &[(&str, &Path)]) -> Result<Output, String> {
    let mut child = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
    child.args(words).stdin(Stdio::null());
    for (flag, path) in paths {
        child.arg(flag).arg(path);
    }
    child.output().map_err(|e| e.to_string())
}

/// Runs this same program and expects success; its standard output comes back.
fn command(words: &[&str], paths: &[(&str, &Path)]) -> Result<String, String> {
    let done = output(words, paths)?;
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        let first = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        Err(format!("`ketenpoort {first}`: {}", String::from_utf8_lossy(&done.stderr)))
    }
}

fn make_empty(dir: &Path) -> Result<PathBuf, String> {
    if dir.exists() && dir.read_dir().map_err(|e| e.to_string())?.next().is_some() {
        return Err(format!("{} is niet leeg; kies een nieuwe map of maak deze eerst leeg", dir.display()));
    }
    std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    dir.canonicalize().map_err(|e| e.to_string())
}

fn init_nodes(dir: &Path, input: &Path, region: &RegionFile, demo: &DemoArgs) -> Result<Vec<DemoNode>, String> {
    let gemeenten = dir.join("gemeenten.json");
    std::fs::write(&gemeenten, region.gemeenten.to_string()).map_err(|e| e.to_string())?;
    let extra = [(MONITOR_KEY, "Ketenmonitor", "MONITOR", 1), (GATE_KEY, "Poortwachter", "POORTWACHTER", 2)];
    let extra = extra.map(|(key, name, org_type, n)| Organisation {
        key: key.to_owned(),
        name: name.to_owned(),
        oin: spare_oin(region, n),
        org_type: org_type.to_owned(),
        levert: Vec::new(),
        gemeente: None,
    });
    let count = region.organisations.len() + extra.len();
    let ports = free_ports(2 * count, demo.port_base)?;
    let mut nodes = Vec::new();
    for (at, org) in region.organisations.iter().chain(&extra).enumerate() {
        let (port, console) = (ports[at], ports[count + at]);
        let node = dir.join("nodes").join(&org.key);
        let args = InitArgs {
            node: node.clone(),
            oin: org.oin,
            name: org.name.clone(),
            org_type: org.org_type.clone(),
            levert: org.levert.clone(),
            gemeente: org.gemeente.clone(),
            listen: format!("127.0.0.1:{port}"),
            endpoint: format!("127.0.0.1:{port}"),
            gemeenten: Some(gemeenten.clone()),
            console: if demo.once { "geen".to_owned() } else { format!("127.0.0.1:{console}") },
        };
        expect_done(&org.name, &init::run(&args))?;
        let files = delivery_files(input, &org.key);
        let files = files.iter().map(|f| f.canonicalize()).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
        nodes.push(DemoNode { key: org.key.clone(), name: org.name.clone(), oin: org.oin, dir: node, files });
    }
    Ok(nodes)
}

/// A test OIN that no organisation of the region bears.
fn spare_oin(region: &RegionFile, number: u32) -> Oin {
    let mut n = 999_000_000_000_u64 + u64::from(number);
    loop {
        if let Ok(oin) = Oin::parse(&format!("00000099{n:012}"))
            && !region.organisations.iter().any(|o| o.oin == oin)
        {
            return oin;
        }
        n += 10;
    }
}

/// Ports that were free a moment ago; all are held until the last one is found.
fn free_ports(count: usize, base: Option<u16>) -> Result<Vec<u16>, String> {
    if let Some(base) = base {
        let count = u16::try_from(count).map_err(|e| e.to_string())?;
        return Ok((base..base.saturating_add(count)).collect());
    }
    let held: Result<Vec<_>, _> = (0..count).map(|_| std::net::TcpListener::bind("127.0.0.1:0")).collect();
    let held = held.map_err(|e| e.to_string())?;
    held.iter().map(|l| l.local_addr().map(|a| a.port()).map_err(|e| e.to_string())).collect()
}
