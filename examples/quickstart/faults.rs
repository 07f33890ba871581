//! The faults by name, and how soon each must be noticed and survived.

use std::fmt;
use std::time::Duration;

use crate::args::SCALE;

/// A fault that the network, the server or the application makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The NAT silently forgets the idle flow, while the client is learning.
    NatExpiry,
    /// Bytes are accepted and none answered.
    HalfOpen,
    /// A TCP reset.
    Reset,
    /// The server says that it restarts.
    Close1012,
    /// Flows end and dials are refused for 2 s.
    ServerDown,
    /// Three times in a row the upgrade succeeds and the link ends at once.
    AcceptThenClose,
    /// No network for 3 s, as the host reports; it forgets the old flow.
    OfflineOnline,
    /// The application reads nothing for 3 s while the server pushes.
    ReaderStall,
}

/// How soon a fault must be noticed, and how soon all must be well again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// From its beginning to the fact that tells of it.
    pub noticed: Duration,
    /// From then, or from the end of the fault if that is later, to the next
    /// echo.
    pub back: Duration,
    /// From its beginning: sooner would hurt the server.
    pub not_before: Duration,
}

/// Granted on top of the keeper's own deadlines, for the machine.
const GRACE: Duration = Duration::from_millis(500);

impl Fault {
    /// Those that are ordered once the NAT's timeout was learned.
    pub const ORDERED: [Fault; 7] = [
        Fault::HalfOpen,
        Fault::Reset,
        Fault::Close1012,
        Fault::ServerDown,
        Fault::AcceptThenClose,
        Fault::OfflineOnline,
        Fault::ReaderStall,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::NatExpiry => "nat_expiry",
            Fault::HalfOpen => "half_open",
            Fault::Reset => "reset",
            Fault::Close1012 => "close_1012",
            Fault::ServerDown => "server_down",
            Fault::AcceptThenClose => "accept_then_close",
            Fault::OfflineOnline => "offline_online",
            Fault::ReaderStall => "reader_stall",
        }
    }

    /// How long it lasts, where it does not strike once.
    pub const fn lasts(self) -> Duration {
        match self {
            Fault::ServerDown => Duration::from_secs(2),
            Fault::OfflineOnline | Fault::ReaderStall => Duration::from_secs(3),
            Fault::NatExpiry | Fault::HalfOpen | Fault::Reset | Fault::Close1012 | Fault::AcceptThenClose => {
                Duration::ZERO
            }
        }
    }

    /// How many links it costs at most.
    pub const fn links(self) -> u64 {
        match self {
            Fault::ReaderStall => 0,
            Fault::AcceptThenClose => 4,
            Fault::NatExpiry
            | Fault::HalfOpen
            | Fault::Reset
            | Fault::Close1012
            | Fault::ServerDown
            | Fault::OfflineOnline => 1,
        }
    }

    /// The keeper's own deadlines for it, and the grace.
    pub fn bound(self, nat_timeout: Duration, interval: Duration) -> Bound {
        // Five unanswered beats span 10 deadlines, and a deadline is at most 5 s.
        let five_misses = scaled(50.0);
        // The first retry after a proved link comes within 1 s at most, and
        // within 50 ms where the end was this client's alone.
        let first_retry = scaled(1.0);
        let (noticed, back) = match self {
            // The gap that is one too long is at most 1.71 times the one
            // before (34 to 58 s), which survived, so it exceeds the timeout
            // by at most 0.71 of it. Then the beat goes out, into nowhere.
            Fault::NatExpiry => (nat_timeout.mul_f64(0.71) + five_misses, first_retry),
            // At worst a whole interval passes before the next beat is due.
            Fault::HalfOpen => (interval + five_misses, first_retry),
            // The system tells at once.
            Fault::Reset => (Duration::ZERO, first_retry),
            // 1012 asks a fleet to come back spread over 5 to 30 s.
            Fault::Close1012 => (Duration::ZERO, scaled(30.0)),
            // When the server is back, the delay that is running is the
            // longest there is, at worst: 60 s.
            Fault::ServerDown => (Duration::ZERO, scaled(60.0)),
            // A link counts as proved after 30 s, so three that end at once
            // are failures: the delays grow, 1 + 1 + 2 + 4 s at most.
            Fault::AcceptThenClose => (Duration::ZERO, scaled(1.0 + 1.0 + 2.0 + 4.0)),
            // Offline, the link is kept. Online again, it is probed, with 3 s
            // to answer; a retry that is running shrinks to 1 s at most.
            Fault::OfflineOnline => (self.lasts() + scaled(3.0), scaled(1.0)),
            // It is told once the inbox has been full for 1 s, and the inbox
            // is full after the first tenth of a second.
            Fault::ReaderStall => (Duration::from_millis(100) + Duration::from_secs(1), Duration::ZERO),
        };
        Bound { noticed: noticed + GRACE, back: back + GRACE, not_before: self.not_before() }
    }

    fn not_before(self) -> Duration {
        match self {
            // The least that 1012 asks for.
            Fault::Close1012 => scaled(5.0),
            // Three links that were not proved: three delays of 0.5 s at least.
            Fault::AcceptThenClose => scaled(3.0 * 0.5),
            // It lasts until then.
            Fault::ServerDown | Fault::OfflineOnline | Fault::ReaderStall => self.lasts(),
            Fault::NatExpiry | Fault::HalfOpen | Fault::Reset => Duration::ZERO,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A time given in seconds of the real world, at the demonstration's scale.
pub fn scaled(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds * SCALE)
}
