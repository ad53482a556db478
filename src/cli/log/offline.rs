//! Reading an export alone: verified first, and refused when it is not intact.

use std::collections::BTreeMap;
use std::path::Path;

use super::verify::read_trust;
use crate::domain::activity::ActivityBase;
use crate::domain::oin::Oin;
use crate::node::SystemClock;
use crate::node::command::Outcome;
use crate::node::log::command::StandardCommand;
use crate::node::log::officer::PageForm;
use crate::node::log::standards::{Numbered, Spoken, speak};
use crate::node::log::{evidence, register, show};
use crate::policy::bundle::ConvenantBundle;
use crate::policy::card::SignedCard;
use crate::service::confidential::Marks;
use crate::service::core::Clock;
use crate::service::receipts::prove_with;
use crate::service::register::register_of;
use crate::storage::log::{ExportDirectory, one_sided_of};
use crate::translog::checkpoint::oin_of;
use crate::translog::entry::TransferId;
use crate::translog::export::ATTACHMENTS;
use crate::translog::standards::Setting;
use crate::translog::verify::{Files, Report, verify};

/// What stands between the base and the rest of the identifier of an activity.
const ACTIVITIES: &str = "/verwerkingsactiviteiten/";

/// An export that is intact.
pub(super) struct Verified {
    export: ExportDirectory,
    report: Report,
    owner: Oin,
}

impl Verified {
    /// Verifies the export in a directory. What is not intact is not shown: the outcome then says what is wrong.
    pub(super) fn open(dir: &Path, trust: Option<&Path>) -> Result<Self, Outcome> {
        if !dir.is_dir() {
            return Err(Outcome::failed(format!("{}: geen map", dir.display())));
        }
        let trust = trust.map(|path| read_trust(path, dir)).transpose().map_err(Outcome::failed)?;
        let export = ExportDirectory::new(dir);
        let report = verify(&export, trust.as_ref());
        let owner = report.origin.as_deref().and_then(oin_of);
        match owner.filter(|_| report.is_intact()) {
            Some(owner) => Ok(Self { export, report, owner }),
            None => Err(Outcome::refused(format!(
                "deze export wordt niet getoond, want er is iets mee: {}",
                report.to_string().trim_end()
            ))),
        }
    }

    /// What the verification said, with what it could not say, in Dutch.
    pub(super) fn summary(&self) -> String {
        format!("Export: {}", self.report.summary())
    }

    /// Its entries, oldest first.
    pub(super) fn entries(&self) -> Result<impl Iterator<Item = Numbered> + use<>, String> {
        let entries = self.export.entries(0..self.report.size).map_err(|e| e.to_string())?;
        Ok(entries.map(|entry| entry.map_err(|e| e.to_string())))
    }

    /// One entry.
    pub(super) fn show(&self, number: u64, as_json: bool) -> Outcome {
        let read = self.export.entries(number..number.saturating_add(1)).map(|mut entries| entries.next());
        let found = read.and_then(|read| read.transpose()).map(|read| read.map(|(_, entry)| entry));
        show::log_entry(found.map_err(|e| e.to_string()), (number, self.report.size), as_json)
    }

    /// Transfers without a receipt of the other side, with their age now.
    pub(super) fn one_sided(&self, as_json: bool) -> Outcome {
        let read = self.entries().and_then(|entries| one_sided_of(entries.map(|entry| entry.map(|(_, entry)| entry))));
        read.map_or_else(Outcome::failed, |all| evidence::one_sided(&all, SystemClock.now_ms(), as_json))
    }

    /// Whether a file is the payload of a transfer, under a salt that came with it.
    pub(super) fn prove(&self, transfer: TransferId, salt: [u8; 16], payload: &Path, as_json: bool) -> Outcome {
        let payload = evidence::read_payload(payload);
        let proof = payload.and_then(|payload| prove_with(salt, &payload, transfer, self.entries()?));
        proof.map_or_else(Outcome::failed, |proof| evidence::proved(transfer, proof, as_json))
    }

    /// The log in the words of a standard, without employees: those are in the audit log of the node.
    pub(super) fn standard(&self, command: &StandardCommand) -> Outcome {
        let spoken = self.marks().and_then(|(setting, marks)| {
            Ok(Spoken { setting, marks, users: BTreeMap::new(), entries: self.entries()? })
        });
        spoken.map_or_else(Outcome::failed, |spoken| speak(spoken, command))
    }

    fn marks(&self) -> Result<(Setting, Marks), String> {
        let activities = self.activities()?;
        let mut marks = Marks::new(activities.clone());
        for entry in self.entries()? {
            let (number, entry) = entry?;
            marks.take(number, &entry);
        }
        Ok((Setting { ours: self.owner, activities, version: env!("CARGO_PKG_VERSION").to_owned() }, marks))
    }

    /// What stands before the identifiers of the organisation's activities, as its entries have it.
    fn activities(&self) -> Result<ActivityBase, String> {
        for entry in self.entries()? {
            let (_, entry) = entry?;
            let base = entry.activity_own.split_once(ACTIVITIES).and_then(|(base, _)| ActivityBase::parse(base));
            if let Some(base) = base {
                return Ok(base);
            }
        }
        Ok(ActivityBase::of_oin(self.owner))
    }

    /// The register of processing activities, from the convenants that came with the export.
    pub(super) fn register(&self, form: PageForm) -> Outcome {
        let base = match self.activities() {
            Ok(base) => base,
            Err(reason) => return Outcome::failed(reason),
        };
        let bundles: Vec<ConvenantBundle> =
            attachments(&self.export).iter().filter_map(|text| ConvenantBundle::parse(text).ok()).collect();
        let today = SystemClock.today();
        let convenants: Vec<_> = bundles.iter().map(|b| (b.clone(), b.state_among(&bundles, today))).collect();
        let name = names(&self.export).remove(&self.owner).unwrap_or_else(|| "naam onbekend".to_owned());
        let source = "de convenanten die bij de export zaten, met hun stand van vandaag";
        register::document(&register_of(&convenants, (self.owner, &base)), (&name, self.owner), source, form)
    }
}

/// The texts of the cards and convenants that came with an export.
fn attachments(export: &ExportDirectory) -> Vec<String> {
    let paths = export.list().unwrap_or_default();
    let read = |path: &String| export.read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    paths.iter().filter(|path| path.starts_with(ATTACHMENTS)).filter_map(read).collect()
}

/// Names of organisations from the cards and convenants in an export, marked as such: whoever made it chose them.
pub(super) fn names(export: &ExportDirectory) -> BTreeMap<Oin, String> {
    let mut names = BTreeMap::new();
    for text in attachments(export) {
        if let Ok(bundle) = ConvenantBundle::parse(&text) {
            let cards = bundle.convenant().parties.iter().map(|party| party.card.card());
            names.extend(cards.map(|card| (card.oin, card.name.clone())));
        } else if let Ok(card) = SignedCard::parse(&text) {
            names.insert(card.card().oin, card.card().name.clone());
        }
    }
    names.values_mut().for_each(|name| name.push_str(" (volgens de export)"));
    names
}
