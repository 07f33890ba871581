//! The servers behind one name, and the balancer before them.
//!
//! A server accepts a certain number of attempts a second, one after the
//! other. Those that come while it is busy wait in its listen queue, which
//! holds four seconds' worth: 4,096 at 1,000 a second, which is Linux's
//! `net.core.somaxconn` since 5.4. Beyond it, and while it is down, it refuses.
//! Whoever gives up before its turn has cost it nothing.
//!
//! The balancer goes round the servers that are up. An attempt that waits at a
//! server which goes down is reset.

use std::time::Duration;

/// Nanoseconds of virtual time.
pub type Nanos = u64;

/// A time that never comes.
pub const NEVER: Nanos = Nanos::MAX;

/// A round trip between any client and any server.
pub const ROUND_TRIP: Nanos = 50_000_000;

/// From a server's accepting to the client's having an open link: TLS 1.3 and
/// the upgrade, a round trip each. The dial took one before.
const HANDSHAKE: Nanos = 2 * ROUND_TRIP;

/// How long the last in a full listen queue waits.
pub const LONGEST_WAIT: Nanos = 4_096_000_000;

pub const fn nanos(duration: Duration) -> Nanos {
    // The longest that is asked for are hours.
    duration.as_nanos() as Nanos
}

pub struct Service {
    servers: Vec<Server>,
    /// Between two attempts that one server accepts.
    pace: Nanos,
    /// The longest wait that a queue allows.
    longest_wait: Nanos,
    turn: usize,
}

struct Server {
    is_up: bool,
    /// Counts its starts.
    life: u32,
    /// When all that waits will have been accepted.
    idle_from: Nanos,
}

/// Where a link ends, or an attempt is bound for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub server: u8,
    life: u32,
}

/// The fate of an attempt, as far as it can be known when the attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Refused { at: Nanos },
    GivenUp { at: Nanos },
    Opened { at: Nanos, place: Place },
}

impl Service {
    /// `servers` that each accept `rate` attempts a second.
    pub fn new(servers: u8, rate: f64, longest_wait: Nanos) -> Service {
        let server = |_| Server { is_up: true, life: 0, idle_from: 0 };
        let pace = (1e9 / rate) as Nanos;
        Service { servers: (0..servers).map(server).collect(), pace, longest_wait, turn: 0 }
    }

    /// The next server that is up, whatever it has to do.
    pub fn choose(&mut self) -> Option<Place> {
        let count = self.servers.len();
        let at = (1..=count).map(|step| (self.turn + step) % count).find(|&at| self.servers[at].is_up)?;
        self.turn = at;
        Some(Place { server: at as u8, life: self.servers[at].life })
    }

    /// An attempt of a client that gives up after `patience`.
    pub fn attempt(&mut self, patience: Nanos, now: Nanos) -> Fate {
        let refused = Fate::Refused { at: now + ROUND_TRIP };
        let Some(place) = self.choose() else { return refused };
        let server = &mut self.servers[usize::from(place.server)];
        let turn = server.idle_from.max(now);
        if turn - now > self.longest_wait {
            return refused;
        }
        let opened = turn + self.pace + ROUND_TRIP + HANDSHAKE;
        if opened - now > patience {
            return Fate::GivenUp { at: now + patience };
        }
        server.idle_from = turn + self.pace;
        Fate::Opened { at: opened, place }
    }

    pub fn is_alive(&self, place: Place) -> bool {
        let server = &self.servers[usize::from(place.server)];
        server.is_up && server.life == place.life
    }

    pub fn stop(&mut self, server: u8) {
        self.servers[usize::from(server)].is_up = false;
    }

    pub fn start(&mut self, server: u8, now: Nanos) {
        let server = &mut self.servers[usize::from(server)];
        *server = Server { is_up: true, life: server.life + 1, idle_from: now };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    #[test]
    fn a_server_accepts_at_its_pace_queues_4_s_and_refuses_the_rest() {
        let mut service = Service::new(1, 1000.0, LONGEST_WAIT);
        let fates: Vec<Fate> = (0..5000).map(|_| service.attempt(NEVER, 0)).collect();
        let opened = fates.iter().filter(|fate| matches!(fate, Fate::Opened { .. })).count();
        assert_eq!(opened, 4097);
        assert_eq!(fates[0], Fate::Opened { at: 151_000_000, place: Place { server: 0, life: 0 } });
        assert_eq!(fates[4097], Fate::Refused { at: ROUND_TRIP });
        assert!(matches!(service.attempt(NEVER, SECOND), Fate::Opened { at, .. } if at == 4_248_000_000));
    }

    #[test]
    fn who_gives_up_before_its_turn_costs_nothing() {
        let mut service = Service::new(1, 1.0, LONGEST_WAIT);
        assert!(matches!(service.attempt(NEVER, 0), Fate::Opened { .. }));
        assert_eq!(service.attempt(SECOND, 0), Fate::GivenUp { at: SECOND });
        let Fate::Opened { at, .. } = service.attempt(NEVER, 0) else { panic!("it was not opened") };
        assert_eq!(at, 2 * SECOND + 3 * ROUND_TRIP);
    }

    #[test]
    fn the_balancer_goes_round_those_that_are_up() {
        let mut service = Service::new(3, 1000.0, LONGEST_WAIT);
        service.stop(1);
        let chosen: Vec<u8> = (0..4).filter_map(|_| service.choose()).map(|place| place.server).collect();
        assert_eq!(chosen, [2, 0, 2, 0]);
        let before = service.choose().unwrap();
        service.stop(2);
        service.start(2, SECOND);
        assert!(!service.is_alive(before), "what was there before a restart is gone");
        for server in 0..3 {
            service.stop(server);
        }
        assert_eq!(service.attempt(NEVER, 0), Fate::Refused { at: ROUND_TRIP });
    }
}
