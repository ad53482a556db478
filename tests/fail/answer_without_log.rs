//! An answer needs the proof that it was logged.

use ketenpoort::disclosure::release::Released;
use ketenpoort::service::answer::Payload;
use ketenpoort::service::api::Answer;

fn answer(released: &Released, payload: Payload) -> Option<Answer> {
    Answer::new(released, payload)
}

fn main() {}
