//! The receipts of partners in an export: they stand in the order of the entries that name them, so that both are read once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::super::entry::{Entry, Phase};
use super::super::export::{ATTACHMENTS, RECEIPTS, WITHOUT_RECEIPTS};
use super::super::receipt::{Kind, SignedReceipt};
use super::super::tiles::{TILE_WIDTH, receipts_path, split_bundle};
use super::report::{ReceiptKeys, ReceiptsReport};
use super::{Files, Report, Trust};
use crate::crypto::{Digest, VerifyingKey, digest};
use crate::domain::oin::Oin;
use crate::policy::bundle::ConvenantBundle;

/// Signing keys of parties.
type SigningKeys = BTreeMap<Oin, Vec<VerifyingKey>>;

/// What is known of the transfer of an entry: the leaf hashes of our INTENTs, and the convenant that the last of them names.
pub(super) type Announcements<'a> = (&'a [Digest], Option<Digest>);

/// Bundles of receipts as they are read, with what is known of their signers.
pub(super) struct Receipts {
    /// Paths of the bundles that are still to be read; `None` in an export without receipts.
    bundles: Option<VecDeque<String>>,
    queue: VecDeque<Vec<u8>>,
    path: String,
    ours: Option<Oin>,
    keys: SigningKeys,
    /// With a trusted convenant: those that came with the export and that all their parties signed, by hash.
    attached: BTreeMap<Digest, SigningKeys>,
    counters: HashMap<(Oin, u64), Option<Digest>>,
    result: ReceiptsReport,
}

impl Receipts {
    /// Finds the bundles and the signing keys: of the trusted convenant, else of those that came with the export.
    pub(super) fn begin(
        export: &dyn Files,
        names: &BTreeSet<String>,
        trust: Option<&Trust>,
        ours: Option<Oin>,
        report: &mut Report,
    ) -> Self {
        let convenants = convenants(export, names);
        let mut keys = trust.map_or_else(SigningKeys::new, |trust| by_party(trust.parties.iter().copied()));
        let (mut source, mut attached) = (ReceiptKeys::Trusted, BTreeMap::new());
        if keys.is_empty() {
            source = ReceiptKeys::Attached;
            keys = by_party(convenants.iter().flat_map(signing_keys));
        } else {
            let whole = convenants.iter().filter(|bundle| bundle.missing().is_empty());
            attached.extend(whole.map(|bundle| (bundle.hash(), by_party(signing_keys(bundle)))));
        }
        if keys.is_empty() {
            source = ReceiptKeys::None;
        }
        let bundles = layout(names, report);
        let left_out = names.contains(WITHOUT_RECEIPTS);
        if left_out && export.read(WITHOUT_RECEIPTS).is_ok_and(|bytes| !bytes.is_empty()) {
            report.fault(WITHOUT_RECEIPTS, None, "dit bestand hoort leeg te zijn");
        }
        let result = ReceiptsReport { count: 0, missing: 0, left_out, keys: source, elsewhere: 0 };
        let (queue, path) = (VecDeque::new(), String::new());
        Self { bundles, queue, path, ours, keys, attached, counters: HashMap::new(), result }
    }

    /// Checks the receipt that an entry names.
    pub(super) fn entry(
        &mut self,
        export: &dyn Files,
        (number, entry): (u64, &Entry),
        announced: Announcements<'_>,
        report: &mut Report,
    ) {
        let Some(named) = entry.peer_receipt_hash.filter(|_| entry.names_receipt()) else { return };
        if self.bundles.is_none() {
            self.result.missing += 1;
            return;
        }
        let found = self.next(export, report).filter(|bytes| digest(bytes) == named);
        let Some(bytes) = found else {
            self.result.missing += 1;
            return report.fault(RECEIPTS, Some(number), "het ontvangstbewijs dat de regel noemt staat hier niet");
        };
        self.result.count += 1;
        let wrong = self.wrong(&bytes, entry, announced);
        if let Some(text) = wrong {
            report.fault(&self.path, Some(number), text);
        }
    }

