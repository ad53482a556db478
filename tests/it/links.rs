//! Linked runs over open nodes without a network: what the gate releases, what each log says, and who is named when something is not
//! of the run.

use std::collections::BTreeSet;
use std::time::Duration;

use ketenpoort::crypto::Tag;
use ketenpoort::domain::bsn::{BsnReading, read_bsn};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::domain::table::{Scope, Table};
use ketenpoort::linkage::document::{Elements, RunDocument};
use ketenpoort::linkage::passage::Passage;
use ketenpoort::monitor::links::{Failed, Linking};
use ketenpoort::monitor::pull::{Patience, pull};
use ketenpoort::service::links::messages::{LinkAsked, LinkStep};
use ketenpoort::translog::entry::{Entry, Phase};
use ketenpoort::translog::merkle::leaf_hash;
use ketenpoort::translog::reconcile::{Side, differences};

use crate::leak::bsns_in;
use crate::region::fixture;
use crate::sums::region::{LARGE, Region, Tamper, keys};

/// The last nine organisations: a municipality or two, Veilig Thuis, the Raad, the GI's and providers of care.
const PARTIES: std::ops::Range<usize> = 12..21;
const LINKED: &[IndicatorId] = &[IndicatorId::Ind05, IndicatorId::Ind09];
/// Few questions, so that a run has few void groups.
const FEW: &[IndicatorId] = &[IndicatorId::Ind09];

fn region() -> Region {
    Region::linked(&LARGE.1, PARTIES, LINKED)
}

fn make(region: &Region, years: &[i16]) -> Result<(), Failed> {
    make_without(region, years, &[])
}

fn make_without(region: &Region, years: &[i16], without: &[Oin]) -> Result<(), Failed> {
    let (core, convenant) = (region.core(region.monitor), region.convenant());
    let patience = Patience { pause: Duration::ZERO, ..Patience::default() };
    let linking = Linking { core: &core, peers: region, convenant: &convenant, gate: region.gate, without, patience };
    linking.make(&years.iter().copied().collect())
}

/// The linked tables of a year, as the monitor asks them of the gate.
fn tables(region: &Region, year: i16, linked: &[IndicatorId]) -> Result<Vec<Table>, ReasonCode> {
    let (core, convenant) = (region.core(region.monitor), region.convenant());
    let table =
        |indicator: &IndicatorId| TableQuery { indicator: *indicator, period: Period::year_of(year), by: Vec::new() };
    let question = Query::new(linked.iter().map(table).collect());
    let question = core.log_question(region.gate, &convenant, question).expect("logged");
    let patience = Patience { attempts: 1, pause: Duration::ZERO, ..Patience::default() };
    let mut pulled = pull(&core, region, &[question], patience);
    pulled.remove(0).result.map(|document| document.tables)
}

#[test]
fn a_run_releases_flow_between_organisations_and_every_log_tells_it() {
    let region = region();
    assert_eq!(tables(&region, 2024, LINKED).expect_err("not yet"), ReasonCode::LinkNotMade);
    // One run for both years, in which every answer is lost once.
    *region.lost.lock().expect("lock") = Some(BTreeSet::new());
    make(&region, &[2023, 2024]).expect("a run");
    let lost = region.lost.lock().expect("lock").take().expect("answers");
    for step in
        ["Join", "Sign", "Begin", "Blind", "Multiply", "FromP", "FromQ", "Rows", "Chunk", "Mix", "Tags", "Group"]
    {
        assert!(lost.iter().any(|(_, call)| call.starts_with(step)), "no answer to {step} was lost");
    }
    assert_eq!(tables(&region, 2023, LINKED).expect("released").len(), 2);
    let made = tables(&region, 2024, LINKED).expect("released");
    assert_eq!(made.len(), 2);
    assert!(made.iter().all(|table| table.scope == Scope::Regio && table.sources == region.towns), "{made:?}");
    let values: Vec<_> = made.iter().flat_map(|table| &table.rows).filter_map(|row| row.value).collect();
    assert!(values.len() > 3 && values.iter().all(|value| *value == 0 || *value >= 10), "{values:?}");
    assert_eq!(tables(&region, 2024, LINKED), Ok(made), "the same bytes each time");
    logs_tell_it(&region);
    logs_agree(&region);

    a_person_can_be_told(&region);

    let before = region.log(region.gate).len();
    make(&region, &[2023, 2024]).expect("nothing to do");
    assert_eq!(region.log(region.gate).len(), before, "nothing more is due");
}

