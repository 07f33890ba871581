//! Attempts for tests of a transport on its own.

use crate::keeper::{Dialled, LinkId, Purpose};
use crate::transport::Attempt;

/// The attempt that a transport would be given as the `number`-th in a row,
/// on its first route.
pub fn attempt(number: u32) -> Attempt {
    Attempt::new(LinkId(u64::from(number)), number, 0, Purpose::Main, None)
}

/// What the transport reported with [`Attempt::dialled`], if it did.
pub fn dial_report(attempt: &Attempt) -> Option<Dialled> {
    attempt.dial_report()
}
