//! `log breach`: the pack for a report to the Autoriteit Persoonsgegevens, from a node or from an export alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::json;

use super::officer::BreachCommand;
use super::show;
use crate::console::paper::Page;
use crate::console::words;
use crate::domain::oin::Oin;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::node::{Node, SystemClock};
use crate::service::breach::{BreachCount, BreachCounter, BreachScope};
use crate::service::core::Clock;
use crate::service::subjects::Opener;
use crate::translog::entry::{Entry, TransferId};

const HOUR_MS: u64 = 3_600_000;

/// Finds the later entries of transfers, each with its partner.
pub type Later<'a> = dyn Fn(Vec<(Oin, TransferId)>) -> Result<Vec<(u64, Entry)>, String> + 'a;

/// Entries with their numbers, oldest first.
pub type Entries<'a> = dyn Iterator<Item = Result<(u64, Entry), String>> + 'a;

/// What the pack says besides what the log says.
pub struct Setting<'a> {
    /// Whose log it is.
    pub organisation: String,
    /// Names of organisations that are known.
    pub names: BTreeMap<Oin, String>,
    /// What opens sealed parts; none on an export.
    pub opener: Option<&'a Opener>,
    /// Finds what came of transfers after the entries that are given; none when those are the whole log.
    pub later: Option<&'a Later<'a>>,
    /// What a verification of the export said; none on a node.
    pub verified: Option<String>,
    /// Now, milliseconds since 1970 UTC.
    pub now_ms: u64,
}

impl Node {
    /// The pack of this node's log.
    pub(super) fn breach(&self, command: &BreachCommand) -> Outcome {
        self.breach_of(command, |setting, entries| Ok(make(command, setting, entries))).unwrap_or_else(Outcome::failed)
    }

    /// The draft of the report and the entries as CSV, nothing on a disk; `out` of the command is not looked at.
    ///
    /// # Errors
    /// Why not, in Dutch.
    pub fn breach_page(&self, command: &BreachCommand) -> Result<(Page, String), String> {
        self.breach_of(command, |setting, entries| {
            let mut lines = Vec::new();
            let count = count(command, setting, entries, &mut lines)?;
            let pack = Pack { command, setting, count };
            Ok((pack.page(), String::from_utf8(lines).map_err(|e| e.to_string())?))
        })
    }

    fn breach_of<T>(
        &self,
        command: &BreachCommand,
        made: impl FnOnce(&Setting<'_>, &mut Entries<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let opener = self.core.opener().map_err(|e| e.to_string())?;
        let span = self.core.log_span((command.since, command.until));
        let log = self.core.transfer_log();
        let mut entries = log.entries(span.clone()).map(|entry| entry.map_err(|e| e.to_string()));
        let later = |transfers| self.core.later_of(transfers, span.end).map_err(|e| e.to_string());
        let setting = Setting {
            organisation: format!("{} ({})", self.config.name, self.config.oin),
            names: self.names(),
            opener: Some(&opener),
            later: Some(&later),
            verified: None,
            now_ms: SystemClock.now_ms(),
        };
        made(&setting, &mut entries)
    }
}

/// Counts, writes the pack into the directory and answers its summary.
pub fn make(command: &BreachCommand, setting: &Setting<'_>, entries: &mut Entries<'_>) -> Outcome {
    match lines_in(&command.out).and_then(|mut lines| count(command, setting, entries, &mut lines)).and_then(|count| {
        let pack = Pack { command, setting, count };
        pack.write()?;
        Ok(pack)
    }) {
        Ok(pack) if command.json => Outcome::done(pretty(&pack.json())),
        Ok(pack) => Outcome::done(format!(
            "{}\nGeschreven in {}: melding.txt, melding.html, overzicht.json en regels.csv. Bewaar ze vertrouwelijk.\n",
            pack.summary(),
            command.out.display()
        )),
        Err(reason) => Outcome::failed(reason),
    }
}

/// The file for the entries, in a directory that is empty.
fn lines_in(out: &Path) -> Result<BufWriter<fs::File>, String> {
    let said = |e: std::io::Error| format!("{}: {e}", out.display());
    fs::create_dir_all(out).map_err(said)?;
    if fs::read_dir(out).map_err(said)?.next().is_some() {
        return Err(format!("{}: de map is niet leeg", out.display()));
    }
    Ok(BufWriter::new(new_file(&out.join("regels.csv"))?))
}

fn count(
    command: &BreachCommand,
    setting: &Setting<'_>,
    entries: &mut Entries<'_>,
    lines: &mut dyn Write,
) -> Result<BreachCount, String> {
    let said = |e: std::io::Error| format!("regels.csv: {e}");
    lines.write_all(show::csv_head().as_bytes()).map_err(said)?;
    let scope = BreachScope {
        since_ms: command.since,
        until_ms: command.until,
        certificate: command.certificate,
        key: command.key,
        partner: command.partner,
    };
    let mut counter = BreachCounter::new(scope, setting.opener);
    let mut take = |counter: &mut BreachCounter<'_>, number: u64, entry: &Entry| {
        if counter.take(entry) { lines.write_all(show::csv_entry(number, entry).as_bytes()) } else { Ok(()) }
    };
    for entry in entries {
        let (number, entry) = entry?;
        take(&mut counter, number, &entry).map_err(said)?;
    }
    if let Some(later) = setting.later {
        for (number, entry) in later(counter.awaited())? {
            take(&mut counter, number, &entry).map_err(said)?;
        }
    }
    lines.flush().map_err(said)?;
    Ok(counter.finish())
}

