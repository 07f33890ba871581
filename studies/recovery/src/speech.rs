//! The messages of a client's application.

use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// How often a client says something by itself.
pub const SAY: Duration = Duration::from_secs(1);

/// A number every [`SAY`], or nothing ever.
#[derive(Debug)]
pub struct Speech {
    pace: Option<Interval>,
    said: u64,
}

impl Speech {
    pub fn new(speaks: bool) -> Speech {
        let pace = speaks.then(|| {
            let mut pace = interval_at(Instant::now() + SAY, SAY);
            pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
            pace
        });
        Speech { pace, said: 0 }
    }

    /// The next number, when it is time. Cancel safe.
    pub async fn next(&mut self) -> u64 {
        match &mut self.pace {
            Some(pace) => pace.tick().await,
            None => std::future::pending().await,
        };
        self.said += 1;
        self.said
    }

    /// The next number, if it is time.
    pub fn due(&mut self) -> Option<u64> {
        self.next().now_or_never()
    }
}
