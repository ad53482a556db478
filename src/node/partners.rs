//! Where partners are and by which keys they are known: from the convenants in force.

use std::sync::Arc;

use crate::domain::oin::Oin;
use crate::service::core::Core;
use crate::transport::client::{Directory, Partner};

struct FromConvenants(Arc<Core>);

impl Directory for FromConvenants {
    fn partner(&self, oin: &Oin) -> Option<Partner> {
        let standing = self.0.standing();
        let convenants = standing.in_force.as_ref().ok()?;
        let card = convenants.iter().find_map(|c| c.convenant().party(oin))?.card.card();
        let pins = std::iter::once(card.tls_pin).chain(card.next_tls_pin).collect();
        Some(Partner { endpoint: card.endpoint.clone(), pins })
    }
}

/// The directory of a node's partners, asked before each call.
#[must_use]
pub fn directory(core: &Arc<Core>) -> Arc<dyn Directory> {
    Arc::new(FromConvenants(Arc::clone(core)))
}
