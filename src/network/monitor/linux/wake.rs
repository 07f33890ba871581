//! Notices that the machine has slept.
//!
//! A timer on the wall clock that never goes off, but which the kernel cancels
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

/// How long the machine has slept since it booted.
pub(super) type SleepClock = fn() -> Duration;

/// Waits for the machine to wake.
#[derive(Debug)]
pub(super) struct Wake {
    timer: AsyncFd<OwnedFd>,
    asleep: SleptFor,
}

impl Wake {
    pub(super) fn new(clock: SleepClock) -> io::Result<Wake> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        arm(&timer)?;
        let timer = super::ready::readable(timer)?;
        Ok(Wake { timer, asleep: SleptFor::new(clock) })
    }

    /// Waits until the machine has slept for two seconds or longer. Returns
    /// an error if that cannot be told any more. May be dropped while it waits.
    pub(super) async fn slept(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.timer.readable().await?;
            // Read or not: a timer that is set again is not ready.
            arm(ready.get_inner())?;
            ready.clear_ready();
            if self.asleep.has_slept() {
                return Ok(());
            }
        }
    }
}

/// Sets the timer to a time that does not come.
fn arm(timer: &OwnedFd) -> io::Result<()> {
    /// In the year 2200.
    const NEVER: Timespec = Timespec { tv_sec: 7_258_118_400, tv_nsec: 0 };
    const NO_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    match timerfd_settime(timer, flags, &Itimerspec { it_interval: NO_INTERVAL, it_value: NEVER }) {
        // So says the kernel where the timer was cancelled before it was set
        // again; it is set all the same.
        Ok(_) | Err(Errno::CANCELED) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Tells a sleep from a clock that was set.
#[derive(Debug)]
struct SleptFor {
    clock: SleepClock,
    before: Duration,
}

impl SleptFor {
    fn new(clock: SleepClock) -> SleptFor {
        SleptFor { clock, before: clock() }
    }

    fn has_slept(&mut self) -> bool {
        let now = (self.clock)();
        let slept = now.saturating_sub(self.before) >= SLEPT;
        if slept {
            self.before = now;
        }
        slept
    }
}
