//! How the end of a link was noticed.

use crate::keeper::end::LinkEnd;

/// How the end of a link was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detection {
    /// The link said so.
    Ended(LinkEnd),
    /// This many beats in a row were not answered.
    Unanswered {
        /// The number of beats.
        beats: u32,
    },
    /// A probe after a network event, a wake or `probe_now` was not answered.
    ProbeUnanswered,
    /// A peer that should beat was silent for too long.
    Silent,
    /// No message came within the application's own limit, though beats may be
    /// answered.
    NoMessage,
    /// The system's own acknowledgements stopped while the reader stalled.
    Unacknowledged,
    /// The local address is gone.
    AddressGone,
    /// The machine slept for so long that the link was not worth a probe.
    Slept,
    /// `reconnect_now` was called.
    Asked,
    /// Another link has taken its place.
    Replaced,
    /// `pause` was called.
    Paused,
    /// We closed the connection.
    Closed,
}

impl Detection {
    /// A short name for logs and tables.
    pub fn name(&self) -> &'static str {
        match self {
            Detection::Ended(LinkEnd::Closed { .. }) => "close",
            Detection::Ended(LinkEnd::Eof) => "fin",
            Detection::Ended(LinkEnd::Reset) => "reset",
            Detection::Ended(LinkEnd::Protocol(_)) => "protocol",
            Detection::Ended(LinkEnd::TooBig { .. }) => "too big",
            Detection::Ended(LinkEnd::Io { .. }) => "i/o error",
            Detection::Ended(LinkEnd::Panicked) => "panic",
            Detection::Unanswered { .. } => "beats unanswered",
            Detection::ProbeUnanswered => "probe unanswered",
            Detection::Silent => "peer silent",
            Detection::NoMessage => "no message",
            Detection::Unacknowledged => "unacknowledged",
            Detection::AddressGone => "address gone",
            Detection::Slept => "slept",
            Detection::Asked => "asked",
            Detection::Replaced => "replaced",
            Detection::Paused => "paused",
            Detection::Closed => "closed by us",
        }
    }
}
