//! Messages that were not accepted, and messages that a close leaves behind.

use std::fmt;

use crate::shared::Error;

/// A message was not accepted. The message comes back with the error.
///
/// `Debug` and `Display` do not show the message.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError<M> {
    /// The connection is closed or closing, or has given up.
    #[error("the connection is closed")]
    Closed(M),
    /// The message is over the transport's limit.
    #[error("message of {size} bytes is over the limit of {limit}")]
    TooBig {
        /// The message.
        message: M,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

/// Drops the message: for callers who only want to know.
impl<M> From<SendError<M>> for Error {
    fn from(error: SendError<M>) -> Error {
        match error {
            SendError::Closed(_) => Error::Closed,
            SendError::TooBig { size, limit, .. } => Error::TooBig { size, limit },
        }
    }
}

impl<M> SendError<M> {
    /// The message that was not accepted.
    pub fn into_message(self) -> M {
        match self {
            SendError::Closed(message) | SendError::TooBig { message, .. } => message,
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed(_) => f.write_str("Closed(..)"),
            SendError::TooBig { size, limit, .. } => {
                f.debug_struct("TooBig").field("size", size).field("limit", limit).finish_non_exhaustive()
            }
        }
    }
}

/// A message was not accepted at once. The message comes back with the error.
///
/// `Debug` and `Display` do not show the message.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrySendError<M> {
    /// The outbox has no room.
    #[error("the outbox is full")]
    Full(M),
    /// The connection is closed or closing, or has given up.
    #[error("the connection is closed")]
    Closed(M),
    /// The message is over the transport's limit.
    #[error("message of {size} bytes is over the limit of {limit}")]
    TooBig {
        /// The message.
        message: M,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl<M> TrySendError<M> {
    /// The message that was not accepted.
    pub fn into_message(self) -> M {
        match self {
            TrySendError::Full(message)
            | TrySendError::Closed(message)
            | TrySendError::TooBig { message, .. } => message,
        }
    }
}

impl<M> fmt::Debug for TrySendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Full(_) => f.write_str("Full(..)"),
            TrySendError::Closed(_) => f.write_str("Closed(..)"),
            TrySendError::TooBig { size, limit, .. } => {
                f.debug_struct("TooBig").field("size", size).field("limit", limit).finish_non_exhaustive()
            }
        }
    }
}

/// The messages that a graceful close leaves behind.
///
/// `Debug` does not show the messages.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "messages that were not sent are handed back here"]
pub struct Closed<M> {
    /// Accepted messages that no link took, in order. A message that was sent
    /// with a confirmation is handed back there instead, unless the
    /// confirmation was dropped.
    pub not_sent: Vec<M>,
    /// How many messages the last link had taken without a sign that they
    /// arrived.
    pub maybe_sent: u64,
}

impl<M> fmt::Debug for Closed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed")
            .field("not_sent", &self.not_sent.len())
            .field("maybe_sent", &self.maybe_sent)
            .finish()
    }
}