    /// What is wrong with a receipt of the entry that names it.
    fn wrong(&mut self, bytes: &[u8], entry: &Entry, (announced, under): Announcements<'_>) -> Option<String> {
        let signed = match SignedReceipt::decode(bytes) {
            Ok(signed) => signed,
            Err(error) => return Some(error.to_string()),
        };
        let receipt = signed.receipt();
        let received = entry.phase == Phase::Received;
        let same = [
            (receipt.transfer == entry.transfer_id, "overdracht"),
            (Some(receipt.counterparty) == self.ours, "ontvanger"),
            (Some(receipt.signer) == entry.partner(), "ondertekenaar"),
            (receipt.entry == entry.peer_entry_hash, "logregel van de andere kant"),
            (receipt.peer_entry.is_none_or(|hash| announced.contains(&hash)), "logregel van deze kant"),
            (!received || receipt.kind == Kind::Answer, "soort"),
            (!received || receipt.query == entry.query_hash, "vraag"),
            (!received || receipt.commitment == entry.payload_commitment, "inhoud"),
            (!received || receipt.field_names == entry.field_names, "gegevens"),
            (!received || receipt.aggregate == entry.aggregate, "aantallen"),
        ];
        if let Some((_, what)) = same.iter().find(|(holds, _)| !holds) {
            return Some(format!("het ontvangstbewijs zegt iets anders dan de regel ({what})"));
        }
        if let Some(counter) = receipt.counter {
            let known = *self.counters.entry((receipt.signer, counter)).or_insert(receipt.entry);
            if known != receipt.entry {
                return Some(format!("{} gebruikte volgnummer {counter} voor twee logregels", receipt.signer));
            }
        }
        self.unsigned(&signed, under)
    }

    /// What is wrong with the signature. A late receipt may bear a newer key of its signer, in a convenant that the others
    /// vouch for. A transfer under another convenant than the trusted one is checked under that, as it came with the export,
    /// and counts apart.
    fn unsigned(&mut self, signed: &SignedReceipt, under: Option<Digest>) -> Option<String> {
        let signer = signed.receipt().signer;
        let holds = |keys: &SigningKeys| keys.get(&signer).into_iter().flatten().any(|key| signed.verify(key).is_ok());
        if self.result.keys == ReceiptKeys::None || holds(&self.keys) {
            return None;
        }
        if self.attached.values().any(|keys| holds(keys) && self.vouched(keys, signer)) {
            return None;
        }
        if under.and_then(|hash| self.attached.get(&hash)).is_some_and(holds) {
            self.result.elsewhere += 1;
            return None;
        }
        Some(match self.keys.contains_key(&signer) {
            true => format!("het ontvangstbewijs is niet ondertekend door {signer}"),
            false => format!("van {signer} is geen sleutel bekend"),
        })
    }

    /// Whether every other party of the trusted convenant signed these keys with one that is trusted; the owner of the export
    /// alone vouches for nobody.
    fn vouched(&self, keys: &SigningKeys, signer: Oin) -> bool {
        let others = || self.keys.iter().filter(|(oin, _)| **oin != signer);
        let signed = |(oin, trusted): (&Oin, &Vec<VerifyingKey>)| {
            keys.get(oin).is_some_and(|keys| keys.iter().any(|key| trusted.contains(key)))
        };
        others().any(|(oin, _)| Some(*oin) != self.ours) && others().all(signed)
    }

