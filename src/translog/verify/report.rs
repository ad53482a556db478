//! What a verification found, in Dutch for the reader and as data for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::super::clock::StepsBack;

/// The findings that are kept; more are only counted.
const MAX_FINDINGS: usize = 100;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Path of the file inside the export.
    pub file: String,
    /// Number of the entry, from 0, when it is about one.
    pub entry: Option<u64>,
    /// What is wrong, in Dutch.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "{}, regel {entry}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}

/// Whose signature stands under the export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Signer {
    /// The key that the caller trusts.
    #[serde(rename = "vertrouwd")]
    Trusted,
    /// The key that the export itself names; compare its fingerprint.
    #[default]
    #[serde(rename = "niet nagegaan")]
    NotChecked,
}

/// A transfer that was announced and has no outcome in this log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenTransfer {
    /// Number of the INTENT's entry.
    pub entry: u64,
    /// Its transfer id.
    pub transfer_id: String,
}

/// A witness that cosigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cosigner {
    /// Whose.
    pub oin: String,
    /// When, seconds since 1970; none when its key was not at hand and nothing was checked.
    pub time_s: Option<u64>,
}

/// What witnesses said of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CosignedReport {
    /// The entries that they saw.
    pub size: u64,
    /// Whether the cosignatures were checked under the keys of a trusted convenant.
    pub checked: bool,
    /// Who.
    pub witnesses: Vec<Cosigner>,
}

/// Under which keys receipts were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ReceiptKeys {
    /// Those of a trusted convenant.
    #[serde(rename = "vertrouwd convenant")]
    Trusted,
    /// Those of the convenants that came with the export.
    #[serde(rename = "meegezonden convenanten")]
    Attached,
    /// None were at hand: signatures were not checked.
    #[serde(rename = "niet nagegaan")]
    None,
}

