//! The front page: what one's roles are for.

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::visit::Visit;

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage {
    frame: Frame,
}

/// The front page.
pub fn start(visit: &Visit<'_>) -> Result<Answer, Fault> {
    Answer::page(&StartPage { frame: Frame::of(visit, "Welkom") })
}
