//! Models of what others do, each from a public source that its file names.
//!
//! A model is a [`Policy`]: when to beat, when to call a link dead, what to
//! make of it. [`Model`] does the rest, the same for all: one link, opened
//! anew at once when it is lost, then after 1, 2, 4 … up to 60 s; an attempt
//! may take 15 s. So what is compared is the heartbeat, not the reconnecting.

mod every;
mod five_slow_misses;
mod mars;
mod microg;
mod mozilla_push;

use std::collections::VecDeque;
use std::time::Duration;

pub use every::Every;
pub use five_slow_misses::FiveSlowMisses;
pub use mars::Mars;
pub use microg::MicroG;
pub use mozilla_push::MozillaPush;

use crate::world::client::{Act, Client, End, Link};

/// An attempt may take this long.
const ATTEMPT: Duration = Duration::from_secs(15);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How a model beats on one link after another.
pub trait Policy {
    /// A link is there.
    fn connected(&mut self, now: Duration);
    /// A beat was answered.
    fn answered(&mut self, now: Duration);
    /// A message came in.
    fn heard(&mut self, now: Duration);
    /// The time of [`Policy::next`] has come.
    fn due(&mut self, now: Duration) -> Due;
    /// The link is gone, though the policy did not call it dead.
    fn ended(&mut self, end: End);
    /// When something is due on the present link.
    fn next(&self) -> Duration;
    fn interval(&self) -> Duration;
}

/// An action of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Beat,
    /// The link is dead.
    Dead,
}

/// A client that follows a policy.
pub struct Model<P> {
    policy: P,
    state: State,
    links: Link,
    tokens: u64,
    /// Attempts that failed since the last link.
    failures: u32,
    acts: VecDeque<Act>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Waiting { until: Duration },
    Opening { link: Link, deadline: Duration },
    Connected { link: Link },
}

impl<P: Policy> Model<P> {
    pub fn new(policy: P) -> Model<P> {
        let state = State::Waiting { until: Duration::ZERO };
        Model { policy, state, links: 0, tokens: 0, failures: 0, acts: VecDeque::new() }
    }

    fn open(&mut self, now: Duration) {
        self.links += 1;
        self.state = State::Opening { link: self.links, deadline: now + ATTEMPT };
        self.acts.push_back(Act::Open(self.links));
    }

    fn failed(&mut self, now: Duration) {
        let wait = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST_WAIT);
        self.failures += 1;
        self.state = State::Waiting { until: now + wait };
    }

    fn lost(&mut self, how: &'static str, now: Duration) {
        self.acts.push_back(Act::Lost(how));
        self.failures = 0;
        self.open(now);
    }

    fn is_link(&self, link: Link) -> bool {
        matches!(self.state, State::Connected { link: connected } if connected == link)
    }
}

impl<P: Policy> Client for Model<P> {
    fn start(&mut self, now: Duration) {
        self.open(now);
    }

    fn opened(&mut self, link: Link, _dial: Duration, _took: Duration, now: Duration) {
        self.failures = 0;
        self.state = State::Connected { link };
        self.acts.push_back(Act::Use(link));
        self.policy.connected(now);
    }

    fn open_failed(&mut self, _link: Link, now: Duration) {
        self.failed(now);
    }

    fn answered(&mut self, link: Link, _token: u64, now: Duration) {
        if self.is_link(link) {
            self.policy.answered(now);
        }
    }

    fn heard(&mut self, link: Link, now: Duration) {
        if self.is_link(link) {
            self.policy.heard(now);
        }
    }

    fn ended(&mut self, link: Link, end: End, now: Duration) {
        if self.is_link(link) {
            self.policy.ended(end);
            let how = match end {
                End::Fin => "fin",
                End::Rst => "reset",
            };
            self.lost(how, now);
        }
    }

    fn timeout(&mut self, now: Duration) {
        match self.state {
            State::Waiting { until } if until <= now => self.open(now),
            State::Opening { link, deadline } if deadline <= now => {
                self.acts.push_back(Act::Abandon(link));
                self.failed(now);
            }
            State::Connected { link } if self.policy.next() <= now => match self.policy.due(now) {
                Due::Beat => {
                    self.tokens += 1;
                    self.acts.push_back(Act::Beat(link, self.tokens));
                }
                Due::Dead => {
                    self.acts.push_back(Act::Abandon(link));
                    self.lost("beats unanswered", now);
                }
            },
            State::Waiting { .. } | State::Opening { .. } | State::Connected { .. } => {}
        }
    }

