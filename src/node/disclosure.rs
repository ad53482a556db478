//! `disclosure check` and `disclosure export` on a node, and the check of a witness without one.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Node;
use super::command::Outcome;
use super::show::pretty;
use crate::crypto::Digest;
use crate::disclosure::certificate::{Checked, Flaw, Witness, certificate_of, check, printed_as, printed_before};
use crate::domain::fault::said;
use crate::domain::query::TableQuery;
use crate::domain::table::Table;
use crate::indicator::relations::VERSION;
use crate::policy::bundle::ConvenantBundle;
use crate::service::disclosure::{Rechecked, as_agreed};

/// A command about what was released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum DisclosureLocal {
    /// Check released tables again.
    Check {
        /// Only these: `IND-01`, `IND-01/2024-Q1` or `IND-01/2024-Q1/gemeente,maatregel`; none for all.
        table: Option<String>,
        /// As JSON.
        json: bool,
    },
    /// Write a witness for a statistician.
    Export {
        /// Of which release.
        certificate: Digest,
        /// Directory, absolute; is made, or empty.
        out: PathBuf,
    },
}

/// Said whenever a witness leaves its seal.
const WARNING: &str = "LET OP: bewijs.txt bevat onafgeronde aantallen, ook van groepen die te klein zijn om te publiceren. \
                       Geef het alleen onder geheimhouding aan wie de vrijgave controleert, publiceer het nooit, en \
                       vernietig het na de controle. Deze uitvoer staat in het auditlog.";

/// Said of every check without a node: a witness that leaves out a relation would prove less than it says.
const NOT_COMPARED: &str = "Let op: relaties niet vergeleken met de definities, en regels niet met het convenant; dat doet `--convenant BESTAND`, \
                            of `disclosure check --node`";
const OTHER_DEFINITIONS: &str = "Let op: relaties niet vergeleken, want deze versie rekent met andere definities";

impl Node {
    /// Runs a command about what was released.
    pub(super) fn disclosure(&self, command: &DisclosureLocal) -> Outcome {
        match command {
            DisclosureLocal::Check { table, json } => {
                let wanted = |query: &TableQuery| table.as_deref().is_none_or(|name| is_named(query, name));
                match self.core.recheck(&wanted) {
                    Ok(lines) => show(&lines, *json),
                    Err(e) => Outcome::failed(e.to_string()),
                }
            }
            DisclosureLocal::Export { certificate, out } => match self.core.handover(*certificate) {
                Ok(Some(found)) => match write(out, &found.witness, &found.tables) {
                    Ok(()) => Outcome {
                        exit: 0,
                        stdout: format!("bewijs.txt en vrijgave.json geschreven in {}", out.display()),
                        stderr: WARNING.to_owned(),
                    },
                    Err(reason) => Outcome::failed(reason),
                },
                Ok(None) => Outcome::refused("deze node heeft geen vrijgave met dit certificaat"),
                Err(e) => Outcome::failed(e.to_string()),
            },
        }
    }
}

fn is_named(query: &TableQuery, name: &str) -> bool {
    let by: Vec<&str> = query.by.iter().map(|d| d.as_str()).collect();
    let whole = format!("{}/{}/{}", query.indicator, query.period, by.join(","));
    whole == name || whole.starts_with(&format!("{name}/")) && name.split('/').count() < 3
}

fn write(out: &Path, witness: &[u8], tables: &[Table]) -> Result<(), String> {
    let fault = |e: &std::io::Error| format!("{}: {}", out.display(), said(e));
    fs::create_dir_all(out).map_err(|e| fault(&e))?;
    if fs::read_dir(out).map_err(|e| fault(&e))?.next().is_some() {
        return Err(format!("{}: de map is niet leeg", out.display()));
    }
    let report = pretty(&json!({ "tables": tables })).into_bytes();
    for (name, bytes) in [("bewijs.txt", witness), ("vrijgave.json", &report)] {
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out.join(name));
        file.and_then(|mut file| file.write_all(bytes)).map_err(|e| fault(&e))?;
    }
    Ok(())
}

fn show(lines: &[Rechecked], as_json: bool) -> Outcome {
    let failed = lines.iter().any(|line| line.result.is_err());
    let text = if as_json {
        pretty(&lines.iter().map(line_json).collect::<Vec<_>>())
    } else if lines.is_empty() {
        "er is niets vrijgegeven dat zo heet".to_owned()
    } else {
        lines.iter().map(line_text).collect::<Vec<_>>().join("\n")
    };
    Outcome { exit: u8::from(failed), stdout: text, stderr: String::new() }
}

fn names(tables: &[TableQuery]) -> Vec<String> {
    tables.iter().map(crate::disclosure::ledger::name).collect()
}

fn line_json(line: &Rechecked) -> serde_json::Value {
    json!({
        "certificaat": line.certificate,
        "tabellen": names(&line.tables),
        "in_orde": line.certificate.is_some() && line.result.is_ok(),
        "met_definities_vergeleken": line.compared.is_some(), "versie_definities": line.compared,
        "gecontroleerd": line.result.as_ref().ok().filter(|_| line.certificate.is_some()).map(checked_json),
        "fout": line.result.as_ref().err().map(ToString::to_string),
    })
}

fn checked_json(checked: &Checked) -> serde_json::Value {
    json!({
        "cellen": checked.cells, "relaties": checked.relations, "getallen": checked.numbers,
        "te_klein": checked.sensitive, "werelden": checked.worlds,
    })
}

