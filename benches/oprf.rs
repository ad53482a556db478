//! The oblivious function per element and role, in CPU time of all threads, beside the crate `voprf` (one server) and one scalar
//! multiplication. Hashing to the log, sealing and the network are left out.

use std::hint::black_box;
use std::time::Duration;

#[path = "setup/cpu.rs"]
mod cpu;

use cpu::cpu;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use ketenpoort::crypto::oprf::{BlinderKey, Elements, blind};
use rand_core::OsRng;
use voprf::{Ristretto255, VoprfClient, VoprfServer};

const ELEMENTS: usize = 8_192;
const ROUNDS: u32 = 4;

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let inputs: Vec<[u8; 64]> = (0..ELEMENTS).map(|_| ketenpoort::crypto::random()).collect();
    let names = [
        "one scalar multiplication",
        "ours: blind",
        "ours: one blinder (read, multiply, prove)",
        "ours: node reads and verifies one proof",
        "ours: node unblinds and hashes",
        "voprf: blind",
        "voprf: server (multiply, prove)",
        "voprf: client verifies and finalises",
    ];
    let mut times = [Duration::ZERO; 8];
    for _ in 0..ROUNDS {
        let [bare, ours, theirs] = [vec![multiplication()], own(&inputs), peer(&inputs)];
        let round = bare.into_iter().chain(ours).chain(theirs);
        times.iter_mut().zip(round).for_each(|(sum, time)| *sum += time);
    }
    let each = times.map(|time| time.as_secs_f64() * 1e6 / f64::from(ROUNDS) / ELEMENTS as f64);
    for (name, micros) in names.iter().zip(each) {
        println!("{name:44} {micros:7.1} us, {:5.2} multiplications", micros / each[0]);
    }
    let node = each[1] + 2.0 * each[3] + each[4];
    println!("a node with two blinders: {node:.1} us; voprf's client with one server: {:.1} us", each[5] + each[7]);
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = cpu();
    let done = black_box(work());
    (done, cpu() - begun)
}

fn multiplication() -> Duration {
    let scalar = Scalar::from_bytes_mod_order_wide(&ketenpoort::crypto::random());
    let mut point = RistrettoPoint::mul_base(&scalar);
    timed(|| (0..ELEMENTS).for_each(|_| point *= black_box(scalar))).1
}

fn own(inputs: &[[u8; 64]]) -> Vec<Duration> {
    let key = BlinderKey::random();
    let ((blinding, blinded), first) = timed(|| blind(inputs));
    let sent = blinded.to_bytes();
    let ((evaluated, proof), second) =
        timed(|| key.evaluate(&Elements::from_bytes(black_box(&sent)).expect("elements")));
    let sent = evaluated.to_bytes();
    let (back, third) = timed(|| {
        let back = Elements::from_bytes(black_box(&sent)).expect("elements");
        proof.verify(&key.public(), &blinded, &back).expect("a proof");
        back
    });
    let (_, fourth) = timed(|| blinding.finalize(inputs, &back));
    vec![first, second, third, fourth]
}

fn peer(inputs: &[[u8; 64]]) -> Vec<Duration> {
    let server = VoprfServer::<Ristretto255>::new(&mut OsRng).expect("a key");
    let blind = |input: &[u8; 64]| VoprfClient::<Ristretto255>::blind(input, &mut OsRng).expect("an input");
    let (clients, first) = timed(|| inputs.iter().map(blind).collect::<Vec<_>>());
    let messages: Vec<_> = clients.iter().map(|client| client.message.clone()).collect();
    let states: Vec<_> = clients.into_iter().map(|client| client.state).collect();
    let (answer, second) = timed(|| server.batch_blind_evaluate(&mut OsRng, &messages).expect("a batch"));
    let names: Vec<&[u8]> = inputs.iter().map(|input| &input[..]).collect();
    let (_, third) = timed(|| {
        let key = server.get_public_key();
        let outputs = VoprfClient::batch_finalize(&names, &states, &answer.messages, &answer.proof, key);
        outputs.expect("a proof").filter(Result::is_ok).count()
    });
    vec![first, second, third]
}
