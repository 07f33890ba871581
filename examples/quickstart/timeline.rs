//! The events, told line by line as they happen.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Who a line is about.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    /// The demonstration itself.
    Story,
    /// The network between.
    Relay,
    /// The echo server.
    Server,
    /// The application that uses longlink.
    App,
    /// longlink.
    Longlink,
}

/// Counts the time from its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    start: Instant,
}

impl Timeline {
    /// It is zero now.
    pub fn start() -> Timeline {
        Timeline { start: Instant::now() }
    }

    /// Tells of something that happens now.
    pub fn tell(&self, who: Who, what: impl Display) {
        self.tell_of(Instant::now(), who, what);
    }

    /// Tells of something that happened at `at`.
    pub fn tell_of(&self, at: Instant, who: Who, what: impl Display) {
        let seconds = at.saturating_duration_since(self.start).as_secs_f64();
        let who = match who {
            Who::Story => "",
            Who::Relay => "relay",
            Who::Server => "server",
            Who::App => "app",
            Who::Longlink => "longlink",
        };
        println!("{seconds:8.3}  {who:<8}  {what}");
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}
