//! `Share`: what leaves about children in a run. Minted here alone, from a permit and a durable entry of exactly these bytes.

use std::fmt;

use zeroize::Zeroizing;

use super::document::RunBody;
use crate::crypto::Secret32;
use crate::domain::oin::Oin;
use crate::policy::permit::Permit;
use crate::service::api::HandedOver;
use crate::storage::log::Logged;
use crate::translog::entry::TransferId;
use crate::translog::receipt::{MAX_RECEIPT_BYTES, SignedReceipt};

/// Numbers of a vector at most, so that a share fits a message of 1 MiB.
pub const MOST_NUMBERS: usize = 115_000;

/// A share that may leave, with what proves it: a node's share to the monitor, its sealed part to the gate, or the monitor's
/// summed share.
pub struct Share {
    bytes: Zeroizing<Vec<u8>>,
    salt: [u8; 16],
    receipt: Box<SignedReceipt>,
    handed: HandedOver,
    maker: Oin,
}

impl Share {
    /// The only road to a share: leave for the tables of the run, and the durable entry that covers exactly these bytes in this
    /// run, with our receipt of that entry. `None` when they do not belong together.
    #[must_use]
    pub fn new(
        (permit, body): (&Permit, &RunBody),
        logged: &Logged,
        bytes: Zeroizing<Vec<u8>>,
        salt: [u8; 16],
        receipt: SignedReceipt,
    ) -> Option<Self> {
        let belongs = permit.query_hash() == body.question().hash()
            && logged.query_hash() == Some(body.hash())
            && logged.covers(&salt, &bytes)
            && receipt.receipt().entry == Some(logged.entry_hash());
        let handed = HandedOver { transfer: logged.transfer_id(), entry: logged.entry_hash() };
        let maker = receipt.receipt().signer;
        belongs.then(|| Self { bytes, salt, receipt: Box::new(receipt), handed, maker })
    }

    /// Under which transfer and entry its outcome is logged.
    #[must_use]
    pub fn handed(&self) -> HandedOver {
        self.handed
    }

    /// Who made it.
    #[must_use]
    pub fn maker(&self) -> Oin {
        self.maker
    }

    /// The bytes that travel.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Salt of the commitment in the log.
    #[must_use]
    pub fn salt(&self) -> [u8; 16] {
        self.salt
    }

    /// The maker's receipt of the entry.
    #[must_use]
    pub fn receipt(&self) -> &SignedReceipt {
        &self.receipt
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share(<{} bytes>)", self.bytes.len())
    }
}

/// A node's sealed part on its way through the monitor, which cannot open it. Made of a share that the monitor has received and
/// logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Passed {
    pub(in crate::service) run: TransferId,
    pub(in crate::service) from: Oin,
    receipt: Vec<u8>,
    salt: [u8; 16],
    sealed: Vec<u8>,
}

impl Passed {
    /// Id of the run.
    #[must_use]
    pub fn run(&self) -> TransferId {
        self.run
    }

    /// Who made it.
    #[must_use]
    pub fn from(&self) -> Oin {
        self.from
    }

    /// The maker's receipt for the gate.
    #[must_use]
    pub fn receipt(&self) -> &[u8] {
        &self.receipt
    }

    /// Salt of the commitment in the receipt.
    #[must_use]
    pub fn salt(&self) -> [u8; 16] {
        self.salt
    }

    /// The sealed part.
    #[must_use]
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }
}

impl fmt::Debug for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passed({}, <{} bytes>)", self.from, self.sealed.len())
    }
}

const MAGIC: &[u8; 6] = b"KPSUM1";

/// The document of a node's share: the seed for the monitor, then what it passes on to the gate.
#[must_use]
pub(super) fn to_document(seed: &Secret32, gate: &Share) -> Zeroizing<Vec<u8>> {
    let receipt = gate.receipt.bytes();
    let length = u16::try_from(receipt.len()).unwrap_or(u16::MAX).to_be_bytes();
    let parts: [&[u8]; 6] = [MAGIC, seed.expose(), &gate.salt, &length, receipt, &gate.bytes];
    Zeroizing::new(parts.concat())
}

/// Reads the document of a node's share, after it was received and logged.
pub(in crate::service) fn from_document(run: TransferId, from: Oin, bytes: &[u8]) -> Option<(Secret32, Passed)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (seed, rest) = rest.split_first_chunk::<32>()?;
    let (salt, rest) = rest.split_first_chunk::<16>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (receipt, sealed) = rest.split_at_checked(length).filter(|_| length <= MAX_RECEIPT_BYTES)?;
    let passed = Passed { run, from, receipt: receipt.to_vec(), salt: *salt, sealed: sealed.to_vec() };
    Some((Secret32::new(*seed), passed))
}
