//! Why a connection is over.

use std::sync::Arc;

use crate::transport::ConnectError;
use crate::{GiveUp, Invalid};

/// Why a connection ended or could not be built, or why a message was not
/// accepted. Every error of the crate converts into this one with `?`.
///
/// As the last item of the stream it is [`GaveUp`](Error::GaveUp) or
/// [`Stopped`](Error::Stopped).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting cannot work.
    #[error("invalid setting: {0}")]
    Invalid(#[from] Invalid),
    /// There will be no further attempt.
    #[error("gave up: {reason}")]
    GaveUp {
        /// Why.
        reason: GiveUp,
        /// The last failed attempt's error, if an attempt failed last.
        source: Option<Arc<ConnectError>>,
    },
    /// The connection was closed by this side.
    #[error("the connection is closed")]
    Closed,
    /// A message is over the transport's limit. The message itself came back
    /// in the [`SendError`](crate::SendError).
    #[error("message of {size} bytes is over the limit of {limit}")]
    TooBig {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The runtime that the connection ran on was shut down.
    #[error("the runtime of the connection was shut down")]
    Stopped,
}
