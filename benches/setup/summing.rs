//! What every party computes in a secure sum of 400 nodes over 1,000 cells, and what travels, against the additions alone.

use std::hint::black_box;
use std::time::Duration;

use crate::{GateShare, GateSum, MaskSum, Secret32};

pub const NODES: usize = 400;
pub const CELLS: usize = 1_000;
const ROUNDS: u32 = 100;

/// Prints the figures; the CPU time of all parties of one sum together.
pub fn measure() -> Duration {
    let vectors = vectors();
    let (mut ours, mut nodes, mut bare) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        bare += additions(&vectors);
        let (split, summed) = shares(&vectors);
        (nodes, ours) = (nodes + split, ours + summed);
    }
    // The clock of a thread moves in steps of some milliseconds: means over many rounds.
    let [bare, nodes, ours] = [bare, nodes, ours].map(|time| time / ROUNDS);
    let bytes = NODES * (32 + 8 * (CELLS + 1)) + 8 * (CELLS + 1);
    println!("additions alone {bare:?}");
    println!(
        "monitor and gate {ours:?} ({:.1} times the additions); all {NODES} nodes together {nodes:?}",
        ratio(ours, bare)
    );
    println!("shares and total: {:.2} MB", bytes as f64 / 1e6);
    ours + nodes
}

/// The counts of every node.
pub fn vectors() -> Vec<Vec<u64>> {
    (0..NODES).map(|n| (0..CELLS).map(|c| ((n * 7 + c * 13) % 40) as u64).collect()).collect()
}

/// CPU time of this thread so far: others may use the machine.
pub fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the scheduler's figures");
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).expect("nanoseconds"))
}

pub fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

pub fn plain(vectors: &[Vec<u64>]) -> Vec<u64> {
    let mut sum = vec![0_u64; CELLS];
    for vector in vectors {
        sum.iter_mut().zip(vector).for_each(|(sum, n)| *sum = sum.wrapping_add(*n));
    }
    sum
}

fn additions(vectors: &[Vec<u64>]) -> Duration {
    let begun = cpu();
    black_box(plain(black_box(vectors)));
    cpu() - begun
}

/// The time of all nodes, and that of monitor and gate.
fn shares(vectors: &[Vec<u64>]) -> (Duration, Duration) {
    let check = Secret32::new([7; 32]);
    let begun = cpu();
    let split = |vector: &Vec<u64>| {
        let seed = Secret32::random();
        let part = GateShare::split(vector, &seed, &check).to_bytes();
        (seed, part)
    };
    let shared: Vec<_> = vectors.iter().map(split).collect();
    let nodes = cpu() - begun;
    let begun = cpu();
    let (mut gate, mut monitor) = (GateSum::new(CELLS), MaskSum::new(CELLS));
    for (seed, part) in &shared {
        monitor.add(seed);
        gate.add(&GateShare::from_bytes(part, CELLS).expect("its length"));
    }
    let total = MaskSum::from_bytes(&monitor.to_bytes(), CELLS).expect("its length");
    let sum = gate.join(&total, &check).expect("they belong together");
    let both = cpu() - begun;
    assert_eq!(*sum, plain(vectors));
    (nodes, both)
}