fn line_text(line: &Rechecked) -> String {
    let count = line.tables.len();
    let Some(certificate) = line.certificate else {
        if let Err(flaw) = &line.result {
            return format!("zonder certificaat: {count} tabellen: FOUT: {flaw}");
        }
        return format!(
            "zonder certificaat: {count} tabellen, vrijgegeven voor er certificaten waren; niet te controleren"
        );
    };
    let head = format!("{certificate}: {count} tabellen");
    match &line.result {
        Ok(checked) => {
            let besides = line.compared.map_or_else(
                || "; relaties niet vergeleken, want de definities zijn nieuwer".to_owned(),
                |version| older(version, "; "),
            );
            format!("{head}, {}: in orde{besides}", checked_text(checked))
        }
        Err(flaw) => format!("{head}: FOUT: {flaw}"),
    }
}

/// What to say of a release from before the latest change of the definitions; nothing of any other.
fn older(version: u32, before: &str) -> String {
    if version == VERSION {
        return String::new();
    }
    format!("{before}gemaakt onder versie {version} van de definities (nu {VERSION}), en daarmee vergeleken")
}

fn checked_text(c: &Checked) -> String {
    let Checked { cells, relations, numbers, sensitive, worlds } = c;
    format!(
        "{cells} cellen ({numbers} getallen), {relations} relaties, {sensitive} te klein, {worlds} mogelijke werelden"
    )
}

/// What a witness is compared with when there is no node.
#[derive(Clone, Copy, Default)]
pub struct Besides<'a> {
    /// The certificate that it must have.
    pub certificate: Option<Digest>,
    /// JSON of a report or an export with released tables.
    pub report: Option<&'a str>,
    /// The file of the convenant.
    pub convenant: Option<&'a str>,
}

/// What a check without a node found.
struct Found {
    checked: Checked,
    /// Tables of the report that bear the certificate.
    tables: usize,
    /// With which version of the definitions relations were compared, and rules with the convenant; none when they were not.
    compared: Option<u32>,
}

/// Checks a witness without a node: the proof, its hash, the tables of a report that bear it, and rules and relations when
/// the convenant is at hand.
#[must_use]
pub fn check_file(witness: &[u8], besides: Besides<'_>, as_json: bool) -> Outcome {
    let certificate = certificate_of(witness);
    let found = compared(witness, &certificate, besides);
    let text = match &found {
        Ok(found) if as_json => pretty(&json!({
            "certificaat": certificate, "in_orde": true, "tabellen": found.tables,
            "gecontroleerd": checked_json(&found.checked), "met_definities_vergeleken": found.compared.is_some(),
            "versie_definities": found.compared, "fout": null,
        })),
        Ok(Found { checked, tables, compared }) => {
            let besides = match (compared, besides.convenant) {
                (Some(version), _) => older(*version, "\nLet op: "),
                (None, None) => format!("\n{NOT_COMPARED}"),
                (None, Some(_)) => format!("\n{OTHER_DEFINITIONS}"),
            };
            format!("{certificate}: {}, {tables} tabellen vergeleken: in orde{besides}", checked_text(checked))
        }
        Err(flaw) if as_json => pretty(&json!({
            "certificaat": certificate, "in_orde": false, "tabellen": 0, "gecontroleerd": null, "fout": flaw.to_string(),
        })),
        Err(flaw) => format!("{certificate}: FOUT: {flaw}"),
    };
    Outcome { exit: u8::from(found.is_err()), stdout: text, stderr: String::new() }
}

fn compared(witness: &[u8], certificate: &str, besides: Besides<'_>) -> Result<Found, Flaw> {
    if besides.certificate.is_some_and(|expected| expected.to_string() != certificate) {
        return Err(Flaw("het bewijsbestand heeft een ander certificaat".into()));
    }
    let witness = Witness::from_bytes(witness)?;
    let checked = check(&witness)?;
    let agreed = |text: &str| {
        let bundle = ConvenantBundle::parse(text).map_err(|e| Flaw(e.to_string()))?;
        as_agreed(&witness, &bundle)
    };
    let compared = besides.convenant.map_or(Ok(None), agreed)?;
    let tables = besides.report.map_or(Ok(0), |report| in_report(&witness, certificate, report))?;
    Ok(Found { checked, tables, compared })
}

/// Compares a witness with the tables of a report: those that bear its certificate, and those that were released before.
fn in_report(witness: &Witness, certificate: &str, report: &str) -> Result<usize, Flaw> {
    #[derive(Deserialize)]
    struct Report {
        tables: Vec<Table>,
    }
    let report: Report =
        serde_json::from_str(report).map_err(|e| Flaw(format!("het rapport is geen rapport met tabellen: {e}")))?;
    let ours: Vec<&Table> = report.tables.iter().filter(|t| t.certificate.as_deref() == Some(certificate)).collect();
    if ours.is_empty() {
        return Err(Flaw("geen tabel van het rapport draagt dit certificaat".into()));
    }
    for table in &ours {
        printed_as(witness, table)?;
    }
    let same_source = |t: &&Table| matches!(t.sources.as_slice(), [oin] if oin.as_str() == witness.organisation);
    for table in report.tables.iter().filter(same_source) {
        printed_before(witness, table)?;
    }
    Ok(ours.len())
}