    fn next(&mut self, export: &dyn Files, report: &mut Report) -> Option<Vec<u8>> {
        while self.queue.is_empty() {
            self.path = self.bundles.as_mut()?.pop_front()?;
            let bytes = export.read(&self.path).unwrap_or_default();
            let items = split_bundle(&bytes).unwrap_or_else(|items| {
                report.fault(&self.path, None, "een ontvangstbewijs breekt af");
                items
            });
            let width = self.path.rsplit_once(".p/").map_or(Ok(usize::from(TILE_WIDTH)), |(_, width)| width.parse());
            if width != Ok(items.len()) {
                report.fault(&self.path, None, format!("{} ontvangstbewijzen in plaats van zijn naam", items.len()));
            }
            self.queue.extend(items.into_iter().map(<[u8]>::to_vec));
        }
        self.queue.pop_front()
    }

    /// What is left over belongs to no entry.
    pub(super) fn end(mut self, export: &dyn Files, report: &mut Report) {
        if self.next(export, report).is_some() {
            report.fault(&self.path, None, "een ontvangstbewijs dat geen regel noemt");
        }
        let missing = self.result.missing;
        match (&self.bundles, self.result.left_out) {
            (None, false) if missing > 0 => {
                let text = format!(
                    "{missing} regels noemen een ontvangstbewijs, en de export zegt niet dat hij er geen houdt"
                );
                report.fault(RECEIPTS, None, text);
            }
            (None, true) if missing == 0 => {
                report.fault(
                    WITHOUT_RECEIPTS,
                    None,
                    "geen enkele regel noemt een ontvangstbewijs dat weggelaten kan zijn",
                );
            }
            (None, true) if self.result.keys == ReceiptKeys::Trusted => {
                let text = format!("zonder de {missing} ontvangstbewijzen van partijen van het vertrouwde convenant");
                report.fault(WITHOUT_RECEIPTS, None, text);
            }
            _ => {}
        }
        if self.bundles.is_some() || missing > 0 {
            report.receipts = Some(self.result);
        }
    }
}

/// The convenants that came with the export.
fn convenants(export: &dyn Files, names: &BTreeSet<String>) -> Vec<ConvenantBundle> {
    let attached = names.iter().filter(|name| name.starts_with(ATTACHMENTS) && name.ends_with(".json"));
    let texts = attached.filter_map(|name| String::from_utf8(export.read(name).ok()?).ok());
    texts.filter_map(|text| ConvenantBundle::parse(&text).ok()).collect()
}

fn signing_keys(bundle: &ConvenantBundle) -> impl Iterator<Item = (Oin, VerifyingKey)> {
    bundle.convenant().parties.iter().map(|party| (*party.oin(), party.card.card().signing))
}

fn by_party(keys: impl Iterator<Item = (Oin, VerifyingKey)>) -> SigningKeys {
    let mut by_party = SigningKeys::new();
    keys.for_each(|(oin, key)| by_party.entry(oin).or_default().push(key));
    by_party
}

/// The bundles in order: full ones, then exactly one that is not full, of 0 to 255 receipts. None when there are no files, or
/// only the one that says so.
fn layout(names: &BTreeSet<String>, report: &mut Report) -> Option<VecDeque<String>> {
    let ours: BTreeSet<&String> = names.iter().filter(|name| name.starts_with(RECEIPTS)).collect();
    if ours.iter().all(|name| *name == WITHOUT_RECEIPTS) {
        return None;
    }
    let full = ours.iter().filter(|name| !name.contains(".p/")).count() as u64;
    let mut paths: VecDeque<String> = (0..full).map(|index| receipts_path(index, TILE_WIDTH)).collect();
    let last = (0..TILE_WIDTH).map(|width| receipts_path(full, width)).find(|path| ours.contains(path));
    paths.extend(last);
    if paths.len() as u64 == full {
        report.fault(RECEIPTS, None, "het laatste bestand met ontvangstbewijzen ontbreekt");
    }
    for name in ours.iter().filter(|name| !paths.contains(**name)) {
        report.fault(name, None, "onbekend bestand (hoort niet bij de ontvangstbewijzen)");
    }
    Some(paths)
}

#[cfg(test)]
mod tests;
