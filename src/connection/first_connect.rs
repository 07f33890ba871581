//! How a connection begins.

/// What a failure means before the first link was in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirstConnect {
    /// The same as later: it is retried by the reconnect policy. The default.
    #[default]
    Retry,
    /// The connection gives up.
    FailFast,
}