/// A child of a node learns in which run it was counted; whom the node does not know was in none.
fn a_person_can_be_told(region: &Region) {
    let (last, node) = (PARTIES.end - 1, *region.towns.last().expect("towns"));
    let core = region.core(node);
    let subject = |bsn: &str| match read_bsn(bsn) {
        BsnReading::Subject { bsn, .. } => Some(bsn.local_pseudonym(&keys(node).local_key())),
        _ => None,
    };
    let bsns = bsns_in(&LARGE.1.dir.join(&LARGE.1.organisations[last].names[0]));
    let view = |subject: &Tag| core.person_view(subject, false).expect("logged").linked;
    let told =
        bsns.iter().filter_map(|bsn| subject(bsn)).take(20).map(|child| view(&child)).find(|runs| !runs.is_empty());
    let told = told.expect("a child of the run");
    let runs = core.linked_runs();
    assert_eq!((told.len(), runs.len()), (1, 1));
    assert_eq!(told[0].0.replace('-', ""), runs[0].1.run);
    assert!(view(&subject("999990019").expect("a number")).is_empty());
    // An erased child is told of no more, the others are; the lists stay as the log commits to them.
    let listed: Vec<Tag> =
        bsns.iter().filter_map(|bsn| subject(bsn)).filter(|child| !view(child).is_empty()).take(2).collect();
    let [erased, other] = listed[..] else { panic!("two children of the run") };
    core.erase_subject(&erased, "verzoek van de ouder").expect("erased");
    assert!(view(&erased).is_empty());
    assert_eq!(view(&other).len(), 1);
}

fn received(region: &Region, of: Oin, what: &str) -> usize {
    let entries = region.log(of);
    entries.iter().filter(|e| e.phase == Phase::Received && e.data_categories.iter().any(|c| c == what)).count()
}

fn logs_tell_it(region: &Region) {
    let announced = |of: Oin| -> BTreeSet<(Oin, String)> {
        let intents = region.log(of).into_iter().filter(|e| e.phase == Phase::Intent && e.service.contains("Links"));
        let to = |e: Entry| (e.receiver_oin.expect("a receiver"), e.data_categories[0].clone());
        intents.map(to).filter(|(_, what)| what != "afsluiting").collect()
    };
    for node in &region.towns {
        let said = announced(*node);
        assert_eq!(said.len(), 3, "{node}: to P, to Q and to the gate");
        assert!(said.contains(&(region.gate, "verzegelde rijen".to_owned())));
        let closed =
            region.log(*node).iter().filter(|e| e.service.contains("Links") && e.phase == Phase::Outcome).count();
        let traces: BTreeSet<_> =
            region.log(*node).iter().filter(|e| e.service.contains("Links")).map(|e| e.trace_id).collect();
        let carried = |e: &Entry| e.peer_certificate.is_some() || e.phase == Phase::Outcome;
        assert!(region.log(*node).iter().filter(|e| e.service.contains("Links")).all(carried), "{node}: by whom");
        assert!(traces.len() == 1 && !traces.contains(&None), "{node}: one trace for the run");
        assert_eq!(closed, 4, "{node}: the end of each, and that everything is gone");
    }
    let blinded: usize = region.towns.iter().map(|oin| received(region, *oin, "geblindeerde elementen")).sum();
    assert_eq!(blinded, 2 * region.towns.len(), "P and Q log what came of each node");
    assert_eq!(received(region, region.gate, "verzegelde rijen"), region.towns.len());
    assert_eq!(received(region, region.gate, "groepen van merken"), 1);
    assert_eq!(received(region, region.monitor, "gemengde verzegelde merken"), 1);
    assert_eq!(announced(region.gate), [(region.monitor, "gemengde verzegelde merken".to_owned())].into());
    assert_eq!(announced(region.monitor), [(region.gate, "groepen van merken".to_owned())].into());
}

