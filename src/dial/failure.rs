//! The failure in an error of a connection that is being opened.

use std::io;

use super::ConnectError;
use crate::Failure;

/// Sorts an error of a connection that is being opened: TLS failures are told
/// apart from those of the system.
pub(crate) fn failure(error: &io::Error) -> Failure {
    #[cfg(feature = "tls")]
    if is_tls(error) {
        return Failure::Tls;
    }
    Failure::from_io(error)
}

/// The same with the error as its source.
pub(super) fn failed(error: io::Error) -> ConnectError {
    ConnectError::with_source(failure(&error), error)
}

/// Whether `error` came from TLS, not from the system under it.
#[cfg(feature = "tls")]
fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<tokio_rustls::rustls::Error>())
}