fn new_file(path: &Path) -> Result<fs::File, String> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|e| format!("{}: {e}", path.display()))
}

struct Pack<'a> {
    command: &'a BreachCommand,
    setting: &'a Setting<'a>,
    count: BreachCount,
}

impl Pack<'_> {
    fn write(&self) -> Result<(), String> {
        let page = self.page();
        for (name, text) in [
            ("melding.txt", page.to_text()),
            ("melding.html", page.to_html()),
            ("overzicht.json", pretty(&self.json())),
        ] {
            let path = self.command.out.join(name);
            new_file(&path)?.write_all(text.as_bytes()).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(())
    }

    fn discovered(&self) -> u64 {
        self.command.discovered.unwrap_or(self.setting.now_ms)
    }

    fn deadline(&self) -> u64 {
        self.discovered().saturating_add(72 * HOUR_MS)
    }

    fn name(&self, oin: &Oin) -> String {
        self.setting.names.get(oin).map_or_else(|| "naam onbekend".to_owned(), Clone::clone)
    }

    fn json(&self) -> serde_json::Value {
        let partner = |(oin, count): (&Oin, &crate::service::breach::PartnerCount)| json!({"oin": oin, "naam": self.setting.names.get(oin), "aantallen": count});
        json!({
            "organisatie": self.setting.organisation,
            "vraag": {
                "vanaf_ms": self.command.since, "tot_ms": self.command.until, "certificaat": self.command.certificate,
                "sleutel": self.command.key, "partner": self.command.partner,
            },
            "ontdekt_ms": self.discovered(),
            "melden_voor_ms": self.deadline(),
            "controle_export": self.setting.verified,
            "ontvangers": self.count.partners.iter().map(partner).collect::<Vec<_>>(),
            "telling": self.count,
        })
    }

    fn subjects(&self) -> String {
        let count = &self.count.subjects;
        match (count.known, count.at_most_more) {
            (Some(known), 0) => format!("{known}"),
            (Some(known), more) => format!("{known}, en hoogstens {more} van wie de sleutel is vernietigd"),
            (None, 0) => "geen regel noemt een persoon".to_owned(),
            (None, more) => format!("onbekend, hoogstens {more} (alleen de node zelf kan personen tellen)"),
        }
    }

    fn summary(&self) -> String {
        let unrecorded: u64 = self.count.unrecorded.values().sum();
        let besides = match unrecorded {
            0 => String::new(),
            more => format!(" Niet meegeteld: {more} binnengekomen overdrachten, certificaat niet vastgelegd."),
        };
        format!(
            "{} regels en {} overdrachten geraakt; betrokkenen: {}; organisaties: {}. Melden bij de AP voor {}.{besides}",
            self.count.entries,
            self.count.transfers,
            self.subjects(),
            self.count.partners.len(),
            words::moment(self.deadline())
        )
    }

    /// The draft, under the headings of the form of the Autoriteit Persoonsgegevens.
    fn page(&self) -> Page {
        let mut page = Page::new("Concept: melding datalek (AVG 33)");
        page.text(format!(
            "Concept uit het transferlog van {}, gemaakt op {}. Wat tussen [ ] staat, vult u zelf in: dat weet het log niet.",
            self.setting.organisation,
            words::moment(self.setting.now_ms)
        ));
        page.text(format!(
            "Ontdekt: {}. Melden binnen 72 uur, dus voor {}.",
            words::moment(self.discovered()),
            words::moment(self.deadline())
        ));
        if let Some(verified) = &self.setting.verified {
            page.text(format!("Controle van de export: {verified}"));
        }
        self.nature(&mut page);
        self.numbers(&mut page);
        self.recipients(&mut page);
        self.timeline(&mut page);
        page.heading("Contact");
        page.text("Functionaris gegevensbescherming: [naam, telefoon, e-mail]");
        page.heading("Waarschijnlijke gevolgen");
        page.text("[Wat kan dit betekenen voor de betrokkenen? Denk aan herkenning, veiligheid van een kind, schending van een beroepsgeheim.]");
        page.heading("Maatregelen");
        page.list(vec![
            "[Wat is gedaan om het lek te dichten: certificaat ingetrokken, sleutel vervangen, convenant opgezegd?]"
                .to_owned(),
            "[Wat is gedaan om gevolgen te beperken?]".to_owned(),
        ]);
        page.heading("Mededeling aan betrokkenen (AVG 34)");
        page.text("[Ja of nee, wanneer en hoe; bij nee: waarom er geen hoog risico is.]");
        page
    }

    fn nature(&self, page: &mut Page) {
        let command = self.command;
        page.heading("Aard van de inbreuk");
        page.text("[Wat is er gebeurd?]");
        let digest = |digest: Option<crate::crypto::Digest>| digest.map_or_else(String::new, |d| d.to_string());
        page.facts(
            "Onderzocht in het transferlog",
            vec![
                ("Vanaf", words::moment(command.since)),
                ("Tot", words::moment(command.until)),
                ("Certificaat", digest(command.certificate)),
                ("Sleutel", digest(command.key)),
                ("Organisatie", command.partner.map_or_else(String::new, |oin| format!("{} ({oin})", self.name(&oin)))),
            ],
        );
    }

    fn numbers(&self, page: &mut Page) {
        let count = &self.count;
        page.heading("Betrokkenen en gegevens, bij benadering");
        let partners = count.partners.values();
        let sum =
            |of: fn(&crate::service::breach::PartnerCount) -> u64| partners.clone().map(of).sum::<u64>().to_string();
        page.facts(
            "Aantallen",
            vec![
                ("Betrokkenen", self.subjects()),
                ("Overdrachten", count.transfers.to_string()),
                ("Cellen van cijfers", sum(|p| p.cells)),
                ("Rijen", sum(|p| p.rows)),
                ("Geweigerde vragen", sum(|p| p.refused)),
                ("Afloop onbekend", sum(|p| p.unknown)),
                ("Geweigerde verbindingen", count.refused_connections.to_string()),
                ("Logregels", count.entries.to_string()),
            ],
        );
        let rows = |names: &BTreeMap<String, u64>| {
            names.iter().map(|(name, n)| vec![name.clone(), n.to_string()]).collect::<Vec<_>>()
        };
        page.table(&["Soort gegevens", "Overdrachten"], rows(&count.categories));
        page.table(&["Veld", "Overdrachten"], rows(&count.fields));
        let purposes = count.purposes.iter().map(|(code, n)| vec![words::purpose(code), n.to_string()]);
        page.table(&["Doel", "Overdrachten"], purposes.collect());
    }

    fn recipients(&self, page: &mut Page) {
        page.heading("Organisaties");
        let row = |(oin, count): (&Oin, &crate::service::breach::PartnerCount)| {
            let numbers = [count.outgoing, count.incoming, count.refused, count.unknown];
            [vec![self.name(oin), oin.to_string()], numbers.map(|n| n.to_string()).to_vec()].concat()
        };
        let head = ["Naam", "OIN", "Naar toe", "Van", "Geweigerd", "Onbekend"];
        page.table(&head, self.count.partners.iter().map(row).collect());
        if !self.count.unrecorded.is_empty() {
            page.text(
                "Certificaat niet vastgelegd: van deze binnengekomen overdrachten in het tijdvak zegt het log niet met welk \
                 certificaat of welke sleutel de andere kant zich bekend maakte. Zij zijn hierboven niet meegeteld en kunnen \
                 geraakt zijn; beoordeel ze per organisatie.",
            );
            let row = |(oin, n): (&Oin, &u64)| vec![self.name(oin), oin.to_string(), n.to_string()];
            page.table(&["Naam", "OIN", "Binnengekomen"], self.count.unrecorded.iter().map(row).collect());
        }
    }

    fn timeline(&self, page: &mut Page) {
        page.heading("Tijdlijn");
        if let Some((from, to)) = self.count.span_ms {
            page.text(format!("Eerste regel {}, laatste regel {}.", words::moment(from), words::moment(to)));
        }
        let day = |day: u64| {
            i32::try_from(day).map_or_else(|_| day.to_string(), |day| crate::domain::day::Day(day).to_string())
        };
        let days = self.count.days.iter().map(|(at, n)| vec![day(*at), n.to_string()]);
        page.table(&["Dag (UTC)", "Regels"], days.collect());
        let gaps =
            self.count.gaps.iter().map(|gap| {
                format!("vanaf {}: {} uur zonder regels", words::moment(gap.from_ms), gap.length_ms / HOUR_MS)
            });
        if !self.count.gaps.is_empty() {
            page.text("Langste stiltes in het log in dit tijdvak (een stilte hoeft geen fout te zijn):");
            page.list(gaps.collect());
        }
        if let Some(steps) = self.count.clock_back.sentence() {
            page.text(steps);
        }
    }
}
