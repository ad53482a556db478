//! Evidence of one transfer for somebody who has neither node nor network: our entries as they are in the tree, their proofs, a
//! signed checkpoint with its cosignatures, and the receipts of the other side. What it says is checked by the page
//! `controle.html`, which shares no code with this program (docs/formats/evidence.md).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::core::Core;
use super::entries;
use crate::crypto::{Digest, digest, hex};
use crate::domain::oin::Oin;
use crate::storage::log::{Filter, LogError, MOST_OF_TRANSFER};
use crate::translog::checkpoint::Checkpoint;
use crate::translog::cosignature::witness_name;
use crate::translog::entry::{Entry, TransferId};
use crate::translog::note::Note;
use crate::translog::receipt::{SignedReceipt, key_name};

/// Receipts that are looked at around the place where one should be, and in all when there are no more.
const NEAR: u64 = 4096;
const ALL: u64 = 100_000;

/// Evidence of one transfer.
#[derive(Clone, Debug, Serialize)]
pub struct Evidence {
    /// `ketenpoort-bewijs/1`.
    pub form: &'static str,
    /// The transfer.
    pub transfer: String,
    /// The organisation whose log it is, with its key for checkpoints.
    pub log: Party,
    /// A signed note.
    pub checkpoint: String,
    /// Those who may cosign it.
    pub witnesses: Vec<Party>,
    /// How many of them must, by the convenant that asks most; 0 when nobody can.
    pub quorum: usize,
    /// The entries, oldest first.
    pub entries: Vec<ProvenEntry>,
    /// Receipts of the other side that our entries name.
    pub receipts: Vec<ShownReceipt>,
}

/// An organisation with the key under which it signs something.
#[derive(Clone, Debug, Serialize)]
pub struct Party {
    /// Number.
    pub oin: Oin,
    /// Name, as the convenant has it.
    pub name: String,
    /// Name of the key in notes.
    pub key_name: String,
    /// Ed25519, 64 hexadecimal digits.
    pub key: String,
}

/// An entry with its place in the tree.
#[derive(Clone, Debug, Serialize)]
pub struct ProvenEntry {
    /// Leaf number.
    pub number: u64,
    /// Its bytes, base64.
    pub bytes: String,
    /// Inclusion proof in the tree of the checkpoint (RFC 9162), from the leaf upwards, hexadecimal.
    pub path: Vec<String>,
}

/// A receipt with who signed it.
#[derive(Clone, Debug, Serialize)]
pub struct ShownReceipt {
    /// Who.
    pub signer: Party,
    /// The signed note.
    pub note: String,
}

impl Core {
    /// The names of all parties of all convenants that the node knows, and our own.
    #[must_use]
    pub fn party_names(&self) -> BTreeMap<Oin, String> {
        let mut names: BTreeMap<Oin, String> = BTreeMap::new();
        for (bundle, _) in self.convenants() {
            let parties = bundle.convenant().parties.iter().map(|party| party.card.card());
            names.extend(parties.map(|card| (card.oin, card.name.clone())));
        }
        names.insert(self.identity.oin, self.identity.name.clone());
        names
    }

