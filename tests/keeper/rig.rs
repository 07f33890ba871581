//! A keeper in virtual time, with a server that does what the test says; every
//! output is written down with the instant at which it came.

#![allow(dead_code, reason = "each test file uses its part of it")]

use std::time::Duration;

use longlink::keeper::{Config, Input, Output};
use longlink::testing::VirtualKeeper;
use longlink::{Beat, Failure, Heartbeat, Reconnect, Token};

mod happens;
mod seen;
mod time;

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// No instants. An empty array literal would leave open what it is that durations
/// are compared with, where other crates have durations of their own.
pub const NEVER: [Duration; 0] = [];

/// The round trip of a bench link, unless a test says otherwise.
pub const RTT: Duration = millis(50);

/// How long a bench link took to open, login included: too long to say
/// anything of its round trip.
pub const LOGIN: Duration = secs(3);

/// The defaults but for the heartbeat.
pub fn with_heartbeat(heartbeat: Heartbeat) -> Config {
    let mut config = Config::default();
    config.heartbeat = heartbeat;
    config
}

/// The defaults but for the reconnect policy.
pub fn with_reconnect(reconnect: Reconnect) -> Config {
    let mut config = Config::default();
    config.reconnect = reconnect;
    config
}

pub struct Rig {
    pub keeper: VirtualKeeper,
    /// The last beat on a link to be used, which may be gone.
    pub token: Option<Token>,
    /// The server's own actions while time passes.
    pub answers_at_once: bool,
    pub refuses: bool,
    /// All outputs since the last [`Rig::forget`], with their instants.
    pub log: Vec<(Duration, Output)>,
}

impl Rig {
    /// Started: the first attempt is under way, at the origin.
    pub fn new(config: Config, seed: u64) -> Rig {
        let keeper = VirtualKeeper::new(config, seed);
        let mut rig = Rig { keeper, token: None, answers_at_once: false, refuses: false, log: Vec::new() };
        rig.tell(Input::Start);
        rig
    }

    /// With a link in use since the origin.
    pub fn connected(config: Config, seed: u64) -> Rig {
        let mut rig = Rig::new(config, seed);
        rig.open(Beat::Ping);
        rig
    }

    /// With a link in use, by the defaults but for the heartbeat.
    pub fn beating(heartbeat: Heartbeat) -> Rig {
        Rig::connected(with_heartbeat(heartbeat), 1)
    }

    /// With a link in use and a fixed interval, so that only liveness is at work.
    pub fn fixed(seconds: u64) -> Rig {
        Rig::beating(Heartbeat::fixed(secs(seconds)))
    }

    /// Started, by the defaults but for the reconnect policy.
    pub fn dialling(reconnect: Reconnect, seed: u64) -> Rig {
        Rig::new(with_reconnect(reconnect), seed)
    }

    /// Waiting for a late attempt: at least 20 s are left.
    pub fn waiting(seed: u64) -> Rig {
        Rig::waiting_after(Failure::Unreachable, seed)
    }

    /// The same, after attempts that all failed in this way.
    pub fn waiting_after(failure: Failure, seed: u64) -> Rig {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        loop {
            rig.fail(failure.clone());
            if rig.delay() >= secs(20) {
                rig.forget();
                return rig;
            }
            rig.until_opening();
        }
    }

    /// With a link in use that has just been heard.
    pub fn linked() -> Rig {
        let mut rig = Rig::beating(Heartbeat::fixed(secs(300)));
        rig.beat_answered(RTT);
        rig.pass(secs(10));
        rig.forget();
        rig
    }
}
