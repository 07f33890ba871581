//! News from around: the network comes and goes, the machine wakes. Hints,
//! never verdicts: a link is probed, a wait is cut short.

use std::time::Duration;

use super::in_use::Loss;
use super::opening::OFFLINE_RHYTHM;
use super::{Course, Keeper};
use crate::keeper::{Because, Config, Dice, Event, Ground, Moment, NetworkStatus, Seen};

/// After a wake what waits is read for this long before the probe.
const WAKE_READING: Duration = Duration::from_secs(1);
/// Asleep for longer, a link is not worth a probe.
const SLEPT_TOO_LONG: Duration = Duration::from_secs(600);
/// An address or route change is let to settle before the probe.
const CHANGE_SETTLES: Duration = Duration::from_millis(250);
/// What is left of a delay when good news comes: a draw from this.
const ADVANCED: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
/// Good news within this of the last is the same burst.
const BURST: Duration = Duration::from_secs(2);
/// An attempt older than this when good news comes was begun on a dead path.
const ATTEMPT_STALE: Duration = Duration::from_secs(1);

impl Keeper {
    /// The host says something of the network.
    pub fn handle_network(&mut self, status: NetworkStatus, now: Moment) {
        self.settle_time(now);
        if matches!(self.course, Course::Idle | Course::Closing | Course::Finished(_)) {
            return;
        }
        let event = match status {
            NetworkStatus::Online => Event::NetworkOnline,
            NetworkStatus::Offline => Event::NetworkOffline,
            NetworkStatus::Changed => Event::NetworkChanged,
            // `settle_time` has seen the sleep.
            NetworkStatus::Woke => return,
        };
        self.emit(event);
        self.network_moved(now);
        match status {
            NetworkStatus::Offline => {
                self.offline = true;
                self.renew_pace(now);
                self.slow_down(now);
            }
            NetworkStatus::Online => {
                self.offline = false;
                self.renew_pace(now);
                self.migrate();
                self.with_watch(now, |watch| watch.probe(now));
                self.advance(Because::Network, now);
            }
            NetworkStatus::Changed => {
                self.offline = false;
                self.renew_pace(now);
                self.migrate();
                let settled = now + self.config.heartbeat.unit(CHANGE_SETTLES);
                if let Some((_, main)) = self.main_mut_any() {
                    main.watch.bring_forward(settled, true);
                }
                self.advance(Because::Network, now);
            }
            NetworkStatus::Woke => {}
        }
        self.plan_scouts(now);
    }

    /// Nothing up to now says anything about idleness: the network may be
    /// another.
    pub(super) fn network_moved(&mut self, now: Moment) {
        if let Some(inquest) = &mut self.inquest {
            inquest.spoiled = Some(Ground::NetworkEvent);
        }
        if let Some((_, main)) = self.main_mut_any() {
            main.watch.spoil();
            main.shaken = Some(Ground::NetworkEvent);
        }
        self.void_scouts(now);
    }

    pub(super) fn wake(&mut self, slept: Duration, now: Moment) {
        if matches!(self.course, Course::Idle | Course::Closing | Course::Finished(_)) {
            return;
        }
        self.emit(Event::Slept { lasted: slept });
        if let Some(inquest) = &mut self.inquest {
            inquest.spoiled = Some(Ground::Suspended);
        }
        self.void_scouts(now);
        let probe_at = now + self.config.heartbeat.unit(WAKE_READING);
        let too_long = slept >= self.config.heartbeat.unit(SLEPT_TOO_LONG);
        match self.main_mut_any() {
            Some(_) if too_long => self.lose(Loss::of(Seen::Slept), now),
            Some((_, main)) => {
                main.watch.wake(probe_at);
                main.message = now;
                main.shaken = Some(Ground::Suspended);
            }
            None => self.advance(Because::Woke, now),
        }
        self.plan_scouts(now);
    }

    /// Good news: an attempt soon. Once a burst.
    fn advance(&mut self, because: Because, now: Moment) {
        let burst = self.config.reconnect.unit(BURST);
        if self.advanced.is_some_and(|last| now.since(last) < burst) {
            return;
        }
        let drawn = |dice: &mut Dice, config: &Config| {
            dice.between(config.reconnect.unit(ADVANCED.0), config.reconnect.unit(ADVANCED.1))
        };
        match self.course {
            Course::Waiting { until, firm: false } => {
                self.advanced = Some(now);
                let left = until.since(now);
                let delay = left.min(drawn(&mut self.dice, &self.config));
                self.course = Course::Waiting { until: now + delay, firm: false };
                self.emit(Event::ReconnectAdvanced { delay, because });
            }
            Course::Underway => {
                let stale = self.config.reconnect.unit(ATTEMPT_STALE);
                if self.opening().is_some_and(|(.., since)| now.since(since) >= stale) {
                    self.advanced = Some(now);
                    self.abandon_opening();
                    let delay = drawn(&mut self.dice, &self.config);
                    self.course = Course::Waiting { until: now + delay, firm: false };
                    self.emit(Event::ReconnectAdvanced { delay, because });
                }
            }
            Course::Waiting { firm: true, .. } | Course::Idle | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// The network is reported gone: one try a minute all the same.
    fn slow_down(&mut self, now: Moment) {
        if let Course::Waiting { until, firm } = self.course {
            let rhythm = self.config.reconnect.unit(OFFLINE_RHYTHM);
            if until.since(now) < rhythm {
                let delay = self.dice.shorter(rhythm, 0.1);
                self.course = Course::Waiting { until: now + delay, firm };
                let attempt = self.backoff.next_attempt();
                self.emit(Event::ReconnectScheduled { attempt, delay, because: Because::Offline });
            }
        }
    }
}
