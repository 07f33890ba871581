//! Notices that the machine has slept.
//!
//! A timer on the wall clock never goes off, but the kernel cancels it
//! when that clock is set: by somebody, or by the kernel as the machine wakes.
//! Only after a sleep has the clock that runs in sleep gone ahead of the one
//! that does not.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A shorter sleep is not told: no path forgets a link so soon.
const SLEPT: Duration = Duration::from_secs(2);

/// Waits for the machine to wake. `C` says how long it has slept since it
/// booted.
#[derive(Debug)]
pub(super) struct WakeTimer<C> {
    timer: AsyncFd<OwnedFd>,
    clock: C,
    /// The last reading of the clock.
    before: Duration,
}

impl<C: Fn() -> Duration> WakeTimer<C> {
    pub(super) fn new(clock: C) -> io::Result<WakeTimer<C>> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        arm(&timer)?;
        let timer = super::ready::readable(timer)?;
        let before = clock();
        Ok(WakeTimer { timer, clock, before })
    }

    /// Waits until the machine has slept for two seconds or longer. Returns
    /// an error if the timer cannot tell any more. May be dropped while it waits.
    pub(super) async fn slept(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.timer.readable().await?;
            // A timer that is set again is not ready, read or not.
            ready.clear_ready();
            arm(ready.get_inner())?;
            let asleep = (self.clock)();
            if asleep.saturating_sub(self.before) >= SLEPT {
                self.before = asleep;
                return Ok(());
            }
        }
    }
}

/// Sets the timer to a time that never comes.
fn arm(timer: &OwnedFd) -> io::Result<()> {
    /// In the year 2200.
    const NEVER: Timespec = Timespec { tv_sec: 7_258_118_400, tv_nsec: 0 };
    const NO_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    match timerfd_settime(timer, flags, &Itimerspec { it_interval: NO_INTERVAL, it_value: NEVER }) {
        // The kernel answers so where the timer was cancelled before it was set
        // again; it is set all the same.
        Ok(_) | Err(Errno::CANCELED) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Makes the timer ready, as its cancellation does.
    fn set_off(wake: &WakeTimer<impl Fn() -> Duration>) {
        let past = Timespec { tv_sec: 1, tv_nsec: 0 };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let time = Itimerspec { it_interval: never, it_value: past };
        timerfd_settime(wake.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &time).unwrap();
    }

    async fn says_slept(wake: &mut WakeTimer<impl Fn() -> Duration>) -> bool {
        tokio::time::timeout(Duration::from_secs(10), wake.slept()).await.is_ok_and(|slept| slept.is_ok())
    }

    async fn says_nothing(wake: &mut WakeTimer<impl Fn() -> Duration>) -> bool {
        tokio::time::timeout(Duration::from_millis(50), wake.slept()).await.is_err()
    }

    #[tokio::test]
    async fn a_clock_that_is_set_is_no_wake_and_a_sleep_is() {
        let asleep = AtomicU64::new(70_000);
        let mut wake = WakeTimer::new(|| Duration::from_millis(asleep.load(Ordering::Relaxed))).unwrap();
        assert!(says_nothing(&mut wake).await, "nothing happened");
        set_off(&wake);
        assert!(says_nothing(&mut wake).await, "the clock was set");
        asleep.fetch_add(1_999, Ordering::Relaxed);
        set_off(&wake);
        assert!(says_nothing(&mut wake).await, "it slept too shortly");
        asleep.fetch_add(1, Ordering::Relaxed);
        set_off(&wake);
        assert!(says_slept(&mut wake).await);
        assert!(says_nothing(&mut wake).await, "told once");
        set_off(&wake);
        assert!(says_nothing(&mut wake).await, "told once");
        asleep.fetch_add(3_600_000, Ordering::Relaxed);
        set_off(&wake);
        assert!(says_slept(&mut wake).await, "another sleep");
    }
}
