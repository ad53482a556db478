//! When our checkpoint is shown to our witnesses: at a fixed pace, and soon after new entries.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::WitnessPace;
use crate::service::api::Peers;
use crate::service::core::Core;

/// How often the loop looks whether it is time.
const LOOK: Duration = Duration::from_millis(500);

/// Shows our checkpoint until the task is dropped.
pub async fn show_by_itself(core: Arc<Core>, peers: Arc<dyn Peers>, pace: WitnessPace) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut last, mut jitter) = (Instant::now(), share());
    loop {
        look.tick().await;
        let wanted = core.wants_round();
        if last.elapsed() < due(pace, wanted, jitter) {
            continue;
        }
        (last, jitter) = (Instant::now(), share());
        let (working, partners) = (Arc::clone(&core), Arc::clone(&peers));
        let shown = tokio::task::spawn_blocking(move || working.show_to_witnesses(partners.as_ref())).await;
        match shown {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!("checkpoint tonen aan getuigen: {error}"),
            Err(_) => return,
        }
    }
}

/// How long after the last round the next one is: `every`, or `soon` when there is something to show. Up to a fifth earlier,
/// so that nodes that were started together do not all call at once.
fn due(pace: WitnessPace, wanted: bool, jitter: u8) -> Duration {
    let whole = if wanted { pace.soon.min(pace.every) } else { pace.every };
    whole - whole * u32::from(jitter) / (5 * 256)
}

fn share() -> u8 {
    crate::crypto::random::<1>()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_entries_are_shown_within_a_minute_and_the_rest_within_five() {
        let pace = WitnessPace::default();
        for jitter in 0..=255 {
            let (soon, every) = (due(pace, true, jitter), due(pace, false, jitter));
            assert!(soon + LOOK < Duration::from_secs(60) && soon >= pace.soon * 4 / 5);
            assert!(every <= Duration::from_secs(300) && every >= pace.every * 4 / 5);
        }
    }
}
