//! Receipts of transfers under another convenant than the one that the reader trusts.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::super::{Report, Trust, verify};
use super::signing_keys;
use crate::crypto::{Digest, SigningKey, VerifyingKey, digest};
use crate::domain::oin::Oin;
use crate::policy::bundle::ConvenantBundle;
use crate::policy::fixture::{GATE, TOWN, day, draft, keys, oin, signed};
use crate::translog::checkpoint::{Checkpoint, origin};
use crate::translog::entry::{Direction, Entry, Outcome, Phase, TransferId};
use crate::translog::export::Exporter;
use crate::translog::merkle::{CompactTree, leaf_hash};
use crate::translog::receipt::Receipt;

const AT_MS: u64 = 1_780_000_000_000;

/// An export of the gate of one question to the town, under the convenant `under`, and the receipt of the town that it never
/// came, signed with `key`; the convenant `attached` came along.
fn export(attached: &ConvenantBundle, under: Digest, key: &SigningKey) -> BTreeMap<String, Vec<u8>> {
    let between = |entry: Entry| Entry { sender_oin: Some(oin(TOWN)), receiver_oin: Some(oin(GATE)), ..entry };
    let transfer = TransferId::new(AT_MS, [1; 10]);
    let asked = Entry {
        convenant_hash: Some(under),
        ..between(Entry::new(transfer, Direction::Incoming, Phase::Intent, AT_MS))
    };
    let of_town = Checkpoint { origin: origin(oin(TOWN)), size: 3, root: digest(b"root") };
    let of_town = of_town.sign(&keys(TOWN).checkpoint_key()).encode();
    let receipt = Receipt::nothing(oin(TOWN), oin(GATE), transfer, (AT_MS, &of_town)).sign(key).expect("signed");
    let ended = Entry {
        outcome: Some(Outcome::Unknown),
        peer_receipt_hash: Some(receipt.hash()),
        ..between(Entry::new(transfer, Direction::Incoming, Phase::Outcome, AT_MS))
    };
    let mut files = BTreeMap::new();
    let mut exporter = Exporter::new(|path: &str, bytes: &[u8]| {
        files.insert(path.to_owned(), bytes.to_vec());
        Ok::<(), Infallible>(())
    });
    let mut tree = CompactTree::default();
    for entry in [asked, ended] {
        let bytes = entry.encode().expect("a valid entry");
        exporter.entry(&bytes).expect("written");
        tree.append(leaf_hash(&bytes));
    }
    exporter.with_receipts();
    exporter.receipt(receipt.bytes()).expect("written");
    exporter.attach("convenant.json", attached.to_text().as_bytes()).expect("written");
    let own = keys(GATE).checkpoint_key();
    let checkpoint = Checkpoint { origin: origin(oin(GATE)), size: 2, root: tree.root() }.sign(&own);
    exporter.finish(&checkpoint, &own, AT_MS).expect("written");
    files
}

/// What a reader finds that trusts a convenant in which the town has this key.
fn found(files: &BTreeMap<String, Vec<u8>>, key: &SigningKey) -> Report {
    trusting(files, vec![(oin(TOWN), key.verifying_key())])
}

/// What a reader finds that trusts a convenant of these parties.
fn trusting(files: &BTreeMap<String, Vec<u8>>, parties: Vec<(Oin, VerifyingKey)>) -> Report {
    let key = keys(GATE).checkpoint_key().verifying_key();
    verify(files, Some(&Trust { key, oin: Some(oin(GATE)), earlier: None, quorum: None, parties }))
}

fn counted(report: &Report) -> Option<(bool, u64, u64)> {
    report.receipts.as_ref().map(|receipts| (report.is_intact(), receipts.count, receipts.elsewhere))
}

#[test]
fn a_transfer_under_another_convenant_is_checked_under_that_and_counted_apart() {
    let (newer, key, other) = (signed(draft()), keys(TOWN).signing_key(), keys(9).signing_key());
    let honest = export(&newer, newer.hash(), &key);
    let report = found(&honest, &other);
    assert_eq!(counted(&report), Some((true, 1, 1)), "{report}");
    assert!(report.to_string().contains("1 daarvan zijn van een ander, meegezonden convenant"), "{report}");
    let report = found(&honest, &key);
    assert_eq!(counted(&report), Some((true, 1, 0)), "{report}");
    assert!(!report.to_string().contains("meegezonden"), "{report}");
}

#[test]
fn another_convenant_excuses_only_what_it_is_about() {
    let (newer, key, other) = (signed(draft()), keys(TOWN).signing_key(), keys(9).signing_key());
    let of_anchor = export(&newer, digest(b"the trusted convenant"), &key);
    assert_eq!(counted(&found(&of_anchor, &other)), Some((false, 1, 0)), "the transfer is not under it");
    let forged = export(&newer, newer.hash(), &keys(GATE).signing_key());
    assert_eq!(counted(&found(&forged, &other)), Some((false, 1, 0)), "nor is this the key of the town there");
    let made_up = ConvenantBundle::propose(draft(), &oin(TOWN), &key, day("2026-01-05")).expect("sound");
    let alone = export(&made_up, made_up.hash(), &key);
    assert_eq!(counted(&found(&alone, &other)), Some((false, 1, 0)), "not all its parties signed it");
}

#[test]
fn a_late_receipt_may_bear_a_newer_key_that_the_others_vouch_for() {
    let (newer, key, other) = (signed(draft()), keys(TOWN).signing_key(), keys(9).signing_key());
    let late = export(&newer, digest(b"the trusted convenant"), &key);
    let party = |n: u8, key: &SigningKey| (oin(n), key.verifying_key());
    let before = || vec![party(TOWN, &other), party(GATE, &keys(GATE).signing_key())];
    let another =
        newer.convenant().parties.iter().map(|party| *party.oin()).find(|o| *o != oin(TOWN) && *o != oin(GATE));
    let signing = signing_keys(&newer).find(|(o, _)| Some(*o) == another).expect("a third party");
    let whole = [before(), vec![signing]].concat();
    assert_eq!(counted(&trusting(&late, whole)), Some((true, 1, 0)), "the third party signed the newer key");
    assert_eq!(counted(&trusting(&late, before())), Some((false, 1, 0)), "the owner alone vouches for nobody");
    let changed = [before(), vec![(signing.0, keys(8).signing_key().verifying_key())]].concat();
    assert_eq!(counted(&trusting(&late, changed)), Some((false, 1, 0)), "the third party's key is not the trusted one");
    let forged = export(&newer, digest(b"the trusted convenant"), &keys(9).signing_key());
    let whole = vec![party(TOWN, &keys(8).signing_key()), signing];
    assert_eq!(counted(&trusting(&forged, whole)), Some((false, 1, 0)), "nor is this the town's newer key");
}
