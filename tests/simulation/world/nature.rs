//! The nature of a world.

use std::time::Duration;

use longlink::Beat;

/// The treatment of a flow that was idle for too long by a middlebox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Forgets it; later packets vanish, both ways.
    Silent,
    /// Forgets it, and says RST to the client at that moment.
    Rst,
    /// Forgets it, and answers the client's next packet with RST.
    RstLate,
    /// Says FIN to the client at that moment.
    Fin,
}

impl Expiry {
    pub const ALL: [Expiry; 4] = [Expiry::Silent, Expiry::Rst, Expiry::RstLate, Expiry::Fin];

    /// Whether the middlebox says RST to a client whose flow it forgot.
    pub(super) fn answers(self) -> bool {
        match self {
            Expiry::Silent => false,
            Expiry::Rst | Expiry::RstLate | Expiry::Fin => true,
        }
    }

    /// Whether the client hears of it at that moment.
    pub(super) fn speaks(self) -> bool {
        match self {
            Expiry::Silent | Expiry::RstLate => false,
            Expiry::Rst | Expiry::Fin => true,
        }
    }
}

/// When the server has something to say on the user's link. It waits for
/// nothing: what it says while there is no link is not sent.
#[derive(Clone, Debug)]
pub enum Traffic {
    /// Never.
    None,
    /// At these times, in order.
    At(Vec<Duration>),
    /// At random, on average once in this time.
    Poisson(Duration),
}

/// The nature of a world. Times count from its beginning.
#[derive(Clone, Debug)]
pub struct Nature {
    /// The idle timeout from each point in time on; the first is at zero.
    pub timeouts: Vec<(Duration, Duration)>,
    pub expiry: Expiry,
    pub rtt: Duration,
    /// The time of a dial beside its round trip: slow names, proxies.
    pub dial: Duration,
    /// From the client to the middlebox, one way.
    pub edge: Duration,
    /// The probability that a packet of the client is lost.
    pub loss: f64,
    /// When the server restarts, in order, and for how long it is down then.
    pub restarts: Vec<(Duration, Duration)>,
    /// When the path is down, and for how long; in order, apart.
    pub outages: Vec<(Duration, Duration)>,
    pub traffic: Traffic,
    /// Who beats on a link.
    pub beat: Beat,
}

impl Nature {
    /// A steady path with one idle timeout, over which nothing is said.
    pub fn steady(timeout: Duration, expiry: Expiry) -> Nature {
        Nature {
            timeouts: vec![(Duration::ZERO, timeout)],
            expiry,
            rtt: Duration::from_millis(50),
            dial: Duration::ZERO,
            edge: Duration::from_millis(10),
            loss: 0.0,
            restarts: Vec::new(),
            outages: Vec::new(),
            traffic: Traffic::None,
            beat: Beat::Ping,
        }
    }

    pub fn with_loss(self, loss: f64) -> Nature {
        Nature { loss, ..self }
    }

    pub fn with_traffic(self, traffic: Traffic) -> Nature {
        Nature { traffic, ..self }
    }

    /// When a flow over which a byte passed at `passed`, and none since, is
    /// forgotten.
    pub(super) fn forgets(&self, passed: Duration) -> Duration {
        let later = self.timeouts.partition_point(|&(from, _)| from <= passed);
        let mut due = passed + self.timeouts[later - 1].1;
        for &(from, timeout) in &self.timeouts[later..] {
            if due <= from {
                break;
            }
            due = from.max(passed + timeout);
        }
        due
    }

    pub(super) fn path_down(&self, at: Duration) -> bool {
        within(&self.outages, at)
    }

    pub(super) fn server_down(&self, at: Duration) -> bool {
        within(&self.restarts, at)
    }
}

fn within(spans: &[(Duration, Duration)], at: Duration) -> bool {
    let later = spans.partition_point(|&(from, _)| from <= at);
    later > 0 && at < spans[later - 1].0 + spans[later - 1].1
}
