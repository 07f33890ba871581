//! Makes every [`Moment`]: the one place that reads a clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::keeper::Moment;

/// Steps of the sleep clock below this are noise: the two system clocks
/// behind it cannot be read at the same instant. Suspends are far longer.
const NOISE: Duration = Duration::from_millis(10);

/// Two clocks in one: time awake from tokio, so that a paused clock works, and
/// time asleep from the system, where it tells.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    /// The reading of the system's sleep clock at the origin.
    base: Duration,
    /// Time asleep since the origin in nanoseconds; never decreases.
    asleep: AtomicU64,
    #[cfg(any(test, feature = "test-util"))]
    suspend: Option<Suspend>,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock {
            origin: Instant::now(),
            base: system_sleep(),
            asleep: AtomicU64::new(0),
            #[cfg(any(test, feature = "test-util"))]
            suspend: None,
        }
    }

    /// A clock whose machine sleeps when `suspend` says so, instead of when
    /// the system does.
    #[cfg(any(test, feature = "test-util"))]
    pub(crate) fn with_suspend(suspend: Suspend) -> Clock {
        let base = suspend.asleep();
        Clock { base, suspend: Some(suspend), ..Clock::new() }
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Moment {
        let awake = self.origin.elapsed();
        let told = self.told_sleep().saturating_sub(self.base);
        let known = self.asleep();
        let asleep = if told >= known + NOISE {
            let nanos = u64::try_from(told.as_nanos()).unwrap_or(u64::MAX);
            Duration::from_nanos(self.asleep.fetch_max(nanos, Ordering::Relaxed).max(nanos))
        } else {
            known
        };
        Moment::new(awake, asleep)
    }

    /// The instant of `moment` on tokio's clock, if the machine does not sleep
    /// before.
    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        /// 30 years: never, for a connection, and still within every platform's clock.
        const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        self.origin + moment.elapsed().saturating_sub(self.asleep()).min(NEVER)
    }

    fn asleep(&self) -> Duration {
        Duration::from_nanos(self.asleep.load(Ordering::Relaxed))
    }

    fn told_sleep(&self) -> Duration {
        #[cfg(any(test, feature = "test-util"))]
        if let Some(suspend) = &self.suspend {
            return suspend.asleep();
        }
        system_sleep()
    }
}

/// How long the machine has slept since it booted: the clock that runs in
/// sleep minus the one that does not. The former is read first, so that an
/// interruption between the two makes the difference smaller, never larger.
#[cfg(target_os = "linux")]
pub(crate) fn system_sleep() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| {
        let time = clock_gettime(clock);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    let running = read(ClockId::Boottime);
    running.saturating_sub(read(ClockId::Monotonic))
}

/// Other systems do not tell how long they slept.
#[cfg(not(target_os = "linux"))]
fn system_sleep() -> Duration {
    Duration::ZERO
}

/// Puts a connection's machine to sleep, as far as its clock can tell. For
/// tests; see [`Builder::suspend`](crate::Builder::suspend).
///
/// Clones share the sleep.
#[cfg(any(test, feature = "test-util"))]
#[derive(Clone, Debug, Default)]
pub struct Suspend(std::sync::Arc<AtomicU64>);

#[cfg(any(test, feature = "test-util"))]
impl Suspend {
    /// A machine that has not slept yet.
    pub fn new() -> Suspend {
        Suspend::default()
    }

    /// The machine has just slept for this long: time on the sleep clock goes
    /// on by as much, time on the clock that timers use does not.
    pub fn slept(&self, lasted: Duration) {
        self.0.fetch_add(u64::try_from(lasted.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn asleep(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pitfall_45_time_counts_sleep() {
        let suspend = Suspend::new();
        let clock = Clock::with_suspend(suspend.clone());
        let before = clock.now();
        tokio::time::advance(Duration::from_secs(2)).await;
        suspend.slept(Duration::from_secs(600));
        let after = clock.now();
        assert_eq!(after.since(before), Duration::from_secs(602));
        assert_eq!(after.slept_since(before), Duration::from_secs(600));
        let in_a_minute = after + Duration::from_secs(60);
        assert_eq!(clock.instant(in_a_minute) - Instant::now(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn noise_of_the_sleep_clock_is_not_sleep() {
        let suspend = Suspend::new();
        let clock = Clock::with_suspend(suspend.clone());
        suspend.slept(Duration::from_millis(9));
        assert_eq!(clock.now(), Moment::ORIGIN);
        suspend.slept(Duration::from_millis(1));
        assert_eq!(clock.now(), Moment::new(Duration::ZERO, Duration::from_millis(10)));
    }

    #[test]
    fn the_systems_sleep_clock_is_steady() {
        let clock = Clock::new();
        let first = clock.now();
        for _ in 0..1_000 {
            assert_eq!(clock.now().slept_since(first), Duration::ZERO);
        }
    }
}
