//! Time as the keeper sees it: two clocks in one value.

use std::cmp::Ordering;
use std::ops::Add;
use std::time::Duration;

/// A point in time: how long the process's machine has been awake since some
/// origin, and how long it has been asleep (suspended) since then.
///
/// A middlebox's idle timer runs while a laptop sleeps, but the monotonic
/// clock of most systems does not. So gaps are measured over both clocks
/// ([`Moment::since`]), and a suspend can be told from a busy moment
/// ([`Moment::slept_since`]). The keeper never reads a clock: its driver
/// makes every `Moment`, and all moments of one keeper share one origin.
///
/// Moments are ordered by the total time since their origin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    // Nanoseconds: enough for five centuries, and half the size of durations.
    awake: u64,
    asleep: u64,
}

impl Moment {
    /// The origin: nothing has passed on either clock.
    pub const ORIGIN: Moment = Moment { awake: 0, asleep: 0 };

    /// A moment `awake` and `asleep` after the origin.
    pub const fn new(awake: Duration, asleep: Duration) -> Moment {
        Moment { awake: nanos(awake), asleep: nanos(asleep) }
    }

    /// Time since the origin on both clocks together.
    pub const fn elapsed(self) -> Duration {
        Duration::from_nanos(self.total())
    }

    /// Time since `earlier`, sleep included; zero if `earlier` is later.
    pub const fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.total().saturating_sub(earlier.total()))
    }

    /// How much of the time since `earlier` was spent asleep.
    pub const fn slept_since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.asleep.saturating_sub(earlier.asleep))
    }

    const fn total(self) -> u64 {
        self.awake.saturating_add(self.asleep)
    }
}

/// A duration in nanoseconds, at most five centuries.
const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}

/// Later by `rhs`, all of it awake.
impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, rhs: Duration) -> Moment {
        Moment { awake: self.awake.saturating_add(nanos(rhs)), asleep: self.asleep }
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Moment) -> bool {
        self.total() == other.total()
    }
}

impl Eq for Moment {}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Moment) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Moment) -> Ordering {
        self.total().cmp(&other.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_counts_as_time_and_can_be_told_apart() {
        let before = Moment::new(Duration::from_secs(10), Duration::from_secs(1));
        let after = Moment::new(Duration::from_secs(12), Duration::from_secs(601));
        assert_eq!(after.since(before), Duration::from_secs(602));
        assert_eq!(after.slept_since(before), Duration::from_secs(600));
        assert_eq!(before.since(after), Duration::ZERO);
    }

    #[test]
    fn a_deadline_is_compared_over_both_clocks() {
        let deadline = Moment::ORIGIN + Duration::from_secs(60);
        assert!(Moment::new(Duration::from_secs(1), Duration::from_secs(100)) > deadline);
    }

    #[test]
    fn moments_are_equal_whatever_was_spent_asleep() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        let awake = Moment::new(minute, second);
        let asleep = Moment::new(second, minute);
        assert_eq!(awake, asleep);
        assert_eq!(awake.partial_cmp(&asleep), Some(Ordering::Equal));
        assert!(awake < asleep + second && awake != asleep + second);
        assert_eq!((asleep + second).elapsed(), Duration::from_secs(62));
        assert_eq!((asleep + second).slept_since(awake), Duration::from_secs(59));
    }

    #[test]
    fn time_ends_after_five_centuries_and_does_not_begin_anew() {
        let end = Moment::new(Duration::MAX, Duration::ZERO);
        assert_eq!(end.elapsed(), Duration::from_nanos(u64::MAX));
        assert_eq!(Moment::new(Duration::from_secs(1 << 40), Duration::ZERO), end);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Moment::new(Duration::MAX, Duration::MAX), end);
        let last = Duration::from_nanos(u64::MAX - 1);
        assert_eq!(Moment::new(last, Duration::ZERO).elapsed(), last);
        assert_eq!(end.since(Moment::ORIGIN + last), Duration::from_nanos(1));
    }
}
