//! Questions of a known partner that are refused: by the convenant, by the data, and by their form.

use ketenpoort::domain::reason::ReasonCode;
use tonic::Code;

use super::asker::{AGGREGATE, Asker, Got, proto};
use super::siege::{Siege, identity};

/// A message that is no question: field 3 holds bytes that are no table.
#[derive(Clone, PartialEq, prost::Message)]
struct Garbage {
    #[prost(bytes = "vec", tag = "3")]
    tables: Vec<u8>,
}

#[test]
fn refused_questions_get_their_code_alone_and_are_logged_before_it_leaves() {
    let mut siege = Siege::begin(|_| ());
    let first = siege.answered();
    by_the_convenant(&mut siege);
    by_the_data(&mut siege);
    by_their_form(&mut siege);
    let last = siege.answered();
    assert_eq!(tables(&first), tables(&last), "what was refused changes no figure");
    siege.end(&[first, last]);
}

/// The tables of an answer.
fn tables(document: &[u8]) -> serde_json::Value {
    let document: serde_json::Value = serde_json::from_slice(document).expect("JSON");
    document["tables"].clone()
}

fn refused<T: prost::Message + 'static>(siege: &mut Siege, message: T, code: Code, reason: ReasonCode) {
    assert_eq!(siege.monitor.ask(AGGREGATE, message), Got::Refused(code, reason));
    siege.note(reason, 1);
}

fn by_the_convenant(siege: &mut Siege) {
    let denied = Code::PermissionDenied;
    let other = proto::AggregateRequest { convenant_hash: vec![7; 32], ..siege.good_question() };
    refused(siege, other, Code::FailedPrecondition, ReasonCode::OtherConvenant);
    for indicator in ["IND-24", "IND-99"] {
        let question = siege.question(indicator, "2022", &[]);
        refused(siege, question, denied, ReasonCode::IndicatorNotAllowed);
    }
    for by in [&["organisatie"][..], &["gemeente", "leeftijd"], &["naam"], &["bsn"; 9]] {
        let question = siege.question("IND-01", "2022", by);
        refused(siege, question, denied, ReasonCode::DimensionNotAllowed);
    }
    for period in ["2022-H1", "2022-03"] {
        let question = siege.question("IND-01", period, &[]);
        refused(siege, question, denied, ReasonCode::PeriodNotAllowed);
    }
    for by in [&["gemeente", "maatregel", "leeftijd", "organisatie"][..], &["gemeente", "gemeente"]] {
        let question = siege.question("IND-01", "2022", by);
        refused(siege, question, Code::InvalidArgument, ReasonCode::TooManyDimensions);
    }
    let party = Asker::new(siege.address(), identity(&siege.three, "b"));
    let got = party.ask(AGGREGATE, siege.good_question());
    assert_eq!(got, Got::Refused(denied, ReasonCode::RoleNotAllowed));
    siege.note(ReasonCode::RoleNotAllowed, 1);
}

fn by_the_data(siege: &mut Siege) {
    let question = siege.question("IND-01", "2044", &[]);
    refused(siege, question, Code::FailedPrecondition, ReasonCode::NotSettled);
    let question = siege.question("IND-01", "2019", &[]);
    refused(siege, question, Code::FailedPrecondition, ReasonCode::OutsideWindow);
}

fn by_their_form(siege: &mut Siege) {
    let (invalid, large) = (Code::InvalidArgument, Code::ResourceExhausted);
    let asked = siege.good_question();
    assert!(matches!(siege.monitor.ask(AGGREGATE, asked.clone()), Got::Answer(_)));
    assert!(matches!(siege.monitor.ask(AGGREGATE, asked.clone()), Got::Answer(_)), "repeated unchanged");
    let other = proto::AggregateRequest { transfer_id: asked.transfer_id, ..siege.question("IND-01", "2023", &[]) };
    refused(siege, other, invalid, ReasonCode::RequestIdReused);
    refused(siege, Garbage { tables: vec![0; 2 << 20] }, large, ReasonCode::MessageTooLarge);
    refused(siege, Garbage { tables: vec![0xff; 40] }, invalid, ReasonCode::MessageMalformed);
    refused(siege, Garbage::default(), invalid, ReasonCode::MessageMalformed);
    for wrong in [vec![1; 15], vec![1; 16]] {
        let wrong = proto::AggregateRequest { transfer_id: wrong, ..siege.good_question() };
        refused(siege, wrong, invalid, ReasonCode::MessageMalformed);
    }
    let without = proto::AggregateRequest { intent_hash: vec![], ..siege.good_question() };
    refused(siege, without, invalid, ReasonCode::MessageMalformed);
    let got = siege.monitor.ask("/ketenpoort.v1.Node/Alles", Garbage::default());
    assert_eq!(got, Got::Refused(invalid, ReasonCode::MessageMalformed));
    siege.note(ReasonCode::MessageMalformed, 1);
}