    /// The entries of a transfer, and those that refer to it, oldest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn transfer_entries(&self, transfer: TransferId) -> Result<Vec<(u64, Entry)>, LogError> {
        let filter = Filter { transfer: Some(transfer), ..Filter::default() };
        let mut found = self.log_entries(&filter, (None, MOST_OF_TRANSFER))?;
        found.sort_by_key(|(number, _)| *number);
        Ok(found)
    }

    /// The evidence of a transfer; `None` when the log does not have it.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn evidence(&self, transfer: TransferId) -> Result<Option<Evidence>, LogError> {
        let found = self.transfer_entries(transfer)?;
        let Some(last) = found.iter().map(|(number, _)| *number).max() else { return Ok(None) };
        let (checkpoint, size) = self.note_over(last + 1)?;
        let mut proven = Vec::new();
        for (number, _) in &found {
            let raw = self.log.raw_entries(*number..*number + 1).next().transpose()?;
            let path = self.desk.proofs.inclusion(&self.log, *number, size)?;
            if let (Some((_, bytes)), Some(path)) = (raw, path) {
                let path = path.iter().map(|hash| hash.to_hex()).collect();
                proven.push(ProvenEntry { number: *number, bytes: STANDARD.encode(bytes), path });
            }
        }
        let names = self.party_names();
        let named = |oin: Oin| names.get(&oin).cloned().unwrap_or_default();
        let quorums = self.quorums();
        let cosigners: BTreeMap<Oin, Party> = quorums
            .iter()
            .flat_map(|quorum| &quorum.witnesses)
            .map(|(oin, key)| {
                (*oin, Party { oin: *oin, name: named(*oin), key_name: witness_name(*oin), key: hex(&key.0) })
            })
            .collect();
        let ours = self.identity.oin;
        let (key_name, key) = (self.log.origin().to_owned(), hex(&self.log.verifying_key().0));
        Ok(Some(Evidence {
            form: "ketenpoort-bewijs/1",
            transfer: transfer.to_string(),
            log: Party { oin: ours, name: named(ours), key_name, key },
            checkpoint,
            witnesses: cosigners.into_values().collect(),
            quorum: quorums.iter().map(|quorum| quorum.needed).max().unwrap_or(0),
            entries: proven,
            receipts: self.receipts_named(&found)?,
        }))
    }

    /// A signed checkpoint over at least `least` entries: the cosigned one when it reaches so far, else the newest.
    fn note_over(&self, least: u64) -> Result<(String, u64), LogError> {
        let size = |note: &str| {
            let note = Note::decode(note.as_bytes()).ok()?;
            Checkpoint::from_note(&note).ok().map(|checkpoint| checkpoint.size)
        };
        if let Some(cosigned) = self.cosigned_note()
            && let Some(reached) = size(&cosigned).filter(|reached| *reached >= least)
        {
            return Ok((cosigned, reached));
        }
        let signed = self.log.checkpoint()?;
        let newest = self.log.last_checkpoint();
        let reached = size(&newest).unwrap_or(signed.size);
        Ok((newest, reached))
    }

    /// The receipts of partners that these entries name, with the key of the card under which each verifies.
    fn receipts_named(&self, entries: &[(u64, Entry)]) -> Result<Vec<ShownReceipt>, LogError> {
        let mut seen = BTreeSet::new();
        let mut shown = Vec::new();
        for (_, entry) in entries.iter().filter(|(_, entry)| entry.names_receipt()) {
            let Some(hash) = entry.peer_receipt_hash.filter(|hash| seen.insert(*hash)) else { continue };
            let Some(signed) = self.receipt_named(hash, entry.start_ms)? else { continue };
            let signer = signed.receipt().signer;
            let bundles = self.convenants();
            let cards = bundles.iter().filter_map(|(bundle, _)| bundle.convenant().party(&signer));
            let mut cards = cards.map(|party| party.card.card());
            let Some(card) = cards.find(|card| signed.verify(&card.signing).is_ok()) else { continue };
            let (name, key) = (card.name.clone(), hex(&card.signing.0));
            let signer = Party { oin: signer, name, key_name: key_name(signer), key };
            shown.push(ShownReceipt { signer, note: String::from_utf8_lossy(signed.bytes()).into_owned() });
        }
        Ok(shown)
    }

    /// The receipt with this hash. They are kept about in the order of their times, so it is looked for around its own.
    fn receipt_named(&self, hash: Digest, near_ms: u64) -> Result<Option<SignedReceipt>, LogError> {
        let journal = self.receipt_journal();
        let time = |number: u64| -> Result<u64, LogError> {
            let Some(record) = journal.iter_from(number).next() else { return Ok(u64::MAX) };
            let (_, bytes) = record?;
            Ok(SignedReceipt::decode(&bytes).map_or(0, |signed| signed.receipt().time_ms))
        };
        let (mut low, mut high) = (0, journal.len());
        while low < high {
            let middle = low.midpoint(high);
            if time(middle)? < near_ms { low = middle + 1 } else { high = middle }
        }
        let (from, most) = if journal.len() <= ALL { (0, ALL) } else { (low.saturating_sub(NEAR), 2 * NEAR) };
        for record in journal.iter_from(from).take(usize::try_from(most).unwrap_or(usize::MAX)) {
            let (_, bytes) = record?;
            if digest(&bytes) == hash {
                return Ok(SignedReceipt::decode(&bytes).ok());
            }
        }
        Ok(None)
    }
}

/// What a service is called in the log, in Dutch, by the name in its entries.
#[must_use]
pub fn service_name(service: &str) -> Option<&'static str> {
    SERVICES.iter().find(|(name, _)| *name == service).map(|(_, told)| *told)
}

/// The services that stand in the log, with what people call them.
pub const SERVICES: &[(&str, &str)] = &[
    (entries::AGGREGATE, "Cijfers voor de regio"),
    (entries::SUMS, "Regionale som"),
    (entries::LINKS, "Geblindeerde koppeling"),
    (entries::WITNESS, "Getuigenis over een log"),
    (entries::OWN_VIEW, "Eigen cijfers"),
    (super::person::OVERVIEW, "Overzicht voor een betrokkene"),
    (super::search::SEARCH, "Zoeken op een persoon"),
];
