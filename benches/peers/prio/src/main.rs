//! A secure sum of 400 nodes over 1,000 cells by the program's own source, and by `Prio3SumVec` of `prio` in the same run; CPU time.
//!
//! usage: cargo run --release --manifest-path benches/peers/prio/Cargo.toml
//!
//! The trust models differ. `Prio3SumVec` proves to two aggregators that every number of a vector lies in a range (here 16 bits); ours
//! proves nothing of a single vector, and finds out that the total is not the sum of what the nodes sent.

mod crypto;
#[path = "../../../../src/indicator/shares.rs"]
#[allow(dead_code, reason = "a part of a room")]
mod shares;
#[path = "../../../setup/summing.rs"]
mod summing;

use std::time::Duration;

use crypto::Secret32;
use prio::codec::Encode;
use prio::vdaf::prio3::{Prio3, Prio3SumVec};
use prio::vdaf::{Aggregatable, AggregateShare, Aggregator, Client, Collector, Vdaf, VerifyTransition};
use shares::{GateShare, GateSum, MaskSum};
use summing::{CELLS, NODES, cpu, plain, ratio, vectors};

/// Nodes that the peer is measured over; its time and bytes are proportional to their number.
const PEERS: usize = 20;
/// Bits of a number that the peer proves, and numbers of a part of its proof.
const MOST: u128 = (1 << 16) - 1;
const CHUNK: usize = 126;

fn main() {
    let ours = summing::measure();
    let (time, bytes) = prio3(&vectors()[..PEERS]);
    let times = NODES / PEERS;
    let (time, bytes) = (time * u32::try_from(times).expect("few"), bytes * times);
    println!(
        "Prio3SumVec {time:?} and {:.0} MB (from {PEERS} nodes): {:.0} times our {ours:?}",
        bytes as f64 / 1e6,
        ratio(time, ours)
    );
}

/// Sharding, verification by two aggregators and aggregation; the time of all parties and every byte that travels.
fn prio3(vectors: &[Vec<u64>]) -> (Duration, usize) {
    let vdaf = Prio3::new_sum_vec(2, MOST, CELLS, CHUNK).expect("parameters");
    let (key, context) = ([9; 32], b"bench");
    let mut bytes = 0;
    let mut sums: Vec<Option<<Prio3SumVec as Vdaf>::AggregateShare>> = vec![None, None];
    let begun = cpu();
    for (n, vector) in vectors.iter().enumerate() {
        let nonce = [u8::try_from(n).expect("few nodes"); 16];
        let vector: Vec<u128> = vector.iter().map(|n| u128::from(*n)).collect();
        let (public, shares) = vdaf.shard(context, &vector, &nonce).expect("sharded");
        bytes += public.get_encoded().expect("bytes").len();
        let (mut states, mut said) = (Vec::new(), Vec::new());
        for (id, share) in shares.iter().enumerate() {
            bytes += share.get_encoded().expect("bytes").len();
            let (state, says) =
                vdaf.verify_init(&key, context, id, &(), &nonce, &public, share).expect("a share that verifies");
            bytes += says.get_encoded().expect("bytes").len();
            states.push(state);
            said.push(says);
        }
        let message = vdaf.verifier_shares_to_message(context, &(), said).expect("verified");
        for (sum, state) in sums.iter_mut().zip(states) {
            let VerifyTransition::Finish(out) = vdaf.verify_next(context, state, message.clone()).expect("verified")
            else {
                panic!("one round");
            };
            let share = AggregateShare::from(out);
            match sum {
                Some(sum) => sum.merge(&share).expect("one length"),
                none => *none = Some(share),
            }
        }
    }
    let sum = vdaf.unshard(&(), sums.into_iter().flatten(), vectors.len()).expect("a sum");
    let time = cpu() - begun;
    assert!(sum.iter().zip(plain(vectors)).all(|(prio, plain)| *prio == u128::from(plain)));
    (time, bytes)
}