/// Any two parties' logs say the same of the run, and a step that one of them leaves out is named.
fn logs_agree(region: &Region) {
    let parties: Vec<Oin> = region.convenant().convenant().parties.iter().map(|party| party.card.card().oin).collect();
    let side = |of: Oin, with: Oin, without: Option<usize>| {
        let linked = region.log(of).into_iter().filter(Entry::is_linked).enumerate();
        let mut side = Side::new(of, with);
        for (_, entry) in linked.filter(|(at, _)| Some(*at) != without) {
            side.add(leaf_hash(&entry.encode().expect("an entry")), entry);
        }
        side
    };
    for (at, one) in parties.iter().enumerate() {
        for other in &parties[at + 1..] {
            assert_eq!(differences(&side(*one, *other, None), &side(*other, *one, None)), [], "{one} {other}");
        }
        let linked: BTreeSet<_> = region.log(*one).iter().filter(|e| e.is_linked()).map(|e| e.transfer_id).collect();
        let open = region.core(*one).transfer_log().one_sided();
        assert!(open.iter().all(|transfer| !linked.contains(&transfer.transfer)), "{open:?}");
    }
    let (node, gate) = (region.towns[0], region.gate);
    let log: Vec<Entry> = region.log(gate).into_iter().filter(Entry::is_linked).collect();
    let rows = log.iter().position(|e| e.phase == Phase::Received && e.sender_oin == Some(node)).expect("rows");
    let found = differences(&side(node, gate, None), &side(gate, node, Some(rows)));
    assert!(matches!(found.as_slice(), [one] if one.text.contains("ontving het niet")), "{found:?}");
}

/// Whom a party names for what it refused.
fn blamed(region: &Region, of: Oin) -> Vec<Oin> {
    let denied = region.log(of).into_iter().filter(|e| e.phase == Phase::Deny && e.service.contains("Links"));
    denied.filter_map(|e| e.sender_oin.filter(|oin| *oin != of).or(e.receiver_oin)).collect()
}

/// A passage with one byte changed.
fn bent(mut passage: Passage) -> Passage {
    passage.bytes[0] ^= 1;
    passage
}

#[test]
fn what_is_changed_on_the_way_is_refused_logged_and_nothing_is_released() {
    let region = Region::linked(&fixture("clean"), PARTIES, FEW);
    type Bend = fn(LinkAsked) -> LinkAsked;
    let bends: [(&str, Bend, ReasonCode); 5] = [
        (
            "elements",
            |step| match step {
                LinkStep::Multiply(run, passage) => LinkStep::Multiply(run, bent(passage)),
                other => other,
            },
            ReasonCode::LinkDocument,
        ),
        (
            "an answer",
            |step| match step {
                LinkStep::FromP(run, answer) => LinkStep::FromP(run, bent(answer)),
                other => other,
            },
            ReasonCode::LinkDocument,
        ),
        (
            "rows",
            |step| match step {
                LinkStep::Chunk(run, passage) => LinkStep::Chunk(run, bent(passage)),
                other => other,
            },
            ReasonCode::LinkDocument,
        ),
        (
            "groups",
            |step| match step {
                // No groups at all: every void group is missing.
                LinkStep::Group(run, place, _) => LinkStep::Group(run, place, vec![0; 8]),
                other => other,
            },
            ReasonCode::LinkRefused,
        ),
        (
            "the document",
            |step| match step {
                LinkStep::Begin(mut signed) => {
                    signed.signatures[0][0] ^= 1;
                    LinkStep::Begin(signed)
                }
                other => other,
            },
            ReasonCode::LinkDocument,
        ),
    ];
    for (what, bend, reason) in bends {
        *region.tamper.lock().expect("lock") = Some(Box::new(move |_, step| bend(step)));
        let (at, why) = make(&region, &[2024]).expect_err(what);
        assert_eq!(why, reason, "{what}");
        let denied =
            region.log(at).iter().filter(|e| e.phase == Phase::Deny && e.reason_codes == [reason.code()]).count();
        assert!(denied > 0, "{what}: the log of {at} says it");
        // Whoever made it signed it: who carried it is named, and nobody else.
        let named: BTreeSet<Oin> = blamed(&region, at).into_iter().collect();
        assert!(named.is_subset(&[region.monitor].into()), "{what}: {named:?}");
        assert_eq!(tables(&region, 2024, FEW).expect_err("nothing"), ReasonCode::LinkNotMade, "{what}");
    }
    *region.tamper.lock().expect("lock") = None;
    // A node that is away is named, and may be left out: document and coverage say it. Not whole groups of them.
    let away = region.towns[3];
    region.down.lock().expect("lock").insert(away);
    assert_eq!(make(&region, &[2024]), Err((away, ReasonCode::PartnerUnreachable)));
    let third = [away, region.towns[4], region.towns[5]];
    let refused = make_without(&region, &[2024], &third).expect_err("a third of the region");
    assert_eq!(refused, (region.gate, ReasonCode::LinkDocument));
    make_without(&region, &[2024], &[away]).expect("a run");
    let made = tables(&region, 2024, FEW).expect("released");
    assert_eq!((made.len(), &made[0].coverage.missing[..]), (1, &[away][..]));
    assert!(!made[0].sources.contains(&away));
    assert!(received(&region, region.gate, "verzegelde rijen") >= region.towns.len() - 1);
    // Every run that was signed moved the rota on, also those that were broken off.
    let blinders = region.towns.iter().filter(|oin| received(&region, **oin, "geblindeerde elementen") > 0);
    assert!(blinders.count() >= 3, "other blinders each time");
}

