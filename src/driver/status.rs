//! The parts of a driver that the application may read: state, events, statistics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::watch;

use super::dispatch::EventBus;
use crate::clock::Clock;
use crate::keeper::Moment;
use crate::shared::{Error, Stats};
use crate::transport::ConnectError;
use crate::{GiveUp, KeeperStats, State};

/// The public side of a driver: state, events, statistics, and how the driver finished.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) clock: Clock,
    pub(crate) bus: Arc<EventBus>,
    pub(crate) state: watch::Sender<State>,
    pub(crate) tally: Counters,
    keeper: Mutex<Snapshot>,
    finish: OnceLock<DriverEnd>,
}

/// How the driver finished.
#[derive(Clone, Debug)]
pub(crate) enum DriverEnd {
    /// Closed by the application.
    Closed,
    /// Given up.
    GaveUp { reason: GiveUp, source: Option<Arc<ConnectError>> },
    /// The runtime dropped the driver.
    Stopped,
}

impl DriverEnd {
    /// The error that the stream ends with: none where the application closed.
    pub(crate) fn stream_error(&self) -> Option<Error> {
        match self {
            DriverEnd::Closed => None,
            DriverEnd::GaveUp { .. } | DriverEnd::Stopped => Some(self.error()),
        }
    }

    /// The error for a task that waited for something else than the close.
    pub(crate) fn error(&self) -> Error {
        match self {
            DriverEnd::Closed => Error::Closed,
            DriverEnd::GaveUp { reason, source } => {
                Error::GaveUp { reason: reason.clone(), source: source.clone() }
            }
            DriverEnd::Stopped => Error::Stopped,
        }
    }
}

/// The keeper's statistics, and when they were taken.
#[derive(Clone, Copy, Debug, Default)]
struct Snapshot {
    stats: KeeperStats,
    at: Moment,
    connected: bool,
}

/// The driver's own counters.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) messages_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) messages_dropped: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) wake_ups: AtomicU64,
}

impl Counters {
    /// Adds to a counter that only the driver's task writes.
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        if count > 0 {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl Status {
    pub(crate) fn new(clock: Clock) -> Status {
        Status {
            clock,
            bus: Arc::default(),
            state: watch::Sender::new(State::Connecting { attempt: 1 }),
            tally: Counters::default(),
            keeper: Mutex::default(),
            finish: OnceLock::new(),
        }
    }

    /// Publishes the keeper's statistics.
    pub(crate) fn show_stats(&self, stats: KeeperStats, connected: bool, at: Moment) {
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Snapshot { stats, at, connected };
    }

    /// Publishes the state to those who wait for it to change.
    pub(crate) fn show_state(&self, state: State) {
        self.state.send_if_modified(|shown| {
            let changed = *shown != state;
            *shown = state;
            changed
        });
    }

    /// Notes how the driver finished. The first call counts.
    pub(crate) fn finish(&self, finish: DriverEnd) {
        let state = match &finish {
            DriverEnd::Closed | DriverEnd::Stopped => State::Closed,
            DriverEnd::GaveUp { .. } => State::GaveUp,
        };
        if self.finish.set(finish).is_ok() {
            self.state.send_replace(state);
        }
    }

    /// How the driver finished, if it did.
    pub(crate) fn finished(&self) -> Option<&DriverEnd> {
        self.finish.get()
    }

    pub(crate) fn stats(&self) -> Stats {
        let Snapshot { stats: mut keeper, at, connected } =
            *self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if self.finish.get().is_none() {
            let since = self.clock.now().since(at);
            if connected {
                keeper.uptime += since;
            } else {
                keeper.downtime += since;
            }
        }
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            keeper,
            messages_received: read(&self.tally.messages_in),
            messages_sent: read(&self.tally.messages_out),
            messages_dropped: read(&self.tally.messages_dropped),
            bytes_received: read(&self.tally.bytes_in),
            bytes_sent: read(&self.tally.bytes_out),
            events_dropped: self.bus.dropped(),
            panics: read(&self.tally.panics) + keeper.policy_panics,
            wake_ups: read(&self.tally.wake_ups),
        }
    }
}
