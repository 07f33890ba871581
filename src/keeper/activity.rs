//! Whether somebody looks at the application.

/// Whether somebody looks at the application, as the application says.
///
/// An application that never says so is kept as in the background, but
/// with the deadlines of the foreground: gaps are tried whenever that is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activity {
    /// Somebody looks: nothing is risked. No gap is tried and no scout sent;
    /// the interval is a safe one, below the proven gap. An application that comes
    /// from the background has the link in use probed, and a waiting attempt made at
    /// once, but not before a server's own time.
    Foreground,
    /// Nobody looks: gaps are tried, and an answer may take at least 2.5 s
    /// (five misses span at least 25 s), since a radio that sleeps is slow to
    /// answer. The backoff's delays grow to 5 minutes
    /// ([`Reconnect::background_cap`](crate::Reconnect::background_cap)).
    Background,
}
