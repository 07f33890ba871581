//! The heartbeat's settings.

use std::time::Duration;

use super::scaling::times;
use crate::keeper::invalid::Invalid;

/// First interval of an unknown network: 27 s, just below 30 s, the shortest
/// timeout that is common.
pub(super) const START: Duration = Duration::from_secs(27);
/// Shortest interval: 10 s, the floor of Pusher's and gRPC's clients.
pub(super) const MIN: Duration = Duration::from_secs(10);
/// Longest interval: 285 s, the figure of WhatsApp and WeChat. A death is
/// noticed within about five minutes even if nothing else happens; a timeout
/// above 300 s is not used to the full.
pub(super) const MAX: Duration = Duration::from_secs(285);
/// [`Heartbeat::frugal`]'s longest interval: 30 minutes.
pub(super) const MAX_FRUGAL: Duration = Duration::from_secs(1800);
/// [`Heartbeat::prompt`]'s interval: 15 s.
pub(super) const PROMPT: Duration = Duration::from_secs(15);
/// The time from settling to the first recheck on the link in use: 7 days. A
/// recheck there costs a link if the timeout has not grown.
pub(in crate::keeper) const RECHECK_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);
/// The same where scouts recheck: a day. A scout's recheck never costs the link in use.
pub(in crate::keeper) const RECHECK_AFTER_SCOUTS: Duration = Duration::from_secs(24 * 3600);
/// Unanswered beats in a row that mean death: 5. A slow answer has time to come, and
/// follow-ups come fast, so that a death is noticed soon.
pub(super) const MISSES: u32 = 5;

/// When to beat, and how many unanswered beats are a death.
///
/// | | default | why |
/// |---|---|---|
/// | `probing` | [`Probing::Main`] | learns the path's idle timeout |
/// | `start` | 27 s | below the shortest common timeout, 30 s |
/// | `min` | 10 s | the floor of Pusher's and gRPC's clients |
/// | `max` | 285 s | death noticed in five minutes even if nothing happens |
/// | `misses` | 5 | patient, and quick because follow-ups come fast |
/// | `growth` | [`Growth::Ladder`] | rungs just below the timeouts the world uses |
/// | `recheck_after` | 7 days; 1 day with scouts | a recheck of a timeout that has not grown costs a link, or a scout |
///
/// Five misses span 10 s at a round trip up to about a second, 50 s at worst.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    pub(crate) mode: Mode,
    pub(crate) start: Duration,
    pub(crate) min: Duration,
    pub(crate) max: Duration,
    pub(crate) misses: u32,
    pub(crate) growth: Growth,
    pub(crate) recheck_after: Option<Duration>,
    pub(crate) scale: f64,
}

/// How the idle timeout is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probing {
    /// On the link in use: its gaps grow until one kills it. The default.
    Main,
    /// On side links to the same place, at most three at once, which stay
    /// silent for a while and then beat once: the link in use is never
    /// risked. The link in use beats at `min` until a scout has proved more.
    ///
    /// Scouts are opened by the transport without the login hook, and by
    /// default without credentials. Where a second link is refused, by
    /// `overlap(false)`, by the transport or by the server, this is
    /// [`Probing::Passive`] and
    /// [`Event::ScoutsRefused`](crate::Event::ScoutsRefused) says so.
    /// A server that ends the link in use twice in a row when a scout comes
    /// counts as one that refuses; after a day it is tried again. Say
    /// `overlap(false)` where sessions are known to be exclusive.
    Scout,
    /// Only from gaps that happen anyway.
    Passive,
}

/// Where the interval comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The prober learns it.
    Learns(Probing),
    /// The interval is always `start`.
    Fixed,
    /// There is no interval: no beats.
    Off,
}

/// How the next longer gap is chosen while learning.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Growth {
    /// Rungs just below the idle timeouts that the world uses. The default.
    Ladder,
    /// Each gap is this many times the one before; above 1.
    Factor(f64),
    /// Each gap is longer than the one before by this much (the classic).
    Step(Duration),
}

impl Default for Heartbeat {
    fn default() -> Heartbeat {
        Heartbeat::adaptive()
    }
}

impl Heartbeat {
    /// The default: learns on the link in use, up to 285 s.
    pub fn adaptive() -> Heartbeat {
        Heartbeat {
            mode: Mode::Learns(Probing::Main),
            start: START,
            min: MIN,
            max: MAX,
            misses: MISSES,
            growth: Growth::Ladder,
            recheck_after: None,
            scale: 1.0,
        }
    }

    /// Notices death within half a minute: a fixed interval of 15 s.
    pub fn prompt() -> Heartbeat {
        Heartbeat::fixed(PROMPT)
    }

    /// As seldom as the path allows, up to 30 minutes.
    pub fn frugal() -> Heartbeat {
        Heartbeat { max: MAX_FRUGAL, ..Heartbeat::adaptive() }
    }

    /// Always the same interval; nothing is learned.
    pub fn fixed(interval: Duration) -> Heartbeat {
        Heartbeat {
            mode: Mode::Fixed,
            start: interval,
            min: interval,
            max: interval,
            ..Heartbeat::adaptive()
        }
    }

