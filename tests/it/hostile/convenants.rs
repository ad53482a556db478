//! What a partner gets as convenants come, change and go at a node that keeps running.

use ketenpoort::domain::reason::ReasonCode;
use tonic::Code;

use super::asker::{AGGREGATE, Got};
use super::siege::{NODE, Siege, identity};
use crate::raw_tls::{gets_nothing, raw};
use crate::three::Three;

#[test]
fn without_a_convenant_in_force_nobody_is_let_in_and_the_log_says_why() {
    let mut three = Three::new();
    three.certify();
    three.serve(&[NODE]);
    let mut siege = Siege::of(three);
    knock(&mut siege, ReasonCode::NoConvenant);
    siege.three.propose("later", "2044-01-01", |draft| draft);
    knock(&mut siege, ReasonCode::ConvenantIncomplete);
    for key in ["b", "m", NODE] {
        siege.three.accept("later", key);
    }
    knock(&mut siege, ReasonCode::ConvenantNotValid);

    // A first convenant knows Almelo under `overig`.
    siege.three.propose("proef", "2020-01-01", |draft| draft.replacen("\"0141\", ", "", 1));
    for key in ["b", "m", NODE] {
        siege.three.accept("proef", key);
    }
    siege.three.deliver();
    let first = siege.answered();
    other_terms(&mut siege);
    let last = siege.answered();

    for id in ["proef", "anders"] {
        let (bundle, out) = (siege.three.path(&format!("{id}.json")), siege.three.path(&format!("{id}-weg.json")));
        siege.three.node(&["convenant", "withdraw", &bundle, "--out", &out], "b");
        siege.three.node(&["convenant", "accept", &out], NODE);
    }
    knock(&mut siege, ReasonCode::ConvenantWithdrawn);
    siege.end(&[first, last]);
}

/// The monitor, with its good certificate, gets not a byte.
fn knock(siege: &mut Siege, reason: ReasonCode) {
    let own = identity(&siege.three, "m");
    siege.monitor.block_on(async {
        gets_nothing(raw(siege.address(), Some((&own.cert, &own.key)), "h2").await).await;
    });
    siege.expect(reason, 1);
}

/// A second convenant beside the first: another division of what was released, and another definition.
fn other_terms(siege: &mut Siege) {
    siege.three.propose("anders", "2020-01-01", |draft| {
        let (old, new) = ("[\"leeftijd\"], [\"maatregel\"]]", "[\"leeftijd\"], [\"gemeente\", \"maatregel\"]]");
        let draft = draft.replacen(old, new, 1);
        let (before, from) = draft.split_once("indicator = \"IND-11\"").expect("IND-11");
        format!("{before}indicator = \"IND-11\"{}", from.replacen("\"1.0\"", "\"0.9\"", 1))
    });
    for key in ["b", "m", NODE] {
        siege.three.accept("anders", key);
    }
    let cases = [
        (siege.question_under("anders", "IND-01", "2022", &["gemeente", "maatregel"]), ReasonCode::ComponentClosed),
        (siege.question_under("anders", "IND-11", "2022", &[]), ReasonCode::OtherDefinition),
    ];
    for (question, reason) in cases {
        assert_eq!(siege.monitor.ask(AGGREGATE, question), Got::Refused(Code::FailedPrecondition, reason));
        siege.note(reason, 1);
    }
}
