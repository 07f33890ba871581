//! Waiting for a descriptor that tokio has no type for.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Hands the descriptor to tokio's reactor, which tells when it can be read.
/// To be called inside a runtime.
// Tokio deprecates the safe constructor since a type might show another
// descriptor than the one that it keeps open; an `OwnedFd` cannot. Those in
// its place are unsafe.
#[allow(deprecated)]
pub(super) fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}
