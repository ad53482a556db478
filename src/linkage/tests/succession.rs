//! The run document: one form, four signatures, quotas that follow from run to run.

use super::region::{Brings, document, oin, question};
use crate::crypto::{Secret32, SigningKey};
use crate::domain::oin::Oin;
use crate::linkage::document::{Elements, Run, RunDocument};
use crate::linkage::fault::Fault;
use crate::linkage::line::{NodeLine, Offered};

fn some() -> RunDocument {
    let nodes = vec![Brings { children: (0..70).collect(), ..Brings::default() }; 3];
    document(&nodes, &[question("A", 2024), question("B", 2024)]).0
}

#[test]
fn a_document_reads_back_in_its_one_form_only() {
    let document = some();
    let bytes = document.to_bytes();
    assert_eq!(RunDocument::from_bytes(&bytes), Ok(document.clone()));
    let spaced = [b" ", &bytes[..]].concat();
    assert_eq!(RunDocument::from_bytes(&spaced), Err(Fault::Document));
    let broken = |change: &dyn Fn(&mut RunDocument)| {
        let mut other = document.clone();
        change(&mut other);
        assert_eq!(RunDocument::from_bytes(&other.to_bytes()), Err(Fault::Document));
    };
    broken(&|d| d.blinders[1].oin = d.blinders[0].oin);
    broken(&|d| d.blinders[1].key = d.blinders[0].key.clone());
    broken(&|d| d.blinders[0].oin = oin(77));
    broken(&|d| d.gate.oin = d.monitor.oin);
    broken(&|d| d.monitor.oin = oin(3));
    broken(&|d| d.questions.reverse());
    broken(&|d| d.questions.clear());
    broken(&|d| d.tables.clear());
    broken(&|d| d.tables.push(d.tables[0].clone()));
    broken(&|d| d.nodes.reverse());
    broken(&|d| d.nodes[0].elements += 1);
    broken(&|d| d.nodes[0].elements = 0);
    broken(&|d| d.nodes[0].signature.truncate(4));
    broken(&|d| d.without = vec![oin(2)]);
    broken(&|d| d.without = vec![oin(9), oin(8)]);
    broken(&|d| d.run.push('0'));
    broken(&|d| d.version = 2);
    broken(&|d| std::mem::swap(&mut d.data_from, &mut d.horizon));
}

#[test]
fn every_field_is_in_the_hash_and_under_every_signature() {
    let document = some();
    let key = SigningKey::from_seed(&Secret32::random());
    let signature = document.sign(&key);
    let changes: [fn(&mut RunDocument); 22] = [
        |d| d.version += 1,
        |d| d.run = "00".repeat(16),
        |d| d.convenant.0[0] ^= 1,
        |d| d.epoch += 1,
        |d| d.number += 1,
        |d| d.previous = Some(d.convenant),
        |d| d.year += 1,
        |d| d.spent.push(Elements { oin: oin(1), elements: 64 }),
        |d| d.until += 1,
        |d| d.data_from = d.horizon,
        |d| d.horizon = d.data_from,
        |d| d.tables.clear(),
        |d| d.questions.truncate(1),
        |d| d.blinders.reverse(),
        |d| d.blinders[0].oin = oin(3),
        |d| d.monitor.oin = oin(99),
        |d| d.monitor.key = d.gate.key,
        |d| d.gate.oin = oin(99),
        |d| d.gate.key = d.monitor.key,
        |d| d.nodes[0].elements += 64,
        |d| d.nodes[0].signature = "11".repeat(64),
        |d| d.without.push(oin(77)),
    ];
    for signer in document.signers() {
        assert_eq!(document.is_signed_by(signer, &key.verifying_key(), &signature), Ok(()));
        for (at, change) in changes.iter().enumerate() {
            let mut other = document.clone();
            change(&mut other);
            assert_ne!(other.hash(), document.hash(), "change {at}");
            let refused = other.is_signed_by(signer, &key.verifying_key(), &signature).expect_err("another document");
            assert_eq!((refused.fault, refused.culprits), (Fault::Unsigned, vec![signer]), "change {at}");
        }
    }
}

#[test]
fn a_line_is_its_nodes_offer_to_one_run_and_no_other() {
    let (document, key) = (some(), SigningKey::from_seed(&Secret32::random()));
    let offered = Offered::of(&document);
    let signature = offered.sign(oin(3), 128, &key);
    let line = NodeLine::new(oin(3), 128, &signature);
    let public = key.verifying_key();
    assert!(line.is_signed(&offered, &public));
    assert!(!NodeLine::new(oin(3), 192, &signature).is_signed(&offered, &public), "more than it offered");
    assert!(!NodeLine::new(oin(2), 128, &signature).is_signed(&offered, &public), "another node");
    let run = "00".repeat(16);
    for other in [
        Offered { run: &run, ..offered },
        Offered { previous: Some(document.hash()), ..offered },
        Offered { convenant: document.hash(), ..offered },
    ] {
        assert!(!line.is_signed(&other, &public), "{other:?}");
    }
}

#[test]
fn a_blinder_key_that_is_no_point_or_the_identity_is_its_blinders_doing() {
    for key in ["00".repeat(32), "ff".repeat(32), "12".to_owned()] {
        let mut document = some();
        document.blinders[1].key = key;
        let refused = Run::new(document).expect_err("no key");
        assert_eq!((refused.fault, refused.culprits), (Fault::OtherKey, vec![oin(2)]));
    }
}

#[test]
fn what_a_run_may_use_is_what_earlier_runs_of_the_year_left_aborted_ones_too() {
    let first = some();
    assert_eq!(first.follows(None), Ok(()));
    let mut second = RunDocument { number: 1, previous: Some(first.hash()), spent: first.spent_after(), ..some() };
    assert_eq!(second.follows(Some(&first)), Ok(()));
    let quota = |of_third: u64| move |of: &Oin| if *of == oin(3) { of_third } else { 256 };
    assert_eq!(second.is_within(&quota(256)), Ok(()));
    let refused = second.is_within(&quota(255)).expect_err("over the quota");
    assert_eq!((refused.fault, refused.culprits), (Fault::OverQuota, vec![oin(3)]), "each has its own");

    // A node that sits a run out keeps what it used.
    second.nodes.remove(2);
    let third = RunDocument { number: 2, previous: Some(second.hash()), spent: second.spent_after(), ..some() };
    assert_eq!(third.follows(Some(&second)), Ok(()));
    assert_eq!((third.spent_by(&oin(1)), third.spent_by(&oin(3))), (256, 128));

    for forgetful in [
        RunDocument { spent: Vec::new(), ..third.clone() },
        RunDocument { previous: None, ..third.clone() },
        RunDocument { number: 3, ..third.clone() },
        RunDocument { previous: Some(first.hash()), ..third.clone() },
        RunDocument { spent: vec![Elements { oin: oin(1), elements: 64 }], ..third.clone() },
        RunDocument { year: 2025, ..third.clone() },
    ] {
        assert_eq!(forgetful.follows(Some(&second)), Err(Fault::Succession));
    }
    assert!(third.remembers(&first) && third.remembers(&second));
    assert!(!RunDocument { spent: second.spent.clone(), ..third.clone() }.remembers(&second));
    assert!(!RunDocument { year: 2025, ..third.clone() }.remembers(&first));
    let new_year = RunDocument { year: 2027, spent: Vec::new(), ..third };
    assert_eq!(new_year.follows(Some(&second)), Ok(()));
}