    fn poll_act(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    fn poll_timeout(&self) -> Option<Duration> {
        Some(match self.state {
            State::Waiting { until } => until,
            State::Opening { deadline, .. } => deadline,
            State::Connected { .. } => self.policy.next(),
        })
    }

    fn interval(&self, _now: Duration) -> Duration {
        self.policy.interval()
    }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{DAY, Record};
    use crate::world::{Expiry, Nature, World};

    fn live(policy: impl Policy, timeout: u64, expiry: Expiry, days: u32) -> Record {
        let nature = Nature::steady(secs(timeout), expiry);
        let mut world = World::new(&nature, Model::new(policy), 1);
        world.run_to(days * DAY);
        world.record()
    }

    fn settled(record: &Record) -> f64 {
        record.settled.map_or(0.0, |settled| settled.interval.as_secs_f64())
    }

    /// As reckoned from the source by others: drops in 56 days, where it
    /// settles, beats a day.
    #[test]
    fn mars_does_what_its_source_does() {
        let rows = [
            (240, 16, 210.0, 412.0),
            (300, 16, 250.0, 346.0),
            (350, 16, 310.0, 279.0),
            (500, 16, 430.0, 202.0),
            (600, 0, 580.0, 149.0),
            (7200, 0, 580.0, 149.0),
        ];
        for (timeout, drops, interval, beats) in rows {
            let record = live(Mars::default(), timeout, Expiry::Silent, 56);
            assert_eq!(record.drops.len(), drops, "{timeout}");
            assert_eq!(settled(&record), interval, "{timeout}");
            let beats_a_day = record.beats_a_day();
            assert!((beats_a_day / beats - 1.0).abs() < 0.01, "{timeout}: {beats_a_day}");
        }
        for timeout in [60, 120, 200] {
            let record = live(Mars::default(), timeout, Expiry::Silent, 56);
            assert!(record.drops.len().abs_diff(22_195) < 100, "{timeout}: {}", record.drops.len());
        }
    }

    #[test]
    fn mozilla_push_grows_by_half_and_never_goes_below_three_minutes() {
        // 180, 270, then 405 fails twice.
        let record = live(MozillaPush::default(), 300, Expiry::Silent, 7);
        assert_eq!((record.drops.len(), settled(&record)), (2, 270.0));
        let record = live(MozillaPush::default(), 7200, Expiry::Silent, 7);
        assert_eq!((record.drops.len(), settled(&record)), (0, 1366.875));
        let record = live(MozillaPush::default(), 60, Expiry::Silent, 1);
        assert!(record.drops.len().abs_diff(86_400 / 190) < 3, "{}", record.drops.len());
    }

    #[test]
    fn microg_creeps_up_and_stays_between_five_and_thirty_minutes() {
        let record = live(MicroG::default(), 7200, Expiry::Silent, 7);
        assert_eq!((record.drops.len(), settled(&record)), (0, 1800.0));
        // Up by a fiftieth until a reset, down by a twentieth, for ever.
        let record = live(MicroG::default(), 900, Expiry::RstLate, 7);
        assert!((100..400).contains(&record.drops.len()), "{}", record.drops.len());
        let record = live(MicroG::default(), 60, Expiry::Silent, 1);
        assert_eq!(record.drops.len(), 143, "each takes 600.15 s");
    }

    #[test]
    fn five_slow_misses_take_six_intervals_to_notice() {
        let record = live(FiveSlowMisses::default(), 60, Expiry::Silent, 1);
        assert_eq!(record.drops[0].at, secs(6 * 285) + Duration::from_millis(150));
        assert_eq!(record.beats / 5, record.drops.len() as u64);
    }

    #[test]
    fn a_server_that_is_down_is_tried_again_ever_more_rarely() {
        let mut nature = Nature::steady(secs(600), Expiry::Silent);
        nature.restarts.push((secs(100), secs(100)));
        let mut world = World::new(&nature, Model::new(Every::thirty_seconds()), 1);
        world.run_to(secs(400));
        let record = world.record();
        assert_eq!(record.drops.len(), 1);
        // At once and after 1, 2, 4, 8, 16, 32 s it is down, after 60 s more not.
        assert!((secs(123)..secs(125)).contains(&record.longest_break), "{record:?}");
    }
}