    /// No beats of our own. The link lives until its transport reports its end,
    /// or until a probe after a network event is not answered.
    pub fn off() -> Heartbeat {
        Heartbeat { mode: Mode::Off, ..Heartbeat::adaptive() }
    }

    /// Multiplies every duration by `factor`: those that were set before this
    /// call (`start`, `min`, `max`, a step of `growth`, `recheck_after`), and
    /// the rungs, margins, deadlines, the late-timer limit, rechecks and doubts.
    /// Durations that are set after this call stay as they are given.
    /// `scaled(1.0 / 20.0)` makes of a NAT timeout of 3 s what one of 60 s is
    /// at 1. For tests and demonstrations.
    pub fn scaled(mut self, factor: f64) -> Heartbeat {
        for duration in [&mut self.start, &mut self.min, &mut self.max] {
            *duration = times(*duration, factor);
        }
        self.recheck_after = self.recheck_after.map(|after| times(after, factor));
        if let Growth::Step(step) = self.growth {
            self.growth = Growth::Step(times(step, factor));
        }
        self.scale *= factor;
        self
    }

    /// How the idle timeout is learned. Default: [`Probing::Main`].
    ///
    /// The last call decides: after [`off`](Heartbeat::off) or
    /// [`fixed`](Heartbeat::fixed) the heartbeat beats and learns again. After
    /// `fixed` the interval still has no room, because `start`, `min` and `max`
    /// are equal: set those too.
    pub fn probing(mut self, probing: Probing) -> Heartbeat {
        self.mode = Mode::Learns(probing);
        self
    }

    /// The first interval on an unknown network. Default: 27 s.
    pub fn start(mut self, start: Duration) -> Heartbeat {
        self.start = start;
        self
    }

    /// The shortest interval. Default: 10 s.
    pub fn min(mut self, min: Duration) -> Heartbeat {
        self.min = min;
        self
    }

    /// The longest gap to try. Default: 285 s.
    pub fn max(mut self, max: Duration) -> Heartbeat {
        self.max = max;
        self
    }

    /// Unanswered beats in a row that are a death, 1 to 16. Default: 5.
    pub fn misses(mut self, misses: u32) -> Heartbeat {
        self.misses = misses;
        self
    }

    /// How gaps grow while learning. Default: [`Growth::Ladder`].
    pub fn growth(mut self, growth: Growth) -> Heartbeat {
        self.growth = growth;
        self
    }

    /// The time from settling to the first recheck: the prober tries a gap just
    /// above the one that failed, which finds a timeout that has grown and undoes
    /// a wrong conclusion. Rechecks that fail become rarer, up to 8 times this
    /// (28 times with scouts). Without scouts, where the failure rests on one
    /// ambiguous observation, the first recheck comes after a seventh of this.
    /// Default: 7 days; a day with scouts.
    pub fn recheck_after(mut self, recheck_after: Duration) -> Heartbeat {
        self.recheck_after = Some(recheck_after);
        self
    }

    /// A duration given at scale 1, at this heartbeat's scale.
    pub(crate) fn unit(&self, at_one: Duration) -> Duration {
        if self.scale == 1.0 { at_one } else { at_one.mul_f64(self.scale) }
    }

    /// Refuses settings that cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field.
    pub fn check(&self) -> Result<(), Invalid> {
        const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
        if !(self.scale.is_finite() && (1e-6..=1e6).contains(&self.scale)) {
            return Err(Invalid::new("heartbeat.scaled", "the factor must lie between 1e-6 and 1e6"));
        }
        if self.start.is_zero() {
            return Err(Invalid::new("heartbeat.start", "must not be zero"));
        }
        if self.min.is_zero() {
            return Err(Invalid::new("heartbeat.min", "must not be zero"));
        }
        if self.max > LONGEST {
            return Err(Invalid::new("heartbeat.max", "must not exceed a year"));
        }
        if self.min > self.max {
            return Err(Invalid::new("heartbeat.min", "must not exceed heartbeat.max"));
        }
        if self.start < self.min || self.start > self.max {
            return Err(Invalid::new("heartbeat.start", "must lie between heartbeat.min and heartbeat.max"));
        }
        if !(1..=16).contains(&self.misses) {
            return Err(Invalid::new("heartbeat.misses", "must lie between 1 and 16"));
        }
        if self.recheck_after.is_some_and(|after| after.is_zero() || after > LONGEST) {
            return Err(Invalid::new("heartbeat.recheck_after", "must lie between 1 ns and a year"));
        }
        match self.growth {
            Growth::Ladder => {}
            Growth::Factor(factor) if factor.is_finite() && factor > 1.0 => {}
            Growth::Factor(_) => {
                return Err(Invalid::new("heartbeat.growth", "the factor must be above 1"));
            }
            Growth::Step(step) if !step.is_zero() => {}
            Growth::Step(_) => {
                return Err(Invalid::new("heartbeat.growth", "the step must not be zero"));
            }
        }
        Ok(())
    }
}
