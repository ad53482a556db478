//! `log status` for people: the log as evidence, its witnesses, and findings about the logs of partners.

use super::audit;
use crate::domain::moment;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::service::witness::view::{LogStatus, QuorumView, Witnessed};
use crate::translog::witness::Wrong;

/// The state of the log; exit code 1 when something is wrong with it or with a log that this node witnesses.
pub fn show(status: &LogStatus, json: bool) -> Outcome {
    let wrong = status.alarm
        || status.audit.missing.is_some()
        || status.stopped.is_some()
        || !status.put_aside.is_empty()
        || status.witnessed.iter().any(|log| !log.is_good());
    let stdout = if json { pretty(&serde_json::json!(status)) } else { text(status) };
    Outcome { exit: u8::from(wrong), stdout, stderr: String::new() }
}

fn text(status: &LogStatus) -> String {
    let mut lines = vec![format!("Log {}: {} regels", status.origin, status.size)];
    lines.push(match &status.cosigned {
        Some(cosigned) => {
            format!("Medeondertekend door een quorum: {} regels, {}", cosigned.size, moment(cosigned.time_s))
        }
        None if status.quorums.is_empty() => "Er is geen andere partij die dit log kan medeondertekenen.".to_owned(),
        None => "Nog niet door een quorum medeondertekend.".to_owned(),
    });
    if let Some(waiting) = status.waiting_ms {
        let alarm = if status.alarm { " (ALARM: langer dan 15 minuten)" } else { "" };
        lines.push(format!("De oudste regel zonder quorum wacht {}{alarm}", duration(waiting)));
    }
    if let Some(size) = status.contradicted_at {
        lines.push(format!(
            "FOUT: onze sleutel ondertekende een log van {size} regels dat dit log niet bevat: het is teruggezet of herschreven"
        ));
    }
    if let Some(reason) = status.stopped {
        lines.push(format!("Er gaat niets naar buiten ({reason}): {} {}", reason.sentence(), reason.remedy()));
    }
    lines.extend(status.audit.begun.iter().map(audit::begun));
    lines.extend(audit::alarm(&status.audit));
    lines.extend(status.quorums.iter().flat_map(quorum));
    if !status.witnessed.is_empty() {
        lines.push("Logs waarvan deze node getuige is:".to_owned());
    }
    lines.extend(status.witnessed.iter().flat_map(witnessed));
    lines.extend(status.put_aside_sentence().map(|sentence| format!("FOUT: {sentence}")));
    lines.join("\n") + "\n"
}

fn quorum(quorum: &QuorumView) -> Vec<String> {
    let many = quorum.witnesses.len();
    let mut lines = vec![format!("Getuigen ({}): {} van {many} nodig", quorum.convenant, quorum.needed)];
    for witness in &quorum.witnesses {
        let last = match (witness.size, witness.time_s) {
            (Some(size), Some(time)) => format!("{size} regels, {}", moment(time)),
            _ => "nog niet".to_owned(),
        };
        let fault = witness.fault.as_ref().map_or_else(String::new, |fault| format!("; laatste poging: {fault}"));
        lines.push(format!("  {} {}: {last}{fault}", witness.oin, witness.name));
    }
    lines
}

fn witnessed(log: &Witnessed) -> Vec<String> {
    let size = log.size.map_or_else(|| "nog niets medeondertekend".to_owned(), |size| format!("{size} regels"));
    let mut lines = vec![format!("  {} {}: {size}", log.oin, log.name)];
    lines.extend(log.sentences().into_iter().map(|sentence| format!("    {sentence}")));
    lines
}

impl LogStatus {
    /// That checkpoints of others could not be read and were put aside, in Dutch.
    #[must_use]
    pub fn put_aside_sentence(&self) -> Option<String> {
        let paths = self.put_aside.join(", ");
        let text = "checkpoints van anderen waren niet leesbaar en staan opzij in";
        let remedy = "de getuigen vertellen ze opnieuw. Bewaar dit elders en verwijder het hier";
        (!paths.is_empty()).then(|| format!("{text} {paths}; {remedy}"))
    }
}

impl Witnessed {
    /// Whether nothing is wrong with it.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.findings.is_empty() && !self.shows_less() && !self.unreadable
    }

    /// Whether it shows less than we cosigned, or for long less than was seen elsewhere.
    fn shows_less(&self) -> bool {
        self.behind.is_some() && (self.overdue || self.behind < self.size)
    }

    /// What is wrong or still open, in Dutch.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        for finding in &self.findings {
            let (first, second) = (size_of(&finding.first), size_of(&finding.second));
            said.push(match finding.wrong {
                Wrong::Forked => format!("BEVINDING: twee gezichten: twee ondertekende checkpoints van {first} regels verschillen"),
                Wrong::Unproven => format!(
                    "BEVINDING: herschreven of gevorkt: het checkpoint van {second} regels bevat niet aantoonbaar dat van {first}"
                ),
                Wrong::Forgotten => format!(
                    "BEVINDING: wij medeondertekenden {first} regels en weten dat niet meer: ons getuigenbestand is teruggezet of gewist"
                ),
            });
        }
        if let Some(behind) = self.behind.filter(|_| self.shows_less()) {
            let known = self.pending.iter().copied().chain(self.size).max().unwrap_or(0);
            said.push(format!(
                "BEVINDING: het toont {behind} regels, bekend zijn er {known}: teruggezet of twee gezichten?"
            ));
        }
        if self.unreadable {
            said.push(
                "FOUT: ons getuigenbestand van dit log is niet leesbaar; er wordt niet medeondertekend".to_owned(),
            );
        }
        if !self.pending.is_empty() {
            let sizes: Vec<String> = self.pending.iter().map(ToString::to_string).collect();
            said.push(format!("elders gezien, nog te bewijzen: {} regels", sizes.join(", ")));
        }
        said
    }
}

fn size_of(note: &str) -> String {
    note.lines().nth(1).unwrap_or("?").to_owned()
}

fn moment(seconds: u64) -> String {
    moment::seconds(seconds.saturating_mul(1000))
}

fn duration(ms: u64) -> String {
    match ms / 1000 {
        seconds @ ..120 => format!("{seconds} seconden"),
        seconds @ ..7200 => format!("{} minuten", seconds / 60),
        seconds => format!("{} uur", seconds / 3600),
    }
}
