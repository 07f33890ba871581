//! How a connection begins.

/// The meaning of a failure before the first link was in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirstConnect {
    /// As later: the reconnect policy decides about another attempt. The default.
    #[default]
    Retry,
    /// The connection gives up.
    FailFast,
}
