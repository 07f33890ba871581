//! Who beats, and by whose clock.

use std::time::Duration;

/// How a link shows that it is alive while nothing else is said.
///
/// A transport answers this for its links (`Link::beat`); a login hook may
/// replace it, since some servers tell their figure only then. A figure below
/// 1 s, the shortest deadline of an answer, counts as 1 s: no server can make a
/// client run hot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Beat {
    /// We ask and the peer answers, as with WebSocket's Ping and Pong. The
    /// interval is the prober's to choose. The default.
    #[default]
    Ping,
    /// The peer beats and we listen (server-sent events, Engine.IO). Nothing
    /// is sent; silence beyond `longest_silence` is death.
    Listen {
        /// How long the peer may be silent.
        longest_silence: Duration,
    },
    /// The server dictates the rhythm: we beat `every` so often, whatever
    /// else flows (Discord). Answers are expected as with `Ping`.
    Dictated {
        /// The time from one beat to the next.
        every: Duration,
    },
    /// As `Ping`, but the server also counts our silence: we may send nothing
    /// for at most `max_out_silence` (MQTT's keep-alive).
    Ceiling {
        /// The longest that we may be silent.
        max_out_silence: Duration,
    },
}

impl Beat {
    /// The same with no figure below `least`.
    pub(crate) fn at_least(self, least: Duration) -> Beat {
        match self {
            Beat::Ping => Beat::Ping,
            Beat::Listen { longest_silence } => Beat::Listen { longest_silence: longest_silence.max(least) },
            Beat::Dictated { every } => Beat::Dictated { every: every.max(least) },
            Beat::Ceiling { max_out_silence } => {
                Beat::Ceiling { max_out_silence: max_out_silence.max(least) }
            }
        }
    }
}