/// Changes the document that P, Q and the gate are asked to sign.
fn redrawn(change: impl Fn(&mut RunDocument) + Send + 'static) -> Tamper {
    Box::new(move |_, step| match step {
        LinkStep::Sign(mut request) => {
            let mut document: RunDocument = serde_json::from_slice(&request.document).expect("a document");
            change(&mut document);
            request.document = document.to_bytes();
            LinkStep::Sign(request)
        }
        other => other,
    })
}

#[test]
fn nobody_signs_a_document_that_the_convenant_the_clock_or_the_chain_of_runs_does_not_allow() {
    type Change = fn(&mut RunDocument);
    let region = Region::linked(&fixture("clean"), PARTIES, FEW);
    let changes: [(&str, Change, ReasonCode); 15] = [
        ("another year", |d| d.year += 1, ReasonCode::LinkDocument),
        ("longer than a day", |d| d.until += 86_400_000, ReasonCode::LinkDocument),
        ("over already", |d| d.until -= 2 * 86_400_000, ReasonCode::LinkDocument),
        ("other blinders", |d| d.blinders.reverse(), ReasonCode::LinkDocument),
        ("another turn", |d| d.number += 1, ReasonCode::LinkDocument),
        (
            "a node left out",
            |d| {
                let _ = d.nodes.pop();
            },
            ReasonCode::LinkDocument,
        ),
        (
            "a question too many",
            |d| {
                let mut other = d.questions[0].clone();
                other.by.push(ketenpoort::domain::query::Dimension::Gemeente);
                d.questions.push(other);
                d.questions.sort();
            },
            ReasonCode::LinkDocument,
        ),
        (
            "a question too few",
            |d| {
                let _ = d.questions.pop();
            },
            ReasonCode::LinkDocument,
        ),
        (
            "a table that is not granted",
            |d| d.tables.last_mut().expect("tables").by.push(ketenpoort::domain::query::Dimension::Leeftijd),
            ReasonCode::DimensionNotAllowed,
        ),
        (
            "a table that is due left out",
            |d| {
                let left_out = d.tables.remove(0);
                d.questions.retain(|q| q.period != left_out.period);
            },
            ReasonCode::LinkDocument,
        ),
        ("more than a node offered", |d| d.nodes[0].elements += 64, ReasonCode::LinkDocument),
        ("nodes left out", |d| d.without = d.nodes.drain(..3).map(|node| node.oin).collect(), ReasonCode::LinkDocument),
        (
            "more than the quota",
            |d| d.spent.push(Elements { oin: d.nodes[0].oin, elements: u32::MAX - 64 }),
            ReasonCode::LinkQuota,
        ),
        ("another epoch", |d| d.epoch = 1, ReasonCode::LinkDocument),
        ("another key", |d| d.blinders[0].key = "00".repeat(32), ReasonCode::LinkDocument),
    ];
    for (what, change, reason) in changes {
        *region.tamper.lock().expect("lock") = Some(redrawn(change));
        let (_, why) = make(&region, &[2024]).expect_err(what);
        assert_eq!(why, reason, "{what}");
    }
    // P signs nothing that the gate has not signed: a hostile monitor cannot make it take another run for its newest.
    *region.tamper.lock().expect("lock") = Some(Box::new(|_, step| match step {
        LinkStep::Sign(mut request) => {
            request.by_gate = None;
            LinkStep::Sign(request)
        }
        other => other,
    }));
    let (p, why) = make(&region, &[2024]).expect_err("before the gate");
    assert_eq!((p == region.gate, why), (false, ReasonCode::LinkDocument));
    // What was signed counts: a run that forgets the one before it is refused by the gate.
    *region.tamper.lock().expect("lock") = None;
    make(&region, &[2024]).expect("a run");
    *region.tamper.lock().expect("lock") = Some(redrawn(|d| d.spent.clear()));
    assert_eq!(make(&region, &[2023]).expect_err("forgetful").1, ReasonCode::LinkDocument);
    *region.tamper.lock().expect("lock") = Some(redrawn(|d| d.previous = None));
    assert_eq!(make(&region, &[2023]).expect_err("no chain").1, ReasonCode::LinkDocument);
}
