//! How a connection begins.

/// How a failure counts before the first link was in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirstConnect {
    /// As a later failure: the reconnect policy decides. The default.
    #[default]
    Retry,
    /// The connection gives up.
    FailFast,
}
