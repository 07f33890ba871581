//! The items of a stream with transitions.

/// One item of a stream with transitions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transition<In> {
    /// A message.
    Message(In),
    /// From here on messages come over this link.
    Connected {
        /// Counts the links taken into use, from 1.
        epoch: u64,
    },
    /// No more messages come over this link.
    Disconnected {
        /// Its epoch.
        epoch: u64,
    },
}
