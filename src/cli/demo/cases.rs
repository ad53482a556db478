//! The part of the demo about one child: a warm hand-over of the local team to a GI, one that is refused, and one that a withdrawal stops. The
//! child is made up, as its number is (999990019, of the test range).

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Demo, DemoNode, command, step};
use crate::domain::day::Day;
use crate::domain::moment::day_in_amsterdam;
use crate::policy::case::Rules;

const NUMBER: &str = "999990019";
const PERSON: &str = "Voorbeeldkind Overdracht";
/// The exchange types that the convenant of a demo grants.
pub(super) const EXCHANGES: [&str; 7] = ["SCN-04", "SCN-05", "SCN-06", "SCN-07", "SCN-08", "SCN-09", "SCN-14"];

/// A local team and a GI, on the day of the demo.
struct Cast<'a> {
    town: &'a DemoNode,
    gi: &'a DemoNode,
    today: Day,
}

/// What a command about a child said.
struct Said {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Demo {
    /// Plays the hand-overs between the first municipality and the first GI of the region.
    pub(super) fn exchange(&self) -> Result<(), String> {
        let of = |prefix: &str| self.nodes.iter().find(|node| node.key.starts_with(prefix));
        let Some((town, gi)) = of("gem").zip(of("gi")) else { return Ok(()) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?;
        let today = day_in_amsterdam(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        if let Some((rule, end)) = Rules::national().endings().find(|(_, end)| *end < today) {
            step(&format!("overdracht overgeslagen: {rule} gold tot en met {end}; neem nieuwe regels in gebruik"));
            return Ok(());
        }
        self.play_exchange(&Cast { town, gi, today })
    }

    fn play_exchange(&self, cast: &Cast<'_>) -> Result<(), String> {
        self.deliver_fields(cast)?;
        let sent = self.offer(cast, "SCN-07", "P5")?;
        if sent.exit != Some(0) {
            return Err(format!("warme overdracht: {}", sent.stderr));
        }
        let arrived = sent.stdout.lines().next().unwrap_or_default();
        step(&format!("warme overdracht JOT -> GI ({} -> {}): {arrived}", cast.town.name, cast.gi.name));
        let refused = self.offer(cast, "SCN-08", "P6")?;
        let why = refused.stderr.lines().next().unwrap_or_default().to_owned();
        step(&format!("in vrijwillig kader, zonder toestemming: {why}"));
        let consent = self.consent(cast)?;
        let allowed = self.offer(cast, "SCN-08", "P6")?;
        let withdrawn = typed(&["consent", "withdraw", "--id", &consent], &[("--node", &cast.town.dir)])?;
        let after = self.offer(cast, "SCN-08", "P6")?;
        let exits = [refused.exit, allowed.exit, withdrawn.exit, after.exit];
        if exits != [Some(1), Some(0), Some(0), Some(1)] {
            return Err(format!("overdracht met toestemming: {exits:?} {} {}", allowed.stderr, withdrawn.stderr));
        }
        step("met toestemming van de ouder gaat zij wel; na intrekking weer niet");
        take_over(cast.gi)
    }

    fn deliver_fields(&self, cast: &Cast<'_>) -> Result<(), String> {
        let (executor, measure) = (cast.gi.oin.to_string(), format!("{}..{}", cast.day(-60), cast.day(300)));
        let born = cast.today.add_months(-100).to_string();
        let values = [
            ("identity;naam", PERSON),
            ("identity;geboortedatum", &born),
            ("custody;gezag", "ouder1"),
            ("professionals_contact;", "wijkteam Voorbeeldbuurt, via het algemene nummer"),
            ("active_help;", "ambulante begeleiding op dinsdag"),
            ("measure;", "11"),
            ("measure_dates;", &measure),
            ("executor;", &executor),
        ];
        let mut text = "record_id;status;bsn;veld;onderdeel;waarde;van;tot;geregistreerd_op\n".to_owned();
        for (n, (field, value)) in values.iter().enumerate() {
            text += &format!("demo-{n};1;{NUMBER};{field};{value};;;{}T12:00:00Z\n", cast.day(-1));
        }
        let file = self.dir.join("casusvelden.csv");
        std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))?;
        let done = command(&["intake", "--casus", &file.display().to_string()], &[("--node", &cast.town.dir)]);
        // It holds a number; nothing else of the demo needs it.
        std::fs::remove_file(&file).map_err(|e| e.to_string())?;
        done.map(drop)
    }

    fn offer(&self, cast: &Cast<'_>, exchange: &str, purpose: &str) -> Result<Said, String> {
        let situation = json!({
            "exchange": exchange, "purpose": purpose,
            "sender": {"oin": cast.town.oin, "type": "LT"}, "receiver": {"oin": cast.gi.oin, "type": "GI"},
            "fields": ["identity", "professionals_contact", "active_help"],
        });
        let file = self.dir.join("overdracht.json");
        std::fs::write(&file, situation.to_string()).map_err(|e| e.to_string())?;
        typed(&["exchange", "offer"], &[("--node", &cast.town.dir), ("--request", &file)])
    }

    /// Registers the consent of the one parent with custody; its number.
    fn consent(&self, cast: &Cast<'_>) -> Result<String, String> {
        let (receiver, from, to) = (cast.gi.oin.to_string(), cast.today.to_string(), cast.day(180).to_string());
        let mut words = vec!["consent", "add", "--by", "ouder1", "--capacity", "gezag", "--receiver", &receiver];
        words.extend(["--purpose", "P6", "--field", "identity,professionals_contact,active_help"]);
        words.extend(["--from", &from, "--to", &to, "--evidence", "formulier 17", "--json"]);
        let said = typed(&words, &[("--node", &cast.town.dir)])?;
        let json: Value = serde_json::from_str(&said.stdout).map_err(|_| said.stderr)?;
        json["toestemming"].as_str().map(str::to_owned).ok_or_else(|| "de toestemming heeft geen nummer".to_owned())
    }
}

impl Cast<'_> {
    /// So many days from today.
    fn day(&self, days: i32) -> Day {
        Day(self.today.0 + days)
    }
}

/// The GI takes over what came, so that nothing of it is left in its node.
fn take_over(gi: &DemoNode) -> Result<(), String> {
    let listed = command(&["exchange", "inbox", "--json"], &[("--node", &gi.dir)])?;
    let listed: Vec<Value> = serde_json::from_str(&listed).map_err(|e| e.to_string())?;
    for one in &listed {
        let id = one["overdracht"].as_str().unwrap_or_default();
        command(&["exchange", "confirm", "--id", id], &[("--node", &gi.dir)])?;
    }
    step(&format!("{} overdrachten overgenomen; de inhoud is bij de GI-node vernietigd", listed.len()));
    Ok(())
}

/// Runs this same program with the number typed on its standard input.
fn typed(words: &[&str], paths: &[(&str, &Path)]) -> Result<Said, String> {
    let mut child = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
    child.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (flag, path) in paths {
        child.arg(flag).arg(path);
    }
    let mut running = child.spawn().map_err(|e| e.to_string())?;
    if let Some(mut input) = running.stdin.take() {
        writeln!(input, "{NUMBER}").map_err(|e| e.to_string())?;
    }
    let done = running.wait_with_output().map_err(|e| e.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Said { exit: done.status.code(), stdout: text(&done.stdout), stderr: text(&done.stderr) })
}
