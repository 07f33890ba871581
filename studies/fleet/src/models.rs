//! The schedules of others, modelled from their sources as they were in August
//! 2026, each with its defaults. Only what decides when an attempt is made is
//! in a model: the waits, how long an attempt may take, and what is done when
//! the host says that the network is there again.

mod browsers;
mod services;

use std::time::Duration;

use crate::chance::Chance;
use crate::client::{Act, Client, What, Wish};
use crate::service::{NEVER, Nanos, nanos};

/// How somebody comes back.
#[derive(Debug)]
pub struct Model {
    pub name: &'static str,
    /// The wait before an attempt; `None` gives up.
    delay: fn(&mut Waits, &mut Chance) -> Option<Duration>,
    /// How long an attempt may take.
    patience: Option<Duration>,
    /// Whether it dials at once when the host says that the network is there.
    hears_online: bool,
}

/// All of them.
pub static ALL: [Model; 12] = [
    browsers::SOCKET_IO,
    browsers::PHOENIX,
    browsers::SIGNALR,
    browsers::ABLY,
    browsers::CENTRIFUGE,
    browsers::PARTYSOCKET,
    services::NATS,
    services::GRPC,
    services::AWS_IOT,
    services::AWS_DECORRELATED,
    services::FIXED,
    services::FIXED_TOLD,
];

/// The memory of a schedule.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    /// The attempt that is waited for, from 1, since a link was in use.
    number: u32,
    /// The wait before, or what is drawn once for a client, in seconds; zero
    /// at first.
    kept: f32,
}

/// A client that comes back as a model does.
#[derive(Debug)]
pub struct Follower {
    model: &'static Model,
    waits: Waits,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connected,
    Waiting { until: Nanos },
    Dialling,
    GivenUp,
}

impl Follower {
    pub fn new(model: &'static Model) -> Follower {
        Follower { model, waits: Waits::default(), phase: Phase::Connected }
    }

    fn wait(&mut self, chance: &mut Chance, now: Nanos) {
        self.waits.number += 1;
        self.phase = match (self.model.delay)(&mut self.waits, chance) {
            Some(delay) => Phase::Waiting { until: now + nanos(delay) },
            None => Phase::GivenUp,
        };
    }
}

impl Client for Follower {
    const LIVES: bool = false;

    fn patience(&self) -> Nanos {
        self.model.patience.map_or(NEVER, nanos)
    }

    fn handle(&mut self, what: What, chance: &mut Chance, now: Nanos) -> Wish {
        let mut act = Act::Nothing;
        match (what, self.phase) {
            (What::Lost(_), Phase::Connected) | (What::Failed(_), Phase::Dialling) => self.wait(chance, now),
            (What::Due, Phase::Waiting { until }) if until <= now => {
                self.phase = Phase::Dialling;
                act = Act::Dial;
            }
            (What::Online, Phase::Waiting { .. }) if self.model.hears_online => {
                self.phase = Phase::Dialling;
                act = Act::Dial;
            }
            (What::Opened, Phase::Dialling) => {
                self.waits.number = 0;
                self.phase = Phase::Connected;
            }
            (_, Phase::Connected | Phase::Waiting { .. } | Phase::Dialling | Phase::GivenUp) => {}
        }
        let due = match self.phase {
            Phase::Waiting { until } => until,
            Phase::Connected | Phase::Dialling | Phase::GivenUp => NEVER,
        };
        Wish { act, due }
    }
}

/// Evenly between two numbers of seconds.
fn between(low: f64, high: f64, chance: &mut Chance) -> f64 {
    low + (high - low) * chance.unit()
}

fn secs(seconds: f64) -> Option<Duration> {
    Some(Duration::from_secs_f64(seconds))
}