/// What was found of the receipts of partners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptsReport {
    /// Receipts that are there.
    pub count: u64,
    /// Entries that name a receipt that is not there.
    pub missing: u64,
    /// Whether the export says that it was made without the receipts.
    pub left_out: bool,
    /// Under which keys they were checked.
    pub keys: ReceiptKeys,
    /// Receipts of which the signature holds only under another convenant than the trusted one, which the transfer names and
    /// which came with the export.
    pub elsewhere: u64,
}

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Name of the log, from the checkpoint.
    pub origin: Option<String>,
    /// Number of entries, from the checkpoint.
    pub size: u64,
    /// Root of the tree, from the checkpoint, as `sha256:` and hexadecimal text.
    pub root: Option<String>,
    /// Whose signature was checked.
    pub signer: Signer,
    /// Fingerprint of the key that was used.
    pub key_fingerprint: Option<String>,
    /// Earliest and latest start of an entry, milliseconds since 1970 UTC, as the entries say; not proven.
    pub times_ms: Option<(u64, u64)>,
    /// What the entries say of a clock that was set back.
    pub clock_back: StepsBack,
    /// Entries per phase.
    pub phases: BTreeMap<&'static str, u64>,
    /// Transfers without an outcome. Not a fault of the log: the outcome may still come.
    pub open_transfers: Vec<OpenTransfer>,
    /// What witnesses said of the log, when the export holds it.
    pub cosigned: Option<CosignedReport>,
    /// The receipts of partners, when the export holds them or an entry names one.
    pub receipts: Option<ReceiptsReport>,
    /// What is wrong, in the order of the checks; at most 100.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub further_findings: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn fault(&mut self, file: &str, entry: Option<u64>, text: impl Into<String>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { file: file.to_owned(), entry, text: text.into() });
        } else {
            self.further_findings += 1;
        }
    }

    /// What witnesses vouch for, in one Dutch sentence.
    fn witnesses(&self) -> String {
        let Some(cosigned) = &self.cosigned else {
            return "Let op: zonder medeondertekening van getuigen; een ander gezicht van dit log is hiermee niet uit te sluiten."
                .to_owned();
        };
        let (size, rest) = (cosigned.size, self.size.saturating_sub(cosigned.size));
        let who: Vec<&str> = cosigned.witnesses.iter().map(|witness| witness.oin.as_str()).collect();
        let checked = if cosigned.checked { "" } else { " (niet nagegaan: geef met --trust het convenant)" };
        let young =
            if rest == 0 { String::new() } else { format!(" De laatste {rest} regels zijn nog niet medeondertekend.") };
        format!("De eerste {size} regels zijn medeondertekend door {}{checked}.{young}", who.join(", "))
    }

    /// What partners vouch for, in one Dutch sentence.
    fn receipts(receipts: &ReceiptsReport) -> String {
        let keys = match receipts.keys {
            ReceiptKeys::Trusted => "onder de sleutels van het vertrouwde convenant",
            ReceiptKeys::Attached => {
                "onder de sleutels van de meegezonden convenanten (geef met --trust het convenant)"
            }
            ReceiptKeys::None => "waarvan de ondertekenaar niet is nagegaan (geef met --trust het convenant)",
        };
        let elsewhere = match receipts.elsewhere {
            0 => String::new(),
            n => format!(
                " Let op: {n} daarvan zijn van een ander, meegezonden convenant en niet onder het anker nagegaan (geef met --trust dat convenant)."
            ),
        };
        let missing = match receipts.missing {
            0 => String::new(),
            n if receipts.left_out => {
                return format!("Let op: de export is zonder ontvangstbewijzen gemaakt; {n} regels noemen er een.");
            }
            n => format!(" Let op: {n} regels noemen een ontvangstbewijs dat hier niet bij zit."),
        };
        format!("{} ontvangstbewijzen van partners, {keys}.{elsewhere}{missing}", receipts.count)
    }

    /// What witnesses and partners vouch for and what is strange without being a fault, in Dutch sentences.
    #[must_use]
    pub fn caveats(&self) -> Vec<String> {
        let mut said: Vec<String> = self.origin.iter().map(|_| self.witnesses()).collect();
        said.extend(self.receipts.as_ref().map(Self::receipts));
        said.extend(self.clock_back.sentence());
        if let [first, ..] = self.open_transfers.as_slice() {
            let count = self.open_transfers.len();
            said.push(format!("Let op: {count} overdracht(en) zonder afloop, de eerste is regel {}.", first.entry));
        }
        said
    }

    /// The conclusion with everything that stands beside it.
    #[must_use]
    pub fn summary(&self) -> String {
        [vec![self.conclusion()], self.caveats()].concat().join(" ")
    }

    /// The result in one Dutch sentence.
    #[must_use]
    pub fn conclusion(&self) -> String {
        let key = self.key_fingerprint.as_deref().unwrap_or("onbekend");
        match (self.is_intact(), self.signer) {
            (true, Signer::Trusted) => format!("Ongeschonden, ondertekend door de vertrouwde sleutel ({key})."),
            (true, Signer::NotChecked) => {
                format!("Ongeschonden, ondertekenaar niet nagegaan: vergelijk de vingerafdruk {key}.")
            }
            (false, _) => {
                let count = self.findings.len() as u64 + self.further_findings;
                format!("NIET ongeschonden: {count} bevinding{}.", if count == 1 { "" } else { "en" })
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.conclusion())?;
        if let Some(origin) = &self.origin {
            writeln!(f, "Log {origin}, {} regels, wortel {}.", self.size, self.root.as_deref().unwrap_or("onbekend"))?;
        }
        for finding in &self.findings {
            writeln!(f, "- {finding}")?;
        }
        if self.further_findings > 0 {
            writeln!(f, "- en nog {} bevindingen", self.further_findings)?;
        }
        self.caveats().iter().try_for_each(|said| writeln!(f, "{said}"))
    }
}
