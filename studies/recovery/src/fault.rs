//! The faults of an established link.

use std::time::Duration;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// A TCP reset, as from a process that crashed.
    Reset,
    /// A TCP FIN without a WebSocket Close before it, as from a proxy that
    /// was stopped.
    Fin,
    /// A WebSocket Close with code 1012, "service restart".
    Close1012,
    /// The server neither reads nor writes any more, and TCP stays open; new
    /// links are served. The client goes on sending.
    HalfOpen,
    /// The same, with a client that only listens.
    HalfOpenListening,
    /// The link is reset and nobody listens for 3 s.
    ServerDown,
    /// The link is reset and every dial is refused for 10 s, as where the
    /// system drops the sockets of a network that is gone.
    NetworkAway,
    /// The link falls silent for good and every dial is refused for 10 s, as
    /// where a host leaves one network and comes into another.
    NetworkMoved,
    /// No fault at all: the server has nothing to say, and answers pings. Who
    /// drops the link has taken silence for death.
    Quiet,
}

/// The blow to the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    Reset,
    Fin,
    Close,
    Silence,
    Quiet,
}

impl Fault {
    pub const ALL: [Fault; 9] = [
        Fault::Reset,
        Fault::Fin,
        Fault::Close1012,
        Fault::HalfOpen,
        Fault::HalfOpenListening,
        Fault::ServerDown,
        Fault::NetworkAway,
        Fault::NetworkMoved,
        Fault::Quiet,
    ];

    /// In the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Reset => "reset",
            Fault::Fin => "fin",
            Fault::Close1012 => "close_1012",
            Fault::HalfOpen => "half_open",
            Fault::HalfOpenListening => "half_open_listening",
            Fault::ServerDown => "server_down_3s",
            Fault::NetworkAway => "network_away_10s",
            Fault::NetworkMoved => "network_moved_10s",
            Fault::Quiet => "quiet",
        }
    }

    /// In the tables.
    pub fn title(self) -> &'static str {
        match self {
            Fault::Reset => "RST",
            Fault::Fin => "FIN",
            Fault::Close1012 => "Close 1012",
            Fault::HalfOpen => "half-open, client sends",
            Fault::HalfOpenListening => "half-open, client listens",
            Fault::ServerDown => "server down 3 s",
            Fault::NetworkAway => "away 10 s, link cut",
            Fault::NetworkMoved => "away 10 s, link silent",
            Fault::Quiet => "healthy, nothing said",
        }
    }

    /// The blow to the link.
    pub fn blow(self) -> Blow {
        match self {
            Fault::Reset | Fault::ServerDown | Fault::NetworkAway => Blow::Reset,
            Fault::Fin => Blow::Fin,
            Fault::Close1012 => Blow::Close,
            Fault::HalfOpen | Fault::HalfOpenListening | Fault::NetworkMoved => Blow::Silence,
            Fault::Quiet => Blow::Quiet,
        }
    }

    /// About how long dials are refused.
    pub fn away(self) -> Option<Duration> {
        match self {
            Fault::ServerDown => Some(Duration::from_secs(3)),
            Fault::NetworkAway | Fault::NetworkMoved => Some(Duration::from_secs(10)),
            Fault::Reset
            | Fault::Fin
            | Fault::Close1012
            | Fault::HalfOpen
            | Fault::HalfOpenListening
            | Fault::Quiet => None,
        }
    }

    /// Whether the fault is the client's network, of which its host could
    /// tell it.
    pub fn is_of_the_network(self) -> bool {
        matches!(self, Fault::NetworkAway | Fault::NetworkMoved)
    }

    /// Whether nothing tells the client but that nothing comes.
    pub fn is_silent(self) -> bool {
        matches!(self.blow(), Blow::Silence | Blow::Quiet)
    }

    /// Whether the client sends by itself, beside what it receives.
    pub fn client_speaks(self) -> bool {
        !matches!(self, Fault::HalfOpenListening | Fault::Quiet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_name_of_its_own() {
        let mut names: Vec<_> = Fault::ALL.iter().flat_map(|fault| [fault.name(), fault.title()]).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 2 * Fault::ALL.len());
    }
}
