//! The hashes of RFC 9497 section 4.1 (OPRF(ristretto255, SHA-512)) in mode VOPRF, with `expand_message_xmd` of RFC 9380 section
//! 5.3.1 for an output of one block.

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use ring::digest::{Context, SHA512};

/// `"OPRFV1-" || I2OSP(1, 1) || "-ristretto255-SHA512"`.
pub(super) const CONTEXT: &[u8] = b"OPRFV1-\x01-ristretto255-SHA512";

/// SHA-512 of the concatenation of `parts`.
pub(super) fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut context = Context::new(&SHA512);
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; 64];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// `I2OSP(len, 2)` of a part; every part that is hashed here is far shorter.
pub(super) fn two_bytes(len: usize) -> [u8; 2] {
    u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes()
}

/// 64 uniform bytes of a message under the domain `name || CONTEXT`.
fn expand(name: &[u8], message: &[&[u8]]) -> [u8; 64] {
    // The tag of the domain with its length behind it, which is under 256.
    let length = [u8::try_from(name.len() + CONTEXT.len()).unwrap_or(u8::MAX)];
    let mut first: Vec<&[u8]> = vec![&[0; 128]];
    first.extend(message);
    first.extend([&[0, 64, 0][..], name, CONTEXT, &length]);
    sha512(&[&sha512(&first), &[1], name, CONTEXT, &length])
}

/// `HashToGroup`.
pub(super) fn hash_to_group(input: &[u8]) -> RistrettoPoint {
    RistrettoPoint::from_uniform_bytes(&expand(b"HashToGroup-", &[input]))
}

/// `HashToScalar`.
pub(super) fn hash_to_scalar(message: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&expand(b"HashToScalar-", message))
}

/// The last hash of `Finalize`.
pub(super) fn output(input: &[u8], unblinded: &[u8; 32]) -> [u8; 64] {
    sha512(&[&two_bytes(input.len()), input, &two_bytes(32), unblinded, b"Finalize"])
}
