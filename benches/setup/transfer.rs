//! One whole transfer between a monitor and a served node, in its four parts.

use std::time::{Duration, Instant};

use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, Query, TableQuery};
use ketenpoort::node::Node;
use ketenpoort::service::api::Peers;

use crate::setup::made::OINS;

const DEADLINE: Duration = Duration::from_secs(30);

/// One whole transfer: logged and receipted on both sides. Returns how long it took to log the
/// question, to get the answer with its receipt, to check, keep and log that, and to give ours, which the node logs.
pub fn transfer(monitor: &Node, peers: &dyn Peers) -> [Duration; 4] {
    let standing = monitor.core.standing();
    let convenant = &standing.in_force.as_ref().expect("in force")[0];
    let table = TableQuery { indicator: IndicatorId::Ind01, period: Period::year_of(2022), by: vec![] };
    let to = Oin::parse(OINS[0]).expect("OIN");
    let mut at = Instant::now();
    let mut part = || std::mem::replace(&mut at, Instant::now()).elapsed();
    let question = monitor.core.log_question(to, convenant, Query::new(vec![table])).expect("logged");
    let logged = part();
    let answer = peers.aggregate(&to, &question.request(), DEADLINE).expect("an answer");
    let answered = part();
    let taken = monitor.core.take_answer(&question, &answer).expect("believed");
    let believed = part();
    peers.confirm(&to, &taken.receipt, DEADLINE).expect("confirmed");
    [logged, answered, believed, part()]
}
