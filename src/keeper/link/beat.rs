//! Who beats, and by whose clock.

use std::time::Duration;

/// How a link shows that it is alive while nothing else is said.
///
/// The transport names it for its links (`Link::beat`). A login hook may replace
/// it, because some servers name their time only then. A time below 1 s, the
/// shortest deadline of an answer, counts as 1 s: no server can make a client
/// beat without a pause.
///
/// | | who beats | when |
/// |---|---|---|
/// | `Ping` | we | after an interval in which nothing came in; the heartbeat chooses it |
/// | `Listen` | the peer | by its own clock |
/// | `Every` | we | as `Ping`, and at the latest a given time after our last beat |
/// | `KeepAlive` | we | as `Ping`, and whenever we have sent nothing for a given time |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Beat {
    /// We beat and the peer answers, as with WebSocket's Ping and Pong. The
    /// [`Heartbeat`](crate::Heartbeat) chooses the interval. The default.
    #[default]
    Ping,
    /// The peer beats and we listen (server-sent events, Engine.IO). We send no
    /// beat; a longer silence than `longest_silence` is the link's death.
    Listen {
        /// How long the peer may be silent.
        longest_silence: Duration,
    },
    /// As `Ping`, but the server demands a rhythm (Discord): we beat at the latest
    /// `interval` after our last beat, whatever else flows. A link that is silent
    /// for longer than the heartbeat's own interval still gets a beat sooner.
    Every {
        /// The longest time from one beat to the next.
        interval: Duration,
    },
    /// As `Ping`, but the server also measures our silence (MQTT's keep-alive):
    /// we beat as soon as we have sent nothing for `max_send_gap`, even while
    /// the server's messages come in.
    KeepAlive {
        /// The longest time for which we may send nothing.
        max_send_gap: Duration,
    },
}

impl Beat {
    /// The same with no figure below `least`.
    pub(crate) fn at_least(self, least: Duration) -> Beat {
        match self {
            Beat::Ping => Beat::Ping,
            Beat::Listen { longest_silence } => Beat::Listen { longest_silence: longest_silence.max(least) },
            Beat::Every { interval } => Beat::Every { interval: interval.max(least) },
            Beat::KeepAlive { max_send_gap } => Beat::KeepAlive { max_send_gap: max_send_gap.max(least) },
        }
    }
}
