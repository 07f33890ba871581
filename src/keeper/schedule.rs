//! When to dial: after which event, how soon, and whether at all.
//!
//! These files know of a link only how it ended, and nothing of the lessons about
//! a path.

mod backoff;
mod classify;
mod news;
mod phase;

pub(super) use backoff::{Backoff, Ending, Wait};
pub(super) use classify::of_failure;
pub(super) use news::{BURST, NetworkBelief, News, OFFLINE_RHYTHM};
pub(super) use phase::{Phase, Waiting};

use std::time::Duration;

use super::config::Reconnect;
use super::dice::Dice;
use super::event::{Event, RetryReason};
use super::good_news::GoodNews;
use super::moment::Moment;
use super::state::Finish;

/// An attempt whose path is not there yet, and that is older than this when good
/// news comes, began while there was no network.
const ATTEMPT_STALE: Duration = Duration::from_secs(1);
/// An attempt that has a path, or is younger, has this long left after good news:
/// its path may be the old one.
const ATTEMPT_DOUBTED: Duration = Duration::from_secs(3);

/// When to dial the connection's one route.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) phase: Phase,
    pub(super) backoff: Backoff,
    pub(super) news: News,
    /// When the last attempt began.
    tried: Option<Moment>,
}

/// The fate of an attempt that began before good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttemptFate {
    /// The attempt goes on as it was.
    None,
    /// The attempt goes on, but not beyond this.
    Until(Moment),
    /// The attempt is dropped, and another made soon.
    Drop,
}

impl Schedule {
    pub(super) fn new(reconnect: Reconnect) -> Schedule {
        Schedule { phase: Phase::Idle, backoff: Backoff::new(reconnect), news: News::default(), tried: None }
    }

    fn reconnect(&self) -> &Reconnect {
        self.backoff.policy()
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Closing | Phase::Finished(_))
    }

    /// Whether the network is reported gone, and nothing has shown otherwise.
    pub(super) fn is_cut_off(&self) -> bool {
        self.news.network() == NetworkBelief::Gone
    }

    /// An attempt begins. Returns its number, and the news that came too late for it.
    pub(super) fn begin(&mut self, now: Moment) -> (u32, Option<GoodNews>) {
        let mut held = None;
        if let Phase::Waiting(waiting) = &self.phase {
            held = waiting.held.and_then(|held| news::unserved(held, self.backoff.policy(), now));
            if waiting.granted.is_some() {
                self.news.advances(now);
            }
        }
        self.phase = Phase::Underway;
        self.tried = Some(now);
        (self.backoff.begin(), held)
    }

    // Commands of the application.

    /// No link is dialled until the connection is resumed, and not before a time that
    /// the server named.
    pub(super) fn pause(&mut self) {
        let not_before = match &self.phase {
            Phase::Waiting(waiting) => waiting.firm,
            Phase::Idle | Phase::Underway | Phase::Paused { .. } | Phase::Closing | Phase::Finished(_) => {
                None
            }
        };
        self.phase = Phase::Paused { not_before };
    }

    /// No link is dialled any more.
    pub(super) fn close(&mut self) {
        self.phase = Phase::Closing;
    }

    /// The connection is over.
    pub(super) fn finish(&mut self, finish: Finish) {
        self.phase = Phase::Finished(finish);
    }

    // Waiting.

    /// Waits for the next attempt. Good news that came too late for the last attempt
    /// cuts the wait short.
    pub(super) fn wait(
        &mut self,
        wait: Wait,
        held: Option<GoodNews>,
        dice: &mut Dice,
        now: Moment,
    ) -> [Option<Event>; 2] {
        let Wait { mut delay, mut reason, firm } = wait;
        let firm = firm.then(|| now + delay);
        if self.is_cut_off()
            && let Some(later) = self.once_a_minute(dice).filter(|later| *later > now + delay)
        {
            delay = later.since(now);
            reason = RetryReason::Offline;
        }
        self.phase = Phase::Waiting(Waiting { until: now + delay, firm, granted: None, held: None });
        let scheduled = self.scheduled(delay, reason);
        let advanced = held.and_then(|held| self.advance(held.reason, dice, now));
        [Some(scheduled), advanced]
    }

    /// Waits until the server's own time has come.
    pub(super) fn wait_for_server(&mut self, until: Moment, now: Moment) -> Event {
        let firm = Some(until);
        self.phase = Phase::Waiting(Waiting { until, firm, granted: None, held: None });
        self.scheduled(until.since(now), RetryReason::RetryAfter)
    }

    fn scheduled(&self, delay: Duration, reason: RetryReason) -> Event {
        Event::ReconnectScheduled { attempt: self.backoff.next_attempt(), delay, reason }
    }

    /// Good news during a wait: an attempt soon. Never two within a burst.
    pub(super) fn advance(&mut self, reason: RetryReason, dice: &mut Dice, now: Moment) -> Option<Event> {
        let Phase::Waiting(waiting) = self.phase else { return None };
        let granted = self.news.grant(waiting.granted, reason, self.reconnect(), dice, now);
        let soon = granted.max(waiting.firm.unwrap_or(now));
        let comes_sooner = soon < waiting.until;
        let until = waiting.until.min(soon);
        let held = if comes_sooner { waiting.held } else { Some(GoodNews { came: now, reason }) };
        self.phase = Phase::Waiting(Waiting { until, granted: Some(granted), held, ..waiting });
        comes_sooner.then(|| Event::ReconnectAdvanced { delay: soon.since(now), reason })
    }

    /// The network is reported gone: one attempt a minute all the same, however
    /// often the host says so. Where something has shown otherwise, the report
    /// changes nothing.
    pub(super) fn slow_down(&mut self, dice: &mut Dice, now: Moment) -> Option<Event> {
        let Phase::Waiting(waiting) = self.phase else { return None };
        if !self.is_cut_off() {
            return None;
        }
        let until = self.once_a_minute(dice).filter(|later| *later > waiting.until.max(now))?;
        self.phase = Phase::Waiting(Waiting { until, ..waiting });
        Some(self.scheduled(until.since(now), RetryReason::Offline))
    }

    /// A minute after the last attempt began, or a little less.
    fn once_a_minute(&self, dice: &mut Dice) -> Option<Moment> {
        let rhythm = dice.shorter(self.reconnect().unit(OFFLINE_RHYTHM), 0.1);
        self.tried.map(|tried| tried + rhythm)
    }

    // An attempt under way.

    /// Good news during an attempt that began before it. News that somebody looks
    /// says nothing about the attempt's way.
    pub(super) fn doubt(
        &self,
        began: Moment,
        has_path: bool,
        reason: RetryReason,
        now: Moment,
    ) -> AttemptFate {
        let reconnect = self.backoff.policy();
        if reason == RetryReason::Foreground || self.news.has_just_advanced(began, reconnect, now) {
            AttemptFate::None
        } else if has_path || now.since(began) < reconnect.unit(ATTEMPT_STALE) {
            AttemptFate::Until(now + reconnect.unit(ATTEMPT_DOUBTED))
        } else {
            AttemptFate::Drop
        }
    }

    /// The attempt under way was dropped for good news: another is made soon.
    pub(super) fn try_anew(&mut self, reason: RetryReason, dice: &mut Dice, now: Moment) -> Event {
        self.backoff.take_back();
        let until = self.news.grant(None, reason, self.reconnect(), dice, now);
        let granted = Some(until);
        self.phase = Phase::Waiting(Waiting { until, firm: None, granted, held: None });
        Event::ReconnectAdvanced { delay: until.since(now), reason }
    }
}
